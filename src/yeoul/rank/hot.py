"""Hot titles: exponentially decayed counts with a stated half-life, trend against the title's own past, movement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import ConfigError, InputError
from yeoul.rank.contract import OVERALL, Names, Places
from yeoul.rank.decay import DecayedSums
from yeoul.rank.pairs import PairSlots
from yeoul.rank.recent import STEPS, RecentCounts
from yeoul.rank.top import top_rows

__all__ = ["Hot", "HotConfig"]

_SLACK = 0.25
"""Share of slots that may lie empty before they are given back."""
_ASKED_KEPT = 2
"""Of so many choices of scopes the slots are kept: the ranking over all, and the scopes that pages show."""


@dataclass(frozen=True, slots=True)
class HotConfig:
    """What is ranked how."""

    name: str
    half_life_us: int = 600_000_000
    """After this time a play is worth half."""
    top: int = 10
    """Places a scope."""
    window_us: int = 10_000_000
    """Length of the windows whose counts are added."""
    scoped: bool = True
    """Whether each scope has places of its own beside the ones over all."""
    past: float = 6.0
    """The title's own past is what its rate was with a half-life this many times as long."""
    span_us: int = 3_600_000_000
    """What `count` covers: the last hour."""
    floor: float = 0.01
    """A pair whose scores and count are all below this is forgotten; nothing below it has a place."""
    max_pairs: int = 2_000_000
    """Above this many pairs of scope and key the ones with the lowest scores go."""

    def __post_init__(self) -> None:
        legal = {
            "half_life_us": self.half_life_us >= 1_000_000,
            "top": self.top >= 1,
            "window_us": self.window_us >= 1,
            "past": self.past > 1,
            "span_us": self.span_us >= STEPS,
            "floor": self.floor > 0,
            "max_pairs": self.max_pairs >= 1000,
        }
        wrong = [f"{member} = {getattr(self, member)}" for member, fine in legal.items() if not fine]
        if wrong:
            message = (
                f"ranking `{self.name}` got `{', '.join(wrong)}`; legal: half-life at least 1s, top, window and floor "
                f"above 0, past above 1, span at least {STEPS} us, max_pairs at least 1000"
            )
            raise ConfigError(message)

    def build(self, snapshot: dict[str, Any] | None = None) -> Hot:
        """A ranking of this description: empty, or where the snapshot was taken."""
        ranking = Hot(self)
        if snapshot is not None:
            ranking.restore(snapshot)
        return ranking


