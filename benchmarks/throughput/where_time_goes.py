"""Where the time of a replay goes: a picture in text, the time of each room of the house and its dearest functions.

The time of library code counts for the room that called it. The profiler itself slows plain Python about twice and
NumPy hardly, so the shares are a hint and no measure.
    python benchmarks/throughput/where_time_goes.py [--events 1000000]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from replay import _input

import yeoul
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace

HOME = Path(yeoul.__file__).parent
BAR = 50
MOST = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = _input(Path(folder), options.events)
        plan = load_workspace(path.parent.parent).plan()
        replay(plan, Path(folder) / "warm")
        profile = cProfile.Profile()
        profile.runcall(replay, plan, Path(folder) / "out")
    own = _own_seconds(pstats.Stats(profile))
    whole = sum(own.values())
    rooms: dict[str, float] = defaultdict(float)
    for where, seconds in own.items():
        rooms[Path(where.partition(":")[0]).parts[0]] += seconds
    _bars("by room", rooms, whole)
    _bars("by function", own, whole)


def _own_seconds(stats: Any) -> dict[str, float]:
    """Seconds of each function of ours: its own and those of the library code that it calls."""
    own: dict[str, float] = defaultdict(float)
    for (file, _, name), (_, _, seconds, _, callers) in stats.stats.items():
        if Path(file).is_relative_to(HOME):
            own[f"{Path(file).relative_to(HOME)}:{name}"] += seconds
            continue
        for (caller, _, caller_name), (_, _, share, _) in callers.items():
            if Path(caller).is_relative_to(HOME):
                own[f"{Path(caller).relative_to(HOME)}:{caller_name}"] += share
    return own


def _bars(title: str, seconds: dict[str, float], whole: float) -> None:
    print(f"\n{title}")
    ranked = sorted(seconds.items(), key=lambda each: -each[1])[:MOST]
    for where, spent in ranked:
        bar = "█" * max(1, round(BAR * spent / ranked[0][1]))
        print(f"{where:44} {spent / whole:5.1%} {bar}")


if __name__ == "__main__":
    main()
