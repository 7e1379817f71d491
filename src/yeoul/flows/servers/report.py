"""The result as files: a label a slot, and beside it what the label rests on."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import InputError, SourceError
from yeoul.flows.servers.predict import Prediction
from yeoul.flows.servers.reading import FILES
from yeoul.flows.servers.stamps import stamps
from yeoul.lake.columns import write_columns

__all__ = ["DETAIL_COLUMNS", "detail_path", "require_places", "write_prediction"]

DETAIL_COLUMNS = ("timestamp", "label", "p", "score", "confidence", "raw", "filled", "servers", "contributors")
"""Columns of the detailed file."""

_ENDINGS = {".csv", ".parquet"}
_LEAST_SHARE = 0.03
_TOP_SERVERS = 3


def detail_path(out: Path, detail: Path | None) -> Path:
    """Where the detailed file goes: beside `out`, as `predict.detail.csv`, unless a person named a place.

    Raises:
        InputError: an ending that is neither `.csv` nor `.parquet`.

    >>> detail_path(Path("out/predict.csv"), None).as_posix()
    'out/predict.detail.csv'
    """
    found = out.with_name(f"{out.stem}.detail.csv") if detail is None else detail
    if found.suffix.lower() not in _ENDINGS:
        message = f"got the detailed file `{found.name}`; legal endings: .csv, .parquet"
        raise InputError(message)
    return found


def require_places(folder: Path, places: Mapping[str, Path]) -> None:
    """Refuse places that the results cannot go to, before minutes are spent; folders on the way are made.

    Args:
        folder: the one with the counter files.
        places: by the option that named it.

    Raises:
        InputError: a folder, a device, a file that is read, or one file twice.
        SourceError: the system does not let it be written.
    """
    read = {(folder / f"Media_{name}.csv").resolve() for name in FILES}
    taken: dict[Path, str] = {}
    for option, path in places.items():
        whole = path.resolve()
        other = taken.setdefault(whole, option)
        if whole.is_dir():
            message = f"got `{path}` for {option}, which is a folder; name a file"
        elif whole.exists() and not whole.is_file():
            message = f"got `{path}` for {option}, which is a device or a pipe; name a file"
        elif whole in read:
            message = f"got `{path}` for {option}, which is one of the files that are read; name another file"
        elif other != option:
            message = f"got `{path}` for {other} and {option}; name two files"
        else:
            _require_writable(whole.parent, option)
            continue
        raise InputError(message)


def _require_writable(folder: Path, option: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"{option}: nothing can be written in `{folder}` ({reason}); name a file in another folder"
        raise SourceError(message) from error


def write_prediction(prediction: Prediction, out: Path, detail: Path) -> tuple[Path, Path]:
    """Write `timestamp,label` to `out`, and `DETAIL_COLUMNS` to `detail`: a row a slot of the period, both."""
    texts, label = stamps(prediction.slots), prediction.label.tolist()
    rows = (f"{text},{one}\n" for text, one in zip(texts, label, strict=True))
    _write_lines(out, "timestamp,label\n", rows)
    columns = _columns(prediction, texts)
    if detail.suffix.lower() == ".parquet":
        detail.parent.mkdir(parents=True, exist_ok=True)
        write_columns(detail, columns)
        return out, detail
    formats = ("{}", "{}", "{:.4g}", "{:.4f}", "{:.3f}", "{:.5g}", "{}", "{}", "{}")
    line = (",".join(formats) + "\n").format
    lines = (
        line(*cells).replace(",nan,", ",,") for cells in zip(*(one.tolist() for one in columns.values()), strict=True)
    )
    _write_lines(detail, ",".join(DETAIL_COLUMNS) + "\n", lines)
    return out, detail


def _write_lines(path: Path, header: str, lines: Any) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.resolve()  # a link stays one
    beside = path.with_name(f".{path.name}.tmp")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(header)
            file.writelines(lines)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _columns(prediction: Prediction, texts: list[str]) -> dict[str, NDArray[Any]]:
    judged = prediction.judged
    servers = [one or "1" for one in prediction.servers]
    order = np.argsort(-judged.group_shares, axis=1, kind="stable")[:, :_TOP_SERVERS]
    columns = (
        np.array(texts, np.object_),
        prediction.label,
        judged.p,
        prediction.score,
        prediction.confidence,
        judged.raw,
        (prediction.seen < 1).astype(np.int8),
        _ranked(order, np.take_along_axis(judged.group_shares, order, axis=1), servers),
        _ranked(judged.leading, judged.leading_shares, prediction.columns),
    )
    return dict(zip(DETAIL_COLUMNS, columns, strict=True))


def _ranked(places: NDArray[np.intp], shares: NDArray[np.float32], names: Sequence[str]) -> NDArray[np.object_]:
    """Texts such as `LOGIN.3_Fail 42%; LOGIN.3_Success 20%`, names of small shares left out; shape (n,)."""
    found = np.full(len(places), "", np.object_)
    percent = np.rint(100 * shares).astype(np.int64).tolist()
    for row, (some, parts) in enumerate(zip(places.tolist(), percent, strict=True)):
        found[row] = "; ".join(
            f"{names[place]} {part}%" for place, part in zip(some, parts, strict=True) if part >= 100 * _LEAST_SHARE
        )
    return found
