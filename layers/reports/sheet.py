"""One page with a map: title, date, plan, legend, scale bar, north arrow, method and source. For single maps and for atlases.

PDF by WeasyPrint, in vectors; PNG of the same page by PDFium.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

import pypdfium2
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from PIL import ImageFile
from weasyprint import HTML

from layers.grids.models import Plan
from layers.reports.ground import Ground
from layers.reports.svg import BELOW_ZERO, NO_DATA, Spot, draw_map, draw_sign, pale

# WeasyPrint lets Pillow, in the whole process, take cut pictures for whole ones; uploads are checked by that.
ImageFile.LOAD_TRUNCATED_IMAGES = False

MAP_SIZE = (206.0, 166.0)
"""Millimetres of the map on a landscape A4."""
PNG_DPI = 150


@dataclass(frozen=True)
class Key:
    """A line of the legend: a filled box, or the sign of points."""

    text: str
    fill: str = ""
    sign: int | None = None
    count: int | None = None

    @property
    def swatch(self) -> str:
        """The box or sign as SVG."""
        svg = ET.Element(
            "svg", {"xmlns": "http://www.w3.org/2000/svg", "width": "7mm", "height": "4mm", "viewBox": "0 0 7 4"}
        )
        if self.sign is not None:
            draw_sign(svg, self.sign, 3.5, 2, 1.5, self.fill)
        else:
            ruled = BELOW_ZERO.get(self.fill)
            fill = "#ffffff" if self.fill == NO_DATA else pale(ruled) if ruled else self.fill
            box = {"x": "0.2", "y": "0.2", "width": "6.6", "height": "3.6", "fill": fill}
            ET.SubElement(svg, "rect", box | {"stroke": "#4f7275", "stroke-width": "0.2"})
            if self.fill == NO_DATA or ruled:
                top, bottom = (3.8, 0.2) if ruled else (0.2, 3.8)
                for x in (1.4, 3.0, 4.6, 6.2):
                    line = {
                        "d": f"M{x - 1.2} {bottom} L{min(x + 1.2, 6.8)} {top}",
                        "stroke": ruled or "#8a9799",
                        "stroke-width": "0.4" if ruled else "0.22",
                    }
                    ET.SubElement(svg, "path", line)
        return mark_safe(ET.tostring(svg, encoding="unicode"))  # made here, of numbers and colours


@dataclass(frozen=True)
class Sheet:
    """What stands on a page with a map of one level of a plan."""

    title: str
    plan: Plan
    level: int
    at: dt.date
    subtitle: str = ""
    legend_title: str = ""
    legend: Sequence[Key] = ()
    fills: Mapping[int, str] = field(default_factory=dict)
    texts: Mapping[int, str] = field(default_factory=dict)
    spots: Sequence[Spot] = ()
    notes: Sequence[str] = ()


def map_sheet(*sheets: Sheet) -> bytes:
    """A PDF with a page (A4, landscape) for each sheet."""
    pages = [_context(sheet) for sheet in sheets]
    html = render_to_string("reports/map_sheet.html", {"pages": pages})
    document: bytes = HTML(string=html, url_fetcher=_nothing_from_outside).write_pdf()
    return document


def picture(document: bytes, dpi: int = PNG_DPI) -> bytes:
    """The first page of a PDF as PNG."""
    pdf = pypdfium2.PdfDocument(document)
    try:
        image = pdf[0].render(scale=dpi / 72).to_pil()
    finally:
        pdf.close()
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _context(sheet: Sheet) -> dict[str, Any]:
    ground = Ground.of(sheet.plan, sheet.level, *MAP_SIZE)
    # ElementTree has escaped every name.
    return {"sheet": sheet, "map": mark_safe(draw_map(ground, sheet.fills, sheet.texts, sheet.spots))}


def _nothing_from_outside(url: str, *_: Any, **__: Any) -> Any:
    """A page needs nothing but what it brings: no file and no address is opened while it is drawn."""
    raise ValueError(f"{url[:60]} is not opened")
