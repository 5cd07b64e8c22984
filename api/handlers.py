"""What each endpoint does: parse, ask, render."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import ValidationError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from api.access import require_own_origin
from api.bodies import check_depth
from api.changes import ChangesBody, parse_batch
from api.context import context_of
from api.drift_file import observe_drift
from api.endpoint import json_response
from api.errors import AnswerTooLarge, MalformedBody, UnsupportedMedia
from api.experiments.observing import faults_of, observe_experiments
from api.following.freshness import observe_freshness
from api.following.publishing import Publisher
from api.machine import observe_machine
from api.metrics import CONTENT_TYPE
from api.problems import KINDS, problem_response
from api.replicas import observe_artifacts, require_writer, status_of
from api.requests import SearchParameters, first_fault, read_json, read_query, to_request
from api.responses import Status, search_body, server_timing
from api.search_log import new_query_id, visit_of
from api.state import AppState
from search.errors import AisleError, BadInput, NotFound
from search.resilience import within
from search.types import SearchResponse

_WAITED = 0.1
"""Milliseconds of waiting for a turn that are told."""


async def search_get(request: Request, state: AppState) -> Response:
    """Answers a search given in the query string."""
    return await _search(request, state, read_query(request.query_params.multi_items()))


async def search_post(request: Request, state: AppState) -> Response:
    """Answers a search given as JSON."""
    return await _search(request, state, read_json(await json_body(request)))


async def _search(request: Request, state: AppState, parameters: SearchParameters) -> Response:
    asked = to_request(parameters, state.settings.limits)
    context = context_of(request.scope)
    context.facts["query"] = asked.query[:200]
    visit = visit_of(parameters, _client_of(request, state))
    if asked.cursor is None:
        treatment = asked.treatment
        if visit.logged and asked.system is None:
            treatment = state.experiments.treatment(visit.session, visit.client, asked.query)
        asked = replace(asked, id=asked.id or new_query_id(), treatment=treatment)
    try:
        with within(state.settings.serving.deadline_seconds):
            async with state.turns.turn() as waited:
                found = await state.search.search(asked)
    except BadInput:
        raise
    except Exception:
        state.experiments.failed(asked.treatment)
        raise
    response = found if found.id else replace(found, id=new_query_id())
    if waited >= _WAITED:
        response = replace(response, timings={"wait": waited, **response.timings})
    context.facts["query_id"] = response.id
    answer = _answer(request, state, response)
    answer.headers["X-Query-Id"] = response.id
    spent = context.milliseconds

    async def log() -> None:
        state.event_log.search(asked, response, visit)
        state.experiments.answered(response.treatment, response, spent)
        if visit.logged:
            parts = visit.session, visit.client
            state.shadows.offer(state.experiments.running, asked, response, parts, spent)

    # After the answer is on its way: it waits for nothing.
    answer.background = BackgroundTask(log)
    return answer


def _client_of(request: Request, state: AppState) -> str:
    name = state.settings.events.client_header
    return request.headers.get(name, "") if name else ""


def _answer(request: Request, state: AppState, response: SearchResponse) -> Response:
    metrics, context = state.metrics, context_of(request.scope)
    metrics.searched(response.timings)
    if not response.hits and response.total == 0:
        metrics.zero.inc()
    if response.relaxation != "none":
        metrics.relaxed.labels(response.relaxation).inc()
    for fallback in response.fallbacks:
        metrics.fallbacks.labels(fallback).inc()
    if response.fallbacks:
        context.facts["fallbacks"] = response.fallbacks
    context.stages.update(response.timings)
    context.facts.update(
        total=response.total,
        hits=len(response.hits),
        version=response.version,
        system=response.system,
    )
    headers = {"Server-Timing": server_timing(response.timings)}
    answer = json_response(search_body(response), headers=headers)
    limit = state.settings.limits.answer_bytes
    if len(answer.body) > limit:
        raise AnswerTooLarge(
            f"the answer would have {len(answer.body)} bytes, at most {limit} are sent; ask for "
            "fewer hits at once",
            field="size",
        )
    return answer


async def product_get(request: Request, state: AppState) -> Response:
    """One product by id."""
    refuse_parameters(request, ())
    product_id = request.path_params["id"]
    view = await state.search.engine.view()
    ordinal = await view.find(product_id)
    if ordinal is None:
        raise NotFound(f"no product has the id {product_id[:100]!r}")
    product = (await view.products([ordinal]))[0]  # type: ignore[arg-type]
    return json_response(product, headers={"X-Index-Version": view.version})


async def similar_get(request: Request, state: AppState) -> Response:
    """The products nearest in meaning to one."""
    refuse_parameters(request, ("size",))
    limit = state.settings.limits.page_size
    text = request.query_params.get("size", "10")
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) <= limit):
        raise BadInput(f"size must be a whole number from 0 to {limit}", field="size")
    return _answer(request, state, await state.search.similar(request.path_params["id"], int(text)))


async def products_post(request: Request, state: AppState) -> Response:
    """Applies the good changes of a batch as one, and reports the others."""
    require_own_origin(request)
    if state.publisher is None:  # where they are sent on, any server takes them
        require_writer(state.settings)
    refuse_parameters(request, ())
    # A browser sends a body without a type, or of another, for any page without asking first.
    body = await json_body(request, untyped="")
    if state.publisher is not None:
        return await _publish(request, state, state.publisher, body)
    try:
        # Thousands of products take a second: searches go on meanwhile.
        changes, faults = await asyncio.to_thread(parse_batch, body)
    except ValidationError as error:
        raise first_fault(error) from None
    context_of(request.scope).facts.update(changes=len(changes), faults=len(faults))
    state.metrics.changes.labels("refused").inc(len(faults))
    if not changes:
        detail = f"none of the {len(faults)} changes can be used; see errors"
        return problem_response(request, KINDS[BadInput], detail, errors=tuple(faults))
    applied = await state.apply(changes)
    state.metrics.changes.labels("applied").inc(len(changes) - len(applied.missing))
    done = ChangesBody(
        version=applied.version,
        upserted=applied.upserted,
        patched=applied.patched,
        deleted=applied.deleted,
        missing=applied.missing,
        errors=tuple(faults),
    )
    return json_response(done, 207 if faults else 200)


async def _publish(
    request: Request, state: AppState, publisher: Publisher, body: bytes
) -> Response:
    """Sends the good changes of a batch to the catalogue's topic, and reports the others."""
    try:
        asked = await asyncio.to_thread(publisher.read, body)
    except ValidationError as error:
        raise first_fault(error) from None
    faults = asked.faults
    context_of(request.scope).facts.update(changes=len(asked.records), faults=len(faults))
    state.metrics.changes.labels("refused").inc(len(faults))
    if not asked.records:
        detail = f"none of the {len(faults)} changes can be used; see errors"
        return problem_response(request, KINDS[BadInput], detail, errors=faults)
    done = await publisher.publish(asked)
    state.metrics.changes.labels("published").inc(done.accepted)
    return json_response(done, 202)


