"""The command line: one file a verb; a mistake is one sentence and an exit code, never a traceback."""

import os
import signal
from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        # to import all takes a while; where a callback of an import is interrupted, Python would lose an exception
        signal.signal(signal.SIGINT, lambda *_: os._exit(128 + signal.SIGINT))
    from yeoul.cli.app import main as run  # noqa: PLC0415  (what takes the while)

    signal.signal(signal.SIGINT, before)
    run()
