"""`yeoul replay` of a topic: to the ends found at its start, the same bytes each time, as the same lines in a file."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.flows.replay import replay
from yeoul.ingest.kafka import KafkaSource
from yeoul.settings import load_workspace
from yeoul.testing.broker import Broker
from yeoul.testing.results import checked_ledger
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.slow]

Topics = Callable[..., Any]
S = 1_000_000
START = 1_772_449_800 * S
ROWS = 20_000


def disordered_lines() -> list[bytes]:
    """Lines of ten minutes, up to two seconds out of order, of ids of which every twentieth is repeated."""
    rng = random.Random(3)
    lines = []
    for number in range(ROWS):
        at_us = START + number * 30_000 - rng.randrange(2 * S)
        lines.append(
            plain_line(at_us, f"c{rng.randrange(20)}", f"m{rng.randrange(50)}", rng.randrange(9), f"e{number}")
        )
        if number % 20 == 0:
            lines.append(lines[-1])
    return lines


def test_a_replay_of_a_topic_gives_the_bytes_of_the_same_lines_in_a_file_each_time(
    broker: Broker, topics: Topics, tmp_path: Path
):
    topic = topics(broker, 4)
    lines = disordered_lines()
    rng = random.Random(4)
    place = [rng.randrange(4) for _ in lines]
    for partition in range(4):
        topic.send(partition, [line for line, at in zip(lines, place, strict=True) if at == partition])
    once = {"event_id": '"id"'}
    from_topic = topic.workspace(tmp_path / "topic", stream=once)
    from_file = plain_workspace(tmp_path / "file", stream=once)
    (from_file / "logs/a.ndjson").write_bytes(b"".join(lines))
    for folder, out in ((from_topic, "1"), (from_topic, "2"), (from_file, "1")):
        replay(load_workspace(folder).plan(), folder / out)
    book = checked_ledger(from_topic / "1")
    assert (book.counted, book.duplicate, book.late) == (ROWS, ROWS // 20, 0)
    windows = (from_topic / "1/windows.ndjson").read_bytes()
    assert windows.count(b"\n") > 10_000
    assert windows == (from_file / "1/windows.ndjson").read_bytes()
    for path in (from_topic / "1").iterdir():
        assert path.read_bytes() == (from_topic / "2" / path.name).read_bytes(), path.name


def test_a_replay_ends_where_the_partitions_ended_when_it_began_while_others_go_on_writing(
    broker: Broker, topics: Topics, writers: Callable[..., Any], tmp_path: Path
):
    topic = topics(broker, 3)
    for partition in range(3):
        topic.send(partition, [plain_line(START + n * S) for n in range(500)])
    writer = writers(topic, 3)
    source = KafkaSource(broker.bootstrap, topic.name, live=False)
    source.poll()
    ends = {split.name: split.backlog_messages() for split in source.splits()}
    assert all(end >= 500 for end in ends.values())
    topic.send(0, [plain_line(START)] * 5000)
    read = dict.fromkeys(ends, 0)
    for split in source.splits():
        while (block := split.read(1 << 16, final=True)) is not None:
            read[split.name] += block.data.count(b"\n")
    source.close()
    assert read == ends
    folder = topic.workspace(tmp_path)
    before = writer.sent
    replayed = replay(load_workspace(folder).plan(), folder / "out").ledger
    assert 6500 <= replayed.read <= 6500 + writer.stop()
    assert writer.sent > before
