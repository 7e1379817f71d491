"""`yeoul submit` as people run it: it tells of each batch, stops when asked, goes on after a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from yeoul.testing.two_engines import WHOLE, replayed, two_engines, windows_of

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.usefixtures("java")]

CONF = ("spark.sql.shuffle.partitions=2", "spark.driver.memory=1g")
QUICK = "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1"
WITHIN_S = 120
Submits = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def submits() -> Iterator[Submits]:
    """Starts `yeoul submit` in a process group of its own; what still runs at the end is killed."""
    made: list[subprocess.Popen[str]] = []

    def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
        conf = [word for setting in (*CONF, QUICK) for word in ("--conf", setting)]
        command = [sys.executable, "-m", "yeoul.cli", "submit", str(folder), "--master", "local[2]", *conf, *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        made.append(subprocess.Popen(command, **pipes, text=True, start_new_session=True))
        return made[-1]

    yield start
    for process in made:
        if process.poll() is None:
            kill(process)
        process.stdout.close()
        process.stderr.close()


def kill(process: subprocess.Popen[str]) -> None:
    """`kill -9` of the driver: Python and Java."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def batches(process: subprocess.Popen[str], count: int) -> list[str]:
    """The next lines that tell of a batch."""
    found: list[str] = []
    while len(found) < count:
        line = process.stderr.readline()
        assert line, f"it ended: {process.wait()}"
        found += [line] if ": batch " in line else []
    return found


def written(folder: Path) -> list[bytes]:
    """The lines that count: those of the files that the sink's own log names."""
    logs = [file for file in (folder / "out/hits/_spark_metadata").iterdir() if file.suffix != ".crc"]
    paths = {json.loads(line)["path"] for file in logs for line in file.read_text().splitlines()[1:]}
    return [line for path in sorted(paths) for line in Path(path.removeprefix("file://")).read_bytes().splitlines()]


def test_killed_and_stopped_it_goes_on_to_the_same_result(submits: Submits, filled: Callable[..., str], tmp_path: Path):
    folder = two_engines(tmp_path, filled(600))
    local, _ = replayed(folder, tmp_path / "local")
    words = ("--out", f"{tmp_path}/out", "--rows-per-batch", "250")

    first = submits(folder, *words)
    told = batches(first, 2)
    assert re.match(r"hits: batch 0, 24\d rows in .* rows/s\), watermark none yet, \d+ rows of state", told[0])
    assert re.match(r"hits: batch 1, 24\d rows in .* watermark 2026-03-02T11:1", told[1])
    kill(first)

    second = submits(folder, *words)
    batches(second, 1)
    second.send_signal(signal.SIGTERM)
    assert second.wait(WITHIN_S) == 0

    third = submits(folder, *words, "--available-now", "--json")
    said, _ = third.communicate(timeout=WITHIN_S)
    assert third.returncode == 0
    assert json.loads(said)["ledger"]["hits"]["late"] is None

    lines = written(tmp_path)
    ours = windows_of(lines)
    assert len(ours) == len(lines)
    assert {key: [each[name] for name in WHOLE] for key, each in ours.items()} == {
        key: [each[name] for name in WHOLE] for key, each in local.items()
    }
