"""The flow: read, judge, write the rows with the answer beside them, draw the picture."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yeoul.detect.tables import Answer, Rows, ScoringConfig, Told, answer
from yeoul.errors import InputError
from yeoul.flows.scoring.request import TableRequest
from yeoul.lake import TableFile, format_of

__all__ = ["ScoredFile", "score_file"]


PICTURES = (".png", ".svg")
"""Endings of the pictures that can be drawn."""


@dataclass(frozen=True, slots=True)
class ScoredFile:
    """What came out."""

    rows: Rows
    answer: Answer
    out: Path
    seconds: float

    @property
    def alarms(self) -> int:
        """How many rows are alarms."""
        return int(np.count_nonzero(self.answer.columns["alarm"]))

    @property
    def judged(self) -> int:
        """How many rows something is said of."""
        return int(np.count_nonzero(self.answer.columns["confidence"]))


def score_file(
    path: Path,
    out: Path,
    request: TableRequest,
    config: ScoringConfig,
    *,
    prefix: str = "",
    picture: Path | None = None,
    told: Told | None = None,
) -> ScoredFile:
    """Score the rows of a file and write them, in their order, with the answer's columns behind their own.

    Args:
        path: CSV, NDJSON or Parquet.
        out: file to write; its ending says the format.
        request: which columns are meant.
        config: detector, what it is fitted on, budget of alarms.
        prefix: put before the names of the new columns.
        picture: PNG or SVG file to draw values, expected ranges and alarms into.
        told: called with the rows done and the rows there are.

    Raises:
        InputError: a column, a cell or a name of a file that is not legal.
        ConfigError: a detector that the table is nothing for.
        SourceError: a file that cannot be read or written.
    """
    format_of(out)
    if out.resolve() == path.resolve():
        message = f"got `{out}` as input and as output; name another file by --out"
        raise InputError(message)
    for file in (out, picture):
        if file is not None and file.is_dir():
            message = f"got `{file}`, which is a folder; name a file"
            raise InputError(message)
        if file is not None and not file.absolute().parent.is_dir():
            message = f"got `{file}`, whose folder is not there; make it, or choose another place"
            raise InputError(message)
    if picture is not None and picture.suffix.lower() not in PICTURES:
        message = f"got the picture `{picture.name}`; legal endings: {', '.join(PICTURES)}"
        raise InputError(message)
    started = time.monotonic()
    with TableFile(path) as table:
        rows = request.rows(table)
        found = answer(rows, config, told)
        added = {prefix + name: column for name, column in found.columns.items()}
        # tables are written without regard to case: `Score` beside `score` would come out under another name
        small = {name.lower() for name in added}
        if both := [name for name in table.columns if name.lower() in small]:
            message = f"got a file that has the column `{both[0]}` already; name the new ones apart by --prefix"
            raise InputError(message)
        table.write(out, added)
    if picture is not None:
        from yeoul.flows.scoring.picture import draw  # noqa: PLC0415 - loads the drawing library

        draw(picture, rows, found)
    return ScoredFile(rows, found, out, time.monotonic() - started)
