"""Rankings as pages show them: over all, within one scope, now or at a kept hour; and which scopes there are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from yeoul.flows.views.live import Live
from yeoul.flows.views.names import Names

__all__ = ["kept_places", "kept_rankings", "ranking", "running_places", "scope_text", "scopes"]

_OVER_ALL = "{}"
_HOURS_SHOWN = 168
_NAMED_SCOPES = 200
_COLUMNS = "place, key, score, count, trend, movement"


def scope_text(scope: Mapping[str, Any]) -> str:
    """The text by which the state knows a scope.

    >>> scope_text({"cpk": "C1"})
    '{"cpk":"C1"}'
    """
    return json.dumps(scope, ensure_ascii=False, separators=(",", ":"))


def kept_places(db: sqlite3.Connection, names: Names) -> dict[str, list[dict[str, Any]]]:
    """Each ranking over all, as of the last checkpoint."""
    return {name: _places(db, names, name, _OVER_ALL, 0) for name in _known(db)}


def running_places(names: Names, live: Live | None) -> dict[str, list[dict[str, Any]]]:
    """Each ranking over all, as the running engine says."""
    ranks = live.ranks if live is not None else {}
    return {
        name: [
            {
                "place": each.place,
                "key": names.parts(each.key),
                "score": each.score,
                "count": each.count,
                "trend": each.trend,
                "movement": each.movement,
            }
            for each in places
        ]
        for name, places in ranks.items()
    }


def kept_rankings(db: sqlite3.Connection, names: Names) -> dict[str, Any]:
    """Every ranking in the state: its places over all, the fields of its scopes, the hours that are kept."""
    return {
        name: {"places": places, "scope_fields": _fields(db, name), "hours_us": _hours(db, name)}
        for name, places in kept_places(db, names).items()
    }


def ranking(
    db: sqlite3.Connection, names: Names, live: Live | None, name: str, scope: Mapping[str, Any], at_us: int | None
) -> dict[str, Any] | None:
    """One ranking in one scope; None when there is no such ranking."""
    running = live is not None and name in live.ranks
    if not running and name not in _known(db):
        return None
    fields = _fields(db, name)
    text = scope_text({field: scope[field] for field in fields} if set(fields) == set(scope) else scope)
    places = (
        running_places(names, live)[name]
        if running and text == _OVER_ALL and at_us is None
        else _places(db, names, name, text, at_us or 0)
    )
    return {"name": name, "scope": names.parts(scope), "at_us": at_us, "places": places}


def scopes(db: sqlite3.Connection, names: Names, name: str, part: str, limit: int) -> dict[str, Any] | None:
    """Scopes of a ranking whose key or name holds `part`; None when there is no such ranking."""
    if name not in _known(db):
        return None
    sql = "SELECT DISTINCT scope FROM ranking WHERE ranking = ? AND at_us = 0 AND scope <> ?"
    given: list[Any] = [name, _OVER_ALL]
    if part:
        fields = _fields(db, name)
        named = [
            f'"{field}":{json.dumps(text, ensure_ascii=False)}'
            for field in fields
            for text in names.find(field, part, _NAMED_SCOPES)
        ]
        # a scope's JSON is searched as text: its field names would always match, so they are taken off
        plain = "lower(scope)"
        for _ in fields:
            plain = f"replace({plain}, lower(?), '')"
        likes = [f"instr({plain}, lower(?)) > 0"] + ["instr(scope, ?) > 0"] * len(named)
        sql += f" AND ({' OR '.join(likes)})"
        given += [*(f'"{field}":' for field in fields), part, *named]
    rows = db.execute(f"{sql} ORDER BY scope LIMIT ?", (*given, limit + 1)).fetchall()
    return {"scopes": [names.parse(row[0]) for row in rows[:limit]], "more": len(rows) > limit}


def _known(db: sqlite3.Connection) -> list[str]:
    """Names of the rankings in the state, hopping through the index instead of reading all of it."""
    found: list[str] = []
    last = ""
    while (row := db.execute("SELECT min(ranking) FROM ranking WHERE ranking > ?", (last,)).fetchone())[0] is not None:
        last = row[0]
        found.append(last)
    return found


def _fields(db: sqlite3.Connection, name: str) -> list[str]:
    """The fields of a ranking's scopes, in the order in which their texts have them."""
    row = db.execute(
        "SELECT scope FROM ranking WHERE ranking = ? AND at_us = 0 AND scope <> ? LIMIT 1", (name, _OVER_ALL)
    ).fetchone()
    return list(json.loads(row[0])) if row else []


def _hours(db: sqlite3.Connection, name: str) -> list[int]:
    found: list[int] = []
    before = 1 << 62
    while len(found) < _HOURS_SHOWN:
        row = db.execute("SELECT max(at_us) FROM ranking WHERE ranking = ? AND at_us < ?", (name, before)).fetchone()
        if not row[0]:
            break
        before = row[0]
        found.append(before)
    return found


def _places(db: sqlite3.Connection, names: Names, name: str, scope: str, at_us: int) -> list[dict[str, Any]]:
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM ranking WHERE ranking = ? AND at_us = ? AND scope = ? ORDER BY place",
        (name, at_us, scope),
    )
    members = _COLUMNS.split(", ")
    return [{**dict(zip(members, row, strict=True)), "key": names.parse(row[1])} for row in rows]
