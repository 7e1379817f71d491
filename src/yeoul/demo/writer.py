"""Log files as a log server writes them: appended, rotated by size, old ones compressed or deleted."""

from __future__ import annotations

import errno
import gzip
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from yeoul.errors import ConfigError, StorageFullError

__all__ = ["LogWriter", "Rotation"]


@dataclass(frozen=True, slots=True)
class Rotation:
    """When and how a file gives way to the next."""

    max_bytes: int = 64 << 20
    """A file is rotated before a line would make it longer (a single longer line has a file for itself)."""
    keep: int | None = 20
    """Rotated files kept for each host; older ones are deleted. None keeps all."""
    copytruncate: bool = False
    """Copy and truncate the live file, as logrotate's option of that name does, instead of rename and create."""
    compress: bool = False
    """Compress from `.2` on (`.2.gz`), as logrotate's `delaycompress` does."""

    def __post_init__(self) -> None:
        if self.max_bytes < 1 or (self.keep is not None and self.keep < 1):
            message = f"got max_bytes `{self.max_bytes}` and keep `{self.keep}`; legal: 1 or more (keep: or none)"
            raise ConfigError(message)


class LogWriter:
    """Writes `HOST.ndjson` for each host; rotated files are `HOST.ndjson.1` (the newest), `.2` and so on.

    With `torn`, every write ends in the middle of a line, as a buffered logger's does; the rest comes with the next.
    """

    def __init__(
        self, folder: Path, hosts: Sequence[str], rotation: Rotation | None = None, *, torn: bool = False
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._rotation = rotation or Rotation()
        self._torn = torn
        self._files = {host: _LogFile(folder / f"{host}.ndjson", self._rotation) for host in hosts}
        self._pending = dict.fromkeys(hosts, b"")

    def write(self, host: str, lines: bytes) -> None:
        """Append whole lines; they are with the operating system when this returns (with `torn`, all but an end)."""
        data = self._pending[host] + lines
        if self._torn and data:
            last = len(data) - 1 - data.rfind(b"\n", 0, -1)
            cut = len(data) - 1 - len(data) % max(1, last - 1)
            data, self._pending[host] = data[:cut], data[cut:]
        self._files[host].append(data)

    def close(self) -> None:
        """Write what is pending and let go of the files; may be called twice."""
        for host, rest in self._pending.items():
            self._files[host].append(rest)
            self._pending[host] = b""
            self._files[host].close()


class _LogFile:
    """One live file and its rotated generations."""

    def __init__(self, path: Path, rotation: Rotation) -> None:
        self._path = path
        self._rotation = rotation
        self._file: BinaryIO | None = None
        self._size = 0
        self._whole = True  # the file ends with a newline

    def append(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            if self._file is None:
                self._file = self._path.open("ab", buffering=0)
                self._size = self._file.tell()
            part = self._fitting(data, at)
            if part == at:
                self._rotate()
                continue
            written = memoryview(data)[at:part]
            try:
                while written:
                    written = written[self._file.write(written) :]
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                message = f"got a full disk for `{self._path}`; legal: room for its lines: free some space"
                raise StorageFullError(message) from error
            self._size += part - at
            self._whole = data[part - 1] == ord("\n")
            at = part

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _fitting(self, data: bytes, at: int) -> int:
        """End of what this file still takes; `at` when it is full. A line is never split over two files."""
        room = self._rotation.max_bytes - self._size
        if len(data) - at <= room:
            return len(data)
        fits = data.rfind(b"\n", at, at + max(room, 0)) + 1
        if fits > at or (self._whole and self._size):
            return max(fits, at)
        return data.find(b"\n", at) + 1 or len(data)

    def _rotate(self) -> None:
        assert self._file is not None
        self._shift()
        first = self._generation(1)
        if self._rotation.copytruncate:
            shutil.copyfile(self._path, first)
            self._file.truncate(0)
            self._size = 0
        else:
            self.close()
            self._path.replace(first)

    def _shift(self) -> None:
        """Make room for a new `.1`, deleting what is past `keep`."""
        number = 1
        while self._existing(number) is not None:
            number += 1
        for old in range(number - 1, 0, -1):
            path = self._existing(old)
            assert path is not None
            if self._rotation.keep is not None and old + 1 > self._rotation.keep:
                path.unlink()
                continue
            suffix = ".gz" if path.suffix == ".gz" else ""
            moved = Path(f"{self._generation(old + 1)}{suffix}")
            path.replace(moved)
            if self._rotation.compress and not suffix:
                _compress(moved)

    def _generation(self, number: int) -> Path:
        return Path(f"{self._path}.{number}")

    def _existing(self, number: int) -> Path | None:
        plain = self._generation(number)
        return next((path for path in (plain, Path(f"{plain}.gz")) if path.exists()), None)


def _compress(path: Path) -> None:
    """Replace a file by `PATH.gz`; the compressed one appears under its name only when it is whole."""
    packed = Path(f"{path}.gz")
    partial = packed.with_name(f".{packed.name}.partial")
    with path.open("rb") as source, gzip.GzipFile(partial, "wb", compresslevel=1, mtime=0) as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    partial.replace(packed)
    path.unlink()
