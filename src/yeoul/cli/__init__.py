"""The command line: one file a verb; a mistake is one sentence and an exit code, never a traceback."""

from yeoul.cli.app import app, main

__all__ = ["app", "main"]
