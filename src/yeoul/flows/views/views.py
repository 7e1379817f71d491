"""The answers to what pages ask, made from the state file and the engine's newest message."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from yeoul.clock import Clock, SystemClock
from yeoul.errors import StateError
from yeoul.flows.plan import Lookup
from yeoul.flows.views import incidents, pipeline, rankings, streams
from yeoul.flows.views.live import Live, LiveCheckpoint
from yeoul.flows.views.names import Names
from yeoul.flows.views.snapshot import StateReader

__all__ = ["EngineSeen", "Views"]

_Make = Callable[[sqlite3.Connection], Any]
_FRESH_US = 1_000_000
_CHECKPOINTS = 60
_CHECKPOINTS_APART_US = 1_000_000
_RANK = {"green": 0, "yellow": 1, "red": 2}


@dataclass(frozen=True, slots=True)
class EngineSeen:
    """What a listener knows of the engine."""

    status: str = "stopped"
    """`running`, `silent` or `stopped`."""
    since_us: int | None = None
    live: Live | None = None
    """Its newest message; None while it is stopped."""


@dataclass(slots=True)
class _Held:
    """Answers from the state, until the results log has grown or a second has passed."""

    key: tuple[Any, ...] = ()
    at_us: int = 0
    answers: dict[str, Any] = field(default_factory=dict)


class Views:
    """Reads one workspace's state for pages; all calls from one thread.

    Args:
        folder: the folder of the state file, `.yeoul` of a workspace; it may come later.
        lookups: where names of keys are.
        clock: the wall clock.
    """

    def __init__(self, folder: Path, lookups: Sequence[Lookup] = (), clock: Clock | None = None) -> None:
        self.names = Names(lookups)
        self._reader = StateReader(folder)
        self._clock = clock or SystemClock()
        self._quarantine = pipeline.QuarantineView()
        self._checkpoint: dict[str, Any] | None = None
        self._checkpoints: list[dict[str, Any]] = []
        self._held = _Held()
        self._problems: list[dict[str, Any]] = []
        self._stopped_us: int | None = None

    def refresh(self, engine: EngineSeen) -> None:
        """Take note of the engine's newest message and of changed lookup files; comes before other calls."""
        changed = self.names.refresh()
        now = self._clock.now_us()
        live = engine.live
        key = (engine.status, live.pid if live else None, live.log_seq if live else None)
        if changed or key != self._held.key or not 0 <= now - self._held.at_us < _FRESH_US:
            self._held = _Held(key, now)
            self._look()
        if live is not None and live.checkpoint.seq is not None:
            self._note_checkpoint(live.checkpoint)

    def now(self, engine: EngineSeen) -> dict[str, Any]:
        """Whether something is wrong, what, since when; what is hot."""
        opened, total = self._from_state("open", lambda db: incidents.open_incidents(db, self.names), ({}, 0))
        return {
            **self._head(engine),
            "incidents": opened,
            "incidents_open": total,
            "recent": self._from_state("recent", lambda db: incidents.closed_lately(db, self.names), []),
            "rankings": self._rankings(engine),
            "streams": self._streams(engine),
            "watches": dict(engine.live.watches) if engine.live else {},
        }

    def pipeline(self, engine: EngineSeen) -> dict[str, Any]:
        """How events get in."""
        shown = self._streams(engine)
        for name, each in shown.items():
            running = engine.live.streams.get(name) if engine.live else None
            each["splits"] = streams.running_splits(running) if running else self._kept_splits(name)
            each["quarantine"] = self._read(partial(self._quarantine.of, stream=name), _NO_QUARANTINE)
            each["log_seq"] = running.log_seq if running else None
        return {
            **self._head(engine),
            "streams": shown,
            "checkpoint": self._checkpoint,
            "checkpoints": list(self._checkpoints),
            "notices": self._from_state("notices", pipeline.notices, []),
        }

    def incident(self, id_: str) -> dict[str, Any] | None:
        """One incident in full; None when there is none."""
        found: dict[str, Any] | None = self._from_state(
            f"incident:{id_}", lambda db: incidents.incident_detail(db, self.names, id_), None
        )
        return found

    def muted(self) -> list[dict[str, Any]]:
        """What the calendar muted lately."""
        found: list[dict[str, Any]] = self._read(lambda db: incidents.muted_findings(db, self.names), [])
        return found

    def incident_page(self, status: str, before_us: int | None, limit: int) -> dict[str, Any]:
        """Incidents newest first."""
        nothing: dict[str, Any] = {"incidents": [], "next_before_us": None}
        page: dict[str, Any] = self._read(
            lambda db: incidents.incident_page(db, self.names, status, before_us, limit), nothing
        )
        return page

    def rankings(self, engine: EngineSeen) -> dict[str, Any]:
        """Every ranking over all, and where one can look into it."""
        kept = self._from_state("rankings", lambda db: rankings.kept_rankings(db, self.names), {})
        running = rankings.running_places(self.names, engine.live)
        nowhere: dict[str, Any] = {"scope_fields": [], "hours_us": []}
        return {
            "rankings": {
                name: {**nowhere, **kept.get(name, {}), **({"places": running[name]} if name in running else {})}
                for name in sorted({*kept, *running})
            }
        }

    def ranking(
        self, engine: EngineSeen, name: str, scope: Mapping[str, Any], at_us: int | None = None
    ) -> dict[str, Any] | None:
        """One ranking in one scope; None when there is no such ranking."""
        found: dict[str, Any] | None = self._from_state(
            f"ranking:{name}:{rankings.scope_text(scope)}:{at_us}",
            lambda db: rankings.ranking(db, self.names, engine.live, name, scope, at_us),
            None,
        )
        return found

    def scopes(self, name: str, part: str, limit: int) -> dict[str, Any] | None:
        """Scopes of a ranking; None when there is no such ranking."""
        found: dict[str, Any] | None = self._read(lambda db: rankings.scopes(db, self.names, name, part, limit), None)
        return found

    def read(self, make: _Make, otherwise: Any) -> Any:
        """What `make` reads from one snapshot of the state; `otherwise` while it cannot be read."""
        return self._read(make, otherwise)

    def now_us(self) -> int:
        """Wall time."""
        return self._clock.now_us()

    def close(self) -> None:
        """Let go of the state file."""
        self._reader.close()

    def _head(self, engine: EngineSeen) -> dict[str, Any]:
        live = engine.live
        causes = list(live.health.causes) if live else []
        status = live.health.status if live and live.health.status in _RANK else "green"
        since_us = engine.since_us
        if engine.status == "stopped":
            # the file's own time tells when the engine wrote last; what this process saw of it may be later
            since_us = self._stopped_us if since_us is None else since_us
            causes.insert(0, {"code": "engine_stopped", "params": {"since_us": since_us}})
        elif engine.status == "silent":
            causes.insert(0, {"code": "engine_silent", "params": {"since_us": since_us}})
        mine = self._problems + self.names.problems()
        if engine.status != "running" or self._problems:
            status = "red"
        elif mine and status == "green":
            status = "yellow"
        return {
            "at_us": self._clock.now_us(),
            "engine": {"status": engine.status, "since_us": since_us, "pid": live.pid if live else None},
            "health": {"status": status, "causes": causes + mine},
        }

    def _streams(self, engine: EngineSeen) -> dict[str, dict[str, Any]]:
        kept: dict[str, dict[str, Any]] = self._from_state("streams", lambda db: streams.streams(db, None), {})
        if engine.live is None:
            return {name: dict(each) for name, each in kept.items()}
        running = streams.streams(None, engine.live)
        return {
            # of a stream that no longer runs the state tells; of one that runs, only throughput comes from there
            name: {**running[name], "pulse": kept[name]["pulse"] if name in kept else running[name]["pulse"]}
            if name in running
            else dict(kept[name])
            for name in sorted({*kept, *running})
        }

    def _kept_splits(self, stream: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self._from_state(
            f"splits:{stream}", partial(streams.kept_splits, stream=stream), {}
        )
        return found

    def _rankings(self, engine: EngineSeen) -> dict[str, Any]:
        kept = self._from_state("overall", lambda db: rankings.kept_places(db, self.names), {})
        return {**kept, **rankings.running_places(self.names, engine.live)}

    def _note_checkpoint(self, checkpoint: LiveCheckpoint) -> None:
        self._checkpoint = {
            "seq": checkpoint.seq,
            "at_us": checkpoint.at_us,
            "duration_ms": checkpoint.duration_ms,
            "state_bytes": checkpoint.state_bytes,
        }
        last = self._checkpoints[-1]["at_us"] if self._checkpoints else 0
        if not 0 <= checkpoint.at_us - last < _CHECKPOINTS_APART_US:
            self._checkpoints = [*self._checkpoints[1 - _CHECKPOINTS :], self._checkpoint]

    def _look(self) -> None:
        """See whether the state can be read, and since when it rests."""
        self._problems = []
        self._stopped_us = self._reader.changed_us()
        if not self._reader.exists:
            self._problems = [{"code": "state_missing", "params": {}}]
        else:
            self._read(lambda db: db.execute("SELECT count(*) FROM stream").fetchone(), None)

    def _from_state(self, name: str, make: _Make, otherwise: Any) -> Any:
        """As `_read`, at most once until the log has grown."""
        if name not in self._held.answers:
            self._held.answers[name] = self._read(make, otherwise)
        return self._held.answers[name]

    def _read(self, make: _Make, otherwise: Any) -> Any:
        if any(each["code"] == "state_unreadable" for each in self._problems) or not self._reader.exists:
            return otherwise
        try:
            with self._reader.snapshot() as db:
                return make(db)
        except StateError as error:
            self._problems = [{"code": "state_unreadable", "params": {"detail": str(error)}}]
            return otherwise


_NO_QUARANTINE: dict[str, Any] = {"rows": 0, "bytes": 0, "dropped_rows": 0, "reasons": {}, "samples": []}
