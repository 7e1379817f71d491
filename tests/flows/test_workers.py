"""Windows sent in shards and put together again: what follows them finds what it finds beside the engine."""

from __future__ import annotations

import itertools
import json
import random
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from yeoul.clock import SystemClock
from yeoul.errors import ConfigError, SourceError
from yeoul.events import iso
from yeoul.flows.engine import Engine
from yeoul.flows.plan import Plan
from yeoul.flows.results.outgoing import COMPLETE, Outgoing, Record
from yeoul.flows.results.shards import Shards
from yeoul.flows.workers import counting, workloads
from yeoul.flows.workers.assembly import Counts
from yeoul.flows.workers.keeping import newest_kept, to_keep
from yeoul.flows.workers.shard import Shard
from yeoul.ingest.kafka import Read
from yeoul.settings import load_workspace
from yeoul.store import scratch_state
from yeoul.testing.mixed import CUSTOMERS, mixed_workspace
from yeoul.testing.workspaces import plain_line, plain_workspace

BLOCKS = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "hits"
persist = "1 of 1"
alarms_per_day = 500

[rank.hot]
stream = "hits"
by = ["title"]
within = ["customer"]
value = "plays"

[sink.out]
kind = "kafka"
bootstrap = "nowhere:9092"
topics = { windows = "w", findings = "f", incidents = "i", rankings = "r" }
shard_by = ["customer"]
"""
START_US = 1_767_225_600_000_000
STREAM = {"allowed_lateness": '"1m"', "window": '"10s"'}


def log(folder: Path) -> None:
    """Two and a half hours of five customers; some burst, a few rows are late, and for a while there are none."""
    rng = random.Random(3)
    lines = []
    for second in range(9000):
        if 4000 <= second < 4200:
            continue
        for _ in range(rng.randrange(3, 7)):
            customer = f"c{rng.randrange(5)}"
            at_us = START_US + second * 1_000_000 - (rng.random() < 0.01) * 25_000_000
            lines.append(plain_line(at_us, customer, f"m{rng.randrange(6)}", rng.randrange(3, 7)))
        if second % 1500 in range(700, 720):
            lines += [plain_line(START_US + second * 1_000_000, f"c{second // 1500 % 5}", "m1", 30)] * 6
    (folder / "logs" / "a.ndjson").write_bytes(b"".join(lines))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = plain_workspace(tmp_path_factory.mktemp("shop"), stream=STREAM, extra=BLOCKS)
    log(folder)
    return load_workspace(folder).plan()


@pytest.fixture(scope="module")
def sent(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Record]]:
    """What the engine's sink sends of each kind, windows in three shards; read in small pieces."""
    [found] = sent_by_each(plan, tmp_path_factory.mktemp("state")).values()
    return found


def sent_by_each(plan: Plan, folder: Path) -> dict[str, dict[str, list[Record]]]:
    """What the engine sends to each of its sinks, by kind."""
    state = scratch_state(folder)
    engine = Engine(plan, state, SystemClock(), live=True)
    engine.load()
    engine.poll()
    while engine.step():
        engine.advance()
        engine.commit()
    found = {}
    for sink in plan.result_sinks:
        shards = Shards(sink.shard_by, [each.spec for each in plan.streams], 3)
        kinds: dict[str, list[Record]] = {"windows": [], "findings": [], "rankings": []}
        outgoing = Outgoing(state, plan, frozenset(kinds), shards)
        for each in read_out(outgoing):
            kinds["windows" if each.kind == COMPLETE else each.kind].append(each)
        found[sink.name] = kinds
    engine.close()
    return found


def read_out(outgoing: Outgoing) -> Iterator[Record]:
    number = 0
    while True:
        reached, records = outgoing.after(number)
        if reached == number:
            return
        number = reached
        yield from records


def message(record: Record) -> tuple[bytes, bytes]:
    assert record.value is not None
    return f"yeoul.{record.kind}/1".encode(), record.value


