"""What happened: decoded rows as columns, the schema that names them, durations and times, the classes of the ledger.

Everything above this folder speaks in these words. Nothing here reads a file or keeps state.
"""

from yeoul.events.ledger import CLASSES, Ledger
from yeoul.events.paths import format_path, parse_path
from yeoul.events.rows import Reject, Rows
from yeoul.events.schema import EventTime, Field, FieldType, RowSchema
from yeoul.events.times import format_duration, iso, parse_duration, parse_iso

__all__ = [
    "CLASSES",
    "EventTime",
    "Field",
    "FieldType",
    "Ledger",
    "Reject",
    "RowSchema",
    "Rows",
    "format_duration",
    "format_path",
    "iso",
    "parse_duration",
    "parse_iso",
    "parse_path",
]
