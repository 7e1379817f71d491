"""What we keep: old entries of the results log, as Parquet files that any tool reads."""

from yeoul.lake.archive import ENTRY_COLUMNS, read_entries, write_entries

__all__ = ["ENTRY_COLUMNS", "read_entries", "write_entries"]
