"""People, what they are in charge of, and how an institution arranges that."""

from layers.staff.models.duty import Assignment, AssignmentQuerySet, Post
from layers.staff.models.people import Absence, Assessment, DeskDay, Staff, StaffItem, StaffQuerySet
from layers.staff.models.place import StaffPlace
from layers.staff.models.setting import PublicSheet, StaffSettings, Term

__all__ = [
    "Absence",
    "Assessment",
    "Assignment",
    "AssignmentQuerySet",
    "DeskDay",
    "Post",
    "PublicSheet",
    "Staff",
    "StaffItem",
    "StaffPlace",
    "StaffQuerySet",
    "StaffSettings",
    "Term",
]
