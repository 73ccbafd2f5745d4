"""Copy, submit, compare, approve, return, publish."""

from __future__ import annotations

from ninja import Router

router = Router(tags=["review"])
