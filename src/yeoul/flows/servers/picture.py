"""The picture of a prediction: requests and labels, scores, which server carries what, and losses of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from numpy.typing import NDArray

from yeoul.errors import InputError
from yeoul.flows.servers.predict import Prediction
from yeoul.flows.servers.reading import FILES
from yeoul.flows.servers.stamps import SLOT_US

__all__ = ["draw", "draw_losses", "require_picture"]

_MOST_POINTS = 2000
_INKS = ("#1f4e79", "#b36b00", "#4b7f52", "#7a4e8a")
_ALARM = "#c0392b"
_TICKS = ["%Y", "%b", "%d", "%H:%M", "%H:%M", "%H:%M"]
_FIRST_TICKS = ["", "%b %Y", "%b %Y", "%d %b", "%H:%M", "%H:%M"]
"""Ticks where a month, a day and so on begin; a corner text for the rest would name the month of the last tick."""


def require_picture(path: Path) -> None:
    """Refuse a name that no picture can have.

    Raises:
        InputError: its ending is neither `.png` nor `.svg`.
    """
    if path.suffix.lower() not in {".png", ".svg"}:
        message = f"got the picture `{path.name}`; legal endings: .png, .svg"
        raise InputError(message)


def draw(path: Path, prediction: Prediction) -> None:
    """Draw the period; of long ones each step shows its mean requests, its highest score and whether a slot is 1."""
    require_picture(path)
    step = -(-len(prediction.label) // _MOST_POINTS)
    at = (prediction.slots[::step] * SLOT_US).astype("datetime64[us]")
    panels = 4 if prediction.losses else 3
    figure = Figure(figsize=(12, 2.6 * panels), layout="constrained")
    axes = figure.subplots(panels, 1, height_ratios=[1.1, 1, 1.3, 1.1][:panels])
    for other in axes[1:3]:
        other.sharex(axes[0])
    _requests(axes[0], at, prediction, step)
    _scores(axes[1], at, prediction, step)
    _servers(axes[2], figure, at, prediction, step)
    days: Any = AutoDateLocator()  # type: ignore[no-untyped-call]  # Matplotlib's dates are untyped
    look: dict[str, Any] = {"formats": _TICKS, "zero_formats": _FIRST_TICKS, "show_offset": False}
    for axis in axes[:3]:
        axis.xaxis.set_major_locator(days)
        axis.xaxis.set_major_formatter(ConciseDateFormatter(days, **look))  # type: ignore[no-untyped-call]  # as above
    if prediction.losses:
        _losses(axes[3], prediction.losses)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def draw_losses(path: Path, losses: dict[str, list[float]]) -> None:
    """Draw the loss of each epoch of training.

    Raises:
        InputError: nothing was trained by epochs, or another ending.
    """
    require_picture(path)
    if not losses:
        message = "got a model without losses: its method is not trained by epochs; leave out --plot"
        raise InputError(message)
    figure = Figure(figsize=(9, 4), layout="constrained")
    _losses(figure.subplots(), losses)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _steps(column: NDArray[Any], step: int, how: Any) -> NDArray[Any]:
    return np.asarray(how(column, np.arange(0, len(column), step), axis=0))


def _requests(axis: Any, at: NDArray[Any], prediction: Prediction, step: int) -> None:
    size = _steps(np.ones(len(prediction.label)), step, np.add.reduceat)
    means = _steps(prediction.totals, step, np.add.reduceat) / size[:, None]
    labelled = _steps(prediction.label, step, np.maximum.reduceat) == 1
    top = float(np.nanmax(means, initial=1.0))
    axis.vlines(at[labelled], 0, 1.05 * top, color=_ALARM, alpha=0.25, lw=1.0)
    for name, ink, line in zip(FILES, _INKS, means.T, strict=True):
        axis.plot(at, line, color=ink, lw=0.7, label=name)
    axis.set_ylim(0, 1.2 * top)
    axis.legend(loc="upper left", fontsize=8, frameon=False, ncols=4)
    axis.set_ylabel("requests, all servers")
    count = int(prediction.label.sum())
    title = f"{prediction.period.name}: {count:,} of {len(prediction.label):,} slots labelled 1 (red)"
    axis.set_title(f"{title}, method {prediction.saved.config.method}", loc="left", fontsize=10)


def _scores(axis: Any, at: NDArray[Any], prediction: Prediction, step: int) -> None:
    axis.vlines(at, 0, _steps(prediction.score, step, np.maximum.reduceat), color=_INKS[0], lw=0.6)
    gone = _steps(prediction.seen, step, np.minimum.reduceat) < 1
    axis.plot(at[gone], np.full(int(gone.sum()), 1.03), "|", color="#888888", ms=5, label="filled")
    if prediction.judged.flags is None:
        axis.axhline(-np.log10(prediction.threshold) / 6.0, color=_ALARM, lw=0.8, ls="--", label="threshold")
    axis.set_ylim(0, 1.3)
    axis.set_yticks(np.arange(0, 1.1, 0.25))
    axis.set_ylabel("highest score")
    axis.legend(loc="upper right", fontsize=8, frameon=False, ncols=2)


def _servers(axis: Any, figure: Any, at: NDArray[Any], prediction: Prediction, step: int) -> None:
    """How much of its step's highest score each server carries."""
    carried = prediction.judged.group_shares * prediction.score[:, None]
    most = _steps(carried, step, np.maximum.reduceat).T
    edges = np.append(at, at[-1] + (at[1] - at[0] if len(at) > 1 else np.timedelta64(SLOT_US, "us")))
    image = axis.pcolormesh(edges, np.arange(len(most) + 1), most, cmap="Reds", vmin=0, rasterized=True)
    axis.set_yticks(np.arange(len(most)) + 0.5, [one or "1" for one in prediction.servers], fontsize=7)
    axis.set_ylabel("server")
    figure.colorbar(image, ax=axis, label="carries of the score", pad=0.01)


def _losses(axis: Any, losses: dict[str, list[float]]) -> None:
    for place, (name, values) in enumerate(losses.items()):
        style = "--" if "held out" in name else "-"
        ink = _INKS[place // 2 % len(_INKS)]
        axis.plot(np.arange(1, len(values) + 1), values, style, marker="o", ms=3, color=ink, label=name)
    axis.set_yscale("log")
    axis.set_xlabel("epoch")
    axis.set_ylabel("loss")
    axis.legend(fontsize=8, frameon=False)
