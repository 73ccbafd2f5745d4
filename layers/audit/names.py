"""What the tables and columns of the log are called on its page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.utils.translation import gettext_lazy as _

from layers.audit.models import Entry
from layers.audit.tables import logged_models

TECHNICAL = {
    "id": _("编号"),
    "uuid": _("编号"),
    "path": _("机构路径"),
    "depth": _("机构层数"),
    "numchild": _("下级机构数"),
    "digest": _("令牌摘要"),
    "token": _("公示页地址"),
}
"""Columns that no form shows, in any table."""
WITHOUT_MODEL: dict[str, tuple[Any, dict[str, Any]]] = {
    "account_groups": (_("用户所在的组"), {"user_id": _("用户"), "group_id": _("组")}),
    "account_user_permissions": (_("用户的权限"), {"user_id": _("用户"), "permission_id": _("权限")}),
    "auth_group": (_("组"), {}),
    "auth_group_permissions": (_("组的权限"), {"group_id": _("组"), "permission_id": _("权限")}),
    "plan_editor": (_("草稿的编辑人"), {"plan_id": _("方案"), "user_id": _("用户")}),
    "post_partner": (_("互保点位"), {"from_post_id": _("点位"), "to_post_id": _("互保点位")}),
    "otp_totp_totpdevice": (
        _("动态口令设备"),
        {
            "user_id": _("用户"),
            "name": _("名称"),
            "confirmed": _("已确认"),
            "throttling_failure_timestamp": _("上次输错的时间"),
            "throttling_failure_count": _("连续输错的次数"),
            "created_at": _("创建时间"),
            "last_used_at": _("上次使用"),
            "key": _("密钥"),
            "step": _("口令时长 (秒)"),
            "t0": _("起始时间"),
            "digits": _("口令位数"),
            "tolerance": _("容许偏差"),
            "drift": _("时钟偏差"),
            "last_t": _("上次的时段"),
        },
    ),
}
"""Tables that no model of ours names: links between two, and those of libraries; with their columns."""

PURPOSES = {
    "*": _("没有条件"),
    "map": _("在地图上查看"),
    "customer": _("客户卡片"),
    "cares": _("重点人群名单"),
    "person": _("人员页"),
    "export": _("导出"),
    "CSV": _("导出"),
    "services": _("金融服务信息"),
}
"""What pages write of their own accord when personal data are read: the first word of the reason."""
ALL = "*"
"""In an entry about the log itself: all its fields, and no condition."""


SEARCHED = {
    "user": _("用户"),
    "kind": _("类别"),
    "table": _("数据表"),
    "subject": _("对象编号"),
    "since": _("自"),
    "until": _("至"),
    "before": _("早于记录"),
}
"""What the log itself can be searched by, as the reason of having read it is kept: `table=staff; before=6954`."""
DETAILS = {"by household": _("逐户"), "by grid": _("按网格")}
PARTS: dict[str, Callable[[], dict[str, str]]] = {}
"""Names of what lies inside a column, by its key, from whoever knows them: `attributes.door`."""


def said(reason: str, table: str = "") -> str:
    """The reason of a read as the page shows it: what somebody typed stays."""
    head, _space, rest = reason.partition(" ")
    if head not in PURPOSES:
        head, rest = "", reason
    rest = "" if rest == ALL else DETAILS.get(rest, rest)
    if table == Entry._meta.db_table:
        rest = "; ".join(_searched(part) for part in rest.split("; "))
    return f"{PURPOSES.get(head, '')} {rest}".strip()


def _searched(part: str) -> str:
    name, _sign, value = part.partition("=")
    if name not in SEARCHED:
        return part
    words = {"kind": dict(Entry.Kind.choices), "table": table_names()}.get(name, {})
    return f"{SEARCHED[name]}: {words.get(value, value)}"


def field_names(table: str, fields: Iterable[str]) -> list[str]:
    """Fields of a table in words, of what lies inside a column too."""
    columns = column_names(table)
    inside: dict[str, dict[str, str]] = {}
    found = []
    for field in fields:
        column, _dot, key = field.partition(".")
        name = str(_("全部字段") if field == ALL else columns.get(column, column))
        if key and column in PARTS:
            if column not in inside:
                inside[column] = PARTS[column]()
            name = inside[column].get(key, f"{name}: {key}")
        elif key:
            name = f"{name}: {key}"
        found.append(name)
    return found


def table_names() -> dict[str, Any]:
    """Tables that the log speaks of, with their names."""
    ours = {model._meta.db_table: model._meta.verbose_name for model in [*logged_models(), Entry]}
    return ours | {table: name for table, (name, _columns) in WITHOUT_MODEL.items() if table in ours}


@cache
def column_names(table: str) -> dict[str, Any]:
    """Columns of a table that the log speaks of, with their names."""
    fields = (
        field for model in logged_models() if model._meta.db_table == table for field in model._meta.concrete_fields
    )
    _name, columns = WITHOUT_MODEL.get(table, ("", {}))
    named = TECHNICAL | columns
    return {field.column: named.get(field.column, field.verbose_name) for field in fields}
