"""What every source and split must do, whatever it reads from; a source joins by a `World` that can feed it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from confluent_kafka import Producer

from yeoul.ingest import SOURCES
from yeoul.ingest.contract import LineBlock, Notice, Source, Split
from yeoul.plugins import load
from yeoul.testing.broker import Broker


class World(Protocol):
    """Feeds a source from outside."""

    def write(self, split: str, data: bytes) -> None:
        """Append to one split."""

    def source(self, resume: dict[str, dict[str, Any]] | None = None) -> Source:
        """A source that sees everything written."""

    def name(self, split: str) -> str:
        """What the source calls a split."""


class Files:
    """Log files in a folder."""

    def __init__(self, folder: Path, source: Any) -> None:
        self.folder, self.make = folder, source

    def write(self, split: str, data: bytes) -> None:
        with (self.folder / split).open("ab") as out:
            out.write(data)

    def source(self, resume: dict[str, dict[str, Any]] | None = None) -> Source:
        return self.make("*", self.folder, resume=resume)

    def name(self, split: str) -> str:
        return split


class Kafka:
    """A topic on a real broker: split `a` is its partition 0, `b` is 1; a line is a message."""

    def __init__(self, topic: str, broker: Broker, source: Any) -> None:
        self.topic, self.broker, self.make = topic, broker, source
        self.producer = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True})

    def write(self, split: str, data: bytes) -> None:
        for line in data.splitlines():
            self.producer.produce(self.topic, line, partition="ab".index(split))
        assert self.producer.flush(30) == 0

    def source(self, resume: dict[str, dict[str, Any]] | None = None) -> Source:
        return self.make(self.broker.bootstrap, self.topic, resume=resume)

    def name(self, split: str) -> str:
        return f"{self.topic}/{'ab'.index(split)}"


WORLDS = {"yeoul.ingest.files:FileSource": "files", "yeoul.ingest.kafka:KafkaSource": "kafka"}
ROWS = [b"%03d row\n" % i for i in range(40)]
SERVICES = {"kafka"}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path, load("yeoul.ingest.files:FileSource"))


@pytest.fixture
def kafka(broker: Broker, topic: Callable[..., str]) -> Kafka:
    return Kafka(topic(partitions=2), broker, load("yeoul.ingest.kafka:KafkaSource"))


@pytest.fixture(
    params=[pytest.param(one, marks=[pytest.mark.services] if one in SERVICES else []) for one in WORLDS.values()]
)
def world(request: pytest.FixtureRequest) -> World:
    return request.getfixturevalue(request.param)


@pytest.fixture
def opened(world: World) -> Iterator[Any]:
    sources: list[Source] = []

    def make(resume: dict[str, dict[str, Any]] | None = None) -> Source:
        sources.append(world.source(resume))
        sources[-1].poll()
        return sources[-1]

    yield make
    for source in sources:
        source.close()


def drain(source: Source, limit_bytes: int = 50, *, final: bool = False) -> dict[str, list[LineBlock]]:
    found: dict[str, list[LineBlock]] = {}
    for split in source.splits():
        while (block := read(split, limit_bytes, final=final)) is not None:
            found.setdefault(split.name, []).append(block)
    return found


def read(split: Split, limit_bytes: int, *, final: bool = False) -> LineBlock | None:
    """The next block; while a split could not look, it is asked again."""
    until = time.monotonic() + 20
    while (block := split.read(limit_bytes, final=final)) is None and split.stalled and time.monotonic() < until:
        time.sleep(0.01)
    return block


def first(source: Source) -> Split:
    return source.splits()[0]


def plain(block: LineBlock | None) -> tuple[str, int, bytes, int] | None:
    return block and (block.source, block.offset, block.data, block.end)


def text(blocks: list[LineBlock]) -> bytes:
    return b"".join(block.data for block in blocks)


def test_every_source_has_a_world():
    assert set(WORLDS) == set(SOURCES)


def test_a_source_without_input_has_nothing_and_does_not_wait(opened: Any):
    source = opened()
    assert drain(source) == {}
    assert source.notices() == []


def test_splits_come_by_name_and_each_keeps_its_own_order(world: World, opened: Any):
    for i, row in enumerate(ROWS):
        world.write("ba"[i % 2], row)
    source = opened()
    assert [split.name for split in source.splits()] == [world.name("a"), world.name("b")]
    found = drain(source)
    assert text(found[world.name("a")]) == b"".join(ROWS[1::2])
    assert text(found[world.name("b")]) == b"".join(ROWS[0::2])


def test_blocks_hold_whole_lines_and_at_least_one(world: World, opened: Any):
    world.write("a", b"".join(ROWS))
    for block in drain(opened(), limit_bytes=1)[world.name("a")]:
        assert block.data.endswith(b"\n")
        assert isinstance(block.source, str)


def test_offsets_join_without_gap_or_overlap(world: World, opened: Any):
    world.write("a", b"".join(ROWS))
    at = 0
    for block in drain(opened())[world.name("a")]:
        assert block.offset == at
        at = block.end


def test_stopping_after_every_block_and_resuming_gives_the_same_blocks(world: World, opened: Any):
    world.write("a", b"".join(ROWS[:30]))
    expected = drain(opened())[world.name("a")]
    got: list[LineBlock] = []
    positions: dict[str, dict[str, Any]] | None = None
    while True:
        source = opened(positions)
        split = first(source)
        block = read(split, 50)
        if block is None:
            break
        got.append(block)
        positions = {split.name: json.loads(json.dumps(split.position()))}
        source.close()
    assert [plain(block) for block in got] == [plain(block) for block in expected]


def test_reading_an_old_position_twice_gives_the_same_block(world: World, opened: Any):
    world.write("a", b"".join(ROWS))
    source = opened()
    split = first(source)
    read(split, 50)
    positions = {split.name: split.position()}
    blocks = [plain(read(first(opened(positions)), 50)) for _ in range(2)]
    assert blocks[0] == blocks[1] == plain(read(split, 50))


def test_a_position_does_not_change_by_what_is_read_after_it(world: World, opened: Any):
    world.write("a", b"".join(ROWS))
    split = first(opened())
    read(split, 50)
    position = split.position()
    before = json.dumps(position)
    read(split, 50)
    assert json.dumps(position) == before


def test_what_is_written_later_is_read_later(world: World, opened: Any):
    world.write("a", ROWS[0])
    source = opened()
    assert text(drain(source)[world.name("a")]) == ROWS[0]
    assert drain(source) == {}
    world.write("a", ROWS[1])
    world.write("b", ROWS[2])
    found: dict[str, bytes] = {}
    until = time.monotonic() + 20
    while len(found) < 2 and time.monotonic() < until:
        source.poll()
        found |= {name: text(blocks) for name, blocks in drain(source).items()}
    assert found == {world.name("a"): ROWS[1], world.name("b"): ROWS[2]}


def test_the_end_of_input_makes_a_row_of_what_is_left(files: Files):
    files.write("a", b"one\ntwo")
    source = files.source()
    source.poll()
    assert text(drain(source)["a"]) == b"one\n"
    assert text(drain(source, final=True)["a"]) == b"two"
    assert drain(source, final=True) == {}
    source.close()


def test_backlog_falls_to_zero_as_everything_is_read(world: World, opened: Any):
    world.write("a", b"".join(ROWS))
    source = opened()
    split = first(source)
    seen = [split.backlog_bytes()]
    while read(split, 50) is not None:
        seen.append(split.backlog_bytes())
    assert seen[0] >= len(b"".join(ROWS))
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 0


def test_notices_are_given_once(world: World, opened: Any):
    world.write("a", b"".join(ROWS))
    world.write("b", b"".join(ROWS))
    source = opened()
    drain(source)
    assert all(isinstance(notice, Notice) for notice in source.notices())
    assert source.notices() == []


def test_a_source_may_be_closed_twice(world: World, opened: Any):
    world.write("a", ROWS[0])
    source = opened()
    drain(source)
    source.close()
    source.close()
