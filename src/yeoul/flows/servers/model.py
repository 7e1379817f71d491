"""What judges the slots: a scorer with its calibrator, or the two-stage autoencoder; fitted, kept and loaded alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.builtin import SCORERS
from yeoul.detect.tables.contract import Scores, Table
from yeoul.errors import ConfigError
from yeoul.flows.servers.calibration import SteadyTail
from yeoul.flows.servers.keeping import keep, kept
from yeoul.flows.servers.measures import CONTEXT_SLOTS, Measures
from yeoul.flows.servers.reading import COUNTERS
from yeoul.flows.servers.stamps import SLOTS_A_DAY
from yeoul.plugins import nearest, resolve

__all__ = [
    "AUTO",
    "TWO_STAGE",
    "Judged",
    "Model",
    "ModelConfig",
    "Slots",
    "Step",
    "Told",
    "load_model",
    "new_model",
    "require_plain",
    "silent",
]

Floats = NDArray[np.float64]

AUTO, TWO_STAGE = "auto", "two-stage-lstm"
_AUTO = ("windows", {"length": 3, "most": 3000})
_BLOCK = 30 * SLOTS_A_DAY
_CONTEXT = 35 * SLOTS_A_DAY
_TOP = 3


@dataclass(frozen=True, slots=True)
class Slots:
    """Five minutes that follow each other."""

    table: Table
    """Counters, 16 a server, gaps filled."""
    known: NDArray[np.bool_]
    """Shape (n, 4 a server): which of them were read, by file and server."""
    servers: int

    def __len__(self) -> int:
        return len(self.table)

    def part(self, start: int, end: int) -> Slots:
        """Those from `start` until `end`."""
        return Slots(self.table.part(start, end), self.known[start:end], self.servers)


@dataclass(frozen=True, slots=True)
class Step:
    """How far a long work has come."""

    what: str
    done: int
    total: int
    """0: not known."""
    note: str = ""
    weighty: bool = False
    """Worth a line of its own in any case, as an epoch of training is."""


Told = Callable[[Step], None]


def silent(step: Step) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Which method, and what a person may say of it.

    Raises:
        ConfigError: no such method, or an option that is not its own.
    """

    method: str = AUTO
    seed: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    """For `two-stage-lstm`: members of its configuration (`window`, `clean`, `flag`, `dropout`)."""

    def __post_init__(self) -> None:
        legal = [AUTO, TWO_STAGE, *sorted(set(SCORERS) - {TWO_STAGE})]
        if self.method not in legal:
            message = f"got the method `{self.method}`; legal: {', '.join(legal)}{nearest(self.method, legal)}"
            raise ConfigError(message)
        if self.seed < 0:
            message = f"seed: got `{self.seed}`; legal: 0 or more"
            raise ConfigError(message)
        if self.options and self.method != TWO_STAGE:
            names = ", ".join(sorted(self.options))
            message = (
                f"got options of `{TWO_STAGE}` ({names}) for the method `{self.method}`; leave them out, or choose it"
            )
            raise ConfigError(message)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of m slots."""

    raw: Floats
    """Shape (m,), the method's own measure: for `two-stage-lstm` the RMSE; NaN: nothing can be said."""
    p: Floats
    """Shape (m,), in (0, 1]."""
    flags: NDArray[np.bool_] | None
    """Shape (m,): what the method's own threshold flags; None: it has none, p decides."""
    leading: NDArray[np.intp]
    """Shape (m, 3): the columns that carry most, the first most."""
    leading_shares: NDArray[np.float32]
    """Shape (m, 3): what they carry of all, 0 to 1."""
    group_shares: NDArray[np.float32]
    """Shape (m, servers): what each server carries."""

    def padded(self, before: int, behind: int) -> Judged:
        """The same with slots before and behind, of which nothing is said."""

        def pad(column: NDArray[Any], value: float) -> NDArray[Any]:
            around = [(before, behind)] + [(0, 0)] * (column.ndim - 1)
            return np.pad(column, around, constant_values=value)

        flags = None if self.flags is None else pad(self.flags, 0)
        places = (pad(each, 0) for each in (self.leading, self.leading_shares, self.group_shares))
        return Judged(pad(self.raw, np.nan), pad(self.p, 1.0), flags, *places)


