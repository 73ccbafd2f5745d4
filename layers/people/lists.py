"""What is not as it should be: vacant grids, double holders, absent without backup, and so on; and all posts. Each is one list of rows.

A row is about a grid, a person or a post; what a user may not see is in no list.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.gis.db.models.functions import PointOnSurface
from django.contrib.gis.geos import GEOSGeometry
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers.documents.models import Document
from layers.facilities.models import Outlet
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution, User
from layers.people import checks
from layers.people.outlets import short_of
from layers.people.ownership import owned_by
from layers.staff.layer import post_labels
from layers.staff.models import Absence, Assignment, Post, Staff, StaffItem, StaffSettings
from layers.staff.models.people import VIEWERS
from layers.staff.vocabulary import label, terms

MAIN = Assignment.Kind.MAIN
COUNTER_KINDS = ("hall_manager", "non_cash_teller", "teller")
"""Who works at the counter needs no grid."""


@dataclass(frozen=True)
class Row:
    """One line of a list: the grid, person or post it is about, and what is said of it. `at` is lon/lat, CGCS2000."""

    text: str = ""
    grid: Grid | None = None
    staff: Staff | None = None
    post: Post | None = None
    outlet: Outlet | None = None
    assignment: int | None = None

    @property
    def geom(self) -> GEOSGeometry | None:
        if self.outlet is not None:
            return self.outlet.geom
        if self.post is not None:
            return self.post.geom
        return self.grid.geom if self.grid is not None else self.staff.geom if self.staff is not None else None

    @property
    def at(self) -> tuple[float, float] | None:
        """Where the row stands on the map."""
        label = getattr(self.grid, "label", None)
        shape = label or self.geom
        if shape is None:
            return None
        point = shape if shape.geom_type == "Point" else shape.point_on_surface
        return point.x, point.y


@dataclass(frozen=True)
class List:
    """A list: its name, what it tells, and the function that makes it."""

    key: str
    name: str | Promise
    about: str | Promise
    domain: str
    rows: Callable[[User, dt.date], Iterable[Row]]
    is_fault: bool = True
    """Whether what it lists is not as it should be."""


LISTS: dict[str, List] = {}


def _list(
    key: str, name: str | Promise, about: str | Promise, domain: str, *, is_fault: bool = True
) -> Callable[..., Callable[..., Iterable[Row]]]:
    def add(rows: Callable[[User, dt.date], Iterable[Row]]) -> Callable[..., Iterable[Row]]:
        LISTS[key] = List(key, name, about, domain, rows, is_fault)
        return rows

    return add


def rows_of(key: str, user: User, day: dt.date | None = None) -> list[Row]:
    """The rows of a list that a user may see, on a day (today when None)."""
    return list(LISTS[key].rows(user, day or timezone.localdate()))


def own_grids(user: User, day: dt.date) -> QuerySet[Grid]:
    """The grids that the user answers for, of the plans in force on a day; each with its label point.

    Of plans of her own institution and those below, all. Of a plan of an institution above, those that people of her
    institution serve or have served in it, at whatever level, with all below them: so a vacant grid is listed with whoever
    leads the village or township around it, and with whoever had it last. A field worker's are those that she serves.
    """
    if user.institution is None or user.is_regulator:
        return Grid.objects.none()
    grids = Grid.objects.filter(plan__in=Plan.objects.visible_to(user).in_force(day))
    if user.role == User.Role.WORKER:
        mine = Q(pk__in=_below(Assignment.objects.on(day).filter(staff__user=user)))
    else:
        mine = Q(plan__institution__path__startswith=user.institution.path)
        if not user.institution.is_root():
            people = Staff.objects.filter(institution__path__startswith=user.institution.path)
            turns = Assignment.objects.filter(staff__in=people, status=Assignment.Status.APPROVED, grid__in=grids)
            mine |= Q(pk__in=_below(turns))
    return _labelled(grids.filter(mine)).select_related("parent", "plan__institution").order_by("code")


def _below(turns: QuerySet[Assignment]) -> set[int]:
    """The grids of some turns, and all below them."""
    step = set(turns.filter(grid__isnull=False).order_by().values_list("grid", flat=True))
    found = set(step)
    while step:
        step = set(Grid.objects.filter(parent__in=step).values_list("pk", flat=True)) - found
        found |= step
    return found


def leaves(user: User, day: dt.date) -> QuerySet[Grid]:
    """The smallest of the user's own grids."""
    return own_grids(user, day).filter(~Exists(Grid.objects.filter(parent=OuterRef("pk"))))


