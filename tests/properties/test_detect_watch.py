import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from yeoul.detect import Watch, WatchConfig
from yeoul.store.pack import pack, unpack

WIDTH_US = 10_000_000
counts = st.dictionaries(st.integers(0, 30), st.integers(0, 500), max_size=12)
windows = st.lists(st.tuples(counts, st.booleans(), st.integers(1, 3)), min_size=1, max_size=40)


def play(watch: Watch, at_us: int, window: tuple[dict[int, int], bool, int]) -> tuple[int, list]:
    present, full, gap = window
    keys = np.array(list(present), np.int64)
    values = np.array(list(present.values()), np.float64)
    at_us += gap * WIDTH_US
    return at_us, watch.tick(at_us, keys, values, full=full)


@settings(max_examples=60, deadline=None)
@given(windows, st.integers(0, 39))
def test_a_restart_at_any_window_changes_nothing(steps: list, cut: int):
    config = WatchConfig("w", max_keys=15, min_confidence=0.0, min_volume=1.0)
    one, other = Watch(config), Watch(config)
    at_us = other_us = 0
    for i, step in enumerate(steps):
        if i == cut:
            kept = unpack(pack(other.snapshot()))
            other = Watch(config)
            other.restore(kept)
        at_us, alarms = play(one, at_us, step)
        other_us, again = play(other, other_us, step)
        assert alarms == again
    for key in one.keys:
        np.testing.assert_array_equal(one.history(int(key)), other.history(int(key)))


@settings(max_examples=60, deadline=None)
@given(windows)
def test_whatever_comes_the_numbers_stay_in_range(steps: list):
    watch = Watch(WatchConfig("w", max_keys=15, min_confidence=0.0, min_volume=1.0, min_effect=0.0, alarms_per_day=1e6))
    at_us = 0
    for step in steps:
        at_us, alarms = play(watch, at_us, step)
        for alarm in alarms:
            assert 0 < alarm.p <= 1
            assert 0 <= alarm.score <= 1
            assert 0 < alarm.confidence <= 1
            assert alarm.lower <= alarm.expected <= alarm.upper
            assert alarm.key in step[0] or (alarm.observed == 0 and step[1])
        now = watch.current(watch.keys)
        assert (now[:, 2] <= now[:, 3]).all()
        assert len(watch.keys) <= 15
        assert np.isfinite(now[:, 1:]).all()
