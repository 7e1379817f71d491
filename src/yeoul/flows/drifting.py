"""Drift of a stream's schema as the engine keeps it, tells it and shows it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from yeoul.deliver import Outbox
from yeoul.events import iso
from yeoul.flows.drift import Alarm, Drift
from yeoul.flows.engine import Engine
from yeoul.ingest.quarantine import Quarantine
from yeoul.store import State

__all__ = ["Drifting", "kept_alarms"]

_KEEP_US = 10_000_000
"""While an alarm lasts its figures are kept so often."""
_RED_SHARE = 0.5


class Drifting:
    """The alarms of all streams. They outlive a restart: each is told once when it begins and once when it ends."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        now = engine.clock.monotonic_us()
        self._kept_us = now
        self._drifts = {
            each.spec.name: Drift(
                [one.name for one in each.spec.schema.fields], kept_alarms(engine.state, each.spec.name), now
            )
            for each in engine.plan.streams
        }
        # told in the transaction that keeps them; until then here, for the disk may be full
        self._untold: list[tuple[str, str, Alarm]] = []
        self.look_again()

    def look(self) -> None:
        """Judge what was read, keep and tell what changed."""
        engine = self._engine
        now, wall = engine.clock.monotonic_us(), engine.clock.now_us()
        for name, feed in engine.feeds.items():
            changes = self._drifts[name].look(feed.refusals, now, wall)
            self._untold += [(name, change, alarm) for change, alarm in changes]
        lasting = any(drift.alarms for drift in self._drifts.values())
        if self._untold or (lasting and now - self._kept_us >= _KEEP_US):
            self._keep(wall)
            self._kept_us = now

    def look_again(self) -> None:
        """After a redrive: what has no line left in the quarantine is over."""
        kept = Quarantine(self._engine.state.db)
        for name, drift in self._drifts.items():
            if drift.alarms:
                ended = drift.mended(kept.reasons(name))
                self._untold += [(name, change, alarm) for change, alarm in ended]

    def causes(self) -> list[dict[str, Any]]:
        """What health says: one cause an alarm, the largest share first."""
        found = [
            {
                "level": "red" if alarm.share >= _RED_SHARE else "yellow",
                "code": "schema_drift",
                "params": {
                    "stream": name,
                    "field": ", ".join(alarm.fields),
                    "reason": alarm.reason,
                    "share": round(alarm.share, 4),
                    "rows": alarm.rows,
                    "splits": alarm.splits[:3],
                    "since_us": alarm.since_us,
                },
            }
            for name, drift in self._drifts.items()
            for alarm in drift.alarms.values()
        ]
        return sorted(found, key=lambda cause: -cause["params"]["share"])

    def _keep(self, wall_us: int) -> None:
        state = self._engine.state
        with state.transaction() as db:
            for name, drift in self._drifts.items():
                alarms = {plain: asdict(alarm) for plain, alarm in drift.alarms.items()}
                state.set_meta(f"drift:{name}", json.dumps(alarms, ensure_ascii=False))
            outbox = Outbox(db)
            # who asked for some detect blocks only did not ask for this
            notifiers = [each.name for each in self._engine.plan.notifiers if not each.detects]
            for name, change, alarm in self._untold:
                message = _message(name, change, alarm, wall_us)
                for notifier in notifiers:
                    outbox.add(notifier, message["id"], message["change"], wall_us, message)
        self._untold = []


def kept_alarms(state: State, stream: str) -> dict[str, Alarm]:
    """The alarms of a stream that last, as of the last checkpoint, by plain reason."""
    kept = json.loads(state.meta(f"drift:{stream}") or "{}")
    return {plain: Alarm(**members) for plain, members in kept.items()}


def _message(stream: str, change: str, alarm: Alarm, wall_us: int) -> dict[str, Any]:
    id_ = hashlib.sha256(f"{stream}\x1f{alarm.since_us}\x1f{alarm.reason}".encode()).hexdigest()[:12]
    return {
        "id": f"drift-{id_}",
        "change": f"drift_{change}",
        "stream": stream,
        "fields": alarm.fields,
        "reason": alarm.reason,
        "share": float(f"{alarm.share:.4g}"),
        "rows": alarm.rows,
        "sources": alarm.splits[:3],
        "since": iso(alarm.since_us),
        "ended_at": iso(wall_us) if change == "ended" else None,
    }
