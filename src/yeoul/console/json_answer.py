"""An answer as JSON: times and counts as they are, a number that is none as null."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

__all__ = ["JsonAnswer"]


class JsonAnswer(Response):
    """A response whose content is plain members.

    >>> JsonAnswer({"score": float("inf")}).body
    b'{"score":null}'
    """

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return msgspec.json.encode(content)
