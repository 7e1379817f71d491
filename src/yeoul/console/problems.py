"""Answers to what cannot be done: one shape for all, a code for pages and a sentence for people at a terminal."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from yeoul.console.json_answer import JsonAnswer
from yeoul.errors import BusyError, InputError, StateError, YeoulError

__all__ = ["RefusedError", "answer_problems", "problem"]

_log = logging.getLogger("yeoul.console")
_CODES = {401: "signed_out", 403: "forbidden", 404: "not_found", 405: "wrong_method"}
_SHOWN = 200


class RefusedError(InputError):
    """A request that is refused, with the status and code of the answer."""

    def __init__(self, status: int, code: str, message: str, **params: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.params = params


def problem(status: int, code: str, message: str, params: dict[str, Any] | None = None) -> JsonAnswer:
    """The answer that says what is wrong."""
    headers = {"Retry-After": str(params["wait_s"])} if params and "wait_s" in params else None
    body = {"error": {"code": code, "params": params or {}, "message": message}}
    return JsonAnswer(body, status, headers)


def answer_problems(app: FastAPI) -> None:
    """Let every error of this app end in such an answer."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(YeoulError, _own)
    app.add_exception_handler(Exception, _unexpected)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "bad_request")
    return problem(error.status_code, code, f"`{request.method} {request.url.path[:_SHOWN]}`: {error.detail}")


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    got = str(first.get("input"))[:_SHOWN].encode(errors="replace").decode()
    message = f"{where}: got `{got}`; {first['msg']}".encode(errors="replace").decode()
    return problem(400, "invalid", message, {"where": where, "got": got})


def _own(request: Request, error: Exception) -> Response:
    if isinstance(error, RefusedError):
        return problem(error.status, error.code, str(error), error.params)
    if isinstance(error, InputError):
        return problem(400, "invalid", str(error))
    if isinstance(error, BusyError):
        return problem(409, "engine_stopped", str(error))
    if isinstance(error, StateError):
        return problem(503, "state_unreadable", str(error))
    return _unexpected(request, error)


def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "failed", "the console failed; its log says why")
