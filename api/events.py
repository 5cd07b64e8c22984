"""`POST /v1/events`: what shoppers did, as UBI 1.3 events. What is accepted is on disk before the
answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from api.access import require_own_origin
from api.bodies import check_depth
from api.context import context_of
from api.endpoint import Endpoint, json_response
from api.errors import BodyTooLarge, EventsAway, EventsOff, MalformedBody, UnsupportedMedia
from api.handlers import refuse_parameters
from api.problems import KINDS, problem_response
from api.settings import EventSettings
from api.state import AppState
from search.errors import AisleError, BadInput, StorageFailed
from search.types import ACTIONS
from training.events import Parsed, Refused, parse_events

JSON = "application/json"
LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
PLAIN = "text/plain"
"""What `navigator.sendBeacon` declares a string to be."""

Id = Annotated[str, Field(max_length=100)]
ProductId = Annotated[str, Field(max_length=256)] | int


class Ubi(BaseModel):
    """An object of UBI 1.3: open to further members."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Position(Ubi):
    """Where a product stood."""

    ordinal: int | None = Field(None, ge=1, description="1 is the top of the whole result")


class ObjectBody(Ubi):
    """The product."""

    object_id: ProductId


class AttributesBody(Ubi):
    """Details of an event."""

    object: ObjectBody | None = None
    position: Position | None = Field(None, description="Needed for impressions and clicks")
    dwell_time: float | None = Field(None, ge=0, description="Seconds spent with the product")
    value: float | None = Field(None, ge=0, description="Money of a purchase")


class EventBody(Ubi):
    """One event of UBI 1.3. `event_id` is ours: an event sent again with the same one is counted
    once."""

    action_name: str = Field(
        min_length=1,
        max_length=100,
        description="`impression`, `click`, `view`, `add_to_cart`, `purchase`, or another",
    )
    timestamp: str = Field(
        description="ISO 8601; UTC unless it names an offset", examples=["2026-03-01T09:30:00Z"]
    )
    event_id: Id | None = None
    query_id: Id | None = Field(None, description="The `query_id` of the search it came from")
    session_id: Id | None = None
    client_id: Id | None = Field(None, description="Kept as a changing hash only")
    application: Id | None = None
    user_query: str | None = None
    message: Annotated[str, Field(max_length=1024)] | None = None
    event_attributes: AttributesBody | None = None