def partitions(records: list[Record]) -> dict[int, list[Record]]:
    return {number: [each for each in records if each.partition == number] for number in range(3)}


def shard_of(
    plan: Plan, part: Any, numbers: list[int], shards: int, told: list[str] | None = None, sink: str = "out"
) -> Shard:
    [load] = [each for each in workloads(plan, part) if each.sink.name == sink]
    return Shard(plan, load, numbers, shards, SystemClock(), (told if told is not None else []).append)


def read(shard: Shard, messages: Iterator[tuple[int, int, Record]]) -> list[Record]:
    """All results of a shard; each message comes with partition and offset."""
    for partition, offset, each in messages:
        shard.take(*message(each), partition, offset)
    return due(shard)


def due(shard: Shard) -> list[Record]:
    found: list[Record] = []
    while True:
        number, records = shard.due()
        if number == shard.sent:
            return found
        found += records
        shard.book(number)


def all_of(records: list[Record]) -> Iterator[tuple[int, int, Record]]:
    """Messages of all partitions, each in its order, mixed."""
    rng = random.Random(5)
    waiting = {number: list(enumerate(each)) for number, each in partitions(records).items()}
    while waiting:
        number = rng.choice(sorted(waiting))
        for _ in range(rng.randrange(1, 400)):
            if waiting[number]:
                yield (number, *waiting[number].pop(0))
        if not waiting[number]:
            del waiting[number]


def one_of(records: list[Record], number: int) -> Iterator[tuple[int, int, Record]]:
    return ((number, offset, each) for offset, each in enumerate(partitions(records)[number]))


def values(records: list[Record]) -> dict[str, bytes | None]:
    found = {each.id: each.value for each in records}
    assert len(found) == len(records)
    return found


def outcome(records: Iterable[Record]) -> tuple[dict[str, bytes | None], dict[bytes, bytes | None]]:
    """Findings by id, of which a repeat says the same; incidents as they are said last."""
    findings: dict[str, bytes | None] = {}
    incidents: dict[bytes, bytes | None] = {}
    for each in records:
        if each.kind == "incidents":
            incidents[each.key] = each.value
        else:
            assert findings.setdefault(each.id, each.value) == each.value
    return findings, incidents


def test_of_all_partitions_together_detectors_find_what_they_find_beside_the_engine(
    plan: Plan, sent: dict[str, list[Record]]
):
    shard = shard_of(plan, "detect", [0, 1, 2], 1)
    found = read(shard, all_of(sent["windows"]))
    assert len(sent["findings"]) > 20
    assert values([each for each in found if each.kind == "findings"]) == values(sent["findings"])
    shard.close()


MIXED = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "plays"
persist = "1 of 1"
alarms_per_day = 500

[detect.devices]
stream = "hits"
by = ["device", "trial"]
value = "hits"
persist = "1 of 1"
alarms_per_day = 500

[rank.hot]
stream = "hits"
by = ["customer"]
within = ["trial"]
value = "plays"

[calendar.works]
from = "2026-01-01T00:50"
until = "2026-01-01T01:20"
keys = "7/*"
watch = ["devices"]

[sink.out]
kind = "kafka"
bootstrap = "nowhere:9092"
topics = { windows = "w", findings = "f", incidents = "i", rankings = "r" }
shard_by = ["customer"]

