"""A writer that never waits for the reader: rotation and compression at full speed beside it."""

from __future__ import annotations

import gzip
import random
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest


class Writer(threading.Thread):
    """Writes numbered lines in uneven pieces, and rotates by renaming; siblings are compressed behind it."""

    def __init__(self, folder: Path, rotations: int) -> None:
        super().__init__()
        self.folder, self.rotations = folder, rotations
        self.count = 0

    def run(self) -> None:
        dice = random.Random(11)
        for rotation in range(self.rotations):
            with (self.folder / "app.log").open("ab", buffering=0) as out:
                for _ in range(20):
                    first, self.count = self.count, self.count + 50
                    piece = b"".join(b"%07d some words\n" % i for i in range(first, self.count))
                    cut = dice.randrange(len(piece))
                    out.write(piece[:cut])
                    out.write(piece[cut:])
                    time.sleep(0.0005)
                self._shift()
                (self.folder / "app.log").rename(self.folder / "app.log.1")
                if rotation % 3 == 0:  # the writer reopens later than the file was renamed
                    out.write(b"%07d some words\n" % self.count)
                    self.count += 1
            if rotation % 2:
                self._compress(self.folder / "app.log.2")

    def _shift(self) -> None:
        for number in range(300, 0, -1):
            for ending in ("", ".gz"):
                path = self.folder / f"app.log.{number}{ending}"
                if path.exists():
                    path.rename(self.folder / f"app.log.{number + 1}{ending}")

    @staticmethod
    def _compress(path: Path) -> None:
        if path.exists():
            with path.open("rb") as plain, gzip.open(f"{path}.gz", "wb", 1) as out:
                shutil.copyfileobj(plain, out, 500)
            path.unlink()


@pytest.mark.slow
def test_a_hundred_rotations_beside_a_reader_that_is_stopped_now_and_then_lose_and_repeat_nothing(
    tmp_path: Path, reader: Any
):
    writer = Writer(tmp_path, 100)
    writer.start()
    rows: list[bytes] = []
    round_ = 0
    while writer.is_alive():
        rows += reader.read(4096).splitlines()
        round_ += 1
        if round_ % 7 == 0:
            reader.stop()
            time.sleep(0.03)
            reader.start()
        time.sleep(0.002)
    writer.join()
    for _ in range(3):
        rows += reader.read(final=True).splitlines()
    assert len(rows) == len(set(rows)) == writer.count
    assert sorted(rows) == [b"%07d some words" % i for i in range(writer.count)]
    assert not {"gap", "unreadable", "truncated"} & set(reader.kinds())
