"""The live engine as a process: it reads while logs are written, survives kill -9, and ends cleanly."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from yeoul.demo import ServiceConfig, write_sample
from yeoul.flows.live_socket import request
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.results import exported, rows_of
from yeoul.testing.workspaces import QUICK, demo_workspace

LINES = 30_000
Engines = Callable[[Path], EngineProcess]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hosts' logs with dirt, and what a replay makes of them."""
    folder = demo_workspace(tmp_path_factory.mktemp("calm"), changes=QUICK)
    config = ServiceConfig(late=0.01, duplicates=0.01, malformed=0.01, future=0)
    for host in ("a", "b"):
        write_sample(folder / f"logs/{host}.ndjson", LINES, seed=ord(host), span_s=900, config=config)
    replay(load_workspace(folder).plan(), folder / "out")
    return folder


def copy_of(calm: Path, folder: Path) -> Path:
    demo_workspace(folder, changes=QUICK)
    for path in calm.glob("logs/*"):
        os.link(path, folder / "logs" / path.name)
    return folder


def test_killed_again_and_again_it_gives_what_a_replay_gives(calm: Path, tmp_path: Path, engines: Engines):
    folder = copy_of(calm, tmp_path / "w")
    engine = engines(folder)
    for seen in (1, LINES // 2, LINES, 3 * LINES // 2):
        wait_for(lambda seen=seen: counts(folder).read >= seen)
        engine.kill()
        engine.start()
    wait_for(everything_closed(folder, 2 * LINES))
    assert engine.stop() == 0
    exported(folder)
    for name in ("windows.ndjson", "late.ndjson", "ledger.json"):
        assert (folder / "out" / name).read_bytes() == (calm / "out" / name).read_bytes(), name


def test_lines_that_are_written_while_it_runs_are_counted_once(tmp_path: Path, engines: Engines):
    folder = demo_workspace(tmp_path, changes=QUICK)
    engine = engines(folder)
    script = [sys.executable, "-m", "yeoul.demo", "--folder", str(folder), "--rate", "2000", "--for", "6s", "--torn"]
    subprocess.run([*script, "--rotate-bytes", "1500000"], check=True, capture_output=True)
    written = sum(path.read_bytes().count(b"\n") for path in folder.glob("logs/*"))
    wait_for(lambda: counts(folder).read >= written)
    time.sleep(0.5)
    total = counts(folder)
    assert total.read == written
    assert total.balanced()
    assert len(list(folder.glob("logs/*.1"))) == 2
    assert engine.stop() == 0


def test_a_quiet_service_still_gets_its_last_window(tmp_path: Path, engines: Engines):
    folder = demo_workspace(tmp_path, changes=QUICK)
    write_sample(folder / "logs/a.ndjson", 500, span_s=30, clean=True)
    engine = engines(folder)
    wait_for(everything_closed(folder, 500))
    engine.stop()
    rows = rows_of(exported(folder) / "windows.ndjson")
    assert sum(row["plays"] for row in rows) == 500


def test_a_second_engine_on_the_same_state_is_refused(tmp_path: Path, engines: Engines):
    folder = demo_workspace(tmp_path, changes=QUICK)
    first = engines(folder)
    wait_for(lambda: request(folder / ".yeoul", "ping", {}) is not None)
    second = engines(folder)
    assert second.ended_by(20) == 1
    assert "in use by another engine" in second.said
    assert first.running


def test_quarantined_lines_are_counted_once_after_a_mend(tmp_path: Path, engines: Engines):
    folder = demo_workspace(tmp_path, changes=QUICK)
    write_sample(folder / "logs/a.ndjson", 1000, span_s=120, clean=True)
    lines = (folder / "logs/a.ndjson").read_bytes().splitlines(keepends=True)
    lines[100] = lines[100].replace(b'"cpk"', b'"customer"')
    (folder / "logs/a.ndjson").write_bytes(b"".join(lines))
    engine = engines(folder)
    wait_for(everything_closed(folder, 1000))
    assert counts(folder).invalid == 1
    engine.stop()
    mended = (folder / "yeoul.toml").read_text()
    mended = mended.replace(
        '{ cpk = "_source.@fields.params.cpk"', '{ cpk = { path = "_source.@fields.params.cpk", default = "unknown" }'
    )
    (folder / "yeoul.toml").write_text(mended)
    engine.start()
    wait_for(lambda: request(folder / ".yeoul", "ping", {}) is not None)
    for expected in ("tried 1: 1 counted, 0 still no rows", "tried 0: 0 counted, 0 still no rows"):
        command = [sys.executable, "-m", "yeoul.cli", "quarantine", "redrive", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
    total = counts(folder)
    assert (total.invalid, total.counted) == (0, 1000)
    engine.stop()
    rows = rows_of(exported(folder) / "windows.ndjson")
    assert [(row["cpk"], row["revision"], row["plays"]) for row in rows if row["revision"]] == [("unknown", 1, 1)]
