"""Incidents as pages show them: at a glance, in full with tracks and findings, a page of the past."""

from __future__ import annotations

import json
import sqlite3
from itertools import groupby, pairwise
from typing import Any

from yeoul.flows.views.names import Names
from yeoul.store import column_of

__all__ = ["closed_lately", "incident_detail", "incident_page", "muted_findings", "open_incidents"]

_KEYS_SHOWN = 20
_OPEN_SHOWN = 200
_FINDINGS_SHOWN = 200
_TICKS_SHOWN = 2_000
_CHANGES_SHOWN = 200

_COLUMNS = (
    "id, block, keys, detectors, opened_us, updated_us, closed_us, score, confidence, direction, observed, expected, "
    "contributors, findings, (SELECT min(start_us) FROM finding WHERE finding.incident = incident.id) AS since_us, "
)
_FINDING = ("id", "detector", "start_us", "observed", "expected", "lower", "upper", "p", "score", "confidence")


def open_incidents(db: sqlite3.Connection, names: Names) -> tuple[dict[str, dict[str, Any]], int]:
    """Open incidents by id, those with the highest scores; and how many are open in all."""
    total = db.execute("SELECT count(*) FROM incident WHERE closed_us IS NULL").fetchone()[0]
    rows = db.execute(
        f"SELECT {_columns(db)} FROM incident WHERE closed_us IS NULL ORDER BY score DESC, opened_us DESC, id LIMIT ?",
        (_OPEN_SHOWN,),
    )
    return {row[0]: _brief(row, names) for row in rows}, total


def closed_lately(db: sqlite3.Connection, names: Names, limit: int = 10) -> list[dict[str, Any]]:
    """Incidents that are over, newest first."""
    rows = db.execute(
        f"SELECT {_columns(db)} FROM incident WHERE closed_us IS NOT NULL ORDER BY closed_us DESC, id LIMIT ?", (limit,)
    )
    return [_brief(row, names) for row in rows]


def incident_page(
    db: sqlite3.Connection, names: Names, status: str, before_us: int | None, limit: int
) -> dict[str, Any]:
    """Incidents that opened before a time, newest first; `status` is `open`, `closed` or `all`."""
    wanted = {"open": "closed_us IS NULL", "closed": "closed_us IS NOT NULL", "all": "1"}[status]
    before = 1 << 62 if before_us is None else before_us
    rows = db.execute(
        f"SELECT {_columns(db)} FROM incident WHERE {wanted} AND opened_us < ? ORDER BY opened_us DESC, id LIMIT ?",
        (before, limit + 1),
    ).fetchall()
    page, more = rows[:limit], len(rows) > limit
    if more:
        # a page never ends inside a group that opened together: the next one would leave out the rest
        last = page[-1][4]
        page += [
            row
            for row in db.execute(f"SELECT {_columns(db)} FROM incident WHERE {wanted} AND opened_us = ?", (last,))
            if row[0] not in {shown[0] for shown in page}
        ]
    return {"incidents": [_brief(row, names) for row in page], "next_before_us": page[-1][4] if more else None}


def incident_detail(db: sqlite3.Connection, names: Names, id_: str) -> dict[str, Any] | None:
    """One incident in full; None when there is none of this id."""
    row = db.execute(f"SELECT {_columns(db)} FROM incident WHERE id = ?", (id_,)).fetchone()
    if row is None:
        return None
    brief = _brief(row, names)
    tracks = _tracks(db, names, id_)
    starts = next((track["at_us"] for track in tracks if len(track["at_us"]) > 1), None)
    return {
        **brief,
        "width_us": min(b - a for a, b in pairwise(starts)) if starts else None,
        "tracks": tracks,
        "contributors": _contributors(row[12], names),
        "finding_list": _findings(db, names, id_),
        "changes": _changes(db, names, brief),
    }


def _columns(db: sqlite3.Connection) -> str:
    return _COLUMNS + column_of(db, "incident", "causes", "'[]'")


def _brief(row: tuple[Any, ...], names: Names) -> dict[str, Any]:
    keys = json.loads(row[2])
    return {
        "id": row[0],
        "block": row[1],
        "keys": [names.parts(key) for key in keys[:_KEYS_SHOWN]],
        "keys_total": len(keys),
        "detectors": json.loads(row[3]),
        "since_us": row[4] if row[14] is None else row[14],
        "opened_us": row[4],
        "updated_us": row[5],
        "closed_us": row[6],
        "score": row[7],
        "confidence": row[8],
        "direction": row[9],
        "observed": row[10],
        "expected": row[11],
        "findings": row[13],
        "causes": [{**each, "key": names.parts(each["key"])} for each in json.loads(row[15])],
    }


