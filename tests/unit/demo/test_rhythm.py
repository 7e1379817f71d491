"""Daily and weekly rhythm."""

import numpy as np
import pytest

from yeoul.demo import ServiceConfig
from yeoul.demo.rhythm import Rhythm, SmoothNoise
from yeoul.events import parse_iso

HOUR_US = 3_600_000_000
MONDAY_US = parse_iso("2026-03-02T00:00:00+09:00")


def test_the_mean_over_a_week_is_one():
    rhythm = Rhythm(ServiceConfig(wander=0))
    week = [rhythm.level(MONDAY_US + quarter * HOUR_US // 4) for quarter in range(672)]
    assert np.mean(week, axis=0) == pytest.approx(np.ones(200))


@pytest.mark.parametrize(
    ("busy", "quiet"),
    [
        ("2026-03-02T21:00:00+09:00", "2026-03-02T09:00:00+09:00"),
        ("2026-03-07T15:00:00+09:00", "2026-03-04T15:00:00+09:00"),
    ],
)
def test_evenings_and_weekend_afternoons_are_busier(busy: str, quiet: str):
    rhythm = Rhythm(ServiceConfig(wander=0))
    assert (rhythm.level(parse_iso(busy)) > rhythm.level(parse_iso(quiet))).all()


def test_customers_differ_in_their_phase():
    rhythm = Rhythm(ServiceConfig(wander=0))
    day = np.array([rhythm.level(MONDAY_US + quarter * HOUR_US // 4) for quarter in range(96)])
    assert len(set(day.argmax(axis=0).tolist())) > 3


def test_without_rhythm_and_wandering_the_level_is_constant():
    rhythm = Rhythm(ServiceConfig(rhythm=0, wander=0))
    assert (rhythm.level(MONDAY_US) == 1).all()
    assert rhythm.mean_level(MONDAY_US, MONDAY_US + HOUR_US, np.full(200, 1 / 200)) == pytest.approx(1)


def test_noise_moves_smoothly_and_keeps_its_variance_between_knots():
    at_us = np.arange(0, 1000, 10)
    smooth = SmoothNoise(1, 2, 100, 3000)
    noise = np.array([smooth.at(int(at)) for at in at_us])
    assert np.abs(np.diff(noise, axis=0)).max() < 1
    assert noise.std(axis=1) == pytest.approx(np.ones(100), abs=0.06)
