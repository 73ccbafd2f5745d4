"""Measures of grids, and the rules they are held against."""

from __future__ import annotations

import math
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from ninja import Field, Query, Router, Schema, Status

from gis.errors import JingtianError
from layers.grids.models import Grid, Plan
from layers.orgs.models import Institution, User
from layers.rules.evaluate import assess
from layers.rules.measures import REGISTRY, measure, seen_by
from layers.rules.models import MeasureSettings, Rule
from layers.rules.presets import presets, take_over

router = Router(tags=["rules"])
MOST_GRIDS = 5000


class BadRule(JingtianError):
    """A rule that says nothing, or that contradicts itself."""

    code = "bad_rule"


class TooManyGrids(JingtianError):
    """More grids are to be measured at once than one answer should have."""

    code = "too_many_grids"


class RuleForm(Schema):
    """What a rule says; see `layers.rules.models.Rule`."""

    name: str = Field(min_length=1, max_length=80)
    name_en: str = Field("", max_length=80)
    measure: str = Field(max_length=40)
    form: Rule.Form = Rule.Form.BAND
    level: int = Field(0, ge=0, le=4)
    kind: Literal["", "urban", "rural"] = ""
    low: float | None = None
    high: float | None = None
    severity: Rule.Severity = Rule.Severity.WARN
    active: bool = True


class NewRule(RuleForm):
    institution: int | None = None
    domain: str = Field("", max_length=8, pattern="^[A-Za-z0-9]*$")


class Whose(Schema):
    institution: int | None = None


class SettingsForm(Schema):
    """How an institution measures; see `layers.rules.models.MeasureSettings`."""

    institution: int | None = None
    household_weight: float = Field(1, ge=0, le=1e6)
    cash_point_weight: float = Field(0, ge=0, le=1e6)
    km2_weight: float = Field(0, ge=0, le=1e6)
    least_piece_m2: float = Field(1, ge=0, le=1e6)
    households_from: MeasureSettings.From = MeasureSettings.From.AUTOMATIC
    distance_by: MeasureSettings.Distance = MeasureSettings.Distance.AIR
    street_access_m: float = Field(1000, gt=0, le=50_000)


@router.get("/measures")
def measures(request: HttpRequest) -> list[dict[str, Any]]:
    """What can be measured, as far as the user may see it."""
    user = _user(request)
    return [one.to_json() for one in REGISTRY.values() if one.is_visible_to(user)]


