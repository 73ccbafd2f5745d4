"""What keeps a person from being assigned, moved, or shown."""

from __future__ import annotations

from gis.errors import JingtianError


class UnknownTerm(JingtianError):
    """A code that no vocabulary of the institution has."""

    code = "unknown_term"


class NotAssignable(JingtianError):
    """Somebody cannot be assigned there, or on that day."""

    code = "not_assignable"


class AlreadyInCharge(JingtianError):
    """Somebody else has this role in this grid at that time, or the same person has it already."""

    code = "already_in_charge"


class RatioBroken(JingtianError):
    """The assignment would break a rule on people that forbids it; `details` lists them."""

    code = "ratio_broken"


class TermNotOver(JingtianError):
    """The person has not served for as long as the institution requires (LA02)."""

    code = "term_not_over"


class NotProposed(JingtianError):
    """The assignment is not waiting for a decision any more; somebody else may have been quicker."""

    code = "wrong_step"


class LeavesVacant(JingtianError):
    """Somebody's leaving leaves grids or posts without anybody in charge, and that was not confirmed."""

    code = "leaves_vacant"


class BadPerson(JingtianError):
    """Something in a person's record, absence or register cannot be."""

    code = "bad_person"


class BadPhoto(JingtianError):
    """A photograph that cannot be used."""

    code = "bad_photo"
