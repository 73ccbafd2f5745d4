"""Automatic partition of a grid into grids."""

from __future__ import annotations

from ninja import Router

router = Router(tags=["partition"])
