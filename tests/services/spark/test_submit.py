"""`yeoul submit` as people run it: it tells of each batch, stops when asked, goes on after a kill at any point."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.testing.processes import wait_for
from yeoul.testing.two_engines import WHOLE, replayed, two_engines, windows_of
from yeoul.testing.workspaces import plain_line, plain_workspace

# seconds of work, but four starts of Spark in a test: a busy machine takes its time over them
pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.usefixtures("java")]


def numbered(folder: Path) -> set[str]:
    """Batches that a log of Spark's names."""
    return {file.name for file in folder.glob("*") if file.name.isdigit()}


def written(folder: Path) -> list[bytes]:
    """The lines that count: those of the files that the sink's own log names."""
    logs = [file for file in (folder / "out/hits/_spark_metadata").iterdir() if file.suffix != ".crc"]
    paths = {json.loads(line)["path"] for file in logs for line in file.read_text().splitlines()[1:]}
    return [line for path in sorted(paths) for line in Path(path.removeprefix("file://")).read_bytes().splitlines()]


def test_killed_and_stopped_it_goes_on_to_the_same_result(
    submits: Callable[..., Any], filled: Callable[..., str], tmp_path: Path
):
    folder = two_engines(tmp_path, filled(600))
    local, _ = replayed(folder, tmp_path / "local")
    words = ("--out", f"{tmp_path}/out", "--rows-per-batch", "250")
    checkpoint, log = tmp_path / ".yeoul/spark/hits", tmp_path / "out/hits/_spark_metadata"

    # within its first batch: what it is to read is known, nothing is counted
    job = submits(folder, *words)
    wait_for(lambda: numbered(checkpoint / "offsets"), within_s=120, every_s=0.01)
    job.kill()
    assert not numbered(checkpoint / "commits")

    # in the middle of a window, as soon as a batch with results is written and hardly committed
    job = submits(folder, *words)
    wait_for(lambda: len(numbered(log)) >= 3 and job.batches, within_s=120, every_s=0.001)
    job.kill()
    said = (
        r"hits: batch 0, 24\d rows in .* rows/s\), watermark none yet, \d+ rows of state",
        r"hits: batch 1, 24\d rows in .* watermark 2026-03-02T11:1",
    )
    for line, pattern in zip(job.batches, said, strict=False):  # of the last ones it may not have told yet
        assert re.match(pattern, line)

    # and asked to stop while many rows are waiting: it ends with the batch that is running
    job = submits(folder, "--out", f"{tmp_path}/out", "--rows-per-batch", "20", "--json")
    wait_for(lambda: job.batches, within_s=120)
    assert job.stop() == 0
    assert json.loads(job.out)["ledger"]["hits"]["read"] > 0

    job = submits(folder, *words, "--available-now", "--json")
    assert job.ended_by() == 0
    assert json.loads(job.out)["ledger"]["hits"]["read"] > 0
    assert json.loads(job.out)["ledger"]["hits"]["late"] is None

    lines = written(tmp_path)
    ours = windows_of(lines)
    assert len(ours) == len(lines)
    assert {each["revision"] for each in ours.values()} == {0}
    assert {key: [each[name] for name in WHOLE] for key, each in ours.items()} == {
        key: [each[name] for name in WHOLE] for key, each in local.items()
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_in_the_midst_of_files_ends_it_quietly(submits: Callable[..., Any], tmp_path: Path, number: int):
    folder = plain_workspace(tmp_path)
    (folder / "logs/a.ndjson").write_bytes(b"".join(plain_line(at * 100_000, f"c{at % 99}") for at in range(200_000)))
    job = submits(folder, "--out", f"{folder}/out")
    wait_for((folder / "out/windows.ndjson.part").exists, within_s=120, every_s=0.01)
    os.killpg(job.process.pid, number)
    assert job.ended_by() == 128 + number
    assert (job.said, job.out) == ("", "")


def test_java_that_is_killed_is_told_in_a_sentence(
    submits: Callable[..., Any], filled: Callable[..., str], tmp_path: Path
):
    job = submits(two_engines(tmp_path, filled(100)), "--out", f"{tmp_path}/out")
    wait_for(lambda: "reading" in job.said, within_s=120)
    job.kill_java()
    assert job.ended_by() == 1
    assert job.said.splitlines()[-1].startswith("error: Java, in which Spark runs, was killed")
    assert "Traceback" not in job.said
