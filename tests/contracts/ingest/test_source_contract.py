"""What every source and split must do, whatever it reads from; a source joins by a `World` that can feed it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from yeoul.ingest import SOURCES
from yeoul.ingest.contract import LineBlock, Notice, Source
from yeoul.plugins import load


class World(Protocol):
    """Feeds a source from outside."""

    def write(self, split: str, data: bytes) -> None:
        """Append to one split."""

    def source(self, resume: dict[str, dict[str, Any]] | None = None) -> Source:
        """A source that sees everything written."""


class Files:
    """Log files in a folder."""

    def __init__(self, folder: Path, source: Any) -> None:
        self.folder, self.make = folder, source

    def write(self, split: str, data: bytes) -> None:
        with (self.folder / split).open("ab") as out:
            out.write(data)

    def source(self, resume: dict[str, dict[str, Any]] | None = None) -> Source:
        return self.make("*", self.folder, resume=resume)


WORLDS = {"yeoul.ingest.files:FileSource": Files}
ROWS = [b"%03d row\n" % i for i in range(40)]


@pytest.fixture(params=SOURCES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return WORLDS[request.param](tmp_path, load(request.param))


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
        while (block := split.read(limit_bytes, final=final)) is not None:
            found.setdefault(split.name, []).append(block)
    return found


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
    assert [split.name for split in source.splits()] == ["a", "b"]
    found = drain(source)
    assert text(found["a"]) == b"".join(ROWS[1::2])
    assert text(found["b"]) == b"".join(ROWS[0::2])


def test_blocks_hold_whole_lines_and_at_least_one(world: World, opened: Any):
    world.write("a", b"".join(ROWS))
    for block in drain(opened(), limit_bytes=1)["a"]:
        assert block.data.endswith(b"\n")
        assert isinstance(block.source, str)


def test_offsets_join_without_gap_or_overlap(world: World, opened: Any):
    world.write("a", b"".join(ROWS))
    at = 0
    for block in drain(opened())["a"]:
        assert block.offset == at
        at += len(block.data)


def test_stopping_after_every_block_and_resuming_gives_the_same_blocks(world: World, opened: Any):
    world.write("a", b"".join(ROWS[:30]))
    expected = drain(opened())["a"]
    got: list[LineBlock] = []
    positions: dict[str, dict[str, Any]] | None = None
    while True:
        source = opened(positions)
        (split,) = source.splits()
        block = split.read(50)
        if block is None:
            break
        got.append(block)
        positions = {split.name: json.loads(json.dumps(split.position()))}
        source.close()
    assert got == expected


def test_reading_an_old_position_twice_gives_the_same_block(world: World, opened: Any):
    world.write("a", b"".join(ROWS))
    source = opened()
    (split,) = source.splits()
    split.read(50)
    positions = {"a": split.position()}
    blocks = [opened(positions).splits()[0].read(50) for _ in range(2)]
    assert blocks[0] == blocks[1] == split.read(50)


def test_a_position_does_not_change_by_what_is_read_after_it(world: World, opened: Any):
    world.write("a", b"".join(ROWS))
    (split,) = opened().splits()
    split.read(50)
    position = split.position()
    before = json.dumps(position)
    split.read(50)
    assert json.dumps(position) == before


def test_what_is_written_later_is_read_later(world: World, opened: Any):
    world.write("a", ROWS[0])
    source = opened()
    assert text(drain(source)["a"]) == ROWS[0]
    assert drain(source) == {}
    world.write("a", ROWS[1])
    world.write("b", ROWS[2])
    source.poll()
    found = drain(source)
    assert (text(found["a"]), text(found["b"])) == (ROWS[1], ROWS[2])


def test_the_end_of_input_makes_a_row_of_what_is_left(world: World, opened: Any):
    world.write("a", b"one\ntwo")
    source = opened()
    assert text(drain(source)["a"]) == b"one\n"
    assert text(drain(source, final=True)["a"]) == b"two"
    assert drain(source, final=True) == {}


def test_backlog_falls_to_zero_as_everything_is_read(world: World, opened: Any):
    world.write("a", b"".join(ROWS))
    source = opened()
    (split,) = source.splits()
    seen = [split.backlog_bytes()]
    while split.read(50) is not None:
        seen.append(split.backlog_bytes())
    assert seen[0] == len(b"".join(ROWS))
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
