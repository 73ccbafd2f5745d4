"""The pages of people, and the public sheet, as plain HTTP."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from layers.people.sheets import sheet_of
from layers.staff.models import Absence, Assignment, Post, PublicSheet, Staff, StaffSettings, Term
from tests.factories import AssignmentFactory, InstitutionFactory, StaffFactory, UserFactory
from tests.staff.test_registry import picture
from tests.staff.town import Town, today

EVIL = '<img src=x onerror="alert(1)">'


def page(town: Town, user: str) -> Client:
    client = Client()
    client.force_login(town.users[user])
    return client


def test_who_may_open_which_page(town: Town) -> None:
    staff, grid = town.people["a"].pk, town.grid("001").pk
    post = Post.objects.create(
        institution=town.branch, kind="shop", code="1", name="点", geom=town.grid("001").geom.point_on_surface
    )
    paths = (
        "",
        "new/",
        "proposals/",
        "settings/",
        f"{staff}/",
        f"{staff}/edit/",
        f"grids/{grid}/",
        f"posts/{post.pk}/",
    )
    got = {
        user: [page(town, user).get(f"/people/{path}").status_code for path in paths]
        for user in ("admin", "boss", "chief", "auditor", "worker", "stranger", "regulator")
    }
    assert got == {
        "admin": [200, 200, 200, 200, 200, 200, 200, 200],
        "boss": [200, 200, 200, 403, 200, 200, 200, 200],
        "chief": [200, 200, 200, 403, 200, 200, 200, 200],
        "auditor": [200, 403, 200, 403, 200, 403, 200, 200],
        "worker": [200, 403, 200, 403, 200, 403, 200, 404],
        "stranger": [200, 200, 200, 200, 404, 404, 404, 404],
        "regulator": [403, 403, 403, 403, 403, 403, 403, 403],
    }
    assert Client().get(f"/people/{staff}/").status_code == 302


def test_a_vacancy_is_filled_handed_over_and_ended_by_forms(town: Town) -> None:
    boss, grid = page(town, "boss"), town.grid("001")
    path = f"/people/grids/{grid.pk}/"
    assert "空缺" in boss.get(path).content.decode()
    form = {"assign-staff": town.people["a"].number, "assign-role": "worker", "assign-kind": "main"}
    form |= {"assign-day": str(today()), "assign-share": "100", "do": "assign"}
    answer = boss.post(path, form, follow=True)
    assert "员工a" in answer.content.decode() and "空缺" not in answer.content.decode()
    again = boss.post(path, form)
    assert again.status_code == 200 and "已经是" in again.content.decode()
    one = Assignment.objects.get()
    over = {
        "do": "hand-over",
        "id": one.pk,
        f"over{one.pk}-staff": f"{town.people['b'].name} ({town.people['b'].number})",
    }
    refused = boss.post(path, over | {f"over{one.pk}-day": str(today())})
    assert "结束日期须晚于" in refused.content.decode()
    boss.post(path, over | {f"over{one.pk}-day": str(today(3)), f"over{one.pk}-note": EVIL})
    text = boss.get(path).content.decode()
    assert EVIL not in text and "&lt;img" in text and "员工b" in text
    assert "员工b" in boss.get(f"{path}?at={today(3)}").content.decode().split("历任")[0]
    boss.post(path, {"do": "end", "id": one.pk, f"end{one.pk}-day": str(today(2))})
    one.refresh_from_db()
    assert one.valid_to == today(2)


def test_forms_of_those_who_may_not_are_refused(town: Town) -> None:
    one = town.serve("a", "001")
    worker, path = page(town, "worker"), f"/people/grids/{town.grid('001').pk}/"
    for body in ({"do": "end", "id": one.pk, f"end{one.pk}-day": str(today(1))}, {"do": "assign"}, {"do": "sheet"}):
        assert worker.post(path, body).status_code == 403
    chief = page(town, "chief")
    foreign = AssignmentFactory(staff=StaffFactory(institution=town.head), grid=town.grid("002"))
    answer = chief.post(f"/people/grids/{town.grid('002').pk}/", {"do": "end", "id": foreign.pk})
    assert answer.status_code == 403


def test_proposals_are_decided_on_their_page(town: Town) -> None:
    one = AssignmentFactory(staff=town.people["a"], grid=town.grid("001"), status="proposed")
    chief, boss = page(town, "chief"), page(town, "boss")
    assert 'value="approve"' not in chief.get("/people/proposals/").content.decode()
    assert chief.post("/people/proposals/", {"do": "approve", "id": one.pk}).status_code == 403
    assert 'value="approve"' in boss.get("/people/proposals/").content.decode()
    boss.post("/people/proposals/", {"do": "approve", "id": one.pk, "note": "同意"})
    one.refresh_from_db()
    assert one.status == "approved" and one.decided_by == town.users["boss"]
    for body in ({"do": "else", "id": one.pk}, {"do": "approve", "id": "x"}):
        assert boss.post("/people/proposals/", body).status_code == 404


def test_a_persons_record_absences_items_and_photo(town: Town) -> None:
    boss, a = page(town, "boss"), town.people["a"]
    path = f"/people/{a.pk}/"
    boss.post(path, {"do": "absence", "absence-first_day": str(today()), "absence-last_day": str(today(2))})
    boss.post(path, {"do": "item", "item-kind": "card", "item-number": "K1", "item-issued_on": "2026-01-01"})
    boss.post(path, {"do": "photo", "photo-photo": SimpleUploadedFile("x.png", picture())})
    a.refresh_from_db()
    assert a.photo and Absence.objects.get().staff == a and a.items.get().number == "K1"
    shown = boss.get(f"{path}photo.jpg")
    assert shown["Content-Type"] == "image/jpeg" and shown["X-Content-Type-Options"] == "nosniff"
    assert page(town, "stranger").get(f"{path}photo.jpg").status_code == 404
    assert page(town, "worker").post(path, {"do": "photo"}).status_code == 403
    bad = boss.post(path, {"do": "photo", "photo-photo": SimpleUploadedFile("x.png", b"no picture")})
    assert bad.status_code == 200 and "JPEG" in bad.content.decode()
    boss.post(path, {"do": "take-back", "id": a.items.get().pk})
    boss.post(path, {"do": "remove-absence", "id": Absence.objects.get().pk})
    assert a.items.get().returned_on == today() and not Absence.objects.exists()


def test_somebody_is_registered_and_changed(town: Town) -> None:
    boss = page(town, "boss")
    form = {
        "institution": town.branch.pk,
        "number": "N1",
        "name": EVIL,
        "kind": "volunteer",
        "lon": "113.0012345678",
        "lat": "30",
    }
    answer = boss.post("/people/new/", form, follow=True)
    made = Staff.objects.get(number="N1")
    assert made.geom.coords == (113.0012346, 30.0) and EVIL not in answer.content.decode()
    assert "一起填写" in boss.post("/people/new/", form | {"number": "N2", "lat": ""}).content.decode()
    assert "已有人使用" in boss.post("/people/new/", form).content.decode()
    outside = form | {"institution": town.users["stranger"].institution_id, "number": "N3"}
    assert boss.post("/people/new/", outside).status_code == 200 and not Staff.objects.filter(number="N3").exists()


def test_an_administrator_sets_and_adds_terms(town: Town) -> None:
    admin = page(town, "admin")
    path = f"/people/settings/?institution={town.branch.pk}"
    form = {"do": "settings", "approval": "none", "most_grids": 2, "term_days": 30, "term_roles": ["chief"]}
    form |= {"meeting_days": 365, "subsidy_role": "group_leader", "subsidy": 500}
    admin.post(path, form)
    assert StaffSettings.of(town.branch).approval == "none" and StaffSettings.of(town.head).approval == "above"
    term = {"do": "term", "term-vocabulary": "role", "term-code": "x1", "term-name": "宣讲员"}
    admin.post(path, term)
    assert admin.post(path, term).status_code == 200
    assert Term.objects.get().name == "宣讲员"
    assert admin.get(f"/people/settings/?institution={town.users['stranger'].institution_id}").status_code == 404


@pytest.fixture
def sheet(town: Town) -> str:
    StaffSettings.objects.create(institution=town.head, public_sheets=True)
    town.serve("a", "001")
    town.serve("b", "001", kind="backup")
    Staff.objects.filter(pk=town.people["a"].pk).update(
        number="GH-7", name=EVIL, duty_text="走访", geom="POINT(113 30)"
    )
    return f"/public/{sheet_of(town.grid('001')).token}/"


@pytest.mark.domain("LA07", "MY02")
def test_the_public_sheet_shows_who_is_in_charge_and_no_more(town: Town, sheet: str) -> None:
    answer = Client().get(sheet)
    text = answer.content.decode()
    assert answer.status_code == 200 and "noindex" in answer["X-Robots-Tag"] and not answer.cookies
    assert town.people["a"].work_phone in text and "走访" in text and "&lt;img" in text and EVIL not in text
    for hidden in ("GH-7", "员工b", town.people["b"].work_phone, "113.0", "支行"):
        assert hidden not in text
    assert "max-age" in answer["Cache-Control"]
    Absence.objects.create(staff=town.people["a"], first_day=today(), last_day=today())
    text = Client().get(sheet).content.decode()
    assert "员工b" in text and town.people["a"].work_phone not in text


def test_its_qr_code_and_photos_belong_to_it_alone(town: Town, sheet: str) -> None:
    qr = Client().get(f"{sheet}qr.svg")
    assert qr["Content-Type"] == "image/svg+xml" and b"<path" in qr.content
    one = Assignment.objects.get(staff=town.people["a"])
    photo = f"{sheet}photo/{one.pk}.jpg"
    assert Client().get(photo).status_code == 404
    page(town, "boss").post(
        f"/people/{town.people['a'].pk}/", {"do": "photo", "photo-photo": SimpleUploadedFile("x.png", picture())}
    )
    assert Client().get(photo)["Content-Type"] == "image/jpeg"
    town.people["c"].photo = Staff.objects.get(pk=town.people["a"].pk).photo
    town.people["c"].save()
    other = town.serve("c", "002")
    assert Client().get(f"{sheet}photo/{other.pk}.jpg").status_code == 404


def test_a_sheet_that_is_switched_off_or_unknown_is_not_there(town: Town, sheet: str) -> None:
    assert Client().get("/public/0123456789abcdef0123/").status_code == 404
    assert Client().get(f"/public/{town.grid('001').pk}/").status_code == 404
    assert Client().get("/public/").status_code == 404
    assert Client().post(sheet).status_code == 405 and Client().head(sheet).status_code == 200
    StaffSettings.objects.update(public_sheets=False)
    for path in (sheet, f"{sheet}qr.svg"):
        assert Client().get(path).status_code == 404


def test_a_sheet_follows_the_grid_into_the_next_plan(town: Town, sheet: str) -> None:
    from tests.factories import published, retired, square_plan

    retired(town.plan, today())
    new = published(square_plan(2, institution=town.head), today())
    assert "待安排" in Client().get(sheet).content.decode()
    AssignmentFactory(staff=town.people["c"], grid=new.grids.get(code=town.grid("001").code))
    assert "员工c" in Client().get(sheet).content.decode()
    assert PublicSheet.objects.count() == 1


@pytest.mark.domain("GB02")
def test_a_post_is_registered_as_a_point_or_a_line_with_its_partners(town: Town) -> None:
    boss = page(town, "boss")
    form = {"institution": town.branch.pk, "code": "D1", "name": EVIL, "kind": "shop", "places": "113.001, 30.001"}
    assert boss.get("/people/posts/new/").context["form"]["duty_text"].value() == ""
    answer = boss.post("/people/posts/new/", form, follow=True)
    shop = Post.objects.get(code="D1")
    assert shop.geom.coords == (113.001, 30.001) and EVIL not in answer.content.decode()
    road = form | {"code": "L1", "kind": "road", "places": "113, 30\n113.01, 30.01\n", "partners": [shop.pk]}
    boss.post("/people/posts/new/", road)
    line = Post.objects.get(code="L1")
    assert line.geom.geom_type == "LineString" and list(shop.partners.all()) == [line]
    for places in ("113", "a, b", "113, 30\n113, 30", "999, 30", "inf, 30"):
        again = boss.post("/people/posts/new/", form | {"code": "X", "places": places})
        assert again.status_code == 200 and "用逗号隔开" in again.content.decode(), places
    boss.post(f"/people/posts/{line.pk}/edit/", road | {"partners": [], "name": "改名"})
    line.refresh_from_db()
    assert line.name == "改名" and not shop.partners.exists()
    assert page(town, "auditor").get(f"/people/posts/{line.pk}/edit/").status_code == 403
    assert page(town, "stranger").get(f"/people/posts/{line.pk}/edit/").status_code == 404


def test_a_grid_of_another_branch_names_who_is_and_was_in_charge_and_is_not_to_arrange(town: Town) -> None:
    """To a branch it is not vacant: names are told within the bank, telephones and remarks are not."""
    other = InstitutionFactory(name="二支行", parent=town.head, kind="branch")
    town.users["neighbour"] = UserFactory(institution=other, role="manager")
    StaffFactory(institution=other, number="N1", name="邻人")
    Assignment.objects.create(
        staff=town.people["b"], grid=town.grid("001"), valid_from=today(-9), valid_to=today(-2), note="因病交接"
    )
    town.serve("a", "001", valid_from=today(-2))
    AssignmentFactory(staff=town.people["c"], grid=town.grid("001"), status="refused", kind="backup")
    Staff.objects.update(work_phone="13800001111")
    path, grid = f"/people/grids/{town.grid('001').pk}/", town.grid("001").pk
    neighbour = page(town, "neighbour")
    text = neighbour.get(path).content.decode()
    now, past = text.split('id="history-title"')
    assert "员工a" in now and "空缺" not in now and 'id="others"' in now
    assert "员工b" in past and "员工c" not in past and "因病交接" not in past and "13800001111" not in text
    assert 'name="do"' not in text and f"/people/{town.people['a'].pk}/" not in text
    told = neighbour.get(f"/api/grids/{grid}/people").json()
    assert [one["staff"]["name"] for one in told["in_charge"]] == ["员工a"] and told["can_arrange"] is False
    assert [(one["staff"]["name"], one["note"]) for one in told["history"]] == [("员工a", ""), ("员工b", "")]
    assert neighbour.get(f"/api/grids/{grid}").json()["can_arrange"] is False
    # What the page does not offer, the server does not take.
    mine = Staff.objects.get(number="N1")
    answer = neighbour.post(
        f"/api/grids/{grid}/assignments", {"staff": mine.pk, "kind": "backup"}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "not_assignable")
    assert neighbour.post(path, {"do": "assign", "assign-staff": "N1"}).status_code == 403
    assert not Assignment.objects.filter(staff=mine).exists()
    # Her own people's grid, and one that nobody has served, are hers to propose; all are her head office's.
    for who, code, may in (
        ("chief", "001", True),
        ("boss", "001", True),
        ("neighbour", "002", True),
        ("worker", "001", False),
    ):
        text = page(town, who).get(f"/people/grids/{town.grid(code).pk}/").content.decode()
        assert ('id="assign"' in text) is may, (who, code)
    assert "因病交接" in page(town, "chief").get(path).content.decode()
    # Somebody of hers leads the village around it: now she answers for it, too.
    AssignmentFactory(staff=mine, grid=town.plan.grids.get(level=0), role="manager")
    assert 'id="assign"' in neighbour.get(path).content.decode()
