"""What counters of servers mean to each other: shares of the load, failures, standstill; and which slots look odd."""

from __future__ import annotations

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
_LEAST_SPREAD = 0.01
_Q90 = 1.2816
"""The 90 % point of a normal distribution, in standard deviations."""

CONTEXT_SLOTS = (_DAYS + 1) * SLOTS_A_DAY
"""Slots before the first one that `of` needs for references of their own."""


class Measures:
    """Makes of 16 counters a server 16 measures a server, and 8 over all servers.

    For each server in each file, against what its share of the file's load was in the last seven days (the median of
    the days' medians):

    - `Request`: log of its requests over its share of all servers' requests; likewise `Session`;
    - `Fail`: 2 (sqrt(x + 3/8) - sqrt(q n + 3/8)) with x the requests that failed or did not succeed, n all of them, q
      their share in what was fitted on (Anscombe, "The transformation of Poisson data", 1948);
    - `still`: for how many slots, at most six, none of the four counters has changed.

    Over all servers: log of the requests and of the sessions of each file. What was not read is NaN.

    >>> values = np.tile([[100.0, 99.0, 1.0, 50.0, 300.0, 297.0, 3.0, 150.0]], (576, 4))
    >>> values += np.arange(576)[:, None] % 3
    >>> values[570:, :4] = 0.0
    >>> measures = Measures(servers=2).fit(values[:500], np.ones((500, 8), bool))
    >>> found = measures.of(values, np.ones((576, 8), bool))
    >>> found.shape, bool(np.abs(found[569, :32]).max() < 1), bool(found[570, 0] < -4)
    ((576, 40), True, True)
    """

    def __init__(self, servers: int, failing: Floats | None = None) -> None:
        self.servers = servers
        self.failing = np.zeros((len(FILES), servers)) if failing is None else failing
        """The usual share of failures, by file and server."""

    def fit(self, values: Floats, known: Bools) -> Measures:
        """Learn the usual share of failures from counters of shape (n, 16 a server)."""
        request, success, fail, _ = self._counters(values)
        there = known.reshape(request.shape)
        failed = np.where(there, np.maximum(fail, request - success), 0.0).sum(axis=0)
        self.failing = (failed + 0.5) / (np.where(there, request, 0.0).sum(axis=0) + 1.0)
        return self

    def of(self, values: Floats, known: Bools) -> Floats:
        """The measures of slots that follow each other, shape (n, 16 a server + 8).

        Args:
            values: counters, shape (n, 16 a server).
            known: which of them were read, by file and server, shape (n, 4 a server).
        """
        request, success, fail, session = self._counters(values)
        rows, there = len(values), known.reshape(request.shape)
        failed = np.maximum(fail, request - success)
        usual = self.failing * request
        parts = [
            _against_share(request),
            _against_share(session),
            2.0 * (np.sqrt(failed.clip(0.0) + 0.375) - np.sqrt(usual.clip(0.0) + 0.375)),
            _still(values.reshape(rows, len(FILES), self.servers, len(COUNTERS)), there),
        ]
        by_server = [np.where(there, part, np.nan).reshape(rows, -1) for part in parts]
        read = there.any(axis=2)
        totals = [np.where(read, np.log1p(part.sum(axis=2).clip(0.0)), np.nan) for part in (request, session)]
        return np.concatenate([*by_server, *totals], axis=1)

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

        Each server's measures are put in their usual spread (10 % to 90 %); a slot's oddness is the mean of its five
        largest. Odd is what lies five standard deviations above the median of the oddness's logarithm.
        """
        by_server = measures[:, : 16 * self.servers]
        low, middle, high = np.nanquantile(by_server, [0.1, 0.5, 0.9], axis=0)
        spread = np.maximum((high - low) / (2 * _Q90), _LEAST_SPREAD)
        apart = np.abs(np.nan_to_num((by_server - middle) / spread, nan=0.0))
        top = np.partition(apart, apart.shape[1] - _TOP, axis=1)[:, -_TOP:].mean(axis=1)
        level = np.log(np.maximum(top, 1e-9))
        half, most = np.quantile(level, [0.5, 0.9])
        limit = max(float(half + _SIGMAS * (most - half) / _Q90), float(np.quantile(level, 1.0 - _MOST_ODD)))
        return np.asarray(level > limit)

    def _counters(self, values: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Each of the four counters, shape (n, files, servers)."""
        cells = values.reshape(len(values), len(FILES), self.servers, len(COUNTERS))
        return cells[..., 0], cells[..., 1], cells[..., 2], cells[..., 3]


def _against_share(amounts: Floats) -> Floats:
    """Log of amounts of shape (n, files, servers) over what the servers' shares in the days before would give."""
    total = amounts.sum(axis=2, keepdims=True)
    share = amounts / np.maximum(total, 1.0)
    rows, days = len(share), -(-len(share) // SLOTS_A_DAY)
    usual = np.empty((days, *share.shape[1:]))
    for day in range(days):
        usual[day] = np.median(share[day * SLOTS_A_DAY : (day + 1) * SLOTS_A_DAY], axis=0)
    before = [np.median(usual[max(0, day - _DAYS) : max(1, day)], axis=0) for day in range(days)]
    expected = np.repeat(np.stack(before), SLOTS_A_DAY, axis=0)[:rows] * total
    return np.asarray(np.log((amounts.clip(0.0) + 1.0) / (expected.clip(0.0) + 1.0)))


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
