"""Bytes to columns: whole lines become typed rows, and exactly the malformed ones become rejects.

A decoder is put together from three parts, each blind to the others: a *reader* takes the declared members out of lines
(one reader a line format), *typed* columns turn members into numbers, texts and times, *where* marks the rows that a
stream wants. `FORMATS` names the readers; a new line format is a new file and one line here.
"""

from __future__ import annotations

from yeoul.events import RowSchema
from yeoul.ingest.contract import Decoder
from yeoul.ingest.decode.assemble import LINE_LIMIT_BYTES, RowDecoder
from yeoul.plugins import resolve

__all__ = ["FORMATS", "LINE_LIMIT_BYTES", "build_decoder"]

FORMATS = {
    "csv": "yeoul.ingest.decode.csv_lines:CsvReader",
    "json": "yeoul.ingest.decode.json_lines:JsonReader",
    "logfmt": "yeoul.ingest.decode.logfmt_lines:LogfmtReader",
    "pattern": "yeoul.ingest.decode.pattern_lines:PatternReader",
}
"""Line formats by the name a workspace uses; outsiders add theirs as entry points of `yeoul.line_formats`."""


def build_decoder(schema: RowSchema, *, line_limit_bytes: int = LINE_LIMIT_BYTES) -> Decoder:
    """The decoder of a schema. It keeps no state between blocks, so it may be shared by all splits of a stream.

    Args:
        schema: Which members are taken from a line, and as what.
        line_limit_bytes: Longer lines are rejected with their beginning only.

    Raises:
        ConfigError: the schema cannot mean anything: an unknown format or zone, a pattern that does not compile or
            lacks a declared member, a `where` that names no declared field.

    >>> from yeoul.events import EventTime, Field
    >>> from yeoul.ingest.contract import LineBlock
    >>> schema = RowSchema(EventTime(("at",)), (Field("hit", ("n",), "int"),))
    >>> lines = b'{"at":"2026-03-02T11:10:05Z","n":"3"}' + bytes([10]) + b"nonsense"
    >>> rows = build_decoder(schema).decode(LineBlock("a.log", 0, lines))
    >>> rows.at_us.tolist(), rows.columns["hit"].tolist(), rows.rejects[0].position
    ([1772449805000000], [3], 38)
    """
    reader = resolve("yeoul.line_formats", FORMATS, schema.line_format)
    return RowDecoder(schema, reader(schema), line_limit_bytes)
