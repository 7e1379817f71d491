"""One split: a path with all its generations, read oldest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yeoul.ingest.contract import Ahead, LineBlock
from yeoul.ingest.files.folder import Folder
from yeoul.ingest.files.generation import Generation

__all__ = ["Lineage"]

_REMEMBERED = 32
_MARKED = 1000

Take = Callable[[Generation, int, bool, bool], "LineBlock | None"]


class Lineage:
    """The generations of one path in order. All of them stay watched: a rotated file that still grows is read on."""

    def __init__(self, path: str, folder: Folder, take: Take) -> None:
        self.path = path
        self.name = folder.display(path)
        self.generations: list[Generation] = []
        self.older_read = False
        """More generations were read than a position remembers: unknown ones older than those are not read again."""
        self.marks: list[str] = []
        """Of generations read before the oldest that a position remembers: wherever they are now, they are not new."""
        self.waiting = False
        """A generation was not found; the newer ones wait until it is sure to be gone."""
        self.stalled = False
        """The last `read` gave nothing because a file could not be read."""
        self._folder = folder
        self._take = take

    def restore(self, position: dict[str, Any]) -> None:
        """Go on from a stored position once the files are found."""
        self.older_read = position.get("older_read", False)
        self.marks = position.get("marks", [])
        for record in position.get("generations", []):
            path = self._folder.absolute(record["path"])
            self.generations.append(Generation.restored(self.path, record, path))

    def read(self, limit_bytes: int, *, final: bool = False) -> LineBlock | None:
        self.stalled = self.waiting and not final
        if self.stalled:
            return None
        generations = self.generations
        live = max((i for i, generation in enumerate(generations) if generation.size), default=0)
        for i, generation in enumerate(generations):
            superseded = i < live
            if generation.drained and (generation.compressed or (superseded and generation.is_asleep)):
                continue
            block = self._take(generation, limit_bytes, final, superseded)
            if block is not None:
                self.stalled = False
                return block
            self.stalled |= generation.unreadable
        return None

    def position(self) -> dict[str, Any]:
        read = [generation for generation in self.generations if generation.offset or generation.ended]
        kept = read[-_REMEMBERED:]
        position: dict[str, Any] = {
            "generations": [g.record(self._folder.display(g.path), newest=g is kept[-1]) for g in kept],
        }
        if self.older_read or len(read) > len(kept):
            position["older_read"] = True
        marks = self.marks + [generation.mark for generation in read[:-_REMEMBERED] if generation.placed]
        if marks:
            position["marks"] = marks[-_MARKED:]
        return position

    def backlog_bytes(self) -> int:
        return sum(generation.unread_bytes() for generation in self.generations)

    def backlog_messages(self) -> int | None:
        """None: lines are not counted before they are read."""
        return None

    def ahead(self) -> list[Ahead]:
        found = []
        for generation in self.generations:
            end = None if generation.compressed else generation.offset + generation.unread_bytes()
            if not generation.drained and end != generation.offset:
                found.append(Ahead(self._folder.display(generation.path), generation.offset, end))
        return found