[sink.other]
kind = "kafka"
bootstrap = "nowhere:9092"
topics = { windows = "w-devices", findings = "f" }
shard_by = ["device"]
"""


@pytest.mark.slow
def test_two_sinks_sliding_windows_keys_of_all_types_and_a_calendar_change_nothing(tmp_path: Path):
    folder = mixed_workspace(tmp_path / "mixed", extra=MIXED, start_us=START_US, span_s=5400)
    plan = load_workspace(folder).plan()
    sent = sent_by_each(plan, tmp_path / "state")

    found: dict[str, list[Record]] = {"findings": [], "rankings": []}
    for sink, part in (("out", "detect"), ("other", "detect"), ("out", "rank")):
        shard = shard_of(plan, part, [0, 1, 2], 1 if part == "detect" else 3, sink=sink)
        for each in read(shard, all_of(sent[sink]["windows"])):
            found.setdefault(each.kind, []).append(each)
        shard.close()
    expected = sent["out"]["findings"]
    said = [json.loads(each.value or b"") for each in expected]
    assert {each["muted"] for each in said} == {None, "works"}
    assert {each.get("customer") for each in said} >= {*CUSTOMERS[:3], None}
    assert values(found["findings"]) == values(expected)
    assert len(sent["out"]["rankings"]) > 10
    assert values(found["rankings"]) == values(sent["out"]["rankings"])


def test_rankings_are_those_beside_the_engine_revisions_included(plan: Plan, sent: dict[str, list[Record]]):
    revised = [each for each in sent["windows"] if each.value and b'"revision":1' in each.value]
    assert len(revised) > 20
    shard = shard_of(plan, "rank", [0, 1, 2], 3)
    found = read(shard, all_of(sent["windows"]))
    assert len(sent["rankings"]) > 50
    assert values(found) == values(sent["rankings"])
    shard.close()


def test_each_group_is_in_the_shard_of_its_customer_and_each_shard_hears_of_each_window(sent: dict[str, list[Record]]):
    ends: dict[int, list[tuple[str, int]]] = {}
    for each in sent["windows"]:
        members = json.loads(each.value or b"")
        if each.kind == COMPLETE:
            ends.setdefault(each.partition, []).append((members["window_start"], members["revision"]))
            assert (members["shard"], members["shards"]) == (each.partition, 3)
        else:
            assert each.partition == zlib.crc32(json.dumps(members["customer"]).encode()) % 3
    assert ends[0] == ends[1] == ends[2]
    assert len(set(ends[0])) == len(ends[0]) > 500


@pytest.mark.slow
def test_who_goes_on_from_a_snapshot_finds_the_same_with_the_same_ids(plan: Plan, sent: dict[str, list[Record]]):
    messages = list(one_of(sent["windows"], 1))
    whole = shard_of(plan, "detect", [1], 3)
    expected = read(whole, iter(messages))
    assert expected
    shard = shard_of(plan, "detect", [1], 3)
    found = read(shard, iter(messages[: len(messages) // 2]))
    block, position = shard.snapshot() or b"", shard.assembly.position[1]
    shard.close()
    for until in (position + 500, len(messages)):  # the first one who goes on is killed before it has kept anything
        shard = shard_of(plan, "detect", [1], 3)
        shard.restore(block)
        found += read(shard, iter(messages[position:until]))
        shard.close()
    assert outcome(found) == outcome(expected)
    assert len({each.id for each in found}) < len(found)
    whole.close()


def gathered(records: list[Record], number: int, windows: int) -> Iterator[Record]:
    """Messages of a partition as Spark sends them: groups of some windows mixed, then that each is complete."""
    rng = random.Random(9)
    groups: list[Record] = []
    ends: list[Record] = []
    for each in partitions(records)[number]:
        if b'"revision":0' in (each.value or b""):
            (ends if each.kind == COMPLETE else groups).append(each)
        if len(ends) == windows:
            rng.shuffle(groups)
            yield from [*groups, *ends]
            groups, ends = [], []


@pytest.mark.slow
def test_who_goes_on_amid_windows_that_were_sent_together_misses_no_group(plan: Plan, sent: dict[str, list[Record]]):
    messages = [(1, offset, each) for offset, each in enumerate(gathered(sent["windows"], 1, 7))]
    told: list[str] = []
    whole, shard = (shard_of(plan, "detect", [1], 3, told) for _ in range(2))
    expected = read(whole, iter(messages))
    assert expected
    ends = [at for at in range(1, len(messages)) if messages[at][2].kind == messages[at - 1][2].kind == COMPLETE]
    until = ends[len(ends) // 2]  # behind the first of some windows that are complete
    found = read(shard, iter(messages[:until]))
    block, position = shard.snapshot() or b"", shard.assembly.position[1]
    shard.close()
    shard = shard_of(plan, "detect", [1], 3, told)
    shard.restore(block)
    found += read(shard, iter(messages[position:]))
    assert told == []
    assert outcome(found) == outcome(expected)
    assert shard.assembly.position[1] == len(messages)
    shard.close()
    whole.close()


@pytest.mark.slow
def test_what_comes_again_after_a_kill_of_who_sent_it_changes_nothing(plan: Plan, sent: dict[str, list[Record]]):
    messages = [each for _, _, each in one_of(sent["windows"], 2)]
    rng = random.Random(7)
    again: list[Record] = []
    at = 0
    while at < len(messages):
        end = at + rng.randrange(1, 900)
        again += messages[at:end]
        at = max(0, min(end, len(messages)) - rng.randrange(300)) if end < len(messages) else end
    assert len(again) > 1.1 * len(messages)
    told: list[str] = []
    once, often = shard_of(plan, "detect", [2], 3), shard_of(plan, "detect", [2], 3, told)
    expected = read(once, ((2, offset, each) for offset, each in enumerate(messages)))
    assert outcome(read(often, ((2, offset, each) for offset, each in enumerate(again)))) == outcome(expected)
    assert told == []
    once.close()
    often.close()


@pytest.mark.slow
def test_windows_that_are_missing_are_not_taken_for_silence(plan: Plan, sent: dict[str, list[Record]]):
    messages = list(one_of(sent["windows"], 0))
    gone, back = (len(messages) * share // 100 for share in (60, 80))
    shard = shard_of(plan, "detect", [0], 3)
    found = read(shard, itertools.chain(messages[:gone], messages[back:]))
    before, after = (json.loads(messages[at][2].value or b"")["window_start"] for at in (gone - 1, back))
    starts = [json.loads(each.value or b"")["window_start"] for each in found if each.kind == "findings"]
    assert not [each for each in starts if before < each < after]
    assert [each for each in starts if each < before]
    shard.close()


@pytest.mark.slow
def test_groups_that_are_missing_make_a_window_partly_covered_and_are_told(plan: Plan, sent: dict[str, list[Record]]):
    messages = list(one_of(sent["windows"], 0))
    gone = next(at for at in range(3000, len(messages)) if messages[at][2].kind == "windows")
    told: list[str] = []
    shard = shard_of(plan, "detect", [0], 3, told)
    read(shard, iter(messages[:gone] + messages[gone + 1 : gone + 200]))
    assert len(told) == 1
    assert "groups are in partition 0; it counts as partly covered" in told[0]
    shard.close()


def test_what_a_shard_has_learnt_is_not_kept_while_something_that_it_found_is_not_sent(
    plan: Plan, sent: dict[str, list[Record]]
):
    shard = shard_of(plan, "detect", [1], 3)
    assert shard.snapshot()
    for partition, offset, each in one_of(sent["windows"], 1):
        shard.take(*message(each), partition, offset)
    assert shard.snapshot() is None
    assert due(shard)
    assert shard.snapshot()
    shard.close()


def kept(taken: int, slot: int, block: bytes) -> list[Read]:
    """What the topic has of a block that was kept."""
    batch = to_keep(block, "kept", 0, declared="d", taken=taken, slot=slot, topic_id=None, most_bytes=900_000)
    return [
        Read(0, 0, each.key, each.value, {name: bytes(said) for name, said in each.headers})  # type: ignore[arg-type]  # they are bytes here
        for each in batch
    ]


def test_two_workers_that_keep_a_slot_at_once_do_not_mix_what_they_keep():
    size = 1_000_000
    before, ours, theirs = kept(5, 0, b"b" * size), kept(6, 1, b"o" * size), kept(6, 1, b"t" * size)
    assert len(before) == len(ours) == len(theirs) == 2
    mixed = [*before, ours[0], *theirs, ours[1]]
    found = newest_kept(mixed, "d")
    assert found in {(b"o" * size, 1, None), (b"t" * size, 1, None)}
    compacted = [*before, theirs[0], ours[1]]
    assert newest_kept(compacted, "d") == (b"b" * size, 0, None)
    assert newest_kept(mixed, "another") is None


def test_keys_that_do_not_come_again_leave_nothing_behind(plan: Plan):
    counts = Counts(plan.streams[0])
    for at in range(1000):
        counts.part({(f"c{at}", "m"): (1, 1)}, at)
        counts.forget(at - 10)
    customers = counts.keys["customer"]
    assert len(customers) < 20
    assert len(customers.take_new()) < 20


def test_a_topic_that_has_grown_or_is_of_something_else_is_refused(plan: Plan, sent: dict[str, list[Record]]):
    [first, *_] = [each for each in sent["windows"] if each.kind == COMPLETE]
    shard = shard_of(plan, "detect", [0], 3)
    shard.take(*message(first), 0, 0)
    grown = replace(first, value=(first.value or b"").replace(b'"shards":3', b'"shards":4'))
    with pytest.raises(SourceError, match="were in 3 shards and are in 4 now"):
        shard.take(*message(grown), 0, 1)
    with pytest.raises(SourceError, match=r"got messages of `yeoul.windows/2`; legal: version 1"):
        shard.take(b"yeoul.windows/2", b"{}", 0, 2)
    with pytest.raises(SourceError, match="message 3 of partition 0 has no header `schema`"):
        shard.take(b"", b"{}", 0, 3)
    shard.close()


def test_a_topic_without_shards_is_refused_before_it_fills_memory(plan: Plan):
    shard = shard_of(plan, "detect", [0], 3)

    def feed() -> None:
        group = {"stream": "hits", "customer": "c", "title": "t", "plays": 1, "hits": 1, "revision": 0}
        for at in range(25_000):
            group["window_start"] = iso(START_US + at * 10_000_000)
            shard.take(b"yeoul.windows/1", json.dumps(group).encode(), 0, at)

    with pytest.raises(SourceError, match="none was said to be complete"):
        feed()
    shard.close()


@pytest.mark.parametrize(
    ("old", "new", "part", "said"),
    [
        (
            'shard_by = ["customer"]',
            "",
            "detect",
            "no sink has shards: a worker needs all windows of a key in one shard",
        ),
        ('shard_by = ["customer"]', 'shard_by = ["title"]', "detect", "`out` by `title`"),
        (', findings = "f", incidents = "i"', "", "detect", "no topic for what `\\[detect.customers\\]` finds"),
        ('value = "hits"', 'value = "titles"', "detect", "rolls up `distinct\\(title\\)`"),
        ("[rank.hot]", "[rank2.hot]", "rank", "unknown section"),
    ],
)
def test_a_workspace_whose_windows_a_worker_cannot_follow_is_refused(
    tmp_path: Path, old: str, new: str, part: Any, said: str
):
    stream = {"aggregates": '{ plays = "count()", hits = "sum(n)", titles = "distinct(title)" }'}
    assert old in BLOCKS
    folder = plain_workspace(tmp_path, stream=stream, extra=BLOCKS.replace(old, new))
    with pytest.raises(ConfigError, match=said):
        workloads(load_workspace(folder).plan(), part)


def test_who_counts_neither_detects_nor_ranks(plan: Plan):
    assert not counting(plan).detects
    assert not counting(plan).ranks
    assert counting(plan).streams == plan.streams
