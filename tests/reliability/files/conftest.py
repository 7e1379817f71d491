"""Log files that tests write, rotate and cut by hand, and the judge of what an engine made of them."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from yeoul.flows.live_socket import request
from yeoul.testing.processes import EngineProcess, counts, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows
from yeoul.testing.workspaces import plain_line, plain_workspace

QUICK = {
    "window": '"1s"',
    "delay": '"2s"',
    "idle_timeout": '"500ms"',
    "allowed_lateness": '"1h"',  # no result hangs on how quickly a busy machine sees a new file
    "source": '{ kind = "files", path = "logs/*.log" }',
}


class Log:
    """One log; each line is the only one of its title, so that results tell it from all others."""

    def __init__(self, path: Path, *, append: bool = True) -> None:
        self.path = path
        self.append = append
        self.lines: dict[str, bytes] = {}
        self.open()

    def open(self) -> None:
        """As a service does that starts: the file is made when it is not there."""
        self.fd = os.open(self.path, os.O_CREAT | os.O_WRONLY | (os.O_APPEND if self.append else 0))

    def close(self) -> None:
        os.close(self.fd)

    def made(self, count: int, padding: int = 0) -> list[bytes]:
        """New lines, not written yet; `padding` bytes longer than usual."""
        first, now_us = len(self.lines), time.time_ns() // 1000
        found = []
        for number in range(first, first + count):
            title = f"{self.path.stem}-{number}"
            line = plain_line(now_us + number - first, f"c{number % 5}", title, number, f"e{number}")
            found.append(line.replace(b"{", b'{"padding":"' + b"x" * padding + b'",', 1) if padding else line)
            self.lines[title] = found[-1]
        return found

    def write(self, count: int = 1, padding: int = 0) -> list[bytes]:
        """Append new lines."""
        lines = self.made(count, padding)
        self.put(b"".join(lines))
        return lines

    def put(self, data: bytes) -> None:
        """Write bytes as they are."""
        while data:
            data = data[os.write(self.fd, data) :]

    def rename(self, name: str) -> Path:
        """Rotate by rename; the writer goes on with a new file."""
        there = self.path.with_name(name)
        self.path.rename(there)
        self.close()
        self.open()
        return there

    def rewrite(self, data: bytes) -> None:
        """Truncate in place and write anew from the beginning."""
        os.truncate(self.path, 0)
        os.lseek(self.fd, 0, os.SEEK_SET)
        self.put(data)


class Attack:
    """A workspace, its engine, its logs, and the judgement at the end."""

    def __init__(self, folder: Path, engines: Callable[..., EngineProcess], batch_count: Callable[..., Any]) -> None:
        self.folder = plain_workspace(folder, stream=QUICK)
        self.logs = self.folder / "logs"
        self._engines = engines
        self._batch_count = batch_count
        self._made: list[Log] = []
        self.engine: EngineProcess

    def log(self, name: str, *, append: bool = True) -> Log:
        self._made.append(Log(self.logs / name, append=append))
        return self._made[-1]

    def start(self) -> None:
        """Start the engine, again too."""
        if hasattr(self, "engine"):
            self.engine.start()
        else:
            self.engine = self._engines(self.folder)
            wait_for(lambda: request(self.folder / ".yeoul", "ping", {}) is not None)

    def end(self, how: str) -> None:
        """`stop` or `kill` the engine; anything else leaves it running."""
        if how == "kill":
            self.engine.kill()
        elif how == "stop":
            assert self.engine.stop() == 0

    def resume(self, how: str) -> None:
        """Start it again if it was ended."""
        if how in {"kill", "stop"}:
            self.engine.start()

    def lines(self) -> list[bytes]:
        """All lines of all logs."""
        return [line for log in self._made for line in log.lines.values()]

    def read(self, rows: int | None = None, within_s: float = 60) -> None:
        """Wait until so many rows are in the ledger; as a rule all that were written."""
        expected = len(self.lines()) if rows is None else rows
        try:
            wait_for(lambda: counts(self.folder).read >= expected, within_s)
        except TimeoutError:
            pytest.fail(f"{expected} rows written, in the ledger: {counts(self.folder)}; told: {self.notices()}")

    def notices(self, kind: str = "") -> list[tuple[str, str]]:
        """(source, detail) of what people are told, as the console's page shows it."""
        if not (self.folder / ".yeoul/state.db").exists():
            return []
        with closing(sqlite3.connect(f"file:{self.folder}/.yeoul/state.db?mode=ro", uri=True)) as db:
            query = "SELECT source, detail FROM notice WHERE kind = ? OR ? = '' ORDER BY id"
            return db.execute(query, (kind, kind)).fetchall()

    def told(self, kind: str, source: str, *words: str) -> None:
        """Wait for a notice on a file that has these words in it."""

        def seen() -> bool:
            return any(at == source and all(word in detail for word in words) for at, detail in self.notices(kind))

        try:
            wait_for(seen, 20)
        except TimeoutError:
            pytest.fail(f"no `{kind}` on {source} with {words}: {self.notices()}")

    def counted(self) -> set[str]:
        """Titles of the lines that are in closed windows."""
        return {title for _, _, title in final_windows(exported(self.folder), keys=("customer", "title"))}

    def judge(self, lines: Iterable[bytes] | None = None) -> None:
        """The results are those of a batch count of `lines` (as a rule all that were written), each counted once."""
        expected = self.lines() if lines is None else list(lines)
        truth = self.folder / "truth.ndjson"
        truth.write_bytes(b"".join(line.rstrip() + b"\n" for line in expected))
        oracle = self._batch_count([truth], 1)
        assert len(oracle) == len(expected)
        self.read(len(expected))
        found: dict[Any, Any] = {}

        def finished() -> bool:
            found.clear()
            found.update(final_windows(exported(self.folder), keys=("customer", "title")))
            return len(found) >= len(oracle)

        try:
            wait_for(finished, 30, every_s=0.3)
        except TimeoutError:
            pytest.fail(f"lost: {sorted(oracle.keys() - found.keys())[:5]}; told: {self.notices()}")
        assert self.engine.stop() == 0
        out = exported(self.folder)
        ledger = checked_ledger(out)
        assert (ledger.read, ledger.counted) == (len(expected), len(expected)), (ledger, self.notices())
        assert final_windows(out, keys=("customer", "title")) == oracle


@pytest.fixture
def attack(tmp_path: Path, engines: Callable[..., EngineProcess], batch_count: Callable[..., Any]) -> Iterator[Attack]:
    made = Attack(tmp_path / "w", engines, batch_count)
    yield made
    for log in made._made:  # noqa: SLF001  (its own fixture)
        log.close()
