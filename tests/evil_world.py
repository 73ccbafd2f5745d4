"""A bank in whose every table every text that somebody can type is evil (tests/evil.py), for tests of what pages and files make of them."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.gis.geos import LineString, Point
from django.db import models
from django.utils import timezone

from layers.audit.events import record_read
from layers.audit.tables import logged_models
from layers.documents.models import Document
from layers.editing import service
from layers.exchange import jobs
from layers.exchange.models import ColumnMapping, PointImport
from layers.facilities.models import Place
from layers.features.models import Kind
from layers.grids.loading import load_grids
from layers.grids.models import SRID, Grid, GridCount, Plan
from layers.imports import processes
from layers.imports.models import Import
from layers.ledger.models import Care, Customer
from layers.notices.models import Notice
from layers.orgs.models import ApiToken, Institution, User
from layers.oversight.models import OversightSettings
from layers.review import workflow
from layers.review.models import Comment, ShareLink
from layers.review.versions import copy
from layers.rules.models import Rule
from layers.staff.models import Absence, Assessment, Post, PublicSheet, Staff, StaffItem, StaffSettings, Term
from layers.streets.models import Building, Street
from tests.evil import EVIL, FORMULAS, MARKUP
from tests.factories import (
    CORNER,
    FIRST_DAY,
    AssignmentFactory,
    InstitutionFactory,
    MachineFactory,
    OutletFactory,
    PlanFactory,
    StaffFactory,
    UserFactory,
    published,
    square_records,
)

NOT_TYPED = {
    "account": {"username", "password", "email", "first_name", "last_name"},  # names are set below
    "institution": {"path"},
    "plan": {"area_code"},
    "grid": {"code"},
    "grid_count": {"measure"},
    "feature_kind": {"layer", "key", "icon", "colour", "domain"},
    **{table: {"kind", "grid_code"} for table in ("outlet", "machine", "place", "customer", "post")},
    "care": {"category"},
    **{table: {"kind"} for table in ("staff", "staff_item")},
    "assignment": {"role"},
    "staff_settings": {"subsidy_role"},
    "term": {"code"},
    "public_sheet": {"code", "token"},
    "point_import": {"layer"},
    "column_mapping": {"layer", "fingerprint"},
    "api_token": {"digest"},
    "share_link": {"digest"},
    "notice": {"kind", "link"},
    "former_password": {"password"},
    "recovery_code": {"digest"},
    "rule": {"measure", "domain", "preset"},
    "otp_totp_totpdevice": {"key"},
}
"""Texts that the site makes, codes of a vocabulary, and those that have a form of their own; every other text is filled with what is evil."""
WITHOUT_ROWS = {
    "account_groups", "account_user_permissions", "auth_group", "auth_group_permissions", "check_in", "desk_day", "edit",
    "former_password", "measure_settings", "otp_totp_totpdevice", "outlet_month", "outlet_standard", "plan_editor",
    "recovery_code", "review_settings", "service_area", "unmask_settings",
}  # fmt: skip
"""Tables without a text that is typed, or filled when the plan begins or by the pages."""
TYPED = [text for text in EVIL if "\0" not in text and "\r" not in text]
OWN = "own"
"""Code of a kind, and of a term of each vocabulary, that the bank has added; their names are evil."""
ATTRIBUTES = [
    {"key": "note", "name": MARKUP[0], "name_en": MARKUP[1], "type": "text"},
    {"key": "remark", "name": FORMULAS[0], "name_en": FORMULAS[0], "type": "text"},
    {"key": "size", "name": MARKUP[2], "name_en": MARKUP[2], "type": "number", "unit": MARKUP[0]},
    {"key": "choice", "name": MARKUP[3], "name_en": MARKUP[3], "type": "choice", "choices": [MARKUP[0], FORMULAS[1]]},
    {"key": "sign", "name": MARKUP[6], "name_en": MARKUP[6], "type": "boolean", "scored": True},
]
HEADINGS = ["编码", "名称", "类型", "经度", "纬度", "数", *MARKUP, *FORMULAS[:3]]
"""Of the file of points that the bank's planner has uploaded."""


@dataclass
class Bank:
    """What the pages are opened with: rows and, for addresses, their numbers."""

    plan: Plan
    draft: Plan
    leaf: Grid
    token: str
    sheet: str
    users: dict[str, User]
    person: int
    post: int
    kind: int
    branch: int

    @property
    def numbers(self) -> dict[str, Any]:
        """What addresses are made of."""
        return vars(self) | {"plan": self.plan.pk, "leaf": self.leaf.pk}


