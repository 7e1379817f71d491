"""SQLite's write-ahead log, read as SQLite reads it: how far it is whole, which pages it holds.

The format is https://www.sqlite.org/fileformat2.html#walformat. SQLite takes a log up to its first frame that does not
match its checksum and says nothing of what follows; whoever must know how much that is reads it here.
"""

from __future__ import annotations

import functools
import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Wal", "page_sum", "read_wal"]

_HEADER = 32
_FRAME_HEADER = 24
_LITTLE, _BIG = 0x377F0682, 0x377F0683
_FRAMES_AT_ONCE = 256
_SIZES = {512 << shift for shift in range(8)}

Words = NDArray[np.uint32]


@dataclass(slots=True)
class Wal:
    """The committed part of a log that is whole from its beginning."""

    salt: bytes = b""
    """Tells one filling of the log from the next; empty when the log holds nothing that SQLite would take."""
    frames: int = 0
    """Up to the last commit."""
    size: int = 0
    """Pages of the database after the last commit."""
    pages: dict[int, int] = field(default_factory=dict)
    """Sum of the newest image of each page."""


def page_sum(page: bytes | memoryview) -> int:
    """CRC-32 of a page, never 0: that stands for a sum that is not known."""
    return zlib.crc32(page) or 1


def read_wal(path: Path, most: int | None = None) -> Wal:
    """What SQLite would take from a log; nothing when there is none.

    Args:
        path: the log.
        most: frames to look at. Behind those that the log's index knows may lie a commit that a crash cut short; where
            a reader has kept the index, SQLite never takes it.

    Complexity: one pass, about 200 MB/s.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return Wal()
    with file:
        header = file.read(_HEADER)
        magic = int.from_bytes(header[:4], "big")
        page_bytes = int.from_bytes(header[8:12], "big")
        if len(header) < _HEADER or magic not in {_LITTLE, _BIG} or page_bytes not in _SIZES:
            return Wal()
        order = ">u4" if magic == _BIG else "<u4"
        chain = _Chain(order)
        if chain.add(np.frombuffer(header[:24], order)[None, :].astype(np.uint32)) != [_pair(header[24:])]:
            return Wal()
        found = Wal(header[16:24])
        fresh: dict[int, int] = {}
        frames = itertools.islice(_frames(file, found.salt, chain, page_bytes), most)
        for number, frame in enumerate(frames, 1):
            fresh[int.from_bytes(frame[:4], "big")] = page_sum(frame[_FRAME_HEADER:])
            size = int.from_bytes(frame[4:8], "big")
            if size:
                found.frames, found.size = number, size
                found.pages |= fresh
                fresh = {}
        return found


def _frames(file: Any, salt: bytes, chain: _Chain, page_bytes: int) -> Iterator[memoryview]:
    """The frames up to the first that does not belong or is damaged."""
    size = _FRAME_HEADER + page_bytes
    while data := file.read(size * _FRAMES_AT_ONCE):
        count = len(data) // size
        rows = np.frombuffer(data, np.uint8, count * size).reshape(count, size)
        summed = np.hstack([rows[:, :8], rows[:, _FRAME_HEADER:]])
        sums = chain.add(summed.view(chain.order).astype(np.uint32))
        for index in range(count):
            frame = memoryview(data)[index * size : (index + 1) * size]
            if frame[8:16] != salt or not any(frame[:4]) or _pair(frame[16:24]) != sums[index]:
                return
            yield frame


def _pair(data: bytes | memoryview) -> tuple[int, int]:
    return int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")


class _Chain:
    """SQLite's running checksum: s0 += x0 + s1; s1 += x1 + s0 for each two words, modulo 2**32.

    That is linear, so the part of each row of words is one product with known factors.
    """

    def __init__(self, order: str) -> None:
        self.order = order
        self._s0 = self._s1 = 0

    def add(self, rows: Words) -> list[tuple[int, int]]:
        """The checksum after each row."""
        (m00, m01), (m10, m11), factors = _factors(rows.shape[1])
        found = []
        for part0, part1 in (rows @ factors).tolist():
            s0 = (m00 * self._s0 + m01 * self._s1 + part0) & 0xFFFFFFFF
            s1 = (m10 * self._s0 + m11 * self._s1 + part1) & 0xFFFFFFFF
            self._s0, self._s1 = s0, s1
            found.append((s0, s1))
        return found


@functools.lru_cache(maxsize=4)
def _factors(words: int) -> tuple[tuple[int, int], tuple[int, int], Words]:
    """What the sum before a row counts for after it, and what each of the row's words does."""
    factors = np.empty((words, 2), np.uint32)
    # from the last pair to the first: a pair counts by the matrix of the pairs that follow it
    a, b, c, d = 1, 0, 0, 1
    for place in range(words - 2, -1, -2):
        factors[place] = ((a + b) & 0xFFFFFFFF, (c + d) & 0xFFFFFFFF)
        factors[place + 1] = (b, d)
        a, b, c, d = (value & 0xFFFFFFFF for value in (a + b, a + 2 * b, c + d, c + 2 * d))
    return (a, b), (c, d), factors
