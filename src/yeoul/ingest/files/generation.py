"""One content from its first byte to its last: how far it is read, how it is recognised, how lines are cut from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from yeoul.errors import TransientError
from yeoul.ingest.files.content import Content, data_start
from yeoul.ingest.files.folder import Stat

__all__ = ["HEAD_BYTES", "ChangedError", "Generation", "digest", "mark_of"]

HEAD_BYTES = 1024
"""Longest head that is hashed, and longest piece before the offset."""
_MARKS = 12


def digest(data: bytes) -> str:
    """Eight bytes of BLAKE2b, in hexadecimal."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def mark_of(head_hash: str, size: int) -> str:
    """What stands for a whole content that was read: the hash of its head, and its uncompressed size."""
    return f"{head_hash}:{size}"


class ChangedError(TransientError):
    """The file no longer holds what was read from it; `FileSource.poll` finds out why."""


@dataclass(slots=True, eq=False)
class Generation:
    """A content of one lineage. `head` and `tail` cover what was read: the first and the last bytes before `offset`."""

    lineage: str
    path: str = ""
    """Where it is, or was last."""
    placed: Stat | None = None
    """Stat of that file when it was last recognised; None while it is nowhere."""
    inode: int = 0
    device: int = 0
    offset: int = 0
    start: int = 0
    """Offset of the first byte that somebody wrote: behind the hole that a writer leaves which does not append."""
    size: int = 0
    """Uncompressed bytes seen so far, read or not."""
    head_hash: str = ""
    tail_hash: str = ""
    head: bytes = b""
    tail: bytes = b""
    first: bytes = b""
    """First bytes that were seen, read or not."""
    marks: list[tuple[int, str]] = field(default_factory=list)
    """Earlier offsets and the hash of what is before them: they recognise a copy that is shorter than `offset`."""
    copies: list[tuple[int, str]] = field(default_factory=list)
    """Size and hash of short copies, which would not be recognised as such without this one."""
    raw: str = ""
    """Hash of a compressed file's own first and last bytes and size: recognises it without inflating."""
    ended: bool = False
    """A compressed generation that was read to its end."""
    skipping: bool = False
    """Inside a line that is longer than allowed."""
    exhausted: bool = False
    """The last read found nothing, not even a line without end."""
    content: Content | None = None
    quiet_since_us: int = 0
    verified_ns: int = 0
    """Wall time of the last recognition: an mtime just before it may hide a later change."""
    closing: bool = False
    """Deleted and silent for long: it will not grow."""
    unreadable: bool = False
    """The last attempt to read it failed: nothing is known of what was written since."""
    missing_polls: int = 0
    cut: bool = False
    """Truncated in place."""
    in_live_file: bool = False
    """It is in the live file of another lineage, which may still grow."""
    header: bytes | None = None
    remembered: bool = False
    """Known from a stored position."""

    @classmethod
    def restored(cls, lineage: str, record: dict[str, Any], path: str) -> Generation:
        """From a member of a stored position."""
        return cls(
            lineage,
            path,
            inode=record["inode"],
            device=record["device"],
            offset=record["offset"],
            start=record.get("start", 0),
            size=record["size"],
            head_hash=record["head"],
            tail_hash=record["tail"],
            marks=[(offset, mark) for offset, mark in record.get("marks", [])],
            copies=[(size, copy) for size, copy in record.get("copies", [])],
            raw=record.get("raw", ""),
            ended=record.get("ended", False),
            skipping=record.get("skipping", False),
            remembered=True,
        )

    def record(self, path: str, *, newest: bool) -> dict[str, Any]:
        """Plain members for a stored position; head and tail are min(1024, offset - start) bytes long."""
        record: dict[str, Any] = {
            "path": path,
            "device": self.device,
            "inode": self.inode,
            "offset": self.offset,
            "size": max(self.size, self.offset),
            "head": self.head_hash,
            "tail": self.tail_hash,
        }
        marks = [list(mark) for mark in self.marks] if newest else []
        optional = {
            "start": self.start,
            "raw": self.raw,
            "ended": self.ended,
            "skipping": self.skipping,
            "marks": marks,
        }
        optional["copies"] = [list(copy) for copy in self.copies]
        return record | {name: value for name, value in optional.items() if value}

    @property
    def known_bytes(self) -> int:
        """How long head and tail are."""
        return min(HEAD_BYTES, max(0, self.offset - self.start))

    @property
    def mark(self) -> str:
        """The least that recognises it when it was read to its end."""
        return mark_of(self.head_hash or digest(self.first), max(self.size, self.offset))

    @property
    def compressed(self) -> bool:
        """Whether it is compressed now (and so does not grow)."""
        return bool(self.raw)

    @property
    def drained(self) -> bool:
        """Whether all that was seen of it is read."""
        return self.ended or (not self.compressed and self.offset >= self.size)

    @property
    def is_asleep(self) -> bool:
        """Whether only a poll that sees it grow can make a read find anything."""
        return self.content is None or self.exhausted

    def distrust(self) -> None:
        """Recognise it anew at the next poll, whatever its stat."""
        if self.placed is not None:
            self.placed = self.placed._replace(mtime_ns=-1)

    def unread_bytes(self) -> int:
        """Bytes seen and not read; of a compressed file those on disk."""
        if not self.compressed:
            return max(0, self.size - self.offset)
        if self.ended:
            return 0
        return self.content.unread_bytes(self.offset) if self.content else (self.placed.size if self.placed else 0)

    def held_by(self, content: Content) -> bool:
        """Whether `content` begins with what was read. Complexity: for gzip, inflates up to the offset."""
        start = data_start(content)
        head = content.read_at(start, HEAD_BYTES)
        if not self.offset:
            held = head.startswith(self.first)
            self.first = head if held else self.first
            return held
        count = self.known_bytes
        if start != self.start or len(head) < count or digest(head[:count]) != self.head_hash:
            return False
        tail = content.read_at(self.offset - count, count)
        if digest(tail) != self.tail_hash or (not content.compressed and content.size() < self.offset):
            return False
        self.head, self.tail, self.first = head[:count], tail, head
        return True

    def know_copy(self, head: bytes, size: int) -> None:
        """Remember a copy that is too short to have a full head."""
        copy = (size, digest(head))
        if len(head) < HEAD_BYTES and copy not in self.copies:
            self.copies = [*self.copies[-7:], copy]

    def skip_to_end(self, content: Content, raw: str, *, whole: bool) -> None:
        """Take all lines that are there as read; of the last one without an end only where the file is `whole`."""
        self.size, self.raw = content.size(), raw
        if raw:
            self.offset, self.ended = self.size, True
            return
        end = self.size
        while end > 0 and not whole:
            start = max(0, end - (1 << 16))
            found = content.read_at(start, end - start).rfind(b"\n")
            end = start + found + 1 if found >= 0 else start
            if found >= 0:
                break
        self.anchor(content, end)

    def anchor(self, content: Content, offset: int) -> None:
        """Take `offset` as what is read of `content`."""
        self.offset, self.size = offset, max(content.size(), offset)
        self.start = min(data_start(content), offset)
        self.first = content.read_at(self.start, HEAD_BYTES)
        count = self.known_bytes
        self.head, self.tail = self.first[:count], content.read_at(offset - count, count)
        self.head_hash, self.tail_hash = digest(self.head), digest(self.tail)
        self.marks = [mark for mark in self.marks if mark[0] < offset]

    def read(self, limit_bytes: int, *, last: bool, max_line_bytes: int) -> tuple[int, bytes] | None:
        """The next whole lines and their offset.

        A line longer than `max_line_bytes` gives its first `max_line_bytes` bytes without an end; the rest is skipped.

        With `last` the content will not grow: a last line without end is a row.

        Raises:
            ChangedError: the file holds something else now; nothing was taken.
        """
        content = self.content
        assert content is not None
        if self.skipping and not self._skip(content, limit_bytes):
            return None
        if self.offset == 0 and (start := data_start(content)):
            if not content.read_at(start, 1):
                return None  # a hole, or a copy of one that has come no further yet
            self.anchor(content, start)
        before = content.stat()
        known, want = len(self.tail), min(limit_bytes, max_line_bytes)
        while True:
            buffer = self._look(content, want)
            cut, at_end = buffer.rfind(b"\n", known) + 1, len(buffer) < known + want
            if cut or at_end or want == max_line_bytes:
                break
            want = min(want * 4, max_line_bytes)
        last |= content.compressed and not content.broken
        oversize = not cut and not at_end
        if not cut:
            cut = len(buffer) if oversize or last else known
        self.exhausted = cut == known and last
        if cut == known:
            self.ended = self.compressed and last
            return None
        data = buffer[known:cut]
        self._unchanged(content, before, self.offset - known + len(buffer))
        at = self.offset
        self._advance(data)
        self.skipping = oversize
        return at, data

    def _look(self, content: Content, count: int) -> bytes:
        """The tail, which must be there still, and what follows."""
        known = len(self.tail)
        buffer = content.read_at(self.offset - known, known + count)
        if buffer[:known] != self.tail:
            raise ChangedError
        return buffer

    def _unchanged(self, content: Content, before: Stat, end: int) -> None:
        """A truncation while reading mixes two contents: then nothing of it may be taken."""
        if content.compressed:
            return
        after = content.stat()
        torn = after.size < end
        if not torn and after.mtime_ns != before.mtime_ns:
            torn = content.read_at(self.start, len(self.head)) != self.head
        if torn:
            raise ChangedError

    def _advance(self, data: bytes) -> None:
        if len(self.head) < HEAD_BYTES:
            self.head = (self.head + data[:HEAD_BYTES])[:HEAD_BYTES]
            self.head_hash = digest(self.head)
        self.tail = data[-HEAD_BYTES:] if len(data) >= HEAD_BYTES else (self.tail + data)[-HEAD_BYTES:]
        if self.offset > self.start:
            self.marks.append((self.offset, self.tail_hash))
        self.tail_hash = digest(self.tail)
        self.offset += len(data)
        self.size = max(self.size, self.offset)
        if len(self.marks) > _MARKS:
            self._thin_marks()

    def _thin_marks(self) -> None:
        """Drop the mark that is missed least: dense near the offset, sparse far behind."""
        offsets = [mark[0] for mark in self.marks]

        def worth(i: int) -> float:
            return (offsets[i + 1] - offsets[i - 1]) / (self.offset - offsets[i])

        del self.marks[min(range(1, len(offsets) - 1), key=worth)]

    def _skip(self, content: Content, limit_bytes: int) -> bool:
        """Go on to the end of an overlong line; False when it is not there yet."""
        while True:
            known = len(self.tail)
            buffer = self._look(content, limit_bytes)
            end = buffer.find(b"\n", known) + 1
            data = buffer[known : end or len(buffer)]
            if data:
                self._advance(data)
            if end:
                self.skipping = False
                return True
            if len(buffer) < known + limit_bytes:
                self.ended = self.compressed
                self.exhausted = True
                return False