def _labelled(grids: QuerySet[Grid]) -> QuerySet[Grid]:
    return grids.annotate(label=PointOnSurface("geom"))


@_list("vacant", gettext_lazy("空缺网格"), gettext_lazy("最小的网格中没有网格员负责的"), "ZG07")
def vacant(user: User, day: dt.date) -> Iterable[Row]:
    serving = Assignment.objects.on(day).filter(grid=OuterRef("pk"), role="worker", kind=MAIN)
    return (Row(grid=grid, text=_("没有网格员")) for grid in leaves(user, day).filter(~Exists(serving)))


@_list("double", gettext_lazy("一人多格"), gettext_lazy("负责的网格多于设定个数的网格员"), "ZG07")
def double(user: User, day: dt.date) -> Iterable[Row]:
    most = StaffSettings.of(user.institution).most_grids if user.institution else 1
    inside = ~Exists(Grid.objects.filter(parent=OuterRef("grid")))
    held = Assignment.objects.on(day).filter(inside, grid__isnull=False, role="worker", kind=MAIN)
    many = held.order_by().values("staff").annotate(n=Count("grid", distinct=True)).filter(n__gt=most).values("staff")
    for one in _assigned(user, held.filter(staff__in=many)):
        yield Row(grid=one.grid, staff=one.staff, text=_("同时负责多个网格"), assignment=one.pk)


@_list("absent", gettext_lazy("缺勤无人替"), gettext_lazy("责任人缺勤, 而没有在岗的 B岗"), "LA03")
def absent(user: User, day: dt.date) -> Iterable[Row]:
    away = Absence.objects.filter(staff=OuterRef("staff"), first_day__lte=day, last_day__gte=day)
    standing_in = (
        Assignment.objects.on(day)
        .filter(kind="backup", role=OuterRef("role"), grid=OuterRef("grid"))
        .exclude(Exists(away))
    )
    for one in _assigned(user, Assignment.objects.on(day).filter(Exists(away), ~Exists(standing_in), kind=MAIN)):
        until = Absence.objects.filter(staff=one.staff, first_day__lte=day, last_day__gte=day).values_list("last_day")
        yield Row(grid=one.grid, staff=one.staff, text=_("缺勤至 %(day)s") % {"day": until[0][0]}, assignment=one.pk)


@_list("idle", gettext_lazy("未安排人员"), gettext_lazy("在岗而没有任何网格或点位的人员"), "ZG07")
def idle(user: User, day: dt.date) -> Iterable[Row]:
    busy = Assignment.objects.on(day).filter(staff=OuterRef("pk"))
    people = (
        Staff.objects.visible_to(user)
        .employed(day)
        .filter(~Exists(busy))
        .exclude(kind__in=COUNTER_KINDS)
        .select_related("institution")
    )
    return (Row(staff=person, text=_("没有网格或点位")) for person in people.order_by("institution__path", "number"))


@_list("outside", gettext_lazy("驻地不在网格"), gettext_lazy("网格员的常驻地点不在所负责的网格内"), "XF01")
def outside(user: User, day: dt.date) -> Iterable[Row]:
    held = Assignment.objects.on(day).filter(grid__isnull=False, role="worker", kind=MAIN, staff__geom__isnull=False)
    for one in _assigned(user, held.exclude(grid__geom__intersects=F("staff__geom"))):
        yield Row(grid=one.grid, staff=one.staff, text=_("常驻地点不在网格内"), assignment=one.pk)


@_list("unpaired", gettext_lazy("缺少 B岗"), gettext_lazy("有责任人而没有 B岗的网格"), "LA03")
def unpaired(user: User, day: dt.date) -> Iterable[Row]:
    serving = Assignment.objects.on(day).filter(grid=OuterRef("pk"), role="worker")
    grids = leaves(user, day).filter(Exists(serving.filter(kind=MAIN)), ~Exists(serving.filter(kind="backup")))
    return (Row(grid=grid, text=_("没有 B岗")) for grid in grids)


