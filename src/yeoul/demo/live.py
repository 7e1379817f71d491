"""The service as it lives in a folder: its past written at once, its present as time passes, incidents on demand."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from yeoul.clock import Clock, SystemClock
from yeoul.demo.config import ServiceConfig
from yeoul.demo.incident import Incident
from yeoul.demo.plants import PlantBox, Wish, write_json
from yeoul.demo.render import host_name
from yeoul.demo.schedule import pick_target
from yeoul.demo.service import Service
from yeoul.demo.traffic import CELL_US, Plays
from yeoul.demo.writer import LogWriter, Rotation
from yeoul.errors import InputError, StateError
from yeoul.events import parse_iso

__all__ = ["LiveService"]

_POLL_US = 200_000
_SAVE_US = 1_000_000
_APART_US = 600_000_000
_IDENTITY = ("seed", "customers", "titles")


class LiveService:
    """Writes `logs/HOST.ndjson`, `labels.ndjson`, `titles.csv`, `customers.csv` and `service.json` under a folder.

    A folder that held the same service before is continued where that ended (after a kill, up to a second is written
    twice, with the same ids). One thread; the caller promises that no other service writes there.

    Raises:
        StateError: the folder holds another service.
    """

    def __init__(
        self,
        folder: Path,
        config: ServiceConfig,
        *,
        clock: Clock | None = None,
        rotation: Rotation | None = None,
        torn: bool = False,
    ) -> None:
        self.folder = folder
        self.service = Service(config)
        self._clock = clock or SystemClock()
        self._written_us = _written_until(folder / "service.json", config)
        self._labels = _labels(folder / "labels.ndjson")
        for label in self._labels:
            self.service.plant(self._remembered(label))
        hosts = [host_name(host) for host in range(config.hosts)]
        self._hosts = hosts
        self._writer = LogWriter(folder / "logs", hosts, rotation, torn=torn)
        self._box = PlantBox(folder)
        self._cell: tuple[int, Plays] | None = None
        self._lines = 0
        (folder / "labels.ndjson").touch()
        self.service.catalogue.write_lookups(folder)

    @property
    def lines(self) -> int:
        """Lines written by this object."""
        return self._lines

    def plant(self, incident: Incident) -> dict[str, Any]:
        """Plant and label an incident; returns the label. It must not start before what is written already."""
        label = incident.label(f"{len(self._labels) + 1:04d}-{incident.kind}", self.service.catalogue)
        self._labels.append(label)
        with (self.folder / "labels.ndjson").open("a", encoding="utf-8") as file:
            file.write(json.dumps(label, ensure_ascii=False) + "\n")
        self.service.plant(incident)
        self._cell = None
        return label

    def backfill(
        self,
        hours: float,
        incidents: Callable[[int, int], Sequence[Incident]] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> int:
        """Write the last `hours` up to now, as fast as possible; what an earlier run wrote is not written again.

        Args:
            hours: length of the past.
            incidents: given start and end (UTC, us) of what will be written, says what to plant in it.
            progress: called with the share done, in [0, 1].

        Returns:
            Lines written.
        """
        now_us = self._clock.now_us()
        start_us = max(now_us - round(hours * 3_600_000_000), self._written_us)
        before = self._lines
        if incidents is not None and start_us < now_us:
            for incident in incidents(start_us, now_us):
                self.plant(incident)
        for plays in self.service.blocks(start_us, max(start_us, now_us)):
            self._write(plays)
            if progress is not None and len(plays):
                progress((int(plays["written_us"][-1]) - start_us) / (now_us - start_us))
        self._written_us = max(start_us, now_us)
        self._save()
        return self._lines - before

    def run(self, stop: Event | None = None, for_s: float | None = None, tick_s: float = 0.1) -> int:
        """Write lines as their moment comes until `stop` is set or `for_s` seconds have passed; returns lines written.

        A missed moment (a busy or suspended machine) is made up for: the lines come later, none is left out. A wall
        clock that steps back writes nothing until it has caught up.
        """
        before = self._lines
        begun_us = self._clock.monotonic_us()
        polled_us = saved_us = begun_us - max(_POLL_US, _SAVE_US)
        if not self._written_us:
            self._written_us = self._clock.now_us()
        while not (stop is not None and stop.is_set()):
            now_us, since_us = self._clock.now_us(), self._clock.monotonic_us()
            if since_us - polled_us >= _POLL_US:
                polled_us = since_us
                self._answer_wishes(max(now_us, self._written_us))
            for plays in self._due(now_us):
                self._write(plays)
            self._written_us = max(self._written_us, now_us)
            if since_us - saved_us >= _SAVE_US:
                saved_us = since_us
                self._save()
            if for_s is not None and since_us - begun_us >= for_s * 1e6:
                break
            self._clock.sleep(tick_s)
        self._save()
        return self._lines - before

    def close(self) -> None:
        """Write what is pending and let go of the files; may be called twice."""
        self._writer.close()

    def _due(self, now_us: int) -> Iterator[Plays]:
        """What is to be written by now, from whole cells that are drawn once."""
        start_us = self._written_us
        if now_us - start_us > 2 * CELL_US:
            yield from self.service.blocks(start_us, now_us)
            return
        while start_us < now_us:
            cell = start_us // CELL_US
            if self._cell is None or self._cell[0] != cell:
                self._cell = (cell, self.service.plays(cell * CELL_US, (cell + 1) * CELL_US))
            until_us = min(now_us, (cell + 1) * CELL_US)
            plays = self._cell[1]
            first, last = np.searchsorted(plays["written_us"], (start_us, until_us))
            yield plays[first:last]
            start_us = until_us

    def _write(self, plays: Plays) -> None:
        for host, lines in zip(self._hosts, self.service.lines_by_host(plays), strict=True):
            self._writer.write(host, lines)
        self._lines += len(plays)

    def _answer_wishes(self, start_us: int) -> None:
        for name, wish in self._box.take():
            try:
                incident = self._grant(wish, start_us)
            except InputError as error:
                self._box.refuse(name, str(error))
            else:
                self._box.accept(name, self.plant(incident))

    def _grant(self, wish: Wish, start_us: int) -> Incident:
        service = self.service
        busy = [one for one in service.incidents if one.end_us > start_us - _APART_US]
        rng = np.random.default_rng([service.config.seed, 9, start_us])
        target = wish.target or pick_target(wish.kind, service.config, service.catalogue, rng, busy)
        return Incident.aimed(service.catalogue, wish.kind, target, start_us, wish.duration_s, wish.magnitude)

    def _remembered(self, label: dict[str, Any]) -> Incident:
        start_us = parse_iso(label["start"])
        duration_s = (parse_iso(label["end"]) - start_us) / 1e6
        catalogue = self.service.catalogue
        return Incident.aimed(catalogue, label["kind"], label["target"], start_us, duration_s, label["magnitude"])

    def _save(self) -> None:
        state = {"written_until_us": self._written_us, "config": dataclasses.asdict(self.service.config)}
        write_json(self.folder / "service.json", state)


def _written_until(path: Path, config: ServiceConfig) -> int:
    if not path.exists():
        return 0
    try:
        state = json.loads(path.read_bytes())
        there = {name: state["config"][name] for name in _IDENTITY}
        written_us = int(state["written_until_us"])
    except (ValueError, KeyError, TypeError):
        message = f"got a damaged `{path}`; legal: what the simulated service wrote there: use another folder"
        raise StateError(message) from None
    wanted = {name: getattr(config, name) for name in _IDENTITY}
    if there != wanted:
        message = f"got the service {wanted} for `{path.parent}`, which holds {there}: use another folder"
        raise StateError(message)
    return written_us


def _labels(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
