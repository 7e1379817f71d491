"""Whatever happens to log files, each line that was written once is read once, or its loss is reported."""

from __future__ import annotations

import copy
import gzip
import os
import shutil
import tempfile
import zlib
from collections import Counter
from pathlib import Path
from typing import IO

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from yeoul.clock import ManualClock
from yeoul.ingest.contract import Notice
from yeoul.ingest.files import FileSource

LIMIT_BYTES = 200


class Service:
    """Writes numbered lines to three logs and rotates them in every way; knows what it wrote.

    The writer of `c` does not append: after a truncation it goes on where it was and leaves a hole.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.complete: list[bytes] = []
        self.at_risk: set[bytes] = set()
        self.lines: dict[str, set[bytes]] = {name: set() for name in "abc"}
        self.file_lines: dict[str, set[bytes]] = {name: set() for name in "abc"}
        self.partial = dict.fromkeys("abc", b"")
        self.writers = {name: self._opened(name) for name in "abc"}
        self.copies = 0
        self.halves: set[bytes] = set()
        self.compressing: tuple[Path, bytes] | None = None
        self.contents = {name: [b""] for name in "abc"}
        """What each generation of a log came to hold."""
        self.alike: list[tuple[bytes, int, int]] = []
        """Lines that `a` and `b` have, each with its generation in both."""

    def line(self, size: int) -> bytes:
        self.count += 1
        # the fastest digit first, so that not even half a line begins another one
        return (f"{self.count:06d}"[::-1] + ":" + "x" * size).encode()

    def write(self, name: str, sizes: list[int]) -> None:
        for size in sizes:
            line = self.partial[name] or self.line(size)
            already = len(self.partial[name]) // 2 if self.partial[name] else 0
            self._put(name, line[already:] + b"\n")
            self._done(name, line)
            self.partial[name] = b""

    def write_half(self, name: str, size: int) -> None:
        if not self.partial[name]:
            line = self.line(size)
            self.partial[name] = line
            self._put(name, line[: len(line) // 2])

    def write_alike(self, size: int) -> None:
        """The same line in `a` and `b`: as long as both are young, one may be wholly the beginning of the other."""
        if any(self.partial.values()):
            return
        line = self.line(size)
        for name in "ab":
            self._put(name, line + b"\n")
            self._done(name, line)
        self.alike.append((line, len(self.contents["a"]) - 1, len(self.contents["b"]) - 1))

    def rotate(self, name: str, *, finish: bool) -> None:
        """logrotate: numbered siblings move up, the newest is renamed, the writer opens a new file."""
        if finish:
            self.write(name, [3])
        else:
            self._give_up_half(name)
        self._shift(name)
        (self.folder / f"{name}.log").rename(self.folder / f"{name}.log.1")
        self._reopen(name)

    def copytruncate(self, name: str) -> None:
        self.copy_to_sibling(name)
        self.truncate(name)

    def copy_to_sibling(self, name: str) -> None:
        self._give_up_half(name)
        self._shift(name)
        shutil.copyfile(self.folder / f"{name}.log", self.folder / f"{name}.log.1")

    def truncate(self, name: str) -> None:
        os.truncate(self.folder / f"{name}.log", 0)
        self._new_generation(name)

    def compress(self, name: str) -> None:
        self._finish_compressing()
        for path in sorted(self.folder.glob(f"{name}.log.?")):
            with gzip.open(f"{path}.gz", "wb") as out:
                out.write(path.read_bytes())
            path.unlink()
            return

    def compress_slowly(self, name: str) -> None:
        """The compressed file is half there; the next rotation or compression finds it whole."""
        self._finish_compressing()
        for path in sorted(self.folder.glob(f"{name}.log.?")):
            packing, data = zlib.compressobj(wbits=31), path.read_bytes()
            half = packing.compress(data[: len(data) // 2]) + packing.flush(zlib.Z_SYNC_FLUSH)
            rest = packing.compress(data[len(data) // 2 :]) + packing.flush()
            path.with_name(f"{path.name}.gz").write_bytes(half)
            self.compressing = (path, rest)
            return

    def _finish_compressing(self) -> None:
        if self.compressing:
            path, rest = self.compressing
            with path.with_name(f"{path.name}.gz").open("ab") as out:
                out.write(rest)
            path.unlink()
            self.compressing = None

    def delete(self, name: str) -> None:
        """Deleted and made anew at once: file systems give the same inode again when nobody holds the old one."""
        self._give_up_half(name)
        self.at_risk |= self.file_lines[name]
        self.writers[name].close()
        (self.folder / f"{name}.log").unlink()
        self._reopen(name)

    def rewrite(self, name: str, sizes: list[int]) -> None:
        """Truncated and written anew at once, shorter or longer than it was."""
        self._give_up_half(name)
        self.at_risk |= self.file_lines[name]
        os.truncate(self.folder / f"{name}.log", 0)
        self._new_generation(name, forget=False)
        self.write(name, sizes)

    def truncate_alone(self, name: str) -> None:
        self._give_up_half(name)
        self.at_risk |= self.file_lines[name]
        self.truncate(name)

    def copy_beside(self, name: str, *, packed: bool) -> None:
        self.copies += 1
        if self.partial[name]:  # should the original be lost, the half line in the copy is all there is
            self.halves.add(self.partial[name][: len(self.partial[name]) // 2])
        if packed:
            with gzip.open(self.folder / f"copy{self.copies}.log.gz", "wb") as out:
                out.write((self.folder / f"{name}.log").read_bytes())
        else:
            shutil.copyfile(self.folder / f"{name}.log", self.folder / f"copy{self.copies}.log")

    def once_only(self) -> set[bytes]:
        """Lines of both logs that one reading may stand for: a whole generation was the beginning of another."""
        found = set()
        for line, a, b in self.alike:
            first, second = self.contents["a"][a], self.contents["b"][b]
            if first.startswith(second) or second.startswith(first):
                found.add(line)
        return found

    def _put(self, name: str, data: bytes) -> None:
        self.writers[name].write(data)
        self.contents[name][-1] += data

    def _new_generation(self, name: str, *, forget: bool = True) -> None:
        self.contents[name].append(b"")
        if forget:
            self.file_lines[name] = set()

    def _give_up_half(self, name: str) -> None:
        """A line that is never finished: what there is of it is a row."""
        if self.partial[name]:
            self._done(name, self.partial[name][: len(self.partial[name]) // 2])
            self.partial[name] = b""

    def _done(self, name: str, line: bytes) -> None:
        self.complete.append(line)
        self.lines[name].add(line)
        self.file_lines[name].add(line)

    def _shift(self, name: str) -> None:
        self._finish_compressing()
        for number in range(9, 0, -1):
            for ending in ("", ".gz"):
                path = self.folder / f"{name}.log.{number}{ending}"
                if path.exists():
                    path.rename(self.folder / f"{name}.log.{number + 1}{ending}")

    def _opened(self, name: str) -> IO[bytes]:
        return (self.folder / f"{name}.log").open("wb" if name == "c" else "ab", buffering=0)

    def _reopen(self, name: str) -> None:
        self.writers[name].close()
        self.writers[name] = self._opened(name)
        self._new_generation(name)


class Reader:
    """Reads the folder as an engine does: rows and positions are kept together, what is not kept is lost by a kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.positions: dict[str, dict] | None = None
        self.rows: list[bytes] = []
        self.notices: list[Notice] = []
        self.open()

    def open(self) -> None:
        self.source = FileSource("*.log", self.folder, resume=copy.deepcopy(self.positions), clock=ManualClock())
        self.moved: set[str] = set()
        self.known: set[str] = set()
        self.gone: list[str] = []
        self.read_rows: list[bytes] = []
        self.poll()

    def poll(self) -> None:
        self.source.poll()
        self.notices += self.source.notices()
        self.gone += self.source.forgotten()
        names = {split.name for split in self.source.splits()}
        self.moved |= names - self.known
        self.known = names

    def restart(self) -> None:
        self.commit()
        self.kill()

    def kill(self) -> None:
        self.source.close()
        self.open()

    def read(self, blocks: int, *, final: bool = False, commit: bool = True) -> None:
        self.poll()
        for split in self.source.splits():
            for _ in range(blocks):
                block = split.read(LIMIT_BYTES, final=final)
                if block is None:
                    break
                self.moved.add(split.name)
                self.read_rows += [line for line in block.data.split(b"\n") if line]
        self.notices += self.source.notices()
        if commit:
            self.commit()

    def commit(self) -> None:
        """As the engine does: only what moved is written, only what is gone is deleted."""
        self.rows += self.read_rows
        self.read_rows = []
        self.positions = self.positions or {}
        for split in self.source.splits():
            if split.name in self.moved:
                self.positions[split.name] = copy.deepcopy(split.position())
        for name in self.gone:
            if name not in self.known:
                self.positions.pop(name, None)
        self.moved, self.gone = set(), []


