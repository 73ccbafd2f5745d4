"""How many notices wait, beside the user's name."""

from __future__ import annotations

from django import template

from layers.notices.models import Notice

register = template.Library()


@register.simple_tag(takes_context=True)
def unread_notices(context: template.Context) -> int:
    """Notices that the signed-in user has not read."""
    return Notice.objects.of(context["user"]).unread().count()
