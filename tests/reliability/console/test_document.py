"""The API of the console keeps to its OpenAPI document, whatever is generated from it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

pytestmark = pytest.mark.slow

KEEPS_TO_THE_DOCUMENT = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@pytest.mark.parametrize(
    "examples",
    [
        pytest.param(6, id="short"),
        pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(1800)], id="500 examples of each"),
    ],
)
@pytest.mark.parametrize("signed_in", [True, False], ids=["signed in", "stranger"])
def test_every_operation_keeps_to_the_document(attacked: Any, closed: Any, examples: int, signed_in: bool) -> None:
    console = attacked if signed_in else closed
    schema = schemathesis.openapi.from_dict(httpx.get(f"{attacked.address}/api/openapi.json").json())
    statuses: set[int] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            for fixed in _known_parameters(operation.path):
                statuses |= _fuzz(console, operation, mode, fixed, examples)
    if signed_in:
        assert {200, 400, 404} <= statuses
    else:
        # of 200 are the session, the state of health and the door itself
        assert 401 in statuses


def _known_parameters(path: str) -> list[dict[str, Any] | None]:
    """What is generated alone seldom names a thing that is there."""
    return [None, {"name": "hot"}] if "{name}" in path else [None]


def _fuzz(console: Any, operation: Any, mode: Any, fixed: dict[str, Any] | None, examples: int) -> set[int]:
    statuses: set[int] = set()
    with requests.Session() as page:
        session = page.get(f"{console.address}/api/session", timeout=10).json()
        headers = {"X-CSRF-Token": session.get("csrf", "x")}

        @seed(1)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=operation.as_strategy(generation_mode=mode, path_parameters=fixed))
        def attack(case: Any) -> None:
            answer = case.call(base_url=console.address, session=page, headers=headers, timeout=40)
            statuses.add(answer.status_code)
            console.nothing_leaks(b"HTTP/1.1 %d\r\n" % answer.status_code + answer.content)
            # it does not know that what is too large is refused too
            rejecting = [] if answer.status_code == 413 else [checks.negative_data_rejection]
            case.validate_response(answer, checks=[*KEEPS_TO_THE_DOCUMENT, *rejecting])
            if "csrf" not in session and case.path not in {"/api/session", "/api/login", "/health"}:
                assert answer.status_code in {401, 403, 404, 405, 415}

        try:
            attack()
        except Unsatisfiable:
            # nothing can be wrong about a request without parameters
            assert mode is schemathesis.GenerationMode.NEGATIVE
    return statuses
