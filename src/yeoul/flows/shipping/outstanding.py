"""Blocks of lines on their way: a split's position moves when all lines before it are acknowledged, and not earlier."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from yeoul.events import Reject
from yeoul.ingest.contract import LineBlock

__all__ = ["Block", "Outstanding"]


class Block:
    """Lines that were read together; told by the sender what became of each."""

    def __init__(self, lines: LineBlock, position: dict[str, Any]) -> None:
        self.position = position
        """Where reading goes on behind it."""
        self.rejects: list[Reject] = []
        self._block = lines
        self._left = 0
        self._sealed = False

    @property
    def size_bytes(self) -> int:
        """Of its lines as they stand in their file."""
        return len(self._block.data)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each line that is not blank, without its line feed, and its first byte in the block."""
        at = 0
        for line in self._block.data.split(b"\n"):
            if line.strip(b"\r"):
                yield at, line
            at += len(line) + 1

    def expect(self) -> None:
        """One more line is to be heard of."""
        self._left += 1

    def seal(self) -> None:
        """No more is expected."""
        self._sealed = True

    def acknowledged(self) -> None:
        self._left -= 1

    def refused(self, number: int, reason: str) -> None:
        self._left -= 1
        self.reject(number, reason)

    def reject(self, number: int, reason: str) -> None:
        """Set the line aside that begins there."""
        raw = self._block.data[number:].partition(b"\n")[0]
        self.rejects.append(Reject(self._block.source, self._block.offset + number, reason, raw))

    @property
    def settled(self) -> bool:
        """Whether each line is acknowledged or set aside."""
        return self._sealed and not self._left


class Outstanding:
    """All blocks on their way, in order for each split."""

    def __init__(self) -> None:
        self._blocks: dict[str, deque[Block]] = {}
        self.held_bytes = 0
        """Of all lines on their way as they stand in their files; what is sent of them may be much less."""

    def __len__(self) -> int:
        return sum(map(len, self._blocks.values()))

    def add(self, split: str, block: Block) -> None:
        """One more, behind the others of its split."""
        self._blocks.setdefault(split, deque()).append(block)
        self.held_bytes += block.size_bytes

    def waits(self, split: str) -> bool:
        """Whether anything of a split is on its way."""
        return bool(self._blocks.get(split))

    def settle(self) -> dict[str, list[Block]]:
        """The blocks that are done and have none before them that is not; they are forgotten here."""
        done: dict[str, list[Block]] = {}
        for split, blocks in self._blocks.items():
            while blocks and blocks[0].settled:
                done.setdefault(split, []).append(blocks.popleft())
                self.held_bytes -= done[split][-1].size_bytes
        self._blocks = {split: blocks for split, blocks in self._blocks.items() if blocks}
        return done
