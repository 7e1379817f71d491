"""A verb that is killed at a named moment: `python -m yeoul.testing.faults --kill STAGE:COUNT VERB …`.

The process ends itself by SIGKILL (`--term`: asks itself by SIGTERM, `--int`: by SIGINT) when it passes the moment for
the COUNT-th time. It is the real command otherwise; nothing of the product knows of this file.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["STAGES", "main"]

STAGES = {
    "read": ("yeoul.ingest.files.generation:Generation.read", "made"),
    "decoded": ("yeoul.streams.stream:LocalStream.add", "before"),
    "applied": ("yeoul.streams.stream:LocalStream.add", "after"),
    "closed": ("yeoul.streams.windows:Windows.close", "made"),
    "commit begun": ("yeoul.streams.checkpoint:Checkpoint.save", "before"),
    "positions written": ("yeoul.streams.checkpoint:Checkpoint.save", "after"),
    "not sealed": ("yeoul.flows.engine:Engine._save_snapshots", "after"),
    "committed": ("yeoul.flows.engine:Engine.commit", "after"),
    "archive written": ("yeoul.flows.housekeeping:write_entries", "after"),
    "archive booked": ("yeoul.flows.housekeeping:Housekeeping._archive", "made"),
    "telling": ("yeoul.deliver.webhook:Webhook.send", "before"),
    "told": ("yeoul.deliver.webhook:Webhook.send", "after"),
}
"""Moments in the life of a block of rows, in their order: the function that is passed, and when.

`before` it, `after` it, or once it `made` something: a read that finds nothing is no moment.
"""

_HURRIED = {
    "yeoul.flows.engine:_SNAPSHOT_EVERY_S": 0,
    "yeoul.flows.engine:_SNAPSHOT_SHARE": 0,
    "yeoul.flows.housekeeping:_EVERY_US": 0,
    "yeoul.flows.housekeeping:_KEEP_HOT_US": 60_000_000,
    "yeoul.flows.housekeeping:_FEWEST": 10,
}
"""What keeps snapshots and compaction rare, and what makes them happen at every checkpoint."""
_SMALL = {
    "yeoul.flows.feed:_LIVE_BLOCK_BYTES": 16 << 10,
    "yeoul.flows.run:_READ_FIRST_BYTES": 64 << 10,
    "yeoul.flows.run:_READ_AT_ONCE_BYTES": 64 << 10,
}
"""A backlog is read in many blocks and kept in many checkpoints, so that there is a before and an after everywhere."""


def main() -> None:
    """Arm the faults, then run the verb that stands behind them."""
    parser = argparse.ArgumentParser(prog="python -m yeoul.testing.faults", description=__doc__)
    add = parser.add_argument
    add("--kill", action="append", default=[], metavar="STAGE:COUNT", help=f"stages: {', '.join(STAGES)}")
    add("--term", action="append", default=[], metavar="STAGE:COUNT", help="the same by SIGTERM")
    add("--int", action="append", default=[], metavar="STAGE:COUNT", help="the same by SIGINT")
    add("--hurry", action="store_true", help="snapshots and compaction at every checkpoint")
    add("--small-blocks", action="store_true", help="a backlog takes many blocks and checkpoints")
    add("verb", nargs=argparse.REMAINDER, help="a verb of `yeoul` with its arguments")
    options = parser.parse_args()
    for place, value in ((_HURRIED if options.hurry else {}) | (_SMALL if options.small_blocks else {})).items():
        owner, name = _find(place)
        setattr(owner, name, value)
    signals = {signal.SIGKILL: options.kill, signal.SIGTERM: options.term, signal.SIGINT: options.int}
    for number, armed in signals.items():
        for one in armed:
            stage, _, count = one.partition(":")
            _arm(*STAGES[stage], number, int(count))
    from yeoul.cli.app import main as run  # noqa: PLC0415 - what it imports by name must be armed before

    sys.argv = ["yeoul", *options.verb]
    run()


def _find(place: str) -> tuple[Any, str]:
    """The owner (module or class) and the name of `module:Class.function`."""
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    getattr(owner, name)
    return owner, name


def _arm(place: str, when: str, number: int, count: int) -> None:
    owner, name = _find(place)
    inner: Callable[..., Any] = getattr(owner, name)
    left = count

    def passed() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), number)

    def armed(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            passed()
        result = inner(*arguments, **named)
        if when == "after" or (when == "made" and result):
            passed()
        return result

    setattr(owner, name, armed)


if __name__ == "__main__":
    main()
