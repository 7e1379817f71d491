"""The decoder against the standard library: on any document, whole or damaged, both find the same or both refuse."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from yeoul.events import EventTime, Field, RowSchema
from yeoul.ingest.contract import LineBlock
from yeoul.ingest.decode import build_decoder

_NAMES = st.sampled_from(["at", "cpk", "hit", "a", "b", "@fields", "other", "한글", ""])
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 9),
    st.sampled_from([1 << 63, (1 << 63) - 1, -(1 << 63), -(1 << 63) - 1, 1e18, 1e300, 2.0, 0.5]),
    st.floats(),
    st.text(max_size=8),
    st.text("0123456789-+. e_", max_size=6),
    st.integers().map(str),
)
_TREES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4))
_NESTED = st.fixed_dictionaries({"@fields": st.dictionaries(_NAMES, _LEAVES)})
_EVENTS = st.fixed_dictionaries(
    {"at": st.integers(0, 10**15) | _LEAVES, "a": _NESTED | _TREES},
    optional={"cpk": _TREES, "hit": _LEAVES, "other": _TREES},
)
_DAMAGE = st.tuples(st.integers(0, 10_000), st.binary(max_size=3), st.integers(0, 3))
_SCHEMA = RowSchema(
    EventTime(("at",), ("us",)),
    (
        Field("cpk", ("cpk",), default="none"),
        Field("deep", ("a", "@fields", "cpk"), default="none"),
        Field("hit", ("hit",), "int", default=-1),
        Field("rate", ("a", "@fields", "hit"), "float", default=-1.0),
    ),
)
_DECODER = build_decoder(_SCHEMA)
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
    assert -(1 << 63) <= int(value) < 1 << 63
    return int(value)


def _number(value: Any) -> float:
    assert type(value) in {int, float, str}
    if isinstance(value, str):
        assert set(value.strip()) <= set("0123456789.eE+-")
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
    return round(value)


def _member(document: Any, *path: str) -> Any:
    for part in path:
        if document is None:
            return None
        assert isinstance(document, dict)
        document = document.get(part)
    return document


def _no_constant(name: str) -> Any:
    message = f"{name} is no JSON"
    raise ValueError(message)


def _expected(line: bytes) -> tuple[Any, ...] | None:
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
        found = [_time(_member(document, "at"))]
        for read, path, default in wanted:
            value = _member(document, *path)
            found.append(default if value is None else read(value))
        return tuple(found)
    except (ValueError, AssertionError, OverflowError, RecursionError, InvalidOperation):
        return None


def _check(lines: list[bytes]) -> None:
    rows = _DECODER.decode(LineBlock("a.log", 0, b"\n".join(lines) + b"\n"))
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    expected = {start: _expected(line) for start, line in zip(starts, lines, strict=False) if line.strip()}
    columns = [rows.at_us.tolist(), *(list(column) for column in rows.columns.values())]
    found = dict(zip(rows.position.tolist(), zip(*columns, strict=True), strict=True))
    assert found == {start: row for start, row in expected.items() if row is not None}
    assert [reject.position for reject in rows.rejects] == [start for start, row in expected.items() if row is None]


def _written(document: Any, *, ascii_only: bool) -> bytes:
    return json.dumps(document, ensure_ascii=ascii_only, allow_nan=True).encode(errors="surrogatepass")


@given(st.lists(st.tuples(_EVENTS, st.booleans()), max_size=12))
@settings(max_examples=150, deadline=None)
def test_documents_give_what_the_standard_library_finds(documents: list[tuple[Any, bool]]):
    _check([_written(document, ascii_only=ascii_only) for document, ascii_only in documents])


@given(st.lists(st.tuples(_EVENTS, _DAMAGE), min_size=1, max_size=8))
@settings(max_examples=250, deadline=None)
def test_damaged_documents_give_what_the_standard_library_finds(damaged: list[tuple[Any, tuple[int, bytes, int]]]):
    lines = []
    for document, (place, junk, gone) in damaged:
        line = _written(document, ascii_only=False)
        at = place % (len(line) + 1)
        lines.append((line[:at] + junk + line[at + gone :]).replace(b"\n", b" ").replace(b"\0", b"\x01"))
    _check(lines)
