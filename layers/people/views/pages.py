"""The pages of people: lists, a person, a grid or post, proposals. They translate; the rules are in the services."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from gis.errors import JingtianError
from layers.audit.events import record_read
from layers.grids.models import Grid
from layers.orgs.asked import number_asked
from layers.orgs.models import Institution, User
from layers.people import arrange, leaving
from layers.people.api import proposed, seen_assignment, seen_grid, seen_post, seen_staff
from layers.people.checks import of_grids, of_staff
from layers.people.forms import (
    AbsenceForm,
    AssignForm,
    EndForm,
    HandOverForm,
    ItemForm,
    PersonForm,
    PhotoForm,
    PostForm,
)
from layers.people.hierarchy import DEEPEST, Node, who_is_over, who_is_under
from layers.people.ownership import customers_per_person
from layers.people.sheets import sheet_of
from layers.rules.measures import REGISTRY
from layers.staff import registry, rights
from layers.staff.faults import LeavesVacant
from layers.staff.history import grid_on, grids_of_code, history_for, in_charge
from layers.staff.layer import post_labels
from layers.staff.models import Absence, Assignment, Post, PublicSheet, Staff, StaffItem, StaffSettings
from layers.staff.models.people import VIEWERS
from layers.staff.photos import store
from layers.staff.vocabulary import label, terms

WHOLE_TREE = 300
"""Trees of more people are shown two steps deep; the rest is on the pages of those below."""
P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def for_banks(view: View[P]) -> View[P]:
    """A page of people: for signed-in users of a bank, never kept by a cache. A regulator sees no people."""

    @login_required
    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **more: P.kwargs) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User) or user.institution is None or user.is_regulator:
            raise PermissionDenied
        return view(request, *args, **more)

    return guarded


def attempt(request: HttpRequest, form: forms.Form | None, act: Callable[[], Any], said: str) -> bool:
    """Do what a form asks for; say that it was done, or, in the form, why not."""
    if form is not None and not form.is_valid():
        return False
    try:
        act()
    except JingtianError as error:
        text = error.en if get_language() == "en" else error.zh
        if form is not None:
            field = error.details.get("field")
            form.add_error(field if field in form.fields else None, text)
        else:
            messages.error(request, text)
        return False
    messages.success(request, said)
    return True


@for_banks
def people_page(request: HttpRequest) -> HttpResponse:
    """The lists, on a map and as a table; what is shown stands in the address."""
    user = request.user
    context = {
        "institutions": Institution.objects.within(user.institution),
        "kinds": terms("staff", user.institution).items(),
        "roles": terms("role", user.institution).items(),
        "can_arrange": user.role in rights.ARRANGERS,
        "can_see_work": user.role in VIEWERS,
        "can_set": user.role == User.Role.ADMINISTRATOR,
    }
    return render(request, "people/people.html", context)


@for_banks
def person_page(request: HttpRequest, staff_id: int) -> HttpResponseBase:
    """Somebody: what she is in charge of, who is over and under her, absences, and what she was handed."""
    user, staff = request.user, seen_staff(request, staff_id)
    can_arrange = rights.may_arrange(user, staff.institution)
    can_report = can_arrange or staff.user_id == user.pk
    do = request.POST.get("do", "") if request.method == "POST" else ""
    absence = AbsenceForm(request.POST if do == "absence" else None, prefix="absence")
    item = ItemForm(user, request.POST if do == "item" else None, prefix="item")
    photo = PhotoForm(request.POST if do == "photo" else None, request.FILES if do == "photo" else None, prefix="photo")
    if do and _change_person(request, staff, do, absence, item, photo, can_arrange):
        return redirect("person", staff_id)
    record_read(user, staff, fields=("work_phone", "geom"), purpose="person", request=request)
    at = _day(request)
    over, under = who_is_over(staff, at), who_is_under(staff, at)
    trees = [node for node in [*under["administrative"], under["service"]] if node.below]
    depths = [DEEPEST if request.GET.get("tree") == "all" else _depth(node) for node in trees]
    held = staff.assignments.select_related("grid", "post", "staff__institution").order_by("-valid_from", "pk")
    context = {
        "person": staff,
        "phone": rights.phone_for(user, staff),
        "whole": rights.sees_details(user, staff),
        "kind": label("staff", staff.kind, staff.institution),
        "duties": [label("duty", duty, staff.institution) for duty in staff.duties],
        "held": [_turn(one, at) for one in held],
        "over": over,
        "under": list(zip(trees, depths, strict=True)),
        "led": len({node.staff.pk for tree in trees for node in tree.flat()} - {staff.pk}),
        "is_cut": any(depth < DEEPEST for depth in depths),
        "leads_nobody": not trees,
        "faults": of_staff([staff]),
        "customers": _customers(user, staff),
        "absences": staff.absences.all()[:20],
        "items": [(one, label("item", one.kind, staff.institution)) for one in staff.items.all()],
        "forms": {"absence": absence, "item": item, "photo": photo},
        "can_arrange": can_arrange,
        "can_report": can_report,
        "at": at,
        "today": timezone.localdate(),
    }
    return render(request, "people/person.html", context)


def _change_person(
    request: HttpRequest,
    staff: Staff,
    do: str,
    absence: AbsenceForm,
    item: ItemForm,
    photo: PhotoForm,
    can_arrange: bool,
) -> bool:
    user = request.user
    if do == "absence":
        return attempt(
            request, absence, lambda: registry.report_absence(user, staff, **absence.cleaned_data), _("缺勤已登记。")
        )
    if do == "item":
        return attempt(request, item, lambda: registry.hand_out(user, staff, **item.cleaned_data), _("已登记发放。"))
    if do == "photo":
        if not can_arrange:
            raise PermissionDenied
        return attempt(request, photo, lambda: store(staff, photo.cleaned_data["photo"]), _("照片已更新。"))
    if do == "remove-absence":
        one = get_object_or_404(Absence.objects.select_related("staff__institution"), staff=staff, pk=_id(request))
        return attempt(request, None, lambda: registry.remove_absence(user, one), _("缺勤已删除。"))
    if do == "take-back":
        given = get_object_or_404(StaffItem.objects.select_related("staff__institution"), staff=staff, pk=_id(request))
        return attempt(request, None, lambda: registry.take_back(user, given, timezone.localdate()), _("已登记收回。"))
    raise Http404


@for_banks
def person_form(request: HttpRequest, staff_id: int | None = None) -> HttpResponseBase:
    """Register somebody, or change what is on record of her."""
    user = request.user
    staff = seen_staff(request, staff_id) if staff_id is not None else Staff(institution=user.institution)
    if not rights.may_arrange(user, staff.institution):
        raise PermissionDenied
    form = PersonForm(user, request.POST if request.method == "POST" else None, instance=staff)
    vacant_from = ""

    def save() -> None:
        nonlocal vacant_from
        try:
            leaving.save_person(user, staff, accepted=request.POST.get("accepted", ""), **form.cleaned_data)
        except LeavesVacant as error:
            vacant_from = error.details["day"]
            raise

    if request.method == "POST" and attempt(request, form, save, _("已保存。")):
        return redirect("person", staff.pk)
    context = {"form": form, "person": staff if staff_id else None, "vacant_from": vacant_from}
    return render(request, "people/person_form.html", context)


@for_banks
def post_form(request: HttpRequest, post_id: int | None = None) -> HttpResponseBase:
    """Register a post, or change it."""
    user = request.user
    post = seen_post(request, post_id) if post_id is not None else Post(institution=user.institution)
    if not rights.may_arrange(user, post.institution):
        raise PermissionDenied
    form = PostForm(user, request.POST if request.method == "POST" else None, instance=post)
    if request.method == "POST" and attempt(
        request, form, lambda: registry.save_post(user, post, **form.cleaned_data), _("已保存。")
    ):
        return redirect("post-people", post.pk)
    return render(request, "people/post_form.html", {"form": form, "post": post if post_id else None})


@for_banks
def photo(request: HttpRequest, staff_id: int) -> FileResponse:
    """Somebody's photograph, for those who may see her."""
    return photo_response(seen_staff(request, staff_id))


