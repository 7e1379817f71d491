"""What Java says of its exceptions, in a line."""

from __future__ import annotations

from typing import Any

__all__ = ["root_cause"]


def root_cause(error: Exception) -> str | None:
    """Class and message of what was behind an exception of Java; None where it is not one of Java."""
    cause: Any = getattr(error, "java_exception", None)
    if cause is None:
        return None
    while cause.getCause() is not None:
        cause = cause.getCause()
    return f"{cause.getClass().getSimpleName()}: {cause.getMessage()}"
