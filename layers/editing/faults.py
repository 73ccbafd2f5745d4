"""What keeps an edit from being done, apart from its geometry (gis.edit.faults)."""

from __future__ import annotations

from gis.errors import JingtianError


class NotADraft(JingtianError):
    """Only drafts can be edited."""

    code = "not_a_draft"


class EditConflict(JingtianError):
    """Somebody else has changed the same grids since; `where` is how they are now."""

    code = "edit_conflict"


class CannotUndo(JingtianError):
    """There is nothing to undo or redo, or not any more."""

    code = "cannot_undo"


class NoSuchGrid(JingtianError):
    """A grid that is not in the plan, or not any more."""

    code = "no_such_grid"


class BadArguments(JingtianError):
    """An operation that there is not, or arguments that do not fit it."""

    code = "bad_arguments"
