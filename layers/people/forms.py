"""The forms of the pages: they read and check what is typed; what it does is decided by the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.gis.geos import LineString, Point
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers.audit.models import UnmaskSettings
from layers.facilities.models import OutletMonth, OutletStandard
from layers.grids.models import SRID
from layers.orgs.models import Institution, User
from layers.people.outlets import REPORTED
from layers.people.pick import StaffField
from layers.staff.layer import kinds_to_choose
from layers.staff.models import Assessment, Assignment, Post, Staff, StaffSettings, Term
from layers.staff.vocabulary import terms


class DateInput(forms.DateInput):
    """The browser's own date field."""

    input_type = "date"

    def __init__(self, **attributes: Any) -> None:
        super().__init__(attrs=attributes, format="%Y-%m-%d")


def day_field(label: Any, *, required: bool = True, **more: Any) -> forms.DateField:
    return forms.DateField(label=label, required=required, widget=DateInput(), **more)


class AssignForm(forms.Form):
    """Who takes charge, as what, from when to when."""

    staff = StaffField()
    role = forms.ChoiceField(label=gettext_lazy("角色"))
    kind = forms.ChoiceField(label=gettext_lazy("岗位"), choices=Assignment.Kind.choices)
    day = day_field(gettext_lazy("自"))
    until = day_field(gettext_lazy("至"), required=False, help_text=gettext_lazy("自当日起不再有效; 不填为长期"))
    share = forms.IntegerField(label=gettext_lazy("归属比例 (%)"), min_value=1, max_value=100, initial=100)
    filing = forms.CharField(label=gettext_lazy("备案号"), max_length=60, required=False)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=300, required=False)

    def __init__(self, user: User, *args: Any, role: str = "worker", kind: str = "main", **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["staff"].offer(user)
        self.fields["role"].choices = list(terms("role", user.institution).items())
        self.fields["role"].initial, self.fields["kind"].initial = role, kind
        self.fields["day"].initial = timezone.localdate


class HandOverForm(forms.Form):
    """To whom, from which day on."""

    staff = StaffField(label=gettext_lazy("交接给"))
    day = day_field(gettext_lazy("自"))
    filing = forms.CharField(label=gettext_lazy("备案号"), max_length=60, required=False)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=300, required=False)

    def __init__(self, user: User, old: Assignment, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["staff"].offer(user, without=old.staff_id)
        self.fields["day"].initial = timezone.localdate


class EndForm(forms.Form):
    """The first day on which it no longer holds."""

    day = day_field(gettext_lazy("自哪一天起不再负责"), initial=timezone.localdate)


class PersonForm(forms.ModelForm):
    """What is on record of somebody; the base place as degrees of CGCS2000."""

    lon = forms.FloatField(label=gettext_lazy("常驻地点经度"), min_value=-180, max_value=180, required=False)
    lat = forms.FloatField(label=gettext_lazy("常驻地点纬度"), min_value=-90, max_value=90, required=False)
    duties = forms.MultipleChoiceField(label=gettext_lazy("职责"), required=False, widget=forms.CheckboxSelectMultiple)
    kind = forms.ChoiceField(label=gettext_lazy("类型"))
    supervisor = StaffField(label=gettext_lazy("直接上级"), leads=True, required=False)
    left_on = day_field(gettext_lazy("离岗日期"), required=False, help_text=gettext_lazy("自当日起不再任职"))

    class Meta:
        model = Staff
        fields = (
            "institution",
            "number",
            "name",
            "kind",
            "duties",
            "duty_text",
            "work_phone",
            "supervisor",
            "subsidy",
            "left_on",
            "lon",
            "lat",
        )
        widgets = {"duty_text": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, user: User, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        assert user.institution is not None
        own = Institution.objects.within(user.institution)
        self.fields["institution"].queryset = own
        self.initial["supervisor"] = self.instance.supervisor
        self.fields["supervisor"].offer(user, without=self.instance.pk, also=self.instance.supervisor)
        self.fields["kind"].choices = list(terms("staff", user.institution).items())
        self.fields["duties"].choices = list(terms("duty", user.institution).items())
        if self.instance.geom:
            self.fields["lon"].initial, self.fields["lat"].initial = self.instance.geom.coords

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        lon, lat = values.pop("lon", None), values.pop("lat", None)
        if (lon is None) != (lat is None):
            raise forms.ValidationError(_("经度和纬度须一起填写。"))
        values["geom"] = None if lon is None else Point(round(lon, 7), round(lat, 7), srid=SRID)
        return values


class PostForm(forms.ModelForm):
    """A post: one place for a point, more for a line, as degrees of CGCS2000."""

    kind = forms.ChoiceField(label=gettext_lazy("类型"))
    places = forms.CharField(
        label=gettext_lazy("位置 (经度, 纬度)"),
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "112.8966, 30.4027"}),
        help_text=gettext_lazy("每行一处; 一处为点, 多处依次连成线"),
    )

    class Meta:
        model = Post
        fields = ("institution", "code", "name", "kind", "duty_text", "partners", "restricted", "places")
        widgets = {"duty_text": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, user: User, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        assert user.institution is not None
        self.fields["institution"].queryset = Institution.objects.within(user.institution)
        self.fields["kind"].choices = kinds_to_choose(user, self.instance.kind)
        seen = Post.objects.visible_to(user).exclude(pk=self.instance.pk)
        self.fields["partners"].queryset = seen.order_by("institution__path", "code")
        if self.instance.geom:
            spots = self.instance.geom.coords
            spots = [spots] if self.instance.geom.geom_type == "Point" else spots
            self.fields["places"].initial = "\n".join(f"{lon}, {lat}" for lon, lat in spots)

    def clean_duty_text(self) -> str:
        """With line ends as files have them, so that what leaves comes back the same."""
        return "\n".join(self.cleaned_data["duty_text"].splitlines())

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        lines = [line for line in values.pop("places", "").splitlines() if line.strip()]
        try:
            spots = [tuple(round(float(word), 7) for word in line.split(",")) for line in lines]
            sound = all(len(spot) == 2 and abs(spot[0]) <= 180 and abs(spot[1]) <= 90 for spot in spots)
        except (ValueError, OverflowError):
            sound = False
        if lines and not (sound and len(set(spots)) == len(spots)):
            self.add_error("places", _("每行应为一处经度和纬度, 用逗号隔开, 互不重复。"))
        elif lines:
            values["geom"] = Point(*spots[0], srid=SRID) if len(spots) == 1 else LineString(*spots, srid=SRID)
        return values


class AbsenceForm(forms.Form):
    """Days on which somebody is away."""

    first_day = day_field(gettext_lazy("自"), initial=timezone.localdate)
    last_day = day_field(gettext_lazy("至"), help_text=gettext_lazy("含当日"))
    reason = forms.CharField(label=gettext_lazy("原因"), max_length=120, required=False)


class ItemForm(forms.Form):
    """What is handed out."""

    kind = forms.ChoiceField(label=gettext_lazy("类型"))
    number = forms.CharField(label=gettext_lazy("编号"), max_length=60)
    issued_on = day_field(gettext_lazy("发放日期"), initial=timezone.localdate)
    valid_until = day_field(gettext_lazy("有效期至"), required=False)

    def __init__(self, user: User, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["kind"].choices = list(terms("item", user.institution).items())


class RosterForm(forms.Form):
    """For whom, from when to when, and how many sit at the desk each day."""

    kind = forms.ChoiceField(label=gettext_lazy("类型"))
    first_day = day_field(gettext_lazy("自"))
    last_day = day_field(gettext_lazy("至"), help_text=gettext_lazy("含当日"))
    at_desk = forms.IntegerField(label=gettext_lazy("每天坐岗 (人)"), min_value=1, max_value=99, initial=1)

    def __init__(self, institution: Institution, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["kind"].choices = list(terms("staff", institution).items())


class OutletMonthForm(forms.ModelForm):
    """What an outlet reports for a month; a month that is on record is replaced."""

    month = forms.DateField(
        label=gettext_lazy("月份"),
        input_formats=["%Y-%m", "%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "month"}, format="%Y-%m"),
    )

    class Meta:
        model = OutletMonth
        fields = ("month", *REPORTED)

    def clean_month(self) -> Any:
        return self.cleaned_data["month"].replace(day=1)


class StandardForm(forms.ModelForm):
    """What outlets have to reach."""

    class Meta:
        model = OutletStandard
        exclude = ("institution",)


class UnmaskForm(forms.ModelForm):
    """How many records one person may see in full."""

    class Meta:
        model = UnmaskSettings
        exclude = ("institution",)


class AssessmentForm(forms.ModelForm):
    """What share of a month's subsidy somebody has earned, and why."""

    class Meta:
        model = Assessment
        fields = ("percent", "note")


class PhotoForm(forms.Form):
    """A photograph to take over."""

    photo = forms.FileField(
        label=gettext_lazy("照片"),
        help_text=gettext_lazy("JPEG、PNG 或 WebP, 不超过 5 MB"),
        widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )


class SettingsForm(forms.ModelForm):
    """How an institution arranges its people."""

    term_roles = forms.MultipleChoiceField(
        label=gettext_lazy("限期并须备案的角色"), required=False, widget=forms.CheckboxSelectMultiple
    )
    needed_items = forms.MultipleChoiceField(
        label=gettext_lazy("每人应有的登记"), required=False, widget=forms.CheckboxSelectMultiple
    )

    subsidy_role = forms.ChoiceField(label=gettext_lazy("领取补贴的角色"))
    needed_by = forms.MultipleChoiceField(
        label=gettext_lazy("哪些类型的人员须登记 (不选: 所有人员)"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = StaffSettings
        fields = (
            "approval",
            "most_grids",
            "persons_per_household",
            "public_sheets",
            "meeting_days",
            "subsidy_role",
            "subsidy",
            "term_days",
            "term_roles",
            "needed_items",
            "needed_by",
        )

    def __init__(self, institution: Institution, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["term_roles"].choices = list(terms("role", institution).items())
        self.fields["subsidy_role"].choices = list(terms("role", institution).items())
        self.fields["needed_by"].choices = list(terms("staff", institution).items())
        self.fields["needed_items"].choices = list(terms("item", institution).items())


class TermForm(forms.ModelForm):
    """A term that an institution adds."""

    class Meta:
        model = Term
        fields = ("vocabulary", "code", "name", "name_en")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("code") in terms(values.get("vocabulary") or "role", self.instance.institution):
            self.add_error("code", _("这个代码已有词条; 请换一个。"))
        return values
