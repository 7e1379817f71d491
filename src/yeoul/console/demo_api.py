"""The demo page's one button: planting an incident in the simulated service."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from yeoul.console import contract
from yeoul.console.access import Access
from yeoul.console.json_answer import JsonAnswer
from yeoul.console.problems import RefusedError
from yeoul.console.requests import Plant
from yeoul.console.topics import Answers
from yeoul.demo import plant_answer, request_plant
from yeoul.errors import InputError
from yeoul.flows.views import planted_label

__all__ = ["demo_routes"]

_ANSWER_WITHIN_S = 1.0
_LOOK_EVERY_S = 0.05


def demo_routes(folder: Path, access: Access, answers: Answers) -> APIRouter:
    """`/api/demo/plant`, for the service that runs in a folder."""
    router = APIRouter(prefix="/api/demo", tags=["writing"])

    @router.post("/plant", response_model=contract.Planted)
    async def plant(request: Request, asked: Plant) -> Response:
        """Plant an incident; the service picks what is not said."""
        access.note(request, "plant", asked.model_dump(exclude_none=True))
        try:
            name = await asyncio.to_thread(
                request_plant, folder, asked.kind, asked.target, asked.duration_s, asked.magnitude
            )
        except OSError as error:
            raise RefusedError(409, "demo_unwritable", f"the wish could not be written ({error})") from error
        label = await _label(folder, name)
        if label is None:
            shown: dict[str, Any] = {"id": name, "kind": asked.kind, "keys": [], "status": "asked", "incidents": []}
        else:
            shown = await answers.ask(lambda views, _: planted_label(label, views.names, views.now_us()))
        return JsonAnswer(contract.Planted.model_validate(shown).model_dump(exclude_none=True))

    return router


async def _label(folder: Path, name: str) -> dict[str, Any] | None:
    """The service's answer to a wish, if it comes soon.

    Raises:
        RefusedError: the service refused it.
    """
    loop = asyncio.get_running_loop()
    until_s = loop.time() + _ANSWER_WITHIN_S
    while loop.time() < until_s:
        try:
            label = await asyncio.to_thread(plant_answer, folder, name)
        except InputError as error:
            raise RefusedError(400, "refused", str(error), detail=str(error)) from None
        except (OSError, ValueError, KeyError):
            # it is being written
            label = None
        if label is not None:
            return label
        await asyncio.sleep(_LOOK_EVERY_S)
    return None
