"""What the parsers make of a file, and the checks that every format shares."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gis.lattice import FloatArray, IntArray
from gis.reading.limits import Limits
from gis.reading.refusals import (
    ChooseLayer,
    CollapsedRing,
    EmptyGeometry,
    ImpossibleCoordinates,
    TooLarge,
    UndecodableText,
    WrongGeometryType,
)

Value = str | int | float | None

LARGEST_COORDINATE = 1e9
"""Beyond any easting with a zone number in front."""


@dataclass
class Contents:
    """Features as flat arrays: vertices, and where each ring, polygon and feature begins (one more entry: the end)."""

    xy: FloatArray
    rings: IntArray
    polygons: IntArray
    features: IntArray
    attributes: list[dict[str, Value]]
    crs: str | None = None
    notes: list[dict[str, str]] = field(default_factory=list)

    def check(self, limits: Limits) -> None:
        """Refuse what is too large, not finite, empty or collapsed."""
        check_count(len(self.attributes), limits.features, "要素", "features")
        check_count(len(self.xy), limits.vertices, "顶点", "vertices")
        vertices_of_polygon = np.diff(self.rings[self.polygons])
        check_count(
            int(vertices_of_polygon.max(initial=0)),
            limits.vertices_per_polygon,
            "单个面的顶点",
            "vertices in one polygon",
        )
        self._check_finite()
        self._check_empty()
        self._check_rings()
        for attributes in self.attributes:
            check_texts(attributes, limits.text_length)

    def _check_finite(self) -> None:
        impossible = ~(np.abs(self.xy) <= LARGEST_COORDINATE).all(axis=1)
        if impossible.any():
            vertex = int(np.argmax(impossible))
            x, y = self.xy[vertex]
            zh, en = _name_features(self._features_of_rings([int(np.searchsorted(self.rings, vertex, "right")) - 1]))
            raise ImpossibleCoordinates(
                f"{zh}的坐标 ({x:g}, {y:g}) 不是有效数值。请在原软件中修正后重新导出。",
                f"{en}: coordinate ({x:g}, {y:g}) is not a possible value. Correct it where it came from.",
            )

    def _check_empty(self) -> None:
        if not self.attributes:
            raise EmptyGeometry(
                "文件中没有要素。请核对导出的图层。", "The file has no features. Check which layer was exported."
            )
        lengths = np.diff(self.rings)
        empty = set(np.flatnonzero(np.diff(self.features) == 0).tolist())
        empty |= set(self._features_of_polygons(np.flatnonzero(np.diff(self.polygons) == 0)))
        empty |= set(self._features_of_rings(np.flatnonzero(lengths == 0)))
        if empty:
            zh, en = _name_features(empty)
            raise EmptyGeometry(
                f"{zh}没有图形。请补画，或删去这些要素后重新导出。",
                f"{en}: no geometry. Draw it, or delete these features, and export again.",
                features=sorted(empty),
            )

    def _check_rings(self) -> None:
        """A ring is closed, has four vertices or more, and encloses area."""
        if len(self.xy) == 0:
            return
        first, last = self.rings[:-1], self.rings[1:] - 1
        bad = (np.diff(self.rings) < 4) | (self.xy[first] != self.xy[last]).any(axis=1)
        # Relative to its first vertex, so that a small ring far from the origin keeps its digits.
        ring = np.repeat(np.arange(len(first)), np.diff(self.rings))
        x, y = (self.xy - self.xy[first][ring]).T
        cross = np.zeros(len(x))
        cross[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
        cross[last] = 0
        bad |= np.add.reduceat(cross, first) == 0
        if bad.any():
            features = self._features_of_rings(np.flatnonzero(bad))
            zh, en = _name_features(features)
            raise CollapsedRing(
                f"{zh}的边界没有闭合，或缩成了一条线。请在原软件中修正后重新导出。",
                f"{en}: a ring is not closed, or encloses no area. Correct it in the program it came from.",
                features=sorted(set(features)),
            )

    def _features_of_polygons(self, polygons: Sequence[int] | IntArray) -> list[int]:
        return [int(i) for i in np.searchsorted(self.features, polygons, "right") - 1]

    def _features_of_rings(self, rings: Sequence[int] | IntArray) -> list[int]:
        return self._features_of_polygons(np.searchsorted(self.polygons, rings, "right") - 1)


def offsets(lengths: Sequence[int] | npt.NDArray[Any]) -> IntArray:
    """Where each of some runs of these lengths begins, and the end of the last."""
    return np.cumsum([0, *lengths], dtype=np.int64)


def note(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def dropped_heights() -> dict[str, str]:
    return note("坐标带有高程，已只取平面位置。", "Coordinates had heights; only the plane position was used.")


def check_count(count: int, limit: int, zh: str, en: str) -> None:
    if count > limit:
        raise TooLarge(
            f"文件有 {count:,} 个{zh}，上限是 {limit:,}。请分成几个文件，或简化后再导入。",
            f"The file has {count:,} {en}; the limit is {limit:,}. Divide it into several files, or simplify it first.",
        )


def wrong_type(feature: int, kind: object) -> WrongGeometryType:
    zh, en = _name_features([feature])
    return WrongGeometryType(
        f"{zh}的图形是 {str(kind)[:40]}。网格必须是面（Polygon 或 MultiPolygon），请只导出面图层。",
        f"{en}: the geometry is {str(kind)[:40]}. Grids are Polygons or MultiPolygons: export only the layer of areas.",
        features=[feature],
    )


def choose_layer(layer: str | None, fitting: list[str], zh: str = "面", en: str = "polygons") -> str:
    """The layer asked for, or the only one of those that fit."""
    if layer is None and len(fitting) == 1:
        return fitting[0]
    if layer in fitting:
        return layer
    shown = "、".join(name[:40] for name in fitting[:20])
    raise ChooseLayer(
        f"请指定要导入的{zh}图层。文件中的{zh}图层：{shown or '无'}。",
        f"State which layer of {en} to import. The file has: {shown or 'none'}.",
        layers=fitting,
    )


def plain_value(value: Any) -> Value:
    """A JSON value as text, number or None; nested values as JSON text."""
    if value is None or isinstance(value, str | int | float):
        return value if value == value else None
    return json.dumps(value, ensure_ascii=False)


def check_texts(attributes: dict[str, Value], length: int) -> None:
    """Refuse text that is too long, or no text."""
    for name, value in attributes.items():
        for text in (name, value):
            if not isinstance(text, str):
                continue
            if len(text) > length:
                raise TooLarge(
                    f"字段“{name[:40]}”中有 {len(text):,} 个字，上限是 {length:,}。请去掉该字段后重新导出。",
                    f"Field “{name[:40]}” has a text of {len(text):,} characters; the limit is {length:,}. "
                    "Leave out the field and export again.",
                )
            if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
                raise UndecodableText(
                    f"字段“{ascii(name)[:40]}”含有不是文字的内容。请在原软件中修正后重新导出。",
                    f"Field {ascii(name)[:40]} contains what is not text. Correct it in the program it came from.",
                )


def _name_features(indices: Iterable[int]) -> tuple[str, str]:
    """Features by their place in the file, counted from 1; the first few of them."""
    numbers = sorted({i + 1 for i in indices})
    shown = [str(n) for n in numbers[:5]]
    if len(numbers) > 5:
        return (
            f"第 {'、'.join(shown)} 等 {len(numbers)} 个要素",
            f"Features {', '.join(shown)} and others ({len(numbers)})",
        )
    return f"第 {'、'.join(shown)} 个要素", f"Feature{'s' if len(shown) > 1 else ''} {', '.join(shown)}"
