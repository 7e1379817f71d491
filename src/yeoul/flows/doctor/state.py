"""The state folder: writable, with room on its disk, of this release, held by an engine that answers."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from yeoul.errors import DamagedError, StateError
from yeoul.events import format_duration, iso
from yeoul.flows.doctor.check import Check, Verdicts
from yeoul.flows.drifting import kept_alarms
from yeoul.flows.live_socket import request
from yeoul.flows.plan import Plan
from yeoul.flows.results.export import ledgers
from yeoul.store import State, check_state, copy_age_s, read_state
from yeoul.store.schema import STEPS

__all__ = ["engine_runs", "folder_checks", "state_checks"]

_GB = 10**9
_LITTLE_BYTES = _GB
_TOO_LITTLE_BYTES = 100_000_000
_QUICK_CHECK_BYTES = 200_000_000
_STALE_S = 30.0
_MANY_INVALID = 0.05
_REMOTE = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "afs", "ceph"}
_PING_S = 5.0


def engine_runs(plan: Plan) -> bool:
    """Whether an engine of this workspace answers."""
    try:
        return request(plan.folder / ".yeoul", "ping", {}, timeout_s=_PING_S) is not None
    except (OSError, ValueError):
        return False


def folder_checks(plan: Plan) -> list[Check]:
    """Whether the state can be written, now and for a while."""
    verdicts = Verdicts("disk")
    folder = plan.folder / ".yeoul"
    there = folder if folder.exists() else plan.folder
    if folder.exists() and not folder.is_dir():
        verdicts.fail(f"`{folder}` is no folder", "move it away: the state is kept under that name")
        return verdicts.found
    if not os.access(there, os.W_OK | os.X_OK):
        advice = "give yourself permission (chown, chmod), or use a copy of the workspace elsewhere"
        verdicts.fail(f"`{there}` cannot be written, so no state can be kept", advice)
    kind = _file_system(there)
    if kind in _REMOTE:
        advice = "put the workspace on a local disk: the state's write-ahead log is not safe on a network file system"
        verdicts.warn(f"`{there}` is on a network file system ({kind})", advice)
    facts = os.statvfs(there)
    free = facts.f_bavail * facts.f_frsize
    if facts.f_files and not facts.f_favail:
        verdicts.fail("the disk has no free inodes", "delete files: no new one can be made")
    if free < _TOO_LITTLE_BYTES:
        verdicts.fail(f"{_size(free)} free on the disk of `{there}`", "free some space: reading pauses when it is full")
    elif free < _LITTLE_BYTES:
        verdicts.warn(f"{_size(free)} free on the disk of `{there}`", "free some space, or lower `log_cap` in [engine]")
    else:
        verdicts.ok(f"{_size(free)} free on the disk of `{there}`")
    return verdicts.found


def _file_system(path: Path) -> str:
    """The kind of file system that holds a path; empty where it is not known."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text(errors="replace").splitlines()]
    except OSError:
        return ""
    real = os.path.realpath(path)
    holding = [(mount[1], mount[2]) for mount in mounts if _is_below(real, mount[1])]
    return max(holding, key=lambda one: len(one[0]))[1] if holding else ""


def _is_below(path: str, mount: str) -> bool:
    return mount in {"/", path} or path.startswith(mount + "/")


def state_checks(plan: Plan, *, running: bool) -> list[Check]:
    """What the kept state says of itself."""
    verdicts = Verdicts("state")
    folder = plan.folder / ".yeoul"
    _engine(verdicts, folder, running=running)
    if not (folder / "state.db").exists():
        verdicts.ok("no state yet; `yeoul run` makes it")
        return verdicts.found
    if not running and not _holder(folder / "lock"):
        try:
            checked = check_state(folder)
        except DamagedError as error:
            if not _holder(folder / "lock"):  # otherwise an engine began to write it meanwhile
                verdicts.fail(f"the state is damaged: {error}", _after_damage(folder))
                return verdicts.found
        else:
            verdicts.ok("every page of it is what was written" if checked else "it has no checksums yet")
    _copies(verdicts, folder)
    try:
        state = read_state(folder)
    except (StateError, sqlite3.Error) as error:
        verdicts.fail(f"the state cannot be opened ({error})", "check the permissions of `.yeoul/`")
        return verdicts.found
    try:
        _inside(verdicts, state, folder, running=running)
    except sqlite3.Error as error:
        advice = "move `.yeoul/` away and run again: what the logs still hold is read from the beginning"
        verdicts.fail(f"the state is damaged ({error})", advice)
    finally:
        state.close()
    return verdicts.found


