"""Disorder, late rows and silence: what Spark makes of them, beside the local engine on the same topic."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
from yeoul.testing.broker import Broker
from yeoul.testing.results import rows_of
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(240)]

S = 1_000_000
START = 1_772_449_800 * S
Run = Callable[..., tuple[list[bytes], Counter[str]]]
Rows = list[tuple[int, bytes]]


@pytest.fixture
def workspace(broker: Broker, tmp_path: Path) -> Callable[[str], Path]:
    """Workspaces on a topic, each in a folder of its own: windows of 4 s, a delay of 10 s."""

    def make(topic: str, name: str = "shop") -> Path:
        members = f'kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "{topic}"'
        stream = {"source": f"{{ {members} }}", "where": "\"title <> 'ping'\"", "delay": '"10s"'}
        return plain_workspace(tmp_path / name, stream=stream)

    return make


def row(at_s: float, draw: random.Random) -> bytes:
    return plain_line(START + round(at_s * S), f"c{draw.randrange(5)}", f"m{draw.randrange(9)}", draw.randrange(9))


def pings(at_s: float, partitions: Iterable[int]) -> Rows:
    """Heartbeats, as many as the local engine wants to believe in a jump."""
    ping = [plain_line(START + round(at_s * S), f"c{number}", "ping") for number in range(8)]
    return [(partition, line) for partition in partitions for line in ping]


def local(home: Path) -> tuple[list[str], dict[str, int]]:
    replay(load_workspace(home).plan(), home / "local")
    ledger = json.loads((home / "local/ledger.json").read_text())["hits"]["total"]
    return as_members([json.dumps(each).encode() for each in rows_of(home / "local/windows.ndjson")]), ledger


def as_members(lines: list[bytes]) -> list[str]:
    return sorted(json.dumps(json.loads(line)) for line in lines)


def plays(lines: list[bytes]) -> int:
    return sum(json.loads(line)["plays"] for line in lines)


def ends(lines: list[bytes]) -> set[str]:
    return {json.loads(line)["window_end"][14:19] for line in lines}


def test_disorder_up_to_the_delay_makes_nothing_late_at_any_speed(
    run_on_spark: Run, send: Callable[..., None], topic: Callable[..., str], workspace: Callable[..., Path]
):
    name, draw = topic(4), random.Random(7)
    # ten rows a second in each of four partitions, out of order by less than 2 s; the last one is 8 s behind
    sent = [
        (partition, row(at / 10 - draw.uniform(0, 1.9) - (8 if partition == 3 else 0), draw))
        for at in range(300)
        for partition in range(4)
    ]
    send(name, [*sent, *pings(90, range(4))])
    slow, quick, once = (workspace(name, each) for each in ("slow", "quick", "once"))
    results = [run_on_spark(home, rows_per_batch=size) for home, size in ((slow, 200), (quick, 600), (once, 100_000))]
    expected, ledger = local(slow)
    assert ledger["counted"] == len(sent)
    for lines, book in results:
        assert book["timely"] == plays(lines) == len(sent)
        assert as_members(lines) == expected
    assert len({tuple(sorted(lines)) for lines, _ in results}) == 1  # byte for byte


def test_rows_that_are_late_by_a_second_count_and_those_late_for_good_do_not(
    run_on_spark: Run, send: Callable[..., None], topic: Callable[..., str], workspace: Callable[..., Path]
):
    name, draw = topic(2), random.Random(8)
    in_time = [(at % 2, row(at / 10, draw)) for at in range(400)]
    late = [
        (number % 2, row(39 - by_s - draw.random(), draw)) for by_s, count in LATE.items() for number in range(count)
    ]
    home = workspace(name)
    send(name, in_time)
    run_on_spark(home)
    send(name, [*late, *pings(100, range(2))])
    lines, book = run_on_spark(home)
    beyond = LATE[30] + LATE[3600]
    assert plays(lines) == len(in_time) + LATE[1]
    expected, ledger = local(home)
    assert as_members(lines) == expected
    assert (ledger["late"], ledger["counted"]) == (beyond, len(in_time) + LATE[1])
    # Spark cannot say which they are, yet they are in its sum
    assert "late" not in book
    assert book["timely"] == len(late)

    # where it differs, as the page on Spark says: of what is read in one batch nothing is late
    in_one_batch, _ = run_on_spark(workspace(name, "at once"), rows_per_batch=100_000)
    assert plays(in_one_batch) == len(in_time) + len(late)


LATE = {1: 20, 30: 12, 3600: 7}
"""How many rows are late, by seconds."""


def test_silence_leaves_the_last_windows_open_until_a_heartbeat_and_a_silent_partition_holds_nobody_back(
    run_on_spark: Run, send: Callable[..., None], topic: Callable[..., str], workspace: Callable[..., Path]
):
    name, draw = topic(8), random.Random(9)
    home = workspace(name)
    every = [(partition, row(at / 2, draw)) for at in range(44) for partition in range(8)]  # to the middle of 20..24
    send(name, every)
    closed, _ = run_on_spark(home)
    assert ends(closed) == {"10:04", "10:08"}  # by 21.5 s less 10 s

    # all are silent: nothing closes
    again, _ = run_on_spark(home)
    assert again == closed

    # seven go on: the eighth does not hold them back
    seven = [(partition, row(at / 2, draw)) for at in range(44, 80) for partition in range(7)]
    send(name, seven)
    closed, _ = run_on_spark(home)
    assert ends(closed) == {"10:04", "10:08", "10:12", "10:16", "10:20", "10:24", "10:28"}
    assert plays(closed) == len(every) + 7 * (2 * 28 - 44)

    # a heartbeat in one of them closes all
    send(name, pings(60, [2]))
    closed, _ = run_on_spark(home)
    assert plays(closed) == len(every) + len(seven)

    # the eighth comes back with what is old, and with what is not: the old rows are late, the others count
    old, new = [(7, row(22 + at / 2, draw)) for at in range(20)], [(7, row(61 + at / 2, draw)) for at in range(6)]
    send(name, [*old, *new, *pings(90, [7])])
    closed, book = run_on_spark(home)
    assert plays(closed) == len(every) + len(seven) + len(new)
    assert book["timely"] == len(old) + len(new)
