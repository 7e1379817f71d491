"""The detectors of PyOD behind the contract: each judges a row by itself, or by the rows just before it too."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables.contract import Scores, Table, Traits
from yeoul.detect.tables.nearest import windows_of
from yeoul.errors import InputError, MissingExtraError, StateError, YeoulError

__all__ = ["Avgknn", "Cblof", "Hbos", "Iforest", "Knn", "Lof", "Ocsvm", "Xgbod"]

Floats = NDArray[np.float64]

_TAUGHT = 0.7
_LEAST_ROWS = 20
"""Of which 14 teach and 6 are held out: rows that were learnt from are no measure of how odd a row may be."""
_MOST_CLUSTERS = 8


class _Pyod:
    """A detector of PyOD on standardised rows; `window` rows side by side are one vector.

    Args:
        seed: of what is drawn at random, where the detector draws.
        window: how many rows a vector has: 1, the row itself; more for series.
        arguments: those of PyOD's class, such as `n_neighbors`.

    Fitted on the first 70 % of what `fit` is given: the rest are normal scores it did not learn from. Where the rows
    that taught are judged themselves (in batch mode) their scores are those of PyOD's `decision_scores_`, in which no
    row is its own neighbour. A row with a missing value, or fewer than `window` rows before it, has no score.

    Raises:
        MissingExtraError: PyOD is not installed.
    """

    name: ClassVar[str]
    traits: ClassVar[Traits] = Traits(ordered=False, extra="compare", plain=False)
    _module: ClassVar[str]
    _class: ClassVar[str]
    _seeded: ClassVar[bool] = False
    _fixed: ClassVar[dict[str, Any]] = {}

    def __init__(self, seed: int = 0, *, window: int = 1, **arguments: Any) -> None:
        if window < 1:
            message = f"got the window `{window}`; legal: 1 row or more"
            raise InputError(message)
        self._seed, self._window, self._arguments = seed, window, arguments
        self._model: Any = None
        self._taught: NDArray[np.intp] = np.zeros(0, np.intp)

    def fit(self, table: Table) -> Floats:
        vectors, known = self._vectors(table, 0)
        at = np.flatnonzero(known)
        if len(at) < _LEAST_ROWS:
            message = f"got `{len(at)}` complete rows to fit on; `{self.name}` needs at least {_LEAST_ROWS}"
            raise InputError(message)
        taught = at[: round(_TAUGHT * len(at))]
        self._middle = vectors[taught].mean(axis=0)
        spread = vectors[taught].std(axis=0)
        self._spread = np.where(spread > 0, spread, 1.0)
        self._model = self._made()
        with self._translated(f"learn from {len(taught)} rows with"):
            self._teach(self._scaled(vectors[taught]), table, taught)
        self._taught = taught
        held_out = np.full(len(table), np.nan)
        rest = at[len(taught) :]
        held_out[rest] = self._raw(vectors[rest])
        # where labels are learnt from, rows known to be abnormal are no measure of what is normal
        return (
            held_out[rest[~table.labels[rest]]]
            if self.traits.supervised and table.labels is not None
            else held_out[rest]
        )

    def score(self, table: Table, start: int) -> Scores:
        if self._model is None:
            message = f"`{self.name}` was not fitted; call fit before score"
            raise StateError(message)
        vectors, known = self._vectors(table, start)
        raw = np.full(len(known), np.nan)
        if known.any():
            raw[known] = self._raw(vectors[known])
        again = self._taught >= start
        raw[self._taught[again] - start] = np.asarray(self._model.decision_scores_, np.float64)[again]
        width = table.values.shape[1]
        apart = np.abs(vectors[:, -width:] - self._middle[-width:]) / self._spread[-width:]
        return Scores(raw, contributions=np.nan_to_num(apart))

    def _vectors(self, table: Table, start: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Vectors of the rows from `start` on, and which of them are complete."""
        at = np.arange(start, len(table), dtype=np.intp)
        vectors = windows_of(table.values.astype(np.float32), self._window, at).astype(np.float64)
        return vectors, np.isfinite(vectors).all(axis=1) & (at >= self._window - 1)

    def _scaled(self, vectors: Floats) -> Floats:
        scaled: Floats = (vectors - self._middle) / self._spread
        return scaled

    def _raw(self, vectors: Floats) -> Floats:
        with self._translated("judge by"):
            return np.asarray(self._model.decision_function(self._scaled(vectors)), np.float64)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """What PyOD and what is below it cannot do with rows or arguments is one sentence."""
        try:
            with warnings.catch_warnings():
                # neighbours that are more than the rows are lowered by itself
                warnings.simplefilter("ignore", UserWarning)
                yield
        except YeoulError:
            raise
        except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(". ")
            given = ", ".join(f"{name}={value}" for name, value in self._arguments.items())
            message = (
                f"`{self.name}` could not {what} {given or 'its default arguments'}: {reason}; "
                "fit on more rows by --fit, or give other arguments by --set"
            )
            raise InputError(message) from error

    def _teach(self, vectors: Floats, table: Table, rows: NDArray[np.intp]) -> None:
        self._model.fit(vectors)

    def _made(self, **chosen: Any) -> Any:
        from importlib import import_module  # noqa: PLC0415 - beside what it imports

        try:
            kind = getattr(import_module(f"pyod.models.{self._module}"), self._class)
        except ImportError as error:
            library, extra = "pyod", "compare"
            raise MissingExtraError(library, extra) from error
        seeded = {"random_state": self._seed} if self._seeded else {}
        try:
            return kind(**{**self._fixed, **seeded, **chosen, **self._arguments})
        except (TypeError, ValueError) as error:
            message = f"got {self._arguments} for `{self.name}`: {error}; see PyOD's `{self._class}`"
            raise InputError(message) from error


