"""From the rows of a file to points of a layer: each row is good, or rejected with its line, column, value, and why."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import models

from gis.datum import Datum, parse_datum, to_cgcs2000
from gis.errors import JingtianError
from gis.lattice import FloatArray
from gis.progress import Progress, counted, part, silent
from gis.reading.tables import Cell, Sheet, middle_of
from layers.audit.masking import MASK
from layers.exchange import cells
from layers.exchange.cells import BadCell, text_of
from layers.exchange.faults import ColumnsNeeded, UnknownColumn, UnknownKind
from layers.exchange.targets import guess_kind, own_fields, targets_of
from layers.features.attributes import InvalidAttributes, clean_attributes
from layers.features.models import FeatureQuerySet, Kind
from layers.features.registry import Layer
from layers.imports.faults import some
from layers.orgs.models import Institution, User
from layers.tables import plain_cell

Note = dict[str, str]
MOST_METRES = 1e9


@dataclass(frozen=True)
class Reading:
    """How a file is to be read into a layer.

    Attributes
    ----------
    columns
        {target: column}, see layers.exchange.targets.
    kinds
        {word of the file: key of a kind}; other words are guessed.
    kind
        The kind of all rows that say none.
    make_codes
        Rows without a code of their own get one made of name and place, the same at every import.
    user
        Who imports: rows go to institutions in whose subtree this user plans. None: the institution's subtree.
    """

    layer: Layer
    institution: Institution
    datum: Datum
    columns: Mapping[str, str]
    kinds: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    make_codes: bool = False
    user: User | None = None

    @classmethod
    def of(cls, *, layer: Layer, institution: Institution, datum: str, **options: Any) -> Reading:
        """With the datum as text."""
        return cls(layer=layer, institution=institution, datum=parse_datum(datum), **options)

    def vocabulary(self) -> list[Kind]:
        """The kinds in use that rows may have, the bank's own before the common ones of the same key."""
        known = Kind.objects.known_to(self.institution).filter(layer=self.layer.id, is_active=True)
        by_key: dict[str, Kind] = {}
        for kind in known.order_by("institution_id"):
            if kind.key not in by_key or kind.institution_id is not None:
                by_key[kind.key] = kind
        return sorted(by_key.values(), key=lambda kind: (kind.position, kind.key))

    def institutions(self) -> dict[str, Institution]:
        """Those that rows may belong to, by code."""
        top = self.user.institution if self.user and self.user.institution else self.institution
        return {found.code: found for found in Institution.objects.within(top)}

    def hidden(self) -> FeatureQuerySet[Any]:
        """Features of the layer that the user does not see, as restricted posts (HY10): a file of hers neither changes nor names them."""
        features: FeatureQuerySet[Any] = self.layer.model.objects.all()
        if self.user is None or self.user.institution is None:
            return features.none()
        inside = features.filter(institution__path__startswith=self.user.institution.path)
        return inside.exclude(pk__in=self.layer.model.objects.visible_to(self.user).values("pk"))


