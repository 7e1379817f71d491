"""The one state file: SQLite in WAL mode with full synchronisation, one writer, numbered schema steps.

`open_state` is the engine's: it takes the folder's lock, brings the schema up to date and may write. `read_state` is
for everybody else (console, export, doctor): read-only, beside a running engine.
"""

from yeoul.store.durable import sync
from yeoul.store.good_copy import Restored, copy_age_s
from yeoul.store.pack import pack, unpack
from yeoul.store.schema import column_of
from yeoul.store.state import State, check_at_rest, check_state, open_state, read_state, scratch_state

__all__ = [
    "Restored",
    "State",
    "check_at_rest",
    "check_state",
    "column_of",
    "copy_age_s",
    "open_state",
    "pack",
    "read_state",
    "scratch_state",
    "sync",
    "unpack",
]