class Hot:
    """State of a hot ranking; see `Ranking` for what its methods promise.

    `score` is the decayed count S = sum of count x 2^-((at - window end) / half_life). `count` is the plain count of
    the last `span_us` (in steps of a twelfth; at whole hours exactly the hour before). `trend` is (S + 1) / (E + 1) -
    1, where E is what S would be if the title had kept the rate of its own past: a decayed count with a half-life
    `past` times as long. Both are corrected for the time since the first window, so that a steady title has trend 0
    from the start; the ones added keep a title with two plays from counting as a trend.

    Memory: 70 to 110 bytes a pair, and 12 for each twelfth of the span in which it was counted. Once a half-life the
    pairs whose scores and count are below `floor` are forgotten; a revision of an older window that comes for such a
    pair afterwards finds less than `floor` missing.

    >>> ranking = HotConfig("hot", half_life_us=60_000_000, top=2).build()
    >>> one, titles = np.zeros(3, int), np.array([7, 8, 9])
    >>> ranking.add(10_000_000, one, titles, np.array([4.0, 1.0, 2.0]))
    >>> ranking.publish(10_000_000).key
    array([7, 9, 7, 9])
    >>> ranking.add(70_000_000, one, titles, np.array([0.0, 3.0, 0.5]))
    >>> now = ranking.places(70_000_000, scopes=np.array([OVERALL]))
    >>> list(zip(now.key.tolist(), now.score.tolist(), now.movement))
    [(8, 3.5, 'new'), (7, 2.0, 'down 1')]
    """

    def __init__(self, config: HotConfig) -> None:
        self.config = config
        self.name = config.name
        self._pairs = PairSlots()
        self._short = DecayedSums(config.half_life_us)
        self._long = DecayedSums(round(config.half_life_us * config.past))
        self._recent = RecentCounts(config.span_us)
        self._first_us: int | None = None  # start of the oldest window added
        self._newest_us: int | None = None
        self._published = PairSlots()  # slot i was published at _published_place[i]
        self._published_place = np.zeros(0, np.int64)
        self._asked: dict[bytes, tuple[int, NDArray[np.intp]]] = {}
        """By the scopes asked for: how many pairs were looked at, and the slots among them."""

    def add(self, at_us: int, scope: NDArray[np.int64], key: NDArray[np.int64], count: NDArray[np.float64]) -> None:
        scope, key, count = np.asarray(scope, np.int64), np.asarray(key, np.int64), np.asarray(count, np.float64)
        self._note_time(at_us)
        scope, key, count = self._with_overall(scope, key, count)
        slots, inverse = np.unique(self._pairs.take(scope, key), return_inverse=True)
        sums = np.bincount(inverse, count, minlength=len(slots)).astype(np.float64, copy=False)
        for part in (self._short, self._long, self._recent):
            part.resize(len(self._pairs))
            part.add(slots, sums, at_us)
        if len(self._pairs) > self.config.max_pairs:
            self._shrink()

    def _with_overall(
        self, scope: NDArray[np.int64], key: NDArray[np.int64], count: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """The additions, and those of the ranking over all."""
        titles, inverse = np.unique(key, return_inverse=True)
        over_all = np.full(len(titles), OVERALL, np.int64)
        totals = np.bincount(inverse, count, minlength=len(titles)).astype(np.float64, copy=False)
        if not self.config.scoped:
            return over_all, titles, totals
        if len(scope) and scope.min() < 0:
            message = f"ranking `{self.name}` got the scope `{scope.min()}`; legal: ids from 0"
            raise InputError(message)
        return np.concatenate([over_all, scope]), np.concatenate([titles, key]), np.concatenate([totals, count])

    def _note_time(self, at_us: int) -> None:
        start_us = at_us - self.config.window_us
        self._first_us = start_us if self._first_us is None else min(self._first_us, start_us)
        if self._newest_us is None or at_us > self._newest_us:
            before, self._newest_us = self._newest_us, at_us
            half_life_us = self.config.half_life_us
            if before is not None and before // half_life_us < at_us // half_life_us:
                self._forget(at_us // half_life_us * half_life_us)

    def _forget(self, at_us: int) -> None:
        """Clear what is below the floor, at whole half-lives only: what is forgotten does not depend on reading."""
        floor, n = self.config.floor, len(self._pairs)
        self._recent.advance(at_us)
        gone = (
            (np.abs(self._short.value(at_us)[:n]) < floor)
            & (np.abs(self._long.value(at_us)[:n]) < floor)
            & (np.abs(self._recent.value()[:n]) < floor)
        )
        empty = np.flatnonzero(gone)
        self._short.clear(empty)
        self._long.clear(empty)
        if len(empty) > _SLACK * n:
            self._keep(~gone)

    def _shrink(self) -> None:
        """Back to three quarters of `max_pairs`, so that it is seldom done."""
        assert self._newest_us is not None
        n = len(self._pairs)
        score = self._short.value(self._newest_us)[:n]
        stays = np.zeros(n, np.bool_)
        stays[np.argpartition(-score, keep := self.config.max_pairs * 3 // 4)[:keep]] = True
        self._keep(stays)

    def _keep(self, stays: NDArray[np.bool_]) -> None:
        self._asked.clear()
        self._pairs = self._pairs.kept(stays)
        for part in (self._short, self._long, self._recent):
            part.keep(stays)

    def places(self, at_us: int, *, scopes: NDArray[np.int64] | None = None, names: Names | None = None) -> Places:
        if self._newest_us is not None and at_us < self._newest_us:
            message = f"ranking `{self.name}` was asked for `{at_us}`; legal: not before its newest, {self._newest_us}"
            raise InputError(message)
        self._recent.advance(at_us)
        slots = self._slots_of(scopes)
        score = self._short.value(at_us, slots)
        slots, score = slots[score >= self.config.floor], score[score >= self.config.floor]
        scope, key, count = self._pairs.scope[slots], self._pairs.key[slots], self._recent.value(slots)
        rows, place = top_rows(scope, key, score, count, self.config.top, names)
        trend = self._trend(score[rows], self._long.value(at_us, slots[rows]), at_us)
        previous = self._previous(scope[rows], key[rows])
        return Places(at_us, scope[rows], place, key[rows], score[rows], count[rows], trend, previous)

    def _slots_of(self, scopes: NDArray[np.int64] | None) -> NDArray[np.intp]:
        """Slots of all pairs in these scopes, ascending.

        The same few scopes are asked for again and again among millions of pairs: what was found is kept, and only the
        pairs that came since are looked at.
        """
        n = len(self._pairs)
        if scopes is None:
            return np.arange(n)
        wanted = scopes.tobytes()
        seen, slots = self._asked.pop(wanted, (0, np.zeros(0, np.intp)))
        slots = np.concatenate((slots, seen + np.flatnonzero(np.isin(self._pairs.scope[seen:], scopes))))
        while len(self._asked) >= _ASKED_KEPT:
            self._asked.pop(next(iter(self._asked)))
        self._asked[wanted] = (n, slots)
        return slots

    def publish(self, at_us: int, *, names: Names | None = None) -> Places:
        places = self.places(at_us, names=names)
        self.remember(places)
        return places

    @property
    def known(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Scopes and keys that it holds, each once; `OVERALL` may be among the scopes."""
        scopes = np.concatenate((self._pairs.scope, self._published.scope))
        keys = np.concatenate((self._pairs.key, self._published.key))
        return np.unique(scopes), np.unique(keys)

    def remember(self, places: Places) -> None:
        self._published = PairSlots.of(places.scope, places.key)
        self._published_place = places.place

    def _trend(self, short: NDArray[np.float64], long: NDArray[np.float64], at_us: int) -> NDArray[np.float64]:
        if self._first_us is None:
            return np.zeros_like(short)
        age_us = max(at_us - self._first_us, self.config.window_us)
        expected = long * self._share(self._long.half_life_us, age_us) / self._share(self._short.half_life_us, age_us)
        trend: NDArray[np.float64] = (short + 1) / (np.maximum(expected, 0) + 1) - 1
        return trend

    def _share(self, half_life_us: int, age_us: int) -> float:
        """What one window has of the decayed sum of equal windows over `age_us` (a geometric series)."""
        return float(np.expm1(-np.log(2) * self.config.window_us / half_life_us)) / float(
            np.expm1(-np.log(2) * age_us / half_life_us)
        )

    def _previous(self, scope: NDArray[np.int64], key: NDArray[np.int64]) -> NDArray[np.int64]:
        slots = self._published.find(scope, key)
        places: NDArray[np.int64] = np.append(self._published_place, 0)
        return places[slots]  # -1, no slot, reads the zero at the end

    def snapshot(self) -> dict[str, Any]:
        n = len(self._pairs)
        return {
            "scope": self._pairs.scope.copy(),
            "key": self._pairs.key.copy(),
            "short": self._short.snapshot(n),
            "long": self._long.snapshot(n),
            "recent": self._recent.snapshot(n),
            "first_us": self._first_us,
            "newest_us": self._newest_us,
            "published_scope": self._published.scope.copy(),
            "published_key": self._published.key.copy(),
            "published_place": self._published_place.copy(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._asked.clear()
        self._pairs = PairSlots.of(state["scope"], state["key"])
        self._published = PairSlots.of(state["published_scope"], state["published_key"])
        self._published_place = state["published_place"].copy()
        self._short.restore(state["short"])
        self._long.restore(state["long"])
        self._recent.restore(state["recent"])
        self._first_us, self._newest_us = state["first_us"], state["newest_us"]
