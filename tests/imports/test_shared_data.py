"""Every real file of polygons: the exact ones load as they are, the dirty ones are refused and then load repaired."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from layers.grids.coverage import audit
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution

FOLDER = Path(__file__).parents[3] / "shared" / "data"
XIHU, XIHU_DEMO = ("xihu_towns", "xihu_communities"), ("xihu_demo_towns", "xihu_demo_communities", "xihu_demo_grids")
YICHANG = ("yichang_streets", "yichang_communities")

EXACT = [
    (("hubei_counties_tdt",), {"datum": "cgcs2000", "area_code": "420000"}, 103),
    (("wannian_towns",), {"datum": "wgs84", "area_code": "361129"}, 12),
    (("yueqing_towns",), {"datum": "wgs84", "area_code": "330382"}, 17),
    (("xihu_towns",), {"datum": "cgcs2000"}, 11),
]
DIRTY = [
    (("beijing_districts",), {"datum": "wgs84", "area_code": "110000"}, 6),
    (("beijing_subdistricts",), {"datum": "wgs84", "area_code": "110000"}, 134),
    (("shenzhen_streets",), {"datum": "wgs84", "area_code": "440300"}, 74),
    (("xihu_communities",), {"datum": "cgcs2000"}, 209),
    (("xihu_grids",), {"datum": "cgcs2000"}, 605),
    (("xihu_demo_towns",), {"datum": "cgcs2000"}, 11),
    (("xihu_demo_communities",), {"datum": "cgcs2000", "area_code": "330106"}, 201),
    (("xihu_demo_grids",), {"datum": "cgcs2000"}, 605),
    (XIHU_DEMO, {"datum": "cgcs2000"}, 11 + 201 + 605),
    (XIHU, {"datum": "cgcs2000"}, 11 + 209),
    ((YICHANG[0],), {"datum": "wgs84", "area_code": "420500"}, 22),
    ((YICHANG[1],), {"datum": "wgs84", "area_code": "420500"}, 193),
    (YICHANG, {"datum": "wgs84", "area_code": "420500"}, 22 + 193),
]


def run(names: tuple[str, ...], **options: Any) -> str:
    files = [FOLDER / f"{name}.geojson" for name in names]
    if missing := [file.name for file in files if not file.exists()]:
        pytest.skip(f"../shared/data/{missing[0]} is absent")
    out = io.StringIO()
    call_command("import_grids", *map(str, files), institution="B", name="试点", stdout=out, **options)
    return out.getvalue()


@pytest.mark.parametrize(("names", "options", "count"), EXACT, ids=[case[0][0] for case in EXACT])
def test_exact_files_load_as_they_are(
    bank: Institution, names: tuple[str, ...], options: dict[str, Any], count: int
) -> None:
    run(names, **options)
    assert Grid.objects.count() == 1 + count
    assert audit(Plan.objects.get()) == []


@pytest.mark.domain("HY01")
@pytest.mark.parametrize(("names", "options", "count"), DIRTY, ids=["+".join(case[0]) for case in DIRTY])
def test_dirty_files_are_refused_and_then_load_repaired(
    bank: Institution, names: tuple[str, ...], options: dict[str, Any], count: int
) -> None:
    with pytest.raises(CommandError) as fault:
        run(names, **options)
    assert fault.value.returncode == 2 and "--repair" in str(fault.value)
    assert not Plan.objects.exists()
    run(names, repair=True, gap_width=5, **options)
    assert Grid.objects.count() == 1 + count
    assert audit(Plan.objects.get()) == []


def test_roads_are_not_grids(bank: Institution) -> None:
    with pytest.raises(CommandError, match="LineString") as fault:
        run(("shenzhen_futian_osm_roads",), datum="wgs84", area_code="440304")
    assert fault.value.returncode == 2
