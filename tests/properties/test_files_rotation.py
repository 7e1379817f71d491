"""Whatever happens to log files, each line that was written once is read once, or its loss is reported."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from yeoul.clock import ManualClock
from yeoul.ingest.files import FileSource

LIMIT_BYTES = 200


class Service:
    """Writes numbered lines to two logs and rotates them in every way; knows what it wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.complete: list[bytes] = []
        self.at_risk: set[bytes] = set()
        self.lines: dict[str, set[bytes]] = {"a": set(), "b": set()}
        self.file_lines: dict[str, set[bytes]] = {"a": set(), "b": set()}
        self.partial = {"a": b"", "b": b""}
        self.writers = {name: (folder / f"{name}.log").open("ab", buffering=0) for name in self.partial}
        self.copies = 0
        self.halves: set[bytes] = set()

    def line(self, size: int) -> bytes:
        self.count += 1
        # the fastest digit first, so that not even half a line begins another one
        return (f"{self.count:06d}"[::-1] + ":" + "x" * size).encode()

    def write(self, name: str, sizes: list[int]) -> None:
        for size in sizes:
            line = self.partial[name] or self.line(size)
            already = len(self.partial[name]) // 2 if self.partial[name] else 0
            self.writers[name].write(line[already:] + b"\n")
            self._done(name, line)
            self.partial[name] = b""

    def write_half(self, name: str, size: int) -> None:
        if not self.partial[name]:
            line = self.line(size)
            self.partial[name] = line
            self.writers[name].write(line[: len(line) // 2])

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
        self.file_lines[name] = set()

    def compress(self, name: str) -> None:
        for path in sorted(self.folder.glob(f"{name}.log.?")):
            with gzip.open(f"{path}.gz", "wb") as out:
                out.write(path.read_bytes())
            path.unlink()
            return

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
        self.write(name, sizes)

    def copy_beside(self, name: str) -> None:
        self.copies += 1
        if self.partial[name]:  # should the original be lost, the half line in the copy is all there is
            self.halves.add(self.partial[name][: len(self.partial[name]) // 2])
        shutil.copyfile(self.folder / f"{name}.log", self.folder / f"copy{self.copies}.log")

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
        for number in range(9, 0, -1):
            for ending in ("", ".gz"):
                path = self.folder / f"{name}.log.{number}{ending}"
                if path.exists():
                    path.rename(self.folder / f"{name}.log.{number + 1}{ending}")

    def _reopen(self, name: str) -> None:
        self.writers[name].close()
        self.writers[name] = (self.folder / f"{name}.log").open("ab", buffering=0)
        self.file_lines[name] = set()


class Reader:
    """Reads the folder with a source that may be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.positions: dict[str, dict] | None = None
        self.rows: list[bytes] = []
        self.notices: list = []
        self.open()

    def poll(self) -> None:
        self.source.poll()
        self.notices += self.source.notices()

    def open(self) -> None:
        self.source = FileSource("*.log", self.folder, resume=self.positions, clock=ManualClock())
        self.source.poll()

    def restart(self) -> None:
        self.source.close()
        self.open()

    def read(self, blocks: int, *, final: bool = False) -> None:
        self.source.poll()
        for split in self.source.splits():
            for _ in range(blocks):
                block = split.read(LIMIT_BYTES, final=final)
                if block is None:
                    break
                self.rows += [line for line in block.data.split(b"\n") if line]
        self.notices += self.source.notices()
        self.positions = {split.name: split.position() for split in self.source.splits()}


NAME = st.sampled_from("ab")
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
    st.tuples(st.just("copy"), NAME, st.none()),
    st.tuples(st.just("read"), st.integers(1, 3), st.none()),
    st.tuples(st.just("read"), st.just(1000), st.none()),
    st.tuples(st.just("poll"), st.none(), st.none()),
    st.tuples(st.just("restart"), st.none(), st.none()),
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
                service.copy_beside(first)
            case "read":
                reader.read(first)
            case "poll":
                reader.poll()
            case "restart":
                reader.restart()
    service.write("a", [1])
    service.write("b", [1])
    for _ in range(3):
        reader.read(10_000)
    reader.read(10_000, final=True)
    reader.source.close()
    for writer in service.writers.values():
        writer.close()
    return service, reader


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(STEP, max_size=40))
@example([("write", "a", [9, 9]), ("copy", "a", None), ("read", 9, None), ("rewrite", "a", [5])])
@example([("write", "a", [9, 9]), ("read", 9, None), ("slow copytruncate", "a", [5, 5]), ("write", "a", [5])])
@example([("write", "a", [99] * 20), ("read", 9, None), ("slow copytruncate", "a", [5]), ("restart", None, None)])
def test_each_line_written_once_is_read_once_under_any_schedule_of_rotation_and_restart(steps: list[tuple]):
    with tempfile.TemporaryDirectory() as folder:
        service, reader = run(steps, Path(folder))
    check(service, reader)
    if not service.at_risk and not service.copies:
        for mine in service.lines.values():  # each log in the order of writing
            assert [row for row in reader.rows if row in mine] == [line for line in service.complete if line in mine]


def check(service: Service, reader: Reader) -> None:
    lost = set(service.complete) - set(reader.rows)
    assert len(reader.rows) == len(set(reader.rows)), "a line was read twice"
    assert set(reader.rows) - service.halves <= set(service.complete), "something was read that nobody wrote"
    assert lost <= service.at_risk, "a line was lost that was on disk all the time"
    if not service.at_risk:
        assert not [notice for notice in reader.notices if notice.kind in {"gap", "unreadable"}]
