"""`yeoul doctor`: what is installed, reachable and writable, and what to do about it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from yeoul import __version__
from yeoul.cli.arguments import AsJson
from yeoul.cli.say import data, say
from yeoul.errors import ConfigError, InputError
from yeoul.flows.doctor import Check, machine_checks, spark_checks, workspace_checks
from yeoul.flows.plan import KafkaPlan
from yeoul.settings import FILE_NAME, load_workspace

__all__ = ["add_to"]


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("doctor")(_doctor)


def _doctor(
    workspace: Annotated[
        Path | None, typer.Argument(metavar="[WORKSPACE]", help="Folder with `yeoul.toml`; else the current one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at the machine and at a workspace, and say what to do about what is wrong. Changes nothing.

    The exit code is 1 when something fails.
    """
    here = workspace or (Path() if Path(FILE_NAME).is_file() else None)
    found = _all(here)
    failed = sum(check.status == "fail" for check in found)
    warned = sum(check.status == "warn" for check in found)
    if as_json:
        data({"ok": not failed, "version": __version__, "checks": [check.as_members() for check in found]})
    else:
        for check in found:
            say(f"{check.status:4}  {check.area}: {check.found}")
            if check.advice:
                say(f"      -> {check.advice}")
        if here is None:
            say("no workspace was looked at; `yeoul doctor WORKSPACE` looks at one")
        say(f"{len(found)} checks: {failed} failed, {warned} warned")
    raise typer.Exit(1 if failed else 0)


def _all(folder: Path | None) -> list[Check]:
    pages = _pages()
    if folder is None:
        return [*machine_checks(), pages]
    try:
        found = load_workspace(folder)
    except InputError as error:
        return [*machine_checks(), pages, Check("workspace", "fail", str(error), "correct the path")]
    except ConfigError as error:
        mistakes = [Check("workspace", "fail", problem, f"correct {FILE_NAME}") for problem in error.problems]
        return [*machine_checks(), pages, *mistakes]
    plan, console = found.plan(), found.console
    topics = any(isinstance(stream.source, KafkaPlan) for stream in plan.streams)
    checks = machine_checks(frozenset({"kafka"} if topics or plan.sinks else ()))
    checks += spark_checks(topics=topics)
    checks += [pages, Check("workspace", "ok", f"`{found.file}` has no mistakes")]
    checks += [Check("workspace", "warn", warning, "see `yeoul check`") for warning in found.warnings]
    return checks + workspace_checks(plan, console.host, console.port)


def _pages() -> Check:
    """Whether the console's pages were built: a wheel holds them, a source tree only after a build."""
    if files("yeoul.console").joinpath("static", "index.html").is_file():
        return Check("pages", "ok", "the console's pages are built")
    return Check("pages", "warn", "the console's pages are not built", "`make web` builds them; its API works without")
