"""Memory does not follow what waits at the broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.testing.broker import Broker
from yeoul.testing.consoles import rss_bytes
from yeoul.testing.processes import EngineProcess, counts
from yeoul.testing.workspaces import plain_line

pytestmark = [pytest.mark.services, pytest.mark.slow]

S = 1_000_000
START = 1_772_449_800 * S
BACKLOG_BYTES = 300 << 20
MESSAGE_BYTES = 4096


def test_a_backlog_of_300_megabytes_ahead_of_other_partitions_does_not_fill_the_memory(
    broker: Broker, topics: Callable[..., Any], tmp_path: Path, engines: Callable[..., EngineProcess]
):
    topic = topics(broker, 4)
    # the large one begins a minute after all of the others, so it is read last, and held back until then
    large = plain_line(START + 120 * S)[:-1].ljust(MESSAGE_BYTES)
    topic.send(0, [large] * (BACKLOG_BYTES // MESSAGE_BYTES))
    rows = BACKLOG_BYTES // MESSAGE_BYTES
    for partition in range(1, 4):
        for at in range(60):
            topic.send(partition, [plain_line(START + at * S)[:-1].ljust(MESSAGE_BYTES)] * 100)
            rows += 100
    folder = topic.workspace(tmp_path)
    engine = engines(folder)
    most = 0
    until = time.monotonic() + 100
    while counts(folder).read < rows and time.monotonic() < until:
        most = max(most, *(rss_bytes(pid) for pid in engine.pids()))
        time.sleep(0.05)
    assert counts(folder).read == rows
    print(f"the engine had at most {most / 1e6:.0f} MB")
    assert most < 400e6
    assert engine.stop() == 0
