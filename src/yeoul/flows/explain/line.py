"""One line of a file, found by its number or by an offset; compressed files by their uncompressed bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from yeoul.errors import InputError
from yeoul.ingest.decode import LINE_LIMIT_BYTES
from yeoul.ingest.files.content import Content, open_content

__all__ = ["Line", "Position", "lines_with", "parse_position", "read_line"]

_POSITION = re.compile(r"(?P<file>.+?)(?::(?P<line>\d+)|@(?P<offset>\d+))", re.DOTALL)
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Position:
    """What a person asks for: a line (from 1), or the line that holds the byte at an offset."""

    file: str
    line: int | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file."""

    number: int | None
    """From 1; None: a message has none."""
    offset: int
    data: bytes
    """Without its end; cut a little above the decoder's limit."""
    ended: bool
    """Whether a line end follows."""
    header: bytes
    """First line of the file."""


def parse_position(text: str) -> Position:
    """A position from `FILE:LINE`, `FILE@OFFSET` or `TOPIC/PARTITION@OFFSET`.

    Raises:
        InputError: it is neither.

    >>> parse_position("logs/app.log:17")
    Position(file='logs/app.log', line=17, offset=None)
    >>> parse_position("a:b.log@0")
    Position(file='a:b.log', line=None, offset=0)
    """
    match = _POSITION.fullmatch(text)
    if match is None or match["line"] == "0" or len(match["line"] or match["offset"] or "") > 18:
        message = (
            f"got the position `{text}`; legal: FILE:LINE (lines count from 1), FILE@OFFSET (bytes from 0, "
            "uncompressed) or TOPIC/PARTITION@OFFSET (messages from 0), such as `logs/app.log:17`"
        )
        raise InputError(message)
    if match["line"]:
        return Position(match["file"], line=int(match["line"]))
    return Position(match["file"], offset=int(match["offset"]))


def read_line(path: Path, position: Position) -> Line:
    """The line at a position. O(bytes before it).

    Raises:
        InputError: the file is shorter, or cannot be read.
    """
    try:
        content = open_content(str(path))
    except OSError as error:
        message = f"`{path}` cannot be read ({error.strerror}); check its permissions"
        raise InputError(message) from error
    try:
        number, start = _find(content, position)
        data, ended = _whole(content, start)
        header, _ = _whole(content, 0) if start else (data, ended)
    finally:
        content.close()
    return Line(number, start, data, ended, header.removesuffix(b"\r"))


def _find(content: Content, position: Position) -> tuple[int, int]:
    """Number and offset of the line."""
    number, start, at = 1, 0, 0
    for chunk in _chunks(content, 0):
        here = number + chunk.count(b"\n")
        if position.line is not None and here >= position.line:
            place = -1
            for _ in range(position.line - number):
                place = chunk.index(b"\n", place + 1)
            start = at + place + 1 if position.line > number else start
            if start < at + len(chunk) or content.read_at(start, 1):
                return position.line, start
        if position.offset is not None and at + len(chunk) > position.offset:
            before = chunk[: position.offset - at]
            return number + before.count(b"\n"), at + before.rfind(b"\n") + 1 if b"\n" in before else start
        last = chunk.rfind(b"\n")
        start = at + last + 1 if last >= 0 else start
        number, at = here, at + len(chunk)
    lines = number - 1 + (start < at)
    got = f"line {position.line}" if position.line is not None else f"offset {position.offset}"
    legal = f"it has {lines} lines and {at} bytes" if at else "it is empty"
    message = f"got {got} of `{position.file}`; legal: {legal}"
    raise InputError(message)


def _chunks(content: Content, at: int) -> Iterator[bytes]:
    while chunk := content.read_at(at, _CHUNK_BYTES):
        yield chunk
        at += len(chunk)


def _whole(content: Content, start: int) -> tuple[bytes, bool]:
    found = b""
    for chunk in _chunks(content, start):
        end = chunk.find(b"\n")
        if end >= 0:
            return found + chunk[:end], True
        found += chunk
        if len(found) > LINE_LIMIT_BYTES + _CHUNK_BYTES:
            return found[: LINE_LIMIT_BYTES + 1], True
    return found, False


def lines_with(path: Path, text: bytes, before: int | None) -> Iterator[tuple[int, bytes]]:
    """Offset and data of the lines that hold `text`, those that begin before the offset `before`."""
    content = open_content(str(path))
    try:
        at, rest = 0, b""
        for chunk in _chunks(content, 0):
            whole = rest + chunk
            cut = whole.rfind(b"\n") + 1
            # a search in the whole block first: nearly all blocks do not hold it
            if text in whole[:cut]:
                offset = at
                for line in whole[:cut].split(b"\n")[:-1]:
                    if before is not None and offset >= before:
                        return
                    if text in line:
                        yield offset, line
                    offset += len(line) + 1
            at, rest = at + cut, whole[cut:]
            if before is not None and at >= before:
                return
        if text in rest and (before is None or at < before):
            yield at, rest
    finally:
        content.close()
