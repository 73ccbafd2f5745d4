"""What a column of a file can hold, for a layer: the fields of its features, their place, and the attributes of its kinds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.gis.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from layers.features.models import Feature, Kind
from layers.features.registry import Layer

SHAPEFILE_NAME = 10
"""Characters of a column's name in a Shapefile."""

FIELDS: dict[str, tuple[Any, str]] = {
    "code": (
        _("编码"),
        "行内编码 网点编码 网点编号 网点代码 网点号 机具编号 设备编号 设备号 终端编号 终端号 客户编号 客户号 户编号 户号 编码 编号 代码 code id no",
    ),
    "name": (_("名称"), "名称 网点名称 机具名称 设备名称 客户名称 商户名称 户主姓名 户主 姓名 name title"),
    "kind": (_("类型"), "类型 网点类型 机具类型 设备类型 客户类型 类别 种类 kind type category"),
    "institution": (_("机构编码"), "机构编码 机构代码 所属机构编码 机构号 institution institutioncode institutio"),
    "lon": (_("经度"), "经度 东经 lon lng long longitude x 东坐标 横坐标 easting"),
    "lat": (_("纬度"), "纬度 北纬 lat latitude y 北坐标 纵坐标 northing"),
    "lonlat": (_("经纬度"), "经纬度 坐标 经纬度坐标 位置坐标 lonlat lnglat location coordinates coordinate"),
    "wkt": ("WKT", "wkt geom geometry thegeom wktgeom"),
    "synthetic": (_("演示数据"), "演示数据 synthetic demodata"),
    "source": (_("数据来源"), "数据来源 来源 source datasource"),
}
"""The fields of every feature: how the page calls them, and headings that mean them, the surest first."""

MORE_WORDS = {
    "phone": "电话 联系电话 手机 手机号 手机号码 phone tel mobile",
    "duty_text": "职责 职责内容 duty duties",
    "door": "门牌 门牌号 门号 房号 户门牌 door",
    "members": "人口 人口数 家庭人口 家庭人数 户籍人数 成员数 members",
    "address": "地址 详细地址 位置 address addr",
    "households": "户数 households",
    "installed": "启用日期 安装日期 投放日期 布放日期 installed",
}
"""Headings of attributes and of layers' own fields, beside their names."""

KIND_WORDS = {
    "staffed": "营业网点 网点 支行 分理处 营业部 银行 物理网点 bank",
    "self_service": "自助银行 自助网点 离行式自助银行",
    "station": "工作站 金融服务站 普惠金融服务站 惠农金融服务站 服务站",
    "atm": "取款机 自动取款机 自动提款机 自动柜员机 atm机",
    "crs": "crs 存取款一体机 自动存取款机 循环机",
    "pos": "pos机 销售终端",
    "cash_point": "助农点 助农终端 助农取款服务点 惠农取款点 取款点",
    "resident": "居民 城镇居民 城镇居民户 住户 家庭户",
    "farm_household": "农户 农村住户",
    "compound": "小区 住宅小区 住宅",
}
"""What registers call kinds, beside their names."""


@dataclass(frozen=True)
class Target:
    """Something that a column can be read as.

    `key` is a field's name, or "attributes." and the key of an attribute.
    """

    key: str
    label: str
    words: tuple[str, ...]

    @property
    def attribute(self) -> str | None:
        """The key of the attribute, if it is one."""
        return self.key.removeprefix("attributes.") if self.key.startswith("attributes.") else None


def own_fields(layer: Layer) -> list[models.Field[Any, Any]]:
    """Texts that this layer's features have and others have not: the telephone of a customer, the duties of a post."""
    common = {field.name for field in Feature._meta.get_fields()}
    return [
        field
        for field in layer.model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField) and field.name not in common and field.editable
    ]


def targets_of(layer: Layer, kinds: Sequence[Kind]) -> list[Target]:
    """All targets of a layer, in the order in which a page lists them; attributes of the same key are one."""
    found = [Target(key, str(label), tuple(words.split())) for key, (label, words) in FIELDS.items()]
    for field in own_fields(layer):
        words = (str(field.verbose_name), *MORE_WORDS.get(field.name, "").split(), field.name)
        found.append(Target(field.name, str(field.verbose_name), words))
    attributes: dict[str, Target] = {}
    for kind in kinds:
        for schema in kind.attributes:
            key, name, english = schema["key"], schema["name"], schema.get("name_en") or schema["name"]
            words = (name, english, *MORE_WORDS.get(key, "").split(), key, key[:SHAPEFILE_NAME])
            label = english if get_language() == "en" else name
            known = attributes.get(key)
            words = words if known is None else (*known.words, *words)
            attributes[key] = Target(f"attributes.{key}", known.label if known else label, words)
    return [*found, *attributes.values()]


def plain(text: str) -> str:
    """A heading or word for comparing: width, case, blanks, dashes and a remark in brackets make no difference."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\(.*?\)|[\s_\-./:*·]", "", text) or text


def guess_columns(columns: Sequence[str], targets: Iterable[Target]) -> dict[str, str]:
    """Which column holds which target, as the headings say; a column holds one thing, and the surest word wins."""
    by_heading: dict[str, str] = {}
    for column in columns:
        by_heading.setdefault(plain(column), column)
    wishes = [
        (rank, number, target.key, by_heading[plain(word)])
        for number, target in enumerate(targets)
        for rank, word in enumerate(target.words)
        if plain(word) in by_heading
    ]
    chosen: dict[str, str] = {}
    # Fields come before attributes, whatever the rank of the word.
    for _rank, _number, key, column in sorted(wishes, key=lambda wish: ("." in wish[2], wish[0], wish[1])):
        if key not in chosen and column not in chosen.values():
            chosen[key] = column
    if {"lon", "lat"} <= chosen.keys():
        for other in ("lonlat", "wkt"):
            chosen.pop(other, None)
    return chosen


def guess_kind(word: str, kinds: Iterable[Kind]) -> str | None:
    """The kind that a word of a file means, or None: its key, its name, or what registers call it."""
    wanted = plain(word)
    for kind in kinds:
        if wanted in {plain(kind.key), plain(kind.name), plain(kind.name_en or kind.key)}:
            return kind.key
    for kind in kinds:
        if wanted in {plain(other) for other in KIND_WORDS.get(kind.key, "").split()}:
            return kind.key
    return None
