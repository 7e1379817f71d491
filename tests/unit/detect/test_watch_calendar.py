"""What the calendar does to a watch: muted keys are seen and not learnt, restarted ones begin anew."""

from __future__ import annotations

import numpy as np
import pytest

from yeoul.detect import Alarm, Watch, WatchConfig
from yeoul.store.pack import pack, unpack

WIDTH_US = 10_000_000
KEYS = np.arange(30, dtype=np.int64)
NOBODY = np.zeros(0, np.int64)


def warm(watch: Watch, ticks: int = 200) -> None:
    for i in range(ticks):
        step(watch, i)


def step(watch: Watch, i: int, *, level: float = 60.0, muted: np.ndarray | None = NOBODY, key: int = 3) -> list[Alarm]:
    value = np.random.default_rng(i).poisson(np.where(key == KEYS, level, 60.0)).astype(float)
    return watch.tick(i * WIDTH_US, KEYS[value > 0], value[value > 0], full=True, muted=muted)


@pytest.mark.parametrize("muted", [np.array([3]), None])
def test_muted_keys_are_alarmed_with_a_mark_and_teach_nothing(muted: np.ndarray | None):
    watch, other = Watch(WatchConfig("w")), Watch(WatchConfig("w"))
    for each in (watch, other):
        warm(each)
    before = watch.current(np.array([3]))[0, 1]
    for i in range(200, 400):
        alarms = step(watch, i, level=0.0, muted=muted)
        assert {(alarm.key, alarm.muted, alarm.sustained, alarm.direction) for alarm in alarms} == {
            (3, True, False, "down")
        }
    assert watch.counts["muted"] == 1
    # back to normal: neither the level nor the range has moved, and nothing is alarmed
    assert [alarm for i in range(400, 420) for alarm in step(watch, i)] == []
    assert watch.current(np.array([3]))[0, 1] == pytest.approx(before, rel=0.15)


def test_without_a_calendar_the_same_is_learnt_and_opens():
    watch = Watch(WatchConfig("w"))
    warm(watch)
    assert any(alarm.sustained for i in range(200, 205) for alarm in step(watch, i, level=0.0))


@pytest.mark.parametrize("keys", [np.array([3]), None])
def test_a_level_that_begins_anew_is_not_alarmed_and_soon_known(keys: np.ndarray | None):
    watch = Watch(WatchConfig("w"))
    warm(watch)
    watch.restart(keys)
    assert [alarm for i in range(200, 300) for alarm in step(watch, i, level=200.0) if alarm.key == 3] == []
    assert watch.current(np.array([3]))[0, 1] == pytest.approx(200, rel=0.1)
    assert {alarm.key for i in range(300, 303) for alarm in step(watch, i, level=600.0)} == {3}


def test_a_restart_of_the_engine_within_a_muted_time_changes_nothing():
    one, other = Watch(WatchConfig("w")), Watch(WatchConfig("w"))
    warm(one)
    step(one, 200, level=0.0, muted=None)
    other.restore(unpack(pack(one.snapshot())))
    for i in range(201, 240):
        muted = None if i < 220 else NOBODY
        assert step(one, i, level=0.0, muted=muted) == step(other, i, level=0.0, muted=muted)


def test_what_became_of_a_key_can_be_asked():
    watch = Watch(WatchConfig("w"))
    warm(watch)
    step(watch, 200, level=0.0)
    told, usual = watch.told(3), watch.told(5)
    assert told is not None
    assert usual is not None
    assert (told.rule, told.observed, usual.rule) == ("single", 0.0, "usual")
    assert told.lower <= told.expected <= told.upper
    assert told.p < 1e-6 < usual.p
    assert watch.told(99) is None
