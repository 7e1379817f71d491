"""Several detectors on the same rows: what each finds, what it costs, how far they agree, how good they are."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.measures import auc_pr, auroc, event_recall, vus_pr
from yeoul.detect.tables import SCORERS, Rows, ScoringConfig, answer
from yeoul.errors import ConfigError, InputError, YeoulError
from yeoul.plugins import resolve

__all__ = ["Compared", "compare", "usual_set"]

Floats = NDArray[np.float64]
Told = Callable[[str, int, int], None]
"""Called with the detector that begins, how many are done and how many there are."""

_ONE_COLUMN = ("univariate", "seasonal", "spectral", "polynomial", "hbos", "iforest")
_SEVERAL = ("windows", "pca", "knn", "iforest", "hbos")
_UNORDERED = ("ensemble", "iforest", "knn", "lof", "hbos")
_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Compared:
    """One detector on the rows; NaN where there is nothing to tell."""

    detector: str
    seconds: float
    peak_mb: float
    """Most memory that its process held, in MB; some 150 of them are the process itself."""
    judged: int = 0
    """Rows that something is said of."""
    alarms: int = 0
    alarms_per_day: float = _NAN
    agreement: float = _NAN
    """Mean rank correlation (Spearman) of its scores with those of the others, in [-1, 1]."""
    vus_pr: float = _NAN
    """With labels; likewise the next three. On the rows that all have judged."""
    auc_pr: float = _NAN
    auroc: float = _NAN
    events_found: float = _NAN
    """Share of the labelled events that are found at the budget of false alarms."""
    error: str = ""
    """Why it could not judge; empty when it did."""

    def as_json(self) -> dict[str, Any]:
        """For machines; what there is nothing to tell of is null."""
        return {
            name: (None if isinstance(value, float) and np.isnan(value) else value)
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class _Run:
    """What came back from a detector's process."""

    seconds: float = _NAN
    peak_mb: float = _NAN
    score: Floats = field(default_factory=lambda: np.zeros(0))
    """-log10 p, which tells apart what the score calls 1 alike."""
    judged: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    alarms: int = 0
    per_day: float = 0.0
    keys: int = 1
    error: str = ""


def usual_set(rows: Rows) -> tuple[str, ...]:
    """What is worth comparing on rows of this shape."""
    if rows.at_us is None:
        return _UNORDERED
    return _ONE_COLUMN if rows.values.shape[1] == 1 else _SEVERAL


def compare(rows: Rows, names: Sequence[str], config: ScoringConfig, told: Told | None = None) -> list[Compared]:
    """Let each detector judge the rows in a process of its own, one after the other.

    A detector that fails is a row with its reason. Agreement and measures are on the rows that all others judged too.
    What learns from labels sees those of earlier rows only, whatever the mode.

    Raises:
        ConfigError: no names, one that comes twice, or one that is none.
        InputError: no rows.
    """
    if not len(rows.values):
        message = "got a table without rows; give at least one"
        raise InputError(message)
    if not names or len(set(names)) != len(names):
        message = f"got the detectors `{', '.join(names)}` to compare; name each once, and one at least"
        raise ConfigError(message)
    traits = {name: resolve("yeoul.scorers", SCORERS, name).traits for name in names if name != "auto"}
    runs = []
    for done, name in enumerate(names):
        if told is not None:
            told(name, done, len(names))
        mode = "causal" if name in traits and traits[name].supervised else config.mode
        runs.append(_apart(rows, replace(config, detector=name, mode=mode)))
    if told is not None:
        told("", len(names), len(names))
    well = [run for run in runs if not run.error]
    common = np.logical_and.reduce([run.judged for run in well]) if well else np.zeros(len(rows.values), bool)
    return [_compared(name, run, well, common, rows, config) for name, run in zip(names, runs, strict=True)]


def _apart(rows: Rows, config: ScoringConfig) -> _Run:
    """In a process of its own, so that its memory is its own and its end ends nothing else."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(_judge, rows, config).result()
        except BrokenProcessPool:
            return _Run(error="its process was ended, most likely for want of memory")


def _judge(rows: Rows, config: ScoringConfig) -> _Run:
    began = time.monotonic()
    try:
        found = answer(rows, config)
    except YeoulError as error:
        return _Run(error=str(error))
    except Exception as error:  # noqa: BLE001 - a library's own failure on these rows is a result of the comparison
        return _Run(error=f"{type(error).__name__}: {error}")
    seconds = time.monotonic() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000.0
    columns = found.columns
    alarms = int(np.count_nonzero(columns["alarm"]))
    score = -np.log10(columns["p"]) + 0.0
    return _Run(seconds, peak_mb, score, columns["confidence"] > 0, alarms, found.ticks_per_day, found.keys)


def _compared(
    name: str, run: _Run, well: Sequence[_Run], common: NDArray[np.bool_], rows: Rows, config: ScoringConfig
) -> Compared:
    if run.error:
        return Compared(name, run.seconds, run.peak_mb, error=run.error)
    judged = int(np.count_nonzero(run.judged))
    days = judged / run.per_day / run.keys if run.per_day else _NAN
    found = Compared(
        name,
        run.seconds,
        run.peak_mb,
        judged,
        run.alarms,
        run.alarms / days if days else _NAN,
        _agreement(run, well, common),
    )
    labels = rows.labels[common] if rows.labels is not None else np.zeros(0, bool)
    if not labels.any() or labels.all():
        return found
    score = run.score[common]
    found = replace(found, auc_pr=auc_pr(labels, score), auroc=auroc(labels, score))
    if rows.at_us is None or rows.keys is not None:
        return found
    order = np.argsort(rows.at_us[common], kind="stable")
    labels, score = labels[order], score[order]
    hour = max(1, round(run.per_day / 24))
    events = event_recall([labels], [score], config.alarms_per_day * len(labels) / max(run.per_day, 1e-9), hour)
    return replace(found, vus_pr=vus_pr(labels, score), events_found=events.recall)


def _agreement(run: _Run, well: Sequence[_Run], common: NDArray[np.bool_]) -> float:
    from scipy.stats import spearmanr  # noqa: PLC0415 - takes a second to load, and every verb starts through here

    found = []
    for other in well:
        if other is not run:
            one, two = run.score[common], other.score[common]
            if len(one) > 1 and np.ptp(one) > 0 and np.ptp(two) > 0:
                found.append(float(spearmanr(one, two).statistic))
    return float(np.mean(found)) if found else _NAN
