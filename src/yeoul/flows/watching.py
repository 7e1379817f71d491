"""What is abnormal: windows rolled up to the watched keys, judged, told as findings, gathered into incidents."""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.clock import Clock
from yeoul.detect import Alarm, Watch
from yeoul.detect.together import TOGETHER
from yeoul.detect.watch import Told
from yeoul.flows.calendar_keys import CalendarKeys
from yeoul.flows.causes import Causes
from yeoul.flows.contract import Counted
from yeoul.flows.contributors import Breakdown, Piece
from yeoul.flows.ids import KeyIds
from yeoul.flows.incident_rows import IncidentRows, key_text
from yeoul.flows.plan import DetectBlock, Notifier
from yeoul.incidents import Contributor, Incidents, IncidentsConfig, Sighting
from yeoul.streams import Entry, Layout, Part
from yeoul.streams.parts import reduce

__all__ = ["SMALL", "DetectFlow"]

SMALL = "(small together)"
"""What stands for the keys below `min_volume` where they are judged as one."""

_FORGET_EVERY = 360
_MOST_PIECES = 10
_HOUR_US = 3_600_000_000


class DetectFlow:
    """One `[detect.…]` block.

    Args:
        block: what is watched.
        stream: whose windows come.
        notifiers: who is told of incidents.
        clock: what is old is not told.
        shard: its number, from 0, and into how many the keys are shared out. A flow that sees one of several has its
            share of the budget, and its small keys are not those of the others.
    """

    def __init__(
        self,
        block: DetectBlock,
        stream: Counted,
        notifiers: tuple[Notifier, ...],
        clock: Clock,
        *,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        self.name = f"detect.{block.name}"
        self.stream = block.stream
        self.block = block
        spec = stream.spec
        aggregate = next(each for each in spec.aggregates if each.name == block.value)
        floats = frozenset(each.name for each in spec.schema.fields if each.type == "float")
        self._layout = Layout.of((aggregate,), floats)
        self._additive = aggregate.additive
        self._fields = list(spec.keys)
        self._slide_us = spec.slide_us
        self._size_us = spec.size_us
        self._ids = KeyIds(block.by, stream.keys)
        self._watch = Watch(replace(block.watch, alarms_per_day=block.watch.alarms_per_day / shard[1]))
        self._incidents = Incidents(IncidentsConfig(persist=block.watch.persist))
        self._below = [name for name in spec.keys if name not in block.by]
        self._breakdown = Breakdown(self._below, stream.keys) if self._below and self._additive else None
        self._rows = IncidentRows(self.block.name, self._slide_us, notifiers, clock)
        self._calendar = CalendarKeys(block.calendar, self._ids, self._size_us)
        self._causes = Causes(self._slide_us)
        self._small = SMALL if shard[1] == 1 else f"{SMALL[:-1]}, shard {shard[0]})"
        self._small_key = key_text(dict.fromkeys(block.by, self._small))
        self._past: deque[tuple[int, dict[str, int]]] = deque()
        self._ticks = 0

    def take(self, entry: Entry) -> None:
        if entry.revision or entry.kind not in {"window", "empty"}:
            return
        if entry.part is None:
            self._silence(entry)
        else:
            self._window(entry, entry.part)
        self._ticks += 1
        if self._ticks % _FORGET_EVERY == 0:
            self._ids.forget_all_but(self._watch.keys)
            self._calendar.forget()
            if self._breakdown is not None:
                self._breakdown.forget()

    def _window(self, entry: Entry, part: Part) -> None:
        codes = dict(zip(self._fields, part.codes, strict=True))
        owner = self._ids.of([codes[name] for name in self.block.by])
        rolled = reduce(self._layout, (owner,), part.columns, part.sketches)
        values = rolled.values(self._layout)[self.block.value].astype(np.float64)
        if self._breakdown is not None:
            below = self._breakdown.ids.of([codes[name] for name in self._below])
            each = part.values(self._layout)[self.block.value].astype(np.float64)
            self._breakdown.push(entry.start_us, owner, below, each, full=entry.coverage.full)
        keys = rolled.codes[0].astype(np.int64)
        muted = self._look_up(entry.start_us)
        alarms = self._watch.tick(entry.start_us, keys, values, full=entry.coverage.full, muted=muted)
        self._judge(entry.start_us, entry.seq, alarms)
        self._past.append((entry.start_us, self._watch.counts))
        while self._past[0][0] <= entry.start_us - _HOUR_US:
            self._past.popleft()

    def _look_up(self, start_us: int) -> NDArray[np.int64] | None:
        """What the calendar says of this window: levels begin anew, and the keys that are muted (None: all)."""
        for keys in self._calendar.anew(start_us):
            self._watch.restart(keys)
        return self._calendar.muted(start_us)

    def _silence(self, entry: Entry) -> None:
        """A run of windows without rows: those with alarms are judged, the others pass."""
        full = entry.coverage.full
        at_us = entry.start_us
        until_us = entry.end_us - self._size_us + self._slide_us
        run_us = at_us
        while run_us < until_us:
            # as far as the calendar says the same
            end_us = self._calendar.run(run_us, until_us, self._slide_us)
            for start_us, alarms in self._watch.silence(run_us, end_us, full=full, muted=self._look_up(run_us)):
                self._pass(at_us, start_us)
                self._judge(start_us, entry.seq, alarms)
                at_us = start_us + self._slide_us
            run_us = end_us
        self._pass(at_us, until_us)

    def _pass(self, start_us: int, end_us: int) -> None:
        ticks = (end_us - start_us) // self._slide_us
        if ticks > 0:
            changes = self._incidents.silence(ticks, end_us)
            self._rows.note(changes, self._incidents.links, end_us)

    def _judge(self, start_us: int, seq: int, alarms: list[Alarm]) -> None:
        sightings = []
        for alarm in alarms:
            pieces, now, usual = self._pieces(alarm, start_us)
            sighting = self._sighting(alarm, pieces)
            muted = ""
            if alarm.muted:
                texts = None if alarm.key == TOGETHER else self._ids.texts(alarm.key)
                muted = self._calendar.muted_by(start_us, texts)
            else:
                sightings.append(sighting)
            why = _why(alarm, pieces, now, usual)
            self._rows.finding(self._finding(start_us, seq, alarm, sighting.key, why) | {"muted": muted})
            if self._breakdown is not None:
                self._breakdown.mark(alarm.key, start_us)
        changes = self._incidents.tick(start_us, sightings, scope=self._watch.scope)
        if sightings:
            apart = [each for each in sightings if each.key != self._small_key]
            self._causes.see(start_us, apart, self._incidents.open, self.block.watch.persist[1])
            self._rows.causes(self._causes.of(self._incidents.open), self._incidents.open)
        self._rows.note(changes, self._incidents.links, start_us)
        self._rows.refresh(each for each in self._incidents.open if each.updated_us == start_us)
        self._rows.track(self._watch, self._number_of, start_us)

    def _pieces(self, alarm: Alarm, start_us: int) -> tuple[list[Piece], int, float]:
        """What carries a deviation, over how many parts it is, and over how many usually."""
        if alarm.key == TOGETHER:
            found = [Piece(self._ids.key(key), *numbers) for key, *numbers in alarm.parts]
            found += self._breakdown.shared(self._watch.small, TOGETHER, start_us) if self._breakdown else []
            return sorted(found, key=lambda piece: -piece.share)[:_MOST_PIECES], 0, 0.0
        return self._breakdown.pieces(alarm.key, start_us) if self._breakdown else ([], 0, 0.0)

    def _key(self, number: int) -> dict[str, str]:
        return dict.fromkeys(self.block.by, self._small) if number == TOGETHER else self._ids.key(number)

    def _number_of(self, key: str) -> int | None:
        return TOGETHER if key == self._small_key else self._ids.number(tuple(json.loads(key).values()))

    def status(self) -> dict[str, Any]:
        """What the policy did in the last window, and in the last hour: keys by the rule that held them back."""
        last_us, counts = self._past[-1] if self._past else (None, {})
        hour: dict[str, int] = {}
        for _, each in self._past:
            for rule, count in each.items():
                hour[rule] = hour.get(rule, 0) + count
        return {
            "at_us": last_us,
            "scope": self._watch.scope,
            "threshold": self._watch.threshold,
            "counts": counts,
            "hour": hour,
            "calendar": [] if last_us is None else self._calendar.holding(last_us),
        }

    def told(self, texts: tuple[str, ...]) -> Told | None:
        """What became of a key in the last window; None where it is not known."""
        number = self._ids.number(texts)
        return None if number is None else self._watch.told(number)

    def _sighting(self, alarm: Alarm, pieces: list[Piece]) -> Sighting:
        return Sighting(
            key=key_text(self._key(alarm.key)),
            block=self.block.name,
            detectors=(alarm.detector,),
            direction=alarm.direction,
            p=alarm.p,
            score=_round(alarm.score),
            confidence=_round(alarm.confidence),
            observed=_round(alarm.observed),
            expected=_round(alarm.expected),
            contributors=tuple(
                Contributor(key_text(piece.key), _round(piece.observed), _round(piece.expected), _round(piece.share))
                for piece in pieces
            ),
        )

    def _finding(self, start_us: int, seq: int, alarm: Alarm, key: str, why: list[dict[str, Any]]) -> dict[str, Any]:
        digest = sha256(f"{self.block.name}\n{self.block.watch!r}\n{key}\n{start_us}".encode()).hexdigest()
        return {
            "id": digest[:16],
            "seq": seq,
            "block": self.block.name,
            "detector": alarm.detector,
            "keys": key,
            "start_us": start_us,
            "observed": _round(alarm.observed),
            "expected": _round(alarm.expected),
            "lower": _round(alarm.lower),
            "upper": _round(alarm.upper),
            "p": _round(alarm.p),
            "score": _round(alarm.score),
            "confidence": _round(alarm.confidence),
            "why": json.dumps(why, ensure_ascii=False, separators=(",", ":")),
        }

    def finish(self) -> None:
        """Incidents that are open at the end of the input stay open."""

    def save(self, db: sqlite3.Connection) -> None:
        self._rows.save(db)

    def discard(self) -> None:
        self._rows.discard()

    def snapshot(self) -> dict[str, Any]:
        return {
            "config": repr(self.block),
            "ids": self._ids.snapshot(),
            "watch": self._watch.snapshot(),
            "incidents": self._incidents.snapshot(),
            "breakdown": None if self._breakdown is None else self._breakdown.snapshot(),
            "ticks": self._ticks,
            "rows": self._rows.snapshot(),
            "calendar": self._calendar.snapshot(),
            "causes": self._causes.snapshot(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._ids.restore(state["ids"])
        self._watch.restore(state["watch"])
        self._incidents.restore(state["incidents"])
        if self._breakdown is not None and state["breakdown"] is not None:
            self._breakdown.restore(state["breakdown"])
        self._ticks = state["ticks"]
        self._rows.restore(state.get("rows", {}), self._incidents.open)
        self._calendar.restore(state.get("calendar", {}))
        self._causes.restore(state.get("causes", []))


def _why(alarm: Alarm, pieces: list[Piece], now: int, usual: float) -> list[dict[str, Any]]:
    """Codes with parameters that pages turn into sentences, and the sentence in English for files."""
    times = alarm.observed / alarm.expected if alarm.expected > 0 else None
    direction = {"up": "above", "down": "below"}.get(alarm.direction, "unusual")
    text = f"{alarm.observed:.4g} where {alarm.expected:.4g} was expected ({alarm.lower:.4g} to {alarm.upper:.4g})"
    said: list[dict[str, Any]] = [
        {
            "code": direction,
            "params": {
                "observed": _round(alarm.observed),
                "expected": _round(alarm.expected),
                "times": None if times is None else _round(times),
            },
            "text": text,
        },
        {
            "code": "sustained" if alarm.sustained else "single",
            "params": {},
            "text": "for several windows" if alarm.sustained else "in a single window",
        },
    ]
    if alarm.key == TOGETHER:
        said.append({"code": "together", "params": {}, "text": "the sum of all keys below min_volume"})
    if pieces:
        top = [
            {
                "key": piece.key,
                "observed": _round(piece.observed),
                "expected": _round(piece.expected),
                "share": _round(piece.share),
            }
            for piece in pieces[:5]
        ]
        named = ", ".join(f"{'/'.join(piece.key.values())} ({piece.share:.0%})" for piece in pieces[:3])
        said.append({"code": "contributors", "params": {"parts": top}, "text": f"mostly {named}"})
    if pieces and alarm.key != TOGETHER:
        spread = {"parts": now, "usual": _round(usual)}
        said.append({"code": "spread", "params": spread, "text": f"over {now} parts where {usual:.3g} are usual"})
    return said


def _round(value: float) -> float:
    return float(f"{value:.9g}")
