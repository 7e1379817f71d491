"""A block cut into lines: where each begins, and which cannot be looked at (not UTF-8, too long)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cut", "not_text"]


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
    r"""Why lines are not UTF-8, by number; almost always none, which one pass over the whole block tells.

    >>> not_text(b"a\n\xff\n", [b"a", b"\xff"])
    {1: 'the line is not UTF-8: byte `0xff` at byte 1; legal: text in UTF-8'}
    """
    if data.isascii():
        return {}
    try:
        data.decode()
    except UnicodeDecodeError:
        pass
    else:
        return {}
    wrong = {}
    for number, line in enumerate(lines):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            got = f"`0x{line[error.start]:02x}` at byte {error.start + 1}"
            wrong[number] = f"the line is not UTF-8: byte {got}; legal: text in UTF-8"
    return wrong
