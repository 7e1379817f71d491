"""What a scorer of whole tables must do: learn from rows, then say how odd later rows are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scorer", "Scores", "Table", "Traits"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of numbers: one series in order of time, or behaviour vectors that have no order."""

    values: Floats
    """Shape (n, d); NaN = missing."""
    columns: tuple[str, ...]
    """Names of the d columns."""
    at_us: NDArray[np.int64] | None = None
    """Times of the n rows, UTC, not falling; None: the rows have no order."""
    labels: NDArray[np.bool_] | None = None
    """Which rows are known to be abnormal; only supervised scorers look at it, in `fit` only."""

    def __len__(self) -> int:
        return len(self.values)

    def part(self, start: int, end: int) -> Table:
        """The rows from `start` until `end`; views, nothing is copied."""
        at_us = None if self.at_us is None else self.at_us[start:end]
        labels = None if self.labels is None else self.labels[start:end]
        return Table(self.values[start:end], self.columns, at_us, labels)


@dataclass(frozen=True, slots=True)
class Scores:
    """What a scorer says of m rows."""

    raw: Floats
    """Shape (m,): the higher, the odder, in the scorer's own unit; NaN: nothing can be said of this row."""
    p: Floats | None = None
    """Shape (m,), in (0, 1]: given by a scorer that calibrates itself; None: whoever asked calibrates `raw`."""
    expected: Floats | None = None
    """Shape (m, d); None: the scorer has no notion of an expected value."""
    lower: Floats | None = None
    """Shape (m, d): range in which 99 % of normal values lie, lower <= expected <= upper."""
    upper: Floats | None = None
    contributions: Floats | None = None
    """Shape (m, d), >= 0, in any unit: how much of the oddness each column carries."""
    confidence: Floats | None = None
    """Shape (m,), in [0, 1], apart from p; None: whoever asked tells it from the length of the history."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a scorer needs, so that a caller can prepare it or refuse with a clear sentence."""

    fitted: bool = True
    """Whether `fit` has to come before `score`; False: it learns while it scores, from the first row on."""
    ordered: bool = True
    """Whether rows must be a series in order of time; False: each row is judged by itself."""
    supervised: bool = False
    """Whether `fit` needs labels."""
    most_columns: int | None = None
    """More columns than this are refused; None: any number."""
    extra: str = ""
    """The optional dependencies it needs: `compare` or `deep`."""
    plain: bool = True
    """Whether what it learns is numbers, arrays and parts of this package, so that it can be kept as plain files;
    False: it holds an estimator of another library."""


class Scorer(Protocol):
    """Scores the rows of one table. Built by `Class(seed=0)`; the same rows and seed give the same scores.

    The caller promises: `fit` sees only rows before those that are scored with it, unless it works in batch mode. A
    scorer that takes long may have an attribute `progress`, which the caller sets to a function of (done, all): it is
    called now and then with units of work.
    """

    name: ClassVar[str]
    traits: ClassVar[Traits]

    def fit(self, table: Table) -> Floats:
        """Learn what is usual from these rows; earlier learning is forgotten.

        Returns:
            Raw scores of normal rows that it did not learn from (most often the last 30 %, scored by what the others
            taught): what `raw` is compared with to become a p. Empty: the scorer calibrates itself.
        """

    def score(self, table: Table, start: int) -> Scores:
        """Score the rows from `start` on; m = len(table) - start.

        The rows before `start` are context. A row's score uses rows up to and including it, never a later one (a
        scorer without order looks at the row alone).
        """
