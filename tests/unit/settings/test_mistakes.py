"""Each mistake in a workspace file is told with its place, what was got and what is legal, and once."""

from __future__ import annotations

from pathlib import Path

import pytest

from yeoul.errors import ConfigError
from yeoul.settings import load_workspace

GOOD = """\
[stream.hits]
source      = { kind = "files", path = "logs/*.ndjson" }
event_time  = { path = "_source.logdate", format = "%Y-%m-%d %H:%M:%S.%f", timezone = "Asia/Seoul" }
fields      = { cpk = "_source.@fields.params.cpk", base_mck = "_source.@fields.params.base_mck",
                hit = { path = "_source.@fields.params.hit", type = "int" } }   # a line break, as TOML 1.1 allows
keys        = ["cpk", "base_mck"]
window      = "10s"
delay       = "10s"
aggregates  = { plays = "count()", hits = "sum(hit)" }

[detect.customers]
stream = "hits"
by     = ["cpk"]
value  = "hits"
detectors      = ["seasonal", "kmeans"]
alarms_per_day = 1
min_volume     = 20
min_effect     = 0.2
persist        = "2 of 3"

[rank.hot]
stream = "hits"
by     = ["base_mck"]
within = ["cpk"]
value  = "plays"
half_life = "10m"
top    = 10

[lookup.titles]
path = "titles.csv"
key  = "base_mck"
name = "title"

[notify.ops]
kind = "webhook"
url  = "http://127.0.0.1:9000/alarm"
"""

