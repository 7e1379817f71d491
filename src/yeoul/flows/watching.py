"""What is abnormal: windows rolled up to the watched keys, judged, told as findings, gathered into incidents."""

from __future__ import annotations

import json
import sqlite3
from hashlib import sha256
from typing import Any

import numpy as np

from yeoul.clock import Clock
from yeoul.detect import Alarm, Watch
from yeoul.flows.contributors import Breakdown, Piece
from yeoul.flows.ids import KeyIds
from yeoul.flows.incident_rows import IncidentRows, key_text
from yeoul.flows.plan import DetectBlock, Notifier
from yeoul.incidents import Contributor, Incidents, IncidentsConfig, Sighting
from yeoul.streams import Entry, Layout, LocalStream, Part
from yeoul.streams.parts import reduce

__all__ = ["DetectFlow"]

_FORGET_EVERY = 360


class DetectFlow:
    """One `[detect.…]` block."""

    def __init__(self, block: DetectBlock, stream: LocalStream, notifiers: tuple[Notifier, ...], clock: Clock) -> None:
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
        self._watch = Watch(block.watch)
        self._incidents = Incidents(IncidentsConfig(persist=block.watch.persist))
        self._below = [name for name in spec.keys if name not in block.by]
        self._breakdown = Breakdown(self._below, stream.keys) if self._below and self._additive else None
        self._rows = IncidentRows(self.block.name, self._slide_us, notifiers, clock)
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
            self._breakdown.push(entry.start_us, owner, below, each)
        keys = rolled.codes[0].astype(np.int64)
        if not entry.coverage.full:
            # a split is missing: a value can only be too low, so only what is above expected says something
            expected = self._watch.current(keys)[:, 1]
            sure = np.isnan(expected) | (values > expected)
            keys, values = keys[sure], values[sure]
        alarms = self._watch.tick(entry.start_us, keys, values, full=entry.coverage.full)
        self._judge(entry.start_us, entry.seq, alarms)

    def _silence(self, entry: Entry) -> None:
        """A run of windows without rows: those with alarms are judged, the others pass."""
        full = entry.coverage.full
        at_us = entry.start_us
        until_us = entry.end_us - self._size_us + self._slide_us
        for start_us, alarms in self._watch.silence(at_us, until_us, full=full):
            self._pass(at_us, start_us)
            self._judge(start_us, entry.seq, alarms)
            at_us = start_us + self._slide_us
        self._pass(at_us, until_us)

    def _pass(self, start_us: int, end_us: int) -> None:
        ticks = (end_us - start_us) // self._slide_us
        if ticks > 0:
            changes = self._incidents.silence(ticks, end_us)
            self._rows.note(changes, self._incidents.links, end_us)

    def _judge(self, start_us: int, seq: int, alarms: list[Alarm]) -> None:
        sightings = []
        for alarm in alarms:
            pieces, now, usual = self._breakdown.pieces(alarm.key) if self._breakdown else ([], 0, 0.0)
            sighting = self._sighting(alarm, pieces)
            sightings.append(sighting)
            why = _why(alarm, pieces, now, usual)
            self._rows.finding(self._finding(start_us, seq, alarm, sighting.key, why))
            if self._breakdown is not None:
                self._breakdown.mark(alarm.key, start_us)
        changes = self._incidents.tick(start_us, sightings, scope=self._watch.scope)
        self._rows.note(changes, self._incidents.links, start_us)
        self._rows.refresh(each for each in self._incidents.open if each.updated_us == start_us)
        self._rows.track(self._watch, self._number_of, start_us)

    def _number_of(self, key: str) -> int | None:
        return self._ids.number(tuple(json.loads(key).values()))

    def _sighting(self, alarm: Alarm, pieces: list[Piece]) -> Sighting:
        return Sighting(
            key=key_text(self._ids.key(alarm.key)),
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
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._ids.restore(state["ids"])
        self._watch.restore(state["watch"])
        self._incidents.restore(state["incidents"])
        if self._breakdown is not None and state["breakdown"] is not None:
            self._breakdown.restore(state["breakdown"])
        self._ticks = state["ticks"]
        self._rows.restore(state.get("rows", {}), self._incidents.open)


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
        said += [
            {"code": "contributors", "params": {"parts": top}, "text": f"mostly {named}"},
            {
                "code": "spread",
                "params": {"parts": now, "usual": _round(usual)},
                "text": f"over {now} parts where {usual:.3g} are usual",
            },
        ]
    return said


def _round(value: float) -> float:
    return float(f"{value:.9g}")
