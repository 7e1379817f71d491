"""The flow: four files in, one label a slot of the asked period out, by one model over all servers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Table
from yeoul.errors import ConfigError
from yeoul.flows.servers.grid import DUPLICATES, Grid, counted, join
from yeoul.flows.servers.model import Judged, Model, ModelConfig, Slots, Step, Told, new_model, require_plain, silent
from yeoul.flows.servers.period import Period, read_period
from yeoul.flows.servers.reading import COUNTERS, FILES, find_files, read_counter_file
from yeoul.flows.servers.saved import Saved, load, require_place, save
from yeoul.flows.servers.stamps import SLOT_US, SLOTS_A_DAY, stamp

__all__ = ["Prediction", "ServersConfig", "predict", "read_folder", "summary"]

Floats = NDArray[np.float64]

_LEAST_ROWS = SLOTS_A_DAY
_SHORT_ROWS = 28 * SLOTS_A_DAY
_LEAST_SEEN = 0.5
_HOUR = 12
_HALF_TRUST_ROWS = 7.0 * SLOTS_A_DAY


@dataclass(frozen=True, slots=True)
class ServersConfig:
    """What a person may say.

    Raises:
        ConfigError: a value that cannot mean anything; all mistakes at once.
    """

    folder: Path
    period: str | None = None
    """See `read_period`; None: the last calendar year that the files have."""
    model: ModelConfig = field(default_factory=ModelConfig)
    alarms_per_day: float = 0.2
    """Slots a day that may be labelled although nothing is wrong; p is compared with this over 288."""
    persist: tuple[int, int] = (1, 1)
    """So many of so many slots must be alarms; later slots are not looked at."""
    gap_label: int = 0
    """The label of slots of which less than half was read."""
    duplicates: str = "refuse"
    save: Path | None = None
    load: Path | None = None

    def __post_init__(self) -> None:
        k, n = self.persist
        most = float(SLOTS_A_DAY)
        rules = [
            (0 < self.alarms_per_day < most, f"alarms_per_day: got `{self.alarms_per_day}`; legal: above 0, below 288"),
            (
                1 <= k <= n <= SLOTS_A_DAY,
                f"persist: got `{k} of {n}`; legal: `2 of 3`, the first number not the larger",
            ),
            (self.gap_label in {0, 1}, f"gap_label: got `{self.gap_label}`; legal: 0, 1"),
            (self.duplicates in DUPLICATES, f"duplicates: got `{self.duplicates}`; legal: {', '.join(DUPLICATES)}"),
            (not (self.save and self.load), "got --save and --load; a model that was loaded is saved already"),
        ]
        if problems := tuple(text for holds, text in rules if not holds):
            raise ConfigError("; ".join(problems), problems)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is said of the n slots of the period."""

    period: Period
    label: NDArray[np.int8]
    judged: Judged
    confidence: Floats
    """Shape (n,): the share of cells read in the last hour, times history / (history + a week)."""
    seen: NDArray[np.float32]
    """Shape (n,): the share of the slot's cells that were read."""
    totals: Floats
    """Shape (n, 4): requests of all servers by file."""
    columns: tuple[str, ...]
    servers: tuple[str, ...]
    saved: Saved
    """What the model was fitted on."""
    losses: dict[str, list[float]]
    threshold: float
    gaps: tuple[str, ...]
    """Gaps within the period, as sentences."""
    notes: tuple[str, ...]
    seconds: dict[str, float]

    @property
    def slots(self) -> NDArray[np.int64]:
        """The slots of the period."""
        return np.arange(self.period.start, self.period.end)

    @property
    def score(self) -> Floats:
        """min(1, -log10 p / 6), shape (n,)."""
        return np.minimum(1.0, -np.log10(self.judged.p) / 6.0) + 0.0


def read_folder(folder: Path, duplicates: str, told: Told) -> Grid:
    """The four files of a folder on one grid.

    Raises:
        SourceError: a file is missing or cannot be read.
        InputError: what is in them is not legal; the sentence names file and line.
    """
    files, paths = [], find_files(folder)
    for place, path in enumerate(paths):

        def tell(done: int, total: int, place: int = place, name: str = path.name) -> None:
            told(Step("reading", round(1000 * (place + done / total)), 1000 * len(paths), name))

        files.append(read_counter_file(path, tell))
    return join(files, duplicates)


