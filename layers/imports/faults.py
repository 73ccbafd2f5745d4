"""Why an import is refused, one class a reason; each message says what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gis.errors import JingtianError

SHOWN = 10


class ImportRefused(JingtianError):
    """Grids that cannot be imported as they are; nothing was saved."""

    code = "import_refused"


class TooManyFiles(ImportRefused):
    """More files than a plan has levels."""

    code = "too_many_files"


class ColumnNotFound(ImportRefused):
    """A column that is needed is not there; details: `columns`."""

    code = "column_not_found"


class AmbiguousColumn(ImportRefused):
    """More than one column could be meant; details: `candidates`."""

    code = "ambiguous_column"


class MissingCodes(ImportRefused):
    """Some features have no code; details: `features`, counted from 1."""

    code = "missing_codes"


class CodesNotByRule(ImportRefused):
    """Some codes are not 6, 9, 12, 15 or 17 digits, so that no parent can be read from them; details: `codes`."""

    code = "codes_not_by_rule"


class DuplicateCodes(ImportRefused):
    """One code for several grids; details: `codes`."""

    code = "duplicate_codes"


class UnknownParent(ImportRefused):
    """A parent that is not in the files; details: `unknown`, a list of {code, parent}."""

    code = "unknown_parent"


class CyclicParents(ImportRefused):
    """Grids that are above themselves; details: `codes` of one cycle."""

    code = "cyclic_parents"


class WrongNumberOfLevels(ImportRefused):
    """A plan has two to five levels, the service area included; or the names given are more or fewer than the levels."""

    code = "wrong_number_of_levels"


class AreaCodeNeeded(ImportRefused):
    """Nothing in the files says which service area this is."""

    code = "area_code_needed"


class TextTooLong(ImportRefused):
    """A code or a name that does not fit; details: `texts`."""

    code = "text_too_long"


class DatumContradicted(ImportRefused):
    """The file declares another datum than the user does; details: `declared`, `in_file`."""

    code = "datum_contradicted"


class WrongDatum(ImportRefused):
    """Beside the outline that it should equal, as another datum would explain; details: `looks_like`."""

    code = "wrong_datum"


class WrongPlace(ImportRefused):
    """Nowhere near the outline that it should equal."""

    code = "wrong_place"


class CoverageDirty(ImportRefused):
    """The grids have gaps or overlaps, and no repair was asked for."""

    code = "coverage_dirty"


def some(texts: Sequence[str], *, between: str) -> str:
    """The first few of some texts, and that there are more."""
    shown = between.join(text[:60] for text in texts[:SHOWN])
    return shown if len(texts) <= SHOWN else f"{shown} … ({len(texts):,})"


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Put the name of the file in front of what is wrong with it."""
    try:
        yield
    except JingtianError as error:
        raise type(error)(
            f"{file[:80]}：{error.zh}", f"{file[:80]}: {error.en}", where=error.where, **error.details
        ) from None
