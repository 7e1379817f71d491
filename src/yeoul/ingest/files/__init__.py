"""Log files as they are written: a glob becomes splits, one for each file with its rotated generations.

A generation is one content from its first byte to its last, whatever the file is called now and however it is
compressed; `matching.py` says how it is found again.
"""

from yeoul.ingest.files.source import FileSource

__all__ = ["FileSource"]
