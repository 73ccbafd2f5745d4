"""The page of the audit log, and its export."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from layers.audit.events import record_read
from layers.audit.masking import mask_field
from layers.audit.models import Entry, EntryQuerySet
from layers.audit.names import ALL, SEARCHED, column_names, field_names, said, table_names
from layers.orgs.models import Institution, User
from layers.tables import csv_response

PAGE = 50
MANY = 5
"""Keys shown of an entry about many rows."""
LONG = 200
"""Characters shown of a value."""
RENEWED = "*** (new)"
"""What the log's trigger writes of a secret that was replaced."""


class Search(forms.Form):
    """What is looked for; every field may be left empty."""

    user = forms.CharField(label=SEARCHED["user"], max_length=150, required=False)
    kind = forms.ChoiceField(label=SEARCHED["kind"], required=False)
    table = forms.ChoiceField(label=SEARCHED["table"], required=False)
    subject = forms.CharField(label=SEARCHED["subject"], max_length=40, required=False)
    since = forms.DateField(label=SEARCHED["since"], required=False, widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(label=SEARCHED["until"], required=False, widget=forms.DateInput({"type": "date"}))
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
        return "; ".join(f"{name}={value}" for name, value in self.cleaned_data.items() if value) or ALL


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
        record_read(user, Entry, fields=[ALL], purpose=search.said(), request=request)
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
    record_read(user, Entry, fields=[ALL], purpose=f"CSV {search.said()}", request=request)
    names = ("编号", "时间", "类别", "操作", "数据表", "数据表代号", "对象", "行数", "字段", "字段代号", "原值", "新值")
    header = [
        *map(_, names),
        *map(_, ("事由", "事由原文")),
        *map(_, ("用户", "用户编号", "对象的机构", "数据库角色", "程序", "网络地址")),
    ]
    return csv_response(
        f"audit-{timezone.localdate()}.csv", header, _table(search.narrow(Entry.objects.visible_to(user)))
    )


def _table(entries: EntryQuerySet) -> Iterator[list[Any]]:
    institutions = dict(Institution.objects.values_list("pk", "name"))
    tables = table_names()
    for entry in entries.iterator(2000):
        yield [
            str(entry.pk),
            entry.at,
            entry.get_kind_display(),
            entry.get_operation_display(),
            tables.get(entry.table_name, entry.table_name),
            entry.table_name,
            " ".join(entry.keys),
            entry.rows,
            "、".join(field_names(entry.table_name, entry.fields)),
            " ".join(entry.fields),
            _line(entry.old),
            _line(entry.new),
            _reason(entry),
            entry.reason,
            entry.username,
            "" if entry.user_id is None else str(entry.user_id),
            institutions.get(entry.institution_id, ""),
            entry.db_role,
            entry.program,
            entry.address,
        ]


def _reason(entry: Entry) -> str:
    return said(entry.reason, entry.table_name) if entry.kind == Entry.Kind.READ else entry.reason


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
            "many": f"{len(entry.keys):,}" if len(entry.keys) > MANY else "",
            "reason": _reason(entry),
            "fields": field_names(entry.table_name, entry.fields),
            "changes": [
                {"field": columns.get(name, name), "old": _short(name, entry.old), "new": _short(name, entry.new)}
                for name in (entry.new or entry.old or {})
            ],
        }
        for entry in entries
        for columns in [column_names(entry.table_name)]
    ]


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
