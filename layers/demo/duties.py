"""Who does what in the demo: chiefs and managers, pairs, absences, posts, what is handed out. All made up, from a fixed seed.

Nearly all is as it should be, so that the exceptions tell: one double holder and so one without a grid, one who is away without a backup, one post
without anybody, a hand-over in June, a few villages without backups, and a few papers that are missing or out of date.
"""

from __future__ import annotations

import datetime as dt
import io
from collections import defaultdict
from collections.abc import Sequence

from django.contrib.gis.geos import Point
from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image, ImageDraw

from gis.lattice import snap
from layers.demo.bank import FIRST_DAY, township_of
from layers.demo.county import COUNTY, GRID, TOWNSHIP, VILLAGE, GridRow
from layers.demo.people import staff_no, work_phone, worker_name
from layers.grids.models import SRID
from layers.orgs.models import Institution
from layers.rules.presets import take_over
from layers.staff.models import Absence, Assignment, Post, PublicSheet, Staff, StaffItem, StaffSettings
from layers.streets.models import Street

CHIEFS, MANAGERS, COUNTERS, OTHERS = 4000, 5000, 5100, 5500
"""First numbers of made-up people, beside those of grid workers, which begin at 0."""
HANDED_OVER = dt.date(2026, 6, 1)
ITEMS = ("agreement", "certificate", "card", "terminal")
POST_KINDS = ("community", "estate", "courtyard", "school", "lane", "toilet", "shop", "village")
POST_NAMES = {
    "community": "社区服务中心",
    "estate": "小区东门",
    "courtyard": "一号楼院",
    "school": "小学门口",
    "lane": "二巷",
    "toilet": "公共卫生间",
    "shop": "便民店",
    "village": "村委会",
}
POSTS = 48
UNPAIRED = (0, 3)
"""Which villages of every sixty have no backups."""


def person(i: int, institution: Institution, kind: str, **more: object) -> Staff:
    """Somebody made up."""
    return Staff(
        institution=institution,
        number=staff_no(i),
        name=worker_name(i),
        kind=kind,
        work_phone=work_phone(i),
        synthetic=True,
        **more,
    )


def arrange_people(
    bank: Institution,
    branches: dict[str, Institution],
    rows: Sequence[GridRow],
    ids: dict[str, int],
    workers: Sequence[Staff],
) -> None:
    """Everything that people are and do beyond one worker a grid."""
    StaffSettings.objects.create(
        institution=bank,
        term_roles=["chief"],
        needed_items=list(ITEMS),
        needed_by=["full_time", "part_time", "external"],
        persons_per_household=3,
        public_sheets=True,
    )
    take_over(bank, "zg07")
    take_over(bank, "la03")
    take_over(bank, "sm06")
    _staff_outlets(branches, ids)
    _lead(bank, branches, rows, ids)
    mains = list(
        Assignment.objects.filter(staff__in=workers, kind="main").select_related("grid").order_by("grid__code")
    )
    _hold_two(mains)
    _pair(mains)
    _hand_over(mains[8])
    _hand_out(workers)
    _post(bank, branches, rows, workers)
    _help(rows, branches, ids)
    PublicSheet.objects.bulk_create(PublicSheet(institution=bank, code=row.code) for row in rows if row.level == GRID)
    for i, one in enumerate(workers[:12]):
        # Only the photograph: the rows in memory do not know their supervisors.
        one.photo.save("photo.jpg", ContentFile(_portrait(i)), save=False)
        one.save(update_fields=["photo"])


def _lead(bank: Institution, branches: dict[str, Institution], rows: Sequence[GridRow], ids: dict[str, int]) -> None:
    """A chief for each township and village, a manager for each sub-branch and for the bank."""
    parents = {row.code: row.parent_code for row in rows}
    led = [row for row in rows if row.level in (TOWNSHIP, VILLAGE)]
    chiefs = Staff.objects.bulk_create(
        person(
            CHIEFS + i,
            branches[township_of(row.code, parents, branches)],
            "grid_chief",
            geom=_inside(row),
            duty_text="统筹本级网格工作, 协调解决网格员上报的事项。",
        )
        for i, row in enumerate(led)
    )
    units = [(row, branches[row.code]) for row in rows if row.level == TOWNSHIP]
    units.append((next(row for row in rows if row.level == COUNTY), bank))
    managers = Staff.objects.bulk_create(
        person(
            MANAGERS + i,
            unit,
            "grid_manager",
            geom=_inside(row),
            duty_text="管理本机构的网格员, 安排和移交网格, 检查走访。",
        )
        for i, (row, unit) in enumerate(units)
    )
    Assignment.objects.bulk_create(
        [
            *(
                Assignment(
                    staff=one,
                    grid_id=ids[row.code],
                    role="chief",
                    valid_from=FIRST_DAY,
                    filing="" if i == 5 else f"备〔2026〕{i + 1:03}",
                )
                for i, (one, row) in enumerate(zip(chiefs, led, strict=True))
            ),
            *(
                Assignment(staff=one, grid_id=ids[row.code], role="manager", valid_from=FIRST_DAY)
                for one, (row, _unit) in zip(managers, units, strict=True)
            ),
        ]
    )


