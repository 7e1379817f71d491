"""A saved model for a person to read: what it was fitted on, its columns, thresholds and losses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yeoul.flows.servers.saved import read_about

__all__ = ["described"]

_BAR = 40
_SHOWN = 12


def described(folder: Path) -> Iterator[str]:
    """Lines of text on the model in a folder.

    Raises:
        SourceError: no saved model.
        StateError: damaged, or of another release.
    """
    about = read_about(folder)
    config = about["config"]
    yield f"method {config['method']}, seed {config['seed']}, saved by Yeoul {about['yeoul']}"
    for name, value in config["options"].items():
        yield f"  {name} = {value}"
    yield f"fitted on {about['kind']}: {about['span']}, {about['rows']:,} slots, {about['filled']:,} of them filled"
    yield f"  filling: {about['fill_rule']}"
    yield f"{len(about['columns'])} columns: least, quartiles and most of the slots it was fitted on"
    width = max(len(name) for name in about["columns"])
    for name, levels in about["columns"].items():
        yield f"  {name:<{width}}  " + "  ".join(f"{level:>9,.6g}" for level in levels)
    yield "the model"
    yield from _members(about["model"], "  ")
    for name, values in about["losses"].items():
        yield f"loss, {name}"
        most = max(values, default=0.0) or 1.0
        for epoch, value in enumerate(values, 1):
            yield f"  epoch {epoch:>3}  {value:<10.4g} {'█' * max(1, round(_BAR * value / most))}"


def _members(tree: dict[str, Any], indent: str) -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from _members(value, indent + "  ")
        elif isinstance(value, list) and len(value) > _SHOWN:
            yield f"{indent}{name}: {', '.join(_text(one) for one in value[:_SHOWN])}, … ({len(value)} in all)"
        elif isinstance(value, list):
            yield f"{indent}{name}: {', '.join(_text(one) for one in value)}"
        else:
            yield f"{indent}{name}: {_text(value)}"


def _text(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
