"""A person's record: data, absences, what is handed out, the photograph, and terms of one's own."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from layers.features.models import Kind
from layers.staff import registry
from layers.staff.faults import BadPerson, BadPhoto, UnknownTerm
from layers.staff.models import Absence, Staff, Term
from layers.staff.photos import MOST_BYTES, reencoded, store
from layers.staff.vocabulary import label, terms
from tests.factories import InstitutionFactory, StaffFactory
from tests.staff.town import Town, today

DAY = dt.date(2026, 1, 1)


@pytest.mark.domain("YL08", "HY03")
def test_a_terminal_is_in_one_persons_hands(town: Town) -> None:
    boss, a, b = town.users["boss"], town.people["a"], town.people["b"]
    item = registry.hand_out(boss, a, "terminal", "T-1", DAY, None)
    with pytest.raises(BadPerson, match="员工a"):
        registry.hand_out(boss, b, "terminal", "T-1", DAY, None)
    registry.take_back(boss, item, today())
    registry.hand_out(boss, b, "terminal", "T-1", today(), None)
    # Another bank's terminals have numbers of their own.
    stranger = StaffFactory(institution=town.users["stranger"].institution)
    registry.hand_out(town.users["stranger"], stranger, "terminal", "T-1", DAY, None)
    with pytest.raises(BadPerson, match="有效期"):
        registry.hand_out(boss, a, "card", "K-1", DAY, dt.date(2025, 1, 1))
    with pytest.raises(PermissionDenied):
        registry.hand_out(town.users["worker"], a, "card", "K-1", DAY, None)


@pytest.mark.domain("QJ04")
def test_part_time_workers_have_some_of_the_five_duties(town: Town) -> None:
    a = registry.save_person(town.users["boss"], town.people["a"], duties=["publicist", "loan_scout"])
    assert [label("duty", code) for code in a.duties] == ["宣传员", "准信贷员"]
    with pytest.raises(UnknownTerm, match="宣传员"):
        registry.save_person(town.users["boss"], a, duties=["dictator"])


def test_a_bank_adds_terms_of_its_own_and_its_branches_have_them_too(town: Town) -> None:
    Kind.objects.create(institution=town.head, layer="staff", key="intern", name="见习网格员", name_en="Trainee")
    Term.objects.create(institution=town.head, vocabulary="duty", code="teacher", name="讲解员")
    registry.save_person(town.users["boss"], town.people["a"], kind="intern", duties=["teacher"])
    assert label("staff", "intern", town.branch) == "见习网格员" and label("duty", "teacher", town.branch) == "讲解员"
    other = InstitutionFactory()
    assert "intern" not in terms("staff", other) and "teacher" not in terms("duty", other)
    with pytest.raises(UnknownTerm):
        registry.save_person(town.users["boss"], town.people["a"], kind="unheard")


def test_records_are_kept_consistent(town: Town) -> None:
    boss, a, b = town.users["boss"], town.people["a"], town.people["b"]
    with pytest.raises(BadPerson, match="工号"):
        registry.save_person(boss, Staff(institution=town.branch, name="新人", number=a.number))
    registry.save_person(boss, b, supervisor=a)
    with pytest.raises(BadPerson, match="自己的上级"):
        registry.save_person(boss, a, supervisor=b)
    with pytest.raises(BadPerson, match="本行"):
        registry.save_person(boss, b, supervisor=StaffFactory())
    town.serve("a", "001")
    registry.save_person(boss, Staff.objects.get(pk=a.pk), left_on=today(5))
    assert a.assignments.get().valid_to == today(5)
    with pytest.raises(PermissionDenied):
        registry.save_person(town.users["chief"], a, institution=town.head)
    with pytest.raises(PermissionDenied):
        registry.save_person(town.users["stranger"], a, name="别人")


def test_absences_are_noted_once_by_oneself_or_a_manager(town: Town) -> None:
    a = town.people["a"]
    registry.report_absence(town.users["worker"], a, today(), today(3), "休假")
    for first, last, words in ((today(3), today(5), "已登记"), (today(9), today(8), "早于")):
        with pytest.raises(BadPerson, match=words):
            registry.report_absence(town.users["boss"], a, first, last)
    registry.report_absence(town.users["boss"], a, today(4), today(5))
    with pytest.raises(PermissionDenied):
        registry.report_absence(town.users["worker"], town.people["b"], today(), today())
    with pytest.raises(PermissionDenied):
        registry.remove_absence(town.users["stranger"], Absence.objects.get(first_day=today()))


def picture(size: tuple[int, int] = (900, 700), kind: str = "PNG", **more: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "#336699").save(made, kind, **more)
    return made.getvalue()


def test_a_photograph_is_written_anew_small_and_without_what_the_camera_added(town: Town) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    store(town.people["a"], SimpleUploadedFile("../../x.png", picture(kind="JPEG", exif=exif)))
    name = town.people["a"].photo.name
    assert name.startswith("staff/") and name.endswith(".jpg") and "x.png" not in name
    content = town.people["a"].photo.read()
    assert b"secret" not in content
    with Image.open(io.BytesIO(content)) as kept:
        assert kept.format == "JPEG" and kept.size == (360, 480) and not kept.getexif()
    store(town.people["a"], SimpleUploadedFile("y.png", picture()))
    assert not town.people["a"].photo.storage.exists(name)


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg onload=alert(1)>", b"GIF89a" + b"\0" * 40, picture()[:60], picture((8000, 7000))],
    ids=["empty", "svg", "gif", "cut", "huge"],
)
def test_what_is_no_photograph_is_refused(content: bytes) -> None:
    with pytest.raises(BadPhoto):
        reencoded(content)


def test_a_file_too_large_is_not_even_read(town: Town) -> None:
    with pytest.raises(BadPhoto, match="5 MB"):
        store(town.people["a"], SimpleUploadedFile("x.jpg", b"0" * (MOST_BYTES + 1)))
