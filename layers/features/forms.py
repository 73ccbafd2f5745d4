"""The forms of a kind and of its attributes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from layers.features.attributes import SEPARATORS
from layers.features.models import Kind
from layers.features.registry import LAYERS
from layers.features.signs import SIGNS

KEY = RegexValidator(r"^[a-z][a-z0-9_]{0,39}$", _("以小写字母开头, 只用小写字母、数字和下划线"))
COLOUR = RegexValidator(r"^#[0-9a-fA-F]{6}$", _("颜色应为 #rrggbb"))
TYPES = [
    ("text", _("文字")),
    ("number", _("数字")),
    ("integer", _("整数")),
    ("boolean", _("是否")),
    ("date", _("日期")),
    ("choice", _("单选")),
    ("choices", _("多选")),
]


class KindForm(forms.ModelForm):  # type: ignore[type-arg]
    """A kind; its layer and key are chosen once."""

    class Meta:
        model = Kind
        fields = ("layer", "key", "name", "name_en", "icon", "colour", "register", "sited", "position", "is_active")
        widgets = {"colour": forms.TextInput(attrs={"type": "color"}), "icon": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["layer"] = forms.ChoiceField(
            label=_("所属图层"), choices=[(layer.id, layer.name) for layer in LAYERS.values()]
        )
        self.fields["icon"] = forms.ChoiceField(
            label=_("图标"), choices=[(sign, sign) for sign in SIGNS], widget=forms.RadioSelect, initial=SIGNS[0]
        )
        # Not the model's own field: it would say the same in words of its own.
        self.fields["key"] = forms.CharField(label=_("代号"), max_length=40, validators=[KEY])
        self.fields["colour"].validators.append(COLOUR)
        for name in ("layer", "key") if self.instance.pk else ():
            self.fields[name].disabled = True

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        layer, key = cleaned.get("layer"), cleaned.get("key")
        bank = self.instance.institution
        known = Kind.objects.known_to(bank).filter(layer=layer, key=key).exclude(pk=self.instance.pk)
        if known.exists():
            self.add_error("key", _("这个图层已有此代号; 请换一个"))
        return cleaned


class AttributeForm(forms.Form):
    """One attribute of a kind's schema."""

    key = forms.CharField(label=_("代号"), max_length=40, validators=[KEY])
    name = forms.CharField(label=_("名称"), max_length=80)
    name_en = forms.CharField(label=_("英文名称"), max_length=80, required=False)
    type = forms.ChoiceField(label=_("填写方式"), choices=TYPES)
    choices = forms.CharField(label=_("选项"), max_length=1000, required=False, help_text=_("用、隔开"))
    unit = forms.CharField(label=_("单位"), max_length=20, required=False)
    required = forms.BooleanField(label=_("必填"), required=False)
    scored = forms.BooleanField(label=_("计入完备度"), required=False)

    def has_changed(self) -> bool:
        """A browser sends the first type with a row that is left empty: a type alone says nothing."""
        return bool(set(self.changed_data) - {"type"})

    def clean_choices(self) -> list[str]:
        return list(
            dict.fromkeys(word.strip() for word in SEPARATORS.split(self.cleaned_data["choices"]) if word.strip())
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("type") in {"choice", "choices"} and not cleaned.get("choices"):
            self.add_error("choices", _("请列出选项, 用、隔开"))
        if cleaned.get("scored") and cleaned.get("type") != "boolean":
            self.add_error("scored", _("只有“是否”可以计入完备度"))
        return cleaned

    def schema(self) -> dict[str, Any]:
        """As it is kept with the kind: without what is empty."""
        kept = {name: value for name, value in self.cleaned_data.items() if value and name != "DELETE"}
        if kept["type"] not in {"choice", "choices"}:
            kept.pop("choices", None)
        return kept


class AttributesFormSet(forms.BaseFormSet):  # type: ignore[type-arg]
    """The attributes of a kind, each with a key of its own."""

    def clean(self) -> None:
        keys = [form.cleaned_data.get("key") for form in self.kept()]
        if len(keys) != len(set(keys)):
            raise forms.ValidationError(_("两个属性的代号相同; 请改其中一个"))

    def kept(self) -> list[Any]:
        """The forms that say something and are not to be deleted."""
        return [
            form
            for form in self.forms
            if getattr(form, "cleaned_data", None)
            and form.has_changed() | bool(form.initial)
            and form not in self.deleted_forms
        ]


AttributesForms = forms.formset_factory(
    AttributeForm, formset=AttributesFormSet, extra=3, can_delete=True, max_num=60, validate_max=True
)


def initial_of(kind: Kind) -> list[dict[str, Any]]:
    """A kind's attributes as the formset begins."""
    return [attribute | {"choices": "、".join(attribute.get("choices", ()))} for attribute in kind.attributes]
