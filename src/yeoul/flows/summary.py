"""A workspace's results in a few lines: what was read, which incidents there were, what is hot."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import Any

from yeoul.events import iso
from yeoul.flows.plan import Plan
from yeoul.flows.results.export import ledgers
from yeoul.store import State, column_of, read_state

__all__ = ["Summary", "summary"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a kept state holds, for people."""

    ledgers: dict[str, Any]
    windows: dict[str, int]
    """Closed windows with rows, by stream."""
    incidents: list[str]
    """A sentence each, oldest first."""
    hot: dict[str, list[str]]
    """Names in the order of their places, by ranking."""


def summary(plan: Plan) -> Summary:
    """Sum up the kept state of a workspace.

    Raises:
        StateError: there is none.
    """
    state = read_state(plan.folder / ".yeoul")
    try:
        names = _names(plan)
        windows = dict(state.db.execute("SELECT stream, count(*) FROM pulse GROUP BY stream").fetchall())
        return Summary(ledgers(state), windows, _incidents(state, names), _hot(state, names))
    finally:
        state.close()


def _names(plan: Plan) -> dict[tuple[str, str], str]:
    """Display name by key field and text."""
    found = {}
    for lookup in plan.lookups:
        if lookup.path.exists():
            with lookup.path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    found[lookup.key, row.get(lookup.key, "")] = row.get(lookup.column, "")
    return found


def _key(key: dict[str, str], names: dict[tuple[str, str], str]) -> str:
    return " / ".join(names.get((field, text), text) for field, text in key.items())


def _incidents(state: State, names: dict[tuple[str, str], str]) -> list[str]:
    shared = column_of(state.db, "incident", "causes", "'[]'")
    query = (
        "SELECT keys, opened_us, closed_us, observed, expected, direction, "
        f"{shared} FROM incident ORDER BY opened_us, id"
    )
    found = []
    for keys, opened_us, closed_us, observed, expected, direction, causes in state.db.execute(query):
        listed = json.loads(keys)
        who = _key(listed[0], names) + (f" and {len(listed) - 1} more" if len(listed) > 1 else "")
        until = f"until {iso(closed_us)}" if closed_us else "still open"
        how = {"up": "above", "down": "below"}.get(direction, "unlike")
        why = "".join(
            f"; {each['keys']} of {each['of']} {each['direction']} {_key(each['key'], names)}"
            for each in json.loads(causes)
        )
        found.append(f"{iso(opened_us)}, {until}: {who} {how} expected, {observed:.4g} for {expected:.4g}{why}")
    return found


def _hot(state: State, names: dict[tuple[str, str], str]) -> dict[str, list[str]]:
    query = "SELECT ranking, key FROM ranking WHERE at_us = 0 AND scope = '{}' ORDER BY ranking, place"
    found: dict[str, list[str]] = {}
    for ranking, key in state.db.execute(query):
        found.setdefault(ranking, []).append(_key(json.loads(key), names))
    return found
