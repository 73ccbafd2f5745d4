"""A map as SVG: grids filled by class, borders by level, points, names, scale bar and north arrow. Millimetres throughout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import shapely
from django.utils.translation import gettext as _
from shapely.geometry.base import BaseGeometry

from layers.reports.ground import Ground
from layers.reports.labels import Box, Label, Wish, place_labels, width_of

RAMP = ("#d9eeec", "#a3d2ce", "#62aca8", "#2a8380", "#0b5a5e")
"""A single hue, light to dark, also in grey."""
AROUND_ZERO = ("#8c510a", "#d8b365", "#f5f5f5", "#7fbfba", "#0b5a5e")
BELOW_ZERO = {f"url(#below-{number})": colour for number, colour in enumerate(AROUND_ZERO[:2])}
"""Fills below zero are ruled as well, and their colours: so that the two sides differ in grey."""
NO_DATA = "url(#no-data)"
BORDERS = (("#102a2c", 0.9), ("#23484b", 0.55), ("#4f7275", 0.3), ("#7f9a9c", 0.16), ("#9fb3b4", 0.12))
"""Colour and width of the borders of each level from the top."""
FONT = "Noto Sans CJK SC, Noto Sans SC, sans-serif"
MANY_SPOTS = 150
"""From here on points are drawn smaller."""
SIGNS = ("circle", "square", "triangle", "diamond", "lozenge", "wedge")


@dataclass(frozen=True)
class Spot:
    """A point to draw: longitude, latitude, and which sign of the legend."""

    lon: float
    lat: float
    sign: int
    colour: str


def colours(count: int, *, diverging: bool = False) -> list[str]:
    """Fills of that many classes, spread over the ramp: colours, or of `BELOW_ZERO`."""
    ramp = (*BELOW_ZERO, *AROUND_ZERO[len(BELOW_ZERO) :]) if diverging else RAMP
    if count == 1:
        return [ramp[2]]
    return [ramp[round(number * (len(ramp) - 1) / (count - 1))] for number in range(count)]


def draw_map(ground: Ground, fills: Mapping[int, str], texts: Mapping[int, str], spots: Sequence[Spot] = ()) -> str:
    """The map of a level.

    Parameters
    ----------
    fills
        Fill of each grid; what is left out is hatched as without data.
    texts
        What stands below a grid's name where there is room: its value.
    """
    frame = ground.frame
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": f"{frame.width}mm",
            "height": f"{frame.height}mm",
            "viewBox": f"0 0 {frame.width} {frame.height}",
            "class": "map",
        },
    )
    svg.append(_hatch())
    grids = ET.SubElement(svg, "g", {"stroke-linejoin": "round"})
    level = max(piece.level for piece in ground.pieces)
    for piece in ground.pieces:
        _path(grids, piece.shape, fill=fills.get(piece.id, NO_DATA), stroke=BORDERS[level][0], width=BORDERS[level][1])
    for depth, pieces in ground.above.items():
        for piece in pieces:
            _path(grids, piece.shape, fill="none", stroke=BORDERS[depth][0], width=BORDERS[depth][1])
    marks = ET.SubElement(svg, "g")
    names = ET.SubElement(svg, "g", {"font-family": FONT, "text-anchor": "middle"})
    taken: list[Box] = [(0, frame.height - 12, 62, frame.height), (frame.width - 14, 0, frame.width, 18)]
    # Names of townships before the points, which may be many; other names keep clear of both.
    labels = place_labels(_towns(ground, level), taken)
    size = 1.3 if len(spots) < MANY_SPOTS else 0.9
    for spot in spots:
        x, y = frame.place(spot.lon, spot.lat)
        draw_sign(marks, spot.sign, x, y, size, spot.colour)
        taken.append((x - size, y - size, x + size, y + size))
    for label in [*labels, *place_labels(_names(ground, texts, level), taken)]:
        _write(names, label)
    _scale_bar(svg, ground)
    _north(svg, frame.width - 7, 3)
    return ET.tostring(svg, encoding="unicode")


def _towns(ground: Ground, level: int) -> list[Wish]:
    """Names of the townships on a map of a level below, the largest first."""
    pieces = sorted(ground.above.get(1, ()), key=lambda piece: -piece.shape.area) if level > 1 else []
    return [Wish(piece.shape, [([piece.name], 3.4), ([piece.name], 2.6)], is_strong=True) for piece in pieces]


def _names(ground: Ground, texts: Mapping[int, str], level: int) -> list[Wish]:
    """Name and value, else the name; of grids, whose names are long and alike, the value."""
    found = []
    for piece in sorted(ground.pieces, key=lambda piece: -piece.shape.area):
        text = texts.get(piece.id, "")
        both = [piece.name, text] if text else [piece.name]
        forms: list[tuple[list[str], float]] = [(both, 2.1), ([piece.name], 2.1)]
        if level <= 1:
            forms = [(both, 3.2), (both, 2.4), (both, 1.8), ([piece.name], 1.8)]
        elif level > 2:
            forms = [([text], 1.9)] if text else []
        found.append(Wish(piece.shape, forms, is_strong=level <= 1))
    return found


def _hatch() -> ET.Element:
    defs = ET.Element("defs")
    pattern = ET.SubElement(
        defs, "pattern", {"id": "no-data", "width": "1.6", "height": "1.6", "patternUnits": "userSpaceOnUse"}
    )
    ET.SubElement(pattern, "rect", {"width": "1.6", "height": "1.6", "fill": "#ffffff"})
    ET.SubElement(pattern, "path", {"d": "M0 1.6 L1.6 0", "stroke": "#8a9799", "stroke-width": "0.22"})
    for number, colour in enumerate(BELOW_ZERO.values()):
        below = ET.SubElement(
            defs,
            "pattern",
            {"id": f"below-{number}", "width": "1.4", "height": "1.4", "patternUnits": "userSpaceOnUse"},
        )
        ET.SubElement(below, "rect", {"width": "1.4", "height": "1.4", "fill": pale(colour)})
        ET.SubElement(below, "path", {"d": "M0 0 L1.4 1.4", "stroke": colour, "stroke-width": "0.4"})
    return defs


def pale(colour: str) -> str:
    """A colour half way to white."""
    return "#" + "".join(f"{(int(colour[i : i + 2], 16) + 255) // 2:02x}" for i in (1, 3, 5))


def _path(group: ET.Element, shape: BaseGeometry, *, fill: str, stroke: str, width: float) -> None:
    path = "".join(
        "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in ring.coords[:-1]) + "Z"
        for part in shapely.get_parts(shape)
        if part.geom_type == "Polygon"
        for ring in (part.exterior, *part.interiors)
    )
    look = {"d": path, "fill": fill, "fill-rule": "evenodd", "stroke": stroke, "stroke-width": f"{width}"}
    ET.SubElement(group, "path", look)


def _write(group: ET.Element, label: Label) -> None:
    """Halo below, letters above: twice, as not every reader of SVG knows the order of painting."""
    weight = "700" if label.is_strong else "400"
    for is_halo in (True, False):
        for number, line in enumerate(label.lines):
            y = label.y + (number - (len(label.lines) - 1) / 2) * 1.15 * label.size + 0.36 * label.size
            look = {"x": f"{label.x:.2f}", "y": f"{y:.2f}", "font-size": f"{label.size}", "font-weight": weight}
            look |= (
                {"fill": "none", "stroke": "#ffffff", "stroke-width": "0.7", "stroke-linejoin": "round"}
                if is_halo
                else {"fill": "#102a2c"}
            )
            ET.SubElement(group, "text", look).text = line


def draw_sign(group: ET.Element, sign: int, x: float, y: float, r: float, colour: str) -> None:
    """One of the signs of points: told apart by shape, not by colour alone."""
    look = {"fill": colour, "stroke": "#ffffff", "stroke-width": "0.25"}
    shape = SIGNS[sign % len(SIGNS)]
    if shape == "circle":
        ET.SubElement(group, "circle", {"cx": f"{x:.2f}", "cy": f"{y:.2f}", "r": f"{r}"} | look)
        return
    corners = {
        "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        "triangle": [(0, -1.15), (1.1, 0.85), (-1.1, 0.85)],
        "diamond": [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)],
        "lozenge": [(-1.3, 0.8), (-0.7, -0.8), (1.3, -0.8), (0.7, 0.8)],
        "wedge": [(0, 1.15), (1.1, -0.85), (-1.1, -0.85)],
    }[shape]
    path = "M" + "L".join(f"{x + r * dx:.2f} {y + r * dy:.2f}" for dx, dy in corners) + "Z"
    ET.SubElement(group, "path", {"d": path} | look)


def _scale_bar(svg: ET.Element, ground: Ground) -> None:
    """A round number of kilometres, in four alternating parts, and the scale."""
    frame = ground.frame
    longest = 45 * frame.metres_a_mm
    steps = [n * 10**k for k in range(0, 7) for n in (1, 2, 5)]
    metres = max(step for step in steps if step <= longest)
    length = metres / frame.metres_a_mm
    x0, y0 = 4.0, frame.height - 5.0
    group = ET.SubElement(svg, "g", {"font-family": FONT, "font-size": "2.6", "fill": "#102a2c"})
    for part in range(4):
        look = {"x": f"{x0 + part * length / 4:.2f}", "y": f"{y0:.2f}", "width": f"{length / 4:.2f}", "height": "1.3"}
        ET.SubElement(
            group, "rect", look | {"fill": ("#102a2c", "#ffffff")[part % 2], "stroke": "#102a2c", "stroke-width": "0.2"}
        )
    text = _("%(n)s 公里") % {"n": metres // 1000} if metres >= 1000 else _("%(n)s 米") % {"n": metres}
    ET.SubElement(group, "text", {"x": f"{x0:.2f}", "y": f"{y0 - 1:.2f}", "text-anchor": "middle"}).text = "0"
    end = {"x": f"{x0 + length:.2f}", "y": f"{y0 - 1:.2f}", "text-anchor": "middle"}
    ET.SubElement(group, "text", end).text = text
    scale = f"1 : {round(frame.metres_a_mm * 1000, -3):,.0f}"
    half = width_of(text, 2.6) / 2
    ET.SubElement(group, "text", {"x": f"{x0 + length + half + 2:.2f}", "y": f"{y0 + 1.2:.2f}"}).text = scale


def _north(svg: ET.Element, x: float, y: float) -> None:
    group = ET.SubElement(svg, "g", {"font-family": FONT, "font-size": "3", "fill": "#102a2c", "text-anchor": "middle"})
    ET.SubElement(group, "path", {"d": f"M{x} {y} L{x + 2.4} {y + 8} L{x} {y + 6.2} Z"})
    outline = {"d": f"M{x} {y} L{x - 2.4} {y + 8} L{x} {y + 6.2} Z", "fill": "#ffffff", "stroke": "#102a2c"}
    ET.SubElement(group, "path", outline | {"stroke-width": "0.25"})
    ET.SubElement(group, "text", {"x": f"{x}", "y": f"{y + 11.5}", "font-weight": "700"}).text = _("北")
