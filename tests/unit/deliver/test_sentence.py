"""The sentence for people says what is known and leaves out what is not."""

from __future__ import annotations

from typing import Any

import pytest

from yeoul.deliver.sentence import sentence

CASES: list[tuple[dict[str, Any], str]] = [
    ({}, "Changed: unknown"),
    ({"change": "closed", "keys": [{"cpk": "a"}]}, "Over: cpk a"),
    ({"change": "opened", "keys": [{"cpk": "a", "mck": "b"}]}, "Abnormal: cpk a, mck b"),
    (
        {"change": "grown", "keys": [{"c": str(n)} for n in range(5)], "keys_total": 40},
        "Still abnormal, more of it: c 0; c 1; c 2 and 37 more",
    ),
    (
        {"change": "opened", "keys": [{"c": "a"}], "observed": 0.0, "expected": 310.0},
        "Abnormal: c a, observed 0 where 310 is normal",
    ),
    (
        {"change": "opened", "keys": [{"c": "a"}], "observed": 10.0, "expected": 0.0},
        "Abnormal: c a, observed 10 where 0 is normal",
    ),
    (
        {"change": "opened", "keys": [{"c": "a"}], "observed": None, "expected": 3.0, "since": "2026-03-02T11:10:00Z"},
        "Abnormal: c a, since 2026-03-02T11:10:00Z",
    ),
    (
        {"change": "opened", "keys": [{"c": "a"}], "contributors": [{"key": {"mck": "t1"}, "share": 0.9}]},
        "Abnormal: c a, most of it mck t1",
    ),
    (
        {
            "change": "opened",
            "keys": [{"c": "a"}, {"c": "b"}],
            "contributors": [{"key": {"mck": "t1"}, "share": 0.9}],
            "causes": [
                {"key": {"mck": "t1"}, "direction": "lost", "keys": 84, "of": 91, "since": "2026-03-02T20:10:00Z"}
            ],
        },
        "Abnormal: c a; c b, 84 of 91 lost mck t1 at 2026-03-02T20:10:00Z",
    ),
]


@pytest.mark.parametrize(("body", "text"), CASES)
def test_a_change_in_one_sentence(body: dict[str, Any], text: str):
    assert sentence(body) == text


def test_a_drift_of_the_schema_says_stream_share_reason_and_since_when():
    body = {"stream": "hits", "share": 0.1234, "reason": "`cpk` is missing", "since": "2026-03-02T11:10:00Z", "rows": 9}
    assert sentence({"change": "drift_began", **body}) == (
        "Schema drift in stream hits: 12.3% of its rows refused since 2026-03-02T11:10:00Z: `cpk` is missing"
    )
    assert sentence({"change": "drift_ended", **body}) == (
        "Over: schema drift in stream hits, 9 rows refused since 2026-03-02T11:10:00Z: `cpk` is missing"
    )
