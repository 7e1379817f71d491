"""Replay of 1,000,000 events of 0.8 kB from a real topic, against bare loops of the client library on the same topic.

Every job is a process of its own; the broker runs beside it. Time is from the first fetch to the last result, processor
time that of all threads of the process; the best of `--runs` by processor time.
    python benchmarks/kafka/consume.py [--events 1000000] [--partitions 4] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.demo import ServiceConfig, write_sample
from yeoul.testing.broker import Broker
from yeoul.testing.workspaces import demo_workspace

TOPIC = "action-log"

PREPARE = """
import json, resource, sys, time
folder, bootstrap, topic, events = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return used.ru_utime + used.ru_stime, int(peak.split()[1]) / 1024
def done(rows, started, cpu):
    after, mb = spent()
    assert rows == events, rows
    print(json.dumps({{"s": time.perf_counter() - started, "cpu": after - cpu, "mb": mb}}))
{body}
"""

LOOP = """
from confluent_kafka import Consumer, TopicPartition
consumer = Consumer({{"bootstrap.servers": bootstrap, "group.id": "bare", "auto.offset.reset": "earliest",
                     "enable.auto.commit": False, "fetch.queue.backoff.ms": 10}})
{before}
cpu, _ = spent()
started = time.perf_counter()
partitions = consumer.list_topics(topic).topics[topic].partitions
consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
n = 0
while n < events:
    messages = consumer.consume(10_000, 1.0)
    n += len(messages)
{each}
done(n, started, cpu)
consumer.close()
"""

YEOUL = """
import tempfile
from dataclasses import replace
from pathlib import Path
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
plan = load_workspace(folder).plan()
plan = replace(plan, detects=(), ranks=())
with tempfile.TemporaryDirectory() as out:
    cpu, _ = spent()
    started = time.perf_counter()
    result = replay(plan, Path(out))
    done(result.ledger.read, time.perf_counter() - result.seconds, cpu)
"""

DECODER = """
import msgspec
Params = msgspec.defstruct("Params", [("cpk", str), ("base_mck", str), ("hit", int)], gc=False)
Fields = msgspec.defstruct("Fields", [("params", Params)], gc=False)
Source = msgspec.defstruct("Source", [("logdate", str), ("fields", Fields)], rename={"fields": "@fields"}, gc=False)
Line = msgspec.defstruct("Line", [("source", Source)], rename={"source": "_source"}, gc=False)
decode = msgspec.json.Decoder(Line).decode
"""

JOBS = {
    "yeoul replay from the topic: windows, ledger, checkpoints": YEOUL,
    "bare consumer loop that decodes (msgspec)": LOOP.format(
        before=DECODER, each="    for message in messages:\n        decode(message.value())"
    ),
    "bare consumer loop": LOOP.format(before="", each="    for message in messages:\n        message.value()"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder, "broker")) as broker:
        source = f'kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "{TOPIC}"'
        workspace = demo_workspace(Path(folder, "ws"), changes={'kind = "files", path = "logs/*.ndjson"': source})
        _fill(broker, Path(folder, "lines.ndjson"), options.events, options.partitions)
        best: dict[str, dict[str, float]] = {}
        for _ in range(options.runs):
            for name, job in JOBS.items():
                command = [sys.executable, "-c", PREPARE.format(body=job), str(workspace), broker.bootstrap, TOPIC]
                ran = subprocess.run([*command, str(options.events)], check=True, capture_output=True, text=True)
                found = json.loads(ran.stdout.splitlines()[-1])
                best[name] = min(best.get(name, found), found, key=lambda one: one["cpu"])
    peer = best["bare consumer loop that decodes (msgspec)"]
    print(f"{options.events:,} events from {options.partitions} partitions; ratios to the loop that decodes")
    for name, found in best.items():
        rate = options.events / found["s"]
        ratios = f"{peer['s'] / found['s']:5.2f}x wall, {peer['cpu'] / found['cpu']:5.2f}x per CPU second"
        print(f"{name:58} {rate:9,.0f}/s  {found['cpu']:6.2f} CPU s  {found['mb']:5.0f} MB  {ratios}")


def _fill(broker: Broker, path: Path, events: int, partitions: int) -> None:
    """The same lines as `make demo` writes, keyed by customer."""
    settings = {"bootstrap.servers": broker.bootstrap}
    admin = AdminClient(settings)
    admin.create_topics([NewTopic(TOPIC, partitions, 1)])[TOPIC].result(30)
    write_sample(path, events, span_s=3600, config=ServiceConfig(text_hits=0).clean())
    producer = Producer(settings | {"enable.idempotence": True, "linger.ms": 50, "queue.buffering.max.kbytes": 262144})
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            while True:
                try:
                    producer.produce(TOPIC, line[:-1], partition=number // 1000 % partitions)
                    break
                except BufferError:
                    producer.poll(0.1)
    producer.flush()


if __name__ == "__main__":
    main()
