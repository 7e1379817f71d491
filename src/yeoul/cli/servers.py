"""`yeoul servers`: counters of a service's servers, a label for each five minutes."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from yeoul.cli.arguments import AsJson
from yeoul.cli.say import aside, count, data, err, many, progress_bar, say, size
from yeoul.demo.counters import CountersConfig, write_counters
from yeoul.errors import ConfigError, InputError
from yeoul.flows.servers.describe import described
from yeoul.flows.servers.model import AUTO, ModelConfig, Step
from yeoul.flows.servers.predict import Prediction, ServersConfig, predict, summary
from yeoul.flows.servers.reading import FILES
from yeoul.flows.servers.report import detail_path, require_places, write_prediction
from yeoul.flows.servers.saved import read_about

__all__ = ["add_to"]

_EVERY_S = 10.0

Folder = Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Folder with the four `Media_*.csv`.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where `timestamp,label` goes.")]
Period = Annotated[
    str | None, typer.Option(metavar="TEXT", help="`2018`, `2018-03`, `2018-01-01..2018-06-30` or `all`.")
]
Method = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="`auto`, which is the default, `two-stage-lstm`, or a detector of `yeoul detect`."
    ),
]
Budget = Annotated[float, typer.Option(metavar="NUMBER", help="Slots a day that may be labelled for nothing.")]
Persist = Annotated[str, typer.Option(metavar="TEXT", help="So many of so many slots must be alarms: `2 of 3`.")]
Steps = Annotated[int | None, typer.Option(metavar="NUMBER", help="two-stage-lstm: slots of a window; 5.")]
Clean = Annotated[
    str | None, typer.Option(metavar="TEXT", help="two-stage-lstm: error that is left out; 0.2, quantile:0.97, p:0.01.")
]
Flag = Annotated[
    str | None, typer.Option(metavar="TEXT", help="two-stage-lstm: error that is labelled; 0.1, quantile:Q or p:P.")
]
Dropout = Annotated[float | None, typer.Option(metavar="NUMBER", help="two-stage-lstm: share left out in training; 0.")]
GapLabel = Annotated[int, typer.Option(metavar="0|1", help="Label of slots of which less than half was read.")]
Duplicates = Annotated[
    str, typer.Option(metavar="TEXT", help="Of rows of one slot that differ: `refuse`, keep the `first` or `last`.")
]
Detail = Annotated[Path | None, typer.Option(metavar="FILE", help="The detailed file, .csv or .parquet; beside --out.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw a picture (.png or .svg).")]
Save = Annotated[Path | None, typer.Option("--save", metavar="FOLDER", help="Keep the fitted model.")]
Load = Annotated[Path | None, typer.Option("--load", metavar="FOLDER", help="Use a kept model; nothing is trained.")]
Describe = Annotated[Path | None, typer.Option("--describe", metavar="FOLDER", help="Print what a kept model is.")]
Seed = Annotated[int, typer.Option(metavar="NUMBER", help="Of what is drawn at random.")]
Make = Annotated[bool, typer.Option("--make", help="Write made-up files with labelled faults to DIR first.")]
Months = Annotated[int, typer.Option(metavar="NUMBER", help="--make: months from 2017-01 on.")]
Servers = Annotated[int, typer.Option(metavar="NUMBER", help="--make: servers.")]


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("servers")(_servers)


def _servers(
    folder: Folder = None,
    out: Out = None,
    period: Period = None,
    method: Method = None,
    alarms_per_day: Budget = 0.2,
    persist: Persist = "1 of 1",
    steps: Steps = None,
    clean: Clean = None,
    flag: Flag = None,
    dropout: Dropout = None,
    gap_label: GapLabel = 0,
    duplicates: Duplicates = "refuse",
    detail: Detail = None,
    plot: Plot = None,
    save: Save = None,
    load: Load = None,
    describe: Describe = None,
    seed: Seed = 0,
    make: Make = False,
    months: Months = 24,
    servers: Servers = 13,
    as_json: AsJson = False,
) -> None:
    """Say of each five minutes of a service's servers whether something was wrong: `timestamp,label`.

    Reads Media_INFO.csv, Media_LOGIN.csv, Media_MENU.csv and Media_STREAM.csv, joins them on the five-minute grid, and
    tells and fills gaps. Fits one model over all servers on what lies before the period (on everything when nothing
    does), and writes one row for each slot of the period; beside it a detailed file with p, score, confidence and
    contributors.

    Examples: `yeoul servers counters --out predict.csv --period 2018`; to try it, `yeoul servers trial --make`.
    """
    if describe is not None:
        _describe(describe, plot, as_json)
        return
    if folder is None:
        message = "got no DIR; name the folder with the four `Media_*.csv`, or a model by --describe"
        raise InputError(message)
    if out is None and not make:
        message = "got no --out; name the file for the labels, such as `--out predict.csv`"
        raise InputError(message)
    files = None if out is None else (out, detail_path(out, detail))
    if plot is not None:
        _require_picture(plot)
    if files is not None:
        places = {"--out": files[0], "--detail": files[1]} | ({} if plot is None else {"--plot": plot})
        require_places(folder, places)
    options = {"window": steps, "clean": clean, "flag": flag, "dropout": dropout}
    told = {name: value for name, value in options.items() if value is not None}
    model = _model_config(load, method, seed, told)
    config = ServersConfig(folder, period, model, alarms_per_day, _persist(persist), gap_label, duplicates, save, load)
    if make:
        made = CountersConfig(months=months, servers=servers, seed=seed)
        _make(folder, made, judged=out is not None, quiet=as_json and out is not None)
    if files is None:
        return
    with progress_bar() as bar:
        prediction = predict(config, Teller(bar).tell)
    _finish(prediction, files, plot, save, as_json=as_json)


def _model_config(load: Path | None, method: str | None, seed: int, options: dict[str, Any]) -> ModelConfig:
    if load is not None and options:
        message = "got --load and options of training; the kept model has its own: leave them out"
        raise ConfigError(message)
    if load is not None and method is not None and method != (kept := read_about(load)["config"]["method"]):
        message = f"got --method {method}, and --load of a model of the method `{kept}`; leave one of them out"
        raise ConfigError(message)
    return ModelConfig(AUTO if method is None else method, seed, options)


def _persist(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"\s*(\d+)\s*(?:of|/)\s*(\d+)\s*", text)
    if match is None:
        message = f"got `{text}` for --persist; legal: two numbers such as `2 of 3`"
        raise InputError(message)
    return int(match[1]), int(match[2])


def _require_picture(plot: Path) -> None:
    from yeoul.flows.servers.picture import require_picture  # noqa: PLC0415 - loads Matplotlib, half a second

    require_picture(plot)


def _make(folder: Path, config: CountersConfig, *, judged: bool, quiet: bool) -> None:
    names = [f"Media_{name}.csv" for name in FILES] + ["labels.csv", "incidents.csv"]
    if there := [name for name in names if (folder / name).exists()]:
        message = (
            f"got `{folder}` for --make, which has {', '.join(there)} already; name a new folder, or leave out --make"
        )
        raise InputError(message)
    with progress_bar() as bar:
        task = bar.add_task("making up counters", rate="", total=None)
        faults = write_counters(folder, config, lambda done, total: bar.update(task, completed=done, total=total))
    tell = aside if quiet else say
    tell(f"{folder}: {many(config.months, 'month')} of {many(config.servers, 'made-up server')} from {config.start} on")
    tell(f"  {many(len(faults), 'fault')}, in incidents.csv, and slot by slot in labels.csv")
    if not judged:
        tell(f"  to judge them: yeoul servers {folder} --out predict.csv")


class Teller:
    """Tells of long work: a bar on a terminal, now and then a line elsewhere."""

    def __init__(self, bar: Progress) -> None:
        self._bar, self._what, self._task = bar, "", bar.add_task("reading", rate="", total=None)
        self._began = self._said = self._last = time.monotonic()

    def tell(self, step: Step) -> None:
        """Tell of one step."""
        now = time.monotonic()
        if step.what != self._what:
            # where the first step is told when it is done, the work began with the step before
            self._what, self._began = step.what, self._last if step.done else now
            self._bar.reset(self._task, description=step.what, total=None)
        self._last = now
        self._bar.update(self._task, completed=step.done, total=step.total or None, rate=step.note)
        if err.is_terminal or not (step.weighty or now - self._said >= _EVERY_S):
            return
        self._said = now
        share = step.done / step.total if step.total else 0.0
        left = f", about {(now - self._began) * (1 - share) / share:.0f} s left" if 0 < share < 1 else ""
        note = f", {step.note}" if step.note else ""
        aside(f"{step.what}: {share:.0%}{note}{left}")


def _finish(
    prediction: Prediction, files: tuple[Path, Path], plot: Path | None, save: Path | None, *, as_json: bool
) -> None:
    written = list(write_prediction(prediction, *files))
    if plot is not None:
        from yeoul.flows.servers.picture import draw  # noqa: PLC0415 - loads Matplotlib

        draw(plot, prediction)
        written.append(plot)
    told = summary(prediction)
    if as_json:
        data({**told, "files": [str(path) for path in written], "saved": str(save) if save else None})
        return
    for note in prediction.notes:
        aside(f"note: {note}")
    for gap in prediction.gaps[:5]:
        aside(f"gap: {gap}")
    if (more := len(prediction.gaps) - 5) > 0:
        aside(f"  and {many(more, 'gap')} more within the period")
    spent = ", ".join(f"{name} {value:.1f} s" for name, value in told["seconds"].items())
    servers = many(len(prediction.servers), "server")
    say(f"{prediction.period.name}: {many(told['slots'], 'slot')} of {servers} ({spent})")
    rule = (
        f"p at or below {prediction.threshold:.2g}" if prediction.judged.flags is None else "the method's own threshold"
    )
    say(f"{many(told['labelled'], 'slot')} labelled 1 in {many(told['runs'], 'run')}, by {rule}")
    if told["filled_slots"]:
        say(f"{many(told['filled_slots'], 'slot')} not read in full; not judged: {count(told['not_judged'])} of them")
    for path in written:
        say(f"  {path}  {size(path.stat().st_size)}")
    if save is not None:
        say(f"  {save}  the fitted model")


def _describe(folder: Path, plot: Path | None, as_json: bool) -> None:
    about = read_about(folder)
    if plot is not None:
        from yeoul.flows.servers.picture import draw_losses  # noqa: PLC0415 - loads Matplotlib

        draw_losses(plot, about["losses"])
    if as_json:
        data(about)
        return
    for line in described(folder):
        say(line)
    if plot is not None:
        say(f"{plot}  {size(plot.stat().st_size)}")
