"""DuckDB in memory: the one place that opens it, so that it never downloads and loads nothing from outside."""

from __future__ import annotations

from typing import Any

__all__ = ["duck_error", "open_duck"]


def open_duck(*, threads: int = 1) -> Any:
    """A connection of its own, in memory, that keeps the order of rows and takes times without a zone as UTC."""
    import duckdb  # noqa: PLC0415 - heavy, and needed only where a table is touched

    config: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    engine = duckdb.connect(":memory:", config=config | {"threads": threads})
    engine.execute("SET TimeZone = 'UTC'")
    return engine


def duck_error() -> type[Exception]:
    """The base of what it raises."""
    import duckdb  # noqa: PLC0415 - as above

    error: type[Exception] = duckdb.Error
    return error
