"""Vocabularies: kinds of staff, roles, duties, things handed out. Built in, and what an institution adds.

Kinds of staff are kinds of a layer (layers.features.models.Kind), with a sign on the map; the others are terms.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from django.utils.translation import get_language

from layers.features.kinds import common_names
from layers.features.models import Kind
from layers.orgs.models import Institution
from layers.staff.faults import UnknownTerm
from layers.staff.models import Term

FILE = Path(__file__).with_name("vocabulary.json")
STAFF = "staff"
"""The vocabulary of kinds of staff, and the layer whose kinds they are."""


@cache
def built_in() -> dict[str, dict[str, tuple[str, str]]]:
    """The terms that every institution has: vocabulary → code → (Chinese, English)."""
    return {STAFF: common_names()[STAFF]} | {
        vocabulary: {code: (name, name_en) for code, name, name_en in rows}
        for vocabulary, rows in json.loads(FILE.read_text(encoding="utf-8")).items()
    }


def terms(vocabulary: str, institution: Institution | None) -> dict[str, str]:
    """Code → name in the reader's language: what is built in, then what the institution and those above have added."""
    if vocabulary == STAFF:
        known = Kind.objects.known_to(institution).filter(layer=STAFF, is_active=True)
        return {kind.key: kind.label for kind in known.order_by("position", "key")}
    english = get_language() == "en"
    found = {code: names[english] for code, names in built_in()[vocabulary].items()}
    if institution is not None:
        own = Term.objects.of(institution).filter(vocabulary=vocabulary)
        found |= {term.code: (english and term.name_en) or term.name for term in own}
    return found


def label(vocabulary: str, code: str, institution: Institution | None = None) -> str:
    """What a code is called; the code itself where nobody has named it. Without an institution: built-in terms only."""
    names = built_in()[vocabulary].get(code)
    if names is not None:
        return names[get_language() == "en"]
    if institution is None:
        return code
    if vocabulary == STAFF:
        kind = Kind.objects.known_to(institution).filter(layer=STAFF, key=code).first()
        return kind.label if kind else code
    return terms(vocabulary, institution).get(code, code)


def check(vocabulary: str, code: str, institution: Institution) -> str:
    """The code, if it is a term of the institution.

    Raises
    ------
    UnknownTerm
    """
    known = terms(vocabulary, institution)
    if code not in known:
        raise UnknownTerm(
            f"没有“{code[:40]}”这一项; 可选: {'、'.join(known.values())}。管理员可以增加。",
            f"There is no term {code[:40]}: choose one of {', '.join(known)}. An administrator can add to them.",
            field=vocabulary,
        )
    return code
