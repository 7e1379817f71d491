"""A folder of logs and a reader that may be stopped and started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from yeoul.clock import ManualClock
from yeoul.ingest.contract import Notice
from yeoul.ingest.files import FileSource


class Reader:
    """Reads everything under a pattern, one round at a time."""

    def __init__(self, folder: Path, pattern: str = "*.log", **options: Any) -> None:
        self.folder, self.pattern, self.options = folder, pattern, options
        self.clock = ManualClock()
        self.positions: dict[str, dict[str, Any]] | None = None
        self.source = FileSource(pattern, folder, clock=self.clock, **options)

    def read(self, limit_bytes: int = 1 << 20, *, final: bool = False) -> bytes:
        """All that is there now, the splits one after the other."""
        self.source.poll()
        blocks = []
        for split in self.source.splits():
            while (block := split.read(limit_bytes, final=final)) is not None:
                blocks.append(block.data)
        self.positions = {split.name: split.position() for split in self.source.splits()}
        return b"".join(blocks)

    def stop(self) -> None:
        self.source.close()

    def start(self) -> None:
        self.source = FileSource(self.pattern, self.folder, clock=self.clock, resume=self.positions, **self.options)

    def restart(self) -> None:
        self.stop()
        self.start()

    def names(self) -> list[str]:
        return [split.name for split in self.source.splits()]

    def notices(self) -> list[Notice]:
        return self.source.notices()

    def kinds(self) -> list[str]:
        return [notice.kind for notice in self.source.notices()]


@pytest.fixture
def reader(tmp_path: Path):
    reader = Reader(tmp_path)
    yield reader
    reader.stop()


@pytest.fixture
def reading(tmp_path: Path):
    """Make readers with options; all are closed at the end."""
    made: list[Reader] = []

    def make(pattern: str = "*.log", **options: Any) -> Reader:
        made.append(Reader(tmp_path, pattern, **options))
        return made[-1]

    yield make
    for reader in made:
        reader.stop()
