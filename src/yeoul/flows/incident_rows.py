"""Findings and incidents on their way into the state file, the tracks that charts draw, and who is to be told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from yeoul.clock import Clock
from yeoul.deliver import Outbox
from yeoul.detect import Watch
from yeoul.events import iso
from yeoul.flows.causes import Cause
from yeoul.flows.plan import Notifier
from yeoul.incidents import Change, Incident, Link

__all__ = ["IncidentRows", "key_text"]

_TRACKED_KEYS = 20
"""Keys of one incident that are drawn."""
_AFTER_TICKS = 6
_STALE_US = 600_000_000
"""Older changes, as in a catch-up, are recorded and told to nobody."""

_FINDING = (
    "id", "seq", "block", "detector", "keys", "start_us", "observed", "expected", "lower", "upper", "p", "score",
    "confidence", "why", "incident", "muted",
)  # fmt: skip


def key_text(key: dict[str, str]) -> str:
    """Canonical JSON of a key.

    >>> key_text({"cpk": "c1"})
    '{"cpk":"c1"}'
    """
    return json.dumps(key, ensure_ascii=False, separators=(",", ":"))


class IncidentRows:
    """Rows of one block that gather until the next checkpoint."""

    def __init__(self, block: str, width_us: int, notifiers: tuple[Notifier, ...], clock: Clock) -> None:
        self.block = block
        self._width_us = width_us
        self._clock = clock
        self._notifiers = [each for each in notifiers if not each.detects or block in each.detects]
        self._findings: dict[tuple[str, int], dict[str, Any]] = {}
        self._links: list[tuple[str, str, int]] = []
        self._incidents: dict[str, Incident] = {}
        self._moved: set[str] = set()
        """Ids of incidents that differ from what is in the state file."""
        self._changes: list[tuple[int, Change, list[dict[str, Any]]]] = []
        """With the causes that were known then."""
        self._causes: dict[str, list[dict[str, Any]]] = {}
        self._tracks: list[tuple[Any, ...]] = []
        self._drawn: dict[str, dict[str, int]] = {}
        """Of each incident that is drawn: its keys and up to when."""
        self._closing: dict[str, int] = {}

    def finding(self, row: dict[str, Any]) -> None:
        """An alarmed key-window."""
        self._findings[row["keys"], row["start_us"]] = {**row, "incident": ""}

    def note(self, changes: Iterable[Change], links: Iterable[Link], at_us: int) -> None:
        """What the incidents' state machine said of a tick."""
        for link in links:
            known = self._findings.get((link.key, link.start_us))
            if known is not None:
                known["incident"] = link.incident
            else:
                self._links.append((link.incident, link.key, link.start_us))
        for change in changes:
            self._changes.append((at_us, change, self._causes.get(change.incident.id, [])))
            self._incidents[change.incident.id] = change.incident
            self._moved.add(change.incident.id)
            if change.kind == "merged":
                # it lives on in the one that took it over
                del self._incidents[change.incident.id]
                self._drawn.pop(change.incident.id, None)
            elif change.kind == "closed":
                self._closing[change.incident.id] = at_us + _AFTER_TICKS * self._width_us
            else:
                self._drawn.setdefault(change.incident.id, {})

    def causes(self, found: dict[str, list[Cause]], incidents: Iterable[Incident]) -> None:
        """What the keys of open incidents share now; comes before the changes of the tick are noted."""
        for incident in incidents:
            now = [_cause(each) for each in found.get(incident.id, [])]
            if now != self._causes.get(incident.id, []):
                self._causes[incident.id] = now
                self._incidents[incident.id] = incident
                self._moved.add(incident.id)

    def refresh(self, incidents: Iterable[Incident]) -> None:
        """Open incidents whose numbers moved without a change of meaning."""
        for incident in incidents:
            self._incidents[incident.id] = incident
            self._moved.add(incident.id)

    def snapshot(self) -> dict[str, Any]:
        """Which incidents are drawn, those too that closed a moment ago."""
        return {"drawn": self._drawn, "closing": self._closing, "causes": self._causes}

    def restore(self, state: dict[str, Any], incidents: Iterable[Incident]) -> None:
        """Incidents that are open after a restart go on being drawn, and closed ones to the end of their track."""
        self._drawn = state.get("drawn", {})
        self._closing = state.get("closing", {})
        self._causes = state.get("causes", {})
        for incident in incidents:
            self._drawn.setdefault(incident.id, {})
            self._incidents[incident.id] = incident

    def track(self, watch: Watch, number_of: Callable[[str], int | None], at_us: int) -> None:
        """Add the newest ticks of the keys of drawn incidents; a key that joins brings the ticks before."""
        for id_, drawn in list(self._drawn.items()):
            incident = self._incidents.get(id_)
            keys = list(incident.keys[:_TRACKED_KEYS]) if incident else list(drawn)
            for key in keys:
                number = number_of(key)
                if number is None:
                    continue
                history = watch.history(number)
                fresh = history[history[:, 0] > drawn.get(key, -1)]
                self._tracks += [(id_, key, int(row[0]), *map(_plain, row[1:].tolist())) for row in fresh]
                if len(history):
                    drawn[key] = int(history[-1, 0])
            if self._closing.get(id_, at_us) < at_us:
                del self._drawn[id_], self._closing[id_]

    def save(self, db: sqlite3.Connection) -> None:
        """Write what gathered (inside a transaction)."""
        holes = ", ".join("?" * len(_FINDING))
        rows = [tuple(row[name] for name in _FINDING) for row in self._findings.values()]
        db.executemany(f"INSERT OR REPLACE INTO finding ({', '.join(_FINDING)}) VALUES ({holes})", rows)
        links = [(incident, self.block, key, start_us) for incident, key, start_us in self._links]
        db.executemany("UPDATE finding SET incident = ? WHERE block = ? AND keys = ? AND start_us = ?", links)
        db.executemany(
            "INSERT OR REPLACE INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                _incident_row(self._incidents[id_], self._causes.get(id_, []))
                for id_ in sorted(self._moved & set(self._incidents))
            ],
        )
        db.executemany("INSERT OR REPLACE INTO track VALUES (?, ?, ?, ?, ?, ?, ?)", self._tracks)
        for _, change, _ in self._changes:
            if change.kind == "merged":
                db.execute("UPDATE finding SET incident = ? WHERE incident = ?", (change.into, change.incident.id))
                db.execute("DELETE FROM incident WHERE id = ?", (change.incident.id,))
                db.execute("DELETE FROM track WHERE incident = ?", (change.incident.id,))
        self._tell(db)
        self.discard()

    def discard(self) -> None:
        """Drop what gathered."""
        self._findings = {}
        self._links = []
        self._incidents = {id_: each for id_, each in self._incidents.items() if id_ in self._drawn}
        self._causes = {id_: each for id_, each in self._causes.items() if id_ in self._drawn}
        self._changes = []
        self._tracks = []
        self._moved = set()

    def _tell(self, db: sqlite3.Connection) -> None:
        newest = self._clock.now_us() - _STALE_US
        fresh = [each for each in self._changes if each[0] > newest]
        if not self._notifiers or not fresh:
            return
        outbox = Outbox(db)
        for at_us, change, causes in fresh:
            body = {
                "id": change.incident.id,
                "change": change.kind,
                "into": change.into or None,
                "block": self.block,
                "keys": [json.loads(key) for key in change.incident.keys[:_TRACKED_KEYS]],
                "keys_total": len(change.incident.keys),
                "direction": change.incident.direction,
                "observed": change.incident.observed,
                "expected": change.incident.expected,
                "score": change.incident.score,
                "confidence": change.incident.confidence,
                "opened_at": iso(change.incident.opened_us),
                "since": iso(change.incident.since_us),
                "closed_at": None if change.incident.closed_us is None else iso(change.incident.closed_us),
                "contributors": _contributors(change.incident),
                "causes": [_told(cause) for cause in causes],
            }
            for notifier in self._notifiers:
                outbox.add(notifier.name, change.incident.id, change.kind, at_us, body)


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "key": json.loads(cause.part),
        "direction": cause.direction,
        "keys": cause.keys,
        "of": cause.of,
        "share": float(f"{cause.share:.6g}"),
        "since_us": cause.since_us,
    }


def _told(cause: dict[str, Any]) -> dict[str, Any]:
    return {**{name: cause[name] for name in cause if name != "since_us"}, "since": iso(cause["since_us"])}


def _incident_row(incident: Incident, causes: list[dict[str, Any]]) -> tuple[Any, ...]:
    return (
        incident.id,
        incident.block,
        f"[{','.join(incident.keys)}]",
        json.dumps(list(incident.detectors)),
        incident.opened_us,
        incident.updated_us,
        incident.closed_us,
        incident.score,
        incident.confidence,
        incident.direction,
        incident.observed,
        incident.expected,
        json.dumps(_contributors(incident), ensure_ascii=False, separators=(",", ":")),
        incident.findings,
        json.dumps(causes, ensure_ascii=False, separators=(",", ":")),
    )


def _contributors(incident: Incident) -> list[dict[str, Any]]:
    return [
        {
            "key": json.loads(part.key),
            "observed": part.observed,
            "expected": part.expected,
            "share": float(f"{part.share:.6g}"),
        }
        for part in incident.contributors
    ]


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(f"{value:.6g}")
