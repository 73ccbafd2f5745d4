"""Acts that are no writes: reads of personal data, unmasking, signing in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from axes.helpers import get_client_ip_address
from django.db import connection, models
from django.http import HttpRequest

from layers.audit.models import Entry
from layers.orgs.models import Institution, User


def record(
    kind: Entry.Kind,
    *,
    user: User | None = None,
    username: str = "",
    institution: Institution | int | None = None,
    table: str = "",
    ids: Iterable[Any] = (),
    fields: Sequence[str] = (),
    reason: str = "",
    request: HttpRequest | None = None,
) -> int:
    """Write one entry; its id. Without an institution it belongs to the user's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT log_event(%s, %s, %s, %s, %s, %s::text[], %s::text[], %s, %s)",
            [
                kind,
                user and user.pk,
                username[:150].replace("\x00", ""),
                institution.pk if isinstance(institution, Institution) else institution,
                table,
                [str(key) for key in ids],
                list(fields),
                reason[:2000].replace("\x00", ""),
                (get_client_ip_address(request) or "") if request is not None else "",
            ],
        )
        return int(cursor.fetchone()[0])


def record_read(
    user: User,
    subject: type[models.Model] | models.Model,
    ids: Iterable[Any] = (),
    *,
    fields: Sequence[str],
    purpose: str,
    request: HttpRequest | None = None,
    institution: Institution | int | None = None,
) -> int:
    """Log that somebody was shown personal data: of one row (an instance), or of rows of a model, by their ids."""
    if isinstance(subject, models.Model):
        ids = [subject.pk]
        institution = institution if institution is not None else getattr(subject, "institution_id", None)
    return record(
        Entry.Kind.READ,
        user=user,
        institution=institution,
        table=subject._meta.db_table,
        ids=ids,
        fields=fields,
        reason=purpose,
        request=request,
    )
