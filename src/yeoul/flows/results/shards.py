"""Which shard a window's group is in: groups that have their shard keys in common stay together."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence

from yeoul.streams import StreamSpec

__all__ = ["Shards", "shard_keys"]

_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|.)")


def shard_keys(shard_by: Sequence[str], keys: tuple[str, ...]) -> tuple[str, ...]:
    """Those keys of a stream that decide; all of them where it has none of `shard_by`.

    >>> shard_keys(["customer"], ("customer", "title")), shard_keys(["customer"], ("host",))
    (('customer',), ('host',))
    """
    return tuple(name for name in keys if name in shard_by) or keys


class Shards:
    """Shards of the windows of some streams, numbered from 0; a shard is a partition.

    As the partitioner `consistent` of librdkafka does, by CRC-32, but of the shard keys' JSON texts joined by U+001F,
    whose escapes have capital digits as Spark writes them.

    Args:
        shard_by: names of keys.
        specs: the streams.
        number: of shards.
    """

    def __init__(self, shard_by: Sequence[str], specs: Iterable[StreamSpec], number: int) -> None:
        self.number = number
        self._places = {
            spec.name: [spec.keys.index(name) for name in shard_keys(shard_by, spec.keys)] for spec in specs
        }

    def of(self, stream: str, key: Sequence[str]) -> int:
        """The shard of a group; `key` are the parts of its key as JSON, in the stream's order."""
        text = "\x1f".join([key[place] for place in self._places[stream]])
        if "\\u" in text:
            text = _ESCAPE.sub(lambda found: f"\\u{found[1].upper()}" if found[1] else found[0], text)
        return zlib.crc32(text.encode()) % self.number
