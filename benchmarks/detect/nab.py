"""NAB on the public series: `auto` for one column, frozen, by its final score, beside five published detectors.

OMP_NUM_THREADS=1 python benchmarks/detect/nab.py [--detector NAME]

The constants of `novelty` were set on these series. `halves`: the threshold from one random half of the series, the
score on the other, mean of 40. Calibration: realised over nominal share of rows with so small a p, outside windows
and probation.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from yeoul.detect.measures.nab import PROFILES, Labelled, nab_at, nab_best
from yeoul.detect.tables import ScoringConfig, Table, score_table

DATA = Path(os.environ.get("YEOUL_DATA", "../shared/data")) / "nab"
SPLITS = 20
LEVELS = (1e-2, 1e-3, 1e-4)
Floats = NDArray[np.floating]


def time_us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def load() -> dict[str, tuple[Table, Labelled]]:
    found = {}
    for name, windows in json.loads((DATA / "windows.json").read_text()).items():
        with (DATA / "data" / name).open() as file:
            rows = [(time_us(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
        at, values = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
        labelled = Labelled.of_times(at, [(time_us(begin), time_us(end)) for begin, end in windows])
        found[name] = Table(values[:, None], ("value",), np.maximum.accumulate(at)), labelled
    return found


def peers(names: list[str]) -> dict[str, list[Floats]]:
    rows = duckdb.execute("SELECT * FROM read_parquet(?) ORDER BY series, row", [str(DATA / "peers.parquet")])
    columns = rows.fetchnumpy()
    places = [columns["series"] == name for name in names]
    return {key: [columns[key][at] for at in places] for key in columns if key not in {"series", "row"}}


def halves(labelled: list[Labelled], scores: list[Floats]) -> tuple[float, float]:
    """Mean and spread of the standard score on one half at the threshold that was best on the other."""
    rng, reached = np.random.default_rng(0), []
    for _ in range(SPLITS):
        order = rng.permutation(len(labelled))
        parts = order[: len(order) // 2], order[len(order) // 2 :]
        for here, there in (parts, parts[::-1]):
            threshold = nab_best([labelled[i] for i in here], [scores[i] for i in here]).threshold
            reached.append(nab_at([labelled[i] for i in there], [scores[i] for i in there], threshold).score)
    return float(np.mean(reached)), float(np.std(reached))


def outside(labelled: Labelled) -> NDArray[np.bool_]:
    rows = np.arange(labelled.rows) >= labelled.probation
    for begin, end in labelled.windows:
        rows[begin:end] = False
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector", default="auto")
    args = parser.parse_args()
    if not DATA.is_dir():
        print(f"No series in {DATA}: set YEOUL_DATA to the folder with the public data.")
        sys.exit(0)
    series = load()
    labelled = [one for _, one in series.values()]
    began = time.perf_counter()
    scored = [score_table(table, ScoringConfig(detector=args.detector)) for table, _ in series.values()]
    took = time.perf_counter() - began
    every: dict[str, list[Floats]] = {f"yeoul {args.detector}": [one.score for one in scored], **peers(list(series))}
    print(f"{len(series)} series, {sum(one.rows for one in labelled):,} rows in {took:.0f} s")
    print(f"{'detector':20} " + " ".join(f"{profile.name:>9}" for profile in PROFILES) + f" {'at':>6} {'halves':>13}")
    for name, scores in every.items():
        best = [nab_best(labelled, scores, profile) for profile in PROFILES]
        mean, spread = halves(labelled, scores)
        figures = " ".join(f"{one.score:9.2f}" for one in best)
        print(f"{name:20} {figures} {best[0].threshold:6.3f} {mean:6.2f} ± {spread:4.1f}", flush=True)
    p = np.concatenate([one.p[outside(where)] for one, where in zip(scored, labelled, strict=True)])
    told = ", ".join(f"{(p <= level).mean() / level:.2f} at {level:g}" for level in LEVELS)
    print(f"realised over nominal, {len(p):,} rows: {told}")


if __name__ == "__main__":
    main()
