"""What every answer is made of, and the shapes that tell what the alarm policy does."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CalendarNow", "Shape", "Watch"]


class Shape(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(ser_json_inf_nan="null")


class CalendarNow(Shape):
    """A `[calendar.…]` entry that holds now."""

    name: str
    action: str = Field(description="`mute` or `rebaseline`.")
    keys: str = Field(description="Pattern of the keys.")
    until_us: int


class Watch(Shape):
    """What the alarm policy of a `[detect.…]` block did lately.

    By rule: `usual`; held back by `volume`, `history`, `effect`, `chance`, `muted`; alarmed: `single`, `sustained`.
    """

    at_us: int | None = Field(default=None, description="Start of its newest window.")
    scope: int = Field(default=0, description="Keys large and old enough to be alarmed.")
    threshold: float = Field(default=0.0, description="p at or below which one key is alarmed, as the budget has it.")
    counts: dict[str, int] = Field(default_factory=dict, description="Keys of the newest window by rule.")
    hour: dict[str, int] = Field(default_factory=dict, description="Key-windows of the last hour by rule.")
    calendar: list[CalendarNow] = Field(default_factory=list)
