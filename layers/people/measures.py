"""What can be counted of the people of a grid, and of a person: measures beside those of the land (layers.rules.measures).

The day on which people are counted is today, or the one that `layers.rules.measures.on_day` sets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers.grids.models import Grid
from layers.rules.lines import Line, lines
from layers.rules.measures import DAY, Measured, measure, register
from layers.staff.models import Assignment, Staff, StaffSettings
from layers.staff.vocabulary import label

SQL = Path(__file__).parent / "sql"
OUTLET_KINDS = ("account_manager", "hall_manager", "non_cash_teller", "teller")
MARKETING_KINDS = ("account_manager", "hall_manager")
"""Kinds of the built-in vocabulary who work at an outlet, and those of them who sell (SM06)."""


@cache
def sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def rows(name: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run a statement of sql/; `day` is there by itself."""
    with connection.cursor() as cursor:
        cursor.execute(sql(name), {"day": DAY.get() or timezone.localdate()} | values)
        return cursor.fetchall()


class Service(NamedTuple):
    """Somebody serves in a grid."""

    staff: int
    role: str
    kind: str
    grid: int


def serving(ids: list[int], *, below: bool) -> dict[int, list[Service]]:
    """Who serves in each grid on the day, and with `below` in the grids below it, too."""
    found: dict[int, list[Service]] = {grid: [] for grid in ids}
    for grid, *service in rows("serving", grids=ids, below=below):
        found[grid].append(Service(*service))
    return found


class Counted(NamedTuple):
    """In which role, and of which kinds, people are counted: the smallest grids have workers, and all grids above count these too."""

    role: str
    kinds: tuple[str, ...]

    @property
    def below(self) -> bool:
        return self.role in ("worker", "volunteer")

    def of(self, ids: list[int]) -> dict[int, list[Service]]:
        return {
            grid: [one for one in found if one.role == self.role and one.kind in self.kinds]
            for grid, found in serving(ids, below=self.below).items()
        }


def heads(found: Iterable[Service]) -> int:
    """How many people serve, each counted once."""
    return len({one.staff for one in found})


def _count(key: str, name: str | Promise, role: str, kinds: tuple[str, ...], *domain: str) -> None:
    """A measure that counts the people of a grid with a role."""
    counted = Counted(role, kinds)
    about = (
        gettext_lazy("按所问日期在这一网格及其下级网格的人数, 一人只算一次")
        if counted.below
        else gettext_lazy("按所问日期直接安排在这一网格的人数; 不含下级网格的")
    )

    @register(key, name, gettext_lazy("人"), *domain, of="served", about=about, behind=(f"lines:{key}",))
    def compute(ids: list[int]) -> dict[int, Measured]:
        said = _("人员安排")
        return {grid: Measured(float(heads(found)), False, said) for grid, found in counted.of(ids).items()}

    lines(key, name, personal=True)(lambda grid: people_lines(counted.of([grid.pk])[grid.pk]))


def people_lines(services: list[Service]) -> list[Line]:
    """People as the lines behind a number: each once, with where and as what they serve."""
    names = Staff.objects.select_related("institution").in_bulk({one.staff for one in services})
    grids = Grid.objects.only("code", "name").in_bulk({one.grid for one in services})
    of_each: dict[int, list[Service]] = defaultdict(list)
    for one in services:
        of_each[one.staff].append(one)
    found = []
    for person in sorted(names.values(), key=lambda person: person.number):
        held = sorted(of_each[person.pk], key=lambda one: grids[one.grid].code)
        said = [
            f"{grids[one.grid].name} {label('role', one.role, person.institution)} {Assignment.Kind(one.kind).label}"
            for one in held
        ]
        found.append(Line(person.name, ", ".join(said), person.number, held[0].grid))
    return found


_count("workers", gettext_lazy("网格员"), "worker", ("main",), "ZG07", "MY02")
_count("backup_workers", gettext_lazy("B岗网格员"), "worker", ("backup",), "LA03")
_count("main_and_backup", gettext_lazy("主协办"), "worker", ("main", "backup"), "HG02")
_count("chiefs", gettext_lazy("网格长"), "chief", ("main",), "HY04", "LA02")
_count("deputies", gettext_lazy("副网格长"), "deputy", ("main", "backup"), "HY04", "LA02")
_count("managers", gettext_lazy("网格管理员"), "manager", ("main", "backup"), "HY04")
_count("volunteers", gettext_lazy("志愿者"), "volunteer", ("main", "backup", "member"), "GC04")


