"""Reading a workspace: its file, all mistakes in it at once, and the plan that it declares."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from yeoul.errors import ConfigError, InputError
from yeoul.events import format_path
from yeoul.flows.plan import Plan
from yeoul.plugins import nearest
from yeoul.settings.blocks import (
    ConsoleOptions,
    read_console,
    read_detect,
    read_engine,
    read_lookup,
    read_notify,
    read_rank,
)
from yeoul.settings.calendar import entries_of, read_calendar
from yeoul.settings.facts import stream_facts
from yeoul.settings.lines import key_lines, repeated_key
from yeoul.settings.models import SECTIONS
from yeoul.settings.problems import Problems, shown
from yeoul.settings.sinks import check_windows_topics, read_sink
from yeoul.settings.streams import read_stream

__all__ = ["FILE_NAME", "Workspace", "load_workspace"]

FILE_NAME = "yeoul.toml"
"""The file that makes a folder a workspace."""

_AT = re.compile(r" at line \d+ col \d+$")
_BLOCK = re.compile(r"\w[\w-]*")


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a workspace file says, checked."""

    folder: Path
    """Absolute."""
    file: Path
    declared: Plan
    console: ConsoleOptions
    warnings: tuple[str, ...]
    """What is legal and yet probably not meant."""

    def plan(self) -> Plan:
        """Everything an engine needs."""
        return self.declared


def load_workspace(folder: Path | str, environ: Mapping[str, str] | None = None) -> Workspace:
    """The workspace in a folder (or of a `yeoul.toml`), checked; touches nothing.

    Args:
        folder: The folder that holds `yeoul.toml`, or that file itself.
        environ: Where `${NAME}` and YEOUL_PASSWORD are taken from; the process's environment when not given.

    Raises:
        InputError: there is no workspace, or its file cannot be read.
        ConfigError: the file has mistakes; `problems` holds one sentence for each.
    """
    file = _find(Path(folder))
    raw, lines = _read(file)
    problems = Problems(lines)
    reading = _Reading(file.parent, raw, os.environ if environ is None else environ, problems)
    workspace = reading.workspace(file)
    if len(problems):
        texts = problems.texts()
        message = f"`{file}` has {len(texts)} mistakes:\n  " + "\n  ".join(texts)
        raise ConfigError(f"`{file}`: {texts[0]}" if len(texts) == 1 else message, texts)
    return workspace


def _find(path: Path) -> Path:
    file = path if path.is_file() else path / FILE_NAME
    if not file.is_file():
        what = "has no `yeoul.toml`" if path.is_dir() else "is not there"
        legal = "a folder with `yeoul.toml`; `yeoul init DIR --sample FILE` makes one"
        message = f"got `{path}`, which {what}; legal: {legal}"
        raise InputError(message)
    return file.absolute()


def _read(file: Path) -> tuple[dict[str, Any], dict[tuple[str, ...], int]]:
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError as error:
        message = f"`{file}` is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise ConfigError(message) from None
    except OSError as error:
        message = f"`{file}` cannot be read ({error.strerror}); check its permissions"
        raise InputError(message) from error
    try:
        # not tomllib: TOML 1.1 allows line breaks in inline tables, and people write them
        return tomlkit.parse(text).unwrap(), key_lines(text)
    except (TOMLKitError, ValueError) as error:
        raise ConfigError(_malformed(file, text, error)) from None


def _malformed(file: Path, text: str, error: Exception) -> str:
    number, column = getattr(error, "line", 0), getattr(error, "col", 0)
    what = _AT.sub("", str(error))
    twice = repeated_key(text) if "already exists" in what else None
    if twice is not None:
        path, first, second = twice
        return f"`{file}`: `{format_path(path)}` stands on line {first} and again on line {second}; legal: once"
    where = f" at line {number}, column {column + 1}" if number else ""
    lines = text.split("\n")
    got = shown(lines[number - 1].strip()) if 0 < number <= len(lines) else ""
    legal = 'legal: `[section.NAME]` lines and `key = value` lines, texts in quotes, such as `delay = "10s"`'
    what = what.removesuffix(".")
    return f"`{file}` is not TOML{where}: {what[:1].lower()}{what[1:]}{f'; got `{got}`' if got else ''}; {legal}"


class _Reading:
    def __init__(self, folder: Path, raw: dict[str, Any], environ: Mapping[str, str], problems: Problems) -> None:
        self._folder = folder
        self._raw = raw
        self._environ = environ
        self._problems = problems
        self._warnings: list[str] = []

    def workspace(self, file: Path) -> Workspace:
        for name in self._raw:
            if name not in SECTIONS:
                legal = ", ".join(f"`{one}`" for one in SECTIONS)
                self._problems.add((name,), f"unknown section; legal: {legal}{nearest(name, SECTIONS)}")
        environ, problems, warnings = self._environ, self._problems, self._warnings
        declared = self._blocks("stream")
        found = {name: read_stream(name, raw, self._folder, self._environ, problems) for name, raw in declared.items()}
        facts = {
            name: stream_facts(raw, sure=not problems.under(("stream", name, "keys"))) for name, raw in declared.items()
        }
        streams = {name: plan for name, plan in found.items() if plan is not None}
        if not declared and not problems.under(("stream",)):
            problems.add(("stream",), "no stream is declared; legal: at least one block `[stream.NAME]`")
        watched = self._blocks("detect")
        detects = [read_detect(name, raw, streams, facts, problems) for name, raw in watched.items()]
        calendar = [read_calendar(name, raw, list(watched), problems) for name, raw in self._blocks("calendar").items()]
        entries = [each for each in calendar if each is not None]
        ranks = [read_rank(name, raw, streams, facts, problems) for name, raw in self._blocks("rank").items()]
        lookups = [
            read_lookup(name, raw, self._folder, facts, problems, warnings)
            for name, raw in self._blocks("lookup").items()
        ]
        notifiers = [
            read_notify(name, raw, list(watched), environ, problems) for name, raw in self._blocks("notify").items()
        ]
        sinks = [
            read_sink(name, raw, self._folder, found, environ, problems) for name, raw in self._blocks("sink").items()
        ]
        check_windows_topics([each for each in sinks if each is not None], problems)
        plan = Plan(
            folder=self._folder,
            streams=tuple(streams.values()),
            detects=tuple(
                replace(block, calendar=entries_of(block.name, entries, problems))
                for block in detects
                if block is not None
            ),
            ranks=tuple(block for block in ranks if block is not None),
            lookups=tuple(block for block in lookups if block is not None),
            notifiers=tuple(block for block in notifiers if block is not None),
            sinks=tuple(block for block in sinks if block is not None),
            engine=read_engine(self._raw.get("engine", {}), problems),
        )
        console = read_console(self._raw.get("console", {}), environ, problems)
        return Workspace(self._folder, file, plan, console, tuple(warnings))

    def _blocks(self, section: str) -> dict[str, Any]:
        """The blocks of a section by name; what is none is a mistake."""
        raw = self._raw.get(section, {})
        if not isinstance(raw, dict):
            self._problems.add((section,), f"got `{shown(raw)}`; legal: blocks `[{section}.NAME]`")
            return {}
        blocks = {}
        for name, block in raw.items():
            if not isinstance(block, dict):
                self._problems.add((section, name), f"got `{shown(block)}`; legal: blocks `[{section}.NAME]`")
            elif not _BLOCK.fullmatch(name):
                self._problems.add((section, name), f"got the name `{name}`; legal: letters, digits, `_` and `-`")
            else:
                blocks[name] = block
        return blocks
