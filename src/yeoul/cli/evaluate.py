"""`yeoul evaluate`: how good detectors are on labelled data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Sheet

from yeoul.cli.arguments import AsJson
from yeoul.cli.say import aside, count, data, many, progress_bar, say, sheet
from yeoul.detect.measures import PROFILES, Calibrated
from yeoul.detect.tables import ScoringConfig
from yeoul.errors import InputError
from yeoul.flows.evaluating import (
    EvaluationConfig,
    LabelledRequest,
    Measured,
    Series,
    as_columns,
    evaluate,
    long_enough,
    read_series,
    widest,
)
from yeoul.flows.scoring import TableRequest
from yeoul.lake import format_of, write_columns

__all__ = ["add_to"]

_MOST_RANGES = 3
_MOST_NAMED = 5

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Tables: .csv, .ndjson or .parquet.")]
Label = Annotated[str, typer.Option(metavar="COLUMN", help="Known anomalies: above 0, or true.")]
Time = Annotated[str, typer.Option(metavar="COLUMN", help="Column of times; without it the rows have no order.")]
Values = Annotated[str, typer.Option(metavar="A,B,…", help="Columns of numbers to judge together; default: all.")]
By = Annotated[str, typer.Option(metavar="COLUMN", help="Column of keys, each a series of its own.")]
Layout = Annotated[
    str, typer.Option("--time-format", metavar="FORMAT", help="How times are written, as strptime has it.")
]
Detector = Annotated[str, typer.Option(metavar="A,B,…", help="Detectors by name; `auto`, unless scores are given.")]
Fit = Annotated[float, typer.Option(metavar="SHARE|ROWS", help="What is learnt first, and not measured.")]
Mode = Annotated[str, typer.Option(metavar="MODE", help="`causal`: by earlier rows only; `batch`: by all rows.")]
Budget = Annotated[float, typer.Option(metavar="NUMBER", help="False alarms a day at which events are counted.")]
Window = Annotated[
    int | None, typer.Option(metavar="ROWS", help="The widest window of VUS: a period of the series; default: 100.")
]
Nab = Annotated[Path | None, typer.Option("--nab-windows", metavar="FILE", help="Anomaly windows, JSON as NAB has it.")]
Scores = Annotated[str, typer.Option(metavar="COLUMN", help="Measure scores that are there; the higher the odder.")]
P = Annotated[str, typer.Option("--p", metavar="COLUMN", help="Measure p that are there; the lower the odder.")]
Seed = Annotated[int, typer.Option(metavar="NUMBER", help="Of what is drawn at random.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="All figures, also of each series: .csv, .ndjson, .parquet."),
]


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("evaluate")(_evaluate)


def _evaluate(
    files: Files,
    label: Label = "",
    time: Time = "",
    values: Values = "",
    by: By = "",
    time_format: Layout = "",
    detector: Detector = "",
    fit: Fit = 0.3,
    mode: Mode = "auto",
    budget: Budget = 1.0,
    window: Window = None,
    nab_windows: Nab = None,
    scores: Scores = "",
    p: P = "",
    seed: Seed = 0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Score detectors on labelled data: NAB, VUS-PR, AUC-PR, AUROC, events at a budget, delay, calibration.

    One file is one series (or one for each key of `--by`); NAB, events and calibration are over all of them together,
    the others are means. When a detector has to be fitted, all are measured on the rows behind those.

    Examples: `yeoul evaluate cpu.csv --label fault --time at --detector auto,seasonal`; scores of `yeoul detect`:
    `yeoul evaluate scored.csv --label fault --time at --scores score --p p`; NAB's own series:
    `yeoul evaluate data/*/*.csv --time timestamp --values value --nab-windows windows.json`.
    """
    if out is not None:
        format_of(out)
        if not out.absolute().parent.is_dir():
            message = f"got `{out}`, whose folder is not there; make it, or choose another place"
            raise InputError(message)
    request = LabelledRequest(TableRequest(_names(values), time, by, label, time_format), nab_windows, scores, p)
    names = _names(detector) or (() if request.given else ("auto",))
    config = EvaluationConfig(names, ScoringConfig("auto", fit, mode, budget, seed), window)
    series, short = long_enough(read_series(files, request), config)
    with progress_bar() as bar:
        task = bar.add_task("judging", rate="", total=None)

        def told(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        found = evaluate(series, config, told)
    if out is not None:
        write_columns(out, as_columns(found))
    if as_json:
        data(
            {
                **_about(series),
                "budget": budget,
                "window": widest(series, config),
                "keys_too_short": list(short),
                "detectors": [one.as_json() for one in found],
            }
        )
    else:
        _tell(series, found, budget)
        if short:
            named = ", ".join(f"`{name}`" for name in short[:_MOST_NAMED])
            more = f" and {count(len(short) - _MOST_NAMED)} more" if len(short) > _MOST_NAMED else ""
            aside(f"note: too few rows to be measured: {named}{more}")
        if out is not None:
            say(str(out))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _about(series: Sequence[Series]) -> dict[str, int]:
    return {
        "series": len(series),
        "rows": sum(len(one.table) for one in series),
        "labelled_rows": sum(int(one.labels.sum()) for one in series),
    }


def _tell(series: Sequence[Series], found: Sequence[Measured], budget: float) -> None:
    about = _about(series)
    rows = f"{many(about['rows'], 'row')}, {count(about['labelled_rows'])} of them abnormal"
    say(f"{count(about['series'])} series, {rows}")
    if about["labelled_rows"] in {0, about["rows"]}:
        kind = "abnormal" if not about["labelled_rows"] else "normal"
        aside(f"note: no row is {kind}, so nothing tells good detectors from bad ones; check the labels")
    table = Sheet(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    ordered = all(one.table.at_us is not None for one in series)
    table.add_column("detector", no_wrap=True)
    heads = ["NAB", "low FP", "low FN", "VUS-PR"] if ordered else []
    heads += ["AUC-PR", "AUROC"] + (["events", "delay"] if ordered else []) + ["at 1e-3", "at 1e-4", "seconds"]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for one in found:
        table.add_row(one.detector, *_cells(one, ordered=ordered))
    sheet(table)
    if len(found) <= _MOST_RANGES:
        for one in found:
            for level in one.calibration:
                aside(f"{one.detector}: {_range(level)}")
    if ordered:
        aside(f"events: found at {many(budget, 'false alarm')} a day; at 1e-3: alarms at that p over those promised")


def _cells(one: Measured, *, ordered: bool) -> list[str]:
    cells = [f"{one.nab[profile.name].score:.2f}" if one.nab else "-" for profile in PROFILES] if ordered else []
    cells += [_three(one.ranking[name]) for name in (("vus_pr",) if ordered else ())]
    cells += [_three(one.ranking[name]) for name in ("auc_pr", "auroc")]
    if ordered:
        cells += ["-", "-"] if one.events is None else [_share(one), _duration(one.delay_s)]
    levels = [f"{level.ratio:.2f}" for level in one.calibration] or ["-", "-"]
    return [*cells, *levels, f"{one.seconds:.1f}"]


def _share(one: Measured) -> str:
    return f"{one.events.found}/{len(one.events.delays)}" if one.events is not None else "-"


def _three(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _duration(seconds: float) -> str:
    if math.isnan(seconds):
        return "-"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _range(level: Calibrated) -> str:
    of = f"{count(level.alarms)} of {count(level.rows)} normal rows have p <= {level.level:g}"
    return f"{of}, {level.ratio:.2f} times as many as they should (95 %: {level.low:.2f} to {level.high:.2f})"
