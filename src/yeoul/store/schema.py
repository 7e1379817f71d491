"""The tables of the state file, as numbered steps; a released step is never edited, a change is a new step.

All times are integer microseconds UTC. `block` columns hold what `pack` makes.
"""

from __future__ import annotations

import sqlite3

__all__ = ["STEPS", "column_of"]

_FIRST = """
-- What this state was made from: release, fingerprint of each stream's declaration.
CREATE TABLE meta (
    key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Where each split's reader goes on, and its time: position and clock are JSON.
CREATE TABLE split (
    stream TEXT NOT NULL, name TEXT NOT NULL, position TEXT NOT NULL, clock TEXT NOT NULL, held BLOB,
    PRIMARY KEY (stream, name)) WITHOUT ROWID;
CREATE TABLE ledger (
    stream TEXT NOT NULL, split TEXT NOT NULL, read INTEGER NOT NULL, counted INTEGER NOT NULL,
    late INTEGER NOT NULL, future INTEGER NOT NULL, invalid INTEGER NOT NULL, duplicate INTEGER NOT NULL,
    filtered INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (stream, split)) WITHOUT ROWID;
-- Combined watermark and the rest of a stream's own state, as JSON.
CREATE TABLE stream (
    name TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;

-- Key texts by code; codes are never given twice.
CREATE TABLE key (
    stream TEXT NOT NULL, field TEXT NOT NULL, code INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (stream, field, code)) WITHOUT ROWID;

-- Mergeable parts of windows that are still open (one row a window and checkpoint).
CREATE TABLE part (
    stream TEXT NOT NULL, window_us INTEGER NOT NULL, seq INTEGER NOT NULL, block BLOB NOT NULL,
    PRIMARY KEY (stream, window_us, seq)) WITHOUT ROWID;
-- Event ids whose window can still change.
CREATE TABLE event_id (
    stream TEXT NOT NULL, until_us INTEGER NOT NULL, seq INTEGER NOT NULL, block BLOB NOT NULL,
    PRIMARY KEY (stream, until_us, seq)) WITHOUT ROWID;

-- The results log. kind: window | empty (a run of windows without rows) | join | leave | idle | believe
CREATE TABLE log (
    seq INTEGER PRIMARY KEY, stream TEXT NOT NULL, kind TEXT NOT NULL, start_us INTEGER NOT NULL,
    end_us INTEGER NOT NULL, revision INTEGER NOT NULL, full INTEGER NOT NULL, coverage TEXT NOT NULL,
    rows INTEGER NOT NULL, block BLOB);
CREATE INDEX log_window ON log (stream, start_us, revision);
-- Old entries that moved to Parquet.
CREATE TABLE archive (
    path TEXT PRIMARY KEY, stream TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    start_us INTEGER NOT NULL, end_us INTEGER NOT NULL) WITHOUT ROWID;
-- Who reads the log, how far their kept snapshot reaches.
CREATE TABLE consumer (
    name TEXT PRIMARY KEY, seq INTEGER NOT NULL, block BLOB NOT NULL) WITHOUT ROWID;

-- Rows beyond allowed lateness (row: JSON of the declared fields).
CREATE TABLE late (
    id INTEGER PRIMARY KEY, stream TEXT NOT NULL, event_us INTEGER NOT NULL, source TEXT NOT NULL,
    position INTEGER NOT NULL, reason TEXT NOT NULL, row TEXT NOT NULL);
-- Lines that are no rows, and rows of an unconfirmed future. size: bytes of the whole line; raw may be cut.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, stream TEXT NOT NULL, split TEXT NOT NULL, source TEXT NOT NULL,
    position INTEGER NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL, raw BLOB NOT NULL,
    size INTEGER NOT NULL, at_us INTEGER NOT NULL, header BLOB);
-- What happened to sources, and what people asked for.
CREATE TABLE notice (
    id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, stream TEXT NOT NULL, kind TEXT NOT NULL,
    source TEXT NOT NULL, detail TEXT NOT NULL);

-- An alarmed key in a window. keys, why: JSON.
CREATE TABLE finding (
    id TEXT PRIMARY KEY, seq INTEGER NOT NULL, block TEXT NOT NULL, detector TEXT NOT NULL,
    keys TEXT NOT NULL, start_us INTEGER NOT NULL, observed REAL NOT NULL, expected REAL NOT NULL,
    lower REAL NOT NULL, upper REAL NOT NULL, p REAL NOT NULL, score REAL NOT NULL,
    confidence REAL NOT NULL, why TEXT NOT NULL, incident TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX finding_time ON finding (start_us);
CREATE INDEX finding_incident ON finding (incident, start_us);
-- Findings that belong together. keys: JSON list of key objects; contributors: JSON list; closed_us NULL while open;
-- opened_us: the window that satisfied k of n.
CREATE TABLE incident (
    id TEXT PRIMARY KEY, block TEXT NOT NULL, keys TEXT NOT NULL, detectors TEXT NOT NULL,
    opened_us INTEGER NOT NULL, updated_us INTEGER NOT NULL, closed_us INTEGER, score REAL NOT NULL,
    confidence REAL NOT NULL, direction TEXT NOT NULL, observed REAL NOT NULL, expected REAL NOT NULL,
    contributors TEXT NOT NULL, findings INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX incident_time ON incident (opened_us);
-- What an incident's keys did, tick by tick, from a little before it opened. key: JSON object.
CREATE TABLE track (
    incident TEXT NOT NULL, key TEXT NOT NULL, at_us INTEGER NOT NULL, observed REAL, expected REAL,
    lower REAL, upper REAL, PRIMARY KEY (incident, key, at_us)) WITHOUT ROWID;
-- Hourly places, and the places now (at_us = 0). scope: JSON object of the `within` keys, `{}` for over all; key: the
-- same of what is ranked.
CREATE TABLE ranking (
    ranking TEXT NOT NULL, scope TEXT NOT NULL, at_us INTEGER NOT NULL, place INTEGER NOT NULL,
    key TEXT NOT NULL, score REAL NOT NULL, count REAL NOT NULL, trend REAL NOT NULL,
    movement TEXT NOT NULL, PRIMARY KEY (ranking, at_us, scope, place)) WITHOUT ROWID;
-- Totals of each closed window, for the charts of the first page.
CREATE TABLE pulse (
    stream TEXT NOT NULL, start_us INTEGER NOT NULL, rows INTEGER NOT NULL, keys INTEGER NOT NULL,
    full INTEGER NOT NULL, PRIMARY KEY (stream, start_us)) WITHOUT ROWID;
-- Incident changes that are still to be told to a notifier.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY, notifier TEXT NOT NULL, incident TEXT NOT NULL, change TEXT NOT NULL,
    at_us INTEGER NOT NULL, body TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    next_us INTEGER NOT NULL DEFAULT 0);
"""

