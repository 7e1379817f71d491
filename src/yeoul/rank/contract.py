"""What a ranking must do: it adds up counts of opaque keys window by window and orders them; it never sees a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["OVERALL", "Names", "Places", "Ranking", "RankingConfig"]

OVERALL = -1
"""The scope of the one ranking over all; every other scope is a non-negative id."""


_NEW = 1 << 62
"""Stands for a movement of who had no place."""


class Names(Protocol):
    """Gives keys an order that does not depend on the order in which their ids were handed out."""

    def __call__(self, keys: NDArray[np.int64], /) -> list[str]:
        """The text of each key, length n."""


@dataclass(frozen=True, slots=True)
class Places:
    """Rows of all asked scopes, by scope and then by place. Every column has length n."""

    at_us: int
    """The moment for which the scores hold, UTC."""
    scope: NDArray[np.int64]
    """`OVERALL` or a scope's id."""
    place: NDArray[np.int64]
    """1, 2, … within the scope."""
    key: NDArray[np.int64]
    score: NDArray[np.float64]
    """What the order is by, greatest first."""
    count: NDArray[np.float64]
    """Plain count over the span that the ranking states."""
    trend: NDArray[np.float64]
    """How far the key is above (> 0) or below (< 0) its own past: 0.5 is half as much again. At least -1."""
    previous: NDArray[np.int64]
    """Its place in this scope when places were last published; 0 when it had none."""

    @property
    def movement(self) -> list[str]:
        """Against the last published places: `new`, `up 3`, `down 1` or `same`."""
        # of many rows most have moved alike: each way of moving gets its words once
        up = np.where(self.previous == 0, _NEW, self.previous - self.place)
        ways, which = np.unique(up, return_inverse=True)
        return list(np.array([_movement(way) for way in ways.tolist()], object)[which])

    def __len__(self) -> int:
        return len(self.place)


def _movement(up: int) -> str:
    if up == _NEW:
        return "new"
    if up == 0:
        return "same"
    return f"up {up}" if up > 0 else f"down {-up}"


class Ranking(Protocol):
    """State of one ranking, vectorised over keys.

    The caller promises: times of `places` and `publish` are not before any time that was added; ids are never given to
    another key or scope. Within what a ranking states about its memory, its places are a function of the sum of
    all additions for each window: neither their order nor how often a window was revised shows.
    """

    name: str

    def add(self, at_us: int, scope: NDArray[np.int64], key: NDArray[np.int64], count: NDArray[np.float64]) -> None:
        """Add counts of one closed window; `at_us` is its end.

        Counts are finite. A late revision is added with the end of its own window and the differences to what was added
        for it before, negative ones too. One call may name a pair of scope and key more than once.
        """

    def places(self, at_us: int, *, scopes: NDArray[np.int64] | None = None, names: Names | None = None) -> Places:
        """The places at this moment in all scopes, or in the `scopes` named (`OVERALL` among them, if it is wanted).

        Equal scores are ordered by count, then by `names` where given, otherwise by id.
        """

    def publish(self, at_us: int, *, names: Names | None = None) -> Places:
        """The places of all scopes, remembered as what later movements compare with."""

    def remember(self, places: Places) -> None:
        """Let later movements compare with these places of all scopes, which another ranking may have published.

        One that waits for late revisions before it publishes an hour can so lend its places to one that is up to date.
        """

    def snapshot(self) -> dict[str, Any]:
        """All state as plain members and NumPy arrays (no objects)."""

    def restore(self, state: dict[str, Any]) -> None:
        """Continue exactly where `snapshot` was taken."""


class RankingConfig(Protocol):
    """The description of a ranking: plain, frozen, checked when it is made."""

    @property
    def name(self) -> str:
        """What the ranking is called in the workspace."""

    def build(self, snapshot: dict[str, Any] | None = None) -> Ranking:
        """A ranking of this description: empty, or where the snapshot was taken."""
