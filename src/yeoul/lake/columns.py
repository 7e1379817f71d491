"""Columns of equal length as one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from yeoul.errors import SourceError
from yeoul.lake.duck import duck_error, open_duck
from yeoul.lake.tables import WRITERS, format_of

__all__ = ["write_columns"]


def write_columns(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write columns by name, each of shape (n,), whole or not at all; the format is that of the file's ending.

    Raises:
        InputError: a name without a known ending.
        SourceError: the file cannot be written.
    """
    options = WRITERS[format_of(path)] + (", COMPRESSION gzip" if path.suffix == ".gz" else "")
    beside = path.with_name(f".{path.name}.tmp")
    engine = open_duck()
    try:
        engine.register("given", {f"c{place}": column for place, column in enumerate(columns.values())})
        quoted = [name.replace('"', '""') for name in columns]
        names = ", ".join(f'c{place} AS "{name}"' for place, name in enumerate(quoted))
        target = str(beside).replace("'", "''")
        engine.execute(f"COPY (SELECT {names} FROM given) TO '{target}' ({options})")
        beside.replace(path)
    except duck_error() as error:
        message = f"got `{path}`, which cannot be written: {str(error).splitlines()[0]}; choose another place"
        raise SourceError(message) from error
    finally:
        engine.close()
        beside.unlink(missing_ok=True)
