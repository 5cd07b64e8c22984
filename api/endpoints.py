"""Every endpoint of the HTTP interface. Adding one is one line here."""

from __future__ import annotations

from typing import Any

from api import handlers
from api.changes import ChangeBatch, ChangesBody
from api.endpoint import Endpoint, Parameter
from api.events import events_endpoint
from api.following.publishing import PublishedBody
from api.requests import (
    NUMERIC,
    PREFIX,
    QUERY_ID_PATTERN,
    RANGE_PATTERN,
    REPEATED,
    SearchParameters,
)
from api.responses import SearchBody, Status
from api.rules import rules_endpoints
from api.suggest import suggest_endpoint
from search.settings import LimitSettings
from search.types import Product

READ = (422, 500, 503)
_ID = Parameter("id", "path", "The product's id", {"type": "string"}, required=True)
_SAMPLES = {
    "brand": "A brand; repeat the parameter for any of several",
    "color": "A color; repeat the parameter for any of several",
    "category": "A category's path joined by ` > `, with everything below it",
    "id": "A product's id; repeat the parameter for any of several",
    "in_stock": "`true` for products that can be bought now, `false` for the others",
    "price": "A range, both ends inclusive: `10..50`, `..50` or `10..`",
    "rating": "A range, both ends inclusive: `4..`",
}


def endpoints(limits: LimitSettings) -> tuple[Endpoint, ...]:
    """The table of endpoints; `limits` bound what their parameters may be."""
    return (
        Endpoint("GET", "/v1/search", "search", "Search by query string", handlers.search_get,
                 {200: ("The hits", SearchBody)}, (410, *READ), _query_parameters(limits),
                 scope="search"),
        Endpoint("POST", "/v1/search", "searchJson", "Search by JSON", handlers.search_post,
                 {200: ("The hits", SearchBody)}, (400, 410, 413, 415, *READ),
                 body=SearchParameters, scope="search"),
        suggest_endpoint(limits, READ),
        Endpoint("POST", "/v1/products", "changeProducts",
                 "Add, replace, patch and delete products", handlers.products_post,
                 {200: ("All changes are applied, durably", ChangesBody),
                  202: ("The good changes are sent on to be applied; see errors", PublishedBody),
                  207: ("The good changes are applied; see errors", ChangesBody)},
                 (400, 401, 403, 413, 415, 421, *READ, 507), body=ChangeBatch, scope="catalogue"),
        Endpoint("GET", "/v1/products/{id:path}/similar", "similar", "Products near in meaning",
                 handlers.similar_get, {200: ("The nearest products", SearchBody)}, (404, *READ),
                 (_ID, _similar_size(limits)), scope="search"),
        Endpoint("GET", "/v1/products/{id:path}", "product", "One product", handlers.product_get,
                 {200: ("The product", Product)}, (404, *READ), (_ID,), scope="search"),
        events_endpoint(),
        *rules_endpoints(),
        Endpoint("GET", "/healthz", "healthz", "The process answers", handlers.healthz,
                 {200: ("It does", Status)}),
        Endpoint("GET", "/readyz", "readyz", "There is an index to answer from", handlers.readyz,
                 {200: ("There is", Status)}, (503,)),
        Endpoint("GET", "/metrics", "metrics", "Metrics in Prometheus' format",
                 handlers.metrics_get, {200: ("The metrics", None)}, scope="metrics",
                 media_type="text/plain"),
    )  # fmt: skip


def _similar_size(limits: LimitSettings) -> Parameter:
    schema = {"type": "integer", "minimum": 0, "maximum": limits.page_size, "default": 10}
    return Parameter("size", "query", "Products to return", schema)


def _query_parameters(limits: LimitSettings) -> tuple[Parameter, ...]:
    schemas = SearchParameters.model_json_schema()["properties"]
    plain = [_plain(name, dict(schemas[name]), limits) for name in schemas if name != "filters"]
    return (*plain, *(_filter(name) for name in _SAMPLES), _attributes())


def _plain(name: str, schema: dict[str, Any], limits: LimitSettings) -> Parameter:
    description = schema.pop("description")
    bounds = {"q": {"maxLength": limits.query_characters}, "size": {"maximum": limits.page_size}}
    schema.update(bounds.get(name, {}))
    if name == "facets":
        schema = {"type": "string", "examples": ["brand,category,price", "default"]}
        description += "; a list joined by commas"
    if name == "cursor":
        schema = {"type": "string", "maxLength": 500}
    if name == "query_id":
        schema = {"type": "string", "pattern": QUERY_ID_PATTERN}
    if name == "diversity":
        schema = {"type": "number", "minimum": 0, "maximum": 1}
    if name in REPEATED:
        return Parameter(name, "query", f"{description}; repeat it", schema, explode=True)
    return Parameter(name, "query", description, schema)


def _filter(name: str) -> Parameter:
    if name in NUMERIC:
        schema: dict[str, Any] = {"type": "string", "pattern": RANGE_PATTERN, "minLength": 3}
        return Parameter(PREFIX + name, "query", _SAMPLES[name], schema)
    if name == "in_stock":
        return Parameter(PREFIX + name, "query", _SAMPLES[name], {"enum": ["true", "false"]})
    schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1000}
    return Parameter(PREFIX + name, "query", _SAMPLES[name], schema, explode=True)


def _attributes() -> Parameter:
    return Parameter(
        "attributes",
        "query",
        "Any parameter named `filter.attributes.<name>` filters by that attribute: by a value "
        "(repeat it for any of several) or, for a number, by a range such as `10..50`",
        {
            "type": "object",
            "patternProperties": {"^filter\\.attributes\\.[a-z0-9_]+$": {"type": "string"}},
            "additionalProperties": False,
        },
        explode=True,
    )