class EventBatch(BaseModel):
    """A batch of events."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    events: list[EventBody] = Field(min_length=1)


Batch = EventBatch | Annotated[list[EventBody], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class EventFault:
    """One event: its place in the batch, the field, and why it was refused or does not count."""

    index: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class EventsBody:
    """What became of a batch. `accepted` events are on disk, `duplicates` of them had been before;
    `quarantined` events are kept apart and count for nothing, `set_aside` says why; `errors` are
    the events that were refused."""

    accepted: int
    duplicates: int
    quarantined: int
    errors: tuple[EventFault, ...]
    set_aside: tuple[EventFault, ...]


def events_endpoint() -> Endpoint:
    """The endpoint that takes events."""
    answers = {
        202: ("All events are kept, durably", EventsBody),
        207: ("The good events are kept; see errors", EventsBody),
    }
    problems = (400, 403, 404, 413, 415, 422, 500, 503)
    summary = "Log what shoppers did (UBI 1.3), as JSON or as JSON lines"
    return Endpoint(
        "POST", "/v1/events", "logEvents", summary, events_post, answers, problems, body=Batch,
        scope="events",
    )  # fmt: skip


async def events_post(request: Request, state: AppState) -> Response:
    """Keeps the good events of a batch, and reports the others."""
    require_own_origin(request)
    refuse_parameters(request, ())
    settings = state.settings.events
    if not settings.enabled:
        raise EventsOff("this shop logs no events; set [events] enabled = true to log them")
    client = request.headers.get(settings.client_header, "") if settings.client_header else ""
    records, broken = await _read(request, settings)
    records = _with_client(records, client)
    try:
        parsed = await _parse(records, state)
    except StorageFailed as error:
        raise EventsAway(f"{error}; nothing was kept, send the events again later") from error
    errors = tuple(EventFault(r.index, r.field, r.reason) for r in (*broken, *parsed.refused))
    errors = tuple(sorted(errors, key=lambda fault: fault.index))
    state.metrics.events.labels("refused").inc(len(errors))
    context_of(request.scope).facts.update(events=len(parsed.events), refused=len(errors))
    if not parsed.events and not parsed.quarantined:
        detail = f"none of the {len(errors)} events can be used; see errors"
        return problem_response(request, KINDS[BadInput], detail, errors=errors)
    answer = await _keep(request, state, parsed, errors)
    aside = {each.index for each in parsed.refused} | {each.index for each in parsed.quarantined}
    clients = [_client_of(record) for index, record in records if index not in aside]
    state.experiments.happened(zip(parsed.events, clients, strict=True))
    return answer


async def _keep(
    request: Request, state: AppState, parsed: Parsed, errors: tuple[EventFault, ...]
) -> Response:
    receipt = await state.event_log.append(parsed.events, parsed.quarantined)
    count = state.metrics.events.labels
    count("accepted").inc(receipt.kept - receipt.duplicates)
    count("duplicate").inc(receipt.duplicates)
    count("quarantined").inc(receipt.quarantined)
    for event in parsed.events:
        action = event.action if event.action in ACTIONS else "other"
        state.metrics.actions.labels(action).inc()
    context_of(request.scope).facts.update(
        duplicates=receipt.duplicates, quarantined=receipt.quarantined
    )
    aside = tuple(EventFault(q.index, q.field, q.reason) for q in parsed.quarantined)
    done = EventsBody(receipt.kept, receipt.duplicates, receipt.quarantined, errors, aside)
    return json_response(done, 207 if errors else 202)


async def _read(
    request: Request, settings: EventSettings
) -> tuple[list[tuple[int, Any]], list[Refused]]:
    """The records of a body with their places, and the lines that are no JSON.

    Raises:
        UnsupportedMedia, MalformedBody, BodyTooLarge, BadInput: the body is of another form.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in (JSON, PLAIN, *LINES):
        raise UnsupportedMedia(
            f"the body is declared as {kind[:100]!r}; send Content-Type: {JSON}, or {LINES[0]} "
            "for one event a line"
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("the body is compressed; send it as it is")
    body = await request.body()
    state: AppState = request.app.state.aisle
    await check_depth(body, state.settings.limits.json_depth)
    records, broken = read_batch(body, lines=kind in LINES, plain=kind == PLAIN)
    count = len(records) + len(broken)
    if count > settings.batch_events:
        raise BodyTooLarge(
            f"{count} events are too many at once; send at most {settings.batch_events}"
        )
    return records, broken


def read_batch(
    body: bytes, *, lines: bool = False, plain: bool = False
) -> tuple[list[tuple[int, Any]], list[Refused]]:
    """The records of a batch with their places, and the lines that are no JSON. With `plain` the
    body may be of either form.

    Raises:
        MalformedBody: it is no JSON.
        BadInput: it is JSON, but no batch.
    """
    if not lines:
        try:
            return list(enumerate(_batch(orjson.loads(body)))), []
        except orjson.JSONDecodeError as error:
            if not plain:
                raise MalformedBody(f"the body is not JSON: {error}") from None
    records, broken = _lines(body)
    if not records:
        raise MalformedBody("no line of the body is JSON; send one event a line")
    return records, broken


def _batch(given: Any) -> list[Any]:
    if isinstance(given, dict) and "action_name" in given:
        given = [given]
    if isinstance(given, dict) and given.keys() == {"events"}:
        given = given["events"]
    if not isinstance(given, list):
        raise BadInput('a batch is a list of events, or {"events": […]}', field="events")
    if not given:
        raise BadInput("the batch holds no event; send one or more", field="events")
    return given


def _lines(body: bytes) -> tuple[list[tuple[int, Any]], list[Refused]]:
    records: list[tuple[int, Any]] = []
    broken: list[Refused] = []
    for index, line in enumerate(filter(bytes.strip, body.splitlines())):
        try:
            records.append((index, orjson.loads(line)))
        except orjson.JSONDecodeError as error:
            broken.append(Refused(index, "", f"the line is not JSON: {error}"))
    return records, broken


def _with_client(records: Sequence[tuple[int, Any]], client: str) -> list[tuple[int, Any]]:
    """The records, with a client's id where they have none."""
    if not client:
        return list(records)
    own = {"client_id": client[:100]}
    return [(i, {**own, **each} if isinstance(each, dict) else each) for i, each in records]


async def _parse(records: Sequence[tuple[int, Any]], state: AppState) -> Parsed:
    """The events read and checked, in a thread: a large batch takes a while."""
    objects = [record for _, record in records]
    known = await _known(objects, state)
    parsed = await asyncio.to_thread(
        parse_events,
        objects,
        state.event_log.rules,
        time.time(),
        None if known is None else known.__contains__,
        state.event_log.pseudonym,
    )
    places = [index for index, _ in records]
    return Parsed(
        parsed.events,
        tuple(replace(each, index=places[each.index]) for each in parsed.refused),
        tuple(replace(each, index=places[each.index]) for each in parsed.quarantined),
    )


async def _known(records: Sequence[Any], state: AppState) -> frozenset[str] | None:
    """Which of the products that the records name the shop has; None while there is no index."""
    try:
        view = await state.search.engine.view()
    except AisleError:
        return None
    named = sorted({each for each in map(_product_of, records) if each})
    found = await asyncio.gather(*map(view.find, named))
    return frozenset(each for each, at in zip(named, found, strict=True) if at is not None)


def _client_of(record: Any) -> str:
    """The client as the shop names it, by which experiments know it."""
    return str(record.get("client_id") or record.get("user_id") or "")


def _product_of(record: Any) -> str:
    for name in ("event_attributes", "object", "object_id"):
        record = record.get(name) if isinstance(record, dict) else None
    usable = isinstance(record, str | int) and not isinstance(record, bool)
    return str(record) if usable else ""
