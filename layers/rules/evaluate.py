"""Which grids break which rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Q
from django.utils.translation import get_language, gettext, override

from layers.grids.models import IN_FORCE, Grid, Plan
from layers.rules.measures import REGISTRY, Measured, Subject, measure
from layers.rules.models import Rule

COUNTERS = {"个", "人", "户", "项", "块"}
"""Units that only count."""


class _Node(NamedTuple):
    id: int
    parent: int | None
    level: int
    code: str
    name: str
    kind: str
    is_leaf: bool


@dataclass(frozen=True)
class Broken:
    """A rule that a grid breaks: the grid, the number, the rule, and where to look. What is said of it is put in words when asked."""

    rule: Rule
    grid: _Node
    measured: Measured
    value: float
    label: tuple[float, float]

    @cached_property
    def said(self) -> tuple[str, str]:
        """In Chinese and in English."""
        return sentences(self.rule, _called(self.grid), self.measured, self.value)

    def to_json(self) -> dict[str, Any]:
        rule, grid = self.rule, self.grid
        return {
            "rule_id": rule.pk,
            "severity": rule.severity,
            "grid_id": grid.id,
            "code": grid.code,
            "name": grid.name,
            "level": grid.level,
            "measure": rule.measure,
            "value": round(self.value, 4),
            "low": rule.low,
            "high": rule.high,
            "message_zh": self.said[0],
            "message_en": self.said[1],
            "label": list(self.label),
            "domain": rule.domain,
            "form": rule.form,
            "estimated": self.measured.estimated,
            "source": self.measured.said,
        }


class Assessment(NamedTuple):
    """What rules say of grids: those broken, and how many could not be judged for want of data, also by rule."""

    broken: list[Broken]
    unmeasured: int
    unmeasured_by_rule: dict[int, int]


def evaluate(plan: Plan, grid_ids: Sequence[int] | None = None) -> list[Broken]:
    """The rules that grids of a plan break: blocking ones first, then by code.

    Parameters
    ----------
    grid_ids
        Only these, and their siblings where a rule compares siblings; the whole plan when None.
    """
    return assess(plan, grid_ids).broken


def assess(
    plan: Plan,
    grid_ids: Sequence[int] | None = None,
    *,
    subjects: Collection[Subject] | None = None,
    rules: Iterable[Rule] | None = None,
) -> Assessment:
    """As `evaluate`, with the number of judgements that lacked data: no data is neither kept nor broken.

    Rules on the people of grids are judged in plans in force only: nobody serves a draft. `rules`: those to judge by instead of
    the ones that bind the plan's institution.
    """
    if subjects is None:
        subjects = {"grid", "served"} if plan.status in IN_FORCE else {"grid"}
    given = Rule.objects.binding(plan.institution) if rules is None else rules
    rules = [rule for rule in given if subject_of(rule) in subjects]
    if not rules or (grid_ids is not None and not grid_ids):
        return Assessment([], 0, {})
    balanced = any(rule.form == Rule.Form.BALANCE for rule in rules)
    nodes = _nodes(plan, grid_ids, with_siblings=balanced)
    asked = {node.id for node in nodes} if grid_ids is None else set(grid_ids)
    concerned = {
        rule.pk: [
            node
            for node in nodes
            if _concerns(rule, node, plan) and (rule.form == Rule.Form.BALANCE or node.id in asked)
        ]
        for rule in rules
    }
    values = _measure_all(rules, concerned)
    found: list[tuple[Rule, _Node, Measured, float]] = []
    unmeasured: dict[int, int] = {}
    for rule in rules:
        judge = _unbalanced if rule.form == Rule.Form.BALANCE else _outside
        broken, unknown = judge(rule, concerned[rule.pk], values[rule.measure])
        found += broken
        unmeasured[rule.pk] = unknown
    labels = _labels({node.id for _rule, node, _measured, _value in found})
    broken = [Broken(rule, node, measured, value, labels[node.id]) for rule, node, measured, value in found]
    broken.sort(key=lambda one: (one.rule.severity != Rule.Severity.BLOCK, one.grid.level, one.grid.code, one.rule.pk))
    return Assessment(broken, sum(unmeasured.values()), unmeasured)


def subject_of(rule: Rule) -> Subject | None:
    """What a rule is about: a grid's land, a grid's people, a person; None where its measure is gone."""
    return REGISTRY[rule.measure].of if rule.measure in REGISTRY else None


def is_outside(rule: Rule, value: float) -> bool:
    """Whether a value is below or above what the rule allows."""
    return (rule.low is not None and value < rule.low - 1e-9) or (rule.high is not None and value > rule.high + 1e-9)


Judged = tuple[list[tuple[Rule, _Node, Measured, float]], int]


def _outside(rule: Rule, nodes: Iterable[_Node], values: dict[int, Measured]) -> Judged:
    found, unknown = [], 0
    for node in nodes:
        measured = values[node.id]
        if measured.value is None:
            unknown += 1
        elif is_outside(rule, measured.value):
            found.append((rule, node, measured, measured.value))
    return found, unknown


def _unbalanced(rule: Rule, nodes: Iterable[_Node], values: dict[int, Measured]) -> Judged:
    """Grids further than the limit from the mean of all grids below the same parent, in percent of the mean."""
    found, unknown = [], 0
    families = defaultdict(list)
    for node in nodes:
        families[node.parent].append(node)
    for family in families.values():
        known = [(node, values[node.id]) for node in family if values[node.id].value is not None]
        unknown += len(family) - len(known)
        mean = sum(measured.value or 0 for _node, measured in known) / len(known) if known else 0
        if mean <= 0:
            continue
        for node, measured in known:
            deviation = 100 * ((measured.value or 0) / mean - 1)
            if abs(deviation) > (rule.high or 0) + 1e-9:
                found.append((rule, node, measured, deviation))
    return found, unknown


def has_level_of(rule: Rule, plan: Plan) -> bool:
    """Whether a plan has the level that a rule is about. A preset that nobody has taken over is not about the service area: what it
    asks of villages is not asked of the county where the plan has no villages."""
    return rule.level == 0 or len(plan.level_names) - 1 - rule.level >= (1 if rule.pk < 0 else 0)


def _concerns(rule: Rule, node: _Node, plan: Plan) -> bool:
    """Whether a rule is about a grid: the smallest grids are those without any below, wherever they stand in the tree."""
    if not has_level_of(rule, plan):
        return False
    if rule.kind and rule.kind != node.kind:
        return False
    if rule.level == 0:
        return node.is_leaf
    return not node.is_leaf and node.level == len(plan.level_names) - 1 - rule.level


def _measure_all(rules: Iterable[Rule], concerned: dict[int, list[_Node]]) -> dict[str, dict[int, Measured]]:
    """Each measure once, of the grids that any rule asks it of."""
    ids: dict[str, set[int]] = defaultdict(set)
    for rule in rules:
        ids[rule.measure] |= {node.id for node in concerned[rule.pk]}
    together: dict[frozenset[int], list[str]] = defaultdict(list)
    for name, grids in ids.items():
        together[frozenset(grids)].append(name)
    found: dict[str, dict[int, Measured]] = {}
    for grids, names in together.items():
        rows = measure(sorted(grids), names)
        found |= {name: {grid: row[name] for grid, row in rows.items()} for name in names}
    return found


def _nodes(plan: Plan, grid_ids: Sequence[int] | None, *, with_siblings: bool) -> list[_Node]:
    grids = Grid.objects.filter(plan=plan)
    if grid_ids is not None:
        chosen = Q(pk__in=list(grid_ids))
        if with_siblings:
            # Listed first: with a subquery beside an OR, PostgreSQL would read all grids of the plan.
            chosen |= Q(parent__in=list(grids.filter(chosen, parent__isnull=False).values_list("parent", flat=True)))
        grids = grids.filter(chosen)
    rows = list(grids.order_by("code").values_list("pk", "parent", "level", "code", "name", "kind"))
    below = Grid.objects.filter(plan=plan, parent__isnull=False)
    if grid_ids is not None:
        below = Grid.objects.filter(parent__in=[row[0] for row in rows])
    parents = set(below.values_list("parent", flat=True).distinct())
    return [_Node(*row, is_leaf=row[0] not in parents) for row in rows]


def _labels(ids: set[int]) -> dict[int, tuple[float, float]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, ST_X(spot), ST_Y(spot) FROM grid, ST_PointOnSurface(geom) AS spot WHERE id = ANY (%s)",
            [sorted(ids)],
        )
        return {grid: (lon, lat) for grid, lon, lat in cursor.fetchall()}


def sentences(rule: Rule, called: str, measured: Measured, value: float) -> tuple[str, str]:
    """What is said of something that breaks a rule, in Chinese and in English; `called` is its name."""
    return _message_zh(rule, called, measured, value), _message_en(rule, called, measured, value)


def _message_zh(rule: Rule, called: str, measured: Measured, value: float) -> str:
    one = REGISTRY[rule.measure]
    number = f"{'约' if measured.estimated else ''} {one.in_words(measured.value or 0, 'zh-hans')}"
    start = f"{called}: {_name(rule, 'zh-hans')}{number},"
    if rule.form == Rule.Form.BALANCE:
        way = "多" if value > 0 else "少"
        return f"{start} 比同级平均{way} {abs(value):.0f}%, 要求相差不超过 {rule.high:g}%({rule.name})"
    if rule.measure == "pieces":
        start = f"{called}: 分成互不相连的{number},"
    if rule.low is None or rule.high is None or rule.low == rule.high:
        limits = _limits(rule, "zh-hans")
        return f"{start} 要求{limits if limits.startswith('至') else f' {limits}'}({rule.name})"
    return f"{start} {'低于' if value < rule.low else '高于'} {_limits(rule, 'zh-hans')}的要求({rule.name})"


def _message_en(rule: Rule, called: str, measured: Measured, value: float) -> str:
    number = ("about " if measured.estimated else "") + _amount(rule, measured.value or 0, "en")
    name = _name(rule, "en")
    is_unit = REGISTRY[rule.measure].in_words(0, "en") == f"0 {name}"
    start = f"{called}: {f'{number} {name}' if is_unit else f'{name} {number}'}"
    title = rule.name_en or rule.name
    if rule.form == Rule.Form.BALANCE:
        way = "above" if value > 0 else "below"
        required = f"at most {rule.high:g}%"
        return f"{start}, {abs(value):.0f}% {way} the mean of its siblings; required: {required} ({title})"
    return f"{start}; required: {_limits(rule, 'en')} ({title})"


def _called(node: _Node) -> str:
    """The grid's name, with the end of its code where the name does not tell it from its siblings."""
    short = node.code[-3:]
    return node.name if short in node.name else f"{node.name} {short}"


