"""Processor time of one tick and bytes a key, at 1k, 10k and 100k keys; the peer is the bare tail function.

taskset -c 0 python benchmarks/detect/speed.py
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from yeoul.detect import Watch, WatchConfig
from yeoul.detect.tails import two_sided

WIDTH_US = 10_000_000


def measure(keys: int, ticks: int, detectors: tuple[str, ...]) -> tuple[float, float, float, float]:
    """Median and worst milliseconds of a tick, bytes a key, and milliseconds of one bare tail of all keys."""
    rng = np.random.default_rng(0)
    level = 30_000.0 * keys / 1000 / np.arange(1, keys + 1) / np.log(keys)
    ids = rng.permutation(keys * 10)[:keys].astype(np.int64)
    watch = Watch(WatchConfig("bench", detectors=detectors))
    took = []
    for i in range(ticks):
        values = rng.poisson(level).astype(np.float64)
        present = values > 0
        began = time.process_time()
        watch.tick(i * WIDTH_US, ids[present], values[present], full=True)
        took.append(time.process_time() - began)
    began = time.process_time()
    two_sided(values, level, level * 1.5)
    bare = time.process_time() - began
    # The keys of the tail appear one by one; the bytes are those of the keys that are known by the end.
    steady = took[len(took) // 3 :]
    return 1e3 * statistics.median(steady), 1e3 * max(took), watch.nbytes / max(1, len(watch.keys)), 1e3 * bare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=60)
    args = parser.parse_args()
    print(f"{'detectors':18} {'keys':>8} {'ms a tick':>10} {'worst':>8} {'bytes a key':>12} {'x bare tail':>12}")
    for detectors in (("seasonal",), ("kmeans",), ("novelty",), ("spectral",), ("polynomial",), ("seasonal", "kmeans")):
        for keys in (1_000, 10_000, 100_000):
            middle, worst, size, bare = measure(keys, args.ticks, detectors)
            print(f"{'+'.join(detectors):18} {keys:8} {middle:10.1f} {worst:8.1f} {size:12.0f} {middle / bare:12.1f}")


if __name__ == "__main__":
    main()
