"""A second copy of the state, good when it was made: what the engine goes back to when the state is damaged.

The copy is one file: the pages of the state file, their checksums, and the length of those in eight bytes. While it is
made nothing is copied back from the write-ahead log, so the state file stands still; reading and commits go on.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from yeoul.errors import DamagedError
from yeoul.store.durable import sync
from yeoul.store.sums import Sums
from yeoul.store.wal import page_sum

__all__ = ["Restored", "copy_age_s", "make_copy", "put_copy_back"]

COPY = "state.copy"
_BLOCK_PAGES = 256
_TRAILER = 8
_KEPT_DAMAGED = 2


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done about a damaged state."""

    why: str
    copied_at_s: float
    """When the copy was made that took its place."""
    damaged: Path
    """Where the damaged file is now."""


def copy_age_s(folder: Path) -> float | None:
    """How long ago the copy was made; None without one."""
    try:
        return max(0.0, time.time() - (folder / COPY).stat().st_mtime)
    except OSError:
        return None


def make_copy(handle: int, sums: Sums, folder: Path, stopped: Callable[[], bool]) -> bool:
    """Copy a state file that stands still; whether it came to its end before it was `stopped`.

    Args:
        handle: the state file, open for reading.
        sums: of its pages.
        folder: where the copy goes.
        stopped: asked now and then.

    Raises:
        DamagedError: a page is not what was written; the copy that was there stays.
    """
    beside = folder / f"{COPY}.tmp"
    size = sums.page_bytes
    try:
        with beside.open("wb") as file:
            for first in range(0, len(sums.sums), _BLOCK_PAGES):
                if stopped():
                    return False
                count = min(_BLOCK_PAGES, len(sums.sums) - first)
                data = os.pread(handle, count * size, first * size).ljust(count * size, b"\0")
                _check(data, sums, first, "state.db")
                file.write(data)
            trailer = Sums(size, sums.sums).as_bytes()
            file.write(trailer + len(trailer).to_bytes(_TRAILER, "little"))
            file.flush()
            os.fsync(file.fileno())
        beside.rename(folder / COPY)
        sync(folder)
        return True
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def put_copy_back(folder: Path, why: str) -> Restored | None:
    """Move the damaged state in a folder aside and put the copy in its place; None when there is no good copy.

    Whatever moment a crash comes in, the next start finds either a state that does not match its sums (from the first
    step on those of the copy), and does this again, or the copy in place.
    """
    copy, target = folder / COPY, folder / "state.db"
    beside = folder / "state.db.tmp"
    try:
        at_s = copy.stat().st_mtime
        sums = _copy_checked(copy, beside)
    except (FileNotFoundError, DamagedError):
        beside.unlink(missing_ok=True)
        return None
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    damaged = folder / f"state.damaged-{stamp}.db"
    sums.write(folder / "state.sums")
    for suffix in ("-wal", ""):
        with contextlib.suppress(FileNotFoundError):
            Path(f"{target}{suffix}").replace(f"{damaged}{suffix}")
    Path(f"{target}-shm").unlink(missing_ok=True)
    beside.rename(target)
    sync(folder)
    for old in sorted(folder.glob("state.damaged-*.db"))[:-_KEPT_DAMAGED]:
        old.unlink()
        Path(f"{old}-wal").unlink(missing_ok=True)
    return Restored(why, at_s, damaged)


def _copy_checked(copy: Path, target: Path) -> Sums:
    """Write the pages of a copy to `target`, each of them checked; their sums."""
    with copy.open("rb") as file, target.open("wb") as out:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - _TRAILER))
        length = int.from_bytes(file.read(_TRAILER), "little")
        if not 0 < length <= end - _TRAILER:
            message = f"`{copy.name}` is damaged"
            raise DamagedError(message)
        file.seek(end - _TRAILER - length)
        sums = Sums.from_bytes(file.read(length), copy.name)
        file.seek(0)
        for first in range(0, len(sums.sums), _BLOCK_PAGES):
            data = file.read(min(_BLOCK_PAGES, len(sums.sums) - first) * sums.page_bytes)
            _check(data, sums, first, copy.name)
            out.write(data)
        out.flush()
        os.fsync(out.fileno())
    return sums


def _check(data: bytes, sums: Sums, first: int, name: str) -> None:
    size = sums.page_bytes
    view = memoryview(data)
    for index, wanted in enumerate(sums.sums[first : first + _BLOCK_PAGES].tolist()):
        if wanted and page_sum(view[index * size : (index + 1) * size]) != wanted:
            message = f"page {first + index + 1} of `{name}` is not what was written"
            raise DamagedError(message)
