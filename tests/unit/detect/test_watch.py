from typing import Any

import numpy as np
import pytest

from yeoul.detect import Alarm, Tick, Watch, WatchConfig
from yeoul.errors import ConfigError, InputError
from yeoul.store.pack import pack, unpack

WIDTH_US = 10_000_000
HOUR_US = 3_600_000_000
KEYS = np.array([7, 3, 1000, 12, 5], np.int64)


def values(i: int, level: float = 60.0) -> np.ndarray:
    return np.random.default_rng(i).poisson(level, len(KEYS)).astype(float)


def warm(watch: Watch, ticks: int = 200) -> int:
    for i in range(ticks):
        watch.tick(i * WIDTH_US, KEYS, values(i), full=True)
    return ticks * WIDTH_US


def test_a_burst_is_alarmed_with_its_numbers_and_sustained_at_the_second_tick():
    watch = Watch(WatchConfig("w"))
    at_us = warm(watch)
    burst = np.where(KEYS == 12, 240.0, 60.0)
    first = watch.tick(at_us, KEYS, burst, full=True)
    second = watch.tick(at_us + WIDTH_US, KEYS, burst, full=True)
    assert [alarm.key for alarm in first + second] == [12, 12]
    alarm = second[0]
    assert (alarm.observed, alarm.direction, alarm.sustained, first[0].sustained) == (240.0, "up", True, False)
    assert alarm.lower < alarm.expected < alarm.upper < 240
    assert alarm.score == 1.0
    assert alarm.p < 1e-6


def test_an_absent_key_is_zero_in_a_full_window_and_missing_in_a_partial_one():
    for full, alarmed in ((True, [7]), (False, [])):
        watch = Watch(WatchConfig("w"))
        at_us = warm(watch)
        rest = KEYS != 7
        alarms = watch.tick(at_us, KEYS[rest], values(1)[rest], full=full)
        assert [alarm.key for alarm in alarms] == alarmed
        observed = watch.history(7)[-1, 1]
        assert (observed == 0) if full else np.isnan(observed)


@pytest.mark.parametrize("detectors", [("seasonal", "kmeans"), ("novelty",), ("polynomial",), ("spectral", "seasonal")])
def test_partly_covered_windows_teach_nothing_and_only_a_value_above_expected_is_alarmed(detectors: tuple[str, ...]):
    watch = Watch(WatchConfig("w", detectors=detectors))
    at_us = warm(watch)
    before = watch.current(KEYS)[:, 1:]
    for i in range(200):
        half = np.where(i % 2, values(i), values(i) / 2)
        assert watch.tick(at_us + i * WIDTH_US, KEYS, half, full=False) == []
    np.testing.assert_allclose(watch.current(KEYS)[:, 1], before[:, 0], rtol=0.15)
    odd = np.where(KEYS == 12, 400.0, np.where(KEYS == 5, 0.0, 60.0))
    alarms = [alarm for i in (200, 201) for alarm in watch.tick(at_us + i * WIDTH_US, KEYS, odd, full=False)]
    assert [(alarm.key, alarm.direction, alarm.sustained) for alarm in alarms] == [(12, "up", False), (12, "up", True)]
    assert np.isnan(watch.current(np.array([5]))[0, 0])


def test_of_a_key_that_is_not_known_yet_a_partly_covered_window_says_nothing():
    watch = Watch(WatchConfig("w", detectors=("spectral",), min_confidence=0.0, alarms_per_day=1e6))
    for i in range(10):
        assert watch.tick(i * WIDTH_US, KEYS, values(i), full=False) == []


def test_the_order_of_keys_changes_nothing():
    one, other = Watch(WatchConfig("w")), Watch(WatchConfig("w"))
    for i in range(150):
        counts = values(i)
        if i == 140:
            counts[2] = 400
        order = np.random.default_rng(i).permutation(len(KEYS))
        a = one.tick(i * WIDTH_US, KEYS, counts, full=True)
        b = other.tick(i * WIDTH_US, KEYS[order], counts[order], full=True)
        assert [(x.key, x.observed, x.detector) for x in a] == [(x.key, x.observed, x.detector) for x in b]
        np.testing.assert_allclose([x.p for x in a], [x.p for x in b], rtol=1e-6)


def test_history_holds_the_last_60_ticks_and_current_the_last():
    watch = Watch(WatchConfig("w"))
    at_us = warm(watch, 100)
    rows = watch.history(1000)
    assert rows.shape == (60, 5)
    assert rows[-1, 0] == at_us - WIDTH_US
    assert rows[0, 0] == at_us - 60 * WIDTH_US
    assert (rows[:, 3] <= rows[:, 2]).all()
    assert (rows[:, 2] <= rows[:, 4]).all()
    np.testing.assert_array_equal(watch.current(np.array([1000, 99])), [rows[-1, 1:], [np.nan] * 4])
    assert watch.history(99).shape == (0, 5)


