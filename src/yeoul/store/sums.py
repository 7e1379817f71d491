"""Checksums of every page of the state file, in a file beside it: SQLite itself does not notice a flipped bit.

In WAL mode the state file changes only when pages are copied back from the write-ahead log. Before each such copying
the sums that the pages will have are written down here, with the place in the log up to which is copied. So at any
start it is known what each page must be, whatever moment a crash had come in, and whatever the log has lost since.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import DamagedError
from yeoul.store.durable import write_whole
from yeoul.store.pack import pack, unpack
from yeoul.store.wal import Wal, page_sum, read_wal

__all__ = ["Sums", "check_files", "load_sums", "sums_of_file", "without_locks"]

_READ_BYTES = 1 << 20
_PENDING_BYTES = 1 << 30
"""Where SQLite keeps its locks: the page there is never used."""


@dataclass(slots=True)
class Sums:
    """What the pages of the state file must sum up to."""

    page_bytes: int
    sums: NDArray[np.uint32]
    """Of each page, from the first; 0: not known, for nothing was ever written there."""
    salt: bytes = b""
    """Which filling of the log was copied last."""
    frames: int = 0
    """Up to where."""
    copied: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    """The pages that this copying changes."""
    before: NDArray[np.uint32] | None = None
    """Their sums before it; None when that is not known, for an earlier copying had not come to its end."""
    reached: int = 0
    """Up to where an earlier copying of the same filling had come."""

    def following(self, wal: Wal, *, complete: bool) -> Sums:
        """The sums once everything in `wal` is copied; `complete`: whether the last copying had come to its end."""
        sums = np.zeros(wal.size, np.uint32)
        kept = self.sums[: wal.size]
        sums[: len(kept)] = kept
        copied = np.array(sorted(page for page in wal.pages if page <= wal.size), np.uint32)
        # a file that becomes smaller loses pages that are in no log
        before = sums[copied - 1] if complete and len(self.sums) <= wal.size else None
        sums[copied - 1] = [wal.pages[page] for page in copied.tolist()]
        reached = self.frames if complete and self.salt == wal.salt else 0
        return Sums(self.page_bytes, sums, wal.salt, wal.frames, copied, before, reached)

    def as_bytes(self) -> bytes:
        """For a file."""
        return pack({name: getattr(self, name) for name in self.__slots__}, level=0)

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Sums:
        """What `as_bytes` made.

        Raises:
            DamagedError: it is something else; `name` says where it stood.
        """
        try:
            members: dict[str, Any] = unpack(data)
            return cls(**members)
        except (DamagedError, TypeError) as error:
            message = f"the checksums in `{name}` are damaged"
            raise DamagedError(message) from error

    def write(self, path: Path) -> None:
        """Keep it: the file is the old or the new one, whatever happens."""
        write_whole(path, self.as_bytes())

    def differing(self, path: Path, passed: NDArray[np.bool_]) -> list[int]:
        """Pages of a file that do not have their sums, without those `passed` over."""
        got = sums_of_file(path, self.page_bytes).sums[: len(self.sums)]
        found = np.zeros(len(self.sums), np.uint32)
        found[: len(got)] = got
        wrong = (found != self.sums) & (self.sums != 0) & ~passed
        return [int(index) + 1 for index in np.flatnonzero(wrong)]


def load_sums(path: Path) -> Sums | None:
    """The sums kept in a file; None without it.

    Raises:
        DamagedError: the file is not what was written.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return Sums.from_bytes(data, path.name)


def sums_of_file(path: Path, page_bytes: int) -> Sums:
    """The sums that the pages of a file have now. The caller's process must not have it open in SQLite."""
    found: list[int] = []
    with path.open("rb") as file:
        while data := memoryview(file.read(_READ_BYTES)):
            found += [page_sum(data[at : at + page_bytes]) for at in range(0, len(data), page_bytes)]
    return Sums(page_bytes, without_locks(np.array(found, np.uint32), page_bytes))


def without_locks(sums: NDArray[np.uint32], page_bytes: int) -> NDArray[np.uint32]:
    """Sums without that of the page that is never used."""
    sums[_PENDING_BYTES // page_bytes :][:1] = 0
    return sums


def check_files(db: Path, wal_path: Path, sums_path: Path, *, mend: bool = True) -> Sums | None:
    """See that a state file, which nobody has open, and its log are what was written; the sums, None without any.

    A log that lost its end is an older state, and a good one, unless some of what it lost was copied already. Where all
    of that was copied, the state file alone is the newest there is, and the rest of the log is removed: SQLite would
    put its older pages over newer ones. Without `mend` nothing is removed.

    Raises:
        DamagedError: what is damaged.
    """
    sums = load_sums(sums_path)
    if sums is None:
        return None
    if not db.exists():
        message = f"`{db.name}` is missing"
        raise DamagedError(message)
    wal = read_wal(wal_path)
    passed = np.zeros(len(sums.sums), np.bool_)
    held = np.array([page for page in wal.pages if page <= len(passed)], np.int64)
    if wal.salt in {sums.salt, b""} and wal.frames < sums.frames:
        there, reached = sums, sums.frames
        wrong = there.differing(db, passed)
        if wrong and sums.before is not None:
            # nothing of the last copying came to the file: it is what the copying before had made of it
            there, reached = _before(sums, sums.before), sums.reached
            wrong = there.differing(db, passed)
        if wrong and not wal.salt:
            raise _not_what_was_written(db, sums, wrong)
        if wrong:
            where = f"`{wal_path.name}` is damaged after frame {wal.frames} of {sums.frames}"
            message = f"{where}, and some of that was already copied to `{db.name}`"
            raise DamagedError(message)
        if mend and wal.frames < reached:
            wal_path.unlink(missing_ok=True)
        return there
    passed[held - 1] = True
    wrong = sums.differing(db, passed)
    if wrong:
        raise _not_what_was_written(db, sums, wrong)
    return sums


def _not_what_was_written(db: Path, sums: Sums, wrong: list[int]) -> DamagedError:
    return DamagedError(
        f"{len(wrong)} of {len(sums.sums)} pages of `{db.name}` are not what was written (first: {wrong[0]})"
    )


def _before(sums: Sums, before: NDArray[np.uint32]) -> Sums:
    """What held before the copying that is noted, of the pages that it changes."""
    known = sums.sums.copy()
    known[sums.copied - 1] = before
    return Sums(sums.page_bytes, known)