def _name(rule: Rule, language: str) -> str:
    with override(language):
        text = str(REGISTRY[rule.measure].name)
    return text.lower() if language == "en" else text


def _amount(rule: Rule, value: float, language: str) -> str:
    """A value with its unit: 2 人, 3 km. In English the name of the measure says what is counted, so that no 人 follows the number."""
    one = REGISTRY[rule.measure]
    with override("zh-hans"):
        is_counted = str(one.unit) in COUNTERS
    return one.number(value) if is_counted and language == "en" else one.in_words(value, language)


def demand(rule: Rule) -> str:
    """What a rule demands, in the reader's language: 最小网格的上级, 农村: 助农取款点至少 1 个."""
    language = "en" if get_language() == "en" else "zh-hans"
    levels = [gettext("最小的网格"), gettext("最小网格的上级")]
    level = levels[rule.level] if rule.level < len(levels) else gettext("往上第 %(n)s 级") % {"n": rule.level}
    where = f"{level}, {Grid.Kind(rule.kind).label}" if rule.kind else level
    if rule.form == Rule.Form.BALANCE:
        what = gettext("%(measure)s与同级平均相差不超过 %(most)s%%") % {
            "measure": _name(rule, language),
            "most": f"{rule.high:g}",
        }
    else:
        what = f"{_name(rule, language)} {_limits(rule, language)}"
    return f"{where}: {what}"


def _limits(rule: Rule, language: str) -> str:
    """100–150 户; 至少 1 个; at most 3 km."""
    if rule.low is not None and rule.high is not None:
        most = _amount(rule, rule.high, language)
        return most if rule.low == rule.high else f"{REGISTRY[rule.measure].number(rule.low)}–{most}"
    least = rule.low is not None
    words = {("zh-hans", True): "至少", ("zh-hans", False): "至多", ("en", True): "at least", ("en", False): "at most"}
    return f"{words[language, least]} {_amount(rule, (rule.low if least else rule.high) or 0, language)}"
