"""Both engines on one topic whose messages come twice at times, and whose broker goes away in the middle."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.events import iso, parse_iso
from yeoul.flows.spark.jobs import spark_plan
from yeoul.settings import load_workspace
from yeoul.streams.spark import JobOptions, TopicRead
from yeoul.testing.broker import Broker
from yeoul.testing.processes import EngineProcess, counts, wait_for
from yeoul.testing.results import exported
from yeoul.testing.two_engines import CLOSED_S, PARTITIONS, WHOLE, partition_rows, two_engines, windows_of

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(240)]

MessagesOf = Callable[..., list[Message]]
Sent = list[tuple[int, bytes]]
S = 1_000_000
AWAY, BACK = "no broker answers at", "a broker answers at"


def twice_at_times() -> Sent:
    """Rows by partition, in the order in which they are sent; of every twenty one comes again by another partition."""
    draw = random.Random(1)
    found: Sent = []
    for turn in zip_longest(*(partition_rows(number, 400) for number in range(PARTITIONS))):
        for number, row in enumerate(turn):
            if row is not None:
                found.append((number, row))
                if draw.random() < 0.05:
                    found.append(((number + 1) % PARTITIONS, row))
    return found


def send(bootstrap: str, sent: Iterable[tuple[int, bytes]]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "log_level": 0})
    for partition, row in sent:
        producer.produce("rows", row, partition=partition)
    assert producer.flush(60) == 0


def counted_once(sent: Sent) -> Counter[tuple[str, str, int]]:
    """How many rows each window has, by an independent count."""
    found: Counter[tuple[str, str, int]] = Counter()
    ids = set()
    for _, row in sent:
        if not row.strip() or row == b"no JSON":
            continue
        whole = json.loads(row)
        fields = whole["_source"]["@fields"]
        params = fields["params"]
        at_us = parse_iso(whole["_source"]["@timestamp"])
        wrong = fields["seconds"] == "long" or fields.get("kind") == "ping"
        in_time = (CLOSED_S - 120) * S <= at_us < CLOSED_S * S
        if not wrong and in_time and whole["id"] not in ids:
            ids.add(whole["id"])
            found[iso(at_us - at_us % (10 * S)), params["customer"], int(params["title"])] += 1
    return found


def test_repeats_count_once_and_a_broker_that_goes_away_is_told_and_costs_nothing(
    brokers: Callable[..., Broker],
    submits: Callable[..., Any],
    engines: Callable[..., EngineProcess],
    messages_of: MessagesOf,
    tmp_path: Path,
):
    broker = brokers().start()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    for made in admin.create_topics([NewTopic("rows", PARTITIONS, 1), NewTopic("windows", 1, 1)]).values():
        made.result(30)
    source = f'{{ kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "rows" }}'
    # who writes is silent while the broker is away, and no longer: that closes no window
    patient = '"10s"\nidle_timeout = "10m"'
    local, ours = (two_engines(tmp_path / name, source, patient) for name in ("local", "spark"))
    sent = twice_at_times()
    half = len(sent) // 2
    blank = sum(not row.strip() for _, row in sent)

    send(broker.bootstrap, sent[:half])
    job = submits(ours, "--out", "windows", "--rows-per-batch", "200", "--json")
    engine = engines(local)
    wait_for(lambda: len(job.batches) >= 2 and counts(local).read > 0, within_s=120)
    broker.freeze()  # connections stay, answers do not come
    seconds = wait_for(lambda: AWAY in job.said, within_s=20)
    assert seconds < 10, seconds
    broker.kill()
    broker.start()
    wait_for(lambda: BACK in job.said, within_s=20)
    send(broker.bootstrap, sent[half:])

    expected = counted_once(sent)
    written: list[bytes] = []

    def all_published() -> bool:
        written[:] = [message.value() for message in messages_of(broker.bootstrap, "windows")]
        return windows_of(written).keys() >= expected.keys()

    wait_for(all_published, every_s=1)
    wait_for(lambda: counts(local).read == len(sent) - blank)
    assert engine.stop() == 0
    theirs = windows_of((exported(local) / "windows.ndjson").read_bytes().splitlines())
    spark = windows_of(written)
    assert {key: each["rows"] for key, each in theirs.items()} == expected
    assert whole(spark) == whole(theirs)
    assert len(set(written)) == len(spark)  # what comes again is the same
    assert counts(local).duplicate > 0.05 * len(sent)

    # a stop while nobody answers does not wait for the broker
    broker.kill()
    assert wait_for(lambda: job.said.count(AWAY) == 2, within_s=20) < 10
    begun = time.monotonic()
    assert job.stop() == 0
    assert time.monotonic() - begun < 15
    assert (job.said.count(AWAY), job.said.count(BACK)) == (2, 1)
    assert json.loads(job.out)["ledger"]["hits"]["read"] == len(sent) - blank


def whole(windows: dict[Any, dict[str, Any]]) -> dict[Any, list[Any]]:
    return {key: [each[name] for name in WHOLE] for key, each in windows.items()}


def test_what_spark_gave_up_is_running_until_it_goes_on_and_tells_of_every_row(
    spark: Any, brokers: Callable[..., Broker], tmp_path: Path
):
    from yeoul.streams.spark.job import StreamJob  # noqa: PLC0415  (imports PySpark)

    broker = brokers().start()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    admin.create_topics([NewTopic("rows", PARTITIONS, 1)])["rows"].result(30)
    home = two_engines(tmp_path, f'{{ kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "rows" }}')
    plan = spark_plan(load_workspace(home).plan().streams[0])
    assert isinstance(plan.source, TopicRead)
    quick = {"default.api.timeout.ms": "1000", "request.timeout.ms": "500"}  # it gives up in seconds
    plan = replace(plan, source=replace(plan.source, settings=(*plan.source.settings, *quick.items())))
    job = StreamJob(spark, plan, JobOptions(f"{home}/checkpoint", None, f"{home}/out", "yeoul.windows/1"))
    told: Counter[str] = Counter()

    def kept_up() -> bool:
        gave_up = job.gave_up()
        job.tell(lambda batch: told.update(batch.classes))
        return gave_up and job.go_on()

    try:
        for turn in (1, 2):
            rows = [(number, row) for number in range(PARTITIONS) for row in partition_rows(number, 9)]
            send(broker.bootstrap, rows)
            every = turn * sum(bool(row.strip()) for _, row in rows)
            wait_for(lambda every=every: not kept_up() and told["read"] >= every, within_s=120)
            assert told["read"] == every
            if turn == 1:
                broker.kill()
                wait_for(lambda: not job.queries[0].isActive, within_s=120, every_s=0)
                assert job.running
                wait_for(kept_up, every_s=0)
                broker.start()
                # it looks for rows and finds none: that is not the batch that they come in
                wait_for(lambda: not kept_up() and job.queries[0].recentProgress, within_s=120)
    finally:
        job.stop(0.0)
