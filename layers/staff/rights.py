"""Who may arrange people, and who decides on what others arrange."""

from __future__ import annotations

from layers.audit.masking import Sight, mask_phone, sight
from layers.orgs.models import Institution, User
from layers.staff.models import Assignment, Staff, StaffSettings
from layers.staff.models.people import ARRANGERS, VIEWERS


def may_arrange(user: User, institution: Institution) -> bool:
    """Whether the user may register and assign people of an institution: its own or an upper one's arrangers."""
    return user.role in ARRANGERS and user.sees_inside(institution)


def sees_details(user: User, staff: Staff) -> bool:
    """Whether the user reads all that is on record of somebody: for those who look after people, and of oneself.

    Others who may see her (field workers of the same grid) read name, kind, duties and absences.
    """
    return (user.role in VIEWERS and user.sees_inside(staff.institution)) or staff.user_id == user.pk


def phone_for(user: User, staff: Staff) -> str:
    """The work telephone as the user sees it: in full in her own subtree, else its ends only."""
    clear = staff.user_id == user.pk or sight(user, staff.institution, work=True) == Sight.CLEAR
    return staff.work_phone if clear else mask_phone(staff.work_phone)


def takes_effect_at_once(user: User, *people: Staff) -> bool:
    """Whether what the user arranges needs no decision: the unit above all concerned arranges it itself, or the setting asks for none."""
    return all(_at_once(user, one.institution) for one in people)


def _at_once(user: User, institution: Institution) -> bool:
    if StaffSettings.of(institution).approval == StaffSettings.Approval.NONE:
        return True
    return user.decides_over(institution) and not institution.is_root()


def may_decide(user: User, assignment: Assignment) -> bool:
    """Whether the user may approve or refuse what waits: of the unit above all concerned, and never what she asked for herself."""
    people = [assignment.staff, *([assignment.replaces.staff] if assignment.replaces else [])]
    if assignment.status != Assignment.Status.PROPOSED:
        people = people[:1]
    return all(user.decides_over(one.institution) for one in people) and assignment.asker != user.pk
