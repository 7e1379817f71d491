"""Open files, not too many at once, and what they look like before anybody reads them."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Container
from dataclasses import dataclass

from yeoul.ingest.files.content import Content, Gzip, data_start, open_content
from yeoul.ingest.files.folder import Entry, Stat
from yeoul.ingest.files.generation import HEAD_BYTES, ChangedError, Generation

__all__ = ["Handles", "Looks", "is_recent"]

_RECENT_NS = 2_000_000_000


def is_recent(stat: Stat) -> bool:
    """Whether the file changed less than two seconds ago by the wall clock, as mtimes are."""
    return time.time_ns() - stat.mtime_ns < _RECENT_NS


@dataclass(frozen=True, slots=True)
class Looks:
    """What a file begins with, how long it is uncompressed, and its raw hash when it is compressed."""

    start: int
    """Where that begins: behind leading NUL bytes."""
    head: bytes
    size: int
    raw: str
    broken: str


class Handles:
    """Opens files for generations; the longest unused is closed when there are more than `limit`."""

    def __init__(self, limit: int, unreadable: Callable[[str, OSError], None], readable: Callable[[str], None]) -> None:
        self._limit = limit
        self._unreadable = unreadable
        self._readable = readable
        self._used: OrderedDict[int, Generation] = OrderedDict()
        self._looks: dict[str, tuple[Stat, Looks]] = {}

    def open(self, path: str) -> Content | None:
        """The file, or None when it is gone or may not be read (which is reported)."""
        try:
            return self._open(path)
        except FileNotFoundError:
            return None

    def _open(self, path: str) -> Content | None:
        try:
            content = open_content(path)
        except FileNotFoundError:
            raise
        except OSError as error:
            self._unreadable(path, error)
            return None
        self._readable(path)
        return content

    def open_entry(self, entry: Entry) -> Content | None:
        """The very file that was listed; None when it may not be read.

        Raises:
            ChangedError: another file has that name by now: the listing is stale.
        """
        try:
            content = self._open(entry.path)
        except FileNotFoundError:  # renamed, even where another has that name a moment later
            raise ChangedError from None
        if content is not None and content.stat()[:2] != entry.stat[:2]:
            content.close()
            raise ChangedError
        return content

    def give(self, generation: Generation, content: Content) -> None:
        """Let `generation` read from `content` from now on."""
        if generation.content is not None and generation.content is not content:
            generation.content.close()
        generation.content = content
        self._used[id(generation)] = generation
        self._used.move_to_end(id(generation))
        while len(self._used) > self._limit:
            self.release(next(iter(self._used.values())))

    def attach(self, generation: Generation) -> Content | None:
        """The generation's own content, opened if need be; None when it may not be read.

        Raises:
            ChangedError: the path holds something else.
        """
        if generation.content is not None:
            self._used.move_to_end(id(generation))
            return generation.content
        content = self.open(generation.path) if generation.placed else None
        if content is None:
            return None
        if content.stat().inode != generation.inode or not generation.held_by(content):
            content.close()
            generation.distrust()
            raise ChangedError
        self.give(generation, content)
        return content

    def release(self, generation: Generation) -> None:
        """Close what the generation reads from."""
        self._used.pop(id(generation), None)
        if generation.content is not None:
            generation.content.close()
            generation.content = None

    def look(self, entry: Entry, *, doubtful: bool = False) -> Looks | None:
        """See what a file holds; remembered while its stat is the same. None when it cannot be opened.

        A compressed file that changed just now is inflated whole, because it may be unfinished, and so is a `doubtful`
        one: what an unfinished file says of its size is nonsense.

        Raises:
            ChangedError: as `open_entry`.
        """
        known = self._looks.get(entry.path)
        if known and known[0] == entry.stat and not (known[1].broken and is_recent(entry.stat)):
            return known[1]
        content = self.open_entry(entry)
        if content is None:
            return None
        try:
            start = data_start(content)
            head, raw = content.read_at(start, HEAD_BYTES), ""
            if isinstance(content, Gzip):
                raw = content.fingerprint()
                if doubtful or content.broken or is_recent(entry.stat):
                    content.read_through()
            looks = Looks(start, head, content.size(), raw, content.broken)
        finally:
            content.close()
        self._looks[entry.path] = (entry.stat, looks)
        return looks

    def forget(self, keep: Container[str]) -> None:
        """Forget what was seen of files that are gone or belong to a generation."""
        for path in [path for path in self._looks if path not in keep]:
            del self._looks[path]

    def close(self) -> None:
        """Close everything."""
        for generation in list(self._used.values()):
            self.release(generation)