def _held(people: QuerySet[Staff], kinds: Iterable[str], day: dt.date) -> dict[int, set[str]]:
    """What people have in hand on a day that is not out of date, of some kinds."""
    held: dict[int, set[str]] = {}
    valid = StaffItem.objects.filter(Q(returned_on__isnull=True) | Q(returned_on__gt=day), kind__in=list(kinds))
    valid = valid.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=day), issued_on__lte=day)
    for staff, kind in valid.filter(staff__in=people).values_list("staff", "kind"):
        held.setdefault(staff, set()).add(kind)
    return held


@_list("items", gettext_lazy("证件不全"), gettext_lazy("缺少应有的协议、证件、卡或终端, 或已过期的人员"), "YL08")
def items(user: User, day: dt.date) -> Iterable[Row]:
    if user.institution is None:
        return
    settings = StaffSettings.of(user.institution)
    needed = settings.needed_items
    if not needed:
        return
    names = terms("item", user.institution)
    held = _held(Staff.objects.visible_to(user), needed, day)
    people = Staff.objects.visible_to(user).employed(day).select_related("institution")
    if settings.needed_by:
        people = people.filter(kind__in=settings.needed_by)
    for person in people.order_by("institution__path", "number"):
        missing = [names.get(kind, kind) for kind in needed if kind not in held.get(person.pk, ())]
        if missing:
            yield Row(staff=person, text=_("缺: %(what)s") % {"what": "、".join(missing)})


@_list("posts", gettext_lazy("无人点位"), gettext_lazy("没有责任人的点位; 每个点位至少一人"), "GB01")
def posts(user: User, day: dt.date) -> Iterable[Row]:
    held = Assignment.objects.on(day).filter(post=OuterRef("pk"), kind=MAIN)
    found = (
        Post.objects.visible_to(user)
        .in_state("active")
        .filter(~Exists(held))
        .select_related("institution")
        .order_by("code")
    )
    names = post_labels(user)
    return (Row(post=post, text=names.get(post.kind, post.kind)) for post in found)


@_list("all-posts", gettext_lazy("全部点位"), gettext_lazy("点和线的责任单元, 以及责任人"), "GB01", is_fault=False)
def all_posts(user: User, day: dt.date) -> Iterable[Row]:
    names, held = post_labels(user), defaultdict(list)
    for one in (
        Assignment.objects.on(day)
        .serving()
        .filter(post__isnull=False, staff__in=Staff.objects.visible_to(user))
        .select_related("staff__institution")
    ):
        held[one.post_id].append(one)
    for post in Post.objects.visible_to(user).in_state("active").select_related("institution").order_by("code", "pk"):
        text = names.get(post.kind, post.kind)
        for one in held[post.pk] or [None]:
            yield Row(post=post, staff=one and one.staff, assignment=one and one.pk, text=text)


@_list(
    "outlets",
    gettext_lazy("网点未达标"),
    gettext_lazy("人员配备或最近月报未达到网点标准的营业网点; 未登记的不判断"),
    "SM06",
)
def outlets(user: User, day: dt.date) -> Iterable[Row]:
    return (Row(outlet=outlet, text=text) for outlet, text in short_of(user, day))


@_list(
    "fours",
    gettext_lazy("四个一不全"),
    gettext_lazy("会 (联席会议纪要)、网 (负责网格)、人 (协议和证件)、卡 缺少任何一项的人员"),
    "YL08",
)
def fours(user: User, day: dt.date) -> Iterable[Row]:
    if user.institution is None:
        return
    settings = StaffSettings.of(user.institution)
    people = Staff.objects.visible_to(user).employed(day).select_related("institution")
    people = people.filter(kind__in=settings.needed_by or ["part_time"]).order_by("institution__path", "number")
    held = _held(people, ("agreement", "certificate", "card"), day)
    busy = set(Assignment.objects.on(day).filter(staff__in=people, grid__isnull=False).values_list("staff", flat=True))
    since = day - dt.timedelta(days=settings.meeting_days)
    meetings = Document.objects.filter(kind=Document.Kind.MEETING, signed_on__gte=since, signed_on__lte=day)
    # A meeting of an institution is one of all below it, too.
    met = tuple(set(meetings.values_list("institution__path", flat=True)))
    for person in people:
        items = held.get(person.pk, set())
        has = {
            _("会"): not settings.meeting_days or person.institution.path.startswith(met),
            _("网"): person.pk in busy,
            _("人"): {"agreement", "certificate"} <= items,
            _("卡"): "card" in items,
        }
        missing = [name for name, is_there in has.items() if not is_there]
        if missing:
            yield Row(staff=person, text=_("缺: %(what)s") % {"what": "、".join(missing)})


