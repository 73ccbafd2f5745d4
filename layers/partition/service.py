"""Proposals to divide a grid, to even out a few, or to take from a neighbour; and applying them as one edit of the draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import shapely
from django.utils.translation import gettext as _
from shapely.geometry.base import BaseGeometry

from gis.edit.faults import GridLocked, HasNoOrOtherLevel, NotNeighbours
from gis.errors import JingtianError
from gis.measure import area_m2
from gis.partition import Partition, PartitionWish, count_for, partition, rebalance, take
from layers.editing import service as editing
from layers.editing.faults import NoSuchGrid
from layers.grids.coverage import shape_of
from layers.grids.models import Grid, Plan
from layers.orgs.models import User
from layers.partition.weights import Weighed, Weight, streets_in, weighed

DEEPEST = 4
MOST_PARTS = 500
TOLERANCE = 0.1
SEEDS = 4
"""Cuts tried for a proposal; the best is shown."""


class InvalidWish(JingtianError):
    """What is asked for cannot be: no number, no size, or too many parts."""

    code = "bad_arguments"


class NothingToTake(JingtianError):
    """What lies along the border is larger than what is asked for."""

    code = "nothing_to_take"


@dataclass(frozen=True)
class Wish:
    """How to divide a grid: into `count` parts, or into parts of `low` to `high`."""

    count: int | None = None
    low: float | None = None
    high: float | None = None
    weight: Weight = Weight.HOUSEHOLDS
    tolerance: float | None = None
    seed: int = 1
    keep_locked: bool = True


@dataclass(frozen=True)
class Proposal:
    """A partition not yet made, and the edit that makes it.

    Attributes
    ----------
    replaced : the sub-grids that give way; None for all.
    ids, codes : what each part becomes, where that is settled: when grids are evened out.
    ring : what a transfer gives away, when the two grids have different parents.
    names : what the parts are to be called; empty: after the grid.
    columns : further figures of each part, for its row of the table.
    balancing : whether even parts are what was asked for.
    """

    grid: Grid
    result: Partition
    weighed: Weighed
    weight: Weight
    seed: int
    replaced: list[int] | None
    ids: list[int | None]
    band: tuple[float, float] | None = None
    moved: float | None = None
    ring: list[Any] | None = None
    codes: dict[int, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)
    balancing: bool = True

    def operation(self) -> dict[str, Any]:
        """The edit that makes it."""
        if self.ring is None:
            return {"op": "divide", "args": self._division()}
        return {"op": "transfer", "args": {"ring": self.ring, "to": self.ids[0], "from": [self.ids[1]]}}

    def _division(self) -> dict[str, Any]:
        names = self.names or [""] * len(self.result.parts)
        parts = [
            {"name": name, "polygons": _coordinates(part.geometry)}
            for name, part in zip(names, self.result.parts, strict=True)
        ]
        return {"grid": self.grid.pk, "parts": parts} | ({} if self.replaced is None else {"keep": self.replaced})

    def rows(self) -> list[dict[str, Any]]:
        """The table: a row a part."""
        return [
            {
                "number": number,
                "grid": grid,
                "code": self.codes.get(grid or 0, ""),
                "weight": round(part.weight, 3),
                "deviation": round(part.deviation, 4),
                "compactness": round(part.compactness, 4),
                "street_share": None if part.street_share is None else round(part.street_share, 4),
                "area_km2": round(part.area_m2 / 1e6, 4),
                "pieces": part.pieces,
                "place": list(part.geometry.representative_point().coords[0]),
                **more,
            }
            for number, (grid, part, more) in enumerate(
                zip(self.ids, self.result.parts, self.columns or [{}] * len(self.ids), strict=True), start=1
            )
        ]

    def to_json(self) -> dict[str, Any]:
        result, rows = self.result, self.rows()
        total = sum(part.weight for part in result.parts)
        notes = list(self.weighed.notes)
        if self.balancing and not result.balanced and self.moved is None:
            notes.append(_("没有达到要求的均衡: 有的建筑或街区本身过大, 不能再分"))
        if self.band and not all(self.band[0] <= part.weight <= self.band[1] for part in result.parts):
            notes.append(_("有网格超出要求的规模范围"))
        return {
            "parts": {
                "type": "FeatureCollection",
                "features": [
                    {
                        "type": "Feature",
                        "id": row["number"],
                        "properties": row,
                        "geometry": {"type": "MultiPolygon", "coordinates": _coordinates(part.geometry)},
                    }
                    for row, part in zip(rows, result.parts, strict=True)
                ],
            },
            "table": rows,
            "operation": self.operation(),
            "summary": {
                "grid": self.grid.pk,
                "count": len(rows),
                "weight": self.weight.value,
                "weight_label": str(self.weight.label),
                "estimated": self.weighed.estimated,
                "total": round(total, 3),
                "target": round(total / len(rows), 3),
                "tolerance": round(result.tolerance, 4),
                "max_deviation": round(result.max_deviation, 4),
                "balanced": result.balanced,
                "mean_compactness": round(result.mean_compactness, 4),
                "street_share": None if result.street_share is None else round(result.street_share, 4),
                "contiguous": result.contiguous,
                "units": result.units,
                "divided_blocks": result.cells,
                "seed": self.seed,
                "band": None if self.band is None else list(self.band),
                "moved": None if self.moved is None else round(self.moved, 3),
                "notes": notes,
            },
        }


def propose(plan: Plan, user: User, grid_id: int, wish: Wish) -> Proposal:
    """Divide a grid; its locked sub-grids stay, the others are replaced.

    Raises
    ------
    InvalidWish, NoSuchGrid, GridLocked, HasNoOrOtherLevel, TooFewUnits
    """
    site = site_of(plan, grid_id, keep_locked=wish.keep_locked)
    basis = weighed(plan, site.replaced or [site.grid], site.region, user, wish.weight)
    count, tolerance, band = _size(wish, basis, site.region, site.locked)
    asked = PartitionWish(count, tolerance, wish.seed, SEEDS)
    result = partition(site.region, asked, basis.load, streets_in(site.region, user))
    return Proposal(site.grid, result, basis, wish.weight, wish.seed, site.keys, [None] * count, band)


@dataclass(frozen=True)
class Site:
    """What is to be divided: a grid, less its locked sub-grids; the others are replaced."""

    grid: Grid
    region: BaseGeometry
    replaced: list[Grid]
    locked: int

    @property
    def keys(self) -> list[int] | None:
        """The sub-grids that give way; None for all."""
        return [child.pk for child in self.replaced] if self.locked else None


def site_of(plan: Plan, grid_id: int, *, keep_locked: bool = True) -> Site:
    """The ground for a division of a grid.

    Raises
    ------
    NoSuchGrid, GridLocked, HasNoOrOtherLevel
    """
    grid = _grids(plan, [grid_id])[0]
    children = list(Grid.objects.filter(parent=grid).order_by("pk"))
    _check_level(grid, children)
    locked = [child for child in children if child.locked] if keep_locked else []
    replaced = [child for child in children if child not in locked]
    if (grid.locked and not children) or (children and not replaced):
        raise _locked([grid] if grid.locked else locked)
    return Site(grid, _union(replaced) if locked else shape_of(grid), replaced, len(locked))


def even_out(
    plan: Plan, user: User, grid_ids: Sequence[int], weight: Weight, tolerance: float = TOLERANCE, seed: int = 1
) -> Proposal:
    """Move the borders between a few neighbouring sub-grids of one grid until they are about equal; the others stay."""
    grids, parent = _siblings(plan, grid_ids)
    shapes = [shape_of(grid) for grid in grids]
    region = _union(grids)
    basis = weighed(plan, grids, region, user, weight)
    result = rebalance(shapes, basis.load, streets_in(region, user), tolerance=tolerance, seed=seed)
    keys = [grid.pk for grid in grids]
    return Proposal(parent, result, basis, weight, seed, keys, list(keys), codes=_codes(grids))


def take_from(plan: Plan, user: User, to: int, source: int, amount: float, weight: Weight) -> Proposal:
    """Give `to` an amount from the neighbour `source`, block by block along their border; also across parents.

    Raises
    ------
    InvalidWish, NoSuchGrid, GridLocked, HasNoOrOtherLevel, NotNeighbours
    """
    if amount <= 0 or to == source:
        raise InvalidWish(
            "请给出两个不同的网格, 以及大于 0 的数量。", "Give two different grids, and an amount of more than 0."
        )
    grids = _grids(plan, [to, source])
    _check_leaves(grids)
    shapes = [shape_of(grid) for grid in grids]
    if shapely.length(shapely.intersection(*shapes)) == 0:
        raise NotNeighbours(
            f"{grids[0]} 与 {grids[1]} 不相接, 不能移交。", f"{grids[0]} and {grids[1]} have no common border."
        )
    region = _union(grids)
    basis = weighed(plan, grids, region, user, weight)
    siblings = grids[0].parent_id == grids[1].parent_id and grids[0].parent_id is not None
    taken = take(*shapes, amount, basis.load, streets_in(region, user), in_one_piece=not siblings)
    if taken.place.is_empty:
        raise NothingToTake(
            f"{grids[1]} 沿界线的街区或建筑都大于要移交的数量, 没有可移交的部分。",
            f"All blocks and buildings of {grids[1]} along the border are larger than the amount asked for.",
        )
    ring = None if siblings else [list(point) for point in shapely.get_parts(taken.place)[0].exterior.coords]
    parent = Grid.objects.get(pk=grids[0].parent_id) if siblings else grids[0]
    return Proposal(
        parent,
        taken.result,
        basis,
        weight,
        1,
        [to, source],
        [to, source],
        moved=taken.moved,
        ring=ring,
        codes=_codes(grids),
    )


def apply(proposal: Proposal, plan: Plan, user: User, base_revision: int, *, dry_run: bool = False) -> dict[str, Any]:
    """Make the proposal one edit of the draft: exact, in the log, can be undone."""
    operation = proposal.operation()
    return editing.commit(plan.pk, user, operation["op"], operation["args"], base_revision, dry_run=dry_run)


def _size(
    wish: Wish, basis: Weighed, region: BaseGeometry, locked: int
) -> tuple[int, float, tuple[float, float] | None]:
    tolerance = TOLERANCE if wish.tolerance is None else wish.tolerance
    if wish.count is not None and wish.count < 1:
        raise InvalidWish("网格个数应为 1 或更多。", "The number of grids is to be 1 or more.")
    if wish.count is not None:
        # The locked ones count: the grid has so many in the end.
        count, band = max(1, wish.count - locked), None
    elif wish.low is not None and wish.high is not None:
        if not 0 < wish.low <= wish.high:
            raise InvalidWish(
                f"规模范围 {wish.low:g}–{wish.high:g} 有误: 下限应大于 0, 且不大于上限。",
                f"The size {wish.low:g}–{wish.high:g} is not right: more than 0, and the lower limit first.",
            )
        total = float(basis.load.weight.sum()) + basis.load.per_m2 * float(area_m2([region])[0])
        count, room = count_for(total, wish.low, wish.high)
        band = (wish.low, wish.high)
        tolerance = room if wish.tolerance is None else wish.tolerance
    else:
        raise InvalidWish(
            "请给出网格个数, 或每格规模的下限和上限。",
            "Give a number of grids, or the least and the greatest size of one.",
        )
    if not 1 <= count <= MOST_PARTS:
        raise InvalidWish(
            f"一次最多划分为 {MOST_PARTS} 个网格, 这里要 {count} 个。请先粗分, 再逐个细分。",
            f"At most {MOST_PARTS} grids at once, and this asks for {count}: divide roughly first, then each.",
        )
    return count, max(tolerance, 0.005), band


def _grids(plan: Plan, ids: Sequence[int]) -> list[Grid]:
    found = Grid.objects.filter(plan=plan).in_bulk(list(ids))
    if missing := [key for key in ids if key not in found]:
        raise NoSuchGrid("所选网格不在方案中。", "A chosen grid is not in the plan.", grids=missing)
    return [found[key] for key in ids]


def _codes(grids: Sequence[Grid]) -> dict[int, str]:
    return {grid.pk: grid.code for grid in grids}


def _siblings(plan: Plan, ids: Sequence[int]) -> tuple[list[Grid], Grid]:
    grids = _grids(plan, sorted(set(ids)))
    parents = {grid.parent_id for grid in grids}
    parent = Grid.objects.filter(pk__in=[key for key in parents if key]).first()
    region = _union(grids) if len(grids) > 1 else None
    if len(parents) != 1 or parent is None or region is None or _in_pieces(region, grids):
        raise NotNeighbours(
            "请选择同一上级之下、两两相接的两个或更多网格。",
            "Choose two or more grids below the same grid that border each other.",
        )
    _check_leaves(grids)
    return grids, parent


def _check_leaves(grids: Sequence[Grid]) -> None:
    if Grid.objects.filter(parent__in=grids).exists():
        raise HasNoOrOtherLevel(
            "所选网格还有下级, 请选最下一级的网格。",
            "The chosen grids are subdivided: choose grids of the lowest level.",
        )
    if locked := [grid for grid in grids if grid.locked]:
        raise _locked(locked)


def _in_pieces(region: BaseGeometry, grids: Sequence[Grid]) -> bool:
    """Whether grids that are each in one piece are not so together."""
    return shapely.get_num_geometries(region) > 1 and all(grid.geom.num_geom == 1 for grid in grids)


def _check_level(grid: Grid, children: Sequence[Grid]) -> None:
    if grid.level >= DEEPEST:
        raise HasNoOrOtherLevel(
            f"{grid} 已在最下一级, 不能再划分。", f"{grid} is on the lowest level there can be and cannot be divided."
        )
    if Grid.objects.filter(parent__in=children).exists():
        raise HasNoOrOtherLevel(
            f"{grid} 的下级还有下级, 不能整体重新划分。请选择其中一个下级。",
            f"The sub-grids of {grid} are subdivided: divide one of them instead.",
        )


def _locked(grids: Sequence[Grid]) -> GridLocked:
    names = "、".join(str(grid) for grid in grids[:5])
    return GridLocked(
        f"网格已锁定: {names}。请先解锁, 或选择其他网格。",
        f"These grids are locked: {names}. Unlock them first, or choose others.",
        grids=[grid.pk for grid in grids],
    )


def _union(grids: Sequence[Grid]) -> BaseGeometry:
    """The exact union: neighbours share all vertices of their borders."""
    shapes = [shape_of(grid) for grid in grids]
    return shapes[0] if len(shapes) == 1 else shapely.coverage_union_all(shapes)


def _coordinates(geometry: BaseGeometry) -> list[Any]:
    return [
        [[list(point) for point in ring.coords] for ring in (part.exterior, *part.interiors)]
        for part in shapely.get_parts(geometry)
    ]


__all__ = ["Proposal", "Weight", "Wish", "apply", "even_out", "propose", "site_of", "take_from"]
