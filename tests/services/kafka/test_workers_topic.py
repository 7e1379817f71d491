"""What topics can do to workers: that of windows grows, is deleted, is made again; that of what is learnt goes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message

from yeoul.testing.broker import Broker
from yeoul.testing.processes import EngineProcess, counts, wait_for
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.slow]

Engines = Callable[..., EngineProcess]
START_US = 1_767_225_600_000_000
BLOCK = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "plays"
persist = "1 of 1"
alarms_per_day = 500
"""


def lines(begin_s: int, end_s: int) -> bytes:
    """Twelve customers, one of which bursts for some seconds every five minutes."""
    found = []
    for second in range(begin_s, end_s):
        burst = [f"c{second // 300 % 12}"] * 30 if second % 300 in range(100, 108) else []
        at_us = START_US + second * 1_000_000
        found += [plain_line(at_us, customer) for customer in [f"c{number}" for number in range(12)] * 2 + burst]
    return b"".join(found)


class Chain:
    """An engine that counts a log into a topic of windows, and what follows them."""

    def __init__(self, folder: Path, broker: Broker, topics: Callable[..., Any], engines: Engines) -> None:
        self.windows, self.findings = topics(broker, 2), topics(broker)
        sink = f"""[sink.out]
kind = "kafka"
bootstrap = "{broker.bootstrap}"
topics = {{ windows = "{self.windows.name}", findings = "{self.findings.name}" }}
shard_by = ["customer"]
"""
        self.folder = plain_workspace(folder, stream={"window": '"10s"'}, extra=BLOCK + sink)
        self.write(0, 2400)
        self.counter = engines(self.folder, part="count")
        self.worker = engines(self.folder, part="detect")

    def write(self, begin_s: int, end_s: int) -> None:
        """Write this part of the log."""
        with (self.folder / "logs" / "a.ndjson").open("ab") as log:
            log.write(lines(begin_s, end_s))

    def refused(self, within_s: float = 60) -> str:
        """The one sentence with which the worker ended."""
        assert self.worker.ended_by(within_s) == 1
        assert "Traceback" not in self.worker.said
        return self.worker.said.splitlines()[-1]


@pytest.fixture
def chain(
    broker: Broker,
    topics: Callable[..., Any],
    tmp_path: Path,
    engines: Engines,
    found: Callable[[Chain], list[tuple[str, bytes]]],
) -> Chain:
    """One that has found something."""
    made = Chain(tmp_path, broker, topics, engines)
    wait_for(lambda: len(found(made)) > 3)
    return made


@pytest.fixture
def found(broker: Broker, messages_of: Callable[..., list[Message]]) -> Callable[[Chain], list[tuple[str, bytes]]]:
    """Findings of a chain: when, and whole."""

    def read(chain: Chain) -> list[tuple[str, bytes]]:
        values = [each.value() or b"" for each in messages_of(broker.bootstrap, chain.findings.name)]
        return sorted((json.loads(value)["window_start"], value) for value in values)

    return read


def test_a_topic_that_grows_ends_workers_at_once_and_later(chain: Chain):
    chain.windows.grow(3)
    expected = f"topic `{chain.windows.name}` had 2 partitions and has 3 now: keys are no longer where"
    assert expected in chain.refused()
    chain.worker.start()
    assert f"has 2 of the 3 partitions that it needs, as many as `{chain.windows.name}` has" in chain.refused()


def test_a_topic_that_is_deleted_ends_workers(chain: Chain):
    chain.windows.delete()
    assert f"topic `{chain.windows.name}` was deleted: the broker at `" in chain.refused()
    chain.worker.start()
    assert f"has no topic `{chain.windows.name}`; its topics: " in chain.refused()


def test_a_topic_made_again_is_not_taken_for_the_old_one_and_another_group_begins_anew(
    chain: Chain, found: Callable[[Chain], list[tuple[str, bytes]]]
):
    before = found(chain)
    chain.windows.delete()
    chain.windows.make(2)
    expected = f"topic `{chain.windows.name}` was deleted and made again: what was learnt is of the one before; name"
    assert expected in chain.refused()
    chain.write(2400, 7200)  # longer than the old one: the offset alone would not tell
    wait_for(lambda: counts(chain.folder).read == len(lines(0, 7200).splitlines()))
    chain.worker.start()
    assert expected in chain.refused()
    assert found(chain) == before

    toml = chain.folder / "yeoul.toml"
    toml.write_text(toml.read_text() + 'group = "anew"\n')
    chain.worker.start()
    wait_for(lambda: len(found(chain)) > len(before) + 3)
    assert chain.worker.stop() == 0
    assert not {*found(chain)[len(before) :]} & {*before}
    assert all(start >= before[-1][0] for start, _ in found(chain)[len(before) :])


def test_without_what_was_learnt_it_begins_anew_and_what_comes_again_is_the_same(
    chain: Chain, found: Callable[[Chain], list[tuple[str, bytes]]]
):
    before = found(chain)
    kept = type(chain.windows)(chain.windows.broker, f"yeoul.detect.{chain.windows.name}")
    kept.delete()
    chain.write(2400, 4000)
    assert f"has no topic `{kept.name}`; its topics: " in chain.refused(within_s=100)  # a transaction has half a minute
    chain.worker.start()
    wait_for(lambda: min(Counter(found(chain))[each] for each in before) == 2)
    wait_for(lambda: len({*found(chain)}) > len(before))
    assert chain.worker.stop() == 0
