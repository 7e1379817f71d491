"""The picture of a scored table: values with their expected range and alarms above, scores below."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from yeoul.detect.tables import Answer, Rows
from yeoul.errors import InputError

__all__ = ["draw"]

_MOST_PANELS = 6
_MOST_POINTS = 4000
_MOST_NAMED = 6
_INK, _BAND, _ALARM = "#1f4e79", "#c9d8e8", "#c0392b"


def draw(path: Path, rows: Rows, answer: Answer) -> None:
    """Draw the keys with the most alarms, at most six, one above the other; PNG or SVG by the name's ending.

    Of long series every row that is an alarm is shown and of the others the least and the greatest value in each step.

    Raises:
        InputError: another ending.
    """
    if path.suffix.lower() not in {".png", ".svg"}:
        message = f"got the picture `{path.name}`; legal endings: .png, .svg"
        raise InputError(message)
    # infinite values are judged as missing ones, and drawn so
    rows = replace(rows, values=np.where(np.isfinite(rows.values), rows.values, np.nan))
    panels = _panels(rows, answer)
    figure = Figure(figsize=(11, 1.2 + 2.9 * len(panels)), layout="constrained")
    axes = figure.subplots(2 * len(panels), 1, squeeze=False, height_ratios=[2.2, 1] * len(panels))[:, 0]
    for number, (title, at) in enumerate(panels):
        _panel(axes[2 * number], axes[2 * number + 1], title, rows, answer, at)
    with warnings.catch_warnings():
        # names in a script that the font lacks are boxes, which is no reason to interrupt
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure.savefig(path, dpi=110)


def _panels(rows: Rows, answer: Answer) -> list[tuple[str, NDArray[np.intp]]]:
    """Title and places of the rows of what is drawn, in order of time."""
    order = np.arange(len(rows.values)) if rows.at_us is None else np.argsort(rows.at_us, kind="stable")
    if rows.keys is None:
        return [("", order)]
    texts = rows.keys.astype(str)
    names, code = np.unique(texts, return_inverse=True)
    alarms = np.bincount(code, weights=answer.columns["alarm"])
    first = np.argsort(-alarms, kind="stable")[:_MOST_PANELS]
    return [(str(names[key]) or "(no key)", order[code[order] == key]) for key in first]


def _panel(above: Any, below: Any, title: str, rows: Rows, answer: Answer, at: NDArray[np.intp]) -> None:
    columns = answer.columns
    shown = at[_thinned(rows.values[at, 0], columns["alarm"][at])]
    places: Any = shown
    if rows.at_us is not None:
        places = [datetime.fromtimestamp(us / 1e6, UTC).replace(tzinfo=None) for us in rows.at_us[shown]]
    if rows.values.shape[1] > 1:
        with warnings.catch_warnings():
            # of a column without any value
            warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
            middle = np.nanmedian(rows.values[at], axis=0)
            spread = np.nanpercentile(np.abs(rows.values[at] - middle), 90, axis=0)
        lines = np.clip((rows.values[shown] - middle) / np.where(spread > 0, spread, 1.0), -8, 8)
        named = rows.columns if len(rows.columns) <= _MOST_NAMED else None
        above.plot(places, lines, lw=0.6, alpha=0.7, label=named)
        above.set_ylabel("columns, scaled")
        peaks = np.nan_to_num(lines, nan=-np.inf).max(axis=1)
        peaks[np.isinf(peaks)] = np.nan
    else:
        above.fill_between(
            places, columns["lower"][shown], columns["upper"][shown], color=_BAND, lw=0, label="usual range"
        )
        above.plot(places, columns["expected"][shown], color="#7f9db9", lw=0.8, label="expected")
        peaks = rows.values[shown, 0]
        # a single row is no line
        mark = "." if len(shown) == 1 else None
        above.plot(places, peaks, color=_INK, lw=0.9, marker=mark, label=rows.columns[0])
        above.set_ylabel(rows.columns[0])
    alarm = columns["alarm"][shown]
    label = f"alarm ({int(columns['alarm'][at].sum())})"
    above.plot(np.asarray(places)[alarm], peaks[alarm], "o", color=_ALARM, ms=4, label=label)
    above.legend(loc="upper left", fontsize=8, frameon=False, ncols=8)
    above.set_title(title, loc="left", fontsize=10)
    below.plot(places, columns["score"][shown], color=_INK, lw=0.8)
    below.axhline(min(1.0, -np.log10(answer.threshold) / 6.0), color=_ALARM, lw=0.8, ls="--")
    below.set_ylim(0, 1.05)
    below.set_ylabel("score")


def _thinned(values: NDArray[np.float64], alarm: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Places to draw: of each step the least and the greatest value, and every alarm."""
    step = -(-2 * len(values) // _MOST_POINTS)
    if step <= 2:
        return np.arange(len(values))
    keep = set(np.flatnonzero(alarm).tolist())
    filled = np.nan_to_num(values, nan=float(np.nanmedian(values)) if not np.isnan(values).all() else 0.0)
    for start in range(0, len(values), step):
        part = filled[start : start + step]
        keep |= {start + int(part.argmin()), start + int(part.argmax())}
    return np.array(sorted(keep), np.intp)
