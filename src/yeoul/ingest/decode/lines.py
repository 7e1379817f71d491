"""A block cut into lines: where each begins, and which are no text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cut", "not_text"]

_FEW = 32
"""Lines looked at together where a block is not plain ASCII."""


def cut(data: bytes) -> tuple[list[bytes], NDArray[np.int64], NDArray[np.int64]]:
    r"""The lines without `\n` (a `\r` before it stays), where each begins, and how long each is, in bytes.

    >>> lines, starts, lengths = cut(b"one\n\nthree")
    >>> lines, starts.tolist(), lengths.tolist()
    ([b'one', b'', b'three'], [0, 4, 5], [3, 0, 5])
    """
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    lengths = np.fromiter(map(len, lines), np.int64, len(lines))
    starts = np.zeros(len(lines), np.int64)
    np.cumsum(lengths[:-1] + 1, out=starts[1:])
    return lines, starts, lengths


def not_text(data: bytes, lines: list[bytes]) -> dict[int, str]:
    r"""Why lines are not text (UTF-8 without NUL), by number; mostly one pass over the block tells that there are none.

    >>> not_text(b"a\n\xff\n", [b"a", b"\xff"])
    {1: 'the line is not UTF-8: byte `0xff` at byte 1; legal: text in UTF-8'}
    """
    wrong: dict[int, str] = {}
    if b"\0" in data:
        for number, line in enumerate(lines):
            if b"\0" in line:
                at = line.index(b"\0") + 1
                wrong[number] = f"the line holds a NUL byte (at byte {at}), as writes that were torn leave; legal: text"
    if data.isascii():
        return wrong
    for first in range(0, len(lines), _FEW):
        some = lines[first : first + _FEW]
        if _wrong_byte(b"\n".join(some)) is None:
            continue
        for number, line in enumerate(some, first):
            at_wrong = _wrong_byte(line)
            if at_wrong is not None:
                got = f"byte `0x{line[at_wrong]:02x}` at byte {at_wrong + 1}"
                wrong[number] = f"the line is not UTF-8: {got}; legal: text in UTF-8"
    return wrong


def _wrong_byte(data: bytes) -> int | None:
    if data.isascii():
        return None
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None
