"""What is special about each line format, and what a declaration must not say."""

from __future__ import annotations

from typing import Any

import pytest

from yeoul.errors import ConfigError
from yeoul.events import EventTime, Field, Rows, RowSchema
from yeoul.ingest.contract import LineBlock
from yeoul.ingest.decode import build_decoder

AT = "2026-03-02T11:10:05Z"


def schema(line_format: Any, *fields: Field, **more: Any) -> RowSchema:
    return RowSchema(EventTime(("at",)), fields or (Field("x", ("x",)),), line_format=line_format, **more)


def decode(declared: RowSchema, text: str, header: bytes | None = None) -> Rows:
    return build_decoder(declared).decode(LineBlock("a.log", 0, text.encode(), header))


@pytest.mark.parametrize(
    ("pairs", "x"),
    [
        ("x=1", "1"),
        ('x="a b"', "a b"),
        (r'x="say \"hi\" \\ \n"', 'say "hi" \\ \n'),
        ("x=", ""),
        ('x=""', ""),
        ("x", "true"),
        ("x=1 x=2", "2"),
        ("  y=1\tx=2  ", "2"),
        ("x=a=b", "a=b"),
        ("x=여울", "여울"),
    ],
)
def test_logfmt_pairs(pairs: str, x: str):
    assert decode(schema("logfmt"), f"at={AT} {pairs}").columns["x"] == [x]


@pytest.mark.parametrize("pairs", ['x="a', 'x="a"b', "=1", 'x=a"b', '"x"=1', 'x="a" "b"'])
def test_what_is_no_logfmt_is_rejected_with_its_place(pairs: str):
    (reject,) = decode(schema("logfmt"), f"at={AT} {pairs}").rejects
    assert reject.reason.startswith("the line is not logfmt at character ")


@pytest.mark.parametrize(
    ("line", "x"),
    [
        ("a,b", "a"),
        ('"a,b",c', "a,b"),
        ('"say ""hi""",c', 'say "hi"'),
        (",c", ""),
        (" a ,c", " a "),
        ("'a',c", "'a'"),
    ],
)
def test_csv_values(line: str, x: str):
    declared = schema("csv", columns=("at", "x", "y"))
    assert decode(declared, f"{AT},{line}").columns["x"] == [x]


def test_csv_columns_come_from_the_header_which_is_no_row_even_when_it_is_repeated():
    rows = decode(schema("csv"), f"y,x,at\n1,a,{AT}\ny,x,at\n2,b,{AT}\n", b"y,x,at")
    assert (rows.columns["x"], rows.rejects) == (["a", "b"], [])


def test_with_declared_columns_every_line_is_a_row():
    rows = decode(schema("csv", columns=("at", "x")), f"at,x\n{AT},a\n")
    assert (rows.columns["x"], len(rows.rejects)) == (["a"], 1)


@pytest.mark.parametrize(
    ("header", "line", "said"),
    [
        (b"at,x", f"{AT},a,b", "the line has `3` values; legal: 2 (at, x)"),
        (b"at,x", f"{AT}", "the line has `1` values"),
        (b"at,x", f'{AT},"a', "a quoted value does not end"),
        (b"at,x", f'{AT},"a"b', "a quoted value does not end"),
        (b"at,xx", f"{AT},a", "`x`: got `x`, which is not in the file's header; legal: at, xx; did you mean `xx`?"),
        (None, f"{AT},a", "the file's header is not known"),
    ],
)
def test_what_is_no_csv_row_says_why(header: bytes | None, line: str, said: str):
    (reject,) = decode(schema("csv"), line, header).rejects
    assert said in reject.reason


def test_a_quote_that_does_not_close_swallows_no_neighbour():
    rows = decode(schema("csv"), f'{AT},"a\n{AT},b\n{AT},c"\n', b"at,x")
    assert (rows.columns["x"], len(rows.rejects)) == (["b", 'c"'], 1)


def test_another_delimiter_may_be_declared():
    assert decode(schema("csv", delimiter=";"), f'{AT};"a;b"', b"at;x").columns["x"] == ["a;b"]


