"""Every built-in detector keeps the contract."""

from typing import Any

import numpy as np
import pytest

from yeoul.detect import DETECTORS, Detector, Judgement, Tick
from yeoul.plugins import resolve
from yeoul.store.pack import pack, unpack

WIDTH_US = 10_000_000
FIELDS = ("p", "expected", "lower", "upper", "confidence")


def make(name: str) -> Detector:
    return resolve("yeoul.detectors", DETECTORS, name)()


def normal(ticks: int, keys: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    level = np.geomspace(200.0, 2.0, keys)
    return rng.poisson(level * rng.gamma(50.0, 1 / 50.0, (ticks, keys))).astype(float)


def feed(detector: Detector, values: np.ndarray, alive: np.ndarray | None = None, first: int = 0) -> list[Judgement]:
    shown = np.ones(values.shape[1], bool) if alive is None else alive
    return [detector.judge(Tick((first + i) * WIDTH_US, WIDTH_US, row, shown)) for i, row in enumerate(values)]


def same(one: Judgement, other: Judgement, order: Any = slice(None), rtol: float = 0.0) -> None:
    for name in FIELDS:
        np.testing.assert_allclose(getattr(one, name)[order], getattr(other, name), rtol=rtol, atol=rtol, err_msg=name)


pytestmark = pytest.mark.parametrize("name", sorted(DETECTORS))


def test_the_suite_walks_every_detector_there_is(name: str):
    assert len(DETECTORS) == 5
    assert make(name).name == name


def test_the_same_ticks_give_the_same_judgements(name: str):
    values = normal(100, 12)
    for one, other in zip(feed(make(name), values), feed(make(name), values), strict=True):
        same(one, other)


def test_a_judgement_is_in_range_and_as_long_as_the_tick(name: str):
    values = normal(150, 12)
    values[70] = 0
    values[90] *= 5
    for judgement in feed(make(name), values):
        for field in FIELDS:
            assert getattr(judgement, field).shape == (12,)
            assert np.isfinite(getattr(judgement, field)).all()
        assert ((judgement.p > 0) & (judgement.p <= 1)).all()
        assert ((judgement.confidence >= 0) & (judgement.confidence <= 1)).all()
        assert (judgement.lower <= judgement.expected).all()
        assert (judgement.expected <= judgement.upper).all()


def test_the_order_of_slots_and_empty_slots_between_them_change_nothing(name: str):
    values = normal(200, 10)
    order = np.random.default_rng(3).permutation(10)
    places = np.sort(np.random.default_rng(4).choice(25, 10, replace=False))
    padded, alive = np.full((200, 25), np.nan), np.zeros(25, bool)
    padded[:, places], alive[places] = values[:, order], True
    plain, moved = feed(make(name), values), feed(make(name), padded, alive)
    for one, other in zip(plain, moved, strict=True):
        for field in FIELDS:
            np.testing.assert_allclose(getattr(one, field)[order], getattr(other, field)[places], rtol=1e-6, atol=1e-9)


def test_a_detector_restored_from_kept_bytes_continues_identically(name: str):
    values = normal(500, 8)
    detector = make(name)
    feed(detector, values[:400])
    again = make(name)
    again.restore(unpack(pack(detector.snapshot())))
    for one, other in zip(feed(detector, values[400:], first=400), feed(again, values[400:], first=400), strict=True):
        same(one, other)


def test_a_snapshot_does_not_change_while_the_detector_goes_on(name: str):
    values = normal(120, 8)
    detector = make(name)
    feed(detector, values[:100])
    kept = detector.snapshot()
    before = pack(kept)
    feed(detector, values[100:], first=100)
    assert pack(kept) == before


def test_nothing_is_said_of_missing_values_and_unused_slots(name: str):
    values = normal(100, 6)
    alive = np.array([True] * 5 + [False])
    detector = make(name)
    feed(detector, values, alive)
    row = values[-1].copy()
    row[2] = np.nan
    judgement = feed(detector, row[None, :], alive, first=100)[0]
    for slot in (2, 5):
        assert judgement.p[slot] == 1
        assert judgement.confidence[slot] == 0


def test_of_a_missing_value_the_range_is_told_all_the_same(name: str):
    values = normal(200, 6)
    detector = make(name)
    feed(detector, values)
    row = values[-1].copy()
    row[2] = np.nan
    missing = feed(detector, row[None, :], first=200)[0]
    assert missing.expected[2] == pytest.approx(values[100:, 2].mean(), rel=0.25)
    assert missing.lower[2] < missing.expected[2] < missing.upper[2]


def test_a_missing_value_teaches_nothing(name: str):
    values = normal(300, 6)
    holes = values.copy()
    holes[150:160] = np.nan
    detector, other = make(name), make(name)
    feed(detector, holes)
    feed(other, values)
    ahead = normal(20, 6, seed=9)
    last = feed(detector, ahead, first=300)[-1]
    assert (last.p > 1e-4).all()
    np.testing.assert_allclose(last.expected, feed(other, ahead, first=300)[-1].expected, rtol=0.1)


def test_new_keys_take_new_slots_while_the_others_go_on(name: str):
    values = normal(200, 10)
    detector = make(name)
    feed(detector, values[:100, :6])
    judgement = feed(detector, values[100:], first=100)[-1]
    assert judgement.p.shape == (10,)
    assert judgement.confidence[0] > judgement.confidence[9] > 0


def test_a_forgotten_slot_starts_anew(name: str):
    values = normal(200, 6)
    detector = make(name)
    feed(detector, values)
    detector.forget(np.array([0]))
    row = values[-1].copy()
    row[0] = 3.0
    judgement = feed(detector, row[None, :], first=200)[0]
    assert judgement.confidence[0] == 0 or judgement.confidence[0] < 0.05
    assert judgement.p[0] > 1e-4


def test_a_planted_burst_is_the_oddest_of_all(name: str):
    values = normal(420, 20)
    values[400:406, 4] *= 3
    worst = np.min([judgement.p for judgement in feed(make(name), values)[400:406]], axis=0)
    assert np.argmin(worst) == 4
    assert worst[4] < 1e-5


def test_values_that_are_no_counts_are_judged_too(name: str):
    rng = np.random.default_rng(5)
    values = 3000.0 + rng.normal(0, 60, (400, 8))
    values[390:396, 3] = 2000.0
    judged = feed(make(name), values)
    assert np.min([judgement.p[3] for judgement in judged[390:396]]) < 1e-5
    assert np.median([judgement.p for judgement in judged[100:390]]) > 0.2
    assert judged[390].lower[0] > 2500


@pytest.mark.slow
@pytest.mark.parametrize("seen", [1e308, 1e40, 1e-200, 5e-324])
@pytest.mark.parametrize("ticks", [1, 200, 400])
def test_however_large_or_small_values_are_the_numbers_stay_finite_and_in_range(name: str, seen: float, ticks: int):
    values = normal(400, 4) * 1.5
    values[-ticks:, 2] = seen
    for judgement in feed(make(name), values):
        assert all(np.isfinite(getattr(judgement, field)).all() for field in FIELDS)
        assert (judgement.lower <= judgement.expected).all()
        assert (judgement.expected <= judgement.upper).all()


@pytest.mark.slow
def test_p_is_calibrated_on_normal_counts(name: str):
    judged = np.stack([judgement.p for judgement in feed(make(name), normal(3000, 60))[600:]])
    for level in (0.05, 0.01, 1e-3):
        assert (judged <= level).mean() < 2.5 * level
    assert (judged <= 0.05).mean() > 0.05 / 6


def test_a_shift_that_lasts_becomes_the_new_normal_within_an_hour(name: str):
    values = normal(300 + 360 + 60, 10)
    values[300:, 2] *= 4
    judged = feed(make(name), values)
    assert min(judged[300].p[2], judged[301].p[2]) < 1e-4  # some tell it once only
    settled = np.array([judgement.p[2] for judgement in judged[660:]])
    assert np.median(settled) > 0.05
    assert judged[-1].expected[2] == pytest.approx(values[600:, 2].mean(), rel=0.15)


def test_a_short_burst_does_not_move_the_baseline(name: str):
    values = normal(500, 10)
    before = feed(make(name), values)[-1].expected[3]
    values[400:430, 3] *= 4
    assert feed(make(name), values)[-1].expected[3] == pytest.approx(before, rel=0.1)


def test_a_gap_in_time_is_survived(name: str):
    values = normal(400, 8)
    detector = make(name)
    feed(detector, values[:300])
    later = feed(detector, values[300:], first=300 + 3 * 8640)
    assert (later[0].p > 1e-4).all()


def test_memory_is_bounded_by_the_number_of_slots(name: str):
    detector = make(name)
    size = 2000
    values = np.random.default_rng(0).poisson(5.0, (3, size)).astype(float)
    feed(detector, values)
    assert detector.nbytes / size < 1000
    before = detector.nbytes
    feed(detector, values, first=10)
    assert detector.nbytes == before
