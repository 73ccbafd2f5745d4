"""Why points are not imported or exported, one class a reason; each message says what to do about it."""

from __future__ import annotations

from layers.imports.faults import ImportRefused


class ColumnsNeeded(ImportRefused):
    """A column without which rows mean nothing has not been named; details: `needed`."""

    code = "columns_needed"


class UnknownColumn(ImportRefused):
    """A column that the file does not have, or a target that the layer does not have; details: `columns` or `targets`."""

    code = "unknown_column"


class UnknownKind(ImportRefused):
    """A kind that the layer does not have; details: `kinds`."""

    code = "unknown_kind"


class RowsRejected(ImportRefused):
    """Some rows cannot be loaded, and it was not said that the others shall be; details: `rejected`."""

    code = "rows_rejected"


class UnknownFormat(ImportRefused):
    """A format that nothing is written in."""

    code = "unknown_format"


class TooManyToExport(ImportRefused):
    """More features than one export may have."""

    code = "too_large"


class CannotDeactivate(ImportRefused):
    """What is missing from a file cannot be told while rows of it are bad; details: `rejected`, how many rows."""

    code = "cannot_deactivate"