class Ocsvm(_Pyod):
    """One-class support vector machine (Schoelkopf et al., "Estimating the support", Neural Computation 2001)."""

    name: ClassVar[str] = "ocsvm"
    _module: ClassVar[str] = "ocsvm"
    _class: ClassVar[str] = "OCSVM"


class Lof(_Pyod):
    """Local outlier factor (Breunig et al., SIGMOD 2000)."""

    name: ClassVar[str] = "lof"
    _module: ClassVar[str] = "lof"
    _class: ClassVar[str] = "LOF"


class Cblof(_Pyod):
    """Cluster-based local outlier factor (He et al., Pattern Recognition Letters 2003).

    PyOD's 8 clusters, or fewer where these cannot be parted into large and small ones, as in rows of one normal law.
    """

    name: ClassVar[str] = "cblof"
    _module: ClassVar[str] = "cblof"
    _class: ClassVar[str] = "CBLOF"
    _seeded: ClassVar[bool] = True

    def _teach(self, vectors: Floats, table: Table, rows: NDArray[np.intp]) -> None:
        if "n_clusters" in self._arguments:
            super()._teach(vectors, table, rows)
            return
        for clusters in range(_MOST_CLUSTERS, 1, -1):
            self._model = self._made(n_clusters=clusters)
            try:
                super()._teach(vectors, table, rows)
            except ValueError:
                if clusters == 2:
                    raise
            else:
                return


class Hbos(_Pyod):
    """Histogram-based outlier score (Goldstein and Dengel, KI 2012)."""

    name: ClassVar[str] = "hbos"
    _module: ClassVar[str] = "hbos"
    _class: ClassVar[str] = "HBOS"


class Knn(_Pyod):
    """Distance to the k-th nearest neighbour (Ramaswamy et al., SIGMOD 2000)."""

    name: ClassVar[str] = "knn"
    _module: ClassVar[str] = "knn"
    _class: ClassVar[str] = "KNN"


class Avgknn(_Pyod):
    """Mean distance to the k nearest neighbours (Angiulli and Pizzuti, PKDD 2002)."""

    name: ClassVar[str] = "avgknn"
    _module: ClassVar[str] = "knn"
    _class: ClassVar[str] = "KNN"
    _fixed: ClassVar[dict[str, Any]] = {"method": "mean"}


class Iforest(_Pyod):
    """Isolation forest (Liu et al., ICDM 2008)."""

    name: ClassVar[str] = "iforest"
    _module: ClassVar[str] = "iforest"
    _class: ClassVar[str] = "IForest"
    _seeded: ClassVar[bool] = True


class Xgbod(_Pyod):
    """Gradient boosting on the scores of many unsupervised detectors (Zhao and Hryniewicz, IJCNN 2018).

    Learns from labels, of which both kinds must stand among the rows that are fitted on.
    """

    name: ClassVar[str] = "xgbod"
    traits: ClassVar[Traits] = Traits(ordered=False, supervised=True, extra="compare", plain=False)
    _module: ClassVar[str] = "xgbod"
    _class: ClassVar[str] = "XGBOD"
    _seeded: ClassVar[bool] = True

    def _teach(self, vectors: Floats, table: Table, rows: NDArray[np.intp]) -> None:
        labels = np.zeros(len(rows), bool) if table.labels is None else table.labels[rows]
        if not labels.any() or labels.all():
            message = (
                f"got `{int(labels.sum())}` abnormal rows of {len(rows)} to learn from; `xgbod` needs both kinds: "
                "name the column of labels by --label, or fit on more rows by --fit"
            )
            raise InputError(message)
        with warnings.catch_warnings():
            # its unsupervised members say that they need no labels, and XGBoost that it knows no `silent`
            warnings.simplefilter("ignore", UserWarning)
            self._model.fit(vectors, labels.astype(int))