def photo_response(staff: Staff) -> FileResponse:
    if not staff.photo or not staff.photo.storage.exists(staff.photo.name):
        raise Http404
    answer = FileResponse(staff.photo.open("rb"), content_type="image/jpeg")
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@for_banks
def grid_people(request: HttpRequest, grid_id: int) -> HttpResponseBase:
    """Who serves a grid, who served it, and the forms to assign, hand over and end."""
    return _unit_page(request, seen_grid(request, grid_id))


@for_banks
def post_people(request: HttpRequest, post_id: int) -> HttpResponseBase:
    """The same of a post."""
    return _unit_page(request, seen_post(request, post_id))


def _unit_page(request: HttpRequest, unit: Grid | Post) -> HttpResponseBase:
    user, at = request.user, _day(request)
    is_grid = isinstance(unit, Grid)
    was = grid_on(unit, at) if is_grid else unit
    can_arrange = arrange.may_assign_to(user, was or unit, at)
    do = request.POST.get("do", "") if request.method == "POST" else ""
    role = "worker" if is_grid else "point_chief"
    assign = (
        AssignForm(user, request.POST if do == "assign" else None, prefix="assign", role=role) if can_arrange else None
    )
    where = Q(grid=was) if is_grid else Q(post=unit)
    own = Q(staff__institution__path__startswith=user.own_path)
    serving = in_charge(where, at, seen_by=user) if was is not None else []
    turns = [_turn(one, at) for one in serving]
    for turn in turns:
        one = turn["one"]
        turn["may"] = can_arrange and at == timezone.localdate() and rights.may_arrange(user, one.staff.institution)
        if not turn["may"]:
            continue
        mine = request.POST.get("id") == str(one.pk)
        turn["hand_over"] = HandOverForm(
            user, one, request.POST if do == "hand-over" and mine else None, prefix=f"over{one.pk}"
        )
        turn["end"] = EndForm(request.POST if do == "end" and mine else None, prefix=f"end{one.pk}")
    if do and _change_unit(request, unit, do, assign, turns):
        return redirect(request.path)
    past = [_turn(one, at) for one in history_for(user, unit)[:100]]
    waiting = Assignment.objects.waiting().filter(own)
    waiting = waiting.filter(grid__in=grids_of_code(unit)) if is_grid else waiting.filter(post=unit)
    members = Assignment.objects.filter(where, kind=Assignment.Kind.MEMBER).on(at).visible_to(user) if was else []
    members = [_turn(one, at) for one in members]
    _open_pages(user, [*turns, *past, *members])
    context = {
        "unit": unit,
        "is_grid": is_grid,
        "chain": _chain(unit) if is_grid else [],
        "partners": [] if is_grid else Post.objects.visible_to(user).filter(pk__in=unit.partners.all()),
        "kind": "" if is_grid else post_labels(user).get(unit.kind, unit.kind),
        "turns": turns,
        "members": members,
        "history": past,
        "waiting": [_turn(one, at) for one in waiting.select_related("staff__institution", "replaces__staff")],
        "assign": assign,
        "faults": of_grids([unit]) if is_grid else [],
        "vacant": was is not None and not any(one.kind == Assignment.Kind.MAIN for one in serving),
        "unattended": bool(serving) and all(one.away for one in serving),
        "was": was,
        "at": at,
        "today": timezone.localdate(),
        "sheet": _sheet(unit) if is_grid else None,
        "public": is_grid and StaffSettings.of(unit.plan.institution).public_sheets,
        "can_arrange": can_arrange,
        "others": user.role in rights.ARRANGERS and not can_arrange,
        "can_change": not is_grid and rights.may_arrange(user, unit.institution),
    }
    return render(request, "people/unit.html", context)