def test_an_access_log_is_a_pattern():
    pattern = (
        r'(?P<host>\S+) \S+ \S+ \[(?P<at>[^\]]+)\] "(?P<method>\S+) (?P<path>\S+) [^"]*" (?P<status>\d+) (?P<size>\S+)'
    )
    declared = RowSchema(
        EventTime(("at",), ("%d/%b/%Y:%H:%M:%S %z",)),
        (Field("path", ("path",)), Field("status", ("status",), "int"), Field("size", ("size",), "int", default=0)),
        line_format="pattern",
        pattern=pattern,
        redact=("path",),
    )
    line = '10.0.0.1 - - [02/Mar/2026:20:10:05 +0900] "GET /v/M1 HTTP/1.1" 200 -'
    rows = decode(declared, line)
    assert rows.at_us.tolist() == [1_772_449_805_000_000]
    assert (rows.columns["path"], rows.columns["status"].tolist(), rows.columns["size"].tolist()) == (
        ["/v/M1"],
        [200],
        [0],
    )
    assert rows.raw(0) == line.replace("/v/M1", "***").encode()


def test_a_pattern_must_match_the_whole_line():
    declared = schema("pattern", pattern=r"(?P<at>\S+) (?P<x>\w+)")
    (reject,) = decode(declared, f"{AT} a b").rejects
    assert reject.reason.startswith("the line does not match the pattern")


def test_an_empty_text_is_a_missing_number_in_flat_lines():
    declared = schema("csv", Field("n", ("n",), "int"), Field("d", ("d",), "int", default=5), columns=("at", "n", "d"))
    rows = decode(declared, f"{AT},1,\n{AT},,1\n")
    assert rows.columns["d"].tolist() == [5]
    assert rows.rejects[0].reason == "`n` is missing"


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (schema("xml"), "got `xml`; legal: csv, json, logfmt, pattern"),
        (schema("pattern"), "without `pattern`"),
        (schema("pattern", pattern="("), "is no regular expression"),
        (schema("pattern", pattern="(?P<at>.)(?P<y>.)"), "`x`: got `x`, which is not a named group of the pattern"),
        (schema("csv", delimiter=",,"), "`delimiter`: got `,,`"),
        (schema("csv", columns=("at", "y")), "`x`: got `x`, which is not one of the columns; legal: at, y"),
        (schema("logfmt", Field("x", ("a", "b"))), "`x` (a.b): got the path `a.b`; legal in logfmt lines"),
        (schema("json", Field("x", ("x",), "int", default="five")), "`x`, its default: got the text `five`"),
        (schema("json", Field("x", ("x",), "timestamp", default="soon")), "`x`, its default: got `soon`"),
        (schema("json", Field("x", ("x",), "date")), "got the type `date`; legal: str, int, float, bool, timestamp"),
        (schema("json", where="y > 1"), "`where`: got `y`"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused(declared: RowSchema, said: str):
    with pytest.raises(ConfigError) as caught:
        build_decoder(declared)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"at":"x"', "the line ends at byte 9 before its JSON does"),
        (b'{"at":x}', "the line is not JSON: invalid character at byte 7"),
        (b"\xef\xbb\xbf{}", "the line begins with a byte order mark"),
        (b'{"a":"\\ud800"}', "half of a surrogate pair, `\\ud800` at byte 7"),
        (b"[" * 10_000, "the line is not a JSON object: expected `object`, got `array`"),
        (b'{"a":' + b"[" * 10_000, "nested too deeply"),
        (b'{"s":{"@f":5}}', "`x` cannot be read: expected `object`, got `int` at s.@f"),
        (b'{"at":1e999}', "`event_time` (at): number out of range"),
    ],
)
def test_reasons_say_what_and_where(line: bytes, said: str):
    declared = RowSchema(EventTime(("at",)), (Field("x", ("s", "@f", "x")),))
    (reject,) = build_decoder(declared).decode(LineBlock("a.log", 0, line)).rejects
    assert said in reject.reason


def test_a_line_over_the_limit_is_rejected_with_its_beginning_only():
    decoder = build_decoder(schema("json"), line_limit_bytes=100)
    good = f'{{"at":"{AT}","x":"a"}}'.encode()
    rows = decoder.decode(LineBlock("a.log", 0, good + b"\n" + b"y" * 101 + b"\n" + good))
    (reject,) = rows.rejects
    assert len(rows) == 2
    assert (reject.reason, reject.raw) == ("the line has `101` bytes; legal: at most 100", b"y" * 100)


def test_a_line_of_braces_is_cut_where_the_braces_lie():
    lines = ['{"a":{}', '{"b":1}}', "{}{}", f'{{"at":"{AT}","x":"a"}}', '{"a":"}', '{"}']
    rows = decode(schema("json"), "\n".join(lines))
    assert (rows.columns["x"], len(rows.rejects)) == (["a"], 5)
