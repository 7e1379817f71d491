"""Does the budget hold, and how soon are incidents found: false incidents a day and delay, over seeds and worlds.

python benchmarks/detect/budget.py [--seeds 3] [--days 2] [--detectors seasonal,kmeans] [--only false|delay]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import dataclass
from multiprocessing import Pool as Processes
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yeoul.detect import Watch, WatchConfig
from yeoul.incidents import Incident, Incidents, Sighting

sys.path.insert(0, str(Path(__file__).parent))
from generate import DAY_TICKS, WIDTH_US, Plant, World, counts

WARM_TICKS = 1080  # three hours of history before false incidents count, as the demo has; those before are shown too

WORLDS = {
    "plain": World(correlated=0.0, wander=0.0),
    "usual": World(),
    "rough": World(overdispersion=0.1, correlated=0.1),
    "steep": World(daily=1.1),
    "small": World(keys=20, total=400.0),
    "wide": World(keys=2000, total=20000.0),
}
PLANTS = (("burst", 60), ("drop", 60), ("scan", 90), ("rise", 180))
PLANTED_KEYS = (0, 5, 15, 30)


@dataclass(frozen=True)
class Job:
    """One run of one world."""

    world: str
    seed: int
    days: float
    detectors: tuple[str, ...]
    budget: float


@dataclass(frozen=True)
class Played:
    """What came out of a run."""

    opened: list[tuple[int, Incident]]
    alarms: int
    threshold: float


def play(values: NDArray[np.float64], job: Job) -> Played:
    """Run a watch and its incidents over a count matrix."""
    watch = Watch(WatchConfig("bench", detectors=job.detectors, alarms_per_day=job.budget))
    machine = Incidents()
    keys = np.arange(values.shape[1], dtype=np.int64)
    opened, alarms = [], 0
    for i, row in enumerate(values):
        present = row > 0
        found = watch.tick(i * WIDTH_US, keys[present], row[present], full=True)
        alarms += len(found)
        seen = [
            Sighting(
                str(one.key),
                "bench",
                (one.detector,),
                one.direction,
                one.p,
                one.score,
                one.confidence,
                one.observed,
                one.expected,
            )
            for one in found
        ]
        changes = machine.tick(i * WIDTH_US, seen, scope=watch.scope)
        opened += [(i, change.incident) for change in changes if change.kind == "opened"]
    return Played(opened, alarms, watch.threshold)


def false_rate(job: Job) -> tuple[str, float, int, float, float]:
    """Incidents on normal data: a day after the warm-up, within it, alarms a day, last threshold."""
    values, _ = counts(WORLDS[job.world], WARM_TICKS + int(job.days * DAY_TICKS), job.seed)
    played = play(values, job)
    early = sum(i < WARM_TICKS for i, _ in played.opened)
    return job.world, (len(played.opened) - early) / job.days, early, played.alarms / job.days, played.threshold


def delays(job: Job) -> list[tuple[str, int, float, int | None]]:
    """Six hours of history, then plants one after another: kind, key, its mean level, ticks until opened (or None)."""
    starts = range(2160, 2160 + 60 * len(PLANTS) * len(PLANTED_KEYS), 60)
    kinds = [(kind, ticks, key) for kind, ticks in PLANTS for key in PLANTED_KEYS]
    plants = tuple(Plant(kind, key, at, ticks) for at, (kind, ticks, key) in zip(starts, kinds, strict=True))
    values, level = counts(WORLDS[job.world], starts[-1] + 300, job.seed, plants=plants)
    opened = play(values, job).opened
    rows = []
    for plant in plants:
        end = plant.start + plant.ticks + 6
        hits = [i for i, incident in opened if str(plant.key) in incident.keys and plant.start <= i < end]
        rows.append((plant.kind, plant.key, level[plant.key], hits[0] - plant.start + 1 if hits else None))
    return rows


def show_false(results: list[tuple[str, float, int, float, float]]) -> None:
    print(f"{'world':8} {'false incidents a day':>22} {'in 3 h warm-up':>15} {'alarms a day':>13} {'p at the end':>13}")
    for name in dict.fromkeys(result[0] for result in results):
        mine = [result[1:] for result in results if result[0] == name]
        rate, early, alarms = (statistics.mean(each[i] for each in mine) for i in range(3))
        print(f"{name:8} {rate:22.2f} {early:15.2f} {alarms:13.1f} {statistics.median(m[3] for m in mine):13.1e}")


def show_delays(rows: list[tuple[str, int, float, int | None]]) -> None:
    print(f"{'plant':7} {'mean a tick':>12} {'found':>8} {'median delay, ticks':>20}")
    for kind, _ in PLANTS:
        for key in PLANTED_KEYS:
            mine = [row for row in rows if row[:2] == (kind, key)]
            hit = [row[3] for row in mine if row[3]]
            middle = f"{statistics.median(hit):.0f}" if hit else "-"
            print(f"{kind:7} {mine[0][2]:12.0f} {len(hit):5}/{len(mine):<2} {middle:>20}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--days", type=float, default=1.0)
    parser.add_argument("--budget", type=float, default=1.0)
    parser.add_argument("--worlds", default=",".join(WORLDS))
    parser.add_argument("--detectors", default="seasonal,kmeans")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    detectors = tuple(args.detectors.split(","))
    began = time.perf_counter()
    print(f"budget {args.budget} a day, {args.seeds} seeds, {args.days} days each, detectors {args.detectors}")
    with Processes(2) as processes:
        if args.only != "delay":
            names = args.worlds.split(",")
            jobs = [Job(name, seed, args.days, detectors, args.budget) for name in names for seed in range(args.seeds)]
            show_false(processes.map(false_rate, jobs, chunksize=1))
        if args.only != "false":
            jobs = [Job("usual", 100 + seed, 0, detectors, args.budget) for seed in range(args.seeds)]
            show_delays([row for rows in processes.map(delays, jobs, chunksize=1) for row in rows])
    print(f"took {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
