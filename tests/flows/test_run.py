"""The live engine as a process: it reads while logs are written, survives kill -9, and ends cleanly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from yeoul.demo import ServiceConfig, write_sample
from yeoul.events import Ledger
from yeoul.flows.export import export
from yeoul.flows.live_socket import request
from yeoul.flows.replay import replay
from yeoul.flows.summary import summary
from yeoul.settings import load_workspace
from yeoul.store import read_state
from yeoul.testing.workspaces import demo_workspace

LINES = 30_000
QUICK = {
    'window      = "10s"\n': 'window = "4s"\n',
    'delay       = "10s"\n': 'delay = "3s"\nidle_timeout = "1s"\n',
}


class Engine:
    """`yeoul run --no-console` on a workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "yeoul.cli", "run", str(self.folder), "--no-console"]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def start(self) -> None:
        self.process = self._spawn()

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=15)
        return self.process.returncode, said


@pytest.fixture
def engines() -> Iterator[Callable[[Path], Engine]]:
    made: list[Engine] = []

    def make(folder: Path) -> Engine:
        made.append(Engine(folder))
        return made[-1]

    yield make
    for engine in made:
        if engine.process.poll() is None:
            engine.kill()


def wait_for(what: Callable[[], object], seconds: float = 40.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.1)


def counts(folder: Path) -> Ledger:
    if not (folder / ".yeoul/state.db").exists():
        return Ledger()
    books = summary(load_workspace(folder).plan()).ledgers
    return Ledger(**books["hits"]["total"]) if books else Ledger()


def parts(folder: Path) -> int:
    """Parts of windows that are still open."""
    state = read_state(folder / ".yeoul")
    try:
        return int(state.db.execute("SELECT count(*) FROM part").fetchone()[0])
    finally:
        state.close()


def everything_closed(folder: Path, lines: int) -> Callable[[], bool]:
    """All lines are read and, by the silence that follows, the last window is closed."""
    return lambda: counts(folder).read == lines and not parts(folder)


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


def test_killed_again_and_again_it_gives_what_a_replay_gives(
    calm: Path, tmp_path: Path, engines: Callable[[Path], Engine]
):
    folder = copy_of(calm, tmp_path / "w")
    engine = engines(folder)
    for seen in (1, LINES // 2, LINES, 3 * LINES // 2):
        wait_for(lambda seen=seen: counts(folder).read >= seen)
        engine.kill()
        engine.start()
    wait_for(everything_closed(folder, 2 * LINES))
    assert engine.stop()[0] == 0
    export(load_workspace(folder).plan(), folder / "out")
    for name in ("windows.ndjson", "late.ndjson", "ledger.json"):
        assert (folder / "out" / name).read_bytes() == (calm / "out" / name).read_bytes(), name


def test_lines_that_are_written_while_it_runs_are_counted_once(tmp_path: Path, engines: Callable[[Path], Engine]):
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
    assert engine.stop()[0] == 0


def test_a_quiet_service_still_gets_its_last_window(tmp_path: Path, engines: Callable[[Path], Engine]):
    folder = demo_workspace(tmp_path, changes=QUICK)
    write_sample(folder / "logs/a.ndjson", 500, span_s=30, clean=True)
    engine = engines(folder)
    wait_for(everything_closed(folder, 500))
    engine.stop()
    export(load_workspace(folder).plan(), folder / "out")
    rows = [json.loads(line) for line in (folder / "out/windows.ndjson").read_text().splitlines()]
    assert sum(row["plays"] for row in rows) == 500


def test_a_second_engine_on_the_same_state_is_refused(tmp_path: Path, engines: Callable[[Path], Engine]):
    folder = demo_workspace(tmp_path, changes=QUICK)
    first = engines(folder)
    wait_for(lambda: request(folder / ".yeoul", "ping", {}) is not None)
    second = engines(folder)
    _, said = second.process.communicate(timeout=20)
    assert second.process.returncode == 1
    assert "in use by another engine" in said
    assert first.process.poll() is None


def test_quarantined_lines_are_counted_once_after_a_mend(tmp_path: Path, engines: Callable[[Path], Engine]):
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
    export(load_workspace(folder).plan(), folder / "out")
    rows = [json.loads(line) for line in (folder / "out/windows.ndjson").read_text().splitlines()]
    assert [(row["cpk"], row["revision"], row["plays"]) for row in rows if row["revision"]] == [("unknown", 1, 1)]
