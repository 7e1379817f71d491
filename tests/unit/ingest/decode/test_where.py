"""`where` keeps the rows that SQL would keep, and says at once what it cannot mean."""

from __future__ import annotations

import numpy as np
import pytest

from yeoul.errors import ConfigError
from yeoul.events import Field, parse_iso
from yeoul.ingest.decode.where import compile_where

FIELDS = (
    Field("cpk", ("cpk",)),
    Field("hit", ("hit",), "int"),
    Field("rate", ("rate",), "float"),
    Field("live", ("live",), "bool"),
    Field("seen", ("seen",), "timestamp"),
)
COLUMNS = {
    "cpk": ["a", "b", "c_1", "C"],
    "hit": np.array([0, 1, -2, 1 << 62]),
    "rate": np.array([0.0, 0.5, 1.5, -1.0]),
    "live": np.array([True, False, True, False]),
    "seen": np.array([parse_iso(f"2026-03-0{day}T00:00:00Z") for day in (1, 2, 3, 4)]),
}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("hit = 1", [1]),
        ("hit <> 1", [0, 2, 3]),
        ("hit != 1", [0, 2, 3]),
        ("hit >= 0 and hit < 2", [0, 1]),
        ("hit = -2 or cpk = 'a'", [0, 2]),
        ("hit < 99999999999999999999", [0, 1, 2, 3]),
        ("hit between 0 and 1", [0, 1]),
        ("hit not between 0 and 1", [2, 3]),
        ("hit > 0.5", [1, 3]),
        ("0 < hit", [1, 3]),
        ("hit > rate", [1, 3]),
        ("cpk in ('a', 'C', 'zz')", [0, 3]),
        ("cpk not in ('a', 'C')", [1, 2]),
        ("hit in (1, -2)", [1, 2]),
        ("cpk > 'a'", [1, 2]),
        ("cpk like 'c%'", [2]),
        ("cpk like '_'", [0, 1, 3]),
        ("cpk not like 'c%'", [0, 1, 3]),
        ("cpk like '.'", []),
        ("live", [0, 2]),
        ("not live", [1, 3]),
        ("live = false", [1, 3]),
        ("live <> true", [1, 3]),
        ("not (hit = 1 or live)", [3]),
        ("not hit = 1 and live", [0, 2]),
        ("hit = 0 or hit = 1 and live", [0]),
        ("seen >= '2026-03-02T09:00:00+09:00'", [1, 2, 3]),
        ("seen between '2026-03-02' and '2026-03-03'", [1, 2]),
        ("rate = 0.5", [1]),
        ("true", [0, 1, 2, 3]),
        ("1 = 2", []),
        ("\"cpk\" = 'a'", [0]),
        ("1 in (1, 2)", [0, 1, 2, 3]),
    ],
)
def test_it_keeps_the_rows_for_which_it_is_true(text: str, rows: list[int]):
    kept = compile_where(text, FIELDS)(COLUMNS, 4)
    assert kept.dtype == np.bool_
    assert np.flatnonzero(kept).tolist() == rows


def test_of_no_rows_none_are_kept():
    empty = {name: column[:0] for name, column in COLUMNS.items()}
    assert compile_where("cpk = 'a' and hit > 1 and cpk like 'x' and cpk in ('a')", FIELDS)(empty, 0).tolist() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cpx = 'a'", "got `cpx`, which is no declared field; legal: cpk, hit, rate, live, seen; did you mean `cpk`"),
        ("hit = 'a'", "got `hit` (number) beside `'a'` (text)"),
        ("cpk = 5", "got `cpk` (text) beside `5` (number)"),
        ("live > true", "legal for truth values: = and <>"),
        ("seen > 'soon'", "got the time `soon`"),
        ("hit", "got `hit` (number) beside `TRUE` (bool)"),
        ("hit like 'a'", "a text field LIKE"),
        ("cpk like cpk", "a text field LIKE"),
        ("hit in (rate)", "legal: constants"),
        ("hit in (select 1)", "legal: =, <>"),
        ("hit + 1 = 2", "got `hit + 1` as a value"),
        ("upper(cpk) = 'A'", "as a value"),
        ("cpk is null", "legal: =, <>"),
        ("a.cpk = 'x'", "got `a.cpk` as a value"),
        ("cpk like 'a' escape 'x'", "legal: =, <>"),
        ("hit in unnest(rate)", "legal: =, <>"),
        ("select 1", "legal: =, <>"),
        ("hit = ", "which cannot be read"),
        ("hit = 1; drop table x", "legal: =, <>"),
        ("", "which cannot be read"),
        ("(" * 5000, "which cannot be read"),
    ],
)
def test_what_it_cannot_mean_is_said_when_declared(text: str, said: str):
    with pytest.raises(ConfigError) as caught:
        compile_where(text, FIELDS)
    assert said in str(caught.value)
    assert str(caught.value).startswith("`where`: got")


def test_all_mistakes_are_said_at_once():
    with pytest.raises(ConfigError) as caught:
        compile_where("cpx = 'a' and hitt = 1 and cpx = 'b'", FIELDS)
    assert [problem.split(",")[0] for problem in caught.value.problems] == ["`where`: got `cpx`", "`where`: got `hitt`"]
