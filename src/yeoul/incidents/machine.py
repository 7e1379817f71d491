"""The state machine: k of n alarmed windows open an incident, a quiet spell closes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from yeoul.errors import ConfigError
from yeoul.incidents.grouping import SHARED, agree, leading, shared_directions
from yeoul.incidents.model import Change, Incident, Link, Sighting, incident_id

__all__ = ["Incidents", "IncidentsConfig"]


@dataclass(frozen=True, slots=True)
class IncidentsConfig:
    """How incidents open, hang together and close; times in ticks (windows)."""

    persist: tuple[int, int] = (2, 3)
    """A key opens an incident when it is alarmed in k of the last n ticks."""
    close_after: int = 12
    """Ticks without an alarm of any of its keys until it is over."""
    shared_keys: int = 3
    """At least so many keys ..."""
    shared_share: float = 0.05
    """... and this share of the keys in scope alarmed in one tick, in one direction, are one incident."""
    join_within: int = 30
    """A key joins an incident of the same cause that opened at most so many ticks ago."""
    notch: float = 0.2
    """`grown` is told when the score has risen by this much since it was last told ..."""
    more_keys: float = 1.5
    """... or the number of keys by this factor."""
    max_open: int = 1000
    """With more open incidents the quietest are closed."""

    def __post_init__(self) -> None:
        k, n = self.persist
        if not 1 <= k <= n:
            message = f"persist: got `{k} of {n}`; legal: 1 <= k <= n"
            raise ConfigError(message)
        if self.close_after < n:
            message = f"close_after: got `{self.close_after}` ticks; legal: at least n of persist, {n}"
            raise ConfigError(message)


@dataclass(slots=True)
class _Open:
    """An open incident and what only the machine needs to know of it."""

    incident: Incident
    opened: int
    last: int
    worst: float
    told_score: float
    told_keys: int


class Incidents:
    """The incidents of one block.

    Bounded: keeps n ticks of sightings and at most `max_open` incidents. Deterministic; ids are a hash of block, first
    key and opening window.

    >>> machine = Incidents(IncidentsConfig(persist=(2, 3)))
    >>> seen = Sighting('{"cpk":"C1"}', "customers", ("seasonal",), "up", 1e-7, 1.0, 0.9, 90.0, 30.0)
    >>> machine.tick(0, [seen])
    []
    >>> [(change.kind, change.incident.findings) for change in machine.tick(10_000_000, [seen])]
    [('opened', 2)]
    >>> [link.start_us for link in machine.links]
    [0, 10000000]
    """

    def __init__(self, config: IncidentsConfig | None = None) -> None:
        self._config = config or IncidentsConfig()
        self._number = 0
        self._open: dict[str, _Open] = {}
        self._of_key: dict[str, str] = {}
        self._pending: dict[str, list[tuple[int, int, Sighting]]] = {}  # key to (tick number, start, sighting)
        self._links: list[Link] = []

    def tick(self, start_us: int, sightings: list[Sighting], *, scope: int = 0) -> list[Change]:
        """Take the sightings of one window (at most one a key), in order of time; silent windows too.

        Args:
            start_us: start of the window.
            sightings: alarmed keys; any order.
            scope: how many keys could have been alarmed; decides what share of them is "many at once".

        Returns:
            What changed in its meaning, in order: merged, opened, grown, closed.
        """
        self._number += 1
        self._links = []
        ordered = sorted(sightings, key=lambda each: each.key)
        shared = shared_directions(ordered, scope, self._config.shared_keys, self._config.shared_share)
        changes: list[Change] = []
        for direction in sorted(shared):
            changes += self._merge(start_us, direction)
        known = [each for each in ordered if each.key in self._of_key]
        ripe = self._ripen(start_us, [each for each in ordered if each.key not in self._of_key])
        opened: set[str] = set()
        for each in ripe:
            home = self._home(each, shared)
            if not home:
                home = self._begin(start_us, each, shared)
                opened.add(home)
            self._of_key[each.key] = home
            self._take_pending(each.key, home)
        self._see(start_us, known + ripe)
        changes += [Change("opened", self._open[id_].incident) for id_ in sorted(opened)]
        changes += self._grown(opened)
        return changes + self._close(start_us)

    def silence(self, ticks: int, end_us: int) -> list[Change]:
        """Let `ticks` windows pass of which nothing is known or in which nothing was alarmed; costs O(open)."""
        self._number += ticks
        self._links = []
        return self._close(end_us)

    def _ripen(self, start_us: int, sightings: list[Sighting]) -> list[Sighting]:
        """Remember sightings of keys without incident; those with k of n."""
        needed, window = self._config.persist
        first = self._number - window + 1
        for each in sightings:
            self._pending.setdefault(each.key, []).append((self._number, start_us, each))
        for key in list(self._pending):
            kept = [entry for entry in self._pending[key] if entry[0] >= first]
            if kept:
                self._pending[key] = kept
            else:
                del self._pending[key]
        return [each for each in sightings if len(self._pending[each.key]) >= needed]

    def _home(self, sighting: Sighting, shared: set[str]) -> str:
        """The open incident of the same cause, oldest first."""
        cause = leading(sighting)
        for id_, held in self._open.items():
            incident = held.incident
            if incident.block != sighting.block or self._number - held.opened > self._config.join_within:
                continue
            if not agree(incident.direction, sighting.direction):
                continue
            if incident.cause == SHARED and (sighting.direction in shared or self._number - held.last <= 1):
                return id_
            if cause and cause in {incident.cause, _leading_of(incident)}:
                return id_
        return ""

    def _begin(self, start_us: int, sighting: Sighting, shared: set[str]) -> str:
        id_ = incident_id(sighting.block, sighting.key, start_us)
        incident = Incident(
            id=id_,
            block=sighting.block,
            keys=(sighting.key,),
            detectors=(),
            since_us=self._pending[sighting.key][0][1],
            opened_us=start_us,
            updated_us=start_us,
            closed_us=None,
            score=-1.0,
            confidence=0.0,
            direction=sighting.direction,
            observed=sighting.observed,
            expected=sighting.expected,
            contributors=sighting.contributors,
            findings=0,
            cause=SHARED if sighting.direction in shared else "",
        )
        self._open[id_] = _Open(incident, self._number, self._number, -1.0, 0.0, 0)
        return id_

    def _take_pending(self, key: str, home: str) -> None:
        """Earlier sightings of a key belong to the incident it opened or joined."""
        held = self._open[home]
        for number, start_us, each in self._pending.pop(key):
            if number == self._number:
                continue
            self._links.append(Link(key, start_us, home))
            held.incident = replace(
                held.incident,
                findings=held.incident.findings + 1,
                since_us=min(held.incident.since_us, start_us),
                detectors=tuple(sorted({*held.incident.detectors, *each.detectors})),
            )

    def _see(self, start_us: int, sightings: list[Sighting]) -> None:
        groups: dict[str, list[Sighting]] = {}
        for each in sightings:
            home = self._of_key[each.key]
            groups.setdefault(home, []).append(each)
            self._links.append(Link(each.key, start_us, home))
        for home, group in groups.items():
            held = self._open[home]
            held.incident = held.incident.seen(start_us, group, held.worst)
            held.worst = max(held.worst, abs(sum(each.observed - each.expected for each in group)))
            held.last = self._number
            if len(held.incident.keys) > 1 and not held.incident.cause:
                held.incident = replace(held.incident, cause=_leading_of(held.incident))

    def _merge(self, start_us: int, direction: str) -> list[Change]:
        """Young incidents of a direction in which many keys are alarmed at once become one."""
        config = self._config
        young = [
            held
            for held in self._open.values()
            if held.incident.direction == direction and self._number - held.opened <= config.join_within
        ]
        if not young:
            return []
        first, *others = sorted(young, key=lambda held: (held.opened, held.incident.id))
        changes = []
        for other in others:
            gone = replace(other.incident, closed_us=start_us)
            keys = first.incident.keys + tuple(key for key in gone.keys if key not in first.incident.keys)
            first.incident = replace(
                first.incident,
                keys=keys,
                detectors=tuple(sorted({*first.incident.detectors, *gone.detectors})),
                since_us=min(first.incident.since_us, gone.since_us),
                findings=first.incident.findings + gone.findings,
            )
            for key in gone.keys:
                self._of_key[key] = first.incident.id
            del self._open[gone.id]
            changes.append(Change("merged", gone, into=first.incident.id))
        first.incident = replace(first.incident, cause=SHARED)
        return changes

    def _grown(self, opened: set[str]) -> list[Change]:
        changes = []
        for id_, held in self._open.items():
            incident = held.incident
            higher = incident.score >= held.told_score + self._config.notch
            more = len(incident.keys) >= self._config.more_keys * held.told_keys and len(incident.keys) > held.told_keys
            if id_ in opened or higher or more:
                held.told_score, held.told_keys = incident.score, len(incident.keys)
                if id_ not in opened:
                    changes.append(Change("grown", incident))
        return changes

    def _close(self, now_us: int) -> list[Change]:
        config = self._config
        over = [id_ for id_, held in self._open.items() if self._number - held.last >= config.close_after]
        if len(self._open) - len(over) > config.max_open:
            quiet = sorted((held.last, held.incident.score, id_) for id_, held in self._open.items() if id_ not in over)
            over += [id_ for _, _, id_ in quiet[: len(self._open) - len(over) - config.max_open]]
        changes = []
        for id_ in over:
            incident = replace(self._open.pop(id_).incident, closed_us=now_us)
            for key in incident.keys:
                self._of_key.pop(key, None)
            changes.append(Change("closed", incident))
        return changes

    @property
    def links(self) -> tuple[Link, ...]:
        """Sightings that came to belong to an incident in the last tick, earlier ones of the same key included."""
        return tuple(self._links)

    @property
    def open(self) -> tuple[Incident, ...]:
        """Open incidents as they are now, oldest first."""
        return tuple(held.incident for held in self._open.values())

    def snapshot(self) -> dict[str, Any]:
        """All state as plain members."""
        return {
            "number": self._number,
            "open": [
                {
                    "incident": held.incident.to_state(),
                    "opened": held.opened,
                    "last": held.last,
                    "worst": held.worst,
                    "told_score": held.told_score,
                    "told_keys": held.told_keys,
                }
                for held in self._open.values()
            ],
            "pending": [
                [number, start_us, each.to_state()]
                for entries in self._pending.values()
                for number, start_us, each in entries
            ],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue exactly where `snapshot` was taken."""
        self._number = int(state["number"])
        self._links = []
        self._open, self._of_key, self._pending = {}, {}, {}
        for kept in state["open"]:
            incident = Incident.from_state(kept["incident"])
            rest = {name: kept[name] for name in ("opened", "last", "worst", "told_score", "told_keys")}
            self._open[incident.id] = _Open(incident, **rest)
            self._of_key.update(dict.fromkeys(incident.keys, incident.id))
        for number, start_us, kept in state["pending"]:
            self._pending.setdefault(kept["key"], []).append((number, start_us, Sighting.from_state(kept)))


def _leading_of(incident: Incident) -> str:
    parts = incident.contributors
    return parts[0].key if parts and parts[0].share >= 0.5 else ""
