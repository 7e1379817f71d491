"""The simulated service: plays and their lines for any range of writing time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from yeoul.demo.catalogue import Catalogue
from yeoul.demo.config import MAX_LATE_US, ServiceConfig
from yeoul.demo.dirt import repeat_some, set_clocks
from yeoul.demo.effects import Effects
from yeoul.demo.hashing import mixed
from yeoul.demo.incident import Incident
from yeoul.demo.render import Renderer
from yeoul.demo.rhythm import Rhythm
from yeoul.demo.traffic import CELL_US, Plays, Traffic

__all__ = ["Service"]

_BLOCK_PLAYS = 60_000


class Service:
    """A service with its incidents; its output follows from config, incidents and range, however it is cut.

    >>> service = Service(ServiceConfig(seed=7, rate_eps=20))
    >>> whole = b"".join(service.events(0, 60_000_000))
    >>> whole == b"".join(service.events(0, 25_300_000)) + b"".join(service.events(25_300_000, 60_000_000))
    True
    """

    def __init__(self, config: ServiceConfig, incidents: Iterable[Incident] = ()) -> None:
        self.config = config
        self.catalogue = Catalogue(config)
        self.rhythm = Rhythm(config)
        self._traffic = Traffic(config, self.catalogue, self.rhythm)
        self._effects = Effects(config, self.catalogue, self.rhythm)
        self._renderer = Renderer(config, self.catalogue)
        self._incidents: list[Incident] = []
        for incident in incidents:
            self.plant(incident)

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """All planted ones, by start."""
        return tuple(self._incidents)

    def plant(self, incident: Incident) -> None:
        """Let it happen. Lines that are written before it starts do not change."""
        self._incidents = sorted([*self._incidents, incident], key=lambda one: (one.start_us, one.kind, one.target))

    def plays(self, start_us: int, end_us: int) -> Plays:
        """Everything written in [start, end), in the order of writing; an array of `PLAY`, about 48 bytes a play."""
        cells = range(start_us // CELL_US, -(-end_us // CELL_US))
        plays = np.concatenate([self._cell(cell) for cell in cells]) if cells else self._cell(0)[:0]
        plays = repeat_some(plays, self.config.duplicates)
        plays = plays[np.argsort(plays["written_us"], kind="stable")]
        first, last = np.searchsorted(plays["written_us"], (start_us, end_us))
        plays = plays[first:last]
        set_clocks(plays, self.config.future)
        plays["host"] = mixed(plays["eid"], 30) % np.uint64(self.config.hosts)
        return plays

    def blocks(self, start_us: int, end_us: int) -> Iterator[Plays]:
        """The plays of a range in blocks of bounded size (about 60,000 plays, whole cells)."""
        step_us = max(1, int(_BLOCK_PLAYS / (self.config.rate_eps * CELL_US / 1e6))) * CELL_US
        while start_us < end_us:
            until_us = min(end_us, (start_us // step_us + 1) * step_us)
            yield self.plays(start_us, until_us)
            start_us = until_us

    def events(self, start_us: int, end_us: int) -> Iterator[bytes]:
        """The lines written in [start, end) over all hosts, in order of writing, in blocks of whole lines."""
        for plays in self.blocks(start_us, end_us):
            yield self.lines(plays)

    def lines(self, plays: Plays) -> bytes:
        """The lines of these plays, each with its newline."""
        return self._renderer.lines(plays)

    def lines_by_host(self, plays: Plays) -> list[bytes]:
        """The lines of these plays, for each host those it writes."""
        return [self._renderer.lines(plays[plays["host"] == host]) for host in range(self.config.hosts)]

    def hits(self, start_us: int, end_us: int, width_us: int = CELL_US) -> NDArray[np.int64]:
        """True hits of every customer in every window of [start, end): shape (windows, customers), no dirt counted.

        Costs a small part of rendering lines: for judging detectors over days.
        """
        sums = np.zeros((-(-(end_us - start_us) // width_us), self.config.customers), np.int64)
        slowest_us = MAX_LATE_US if self.config.late else CELL_US
        for cell in range(start_us // CELL_US, -(-(end_us + slowest_us) // CELL_US)):
            plays = self._cell(cell)
            plays = plays[(plays["at_us"] >= start_us) & (plays["at_us"] < end_us)]
            if not len(plays):
                continue
            window = (plays["at_us"] - start_us) // width_us
            first, size = int(window.min()), int(np.ptp(window)) + 1
            slot = (window - first) * self.config.customers + plays["customer"]
            hits = np.bincount(slot, plays["hit"], size * self.config.customers)
            sums[first : first + size] += hits.reshape(size, -1).astype(np.int64)
        return sums

    def _cell(self, cell: int) -> Plays:
        plays = self._traffic.cell(cell)
        for incident in self._incidents:
            if incident.start_us < (cell + 1) * CELL_US and incident.end_us > cell * CELL_US - MAX_LATE_US:
                plays = self._effects.apply(plays, cell, incident)
        return plays
