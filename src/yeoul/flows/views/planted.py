"""The incidents that the simulated service was told to make, and whether they were found."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from yeoul.errors import ConfigError, InputError
from yeoul.events import parse_iso
from yeoul.flows.views.names import Names
from yeoul.flows.views.streams import window_us

__all__ = ["PlantedView", "planted_label"]

_SHOWN = 100
_KEYS_SHOWN = 20
_REFUSALS_SHOWN = 5
_REFUSED_FOR_US = 600_000_000
_FOUND_WITHIN_US = 600_000_000
"""An incident that opens later than this after the planted one ended is another one."""


class PlantedView:
    """Reads the labels and wishes in a simulated service's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp: tuple[int, int] | None = None
        self._labels: list[dict[str, Any]] = []

    def rows(self, db: sqlite3.Connection | None, names: Names, now_us: int) -> list[dict[str, Any]]:
        """What was planted or asked for, newest first."""
        self._read_labels()
        shown = sorted(self._labels, key=lambda label: (label["start_us"], label["id"]))[-_SHOWN:]
        opened = _opened(db, shown[0]["start_us"]) if db is not None and shown else []
        width_us = window_us(db) if db is not None else 0
        planted = [_shown(label, names, now_us, opened, width_us) for label in reversed(shown)]
        return self._wishes(now_us) + planted

    def _read_labels(self) -> None:
        path = self._folder / "labels.ndjson"
        try:
            facts = path.stat()
            stamp = (facts.st_mtime_ns, facts.st_size)
            if stamp == self._stamp:
                return
            lines = path.read_bytes().splitlines()
        except OSError:
            return
        self._stamp = stamp
        # the last line may be half written; it is read whole the next time
        self._labels = [label for line in lines if (label := _parse(line)) is not None]

    def _wishes(self, now_us: int) -> list[dict[str, Any]]:
        box = self._folder / "plants"
        shown = [_wish(path, "asked") for path in sorted(box.glob("*.json"))[:_SHOWN]]
        refused = sorted((_age(path), path) for path in (box / "refused").glob("*.json"))[-_REFUSALS_SHOWN:]
        shown += [_wish(path, "refused") for at_us, path in reversed(refused) if now_us - at_us < _REFUSED_FOR_US]
        return shown


def planted_label(label: dict[str, Any], names: Names, now_us: int) -> dict[str, Any]:
    """A label that the service has just given, as shown; nothing can have been found yet.

    Raises:
        InputError: it is no label.
    """
    timed = _with_times(label)
    if timed is None:
        message = f"got the label `{str(label)[:200]}`, which has no times"
        raise InputError(message)
    return _shown(timed, names, now_us, [])


def _shown(
    label: dict[str, Any], names: Names, now_us: int, opened: list[tuple[str, int, str]], width_us: int = 0
) -> dict[str, Any]:
    """A label as shown; `opened` are incidents' ids, opening times and keys, `width_us` is that of a window."""
    start_us, end_us = label["start_us"], label["end_us"]
    status = "planned" if now_us < start_us else "running" if now_us < end_us else "over"
    keys = {(field, str(text)) for field in ("cpk", "base_mck") for text in label.get(field, ())}
    found = [
        (at_us, id_)
        for id_, at_us, held in opened
        if start_us <= at_us <= end_us + _FOUND_WITHIN_US and _touches(held, keys)
    ]
    return {
        "id": label["id"],
        "kind": label["kind"],
        "keys": [names.parts({field: text}) for field, text in sorted(keys)[:_KEYS_SHOWN]],
        "start_us": start_us,
        "end_us": end_us,
        "magnitude": label.get("magnitude"),
        "status": status,
        "incidents": [id_ for _, id_ in sorted(found)],
        # a window is judged when it is over: what it took is all up to its end
        "delay_s": (min(found)[0] + width_us - start_us) / 1e6 if found else None,
    }


def _with_times(label: Any) -> dict[str, Any] | None:
    """A label with its times as microseconds; None when it is none."""
    try:
        return {**label, "start_us": parse_iso(label["start"]), "end_us": parse_iso(label["end"])}
    except (KeyError, TypeError, ConfigError):
        return None


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        return _with_times(json.loads(line))
    except ValueError:
        return None


def _wish(path: Path, status: str) -> dict[str, Any]:
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError):
        said = {}
    said = said if isinstance(said, dict) else {}
    return {
        "id": path.stem,
        "kind": str(said.get("kind") or path.stem.rpartition("-")[0]),
        "keys": [],
        "status": status,
        "reason": said.get("error"),
        "incidents": [],
    }


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns // 1000
    except OSError:
        return 0


def _opened(db: sqlite3.Connection, since_us: int) -> list[tuple[str, int, str]]:
    rows = db.execute("SELECT id, opened_us, keys FROM incident WHERE opened_us >= ? ORDER BY opened_us", (since_us,))
    return [(row[0], row[1], row[2]) for row in rows]


def _touches(held: str, keys: set[tuple[str, str]]) -> bool:
    """Whether an incident's keys (JSON) hold one of these fields' texts."""
    return any((field, str(text)) in keys for key in json.loads(held) for field, text in key.items())
