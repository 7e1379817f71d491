"""The simulator as a process of its own."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "yeoul.demo"]


def run(*arguments: object):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_it_backfills_writes_live_and_ends_by_itself(tmp_path: Path):
    done = run("--folder", tmp_path, "--rate", 100, "--backfill", "20m", "--incidents", 2, "--for", "1s")
    assert (done.returncode, done.stderr) == (0, "")
    assert "backfilled 20m" in done.stdout
    lines = sum(path.read_bytes().count(b"\n") for path in (tmp_path / "logs").iterdir())
    state = json.loads((tmp_path / "service.json").read_text(encoding="utf-8"))
    assert lines > 20_000
    assert state["written_until_us"] / 1e6 == pytest.approx(time.time(), abs=30)
    assert len((tmp_path / "labels.ndjson").read_text(encoding="utf-8").splitlines()) == 2


def test_it_writes_one_file_of_a_fixed_size(tmp_path: Path):
    done = run("--folder", tmp_path, "--lines", 1234, "--clean")
    assert done.returncode == 0
    assert (tmp_path / "sample.ndjson").read_bytes().count(b"\n") == 1234


@pytest.mark.slow
def test_sigterm_ends_it_with_whole_lines(tmp_path: Path):
    with subprocess.Popen(
        [*COMMAND, "--folder", str(tmp_path), "--rate", "2000", "--torn"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().startswith("backfilled")
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    for path in (tmp_path / "logs").iterdir():
        assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rate", "-5"], "rate_eps: got `-5.0`"),
        (["--backfill", "3 hours"], "got the duration `3 hours`"),
        (["--for", "soon"], "got the duration `soon`"),
        (["--customers", "0", "--titles", "0"], "titles: got `0`"),
        (["--keep", "0"], "keep `0`"),
        (["--lines", "0"], "got 0 lines"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_two(tmp_path: Path, arguments: list[str], message: str):
    done = run("--folder", tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    done = run("--folder", tmp_path / "file")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "legal: a folder that can be written" in done.stderr