NAME = st.sampled_from("abc")
STEP = st.one_of(
    st.tuples(st.just("write"), NAME, st.lists(st.integers(0, 150), min_size=1, max_size=12)),
    st.tuples(st.just("write"), NAME, st.lists(st.integers(300, 900), min_size=1, max_size=3)),
    st.tuples(st.just("half"), NAME, st.integers(4, 60)),
    st.tuples(st.just("rotate"), NAME, st.booleans()),
    st.tuples(st.just("copytruncate"), NAME, st.none()),
    st.tuples(st.just("slow copytruncate"), NAME, st.lists(st.integers(0, 150), min_size=1, max_size=9)),
    st.tuples(st.just("compress"), NAME, st.none()),
    st.tuples(st.just("delete"), NAME, st.none()),
    st.tuples(st.just("rewrite"), NAME, st.lists(st.integers(0, 150), min_size=1, max_size=12)),
    st.tuples(st.just("copy"), NAME, st.booleans()),
    st.tuples(st.just("truncate"), NAME, st.none()),
    st.tuples(st.just("slow compress"), NAME, st.none()),
    st.tuples(st.just("alike"), st.integers(0, 150), st.none()),
    st.tuples(st.just("read"), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("read"), st.just(1000), st.booleans()),
    st.tuples(st.just("poll"), st.none(), st.none()),
    st.tuples(st.just("restart"), st.none(), st.none()),
    st.tuples(st.just("kill"), st.none(), st.none()),
)


