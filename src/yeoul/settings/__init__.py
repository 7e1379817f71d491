"""What an operator may change: one `yeoul.toml`, read into plain typed values, all its mistakes told at once.

`load_workspace` is the way in; what a workspace runs is its `plan()`. `describe` lists every key with type, default and
meaning, for the reference page.
"""

from yeoul.settings.blocks import ConsoleOptions
from yeoul.settings.reference import Key, describe
from yeoul.settings.workspace import FILE_NAME, Workspace, load_workspace

__all__ = ["FILE_NAME", "ConsoleOptions", "Key", "Workspace", "describe", "load_workspace"]
