"""What an import found and changed, as rows, as GeoJSON, as text."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from shapely.geometry import mapping

from gis.nesting import Patch
from gis.repair import Repair
from layers.imports.pipeline import Finding
from layers.imports.tree import Tree

Row = dict[str, Any]

KINDS = {
    "invalid": ("无效", "invalid"),
    "gap": ("缺口", "gap"),
    "overlap": ("重叠", "overlap"),
    "outside": ("越界", "outside parent"),
    "unmatched": ("界线未对齐", "unmatched border"),
}


def finding_rows(findings: Sequence[Finding]) -> list[Row]:
    """A row a defect: number, kind, area in m², codes of the grids, parent, place, reason."""
    rows = []
    for number, finding in enumerate(findings, start=1):
        lon, lat = finding.place or (None, None)
        rows.append(
            {
                "number": number,
                "kind": finding.kind.value,
                "area_m2": round(finding.area_m2, 4),
                "grids": list(finding.codes),
                "parent": finding.parent,
                "lon": lon,
                "lat": lat,
                "reason": finding.reason,
            }
        )
    return rows


def findings_geojson(findings: Sequence[Finding]) -> dict[str, Any]:
    """The defects as a FeatureCollection in CGCS2000, with the columns of `finding_rows`."""
    features = [
        {
            "type": "Feature",
            "id": row["number"],
            "geometry": None if finding.geometry.is_empty else mapping(finding.geometry),
            "properties": row,
        }
        for finding, row in zip(findings, finding_rows(findings), strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def findings_summary(findings: Sequence[Finding]) -> list[Row]:
    """Number and area of the defects of each kind."""
    count = Counter(finding.kind.value for finding in findings)
    area: dict[str, float] = defaultdict(float)
    for finding in findings:
        area[finding.kind.value] += finding.area_m2
    return [{"kind": kind, "count": count[kind], "area_m2": round(area[kind], 2)} for kind in KINDS if count[kind]]


def change_rows(tree: Tree, report: Repair) -> list[Row]:
    """A row a grid that a repair changed: code, name, level, areas in m² before and after, gained and lost."""
    names = [{unit.code: unit.name for unit in units} for units in tree.levels]
    return [
        {
            "code": change.code,
            "name": names[change.level][change.code],
            "level": change.level,
            "level_name": tree.level_names[change.level],
            "area_before_m2": round(change.area_before_m2, 3),
            "area_after_m2": round(change.area_after_m2, 3),
            "gained_m2": round(change.gained_m2, 3),
            "lost_m2": round(change.lost_m2, 3),
        }
        for change in report.changes
    ]


def repair_report(tree: Tree, report: Repair) -> dict[str, Any]:
    """All that a repair did, for JSON; places as GeoJSON."""
    return {
        "changes": change_rows(tree, report),
        "filled": _patch_rows(report.filled),
        "resolved": _patch_rows(report.resolved),
        "rejoined": _patch_rows(report.rejoined),
        "kept": _patch_rows(report.kept),
        "made_valid": [{"level": level, "code": code} for level, code in report.made_valid],
    }


def repair_lines(report: Repair) -> list[tuple[str, str]]:
    """What a repair did, one sentence a kind of act, in Chinese and in English."""
    acts = [
        (report.made_valid, "修正无效图形", "invalid polygons made valid"),
        (report.filled, "填补缺口", "gaps filled"),
        (report.resolved, "消除重叠", "overlaps resolved"),
        (report.rejoined, "并入邻格的碎块", "detached bits given to a neighbour"),
        (report.kept, "保留的空白（太宽或不封闭）", "open places kept (too wide, or open)"),
    ]
    lines = []
    for done, zh, en in acts:
        if done:
            areas = [act.area_m2 for act in done if isinstance(act, Patch)]
            of = f"，{sum(areas):,.1f} m²" if areas else ""
            lines.append((f"{zh} {len(done):,} 处{of}", f"{en}: {len(done):,}{of.replace('，', ', ')}"))
    gained, lost = (sum(getattr(change, key) for change in report.changes) for key in ("gained_m2", "lost_m2"))
    lines.append(
        (
            f"改动网格 {len(report.changes):,} 个，共增 {gained:,.1f} m²、减 {lost:,.1f} m²",
            f"{len(report.changes):,} grids changed, {gained:,.1f} m² gained and {lost:,.1f} m² lost in all",
        )
    )
    return lines


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns that line up also where characters are two cells wide."""
    lines = [header, *rows]
    widths = [max(_cells(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(text + " " * (width - _cells(text)) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def findings_text(findings: Sequence[Finding], limit: int = 100) -> str:
    """The table of defects for a terminal, the largest of each kind first."""
    rows = [
        (
            str(row["number"]),
            "/".join(KINDS[row["kind"]]),
            f"{row['area_m2']:,.2f}",
            row["parent"],
            " ".join(row["grids"][:4]) + (" …" if len(row["grids"]) > 4 else ""),
            "–" if row["lon"] is None else f"{row['lon']:.6f},{row['lat']:.6f}",
        )
        for row in finding_rows(findings[:limit])
    ]
    table = text_table(("#", "缺陷/defect", "m²", "上级/parent", "网格/grids", "位置/place"), rows)
    more = len(findings) - limit
    return (
        table
        if more <= 0
        else f"{table}\n… 另有 {more:,} 处，用 --defects 输出全部 / {more:,} more: --defects writes all"
    )


def changes_text(rows: Sequence[Row], limit: int = 100) -> str:
    """The table of changed grids for a terminal."""
    cells = [
        (
            row["code"],
            row["name"],
            row["level_name"],
            *(f"{row[key]:,.2f}" for key in ("area_before_m2", "area_after_m2", "gained_m2", "lost_m2")),
        )
        for row in rows[:limit]
    ]
    header = ("编码/code", "名称/name", "级别/level", "原 m²/before", "现 m²/after", "增/gained", "减/lost")
    table = text_table(header, cells)
    more = len(rows) - limit
    return (
        table
        if more <= 0
        else f"{table}\n… 另有 {more:,} 个，用 --report 输出全部 / {more:,} more: --report writes all"
    )


def _patch_rows(patches: Sequence[Patch]) -> list[Row]:
    return [
        {
            "area_m2": round(patch.area_m2, 4),
            "grids": list(patch.codes),
            "owners": list(patch.owners),
            "geometry": mapping(patch.geometry),
        }
        for patch in patches
    ]


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
