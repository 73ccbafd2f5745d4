"""The operations by name: what part of the plan each concerns, and what it does there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import shapely
from django.db.models import Max
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from gis import edit
from gis.edit import Key, Sheet
from layers.editing.faults import BadArguments, NoSuchGrid
from layers.editing.store import Box, box_of, box_round, joined, sheet_at
from layers.grids.models import Grid, Plan
from layers.rules.models import MeasureSettings

Path = list[tuple[float, float]]
MAX_GRIDS = 2_000
MAX_PATHS = 200
LevelName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40, pattern=r"^[^\x00]*$")]


class Args(BaseModel):
    """Arguments of an operation; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Stretch(Args):
    """A stretch of border and what takes its place."""

    old: Path = Field(min_length=2)
    new: Path = Field(min_length=2)


class Reshape(Args):
    paths: list[Stretch] = Field(min_length=1, max_length=MAX_PATHS)
    outer: bool = False


class Redraw(Stretch):
    """A line of borders, past as many nodes as one likes, and the stroke that takes its place."""

    outer: bool = False


class Split(Args):
    grid: int
    lines: list[Path] = Field(min_length=1, max_length=MAX_PATHS)


class Merge(Args):
    grids: list[int] = Field(min_length=1, max_length=MAX_GRIDS)
    name: str | None = Field(None, min_length=1, max_length=120)


class Transfer(Args):
    ring: Path = Field(min_length=3)
    to: int
    only_from: list[int] | None = Field(None, alias="from")


class Overlap(Args):
    """A ring, and the grid whose land it adds to or takes from, the neighbours keeping theirs."""

    ring: Path = Field(min_length=3)
    grid: int


class Reparent(Args):
    grid: int
    parent: int


class Part(Args):
    """A part of a division: GeoJSON MultiPolygon coordinates, and its name or "" for that of the grid it takes after."""

    polygons: list[Any] = Field(min_length=1)
    name: str = Field("", max_length=120)


class Divide(Args):
    grid: int
    parts: list[Part] = Field(min_length=1, max_length=MAX_GRIDS)
    keep: list[int] | None = None


class Grids(Args):
    grids: list[int] = Field(min_length=1, max_length=MAX_GRIDS)


class OneGrid(Args):
    grid: int


class Rename(Args):
    grid: int
    name: str = Field(min_length=1, max_length=120)

    @field_validator("name")
    @classmethod
    def stripped(cls, name: str) -> str:
        if not name.strip() or "\0" in name:
            raise ValueError("a name is some text")
        return name.strip()


class Recode(Args):
    grid: int
    code: str | None = Field(None, min_length=1, max_length=32, pattern=r"^[0-9A-Za-z-]+$")
    bank_code: str | None = Field(None, max_length=40, pattern=r"^[^\x00]*$")


class Classify(Args):
    grids: list[int] = Field(min_length=1, max_length=MAX_GRIDS)
    kind: Grid.Kind


class Lock(Args):
    grids: list[int] = Field(min_length=1, max_length=MAX_GRIDS)
    locked: bool


class Levels(Args):
    names: list[LevelName] = Field(min_length=2, max_length=5)


@dataclass(frozen=True)
class Outcome:
    """What an operation does: the sheet before and after, facts to be set, and the grids that it is about, for its label.

    `logged_as` is its name in the log, where that is not its own.
    """

    before: Sheet = field(default_factory=lambda: Sheet({}))
    after: Sheet = field(default_factory=lambda: Sheet({}))
    facts: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    levels: list[str] | None = None
    about: Sequence[Key] = ()
    name: str | None = None
    logged_as: str | None = None


def _sheet(plan: Plan, box: Box | None, keys: Sequence[Key], *, whole: bool = True) -> Sheet:
    sheet = sheet_at(plan, box, whole=whole)
    if missing := [key for key in keys if key not in sheet.grids]:
        raise NoSuchGrid(
            "所选网格已不在方案中, 可能刚被合并或删除。请刷新后再试。",
            "A chosen grid is not in the plan any more: it may just have been merged. Reload and try again.",
            grids=missing,
        )
    return sheet


def _reshape(plan: Plan, args: Reshape) -> Outcome:
    paths = [(stretch.old, stretch.new) for stretch in args.paths]
    sheet = _sheet(plan, box_of(*(path for pair in paths for path in pair)), [], whole=False)
    after = edit.reshape(sheet, paths, outer=args.outer, min_area_m2=_least_piece(plan))
    return Outcome(sheet, after, about=_moved_leaves(sheet, after))


def _redraw(plan: Plan, args: Redraw) -> Outcome:
    sheet = _sheet(plan, box_of(args.old, args.new), [], whole=False)
    after = edit.redraw(sheet, args.old, args.new, outer=args.outer, min_area_m2=_least_piece(plan))
    return Outcome(sheet, after, about=_moved_leaves(sheet, after))


def _moved_leaves(before: Sheet, after: Sheet) -> list[Key]:
    leaves = {leaf.key for leaf in before.leaves()}
    return [key for key in edit.Change.between(before, after).borders if key in leaves]


def _split(plan: Plan, args: Split) -> Outcome:
    sheet = _sheet(plan, box_round(plan, [args.grid]), [args.grid], whole=False)
    return Outcome(sheet, edit.split(sheet, args.grid, args.lines, min_area_m2=_least_piece(plan)), about=[args.grid])


def _merge(plan: Plan, args: Merge) -> Outcome:
    sheet = _sheet(plan, box_round(plan, args.grids), args.grids, whole=False)
    return Outcome(sheet, edit.merge(sheet, args.grids), about=args.grids, name=args.name)


