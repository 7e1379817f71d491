"""Log files that tests write, rotate and cut by hand, and the judge of what an engine made of them."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
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
    "delay": '"200ms"',
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
        self.reused = 0
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

    def shift(self) -> None:
        """Rotate as logrotate does: numbered siblings move up, the file itself becomes the first of them."""
        self.move_siblings()
        self.rename(f"{self.path.name}.1")

    def move_siblings(self) -> None:
        """Give each numbered sibling the next number."""
        for number in range(len(list(self.path.parent.iterdir())), 0, -1):
            for ending in ("", ".gz"):
                path = self.path.with_name(f"{self.path.name}.{number}{ending}")
                if path.exists():
                    path.rename(self.path.with_name(f"{self.path.name}.{number + 1}{ending}"))

    def rewrite(self, data: bytes) -> None:
        """Truncate in place and write anew from the beginning."""
        os.truncate(self.path, 0)
        os.lseek(self.fd, 0, os.SEEK_SET)
        self.put(data)


Scene = Callable[["Attack", str, int], Iterator[None]]
"""One kind of attack on its own logs, in four acts: before · at last · while the engine is ended · after.

It is told how the engine ends (`run`: it runs on) and the number of the round.
"""


class Attack:
    """A workspace, its engine, its logs, and the judgement at the end."""

    def __init__(self, folder: Path, engines: Callable[..., EngineProcess], batch_count: Callable[..., Any]) -> None:
        self.folder = plain_workspace(folder, stream=QUICK)
        self.logs = self.folder / "logs"
        self.missing: set[str] = set()
        """Titles of lines that nobody can read: destroyed, or not whole yet."""
        self.repeated: list[bytes] = []
        """Lines that stand in two files and so count twice."""
        self._engines = engines
        self._batch_count = batch_count
        self.made: dict[str, Log] = {}
        self.engine: EngineProcess

    def log(self, name: str, *, append: bool = True) -> Log:
        """The log of this name, made when it is not there."""
        if name not in self.made:
            self.made[name] = Log(self.logs / name, append=append)
        return self.made[name]

    def play(self, scenes: Sequence[Scene], ways: Sequence[str]) -> None:
        """Play all scenes at once on one engine, a round for each way to end it, and judge."""
        self.start()
        for number, how in enumerate(ways):
            acts = [scene(self, how, number) for scene in scenes]
            _next(acts)
            self.read()
            _next(acts)
            if how == "kill":
                self.engine.kill()
            elif how == "stop":
                assert self.engine.stop() == 0
            _next(acts)
            if how in {"kill", "stop"}:
                self.engine.start()
            self.read()
            _next(acts)
            self.read()
        self.judge()

    def start(self) -> None:
        """Start the engine for the first time."""
        self.engine = self._engines(self.folder)
        wait_for(lambda: request(self.folder / ".yeoul", "ping", {}) is not None)

    def expected(self) -> list[bytes]:
        """All lines that should have been counted, as often as they should."""
        lines = [line for log in self.made.values() for title, line in log.lines.items() if title not in self.missing]
        return lines + self.repeated

    def read(self) -> None:
        """Wait until so many rows are in the ledger as were written."""
        rows = len(self.expected())
        try:
            wait_for(lambda: counts(self.folder).read >= rows)
        except TimeoutError:
            pytest.fail(f"{rows} rows written, in the ledger: {counts(self.folder)}; told: {self.notices()}")

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

    def judge(self) -> None:
        """The results are those of a batch count of what should have been counted, and the ledger says so."""
        expected = self.expected()
        truth = self.folder / "truth.ndjson"
        truth.write_bytes(b"".join(line.rstrip() + b"\n" for line in expected))
        oracle = self._batch_count([truth], 1)
        assert len(oracle) == len(set(expected))
        self.read()
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
    for log in made.made.values():
        log.close()


def _next(acts: list[Iterator[None]]) -> None:
    for act in acts:
        next(act, None)
