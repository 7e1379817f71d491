"""Planted incidents through the whole pipeline: found, missed, false a day, and how long it took, over seeds.

Each seed is a simulated service of some hours, written to a file with dirt, replayed with the demo's workspace (a
budget of one false alarm a day for each of its two blocks). Incidents are planted after a quiet first part. An incident
is found when one opens between its start and two minutes after its end whose keys or contributors are those planted.
    python benchmarks/detect/planted.py [--seeds 20] [--hours 6] [--rate 100]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from yeoul.demo import KINDS, LogWriter, Service, ServiceConfig, schedule
from yeoul.demo.render import host_name
from yeoul.demo.writer import Rotation
from yeoul.events import parse_iso
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
from yeoul.testing.workspaces import demo_workspace

HOUR_US = 3_600_000_000
START_US = 1_772_409_600_000_000
"""2026-03-02 00:00 UTC, 09:00 in Seoul: the rate rises through the day."""
WINDOW_US = 10_000_000
GRACE_US = 120_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("--rate", type=float, default=100)
    options = parser.parse_args()
    one = partial(_seed, hours=options.hours, rate=options.rate)
    found: dict[str, list[float]] = defaultdict(list)
    planted: dict[str, int] = defaultdict(int)
    false: list[str] = []
    with ProcessPoolExecutor(2) as pool:
        for kinds, delays, wrong in pool.map(one, range(options.seeds)):
            for kind in kinds:
                planted[kind] += 1
            for kind, delay in delays:
                found[kind].append(delay)
            false += wrong
    days = options.seeds * options.hours / 24
    print(f"{options.seeds} seeds of {options.hours:g} h at {options.rate:g} events/s: {days:.1f} days")
    print(f"{'kind':8} {'planted':>7} {'found':>6} {'missed':>6} {'delay p50':>10} {'p90':>6}  (s from its start)")
    for kind in KINDS:
        delays = found[kind]
        p50, p90 = np.percentile(delays, [50, 90]) if delays else (float("nan"), float("nan"))
        print(f"{kind:8} {planted[kind]:7} {len(delays):6} {planted[kind] - len(delays):6} {p50:10.0f} {p90:6.0f}")
    for block in ("customers", "titles"):
        count = sum(each.startswith(block) for each in false)
        print(f"false incidents of `{block}`: {count}, {count / days:.2f} a day (budget 1)")
    for each in false[:20]:
        print(f"  {each}")


def _seed(seed: int, hours: float, rate: float) -> tuple[list[str], list[tuple[str, float]], list[str]]:
    config = ServiceConfig(seed=seed, rate_eps=rate)
    end_us = START_US + round(hours * HOUR_US)
    with tempfile.TemporaryDirectory() as folder:
        place = demo_workspace(Path(folder))
        service = Service(config)
        planned = schedule(config, service.catalogue, START_US + (end_us - START_US) // 3, end_us, seed=seed)
        for incident in planned:
            service.plant(incident)
        labels = [each.label(str(number), service.catalogue) for number, each in enumerate(planned)]
        writer = LogWriter(place / "logs", [host_name(0)], Rotation(1 << 40))
        for block in service.events(START_US, end_us):
            writer.write(host_name(0), block)
        writer.close()
        replay(load_workspace(place).plan(), place / "out")
        told = [json.loads(line) for line in (place / "out/incidents.ndjson").read_text().splitlines()]
    delays: list[tuple[str, float]] = []
    explained: set[str] = set()
    for label in labels:
        matching = [each for each in told if _belongs(each, label)]
        explained |= {each["id"] for each in matching}
        if matching:
            opened = min(parse_iso(each["opened_at"]) for each in matching) + WINDOW_US
            delays.append((label["kind"], (opened - parse_iso(label["start"])) / 1e6))
    wrong = [f"{each['block']} seed {seed} {_sentence(each)}" for each in told if each["id"] not in explained]
    return [label["kind"] for label in labels], delays, wrong


def _sentence(incident: dict[str, Any]) -> str:
    amounts = f"{incident['observed']:.4g} for {incident['expected']:.4g}"
    return f"{incident['opened_at']} {incident['keys'][:2]} {amounts}"


def _belongs(incident: dict[str, Any], label: dict[str, Any]) -> bool:
    opened = parse_iso(incident["opened_at"])
    if not parse_iso(label["start"]) - WINDOW_US <= opened <= parse_iso(label["end"]) + GRACE_US:
        return False
    touched = {text for key in incident["keys"] for text in key.values()}
    touched |= {text for part in incident["contributors"][:3] for text in part["key"].values()}
    return bool(touched & {*label["cpk"], *label["base_mck"]})


if __name__ == "__main__":
    main()
