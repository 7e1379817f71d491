"""Lines that are not whole when somebody looks: never split, never parsed twice, never lost."""

from __future__ import annotations

import gzip
import random
import zlib
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROUNDS = [pytest.param(1), pytest.param(40, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]
BIG = 5_000_000


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_line_that_is_cut_anywhere_while_the_engine_stops_or_is_killed_is_one_row(attack: Any, rounds: int):
    dice = random.Random(5)
    usual, crlf, big = (attack.log(f"{name}.log") for name in ("usual", "crlf", "big"))
    attack.start()
    for number in range(rounds):
        for how in ("stop", "kill"):
            for log in (usual, big):
                log.write(20)
            crlf.put(b"".join(crlf.made(20)).replace(b"\n", b"\r\n"))
            attack.read()
            # the CR is in one write and its LF in another; a line of 5 MB is in pieces before, beyond and after the end
            pieces = {
                usual: _cut(usual.made(1)[0], dice),
                crlf: (crlf.made(1)[0][:-1] + b"\r", b"\n"),
                big: _cut(big.made(1, BIG if number < 3 else BIG // 50)[0], dice),
            }
            waiting = len(attack.lines()) - len(pieces)
            for log, (beginning, _) in pieces.items():
                log.put(beginning[: len(beginning) // 2])
            attack.read(waiting)
            attack.end(how)
            for log, (beginning, _) in pieces.items():
                log.put(beginning[len(beginning) // 2 :])
            attack.resume(how)
            for log, (_, rest) in pieces.items():
                log.put(rest + b"".join(log.made(1)).rstrip(b"\n"))
            attack.read(waiting + len(pieces))
            for log in pieces:
                log.put(b"\r\n" if log is crlf else b"\n")
            attack.read()
    attack.judge()


def _cut(line: bytes, dice: random.Random) -> tuple[bytes, bytes]:
    at = dice.randrange(1, len(line))
    return line[:at], line[at:]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_last_line_without_end_is_a_row_once_its_file_is_superseded(attack: Any, rounds: int):
    log, stopped = attack.log("app.log"), attack.log("other.log")
    attack.start()
    for _ in range(rounds):
        for how in ("run", "stop", "kill"):
            log.write(5)
            log.put(log.made(1)[0].rstrip())
            stopped.write(5)
            attack.read(len(attack.lines()) - 1)
            attack.end(how)
            stopped.put(stopped.made(1)[0].rstrip())
            for each in (log, stopped):
                _shift(each)
                each.write(3)  # an empty new file supersedes nothing: the writer may still hold the old one
            attack.resume(how)
            attack.read()
    attack.judge()


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_compressed_sibling_is_never_a_second_reading_of_its_plain_file(attack: Any, rounds: int):
    log, slow = attack.log("app.log"), attack.log("slow.log")
    attack.start()
    for _ in range(rounds):
        for how in ("run", "stop", "kill"):
            for each in (log, slow):
                each.write(400)
            attack.read()
            attack.end(how)
            for each in (log, slow):
                each.write(400, 40)
                _shift(each)
                each.write(1)
            plain = log.path.with_name("app.log.1")
            plain.with_name("app.log.1.gz").write_bytes(gzip.compress(plain.read_bytes()))
            plain.unlink()
            source = slow.path.with_name("slow.log.1")
            packed = zlib.compressobj(wbits=31)
            data = source.read_bytes()
            with source.with_name("slow.log.1.gz").open("wb", buffering=0) as out:
                half = packed.compress(data[: len(data) // 2]) + packed.flush(zlib.Z_FULL_FLUSH)
                out.write(half)
                attack.resume(how)
                attack.read()
                out.write(packed.compress(data[len(data) // 2 :]) + packed.flush())
            source.unlink()
            for each in (log, slow):
                each.write(5)
            attack.read()
    attack.judge()


def _shift(log: Any) -> None:
    """Numbered siblings move up, the file itself becomes the first of them, the writer goes on with a new one."""
    folder, name = log.path.parent, log.path.name
    for number in range(300, 0, -1):
        for ending in ("", ".gz"):
            path = folder / f"{name}.{number}{ending}"
            if path.exists():
                path.rename(folder / f"{name}.{number + 1}{ending}")
    log.rename(f"{name}.1")
