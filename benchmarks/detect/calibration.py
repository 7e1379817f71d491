"""Do the live detectors' p mean what they say: how often each level comes on normal counts, over what it promises.

python benchmarks/detect/calibration.py [--world usual] [--days 0.5] [--seeds 1] [--detectors seasonal,kmeans]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yeoul.detect import DETECTORS, Tick
from yeoul.plugins import resolve

sys.path.insert(0, str(Path(__file__).parent))
from budget import WARM_TICKS, WORLDS
from generate import DAY_TICKS, WIDTH_US, counts

LEVELS = (1e-2, 1e-3, 1e-4, 1e-5)


def realised(name: str, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """How many p of trusted keys are at or below each level after the warm-up, and how many p there are."""
    detector, alive = resolve("yeoul.detectors", DETECTORS, name)(), np.ones(values.shape[1], bool)
    found, judged = np.zeros(len(LEVELS)), 0
    for i, row in enumerate(values):
        said = detector.judge(Tick(i * WIDTH_US, WIDTH_US, row, alive))
        if i >= WARM_TICKS:
            p = said.p[said.confidence >= 0.2]
            judged += len(p)
            found += [(p <= level).sum() for level in LEVELS]
    return found, judged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", default="usual", choices=WORLDS)
    parser.add_argument("--days", type=float, default=0.5)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--detectors", default=",".join(sorted(DETECTORS)))
    args = parser.parse_args()
    print(f"realised / nominal; world {args.world}, {args.seeds} seeds of {args.days} days behind three hours")
    print(f"{'detector':12} {'p judged':>12} " + " ".join(f"{level:>8g}" for level in LEVELS))
    for name in args.detectors.split(","):
        found, judged = np.zeros(len(LEVELS)), 0
        for seed in range(args.seeds):
            values, _ = counts(WORLDS[args.world], WARM_TICKS + int(args.days * DAY_TICKS), seed)
            more, here = realised(name, values)
            found, judged = found + more, judged + here
        ratios = found / np.maximum(judged * np.array(LEVELS), 1e-12)
        print(f"{name:12} {judged:12,} " + " ".join(f"{ratio:8.2f}" for ratio in ratios), flush=True)


if __name__ == "__main__":
    main()
