"""Many keys too small to be judged alone are judged by their sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from yeoul.detect import Alarm, Watch, WatchConfig
from yeoul.detect.together import TOGETHER
from yeoul.store.pack import pack, unpack

WIDTH_US = 10_000_000
KEYS = np.arange(120, dtype=np.int64)
LEVEL = np.concatenate([np.full(5, 80.0), np.full(115, 4.0)])


def run(watch: Watch, first: int, last: int, factor: Any = 1.0, seed: int = 1) -> list[Alarm]:
    found = []
    for i in range(first, last):
        value = np.random.default_rng([seed, i]).poisson(LEVEL * factor).astype(float)
        found += watch.tick(i * WIDTH_US, KEYS[value > 0], value[value > 0], full=True)
    return found


def outage(share: float) -> np.ndarray:
    return np.where((KEYS >= 5) & (5 + share * 115 > KEYS), 0.0, 1.0)


def test_an_outage_of_small_keys_is_one_alarm_that_names_them():
    watch = Watch(WatchConfig("w"))
    assert run(watch, 0, 200) == []
    alarms = run(watch, 200, 204, outage(0.5))
    assert {alarm.key for alarm in alarms} == {TOGETHER}
    alarm = alarms[-1]
    assert (alarm.detector, alarm.direction, alarm.sustained) == ("together", "down", True)
    assert alarm.upper > alarm.expected > alarm.lower > alarm.observed
    lost = {int(key) for key in KEYS[outage(0.5) == 0]}
    assert len(alarm.parts) == 10
    assert len({key for key, *_ in alarm.parts} & lost) >= 7
    assert TOGETHER not in watch.keys
    assert len(watch.history(TOGETHER)) == 60


def test_a_small_key_that_is_alarmed_by_itself_is_not_told_as_a_part_of_the_sum():
    watch = Watch(WatchConfig("w"))
    run(watch, 0, 200)
    alarms = run(watch, 200, 206, np.where(KEYS == 7, 60.0, 1.0))
    assert {alarm.key for alarm in alarms} == {7}
    assert 7 not in watch.small
    assert len(watch.small) > 100


def test_a_burst_of_one_does_not_hide_an_outage_of_many():
    watch = Watch(WatchConfig("w"))
    run(watch, 0, 200)
    alarms = run(watch, 200, 204, outage(0.5) + np.where(KEYS == 100, 58.0, 0.0))
    assert {(alarm.key, alarm.direction) for alarm in alarms} == {(100, "up"), (TOGETHER, "down")}


def test_without_it_nobody_is_told():
    watch = Watch(WatchConfig("w", together=False))
    assert run(watch, 0, 200) + run(watch, 200, 210, outage(0.5)) == []


@pytest.mark.slow
def test_keys_that_come_and_go_are_no_change_of_the_sum():
    watch = Watch(WatchConfig("w"))
    grown = np.where(KEYS == 7, 5.2, 1.0)  # from 4 to 21: beyond the floor, slowly
    alarms = run(watch, 0, 150)
    for i in range(150, 550):
        alarms += run(watch, i, i + 1, 1.0 + (grown - 1.0) * min(1.0, (i - 150) / 350))
    assert [alarm for alarm in alarms if alarm.key == TOGETHER] == []


def test_a_partly_covered_window_says_nothing_of_the_sum():
    watch = Watch(WatchConfig("w"))
    run(watch, 0, 200)
    assert watch.tick(200 * WIDTH_US, KEYS[:5], LEVEL[:5], full=False) == []


def test_a_restart_changes_nothing():
    one = Watch(WatchConfig("w"))
    run(one, 0, 150)
    other = Watch(WatchConfig("w"))
    other.restore(unpack(pack(one.snapshot())))
    for watch in (one, other):
        watch.small  # noqa: B018 - what is asked of a watch leaves no trace
    assert run(one, 150, 165, outage(0.4)) == run(other, 150, 165, outage(0.4))
    assert one.counts == other.counts
