"""What `explain`, `doctor`, the live message and a damaged state say of a topic."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from yeoul.errors import InputError
from yeoul.flows.doctor import workspace_checks
from yeoul.flows.explain import explain
from yeoul.settings import load_workspace
from yeoul.testing.broker import Broker
from yeoul.testing.consoles import ConsoleProcess, hear
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.workspaces import plain_line

pytestmark = [pytest.mark.services, pytest.mark.slow]

Engines = Callable[..., EngineProcess]
Topics = Callable[..., Any]
S = 1_000_000
START = 1_772_449_800 * S
QUICK = {"window": '"1s"', "delay": '"1s"'}


def lines(first: int, last: int, customer: str = "c1") -> list[bytes]:
    return [plain_line(START + at * S, customer) for at in range(first, last)]


def test_explain_says_of_a_message_what_became_of_it(broker: Broker, topics: Topics, tmp_path: Path, engines: Engines):
    topic = topics(broker, 2)
    topic.send(0, lines(0, 30))
    topic.send(1, [*lines(0, 30), b"oops", *lines(2, 3, "slow"), None])
    folder = topic.workspace(tmp_path, stream=QUICK)
    plan = load_workspace(folder).plan()
    at = f"{topic.name}/1@"
    assert explain(plan, at + "3").kind == "not read"
    engine = engines(folder)
    wait_for(everything_closed(folder, 62))
    assert engine.stop() == 0
    topic.send(1, lines(40, 41))

    counted = explain(plan, at + "5")
    assert (counted.kind, counted.sure, counted.line, counted.offset) == ("counted", True, None, 5)
    assert [(window.closed, window.values) for window in counted.windows] == [(True, {"plays": 2, "hits": 2})]
    invalid = explain(plan, at + "30")
    assert (invalid.kind, invalid.raw) == ("invalid", "oops")
    assert invalid.quarantine
    assert explain(plan, at + "31").kind == "late"
    assert explain(plan, at + "32").why == "no row: the message is blank; it is in no class of the ledger"
    unread = explain(plan, at + "33")
    assert unread.why == "it lies beyond message 32, up to which the partition was read at the last checkpoint"

    command = [sys.executable, "-m", "yeoul.cli", "explain", str(folder), at + "5"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"{topic.name}/1 message 5: stream `hits`, split {topic.name}/1\ncounted: ")
    for position, legal in (
        (at + "99", "legal: 0 to 33"),
        (f"{topic.name}/7@0", "legal: 0, 1"),
        (f"{topic.name}/1:5", f"legal: the offset of a message, as in `{topic.name}/1@5`"),
        ("elsewhere/1@5", f"such as `{topic.name}/0@0`"),
    ):
        with pytest.raises(InputError, match=legal):
            explain(plan, position)


def found(folder: Path) -> list[tuple[str, str, str]]:
    checks = workspace_checks(load_workspace(folder).plan(), "127.0.0.1", 0)
    return [(check.status, check.found, check.advice) for check in checks if check.area == "stream hits"]


def test_the_doctor_finds_what_is_wrong_with_a_topic(broker: Broker, topics: Topics, tmp_path: Path):
    topic = topics(broker, 2)
    folder = topic.workspace(tmp_path)
    assert [(status, text.partition(" has ")[2]) for status, text, _ in found(folder)] == [
        ("warn", "2 partitions and no messages")
    ]
    topic.send(0, lines(0, 10))
    assert found(folder) == [("ok", f"`{topic.name}` at {broker.bootstrap} has 2 partitions and 10 messages", "")]
    topic.send(1, [b"oops"] * 10)
    status, text, _ = found(folder)[1]
    assert status == "fail"
    assert f"10 of the first 10 messages of {topic.name}/1 are no rows; the first: " in text

    toml = folder / "yeoul.toml"
    right = toml.read_text()
    toml.write_text(right.replace(f'"{topic.name}"', '"nowhere"'))
    (one,) = found(folder)
    assert one[0] == "fail"
    assert "has no topic `nowhere`; its topics: " in one[1]
    toml.write_text(right.replace(broker.bootstrap, "127.0.0.1:1"))
    assert found(folder) == [
        ("fail", "127.0.0.1:1 cannot be reached (Connection refused)", "start the broker or correct `bootstrap`")
    ]
    toml.write_text(right.replace(broker.bootstrap, f"127.0.0.1:1,{broker.bootstrap}"))
    assert [status for status, _, _ in found(folder)] == ["warn", "ok", "fail"]


@pytest.fixture
def consoles() -> Iterator[Callable[[Path], ConsoleProcess]]:
    made: list[ConsoleProcess] = []

    def start(folder: Path) -> ConsoleProcess:
        made.append(ConsoleProcess(folder))
        return made[-1]

    yield start
    for each in made:
        if each.running:
            each.kill()


def test_what_is_not_read_is_told_in_messages_and_seconds_live_to_pages_and_as_metrics(
    broker: Broker, topics: Topics, tmp_path: Path, consoles: Callable[[Path], ConsoleProcess]
):
    topic = topics(broker, 2)
    large = plain_line(START)[:-1] + b" " * 10_000
    topic.send(0, [large] * 20_000)
    folder = topic.workspace(tmp_path)
    console = consoles(folder)
    told: list[int] = []
    for message in hear(folder):
        stream = message["streams"]["hits"]
        if not stream["splits"]:
            continue
        told.append(stream["backlog_messages"])
        assert stream["backlog_messages"] == sum(split["backlog_messages"] for split in stream["splits"])
        assert stream["lag_s"] is None or stream["lag_s"] > 86_400
        if not told[-1]:
            break
    assert max(told) > 5_000
    assert told == sorted(told, reverse=True)

    page = httpx.get(f"{console.address}/api/pipeline").json()["streams"]["hits"]
    assert page["backlog_messages"] == 0
    assert [split["backlog_messages"] for split in page["splits"].values()] == [0, 0]
    figures = httpx.get(f"{console.address}/metrics").text
    assert 'yeoul_backlog_messages{stream="hits"} 0.0' in figures
    assert f'yeoul_split_backlog_messages{{split="{topic.name}/0",stream="hits"}} 0.0' in figures


def test_another_declaration_is_refused_with_the_messages_that_a_fresh_start_would_read(
    broker: Broker, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(broker)
    topic.send(0, lines(0, 30))
    folder = topic.workspace(tmp_path, stream=QUICK)
    engine = engines(folder)
    wait_for(lambda: counts(folder).read == 30)
    assert engine.stop() == 0
    toml = folder / "yeoul.toml"
    toml.write_text(toml.read_text().replace('keys = ["customer", "title"]', 'keys = ["customer"]'))
    engine.start()
    assert engine.ended_by() == 1
    assert f"a fresh start would read `{topic.name}/0` from message 0 to 29" in engine.said
