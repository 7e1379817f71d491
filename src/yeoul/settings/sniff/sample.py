"""The first lines of a sample file, and whether it is one that can be read at all."""

from __future__ import annotations

import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from yeoul.errors import InputError

__all__ = ["SampleFile", "read_sample"]

_MOST_LINES = 5000
_MOST_BYTES = 32 << 20
_TAIL_BYTES = 1 << 16
_GZIP = b"\x1f\x8b"
_OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class SampleFile:
    """What was looked at of one file."""

    path: Path
    """Absolute."""
    lines: list[bytes]
    """The first lines, without their ends; blank ones too."""
    whole: bool
    """Whether these are all its lines."""
    compressed: bool
    changed_us: int
    """When the file was last changed, UTC microseconds."""
    last: bytes
    """The last whole line; empty for a compressed file."""


def read_sample(path: Path, most_lines: int = _MOST_LINES) -> SampleFile:
    """The first lines of a file, inflated when it is compressed by gzip.

    Raises:
        InputError: it is not there, cannot be read, is empty, or holds no lines of text.
    """
    if not path.exists():
        message = f"got the sample `{path}`, which is not there; legal: a log file with some lines in it"
        raise InputError(message)
    if not path.is_file():
        message = f"got the sample `{path}`, which is not a file; legal: one log file (repeat --sample for more)"
        raise InputError(message)
    try:
        data, whole, compressed = _first_bytes(path)
        last = b"" if compressed else _last_line(path)
    except PermissionError:
        message = f"got the sample `{path}`, which may not be read; give yourself permission (chmod, chgrp) or copy it"
        raise InputError(message) from None
    except (OSError, EOFError, zlib.error) as error:
        message = f"got the sample `{path}`, which cannot be read ({error}); legal: a log file, plain or gzip"
        raise InputError(message) from None
    _check_text(path, data)
    lines = data.removeprefix(_BOM).split(b"\n")
    if lines[-1] == b"" or (not whole and len(lines) > 1):
        lines.pop()
    whole = whole and len(lines) <= most_lines
    lines = [line.removesuffix(b"\r") for line in lines[:most_lines]]
    return SampleFile(path.absolute(), lines, whole, compressed, path.stat().st_mtime_ns // 1000, last)


def _first_bytes(path: Path) -> tuple[bytes, bool, bool]:
    with path.open("rb") as file:
        start = file.read(8)
        file.seek(0)
        if start.startswith(_GZIP):
            with gzip.open(file) as inflated:
                data = inflated.read(_MOST_BYTES)
                return data, not inflated.read(1), True
        for magic, name in _OTHERS.items():
            if start.startswith(magic):
                message = (
                    f"got the sample `{path}`, which is compressed by {name}; legal: plain text or gzip; unpack it"
                )
                raise InputError(message)
        data = file.read(_MOST_BYTES)
        return data, not file.read(1), False


def _last_line(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL_BYTES))
        lines = [line for line in file.read().split(b"\n") if line.strip()]
    return lines[-1].removesuffix(b"\r") if lines else b""


def _check_text(path: Path, data: bytes) -> None:
    if not data.strip():
        what = "is empty" if not data else "holds blank lines only"
        message = f"got the sample `{path}`, which {what}; legal: a log file with some lines in it"
        raise InputError(message)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = f"got the sample `{path}`, which is UTF-16 text; legal: UTF-8; convert it (iconv -f UTF-16 -t UTF-8)"
        raise InputError(message)
    head = data[:_TAIL_BYTES]
    odd = sum(byte < 32 and byte not in b"\t\r\n\x1b" for byte in head)
    if b"\0" in head[:4096] or odd > len(head) // 50:
        message = f"got the sample `{path}`, which is not text (it holds binary data); legal: a log of lines of text"
        raise InputError(message)
