"""Maps on paper: what stands on the page, that nothing overlaps, that neighbours do not part, and that names are text."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pypdfium2
import pytest
import shapely
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from layers.features.models import Kind
from layers.grids.models import Plan
from layers.orgs.models import Institution
from layers.reports.ground import Ground
from layers.reports.labels import Wish, place_labels, width_of
from layers.reports.sheet import Key
from layers.reports.svg import BELOW_ZERO, RAMP, colours, draw_map
from tests.api.world import bearer
from tests.factories import SIDE, InstitutionFactory, MachineFactory, OutletFactory, UserFactory, published, square_plan
from tests.rules.places import at

QUARTER = SIDE // 4
EVIL_NAMES = [
    "<img src=x onerror=alert(1)>",
    '=HYPERLINK("http://x")',
    "</text></svg><script>1</script>",
    "&lt;b&gt; %s {{ 1 }}",
]
NAME = '<img src=x onerror="alert(1)">'


@pytest.fixture
def bank(db: None) -> Institution:
    return InstitutionFactory(name="潜江农商行")


@pytest.fixture
def plan(bank: Institution) -> Plan:
    plan = square_plan(2, levels=3, institution=bank, name="演示方案", synthetic=True, source="天地图")
    plan.grids.filter(code="429005001").update(name=NAME[:20])
    return published(plan)


@pytest.fixture
def manager(bank: Institution) -> Client:
    return bearer(UserFactory(institution=bank, role="manager"))


def text_of(document: bytes) -> str:
    pdf = pypdfium2.PdfDocument(document)
    assert len(pdf) == 1
    return pdf[0].get_textpage().get_text_range()


def test_the_page_says_all_that_a_reader_needs(manager: Client, bank: Institution, plan: Plan):
    MachineFactory(institution=bank, geom=at(QUARTER, QUARTER))
    answer = manager.get("/api/measures/cash_points/map?level=1&layers=machines")
    assert answer["Content-Type"] == "application/pdf" and "attachment" in answer["Content-Disposition"]
    text = text_of(answer.content)
    for words in (
        "助农取款点",
        "镇",
        "潜江农商行",
        "演示方案",
        "演示数据",
        "天地图",
        "方法",
        "北",
        "1 : ",
        "CGCS2000",
        "2026",
    ):
        assert words in text, words
    assert ("米" in text or "公里" in text) and " km" not in text
    english = manager.get("/api/measures/cash_points/map?level=1", headers={"accept-language": "en"})
    assert " km" in text_of(english.content) or " m" in text_of(english.content)


def test_names_are_text(manager: Client, plan: Plan):
    assert NAME[:10] in text_of(manager.get("/api/measures/area_km2/map?level=1").content)


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_evil_names_of_everything_are_text_on_the_map(db: None, name: str):
    bank = InstitutionFactory(name=name)
    plan = square_plan(2, levels=3, institution=bank, name=name, source=name)
    plan.grids.filter(level__lte=1).update(name=name)
    published(plan)
    manager = bearer(UserFactory(institution=bank, role="manager"))
    Kind.objects.create(institution=bank, layer="outlets", key="evil", name=name)
    OutletFactory(institution=bank, kind="evil", name=name, geom=at(QUARTER, QUARTER))
    query = "/api/measures/area_km2/map?level=1&layers=outlets"
    answer = manager.get(query)
    assert answer["Content-Type"] == "application/pdf" and "\n" not in answer["Content-Disposition"]
    text = "".join(text_of(answer.content).split())
    assert text.count("".join(name.split())) >= 3
    assert b"/JavaScript" not in answer.content and b"/URI" not in answer.content
    assert manager.get(f"{query}&format=png").content.startswith(b"\x89PNG")


def test_the_picture_is_the_page(manager: Client, plan: Plan):
    answer = manager.get("/api/measures/area_km2/map?level=1&format=png")
    image = Image.open(io.BytesIO(answer.content))
    assert answer["Content-Type"] == "image/png"
    assert image.width / image.height == pytest.approx(297 / 210, rel=0.01) and image.width > 1500
    shades = {tuple(int(shade[i : i + 2], 16) for i in (1, 3, 5)) for shade in RAMP}
    assert shades & {pixel for _count, pixel in image.convert("RGB").getcolors(1 << 24)}


def test_cut_pictures_are_still_refused():
    """WeasyPrint, when it is loaded, switches that off for the whole process."""
    file = io.BytesIO()
    Image.effect_noise((200, 200), 50).save(file, "PNG")
    with pytest.raises(OSError):
        Image.open(io.BytesIO(file.getvalue()[:20_000])).load()


def test_maps_keep_to_what_a_user_may_see(plan: Plan):
    stranger = bearer(UserFactory(role="administrator"))
    assert stranger.get(f"/api/measures/outlets/map?plan={plan.pk}").status_code == 404
    regulator = bearer(UserFactory(role="regulator", institution=InstitutionFactory(kind="regulator")))
    assert regulator.get(f"/api/measures/vacancies/map?plan={plan.pk}").status_code == 403
    assert regulator.get(f"/api/measures/outlets/map?plan={plan.pk}").status_code == 200


def test_neighbours_do_not_part(plan: Plan):
    ground = Ground.of(plan, 2, 200, 160)
    shapes = [piece.shape for piece in ground.pieces]
    assert len(shapes) == 16 and shapely.coverage_is_valid(shapes)
    assert shapely.union_all(shapes).area == pytest.approx(sum(shape.area for shape in shapes))
    assert [len(ground.above[level]) for level in (1, 0)] == [4, 1]


def test_the_scale_is_that_of_the_ground(plan: Plan):
    ground = Ground.of(plan, 0, 200, 160)
    west, south = ground.frame.place(113, 30)
    east, _south = ground.frame.place(113 + SIDE / 1e7, 30)
    metres = (east - west) * ground.frame.metres_a_mm
    assert metres == pytest.approx(SIDE / 1e7 * 111_320 * np.cos(np.radians(30)), rel=0.003)
    assert 0 < west < east < 200 and 0 < south < 160


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 180),
            st.integers(0, 140),
            st.integers(2, 40),
            st.text("潜江市网格12", min_size=1, max_size=8),
        ),
        max_size=25,
    )
)
def test_no_label_lies_on_another(grids: list[tuple[int, int, int, str]]):
    wishes = [
        Wish(shapely.box(x, y, x + side, y + side), [([name, "12"], 3.0), ([name], 2.0)]) for x, y, side, name in grids
    ]
    boxes: list[tuple[float, float, float, float]] = []
    labels = place_labels(wishes, boxes)
    assert len(labels) == len(boxes)
    for one, other in itertools.combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    for label, box in zip(labels, boxes, strict=True):
        assert max(width_of(line, label.size) for line in label.lines) <= box[2] - box[0]


def test_without_data_is_hatched_and_not_the_colour_of_zero(plan: Plan):
    ground = Ground.of(plan, 1, 200, 160)
    drawn = draw_map(ground, {ground.pieces[0].id: RAMP[0]}, {})
    assert drawn.count("url(#no-data)") == 3 and drawn.count(f'fill="{RAMP[0]}"') == 1


def test_shades_grow_darker_also_in_grey():
    def grey(colour: str) -> float:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for count in range(2, 6):
        shades = [grey(colour) for colour in colours(count)]
        assert all(a - b > 20 for a, b in itertools.pairwise(shades))


def test_below_zero_is_ruled_so_that_both_sides_differ_in_grey():
    fills = colours(5, diverging=True)
    assert [fill in BELOW_ZERO for fill in fills] == [True, True, False, False, False]
    assert not set(colours(5)) & set(BELOW_ZERO)
    assert "<path" not in Key("x", RAMP[0]).swatch and BELOW_ZERO[fills[0]] in Key("x", fills[0]).swatch
