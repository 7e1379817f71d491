"""What a topic can do to who reads it: messages deleted before they were read, deleted, made again, grown, misspelt."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from yeoul.store import read_state
from yeoul.testing.broker import Broker
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.workspaces import plain_line

pytestmark = [pytest.mark.services, pytest.mark.slow]

Engines = Callable[..., EngineProcess]
Topics = Callable[..., Any]
S = 1_000_000
START = 1_772_449_800 * S
STEADY = {"idle_timeout": '"2s"', "window": '"1s"', "delay": '"1s"'}


def lines(first: int, last: int, customer: str = "c1") -> list[bytes]:
    return [plain_line(START + at * S // 10, customer) for at in range(first, last)]


def notices(folder: Path) -> list[tuple[str, str, str]]:
    with closing(read_state(folder / ".yeoul")) as state:
        return state.db.execute("SELECT kind, source, detail FROM notice ORDER BY id").fetchall()


def refused(engine: EngineProcess, within_s: float = 30) -> str:
    """The one sentence with which the engine ended."""
    assert engine.ended_by(within_s) == 1
    assert "Traceback" not in engine.said
    return engine.said.splitlines()[-1]


def accept_loss(folder: Path) -> None:
    toml = folder / "yeoul.toml"
    toml.write_text(toml.read_text().replace('kind = "kafka"', 'kind = "kafka", on_loss = "continue"'))


def test_messages_deleted_while_it_was_stopped_stop_it_with_the_exact_range_until_somebody_says_go_on(
    broker: Broker, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(broker, 2)
    folder = topic.workspace(tmp_path, stream=STEADY)
    topic.send(0, lines(0, 10))
    topic.send(1, lines(0, 10))
    engine = engines(folder)
    wait_for(lambda: counts(folder).read == 20)
    engine.stop()
    topic.send(1, lines(10, 30))
    topic.forget(1, 15)
    engine.start()
    said = refused(engine)
    assert f"`{topic.name}/1`: messages 10 to 14 (5 of them) were deleted before they were read" in said
    assert 'set `on_loss = "continue"`' in said
    assert counts(folder).read == 20

    accept_loss(folder)
    engine.start()
    wait_for(everything_closed(folder, 35))
    assert engine.stop() == 0
    detail = "messages 10 to 14 (5 of them) were deleted before they were read; reading goes on at 15"
    assert notices(folder) == [("lost", f"{topic.name}/1", detail)]


def test_messages_deleted_while_it_lags_stop_it_with_the_exact_range(
    broker: Broker, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(broker, 1, {"compression.type": "zstd"})
    # what it fetches ahead is bounded by little, so that the rest is still at the broker when it goes
    little = '"queued.max.messages.kbytes" = "64", "fetch.message.max.bytes" = "65536"'
    folder = topic.workspace(tmp_path, f"client = {{ {little} }}", stream=STEADY)
    topic.send(0, [plain_line(START)[:-1] + b" " * 20_000] * 20_000)
    engine = engines(folder)
    wait_for(lambda: counts(folder).read > 100, every_s=0.02)
    topic.forget(0, 20_000)
    said = refused(engine)
    lost = re.search(r"messages (\d+) to 19999 \((\d+) of them\) were deleted", said)
    assert lost, said
    read = counts(folder).read
    assert 100 < read == int(lost[1])  # all that had come is counted
    assert int(lost[2]) == 20_000 - read

    accept_loss(folder)
    topic.send(0, lines(0, 10))
    engine.start()
    wait_for(everything_closed(folder, read + 10))
    assert engine.stop() == 0
    assert [(kind, source) for kind, source, _ in notices(folder)] == [("lost", f"{topic.name}/0")]
    assert notices(folder)[0][2].startswith(f"messages {read} to 19999 ({20_000 - read} of them) were deleted")


def test_a_topic_that_is_deleted_while_it_is_read_ends_the_run(
    broker: Broker, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(broker)
    folder = topic.workspace(tmp_path)
    topic.send(0, lines(0, 10))
    engine = engines(folder)
    wait_for(lambda: counts(folder).read == 10)
    topic.delete()
    assert f"topic `{topic.name}` was deleted: the broker at `{broker.bootstrap}` has it no more" in refused(engine)
    assert counts(folder).read == 10


def test_a_topic_made_again_is_not_taken_for_the_old_one_in_a_run_or_between_runs(
    broker: Broker, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(broker)
    folder = topic.workspace(tmp_path)
    topic.send(0, lines(0, 10))
    engine = engines(folder)
    wait_for(lambda: counts(folder).read == 10)
    topic.delete()
    topic.make()
    topic.send(0, lines(0, 20))  # longer than the old one: the offset alone would not tell
    expected = f"topic `{topic.name}` was deleted and made again: `{topic.name}/0` was read up to offset "
    assert expected in refused(engine)
    engine.start()
    assert expected in refused(engine)


@pytest.mark.parametrize("start", ["earliest", "latest"])
def test_partitions_added_in_a_run_and_between_runs_are_read_from_their_beginning(
    broker: Broker, topics: Topics, tmp_path: Path, engines: Engines, start: str
):
    topic = topics(broker)
    topic.send(0, lines(0, 10))
    old = 10 if start == "earliest" else 0
    folder = topic.workspace(tmp_path, stream=STEADY | {"start": f'"{start}"'})
    engine = engines(folder)
    wait_for(lambda: positions(folder) == 1)
    topic.send(0, lines(10, 20))
    wait_for(lambda: counts(folder).read == old + 10)
    topic.grow(2)
    topic.send(1, lines(10, 20, "c2"))
    wait_for(lambda: counts(folder).read == old + 20, within_s=20)
    assert engine.stop() == 0
    topic.grow(3)
    topic.send(2, lines(10, 20, "c3"))
    engine.start()
    wait_for(everything_closed(folder, old + 30))
    assert engine.stop() == 0


def positions(folder: Path) -> int:
    """Splits whose position is kept."""
    if not (folder / ".yeoul/state.db").exists():
        return 0
    with closing(read_state(folder / ".yeoul")) as state:
        return int(state.db.execute("SELECT count(*) FROM split").fetchone()[0])


def test_a_wrong_name_lists_the_topics_there_are_and_a_first_start_stays_one(
    broker: Broker, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(broker)
    topic.send(0, lines(0, 10))
    folder = topic.workspace(tmp_path, stream={"start": '"latest"'})
    toml = folder / "yeoul.toml"
    right = toml.read_text()
    toml.write_text(right.replace(f'"{topic.name}"', f'"{topic.name}x"'))
    engine = engines(folder)
    said = refused(engine)
    assert f"has no topic `{topic.name}x`; its topics: " in said
    assert f"`{topic.name}`" in said
    assert "did you mean" in said
    # had the failed start left positions, what is new to them would be read from the beginning
    toml.write_text(right)
    engine.start()
    wait_for(lambda: positions(folder) == 1)
    topic.send(0, lines(10, 13))
    wait_for(lambda: counts(folder).read == 3)
    assert engine.stop() == 0
