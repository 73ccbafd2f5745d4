"""What is not as it should be: vacant grids, double holders, absent without backup, and so on. Each is one list of rows.

A row is about a grid, a person or a post; what a user may not see is in no list.
"""

from __future__ import annotations

import datetime as dt
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

from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution, User
from layers.people import checks
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
    assignment: int | None = None

    @property
    def geom(self) -> GEOSGeometry | None:
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


LISTS: dict[str, List] = {}


def _list(
    key: str, name: str | Promise, about: str | Promise, domain: str
) -> Callable[..., Callable[..., Iterable[Row]]]:
    def add(rows: Callable[[User, dt.date], Iterable[Row]]) -> Callable[..., Iterable[Row]]:
        LISTS[key] = List(key, name, about, domain, rows)
        return rows

    return add


def rows_of(key: str, user: User, day: dt.date | None = None) -> list[Row]:
    """The rows of a list that a user may see, on a day (today when None)."""
    return list(LISTS[key].rows(user, day or timezone.localdate()))


def leaves(user: User, day: dt.date) -> QuerySet[Grid]:
    """The smallest grids of the plans of the user's own bank in force on a day; each with its label point."""
    if user.institution is None or user.is_regulator:
        return Grid.objects.none()
    plans = Plan.objects.visible_to(user).in_force(day)
    found = Grid.objects.filter(~Exists(Grid.objects.filter(parent=OuterRef("pk"))), plan__in=plans)
    return _labelled(found).select_related("parent", "plan__institution").order_by("code")


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


@_list("items", gettext_lazy("证件不全"), gettext_lazy("缺少应有的协议、证件、卡或终端, 或已过期的人员"), "YL08")
def items(user: User, day: dt.date) -> Iterable[Row]:
    if user.institution is None:
        return
    settings = StaffSettings.of(user.institution)
    needed = settings.needed_items
    if not needed:
        return
    names = terms("item", user.institution)
    held: dict[int, set[str]] = {}
    valid = StaffItem.objects.filter(Q(returned_on__isnull=True) | Q(returned_on__gt=day), kind__in=needed)
    valid = valid.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=day), issued_on__lte=day)
    for staff, kind in valid.filter(staff__in=Staff.objects.visible_to(user)).values_list("staff", "kind"):
        held.setdefault(staff, set()).add(kind)
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
    found = Post.objects.visible_to(user).filter(~Exists(held)).select_related("institution").order_by("code")
    return (Row(post=post, text=label("post", post.kind, post.institution)) for post in found)


@_list("unfiled", gettext_lazy("未备案"), gettext_lazy("须备案的角色中没有备案号的"), "LA02")
def unfiled(user: User, day: dt.date) -> Iterable[Row]:
    roles = StaffSettings.of(user.institution).term_roles if user.institution else []
    for one in _assigned(user, Assignment.objects.on(day).filter(role__in=roles, kind=MAIN, filing="")):
        yield Row(
            grid=one.grid, staff=one.staff, text=label("role", one.role, one.staff.institution), assignment=one.pk
        )


@_list("rules", gettext_lazy("违反配比规则"), gettext_lazy("人员配比不符合规则的网格和人员"), "LA03")
def rules(user: User, day: dt.date) -> Iterable[Row]:
    people = {one.pk: one for one in Staff.objects.visible_to(user).employed(day).select_related("institution")}
    faults = [*checks.of_plans(_plans_of_own_bank(user, day)), *checks.of_staff(people.values())]
    grids = _labelled(Grid.objects.filter(pk__in=[fault.grid for fault in faults if fault.grid]))
    placed = grids.select_related("parent", "plan__institution").in_bulk()
    for fault in faults:
        yield Row(grid=placed.get(fault.grid or 0), staff=people.get(fault.staff or 0), text=fault.message)
    if user.role in VIEWERS:
        institutions = Institution.objects.visible_to(user)
        yield from (Row(text=fault.message) for fault in checks.of_institutions(institutions))


def _plans_of_own_bank(user: User, day: dt.date) -> QuerySet[Plan]:
    """The plans in force; none for a regulator, who is told nothing of people."""
    if user.institution is None or user.is_regulator:
        return Plan.objects.none()
    return Plan.objects.visible_to(user).in_force(day).select_related("institution").order_by("pk")


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
            "count": len(rows_of(one.key, user)),
        }
        for one in LISTS.values()
    ]
