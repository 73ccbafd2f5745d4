"""What can be wrong with an edit: each fault says where, numbered as on the map, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gis.errors import JingtianError
from gis.lattice import to_degrees

Point = tuple[int, int]
"""A vertex, in lattice integers."""


class EditRefused(JingtianError):
    """An edit that cannot be done; nothing has changed."""

    code = "bad_geometry"


class BadLine(EditRefused):
    """What was drawn is no line: too few vertices, no length, or not finite."""


class TooManyVertices(EditRefused):
    """A drawn line is longer than any border."""

    code = "too_many_vertices"


class LineCrossesBorder(EditRefused):
    """A border may not run across another one."""

    code = "line_crosses_border"


class LineCrossesItself(EditRefused):
    """A drawn line crosses or touches itself."""

    code = "line_crosses_itself"


class LineMissesGrid(EditRefused):
    """A drawn line does not enter the grid, or only touches it or runs along its border."""

    code = "line_misses_grid"


class LineEndsInside(EditRefused):
    """A drawn line enters the grid and ends there: it cuts nothing."""

    code = "line_leaves_grid"


class PathNotBorder(EditRefused):
    """What is to be replaced is not a border, or not any more."""

    code = "path_not_a_border"


class OuterBorder(EditRefused):
    """The border of the service area itself, which only moves when that is said."""

    code = "outer_border"


class NotNeighbours(EditRefused):
    """Grids that share no border, or no parent."""

    code = "not_neighbours"


class WouldVanish(EditRefused):
    """Nothing would be left of a grid."""

    code = "would_vanish"


class BorderCannotFollow(EditRefused):
    """A border that ends on a line cannot be brought to where the line is redrawn."""

    code = "border_cannot_follow"


class FallsApart(EditRefused):
    """A grid would be cut into pieces that do not hang together."""

    code = "falls_apart"


class Sliver(EditRefused):
    """A piece smaller than any grid."""

    code = "sliver"


class GridLocked(EditRefused):
    """A grid that its planners have locked."""

    code = "grid_locked"


class HasNoOrOtherLevel(EditRefused):
    """The levels of the grids do not allow the operation."""

    code = "wrong_level"


class Superseded(EditRefused):
    """What an edit changed has been changed again since, so it cannot be taken back by itself."""

    code = "cannot_undo"


def places(points: Sequence[Point], lines: Sequence[Sequence[Point]] = ()) -> dict[str, Any]:
    """Points and lines as a FeatureCollection, numbered from 1 in that order."""
    shapes: list[dict[str, Any]] = [{"type": "Point", "coordinates": to_degrees(point).tolist()} for point in points]
    shapes += [{"type": "LineString", "coordinates": to_degrees(line).tolist()} for line in lines]
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "id": number, "properties": {"number": number}, "geometry": shape}
            for number, shape in enumerate(shapes, start=1)
        ],
    }