@dataclass(frozen=True, slots=True)
class Point:
    """A row that can be loaded: CGCS2000 degrees; None where the file does not say. `path`: the vertices of a line, lon and lat its middle."""

    line: int
    institution_id: int
    code: str
    name: str
    kind: str
    lon: float
    lat: float
    attributes: dict[str, Any]
    own: dict[str, str]
    synthetic: bool | None
    source: str | None
    path: list[list[float]] | None = None

    @property
    def wkt(self) -> str | None:
        """The line, if it is one."""
        return self.path and f"LINESTRING({', '.join(f'{x!r} {y!r}' for x, y in self.path)})"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a row is not loaded, and what to do; lon and lat where the place at least is known."""

    line: int
    column: str
    value: str
    zh: str
    en: str
    lon: float | None = None
    lat: float | None = None

    def as_json(self) -> dict[str, Any]:
        """As the API answers it."""
        message = {"zh": self.zh, "en": self.en}
        return {"line": self.line, "column": self.column, "value": self.value, "message": message,
                "lon": self.lon, "lat": self.lat}  # fmt: skip


@dataclass
class Checked:
    """What came of the rows. `given` are the coordinates of `points` as the file has them."""

    points: list[Point]
    rejected: list[Rejection]
    notes: list[Note]
    given: FloatArray
    reading: Reading
    mapped: list[str]
    """Keys of the attributes that the file has a column for."""

    @property
    def rejected_lines(self) -> int:
        """How many rows are rejected, each for one reason or more."""
        return len({rejection.line for rejection in self.rejected})


def check(sheet: Sheet, reading: Reading, progress: Progress = silent) -> Checked:
    """Look at every row.

    Raises
    ------
    ColumnsNeeded, UnknownColumn, UnknownKind
        The reading itself does not fit the file or the layer.
    """
    return _Checker(sheet, reading).run(progress)


class _Checker:
    def __init__(self, sheet: Sheet, reading: Reading) -> None:
        self.sheet, self.reading = sheet, reading
        kinds = reading.vocabulary()
        self.kinds = {kind.key: kind for kind in kinds}
        self.words: dict[str, str | None] = dict(reading.kinds)
        _check_reading(sheet, reading, kinds)
        position = {column: index for index, column in enumerate(sheet.columns)}
        self.index = {target: position[column] for target, column in reading.columns.items()}
        self.attributes = {key.removeprefix("attributes."): index for key, index in self.index.items() if "." in key}
        self.own = [f for f in own_fields(reading.layer) if f.name in self.index]
        self.institutions = reading.institutions() if "institution" in self.index else {}
        self.paths: dict[int, list[list[float]]] = {}
        self.rejected: list[Rejection] = []
        self.numbers = self.days = 0

    def run(self, progress: Progress) -> Checked:
        rows = [self._plain(row) for row in counted(self.sheet.rows, part(progress, 0, 0.2))]
        given = np.full((len(rows), 2), np.nan)
        for number, row in enumerate(counted(rows, part(progress, 0.2, 0.5))):
            self._try(number, row, self._place_target(), lambda row=row, number=number: self._place(given, number, row))  # type: ignore[misc]
        placed = self._transformed(given, rows)
        found: list[Point | None] = [
            self._point(number, row, placed[number]) for number, row in enumerate(counted(rows, part(progress, 0.5, 1)))
        ]
        self._refuse_twins(found)
        self._refuse_hidden(found)
        bad = {rejection.line for rejection in self.rejected}
        good = [n for n, point in enumerate(found) if point is not None and self.sheet.lines[n] not in bad]
        self.rejected.sort(key=lambda rejection: rejection.line)
        return Checked(
            [point for n in good if (point := found[n])],
            self.rejected,
            self._notes(),
            given[good],
            self.reading,
            list(self.attributes),
        )

    def _plain(self, row: list[Cell]) -> list[Cell]:
        """As wide as the table; in CSV the apostrophe before what looks like a formula is taken off again."""
        row = row + [None] * (len(self.sheet.columns) - len(row))
        return (
            [plain_cell(cell) if isinstance(cell, str) else cell for cell in row] if self.sheet.format == "csv" else row
        )

    def _cell(self, row: list[Cell], target: str) -> Cell:
        return row[self.index[target]] if target in self.index else None

    def _try(self, number: int, row: list[Cell], target: str, read: Any, place: Any = None) -> Any:
        """What `read` gives, or None with a rejection of the row."""
        try:
            return read()
        except JingtianError as error:
            if isinstance(error, InvalidAttributes):
                target = f"attributes.{error.details.get('attribute')}"
            column = self.reading.columns.get(target, "")
            lon, lat = (None, None) if place is None or not np.isfinite(place).all() else map(float, place)
            value = text_of(self._cell(row, target))[:60]
            self.rejected.append(Rejection(self.sheet.lines[number], column, value, error.zh, error.en, lon, lat))
            return None

    def _place_target(self) -> str:
        return next((target for target in ("lon", "lonlat", "wkt") if target in self.index), "")

    def _place(self, given: FloatArray, number: int, row: list[Cell]) -> None:
        if self.sheet.xy is not None:
            shape = (self.sheet.shapes or [])[number]
            path = self.sheet.paths[number] if self.sheet.paths else None
            if path is not None:
                self.paths[number] = path
            elif shape not in ("", "Point"):
                raise _wrong_shape(shape, lines=self.reading.layer.has_lines)
            xy = self.sheet.xy[number]
            if path is None and not np.isfinite(xy).all():
                raise BadCell("没有位置；请补上，或删去。", "There is no position: add it, or delete the feature.")
            given[number] = xy
        elif "lonlat" in self.index:
            given[number] = cells.pair_of(self._cell(row, "lonlat"))
        elif "wkt" in self.index:
            path = cells.line_of(self._cell(row, "wkt")) if self.reading.layer.has_lines else None
            if path is None:
                given[number] = cells.point_of(self._cell(row, "wkt"))
            else:
                self.paths[number], given[number] = path, middle_of(path)
        else:
            for axis, target in enumerate(("lon", "lat")):
                degree = self._try(number, row, target, lambda target=target: cells.number_of(self._cell(row, target)))  # type: ignore[misc]
                if degree is None:
                    break
                given[number, axis] = degree

    def _transformed(self, given: FloatArray, rows: list[list[Cell]]) -> FloatArray:
        """CGCS2000, NaN where there is none; what cannot be in the datum is rejected row by row."""
        placed = np.full_like(given, np.nan)
        present = np.isfinite(given).all(axis=1)
        degrees = not self.reading.datum.name.startswith("EPSG:")
        possible = present & ((np.abs(given) <= ((180, 90) if degrees else MOST_METRES)).all(axis=1))
        try:
            placed[possible] = to_cgcs2000(given[possible], self.reading.datum)
        except JingtianError:
            possible[:] = False  # some of them are not: then each by itself
        for number in np.flatnonzero(present & ~possible):
            moved = self._try(
                number,
                rows[number],
                self._place_target(),
                lambda number=number: to_cgcs2000(given[number : number + 1], self.reading.datum)[0],  # type: ignore[misc]
            )
            if moved is not None:
                placed[number] = moved
        return placed

    def _point(self, number: int, row: list[Cell], place: FloatArray) -> Point | None:
        line = self.sheet.lines[number]

        def read(target: str, how: Any) -> Any:
            return self._try(number, row, target, how, place)

        if any(text_of(cell) for cell in row[len(self.sheet.columns) :]):
            read("", lambda: _too_wide(len(self.sheet.columns)))
        name = read("name", lambda: self._name(row))
        code = read("code", lambda: self._code(row, name, place))
        kind = read("kind", lambda: self._kind(row))
        institution = read("institution", lambda: self._institution(row))
        attributes = read("attributes", lambda: self._attributes(row, self.kinds[kind])) if kind else None
        own = read("own", lambda: self._own(row))
        synthetic = (
            read("synthetic", lambda: self._flag(self._cell(row, "synthetic"))) if "synthetic" in self.index else None
        )
        path = read(self._place_target(), lambda: self._path(number)) if number in self.paths else []
        source = text_of(self._cell(row, "source"))[: cells.SOURCE_LENGTH] if "source" in self.index else None
        if None in (name, code, kind, institution, attributes, own, path) or not np.isfinite(place).all():
            return None
        lon, lat = map(float, place)
        return Point(line, institution, code, name, kind, lon, lat, attributes, own, synthetic, source, path or None)

    def _path(self, number: int) -> list[list[float]]:
        """The vertices of a line, as they will be kept: none twice in a row."""
        path = np.array(self.paths[number])
        if not np.isfinite(path).all() or (np.abs(path) > MOST_METRES).any():
            raise BadCell("线上有无效的坐标。", "A vertex of the line is not a possible coordinate.")
        path = np.round(to_cgcs2000(path, self.reading.datum), 7)
        path = path[np.append(True, (np.diff(path, axis=0) != 0).any(axis=1))]
        if len(path) < 2:
            raise BadCell("线没有长度；请重画，或改为点。", "The line has no length: draw it anew, or make it a point.")
        return path.tolist()

    def _name(self, row: list[Cell]) -> str:
        name = text_of(self._cell(row, "name"))
        if not name:
            raise BadCell("名称是空的，请填写。", "The name is empty: give one.")
        if self.reading.layer.is_personal and MASK in name:
            raise _masked()
        return cells.limited(name, cells.NAME_LENGTH)

    def _code(self, row: list[Cell], name: str | None, place: FloatArray) -> str:
        given = self._cell(row, "code")
        if self.reading.make_codes and not text_of(given):
            what = f"{name}|{place[0]:.6f}|{place[1]:.6f}"
            return "auto-" + hashlib.sha256(what.encode()).hexdigest()[:12]
        code, is_number = cells.code_of(given)
        self.numbers += is_number
        return code

    def _own(self, row: list[Cell]) -> dict[str, str]:
        found = {}
        for own in self.own:
            read = cells.lines_of if isinstance(own, models.TextField) else text_of
            found[own.name] = cells.limited(read(self._cell(row, own.name)), own.max_length or cells.CODE_LENGTH)
            if self.reading.layer.is_personal and MASK in found[own.name]:
                raise _masked()
        return found

    def _kind(self, row: list[Cell]) -> str:
        word = text_of(self._cell(row, "kind"))
        if not word and self.reading.kind:
            return self.reading.kind
        if word not in self.words:
            self.words[word] = guess_kind(word, self.kinds.values()) if word else None
        found = self.words[word]
        if found is None or found not in self.kinds:
            listed = "、".join(kind.name for kind in self.kinds.values())
            english = ", ".join(kind.name_en or kind.name for kind in self.kinds.values())
            raise BadCell(
                f"不认识的类型“{word[:40]}”。请对应到以下之一：{listed}。",
                f"“{word[:40]}” is no kind of this layer. Map it to one of: {english}.",
            )
        return found

    def _institution(self, row: list[Cell]) -> int:
        code = text_of(self._cell(row, "institution"))
        if not code:
            return int(self.reading.institution.pk)
        if code not in self.institutions:
            raise BadCell(
                f"没有编码为“{code[:40]}”的机构，或不在您的管辖范围内。",
                f"There is no institution “{code[:40]}”, or it is not within yours.",
            )
        return int(self.institutions[code].pk)

    def _attributes(self, row: list[Cell], kind: Kind) -> dict[str, Any]:
        dates = {schema["key"] for schema in kind.attributes if schema["type"] == "date"}
        values = {}
        for key, index in self.attributes.items():
            value = row[index]
            if key in dates and (day := cells.day_of(value)) != value:
                value, self.days = day, self.days + 1
            if value is not None and value != "":
                values[key] = cells.clean_text(value) if isinstance(value, str) else value
        return clean_attributes(kind, values)

    def _flag(self, value: Cell) -> bool:
        return text_of(value).lower() in {"1", "true", "yes", "是"}

    def _refuse_twins(self, found: list[Point | None]) -> None:
        """The same code twice: no row of them is loaded, and each names the others."""
        lines = defaultdict(list)
        for point in found:
            if point is not None:
                lines[point.institution_id, point.code].append(point)
        column = self.reading.columns.get("code", "")
        for twins in lines.values():
            for point in twins if len(twins) > 1 else ():
                others = [str(twin.line) for twin in twins if twin is not point]
                self.rejected.append(
                    Rejection(
                        point.line,
                        column,
                        point.code,
                        f"与第 {some(others, between='、')} 行编码相同；请只留一行，或改正编码。",
                        f"The same code as in row {some(others, between=', ')}: keep one of them, or correct the code.",
                        point.lon,
                        point.lat,
                    )
                )

    def _refuse_hidden(self, found: list[Point | None]) -> None:
        hidden = set(self.reading.hidden().values_list("institution_id", "code"))
        column = self.reading.columns.get("code", "")
        for point in found:
            if point is not None and (point.institution_id, point.code) in hidden:
                self.rejected.append(
                    Rejection(
                        point.line,
                        column,
                        point.code,
                        "这个编码已被您无权查看的对象使用；请换一个编码，或请管理人员导入这一行。",
                        "Something that you may not see has this code: take another, or ask a manager to import the row.",
                        point.lon,
                        point.lat,
                    )
                )

    def _notes(self) -> list[Note]:
        notes = list(self.sheet.notes)
        if self.numbers:
            notes.append({
                "zh": f"有 {self.numbers:,} 个编码在表格中是数字，已按文字处理；若原有前导零，已经丢失，请核对。",
                "en": f"{self.numbers:,} codes were numbers in the table and are text now; leading zeros, if there were any, are lost: check them.",
            })  # fmt: skip
        if self.days:
            notes.append({
                "zh": f"有 {self.days:,} 个日期在表格中是序号，已换成日期。",
                "en": f"{self.days:,} dates were serial numbers in the table and are dates now.",
            })  # fmt: skip
        return notes


def _check_reading(sheet: Sheet, reading: Reading, kinds: list[Kind]) -> None:
    known = {target.key for target in targets_of(reading.layer, kinds)}
    if strange := sorted(set(reading.columns) - known):
        raise UnknownColumn(
            f"本图层没有：{some(strange, between='、')}。可用：{'、'.join(sorted(known))}。",
            f"The layer has no {some(strange, between=', ')}. It has: {', '.join(sorted(known))}.",
            targets=strange,
        )
    if absent := sorted({column for column in reading.columns.values() if column not in sheet.columns}):
        raise UnknownColumn(
            f"文件中没有列“{some(absent, between='、')}”。文件中的列：{some(sheet.columns, between='、')}。",
            f"The file has no column “{some(absent, between=', ')}”. It has: {some(sheet.columns, between=', ')}.",
            columns=absent,
        )
    keys = {kind.key for kind in kinds}
    if unknown := sorted(({reading.kind} | set(reading.kinds.values())) - keys - {""}):
        raise UnknownKind(
            f"没有类型 {some(unknown, between='、')}。可用：{'、'.join(sorted(keys))}。",
            f"There is no kind {some(unknown, between=', ')}. Known: {', '.join(sorted(keys))}.",
            kinds=unknown,
        )
    needed = []
    if "code" not in reading.columns and not reading.make_codes:
        needed.append(("编码", "the code"))
    if "name" not in reading.columns:
        needed.append(("名称", "the name"))
    if "kind" not in reading.columns and not reading.kind:
        needed.append(("类型（或为所有行选一个类型）", "the kind (or one kind for all rows)"))
    has_place = {"lon", "lat"} <= reading.columns.keys() or {"lonlat", "wkt"} & reading.columns.keys()
    if sheet.xy is None and not has_place:
        needed.append(
            ("位置（经度与纬度、“经纬度”或 WKT）", "the place (longitude and latitude, one column of both, or WKT)")
        )
    if needed:
        raise ColumnsNeeded(
            f"请指定哪一列是：{'；'.join(zh for zh, _ in needed)}。",
            f"Say which column is: {'; '.join(en for _, en in needed)}.",
            needed=[en for _, en in needed],
        )


def _masked() -> BadCell:
    return BadCell(
        "姓名或电话是导出时隐去过的，不能写回。请去掉该列，或用原始资料。",
        "The name or telephone was masked when it was exported, and must not overwrite the real one: use the original.",
    )


def _wrong_shape(shape: str, *, lines: bool) -> BadCell:
    shape = shape[:40]
    if lines and shape == "MultiLineString":
        return BadCell(
            "线由几段组成；请合并成连续的一条，或每段作一行并各有编码。",
            "The line has several parts: join them into one, or make a row of each with its own code.",
        )
    if lines:
        return BadCell(
            f"图形是 {shape}，应为点或线（LineString）；请改画，或删去。",
            f"The geometry is {shape}; it should be a Point or a LineString: draw it anew, or delete it.",
        )
    return BadCell(f"图形是 {shape}，应为点。", f"The geometry is {shape}; it should be a Point.")


def _too_wide(columns: int) -> None:
    raise BadCell(
        f"这一行多于 {columns} 格；可能有文字含分隔符而没有加引号。",
        f"The row has more than {columns} cells: perhaps a text has the separator in it and no quotes.",
    )
