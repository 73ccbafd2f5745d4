"""The page of the audit log, and its export."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import cache
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from layers.audit.events import record_read
from layers.audit.masking import mask_field
from layers.audit.models import Entry, EntryQuerySet
from layers.audit.tables import logged_models
from layers.orgs.models import Institution, User
from layers.tables import csv_response

PAGE = 50
MANY = 5
"""Keys shown of an entry about many rows."""
LONG = 200
"""Characters shown of a value."""
RENEWED = "*** (new)"
"""What the log's trigger writes of a secret that was replaced."""
TABLES = {
    "account_groups": gettext_lazy("用户所在的组"),
    "account_user_permissions": gettext_lazy("用户的权限"),
    "auth_group_permissions": gettext_lazy("组的权限"),
    "otp_totp_totpdevice": gettext_lazy("动态验证码"),
    "plan_editor": gettext_lazy("方案的共同编辑人"),
    "post_partner": gettext_lazy("互保点位"),
}
"""Names of tables that have none that people understand."""
PURPOSES = {
    "person": gettext_lazy("个人页"),
    "export": gettext_lazy("导出名单"),
    "map": gettext_lazy("地图"),
    "customer": gettext_lazy("客户详情"),
    "cares": gettext_lazy("重点对象"),
}
"""What reads were for, where the site has a word for it."""


