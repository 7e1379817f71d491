"""The hub alone: versions, deltas and snapshots as a reader of any speed gets them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from yeoul.console.hub import Hub, Reader
from yeoul.console.topics import Topic, parse_topic

NOW = parse_topic("now")


class Counting:
    """Answers that count how often each was made."""

    def __init__(self) -> None:
        self.value = 0
        self.made: list[str] = []

    async def make(self, topics: Sequence[Topic]) -> list[dict[str, Any] | None]:
        self.made += [topic.name for topic in topics]
        return [None if topic.id == "nope" else {"value": self.value, "same": "x" * 100} for topic in topics]


def scenario(steps: Callable[[Hub, Counting, asyncio.Event], Any]) -> None:
    """Run steps against a working hub."""

    async def run() -> None:
        answers, changed = Counting(), asyncio.Event()
        hub = Hub(answers, changed)  # type: ignore[arg-type]
        work = asyncio.create_task(hub.run())
        try:
            async with asyncio.timeout(20):
                await steps(hub, answers, changed)
        finally:
            work.cancel()

    asyncio.run(run())


async def change(answers: Counting, changed: asyncio.Event, *readers: Reader) -> None:
    for reader in readers:
        reader.wake.clear()
    answers.value += 1
    changed.set()
    for reader in readers:
        await reader.wake.wait()


def take(hub: Hub, reader: Reader) -> dict[str, Any]:
    text = hub.due(reader)
    assert text is not None
    message: dict[str, Any] = json.loads(text)
    return message


def test_a_topic_is_made_once_for_all_its_readers() -> None:
    async def steps(hub: Hub, answers: Counting, changed: asyncio.Event) -> None:
        readers = [Reader() for _ in range(100)]
        for reader in readers:
            hub.follow(reader, [NOW])
        await asyncio.sleep(0.05)
        made = len(answers.made)
        await change(answers, changed, *readers)
        assert len(answers.made) == made + 1
        assert len({hub.due(reader) for reader in readers}) == 1

    scenario(steps)


def test_a_reader_that_missed_versions_gets_one_snapshot_and_then_deltas_again() -> None:
    async def steps(hub: Hub, answers: Counting, changed: asyncio.Event) -> None:
        quick, slow = Reader(), Reader()
        for reader in (quick, slow):
            hub.follow(reader, [NOW])
        await quick.wake.wait()
        for reader in (quick, slow):
            assert take(hub, reader)["kind"] == "snapshot"
        quick.wake.clear()
        for _ in range(3):
            await change(answers, changed, quick)
            assert take(hub, quick)["data"] == {"value": answers.value}
        assert (missed := take(hub, slow))["kind"] == "snapshot"
        assert missed["data"]["value"] == 3
        assert hub.due(slow) is None
        assert hub.coalesced == 1
        await change(answers, changed, quick)
        assert take(hub, slow)["kind"] == "delta"

    scenario(steps)


def test_nothing_is_sent_while_nothing_changes() -> None:
    async def steps(hub: Hub, answers: Counting, changed: asyncio.Event) -> None:
        reader = Reader()
        hub.follow(reader, [NOW])
        await reader.wake.wait()
        take(hub, reader)
        reader.wake.clear()
        changed.set()
        await asyncio.sleep(0.3)
        assert answers.made.count("now") >= 2
        assert not reader.wake.is_set()
        assert hub.due(reader) is None

    scenario(steps)


def test_with_a_slow_reader_no_topic_starves_the_others() -> None:
    async def steps(hub: Hub, answers: Counting, changed: asyncio.Event) -> None:
        reader = Reader()
        hub.follow(reader, [NOW, parse_topic("pipeline"), parse_topic("rankings")])
        await asyncio.sleep(0.05)
        given = []
        for _ in range(9):
            await change(answers, changed, reader)
            given.append(take(hub, reader)["topic"])
        assert {given.count(name) for name in ("now", "pipeline", "rankings")} == {3}

    scenario(steps)


def test_a_topic_that_nobody_reads_any_more_is_not_made() -> None:
    async def steps(hub: Hub, answers: Counting, changed: asyncio.Event) -> None:
        reader = Reader()
        hub.follow(reader, [NOW])
        await asyncio.sleep(0.05)
        hub.leave(reader)
        made = len(answers.made)
        changed.set()
        await asyncio.sleep(0.3)
        assert (len(answers.made), hub.readers) == (made, 0)

    scenario(steps)


def test_there_is_room_for_a_bounded_number_of_topics() -> None:
    async def steps(hub: Hub, _: Counting, __: asyncio.Event) -> None:
        refused = [hub.follow(Reader(), [parse_topic(f"incident:{number}")]) for number in range(510)]
        assert [each[0].name for each in refused if each] == [f"incident:{number}" for number in range(500, 510)]

    scenario(steps)


def test_askers_at_the_same_time_share_one_answer() -> None:
    async def steps(hub: Hub, answers: Counting, _: asyncio.Event) -> None:
        found = await asyncio.gather(*(hub.fetch(NOW) for _ in range(50)))
        assert answers.made == ["now"]
        assert len({id(each) for each in found}) == 1

    scenario(steps)


@pytest.mark.parametrize("name", ["now", "pipeline", "rankings", "demo", "incident:ab-1", "ranking:hot"])
def test_a_topic_is_called_as_the_contract_says(name: str) -> None:
    assert parse_topic(name).name == name
