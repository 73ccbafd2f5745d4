"""Profiles of passwords, lock-out and sessions: the numbers of 等保 2.0 (level 3 practice) and of OWASP ASVS 4 (V2, V3)."""

import os
from typing import TypedDict


class Security(TypedDict):
    """What a profile sets; 0 turns a rule off, where it says so."""

    min_length: int
    classes: int
    """How many of: small letters, capital letters, digits, others."""
    expiry_days: int
    """0: passwords do not expire."""
    history: int
    """How many former passwords are refused; 0: none."""
    failures: int
    lock_minutes: int
    idle_minutes: int
    absolute_hours: int
    token_days: int
    """How long a token that somebody makes lasts; 0: until it is revoked."""


PROFILES: dict[str, Security] = {
    "dengbao": {
        "min_length": 8,
        "classes": 3,
        "expiry_days": 90,
        "history": 5,
        "failures": 5,
        "lock_minutes": 30,
        "idle_minutes": 30,
        "absolute_hours": 8,
        "token_days": 90,
    },
    "asvs": {
        "min_length": 12,
        "classes": 0,
        "expiry_days": 0,
        "history": 0,
        "failures": 5,
        "lock_minutes": 15,
        "idle_minutes": 30,
        "absolute_hours": 12,
        "token_days": 365,
    },
}


def chosen(name: str) -> Security:
    """A profile, with numbers replaced by those of the environment: SECURITY_IDLE_MINUTES and so on."""
    if name not in PROFILES:
        raise ValueError(f"SECURITY_PROFILE is {name!r}; it must be one of {', '.join(PROFILES)}.")
    profile = PROFILES[name].copy()
    for key, value in profile.items():
        profile[key] = int(os.environ.get(f"SECURITY_{key.upper()}", str(value)))  # type: ignore[literal-required]
    return profile
