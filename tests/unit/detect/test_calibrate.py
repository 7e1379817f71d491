from collections.abc import Callable

import numpy as np
import pytest

from yeoul.detect.calibrate import PooledRate, TailCalibrator

GROUP = np.zeros(4000, np.intp)


def fitted(draw: Callable[[int], np.ndarray], ticks: int = 50) -> TailCalibrator:
    calibrator = TailCalibrator(1, np.linspace(0.1, 3.0, 100), memory_ticks=1000)
    for _ in range(ticks):
        calibrator.learn(draw(4000), GROUP, np.ones(4000))
    return calibrator


@pytest.mark.parametrize("law", ["exponential", "standard_gamma", "normal", "heavy"])
def test_a_level_is_passed_as_often_as_it_says(law: str):
    rng = np.random.default_rng(1)
    draw = {
        "exponential": lambda n: rng.exponential(1.0, n),
        "standard_gamma": lambda n: rng.standard_gamma(3.0, n),
        "normal": lambda n: np.abs(rng.normal(size=n)),
        "heavy": lambda n: rng.pareto(6.0, n),
    }[law]
    calibrator = fitted(draw)
    p = calibrator.p(draw(1_000_000), np.zeros(1_000_000, np.intp))
    for level in (0.1, 1e-2, 1e-3, 1e-4):
        assert (p <= level).mean() < 2 * level + 2e-5, level
    assert (p <= 0.1).mean() == pytest.approx(0.1, rel=0.1)


def test_p_never_rises_with_the_score():
    calibrator = fitted(lambda n: np.random.default_rng(2).exponential(1.0, n))
    p = calibrator.p(np.linspace(0, 50, 4000), GROUP)
    assert (np.diff(p) <= 1e-12).all()
    assert p[0] == pytest.approx(1.0)


@pytest.mark.parametrize("share", [0.03, 0.3])
def test_a_score_that_many_have_is_not_rare_wherever_it_stands_in_its_step(share: float):
    group = np.zeros(1, np.intp)
    for most in np.linspace(1.1, 6.0, 200):
        scores = np.where(np.arange(5000) < share * 5000, most, 1.0)
        assert share / 3 < TailCalibrator(1, scores).p(np.array([most]), group)[0] < 1.1 * share


def test_p_never_rises_with_a_score_that_many_have_and_just_beyond_it_is_no_miracle():
    edge = np.geomspace(0.02, 2000.0, 385)[154]
    calibrator = TailCalibrator(1, np.where(np.arange(5000) % 3 == 0, edge - 1e-9, 1.0))
    p = calibrator.p(np.sort(np.append(np.linspace(0.0, 50.0, 3998), [edge - 1e-9, edge + 1e-9])), GROUP)
    assert (np.diff(p) <= 1e-12).all()
    assert p[-1] < 1e-9
    assert calibrator.p(np.array([1.05 * edge]), GROUP[:1])[0] > 1e-4


def test_score_at_is_the_inverse_of_p():
    calibrator = fitted(lambda n: np.random.default_rng(3).exponential(1.0, n))
    score = calibrator.score_at(1e-5, GROUP[:1])
    assert calibrator.p(score, GROUP[:1])[0] == pytest.approx(1e-5)


def test_a_change_of_regime_is_forgotten_and_learnt():
    rng = np.random.default_rng(4)
    calibrator = fitted(lambda n: rng.exponential(1.0, n), ticks=200)
    before = calibrator.p(np.array([8.0]), GROUP[:1])[0]
    for _ in range(5000):
        calibrator.learn(rng.exponential(2.0, 40), GROUP[:40], np.ones(40))
    assert calibrator.p(np.array([8.0]), GROUP[:1])[0] > 5 * before


def test_the_step_of_a_score_is_the_one_whose_edges_are_around_it():
    calibrator = fitted(lambda n: np.random.default_rng(5).exponential(1.0, n), ticks=1)
    edges = np.geomspace(0.02, 2000.0, 385)
    edges[0] = 0.0
    scores = np.concatenate([edges, np.nextafter(edges, -1)[1:], np.nextafter(edges, 1e9), [0.0, 5e3, 1e300]])
    wanted = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, 383)
    assert np.array_equal(calibrator.step(scores), wanted)
    group = np.zeros(len(scores), np.intp)
    assert calibrator.rare(calibrator.step(scores), group)[calibrator.p(scores, group) <= 0.02].all()


def test_a_rate_is_corrected_by_many_keys_and_hardly_by_one_series():
    one, many = PooledRate(), PooledRate()
    too_small = np.random.default_rng(0).random(4000) ** 1.5  # ten times too many below one in a thousand
    for p in too_small:
        one.learn(np.array([p]))
    for _ in range(360):
        many.learn(too_small)
    assert 1.0 < one.factor < 1.15
    assert 3.0 < many.factor < 12.0


def test_an_incident_of_all_keys_moves_the_rate_little():
    rate = PooledRate()
    for tick in range(720):
        rate.learn(np.full(1000, 1e-9 if 700 <= tick < 706 else 0.5))
    assert rate.factor < 1.0
