import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from yeoul.detect.tails import range99, surely_usual, two_sided


def exact(value: int, mean: float, variance: float) -> float:
    size = mean**2 / (variance - mean)
    law = nbinom(size, size / (size + mean))
    upper = law.sf(value) + 0.5 * law.pmf(value)
    return min(1.0, 2 * min(upper, 1 - upper)) if value > mean else 2 * (law.cdf(value) - 0.5 * law.pmf(value))


@pytest.mark.parametrize(
    ("value", "mean", "variance"),
    [(40, 10, 20), (0, 10, 20), (3, 10, 20), (300, 100, 400), (0, 0.05, 0.06), (2, 0.05, 0.06), (5, 0.5, 3)],
)
def test_the_tail_is_the_negative_binomial_one_with_ties_counted_half(value: int, mean: float, variance: float):
    got = two_sided(np.array([float(value)]), np.array([mean]), np.array([variance]))[0]
    assert got == pytest.approx(min(exact(value, mean, variance), 2 - exact(value, mean, variance)), rel=1e-6)


def test_a_variance_below_the_mean_is_taken_as_poisson_for_counts():
    got = two_sided(np.array([30.0]), np.array([10.0]), np.array([2.0]))[0]
    assert got == pytest.approx(2 * (poisson.sf(30, 10) + 0.5 * poisson.pmf(30, 10)), rel=1e-2)


def test_amounts_keep_a_variance_below_their_mean():
    got = two_sided(np.array([3030.0, 3300.0]), np.full(2, 3000.0), np.full(2, 3600.0), lattice=False)
    assert got[0] == pytest.approx(0.61, abs=0.03)
    assert got[1] < 1e-5


def test_a_wild_value_keeps_a_probability_above_zero():
    assert 0 < two_sided(np.array([1e9]), np.array([3.0]), np.array([4.0]))[0] < 1e-200


@pytest.mark.parametrize(("mean", "dispersion"), [(3.0, 1.2), (30.0, 2.0), (1000.0, 20.0)])
def test_the_range_holds_99_of_100_normal_values(mean: float, dispersion: float):
    size = mean / (dispersion - 1)
    drawn = np.random.default_rng(2).negative_binomial(size, 1 / dispersion, 200_000)
    lower, upper = range99(np.array([mean]), np.array([mean * dispersion]))
    assert 0.985 <= ((drawn >= lower[0]) & (drawn <= upper[0])).mean() <= 0.9999


def test_what_is_let_off_as_surely_usual_is_above_one_in_a_hundred():
    mean = np.concatenate([[0.0], np.geomspace(1e-9, 4.0, 300)])[:, None, None]
    variance = mean * np.array([1.0, 1.001, 1.1, 1.3, 1.6, 2.0, 50.0])[:, None]
    share = np.linspace(0.0, 1.0, 50)
    # all that is below the mean, and what is above it up to the bounds
    highest = np.minimum(2.0, 2.0 / np.maximum(-np.log(np.maximum(mean, 1e-12)), 1e-9))
    counts = np.concatenate([mean * share, mean + np.maximum(highest - mean, 0.0) * share], axis=2)
    count, mean, variance = (each.ravel() for each in np.broadcast_arrays(counts, mean, variance))
    let_off = surely_usual(count, mean, variance)
    assert 0.3 < let_off.mean() < 0.9
    assert two_sided(count[let_off], mean[let_off], variance[let_off]).min() > 0.012
    assert not surely_usual(np.array([0.0, 3.0, 1.0]), np.array([6.0, 0.5, 0.001]), np.array([6.0, 0.5, 0.001])).any()


def test_the_range_of_counts_is_rounded_as_the_power_would_be():
    rng = np.random.default_rng(5)
    mean = np.concatenate([rng.gamma(0.3, 20.0, 50_000) + 1e-6, np.arange(1.0, 200.0)])
    variance = mean * (1.0 + rng.gamma(0.5, 1.0, len(mean)))
    ninth = variance / (9.0 * mean * mean)
    high = mean * np.maximum(1.0 - ninth + 2.5758293035489004 * np.sqrt(ninth), 0.0) ** 3
    assert np.array_equal(range99(mean, variance)[1], np.maximum(np.ceil(high), mean))
