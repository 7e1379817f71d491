"""The JSON that pages and programs send: every body of a write and every message to the live feed, one model each."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ClientMessage", "Login", "Logout", "Plant", "Redrive"]


class _Request(BaseModel):
    """What a client sends: a member that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid")


class Plant(_Request):
    """POST /api/demo/plant. Answer: `Planted`; status `asked` when the service has not answered within a second."""

    kind: Literal["burst", "drop", "scan", "viral", "outage"]
    target: str | None = Field(
        default=None, min_length=1, max_length=200, description="Customer, title or origin; null: the service picks."
    )
    duration_s: float | None = Field(default=None, ge=1, le=86_400, allow_inf_nan=False)
    magnitude: float | None = Field(default=None, ge=0, le=10_000, allow_inf_nan=False, description="Times the usual.")


class Redrive(_Request):
    """POST /api/quarantine/redrive: decode kept lines again. Answer: `Redriven`."""

    stream: str = Field(max_length=200)
    ids: list[int] | None = Field(default=None, max_length=10_000, description="Which; null: all of the stream.")


class Login(_Request):
    """POST /api/login."""

    password: str = Field(max_length=1_000)


class Logout(_Request):
    """POST /api/logout: an object without members; JSON, as other sites' forms cannot send it."""


class ClientMessage(_Request):
    """All a page may send on `/api/live`."""

    subscribe: list[str] = Field(max_length=16, description="The topics it wants from now on, at most 16.")
