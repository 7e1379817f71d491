"""What every decoder must do with lines, whatever it is made of. Another implementation is one line in DECODERS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from yeoul.events import EventTime, Field, Rows, RowSchema
from yeoul.ingest.contract import Decoder, LineBlock
from yeoul.ingest.decode import FORMATS, build_decoder

Build = Callable[[RowSchema], Decoder]
DECODERS: dict[str, Build] = {"python": build_decoder}

AT = "2026-03-02 20:10:05.123"
AT_US = 1_772_449_805_123_000
TIME = EventTime(("at",), ("%Y-%m-%d %H:%M:%S.%f",), "Asia/Seoul")
FIELDS = (Field("cpk", ("cpk",)), Field("hit", ("hit",), "int"))
PATTERN = r'(?P<at>\S+ \S+) (?P<cpk>"[^"]*"|\S+) (?P<hit>\S+)'
GOOD = {
    "json": b'{"at":"2026-03-02 20:10:05.123","cpk":"c1","hit":3,"more":{"a":[1,2]}}',
    "csv": b"2026-03-02 20:10:05.123,c1,3,more",
    "logfmt": b'at="2026-03-02 20:10:05.123" cpk=c1 hit=3 more',
    "pattern": b"2026-03-02 20:10:05.123 c1 3",
}
HEADER = {"json": None, "csv": b"at,cpk,hit,more", "logfmt": None, "pattern": None}


def schema(line_format: str, fields: tuple[Field, ...] = FIELDS, **more: Any) -> RowSchema:
    pattern = PATTERN if line_format == "pattern" else None
    return RowSchema(TIME, fields, line_format=line_format, pattern=pattern, **more)


@pytest.fixture(params=sorted(DECODERS))
def build(request: pytest.FixtureRequest) -> Build:
    return DECODERS[request.param]


@pytest.fixture(params=sorted(GOOD))
def line_format(request: pytest.FixtureRequest) -> str:
    return request.param


def decode(decoder: Decoder, data: bytes, line_format: str = "json", offset: int = 0) -> Rows:
    return decoder.decode(LineBlock("a.log", offset, data, HEADER[line_format]))


def one(decoder: Decoder, document: Any) -> Any:
    """Value of `x` in a JSON line, or the reason why there is none."""
    line = document if isinstance(document, bytes) else json.dumps({"at": AT, "x": document}).encode()
    rows = decode(decoder, line)
    if rows.rejects:
        assert len(rows) == 0
        return rows.rejects[0].reason
    (value,) = rows.columns["x"]
    return value.item() if isinstance(value, np.generic) else value


def test_every_format_is_held_by_this_suite():
    assert sorted(FORMATS) == sorted(GOOD) == sorted(HEADER)


def test_rows_come_in_order_as_columns_of_the_declared_types(build: Build, line_format: str):
    good = GOOD[line_format]
    rows = decode(build(schema(line_format)), good + b"\n" + good.replace(b"c1", b"c2") + b"\n", line_format)
    assert rows.at_us.dtype == np.int64
    assert rows.at_us.tolist() == [AT_US, AT_US]
    assert rows.columns["cpk"] == ["c1", "c2"]
    assert rows.columns["hit"].dtype == np.int64
    assert rows.columns["hit"].tolist() == [3, 3]
    assert list(rows.columns) == ["cpk", "hit"]
    assert (rows.kept, rows.fold_us, rows.rejects, rows.source) == (None, None, [], "a.log")


def test_positions_are_byte_offsets_of_the_lines_in_the_file(build: Build, line_format: str):
    good = GOOD[line_format]
    data = good + b"\n\n" + good + b"\r\nnonsense\xff\n" + good
    rows = decode(build(schema(line_format)), data, line_format, offset=1000)
    whole = len(good)
    assert rows.position.tolist() == [1000, 1000 + whole + 2, 1000 + 2 * whole + 14]
    assert [reject.position for reject in rows.rejects] == [1000 + 2 * whole + 4]


def test_the_bytes_of_a_block_are_all_booked(build: Build, line_format: str):
    data = GOOD[line_format] + b"\n\nnonsense\xff\n"
    assert decode(build(schema(line_format)), data, line_format).bytes == len(data)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_a_line_may_end_in_any_of_the_usual_ways(build: Build, line_format: str, end: bytes):
    rows = decode(build(schema(line_format)), GOOD[line_format] + end, line_format)
    assert rows.columns["hit"].tolist() == [3]
    assert rows.raw(0) == GOOD[line_format]


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"   \n", b"\t\n\n \r\n", b""])
def test_blank_lines_are_no_rows_and_no_mistakes(build: Build, line_format: str, blank: bytes):
    rows = decode(build(schema(line_format)), blank + GOOD[line_format] + b"\n" + blank, line_format)
    assert (len(rows), rows.rejects) == (1, [])
    empty = decode(build(schema(line_format)), blank, line_format)
    assert (len(empty), empty.rejects, list(empty.columns["cpk"])) == (0, [], [])


POISON = {
    "invalid UTF-8": b"\xff\xfe",
    "a UTF-8 surrogate": b"\xed\xa0\x80",
    "an overlong UTF-8 form": b"\xc0\x80",
    "a NUL byte": b"\0",
}


@pytest.mark.parametrize("poison", sorted(POISON))
def test_a_line_with_bytes_that_are_no_text_is_rejected_alone(build: Build, line_format: str, poison: str):
    good = GOOD[line_format]
    bad = good.replace(b"c1", b"c" + POISON[poison])
    rows = decode(build(schema(line_format)), good + b"\n" + bad + b"\n" + good, line_format)
    assert len(rows) == 2
    assert [reject.raw for reject in rows.rejects] == [bad]


def test_text_beyond_ascii_is_kept_as_it_is(build: Build, line_format: str):
    data = GOOD[line_format].replace(b"c1", "여울🌊".encode())
    assert decode(build(schema(line_format)), data, line_format).columns["cpk"] == ["여울🌊"]


WRONG = {
    "a text for an int": (b"3", b"x3", "`hit`: got the text `x3`; legal: an integer of at most 64 bits"),
    "an int of 65 bits": (b"3", b"9223372036854775808", "`hit`: got "),
    "a time that is none": (b"2026-03-02", b"2026-02-30", "`event_time` (at): got `2026-02-30 20:10:05.123`"),
    "a time of another form": (b".123", b"", "`event_time` (at): got `2026-03-02 20:10:05`"),
}


@pytest.mark.parametrize("wrong", sorted(WRONG))
def test_a_wrong_value_rejects_its_line_alone_with_the_fields_name_first(build: Build, line_format: str, wrong: str):
    good = GOOD[line_format]
    old, new, reason = WRONG[wrong]
    bad = good.replace(b":3", b':"' + new + b'"') if line_format == "json" and old == b"3" else _last(good, old, new)
    rows = decode(build(schema(line_format)), b"\n".join([good, bad, good]), line_format)
    assert rows.position.tolist() == [0, len(good) + len(bad) + 2]
    (reject,) = rows.rejects
    assert reject.reason.startswith(reason)
    assert (reject.source, reject.position, reject.raw, reject.kind) == ("a.log", len(good) + 1, bad, "invalid")


def _last(line: bytes, old: bytes, new: bytes) -> bytes:
    before, _, after = line.rpartition(old)
    return before + new + after


def test_all_that_is_wrong_with_a_line_is_said(build: Build):
    (reject,) = decode(build(schema("json")), b'{"at":"soon","hit":true}').rejects
    assert reject.reason == (
        "`event_time` (at): got `soon`; legal: a time as `%Y-%m-%d %H:%M:%S.%f`; `cpk` is missing; "
        "`hit`: got `true`; legal: an integer of at most 64 bits"
    )


@pytest.mark.parametrize("share", [1, 2, 3, 50])
def test_good_lines_are_found_among_any_number_of_bad_ones(build: Build, line_format: str, share: int):
    good = GOOD[line_format]
    bad = [b"nonsense\xff", good.replace(b"2026", b"2O26"), _last(good, b"3", b"-")]
    lines = [bad[i % 3] if i % share == 0 else good for i in range(500)]
    rows = decode(build(schema(line_format)), b"\n".join(lines) + b"\n", line_format)
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)])
    assert rows.position.tolist() == [int(starts[i]) for i in range(500) if i % share]
    assert [reject.position for reject in rows.rejects] == [int(starts[i]) for i in range(0, 500, share)]


def test_any_cut_into_blocks_gives_the_same_rows(build: Build, line_format: str):
    good = GOOD[line_format]
    lines = [
        good.replace(b"c1", f"c{i}".encode()) if i % 7 else b"nonsense" + bytes([200 + i % 50]) for i in range(160)
    ]
    decoder = build(schema(line_format))
    whole = decode(decoder, b"\n".join(lines) + b"\n", line_format)
    at = 0
    parts = []
    for line in lines:
        parts.append(decode(decoder, line + b"\n", line_format, at))
        at += len(line) + 1
    assert whole.position.tolist() == [p for part in parts for p in part.position.tolist()]
    assert whole.columns["cpk"] == [cpk for part in parts for cpk in part.columns["cpk"]]
    assert whole.rejects == [reject for part in parts for reject in part.rejects]


def test_missing_members_take_the_default_or_reject_the_line(build: Build):
    fields = (Field("cpk", ("_source", "@fields", "cpk")), Field("hit", ("hit",), "int", default=7))
    rows = decode(build(schema("json", fields)), b'{"at":"%s","_source":{"@fields":{"cpk":"a"}}}' % AT.encode())
    assert rows.columns["hit"].tolist() == [7]
    lacking = [b"", b',"_source":null', b',"_source":{}', b',"_source":{"@fields":{"cpk":null}}']
    for members in lacking:
        (reject,) = decode(build(schema("json", fields)), b'{"at":"%s"%s}' % (AT.encode(), members)).rejects
        assert reject.reason == "`cpk` (_source.@fields.cpk) is missing"


MALFORMED = {
    "garbage": b"garbage",
    "cut off": GOOD["json"][:-1],
    "cut off in a text": GOOD["json"][:20],
    "text behind it": GOOD["json"] + b"x",
    "two on a line": GOOD["json"] + b" " + GOOD["json"],
    "two on a line with a carriage return": GOOD["json"] + b"\r" + GOOD["json"],
    "a list": b"[" + GOOD["json"] + b"]",
    "a number": b"1",
    "null": b"null",
    "a byte order mark": b"\xef\xbb\xbf" + GOOD["json"],
    "NaN where nobody looks": GOOD["json"].replace(b"[1,2]", b"NaN"),
    "Infinity": GOOD["json"].replace(b"[1,2]", b"-Infinity"),
    "a lone surrogate": GOOD["json"].replace(b"c1", b"\\ud800"),
    "a lone surrogate where nobody looks": GOOD["json"].replace(b'"a"', b'"\\udc00"'),
    "a raw control character": GOOD["json"].replace(b'"a"', b'"\x01"'),
    "a wrong escape": GOOD["json"].replace(b'"a"', b'"\\q"'),
    "single quotes": GOOD["json"].replace(b'"', b"'"),
    "a comma too many": GOOD["json"].replace(b"2]", b"2,]"),
    "a leading zero": GOOD["json"].replace(b"[1,", b"[01,"),
    "nesting without end": b'{"more":' + b"[" * 10_000,
    "10,000 levels": GOOD["json"].replace(b"[1,2]", b"[" * 10_000 + b"]" * 10_000),
    "1e999": GOOD["json"].replace(b":3", b":1e999"),
    "NaN": GOOD["json"].replace(b":3", b":NaN"),
    "an object for a text": GOOD["json"].replace(b'"c1"', b'{"a":1}'),
    "a bool for a text": GOOD["json"].replace(b'"c1"', b"true"),
    "a float for a text": GOOD["json"].replace(b'"c1"', b"1.5"),
    "5,000 digits": GOOD["json"].replace(b":3", b":" + b"9" * 5000),
}


@pytest.mark.parametrize("malformed", sorted(MALFORMED))
def test_malformed_json_is_rejected_alone(build: Build, malformed: str):
    good, bad = GOOD["json"], MALFORMED[malformed]
    rows = decode(build(schema("json")), good + b"\n" + bad + b"\n" + good + b"\n")
    assert len(rows) == 2
    (reject,) = rows.rejects
    assert reject.raw == bad
    assert 10 < len(reject.reason) < 300


def test_a_json_value_over_two_lines_is_two_invalid_lines(build: Build):
    data = GOOD["json"] + b'\n{"at":\n"x"}\n' + GOOD["json"]
    rows = decode(build(schema("json")), data)
    assert [reject.raw for reject in rows.rejects] == [b'{"at":', b'"x"}']


def test_of_names_that_occur_twice_the_last_counts(build: Build):
    rows = decode(build(schema("json")), GOOD["json"][:-1] + b',"hit":4,"cpk":"c9"}')
    assert (rows.columns["hit"].tolist(), rows.columns["cpk"]) == ([4], ["c9"])


def test_names_are_compared_after_their_escapes(build: Build):
    rows = decode(build(schema("json")), GOOD["json"].replace(b'"cpk"', b'"cp\\u006b"'))
    assert rows.columns["cpk"] == ["c1"]


@pytest.mark.parametrize("path", [('a"b',), ("a\\b",), ("a\tb", "c"), ("", "x"), ("@a.b", "한글"), ("a b",)])
def test_odd_names_are_found(build: Build, path: tuple[str, ...]):
    document: Any = "found"
    for part in reversed(path):
        document = {part: document}
    rows = decode(
        build(schema("json", (Field("x", path), Field("cpk", ("cpk",))))),
        json.dumps({"at": AT, "cpk": "c1", **document}).encode(),
    )
    assert (rows.columns["x"], rows.columns["cpk"]) == (["found"], ["c1"])


@pytest.mark.parametrize("path", [("a",), ('a"', "b")])
def test_a_value_where_an_object_should_be_rejects_the_line(build: Build, path: tuple[str, ...]):
    decoder = build(schema("json", (Field("x", (*path, "y"), default="none"),)))
    document: Any = 5
    for part in reversed(path):
        document = {part: document}
    (reject,) = decode(decoder, json.dumps({"at": AT, **document}).encode()).rejects
    assert "`x`" in reject.reason


def test_a_member_may_be_declared_twice_and_beside_its_own_members(build: Build):
    fields = (Field("a", ("x",)), Field("b", ("x",), "int"), Field("time", ("at",)))
    rows = decode(build(schema("json", fields)), json.dumps({"at": AT, "x": "5"}).encode())
    assert (rows.columns["a"], rows.columns["b"].tolist(), rows.columns["time"]) == (["5"], [5], [AT])
    inside = (Field("x", ("x",), default="none"), Field("y", ("x", "y"), default="none"))
    rows = decode(build(schema("json", inside)), json.dumps({"at": AT, "x": None}).encode())
    assert (rows.columns["x"], rows.columns["y"]) == (["none"], ["none"])


VALUES: list[tuple[str, list[tuple[Any, Any]], list[Any]]] = [
    (
        "str",
        [("a", "a"), ("", ""), (5, "5"), (-(1 << 70), str(-(1 << 70))), ("\0", "\0"), ("null", "null")],
        [True, 1.5, {"a": 1}, [1], [], None],
    ),
    (
        "int",
        [(5, 5), ("5", 5), ("-5", -5), (" 7 ", 7), ("007", 7), (2.0, 2), (-0.0, 0)]
        + [(edge, edge) for edge in ((1 << 63) - 1, -(1 << 63))]
        + [(str(edge), edge) for edge in ((1 << 63) - 1, -(1 << 63))],
        [1.5, "1.5", "1e3", "", "five", "1_0", "+5", "٣", True, False, {}, [], None, 1 << 63, str(1 << 63), 1e18],
    ),
    (
        "float",
        [(1.5, 1.5), (1, 1.0), ("1.5", 1.5), ("-1e3", -1000.0), (".5", 0.5), ("5.", 5.0), (1 << 70, float(1 << 70))],
        ["nan", "inf", "-Infinity", "1_0", "1e999", "", "x", "0x1", "1e", True, {}, None],
    ),
    (
        "bool",
        [(True, True), (False, False), ("true", True), ("FALSE", False), ("1", True), (0, False), (1, True)],
        ["yes", "", 2, 1.0, {}, None],
    ),
    (
        "timestamp",
        [
            ("2026-03-02T11:10:05.123Z", AT_US),
            ("2026-03-02T20:10:05.123", AT_US),
            ("2026-03-02T20:10:05,123456789+09:00", AT_US + 456),
        ],
        ["soon", "", 5, True, {}, None, "2026-02-29T00:00:00Z", "2026-03-02T24:10:05Z", "2026-03-02T11:10:60Z"],
    ),
]


@pytest.mark.parametrize(("kind", "legal", "illegal"), VALUES, ids=[kind for kind, _, _ in VALUES])
def test_values_of_each_type(build: Build, kind: Any, legal: list[tuple[Any, Any]], illegal: list[Any]):
    decoder = build(schema("json", (Field("x", ("x",), kind, format=("iso",), timezone="Asia/Seoul"),)))
    for given, expected in legal:
        value = one(decoder, given)
        assert (type(value), value) == (type(expected), expected), given
    for given in illegal:
        reason = one(decoder, given)
        assert isinstance(reason, str), given
        assert reason.startswith("`x`"), given
        assert "legal: " in reason or "is missing" in reason


@pytest.mark.parametrize(("kind", "legal", "illegal"), VALUES, ids=[kind for kind, _, _ in VALUES])
def test_a_value_means_the_same_alone_and_among_others(build: Build, kind: Any, legal: list[Any], illegal: list[Any]):
    decoder = build(schema("json", (Field("x", ("x",), kind, format=("iso",), timezone="Asia/Seoul"),)))
    documents = [given for given, _ in legal] + illegal
    many = [documents[(i * 7) % len(documents)] for i in range(len(documents) * 20)]
    rows = decode(decoder, b"\n".join(json.dumps({"at": AT, "x": each}).encode() for each in many))
    alone = [one(decoder, each) for each in many]
    found = iter(list(rows.columns["x"]))
    reasons = {reject.position: reject.reason for reject in rows.rejects}
    good = iter(rows.position.tolist())
    at = 0
    for each, expected in zip(many, alone, strict=True):
        if at in reasons:
            assert reasons[at] == expected
        else:
            assert (next(good), next(found)) == (at, expected)
        at += len(json.dumps({"at": AT, "x": each}).encode()) + 1


@pytest.mark.parametrize("kind", ["str", "int", "float", "bool", "timestamp"])
def test_a_default_is_of_the_fields_type(build: Build, kind: Any):
    default = {"str": "d", "int": 5, "float": 0.5, "bool": True, "timestamp": "2026-03-02T11:10:05.123Z"}[kind]
    decoder = build(schema("json", (Field("x", ("x",), kind, default=default),)))
    assert one(decoder, None) == (AT_US if kind == "timestamp" else default)


def test_rows_that_where_drops_are_marked_and_stay(build: Build, line_format: str):
    good = GOOD[line_format]
    lines = [good, b"nonsense\xff", good.replace(b"c1", b"c2")]
    rows = decode(build(schema(line_format, where="cpk <> 'c1' and hit = 3")), b"\n".join(lines), line_format)
    assert rows.kept is not None
    assert (rows.kept.tolist(), len(rows)) == ([False, True], 2)


SEOUL_1988 = "1988-10-09 02:30:00.000"
"""Seoul had summer time in 1988: on 9 October 02:00 to 03:00 occurred twice, on 8 May 02:00 to 03:00 not at all."""


def test_a_local_time_that_occurs_twice_has_both_readings(build: Build, line_format: str):
    good = GOOD[line_format]
    twice = good.replace(AT.encode(), SEOUL_1988.encode())
    rows = decode(build(schema(line_format)), good + b"\n" + twice, line_format)
    assert rows.fold_us is not None
    assert (rows.fold_us - rows.at_us).tolist() == [0, 3_600_000_000]


def test_a_local_time_that_does_not_exist_is_invalid(build: Build, line_format: str):
    good = GOOD[line_format]
    never = good.replace(AT.encode(), b"1988-05-08 02:30:00.000")
    rows = decode(build(schema(line_format)), good + b"\n" + never, line_format)
    assert len(rows) == 1
    assert rows.rejects[0].reason.startswith("`event_time` (at): got `1988-05-08 02:30:00.000`, which does not exist")


def test_raw_is_the_line_itself(build: Build, line_format: str):
    good = GOOD[line_format]
    lines = [b"x\xff", good, good.replace(b"c1", b"c2") + b"\r", b""]
    rows = decode(build(schema(line_format)), b"\n".join(lines), line_format)
    assert [rows.raw(row) for row in range(2)] == [good, good.replace(b"c1", b"c2")]


def test_redacted_fields_show_nowhere(build: Build, line_format: str):
    good = GOOD[line_format].replace(b"c1", b"secret")
    bad = [good.replace(b"2026", b"2O26"), good[: good.index(b"secret") + 4], good + b" \xff", _last(good, b"3", b"x")]
    rows = decode(build(schema(line_format, redact=("cpk",))), b"\n".join([good, *bad]) + b"\n", line_format)
    assert rows.columns["cpk"] == ["secret"]
    shown = [rows.raw(0), *(reject.raw for reject in rows.rejects)]
    assert len(shown) == 5
    for raw in shown:
        assert b"secr" not in raw
        assert b"***" in raw


def test_redacted_values_are_not_in_the_reasons_either(build: Build, line_format: str):
    secret = _last(GOOD[line_format], b"3", b'"secret"' if line_format == "json" else b"secret")
    lines = [secret, secret.replace(b"2026", b"2O26"), b"torn " + secret]
    rows = decode(build(schema(line_format, redact=("cpk", "hit"))), b"\n".join(lines) + b"\n", line_format)
    assert len(rows.rejects) == 3
    for reject in rows.rejects:
        assert "secret" not in reject.reason
    assert "got `***`; legal: an integer of at most 64 bits" in rows.rejects[0].reason


def test_what_is_not_redacted_stays_to_be_seen(build: Build, line_format: str):
    good = GOOD[line_format]
    rows = decode(build(schema(line_format, redact=("cpk",))), good, line_format)
    assert rows.raw(0) == good.replace(b"c1", b"***")


def test_an_empty_block_has_no_rows(build: Build, line_format: str):
    rows = decode(build(schema(line_format, where="hit > 1")), b"", line_format)
    assert (len(rows), rows.bytes, rows.rejects, rows.position.tolist()) == (0, 0, [], [])
    assert rows.columns["hit"].dtype == np.int64


def test_a_line_of_five_megabytes_is_a_row(build: Build):
    rows = decode(build(schema("json")), GOOD["json"].replace(b"[1,2]", b'"' + b"x" * (5 << 20) + b'"'))
    assert rows.columns["hit"].tolist() == [3]