@register(
    "workers_per_10000",
    gettext_lazy("每万人网格员"),
    gettext_lazy("人"),
    "LA03",
    decimals=1,
    needs=("households", "residents"),
    of="served",
    about=gettext_lazy("网格及其下级的网格员人数 ÷ 居民人数 × 10000; 居民人数 = 户数 × 户均人口 (人员设置)"),
    per=gettext_lazy("居民人数, 按户均人口估算"),
    behind=("lines:workers", "measure:households", "homes:homes"),
)
def workers_per_10000(
    ids: list[int], households: dict[int, Measured], residents: dict[int, Measured]
) -> dict[int, Measured]:
    """Grid workers in the grid and below it, by 10,000 residents: households times the institution's persons a household, else those registered."""
    workers = {grid: heads(found) for grid, found in Counted("worker", ("main",)).of(ids).items()}
    found = {}
    paths = dict(Grid.objects.filter(pk__in=ids).values_list("pk", "plan__institution__path"))
    settings = StaffSettings.of_paths(set(paths.values()))
    for grid, path in paths.items():
        persons = settings[path].persons_per_household
        homes = households[grid].value
        registered = residents[grid].value
        if not persons and registered:
            # Without an estimate, who is registered; the ledger may not be complete.
            found[grid] = Measured(1e4 * workers[grid] / registered, False, _("登记的人数"))
        elif not persons or not homes:
            found[grid] = Measured(None, False, _("没有人口数据, 可在人员设置中填写户均人口"))
        else:
            found[grid] = Measured(1e4 * workers[grid] / (homes * persons), True, _("人口按户均人口估算"))
    return found


@register(
    "grids_per_person",
    gettext_lazy("负责的网格"),
    gettext_lazy("个"),
    "ZG07",
    "LA03",
    of="staff",
    about=gettext_lazy("一人以网格员身份主办的最小网格个数, 按所问日期"),
)
def grids_per_person(ids: list[int]) -> dict[int, Measured]:
    """Smallest grids that a person is in charge of as a grid worker."""
    return _of_staff(ids, 0)


@register(
    "households_per_person",
    gettext_lazy("负责的户数"),
    gettext_lazy("户"),
    "LA04",
    "OC02",
    "OC03",
    of="staff",
    about=gettext_lazy("一人负责的最小网格的户数之和, 不分角色; 户数的来源与网格的户数相同"),
)
def households_per_person(ids: list[int]) -> dict[int, Measured]:
    """Households of the smallest grids that a person is in charge of, whatever the role."""
    grids = rows("staff_grids", staff=ids)
    homes = measure(sorted({grid for _one, grid in grids}), ["households"])
    found = {one: Measured(0.0, False, _("没有负责的网格")) for one in ids}
    for one, grid in grids:
        value, before = homes[grid]["households"], found[one]
        if value.value is None or before.value is None:
            found[one] = Measured(None, False, value.source)
        else:
            found[one] = Measured(before.value + value.value, before.estimated or value.estimated, value.source)
    return found


@register(
    "subordinates",
    gettext_lazy("直接下属"),
    gettext_lazy("人"),
    "OC03",
    "JG01",
    of="staff",
    about=gettext_lazy("以此人为直接上级的现有人数"),
)
def subordinates(ids: list[int]) -> dict[int, Measured]:
    """People whose direct supervisor somebody is."""
    return _of_staff(ids, 1)


@register(
    "duties_per_person",
    gettext_lazy("职责"),
    gettext_lazy("项"),
    "QJ04",
    of="staff",
    about=gettext_lazy("此人登记的职责 (五员等) 项数"),
)
def duties_per_person(ids: list[int]) -> dict[int, Measured]:
    """How many of the 五员 duties (and others) a person has."""
    return _of_staff(ids, 2)


def _outlet_staff(ids: list[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {one: {} for one in ids}
    people = Staff.objects.employed(DAY.get()).filter(institution__in=ids, kind__in=OUTLET_KINDS)
    for institution, kind in people.values_list("institution", "kind"):
        found[institution][kind] = found[institution].get(kind, 0) + 1
    return found


def _outlet_count(key: str, name: str | Promise, kind: str) -> None:
    """A measure that counts the people of one kind in an institution; None where it has no outlet staff on record."""

    @register(
        key,
        name,
        gettext_lazy("人"),
        "SM06",
        of="institution",
        about=gettext_lazy("登记在本机构的这一类现有人员, 不含下级; 没有登记网点人员的机构没有数据"),
    )
    def compute(ids: list[int]) -> dict[int, Measured]:
        said = _("人员登记")
        return {
            one: Measured(float(kinds.get(kind, 0)) if kinds else None, False, said)
            for one, kinds in _outlet_staff(ids).items()
        }


_outlet_count("hall_managers", gettext_lazy("大堂经理"), "hall_manager")
_outlet_count("non_cash_tellers", gettext_lazy("非现金柜员"), "non_cash_teller")


@register(
    "marketing_share",
    gettext_lazy("营销人员占比"),
    "%",
    "SM06",
    of="institution",
    about=gettext_lazy(
        "客户经理和大堂经理占网点人员 (客户经理、大堂经理、非现金柜员、柜员) 的百分比, 只计本机构, 不含下级"
    ),
)
def marketing_share(ids: list[int]) -> dict[int, Measured]:
    """Percentage of outlet staff who sell: account managers and lobby managers."""
    said = _("人员登记")
    found = {}
    for one, kinds in _outlet_staff(ids).items():
        selling, everybody = sum(kinds.get(kind, 0) for kind in MARKETING_KINDS), sum(kinds.values())
        found[one] = Measured(100 * selling / everybody if everybody else None, False, said)
    return found


def _of_staff(ids: list[int], column: int) -> dict[int, Measured]:
    said = _("人员登记")
    return {one: Measured(float(values[column]), False, said) for one, *values in rows("staff_counts", staff=ids)}
