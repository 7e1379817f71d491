"""What people are told about the files; the same thing about the same file once."""

from __future__ import annotations

from collections.abc import Callable, Container

from yeoul.ingest.contract import Notice
from yeoul.ingest.files.generation import Generation

__all__ = ["Reports"]


class Reports:
    """Collects notices until somebody takes them."""

    def __init__(self, display: Callable[[str], str]) -> None:
        self._display = display
        self._notices: list[Notice] = []
        self._said: dict[tuple[str, str], str] = {}

    def take(self) -> list[Notice]:
        """All since the last call."""
        notices, self._notices = self._notices, []
        return notices

    def say(self, kind: str, path: str, detail: str) -> None:
        """Report."""
        self._notices.append(Notice(kind, self._display(path), detail))

    def once(self, kind: str, path: str, detail: str) -> None:
        """Report unless the same was said of this file."""
        if self._said.get((kind, path)) != detail:
            self._said[kind, path] = detail
            self.say(kind, path, detail)

    def unreadable(self, path: str, error: OSError) -> None:
        """A file or folder cannot be opened now."""
        self.once("unreadable", path, f"{error.strerror or error}; it is tried again")

    def readable(self, path: str) -> None:
        """It can be opened again, so that a later failure is news."""
        if self._said and self._said.get(("unreadable", path), "").endswith("tried again"):
            del self._said["unreadable", path]

    def copy(self, path: str, original: str) -> None:
        """A file that repeats another is not read."""
        self.once("copy", path, f"repeats `{self._display(original)}`; its bytes are read once")

    def lost(self, generation: Generation) -> None:
        """A generation is nowhere any more."""
        unread = generation.size - generation.offset
        if generation.compressed and not generation.ended:
            detail = f"gone after uncompressed byte {generation.offset}; how much was unread is not known"
            self.say("gap", generation.path, detail)
        elif unread > 0:
            end = generation.size
            detail = f"bytes {generation.offset} to {end} ({unread} bytes) were gone before they were read"
            self.say("gap", generation.path, detail)
        elif generation.cut:
            detail = f"truncated when read up to byte {generation.offset}; later bytes of it, if any, are lost"
            self.say("truncated", generation.path, detail)
        elif generation.path == generation.lineage:
            detail = f"gone when read up to byte {generation.offset}; later bytes of it, if any, are lost"
            self.say("vanished", generation.path, detail)

    def truncated(self, path: str, copy: str, end: int, seen: int) -> None:
        """A file was copied and truncated; `end`: up to where there is a copy or was read, `seen`: how long it was."""
        name = self._display(copy)
        if seen > end:
            detail = f"bytes {end} to {seen} ({seen - end} bytes) were gone before they were read; copied to `{name}`"
            self.say("gap", path, detail)
        detail = f"copied to `{name}`; lines written between the copy and the truncation, if any, are lost"
        self.say("truncated", path, detail)

    def forget(self, present: Container[str]) -> None:
        """Keep nothing about files that are gone."""
        for key in [key for key in self._said if key[1] not in present]:
            del self._said[key]
