"""Edits of a draft: each is one transaction, one row in the log with its inverse, and exact when it commits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _
from pydantic import ValidationError

from gis.edit import Change, Key, Sheet
from gis.edit.faults import EditRefused
from gis.lattice import to_degrees
from layers.editing import codes, log
from layers.editing.faults import BadArguments, CannotUndo, EditConflict, NoSuchGrid, NotADraft
from layers.editing.models import Edit
from layers.editing.operations import OPERATIONS, Outcome
from layers.editing.record import FACTS, Step
from layers.editing.store import facts_of, grids_json, new_ids, sheet_with, write
from layers.grids.coverage import exact_cover
from layers.grids.models import Grid, Plan
from layers.orgs.models import User
from layers.rules.evaluate import evaluate
from layers.rules.measures import measure, quick_measures

NODE_SLACK = 3
"""A border that moved by no more lattice units than this has only got nodes."""


def commit(
    plan_id: int,
    user: User,
    op: str,
    args: Mapping[str, Any],
    base_revision: int,
    *,
    dry_run: bool = False,
    attempt: UUID | None = None,
) -> dict[str, Any]:
    """Do one operation on a draft.

    Parameters
    ----------
    args
        See layers.editing.operations.
    base_revision
        The revision that the user looked at. Edits made since are no hindrance unless they concern the same grids.
    dry_run
        Everything is done and checked and measured, and then taken back.
    attempt
        Names what is sent. Whoever got no answer sends it again, and it is not done twice.

    Raises
    ------
    EditConflict, EditRefused, NotADraft, CoverageBroken, BadArguments, NoSuchGrid
    """
    arguments, operation = _parsed(op, args)
    with transaction.atomic():
        plan = locked_draft(plan_id)
        if attempt and (already := plan.edits.filter(attempt=attempt, author=user).select_related("author").first()):
            return log.news(plan, base_revision, user) | {
                "edit": log.edit_json(already, user),
                "measures": {},
                "broken": [fault.to_json() for fault in evaluate(plan, already.grids)],
            }
        others = log.since(plan, base_revision)
        try:
            outcome = operation(plan, arguments)
            step = _step(plan, outcome)
        except (EditRefused, NoSuchGrid) as error:
            if others and error.code in {"path_not_a_border", "no_such_grid", "line_misses_grid"}:
                raise _conflict(plan, others, {key for edit in others for key in edit.grids}) from error
            raise
        touched = concerned(step, outcome.before)
        if clash := [edit for edit in others if not touched.isdisjoint(edit.grids)]:
            raise _conflict(plan, clash, touched)
        return _carry_out(
            plan,
            user,
            outcome.logged_as or op,
            args,
            step,
            touched,
            outcome.after,
            subject=_subject(outcome, step),
            dry_run=dry_run,
            attempt=attempt,
        )


def undo(plan_id: int, user: User, edit_id: int | None = None) -> dict[str, Any]:
    """Take back the user's last step, or a given one of anybody's.

    Raises
    ------
    CannotUndo, Superseded, GridLocked, NotADraft
    """
    with transaction.atomic():
        plan = locked_draft(plan_id)
        if edit_id is None:
            done, _undone = log.stacks(plan, user)
            if not done:
                raise CannotUndo("没有可以撤销的步骤。", "There is nothing to undo.")
            target = done[-1]
        else:
            target = _own_step(plan, edit_id)
            if log.is_undone(target):
                raise CannotUndo("这一步已经撤销。", "This step has been undone already.")
        return _again(plan, user, "undo", target, Step.from_json(target.change).inverse())


def redo(plan_id: int, user: User) -> dict[str, Any]:
    """Do again what the user last took back.

    Raises
    ------
    CannotUndo, Superseded, GridLocked, NotADraft
    """
    with transaction.atomic():
        plan = locked_draft(plan_id)
        _done, undone = log.stacks(plan, user)
        if not undone:
            raise CannotUndo("没有可以重做的步骤。", "There is nothing to redo.")
        return _again(plan, user, "redo", undone[-1], Step.from_json(undone[-1].change))


def locked_draft(plan_id: int) -> Plan:
    """The plan, its row locked before any of its grids; edits of one plan go one after the other."""
    plan = Plan.objects.select_for_update(of=("self",)).select_related("institution").get(pk=plan_id)
    if plan.status != Plan.Status.DRAFT:
        raise NotADraft(
            f"方案“{plan.name}”不是草稿, 不能修改。请先退回草稿, 或复制一份。",
            f"The plan {plan.name} is not a draft and cannot be changed. Have it returned, or copy it.",
        )
    return plan


def affected(step: Step) -> set[Key]:
    """The grids, of all levels, that a step changes; without those that only got nodes."""
    return _moved(step) | step.keys - step.change.borders.keys()


def concerned(step: Step, before: Sheet) -> set[Key]:
    """The grids that a step is about: of those affected not the ones that only follow what is below them."""
    keys, moved = affected(step), _moved(step)
    return keys - {
        ancestor for key in keys if key in before.grids for ancestor in before.ancestors(key)[1:] if ancestor in moved
    }


def _moved(step: Step) -> set[Key]:
    return {key for key, (taken, added) in step.change.borders.items() if _moves(taken, added)}


def _moves(taken: Iterable[Sequence[int]], added: Iterable[Sequence[int]]) -> bool:
    old, new = (
        shapely.multilinestrings([shapely.linestrings(np.array(list(edges), dtype=float).reshape(-1, 2, 2))])[0]
        if edges
        else shapely.MultiLineString()
        for edges in (list(taken), list(added))
    )
    return old.is_empty or new.is_empty or bool(shapely.hausdorff_distance(old, new) > NODE_SLACK)


def _parsed(op: str, args: Mapping[str, Any]) -> tuple[Any, Any]:
    if op not in OPERATIONS:
        raise BadArguments(
            f"没有“{op[:40]}”这种操作; 可用的有 {'、'.join(OPERATIONS)}。",
            f"There is no operation {op[:40]!r}; there are {', '.join(OPERATIONS)}.",
        )
    schema, operation = OPERATIONS[op]
    try:
        return schema.model_validate(args), operation
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        names = "、".join(sorted({".".join(map(str, fault["loc"][:2])) for fault in faults}))
        raise BadArguments(
            f"操作“{op}”的参数有误: {names}; 参数说明见 /api/docs。",
            f"These arguments of {op} are not right: {names}. /api/docs describes them.",
            errors=faults[:20],
        ) from error


def _step(plan: Plan, outcome: Outcome) -> Step:
    """The step that an outcome amounts to, with ids, codes and names for the grids that it makes."""
    change = Change.between(outcome.before, outcome.after)
    wanted = {key: dict(values) for key, values in outcome.facts.items()}
    if outcome.name is not None:
        wanted[outcome.about[0]] = {"name": outcome.name}
    facts = {}
    known = Grid.objects.filter(plan=plan).in_bulk(list(wanted))
    if missing := wanted.keys() - known.keys():
        raise NoSuchGrid("所选网格已不在方案中。", "A chosen grid is not in the plan.", grids=sorted(missing))
    for key, values in wanted.items():
        pairs = {name: (getattr(known[key], name), value) for name, value in values.items()}
        if pairs := {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}:
            facts[key] = pairs
    renamed = {
        grid.key: {"name": (outcome.before.grids[grid.key].name, grid.name)}
        for grid in outcome.after.grids.values()
        if grid.key in outcome.before.grids and grid.name != outcome.before.grids[grid.key].name
    }
    made = facts_of([*change.gone, *{_origin(change, outcome, key) for key in change.born}])
    change, born_facts = _with_ids(plan, change, outcome, made)
    return Step(
        change,
        {key: made[key] for key in change.gone} | born_facts,
        renamed | facts,
        None if outcome.levels is None or outcome.levels == plan.level_names else (plan.level_names, outcome.levels),
    )


def _origin(change: Change, outcome: Outcome, key: Key) -> Key:
    """The grid that a new one comes from: of those that were there, the one that had the most of it; else its parent."""
    new = outcome.after.grids[key]
    point = new.geometry.representative_point()
    for grid in outcome.before.grids.values():
        if grid.level == new.level and grid.border and grid.key in change.keys and grid.geometry.contains(point):
            return grid.key
    parent = new.parent
    while parent is not None and parent < 0:
        parent = outcome.after.grids[parent].parent
    return parent if parent is not None else key


def _with_ids(
    plan: Plan, change: Change, outcome: Outcome, made: Mapping[Key, Mapping[str, Any]]
) -> tuple[Change, dict[Key, dict[str, Any]]]:
    if not change.born:
        return change, {}
    after = outcome.after.grids
    parents = {grid.parent: after[grid.parent].code for grid in change.born.values() if grid.parent in after}
    parents = {key: code for key, code in parents.items() if key is not None}
    new_codes = codes.numbered(plan, list(change.born.values()), parents)
    ids = dict(zip(sorted(change.born, reverse=True), new_ids(len(change.born)), strict=True))
    born, facts = {}, {}
    for key, grid in change.born.items():
        origin = _origin(change, outcome, key)
        source = after.get(origin) or outcome.before.grids.get(origin)
        code = new_codes[key]
        # A name given (by a partition) stays; one taken over from the grid that was cut gets the new number.
        same = (source is not None and grid.name == source.name) or not grid.name
        name = codes.named(source.name if source else "", source.code if source else "", code) if same else grid.name
        born[ids[key]] = replace(
            grid, key=ids[key], parent=ids.get(grid.parent or 0, grid.parent), code=code, name=name.strip()
        )
        facts[ids[key]] = {
            "bank_code": "",
            "kind": made[origin]["kind"] if origin in made else Grid.Kind.RURAL.value,
            "counts": [],
        }
    moved = {key: (before, ids.get(parent or 0, parent)) for key, (before, parent) in change.parents.items()}
    return Change(change.borders, moved, born, change.gone), facts


def _carry_out(
    plan: Plan,
    user: User,
    op: str,
    args: Mapping[str, Any],
    step: Step,
    touched: set[Key],
    after: Sheet,
    *,
    subject: str,
    undoes: Edit | None = None,
    dry_run: bool = False,
    attempt: UUID | None = None,
) -> dict[str, Any]:
    change = step.change
    if not step.keys and step.levels is None:
        raise BadArguments("这一步没有改动任何内容。", "This step changes nothing.")
    shapes = {key: after.grids[key].geometry for key in change.borders}
    shapes |= {key: grid.geometry for key, grid in change.born.items()}
    measured = touched | affected(step)
    names = None
    if plan.policy == Plan.Policy.BOUNDED_OVERLAP:
        # Who is overlapped does not change herself, but gets nodes; and her share counts against the limit, too.
        measured |= step.keys
        names = [*quick_measures(), "overlap_share"]
    old = measure(sorted(measured - change.born.keys()), names)
    with exact_cover(plan):
        write(plan, change, shapes, step.made)
        _write_facts(plan, step)
        if step.levels:
            _refuse_too_few(plan, step.levels[1])
        Plan.objects.filter(pk=plan.pk).update(
            revision=F("revision") + 1, **({"level_names": step.levels[1]} if step.levels else {})
        )
        plan.revision += 1
        west, south, east, north = _bounds(step, shapes)
        edit = Edit.objects.create(
            plan=plan,
            revision=plan.revision,
            op=op,
            subject=subject,
            args=dict(args),
            author=user,
            change=step.to_json(),
            undoes=undoes,
            attempt=attempt,
            grids=sorted(touched),
            codes=[grid.code for grid in change.born.values()]
            + [pair["code"][1] for pair in step.facts.values() if "code" in pair],
            west=west,
            south=south,
            east=east,
            north=north,
        )
    present = sorted(measured - change.gone.keys())
    new = measure(present, names)
    answer = {
        "revision": plan.revision - dry_run,
        "edit": None if dry_run else log.edit_json(edit, user),
        "changed": grids_json(plan, step.keys - change.gone.keys()),
        "removed": sorted(change.gone),
        "measures": {
            str(key): {"before": _plain(old.get(key)), "after": _plain(new.get(key))} for key in sorted(measured)
        },
        "broken": [fault.to_json() for fault in evaluate(plan, present)] if present else [],
        "level_names": step.levels[1] if step.levels else plan.level_names,
        **log.next_steps(plan, user),
    }
    if dry_run:
        transaction.set_rollback(True)
    return answer


def _refuse_too_few(plan: Plan, names: Sequence[str]) -> None:
    deepest = Grid.objects.filter(plan=plan).aggregate(deepest=Max("level"))["deepest"] or 0
    if deepest >= len(names):
        raise BadArguments(
            f"方案现有 {deepest + 1} 级网格, 只给了 {len(names)} 个级别名称; 请逐级给出。",
            f"The plan has grids of {deepest + 1} levels, but {len(names)} names were given: give one for each level.",
        )


def _write_facts(plan: Plan, step: Step) -> None:
    for key, facts in step.facts.items():
        code = facts["code"][1] if "code" in facts else None
        if code is not None and Grid.objects.filter(plan=plan, code=code).exclude(pk=key).exists():
            raise BadArguments(f"编码 {code} 已被使用, 请换一个。", f"The code {code} is taken: choose another.")
        changed = Grid.objects.filter(plan=plan, pk=key, **{name: old for name, (old, _new) in facts.items()}).update(
            **{name: new for name, (_old, new) in facts.items() if name in FACTS}
        )
        if not changed:
            raise CannotUndo(
                "网格的属性之后又有改动, 这一步不能单独撤销。",
                "The grid was changed again afterwards, so this step cannot be taken back by itself.",
            )


def _again(plan: Plan, user: User, op: str, target: Edit, step: Step) -> dict[str, Any]:
    sheet = sheet_with(plan, step.keys | {grid.parent for grid in step.change.born.values() if grid.parent})
    after = step.change.on(sheet)
    touched = set(target.grids)
    return _carry_out(plan, user, op, {}, step, touched, after, subject=target.subject, undoes=target)


def _own_step(plan: Plan, edit_id: int) -> Edit:
    target = Edit.objects.filter(plan=plan, pk=edit_id).exclude(op__in=["undo", "redo"]).first()
    if target is None:
        raise CannotUndo("没有这一步, 或它本身是撤销。", "There is no such step, or it is an undo itself.")
    return target


def _conflict(plan: Plan, edits: Sequence[Edit], keys: set[Key]) -> EditConflict:
    authors = "、".join(sorted({log.author_name(edit) for edit in edits}))
    names = "、".join(dict.fromkeys(edit.subject for edit in edits))
    shown = sorted({key for edit in edits for key in edit.grids} & keys) or sorted(keys)
    return EditConflict(
        f"{authors} 刚改动了 {names}, 与这一步冲突, 没有保存。请看图上双方的版本, 再决定采用哪一个。",
        f"{authors} has just changed {names}, which is at odds with this step. Nothing was saved: look at both on the map, and"
        " choose.",
        where={
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "id": grid["id"],
                    "properties": {"code": grid["code"], "name": grid["name"]},
                    "geometry": {"type": "MultiPolygon", "coordinates": grid["polygons"]},
                }
                for grid in grids_json(plan, shown)
            ],
        },
        revision=plan.revision,
        edits=[log.edit_json(edit, None) for edit in edits],
        grids=shown,
    )


def _subject(outcome: Outcome, step: Step) -> str:
    """Short names of the grids that a step is about: «002 与 003»."""
    if not outcome.about:
        return "、".join(outcome.levels or [])[:200]
    known = {**step.change.gone, **step.change.born, **outcome.before.grids}
    keys = [key for key in outcome.about if key in known]
    codes_of = {key: known[key].code for key in keys}
    if len(keys) < len(outcome.about):
        codes_of |= dict(Grid.objects.filter(pk__in=outcome.about).values_list("pk", "code"))
    short = [code[-3:] for code in codes_of.values()]
    if len(short) > 3:
        return f"{'、'.join(short[:3])} {_('等')} {len(short)}"
    return f" {_('与')} ".join(short) if len(short) == 2 else "、".join(short)


def _bounds(step: Step, shapes: Mapping[Key, Any]) -> tuple[float | None, ...]:
    ends = [edge for pair in step.change.borders.values() for edges in pair for edge in edges]
    ends += [edge for grid in (*step.change.born.values(), *step.change.gone.values()) for edge in grid.border]
    if not ends:
        return None, None, None, None
    xy = np.array(ends).reshape(-1, 2)
    return (*to_degrees(xy.min(axis=0)).tolist(), *to_degrees(xy.max(axis=0)).tolist())


def _plain(measured: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if measured is None else {name: value.to_json() for name, value in measured.items()}
