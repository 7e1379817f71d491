"""Arguments that several verbs take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AsJson", "OutDir", "Port", "WorkspaceArg"]

WorkspaceArg = Annotated[Path, typer.Argument(metavar="WORKSPACE", help="Folder with `yeoul.toml`.")]
OutDir = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the result files; made when missing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON for machines.")]
Port = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", min=0, max=65535, help="Port of the console; 0 picks a free one."),
]
