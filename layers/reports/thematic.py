"""The map of a measure on paper."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from layers.features.registry import kinds_of, layer_named
from layers.orgs.models import User
from layers.reports.sheet import Key, Sheet
from layers.reports.svg import NO_DATA, Spot, colours
from layers.rules.classes import number
from layers.rules.values import Values

MOST_SPOTS = 3000


def sheet_of(values: Values, user: User, layers: Sequence[str] = ()) -> Sheet:
    """A page for a measure; with the points of `layers` that the user may see on it, by kind."""
    one = values.measure
    diverging = one.scale == "diverging"
    shades = colours(len(values.classes), diverging=diverging)
    unit = str(one.unit).strip()
    fills, texts = {}, {}
    for row in values.rows:
        place = values.class_of(row)
        if place is not None and row.measured.value is not None:
            fills[row.id] = shades[place]
            texts[row.id] = number(row.measured.value, one.decimals)
    legend = [Key(found.label, shade, count=found.count) for found, shade in zip(values.classes, shades, strict=True)]
    if values.without_data:
        legend.append(Key(_("没有数据"), NO_DATA, count=values.without_data))
    spots, signs = _points(values, user, layers)
    total = len(values.rows)
    return Sheet(
        title=f"{one.name} · {values.plan.level_name(values.level)}",
        plan=values.plan,
        level=values.level,
        at=values.at,
        legend_title=f"{one.name} ({unit})" if unit else str(one.name),
        legend=[*legend, *signs],
        fills=fills,
        texts=texts,
        spots=spots,
        notes=[
            *values.notes,
            _("共 %(n)s 个网格; 括号内为网格数") % {"n": f"{total:,}"},
        ],
    )


def _points(values: Values, user: User, layers: Sequence[str]) -> tuple[list[Spot], list[Key]]:
    spots: list[Spot] = []
    keys: list[Key] = []
    for name in layers:
        layer = layer_named(name)
        found = layer.visible_to(user).filter(institution__path__startswith=values.plan.institution.head_office_path)
        rows = list(found.only("kind", "geom")[:MOST_SPOTS])
        for kind in kinds_of(user, name)[name]:
            places = [one.place for one in rows if one.kind == kind.key]
            if places:
                sign = len(keys)
                spots += [Spot(place.x, place.y, sign, kind.colour) for place in places]
                keys.append(Key(kind.label, kind.colour, sign=sign, count=len(places)))
    return spots, keys
