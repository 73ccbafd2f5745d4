"""The import of grids without any web in it: read, check, repair, load."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import shapely
from django.core.exceptions import PermissionDenied
from django.db import transaction
from shapely.geometry.base import BaseGeometry

from gis.coverage import DefectKind, find_defects
from gis.datum import Datum, parse_datum
from gis.nesting import Nest
from gis.progress import Progress, part, silent
from gis.reading import Limits, read_features
from gis.repair import Repair, repair
from layers.grids.coverage import exact_cover
from layers.grids.loading import GridRecord, load_grids
from layers.grids.models import Plan
from layers.imports.columns import Table, tabulate
from layers.imports.faults import TooManyFiles, naming
from layers.imports.hierarchy import build_tree
from layers.imports.placing import Reference, check_place, outline, to_lattice
from layers.imports.tree import DEFAULT_GAP_WIDTH_M, MAX_LEVELS, Options, Source, Tree, Unit
from layers.orgs.models import Institution, User

__all__ = ["Finding", "Options", "Reference", "Source", "Tree", "Unit", "check", "load", "read_tree", "repaired"]

LOCATION = re.compile(r"\[(-?[\d.]+) (-?[\d.]+)\]")
"""Where in the words of GEOS a polygon is invalid."""


@dataclass(frozen=True)
class Finding:
    """A defect of a tree: where the children of `parent` do not cover it exactly.

    Attributes
    ----------
    kind, area_m2, geometry, reason : see `gis.coverage.Defect`.
    codes : of the grids concerned.
    """

    kind: DefectKind
    area_m2: float
    parent: str
    codes: tuple[str, ...]
    geometry: BaseGeometry
    reason: str = ""

    @property
    def place(self) -> tuple[float, float] | None:
        """A longitude and latitude at the defect, to find it by."""
        if self.geometry.is_empty:
            return None
        if where := LOCATION.search(self.reason):
            return round(float(where[1]), 6), round(float(where[2]), 6)
        point = shapely.point_on_surface(self.geometry)
        return round(point.x, 6), round(point.y, 6)


def read_tree(
    sources: Sequence[Source],
    options: Options,
    *,
    references: Callable[[str], Sequence[Reference]] | None = None,
    limits: Limits | None = None,
    progress: Progress = silent,
) -> Tree:
    """The tree of grids in some files.

    Parameters
    ----------
    references
        Gives outlines to compare a service area with, by its code: a wrong datum shows.

    Raises
    ------
    gis.reading.FileRefused, gis.datum.UnknownDatum, gis.datum.CoordinatesOutsideDatum, layers.imports.faults.ImportRefused
        With what to do about it; nothing is kept.
    """
    check_number(sources)
    tables, outlines, notes = [], [], []
    for number, source in enumerate(sources):
        share = part(progress, number / len(sources), (number + 1) / len(sources))
        with naming(source.label):
            table = _read(source, options, limits, part(share, 0, 0.6))
            tables.append(table)
            outlines.append(outline([row.geometry for row in table.rows], part(share, 0.6, 1)))
            if len(outlines) > 1:
                first = Reference(f"“{sources[0].label}”", f"“{sources[0].label}”", outlines[0])
                check_place(outlines[-1], first, _datum(source, options))
        notes += [
            {"zh": f"{source.label}：{note['zh']}", "en": f"{source.label}: {note['en']}"} for note in table.notes
        ]
    tree = build_tree(tables, options)
    for reference in references(tree.area.code) if references else ():
        check_place(outlines[0], reference, _datum(sources[0], options))
    return Tree(tree.levels, tree.level_names, (*notes, *tree.notes))


def check_number(files: Sequence[object]) -> None:
    """Refuse more files than a plan has levels."""
    if len(files) > MAX_LEVELS:
        raise TooManyFiles(
            f"一次最多 {MAX_LEVELS} 个文件（每级一个），收到 {len(files)} 个。请合并同一级的文件。",
            f"At most {MAX_LEVELS} files, one a level; {len(files)} were given. Merge the files of one level.",
        )


def check(tree: Tree, *, gap_width_m: float = DEFAULT_GAP_WIDTH_M, progress: Progress = silent) -> list[Finding]:
    """Every defect of every parent, by kind, largest first; [] if and only if the tree is exact.

    `gap_width_m` decides between gap and lake at the rim of a service area that is yet to be derived.
    """
    shapes = {unit.code: unit.geometry for units in tree.levels for unit in units}
    findings = []
    checked, total = 0, sum(map(len, tree.levels[1:]))
    for units in tree.levels[1:]:
        ordered = sorted(units, key=lambda unit: (unit.parent or "", unit.code))
        for parent, group in groupby(ordered, key=lambda unit: unit.parent or ""):
            children = list(group)
            found = find_defects([c.geometry for c in children], shapes[parent], narrow_gap_m=gap_width_m)
            findings += [
                Finding(
                    d.kind,
                    d.area_m2,
                    parent,
                    tuple(children[i].code for i in d.grids) or (parent,),
                    d.geometry,
                    d.reason,
                )
                for d in found
                # An invalid parent was found among the children of its own.
                if d.grids or parent == tree.area.code
            ]
            checked += len(children)
            progress(checked / total)
    order = list(DefectKind)
    return sorted(findings, key=lambda finding: (order.index(finding.kind), -finding.area_m2))


def repaired(tree: Tree, gap_width_m: float, nest: Nest, progress: Progress = silent) -> tuple[Tree, Repair]:
    """The tree made exact, with its service area, and what was done to it; see `gis.repair.repair`."""
    result = repair(tree.nesting_levels(), gap_width_m=gap_width_m, nest=nest, progress=progress)
    return tree.with_geometries(result.geometries), result


def load(
    tree: Tree,
    *,
    institution: Institution,
    plan_name: str,
    user: User | None = None,
    policy: str = Plan.Policy.PARTITION,
    source: str = "",
    progress: Progress = silent,
) -> Plan:
    """A draft plan with the grids of an exact tree: all of it or nothing.

    Raises
    ------
    layers.grids.coverage.CoverageBroken
        The tree is not exact.
    PermissionDenied
        The user may not plan for the institution; not asked where `user` is None.
    """
    if user is not None and not user.can_plan_for(institution):
        raise PermissionDenied
    tree = tree.with_area()
    records = [
        GridRecord(unit.code, unit.parent, unit.name, level, unit.kind, unit.geometry, unit.bank_code)
        for level, units in enumerate(tree.levels)
        for unit in units
    ]
    with transaction.atomic():
        plan = Plan.objects.create(
            institution=institution,
            name=plan_name,
            area_code=tree.area.code,
            level_names=list(tree.level_names),
            policy=policy,
            source=source[:200],
            created_by=user,
            private=user is not None,
        )
        with exact_cover(plan):
            load_grids(plan, records, progress)
    return plan


def _read(source: Source, options: Options, limits: Limits | None, progress: Progress) -> Table:
    features = read_features(
        source.path, limits=limits, encoding=source.encoding, layer=source.layer, progress=progress
    )
    table = tabulate(
        source, to_lattice(features.geometries, _datum(source, options), features.crs), features.attributes
    )
    table.notes[:0] = features.notes
    return table


def _datum(source: Source, options: Options) -> Datum:
    return parse_datum(source.datum or options.datum)