def test_a_young_key_has_only_its_own_ticks():
    watch = Watch(WatchConfig("w"))
    at_us = warm(watch, 30)
    watch.tick(at_us, np.append(KEYS, 77), np.append(values(1), 5.0), full=True)
    assert watch.history(77)[:, 1].tolist() == [5.0]


def test_a_restored_watch_continues_identically():
    watch = Watch(WatchConfig("w"))
    at_us = warm(watch)
    other = Watch(WatchConfig("w"))
    other.restore(unpack(pack(watch.snapshot())))
    for i in range(40):
        row = values(i, 60.0 if i < 20 else 200.0)
        assert watch.tick(at_us + i * WIDTH_US, KEYS, row, full=True) == other.tick(
            at_us + i * WIDTH_US, KEYS, row, full=True
        )
    np.testing.assert_array_equal(watch.history(5), other.history(5))


def test_the_keys_judged_together_are_those_of_the_last_window_and_survive_a_restart():
    watch, other = Watch(WatchConfig("w")), Watch(WatchConfig("w"))
    for i in range(100):
        watch.tick(i * WIDTH_US, KEYS, values(i, level=5.0), full=True)
    other.restore(unpack(pack(watch.snapshot())))
    assert sorted(watch.small) == sorted(other.small) == sorted(KEYS)
    watch.tick(100 * WIDTH_US, KEYS, values(100, level=5.0), full=False)
    other.silence(100 * WIDTH_US, 101 * WIDTH_US, full=False)
    assert len(watch.small) == len(other.small) == 0


def test_a_silence_with_full_coverage_drops_every_key_to_zero_and_is_alarmed():
    watch = Watch(WatchConfig("w"))
    at_us = warm(watch)
    found = watch.silence(at_us, at_us + 3 * WIDTH_US, full=True)
    assert [start for start, _ in found] == [at_us + i * WIDTH_US for i in range(3)]
    assert {alarm.key for alarm in found[0][1]} == set(KEYS.tolist())
    assert all(alarm.direction == "down" for alarm in found[0][1])


@pytest.mark.slow
def test_however_a_silence_is_cut_into_runs_the_result_is_the_same():
    cuts = ([500], [100, 400], [1] * 60 + [440])
    seen = []
    for cut in cuts:
        watch = Watch(WatchConfig("w", silence_ticks=200))
        at_us, alarms = warm(watch), []
        for ticks in cut:
            alarms += watch.silence(at_us, at_us + ticks * WIDTH_US, full=True)
            at_us += ticks * WIDTH_US
        seen.append((alarms, watch.tick(at_us, KEYS, values(5), full=True), watch.history(7).tolist()))
    assert repr(seen[0]) == repr(seen[1]) == repr(seen[2])
    assert len(seen[0][0]) <= 200


def test_nothing_is_known_of_a_silence_without_full_coverage():
    watch = Watch(WatchConfig("w"))
    at_us = warm(watch)
    later_us = at_us + 365 * 24 * HOUR_US
    assert watch.silence(at_us, later_us, full=False) == []
    assert watch.tick(later_us, KEYS, values(1), full=False) == []


def test_a_key_absent_for_more_than_a_day_is_forgotten():
    watch = Watch(WatchConfig("w", width_us=600_000_000))
    watch.tick(0, KEYS, values(1), full=True)
    stays = KEYS[:2]
    for i in range(1, 25 * 6 + 7):
        watch.tick(i * 600_000_000, stays, np.array([50.0, 60.0]), full=True)
    assert watch.keys.tolist() == sorted(stays.tolist())
    assert watch.history(5).shape == (0, 5)


@pytest.mark.parametrize("hours", [24, 48, 168])
def test_windows_wider_than_a_day_are_watched_too(hours: int):
    watch = Watch(WatchConfig("w", width_us=hours * HOUR_US))
    for i in range(60):
        assert watch.tick(i * hours * HOUR_US, KEYS, values(i), full=True) == []
    burst = np.where(KEYS == 12, 240.0, 60.0)
    assert [alarm.key for alarm in watch.tick(60 * hours * HOUR_US, KEYS, burst, full=True)] == [12]


def test_those_absent_longest_make_room_when_the_table_is_full():
    watch = Watch(WatchConfig("w", max_keys=3))
    for i, keys in enumerate(([1, 2, 3], [2, 3], [3, 4], [5, 6, 7, 8])):
        watch.tick(i * WIDTH_US, np.array(keys), np.full(len(keys), 9.0), full=True)
        assert len(watch.keys) <= 3
        if i == 2:
            assert watch.keys.tolist() == [2, 3, 4]
    assert watch.keys.tolist() == [5, 6, 7]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"alarms_per_day": 0}, "alarms_per_day"),
        ({"persist": (3, 2)}, "persist"),
        ({"persist": (2, 9)}, "persist"),
        ({"detectors": ()}, "detectors"),
        ({"min_effect": -1.0}, "min_effect"),
        ({"min_confidence": 2.0}, "min_confidence"),
    ],
)
def test_a_declaration_that_cannot_mean_anything_is_refused(change: dict, told: str):
    with pytest.raises(ConfigError, match=told):
        WatchConfig("w", **change)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        WatchConfig("w", alarms_per_day=0, min_effect=-1, max_keys=0)
    assert len(caught.value.problems) == 3