def _transfer(plan: Plan, args: Transfer) -> Outcome:
    box = joined(box_of(args.ring), box_round(plan, [args.to]))
    sheet = _sheet(plan, box, [args.to])
    after = edit.transfer(sheet, args.ring, args.to, only_from=args.only_from, min_area_m2=_least_piece(plan))
    return Outcome(sheet, after, about=[args.to])


def _overlapping(operation: Callable[..., Sheet]) -> Callable[[Plan, Overlap], Outcome]:
    def run(plan: Plan, args: Overlap) -> Outcome:
        _refuse_without_overlap(plan, args.grid)
        sheet = _sheet(plan, joined(box_of(args.ring), box_round(plan, [args.grid])), [args.grid])
        after = operation(sheet, args.ring, args.grid, min_area_m2=_least_piece(plan))
        return Outcome(sheet, after, about=[args.grid])

    return run


def _refuse_without_overlap(plan: Plan, grid: int) -> None:
    is_urban = Grid.objects.filter(plan=plan, pk=grid, parent__kind=Grid.Kind.URBAN).exists()
    if plan.policy != Plan.Policy.BOUNDED_OVERLAP or not is_urban:
        raise BadArguments(
            "只有覆盖规则为“城区允许适当交叉”的方案, 上级为城区的网格才能与同级交叉。请用“移交”, 或在“方案管理”里改覆盖规则。",
            "Only in a plan whose coverage rule lets urban grids overlap, and below an urban grid, may a grid overlap others."
            " Use Transfer, or change the coverage rule on the page of plans.",
        )


def _reparent(plan: Plan, args: Reparent) -> Outcome:
    old = Grid.objects.filter(plan=plan, pk=args.grid).values_list("parent", flat=True).first()
    sheet = _sheet(plan, box_round(plan, [args.grid, args.parent, *([old] if old else [])]), [args.grid, args.parent])
    return Outcome(sheet, edit.reparent(sheet, args.grid, args.parent), about=[args.grid, args.parent])


def _divide(plan: Plan, args: Divide) -> Outcome:
    sheet = _sheet(plan, box_round(plan, [args.grid]), [args.grid], whole=False)
    try:
        parts = [
            (shapely.geometry.shape({"type": "MultiPolygon", "coordinates": part.polygons}), part.name)
            for part in args.parts
        ]
    except (ValueError, TypeError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise BadArguments(
            "划分的各部分应为 GeoJSON MultiPolygon 的坐标。", "Parts are coordinates of a GeoJSON MultiPolygon."
        ) from error
    after = edit.divide(sheet, args.grid, parts, keep=args.keep)
    return Outcome(sheet, after, about=[args.grid], levels=_level_names(plan, after))


def _add_level(plan: Plan, args: Grids) -> Outcome:
    sheet = _sheet(plan, box_round(plan, args.grids), args.grids, whole=False)
    after = edit.add_level(sheet, args.grids)
    return Outcome(sheet, after, about=args.grids, levels=_level_names(plan, after))


def _level_names(plan: Plan, after: Sheet) -> list[str] | None:
    """The names of the levels if there is one more now, or None; the planner may change them."""
    deepest = max(grid.level for grid in after.grids.values())
    more = deepest + 1 - len(plan.level_names)
    return [*plan.level_names, *("子网格" for _ in range(more))] if more > 0 else None


def _levels(plan: Plan, args: Levels) -> Outcome:
    depth = 1 + (Grid.objects.filter(plan=plan).aggregate(deepest=Max("level"))["deepest"] or 0)
    if len(args.names) < depth:
        raise BadArguments(
            f"方案现有 {depth} 级网格, 只给了 {len(args.names)} 个级别名称。请为每一级各写一个名称。",
            f"The plan has {depth} levels and {len(args.names)} names were given: name each level.",
        )
    return Outcome(levels=args.names)


def _least_piece(plan: Plan) -> float:
    return MeasureSettings.of_path(plan.institution.path).least_piece_m2


def _remove_level(plan: Plan, args: OneGrid) -> Outcome:
    sheet = _sheet(plan, box_round(plan, [args.grid]), [args.grid], whole=False)
    return Outcome(sheet, edit.remove_level(sheet, args.grid), about=[args.grid])


def _facts(plan: Plan, keys: Sequence[Key], values: Mapping[str, Any]) -> Outcome:
    return Outcome(facts={key: values for key in keys}, about=keys)


def _lock(plan: Plan, args: Lock) -> Outcome:
    return replace(_facts(plan, args.grids, {"locked": args.locked}), logged_as="lock" if args.locked else "unlock")


OPERATIONS: dict[str, tuple[type[Args], Callable[[Plan, Any], Outcome]]] = {
    "reshape": (Reshape, _reshape),
    "redraw": (Redraw, _redraw),
    "split": (Split, _split),
    "merge": (Merge, _merge),
    "transfer": (Transfer, _transfer),
    "extend": (Overlap, _overlapping(edit.extend)),
    "withdraw": (Overlap, _overlapping(edit.withdraw)),
    "reparent": (Reparent, _reparent),
    "divide": (Divide, _divide),
    "add_level": (Grids, _add_level),
    "remove_level": (OneGrid, _remove_level),
    "rename": (Rename, lambda plan, args: _facts(plan, [args.grid], {"name": args.name})),
    "recode": (
        Recode,
        lambda plan, args: _facts(
            plan, [args.grid], {k: v for k, v in (("code", args.code), ("bank_code", args.bank_code)) if v is not None}
        ),
    ),
    "classify": (Classify, lambda plan, args: _facts(plan, args.grids, {"kind": args.kind.value})),
    "lock": (Lock, _lock),
    "levels": (Levels, _levels),
}
