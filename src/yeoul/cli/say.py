"""How the command line speaks: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from yeoul.errors import ConfigError, YeoulError

__all__ = ["aside", "complain", "count", "data", "many", "progress_bar", "say", "sheet", "size"]

_WIDE = 120

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """A line of the result."""
    out.print(text, markup=False)


def sheet(table: Table) -> None:
    """Rows and columns of the result, never cut, also on a pipe."""
    Console(width=max(out.width, _WIDE), highlight=False).print(table)


def aside(text: str) -> None:
    """A line beside the result."""
    err.print(text, markup=False)


def data(value: Any) -> None:
    """A result for machines."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def complain(error: YeoulError | str) -> None:
    """Say what is wrong."""
    if isinstance(error, ConfigError) and len(error.problems) > 1:
        err.print(str(error).partition("\n")[0], style="bold red", markup=False)
        for problem in error.problems:
            err.print(f"  - {problem}", markup=False)
        return
    err.print(f"error: {error}", style="red", markup=False)


def progress_bar() -> Progress:
    """A bar with rate and remaining time; on a pipe it is silent."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[rate]}"),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def count(number: float) -> str:
    """A number as people read it.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,.0f}"


def many(number: float, word: str) -> str:
    """A number of things.

    >>> many(1, "file"), many(2000, "line")
    ('1 file', '2,000 lines')
    """
    shown = f"{number:g}" if number % 1 else count(number)
    return f"{shown} {word}{'s' * (number != 1)}"


def size(number: float) -> str:
    """Bytes as people read them.

    >>> size(1_500_000)
    '1.5 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return ""
