"""How the lines of a sample are written, and the members that each of them holds."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from yeoul.errors import InputError
from yeoul.settings.sniff.access_log import ACCESS_LOG
from yeoul.settings.sniff.sample import SampleFile

__all__ = ["Path", "Record", "Shape", "read_records", "recognise"]

Path = tuple[str, ...]
Record = dict[Path, Any]
"""Members of one line; None where the line says that there is nothing."""
_Read = Callable[[bytes], Record | None]

_ENOUGH = 0.5
"""Share of the lines that must be of a format before it is believed."""
_MOSTLY_TEXT = 0.1
"""A larger share of lines that are not UTF-8 is the reason why no format fits."""
_TRIED = 400
_DEEPEST = 12
_DELIMITERS = ",;\t|"
_NUMBER = re.compile(r"[+-]?\d[\d.,:/T +-]*Z?")
_PAIR = re.compile(r'([^\s="\x00-\x1f]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?(?:\s+|$)')
_ACCESS = re.compile(ACCESS_LOG)


@dataclass(frozen=True, slots=True)
class Shape:
    """A line format with what it needs to be told."""

    line_format: Literal["json", "csv", "logfmt", "pattern"]
    share: float
    """Share of the lines that it reads."""
    pattern: str | None = None
    delimiter: str = ","
    columns: tuple[str, ...] | None = None
    """Of CSV without a header: names made up."""
    header: bool = False
    """CSV whose first line names the columns."""

    @property
    def title(self) -> str:
        """For people."""
        return {
            "json": "JSON, one object a line",
            "logfmt": "logfmt (key=value)",
            "pattern": "web server access log",
            "csv": f"CSV with `{self.delimiter}`, " + ("header line" if self.header else "no header line"),
        }[self.line_format]


def recognise(sample: SampleFile) -> Shape:
    """The format of most lines.

    Raises:
        InputError: none fits; the message says what was tried.
    """
    lines = [line for line in sample.lines if line.strip()][:_TRIED]
    shares: dict[str, float] = {}
    for shape in (Shape("json", 0), Shape("pattern", 0, ACCESS_LOG), Shape("logfmt", 0)):
        read = _reader(shape, b"")
        share = shares[shape.title] = sum(read(line) is not None for line in lines) / len(lines)
        if share >= _ENOUGH:
            return replace(shape, share=share)
    table = _table(lines)
    if table is not None:
        return table
    if lines[0].lstrip()[:1] in {b"[", b"{"} and shares["JSON, one object a line"] < _ENOUGH:
        message = (
            f"got the sample `{sample.path}`, which looks like one JSON document over many lines; legal: one object a "
            "line; `jq -c '.[]' FILE > FILE.ndjson` makes that of a list"
        )
        raise InputError(message)
    odd = sum(_is_odd(line) for line in lines)
    if odd > _MOSTLY_TEXT * len(lines):
        message = (
            f"got the sample `{sample.path}`, which is not UTF-8 text ({odd / len(lines):.0%} of the lines are not); "
            "legal: UTF-8; convert it, such as iconv -f CP949 -t UTF-8 FILE > NEW (LATIN1: western European)"
        )
        raise InputError(message)
    first = lines[0].decode(errors="replace")
    tried = ", ".join(f"{title}: {share:.0%} of the lines" for title, share in shares.items())
    message = (
        f"got the sample `{sample.path}`, whose lines are of no format that is known ({tried}; CSV: no); the first one "
        f'is `{first[:80]}{"…" if len(first) > 80 else ""}`; write yeoul.toml by hand with `format = "pattern"` and a '
        "regular expression with named groups"
    )
    raise InputError(message)


def _is_odd(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return True
    return False


def read_records(shape: Shape, sample: SampleFile) -> list[Record | None]:
    """The members of each line that is not blank (nor the header); None for a line of another format."""
    lines = [line for line in sample.lines if line.strip()]
    header = lines[0] if shape.header and lines else b""
    read = _reader(shape, header)
    return [read(line) for line in lines if not header or line != header]


def _reader(shape: Shape, header: bytes) -> _Read:
    if shape.line_format == "json":
        return _json
    if shape.line_format == "logfmt":
        return _logfmt
    if shape.line_format == "pattern":
        return _access
    names = shape.columns or tuple(cell.strip() for cell in _cells(header, shape.delimiter) or ())

    def row(line: bytes) -> Record | None:
        cells = _cells(line, shape.delimiter)
        if cells is None or len(cells) != len(names):
            return None
        return {(name,): cell or None for name, cell in zip(names, cells, strict=True)}

    return row


def _json(line: bytes) -> Record | None:
    try:
        value = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    found: Record = {}
    _flatten(value, (), found)
    return found


def _flatten(value: dict[str, Any], path: Path, found: Record) -> None:
    for name, member in value.items():
        if isinstance(member, dict) and member and len(path) < _DEEPEST:
            _flatten(member, (*path, name), found)
        elif name:
            found[(*path, name)] = member


def _logfmt(line: bytes) -> Record | None:
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        return None
    found: Record = {}
    at = pairs = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            return None
        key, quoted, plain = pair.groups()
        pairs += quoted is not None or plain is not None
        found[key,] = (quoted if plain is None else plain) or (None if pair[0].strip() != key else "true")
        at = pair.end()
    # words of prose are keys without values: most must have one
    return found if pairs >= 2 and 2 * pairs > len(found) else None


def _access(line: bytes) -> Record | None:
    hit = _ACCESS.fullmatch(line.decode(errors="replace"))
    return None if hit is None else {(name,): None if text == "-" else text for name, text in hit.groupdict().items()}


def _cells(line: bytes, delimiter: str) -> list[str] | None:
    try:
        text = line.decode()
        return next(csv.reader((text,), delimiter=delimiter, strict=True)) if '"' in text else text.split(delimiter)
    except (csv.Error, StopIteration, UnicodeDecodeError):
        return None


def _table(lines: Sequence[bytes]) -> Shape | None:
    """CSV, when nearly all lines have the same number of cells."""
    best: tuple[float, int, str] = (0.0, 0, "")
    for delimiter in _DELIMITERS:
        widths = Counter(len(cells) if (cells := _cells(line, delimiter)) else 0 for line in lines)
        width, count = widths.most_common(1)[0]
        share = count / len(lines)
        if width >= 2 and share >= 0.8 and (share, width) > best[:2]:
            best = (share, width, delimiter)
    share, width, delimiter = best
    if not delimiter:
        return None
    rows = [cells for line in lines if (cells := _cells(line, delimiter)) and len(cells) == width]
    if _is_header(rows[0], rows[1:]) and len(rows[0]) == len(_cells(lines[0], delimiter) or ()):
        return Shape("csv", share, delimiter=delimiter, header=True)
    columns = tuple(f"column{number + 1}" for number in range(width))
    return Shape("csv", share, delimiter=delimiter, columns=columns)


def _is_header(first: list[str], rest: list[list[str]]) -> bool:
    names = [cell.strip() for cell in first]
    if len(set(names)) < len(names) or not all(names) or any(_NUMBER.fullmatch(name) for name in names):
        return False
    seen = list(zip(*rest, strict=True)) or [()] * len(names)
    return not any(name in column for name, column in zip(names, seen, strict=True))
