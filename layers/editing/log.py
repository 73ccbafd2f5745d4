"""Reading the log: history, what can be undone and redone, and what has changed since a revision."""

from __future__ import annotations

from typing import Any

from shapely.geometry import mapping

from gis.edit.chain import polygons_of
from layers.editing.models import Edit
from layers.editing.record import Step
from layers.editing.store import grids_json
from layers.grids.models import Grid, Plan
from layers.orgs.models import User

HISTORY = 200
BULKY = ("change", "args", "undoes__change", "undoes__args")
"""What a list of steps has no use for."""


def since(plan: Plan, revision: int) -> list[Edit]:
    """The edits after a revision, in order."""
    return list(plan.edits.filter(revision__gt=revision).select_related("author").order_by("revision"))


def stacks(plan: Plan, user: User) -> tuple[list[Edit], list[Edit]]:
    """The user's own steps that can be undone, and those that can be redone; the last of each comes next."""
    done: list[Edit] = []
    undone: list[Edit] = []
    for edit in plan.edits.filter(author=user).select_related("undoes").defer(*BULKY).order_by("revision"):
        if edit.undoes is None:
            done.append(edit)
            undone.clear()
        elif edit.op == Edit.Op.UNDO:
            done = [each for each in done if each.pk != edit.undoes_id]
            undone.append(edit.undoes)
        else:
            undone = [each for each in undone if each.pk != edit.undoes_id]
            done.append(edit.undoes)
    return done, undone


def is_undone(edit: Edit) -> bool:
    """Whether the last that was done about a step is to undo it."""
    last = Edit.objects.filter(undoes=edit).order_by("-revision").values_list("op", flat=True).first()
    return last == Edit.Op.UNDO


def next_steps(plan: Plan, user: User) -> dict[str, str | None]:
    """What the user's next undo and redo would be, by their labels."""
    done, undone = stacks(plan, user)
    return {"undo": label(done[-1]) if done else None, "redo": label(undone[-1]) if undone else None}


def label(edit: Edit) -> str:
    """A step in the user's language: «合并 002 与 003»."""
    name = str(edit.get_op_display())
    if edit.undoes is not None:
        return f"{name}: {label(edit.undoes)}"
    return f"{name} {edit.subject}".strip()


def author_name(edit: Edit) -> str:
    """Who made it."""
    return edit.author.get_full_name() or edit.author.username


def edit_json(edit: Edit, user: User | None, *, undone: bool = False) -> dict[str, Any]:
    """A step as the browser lists it."""
    return {
        "id": edit.pk,
        "revision": edit.revision,
        "op": edit.op,
        "label": label(edit),
        "author": author_name(edit),
        "mine": user is not None and edit.author_id == user.pk,
        "made_at": edit.made_at.isoformat(),
        "undone": undone,
        "undoes": edit.undoes_id,
        "grids": edit.grids,
        "bbox": edit.bbox,
    }


def history(plan: Plan, user: User) -> list[dict[str, Any]]:
    """The newest steps, newest first."""
    edits = list(plan.edits.select_related("author", "undoes").defer(*BULKY).order_by("-revision")[:HISTORY])
    last: dict[int, str] = {}
    for edit in edits:
        if edit.undoes_id is not None:
            last.setdefault(edit.undoes_id, edit.op)
    return [edit_json(edit, user, undone=last.get(edit.pk) == Edit.Op.UNDO) for edit in edits]


def news(plan: Plan, revision: int, user: User) -> dict[str, Any]:
    """What has changed after a revision: the steps, and the grids as they are now."""
    edits = since(plan, revision)
    keys = {key for edit in edits for key in Step.from_json(edit.change).keys}
    changed = grids_json(plan, keys)
    return {
        "revision": plan.revision,
        "edits": [edit_json(edit, user) for edit in edits],
        "changed": changed,
        "removed": sorted(keys - {grid["id"] for grid in changed}),
        "level_names": plan.level_names,
        **next_steps(plan, user),
    }


def before_and_after(edit: Edit) -> dict[str, Any]:
    """The pieces of land that changed hands in a step, and the grids that came and went, to be drawn."""
    step = Step.from_json(edit.change)
    names = dict(Grid.objects.filter(pk__in=step.keys).values_list("pk", "name"))
    before, after = [], []
    for key, (taken, added) in step.change.borders.items():
        for features, edges in ((before, taken), (after, added)):
            features.append(
                _feature(key, names.get(key, ""), {"type": "MultiLineString", "coordinates": _lines(edges)})
            )
    for features, grids in ((before, step.change.gone), (after, step.change.born)):
        features += [_feature(key, grid.name, mapping(polygons_of(grid.border))) for key, grid in grids.items()]
    return {
        "before": {"type": "FeatureCollection", "features": before},
        "after": {"type": "FeatureCollection", "features": after},
        "facts": [
            {"grid": key, "name": names.get(key, ""), "field": field, "before": old, "after": new}
            for key, facts in step.facts.items()
            for field, (old, new) in facts.items()
        ],
    }


def _feature(key: int, name: str, geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": key, "properties": {"name": name}, "geometry": geometry}


def _lines(edges: Any) -> list[list[list[float]]]:
    return [[[ax / 1e7, ay / 1e7], [bx / 1e7, by / 1e7]] for ax, ay, bx, by in sorted(edges)]
