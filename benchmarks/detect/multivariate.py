"""Server and VOD counters of the public sets: ranking, calibration and time of the scorers of several columns.

OMP_NUM_THREADS=1 python benchmarks/detect/multivariate.py [--scorers windows pca] [--sets omi]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from yeoul.detect.measures import auc_pr, vus_pr
from yeoul.detect.tables import Table
from yeoul.detect.tables.scoring import ScoringConfig, score_table

DATA = Path(os.environ.get("YEOUL_DATA", "../shared/data"))
STEP_US = 300_000_000
NEAREST = "knn-12"
Floats = NDArray[np.float64]


def read(file: Path) -> tuple[Table, NDArray[np.bool_], int]:
    """The table, its labels, and how many rows to fit on."""
    rows = duckdb.connect().execute("select * from read_parquet(?)", [str(file)]).fetchnumpy()
    names = tuple(name for name in rows if name not in {"timestamp", "part", "label"})
    values = np.stack([np.asarray(rows[name], np.float64) for name in names], axis=1)
    fit = int((np.asarray(rows["part"]) == "train").sum()) if "part" in rows else len(values) // 2
    return Table(values, names, np.arange(len(values)) * STEP_US), np.asarray(rows["label"]) > 0, fit


def nearest(table: Table, fit: int) -> Floats:
    """The plain peer: mean distance to the 5 nearest windows of 12 standardised rows; not calibrated."""
    taught = table.values[:fit]
    scaled = (table.values - taught.mean(axis=0)) / (taught.std(axis=0) + 1e-8)
    windows = np.lib.stride_tricks.sliding_window_view(scaled, 12, axis=0).reshape(len(scaled) - 11, -1)
    sample = windows[: fit - 11]
    near = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(sample[:: max(1, len(sample) // 5000)])
    return np.asarray(near.kneighbors(windows[fit - 11 :])[0].mean(axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scorers", nargs="*", default=["windows", "pca", NEAREST])
    parser.add_argument("--sets", nargs="*", default=[], help="parts of names; all sets otherwise")
    args = parser.parse_args()
    files = [*sorted((DATA / "servers").glob("*.parquet")), *sorted((DATA / "vod").glob("*.parquet"))]
    files = [file for file in files if not args.sets or any(part in file.stem for part in args.sets)]
    if not files:
        print(f"No sets in {DATA}: set YEOUL_DATA to the folder with the public data.")
        sys.exit(0)
    print("Final score; VUS-PR with windows 20 and 100; calibration: realised / nominal on rows without label.")
    print(f"{'set':9} {'scorer':16} {'VUS-20':>7} {'VUS-100':>8} {'AUC-PR':>7} {'1e-3':>6} {'1e-4':>6} {'seconds':>8}")
    figures: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for file in files:
        table, labels, fit = read(file)
        labels = labels[fit:]
        for name in args.scorers:
            began = time.perf_counter()
            realised = (float("nan"), float("nan"))
            if name == NEAREST:
                score = nearest(table, fit)
            else:
                scored = score_table(table, ScoringConfig(detector=name, fit=fit))
                score, p = scored.score[fit:], scored.p[fit:][~labels]
                realised = (float((p <= 1e-3).mean() / 1e-3), float((p <= 1e-4).mean() / 1e-4))
            took = time.perf_counter() - began
            row = (vus_pr(labels, score, 20), vus_pr(labels, score, 100), auc_pr(labels, score), *realised, took)
            figures.setdefault((file.parent.name, name), []).append(row)
            print(f"{file.stem:9} {name:16} {told(row)}", flush=True)
    for (folder, name), rows in figures.items():
        print(f"{folder:9} {name:16} {told(tuple(np.mean(rows, axis=0)))}  mean of {len(rows)}")


def told(row: tuple[float, ...]) -> str:
    by_20, by_100, precision, often, rarely, took = row
    return f"{by_20:7.3f} {by_100:8.3f} {precision:7.3f} {often:6.1f} {rarely:6.1f} {took:8.1f}"


if __name__ == "__main__":
    main()