def _after_damage(folder: Path) -> str:
    if copy_age_s(folder) is None:
        return (
            "`yeoul run` says which bytes of the logs a fresh start would read; restore a backup of yours if it is more"
        )
    return "`yeoul run` goes back to the good copy and says which bytes of the logs it reads again"


def _copies(verdicts: Verdicts, folder: Path) -> None:
    age_s = copy_age_s(folder)
    if age_s is not None:
        verdicts.ok(f"the good copy to go back to is {format_duration(round(age_s) * 1_000_000)} old")
    for path in sorted(folder.glob("state.damaged-*.db")):
        advice = "look at the disk it is on; the results are right again, delete the file when you have seen it"
        verdicts.warn(f"a damaged state was replaced by its good copy; it is kept as `{path.name}`", advice)


def _engine(verdicts: Verdicts, folder: Path, *, running: bool) -> None:
    holder = _holder(folder / "lock")
    if running:
        verdicts.ok("an engine is running and answers")
    elif holder:
        advice = f"look at what process {holder} does, or end it (kill {holder}); ending loses nothing"
        verdicts.fail(f"process {holder} holds the state and does not answer", advice)
    else:
        verdicts.ok("no engine is running")


def _holder(lock: Path) -> str:
    """The process that holds the lock, without touching it: even a look by `flock` could refuse a starting engine."""
    try:
        facts = lock.stat()
        held = Path("/proc/locks").read_text()
        pid = lock.read_text(errors="replace").strip()
    except OSError:
        return ""
    place = f"{os.major(facts.st_dev):02x}:{os.minor(facts.st_dev):02x}:{facts.st_ino} "
    found = [line.split() for line in held.splitlines() if place in line and "FLOCK" in line]
    return next((words[4] for words in found if words[4] != "-1"), pid) if found else ""


def _inside(verdicts: Verdicts, state: State, folder: Path, *, running: bool) -> None:
    version = state.db.execute("PRAGMA user_version").fetchone()[0]
    files = [path for name in ("state.db", "state.db-wal") if (path := folder / name).exists()]
    size = sum(path.stat().st_size for path in files)
    if version > len(STEPS):
        advice = "run the newer Yeoul that wrote it, or move `.yeoul/` away"
        verdicts.fail(f"the state is of schema {version}, this Yeoul knows {len(STEPS)}", advice)
        return
    upgrade = "" if version == len(STEPS) else f" (the next run brings it to {len(STEPS)})"
    verdicts.ok(f"schema {version}{upgrade}, {_size(size)}")
    if size <= _QUICK_CHECK_BYTES:
        answer = state.db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if answer != "ok":
            raise sqlite3.DatabaseError(answer)
    age_s = time.time() - max(path.stat().st_mtime for path in files)
    age = format_duration(max(0, round(age_s)) * 1_000_000)
    if age_s < -_STALE_S:
        advice = "the clock went back since; let it be synchronised"
        verdicts.warn(f"the last checkpoint is {format_duration(round(-age_s) * 1_000_000)} in the future", advice)
    elif running and age_s > _STALE_S:
        verdicts.warn(f"the last checkpoint is {age} old though an engine runs", "look at the health on its console")
    else:
        verdicts.ok(f"the last checkpoint is {age} old")
    for stream, splits in ledgers(state).items():
        total = splits["total"]
        if total["read"] and total["invalid"] > _MANY_INVALID * total["read"]:
            share = total["invalid"] / total["read"]
            advice = (
                f"`yeoul quarantine list WORKSPACE --stream {stream}` shows why; correct the declaration, then redrive"
            )
            verdicts.warn(f"stream {stream}: {share:.0%} of {total['read']:,} rows are invalid", advice)
        for alarm in kept_alarms(state, stream).values():
            found = f"stream {stream}: {alarm.rows:,} rows refused since {iso(alarm.since_us)}: {alarm.reason}"
            advice = "what writes them has changed; correct the declaration, then `yeoul quarantine redrive WORKSPACE`"
            verdicts.warn(found, advice)


def _size(number: float) -> str:
    return f"{number / _GB:.1f} GB" if number >= _GB else f"{number / 1e6:.1f} MB"
