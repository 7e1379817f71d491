"""A block cut into lines: where each begins and ends, and which are no text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lines"]

_FEW = 32
"""Lines looked at together where a block holds bytes that are no text."""
_HIGH_BITS = np.uint64(0x8080808080808080)
_LINE_FEED = 10
_CARRIAGE_RETURN = 13


class Lines:
    r"""The lines of a block without `\n` (a `\r` before it stays); one is cut out only when somebody looks at it.

    >>> lines = Lines(b"one\n\nthree")
    >>> lines.all(), lines.start.tolist(), lines[2]
    ([b'one', b'', b'three'], [0, 4, 5], b'three')
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._bytes = np.frombuffer(data, np.uint8)
        end = np.flatnonzero(self._bytes == _LINE_FEED)
        if data and data[-1] != _LINE_FEED:
            end = np.append(end, len(data))
        start = np.zeros(len(end), np.int64)
        start[1:] = end[:-1] + 1
        self.start: NDArray[np.int64] = start
        """Offset of each line's first byte in the block."""
        self.end: NDArray[np.int64] = end
        """Offset behind each line's last byte."""

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, number: int) -> bytes:
        return self.data[self.start[number] : self.end[number]]

    def some(self, first: int, last: int) -> list[bytes]:
        """Lines `first` to `last`, that one left out."""
        return self.data[self.start[first] : self.end[last - 1]].split(b"\n") if first < last else []

    def all(self) -> list[bytes]:
        """All lines."""
        return self.some(0, len(self))

    def framed(self, first: int, last: int) -> NDArray[np.bool_]:
        """Which lines begin with the byte `first` and end with `last` (before a carriage return)."""
        end = self.end - 1
        # the last byte of an empty line is another's, but then its first one is a line feed or the end
        end = np.where(self._bytes[end] == _CARRIAGE_RETURN, end - 1, end)
        start = np.minimum(self.start, max(len(self.data) - 1, 0))
        framed: NDArray[np.bool_] = (self._bytes[start] == first) & (self._bytes[end] == last)
        return framed

    def not_text(self) -> dict[int, str]:
        r"""Why lines are not text (UTF-8 without NUL), by number; mostly two looks at the block tell that all are.

        >>> Lines(b"a\n\xff\n").not_text()
        {1: 'the line is not UTF-8: byte `0xff` at byte 1; legal: text in UTF-8'}
        """
        wrong: dict[int, str] = {}
        if b"\0" in self.data:
            for nul in np.flatnonzero(self._bytes == 0).tolist():
                number = int(np.searchsorted(self.end, nul))
                if number not in wrong:
                    place = f"at byte {nul - int(self.start[number]) + 1}"
                    wrong[number] = f"the line holds a NUL byte ({place}), as torn writes leave; legal: text"
        if self.data.isascii() or _wrong_byte(self._around_high_bytes()) is None:
            return wrong
        for first in range(0, len(self), _FEW):
            last = min(first + _FEW, len(self))
            if _wrong_byte(self.data[self.start[first] : self.end[last - 1]]) is None:
                continue
            for number, line in enumerate(self.some(first, last), first):
                at = _wrong_byte(line)
                if at is not None:
                    got = f"byte `0x{line[at]:02x}` at byte {at + 1}"
                    wrong[number] = f"the line is not UTF-8: {got}; legal: text in UTF-8"
        return wrong

    def _around_high_bytes(self) -> bytes:
        """All that is not ASCII, with ASCII before and behind each run of it: UTF-8 just where the block is.

        Eight bytes are looked at together, of which those with a byte above 127 are kept, and the eight behind them.
        """
        whole = len(self.data) // 8
        eights = np.frombuffer(self.data, np.uint64, whole)
        high = eights & _HIGH_BITS != 0
        kept = high.copy()
        kept[1:] |= high[:-1]
        around: bytes = eights[kept].tobytes()
        return around + self.data[whole * 8 :]


def _wrong_byte(data: bytes) -> int | None:
    if data.isascii():
        return None
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None