class Model(Protocol):
    """Learns from slots, judges later ones."""

    def fit(self, slots: Slots, told: Told) -> None:
        """Learn what is usual; earlier learning is forgotten."""

    def judge(self, slots: Slots, start: int, told: Told) -> Judged:
        """Judge the slots from `start` on."""

    def unjudged(self) -> list[int]:
        """Servers, from 0, that were read too seldom in what was fitted on to be judged in all files."""

    def losses(self) -> dict[str, list[float]]:
        """Losses of training by epoch and curve; empty for what is not trained so."""

    def describe(self) -> dict[str, Any]:
        """Plain members for a person to read."""

    def save(self, folder: Path) -> None:
        """Write it as plain files."""


def new_model(config: ModelConfig) -> Model:
    """A model that has learnt nothing."""
    return TwoStageModel(config) if config.method == TWO_STAGE else ScorerModel(config)


def require_plain(config: ModelConfig) -> None:
    """Refuse to keep what cannot be kept, before minutes are spent on fitting it.

    Raises:
        ConfigError: the method's model holds an estimator of another library.
    """
    if config.method in {AUTO, TWO_STAGE}:
        return
    kind: Any = resolve("yeoul.scorers", SCORERS, config.method)
    if not kind.traits.plain:
        message = f"got --save for the method `{config.method}`, whose model cannot be kept as plain files; "
        raise ConfigError(message + f"choose `{AUTO}`, `windows`, `pca` or `{TWO_STAGE}`, or leave out --save")


def load_model(config: ModelConfig, folder: Path) -> Model:
    """A model as it was saved.

    Raises:
        SourceError: files are missing.
        StateError: they are damaged.
    """
    if config.method == TWO_STAGE:
        return TwoStageModel(config, folder)
    model = ScorerModel(config)
    state = kept(folder)
    model.scorer, model.held_out, model.left_out = state["scorer"], state["held_out"], state["left_out"]
    model.measures = Measures(state["failing"].shape[1], state["failing"], state["rough"])
    return model


class ScorerModel:
    """A scorer of tables on `Measures` of the counters, slots that are odd at a glance left out of what it learns."""

    def __init__(self, config: ModelConfig) -> None:
        self._name, options = _AUTO if config.method == AUTO else (config.method, {})
        kind: Any = resolve("yeoul.scorers", SCORERS, self._name)
        self.scorer: Any = kind(seed=config.seed, **options)
        self.held_out: Floats = np.zeros(0)
        self.measures = Measures(0)
        self.left_out = 0

    def fit(self, slots: Slots, told: Told) -> None:
        told(Step("measuring", 0, 0))
        self.measures = Measures(slots.servers).fit(slots.table.values, slots.known)
        found = self.measures.of(slots.table.values, slots.known)
        odd = self.measures.odd(found)
        self.left_out = int(odd.sum())
        found[odd] = np.nan
        told(Step("fitting", 0, 0))
        if hasattr(self.scorer, "progress"):
            self.scorer.progress = lambda done, total: told(Step("fitting", done, total))
        self.held_out = self.scorer.fit(Table(found, self.measures.columns(), slots.table.at_us))
        if hasattr(self.scorer, "progress"):
            self.scorer.progress = None

    def judge(self, slots: Slots, start: int, told: Told) -> Judged:
        # a scorer that learns as it goes has to see all rows, the others those that their profiles look back on
        first = max(0, start - _CONTEXT - CONTEXT_SLOTS) if self.scorer.traits.fitted else 0
        seen = slots.part(first, len(slots))
        start -= first
        found = self.measures.of(seen.table.values, seen.known)
        table = Table(found, self.measures.columns(), seen.table.at_us)
        groups = _groups(slots.servers)
        told(Step("judging", 0, len(table) - start))
        step = _BLOCK if self.scorer.traits.fitted else len(table)
        parts = []
        for begin in range(start, len(table), step):
            end = min(len(table), begin + step)
            context = max(0, begin - _CONTEXT) if self.scorer.traits.fitted else 0
            scores = self.scorer.score(table.part(context, end), begin - context)
            carried = None if scores.contributions is None else self.measures.carried(scores.contributions)
            parts.append(_judged(scores, carried, None, groups))
            told(Step("judging", end - start, len(table) - start))
        return _with_p(_joined(parts), self.held_out)

    def unjudged(self) -> list[int]:
        return [int(one) for one in np.flatnonzero(~self.measures.judged.all(axis=0))]

    def losses(self) -> dict[str, list[float]]:
        return dict(getattr(self.scorer, "history", {}))

    def describe(self) -> dict[str, Any]:
        said = self.scorer.describe() if hasattr(self.scorer, "describe") else {}
        known = self.held_out[np.isfinite(self.held_out)]
        quantiles = (
            {f"{100 * q:g} %": float(np.quantile(known, q)) for q in (0.5, 0.9, 0.99, 0.999)} if len(known) else {}
        )
        return {
            "scorer": self._name,
            "slots left out as odd at a glance": self.left_out,
            "held-out rows": len(known),
            "held-out scores": quantiles,
            **said,
        }

    def save(self, folder: Path) -> None:
        state = {"scorer": self.scorer, "held_out": self.held_out, "left_out": self.left_out}
        keep({**state, "failing": self.measures.failing, "rough": self.measures.rough}, folder)