def _staff_outlets(branches: dict[str, Institution], ids: dict[str, int]) -> None:
    """Two account managers, a lobby manager, a non-cash teller and a teller in each sub-branch; the second has no lobby manager.

    The account managers lead the sub-branch's part-time and external workers, and serve the township by turns.
    """
    kinds = ("account_manager", "account_manager", "hall_manager", "non_cash_teller", "teller")
    people = [(branch, kind) for branch in branches.values() for kind in kinds]
    del people[len(kinds) + 2]
    made = Staff.objects.bulk_create(person(COUNTERS + i, branch, kind) for i, (branch, kind) in enumerate(people))
    sellers: dict[int, list[Staff]] = defaultdict(list)
    for one in made:
        if one.kind == "account_manager":
            sellers[one.institution_id].append(one)
    serving = []
    for code, branch in branches.items():
        first, second = sellers[branch.pk]
        Staff.objects.filter(institution=branch, kind="part_time").update(supervisor=first)
        Staff.objects.filter(institution=branch, kind="external").update(supervisor=second)
        serving += [
            Assignment(staff=one, grid_id=ids[code], role="account_manager", kind=kind, valid_from=FIRST_DAY)
            for one, kind in ((first, "main"), (second, "backup"))
        ]
    Assignment.objects.bulk_create(serving)


def _hold_two(mains: list[Assignment]) -> None:
    """The fourth worker serves the fifth grid too; the fifth worker is left without a grid."""
    mains[4].staff = mains[3].staff
    mains[4].save(update_fields=["staff"])


def _pair(mains: list[Assignment]) -> None:
    """In all villages but two of sixty, the workers stand in for one another; two are away, one of them without a backup."""
    villages: dict[int, list[Assignment]] = defaultdict(list)
    for one in mains:
        villages[one.grid.parent_id or 0].append(one)
    pairs = []
    for i, members in enumerate(villages.values()):
        if i % 60 not in UNPAIRED and len({one.staff_id for one in members}) > 1:
            for one, beside in zip(members, [*members[1:], members[0]], strict=True):
                if one.staff_id != beside.staff_id:
                    pairs.append(Assignment(staff=beside.staff, grid=one.grid, kind="backup", valid_from=FIRST_DAY))
    Assignment.objects.bulk_create(pairs)
    paired = {one.grid_id for one in pairs}
    alone = next(one for one in mains[6:] if one.grid_id not in paired)
    covered = next(one for one in mains[6:] if one.grid_id in paired)
    today = timezone.localdate()
    for one, reason, days in ((alone, "休假", 180), (covered, "培训", 90)):
        Absence.objects.create(
            staff=one.staff,
            first_day=today - dt.timedelta(days=2),
            last_day=today + dt.timedelta(days=days),
            reason=reason,
        )


def _hand_over(now: Assignment) -> None:
    """Until June somebody else served this grid."""
    before = person(OTHERS, now.staff.institution, "part_time", left_on=HANDED_OVER)
    before.save()
    now.valid_from = HANDED_OVER
    now.save(update_fields=["valid_from"])
    now.replaces = Assignment.objects.create(staff=before, grid=now.grid, valid_from=FIRST_DAY, valid_to=HANDED_OVER)
    now.save(update_fields=["replaces"])


