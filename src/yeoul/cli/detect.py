"""`yeoul detect`: how abnormal each row of a table is, from a file to a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as Sheet

from yeoul.cli.arguments import AsJson
from yeoul.cli.say import aside, count, data, many, progress_bar, say, sheet, size
from yeoul.detect.tables import ScoringConfig
from yeoul.detect.tables import Table as TableOfNumbers
from yeoul.detect.tables.answer import LARGEST_THRESHOLD
from yeoul.detect.tables.scoring import default_scorer
from yeoul.errors import ConfigError
from yeoul.events import iso
from yeoul.flows.scoring import ScoredFile, TableRequest, score_file, usual_set
from yeoul.flows.scoring import compare as compare_detectors
from yeoul.lake import TableFile

__all__ = ["add_to"]

_SHOWN = 5

Table = Annotated[Path, typer.Argument(metavar="FILE", help="A table: .csv, .ndjson or .parquet.")]
Time = Annotated[str, typer.Option(metavar="COLUMN", help="Column of times; without it the rows have no order.")]
Value = Annotated[str, typer.Option(metavar="COLUMN", help="Column of numbers to judge.")]
Values = Annotated[
    str, typer.Option(metavar="A,B,…", help="Several columns that belong together; default: all numbers.")
]
By = Annotated[str, typer.Option(metavar="COLUMN", help="Column of keys, each a series of its own.")]
Label = Annotated[
    str, typer.Option(metavar="COLUMN", help="Known anomalies (above 0, or true), for supervised detectors.")
]
Layout = Annotated[
    str, typer.Option("--time-format", metavar="FORMAT", help="How times are written, as strptime has it.")
]
Detector = Annotated[str, typer.Option(metavar="NAME", help="`auto` chooses by the shape of the table.")]
Fit = Annotated[float, typer.Option(metavar="SHARE|ROWS", help="What is learnt first: a share below 1, or rows.")]
Mode = Annotated[str, typer.Option(metavar="MODE", help="`causal`: by earlier rows only; `batch`: by all rows.")]
Budget = Annotated[float, typer.Option(metavar="NUMBER", help="Budget: false alarms a day, over all keys.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Result; its ending says the format.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw a picture (.png or .svg).")]
Prefix = Annotated[str, typer.Option(metavar="TEXT", help="Put before the names of the new columns.")]
Seed = Annotated[int, typer.Option(metavar="NUMBER", help="Of what is drawn at random.")]
Compare = Annotated[str, typer.Option(metavar="A,B,…", help="Compare detectors on the table; `usual` chooses a set.")]
Options = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An argument of the detector.")]


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("detect")(_detect)


def _detect(
    file: Table,
    time: Time = "",
    value: Value = "",
    values: Values = "",
    by: By = "",
    label: Label = "",
    time_format: Layout = "",
    detector: Detector = "auto",
    fit: Fit = 0.3,
    mode: Mode = "auto",
    alarms_per_day: Budget = 1.0,
    out: Out = None,
    plot: Plot = None,
    prefix: Prefix = "",
    seed: Seed = 0,
    options: Options = None,
    compare: Compare = "",
    as_json: AsJson = False,
) -> None:
    """Say of each row of a table how abnormal it is, what was expected, and why.

    Writes the rows, in their order, with `score, p, expected, lower, upper, alarm, confidence, why` behind their own.

    A row's score uses earlier rows only, unless `--mode batch`. Rows that are fitted on get p = 1 and confidence 0.

    Examples: `yeoul detect cpu.csv --time timestamp --value load`; several counters of a machine:
    `yeoul detect counters.parquet --time at --values cpu,disk,net --fit 0.5`; one series for each customer:
    `yeoul detect hits.csv --time at --value hits --by customer`; behaviour vectors: `yeoul detect users.csv`.
    """
    names = tuple(name.strip() for name in f"{value},{values}".split(",") if name.strip())
    request = TableRequest(names, time, by, label, time_format)
    config = ScoringConfig(detector, fit, mode, alarms_per_day, seed, _arguments(options or []))
    if compare:
        if out or plot:
            message = "got --compare with --out or --plot; it prints a table and writes nothing: leave them out"
            raise ConfigError(message)
        _compare(file, request, config, compare, as_json=as_json)
        return
    target = out or _beside(file)
    if mode == "batch" or (mode == "auto" and not time):
        aside("note: batch mode looks ahead: a row's score uses the rows behind it too")
    with progress_bar() as bar:
        task = bar.add_task("judging", rate="", total=None)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        done = score_file(file, target, request, config, prefix=prefix, picture=plot, told=told)
    if as_json:
        data(_as_json(done, plot, detector))
    else:
        _tell(done, plot, detector)


def _beside(file: Path) -> Path:
    ending = file.suffix if file.suffix != ".gz" else file.with_suffix("").suffix
    return file.with_name(f"{file.name.partition('.')[0]}.scored{ending}")


def _compare(file: Path, request: TableRequest, config: ScoringConfig, names: str, *, as_json: bool) -> None:
    """Print what several detectors find and cost; nothing is written."""
    with TableFile(file) as table:
        rows = request.rows(table)
    chosen = tuple(name.strip() for name in names.split(",") if name.strip())
    chosen = usual_set(rows) if chosen == ("usual",) else chosen
    with progress_bar() as bar:
        task = bar.add_task("judging", rate="", total=len(chosen))

        def told(name: str, done: int, total: int) -> None:
            bar.update(task, description=f"judging by {name}", completed=done, total=total)

        found = compare_detectors(rows, chosen, config, told)
    if as_json:
        data([one.as_json() for one in found])
        return
    table_ = Sheet(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    heads = ["judged", "alarms", "a day", "agreement", "seconds", "peak MB"]
    labelled = ["VUS-PR", "AUC-PR", "AUROC", "events"] if request.label else []
    table_.add_column("detector", no_wrap=True)
    for head in heads + labelled:
        table_.add_column(head, justify="right", no_wrap=True)
    for one in found:
        if one.error:
            continue
        cells = [count(one.judged), count(one.alarms), _figure(one.alarms_per_day, 2), _figure(one.agreement, 2)]
        cells += [_figure(one.seconds, 1), _figure(one.peak_mb, 0)]
        if labelled:
            cells += [_figure(value, 3) for value in (one.vus_pr, one.auc_pr, one.auroc, one.events_found)]
        table_.add_row(one.detector, *cells)
    sheet(table_)
    for one in found:
        if one.error:
            aside(f"{one.detector}: {one.error}")


def _figure(value: float, places: int) -> str:
    return "-" if value != value else f"{value:,.{places}f}"  # noqa: PLR0124 - NaN alone is not itself


def _arguments(options: list[str]) -> dict[str, Any]:
    """`NAME=VALUE` pairs; a value that reads as a number is one."""
    found: dict[str, Any] = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not (name and equals):
            message = f"got `--set {option}`; legal: --set NAME=VALUE"
            raise ConfigError(message)
        try:
            found[name] = float(text) if "." in text or "e" in text else int(text)
        except ValueError:
            found[name] = text
    return found


def _as_json(done: ScoredFile, plot: Path | None, detector: str) -> dict[str, Any]:
    answer = done.answer
    return {
        "detector": _called(done, detector).strip("`"),
        "columns": list(done.rows.columns),
        "rows": len(done.rows.values),
        "judged": done.judged,
        "alarms": done.alarms,
        "keys": answer.keys,
        "keys_too_short": list(answer.short),
        "threshold_p": answer.threshold,
        "rows_per_day": round(answer.ticks_per_day, 3),
        "seconds": round(done.seconds, 3),
        "out": str(done.out),
        "plot": str(plot) if plot else None,
    }


def _tell(done: ScoredFile, plot: Path | None, detector: str) -> None:
    answer, rows = done.answer, len(done.rows.values)
    of_keys = f" of {many(answer.keys, 'key')}" if done.rows.keys is not None else ""
    columns = done.rows.columns
    named = ", ".join(f"`{name}`" for name in columns[:_SHOWN])
    more = f" and {count(len(columns) - _SHOWN)} more" if len(columns) > _SHOWN else ""
    say(f"{named}{more} judged by {_called(done, detector)}")
    say(f"{many(rows, 'row')}{of_keys} in {done.seconds:.1f} s, {count(done.judged)} of them judged")
    rule = f"p at or below {answer.threshold:.2g}"
    per_day = answer.ticks_per_day
    reason = f"by the budget over {count(per_day)} rows a day" if per_day else "by the budget over the whole table"
    if done.rows.at_us is not None and answer.threshold == LARGEST_THRESHOLD:
        reason = "which is the most; the budget would allow more"
    say(f"{many(done.alarms, 'alarm')}: {rule}, {reason}")
    if answer.short:
        named = ", ".join(f"`{key}`" for key in answer.short[:_SHOWN])
        more = f" and {count(len(answer.short) - _SHOWN)} more" if len(answer.short) > _SHOWN else ""
        aside(f"note: too few rows to be judged: {named}{more}")
    for row in _worst(done):
        when = "" if done.rows.at_us is None else f"{_moment(done, row)}  "
        key = "" if done.rows.keys is None else f"{done.rows.keys[row]}  "
        why = answer.columns["why"][row]
        say(f"  row {count(row + 1)}  {when}{key}score {answer.columns['score'][row]:.2f}  {why}")
    if done.alarms > _SHOWN:
        say(f"  and {count(done.alarms - _SHOWN)} more in the result")
    say(f"{done.out}  {size(done.out.stat().st_size)}")
    if plot is not None:
        say(f"{plot}  {size(plot.stat().st_size)}")


def _called(done: ScoredFile, detector: str) -> str:
    """The detector, also where it was chosen by the shape of the table."""
    if detector != "auto":
        return f"`{detector}`"
    shape = TableOfNumbers(done.rows.values, done.rows.columns, done.rows.at_us)
    return f"`{default_scorer(shape)}`"


def _worst(done: ScoredFile) -> list[int]:
    columns = done.answer.columns
    rows = [row for row in columns["p"].argsort(kind="stable").tolist() if columns["alarm"][row]]
    return rows[:_SHOWN]


def _moment(done: ScoredFile, row: int) -> str:
    assert done.rows.at_us is not None
    return iso(int(done.rows.at_us[row]))
