"""The driver of the long soak, small: a backlog and a burst of ten times the rate through a real engine, bounded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SOAK = Path(__file__).parents[2] / "benchmarks/soak"


def _soaked(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(SOAK / "day.py"), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_backlog_and_a_burst_are_counted_exactly_and_leave_memory_as_it_was() -> None:
    few = ["--customers", "100", "--titles", "10", "--rotate", "8", "--ahead", "32", "--every", "0.5", "--check"]
    once = _soaked("--gb", "0.03", "--hours", "0.5", "--burst-minutes", "1", "--watch", "customers", *few)
    twice = _soaked("--gb", "0.06", "--hours", "1", "--burst-minutes", "1", "--watch", "customers", *few)
    # twice the lines: the log of results grows with its windows (until it moves to Parquet), memory does not
    assert twice["most_mb"]["rss"] < once["most_mb"]["rss"] + 60
    assert twice["most_mb"]["state"] < 2.5 * once["most_mb"]["state"] + 10
    assert twice["took_s"]["day"] < 5 * once["took_s"]["day"] + 10


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_day_of_30_gb_and_a_burst_stay_within_their_bounds() -> None:
    found = _soaked("--watch", "nothing")
    assert found["most_mb"]["rss"] < 600
