"""What went wrong at the command line, as one sentence: what was got, what is legal, what to do."""

from __future__ import annotations

import errno
import re
import sqlite3
from typing import Any

from typer.exceptions import TyperException

from yeoul.plugins import nearest

__all__ = ["refused", "usage"]

_QUOTED = re.compile(r"'([^']*)'")
_EXTRA = re.compile(r"extra argument\(s\) \((.*)\)")
_WORDS = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
}
_FULL = {errno.ENOSPC, errno.EDQUOT}
_ADVICE = {
    errno.EACCES: "give yourself permission (chmod, chown), or choose another place",
    errno.EPERM: "give yourself permission (chmod, chown), or choose another place",
    errno.EROFS: "choose a place that can be written",
    errno.ENOTDIR: "a part of this path is a file; choose a folder, or a name that is free",
    errno.EEXIST: "there is a file of this name; choose a folder, or a name that is free",
    errno.EISDIR: "choose a file",
    errno.ENOENT: "check the path",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def usage(error: TyperException) -> str:
    """What the framework found wrong with the words of a command."""
    context: Any = getattr(error, "ctx", None)
    if context is None:
        return f"{_option(error) or error.format_message().rstrip('.')}; `yeoul VERB --help` tells more"
    path = context.command_path
    return f"{_usage(error, context.command, path)}; `{path} --help` tells more"


def _option(error: TyperException) -> str:
    """An option with a value too few or too many; nothing where that is not the mistake."""
    option = getattr(error, "option_name", None)
    takes = "needs a value behind it" if "requires" in error.format_message() else "takes no value"
    return f"got the option `{option}`, which {takes}" if option else ""


def _usage(error: TyperException, command: Any, path: str) -> str:
    message = error.format_message()
    parameter: Any = getattr(error, "param", None)
    if hasattr(error, "possibilities"):
        legal = sorted(word for one in command.params for word in one.opts if word.startswith("--"))
        got = str(getattr(error, "option_name", ""))
        return f"got the option `{got}`; legal: {_listed([*legal, '--help'])}{nearest(got, legal)}"
    if told := _option(error):
        return told
    if hasattr(error, "param_type"):
        return f"`{path}` needs {_called(parameter)}: {getattr(parameter, 'help', None) or 'see below'}".rstrip(".")
    if parameter is not None:
        return f"got {_got(error)} for {_called(parameter)}; legal: {_legal(error)}"
    if hasattr(command, "commands") and (hit := _QUOTED.search(message)):
        names = [name for name, one in command.commands.items() if not one.hidden]
        return f"got the command `{hit[1]}`; legal: {_listed(names)}{nearest(hit[1], names)}"
    if hit := _EXTRA.search(message):
        takes = " ".join(one.metavar or one.name.upper() for one in command.params if one.param_type_name == "argument")
        return f"got `{hit[1]}` too much; legal: `{path} {takes}` and options"
    return message.rstrip(".")


def _called(parameter: Any) -> str:
    """An option by its long name, an argument by its place's name."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    return f"`{max(parameter.opts, key=len)}`"


def _got(error: TyperException) -> str:
    """The value that was refused, where the checker kept it."""
    errors = getattr(error.__cause__, "errors", None)
    return f"`{errors()[0]['input']}`" if callable(errors) else "a value that is none"


def _legal(error: TyperException) -> str:
    """What the checker would have taken, in our words."""
    text = error.message.removeprefix("Input should be ").partition(",")[0]
    for theirs, ours in _WORDS.items():
        text = text.replace(theirs, ours)
    return text


def _listed(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def refused(error: OSError | sqlite3.Error) -> str:
    """What the system refused while a verb worked on a person's files."""
    if isinstance(error, sqlite3.Error):
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            return "the disk is full; free some space and try again"
        what = "see that its disk is there, writable and not full; `yeoul doctor WORKSPACE` looks"
        return f"the state cannot be read or written ({error}); {what}"
    if error.errno in _FULL:
        place = f"`{error.filename}`: " if error.filename else ""
        return f"{place}the disk is full; free some space and try again"
    reason = error.strerror or str(error)
    advice = _ADVICE.get(error.errno or 0, "`yeoul doctor` looks at the machine and says what to do")
    return f"got `{error.filename}`: {reason}; {advice}" if error.filename else f"{reason}; {advice}"
