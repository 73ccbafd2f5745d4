"""Names on a printed map: none over another, each in the room that its grid has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

HALO = 0.35
LINE = 1.15
"""Height of a line, in font sizes."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in millimetres."""


@dataclass(frozen=True)
class Label:
    """A text at a place: the middle of its lines, in millimetres."""

    x: float
    y: float
    lines: Sequence[str]
    size: float
    is_strong: bool = False


@dataclass(frozen=True)
class Wish:
    """A grid that wants a label: the forms that will do, lines with their size in millimetres, the best first."""

    shape: BaseGeometry
    forms: Sequence[tuple[Sequence[str], float]]
    is_strong: bool = False


def width_of(text: str, size: float) -> float:
    """About how wide a text is: a Chinese character is as wide as it is high, a digit or letter a little over half."""
    return sum(size if ord(letter) > 0x2E80 else 0.58 * size for letter in text)


def place_labels(wishes: Iterable[Wish], boxes: list[Box]) -> list[Label]:
    """The labels that find room, in the order of the wishes; `boxes` are to keep clear of, and the labels' own are added."""
    return [label for label in (_placed(wish, boxes) for wish in wishes) if label is not None]


def _placed(wish: Wish, boxes: list[Box]) -> Label | None:
    left, top, right, bottom = wish.shape.bounds
    largest = max(shapely.get_parts(wish.shape), key=lambda part: part.area)
    middle = shapely.maximum_inscribed_circle(largest, 0.5).coords[0]
    for lines, size in wish.forms:
        wide = max(width_of(line, size) for line in lines)
        high = LINE * size * len(lines)
        if wide > right - left or high > bottom - top:
            continue
        for shift in (0, high, -high, 2 * high, -2 * high):
            x, y = middle[0], middle[1] + shift
            box = (x - wide / 2 - HALO, y - high / 2 - HALO, x + wide / 2 + HALO, y + high / 2 + HALO)
            inside = largest.intersects(shapely.Point(x, y)) and top <= box[1] and box[3] <= bottom
            if inside and not any(_meet(box, other) for other in boxes):
                boxes.append(box)
                return Label(x, y, lines, size, wish.is_strong)
    return None


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