def _change_unit(
    request: HttpRequest, unit: Grid | Post, do: str, assign: AssignForm | None, turns: list[dict[str, Any]]
) -> bool:
    user = request.user
    if do == "sheet" and isinstance(unit, Grid):
        if not arrange.may_assign_to(user, unit):
            raise PermissionDenied
        return attempt(request, None, lambda: sheet_of(unit), _("公示页已建立。"))
    if do == "assign" and assign is not None:

        def act() -> None:
            values = dict(assign.cleaned_data)
            arrange.assign(user, values.pop("staff"), unit, values.pop("day"), **values)

        return attempt(request, assign, act, _("已办理; 须审批的等待上级机构审批。"))
    turn = next((one for one in turns if str(one["one"].pk) == request.POST.get("id") and one["may"]), None)
    if turn is None:
        raise PermissionDenied
    if do == "hand-over":
        form = turn["hand_over"]

        def act() -> None:
            values = dict(form.cleaned_data)
            arrange.hand_over(user, turn["one"], values.pop("staff"), values.pop("day"), **values)

        return attempt(request, form, act, _("已交接; 须审批的等待上级机构审批。"))
    if do == "end":
        form = turn["end"]
        said = _("已办理; 须审批的等待上级机构审批。")
        return attempt(request, form, lambda: arrange.end(user, turn["one"], form.cleaned_data["day"]), said)
    raise Http404