def test_an_unknown_detector_is_named_with_the_nearest_legal_one():
    with pytest.raises(ConfigError, match="did you mean `seasonal`"):
        Watch(WatchConfig("w", detectors=("seasonl",)))


@pytest.mark.parametrize(
    ("start_us", "keys", "told"),
    [
        (0, [1, 2], "order of time"),
        (WIDTH_US, [1, 1], "twice"),
        (WIDTH_US, [-1, 2], "negative"),
        (WIDTH_US, [1], "values"),
    ],
)
def test_windows_that_break_the_promise_are_refused(start_us: int, keys: list[int], told: str):
    watch = Watch(WatchConfig("w"))
    watch.tick(0, KEYS, values(0), full=True)
    with pytest.raises(InputError, match=told):
        watch.tick(start_us, np.array(keys), np.array([5.0, 6.0]), full=True)


@pytest.mark.parametrize("detector", ["seasonal", "kmeans"])
def test_one_absurd_value_ends_nothing_and_the_range_stays_where_it_was(detector: str):
    watch = Watch(WatchConfig("w", detectors=(detector,)))
    at_us = warm(watch)
    seen = np.where(KEYS == 12, 1e308, values(1))
    assert [alarm.observed for alarm in watch.tick(at_us, KEYS, seen, full=True)] == [1e37]
    for i in range(1, 10):
        watch.tick(at_us + i * WIDTH_US, KEYS, values(i), full=True)
    assert watch.current(np.array([12]))[0, 1:] == pytest.approx(watch.current(np.array([7]))[0, 1:], rel=0.3)


def test_two_detectors_share_the_error_between_them():
    alone, both = Watch(WatchConfig("w", detectors=("seasonal",))), Watch(WatchConfig("w"))
    at_us = warm(alone)
    warm(both)
    burst = np.where(KEYS == 12, 130.0, 60.0)
    one: list[Alarm] = alone.tick(at_us, KEYS, burst, full=True)
    two = both.tick(at_us, KEYS, burst, full=True)
    assert two[0].p == pytest.approx(2 * one[0].p) or two[0].detector == "kmeans"


def test_two_detectors_of_which_one_says_nothing_alarm_as_the_other_alone_does():
    level = np.append(np.full(300, 200.0), np.full(20, 0.3))  # `spectral` follows the 256 largest

    def alarms(*detectors: str) -> list[tuple[int, bool]]:
        watch, rng = Watch(WatchConfig("w", detectors=detectors, alarms_per_day=20)), np.random.default_rng(0)
        found = []
        for i in range(300):
            row = rng.poisson(level).astype(float)
            row[310] = 40.0 if i >= 200 and i % 8 == 0 else row[310]
            said = watch.tick(i * WIDTH_US, np.arange(320), row, full=True)
            found += [(i, alarm.sustained) for alarm in said if alarm.key == 310]
        return found

    alone = alarms("seasonal")
    assert len(alone) == 13
    assert not any(sustained for _, sustained in alone)
    assert alarms("spectral", "seasonal") == alone


@pytest.mark.slow
@pytest.mark.parametrize("detectors", [("seasonal", "kmeans"), ("kmeans", "seasonal"), ("seasonal",), ("kmeans",)])
def test_what_need_not_be_evaluated_changes_nothing(detectors: tuple[str, ...], monkeypatch: pytest.MonkeyPatch):
    def run() -> tuple[list[object], dict[str, Any]]:
        rng = np.random.default_rng(3)
        watch = Watch(WatchConfig("rare", detectors=detectors, alarms_per_day=50.0, min_volume=5.0))
        level = 60.0 / np.arange(1, 400)
        found: list[object] = []
        for i in range(240):
            value = rng.poisson(level).astype(float)
            if i > 200:
                value[[3, 40, 390]] += [0.0, 30.0, 12.0]
                value[1] = 0.0
            present = np.flatnonzero(value)
            found.append(watch.tick(i * 10_000_000, present, value[present], full=i % 50 != 49))
            found.append((watch.scope, watch.threshold))
        return found, watch.snapshot()

    found, state = run()
    asked = Tick.asked
    monkeypatch.setattr(Tick, "asked", lambda self, *args: np.ones_like(asked(self, *args)))
    all_found, all_state = run()
    assert found == all_found
    assert any(alarms for alarms in found if isinstance(alarms, list))
    for name in ("detectors", "policy", "history"):
        assert repr(state[name]) == repr(all_state[name])