def predict(config: ServersConfig, told: Told | None = None) -> Prediction:
    """Read, fit on what lies before the period (or load), judge each slot of it.

    Raises:
        SourceError: files are missing.
        InputError: what is in them is not legal, or the period has no data.
        MissingExtraError: the method needs a library that is not installed.
        ConfigError: the model is to be kept, and cannot be.
    """
    tell: Told = told or silent
    clock = time.perf_counter
    if config.save is not None:
        require_plain(config.model)
        require_place(config.save)
    model, kept = load(config.load) if config.load is not None else (new_model(config.model), None)
    began = clock()
    grid = read_folder(config.folder, config.duplicates, tell)
    read = clock()
    period = read_period(config.period, grid.first, grid.last)
    notes = list(grid.notes)
    if config.period is None:
        notes.append(f"the period is {period.name}, the last calendar year in the files; another one by --period")
    notes += _outside(period, grid)
    if kept is None:
        saved = _fit(model, config, grid, period, notes, tell)
    else:
        saved = kept
        saved.require(grid.columns)
        notes.append(f"the model is that of `{config.load}`, fitted on {saved.span}; nothing was trained")
        if saved.last >= period.start:
            notes.append("the model was fitted on slots of the period, or later ones: its labels know what came later")
    if unjudged := [f"`{grid.servers[one] or '1'}`" for one in model.unjudged()]:
        which = f"server{'' if len(unjudged) == 1 else 's'} {', '.join(unjudged)}"
        notes.append(f"not judged where read less than half as often as others in what was fitted on: {which}")
    fitted = clock()
    first, last = max(period.start, grid.first), min(period.end, grid.last + 1)
    around = first - period.start, period.end - last
    judged = model.judge(_slots(grid, last - grid.first), first - grid.first, tell).padded(*around)
    here = slice(first - grid.first, last - grid.first)
    seen = np.pad(grid.seen[here], around)
    threshold = config.alarms_per_day / SLOTS_A_DAY
    confidence = np.pad(_confidence(grid.seen, saved.rows)[here], around)
    label = _label(judged, seen, threshold, config)
    judged.p[seen < _LEAST_SEEN] = 1.0
    confidence[seen < _LEAST_SEEN] = 0.0
    gaps = [gap for gap in grid.gaps if gap.start < period.end and gap.end > period.start]
    return Prediction(
        period,
        label,
        judged,
        confidence,
        seen,
        np.pad(_totals(grid)[here], [around, (0, 0)], constant_values=np.nan),
        grid.columns,
        grid.servers,
        saved,
        model.losses(),
        threshold,
        tuple(str(gap) for gap in gaps),
        tuple(notes),
        {"read": read - began, "fit": fitted - read, "judge": clock() - fitted},
    )


def _outside(period: Period, grid: Grid) -> list[str]:
    """Notes on slots of the period that lie outside of the files."""
    notes = []
    if before := max(0, grid.first - period.start):
        many = counted(before, "slot")
        notes.append(f"the files begin with {stamp(grid.first)}; not judged: {many} of the period before that")
    if behind := max(0, period.end - 1 - grid.last):
        many = counted(behind, "slot")
        notes.append(f"the files end with {stamp(grid.last)}; not judged: {many} of the period behind that")
    return notes


def _totals(grid: Grid) -> Floats:
    """Requests of all servers by file, shape (n, 4)."""
    return np.asarray(grid.values.reshape(len(grid), len(FILES), len(grid.servers), len(COUNTERS))[..., 0].sum(axis=2))


def _slots(grid: Grid, end: int) -> Slots:
    """The slots of a grid until `end`, without copying."""
    at_us = (grid.first + np.arange(end, dtype=np.int64)) * SLOT_US
    return Slots(Table(grid.values[:end], grid.columns, at_us), grid.known[:end], len(grid.servers))


def _fit(model: Model, config: ServersConfig, grid: Grid, period: Period, notes: list[str], told: Told) -> Saved:
    """Fit a model, and say what on."""
    before = max(0, period.start - grid.first)
    if before >= _LEAST_ROWS:
        end, kind = before, "what lies before the period"
    else:
        end, kind = len(grid), "everything, the period too, for less than a day lies before it"
    if end < _SHORT_ROWS:
        notes.append(f"only {counted(end, 'slot')} to learn from; four weeks ({_SHORT_ROWS:,}) or more teach better")
    learnt = _slots(grid, end)
    saved = Saved.of(config.model, learnt.table, grid.seen[:end], grid.first, kind)
    notes.append(f"fitted on {kind}: {saved.span}, {counted(saved.rows, 'slot')}, {saved.filled:,} of them filled")
    model.fit(learnt, told)
    if config.save is not None:
        save(config.save, model, saved)
    return saved


def _label(judged: Judged, seen: NDArray[np.float32], threshold: float, config: ServersConfig) -> NDArray[np.int8]:
    """0 or 1 a slot: the method's own flags, otherwise p at or below the threshold, k of the last n slots."""
    alarm = judged.flags if judged.flags is not None else judged.p <= threshold
    alarm = alarm & (seen >= _LEAST_SEEN)
    k, n = config.persist
    if n > 1:
        sums = np.concatenate([[0], np.cumsum(alarm)])
        at = np.arange(1, len(alarm) + 1)
        alarm = alarm & (sums[at] - sums[np.maximum(at - n, 0)] >= k)
    return np.where(seen < _LEAST_SEEN, config.gap_label, alarm).astype(np.int8)


def _confidence(seen: NDArray[np.float32], rows: int) -> Floats:
    """Share of cells read in the hour that ends with each slot, times how much the history is to be trusted."""
    sums = np.concatenate([[0.0], np.cumsum(seen, dtype=np.float64)])
    at = np.arange(1, len(seen) + 1)
    begin = np.maximum(at - _HOUR, 0)
    return np.asarray((sums[at] - sums[begin]) / (at - begin) * rows / (rows + _HALF_TRUST_ROWS))


def summary(prediction: Prediction) -> dict[str, Any]:
    """The result in a few plain members."""
    label = prediction.label
    starts = int(((label == 1) & (np.concatenate([[0], label[:-1]]) == 0)).sum())
    days = len(label) / SLOTS_A_DAY
    return {
        "period": prediction.period.name,
        "slots": len(label),
        "labelled": int(label.sum()),
        "runs": starts,
        "labelled_per_day": round(float(label.sum()) / days, 3),
        "runs_per_day": round(starts / days, 3),
        "filled_slots": int((prediction.seen < 1).sum()),
        "not_judged": int((prediction.seen < _LEAST_SEEN).sum()),
        "method": prediction.saved.config.method,
        "threshold_p": prediction.threshold,
        "fitted_on": prediction.saved.span,
        "gaps": list(prediction.gaps),
        "notes": list(prediction.notes),
        "seconds": {name: round(value, 2) for name, value in prediction.seconds.items()},
    }
