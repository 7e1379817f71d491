"""A line is the same row on both engines: the same values of the same types, or invalid."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from yeoul.events import EventTime, Field, RowSchema
from yeoul.ingest.contract import LineBlock
from yeoul.ingest.decode import build_decoder
from yeoul.streams import StreamSpec, parse_aggregate
from yeoul.streams.spark import FilesRead, compile_stream, frames
from yeoul.streams.spark.files import lines_of

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(240)]

AT = "2026-03-02T11:10:05Z"
VALUES: dict[str, list[Any]] = {
    "text": ["x", "", "é \" \\ '", 5, -5, 1.5, True, None, {}, [1], {"a": 1}],
    "text ": [2**64 - 1, 2**63, -(2**63), -(2**63) - 1, 10**38 - 1, 1.0, -0.0, 1e20, 12345678901234567890.5],
    "whole": [5, "12", " 12 ", "-3", "+3", "1.0", 2.0, 2.5, 1e3, 2**63 - 1, 2**63, str(2**63), "-9223372036854775808"],
    "whole ": [True, None, "", "x", [1], {}, 2**53 + 0.0, 2.0**60],
    "number": [
        1,
        -1.5,
        "1.5",
        ".5",
        "5.",
        "+1e3",
        "1e999",
        "nan",
        "Infinity",
        True,
        None,
        "",
        "0x1",
        12345678901234567890,
    ],
    "truth": [True, False, "TRUE", " false ", 1, 0, 2, "1", "yes", None, 1.0, ""],
    "iso": [AT, "2026-03-02T20:10:05+0900", "2026-03-02 20:10:05.123456789-03:30", "2026-03-02", "2026-03-02T20:10"],
    "iso ": ["2026-03-02T20:10:05,5", "soon", 5, "", "2026-02-30T00:00:00", "2026-03-02T24:00:00", None, True],
    "iso  ": ["2026-03-02T20:10Z", "2026-03-02T20Z", "2026-03-02T20", "2026-03-02t20:10:05Z", "20260302T201005Z"],
    "iso   ": [
        "20260302",
        "20260302 2010-0930",
        "2026-03-02T201005.25",
        "20260302T20:10:05,1234567891+09",
        "2026-0302",
    ],
    "iso    ": [
        f"2026-03-02T20:10{one}" for one in (":05+09", "+09", ":05+18:30", ":05-23:59", ":05+24:00", ":05z", ":60Z")
    ],
    "iso     ": ["2026-03-02T20:1005", "2026-03-02T", "2026-03-02\n", "2026-03-02T24:00:00Z"],
    "iso      ": [
        "0000-01-01",
        "0001-01-01",
        "0001-01-01T00:00:00Z",
        "0001-01-02T00:00:00Z",
        "0001-01-02T05:00:00+18:00",
    ],
    "iso       ": ["9999-12-31T23:59:59", "9999-12-31T23:59:59Z", "9999-12-30T00:00:00Z", "9999-12-30T00:00:00-00:01"],
    "iso        ": [
        "1969-12-31T23:59:59.9999999Z",
        "1969-12-31T23:59Z",
        "1500-02-29T00Z",
        "1600-02-29",
        "0500-02-28T00Z",
    ],
    "seoul": ["2026-03-02T20:10:05", "20260302T2010", "0002-01-01T08", "2026-03-02T20:10:05Z", "1999-12-31"],
    "york": ["2026-03-08T01:59:59", "2026-03-08T02:30:00", "2026-03-08T03:00:00", "2026-11-01T01:30:00"],
    "seconds": [1772449805, "1772449805", 1772449805.5, "1772449805.123456", "x", True, -1, 0, "99999999999999", "1e9"],
    "millis": [1772449805123, "1772449805123", 1772449805123.25, None, "9" * 15, "2026-03-02"],
    "access": [
        "02/Mar/2026:20:10:05 +0900",
        "02/Mar/2026:20:10:05 -03:30",
        "02/Mar/2026:20:10:05 Z",
        "2026-03-02",
        "01/Jan/0001:20:10:05 +0000",
    ],
    "fraction": ["2026-03-02 20:10:05.123", "2026-03-02 20:10:05.000001", "2026-03-02 20:10:05", AT, 1772449805],
}
"""Values by field; a blank behind a name makes room for more."""
LINES = [
    b"",
    b"   ",
    b"no JSON",
    b"[]",
    b"[{}]",
    b"5",
    b'{"at": "' + AT.encode() + b'"}',
    b'{"at": "2026',
    b"{'at': 1}",
]
LINES += [b'{"at": NaN}', b'{"at": "%s"} x' % AT.encode(), b'  {"at": "%s"}\r' % AT.encode(), b'{"at": 1,}', b"\xff{}"]
LINES += [
    b'{"at": "%s", "at": null}' % AT.encode(),
    b'{"at": null, "at": "%s"}' % AT.encode(),
    b'\xef\xbb\xbf{"at": 1}',
]
LINES += [b'{"at": "%s"}\x0b' % AT.encode(), b'\x0c{"at": "%s"}' % AT.encode(), b'{"at": "%s"} \t\r' % AT.encode()]
LINES += [b'{"at": "%s", "inner": 5}' % AT.encode(), b'{"at": "%s", "AT": 5, "inner": {"@x": "y"}}' % AT.encode()]


def timestamp(name: str, *formats: str, zone: str = "UTC") -> Field:
    return Field(name, (name,), "timestamp", AT if formats[0] == "iso" else None, formats, zone)


FIELDS = (
    Field("text", ("text",), "str", "none"),
    Field("whole", ("whole",), "int", -1),
    Field("number", ("number",), "float", 0.25),
    Field("truth", ("truth",), "bool", True),
    Field("inner", ("inner", "@x"), "str", "none"),
    timestamp("iso", "iso"),
    timestamp("seoul", "iso", zone="Asia/Seoul"),
    timestamp("york", "iso", zone="America/New_York"),
)
TIMED = {
    "seconds": timestamp("seconds", "s"),
    "millis": timestamp("millis", "ms"),
    "access": timestamp("access", "%d/%b/%Y:%H:%M:%S %z"),
    "fraction": timestamp("fraction", "%Y-%m-%d %H:%M:%S.%f", "iso", "s", zone="Asia/Seoul"),
}


def both(spark: Any, folder: Path, fields: tuple[Field, ...], lines: list[bytes]) -> tuple[list[Any], list[Any]]:
    """The rows of the local engine and of Spark, in the order of the lines; None is an invalid one."""
    schema = RowSchema(EventTime(("at",)), fields)
    data = b"\n".join(lines) + b"\n"
    (folder / "a.ndjson").write_bytes(data)
    rows = build_decoder(schema).decode(LineBlock("a", 0, data))
    names = [one.name for one in fields]
    columns = [rows.columns[name] for name in names]
    local = {
        int(at): [int(rows.at_us[i]), *(getattr(each[i], "item", lambda one=each[i]: one)() for each in columns)]
        for i, at in enumerate(rows.position)
    }
    local |= {each.position: None for each in rows.rejects}
    spec = StreamSpec("s", schema, ("text",), (parse_aggregate("n", "count()"),))
    plan = compile_stream(spec, FilesRead("*", (str(folder / "a.ndjson"),)))
    frame = frames.rows(lines_of(spark, plan), plan)
    found = [row.asDict() for row in frame.coalesce(1).collect()]
    ours = [None if row["#class"] == "invalid" else [row["#at_us"], *(row[name] for name in names)] for row in found]
    return [local[at] for at in sorted(local)], ours


def test_values_have_the_same_types_and_defaults_or_are_invalid(spark: Any, tmp_path: Path):
    given = [(name.strip(), value) for name, values in VALUES.items() if name.strip() not in TIMED for value in values]
    lines = [json.dumps({"at": AT, name: value}, ensure_ascii=False).encode() for name, value in given]
    local, ours = both(spark, tmp_path, FIELDS, lines)
    wrong = [(what, one, other) for what, one, other in zip(given, local, ours, strict=True) if one != other]
    assert wrong == []
    assert Counter(each is None for each in local)[True] > 30


def test_times_are_read_by_their_formats(spark: Any, tmp_path: Path):
    good = {"seconds": 0, "millis": 0, "access": "02/Mar/2026:20:10:05 +0900", "fraction": 0}
    given = [(name, value) for name in TIMED for value in VALUES[name]]
    lines = [json.dumps({"at": AT, **good, name: value}).encode() for name, value in given]
    local, ours = both(spark, tmp_path, (*TIMED.values(), FIELDS[0]), lines)
    wrong = [(what, one, other) for what, one, other in zip(given, local, ours, strict=True) if one != other]
    assert wrong == []


def test_lines_are_rows_or_invalid_or_blank_alike(spark: Any, tmp_path: Path):
    local, ours = both(spark, tmp_path, FIELDS, LINES)
    assert ours == local
