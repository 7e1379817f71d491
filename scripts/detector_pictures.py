"""Draws the pictures of detectors' pages: `python scripts/detector_pictures.py [NAME…]` writes docs/images/NAME.png."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from yeoul.detect.calibrate import TailCalibrator
from yeoul.detect.tables import SCORERS, ScoringConfig, Table, score_table
from yeoul.plugins import load

IMAGES = Path(__file__).parents[1] / "docs/images"
VECTORS = ("avgknn", "cblof", "hbos", "iforest", "knn", "lof", "ocsvm", "xgbod")
SERIES = ("kmeans", "prophet", "rrcf", "seasonal")
INK, BAND, ALARM = "#1f4e79", "#c9d8e8", "#c0392b"


def customers() -> tuple[np.ndarray, np.ndarray]:
    """Two groups of customers, a few who belong to none, and which these are."""
    rng = np.random.default_rng(3)
    usual = np.vstack([rng.normal((-2, -1), (0.7, 0.5), (260, 2)), rng.normal((2, 1.5), (0.4, 0.9), (180, 2))])
    odd = rng.uniform(-5, 5, (14, 2))
    order = rng.permutation(454)
    return np.vstack([usual, odd])[order], np.repeat([False, True], [440, 14])[order]


def vectors(name: str) -> Figure:
    """The plane, the darker the odder a customer there would be."""
    values, labels = customers()
    scorer = load(SCORERS[name])(seed=0)
    scorer.fit(Table(values, ("plays", "seeks"), None, labels))
    x, y = np.meshgrid(np.linspace(-6, 6, 90), np.linspace(-6, 6, 90))
    raw = scorer.score(Table(np.column_stack([x.ravel(), y.ravel()]), ("plays", "seeks")), 0).raw
    rank = np.argsort(np.argsort(raw, kind="stable")).reshape(x.shape) / raw.size
    figure = Figure(figsize=(4.6, 4), layout="constrained")
    axis = figure.subplots()
    axis.contourf(x, y, rank, levels=12, cmap="Blues")
    axis.plot(*values[~labels].T, ".", color=INK, ms=3, label="usual")
    axis.plot(*values[labels].T, "x", color=ALARM, ms=5, label="odd")
    axis.set(xlabel="plays, scaled", ylabel="seeks, scaled", xlim=(-6, 6), ylim=(-6, 6))
    axis.legend(loc="upper left", fontsize=8, frameon=False)
    return figure


def series(name: str) -> Figure:
    """A daily rhythm with a spike, a drop and a shift; range above, score below."""
    rng, rows = np.random.default_rng(5), np.arange(96 * 10)
    values = rng.poisson(120 + 60 * np.sin(rows * 2 * np.pi / 96)).astype(float)
    values[610] += 160
    values[720:728] *= 0.2
    values[850:] += 90
    table = Table(values[:, None], ("hits",), 1_700_000_000_000_000 + rows * 900_000_000)
    scored = score_table(table, ScoringConfig(name, fit=0.4))
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    if np.isfinite(scored.expected).any():
        above.fill_between(rows, scored.lower[:, 0], scored.upper[:, 0], color=BAND, lw=0, label="range of 99 %")
    above.plot(rows, values, color=INK, lw=0.8, label="hits")
    above.set_ylim(-20, 420)
    above.legend(loc="upper left", fontsize=8, frameon=False, ncols=2)
    below.plot(rows, scored.score, color=ALARM, lw=0.8)
    below.set(ylim=(0, 1.05), ylabel="score", xlabel="row")
    return figure


def counters(name: str) -> Figure:
    """Three counters that belong together: success falls behind request for a while, fail bursts once."""
    rng, rows = np.random.default_rng(2), np.arange(288 * 8)
    days, wave = rows / 288, np.sin((rows / 288 - 0.25) * 2 * np.pi)
    request = 100 + 60 * wave + rng.normal(0, 2, len(rows))
    success = request * 0.97 + rng.normal(0, 1, len(rows))
    fail = 5 + 1.5 * wave + rng.normal(0, 0.5, len(rows))
    success[1830:1852] *= 0.65
    fail[2168:2174] *= 2
    at_us = rows * 300_000_000
    table = Table(np.column_stack([request, success, fail]), ("request", "success", "fail"), at_us)
    scored = score_table(table, ScoringConfig(name, fit=288 * 5))
    here = rows >= 288 * 5
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=[3, 2, 2])
    above.fill_between(days[here], scored.lower[here, 1], scored.upper[here, 1], color=BAND, lw=0, label="its range")
    above.plot(days[here], request[here], color="#888888", lw=0.8, label="request")
    above.plot(days[here], success[here], color=INK, lw=0.8, label="success")
    above.legend(loc="upper left", fontsize=8, frameon=False, ncols=3)
    above.set_ylim(20, 200)
    middle.plot(days[here], fail[here], color=INK, lw=0.8)
    middle.set_ylabel("fail")
    below.plot(days[here], scored.score[here], color=ALARM, lw=0.8)
    below.set(ylim=(0, 1.05), ylabel="score", xlabel="days")
    return figure


def calibration(name: str) -> Figure:
    """The tail of a heavy law by peaks over threshold, and what leaves a window at once or fades from it."""
    rng = np.random.default_rng(4)
    seen, fresh = rng.gamma(1.5, size=20_000), np.sort(rng.gamma(1.5, size=4_000_000))
    calibrator = TailCalibrator(1, seen)
    score = np.linspace(0.0, 14.0, 200)
    truth = 1.0 - np.searchsorted(fresh, score) / len(fresh)
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.semilogy(score, truth, color="#888888", lw=4, alpha=0.5, label="share of 4,000,000 later ones")
    left.semilogy(score, calibrator.p(score, np.zeros(200, np.intp)), color=INK, lw=1, label=f"{name}, 20,000 seen")
    left.set(xlabel="score", ylabel="p", ylim=(1e-6, 1.5))
    left.legend(loc="lower left", fontsize=8, frameon=False)
    ticks, keys, memory = 2400, 20, 360
    stream = rng.gamma(1.5, size=(ticks, keys))
    stream[800:860] *= 2.0
    fading, group = TailCalibrator(1, seen, memory), np.zeros(keys, np.intp)
    soft, hard = np.full((2, ticks), np.nan)
    for tick, scores in enumerate(stream):
        soft[tick] = fading.score_at(1e-3, group[:1])[0]
        if tick >= memory:
            hard[tick] = TailCalibrator(1, stream[tick - memory : tick].ravel()).score_at(1e-3, group[:1])[0]
        fading.learn(scores, group, np.ones(keys))
    right.axvspan(800, 860, color=BAND, lw=0, label="scores twice as high")
    right.plot(hard, color="#888888", lw=0.8, label=f"hard window of {memory} ticks")
    right.plot(soft, color=ALARM, lw=1.2, label=f"exponential, time constant {memory}")
    right.set(xlabel="tick", ylabel="score with p = 0.001", xlim=(memory, ticks), ylim=(6, 17))
    right.legend(loc="upper right", fontsize=8, frameon=False)
    return figure


def main() -> None:
    """Draw those that are named, or all."""
    ways = {**dict.fromkeys(VECTORS, vectors), **dict.fromkeys(SERIES, series), "windows": counters}
    ways["calibration"] = calibration
    for name in sys.argv[1:] or ways:
        ways[name](name).savefig(IMAGES / f"{name}.png", dpi=75)
        print(IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
