"""What any decoder must find: JSON against the standard library, and every format against itself in other blocks."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from yeoul.events import EventTime, Field, Rows, RowSchema
from yeoul.ingest.contract import Decoder, LineBlock
from yeoul.ingest.decode import build_decoder
from yeoul.ingest.decode.assemble import UNFORESEEN

__all__ = ["SCHEMA", "check_blocks", "check_json", "expected_row"]

SCHEMA = RowSchema(
    EventTime(("at",), ("us",)),
    (
        Field("cpk", ("cpk",), default="none"),
        Field("deep", ("a", "@fields", "cpk"), default="none"),
        Field("hit", ("hit",), "int", default=-1),
        Field("rate", ("a", "@fields", "hit"), "float", default=-1.0),
    ),
)
_DECODER = build_decoder(SCHEMA)
_FIRST_US = -62_135_510_400_000_000
_LAST_US = 253_402_128_000_000_000


def _text(value: Any) -> str:
    if isinstance(value, str):
        value.encode()  # half of a surrogate pair is no text
        return value
    assert type(value) is int
    return str(value)


def _integer(value: Any) -> int:
    if isinstance(value, str):
        digits = value.strip().removeprefix("-") if not value.strip().startswith("--") else "no"
        assert digits.isascii()
        assert digits.isdigit()
    elif isinstance(value, float):
        assert value.is_integer()
        assert abs(value) <= 1 << 53
    else:
        assert type(value) is int
    number = int(value.strip() if isinstance(value, str) else value)
    assert -(1 << 63) <= number < 1 << 63
    return number


def _number(value: Any) -> float:
    assert type(value) in {int, float, str}
    if isinstance(value, str):
        value = value.strip()
        assert set(value) <= set("0123456789.eE+-")
    number = float(value)
    assert math.isfinite(number)
    return number


def _time(value: Any) -> int:
    assert type(value) in {int, float, str}
    if isinstance(value, str):
        assert set(value) <= set("0123456789.eE+-")
        assert not re.search(r"[eE]-|^[+-]?\.|\.($|[eE])", value)
        value = Decimal(value)
    assert _FIRST_US <= value <= _LAST_US
    rounded: int = round(value)
    return rounded


def _member(document: Any, *path: str) -> Any:
    for part in path:
        if document is None:
            return None
        assert isinstance(document, dict)
        document = document.get(part)
    return document


class _Object(dict[str, Any]):
    """An object, and whether a name in it came before with a value of another kind, or a number beyond all range."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.unlike = any(type(value) is not type(self[name]) or value == math.inf for name, value in pairs)
        self.unlike |= any(isinstance(value, _Object) and value.unlike for _, value in pairs)


def _is_free(line: bytes) -> bool:
    """Whether a line may be a row or not: of equal names the last stands, but one before it may refuse the line."""
    try:
        document = json.loads(line.decode(), object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, _Object) and document.unlike


def _no_constant(name: str) -> Any:
    message = f"{name} is no JSON"
    raise ValueError(message)


def expected_row(line: bytes) -> tuple[Any, ...] | None:
    """What the standard library and the rules in plain words make of a line; None when it is no row."""
    try:
        document = json.loads(line.decode(), parse_constant=_no_constant)
        json.dumps(document, ensure_ascii=False).encode()
        assert isinstance(document, dict)
        wanted = [
            (_text, ("cpk",), "none"),
            (_text, ("a", "@fields", "cpk"), "none"),
            (_integer, ("hit",), -1),
            (_number, ("a", "@fields", "hit"), -1.0),
        ]
        found: list[Any] = [_time(_member(document, "at"))]
        for read, path, default in wanted:
            value = _member(document, *path)
            found.append(default if value is None else read(value))
        return tuple(found)
    except (ValueError, AssertionError, OverflowError, RecursionError, InvalidOperation):
        return None


def check_json(data: bytes) -> None:
    """Decode a block of lines of `SCHEMA` and compare it with what the standard library finds line by line.

    Raises:
        AssertionError: they differ.
    """
    rows = _DECODER.decode(LineBlock("a.log", 0, data))
    expected: dict[int, tuple[Any, ...] | None] = {}
    start = 0
    for line in data.split(b"\n"):
        if line.strip():
            expected[start] = expected_row(line)
            if _is_free(line) and any(start == reject.position for reject in rows.rejects):
                expected[start] = None
        start += len(line) + 1
    columns = [rows.at_us.tolist(), *(list(column) for column in rows.columns.values())]
    found = dict(zip(rows.position.tolist(), zip(*columns, strict=True), strict=True))
    assert not any(UNFORESEEN in reject.reason for reject in rows.rejects)
    assert found == {start: row for start, row in expected.items() if row is not None}
    assert [reject.position for reject in rows.rejects] == [start for start, row in expected.items() if row is None]


def check_blocks(decoder: Decoder, data: bytes, header: bytes | None = None) -> None:
    """Decode lines in one block and one by one: rows, places, reasons and masked bytes must be the same.

    Raises:
        AssertionError: they differ.
    """
    whole = _content(decoder.decode(LineBlock("a.log", 0, data, header)))
    single: list[Any] = []
    start = 0
    for line in data.split(b"\n"):
        if line:
            single += _content(decoder.decode(LineBlock("a.log", start, line + b"\n", header)))
        start += len(line) + 1
    assert whole == sorted(single)


def _content(rows: Rows) -> list[Any]:
    """All that was found, by position; values as texts, so that they can be compared whatever they are."""
    assert not any(UNFORESEEN in reject.reason for reject in rows.rejects)
    columns = [rows.at_us.tolist(), *(list(column) for column in rows.columns.values())]
    fold = rows.at_us if rows.fold_us is None else rows.fold_us
    kept = [True] * len(rows) if rows.kept is None else rows.kept.tolist()
    found = [
        (position, "row", repr((values, kept[row], int(fold[row]))), rows.raw(row))
        for row, (position, values) in enumerate(zip(rows.position.tolist(), zip(*columns, strict=True), strict=True))
    ]
    return sorted(found + [(one.position, one.kind, one.reason, one.raw) for one in rows.rejects])
