"""Robust random cut forest behind the contract: how much a row's place changes the trees that it is put into."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Scores, Table, Traits
from yeoul.errors import InputError, MissingExtraError, StateError

__all__ = ["CutForest"]

Floats = NDArray[np.float64]

_HELD_OUT = 0.3
_MOST_HELD_OUT = 1000
_LEAST_ROWS = 20
_JITTER = 1e-6


class CutForest:
    """Collusive displacement of a row in trees that hold the rows just before it (Guha et al., ICML 2016).

    Every row is put into `trees` trees of the last `size` vectors, judged by the mean of its displacements, and pushes
    out the oldest. `shingle` rows side by side are one vector. Slow: about a millisecond a row for every four trees.

    Args:
        seed: of the cuts.
        trees: how many trees.
        size: how many vectors a tree holds.
        shingle: how many rows a vector has.

    Raises:
        MissingExtraError: the library `rrcf` is not installed.
    """

    name: ClassVar[str] = "rrcf"
    traits: ClassVar[Traits] = Traits(extra="compare")

    def __init__(self, seed: int = 0, *, trees: int = 20, size: int = 128, shingle: int = 4) -> None:
        if min(trees, size, shingle) < 1:
            message = f"got trees={trees}, size={size}, shingle={shingle}; legal: 1 or more"
            raise InputError(message)
        self._seed, self._trees, self._size, self._shingle = seed, trees, size, shingle
        self._middle: Floats = np.zeros(0)
        self.progress: Any = None

    def fit(self, table: Table) -> Floats:
        known = np.isfinite(table.values).all(axis=1)
        if known.sum() < _LEAST_ROWS:
            message = f"got `{int(known.sum())}` complete rows to fit on; `rrcf` needs at least {_LEAST_ROWS}"
            raise InputError(message)
        self._middle = table.values[known].mean(axis=0)
        spread = table.values[known].std(axis=0)
        self._spread = np.where(spread > 0, spread, 1.0)
        return self._raw(table, len(table) - min(_MOST_HELD_OUT, round(_HELD_OUT * len(table))))

    def score(self, table: Table, start: int) -> Scores:
        if not len(self._middle):
            message = "`rrcf` was not fitted; call fit before score"
            raise StateError(message)
        raw = self._raw(table, start)
        apart = np.abs(table.values[start:] - self._middle) / self._spread
        return Scores(raw, contributions=np.nan_to_num(apart))

    def _raw(self, table: Table, start: int) -> Floats:
        """Displacement of the rows from `start` on; the trees begin with the vectors before it."""
        try:
            import rrcf  # noqa: PLC0415 - an extra
        except ImportError as error:
            library, extra = "rrcf", "compare"
            raise MissingExtraError(library, extra) from error
        rng = np.random.default_rng(self._seed)
        forest = [rrcf.RCTree(random_state=int(rng.integers(2**31))) for _ in range(self._trees)]
        scaled = (table.values - self._middle) / self._spread
        # equal vectors would be one leaf: what is far below any spread keeps them apart
        scaled = scaled + rng.normal(scale=_JITTER, size=scaled.shape)
        raw = np.full(len(table) - start, np.nan)
        held: list[int] = []
        for row in range(max(self._shingle - 1, start - self._size), len(table)):
            vector = scaled[row - self._shingle + 1 : row + 1].ravel()
            if not np.isfinite(vector).all():
                continue
            if len(held) >= self._size:
                oldest = held.pop(0)
                for tree in forest:
                    tree.forget_point(oldest)
            for tree in forest:
                tree.insert_point(vector, index=row)
            held.append(row)
            if row >= start:
                raw[row - start] = np.mean([tree.codisp(row) for tree in forest])
                if self.progress is not None:
                    self.progress(row + 1, len(table))
        return raw