def fill_all_texts() -> None:
    """Put an evil text into every text column of every row of every table, cut to its length; another one in each."""
    empty = set()
    for model in logged_models():
        table = model._meta.db_table
        fields = [
            field
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField)
            and not field.choices
            and field.attname not in NOT_TYPED.get(table, ())
        ]
        keys = list(model.objects.order_by("pk").values_list("pk", flat=True))
        if not keys:
            empty.add(table)
        for number, key in enumerate(keys):
            values = {}
            for offset, field in enumerate(fields):
                text = TYPED[(number + offset) % len(TYPED)]
                unique = field.unique or any(
                    field.name in constraint.fields
                    for constraint in model._meta.constraints
                    if isinstance(constraint, models.UniqueConstraint)
                )
                end = f" {number}" if unique else ""
                values[field.attname] = text[: (field.max_length or len(text)) - len(end)] + end
            if values:
                model.objects.filter(pk=key).update(**values)
    assert empty <= WITHOUT_ROWS, f"put a row into {empty - WITHOUT_ROWS}, so that its texts are tried, too"


def evil_bank() -> Bank:
    """Make it; uploaded files lie in MEDIA_ROOT."""
    head = InstitutionFactory()
    branch = InstitutionFactory(parent=head, kind=Institution.Kind.BRANCH)
    office = InstitutionFactory(kind=Institution.Kind.REGULATOR)
    users = {
        role: UserFactory(
            username=role,
            institution=office if role == User.Role.REGULATOR else head,
            role=role,
            first_name="",
            last_name=text[:150],
        )
        for role, text in zip(User.Role.values, MARKUP, strict=False)
    }
    plan = PlanFactory(institution=head, level_names=[text[:30] for text in MARKUP[:3]])
    records = square_records(2, levels=3)
    load_grids(plan, [replace(record, name=TYPED[n % len(TYPED)][:120]) for n, record in enumerate(records)])
    leaf = plan.grids.filter(level=2).order_by("code")[0]
    spot = Point(CORNER[0] / 1e7 + 0.0005, CORNER[1] / 1e7 + 0.0005, srid=SRID)
    kinds = [
        Kind.objects.create(institution=head, layer=layer, key=OWN, name="x", attributes=ATTRIBUTES)
        for layer in ("outlets", "machines", "places", "customers", "posts", "staff")
    ]
    people = add_people(head, branch, leaf, spot, users)
    add_features(branch, spot)
    for grid in plan.grids.filter(level=2):
        GridCount.objects.create(grid=grid, measure="households", value=5, as_of=FIRST_DAY)
    Street.objects.create(institution=head, geom=LineString((113, 30), (113.01, 30.01), srid=SRID))
    Building.objects.create(institution=head, geom=spot, households=3)
    Rule.objects.create(institution=head, name="x", measure="households", level=2, low=100)
    for number in range(len(MARKUP)):
        Comment.objects.create(plan=plan, author=users["planner"], text=str(number), place=spot if number else None)
    ApiToken.issue(users["administrator"], "x")
    Import.objects.create(
        institution=head, user=users["planner"], status=Import.Status.DIRTY, options={"files": [[MARKUP[0]] * 2]}
    )
    upload(head, users["planner"])
    OversightSettings.objects.create(institution=office)
    Notice.objects.create(
        user=users["planner"], kind="plan_submitted", facts={"note": MARKUP[0], "by": MARKUP[1], "plan": MARKUP[2]}
    )
    _link, token = ShareLink.issue(plan, users["planner"], 5)
    record_read(users["administrator"], Plan, [plan.pk], fields=[MARKUP[0]], purpose=MARKUP[1])
    fill_all_texts()
    plan.refresh_from_db()
    published(plan)
    draft = copy(plan, users["planner"], MARKUP[0])
    root = draft.grids.get(level=0)
    service.commit(draft.pk, users["planner"], "rename", {"grid": root.pk, "name": MARKUP[1] + " 改"}, draft.revision)
    draft = workflow.submit(draft.pk, users["planner"], MARKUP[3])
    sheet = PublicSheet.objects.get()
    post = Post.objects.order_by("pk")[0]
    return Bank(
        plan,
        draft,
        Grid.objects.get(pk=leaf.pk),
        token,
        sheet.token,
        users,
        people[0].pk,
        post.pk,
        kinds[0].pk,
        branch.pk,
    )


