"""What we keep: old entries of the results log as Parquet, and tables in files that people bring."""

from yeoul.lake.archive import ENTRY_COLUMNS, read_entries, write_entries
from yeoul.lake.columns import write_columns
from yeoul.lake.tables import TableFile, format_of

__all__ = ["ENTRY_COLUMNS", "TableFile", "format_of", "read_entries", "write_columns", "write_entries"]
