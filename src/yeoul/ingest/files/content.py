"""Bytes by uncompressed offset, from a plain file or a gzip one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import zlib
from typing import Protocol

from yeoul.ingest.files.folder import Stat

__all__ = ["Content", "Gzip", "Plain", "data_start", "open_content"]

_CHUNK_BYTES = 1 << 18
_MAGIC = b"\x1f\x8b"
_FOREIGN = {"xz": b"\xfd7zXZ\x00", "zstd": b"\x28\xb5\x2f\xfd", "bz2": b"BZh91AY&SY"}
"""What files begin with that are compressed in ways that are not read: their bytes are no lines."""


class Content(Protocol):
    """An open file."""

    compressed: bool
    broken: str
    """Why the content ends before its time, if it does."""

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`; fewer only at the end."""

    def size(self) -> int:
        """Uncompressed bytes: of a compressed file what its trailer claims, until its end was reached.

        The trailer is right below 4 GiB and for a single member.
        """

    def hole_end(self) -> int:
        """Where data may begin: what is before was never written. 0 when that is not known."""

    def stat(self) -> Stat:
        """Of the open file, wherever it is called now."""

    def unread_bytes(self, offset: int) -> int:
        """Bytes on disk after `offset`, as far as is known."""

    def close(self) -> None:
        """Let go of the handle."""


class Plain:
    """A file as it is."""

    compressed = False
    broken = ""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def read_at(self, offset: int, count: int) -> bytes:
        return os.pread(self._fd, count, offset)

    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def stat(self) -> Stat:
        return Stat.of(os.fstat(self._fd))

    def unread_bytes(self, offset: int) -> int:
        return max(0, self.size() - offset)

    def hole_end(self) -> int:
        try:
            return os.lseek(self._fd, 0, os.SEEK_DATA)
        except OSError:
            return 0

    def close(self) -> None:
        os.close(self._fd)


class Gzip:
    """A gzip file of one or more members, inflated forwards.

    Complexity: reading on is linear; going back, and the first read after a restart, inflates again from the start.
    Memory: the bytes asked for and one chunk.
    """

    compressed = True

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.broken = ""
        self._rewind()

    def read_at(self, offset: int, count: int) -> bytes:
        if offset < self._start:
            self._rewind()
        while self._start + len(self._window) < offset + count and self._inflate():
            self._forget_before(offset)
        self._forget_before(offset)
        return bytes(self._window[:count]) if self._start == offset else b""

    def size(self) -> int:
        if self._ended:
            return self._start + len(self._window)
        size = os.fstat(self._fd).st_size
        return int.from_bytes(os.pread(self._fd, 4, max(0, size - 4)), "little")

    def stat(self) -> Stat:
        return Stat.of(os.fstat(self._fd))

    def hole_end(self) -> int:
        return 0

    def unread_bytes(self, offset: int) -> int:
        return 0 if self._ended else max(0, os.fstat(self._fd).st_size - self._raw_offset)

    def close(self) -> None:
        os.close(self._fd)

    def fingerprint(self) -> str:
        """Of the compressed bytes: the first and last of them (those hold the content's checksum) and their number."""
        size = os.fstat(self._fd).st_size
        ends = os.pread(self._fd, 1024, 0) + os.pread(self._fd, 1024, max(0, size - 1024))
        return hashlib.blake2b(ends + size.to_bytes(8, "little"), digest_size=8).hexdigest()

    def read_through(self) -> None:
        """Inflate to the end, so that `size` is exact and `broken` is known."""
        while self._inflate():
            self._forget_before(self._start + len(self._window))

    def _rewind(self) -> None:
        self._window = bytearray()
        self._start = 0
        self._raw = b""
        self._raw_offset = 0
        self._ended = False
        self.broken = ""
        self._member = zlib.decompressobj(31)

    def _forget_before(self, offset: int) -> None:
        drop = min(offset - self._start, len(self._window))
        if drop > 0:
            del self._window[:drop]
            self._start += drop

    def _inflate(self) -> bool:
        """Add about one chunk to the window; False at the end."""
        if self._ended:
            return False
        raw = self._raw or os.pread(self._fd, _CHUNK_BYTES, self._raw_offset)
        if not self._raw:
            self._raw_offset += len(raw)
        before = self._member.copy()
        try:
            inflated = self._member.decompress(raw, 4 * _CHUNK_BYTES)
        except zlib.error as error:
            self._window += _salvage(before, raw)
            self._ended = True
            self.broken = f"the compressed stream is damaged ({error})"
            return False
        if not raw and not inflated:
            self._ended = True
            self.broken = "the compressed stream is cut off"
            return False
        self._window += inflated
        self._raw = self._member.unconsumed_tail
        if self._member.eof:
            self._next_member()
        return True

    def _next_member(self) -> None:
        rest = self._member.unused_data
        rest += os.pread(self._fd, _CHUNK_BYTES, self._raw_offset)
        self._raw_offset += len(rest) - len(self._member.unused_data)
        if rest.startswith(_MAGIC):
            self._raw = rest
            self._member = zlib.decompressobj(31)
        else:  # the end, or padding after it
            self._ended = True


def data_start(content: Content) -> int:
    """Offset of the first byte that is not NUL; the end when there is none.

    A writer that does not append leaves a hole after copytruncate: NUL bytes that nobody wrote, real ones in a
    copy.
    """
    if content.read_at(0, 1) != b"\0":
        return 0
    at = content.hole_end()
    while piece := content.read_at(at, _CHUNK_BYTES):
        kept = piece.lstrip(b"\0")
        at += len(piece) - len(kept)
        if kept:
            break
    return at


def _salvage(member: zlib._Decompress, raw: bytes) -> bytes:
    """What comes out before the damage: byte by byte, because an error takes the whole piece with it."""
    found = bytearray()
    with contextlib.suppress(zlib.error):
        for i in range(len(raw)):
            found += member.decompress(raw[i : i + 1])
    return bytes(found)


def open_content(path: str) -> Plain | Gzip:
    """Open by what the file holds, not by how it is called.

    Raises:
        OSError: as `os.open`; also where it is compressed by something else than gzip.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        head = os.pread(fd, 16, 0)
    except OSError:
        os.close(fd)
        raise
    foreign = next((name for name, magic in _FOREIGN.items() if head.startswith(magic)), None)
    if foreign:
        os.close(fd)
        raise OSError(errno.EINVAL, f"compressed as {foreign}, which cannot be read; legal: gzip or plain")
    return Gzip(fd) if head.startswith(_MAGIC) else Plain(fd)
