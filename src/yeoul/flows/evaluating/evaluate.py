"""The flow: every detector judges every series, and is measured on the same rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from yeoul.detect.tables import SCORERS, ScoringConfig, score_table
from yeoul.detect.tables.scoring import default_scorer, too_few
from yeoul.errors import ConfigError, InputError
from yeoul.flows.evaluating.measured import Judged, Measured, measure
from yeoul.flows.evaluating.series import Series
from yeoul.plugins import resolve

__all__ = ["EvaluationConfig", "evaluate", "long_enough", "widest"]

Told = Callable[[str, int, int], None]
"""Called with what is done, the rows done and the rows there are."""

_WINDOW = 100


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """How detectors are measured.

    Raises:
        ConfigError: a value that cannot mean anything.
    """

    detectors: tuple[str, ...] = ("auto",)
    """None: only the scores that the files hold."""
    scoring: ScoringConfig = field(default_factory=ScoringConfig)
    """Of all detectors; its budget is that of event recall."""
    window: int | None = None
    """The widest window of VUS, in rows, at most half of each series; None: 100, or half of the shortest series."""

    def __post_init__(self) -> None:
        if self.window is not None and self.window < 0:
            message = f"got `{self.window}` for --window; legal: 0 or more rows"
            raise ConfigError(message)
        if twice := {name for name in self.detectors if self.detectors.count(name) > 1}:
            message = f"got the detector `{min(twice)}` twice; name each once"
            raise ConfigError(message)


def evaluate(series: Sequence[Series], config: EvaluationConfig, told: Told | None = None) -> list[Measured]:
    """Measure the scores that the series hold, and every detector.

    When one of the detectors is fitted, all, and the scores that are there, are measured on the rows behind those that
    it is fitted on. What learns from labels sees those of earlier rows only, whatever the mode. A detector's rows are
    ranked by -log10 p, which tells apart what the score calls 1 alike.

    Raises:
        ConfigError: a detector that does not exist, or that these series are nothing for.
        InputError: too few rows to fit on, or a window of VUS that is wider than half a series.
    """
    window = widest(series, config)
    found = []
    traits = {name: [_traits(name, one) for one in series] for name in config.detectors}
    starts = [
        max((_start(every[place], one, config.scoring) for every in traits.values()), default=0)
        for place, one in enumerate(series)
    ]
    if all(one.score is not None for one in series):
        given = [_given(one, start) for one, start in zip(series, starts, strict=True)]
        found.append(_measured("given", 0.0, series, given, config, window))
    total = sum(len(one.table) for one in series)
    for name in config.detectors:
        began, done, judged = time.monotonic(), 0, []
        for one, start, needs in zip(series, starts, traits[name], strict=True):
            try:
                scored = score_table(one.table, _scoring(name, needs, config))
            except InputError as error:
                message = f"got the series `{one.name}` of {len(one.table)} rows: {error}"
                raise InputError(message) from error
            judged.append(Judged(-np.log10(scored.p) + 0.0, np.where(scored.confidence > 0, scored.p, np.nan), start))
            done += len(one.table)
            if told is not None:
                told(name, done, total)
        found.append(_measured(_shown(name, series), time.monotonic() - began, series, judged, config, window))
    return found


def long_enough(series: Sequence[Series], config: EvaluationConfig) -> tuple[list[Series], tuple[str, ...]]:
    """The series but for keys of a file with too few rows for one of the detectors, and the names of these.

    Where no series is long enough, all are returned: `evaluate` says why they cannot be measured.
    """
    short = {
        one.name
        for one in series
        for name in config.detectors
        if one.keys > 1 and too_few(one.table, _scoring(name, _traits(name, one), config), keyed=True)
    }
    left = [one for one in series if one.name not in short]
    return (left, tuple(sorted(short))) if left else (list(series), ())


def widest(series: Sequence[Series], config: EvaluationConfig) -> int:
    """The widest window of VUS, in rows.

    Raises:
        InputError: the window that was asked for is wider than half a series.
    """
    ordered = [one for one in series if one.table.at_us is not None]
    shortest = min(ordered, key=lambda one: len(one.table), default=None)
    half = len(shortest.table) // 2 if shortest is not None else _WINDOW
    if config.window is None:
        return min(_WINDOW, half)
    if shortest is not None and config.window > half:
        message = (
            f"got `{config.window}` for --window; legal: at most half of a series, which for `{shortest.name}` of "
            f"{len(shortest.table)} rows is {half}"
        )
        raise InputError(message)
    return config.window


def _measured(
    name: str, seconds: float, series: Sequence[Series], judged: Sequence[Judged], config: EvaluationConfig, window: int
) -> Measured:
    return measure(name, seconds, series, judged, config.scoring.alarms_per_day, window)


def _scoring(name: str, traits: Any, config: EvaluationConfig) -> ScoringConfig:
    return replace(config.scoring, detector=name, mode=_mode(traits, config.scoring))


def _given(series: Series, start: int) -> Judged:
    """Scores that are there already, from `start` and the first row that has one; later ones without are least odd."""
    assert series.score is not None
    known = np.flatnonzero(~np.isnan(series.score))
    first = int(known[0]) if len(known) else len(series.score)
    least = float(series.score[known].min()) if len(known) else 0.0
    return Judged(np.where(np.isnan(series.score), least, series.score), series.p, max(start, first))


def _traits(name: str, series: Series) -> Any:
    chosen = default_scorer(series.table) if name == "auto" else name
    return resolve("yeoul.scorers", SCORERS, chosen).traits


def _mode(traits: Any, scoring: ScoringConfig) -> str:
    return "causal" if traits.supervised else scoring.mode


def _start(traits: Any, series: Series, scoring: ScoringConfig) -> int:
    """The first row that is not fitted on."""
    looks_ahead = replace(scoring, mode=_mode(traits, scoring)).looks_ahead(series.table)
    return scoring.fit_rows(len(series.table)) if traits.fitted and not looks_ahead else 0


def _shown(name: str, series: Sequence[Series]) -> str:
    """`auto` with what it stands for."""
    return f"auto ({default_scorer(series[0].table)})" if name == "auto" else name
