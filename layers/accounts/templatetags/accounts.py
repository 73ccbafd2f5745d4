"""Words about time on the account pages."""

from datetime import timedelta

from django import template

register = template.Library()


@register.filter
def minutes(length: timedelta) -> int:
    """How many minutes a time is long."""
    return round(length.total_seconds() / 60)
