"""Tags of the pages: icons, and the import map of our ES modules."""

import json
import re
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

MODULES = Path(__file__).resolve().parent.parent / "static" / "jt"
ICONS = settings.ROOT / "node_modules" / "lucide-static" / "icons"
LIBRARIES = {
    "topojson-client": "npm/topojson-client/topojson-client.min.js",
    "leaflet.markercluster": "npm/markercluster/leaflet.markercluster.js",
    "@mapbox/vector-tile": "npm/vector-tile/index.js",
    "@mapbox/point-geometry": "npm/point-geometry/index.js",
    "pbf": "npm/pbf/index.js",
}


@register.simple_tag
def icon(name: str, colour: str = "currentColor") -> SafeString:
    """An icon of the set, drawn with 1.5 px lines; decoration only: the word stands beside it."""
    return format_html(
        '<svg class="icon" data-icon="{}" color="{}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>',
        name,
        colour,
        _shapes(name),
    )


@register.simple_tag(takes_context=True)
def import_map(context: template.Context) -> SafeString:
    """Names of modules to addresses, so that hashed file names need no rewriting of the modules."""
    modules = {f"jt/{name}": static(f"jt/{name}.js") for name in _module_names("**/*.js")}
    imports = modules | {name: static(path) for name, path in LIBRARIES.items()}
    # Addresses come from our own files; "<" is escaped all the same, as json_script does.
    text = json.dumps({"imports": imports}).replace("<", "\\u003C")
    return format_html('<script type="importmap" nonce="{}">{}</script>', context.get("CSP_NONCE", ""), mark_safe(text))


@register.simple_tag
def preload_modules(*names: str) -> SafeString:
    """Links that fetch modules side by side instead of one import after the other; those in folders are of other pages."""
    return format_html_join(
        "\n",
        '<link rel="modulepreload" href="{}">',
        ((static(f"jt/{name}.js"),) for name in names or _module_names("*.js")),
    )


@cache
def _module_names(pattern: str) -> tuple[str, ...]:
    return tuple(sorted(path.relative_to(MODULES).with_suffix("").as_posix() for path in MODULES.glob(pattern)))


@cache
def _shapes(name: str) -> SafeString:
    text = (ICONS / f"{name}.svg").read_text("utf-8")
    shapes = re.search(r"<svg[^>]*>(.*)</svg>", text, re.DOTALL)
    if shapes is None:
        raise ValueError(f"{name}.svg is not an icon")
    return mark_safe(" ".join(shapes[1].split()))
