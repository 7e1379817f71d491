"""All measures of one detector on all series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.measures import (
    PROFILES,
    Calibrated,
    EventResult,
    Labelled,
    NabResult,
    auc_pr,
    auroc,
    calibration,
    event_recall,
    label_runs,
    nab_best,
    vus_pr,
    vus_roc,
)
from yeoul.flows.evaluating.series import Series

__all__ = ["Judged", "Measured", "as_columns", "measure"]

Floats = NDArray[np.float64]

RANKING = ("vus_pr", "vus_roc", "auc_pr", "auroc")
"""Measures of one series; VUS only of rows in order of time."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a detector said of one series."""

    score: Floats
    """Shape (n,), the higher the odder: -log10 p of a detector, otherwise in a unit of its own."""
    p: Floats | None
    """Shape (n,), NaN where nothing was said; None: it gives no p."""
    start: int
    """Rows from here on are measured."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The measures of one detector; what cannot be measured is None or NaN."""

    detector: str
    seconds: float
    nab: dict[str, NabResult] | None
    """By the name of the profile; None without times or events."""
    ranking: dict[str, float]
    """Of each of `RANKING` the mean over the series that have rows of both kinds."""
    each: dict[str, dict[str, float]]
    """The same of each series, by its name."""
    events: EventResult | None
    """None without times or events."""
    delay_s: float
    """Median time from an event's start to its first alarm, of the events found."""
    calibration: list[Calibrated]
    """On rows not labelled; empty without p."""

    def as_json(self) -> dict[str, Any]:
        """For machines; what cannot be measured is null."""
        nab = None
        if self.nab is not None:
            nab = {name: {"score": one.score, "threshold": _number(one.threshold)} for name, one in self.nab.items()}
        events = None
        if self.events is not None:
            events = {
                "events": len(self.events.delays),
                "found": self.events.found,
                "false_alarms": self.events.false_alarms,
                "above": _number(self.events.limit),
                "delay_s": _number(self.delay_s),
            }
        return {
            "detector": self.detector,
            "seconds": round(self.seconds, 3),
            "nab": nab,
            **{name: _number(value) for name, value in self.ranking.items()},
            "events": events,
            "calibration": [
                {
                    "level": one.level,
                    "rows": one.rows,
                    "alarms": one.alarms,
                    "ratio": one.ratio,
                    "low": one.low,
                    "high": one.high,
                }
                for one in self.calibration
            ],
            "series": {
                name: {key: _number(value) for key, value in measures.items()} for name, measures in self.each.items()
            },
        }


def measure(
    detector: str, seconds: float, series: Sequence[Series], judged: Sequence[Judged], budget: float, window: int
) -> Measured:
    """Measure what a detector said of all series.

    Args:
        detector: its name.
        seconds: what it took.
        series: what is known.
        judged: what it said of each.
        budget: false alarms a day over all keys of a file; without times, in the whole file.
        window: the widest window of VUS, in rows.
    """
    ranked = [_ranking(one, said, window) for one, said in zip(series, judged, strict=True)]
    ranking = {name: _mean([values[name] for values in ranked]) for name in RANKING}
    each = dict(zip([one.name for one in series], ranked, strict=True))
    ordered = all(one.table.at_us is not None for one in series)
    events = _events(series, judged, budget) if ordered else None
    nab = _nab(series, judged) if ordered else None
    normal = [
        said.p[said.start :][~one.labels[said.start :]]
        for one, said in zip(series, judged, strict=True)
        if said.p is not None
    ]
    calibrated = calibration(normal) if any(np.isfinite(p).any() for p in normal) else []
    delay_s = _delay_s(series, judged, events) if events is not None else float("nan")
    return Measured(detector, seconds, nab, ranking, each, events, delay_s, calibrated)


def as_columns(every: Sequence[Measured]) -> dict[str, NDArray[Any]]:
    """One row for each detector, series and measure; series is empty where all are measured together."""
    rows: list[tuple[str, str, str, float]] = []
    for one in every:
        told: dict[str, float] = {f"nab {name}": result.score for name, result in (one.nab or {}).items()}
        told |= one.ranking
        if one.events is not None:
            told |= {"event_recall": one.events.recall, "false_alarms": one.events.false_alarms}
            told |= {"delay_s": one.delay_s}
        for level in one.calibration:
            names = (f"calibration {level.level:g}{ending}" for ending in ("", " low", " high"))
            told |= dict(zip(names, (level.ratio, level.low, level.high), strict=True))
        told["seconds"] = one.seconds
        rows += [(one.detector, "", name, value) for name, value in told.items()]
        rows += [
            (one.detector, name, key, value) for name, measures in one.each.items() for key, value in measures.items()
        ]
    detectors, series, measures, values = zip(*rows, strict=True)
    columns: dict[str, NDArray[Any]] = {
        "detector": np.array(detectors, np.object_),
        "series": np.array(series, np.object_),
        "measure": np.array(measures, np.object_),
        "value": np.array(values, np.float64),
    }
    return columns


def _ranking(series: Series, said: Judged, window: int) -> dict[str, float]:
    labels, score = series.labels[said.start :], said.score[said.start :]
    if not labels.any() or labels.all():
        return dict.fromkeys(RANKING, float("nan"))
    volumes: dict[str, Callable[..., float]] = {"vus_pr": vus_pr, "vus_roc": vus_roc}
    ordered = series.table.at_us is not None
    found = {name: volume(labels, score, window) if ordered else float("nan") for name, volume in volumes.items()}
    return found | {"auc_pr": auc_pr(labels, score), "auroc": auroc(labels, score)}


def _nab(series: Sequence[Series], judged: Sequence[Judged]) -> dict[str, NabResult] | None:
    labelled = []
    for one, said in zip(series, judged, strict=True):
        windows = tuple((max(begin, said.start), end) for begin, end in one.windows if end > said.start)
        labelled.append(Labelled(len(one.table), windows, said.start))
    if not any(one.windows for one in labelled):
        return None
    return {profile.name: nab_best(labelled, [said.score for said in judged], profile) for profile in PROFILES}


def _events(series: Sequence[Series], judged: Sequence[Judged], budget: float) -> EventResult | None:
    """Of all series at one threshold; false alarms of one hour of a series are one."""
    labels = [one.labels[said.start :] for one, said in zip(series, judged, strict=True)]
    scores = [said.score[said.start :] for said in judged]
    if not any(label.any() for label in labels) or not all(one.rows_per_day for one in series):
        return None
    pairs = zip(series, labels, strict=True)
    days = sum(len(label) / one.rows_per_day / one.keys for one, label in pairs)
    stretch = [max(1, round(one.rows_per_day / 24)) for one in series]
    return event_recall(labels, scores, budget * days, stretch)


def _delay_s(series: Sequence[Series], judged: Sequence[Judged], events: EventResult) -> float:
    counts = [len(label_runs(one.labels[said.start :])) for one, said in zip(series, judged, strict=True)]
    steps = np.repeat([86_400.0 / one.rows_per_day for one in series], counts)
    delays = np.array(events.delays)
    found = delays >= 0
    return float(np.median(delays[found] * steps[found])) if found.any() else float("nan")


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
