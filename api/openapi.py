"""The OpenAPI 3.1 document, generated from the endpoints and the types they parse and render."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from api.endpoint import Endpoint, Parameter
from api.problems import MEDIA_TYPE, Problem

_REFERENCE = "#/components/schemas/{model}"
_TEXT = {"type": "string"}


def document(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """The document as JSON values."""
    schemas, components = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        path = endpoint.path.replace(":path", "")
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Aisle",
            "version": version,
            "description": "Product search: words, meaning, filters, facets and changes.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


Schemas = dict[tuple[int, JsonSchemaMode], dict[str, Any]]


def _schemas(endpoints: Iterable[Endpoint]) -> tuple[Schemas, dict[str, Any]]:
    """References by type and direction, and the components they point to."""
    wanted: dict[tuple[int, JsonSchemaMode], Any] = {(id(Problem), "serialization"): Problem}
    for endpoint in endpoints:
        if endpoint.body is not None:
            wanted[id(endpoint.body), "validation"] = endpoint.body
        for _, kind in endpoint.answers.values():
            if kind is not None:
                wanted[id(kind), "serialization"] = kind
    return _made(tuple((kind, mode) for (_, mode), kind in wanted.items()))


@cache
def _made(kinds: tuple[tuple[Any, JsonSchemaMode], ...]) -> tuple[Schemas, dict[str, Any]]:
    """Once per process: it takes longer than all else that an application is made of."""
    adapters = [(id(kind), mode, TypeAdapter(kind)) for kind, mode in kinds]
    made, definitions = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCE)
    return dict(made), definitions["$defs"]


def _operation(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.operation,
        "summary": endpoint.summary,
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.parameters:
        operation["parameters"] = [_parameter(parameter) for parameter in endpoint.parameters]
    if endpoint.body is not None:
        schema = schemas[id(endpoint.body), "validation"]
        content = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.scope is not None:
        operation["security"] = [{}, {"bearer": []}, {"key": []}]
    return operation


def _parameter(parameter: Parameter) -> dict[str, Any]:
    written: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required,
        "schema": parameter.schema,
    }
    if parameter.explode is not None:
        written |= {"style": "form", "explode": parameter.explode}
    return written


def _responses(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    written = {
        str(status): {
            "description": text,
            "content": {
                endpoint.media_type: {
                    "schema": _TEXT if kind is None else schemas[id(kind), "serialization"]
                }
            },
        }
        for status, (text, kind) in endpoint.answers.items()
    }
    problem = {MEDIA_TYPE: {"schema": schemas[id(Problem), "serialization"]}}
    for status in sorted({*endpoint.problems, *_everywhere(endpoint)}):
        written[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return written


def _everywhere(endpoint: Endpoint) -> tuple[int, ...]:
    """The problems that access and bounds may cause whatever is asked."""
    return (401, 403, 408, 429, 431, 503) if endpoint.scope is not None else ()
