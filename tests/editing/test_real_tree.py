"""Random edits on the real tree of 杭州西湖区: two of its streets, with all that is below them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis.edit import Grid, Sheet
from gis.edit.chain import add, chain_of
from layers.demo.areas import XIHU_FILES, XIHU_FOLDER, _repaired_xihu
from tests.gis.editing_play import assert_exact, assert_exact_by_geometry, play

STREETS = 2


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    files = [XIHU_FOLDER / f"{name}.geojson" for name in XIHU_FILES]
    if not all(file.is_file() for file in files):
        pytest.skip("the real data of 西湖区 is not on this machine")
    rows, _ = _repaired_xihu(files, lambda line: None)
    area = next(row for row in rows if row.level == 0)
    towns = [row for row in rows if row.level == 1]
    # The first and one that touches it.
    beside = next(t for t in towns[1:] if shapely.length(t.geometry.intersection(towns[0].geometry)) > 0)
    kept = {area.code, towns[0].code, beside.code}
    chosen = [area, towns[0], beside]
    for row in rows:
        if row.parent_code in kept and row.level > 1:
            kept.add(row.code)
            chosen.append(row)
    keys = {row.code: i for i, row in enumerate(chosen, start=1)}
    grids = [
        Grid(keys[row.code], keys.get(row.parent_code or ""), row.level, chain_of(row.geometry), row.code, row.name)
        for row in chosen
    ]
    whole = add(*(grid.border for grid in grids if grid.level == 1))
    return Sheet.of([Grid(1, None, 0, whole, area.code, area.name), *grids[1:]])


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_operations_on_a_real_tree(sheet: Sheet, seed: int) -> None:
    assert_exact(sheet)
    after, changes, tally = play(sheet, np.random.default_rng(seed), 200)
    assert tally["undo"] > 10 and len(changes) == 200 - 2 * tally["undo"], tally
    assert_exact(after)
    assert_exact_by_geometry(after)
    for change in reversed(changes):
        after = change.inverse().on(after)
    assert {key: (grid.parent, grid.border) for key, grid in after.grids.items()} == {
        key: (grid.parent, grid.border) for key, grid in sheet.grids.items()
    }
