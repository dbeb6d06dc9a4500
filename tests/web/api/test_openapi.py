"""Our document says what is served, and what is served keeps to it."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.installation import Installation
from tests.web.api.conftest import SECRET, Caller, let_in
from web.api import operations
from web.api.openapi import document

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def served(app: Flask) -> set[tuple[str, str]]:
    """(method, path as in OpenAPI) of every route under /v2."""
    return {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v2/") and rule.endpoint != "api_page.show"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_the_document_and_the_routes_agree_both_ways(anju: Installation) -> None:
    told = {(method.upper(), path) for path, item in document()["paths"].items() for method in item}
    assert told == served(anju.app)
    assert len({one.name for one in operations()}) == len(operations())


def test_every_operation_is_described_and_asks_for_credentials_unless_it_says_so() -> None:
    for path, item in document()["paths"].items():
        for method, one in item.items():
            assert one["summary"], path
            assert one["description"], path
            assert one["security"] or path in {
                "/v2/status", "/v2/license", "/v2/openapi.json", "/v2/oauth/token"
            }, (method, path)  # fmt: skip


def test_the_document_is_served_to_anybody(api: Caller) -> None:
    api.auth = None
    assert api.ask("GET", "/openapi.json") == document()


def test_the_page_tells_every_operation(api: Caller) -> None:
    page = api.http.get("/v2/docs").get_data(as_text=True)
    for one in operations():
        assert one.title in page, one.title


def attack(anju: Installation, examples: int) -> list[str]:
    """Call every operation with generated requests; what went wrong."""
    let_in(anju)
    schema = schemathesis.openapi.from_wsgi("/v2/openapi.json", anju.app)
    return [told for one in schema.get_all_operations() if (told := faults_of(one.ok(), examples))]


def faults_of(operation: Any, examples: int) -> str:
    """What is wrong with one operation, or nothing."""

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        response = case.call(auth=("integrator", SECRET))
        case.validate_response(response, checks=CHECKS)

    try:
        call()
    except BaseExceptionGroup as found:
        return f"{operation.method.upper()} {operation.path}: " + "; ".join(str(one) for one in found.exceptions)
    return ""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for work or for an end waits hardly at all: generated requests ask for anything up to a minute."""
    for name in ("polling.USUAL_SECONDS", "polling.LONGEST_SECONDS", "instances.USUAL_WAIT", "instances.LONGEST_WAIT"):
        monkeypatch.setattr(f"web.api.{name}", 0.05)


def test_generated_requests_find_no_fault_of_ours(anju: Installation) -> None:
    assert attack(anju, 8) == []


@pytest.mark.soak
def test_many_generated_requests_find_no_fault_of_ours(anju_postgres: Installation) -> None:
    assert attack(anju_postgres, 150) == []