async def healthz(request: Request, state: AppState) -> Response:
    """The process answers; says nothing of the index."""
    return json_response(Status("alive"))


async def readyz(request: Request, state: AppState) -> Response:
    """There is an index, and it can be read."""
    view = await state.search.engine.view()
    models = state.search.models
    used = models.current()
    model = f"{used.name} {used.version}" if used else None
    book = state.search.rules
    rules = len(book.current().rules)
    events = state.event_log.status
    running = tuple(each.name for each in state.experiments.running)
    behavior = _behavior(state) if used else None
    return json_response(
        Status(
            "ready",
            view.version,
            view.count,
            model,
            models.fault,
            rules,
            book.fault,
            events,
            behavior,
            running,
            faults_of(state.experiments, state.steering),
            artifacts.text if (artifacts := status_of(state.settings)) else None,
            state.away,
            tuple(state.search.readers),
            state.search.reading_fault,
        )
    )


def _behavior(state: AppState) -> str | None:
    """The version of what shoppers did that the model in use knows, or why it is not in use."""
    from rankers.behavior import follow_behavior  # loads what a model has loaded by now

    followed = follow_behavior(state.settings.data)
    return followed.fault or followed.version or None


async def metrics_get(request: Request, state: AppState) -> Response:
    """Metrics for Prometheus."""
    metrics = state.metrics
    state.event_log.observe()
    observe_drift(state.settings.data, metrics)
    observe_machine(state.settings.data, metrics)
    observe_artifacts(state.settings, metrics)
    observe_experiments(metrics, state.experiments, state.steering)
    metrics.keys.set(len(state.keys.keys))
    metrics.keys_fault.set(state.keys.fault is not None)
    try:
        view = await state.search.engine.view()
    except AisleError:
        metrics.ready.set(0)
    else:
        metrics.looked_up("query_vectors", *state.search.query_cache)
        book = state.search.rules
        metrics.rules.set(len(book.current().rules))
        metrics.rules_refused.set(book.fault is not None)
        metrics.reading_fault.set(state.search.reading_fault is not None)
        snapshot, _, batch = view.version.partition(".")
        metrics.ready.set(1)
        metrics.products.set(view.count)
        metrics.batches.set(int(batch) if batch.isdecimal() else 0)
        built = snapshot_time(snapshot)
        metrics.built.set(built)
        metrics.age.set(max(0.0, datetime.now(UTC).timestamp() - built))
        observe_freshness(state.settings.data, snapshot, metrics)
    return Response(metrics.exposition(), media_type=CONTENT_TYPE)


def snapshot_time(version: str) -> float:
    """When a snapshot was built, in seconds since 1970, by its version; 0 when it does not say."""
    try:
        moment = datetime.strptime(version.split("-")[0], "%Y%m%dT%H%M%S")
    except ValueError:
        return 0.0
    return moment.replace(tzinfo=UTC).timestamp()


async def json_body(request: Request, *, untyped: str = "application/json") -> bytes:
    """The body of a request that must be JSON; `untyped` is what one without a Content-Type is.

    Raises:
        UnsupportedMedia: it is declared to be something else.
        MalformedBody: it is not UTF-8 text.
        BodyTooDeep: it has too many arrays and objects inside each other.
    """
    declared = request.headers.get("content-type", untyped).split(";")[0].strip()
    if declared.lower() != "application/json":
        raise UnsupportedMedia(
            f"the body is declared as {declared[:100]!r}; send Content-Type: application/json"
        )
    body = await request.body()
    try:
        body.decode()
    except UnicodeDecodeError:
        raise MalformedBody("the body is not UTF-8 text; send JSON in UTF-8") from None
    state: AppState = request.app.state.aisle
    await check_depth(body, state.settings.limits.json_depth)
    return body


def refuse_parameters(request: Request, known: tuple[str, ...]) -> None:
    """Refuses query parameters that would be ignored, and those given twice.

    Raises:
        BadInput: names the parameter.
    """
    for name in request.query_params:
        if name not in known:
            allowed = f"known are {', '.join(known)}" if known else "none is known here"
            raise BadInput(f"unknown parameter {name!r}; {allowed}", field=name)
        if len(request.query_params.getlist(name)) > 1:
            raise BadInput(f"{name} is given more than once; give it once", field=name)