class Search(forms.Form):
    """What is looked for; every field may be left empty."""

    user = forms.CharField(label=gettext_lazy("用户"), max_length=150, required=False)
    kind = forms.ChoiceField(label=gettext_lazy("类别"), required=False)
    table = forms.ChoiceField(label=gettext_lazy("数据表"), required=False)
    subject = forms.CharField(label=gettext_lazy("对象编号"), max_length=40, required=False)
    since = forms.DateField(label=gettext_lazy("自"), required=False, widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(label=gettext_lazy("至"), required=False, widget=forms.DateInput({"type": "date"}))
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        self.fields["kind"].choices = [("", _("全部")), *Entry.Kind.choices]
        self.fields["table"].choices = [("", _("全部")), *sorted(table_names().items(), key=lambda item: str(item[1]))]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("since") and given.get("until") and given["since"] > given["until"]:
            self.add_error("until", _("“至”应不早于“自”。"))
        return given

    def narrow(self, entries: EntryQuerySet) -> EntryQuerySet:
        """The entries that were looked for, newest first."""
        given = self.cleaned_data
        if given["user"]:
            entries = entries.filter(username__icontains=given["user"])
        if given["kind"]:
            entries = entries.filter(kind=given["kind"])
        if given["table"]:
            entries = entries.filter(table_name=given["table"])
        if given["subject"]:
            entries = entries.filter(keys__contains=[given["subject"]])
        if given["since"]:
            entries = entries.filter(at__gte=_midnight(given["since"]))
        if given["until"]:
            entries = entries.filter(at__lt=_midnight(given["until"] + dt.timedelta(days=1)))
        return entries.order_by("-pk")

    def said(self) -> str:
        """What was looked for, in a line."""
        return "; ".join(f"{name}={value}" for name, value in self.cleaned_data.items() if value) or "*"


@login_required
@never_cache
def audit_page(request: HttpRequest) -> HttpResponse:
    """The log of the user's subtree: searched, a page at a time. Reading it is an entry, too."""
    user = _reader(request)
    search = Search(request.GET)
    rows, older = [], None
    if search.is_valid():
        entries = search.narrow(Entry.objects.visible_to(user))
        if before := search.cleaned_data["before"]:
            entries = entries.filter(pk__lt=before)
        found = list(entries[: PAGE + 1])
        rows = described(found[:PAGE])
        if len(found) > PAGE:
            older = _query(request, before=found[PAGE - 1].pk)
        record_read(user, Entry, fields=["*"], purpose=search.said(), request=request)
    context = {
        "search": search,
        "rows": rows,
        "older": older,
        "newest": _query(request, before=None),
        "export": _query(request, before=None),
    }
    return render(request, "audit/audit.html", context, status=200 if search.is_valid() else 400)


@login_required
@never_cache
def audit_csv(request: HttpRequest) -> HttpResponseBase:
    """The entries that were looked for, all of them, as CSV."""
    user = _reader(request)
    search = Search(request.GET)
    if not search.is_valid():
        return HttpResponse(str(search.errors.as_text()), status=400, content_type="text/plain; charset=utf-8")
    record_read(user, Entry, fields=["*"], purpose=f"CSV {search.said()}", request=request)
    names = ("编号", "时间", "类别", "操作", "数据表", "对象", "行数", "字段", "原值", "新值", "事由")
    header = [*map(_, names), *map(_, ("用户", "用户编号", "对象的机构", "数据库角色", "程序", "网络地址"))]
    return csv_response(
        f"audit-{timezone.localdate()}.csv", header, _table(search.narrow(Entry.objects.visible_to(user)))
    )


def _table(entries: EntryQuerySet) -> Iterator[list[Any]]:
    institutions = dict(Institution.objects.values_list("pk", "name"))
    for entry in entries.iterator(2000):
        yield [
            str(entry.pk),
            entry.at,
            entry.get_kind_display(),
            entry.get_operation_display(),
            entry.table_name,
            " ".join(entry.keys),
            entry.rows,
            " ".join(entry.fields),
            _line(entry.old),
            _line(entry.new),
            entry.reason,
            entry.username,
            "" if entry.user_id is None else str(entry.user_id),
            institutions.get(entry.institution_id, ""),
            entry.db_role,
            entry.program,
            entry.address,
        ]


def _line(values: dict[str, Any] | None) -> str:
    return "; ".join(f"{name}={mask_field(name, value)}" for name, value in (values or {}).items())


def described(entries: list[Entry]) -> list[dict[str, Any]]:
    """Entries as the page shows them: names for codes, changes field by field, telephones and identity numbers masked."""
    institutions = Institution.objects.in_bulk({entry.institution_id for entry in entries if entry.institution_id})
    tables = table_names()
    return [
        {
            "entry": entry,
            "table": tables.get(entry.table_name, entry.table_name),
            "institution": institutions.get(entry.institution_id),
            "keys": entry.keys[:MANY],
            "more": max(len(entry.keys) - MANY, 0),
            "changes": [
                {"field": columns.get(name, name), "old": _short(name, entry.old), "new": _short(name, entry.new)}
                for name in (entry.new or entry.old or {})
            ],
            "reason": PURPOSES.get(entry.reason, entry.reason) if entry.kind == Entry.Kind.READ else entry.reason,
            "fields": [columns.get(name, name) for name in entry.fields],
        }
        for entry in entries
        for columns in [column_names(entry.table_name)]
    ]


def table_names() -> dict[str, Any]:
    """Tables that the log speaks of, with their names."""
    return {model._meta.db_table: model._meta.verbose_name for model in [*logged_models(), Entry]} | TABLES


@cache
def column_names(table: str) -> dict[str, Any]:
    """Columns of a table that the log speaks of, with their names."""
    fields = (
        field for model in logged_models() if model._meta.db_table == table for field in model._meta.concrete_fields
    )
    return {field.column: field.verbose_name for field in fields}


def _short(name: str, values: dict[str, Any] | None) -> str:
    if values is None or values.get(name) is None:
        return ""
    text = _("*** (已更换)") if values[name] == RENEWED else str(mask_field(name, values[name]))
    return text if len(text) <= LONG else f"{text[:LONG]}…"


def _reader(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not request.user.reads_audit:
        raise PermissionDenied
    return request.user


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))


def _query(request: HttpRequest, *, before: int | None) -> str:
    query = request.GET.copy()
    query.pop("before", None)
    if before is not None:
        query["before"] = str(before)
    return query.urlencode()
