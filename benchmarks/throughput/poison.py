"""What poison costs: replay of the same log, clean and with one line in a hundred that is no row, on one core.

The two take turns; the loss is that of the best run of each, in lines a second of processor time (the bad ones are
lines too), so that other work on the machine does not count. A loss below 20 % is what is promised.
    python benchmarks/throughput/poison.py [--events 300000] [--runs 5] [--share 0.01]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from yeoul.demo import ServiceConfig, write_sample
from yeoul.testing.workspaces import demo_workspace

JOB = """
import json, os, sys, tempfile, time
from dataclasses import replace as change
from pathlib import Path
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
plan = change(load_workspace(Path(sys.argv[1])).plan(), detects=(), ranks=())
with tempfile.TemporaryDirectory() as out:
    begun = time.process_time()
    done = replay(plan, Path(out))
    print(json.dumps({"s": time.process_time() - begun, "read": done.ledger.read, "invalid": done.ledger.invalid}))
"""

POISON: tuple[Callable[[bytes], bytes], ...] = (
    lambda line: line[: len(line) * 2 // 3],
    lambda line: line.replace(b'"hit":', b'"hit": "many", "was":'),
    lambda line: line.replace(b'"hit":', b'"hit": [1], "was":'),
    lambda line: line.replace(b'"hit":', b'"hit": NaN, "was":'),
    lambda line: line.replace(b'"hit":', b'"hit": 1e999, "was":'),
    lambda line: line.replace(b'"hit":', b'"hit": 9223372036854775808, "was":'),
    lambda line: line.replace(b'"hit":', b'"hit": ' + b"9" * 5000 + b', "was":'),
    lambda line: line.replace(b'"cpk": "', b'"cpk": "\xff'),
    lambda line: line.replace(b'"cpk": "', b'"cpk": "\\ud800'),
    lambda line: line.replace(b'"cpk": "', b'"cpk": "\0'),
    lambda line: b"\xef\xbb\xbf" + line,
    lambda line: b"[" + line + b"]",
    lambda line: b"[" * 10_000 + line + b"]" * 10_000,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.01)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clean, spoilt = Path(folder, "clean"), Path(folder, "spoilt")
        for each in (clean, spoilt):
            demo_workspace(each)
        write_sample(clean / "logs/a.ndjson", options.events, span_s=3600, config=ServiceConfig(text_hits=0).clean())
        _spoil(clean / "logs/a.ndjson", spoilt / "logs/a.ndjson", options.share)
        best: dict[str, dict[str, float]] = {}
        for _ in range(options.runs):
            for each in (clean, spoilt):
                found = _run(each)
                best[each.name] = min(best.get(each.name, found), found, key=lambda one: one["s"])
    for name, found in best.items():
        rate = found["read"] / found["s"]
        print(f"{name:8} {found['s']:6.2f} s {rate:9,.0f} lines/s, {found['invalid']:,} of {found['read']:,} invalid")
    loss = 1 - (best["spoilt"]["read"] / best["spoilt"]["s"]) / (best["clean"]["read"] / best["clean"]["s"])
    print(f"loss at {options.share:.1%}: {loss:.1%}")


def _spoil(clean: Path, spoilt: Path, share: float) -> None:
    rng = random.Random(1)
    with clean.open("rb") as lines, spoilt.open("wb") as out:
        for line in lines:
            out.write(rng.choice(POISON)(line[:-1]) + b"\n" if rng.random() < share else line)


def _run(folder: Path) -> dict[str, float]:
    command = [sys.executable, "-c", JOB, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ))
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