@_list("ownership", gettext_lazy("客户归属"), gettext_lazy("各机构的客户, 按协办分成折算"), "OB02", is_fault=False)
def ownership(user: User, day: dt.date) -> Iterable[Row]:
    if user.role not in VIEWERS:
        return
    institutions = {one.pk: one for one in Institution.objects.visible_to(user)} if not user.is_regulator else {}
    found = owned_by(list(institutions))
    words = _("%(name)s: 折算 %(counted)s 户 (自有 %(own)s 户, 其中分给协办机构 %(given)s; 协办其他机构 %(helped)s)")
    for pk, institution in institutions.items():
        owned = found[pk]
        if owned.own or owned.helped:
            numbers = {name: f"{value:,.1f}" for name, value in owned._asdict().items() if name != "own"}
            numbers |= {"name": institution.name, "own": f"{owned.own:,}", "counted": f"{owned.counted:,.1f}"}
            yield Row(text=words % numbers)


@_list("unfiled", gettext_lazy("未备案"), gettext_lazy("须备案的角色中没有备案号的"), "LA02")
def unfiled(user: User, day: dt.date) -> Iterable[Row]:
    roles = StaffSettings.of(user.institution).term_roles if user.institution else []
    for one in _assigned(user, Assignment.objects.on(day).filter(role__in=roles, kind=MAIN, filing="")):
        yield Row(
            grid=one.grid, staff=one.staff, text=label("role", one.role, one.staff.institution), assignment=one.pk
        )


@_list("rules", gettext_lazy("违反配比规则"), gettext_lazy("人员配比不符合规则的网格和人员"), "LA03")
def rules(user: User, day: dt.date) -> Iterable[Row]:
    plans = Plan.objects.none()
    if user.institution is not None and not user.is_regulator:
        plans = Plan.objects.visible_to(user).in_force(day).select_related("institution").order_by("pk")
    of_grids = checks.of_plans(plans)
    grids = own_grids(user, day).filter(pk__in=[fault.grid for fault in of_grids if fault.grid]).in_bulk()
    people = {one.pk: one for one in Staff.objects.visible_to(user).employed(day).select_related("institution")}
    for fault in of_grids:
        if fault.grid in grids:
            yield Row(grid=grids[fault.grid], text=fault.message)
    for fault in checks.of_staff(people.values()):
        yield Row(staff=people.get(fault.staff or 0), text=fault.message)
    if user.role in VIEWERS:
        institutions = Institution.objects.visible_to(user)
        yield from (Row(text=fault.message) for fault in checks.of_institutions(institutions))


def _assigned(user: User, assignments: QuerySet[Assignment]) -> Iterable[Assignment]:
    """Assignments to grids, of people whom the user may see; each grid with its label point."""
    found = list(
        assignments.filter(staff__in=Staff.objects.visible_to(user), grid__isnull=False)
        .select_related("staff__institution")
        .order_by("staff__institution__path", "staff__number", "grid__code")
    )
    grids = _labelled(Grid.objects.filter(pk__in=[one.grid_id for one in found])).select_related("parent").in_bulk()
    for one in found:
        one.grid = grids[one.grid_id]
    return found


def counts(user: User) -> list[dict[str, Any]]:
    """The lists with how long each is."""
    return [
        {
            "id": one.key,
            "name": str(one.name),
            "about": str(one.about),
            "domain": one.domain,
            "is_fault": one.is_fault,
            "count": len(rows_of(one.key, user)),
        }
        for one in LISTS.values()
    ]