@for_banks
def proposals_page(request: HttpRequest) -> HttpResponseBase:
    """What waits for a decision, with the buttons for those whose decision it is."""
    user = request.user
    if request.method == "POST":
        decide = {"approve": arrange.approve, "refuse": arrange.refuse}.get(request.POST.get("do", ""))
        if decide is None:
            raise Http404
        one, note = seen_assignment(request, _id(request)), request.POST.get("note", "").replace("\0", "")[:300]
        attempt(request, None, lambda: decide(user, one, note), _("已办理。"))
        return redirect("proposals")
    waiting = [_turn(one, one.valid_from) | {"may": rights.may_decide(user, one)} for one in proposed(user)]
    return render(request, "people/proposals.html", {"waiting": waiting})


def _turn(one: Assignment, at: dt.date) -> dict[str, Any]:
    """An assignment with what its codes are called, and whether it holds on a day."""
    ended = one.valid_to is not None and one.valid_to <= at
    return {
        "one": one,
        "role": label("role", one.role, one.staff.institution),
        "staff_kind": label("staff", one.staff.kind, one.staff.institution),
        "now": one.status == Assignment.Status.APPROVED and one.valid_from <= at and not ended,
        "unit": one.grid or one.post,
        "may": False,
    }


def _open_pages(user: User, turns: list[dict[str, Any]]) -> None:
    """Say of each turn whether the user may open the person's page, and read the remarks."""
    people = {turn["one"].staff_id for turn in turns}
    seen = set(Staff.objects.visible_to(user).filter(pk__in=people).values_list("pk", flat=True))
    for turn in turns:
        turn["opens"] = turn["one"].staff_id in seen
        turn["remarks"] = user.sees_inside(turn["one"].staff.institution)


def _chain(grid: Grid) -> list[Grid]:
    found = [grid]
    while found[0].parent is not None:
        found.insert(0, found[0].parent)
    return found


def _sheet(grid: Grid) -> PublicSheet | None:
    return PublicSheet.objects.filter(institution=grid.plan.institution, code=grid.code).first()


def _customers(user: User, staff: Staff) -> str:
    """How many customers count for somebody, for those who see all of her and customers; empty where none do."""
    if not (rights.sees_details(user, staff) and REGISTRY["customers_per_person"].is_visible_to(user)):
        return ""
    value = customers_per_person([staff.pk])[staff.pk].value or 0
    return f"{value:,.1f}" if value else ""


def _depth(node: Node) -> int:
    return DEEPEST if node.count <= WHOLE_TREE else 2


def _day(request: HttpRequest) -> dt.date:
    """The day asked for with `?at=`; today if there is none, or it is no date."""
    try:
        return dt.date.fromisoformat(request.GET.get("at", ""))
    except ValueError:
        return timezone.localdate()


def _id(request: HttpRequest) -> int:
    return number_asked(request.POST.get("id", ""))
