"""What keeps a plan from going its next step."""

from __future__ import annotations

from gis.errors import JingtianError


class WrongStep(JingtianError):
    """The plan is not at the step that this one follows; somebody else may have been quicker."""

    code = "wrong_step"


class RulesBroken(JingtianError):
    """Grids break rules that forbid submission or publication; `details` lists them."""

    code = "rules_broken"


class BadDate(JingtianError):
    """A day on which the plan cannot come into force."""

    code = "bad_date"


class PlansClash(JingtianError):
    """The plan in force and the draft changed the same grids; `where` is both versions."""

    code = "plans_clash"


class NotComparable(JingtianError):
    """Two plans of different service areas."""

    code = "not_comparable"


class BadRequest(JingtianError):
    """Something in the request cannot be used."""

    code = "bad_arguments"
