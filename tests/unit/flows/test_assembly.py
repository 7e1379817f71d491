"""Messages of windows become entries again: what comes again changes nothing, also while a partition is waited for."""

from __future__ import annotations

import json
from pathlib import Path

from yeoul.flows.results.outgoing import COMPLETE
from yeoul.flows.results.records import schema_name
from yeoul.flows.workers.assembly import Assembly
from yeoul.settings import load_workspace
from yeoul.testing.workspaces import plain_workspace

WINDOW = {"stream": "hits", "window_start": "2026-03-02T11:00:00Z", "window_end": "2026-03-02T11:00:04Z", "revision": 0}
GROUP = WINDOW | {"customer": "c1", "title": "m1", "plays": 3, "hits": 5}


def complete(shard: int, groups: int) -> dict[str, object]:
    return WINDOW | {"kind": "window", "groups": groups, "full": True, "shard": shard, "shards": 2}


def test_a_partition_that_comes_again_while_another_is_waited_for_leaves_the_window_whole(tmp_path: Path):
    told: list[str] = []
    plan = load_workspace(plain_workspace(tmp_path)).plan()
    assembly = Assembly(plan.streams, [0, 1], told.append)
    windows, completes = schema_name("windows"), schema_name(COMPLETE)
    # who sent partition 0 was killed before it had noted so, and sends it again
    messages = [(windows, 0, GROUP), (completes, 0, complete(0, 1))] * 2 + [(completes, 1, complete(1, 0))]
    found = [
        entry
        for offset, (schema, partition, members) in enumerate(messages)
        for _, entry in assembly.take(schema.encode(), json.dumps(members).encode(), partition, offset)
    ]
    assert told == []
    [entry] = found
    assert entry.coverage.full
    assert entry.part is not None
    assert len(entry.part) == 1
