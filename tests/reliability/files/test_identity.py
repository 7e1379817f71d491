"""Which file is which: reused inodes, changed device numbers, files that begin alike, copies; each line counts once."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from yeoul.errors import BusyError
from yeoul.store import open_state
from yeoul.testing.processes import wait_for

pytestmark = pytest.mark.slow
WAYS = [
    pytest.param(("run", "kill"), id="short"),
    pytest.param(("run", "stop", "kill") * 30, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
]


@pytest.mark.parametrize("ways", WAYS)
def test_each_line_counts_once_whatever_becomes_of_inodes_devices_names_and_copies(attack: Any, ways: tuple[str, ...]):
    attack.play([inode_given_again, other_numbers, begin_alike, copied, copied_by_hand], ways)
    reused = attack.log("reused-longer.log").reused + attack.log("reused-shorter.log").reused
    assert reused >= len(ways) - ways.count("run"), "this file system never gave an inode twice"
    # what was read in a file that was truncated beside its copy may have been longer; nothing else may be told
    assert not [told for told in attack.notices("gap") if "other" in told[0]]


def inode_given_again(attack: Any, how: str, number: int) -> Iterator[None]:
    """Deleted and made anew at once: the new file, longer or shorter, has the inode of the old one."""
    del number
    longer, shorter = attack.log("reused-longer.log"), attack.log("reused-shorter.log")
    for log in (longer, shorter):
        log.write(50)
    yield
    yield
    for log in (longer, shorter):
        # a running engine holds what it reads, so that only a stopped one can meet the inode again
        log.reused += _deleted_and_made_anew(log, tries=3 if how == "run" else 200)
        log.write(80 if log is longer else 4)


def _deleted_and_made_anew(log: Any, tries: int) -> bool:
    """Whether the new file has the old one's inode."""
    inode = log.path.stat().st_ino
    log.path.unlink()
    log.close()
    held = []
    for _ in range(tries):
        log.open()
        if log.path.stat().st_ino == inode:
            break
        held.append(log.path.rename(log.path.with_name(f".held-{len(held)}")))  # keeps its inode: another is given
        log.close()
    else:
        log.open()
    for path in held:
        path.unlink()
    return bool(log.path.stat().st_ino == inode)


def other_numbers(attack: Any, how: str, number: int) -> Iterator[None]:
    """As after a reboot on other disks: no device is what it was, and inodes are those of other files."""
    del number
    stays, rotated = attack.log("other-stays.log"), attack.log("other-rotated.log")
    for log in (stays, rotated):
        log.write(50)
    yield
    yield
    for log in (stays, rotated):
        log.write(5)
    if how != "run":
        _renumber(attack.folder / ".yeoul")
    rotated.shift()
    for log in (stays, rotated):
        log.write(5)


def _renumber(state: Path) -> None:
    # through the store, which keeps checksums of what it writes; who was killed may hold its lock a moment longer
    wait_for(lambda: not _is_locked(state))
    with closing(open_state(state)) as opened, opened.transaction() as db:
        found = db.execute("SELECT stream, name, position FROM split").fetchall()
        positions = [json.loads(position) for _, _, position in found]
        inodes = [generation["inode"] for position in positions for generation in position["generations"]]
        for (stream, name, _), position in zip(found, positions, strict=True):
            for generation in position["generations"]:
                generation["device"] += 7
                generation["inode"] = inodes[inodes.index(generation["inode"]) - 1]
            changed = (json.dumps(position), stream, name)
            db.execute("UPDATE split SET position = ? WHERE stream = ? AND name = ?", changed)


def _is_locked(state: Path) -> bool:
    try:
        open_state(state).close()
    except BusyError:
        return True
    return False


def begin_alike(attack: Any, how: str, number: int) -> Iterator[None]:
    """Two live files of which one is wholly the beginning of the other: until it differs it could be a copy."""
    pairs = []
    for size in (1, 30):  # less than a kilobyte, and more
        name = f"alike-{size}-{how}-{number}"
        long, short = attack.log(f"{name}-long.log"), attack.log(f"{name}-short.log")
        shared = long.write(size)
        long.write(10)
        short.put(b"".join(shared))
        pairs.append((long, short, shared))
    yield
    yield
    for long, short, shared in pairs:
        short.write(3)
        long.write(3)
        attack.repeated += shared
    yield
    for log in (log for long, short, _ in pairs for log in (long, short)):
        log.shift()
        log.write(2)


def copied(attack: Any, how: str, number: int) -> Iterator[None]:
    """Copies, plain and compressed, of a file that grows on and then goes away in one way or another."""
    log = attack.log("copied.log")
    name = f"{how}-{number}"
    log.write(40)
    yield
    yield
    log.write(3)
    shutil.copyfile(log.path, log.path.with_name(f"plain-{name}.log"))
    with gzip.open(log.path.with_name(f"packed-{name}.log.gz"), "wb") as out:
        out.write(log.path.read_bytes())
    log.write(20)
    yield
    for copy in (f"plain-{name}.log", f"packed-{name}.log.gz"):
        attack.told("copy", f"logs/{copy}", "repeats `logs/copied.log`")
    if how == "run":
        log.shift()
    elif how == "stop":
        log.rewrite(b"".join(log.made(3)))
    else:
        log.path.unlink()
        log.close()
        log.open()
    log.write(5)


def copied_by_hand(attack: Any, how: str, number: int) -> Iterator[None]:
    """A copy with a name of its own is made while the original is read and grows on; the original goes away later."""
    log = attack.log("kept.log")
    log.write(40)
    shutil.copyfile(log.path, log.path.with_name(f"backup-{how}-{number}.log"))
    log.write(20)
    yield
    yield
    log.rewrite(b"".join(log.made(3)))
    yield
    log.write(5)
