"""The pages of agreements and regulations: a list, and a form for one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from layers.documents.models import KEEPERS, Document
from layers.facilities.models import Outlet
from layers.orgs.asked import number_asked
from layers.orgs.models import Institution, User
from layers.tables import csv_response

ROWS = 50
"""Documents on one page of the register."""
PARTS = ("partner", "purpose", "content", "duties", "incentives")


class DocumentForm(forms.ModelForm):
    """A document; an agreement names its partner and has its four parts."""

    class Meta:
        model = Document
        fields = ("institution", "kind", "number", "title", "station", *PARTS, "signed_on", "valid_until")
        widgets = {
            name: forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d") for name in ("signed_on", "valid_until")
        }
        help_texts = {
            "partner": gettext_lazy(
                "合作协议须填写合作方、目的、内容、责任义务和激励约束; 会议纪要须填写合作方 (与谁开会) 和内容。"
            )
        }

    def __init__(self, user: User, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        assert user.institution is not None
        self.fields["institution"].queryset = Institution.objects.within(user.institution)
        self.fields["station"].queryset = Outlet.objects.visible_to(user).filter(kind="station").order_by("code")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        needed = {Document.Kind.AGREEMENT: PARTS, Document.Kind.MEETING: ("partner", "content")}
        for part in needed.get(values.get("kind"), ()):
            if not values.get(part):
                self.add_error(part, _("这一类文件须填写这一项。"))
        signed, until = values.get("signed_on"), values.get("valid_until")
        if signed and until and until < signed:
            self.add_error("valid_until", _("有效期不能早于签订日期。"))
        return values


@login_required
@never_cache
def documents_page(request: HttpRequest) -> HttpResponse:
    """The register: agreements and regulations that the user sees; as CSV with ?format=csv."""
    user = _of_a_bank(request)
    kind = request.GET.get("kind", "")
    found = Document.objects.visible_to(user).select_related("institution", "station").order_by("kind", "number", "pk")
    if kind in Document.Kind.values:
        found = found.filter(kind=kind)
    if request.GET.get("format") == "csv":
        header = [
            _("类别"),
            _("文号"),
            _("标题"),
            _("机构"),
            _("工作站"),
            _("合作方"),
            _("签订或印发日期"),
            _("有效期至"),
        ]
        rows = (
            [
                one.get_kind_display(),
                one.number,
                one.title,
                one.institution.name,
                one.station.name if one.station else "",
                one.partner,
                one.signed_on,
                one.valid_until,
            ]
            for one in found
        )
        return csv_response("documents.csv", header, rows)
    page = Paginator(found, ROWS).get_page(number_asked(request.GET.get("page") or "1"))
    own = set(Document.objects.changeable_by(user).filter(pk__in=[one.pk for one in page]).values_list("pk", flat=True))
    context = {
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number),
        "documents": [(one, one.pk in own) for one in page],
        "kinds": [
            (value, label, Document.objects.visible_to(user).filter(kind=value).count())
            for value, label in Document.Kind.choices
        ],
        "kind": kind,
        "today": timezone.localdate(),
        "can_keep": user.role in KEEPERS,
    }
    return render(request, "documents/documents.html", context)


@login_required
@never_cache
def document_page(request: HttpRequest, document_id: int | None = None) -> HttpResponse:
    """A document, new or not, for those who keep the register."""
    user = _of_a_bank(request)
    if user.role not in KEEPERS:
        raise PermissionDenied
    own = Document.objects.changeable_by(user)
    document = Document(institution=user.institution) if document_id is None else get_object_or_404(own, pk=document_id)
    if request.method == "POST" and "delete" in request.POST and document.pk:
        document.delete()
        messages.success(request, _("已删除。"))
        return redirect("documents")
    form = DocumentForm(user, request.POST or None, instance=document)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("已保存。"))
        return redirect("documents")
    return render(
        request, "documents/document.html", {"form": form, "document": document}, status=400 if form.errors else 200
    )


def _of_a_bank(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or user.institution is None or user.is_regulator:
        raise PermissionDenied
    return user