@router.get("/plans/{int:plan_id}/measures")
def plan_measures(
    request: HttpRequest,
    plan_id: int,
    grids: str | None = None,
    level: int | None = Query(None, ge=0, le=4),
    names: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Measures of grids of a plan: `grids=1,2,3` or `level=2`, of the `names=households,area_km2` or of all."""
    plan = _plan(request, plan_id)
    chosen = Grid.objects.filter(plan=plan)
    if grids is not None:
        chosen = chosen.filter(pk__in=_ids(grids))
    if level is not None:
        chosen = chosen.filter(level=level)
    ids = list(chosen.values_list("pk", flat=True)[: MOST_GRIDS + 1])
    if len(ids) > MOST_GRIDS:
        raise TooManyGrids(
            f"一次最多计算 {MOST_GRIDS} 个网格的指标; 请用 grids= 或 level= 选择一部分。",
            f"At most {MOST_GRIDS} grids are measured at once: choose some with grids= or level=.",
        )
    user = _user(request)
    wanted = [name.strip() for name in names.split(",") if name.strip()] if names else None
    if wanted is not None and not all(REGISTRY[name].is_visible_to(user) for name in wanted if name in REGISTRY):
        raise PermissionDenied
    with seen_by(user):
        found = measure(ids, wanted)
    return {
        str(grid): {name: value.to_json() for name, value in row.items() if REGISTRY[name].is_visible_to(user)}
        for grid, row in found.items()
    }


@router.get("/plans/{int:plan_id}/broken")
def broken(request: HttpRequest, plan_id: int, grids: str | None = None) -> dict[str, Any]:
    """The rules that grids of a plan break: of all, or of `grids=1,2,3` and their siblings."""
    plan = _plan(request, plan_id)
    found, unmeasured, _by_rule = assess(plan, None if grids is None else _ids(grids))
    blocks = sum(one.rule.severity == Rule.Severity.BLOCK for one in found)
    return {
        "broken": [one.to_json() for one in found],
        "blocks": blocks,
        "warns": len(found) - blocks,
        "unmeasured": unmeasured,
    }


@router.get("/rules")
def rules(request: HttpRequest, institution: int | None = None) -> dict[str, Any]:
    """The rules of an institution (one's own if none is given) and those it inherits from above, head office first."""
    user = _user(request)
    owner = _institution(user, institution)
    binding = {rule.pk for rule in Rule.objects.binding(owner)}
    chain = [*Institution.objects.above(owner), owner]
    found = Rule.objects.filter(institution__in=[one.pk for one in chain]).select_related("institution")
    can_edit = can_edit_rules(user, owner)
    return {
        "institution": {"id": owner.pk, "name": owner.name},
        "can_edit": can_edit,
        "rules": [
            rule_json(rule)
            | {
                "inherited": rule.institution_id != owner.pk,
                "binding": rule.pk in binding,
                "can_edit": can_edit and rule.institution_id == owner.pk,
            }
            for rule in found.order_by("institution__path", F("level").desc(), "pk")
        ],
        "settings": settings_json(MeasureSettings.of_path(owner.path), owner),
    }


@router.post("/rules", response={201: dict})
def create(request: HttpRequest, form: NewRule) -> Status[dict[str, Any]]:
    """Make a rule, of one's own institution if none is given."""
    owner = _edited_institution(request, form.institution)
    _check(form)
    values = form.dict() | {"institution": owner}
    return Status(201, rule_json(Rule.objects.create(**values)))


@router.put("/rules/settings")
def change_settings(request: HttpRequest, form: SettingsForm) -> dict[str, Any]:
    """Set how an institution measures workload and households."""
    owner = _edited_institution(request, form.institution)
    values = form.dict(exclude={"institution"})
    weights = (form.household_weight, form.cash_point_weight, form.km2_weight)
    if not any(weights) or not all(math.isfinite(weight) for weight in weights):
        raise BadRule(
            "工作量的各项权重不能都是 0; 请至少填写一项。",
            "The weights of the workload cannot all be 0: give at least one.",
        )
    saved, _created = MeasureSettings.objects.update_or_create(institution=owner, defaults=values)
    return settings_json(saved, owner)


@router.get("/rules/presets")
def list_presets(request: HttpRequest) -> list[dict[str, Any]]:
    """The rules of the source plans, ready to be taken over."""
    english = get_language() == "en"
    return [
        preset
        | {
            "title": preset["name_en"] if english else preset["name"],
            "source_text": preset["source_en"] if english else preset["source"],
        }
        for preset in presets().values()
    ]


@router.post("/rules/presets/{key}", response={201: list[dict]})
def use_preset(request: HttpRequest, key: str, form: Whose | None = None) -> Status[list[dict[str, Any]]]:
    """Take a preset over for an institution; what it has of it already stays as it is."""
    owner = _edited_institution(request, form.institution if form else None)
    if key not in presets():
        raise Http404
    return Status(201, [rule_json(rule) for rule in take_over(owner, key)])


@router.put("/rules/{int:rule_id}")
def change(request: HttpRequest, rule_id: int, form: RuleForm) -> dict[str, Any]:
    """Change a rule."""
    rule = _edited_rule(request, rule_id)
    _check(form)
    for name, value in form.dict().items():
        setattr(rule, name, value)
    rule.save()
    return rule_json(rule)


@router.delete("/rules/{int:rule_id}", response={204: None})
def remove(request: HttpRequest, rule_id: int) -> Status[None]:
    """Delete a rule."""
    _edited_rule(request, rule_id).delete()
    return Status(204, None)


def rule_json(rule: Rule) -> dict[str, Any]:
    one = REGISTRY.get(rule.measure)
    return {
        "id": rule.pk,
        "institution": {"id": rule.institution_id, "name": rule.institution.name},
        "name": rule.name,
        "name_en": rule.name_en,
        "title": (get_language() == "en" and rule.name_en) or rule.name,
        "measure": rule.measure,
        "measure_label": str(one.name) if one else rule.measure,
        "of": one.of if one else "grid",
        "unit": "%" if rule.form == Rule.Form.BALANCE else str(one.unit).strip() if one else "",
        "form": rule.form,
        "level": rule.level,
        "kind": rule.kind,
        "low": rule.low,
        "high": rule.high,
        "severity": rule.severity,
        "severity_label": Rule.Severity(rule.severity).label,
        "active": rule.active,
        "domain": rule.domain,
        "preset": rule.preset.split(".")[0],
    }


def settings_json(settings: MeasureSettings, owner: Institution) -> dict[str, Any]:
    """The settings that hold for an institution; `own` when they are not inherited."""
    return {
        "household_weight": settings.household_weight,
        "cash_point_weight": settings.cash_point_weight,
        "km2_weight": settings.km2_weight,
        "least_piece_m2": settings.least_piece_m2,
        "households_from": settings.households_from,
        "distance_by": settings.distance_by,
        "street_access_m": settings.street_access_m,
        "own": settings.institution_id == owner.pk,
        "set_by": settings.institution.name if settings.institution_id else None,
    }


def _check(form: RuleForm) -> None:
    if form.measure not in REGISTRY:
        raise BadRule(
            "没有这个指标; 请从列表中选择。", "There is no such measure: choose one of the list.", field="measure"
        )
    if "\0" in form.name + form.name_en:
        raise BadRule("名称里有不能保存的字符。", "The name has a character that cannot be stored.", field="name")
    limits = [limit for limit in (form.low, form.high) if limit is not None]
    if not all(math.isfinite(limit) for limit in limits):
        raise BadRule("上下限必须是数字。", "The limits must be numbers.", field="low")
    if form.form == Rule.Form.BALANCE:
        if form.low is not None or form.high is None or form.high <= 0:
            raise BadRule(
                "“任务相当”只填上限: 与同级平均数最多相差百分之几。",
                "A rule on balance has a high limit only: the greatest deviation from the mean of siblings, in percent.",
                field="high",
            )
    elif not limits:
        raise BadRule("请填写下限或上限。", "Give a low or a high limit.", field="low")
    elif form.low is not None and form.high is not None and form.low > form.high:
        raise BadRule("下限不能大于上限。", "The low limit cannot be above the high limit.", field="low")


def _user(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user


def _plan(request: HttpRequest, plan_id: int) -> Plan:
    return get_object_or_404(Plan.objects.visible_to(_user(request)).select_related("institution"), pk=plan_id)


def can_edit_rules(user: User, institution: Institution) -> bool:
    """Rules are set by administrators, of their own subtree."""
    return user.role == User.Role.ADMINISTRATOR and user.sees_inside(institution)


def _institution(user: User, pk: int | None) -> Institution:
    """The institution asked for (of the user's subtree or above), or the user's own; 404 when out of sight."""
    seen = Institution.objects.visible_to(user)
    if user.institution is not None and not user.is_regulator:
        seen = seen | Institution.objects.above(user.institution)
    return get_object_or_404(seen, pk=pk or user.institution_id)


def _edited_institution(request: HttpRequest, pk: int | None) -> Institution:
    user = _user(request)
    owner = _institution(user, pk)
    if not can_edit_rules(user, owner):
        raise PermissionDenied
    return owner


def _edited_rule(request: HttpRequest, rule_id: int) -> Rule:
    user = _user(request)
    rule = get_object_or_404(Rule.objects.visible_to(user).select_related("institution"), pk=rule_id)
    if not can_edit_rules(user, rule.institution):
        raise PermissionDenied
    return rule


def _ids(text: str) -> list[int]:
    """`1,2,3`; what is not a number is no grid."""
    words = (word.strip() for word in text.split(","))
    return [int(word) for word in words if word.isascii() and word.isdigit() and len(word) <= 18]
