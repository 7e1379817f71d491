"""Old entries of the results log in Parquet: after a crash a file is whole or not there; any Parquet tool reads it."""

from __future__ import annotations

import contextlib
import errno
import glob
import shutil
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from yeoul.errors import DamagedError, StorageFullError
from yeoul.lake.duck import duck_error, open_duck
from yeoul.store import sync

__all__ = ["ENTRY_COLUMNS", "read_entries", "write_entries"]

ENTRY_COLUMNS = {
    "seq": "BIGINT",
    "stream": "VARCHAR",
    "kind": "VARCHAR",
    "start_us": "BIGINT",
    "end_us": "BIGINT",
    "revision": "INTEGER",
    "full": "INTEGER",
    "coverage": "VARCHAR",
    "rows": "BIGINT",
    "block": "BLOB",
}
"""Columns of an archived entry, as in table `log`, with their SQL types."""

_LIST = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in ENTRY_COLUMNS.items())
_READ_ROWS = 64
_READ_BYTES = 1 << 20
_ROW_GROUP = 2048  # the smallest that DuckDB makes

Row = tuple[Any, ...]


def write_entries(path: Path, entries: Sequence[Row]) -> int:
    """Write rows of table `log` (members as `ENTRY_COLUMNS`) to a file, in the order given; the CRC-32 of the file.

    The file is written beside its place, synchronised to disk and then renamed: after a crash it is whole or not there.
    A file of that name is replaced.

    Raises:
        StorageFullError: the disk is full; nothing is left behind.
    """
    beside = path.with_name(f".{path.name}.tmp")
    columns = dict(zip(ENTRY_COLUMNS, _columns(entries), strict=True))
    try:
        with contextlib.closing(open_duck()) as engine:
            engine.register("entries", columns)
            target = str(beside).replace("'", "''")
            engine.execute(
                f"COPY (SELECT {_LIST} FROM entries) TO '{target}' "
                f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
            )
        crc = _crc(beside)
        sync(beside)
        beside.rename(path)
        sync(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        _raise_plain(error, path)
        raise
    return crc


def read_entries(path: Path, crc: int | None = None) -> Iterator[Row]:
    """The rows of a file that `write_entries` made, in their order, a few at a time.

    Args:
        path: the file.
        crc: what `write_entries` gave for it; None: not known, and only damage that Parquet notices is found.

    Raises:
        DamagedError: the file is missing or damaged.
    """
    _check(path, crc)
    names = ", ".join(f'"{name}"' for name in ENTRY_COLUMNS)
    with contextlib.closing(open_duck()) as engine:
        try:
            # a path may hold what would be a pattern
            found = engine.execute(
                f"SELECT {names} FROM read_parquet(?, hive_partitioning = false)", [glob.escape(str(path))]
            )
            while rows := found.fetchmany(_READ_ROWS):
                yield from rows
        except duck_error() as error:
            raise _damaged(path, _first_line(error)) from error


def _check(path: Path, crc: int | None) -> None:
    try:
        if crc is not None and _crc(path) != crc:
            raise _damaged(path, "its bytes are not those that were written")
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error


def _damaged(path: Path, why: str) -> DamagedError:
    return DamagedError(f"the archived results in `{path}` cannot be read ({why}); restore the file")


def _crc(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        while data := file.read(_READ_BYTES):
            crc = zlib.crc32(data, crc)
    return crc


def _columns(entries: Sequence[Row]) -> Iterator[np.ndarray[Any, Any]]:
    for number, kind in enumerate(ENTRY_COLUMNS.values()):
        if kind in {"BIGINT", "INTEGER"}:
            yield np.fromiter((row[number] for row in entries), np.int64, len(entries))
        else:
            column = np.empty(len(entries), np.object_)
            column[:] = [row[number] for row in entries]
            yield column


def _raise_plain(error: BaseException, path: Path) -> None:
    no_space = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    if (
        no_space
        or "No space left" in str(error)
        or (path.parent.is_dir() and shutil.disk_usage(path.parent).free < 1 << 16)
    ):
        message = f"the disk that holds `{path.parent}` is full; free some space, work resumes by itself"
        raise StorageFullError(message) from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
