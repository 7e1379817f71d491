"""What is under a glob now: its files with their stat, grouped into lineages and put in rotation's order."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from yeoul.errors import SourceError
from yeoul.ingest.files.names import RotatedName, parse_name

__all__ = ["Entry", "Folder", "Stat", "in_rotation_order"]

_MAGIC = re.compile(r"[*?\[]")


class Stat(NamedTuple):
    """What `stat` says of a file; device and inode are hints, size and mtime say when to look again."""

    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, result: os.stat_result) -> Stat:
        """The members that matter here."""
        return cls(result.st_dev, result.st_ino, result.st_size, result.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that is there."""

    path: str
    """Absolute."""
    stat: Stat
    lineage: str
    """Absolute path of the name that the writer writes to."""
    rotated: RotatedName | None
    """None for the lineage's own path."""


def in_rotation_order(entries: list[Entry]) -> list[Entry]:
    """Oldest first: dates ascending, numbers descending, other or mixed marks by mtime; the lineage's own path last."""
    kinds = {entry.rotated.kind for entry in entries if entry.rotated}
    by_name = len(kinds) == 1 and kinds != {"other"}

    def key(entry: Entry) -> tuple[bool, tuple[int, int], int, str]:
        order = entry.rotated.order if entry.rotated and by_name else (0, 0)
        return entry.rotated is None, order, entry.stat.mtime_ns, entry.path

    return sorted(entries, key=key)


class Folder:
    """A glob below a folder: `*`, `?`, `[…]` in any part, `**` for any depth; dot files only when asked for.

    A file belongs when its own name matches, or when it is a rotated sibling of a name that matches.
    """

    def __init__(self, pattern: str, folder: Path) -> None:
        self.pattern = pattern
        self._top = os.path.realpath(folder)
        *folders, last = Path(os.path.normpath(Path(self._top) / pattern)).parts
        self._folders = [*folders, last] if last == "**" else folders
        self._last = re.compile(fnmatch.translate("*" if last == "**" else last))
        self._dots = last.startswith(".")

    def check(self) -> None:
        """Raise SourceError when the part of the pattern before any wildcard is no folder."""
        fixed = Path(*self._fixed())
        if fixed.is_dir():
            return
        nearest = next(parent for parent in fixed.parents if parent.is_dir())
        message = (
            f"the folder of `{self.pattern}` is not there: got `{fixed}`; the nearest folder that exists is "
            f"`{nearest}`; create the folder or correct the path"
        )
        raise SourceError(message)

    def display(self, path: str) -> str:
        """The path as people know it: relative to the workspace when inside it, with forward slashes."""
        inside = path.startswith(self._top.rstrip(os.sep) + os.sep)
        return (os.path.relpath(path, self._top) if inside else path).replace(os.sep, "/")

    def absolute(self, display: str) -> str:
        """The inverse of `display`."""
        return os.path.normpath(Path(self._top) / display)

    def scan(self, known: Collection[str], unreadable: Callable[[str, OSError], None]) -> dict[str, Entry]:
        """Every file that belongs, by path. Complexity: one `stat` for each file of the folders.

        Args:
            known: lineages that exist already, so that a base that is away for a moment stays believed.
            unreadable: told of each folder that cannot be listed.
        """
        found: dict[str, Entry] = {}
        for folder in sorted(set(self._matching_folders(unreadable))):
            files = {name: st for name, st in _files(folder, unreadable) if self._dots or not name.startswith(".")}
            for name, st in files.items():
                path = f"{folder}{os.sep}{name}"
                rotated = parse_name(name)
                if rotated and not rotated.sure and rotated.base not in files:
                    rotated = rotated if f"{folder}{os.sep}{rotated.base}" in known else None
                base = rotated.base if rotated else name
                if self._last.match(base) or self._last.match(name):
                    found[path] = Entry(path, st, f"{folder}{os.sep}{base}", rotated)
        return found

    def _fixed(self) -> list[str]:
        magic = next((i for i, part in enumerate(self._folders) if _MAGIC.search(part)), len(self._folders))
        return list(self._folders[:magic])

    def _matching_folders(self, unreadable: Callable[[str, OSError], None]) -> Iterator[str]:
        fixed = self._fixed()
        yield from _walk(str(Path(*fixed)), self._folders[len(fixed) :], unreadable)


def _walk(folder: str, parts: list[str] | tuple[str, ...], unreadable: Callable[[str, OSError], None]) -> Iterator[str]:
    if not parts:
        yield folder
        return
    part, *rest = parts
    if part == "**":
        yield from _walk(folder, rest, unreadable)
        for name in _subfolders(folder, unreadable):
            yield from _walk(f"{folder}{os.sep}{name}", parts, unreadable)
    elif _MAGIC.search(part):
        matches = re.compile(fnmatch.translate(part)).match
        for name in _subfolders(folder, unreadable):
            if matches(name):
                yield from _walk(f"{folder}{os.sep}{name}", rest, unreadable)
    else:
        yield from _walk(f"{folder}{os.sep}{part}", rest, unreadable)


def _subfolders(folder: str, unreadable: Callable[[str, OSError], None]) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        unreadable(folder, error)
        return []


def _files(folder: str, unreadable: Callable[[str, OSError], None]) -> Iterator[tuple[str, Stat]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    result = entry.stat()
                except OSError:  # gone since it was listed, or a link to nowhere
                    continue
                if stat.S_ISREG(result.st_mode):
                    yield entry.name, Stat.of(result)
    except FileNotFoundError:
        return
    except OSError as error:
        unreadable(folder, error)
