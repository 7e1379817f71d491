"""How an engine comes to its state: waits while the disk is full, goes back to the good copy where it is damaged.

What a damaged state had made since the copy is made again, for the logs still have it. Which bytes are read again for
that is told exactly; so it is where there is no copy and the engine refuses.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from yeoul.clock import Clock
from yeoul.errors import DamagedError, StateError, StorageFullError, YeoulError
from yeoul.events import iso
from yeoul.flows.declaration import check_declaration
from yeoul.flows.engine import Engine
from yeoul.flows.live_socket import LiveSocket
from yeoul.flows.parts import open_source
from yeoul.flows.plan import Plan
from yeoul.ingest.contract import Ahead, Notice
from yeoul.store import Restored, State, open_state

__all__ = ["open_engine"]

_T = TypeVar("_T")

_RETRY_FULL_S = 1.0
_TOLD = 20
"""Ranges that are said in one sentence; all of them are notices."""


def open_engine(plan: Plan, stop: threading.Event, clock: Clock, tell: Callable[[str], None]) -> Engine | None:
    """The engine of a plan at its last checkpoint; None when it was to stop before there was space for it.

    Raises:
        BusyError: another engine holds the state.
        DamagedError: the state is damaged, and there is no good copy; the message has what a fresh start would read.
        StateError: the state is of another declaration or of a newer release.
    """
    folder = plan.folder / ".yeoul"
    state = None
    try:
        state = _waiting(lambda: open_state(folder), folder, stop, clock)
        if state is None:
            return None
        _check_declarations(plan, state)
        engine = Engine(plan, state, clock, live=True)
        if _waiting(lambda: _loaded(engine), folder, stop, clock) is None:
            engine.close()
            return None
        if state.restored is not None:
            _tell_restored(engine, state.restored, tell)
    except DamagedError as error:
        if state is not None:
            state.close()
        raise _refusal(plan, error) from error
    except BaseException as error:
        if state is not None:
            state.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT:
            raise _refusal(plan, DamagedError(f"the state in `{folder}` is damaged ({error})")) from error
        raise
    return engine


def _loaded(engine: Engine) -> Engine:
    engine.load()
    return engine


def _waiting(work: Callable[[], _T], folder: Path, stop: threading.Event, clock: Clock) -> _T | None:
    """What `work` gives once there is space for it; health is red until then."""
    socket = None
    begun_us = clock.now_us()
    try:
        while True:
            try:
                return work()
            except StorageFullError as error:
                if stop.is_set():
                    return None
                socket = socket or _socket(folder)
                if socket is None:
                    stop.wait(_RETRY_FULL_S)
                    continue
                socket.publish(_red(clock, begun_us, str(error)))
                socket.wait(_RETRY_FULL_S, lambda _: {"ok": False, "error": "the disk is full"})
    finally:
        if socket is not None:
            socket.close()


def _socket(folder: Path) -> LiveSocket | None:
    try:
        return LiveSocket(folder)
    except OSError:
        return None  # not even room for a name


def _red(clock: Clock, begun_us: int, detail: str) -> dict[str, object]:
    causes = [{"code": "disk_full", "params": {"detail": detail}}]
    return {
        "at_us": clock.now_us(),
        "pid": os.getpid(),
        "started_us": begun_us,
        "health": {"status": "red", "causes": causes},
        "checkpoint": {},
        "streams": {},
        "ranks": {},
    }


def _tell_restored(engine: Engine, restored: Restored, tell: Callable[[str], None]) -> None:
    """Notices and a few lines on what is read again."""
    made = iso(int(restored.copied_at_s) * 1_000_000)
    name = restored.damaged.name
    tell(f"the state was damaged: {restored.why}; it is kept as `{name}`, and its good copy of {made} took its place")
    _tidy_history(engine.state, tell)
    engine.poll()
    for stream, feed in engine.feeds.items():
        ranges = [part for split in feed.source.splits() for part in split.ahead()]
        detail = f"{restored.why}; the good copy of {made} took its place"
        feed.notices.append(Notice("restored", "state.db", detail))
        feed.notices += [Notice("restored", part.source, f"read again from {_from_to(part)}") for part in ranges]
        tell(f"stream `{stream}` reads again: {_listed(ranges) or 'nothing, for the copy had it all'}")


def _check_declarations(plan: Plan, state: State) -> None:
    for stream in plan.streams:
        try:
            check_declaration(state, stream.spec)
        except StateError as error:
            alone = replace(plan, streams=(stream,))
            message = f"{error}; a fresh start would read {_fresh_start(alone)}"
            raise StateError(message) from error


def _refusal(plan: Plan, error: DamagedError) -> DamagedError:
    """The error with what a fresh start would read."""
    folder = plan.folder / ".yeoul"
    return DamagedError(
        f"{error}, and there is no good copy of the state; restore `{folder}` from a backup of yours, or move it away "
        f"and run again: that reads {_fresh_start(plan)}"
    )


def _fresh_start(plan: Plan) -> str:
    """What it would read."""
    ranges = []
    try:
        for stream in plan.streams:
            source = open_source(stream, None, live=True)
            try:
                source.poll()
                ranges += [part for split in source.splits() for part in split.ahead()]
            finally:
                source.close()
    except (YeoulError, OSError) as why:
        return f"what the logs still hold ({why})"
    return _listed(ranges) or "nothing, for there are no logs"


def _listed(ranges: list[Ahead]) -> str:
    told = [f"`{part.source}` {_from_to(part)}" for part in ranges[:_TOLD]]
    what = "partitions" if ranges and ranges[-1].messages else "files"
    more = [f"and {len(ranges) - _TOLD} {what} more"] if len(ranges) > _TOLD else []
    return ", ".join(told + more)


def _from_to(part: Ahead) -> str:
    if part.messages:
        return f"from message {part.first} to {'its end' if part.end is None else part.end - 1}"
    end = "its end" if part.end is None else f"byte {part.end}"
    return f"from byte {part.first} to {end}"


def _tidy_history(state: State, tell: Callable[[str], None]) -> None:
    """Archived files that the copy does not know go aside; those that it knows and that have gone are forgotten."""
    folder = state.folder
    known = {path for (path,) in state.db.execute("SELECT path FROM archive")}
    there = {str(path.relative_to(folder)) for path in (folder / "history").glob("*/*.parquet")}
    for path in sorted(there - known):
        aside = folder / "history.unknown" / path
        aside.parent.mkdir(parents=True, exist_ok=True)
        (folder / path).replace(aside)
    gone = sorted(known - there)
    with state.transaction() as db:
        db.executemany("DELETE FROM archive WHERE path = ?", [(path,) for path in gone])
    for path in gone:
        tell(f"`{path}` has gone since: it was past retention, or somebody removed it; its windows are not exported")
