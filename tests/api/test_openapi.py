"""The OpenAPI document says what the server does: a fuzzer made from it finds no 500 and no answer
of another form."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from api.app import create_app
from api.endpoints import endpoints
from api.requests import KNOWN
from api.settings import AppSettings
from search.settings import LimitSettings
from tests.api.conftest import served

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


FALLIBLE = ("/v1/search", "/v1/events", "/v1/suggest", "/v1/products", "/v1/products/{id}/similar")
OPERATIONS = [(e.method, e.path.replace(":path", "")) for e in endpoints(LimitSettings())]


@pytest.fixture(scope="module")
def url(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("fuzzed") / "data"
    shutil.copytree(indexed, data)
    with served(data) as (url, _):
        yield url


@pytest.fixture(scope="module")
def schema(url: str) -> BaseSchema:
    return schemathesis.openapi.from_url(f"{url}/openapi.json")


@pytest.fixture(scope="module")
def document(indexed: Path) -> dict[str, Any]:
    answer = TestClient(create_app(AppSettings(data=indexed))).get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    return body


def test_every_parameter_and_filter_is_documented(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    parameters = {p["name"] for p in document["paths"]["/v1/search"]["get"]["parameters"]}
    assert set(KNOWN) <= parameters
    assert {"filter.brand", "filter.price", "filter.in_stock", "attributes"} <= parameters


def test_every_path_is_described_once(document: dict[str, Any]) -> None:
    assert set(document["paths"]) == {
        *("/v1/search", "/v1/suggest", "/v1/events"),
        *("/v1/products", "/v1/products/{id}", "/v1/products/{id}/similar"),
        *("/v1/rules", "/v1/rules/{id}", "/v1/rules/preview"),
        *("/healthz", "/readyz", "/metrics"),
    }
    operations = [o for methods in document["paths"].values() for o in methods.values()]
    assert all(operation["summary"] for operation in operations)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (v for k, v in value.items() if k == "$ref")
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    schemas = document["components"]["schemas"]
    assert {r.rpartition("/")[2] for r in references(document)} <= set(schemas)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nothing_the_document_allows_or_forbids_is_a_defect(
    schema: BaseSchema, method: str, path: str, mode: schemathesis.GenerationMode
) -> None:
    operation = schema[path][method]
    if mode is schemathesis.GenerationMode.NEGATIVE and path not in FALLIBLE:
        return  # any text is a product's id, and nothing else can be given

    @settings(max_examples=40, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def fuzz(case: schemathesis.Case[Any]) -> None:
        answer = case.call()
        # A request line beyond 64 KiB is refused by the HTTP parser itself, in plain text.
        if answer.status_code != 400 or answer.text != "Invalid HTTP request received.":
            case.validate_response(answer, checks=CHECKS)

    fuzz()
