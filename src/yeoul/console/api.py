"""The REST side: the same data as the live feed, one answer at a time, and the few things that people may change."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from yeoul.console import contract
from yeoul.console.access import Access
from yeoul.console.hub import Hub
from yeoul.console.json_answer import JsonAnswer
from yeoul.console.live_client import LiveClient
from yeoul.console.metrics import CONTENT_TYPE, metrics_text
from yeoul.console.problems import RefusedError, problem
from yeoul.console.requests import Redrive
from yeoul.console.topics import Answers, Topic, parse_scope

__all__ = ["reading_routes", "watching_routes", "writing_routes"]

_Text = Annotated[str, Query(max_length=300)]
_Limit = Annotated[int, Query(ge=1, le=500)]
_Time = Annotated[int | None, Query(ge=0, le=1 << 60, description="Microseconds since 1970-01-01 UTC.")]
_MOST_NAME = 200


def reading_routes(hub: Hub, answers: Answers) -> APIRouter:
    """Everything to be read under `/api`."""
    router = APIRouter(prefix="/api", tags=["reading"])

    async def topic(name: str) -> dict[str, Any]:
        return await _found(hub, Topic(name, name))

    @router.get("/now", response_model=contract.Now)
    async def now() -> Response:
        """Whether something is wrong, what, and since when; and what is hot."""
        return JsonAnswer(await topic("now"))

    @router.get("/pipeline", response_model=contract.Pipeline)
    async def pipeline() -> Response:
        """How events get in."""
        return JsonAnswer(await topic("pipeline"))

    @router.get("/demo", response_model=contract.Demo)
    async def demo() -> Response:
        """What the simulated service was told to do, and whether it was found."""
        return JsonAnswer(await topic("demo"))

    @router.get("/incidents", response_model=contract.IncidentPage)
    async def incidents(
        status: Literal["open", "closed", "all"] = "all", before_us: _Time = None, limit: _Limit = 50
    ) -> Response:
        """Incidents, newest first."""
        page = await answers.ask(lambda views, _: views.incident_page(status, before_us, limit))
        return JsonAnswer(contract.IncidentPage.model_validate(page).model_dump(exclude_none=True))

    @router.get("/incidents/{id_}", response_model=contract.IncidentDetail)
    async def incident(id_: str) -> Response:
        """One incident in full."""
        return JsonAnswer(await _found(hub, Topic(f"incident:{id_[:_MOST_NAME]}", "incident", id_[:_MOST_NAME])))

    @router.get("/muted", response_model=contract.Muted)
    async def muted() -> Response:
        """What the calendar muted lately."""
        found = await answers.ask(lambda views, _: views.muted())
        return JsonAnswer(contract.Muted.model_validate({"findings": found}).model_dump(exclude_none=True))

    @router.get("/rankings", response_model=contract.Rankings)
    async def rankings() -> Response:
        """What can be ranked, and the places over all."""
        return JsonAnswer(await topic("rankings"))

    @router.get("/rankings/{name}", response_model=contract.Ranking)
    async def ranking(name: str, scope: _Text = "", at_us: _Time = None) -> Response:
        """One ranking: over all or in a scope (a JSON object), now or at a kept hour."""
        wanted = parse_scope(scope)
        found = await answers.ask(lambda views, seen: views.ranking(seen, name, wanted, at_us))
        if found is None:
            raise _no_ranking(name)
        return JsonAnswer(contract.Ranking.model_validate(found).model_dump(exclude_none=True))

    @router.get("/rankings/{name}/scopes", response_model=contract.Scopes)
    async def scopes(name: str, q: _Text = "", limit: _Limit = 50) -> Response:
        """Scopes that have a ranking of their own; `q` is a part of a key or name."""
        found = await answers.ask(lambda views, _: views.scopes(name, q, limit))
        if found is None:
            raise _no_ranking(name)
        return JsonAnswer(contract.Scopes.model_validate(found).model_dump(exclude_none=True))

    return router


def writing_routes(client: LiveClient, access: Access) -> APIRouter:
    """What people may ask of the engine."""
    router = APIRouter(prefix="/api", tags=["writing"])

    @router.post("/quarantine/redrive")
    async def redrive(request: Request, asked: Redrive) -> contract.Redriven:
        """Decode kept lines again, after their cause was mended."""
        access.note(request, "redrive", {"stream": asked.stream, "ids": asked.ids and len(asked.ids)})
        answer = await client.request("redrive", asked.model_dump())
        if answer is None:
            return contract.Redriven(done=False)
        if not answer.pop("ok", False):
            detail = str(answer.get("error", "no reason was given"))
            raise RefusedError(400, "refused", detail, detail=detail)
        answer.pop("id", None)
        return contract.Redriven(done=True, result=answer)

    return router


def watching_routes(hub: Hub, access: Access) -> APIRouter:
    """For monitoring: `/health` and `/metrics`."""
    router = APIRouter(tags=["watching"])

    @router.get("/health", response_model=contract.Health, responses={503: {"model": contract.Health}})
    async def health(request: Request) -> Response:
        """200 while the pipeline works, 503 when it does not; who is not signed in is told no more than that."""
        found = (await _found(hub, Topic("now", "now")))["health"]
        shown = found if await access.may_watch(request) else {"status": found["status"], "causes": []}
        return JsonAnswer(shown, 503 if found["status"] == "red" else 200)

    @router.get("/metrics", responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
    async def metrics(request: Request) -> Response:
        """Figures for Prometheus."""
        if not await access.may_watch(request):
            answer = problem(401, "signed_out", "sign in, or send the password as HTTP Basic")
            answer.headers["WWW-Authenticate"] = 'Basic realm="yeoul"'
            return answer
        now = await _found(hub, Topic("now", "now"))
        pipeline = await _found(hub, Topic("pipeline", "pipeline"))
        return Response(metrics_text(pipeline, now, hub), media_type=CONTENT_TYPE)

    return router


async def _found(hub: Hub, topic: Topic) -> dict[str, Any]:
    data = await hub.fetch(topic)
    if data is None:
        raise _missing(topic.kind, topic.id)
    return data


def _no_ranking(name: str) -> RefusedError:
    return _missing("ranking", name)


def _missing(what: str, name: str) -> RefusedError:
    named = f"{what} `{name[:_MOST_NAME]}`" if name else what
    return RefusedError(404, "not_found", f"there is no {named}", what=what, name=name[:_MOST_NAME])
