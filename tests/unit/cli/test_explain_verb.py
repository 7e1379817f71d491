"""`yeoul explain` on the command line: for people, for machines, beside a state, without one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yeoul.cli.app import app
from yeoul.demo import write_sample
from yeoul.errors import InputError
from yeoul.flows.live_socket import request
from yeoul.flows.run import run_engine
from yeoul.settings import load_workspace
from yeoul.testing.workspaces import demo_workspace

runner = CliRunner()


def run(*words: str | Path) -> str:
    result = runner.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """An engine at work that has caught up."""
    stop = threading.Event()
    thread = threading.Thread(target=run_engine, args=(load_workspace(folder).plan(), stop))
    thread.start()
    try:
        until = time.monotonic() + 30
        while request(folder / ".yeoul", "ping", {}) is None:
            assert time.monotonic() < until
            time.sleep(0.02)
        while json.loads(run("explain", folder, "logs/a.ndjson:400", "--json"))["class"] == "not read":
            assert time.monotonic() < until
            time.sleep(0.1)
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = demo_workspace(tmp_path)
    write_sample(folder / "logs/a.ndjson", 400, span_s=120, clean=True)
    return folder


@pytest.mark.slow
def test_beside_a_running_engine_a_row_is_told_with_its_window(folder: Path):
    with running(folder):
        output = run("explain", folder, "logs/a.ndjson:5")
        answer = json.loads(run("explain", folder, "logs/a.ndjson:5", "--json"))
    assert "counted: in a window that is closed" in output
    assert "revision 0" in output
    assert (answer["class"], answer["sure"], answer["split"]) == ("counted", True, "logs/a.ndjson")
    assert answer["windows"][0]["values"]["plays"] >= 1
    assert set(answer["key"]) == {"cpk", "base_mck"}


def test_without_a_state_it_says_so_and_what_decoding_tells(folder: Path):
    output = run("explain", folder, "logs/a.ndjson@0")
    assert "not read: nothing of this stream was read yet" in output
    assert "note: `run` and `replay` would find a row of 2026-03-02T" in output


@pytest.mark.slow
def test_a_position_that_is_none_is_one_sentence_and_an_exit_code(folder: Path):
    with pytest.raises(InputError):
        run("explain", folder, "logs/a.ndjson")
    command = [sys.executable, "-m", "yeoul.cli", "explain", str(folder), "logs/b.ndjson:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: got `logs/b.ndjson`, which is not there")
    assert "Traceback" not in done.stderr
