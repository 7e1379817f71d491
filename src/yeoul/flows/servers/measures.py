"""What counters of servers mean to each other: shares of the load, failures, standstill; and which slots look odd."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from yeoul.flows.servers.reading import COUNTERS, FILES
from yeoul.flows.servers.stamps import SLOTS_A_DAY

__all__ = ["CONTEXT_SLOTS", "Measures"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_DAYS = 7
_LONGEST_STILL = 6
_TOP = 5
_SIGMAS = 5.0
_MOST_ODD = 0.05
_LEAST_SPREAD = 0.1
_LEAST_ROUGH = 0.003
_LEAST_PRESENT = 0.5
"""The share of a day's slots of which a server has to be read to count among those of the day; likewise of what is
fitted on, compared with the one that was read most."""
_MEDIAN_SQUARE = 0.4549
"""The median of the square of a standard normal number."""
_Q90 = 1.2816
"""The 90 % point of a normal distribution, in standard deviations."""

CONTEXT_SLOTS = (_DAYS + 1) * SLOTS_A_DAY
"""Slots before the first one that `of` needs for references of their own."""


class Measures:
    """Makes of 16 counters a server 16 measures a server, and 8 over all servers.

    - `Request`: requests against what the server's share of all servers' requests was in the last seven days (the
      median of the days' medians); likewise `Session`. A lone server's share is that of each file among the four.
    - `Fail`: requests that failed or did not succeed, against their usual share in what was fitted on.
    - `still`: for how many slots, at most six, none of the four counters has changed.

    The first three are G(x) - G(expected) with G(x) = 2/c asinh(c sqrt(x + 3/8)), which gives counts of variance
    x + (c x)^2 a variance of 1 (Anscombe, "The transformation of Poisson, binomial and negative-binomial data", 1948);
    c is fitted for each. Over all servers: log of the requests and of the sessions of each file. What was not read is
    NaN.

    >>> values = np.tile([[100.0, 99.0, 1.0, 50.0, 300.0, 297.0, 3.0, 150.0]], (576, 4))
    >>> values += np.arange(576)[:, None] % 3
    >>> values[570:, :4] = 0.0
    >>> measures = Measures(servers=2).fit(values[:500], np.ones((500, 8), bool))
    >>> found = measures.of(values, np.ones((576, 8), bool))
    >>> found.shape, bool(np.abs(found[569, :32]).max() < 6), bool(found[570, 0] < -15)
    ((576, 40), True, True)
    """

    def __init__(self, servers: int, failing: Floats | None = None, rough: Floats | None = None) -> None:
        self.servers = servers
        self.failing = np.zeros((len(FILES), servers)) if failing is None else failing
        """The usual share of failures, by file and server."""
        self.rough = np.full((3, len(FILES), servers), _LEAST_ROUGH) if rough is None else rough
        """c of requests, sessions and failures, by file and server."""

    def fit(self, values: Floats, known: Bools) -> Measures:
        """Learn the usual share of failures and how counts vary, from counters of shape (n, 16 a server)."""
        request, success, fail, _ = self._counters(values)
        there = known.reshape(request.shape)
        failed = np.where(there, np.maximum(fail, request - success), 0.0).sum(axis=0)
        self.failing = (failed + 0.5) / (np.where(there, request, 0.0).sum(axis=0) + 1.0)
        rough = np.stack([_rough(*pair) for pair in self._pairs(values, there)])
        # of what was seldom read, as of a server that joined late, the scorer would take the few values for odd
        times = there.sum(axis=0)
        self.rough = np.where(times >= _LEAST_PRESENT * times.max(initial=1), rough, np.nan)
        return self

    @property
    def judged(self) -> Bools:
        """Shape (files, servers): whether they were read often enough to be judged."""
        return np.asarray(np.isfinite(self.rough).all(axis=0))

    def of(self, values: Floats, known: Bools) -> Floats:
        """The measures of slots that follow each other, shape (n, 16 a server + 8).

        Args:
            values: counters, shape (n, 16 a server).
            known: which of them were read, by file and server, shape (n, 4 a server).
        """
        request, _, _, session = self._counters(values)
        rows, there = len(values), known.reshape(request.shape)
        there = there & self.judged
        parts = [_apart(*pair, rough) for pair, rough in zip(self._pairs(values, there), self.rough, strict=True)]
        parts.append(_still(values.reshape(rows, len(FILES), self.servers, len(COUNTERS)), there))
        by_server = [np.where(there, part, np.nan).reshape(rows, -1) for part in parts]
        read = there.any(axis=2)
        sums = [(part * self.judged).sum(axis=2).clip(0.0) for part in (request, session)]
        totals = [np.where(read, np.log1p(part), np.nan) for part in sums]
        return np.concatenate([*by_server, *totals], axis=1)

    def _pairs(self, values: Floats, there: Bools) -> Iterator[tuple[Floats, Floats]]:
        """Requests, sessions and failures, each beside what was expected; shapes (n, files, servers).

        What was not read is NaN in what is expected.
        """
        request, success, fail, session = self._counters(values)
        axis = 2 if self.servers > 1 else 1
        yield request, _by_share(request, there, axis)
        yield session, _by_share(session, there, axis)
        yield np.maximum(fail, request - success), np.where(there, self.failing * request, np.nan)

    def columns(self) -> tuple[str, ...]:
        """Names of the measures."""
        places = [f"{name}.{server + 1}" for name in FILES for server in range(self.servers)]
        by_server = [f"{place} {what}" for what in ("request", "session", "fail", "still") for place in places]
        return (*by_server, *(f"{name} all {what}" for what in ("request", "session") for name in FILES))

    def carried(self, contributions: Floats) -> Floats:
        """What measures carry, shape (m, 16 a server + 8), as what counters carry, shape (m, 16 a server)."""
        rows, size = len(contributions), len(FILES) * self.servers
        cells = np.zeros((rows, len(FILES), self.servers, len(COUNTERS)))
        parts = contributions[:, : 4 * size].reshape(rows, 4, len(FILES), self.servers)
        cells[..., 0] = parts[:, 0] + parts[:, 3]
        cells[..., 2], cells[..., 3] = parts[:, 2], parts[:, 1]
        totals = contributions[:, 4 * size :].reshape(rows, 2, len(FILES), 1) / self.servers
        cells[..., 0] += totals[:, 0]
        cells[..., 3] += totals[:, 1]
        return cells.reshape(rows, -1)

    def odd(self, measures: Floats) -> Bools:
        """Which slots are odd at a glance, and so should teach nothing; shape (n,), at most 5 % of them.

        Measures are put in their usual spread (10 % to 90 %), totals after the median of the same five minutes of the
        seven days before is taken off. A slot is odd when its largest one, or the mean of the five largest, lies five
        standard deviations above the median of its logarithm.
        """
        size = 16 * self.servers
        found = np.concatenate([measures[:, :size], _against_days(measures[:, size:])], axis=1)
        # what was never read says nothing; quantiles of nothing would warn
        found[:, np.isnan(found).all(axis=0)] = 0.0
        low, middle, high = np.nanquantile(found, [0.1, 0.5, 0.9], axis=0)
        spread = np.maximum((high - low) / (2 * _Q90), _LEAST_SPREAD)
        still = slice(12 * self.servers, size)
        # seldom counts stand still by chance, which no quantile shows
        spread[still] = np.maximum(spread[still], np.nanstd(found[:, still], axis=0))
        apart = np.abs(np.nan_to_num((found - middle) / spread, nan=0.0))
        top = np.partition(apart, apart.shape[1] - _TOP, axis=1)[:, -_TOP:]
        return _far(top.max(axis=1)) | _far(top.mean(axis=1))

    def _counters(self, values: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Each of the four counters, shape (n, files, servers)."""
        cells = values.reshape(len(values), len(FILES), self.servers, len(COUNTERS))
        return cells[..., 0], cells[..., 1], cells[..., 2], cells[..., 3]


def _far(oddness: Floats) -> Bools:
    level = np.log(np.maximum(oddness, 1e-9))
    half, most = np.quantile(level, [0.5, 0.9])
    limit = max(float(half + _SIGMAS * (most - half) / _Q90), float(np.quantile(level, 1.0 - _MOST_ODD)))
    return np.asarray(level > limit)


def _against_days(totals: Floats) -> Floats:
    """Totals less their median at the same five minutes of the seven days before; 0 on the first two days."""
    rows, days = len(totals), -(-len(totals) // SLOTS_A_DAY)
    padded = np.full((days * SLOTS_A_DAY, totals.shape[1]), np.nan)
    padded[:rows] = totals
    by_day = padded.reshape(days, SLOTS_A_DAY, -1)
    apart = np.zeros_like(by_day)
    for day in range(2, days):
        past = by_day[max(0, day - _DAYS) : day]
        # a slot that was never read in those days has no median to be held against
        apart[day] = by_day[day] - np.median(np.where(np.isnan(past), by_day[day], past), axis=0)
    return apart.reshape(len(padded), -1)[:rows]


def _by_share(amounts: Floats, there: Bools, axis: int) -> Floats:
    """What shares of the days before would give of the total along `axis`; shape (n, files, servers).

    Shares are of those that were read, and are taken from days on which the same were read as on the day itself, so
    that one that joins or leaves does not look like a change of the others; from all days where there is none such.
    What was not read, or has no day before it, is NaN.
    """
    share = np.where(there, amounts / np.maximum((amounts * there).sum(axis=axis, keepdims=True), 1.0), np.nan)
    rows, days = len(share), -(-len(share) // SLOTS_A_DAY)
    usual = np.full((days, *share.shape[1:]), np.nan)
    present = np.zeros(usual.shape, np.bool_)
    for day in range(days):
        part = slice(day * SLOTS_A_DAY, (day + 1) * SLOTS_A_DAY)
        present[day] = there[part].mean(axis=0) >= _LEAST_PRESENT
        usual[day] = _median(share[part])
    before = np.empty_like(usual)
    for day in range(days):
        past = slice(max(0, day - _DAYS), max(1, day))
        alike = (present[past] == present[day]).all(axis=axis, keepdims=True)
        same = _median(np.where(alike, usual[past], np.nan))
        before[day] = np.where(alike.any(axis=0), same, _median(usual[past]))
    wanted = np.where(there, np.repeat(before, SLOTS_A_DAY, axis=0)[:rows], np.nan)
    known = np.isfinite(wanted)
    total = (amounts * known).sum(axis=axis, keepdims=True)
    return np.asarray(wanted / np.maximum(np.nansum(wanted, axis=axis, keepdims=True), 1e-9) * total)


def _median(values: Floats) -> Floats:
    """The median over the first axis of what is finite; NaN where nothing is."""
    nothing = np.isnan(values).all(axis=0)
    if not np.isnan(values).any():
        return np.asarray(np.median(values, axis=0))
    return np.where(nothing, np.nan, np.nanmedian(np.where(nothing, 0.0, values), axis=0))


def _rough(seen: Floats, expected: Floats) -> Floats:
    """C of a variance x + (c x)^2, by the median square of what is apart in the busier half; shape (files, servers)."""
    busy = np.where(expected >= _median(expected), expected, np.nan)
    square = ((seen - busy) ** 2 / _MEDIAN_SQUARE - busy) / np.maximum(busy, 1.0) ** 2
    return np.asarray(np.sqrt(np.clip(_median(square), _LEAST_ROUGH**2, 1.0)))


def _apart(seen: Floats, expected: Floats, rough: Floats) -> Floats:
    """Counts less what was expected, both transformed to a variance of 1."""
    one, other = (np.arcsinh(rough * np.sqrt(x.clip(0.0) + 0.375)) for x in (seen, expected))
    return np.asarray(2.0 / rough * (one - other))


def _still(cells: Floats, known: Bools) -> Floats:
    """For how many slots all counters of a server in a file have been what they are now; shape (n, files, servers)."""
    same = np.zeros(known.shape, np.bool_)
    same[1:] = (cells[1:] == cells[:-1]).all(axis=3) & known[1:] & known[:-1]
    length, run = np.zeros(known.shape), same.copy()
    for _ in range(_LONGEST_STILL):
        length += run
        run[1:] = run[:-1] & same[1:]
        run[0] = False
    return length
