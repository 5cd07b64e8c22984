"""What answers look like, once: `aisle search --json`, the HTTP body and the OpenAPI document all
come from these types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from api.reasons import ModelBody, Reasons, model_body, reasons_of
from api.understanding import UnderstandingBody, understanding_body
from search.types import (
    AttributeValue,
    Facet,
    Hit,
    ModelUsed,
    Move,
    Query,
    ReadHit,
    Relaxation,
    SearchResponse,
    StageScore,
)


@dataclass(frozen=True, slots=True)
class Understood:
    """The query as it was understood: `text` as typed, `normalized`, its `terms` in order, the
    identifiers among them (`codes`), and what was changed (`rewrites`)."""

    text: str
    normalized: str
    terms: tuple[str, ...]
    codes: tuple[str, ...]
    rewrites: tuple[str, ...]


@dataclass(slots=True)  # frozen ones, of so many fields, take thrice as long to make
class HitBody:
    """One product of the page. `position` counts from 1 over the whole result; `score` compares
    hits of one answer only, and is that of the place: one with a pin or a paid place has the score
    of the hit it stands before, not its own. `highlights` are HTML; `variants` counts the other
    members of the product's group; `why` says where each stage placed it, `reasons` what the
    ranking model saw in it, `reading` what a cross-encoder made of it, `before` its place ahead of
    stock, age, variety and rules, `behind` how many pins and paid places stand before it, `moves`
    what the shop's rules did to it. `sponsored` hits have a paid place."""

    id: str
    title: str
    brand: str | None
    category: tuple[str, ...]
    price: float | None
    list_price: float | None
    currency: str | None
    rating: float | None
    rating_count: int | None
    color: str | None
    image: str | None
    stock: int | None
    attributes: Mapping[str, AttributeValue]
    group: str | None
    position: int
    score: float | None
    highlights: Mapping[str, str]
    variants: int
    why: tuple[StageScore, ...]
    reasons: Reasons | None
    reading: ReadHit | None
    sponsored: bool
    before: int | None
    behind: int
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class SearchBody:
    """The answer to a search. `query_id` is what events about it call it, null where there is none
    to be logged. `total` is a lower bound unless `total_exact`. `relaxation` says
    what it took to find anything; `fallbacks` names stages that failed. `cursor` gives the next
    page, null at the end. `cross_encoder` is the one that read the best hits, null where none did.
    `rules` are the ids of the shop's rules that apply, `redirect` the page that one of them sends
    shoppers to."""

    query: Understood
    understanding: UnderstandingBody
    hits: tuple[HitBody, ...]
    total: int
    total_exact: bool
    facets: tuple[Facet, ...]
    cursor: str | None
    version: str
    system: str
    relaxation: Relaxation
    fallbacks: tuple[str, ...]
    timings_ms: Mapping[str, float]
    model: ModelBody | None
    cross_encoder: str | None
    rules: tuple[str, ...]
    redirect: str | None
    query_id: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """The server's own state; `version` and `products` are of the index it answers from, `model`
    is the ranking model in use, and `fault` what is wrong with a newer one; `rules` counts
    the shop's rules, and `rules_fault` is what is wrong with newer ones. `events` says whether
    searches and events are logged, `behavior` as of when the model knows what shoppers did;
    `experiments` are those that take part, `waiting` why others do not. `artifacts` is how far this
    machine is with what several share. `away` are the servers that do not answer, and are done
    without, as are those of `cross_encoders`, which read the best hits, that cannot be opened for
    what `cross_encoder_fault` says."""

    status: str
    version: str | None = None
    products: int | None = None
    model: str | None = None
    fault: str | None = None
    rules: int | None = None
    rules_fault: str | None = None
    events: str | None = None
    behavior: str | None = None
    experiments: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    artifacts: str | None = None
    away: tuple[str, ...] = ()
    cross_encoders: tuple[str, ...] = ()
    cross_encoder_fault: str | None = None


def understood(query: Query) -> Understood:
    """The part of a query that shoppers and shops may see."""
    return Understood(query.text, query.normalized, query.terms, query.codes, query.rewrites)


def hit_body(hit: Hit, model: ModelUsed | None = None) -> HitBody:
    """A hit with its product's fields beside its own; `model` is what ordered it."""
    product = hit.product
    return HitBody(
        id=product.id,
        title=product.title,
        brand=product.brand,
        category=product.category,
        price=product.price,
        list_price=product.list_price,
        currency=product.currency,
        rating=product.rating,
        rating_count=product.rating_count,
        color=product.color,
        image=product.image,
        stock=product.stock,
        attributes=product.attributes,
        group=product.group,
        position=hit.position,
        score=hit.score,
        highlights=hit.highlights,
        variants=hit.variants,
        why=hit.why,
        reading=hit.reading,
        sponsored=hit.sponsored,
        before=hit.before,
        behind=hit.behind,
        moves=hit.moves,
        reasons=reasons_of(hit, model),
    )


def search_body(response: SearchResponse) -> SearchBody:
    """The body of an answer."""
    return SearchBody(
        query=understood(response.query),
        understanding=understanding_body(response.query, response.dropped),
        hits=tuple(hit_body(hit, response.model) for hit in response.hits),
        total=response.total,
        total_exact=response.total_exact,
        facets=response.facets,
        cursor=response.cursor,
        version=response.version,
        system=response.system,
        relaxation=response.relaxation,
        fallbacks=response.fallbacks,
        timings_ms={stage: round(value, 3) for stage, value in response.timings.items()},
        rules=response.rules,
        redirect=response.redirect,
        model=model_body(response.model),
        cross_encoder=response.reader or None,
        query_id=response.id or None,
    )


def to_json(value: Any) -> bytes:
    """JSON of any answer; NaN and infinities become null, for JSON has no such numbers."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def server_timing(timings: Mapping[str, float]) -> str:
    """The `Server-Timing` header: milliseconds by stage."""
    return ", ".join(f"{stage};dur={value:.2f}" for stage, value in timings.items())