_SECOND = """
-- CRC-32 of the whole file; NULL for files of the first release. From here on `state.sums` holds sums of all pages.
ALTER TABLE archive ADD COLUMN crc INTEGER;
"""

_THIRD = """
-- The `[calendar.…]` entry that mutes it; empty: none does, and it can belong to an incident.
ALTER TABLE finding ADD COLUMN muted TEXT NOT NULL DEFAULT '';
CREATE INDEX finding_muted ON finding (start_us) WHERE muted != '';
-- What its keys share, as JSON list: key, direction, keys, of, share, since_us.
ALTER TABLE incident ADD COLUMN causes TEXT NOT NULL DEFAULT '[]';
"""

_FOURTH = """
-- What changed and is still to be sent by a sink, in order. kind: windows | late | findings | incidents | rankings.
-- name and number say what: stream and seq of the log; stream and id of the row; id; id; ranking and at_us.
CREATE TABLE outgoing (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, name TEXT NOT NULL, number INTEGER NOT NULL);
"""

STEPS: tuple[str, ...] = (_FIRST, _SECOND, _THIRD, _FOURTH)
"""Step i brings a state of version i to version i + 1 (SQLite's `user_version`)."""


def column_of(db: sqlite3.Connection, table: str, name: str, otherwise: str) -> str:
    """What to select for a column: itself, or `otherwise` in a state of an older release that no engine has opened yet.

    Readers work beside whatever engine runs; only the engine brings a state up to date.
    """
    known = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
    return name if name in known else otherwise