class TwoStageModel:
    """The two-stage autoencoder on the counters themselves, p by the errors of rows that it did not learn from."""

    def __init__(self, config: ModelConfig, folder: Path | None = None) -> None:
        from yeoul.detect.tables.deep.autoencoder import (  # noqa: PLC0415 - loads Keras, seconds
            TwoStageAutoencoder,
            TwoStageConfig,
        )

        self._told: Told = silent
        if folder is None:
            self._net = TwoStageAutoencoder(TwoStageConfig(**config.options), config.seed, self._progress)
        else:
            self._net = TwoStageAutoencoder.load(folder)

    def _progress(self, stage: int, epoch: int, epochs: int, loss: float) -> None:
        self._told(Step(f"training stage {stage}", epoch, epochs, f"loss {loss:.4g}", weighty=True))

    def fit(self, slots: Slots, told: Told) -> None:
        self._told = told
        told(Step("preparing", 0, 0))
        self._net.fit(slots.table)

    def judge(self, slots: Slots, start: int, told: Told) -> Judged:
        parts, groups = [], _groups(slots.servers)
        told(Step("judging", 0, len(slots) - start))
        for begin in range(start, len(slots), _BLOCK):
            end = min(len(slots), begin + _BLOCK)
            context = max(0, begin - 10 * self._net.config.window)
            scores = self._net.score(slots.table.part(context, end), begin - context)
            parts.append(_judged(scores, scores.contributions, self._net.flags(scores), groups))
            told(Step("judging", end - start, len(slots) - start))
        return _with_p(_joined(parts), self._net.held_out)

    def unjudged(self) -> list[int]:
        return []

    def losses(self) -> dict[str, list[float]]:
        return self._net.history

    def describe(self) -> dict[str, Any]:
        return self._net.describe()

    def save(self, folder: Path) -> None:
        self._net.save(folder)


def _groups(servers: int) -> NDArray[np.intp]:
    """The server of each column."""
    return np.arange(16 * servers) // len(COUNTERS) % servers


def _with_p(judged: Judged, held_out: Floats) -> Judged:
    return judged if np.isfinite(judged.p).all() else replace(judged, p=SteadyTail(held_out).p(judged.raw))


def _judged(
    scores: Scores, carried: Floats | None, flags: NDArray[np.bool_] | None, groups: NDArray[np.intp]
) -> Judged:
    """Scores with the columns that carry most, so that the shares of all columns need not be held; p may be NaN yet."""
    rows, servers = len(scores.raw), int(groups.max()) + 1
    p = np.full(rows, np.nan) if scores.p is None else np.where(np.isfinite(scores.raw), scores.p, 1.0)
    if carried is None:
        nothing = np.zeros((rows, 0), np.float32)
        return Judged(scores.raw, p, flags, nothing.astype(np.intp), nothing, np.zeros((rows, servers), np.float32))
    parts = np.nan_to_num(carried)
    total = parts.sum(axis=1, keepdims=True)
    shares = (parts / np.where(total > 0, total, 1.0)).astype(np.float32)
    top = min(_TOP, shares.shape[1])
    leading = np.argpartition(-shares, top - 1, axis=1)[:, :top]
    order = np.argsort(-np.take_along_axis(shares, leading, axis=1), axis=1, kind="stable")
    leading = np.take_along_axis(leading, order, axis=1)
    by_group = np.stack([shares[:, groups == group].sum(axis=1) for group in range(servers)], axis=1)
    return Judged(scores.raw, p, flags, leading, np.take_along_axis(shares, leading, axis=1), by_group)


def _joined(parts: list[Judged]) -> Judged:
    flags = [part.flags for part in parts if part.flags is not None]
    names = ("leading", "leading_shares", "group_shares")
    raw, p = (np.concatenate([getattr(part, name) for part in parts]) for name in ("raw", "p"))
    return Judged(
        raw,
        p,
        np.concatenate(flags) if flags else None,
        *(np.concatenate([getattr(part, name) for part in parts]) for name in names),
    )
