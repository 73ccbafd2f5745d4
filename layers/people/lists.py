"""What is not as it should be: vacant grids, double holders, absent without backup, and so on; and all posts. Each is one list of rows.

A row is about a grid, a person or a post; what a user may not see is in no list.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.gis.db.models.functions import PointOnSurface
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon, Point
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    CharField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers.documents.models import Document
from layers.facilities.models import Outlet
from layers.grids.models import SRID, Grid, Plan
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
FOURS = ["agreement", "certificate", "card"]
"""What somebody has in hand for 人 (the first two) and 卡 of the 四个一."""


@dataclass(frozen=True)
class Row:
    """One line of a list: the grid, person or post it is about, and what is said of it. `at` is lon/lat, CGCS2000."""

    text: str = ""
    grid: Grid | None = None
    label: Point | None = None
    staff: Staff | None = None
    post: Post | None = None
    outlet: Outlet | None = None
    assignment: int | None = None
    held: tuple[Assignment, ...] = ()
    """All that she is in charge of, where the row is about a person and several grids; each with its label point."""

    @property
    def geom(self) -> GEOSGeometry | None:
        if self.outlet is not None:
            return self.outlet.geom
        if self.post is not None:
            return self.post.geom
        if self.held:
            return MultiPolygon([part for one in self.held for part in _parts(one.grid.geom)], srid=SRID)
        return self.grid.geom if self.grid is not None else self.staff.geom if self.staff is not None else None

    @property
    def at(self) -> tuple[float, float] | None:
        """Where the row stands on the map."""
        shape = self.label or (self.held[0].label if self.held else self.geom)
        if shape is None:
            return None
        point = shape if shape.geom_type == "Point" else shape.point_on_surface
        return point.x, point.y


def _parts(geom: GEOSGeometry) -> Sequence[GEOSGeometry]:
    return [geom] if geom.geom_type == "Polygon" else list(geom)


@dataclass(frozen=True)
class Found:
    """What a list is about, and how a row is made of one of them; counted and cut before any row is made."""

    each: QuerySet[Any] | Sequence[Any]
    row: Callable[[Any], Row]

    def __len__(self) -> int:
        return self.each.count() if isinstance(self.each, QuerySet) else len(self.each)

    def __getitem__(self, part: slice) -> list[Row]:
        return [self.row(one) for one in self.each[part]]


Find = Callable[[User, dt.date], Found]


@dataclass(frozen=True)
class List:
    """A list: its name, what it tells, and the function that makes it."""

    key: str
    name: str | Promise
    about: str | Promise
    domain: str
    find: Find
    is_fault: bool = True
    """Whether what it lists is not as it should be."""


LISTS: dict[str, List] = {}


def _list(
    key: str, name: str | Promise, about: str | Promise, domain: str, *, is_fault: bool = True
) -> Callable[[Find], Find]:
    def add(find: Find) -> Find:
        LISTS[key] = List(key, name, about, domain, find, is_fault)
        return find

    return add


def found(key: str, user: User, day: dt.date | None = None) -> Found:
    """What a user may see of a list, on a day (today when None)."""
    if user.institution is None or user.is_regulator:
        return Found([], Row)
    return LISTS[key].find(user, day or timezone.localdate())


def rows_of(key: str, user: User, day: dt.date | None = None) -> list[Row]:
    """All its rows."""
    return found(key, user, day)[:]


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
    grids = grids.filter(mine).annotate(label=PointOnSurface("geom")).select_related("parent", "plan__institution")
    return grids.defer("parent__geom").order_by("code", "pk")


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


def _grids(grids: QuerySet[Grid], text: str) -> Found:
    return Found(grids, lambda grid: Row(text, grid, grid.label))


def _turns(user: User, turns: QuerySet[Assignment], say: Callable[[Assignment], str]) -> Found:
    """Assignments to grids, of people whom the user may see; each grid with its label point."""
    turns = turns.filter(staff__in=Staff.objects.visible_to(user), grid__isnull=False)
    turns = turns.annotate(label=PointOnSurface("grid__geom")).select_related("staff__institution", "grid__parent")
    turns = turns.defer("grid__parent__geom").order_by("staff__institution__path", "staff__number", "grid__code", "pk")
    return Found(turns, lambda one: Row(say(one), one.grid, one.label, one.staff, assignment=one.pk))


def _employed(user: User, day: dt.date) -> QuerySet[Staff]:
    people = Staff.objects.visible_to(user).employed(day).select_related("institution")
    return people.order_by("institution__path", "number")


@_list("vacant", gettext_lazy("空缺网格"), gettext_lazy("最小的网格中没有网格员负责的"), "ZG07")
def vacant(user: User, day: dt.date) -> Found:
    serving = Assignment.objects.on(day).filter(grid=OuterRef("pk"), role="worker", kind=MAIN)
    return _grids(leaves(user, day).filter(~Exists(serving)), _("没有网格员"))


@_list("double", gettext_lazy("一人多格"), gettext_lazy("负责的最小网格多于设定个数的网格员, 每人一行"), "ZG07")
def double(user: User, day: dt.date) -> Found:
    most = StaffSettings.of_path(user.own_path).most_grids
    inside = ~Exists(Grid.objects.filter(parent=OuterRef("grid")))
    held = Assignment.objects.on(day).filter(inside, grid__isnull=False, role="worker", kind=MAIN)
    many = held.order_by().values("staff").annotate(n=Count("grid", distinct=True)).filter(n__gt=most).values("staff")
    turns = held.annotate(label=PointOnSurface("grid__geom")).select_related("grid__parent").order_by("grid__code")
    people = Staff.objects.visible_to(user).filter(pk__in=many).select_related("institution")
    people = people.order_by("institution__path", "number").prefetch_related(
        Prefetch("assignments", turns.defer("grid__parent__geom"), to_attr="several")
    )
    words = _("负责 %(n)s 个网格: %(names)s")

    def row(one: Any) -> Row:
        names = "、".join(turn.grid.name for turn in one.several)
        return Row(words % {"n": len(one.several), "names": names}, staff=one, held=tuple(one.several))

    return Found(people, row)


@_list("absent", gettext_lazy("缺勤无人替"), gettext_lazy("责任人缺勤, 而没有可以代岗的 B岗"), "LA03")
def absent(user: User, day: dt.date) -> Found:
    away = Absence.objects.filter(staff=OuterRef("staff"), first_day__lte=day, last_day__gte=day)
    standing_in = Assignment.objects.on(day).filter(kind="backup", role=OuterRef("role"), grid=OuterRef("grid"))
    turns = Assignment.objects.on(day).annotate(until=Subquery(away.values("last_day"))).filter(kind=MAIN)
    turns = turns.filter(~Exists(standing_in.exclude(Exists(away))), until__isnull=False)
    return _turns(user, turns, lambda one: _("缺勤至 %(day)s") % {"day": one.until})


@_list(
    "idle",
    gettext_lazy("未安排人员"),
    gettext_lazy("现有人员中没有任何网格或点位的; 不含柜面人员 (大堂经理、非现金柜员、柜员)"),
    "ZG07",
)
def idle(user: User, day: dt.date) -> Found:
    busy = Assignment.objects.on(day).filter(staff=OuterRef("pk"))
    people = _employed(user, day).filter(~Exists(busy)).exclude(kind__in=COUNTER_KINDS)
    return Found(people, lambda person: Row(_("没有网格或点位"), staff=person))


@_list(
    "unplaced",
    gettext_lazy("没有常驻地点"),
    gettext_lazy("现有人员中没有登记常驻地点的, 所以不在地图的“人员”图层上"),
    "XF01",
    is_fault=False,
)
def unplaced(user: User, day: dt.date) -> Found:
    return Found(_employed(user, day).filter(geom__isnull=True), lambda person: Row(_("没有常驻地点"), staff=person))


@_list("outside", gettext_lazy("驻地不在网格"), gettext_lazy("网格员的常驻地点不在所负责的网格内"), "XF01")
def outside(user: User, day: dt.date) -> Found:
    held = Assignment.objects.on(day).filter(grid__isnull=False, role="worker", kind=MAIN, staff__geom__isnull=False)
    held = held.exclude(grid__geom__intersects=F("staff__geom"))
    return _turns(user, held, lambda _one: _("常驻地点不在网格内"))


@_list("unpaired", gettext_lazy("缺少 B岗"), gettext_lazy("有责任人而没有 B岗的网格"), "LA03")
def unpaired(user: User, day: dt.date) -> Found:
    serving = Assignment.objects.on(day).filter(grid=OuterRef("pk"), role="worker")
    grids = leaves(user, day).filter(Exists(serving.filter(kind=MAIN)), ~Exists(serving.filter(kind="backup")))
    return _grids(grids, _("没有 B岗"))


def _lacking(missing: Iterable[str]) -> str:
    return _("缺: %(what)s") % {"what": "、".join(missing)}


def _held(day: dt.date) -> ArraySubquery:
    """Kinds of what somebody has in hand on a day that is not out of date."""
    valid = StaffItem.objects.filter(Q(returned_on__isnull=True) | Q(returned_on__gt=day))
    valid = valid.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=day), issued_on__lte=day)
    return ArraySubquery(valid.filter(staff=OuterRef("pk")).values("kind"))


@_list("items", gettext_lazy("证件不全"), gettext_lazy("缺少应有的协议、证件、卡或终端, 或已过期的人员"), "YL08")
def items(user: User, day: dt.date) -> Found:
    settings = StaffSettings.of_path(user.own_path)
    needed, names = settings.needed_items, terms("item", user.institution)
    people = _employed(user, day).annotate(held=_held(day)).exclude(held__contains=needed)
    if settings.needed_by:
        people = people.filter(kind__in=settings.needed_by)
    return Found(
        people,
        lambda one: Row(_lacking(names.get(kind, kind) for kind in needed if kind not in one.held), staff=one),
    )


@_list("posts", gettext_lazy("无人点位"), gettext_lazy("没有责任人的点位; 每个点位至少一人"), "GB01")
def posts(user: User, day: dt.date) -> Found:
    held = Assignment.objects.on(day).filter(post=OuterRef("pk"), kind=MAIN)
    names = post_labels(user)
    return Found(_posts(user).filter(~Exists(held)), lambda post: Row(names.get(post.kind, post.kind), post=post))


def _posts(user: User) -> QuerySet[Post]:
    return Post.objects.visible_to(user).in_state("active").select_related("institution").order_by("code", "pk")


@_list("all-posts", gettext_lazy("全部点位"), gettext_lazy("点和线的责任单元, 以及责任人"), "GB01", is_fault=False)
def all_posts(user: User, day: dt.date) -> Found:
    names, held = post_labels(user), defaultdict(list)
    turns = Assignment.objects.on(day).serving().filter(post__isnull=False, staff__in=Staff.objects.visible_to(user))
    for one in turns.select_related("staff__institution"):
        held[one.post_id].append(one)
    return Found(
        [
            Row(names.get(post.kind, post.kind), post=post, staff=one and one.staff, assignment=one and one.pk)
            for post in _posts(user)
            for one in held[post.pk] or [None]
        ],
        lambda row: row,
    )


@_list(
    "outlets",
    gettext_lazy("网点未达标"),
    gettext_lazy("人员配备或最近月报未达到网点标准的营业网点; 未登记的不判断"),
    "SM06",
)
def outlets(user: User, day: dt.date) -> Found:
    return Found(list(short_of(user, day)), lambda short: Row(short[1], outlet=short[0]))


@_list(
    "fours",
    gettext_lazy("四个一不全"),
    gettext_lazy("会 (联席会议纪要)、网 (负责网格)、人 (协议和证件)、卡 缺少任何一项的人员"),
    "YL08",
)
def fours(user: User, day: dt.date) -> Found:
    settings = StaffSettings.of_path(user.own_path)
    since = day - dt.timedelta(days=settings.meeting_days)
    # A meeting of an institution is one of all below it, too.
    meetings = Document.objects.filter(kind=Document.Kind.MEETING, signed_on__gte=since, signed_on__lte=day)
    meetings = meetings.alias(whose=ExpressionWrapper(OuterRef("institution__path"), CharField()))
    has = {
        "met": Exists(meetings.filter(whose__startswith=F("institution__path")))
        if settings.meeting_days
        else Value(True),
        "busy": Exists(Assignment.objects.on(day).filter(staff=OuterRef("pk"), grid__isnull=False)),
        "held": _held(day),
    }
    people = _employed(user, day).filter(kind__in=settings.needed_by or ["part_time"]).annotate(**has)

    def row(one: Any) -> Row:
        there = {
            _("会"): one.met,
            _("网"): one.busy,
            _("人"): {*FOURS[:2]} <= {*one.held},
            _("卡"): FOURS[2] in one.held,
        }
        return Row(_lacking(name for name, is_there in there.items() if not is_there), staff=one)

    return Found(people.exclude(met=True, busy=True, held__contains=FOURS), row)


@_list("ownership", gettext_lazy("客户归属"), gettext_lazy("各机构的客户, 按协办分成折算"), "OB02", is_fault=False)
def ownership(user: User, day: dt.date) -> Found:
    institutions = {one.pk: one.name for one in Institution.objects.visible_to(user) if user.role in VIEWERS}
    found = owned_by(list(institutions))
    words = _("%(name)s: 折算 %(counted)s 户 (自有 %(own)s 户, 其中分给协办机构 %(given)s; 协办其他机构 %(helped)s)")

    def row(one: int) -> Row:
        numbers = {name: f"{value:,.1f}" for name, value in found[one]._asdict().items() if name != "own"}
        numbers |= {"name": institutions[one], "own": f"{found[one].own:,}", "counted": f"{found[one].counted:,.1f}"}
        return Row(words % numbers)

    return Found([one for one in institutions if found[one].own or found[one].helped], row)


@_list("unfiled", gettext_lazy("未备案"), gettext_lazy("须备案的角色中没有备案号的"), "LA02")
def unfiled(user: User, day: dt.date) -> Found:
    roles = StaffSettings.of_path(user.own_path).term_roles
    turns = Assignment.objects.on(day).filter(role__in=roles, kind=MAIN, filing="")
    return _turns(user, turns, lambda one: label("role", one.role, one.staff.institution))


@_list("rules", gettext_lazy("违反配比规则"), gettext_lazy("人员配比不符合规则的网格和人员"), "LA03")
def rules(user: User, day: dt.date) -> Found:
    plans = Plan.objects.visible_to(user).in_force(day).select_related("institution").order_by("pk")
    faults = checks.of_plans(plans)
    own = own_grids(user, day).filter(pk__in=[fault.grid for fault in faults])
    pks = set(own.values_list("pk", flat=True))
    people = _employed(user, day)
    faults = [fault for fault in faults if fault.grid in pks] + checks.of_staff(people.defer("geom"))
    if user.role in VIEWERS:
        faults += checks.of_institutions(Institution.objects.visible_to(user))
    grids, staff = cache(own.in_bulk), cache(people.filter(pk__in=[fault.staff for fault in faults]).in_bulk)

    def row(fault: checks.Fault) -> Row:
        grid = grids()[fault.grid] if fault.grid else None
        return Row(fault.message, grid, grid and grid.label, staff()[fault.staff] if fault.staff else None)

    return Found(faults, row)


def counts(user: User) -> list[dict[str, Any]]:
    """The lists with how long each is."""
    return [
        {
            "id": one.key,
            "name": str(one.name),
            "about": str(one.about),
            "domain": one.domain,
            "is_fault": one.is_fault,
            "count": len(found(one.key, user)),
        }
        for one in LISTS.values()
    ]
