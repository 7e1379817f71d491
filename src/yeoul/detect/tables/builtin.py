"""The scorers of tables that come with the package, by name; loaded on use."""

from __future__ import annotations

__all__ = ["SCORERS"]

SCORERS: dict[str, str] = {
    "pca": "yeoul.detect.tables.components:Components",
    "windows": "yeoul.detect.tables.windows:Windows",
}
"""Name to `"module:Name"`; others come by the entry point group `yeoul.scorers`."""