MISTAKES = {
    "an unknown section": ("[rank.hot]", "[ranks.hot]", "`ranks` (line 21): unknown section", "did you mean `rank`?"),
    "an unknown key": ("delay ", "dely", "`stream.hits.dely` (line 8): unknown key", "did you mean `delay`?"),
    "a bad duration": (
        'delay       = "10s"',
        'delay = "10 sec"',
        "`stream.hits.delay` (line 8): got the duration `10 sec`",
        "us, ms, s",
    ),
    "a duration without unit": (
        'delay       = "10s"',
        "delay = 10",
        "`stream.hits.delay` (line 8): got the duration `10`",
        "`10s`",
    ),
    "a delay of zero": ('delay       = "10s"', 'delay = "0s"', "`stream.hits.delay` (line 8)", "above zero"),
    "a slide that does not divide": (
        'window      = "10s"',
        'window = { size = "1m", slide = "7s" }',
        "`stream.hits.window.slide` (line 7): got `7s`",
        "divisor",
    ),
    "a bad window": (
        'window      = "10s"',
        'window = "wide"',
        "`stream.hits.window` (line 7): got the duration `wide`",
        "legal",
    ),
    "a window without size": (
        'window      = "10s"',
        'window = { slide = "7s" }',
        "`stream.hits.window` (line 7): `size` is missing",
        "legal",
    ),
    "an unknown source": (
        'kind = "files"',
        'kind = "file"',
        "`stream.hits.source.kind` (line 2): got `file`",
        "did you mean `files`?",
    ),
    "a source that is a text": (
        '{ kind = "files", path = "logs/*.ndjson" }',
        '"logs/*"',
        "`stream.hits.source` (line 2): got `logs/*`",
        "a table, such as `{ kind =",
    ),
    "a source without path": (
        ', path = "logs/*.ndjson"',
        "",
        "`stream.hits.source` (line 2): `path` is missing",
        "glob",
    ),
    "an unknown line format": (
        '"logs/*.ndjson"',
        '"x", format = "jsn"',
        "`stream.hits.source.format` (line 2): got `jsn`",
        "did you mean `json`?",
    ),
    "a pattern that is missing": (
        '"logs/*.ndjson"',
        '"x", format = "pattern"',
        "`stream.hits.source.pattern` (line 2)",
        "named groups",
    ),
    "an unknown zone": (
        "Asia/Seoul",
        "Asia/Soul",
        "`stream.hits.event_time.timezone` (line 3): got the timezone `Asia/Soul`",
        "did you mean `Asia/Seoul`?",
    ),
    "a bad field path": (
        '"_source.@fields.params.cpk"',
        '"a..b"',
        "`stream.hits.fields.cpk.path` (line 4): got the field path `a..b`",
        "dots",
    ),
    "a bad field type": (
        'type = "int"',
        'type = "itn"',
        "`stream.hits.fields.hit.type` (line 5): got `itn`",
        "did you mean `int`?",
    ),
    "a default of another type": (
        'type = "int"',
        'type = "int", default = "x"',
        "`stream.hits.fields.hit` (line 5)",
        "`x`",
    ),
    "an undeclared key": (
        '["cpk", "base_mck"]',
        '["cpk", "base_mkc"]',
        "`stream.hits.keys` (line 6): got `base_mkc`",
        "did you mean `base_mck`?",
    ),
    "no key": ('["cpk", "base_mck"]', "[]", "`stream.hits.keys` (line 6): got none", "at least one"),
    "a key twice": ('["cpk", "base_mck"]', '["cpk", "cpk"]', "`stream.hits.keys` (line 6): got `cpk` twice", "legal"),
    "keys that are no list": (
        '["cpk", "base_mck"]',
        '"cpk"',
        "`stream.hits.keys` (line 6): got `cpk`",
        "a list of declared fields",
    ),
    "an unknown aggregate": (
        "sum(hit)",
        "summ(hit)",
        "`stream.hits.aggregates.hits` (line 9): got `summ(hit)`",
        "did you mean `sum`?",
    ),
    "an aggregate of nothing": (
        "sum(hit)",
        "sum(hitt)",
        "`stream.hits.aggregates.hits` (line 9): got `hitt`",
        "did you mean `hit`?",
    ),
    "an aggregate of a text": (
        "sum(hit)",
        "sum(cpk)",
        "`stream.hits.aggregates.hits` (line 9): got `cpk`, which is a `str`",
        '"int"',
    ),
    "an aggregate named as a key": (
        "hits = ",
        "cpk = ",
        "`stream.hits.aggregates.cpk` (line 9): got the name `cpk`",
        "not a key",
    ),
    "an aggregate with a reserved name": (
        "plays = ",
        "revision = ",
        "`stream.hits.aggregates.revision` (line 9): got the name",
        "window_start",
    ),
    "an unknown stream": (
        '[detect.customers]\nstream = "hits"',
        '[detect.customers]\nstream = "hist"',
        "`detect.customers.stream` (line 12): got `hist`",
        "did you mean `hits`?",
    ),
    "an unknown key to detect by": (
        'by     = ["cpk"]',
        'by = ["cpc"]',
        "`detect.customers.by` (line 13): got `cpc`",
        "did you mean `cpk`?",
    ),
    "an unknown value": (
        'value  = "hits"',
        'value = "hit"',
        "`detect.customers.value` (line 14): got `hit`",
        "did you mean `hits`?",
    ),
    "an unknown detector": (
        '"seasonal"',
        '"seasonl"',
        "`detect.customers.detectors` (line 15): got `seasonl`",
        "did you mean `seasonal`?",
    ),
    "no detector": ('["seasonal", "kmeans"]', "[]", "`detect.customers.detectors` (line 15)", "at least one"),
    "a budget of zero": (
        "alarms_per_day = 1",
        "alarms_per_day = 0",
        "`detect.customers.alarms_per_day` (line 16): got `0`",
        "a number above 0",
    ),
    "an effect that is a text": (
        "= 0.2",
        '= "20%"',
        "`detect.customers.min_effect` (line 18): got `20%`",
        "a number at least 0",
    ),
    "a bad persist": ('"2 of 3"', '"2/3"', "`detect.customers.persist` (line 19): got `2/3`", "`2 of 3`"),
    "an impossible persist": ('"2 of 3"', '"5 of 3"', "`detect.customers.persist` (line 19): got `5 of 3`", "k <= n"),
    "a ranking by what does not add up": (
        'plays = "count()"',
        'plays = "mean(hit)"',
        "`rank.hot.value` (line 25): got `plays`",
        "a count() or sum()",
    ),
    "a key in by and within": (
        'within = ["cpk"]',
        'within = ["base_mck"]',
        "`rank.hot.within` (line 24): got `base_mck`",
        "one of them only",
    ),
    "a short half-life": ('half_life = "10m"', 'half_life = "10ms"', "`rank.hot.half_life` (line 26)", "`1s`"),
    "no places": ("top    = 10", "top = 0", "`rank.hot.top` (line 27): got `0`", "at least 1"),
    "a lookup of no key": (
        'key  = "base_mck"',
        'key = "mck"',
        "`lookup.titles.key` (line 31): got `mck`",
        "`base_mck`",
    ),
    "an unknown notifier": (
        '"webhook"',
        '"webhok"',
        "`notify.ops.kind` (line 35): got `webhok`",
        "did you mean `webhook`?",
    ),
    "an address that is none": (
        '"http://127.0.0.1:9000/alarm"',
        '"127.0.0.1:9000"',
        "`notify.ops.url` (line 36): got `127.0.0.1:9000`",
        "http://",
    ),
    "a secret that is not set": (
        "/alarm",
        "/${ALARM_TOKEN}",
        "`notify.ops.url` (line 36): got `${ALARM_TOKEN}`",
        "environment",
    ),
    "a missing member": ('value  = "plays"\n', "", "`rank.hot` (line 21): `value` is missing", "count()"),
    "a block without a name": (
        "[lookup.titles]",
        "[lookup]",
        "`lookup.path` (line 30): got `titles.csv`",
        "`[lookup.NAME]`",
    ),
    "an open console": (
        "[lookup.titles]",
        '[console]\nhost = "0.0.0.0"\n[lookup.titles]',
        "`console.host` (line 30): got `0.0.0.0`",
        "YEOUL_PASSWORD",
    ),
    "a bad port": (
        "[lookup.titles]",
        "[console]\nport = 99999\n[lookup.titles]",
        "`console.port` (line 30): got `99999`",
        "65535",
    ),
    "a bad size": (
        "[lookup.titles]",
        '[engine]\nquarantine_cap = "9 gigs"\n[lookup.titles]',
        "`engine.quarantine_cap` (line 30): got the size `9 gigs`",
        "`256MB`",
    ),
    "a bad start": (
        "delay ",
        'start = "erliest"\ndelay ',
        "`stream.hits.start` (line 8): got `erliest`",
        "did you mean `earliest`?",
    ),
    "an undeclared event id": (
        "delay ",
        'event_id = "id"\ndelay ',
        "`stream.hits.event_id` (line 8): got `id`",
        "a declared field",
    ),
    "an undeclared field to mask": (
        "delay ",
        'redact = ["ip"]\ndelay ',
        "`stream.hits.redact` (line 8): got `ip`",
        "a declared field",
    ),
    "retention shorter than lateness": (
        "delay ",
        'allowed_lateness = "2h"\nretention = "1h"\ndelay ',
        "`stream.hits.retention` (line 9)",
        "allowed_lateness",
    ),
}