def add_people(head: Institution, branch: Institution, leaf: Grid, spot: Point, users: dict[str, User]) -> list[Staff]:
    """People of own kinds in charge of a grid and of posts, away, with things handed out, and proposals."""
    today = timezone.localdate()
    StaffSettings.objects.create(institution=head, public_sheets=True, subsidy_role="worker")
    PublicSheet.objects.create(institution=head, code=leaf.code)
    for vocabulary in Term.Vocabulary.values:
        Term.objects.create(institution=head, vocabulary=vocabulary, code=OWN, name="x")
    posts = [
        Post.objects.create(
            institution=branch, kind=OWN, code=str(n), name="x", geom=Point(spot.x + n * 1e-4, spot.y, srid=SRID)
        )
        for n in range(len(MARKUP))
    ]
    posts[0].partners.add(*posts[1:])
    people: list[Staff] = []
    for n in range(len(TYPED)):
        person = StaffFactory(
            institution=branch, kind=OWN, duties=[OWN], geom=spot, supervisor=people[0] if people else None
        )
        people.append(person)
        AssignmentFactory(staff=person, grid=leaf, kind="backup" if n else "main", role="worker")
        AssignmentFactory(
            staff=person, post=posts[n % len(posts)], kind="backup" if n >= len(posts) else "main", role=OWN
        )
        AssignmentFactory(staff=person, grid=leaf, role="chief", status="proposed", proposed_by=users["manager"])
        Assessment.objects.create(staff=person, month=today.replace(day=1), percent=90, note="x")
        StaffItem.objects.create(staff=person, kind=OWN, number=str(n), issued_on=FIRST_DAY, valid_until=FIRST_DAY)
        # She who is in charge is here, and so on the public sheet; others are away.
        first_day = today - dt.timedelta(days=30 if n < 2 else 0)
        Absence.objects.create(staff=person, first_day=first_day, last_day=first_day)
    # One has two grids, and nobody stands in for her.
    for grid in leaf.plan.grids.filter(level=2).order_by("code")[1:3]:
        AssignmentFactory(staff=people[2], grid=grid)
    return people


def add_features(branch: Institution, spot: Point) -> None:
    """One of each layer for every evil text, of the own kind and of a common one, with evil attributes."""
    for n, text in enumerate(TYPED):
        values = {"note": text[:500], "remark": TYPED[-n][:500], "size": 3, "choice": MARKUP[0]}
        row = {
            "institution": branch,
            "geom": Point(spot.x + n * 1e-5, spot.y, srid=SRID),
            "attributes": values if n % 2 else {},
        }
        OutletFactory(**row, kind=OWN if n % 2 else "staffed")
        MachineFactory(**row, kind=OWN if n % 2 else "cash_point")
        Place.objects.create(**row, kind=OWN if n % 2 else "market", code=str(n), name="x")
        customer = Customer.objects.create(
            **row, kind=OWN if n % 2 else "farm_household", code=str(n), name="x", phone="x"
        )
        Care.objects.create(customer=customer, category="low_income", since=FIRST_DAY)
        parts = dict.fromkeys(("partner", "purpose", "content", "duties", "incentives"), "x")
        Document.objects.create(
            institution=branch, kind="agreement", number=str(n), title="x", signed_on=FIRST_DAY, **parts
        )


def upload(head: Institution, planner: User) -> None:
    """A file of points, its rows looked at: some good, some rejected; its headings are remembered."""
    columns = dict(zip(("code", "name", "kind", "lon", "lat", "attributes.size"), HEADINGS, strict=False))
    ColumnMapping.remember(head, "outlets", HEADINGS, columns=columns, kinds={text: OWN for text in MARKUP})
    name = f"{MARKUP[0]}.csv"
    job = PointImport.objects.create(
        institution=head, user=planner, layer="outlets",
        options={"file": ["input.csv", name], "datum": "cgcs2000", "sheet": "", "encoding": ""},
    )  # fmt: skip
    job.folder.mkdir(parents=True)
    with (job.folder / "input.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEADINGS)
        for n, text in enumerate(text for text in TYPED if len(text) < 100):
            place = [113.0005, 30.0005] if n % 3 else [113.9, 30.9]
            size = text if n % 2 else "3"
            rows.writerow(
                [f"{text[:20]} {n}", text, MARKUP[n % len(MARKUP)] if n % 4 else text, *place, size, *[text] * 10]
            )
    processes.work(job, jobs.TASKS)
    job.refresh_from_db()
    assert job.status == PointImport.Status.READ, job.message_zh
    reading = {
        "columns": columns,
        "kinds": {text: OWN for text in MARKUP},
        "kind": "",
        "make_codes": False,
        "datum": "cgcs2000",
    }
    PointImport.objects.filter(pk=job.pk).update(
        status=PointImport.Status.WORKING, task=PointImport.Task.CHECK, options=job.options | {"reading": reading}
    )
    job.refresh_from_db()
    processes.work(job, jobs.TASKS)
    job.refresh_from_db()
    assert job.status == PointImport.Status.CHECKED and job.result["rejected"] and job.result["good"], job.message_zh
