"""Rotation by rename and create at full speed: whatever the engine suffers meanwhile, each line counts once."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.flows.live_socket import request
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows
from yeoul.testing.workspaces import plain_workspace

pytestmark = pytest.mark.slow
LINES_A_SECOND = 20_000
DOWN = {2: ("kill", 3), 5: ("stop", 7), 8: ("kill", 8)}
"""In every ten rotations: after which the engine ends, how, and after which it starts again."""


@pytest.mark.parametrize(
    ("rotations", "every_s"),
    [
        pytest.param(10, 0.7, id="short"),
        pytest.param(100, 3.0, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(1200)]),
    ],
)
def test_rotations_at_twenty_thousand_lines_a_second_lose_and_repeat_nothing(
    tmp_path: Path,
    engines: Callable[..., EngineProcess],
    batch_count: Callable[..., Any],
    rotations: int,
    every_s: float,
):
    quick = {"window": '"1s"', "delay": '"1s"', "idle_timeout": '"500ms"'}
    folder = plain_workspace(tmp_path / "w", stream=quick)
    engine = engines(folder)

    def running() -> bool:
        with contextlib.suppress(ConnectionError):  # killed in the middle of an answer
            return request(folder / ".yeoul", "ping", {}) is not None
        return False

    wait_for(running)
    script, truth = Path(__file__).with_name("rotating_writer.py"), tmp_path / "truth.ndjson"
    numbers = map(str, (LINES_A_SECOND, rotations, every_s))
    with subprocess.Popen([sys.executable, script, folder / "logs", truth, *numbers], stdout=subprocess.PIPE) as writer:
        for first in range(0, rotations, 10):
            for last, (how, back) in DOWN.items():
                _wait_for_rotation(folder, first + last)
                if how == "kill":
                    engine.kill()
                else:
                    assert engine.stop() == 0
                _wait_for_rotation(folder, first + back)
                engine.start()
                wait_for(running)
        said, _ = writer.communicate()
    assert writer.returncode == 0
    written = json.loads(said)
    print(f"{rotations} rotations, {written['lines']} lines, {written['lines'] / written['seconds']:.0f} a second")
    try:
        wait_for(everything_closed(folder, written["lines"]), 60)
    except TimeoutError:
        pytest.fail(f"{written['lines']} lines were written, in the ledger: {counts(folder)}")
    assert engine.stop() == 0
    out = exported(folder)
    ledger = checked_ledger(out)
    assert (ledger.read, ledger.counted) == (written["lines"], written["lines"])
    assert final_windows(out, keys=("customer", "title")) == batch_count([truth], 1)


def _wait_for_rotation(folder: Path, number: int) -> None:
    wait_for(lambda: len(list(folder.glob("logs/b.ndjson.*"))) >= number, 60)
