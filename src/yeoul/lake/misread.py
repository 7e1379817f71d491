"""Why a file is no table, in words for the person whose file it is: looked for only where reading it went wrong."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

__all__ = ["begins_with_object", "encoding_of", "ragged_line"]

_DELIMITERS = ",;\t|"
_LOOKED_AT = 1 << 22


def begins_with_object(path: Path) -> bool:
    """Whether what stands first in a file of JSON is an object."""
    return _start(path).lstrip().startswith(b"{")


def encoding_of(path: Path) -> str:
    """The encoding that the first 4 MB are most likely written in; empty where they are UTF-8.

    Texts that are legal in CP949 (Korean) are taken for that, others for Windows-1252.
    """
    start = _start(path)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    for encoding, name in (("utf-8", ""), ("cp949", "CP949")):
        try:
            # the last character may have been cut
            start.decode(encoding) if len(start) < _LOOKED_AT else start.rpartition(b"\n")[0].decode(encoding)
        except UnicodeDecodeError:
            continue
        return name
    return "WINDOWS-1252"


def ragged_line(path: Path) -> str:
    """Which row of a CSV file has other cells than its header, in words; empty where there is none.

    Looks for the delimiter in the header, and at the first 4 MB.
    """
    lines = _start(path).decode("utf-8", "replace").splitlines(keepends=True)
    header = lines[0] if lines else ""
    delimiter = max(_DELIMITERS, key=header.count)
    if not header.count(delimiter):
        return ""
    rows = csv.reader(lines, delimiter=delimiter)
    wanted = len(next(rows))
    for row, cells in enumerate(rows, 1):
        if cells and len(cells) != wanted:
            return f"row {row} (line {rows.line_num}) has {len(cells)} cells, the header {wanted}"
    return ""


def _start(path: Path) -> bytes:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return file.read(_LOOKED_AT)