def run(steps: list[tuple], folder: Path) -> tuple[Service, Reader]:
    service, reader = Service(folder), Reader(folder)
    for kind, first, second in steps:
        match kind:
            case "write":
                service.write(first, second)
            case "half":
                service.write_half(first, second)
            case "rotate":
                service.rotate(first, finish=second)
            case "copytruncate":
                service.copytruncate(first)
            case "slow copytruncate":
                service.write(first, [1])  # a half line is finished
                service.copy_to_sibling(first)
                service.write(first, second)
                for _ in range(3):  # all of it, whatever was missed before
                    reader.read(1000)
                service.truncate(first)
            case "compress":
                service.compress(first)
            case "delete":
                service.delete(first)
            case "rewrite":
                service.rewrite(first, second)
            case "copy":
                service.copy_beside(first, packed=second)
            case "truncate":
                service.truncate_alone(first)
            case "slow compress":
                service.compress_slowly(first)
            case "alike":
                service.write_alike(first)
            case "kill":
                reader.kill()
            case "read":
                reader.read(first, commit=second)
            case "poll":
                reader.poll()
            case "restart":
                reader.restart()
    service.write("a", [1])
    service.write("b", [1])
    service.write("c", [1])
    for _ in range(3):
        reader.read(10_000)
    reader.read(10_000, final=True)
    reader.source.close()
    for writer in service.writers.values():
        writer.close()
    return service, reader


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(STEP, max_size=40))
@example([("write", "a", [9, 9]), ("copy", "a", False), ("read", 9, True), ("rewrite", "a", [5])])
@example([("write", "a", [9, 9]), ("read", 9, True), ("slow copytruncate", "a", [5, 5]), ("write", "a", [5])])
@example(
    [
        *[("alike", 9, None), ("poll", None, None), ("slow copytruncate", "b", [5]), ("delete", "a", None)],
        ("restart", None, None),
    ]
)
@example(
    [
        *[("alike", 0, None), ("read", 1, False), ("rewrite", "a", [0]), ("half", "b", 4), ("read", 1000, False)],
    ]
)
@pytest.mark.slow
@example([("write", "a", [99] * 20), ("read", 9, True), ("slow copytruncate", "a", [5]), ("restart", None, None)])
def test_each_line_written_once_is_read_once_under_any_schedule_of_rotation_and_restart(steps: list[tuple]):
    with tempfile.TemporaryDirectory() as folder:
        service, reader = run(steps, Path(folder))
    check(service, reader)
    shared = {line for line, _, _ in service.alike}
    if not service.at_risk and not service.copies:
        for mine in service.lines.values():  # each log in the order of writing
            own = mine - shared
            assert [row for row in reader.rows if row in own] == [line for line in service.complete if line in own]


def check(service: Service, reader: Reader) -> None:
    lost = set(service.complete) - set(reader.rows)
    written, read = Counter(service.complete), Counter(reader.rows)
    assert all(read[line] <= max(written[line], 1) for line in read), "a line was read twice"
    assert set(reader.rows) - service.halves <= set(service.complete), "something was read that nobody wrote"
    assert lost <= service.at_risk, "a line was lost that was on disk all the time"
    if not service.at_risk:
        assert not [notice for notice in reader.notices if notice.kind in {"gap", "unreadable"}]
        for line in {line for line, _, _ in service.alike} - service.once_only():
            assert read[line] == 2, "a line of two logs that differ was read once"
