"""Behaviour vectors of public sets, unsupervised on all rows: AUROC and average precision, beside each member alone.

OMP_NUM_THREADS=1 python benchmarks/detect/tabular.py [--sets glass wine]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from yeoul.detect.tables import Table
from yeoul.detect.tables.ensemble import Ensemble
from yeoul.detect.tables.scoring import ScoringConfig, score_table

DATA = Path(os.environ.get("YEOUL_DATA", "../shared/data")) / "tabular"
MEMBERS = ("forest", "neighbours", "ecod")


def read(file: Path) -> tuple[Table, NDArray[np.bool_]]:
    """Standardised columns, and which rows are abnormal."""
    data = np.load(file)
    values = data["X"].astype(np.float64)
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(spread < 1e-9, 1.0, spread)
    return Table(values, tuple(f"x{i}" for i in range(values.shape[1]))), data["y"] > 0


def members(table: Table) -> tuple[NDArray[np.float64], ...]:
    ensemble = Ensemble()
    ensemble.fit(table)
    return ensemble.views(table.values)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=[], help="parts of names; all sets otherwise")
    args = parser.parse_args()
    files = [f for f in sorted(DATA.glob("*.npz")) if not args.sets or any(part in f.stem for part in args.sets)]
    if not files:
        print(f"No sets in {DATA}: set YEOUL_DATA to the folder with the public data.")
        sys.exit(0)
    names = ("ensemble", *MEMBERS)
    print(
        f"{'set':20} {'rows':>7} {'cols':>4} {'seconds':>8} " + " ".join(f"{name + ' AUROC/AP':>19}" for name in names)
    )
    figures = []
    for file in files:
        table, labels = read(file)
        began = time.perf_counter()
        score = score_table(table, ScoringConfig(detector="ensemble")).score
        took = time.perf_counter() - began
        row = [
            (float(roc_auc_score(labels, one)), float(average_precision_score(labels, one)))
            for one in (score, *members(table))
        ]
        figures.append(row)
        told = " ".join(f"{auroc:12.3f} {precision:6.3f}" for auroc, precision in row)
        print(f"{file.stem:20} {len(table):7} {table.values.shape[1]:4} {took:8.1f} {told}", flush=True)
    told = " ".join(f"{auroc:12.3f} {precision:6.3f}" for auroc, precision in np.mean(figures, axis=0))
    print(f"{'mean':42} {told}")


if __name__ == "__main__":
    main()
