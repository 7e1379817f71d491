"""A scorer from its class and the arguments that a person gave, or a sentence on what is wrong with them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from yeoul.errors import ConfigError, YeoulError
from yeoul.plugins import nearest

__all__ = ["made"]


def made(kind: Any, name: str, seed: int, options: Mapping[str, Any]) -> Any:
    """Build the scorer `name`.

    An argument whose default is a whole number (of rows, trees, days) takes whole numbers from 1 on.

    Raises:
        ConfigError: an argument that it does not have, or a value that it cannot take.

    >>> class Forest:
    ...     def __init__(self, seed: int = 0, *, trees: int = 20) -> None:
    ...         self.trees = trees
    >>> made(Forest, "forest", 0, {"trees": 5}).trees
    5
    >>> made(Forest, "forest", 0, {"tree": 5})
    Traceback (most recent call last):
    yeoul.errors.ConfigError: got the argument `tree` for `forest`; legal: `trees`; did you mean `trees`?
    """
    if "seed" in options:
        message = "got `seed` as an argument of the detector; name it by --seed"
        raise ConfigError(message)
    parameters = inspect.signature(kind).parameters
    known = {one.name: one.default for one in parameters.values() if one.kind is one.KEYWORD_ONLY}
    any_name = any(one.kind is one.VAR_KEYWORD for one in parameters.values())
    for option, value in options.items():
        if option not in known:
            if any_name:
                continue
            legal = ", ".join(f"`{each}`" for each in known) or "none"
            message = f"got the argument `{option}` for `{name}`; legal: {legal}{nearest(option, known)}"
            raise ConfigError(message)
        default = known[option]
        whole = isinstance(default, int) and not isinstance(default, bool)
        if whole and not (isinstance(value, int) and value >= 1):
            message = f"got {option}={value} for `{name}`; legal: a whole number from 1 on, such as {default}"
            raise ConfigError(message)
        if isinstance(default, float) and not isinstance(value, (int, float)):
            message = f"got {option}={value} for `{name}`; legal: a number, such as {default:g}"
            raise ConfigError(message)
    try:
        return kind(seed=seed, **options)
    except YeoulError:
        raise
    except (TypeError, ValueError) as error:
        listed = ", ".join(f"{option}={value}" for option, value in options.items())
        message = f"got {listed or 'no arguments'} for `{name}`: {error}; give what its page tells"
        raise ConfigError(message) from error
