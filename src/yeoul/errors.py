"""Every error Yeoul raises, one family on one screen; the type says whether trying again can help.

A message says what was got, what is legal and what to do. Bad input ends in one of these, never in a traceback.
"""

from __future__ import annotations

__all__ = [
    "BusyError",
    "ConfigError",
    "DamagedError",
    "InputError",
    "MissingExtraError",
    "MissingProgramError",
    "SinkError",
    "SourceError",
    "StateError",
    "StorageFullError",
    "TransientError",
    "UnreachableError",
    "YeoulError",
]


class YeoulError(Exception):
    """The base of all; the command line prints it as one sentence and exits with `exit_code`."""

    exit_code = 1


class TransientError(YeoulError):
    """The same call may succeed later without anybody doing anything: the engine waits and tries again."""


class ConfigError(YeoulError, ValueError):
    """A declaration (workspace file, field path, duration, expression) that cannot mean anything.

    `problems` holds every mistake found, so that a person mends them all at once.
    """

    exit_code = 2

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems or (message,)


class InputError(YeoulError, ValueError):
    """A value from outside (a command's argument, a request) that is not legal."""

    exit_code = 2


class SourceError(YeoulError, OSError):
    """A source that cannot be read: a missing folder, an unreadable file, an unknown topic."""


class SinkError(YeoulError, OSError):
    """A sink that cannot be written: an unknown topic, a login that is refused."""


class StateError(YeoulError, RuntimeError):
    """State on disk that cannot be used as it is: damaged, of another declaration, of a newer release."""


class DamagedError(StateError):
    """State on disk whose bytes are not those that were written."""


class BusyError(YeoulError, RuntimeError):
    """Something that only one may hold is held by another: the state by an engine, a port by a server."""


class StorageFullError(TransientError, OSError):
    """The disk is full: reading pauses, health is red, and work resumes when there is space."""


class UnreachableError(TransientError, SourceError):
    """Nobody answers where a source or sink is said to be: it may be away for a while, or its address may be wrong."""


class MissingExtraError(YeoulError, ImportError):
    """An optional library is not installed; the message holds the line that installs it."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"`{library}` is not installed; it comes with an extra: pip install 'yeoul[{extra}]'")


class MissingProgramError(YeoulError, FileNotFoundError):
    """A program of the system is not installed; the message names the Debian package that brings it."""

    def __init__(self, name: str, package: str) -> None:
        super().__init__(f"`{name}` is not on this machine; install it, on Debian: apt-get install {package}")
