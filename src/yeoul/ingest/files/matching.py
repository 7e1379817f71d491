"""Which file holds which generation now, decided by content; device, inode and name only say where to look first."""

from __future__ import annotations

import time
from collections.abc import Iterator

from yeoul.ingest.files.content import Content, Gzip, Plain
from yeoul.ingest.files.folder import Entry, Stat
from yeoul.ingest.files.generation import HEAD_BYTES, ChangedError, Generation, digest
from yeoul.ingest.files.handles import Handles, Looks

__all__ = ["Matching"]

_RACY_NS = 50_000_000
"""A file changed this shortly before it was looked at may change again without a new mtime."""


class Matching:
    """One pass over the files that are there: places generations, finds copies, leaves the rest as new.

    Order: what is where it was stays · what moved is found by inode · what is missing is found by content, the
    longest read first · of what is left, a file whose content is in a known one is a copy · the others are new.
    """

    def __init__(self, entries: dict[str, Entry], generations: list[Generation], handles: Handles) -> None:
        self._entries = entries
        self._generations = generations
        self._handles = handles
        self._by_inode = {(e.stat.device, e.stat.inode): e for e in entries.values()}
        self.claimed: dict[str, Generation] = {}
        self.racy = False
        """Something must be looked at again though nothing may show it."""

    def place_known(self) -> None:
        """Find the file of each known generation; those not found end with `placed` None."""
        for generation in self._generations:
            if generation.placed is not None:
                self._keep_or_lift(generation)
        lifted = sorted((g for g in self._generations if g.placed is None), key=lambda g: -g.offset)
        for generation in lifted:
            self._find(generation)
        for generation in lifted:
            if generation.placed is None and generation.content is None:
                self._find_shorter(generation)

    def free(self) -> list[Entry]:
        """Files with bytes that hold no known generation: the longest first, then a live path, then a plain file."""
        entries = [e for e in self._entries.values() if e.path not in self.claimed and e.stat.size]

        def key(entry: Entry) -> tuple[int, bool, bool, str]:
            looks = self._handles.look(entry)
            return -(looks.size if looks else 0), entry.rotated is not None, bool(looks and looks.raw), entry.path

        return sorted(entries, key=key)

    def original(self, entry: Entry, looks: Looks) -> Generation | None:
        """The generation whose content this file repeats, whole or its beginning."""
        for generation in self._generations:
            size = min(len(generation.first), len(looks.head))
            if size and generation.first[:size] == looks.head[:size] and self._repeats(generation, entry, looks):
                return generation
        return None

    def add(self, generation: Generation) -> None:
        """A new generation may be what the next free file repeats."""
        self._generations.append(generation)

    def claim(self, generation: Generation, entry: Entry) -> None:
        """Say that `entry` holds `generation`."""
        self.claimed[entry.path] = generation
        generation.path, generation.placed = entry.path, entry.stat
        generation.device, generation.inode = entry.stat.device, entry.stat.inode
        generation.missing_polls, generation.cut = 0, False
        generation.verified_ns = time.time_ns()
        self.racy |= generation.verified_ns - entry.stat.mtime_ns < _RACY_NS

    def _keep_or_lift(self, generation: Generation) -> None:
        placed = generation.placed
        assert placed is not None
        entry = self._entries.get(generation.path)
        if entry and entry.stat == placed and generation.path not in self.claimed:
            racy = generation.verified_ns - placed.mtime_ns < _RACY_NS
            if not racy:
                self.claimed[entry.path] = generation
                return
        same_inode = entry is not None and entry.stat[:2] == placed[:2]
        if not same_inode:
            entry = self._by_inode.get((placed.device, placed.inode))
        if entry and entry.path not in self.claimed and self._still_holds(generation, entry):
            self.claim(generation, entry)
            return
        generation.placed = None
        if same_inode and (generation.content is None or _reads(generation.content, placed)):
            generation.cut = True
            self._handles.release(generation)

    def _still_holds(self, generation: Generation, entry: Entry) -> bool:
        """The file has the generation's inode; whether it has its content too."""
        if generation.content is not None and not _reads(generation.content, entry.stat):
            return False  # a copy of a deleted file that is still open: any change makes it a file of its own
        if generation.raw:
            looks = self._handles.look(entry)
            return bool(looks and looks.raw == generation.raw)
        content = generation.content or self._handles.open(entry.path)
        if content is None:  # it may not be read now; nothing says that it changed
            return entry.path in self._entries
        if content.compressed or not generation.held_by(content):
            if content is not generation.content:
                content.close()
            return False
        generation.size = content.size()
        self._handles.give(generation, content)
        return True

    def _find(self, generation: Generation) -> None:
        for entry in self._candidates(generation):
            if self._is_it(generation, entry):
                self.claim(generation, entry)
                return

    def _candidates(self, generation: Generation) -> Iterator[Entry]:
        """Free files that may hold it: same inode, same path, the lineage's own; others only with a full head."""
        own = self._by_inode.get((generation.device, generation.inode))
        first = [e for e in (own, self._entries.get(generation.path)) if e]
        strong = generation.offset >= HEAD_BYTES
        rest = [e for e in self._entries.values() if strong or e.lineage == generation.lineage]
        rest.sort(key=lambda e: (e.lineage != generation.lineage, e.stat.mtime_ns, e.path))
        seen = set()
        for entry in (*first, *rest):
            if entry.path not in self.claimed and entry.stat.size and entry.path not in seen:
                seen.add(entry.path)
                yield entry

    def _is_it(self, generation: Generation, entry: Entry) -> bool:
        looks = self._handles.look(entry)
        if looks is None:
            return False
        if generation.raw and looks.raw == generation.raw:
            generation.first = looks.head
            return True
        if not generation.offset:
            return entry.stat.inode == generation.inode and generation.content is None
        if digest(looks.head[: min(HEAD_BYTES, generation.offset)]) != generation.head_hash:
            return False
        if generation.content is not None:  # a deleted file that is still open: only a whole copy stands for it
            whole = looks.size == generation.content.size() and self._repeats(generation, entry, looks)
            generation.raw = looks.raw if whole else generation.raw
            return whole
        if looks.raw and looks.size == generation.offset and not looks.broken:
            generation.raw, generation.ended, generation.first = looks.raw, True, looks.head
            return True
        content = self._handles.open(entry.path)
        if content is None:
            return False
        if not generation.held_by(content):
            content.close()
            return False
        generation.raw, generation.ended = looks.raw, False
        generation.size = content.size()
        self._handles.give(generation, content)
        return True

    def _find_shorter(self, generation: Generation) -> None:
        """A copy taken before the last bytes were read stands for a generation that is truncated now."""
        for entry in self._candidates(generation):
            looks = self._handles.look(entry)
            if entry.lineage != generation.lineage or entry.rotated is None or looks is None:
                continue
            if not 0 < looks.size < generation.offset or looks.broken:
                continue
            content = self._handles.open(entry.path)
            if content is None:
                continue
            if self._begins(generation, content, looks):
                generation.anchor(content, looks.size)
                generation.raw, generation.ended = looks.raw, bool(looks.raw)
                self._handles.give(generation, content)
                self.claim(generation, entry)
                return
            content.close()

    @staticmethod
    def _begins(generation: Generation, content: Content, looks: Looks) -> bool:
        """Whether `content` is a beginning of what was read: its head, and the last mark that it reaches."""
        if looks.size >= HEAD_BYTES:
            known = digest(looks.head) == generation.head_hash
        else:
            known = bool(generation.head) and generation.head.startswith(looks.head)
        reached = [mark for mark in generation.marks if mark[0] <= looks.size]
        if (generation.head and not known) or not (known or reached):
            return False
        if not reached:
            return known
        offset, mark = max(reached)
        count = min(HEAD_BYTES, offset)
        return digest(content.read_at(offset - count, count)) == mark

    def _repeats(self, generation: Generation, entry: Entry, looks: Looks) -> bool:
        """Heads are equal; whether the file's last bytes are the generation's at the same place."""
        if generation.compressed and not isinstance(generation.content, Plain):
            return looks.size == generation.size or (looks.raw != "" and looks.raw == generation.raw)
        try:
            known = self._handles.attach(generation)
        except ChangedError:
            self.racy = True
            return False
        if known is None or known.size() < looks.size:
            return False
        if looks.raw and looks.size == known.size():
            return True
        content = self._handles.open(entry.path)
        if content is None:
            return False
        try:
            return _same_at_end(known, content, looks.size)
        finally:
            content.close()


def _reads(content: Content, stat: Stat) -> bool:
    return content.stat()[:2] == stat[:2]


def _same_at_end(known: Content, content: Content, size: int) -> bool:
    places = [size // 2, size] if not isinstance(content, Gzip) else [size]
    for end in places:
        count = min(HEAD_BYTES, end)
        piece = content.read_at(end - count, count)
        if len(piece) < count or piece != known.read_at(end - count, count):
            return False
    return True
