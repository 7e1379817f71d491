"""The scorers of tables that come with the package, by name; loaded on use."""

from __future__ import annotations

__all__ = ["SCORERS"]

SCORERS: dict[str, str] = {}
"""Name to `"module:Name"`; others come by the entry point group `yeoul.scorers`."""
