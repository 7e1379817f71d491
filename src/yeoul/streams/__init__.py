"""How events are grouped: fronts and watermarks, windows and their revisions, the ledger, the results log.

`LocalStream` is the definition of correct; `Checkpoint` keeps it in the state file; `log` is what everything after it
reads. What the words mean, exactly, stands in the semantics page.
"""

from yeoul.streams.aggregates import FUNCTIONS, Aggregate, parse_aggregate
from yeoul.streams.checkpoint import Checkpoint
from yeoul.streams.entries import Coverage, Entry
from yeoul.streams.keys import KeyTable, key_text
from yeoul.streams.parts import Layout, Part
from yeoul.streams.spec import StreamSpec
from yeoul.streams.stream import Drained, LateRow, LocalStream

__all__ = [
    "FUNCTIONS",
    "Aggregate",
    "Checkpoint",
    "Coverage",
    "Drained",
    "Entry",
    "KeyTable",
    "LateRow",
    "Layout",
    "LocalStream",
    "Part",
    "StreamSpec",
    "key_text",
    "parse_aggregate",
]
