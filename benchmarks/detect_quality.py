"""Every promise on detection in one table: what was measured on public data, what is promised, who stands beside it.

OMP_NUM_THREADS=1 python benchmarks/detect_quality.py [--deep]

One frozen configuration, final scores. `--deep` adds what takes a quarter of an hour: the published two-stage LSTM on
the VOD set, and training times. Each part has a script of its own in benchmarks/detect/ that tells more.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table as Sheet

from detect import lstm_training, multivariate, nab, speed, tabular
from yeoul.detect.measures import auroc, vus_pr
from yeoul.detect.measures.nab import PROFILES, nab_best
from yeoul.detect.tables import ScoringConfig, score_table

LEVELS = ((1e-3, 2.0), (1e-4, 3.0))
Floats = NDArray[np.float64]


class Line(NamedTuple):
    """One promise."""

    what: str
    ours: float
    bar: float
    more_is_better: bool = True
    peer: str = ""


def calibrated(what: str, p: Floats) -> Iterator[Line]:
    for level, bar in LEVELS:
        yield Line(f"{what}: realised / nominal at {level:g}", float((p <= level).mean() / level), bar, False)


def univariate() -> Iterator[Line]:
    series = nab.load()
    labelled = [one for _, one in series.values()]
    scored = [score_table(table, ScoringConfig()) for table, _ in series.values()]
    scores, best = [one.score for one in scored], nab.peers(list(series))["ARTime"]
    for profile, bar in zip(PROFILES, (79.6, float("nan"), float("nan")), strict=True):
        ours, theirs = nab_best(labelled, scores, profile).score, nab_best(labelled, best, profile).score
        yield Line(f"NAB, {len(series)} series, {profile.name}", ours, bar, peer=f"ARTime {theirs:.2f}")
    ours, spread = nab.halves(labelled, scores)
    theirs, wide = nab.halves(labelled, best)
    yield Line(
        f"NAB, threshold from the other half (± {spread:.1f})", ours, 75.0, peer=f"ARTime {theirs:.2f} ± {wide:.1f}"
    )
    yield from calibrated(
        "NAB rows", np.concatenate([one.p[nab.outside(at)] for one, at in zip(scored, labelled, strict=True)])
    )


def several(*, deep: bool) -> Iterator[Line]:
    for folder, bar in (("servers", 0.50), ("vod", 0.85)):
        ours, plain, published, normal = [], [], [], []
        for file in sorted((multivariate.DATA / folder).glob("*.parquet")):
            table, labels, fit = multivariate.read(file)
            scored, labels = score_table(table, ScoringConfig(fit=fit)), labels[fit:]
            ours.append(vus_pr(labels, scored.score[fit:], 20))
            plain.append(vus_pr(labels, multivariate.nearest(table, fit), 20))
            normal.append(scored.p[fit:][~labels])
            if deep and folder == "vod":
                theirs = score_table(table, ScoringConfig("two-stage-lstm", fit))
                published.append(vus_pr(labels, theirs.score[fit:], 20))
        mean = float(np.mean(ours))
        yield Line(f"{folder}/, mean VUS-PR of {len(ours)}", mean, bar, peer=f"12-step kNN {np.mean(plain):.3f}")
        if published:
            lead = mean - float(np.mean(published))
            yield Line(f"{folder}/, ahead of two-stage-lstm", lead, 0.10, peer=f"it has {np.mean(published):.3f}")
        yield from calibrated(f"{folder}/ rows", np.concatenate(normal))


def vectors() -> Iterator[Line]:
    figures = []
    for file in sorted(tabular.DATA.glob("*.npz")):
        table, labels = tabular.read(file)
        scores = (score_table(table, ScoringConfig()).score, *tabular.members(table))
        figures.append([auroc(labels, score) for score in scores])
    ours, *alone = np.mean(figures, axis=0)
    peer = ", ".join(f"{name} {one:.3f}" for name, one in zip(tabular.MEMBERS, alone, strict=True))
    yield Line(f"tabular/, mean AUROC of {len(figures)}", float(ours), 0.77, peer=peer)


def times(*, deep: bool) -> Iterator[Line]:
    middle, worst, _, _ = speed.measure(100_000, 40, ("seasonal", "kmeans"))
    yield Line(f"100,000 keys a tick, s (worst {worst / 1e3:.2f})", middle / 1e3, 1.0, False)
    if deep:
        ratio = lstm_training.measure(8640, 3)
        yield Line("LSTM training, time over the plain Keras loop", ratio.wall, 1.1, False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deep", action="store_true", help="what takes a quarter of an hour too")
    args = parser.parse_args()
    if not nab.DATA.is_dir():
        print(f"No sets in {multivariate.DATA}: set YEOUL_DATA to the folder with the public data.")
        sys.exit(0)
    sheet = Sheet(box=None, pad_edge=False)
    for head in ("promise", "measured", "bar", "", "beside it"):
        sheet.add_column(head, justify="right" if head in {"measured", "bar"} else "left", no_wrap=True)
    for lines in (univariate(), several(deep=args.deep), vectors(), times(deep=args.deep)):
        for line in lines:
            print(f"… {line.what}: {line.ours:.3f}", file=sys.stderr, flush=True)
            kept = line.ours >= line.bar if line.more_is_better else line.ours <= line.bar
            verdict = "" if np.isnan(line.bar) else "kept" if kept else "MISSED"
            sign = "" if np.isnan(line.bar) else ("≥" if line.more_is_better else "≤") + f" {line.bar:g}"
            sheet.add_row(line.what, f"{line.ours:.3f}", sign, verdict, line.peer)
    Console(width=150).print(sheet)


if __name__ == "__main__":
    main()
