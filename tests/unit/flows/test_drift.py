"""When refused rows are an alarm, and when they are the usual dirt."""

from __future__ import annotations

import numpy as np
import pytest

from yeoul.events import Reject, Rows
from yeoul.flows.drift import Alarm, Drift, Refusals

S = 1_000_000
MISSING = "`cpk` (params.cpk) is missing"
FIELDS = ["cpk", "mck", "hit"]


def rows(good: int, *bad: str) -> Rows:
    rejects = [Reject("a.log", 0, reason, b"") for reason in bad]
    return Rows(np.zeros(good, np.int64), {}, "a.log", np.zeros(good, np.int64), lambda _: b"", rejects=rejects)


class Service:
    """A stream that is read second by second."""

    def __init__(self, alarms: dict[str, Alarm] | None = None) -> None:
        self.now_s = 0
        self.drift = Drift(FIELDS, {} if alarms is None else alarms, 0)
        self.told: list[tuple[int, str, list[str]]] = []

    def run(self, seconds: int, **splits: tuple[int, list[str]]) -> Service:
        for _ in range(seconds):
            self.now_s += 1
            seen = Refusals()
            for split, (good, bad) in splits.items():
                seen.note(split, rows(good, *bad))
            changes = self.drift.look(seen, self.now_s * S, self.now_s * S)
            self.told += [(self.now_s, change, alarm.fields) for change, alarm in changes]
        return self


def test_a_field_that_vanishes_is_told_within_seconds_with_its_name_and_share():
    service = Service().run(60, a=(100, [])).run(3, a=(50, [MISSING] * 50))
    assert service.told == [(62, "began", ["cpk"])]
    (alarm,) = service.drift.alarms.values()
    assert (alarm.reason, alarm.since_us, alarm.rows, alarm.splits) == (MISSING, 61 * S, 150, ["a"])
    assert alarm.share == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize("bad_of_ten_thousand", [5, 50, 90])
def test_steady_dirt_is_no_alarm(bad_of_ten_thousand: int):
    rng = np.random.default_rng(7)
    service = Service()
    for _ in range(600):
        bad = int(rng.binomial(1000, bad_of_ten_thousand / 10_000))
        service.run(1, a=(1000 - bad, [MISSING] * bad))
    assert service.told == []


def test_a_few_rows_of_a_slow_stream_are_no_alarm():
    assert Service().run(120, a=(1, [])).run(9, a=(0, [MISSING])).told == []


def test_one_host_of_many_that_drifts_is_told():
    hosts = {f"h{number}": (20, []) for number in range(200)}
    service = Service().run(40, **hosts).run(12, **{**hosts, "h7": (0, [MISSING] * 20)})
    assert [(at_s <= 50, change) for at_s, change, _ in service.told] == [(True, "began")]
    (alarm,) = service.drift.alarms.values()
    assert alarm.splits == ["h7"]


def test_dirt_that_grows_far_beyond_the_usual_is_an_alarm_and_a_little_more_is_none():
    service = Service().run(600, a=(995, [MISSING] * 5)).run(60, a=(985, [MISSING] * 15))
    assert service.told == []
    assert service.run(30, a=(900, [MISSING] * 100)).told[0][1:] == ("began", ["cpk"])


def test_reasons_that_differ_only_in_what_was_got_are_one():
    bad = [f"`hit`: got the text `{number} GB`; legal: an integer of at most 64 bits" for number in range(10)]
    service = Service().run(3, a=(100, bad))
    assert service.told == [(2, "began", ["hit"])]


def test_several_fields_of_one_row_are_one_alarm_that_names_them_all():
    service = Service().run(2, a=(10, [f"{MISSING}; `mck` is missing"] * 10))
    assert service.told == [(1, "began", ["cpk", "mck"])]


def test_what_is_no_line_at_all_names_no_field():
    service = Service().run(2, a=(10, ["the line is not JSON: invalid character at byte 7"] * 10))
    assert service.told == [(1, "began", [])]


def test_it_ends_when_rows_have_been_good_for_a_while():
    service = Service().run(10, a=(10, [MISSING] * 10)).run(120, a=(20, []))
    assert [change for _, change, _ in service.told] == ["began", "ended"]
    assert 60 <= service.told[1][0] <= 75
    assert service.drift.alarms == {}


def test_silence_does_not_end_it():
    service = Service().run(10, a=(10, [MISSING] * 10)).run(600)
    assert [change for _, change, _ in service.told] == ["began"]


def test_bursts_that_return_are_one_alarm():
    service = Service()
    for _ in range(10):
        service.run(5, a=(10, [MISSING] * 10)).run(30, a=(20, []))
    assert [change for _, change, _ in service.told] == ["began"]


def test_an_alarm_of_before_a_restart_is_not_told_again():
    before = Service().run(5, a=(10, [MISSING] * 10))
    after = Service(before.drift.alarms).run(5, a=(10, [MISSING] * 10))
    assert after.told == []
    assert after.run(120, a=(20, [])).told[0][1] == "ended"


def test_redriven_it_is_over_at_once_and_does_not_begin_again():
    service = Service().run(5, a=(10, [MISSING] * 10))
    assert service.drift.mended([MISSING]) == []
    assert [change for change, _ in service.drift.mended(["another"])] == ["ended"]
    assert service.run(60, a=(20, [])).told == [(1, "began", ["cpk"])]


def test_reasons_without_end_take_no_memory_without_end():
    service = Service().run(5, a=(100, [f"`hit` is odd in the way {number}" for number in range(5000)]))
    assert service.told == []
    service = Service().run(5, a=(100, [f"`hit` is odd in the way {number % 30}" for number in range(5000)]))
    assert len(service.drift.alarms) == 8
