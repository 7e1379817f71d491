"""1,000,000 events of 0.8 kB from the same real topic: the local engine, Spark, bare loops of the client library.

Beside them the local engine on the same lines in as many files as there are partitions: what of it the topic costs.

Every job is a process tree of its own; the broker runs beside it. Time is from the first fetch to the last result (of
Spark: of all batches, without its start), processor time and peak memory those of the whole tree (of Spark: with its
start); the best of `--runs` by processor time.
    python benchmarks/engines/from_kafka.py [--events 1000000] [--partitions 4] [--runs 3] [--no-spark]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.demo import ServiceConfig, write_sample
from yeoul.testing.broker import Broker
from yeoul.testing.processes import process_tree
from yeoul.testing.workspaces import demo_workspace

TOPIC = "action-log"

PREPARE = """
import json, sys, time
folder, bootstrap, topic, events = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
def done(rows, started):
    assert rows == events, rows
    print(json.dumps({{"s": time.perf_counter() - started}}))
{body}
"""

LOOP = """
from confluent_kafka import Consumer, TopicPartition
consumer = Consumer({{"bootstrap.servers": bootstrap, "group.id": "bare", "auto.offset.reset": "earliest",
                     "enable.auto.commit": False, "fetch.queue.backoff.ms": 10}})
{before}
started = time.perf_counter()
partitions = consumer.list_topics(topic).topics[topic].partitions
consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
n = 0
while n < events:
    messages = consumer.consume(10_000, 1.0)
    n += len(messages)
{each}
done(n, started)
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
    result = replay(plan, Path(out))
    done(result.ledger.read, time.perf_counter() - result.seconds)
"""

DECODER = """
import msgspec
Params = msgspec.defstruct("Params", [("cpk", str), ("base_mck", str), ("hit", int)], gc=False)
Fields = msgspec.defstruct("Fields", [("params", Params)], gc=False)
Source = msgspec.defstruct("Source", [("logdate", str), ("fields", Fields)], rename={"fields": "@fields"}, gc=False)
Line = msgspec.defstruct("Line", [("source", Source)], rename={"source": "_source"}, gc=False)
decode = msgspec.json.Decoder(Line).decode
"""

OURS = "yeoul replay from the topic: windows, ledger, checkpoints"
FILES = "yeoul replay of the same lines in files"
JOBS = {
    OURS: YEOUL,
    FILES: YEOUL,
    "bare consumer loop that decodes (msgspec)": LOOP.format(
        before=DECODER, each="    for message in messages:\n        decode(message.value())"
    ),
    "bare consumer loop": LOOP.format(before="", each="    for message in messages:\n        message.value()"),
}


SPARK = "Spark local[2], append mode, windows to files"
DECODES = "bare consumer loop that decodes (msgspec)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-spark", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder, "broker")) as broker:
        source = f'kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "{TOPIC}"'
        workspace = demo_workspace(Path(folder, "ws"), changes={'kind = "files", path = "logs/*.ndjson"': source})
        files = demo_workspace(Path(folder, "files"))
        _fill(broker, files / "logs", options.events, options.partitions)
        best: dict[str, dict[str, float]] = {}
        for number in range(options.runs):
            jobs = {
                name: [sys.executable, "-c", PREPARE.format(body=job), str(files if name == FILES else workspace)]
                for name, job in JOBS.items()
            }
            for command in jobs.values():
                command += [broker.bootstrap, TOPIC, str(options.events)]
            if not options.no_spark:
                jobs[SPARK] = _spark(workspace, Path(folder, f"spark-{number}"))
            for name, command in jobs.items():
                found = _measured(command, Path(folder, "bytecode"))
                best[name] = min(best.get(name, found), found, key=lambda one: one["cpu"])
    peer = best[DECODES]
    print(f"{options.events:,} events from {options.partitions} partitions; ratios to the loop that decodes")
    for name, found in best.items():
        rate = options.events / found["s"]
        ratios = f"{peer['s'] / found['s']:5.2f}x wall, {peer['cpu'] / found['cpu']:5.2f}x per CPU second"
        print(f"{name:58} {rate:9,.0f}/s  {found['cpu']:6.2f} CPU s  {found['mb']:5.0f} MB  {ratios}")
    if SPARK in best:
        print(f"the local engine does {best[SPARK]['cpu'] / best[OURS]['cpu']:.1f} times as much a CPU second as Spark")


def _spark(workspace: Path, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "yeoul.cli", "submit", str(workspace), "--available-now", "--master", "local[2]"]
    return [*command, "--out", f"{folder}/out/", "--checkpoint", f"{folder}/checkpoint"]


def _measured(command: list[str], bytecode: Path) -> dict[str, float]:
    """Seconds as the job tells them; processor seconds and peak memory of its process tree, seen ten times a second.

    Bytecode is kept in the folder `bytecode`, so that only the first run compiles what it imports.
    """
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(bytecode)}
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment)
        cpu: dict[int, float] = {}
        peak_mb = 0.0
        while process.poll() is None:
            resident = 0
            for pid in process_tree(process.pid):
                try:
                    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                cpu[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                resident += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
            peak_mb = max(peak_mb, resident / 1e6)
            time.sleep(0.1)
        said.seek(0)
        text = said.read()
    if process.returncode:
        raise RuntimeError(text[-2000:])
    batches = re.findall(r" in ([\d.]+) s \(", text)
    seconds = sum(map(float, batches)) if batches else json.loads(text.splitlines()[-1])["s"]
    return {"s": seconds, "cpu": sum(cpu.values()), "mb": peak_mb}


def _fill(broker: Broker, folder: Path, events: int, partitions: int) -> None:
    """The same lines as `make demo` writes, a thousand at a time to each partition in turn, and to a file for each."""
    settings = {"bootstrap.servers": broker.bootstrap}
    admin = AdminClient(settings)
    admin.create_topics([NewTopic(TOPIC, partitions, 1)])[TOPIC].result(30)
    path = folder / "all"
    write_sample(path, events, span_s=3600, config=ServiceConfig(text_hits=0).clean())
    producer = Producer(settings | {"enable.idempotence": True, "linger.ms": 50, "queue.buffering.max.kbytes": 262144})
    with path.open("rb") as lines, ExitStack() as stack:
        files = [stack.enter_context((folder / f"{number}.ndjson").open("wb")) for number in range(partitions)]
        for number, line in enumerate(lines):
            partition = number // 1000 % partitions
            files[partition].write(line)
            while True:
                try:
                    producer.produce(TOPIC, line[:-1], partition=partition)
                    break
                except BufferError:
                    producer.poll(0.1)
    producer.flush()
    path.unlink()


if __name__ == "__main__":
    main()
