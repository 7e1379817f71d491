"""Lines that are not whole when somebody looks: never split, never parsed twice, never lost."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

pytestmark = pytest.mark.slow
WAYS = [
    pytest.param(("run", "kill"), id="short"),
    pytest.param(("run", "stop", "kill") * 30, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
]
BIG = 5_000_000


@pytest.mark.parametrize("ways", WAYS)
def test_lines_that_are_not_whole_yet_are_one_row_each_when_they_are(attack: Any, ways: tuple[str, ...]):
    attack.play(
        [cut_anywhere, windows_ends, five_megabytes, no_end_at_rotation, compressed_at_once, packed_slowly], ways
    )


def cut_anywhere(attack: Any, how: str, number: int) -> Iterator[None]:
    """A line in four pieces: before the engine ends, while it is away, after it is back, and its end alone."""
    yield from _in_pieces(attack, attack.log("cut.log"), random.Random(f"{how}{number}"), b"\n", 0)


def windows_ends(attack: Any, how: str, number: int) -> Iterator[None]:
    """CRLF, its CR and its LF in different writes."""
    yield from _in_pieces(attack, attack.log("crlf.log"), random.Random(f"{how}{number}"), b"\r\n", 0)


def five_megabytes(attack: Any, how: str, number: int) -> Iterator[None]:
    """A line of 5 MB (of 100 kB after the first rounds)."""
    size = BIG if number < 6 else BIG // 50
    yield from _in_pieces(attack, attack.log("big.log"), random.Random(f"{how}{number}"), b"\n", size)


def _in_pieces(attack: Any, log: Any, dice: random.Random, end: bytes, padding: int) -> Iterator[None]:
    log.put(b"".join(log.made(5)).replace(b"\n", end))
    yield
    (line,) = log.made(1, padding)
    line = line.rstrip()
    title = list(log.lines)[-1]
    attack.missing.add(title)
    first, second = sorted(dice.sample(range(1, len(line)), 2))
    log.put(line[:first])
    yield
    log.put(line[first:second])
    yield
    log.put(line[second:] + end[:-1])
    log.put(end[-1:])
    attack.missing.remove(title)


def no_end_at_rotation(attack: Any, how: str, number: int) -> Iterator[None]:
    """The last line of a file has no end when it is rotated: it is a row once the new file has bytes."""
    del how, number
    log = attack.log("endless.log")
    log.write(5)
    yield
    title = f"endless-{len(log.lines)}"
    log.put(log.made(1)[0].rstrip())
    attack.missing.add(title)
    yield
    log.shift()  # an empty new file supersedes nothing: the writer may still hold the old one
    yield
    log.write(3)
    attack.missing.remove(title)


def compressed_at_once(attack: Any, how: str, number: int) -> Iterator[None]:
    """A compressed sibling appears and its plain file is gone, some of it unread."""
    del how, number
    log = attack.log("packed.log")
    log.write(400)
    yield
    log.write(400, 40)
    yield
    log.shift()
    log.write(1)
    plain = log.path.with_name("packed.log.1")
    plain.with_name("packed.log.1.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    yield
    log.write(5)


def packed_slowly(attack: Any, how: str, number: int) -> Iterator[None]:
    """A compressor is half done when the engine looks, and ends much later."""
    del how, number
    log = attack.log("slow.log")
    log.write(400)
    yield
    log.write(400, 40)
    yield
    log.shift()
    log.write(1)
    plain = log.path.with_name("slow.log.1")
    data, packing = plain.read_bytes(), zlib.compressobj(wbits=31)
    out = plain.with_name("slow.log.1.gz").open("wb", buffering=0)
    out.write(packing.compress(data[: len(data) // 2]) + packing.flush(zlib.Z_FULL_FLUSH))
    yield
    out.write(packing.compress(data[len(data) // 2 :]) + packing.flush())
    out.close()
    plain.unlink()
    log.write(5)
