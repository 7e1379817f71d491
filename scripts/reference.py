"""Writes the two reference pages that follow from the code: `python scripts/reference.py` (a test compares)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from itertools import groupby
from pathlib import Path
from typing import Any

import typer

from yeoul.cli.app import app
from yeoul.settings import Key, describe

DOCS = Path(__file__).parents[1] / "docs"

SECTIONS = {
    "stream": "`[stream.NAME]`: where events come from and how they are counted",
    "detect": "`[detect.NAME]`: what is watched",
    "calendar": "`[calendar.NAME]`: when it is known not to be as usual",
    "rank": "`[rank.NAME]`: what is hot",
    "lookup": "`[lookup.NAME]`: names for keys",
    "notify": "`[notify.NAME]`: who is told",
    "sink": "`[sink.NAME]`: where results and lines go",
    "console": "`[console]`: the web pages",
    "engine": "`[engine]`: how the engine works",
}

WORKSPACE = """\
# yeoul.toml

Every key, by section. This page is written by `python scripts/reference.py` from the models that check the file.

- A path in the file is relative to the workspace. `NAME` is yours: letters, digits, `_` and `-`.
- A duration is a number and a unit (`us`, `ms`, `s`, `m`, `h`, `d`, `w`), several may follow: `1h 30m`.
- A size is a number and a unit (`B`, `kB`, `MB`, `GB`, `TB`).
- A field path is names joined by dots; an odd name stands in double quotes: `labels."app.kubernetes.io/name"`.
- `yeoul check` tells all mistakes of a file at once.

The smallest file that does something:

```toml
[stream.hits]
source     = { kind = "files", path = "logs/*.ndjson" }
event_time = "at"
fields     = { cpk = "cpk", base_mck = "base_mck" }
keys       = ["cpk", "base_mck"]
aggregates = { plays = "count()" }

[detect.customers]
stream = "hits"
by     = ["cpk"]
value  = "plays"

[rank.hot]
stream = "hits"
by     = ["base_mck"]
value  = "plays"
```
"""

_TYPES = {int: "NUMBER", float: "NUMBER", Path: "PATH"}

COMMANDS = """\
# Commands

Every verb with its arguments and options. This page is written by `python scripts/reference.py` from the command line
itself; `yeoul VERB --help` says the same.

Results go to standard output, everything else to standard error. The exit code is 0 when all went well, 1 when
something in the world is in the way (a file, a port, a full disk), 2 when what was given is not legal, 130 after
Ctrl-C.
"""


def workspace() -> str:
    """The page `docs/reference/workspace.md`."""
    parts = [WORKSPACE]
    for section, keys in groupby(describe(), key=lambda key: key.key.partition(".")[0]):
        parts.append(f"## {SECTIONS[section]}\n\n{_keys(list(keys))}")
    return "\n".join(parts)


def _keys(keys: list[Key]) -> str:
    rows = ["| key | what may stand there | default | meaning |", "|---|---|---|---|"]
    for key in keys:
        place = re.sub(r"^\w+\.(NAME\.)?", "", key.key)
        default = key.default if key.default in {"required", "unset"} else f"`{key.default}`"
        rows.append(f"| `{place}` | {_cell(key.type)} | {_cell(default)} | {_cell(key.meaning)} |")
    return "\n".join(rows) + "\n"


def commands() -> str:
    """The page `docs/reference/commands.md`."""
    return "\n".join([COMMANDS, *(_verb(name, verb) for name, verb in _verbs(typer.main.get_command(app), "yeoul"))])


def _verbs(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The visible commands, groups replaced by what is in them."""
    for name, verb in group.commands.items():
        if not verb.hidden:
            inner = f"{path} {name}"
            yield from _verbs(verb, inner) if hasattr(verb, "commands") else [(inner, verb)]


def _verb(name: str, verb: Any) -> str:
    arguments = [each for each in verb.params if each.param_type_name == "argument"]
    usage = " ".join([name, "[OPTIONS]", *(_usage(each) for each in arguments)])
    text = cleandoc(verb.help or "")
    rows = [f"| `{_word(each)}` | {_cell(_meaning(each))} |" for each in verb.params]
    table = "\n".join(["| argument or option | meaning |", "|---|---|", *rows]) + "\n" if rows else ""
    return f"## {name}\n\n```text\n{usage}\n```\n\n{text}\n\n{table}"


def _usage(argument: Any) -> str:
    word = _metavar(argument)
    return word if argument.required or word.startswith("[") else f"[{word}]"


def _word(part: Any) -> str:
    if part.param_type_name == "argument":
        return _metavar(part).strip("[].")
    return ", ".join(part.opts) + ("" if part.is_flag else f" {_metavar(part)}")


def _metavar(part: Any) -> str:
    if part.metavar:
        return str(part.metavar)
    kind = _TYPES.get(part.type_descriptor.annotation, "TEXT")
    return part.name.upper() if part.param_type_name == "argument" else kind


def _meaning(part: Any) -> str:
    text = (getattr(part, "help", None) or "").strip()
    if part.required and part.param_type_name == "option":
        return f"{text} Required."
    default = part.default
    return text if default in (None, False) or callable(default) else f"{text} Default: `{default}`."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


PAGES = {"reference/workspace.md": workspace, "reference/commands.md": commands}

if __name__ == "__main__":
    for page, write in PAGES.items():
        (DOCS / page).write_text(write(), encoding="utf-8")
