"""Later."""

from typing import Any


def compile_where(text: str, fields: Any) -> Any:
    raise NotImplementedError