def _hand_out(workers: Sequence[Staff]) -> None:
    """An agreement, a certificate, a card and a terminal each; a few are missing or out of date."""
    until = timezone.localdate() + dt.timedelta(days=730)
    StaffItem.objects.bulk_create(
        StaffItem(
            staff=one,
            kind=kind,
            number=f"YS-{kind[:2].upper()}-{i + 1:05}",
            issued_on=FIRST_DAY,
            valid_until=(HANDED_OVER if i % 89 == 3 else until) if kind == "certificate" else None,
        )
        for i, one in enumerate(workers)
        for kind in ITEMS
        if not (kind == "terminal" and i % 97 == 5)
    )


def _post(
    bank: Institution, branches: dict[str, Institution], rows: Sequence[GridRow], workers: Sequence[Staff]
) -> None:
    """Posts in the first grids, held by their workers, the last one by nobody; road sections; shops that guard each other."""
    held = [one for one in Assignment.objects.filter(staff__in=workers, kind="main").on().order_by("grid__code")]
    held = held[6 : 6 + POSTS]
    grids = {one.pk: one for one in Staff.objects.filter(pk__in=[one.staff_id for one in held])}
    posts = []
    for i, one in enumerate(held):
        kind = POST_KINDS[i % len(POST_KINDS)]
        place = grids[one.staff_id].geom
        posts.append(
            Post(
                institution=grids[one.staff_id].institution,
                kind=kind,
                code=f"D{i + 1:03}",
                name=f"演示点位 {i + 1:02} {POST_NAMES[kind]}",
                duty_text="每日巡查, 发现问题当日上报。",
                geom=Point(round(place.x + 1e-4 * (1 + i % 3), 7), round(place.y + 1e-4, 7), srid=SRID),
                restricted=i == 20,
                synthetic=True,
            )
        )
    first = next(iter(branches.values()))
    for i, street in enumerate(Street.objects.filter(institution=bank).exclude(name="").order_by("name", "pk")[:6]):
        posts.append(
            Post(
                institution=first,
                kind="section" if i % 2 else "road",
                code=f"L{i + 1:03}",
                name=f"演示路段 {i + 1:02} {street.name}",
                duty_text="负责本路段的巡查与宣传。",
                geom=street.geom,
                synthetic=True,
            )
        )
    posts = Post.objects.bulk_create(posts)
    chiefs = list(Staff.objects.filter(institution=first, kind="grid_chief").order_by("number")[:6])
    holders = [grids[one.staff_id] for one in held] + chiefs
    Assignment.objects.bulk_create(
        Assignment(staff=holder, post=post, role="point_chief", valid_from=FIRST_DAY)
        for i, (post, holder) in enumerate(zip(posts, holders, strict=True))
        if i != POSTS - 1
    )
    shops = [post for post in posts if post.kind == "shop"]
    for one, other in zip(shops[::2], shops[1::2], strict=False):
        one.partners.add(other)


def _help(rows: Sequence[GridRow], branches: dict[str, Institution], ids: dict[str, int]) -> None:
    """Volunteers and group leaders in the villages of the first township, and two who belong to a grid each way (OC14)."""
    town, branch = next(iter(branches.items()))
    villages = [row for row in rows if row.parent_code == town]
    people = Staff.objects.bulk_create(
        person(
            OTHERS + 1 + i,
            branch,
            "volunteer" if i % 2 else "group_leader",
            geom=_inside(row),
            subsidy=None if i % 2 else 500,
        )
        for i, row in enumerate(villages)
    )
    rest = [
        Assignment(
            staff=one,
            grid_id=ids[row.code],
            role="volunteer" if one.kind == "volunteer" else "group_leader",
            kind="member" if one.kind == "volunteer" else "main",
            valid_from=FIRST_DAY,
        )
        for one, row in zip(people, villages, strict=True)
    ]
    for one, home, work in zip(people[:2], villages[:2], villages[2:4], strict=False):
        rest += [
            Assignment(staff=one, grid_id=ids[row.code], role=role, kind="member", valid_from=FIRST_DAY)
            for row, role in ((home, "residence"), (work, "organisation"))
        ]
    Assignment.objects.bulk_create(rest)


def _inside(row: GridRow) -> Point:
    return Point(*snap(row.geometry.representative_point()).coords[0], srid=SRID)


def _portrait(i: int) -> bytes:
    """A drawing in place of a photograph: a head and shoulders in one of a few colours, nobody's face."""
    hue = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7")[i % 4]
    picture = Image.new("RGB", (360, 480), "#eef3f2")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((110, 80, 250, 240), fill=hue)
    draw.ellipse((30, 270, 330, 680), fill=hue)
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=85)
    return made.getvalue()
