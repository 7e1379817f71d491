"""What a workspace file takes from the environment: the place for secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping

from yeoul.settings.problems import Place, Problems

__all__ = ["fill", "fill_secrets"]

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SECRET = re.compile(r"password|secret|sasl\.oauthbearer\.config")


def fill(text: str, place: Place, environ: Mapping[str, str], problems: Problems) -> str:
    """`text` with `${NAME}` replaced from the environment."""
    for name in _VARIABLE.findall(text):
        if name not in environ:
            problems.add(place, f"got `${{{name}}}`, but the environment has no `{name}`; set it before starting")
    return _VARIABLE.sub(lambda match: environ.get(match[1], ""), text)


def fill_secrets(
    settings: Mapping[str, str], place: Place, environ: Mapping[str, str], problems: Problems
) -> dict[str, str]:
    """Settings of a client, filled; one that is a secret may stand nowhere but in the environment."""
    for name, text in settings.items():
        if _SECRET.search(name) and not _VARIABLE.search(text):
            message = (
                "got a secret in the file; legal: the name of an environment variable, such as `${KAFKA_PASSWORD}`"
            )
            problems.add((*place, name), message)
    return {name: fill(text, (*place, name), environ, problems) for name, text in settings.items()}