def _tracks(db: sqlite3.Connection, names: Names, id_: str) -> list[dict[str, Any]]:
    rows = db.execute(
        "SELECT key, at_us, observed, expected, lower, upper FROM track WHERE incident = ? ORDER BY key, at_us", (id_,)
    )
    tracks = []
    for key, group in groupby(rows, key=lambda row: str(row[0])):
        columns = list(zip(*list(group)[-_TICKS_SHOWN:], strict=True))
        members = ("at_us", "observed", "expected", "lower", "upper")
        tracks.append({"key": names.parse(key), **dict(zip(members, map(list, columns[1:]), strict=True))})
        if len(tracks) == _KEYS_SHOWN:
            break
    return tracks


def _contributors(text: str, names: Names) -> list[dict[str, Any]]:
    found = [{**each, "key": names.parts(each["key"])} for each in json.loads(text)]
    return sorted(found, key=lambda each: -(each.get("share") or 0))


def _findings(db: sqlite3.Connection, names: Names, id_: str) -> list[dict[str, Any]]:
    rows = db.execute(
        f"SELECT keys, why, {', '.join(_FINDING)} FROM finding WHERE incident = ? ORDER BY start_us DESC, id LIMIT ?",
        (id_, _FINDINGS_SHOWN),
    )
    return [_finding(row, names) for row in rows]


def muted_findings(db: sqlite3.Connection, names: Names) -> list[dict[str, Any]]:
    """What the calendar muted lately, newest first."""
    if column_of(db, "finding", "muted", "") != "muted":
        return []
    rows = db.execute(
        f"SELECT keys, why, {', '.join(_FINDING)}, block, muted FROM finding WHERE muted != '' "
        "ORDER BY start_us DESC, id LIMIT ?",
        (_FINDINGS_SHOWN,),
    )
    return [{**_finding(row, names), "block": row[-2], "muted": row[-1]} for row in rows]


def _finding(row: tuple[Any, ...], names: Names) -> dict[str, Any]:
    return {
        **dict(zip(_FINDING, row[2:], strict=False)),
        "key": names.parse(row[0]),
        "why": [_reason(each, names) for each in json.loads(row[1])],
    }


def _reason(said: dict[str, Any], names: Names) -> dict[str, Any]:
    """A reason's code and parameters, with names for the keys in it."""
    params = dict(said.get("params") or {})
    if isinstance(params.get("parts"), list):
        params["parts"] = [{**each, "key": names.parts(each["key"])} for each in params["parts"]]
    return {"code": said["code"], "params": params}


def _changes(db: sqlite3.Connection, names: Names, brief: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of an incident's life, told by its findings."""
    id_ = brief["id"]
    steps = [{"at_us": brief["opened_us"], "code": "opened", "params": {}}]
    firsts = db.execute(
        "SELECT keys, min(start_us) FROM finding WHERE incident = ? GROUP BY keys ORDER BY 2, 1 LIMIT ?",
        (id_, _CHANGES_SHOWN),
    )
    joined = [(key, at_us) for key, at_us in firsts if at_us > brief["since_us"]]
    steps += [{"at_us": at_us, "code": "key_joined", "params": {"key": names.parse(key)}} for key, at_us in joined]
    firsts = db.execute("SELECT detector, min(start_us) FROM finding WHERE incident = ? GROUP BY detector", (id_,))
    steps += [
        {"at_us": at_us, "code": "detector_joined", "params": {"detector": detector}}
        for detector, at_us in firsts
        if at_us > brief["since_us"]
    ]
    # scores end at 1: among windows with the same one, the farthest from what was expected is the worst
    peak = db.execute(
        "SELECT start_us, max(score) AS worst FROM finding WHERE incident = ? GROUP BY start_us "
        "ORDER BY worst DESC, abs(sum(observed - expected)) DESC, start_us LIMIT 1",
        (id_,),
    ).fetchone()
    if peak is not None:
        steps.append({"at_us": peak[0], "code": "peaked", "params": {"score": peak[1]}})
    if brief["closed_us"] is not None:
        steps.append({"at_us": brief["closed_us"], "code": "closed", "params": {}})
    order = ("opened", "key_joined", "detector_joined", "peaked", "closed")
    return sorted(steps, key=lambda step: (step["at_us"], order.index(step["code"])))
