"""Arguments that several verbs take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AsJson", "OutDir", "WorkspaceArg"]

WorkspaceArg = Annotated[Path, typer.Argument(metavar="WORKSPACE", help="Folder with `yeoul.toml`.")]
OutDir = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the result files; made when missing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON for machines.")]