def _problems(folder: Path, text: str) -> tuple[str, ...]:
    (folder / "yeoul.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_workspace(folder, {})
    return caught.value.problems


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_what_is_legal(tmp_path: Path, case: str):
    old, new, place_and_got, legal = MISTAKES[case]
    assert old in GOOD
    problems = _problems(tmp_path, GOOD.replace(old, new, 1))
    assert any(text.startswith(place_and_got) and legal in text for text in problems), problems


@pytest.mark.parametrize("case", [case for case in MISTAKES if "block without" not in case])
def test_one_mistake_gives_one_sentence_only(tmp_path: Path, case: str):
    old, new, *_ = MISTAKES[case]
    told = _problems(tmp_path, GOOD.replace(old, new, 1))
    # a name that is wrong where it is declared is also missed where it is used
    used_elsewhere = {
        "an aggregate named as a key",
        "an aggregate with a reserved name",
        "an unknown key",
        "an undeclared key",
    }
    assert len(told) == 1 or case in used_elsewhere, told


def told(folder: Path, text: str) -> tuple[str, ...]:
    (folder / "yeoul.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_workspace(folder, environ={})
    return caught.value.problems


def test_one_mistake_in_a_block_does_not_hide_the_others(tmp_path: Path):
    text = GOOD
    for old, new in {
        "Asia/Seoul": "Asia/Soul",
        "%Y-%m-%d %H:%M:%S.%f": "isoo",
        "aggregates ": 'where = "hit >"\naggregates',
        'value  = "hits"': 'value = "hitz"',
        '"seasonal"': '"seasonl"',
        "alarms_per_day = 1": "alarms_per_day = -1",
        'within = ["cpk"]': 'within = ["cpkk"]',
        "top    = 10": 'top = "x"',
        'key  = "base_mck"': 'key = "mck"',
        'path = "titles.csv"': "path = 3",
        'kind = "webhook"': 'kind = "webhok"\ndetect = ["customer"]',
        "http://127.0.0.1:9000/alarm": "${NOWHERE}",
    }.items():
        assert old in text
        text = text.replace(old, new)
    problems = "\n".join(told(tmp_path, text))
    for said in (
        "`stream.hits.event_time.timezone` (line 3): got the timezone `Asia/Soul`",
        "`stream.hits.event_time.format` (line 3): got the time format `isoo`",
        "did you mean `iso`?",
        "`stream.hits.where` (line 9): `where`: got `hit >`",
        "`detect.customers.value` (line 15): got `hitz`",
        "`detect.customers.detectors` (line 16): got `seasonl`",
        "`detect.customers.alarms_per_day` (line 17): got `-1`",
        "`rank.hot.within` (line 25): got `cpkk`",
        "`rank.hot.top` (line 28): got `x`",
        "`lookup.titles.path` (line 31): got `3`",
        "`lookup.titles.key` (line 32): got `mck`",
        "`notify.ops.kind` (line 36): got `webhok`",
        "`notify.ops.detect` (line 37): got `customer`",
        "`notify.ops.url` (line 38): got `${NOWHERE}`",
    ):
        assert said in problems
    assert len(problems.splitlines()) == 13


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'delay       = "10s"',
            'window = "1m"',
            "`stream.hits.window` stands on line 7 and again on line 8; legal: once",
        ),
        ("[rank.hot]", "[detect.customers]", "`detect.customers` stands on line 11 and again on line 21"),
        ("[rank.hot]", "[rank]\nhot = 1\n[rank.hot]", "`rank.hot` stands on line 22 and again on line 23"),
        (
            'kind = "files"',
            'kind = "files", kind = "x"',
            "`stream.hits.source.kind` stands on line 2 and again on line 2",
        ),
    ],
)
def test_what_stands_twice_is_told_with_both_lines(tmp_path: Path, old: str, new: str, said: str):
    assert said in told(tmp_path, GOOD.replace(old, new))[0]


def test_of_a_log_given_as_a_workspace_only_the_beginning_of_the_line_is_shown(tmp_path: Path):
    (problem,) = told(tmp_path, '{"a": "' + "x" * 5000 + '"}')
    assert "is not TOML at line 1" in problem
    assert len(problem) < 500


def test_a_lookup_whose_file_lacks_the_column_is_noted(tmp_path: Path):
    (tmp_path / "yeoul.toml").write_text(GOOD)
    (tmp_path / "titles.csv").write_text("base_mck,titel\nM1,A river\n")
    (note,) = load_workspace(tmp_path, environ={}).warnings
    assert "has no column `title`" in note
    assert "it has `base_mck`, `titel`; did you mean `titel`?" in note
    (tmp_path / "titles.csv").write_text("base_mck,title\n")
    assert load_workspace(tmp_path, environ={}).warnings == ()
