"""What the machine brings: Python, SQLite, libraries, the clock, limits."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import resource
import sqlite3
import sys
import time
from importlib import metadata
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from yeoul.events import iso, parse_iso
from yeoul.flows.doctor.check import Check, Verdicts

__all__ = ["machine_checks"]

_PYTHON = (3, 11)
_SQLITE = (3, 35, 0)
"""RETURNING and upserts."""
_FILES = 1024
_SPARE_FILES = 256
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[[^\]]*\])?\s*(?:>=\s*(?P<least>[\w.]+))?")
_EXTRA = re.compile(r"extra == ['\"](?P<extra>[\w-]+)['\"]")
_RELEASED_US = parse_iso("2026-01-01")
_FAR_US = parse_iso("2100-01-01")
_UNSYNCHRONISED = 5
_TIMEX_BYTES = 256
_FOR_WHAT = {"kafka": "streams that read Kafka topics"}


def machine_checks(extras_needed: frozenset[str] = frozenset()) -> list[Check]:
    """Everything that does not depend on a workspace, apart from the extras that one needs."""
    return [*_python(), *_sqlite(), *_libraries(extras_needed), *_clock(), *_limits()]


def _python() -> list[Check]:
    verdicts = Verdicts("python")
    version = platform.python_version()
    if sys.version_info[:2] < _PYTHON:
        verdicts.fail(f"Python {version}", "install Python 3.11 or newer")
    elif sys.maxsize < 1 << 32:
        verdicts.fail(f"Python {version} of 32 bits", "install a 64-bit Python: times and counts have 64 bits")
    else:
        verdicts.ok(f"Python {version}, {platform.machine()}, {os.cpu_count()} cores")
    if sys.platform != "linux":
        verdicts.warn(f"the system is {sys.platform}", "Linux is what Yeoul is tested on")
    return verdicts.found


def _sqlite() -> list[Check]:
    verdicts = Verdicts("sqlite")
    version = sqlite3.sqlite_version
    db = sqlite3.connect(":memory:")
    try:
        options = {row[0] for row in db.execute("PRAGMA compile_options")}
    finally:
        db.close()
    if sqlite3.sqlite_version_info < _SQLITE:
        verdicts.fail(f"SQLite {version}", "a Python built with SQLite 3.35 or newer is needed")
    elif "OMIT_WAL" in options or sqlite3.threadsafety == 0:
        verdicts.fail(f"SQLite {version} without write-ahead log or threads", "use a Python with a usual SQLite")
    else:
        verdicts.ok(f"SQLite {version} with write-ahead log and RETURNING")
    return verdicts.found


def _libraries(needed: frozenset[str]) -> list[Check]:
    verdicts = Verdicts("libraries")
    try:
        requirements = metadata.requires("yeoul") or []
    except metadata.PackageNotFoundError:
        verdicts.warn("Yeoul is not installed as a package", "`make setup` or `pip install .` installs it")
        return verdicts.found
    good = []
    for text in requirements:
        match, extra = _REQUIREMENT.match(text), _EXTRA.search(text)
        if match is None:
            continue
        name, least = match["name"], match["least"] or ""
        have = _version(name)
        if extra is not None:
            _extra(verdicts, extra["extra"], name, have, least, needed)
        elif have is None:
            verdicts.fail(f"{name} is missing", f"pip install '{name}>={least}'")
        elif _numbers(have) < _numbers(least):
            verdicts.fail(f"{name} {have} is too old", f"pip install --upgrade '{name}>={least}'")
        else:
            good.append(f"{name} {have}")
    verdicts.ok(", ".join(good))
    return verdicts.found


def _extra(verdicts: Verdicts, extra: str, name: str, have: str | None, least: str, needed: frozenset[str]) -> None:
    line = f"pip install 'yeoul[{extra}]'"
    if have is not None and _numbers(have) >= _numbers(least):
        verdicts.ok(f"{name} {have} (extra {extra})")
    elif extra in needed:
        verdicts.fail(f"{name} is missing or old, and this workspace needs it", line)
    else:
        verdicts.ok(f"{name} is not there; only {_FOR_WHAT.get(extra, extra)} need it: {line}")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _clock() -> list[Check]:
    verdicts = Verdicts("clock")
    now_us = time.time_ns() // 1_000_000_000 * 1_000_000
    try:
        ZoneInfo("Asia/Seoul")
    except ZoneInfoNotFoundError:
        verdicts.fail("no time zone data", "pip install tzdata")
    if not _RELEASED_US <= now_us < _FAR_US:
        verdicts.fail(f"the clock says {iso(now_us)}", "set the machine's clock: rows would look late or future")
    elif _ntp_state() == _UNSYNCHRONISED:
        advice = "start a time service (chrony, systemd-timesyncd); a wrong clock misjudges what is future"
        verdicts.warn(f"the clock says {iso(now_us)} and is not synchronised", advice)
    else:
        verdicts.ok(f"the clock says {iso(now_us)}")
    return verdicts.found


def _ntp_state() -> int | None:
    """What the kernel knows of the clock's synchronisation; None where it cannot be asked."""
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    # all zero: only asks
    state = int(adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    return None if state < 0 else state


def _limits() -> list[Check]:
    verdicts = Verdicts("limits")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    shown = "no limit" if soft == resource.RLIM_INFINITY else str(soft)
    if soft != resource.RLIM_INFINITY and soft < _FILES:
        advice = f"`ulimit -n {_FILES}` before starting (the hard limit is {hard}), or LimitNOFILE= in the service"
        add = verdicts.fail if soft < _SPARE_FILES else verdicts.warn
        add(f"at most {soft} open files; Yeoul keeps up to 200 log files open a stream", advice)
    else:
        verdicts.ok(f"open files: {shown}; files are watched by listing, no inotify limit applies")
    return verdicts.found
