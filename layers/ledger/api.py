"""Customers: one by one, masked; in full for a reason; and those who need care, for those who care for them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema

from layers.audit.events import record_read
from layers.audit.masking import mask_phone, sight, unmask
from layers.features.registry import LAYERS, kinds_of
from layers.ledger.models import Care, Customer

router = Router(tags=["customers"])
UNMASKED = ("name", "phone")
MOST_CARES = 1000


class Wish(Schema):
    """Which fields somebody wants to see in full, and why."""

    fields: list[str]
    reason: str


@router.get("/customers/{customer_id}")
def customer(request: HttpRequest, customer_id: int) -> dict[str, Any]:
    """A customer that the user may see; name and telephone masked as the user's role has it. The look is logged."""
    layer = LAYERS["customers"]
    rows = layer.visible_to(request.user, "all").annotate(shown_name=layer.shown_name(request.user))
    found = get_object_or_404(rows.select_related("institution", "served_by"), pk=customer_id)
    cares = list(Care.objects.visible_to(request.user).filter(customer=found).order_by("since", "pk"))
    kinds = {kind.key: kind for kind in kinds_of(request.user, "customers", "care")["customers"]}
    labels = {kind.key: kind.label for kind in kinds_of(request.user, "care")["care"]}
    record_read(
        request.user, found, fields=["attributes", *(["cares"] if cares else [])], purpose="customer", request=request
    )
    return {
        "id": found.pk,
        "code": found.code,
        "name": found.shown_name,
        "kind": found.kind,
        "kind_label": kinds[found.kind].label if found.kind in kinds else found.kind,
        "phone": mask_phone(found.phone) if found.phone else "",
        "sight": sight(request.user, found.institution).name.lower(),
        "lon": found.geom.x,
        "lat": found.geom.y,
        "attributes": found.attributes,
        "institution": found.institution.name,
        "served_by": found.served_by and {"name": found.served_by.name, "share": found.served_share},
        "grid_code": found.grid_code,
        "synthetic": found.synthetic,
        "cares": [
            {
                "category": labels.get(care.category, care.category),
                "since": care.since,
                "until": care.until,
                "note": care.note,
            }
            for care in cares
        ],
    }


@router.post("/customers/{customer_id}/unmask")
def show_in_full(request: HttpRequest, customer_id: int, wish: Wish) -> dict[str, Any]:
    """Name or telephone in full, for a reason that is logged with the look."""
    found = get_object_or_404(Customer.objects.visible_to(request.user).select_related("institution"), pk=customer_id)
    return unmask(
        request.user,
        found,
        wish.fields,
        allowed=UNMASKED,
        institution=found.institution,
        reason=wish.reason,
        request=request,
    )


@router.get("/cares")
def cares(request: HttpRequest, limit: int = Query(MOST_CARES, ge=1, le=MOST_CARES)) -> dict[str, Any]:
    """Those who need care, of the customers that the user sees (HY10): for workers of the grid, managers and administrators."""
    layer = LAYERS["customers"]
    found = (
        Care.objects.visible_to(request.user)
        .filter(until__isnull=True, customer__is_active=True)
        .order_by("customer__grid_code", "pk")
    )
    total = found.count()
    shown = list(found.select_related("customer")[:limit])
    names = dict(
        layer.visible_to(request.user)
        .filter(pk__in=[care.customer_id for care in shown])
        .annotate(shown_name=layer.shown_name(request.user))
        .values_list("pk", "shown_name")
    )
    labels = {kind.key: kind.label for kind in kinds_of(request.user, "care")["care"]}
    if shown:
        record_read(
            request.user, Care, [care.pk for care in shown], fields=["category"], purpose="cares", request=request
        )
    return {
        "numberMatched": total,
        "numberReturned": len(shown),
        "cares": [
            {
                "id": care.pk,
                "customer": {"id": care.customer_id, "code": care.customer.code, "name": names[care.customer_id]},
                "grid_code": care.customer.grid_code,
                "category": labels.get(care.category, care.category),
                "since": care.since,
                "synthetic": care.synthetic,
            }
            for care in shown
        ],
    }
