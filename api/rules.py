"""The shop's rules over HTTP: read, changed one by one or all at once, and tried out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import orjson
from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from api.access import require_own_origin
from api.context import context_of
from api.endpoint import Endpoint, Parameter, json_response
from api.errors import MalformedBody
from api.handlers import json_body, refuse_parameters
from api.replicas import require_writer
from api.requests import SearchParameters, Wire, first_fault, to_request
from api.rules_file import NONE, RulesFile
from api.rules_preview import RulesPreview, compare, moment_of
from api.state import AppState
from rankers.rules import RuleBody, RulesBody, compile_rules, faults_of, mark, parse_body, put_rule
from rankers.rules.wire import Moment
from search.build import analyze
from search.errors import BadInput, NotFound

T = TypeVar("T")
_PROBLEMS = (400, 401, 403, 409, 412, 413, 415, 421, 422, 500, 503, 507)
_READ = (401, 403, 409, 422, 500, 503)


@dataclass(frozen=True, slots=True)
class RulesAnswer:
    """All rules as they are written. `version` is their ETag; `fault` says why a newer file is not
    in force."""

    zone: str
    rule: tuple[RuleBody, ...]
    version: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """What the file is now: its version and how many rules it has."""

    version: str
    rules: int


class PreviewBody(Wire):
    """A search, and the rules to try: one in place of the one with its id, or beside the others; or
    all. Without any, the rules in force are compared with none."""

    search: SearchParameters = Field(default_factory=SearchParameters)
    rule: RuleBody | None = None
    rules: RulesBody | None = None
    at: Moment | None = Field(None, description="Another day, or moment, than now")


async def rules_get(request: Request, state: AppState) -> Response:
    """All rules."""
    file = _opened(request, state)
    text = await asyncio.to_thread(file.text)
    body = file.body(text or "")
    version = NONE if text is None else mark(text)
    found = {**_written(body), "version": version, "fault": state.search.rules.fault}
    return json_response(found, headers=_etag(version))


async def rule_get(request: Request, state: AppState) -> Response:
    """One rule."""
    file = _opened(request, state)
    text = await asyncio.to_thread(file.text) or ""
    rule_id = request.path_params["id"]
    for each in file.body(text).rule:
        if each.id == rule_id:
            return json_response(_written(each), headers=_etag(mark(text)))
    raise NotFound(f"no rule has the id {rule_id[:100]!r}")


async def rule_put(request: Request, state: AppState) -> Response:
    """Adds a rule, or replaces the one with its id."""
    file = _opened(request, state, changing=True)
    given = _object(await json_body(request, untyped=""))
    rule = _rule({"id": request.path_params["id"], **given})
    if rule.id != request.path_params["id"]:
        raise BadInput(f"the rule's id is {rule.id!r}, the address names another", field="id")
    version, new = await _change(state, partial(file.put, rule, _expected(request)))
    return await _changed(request, state, version, 201 if new else 200)


async def rule_delete(request: Request, state: AppState) -> Response:
    """Removes a rule."""
    file = _opened(request, state, changing=True)
    removal = partial(file.remove, request.path_params["id"], _expected(request))
    return await _changed(request, state, await _change(state, removal))


async def rules_put(request: Request, state: AppState) -> Response:
    """Replaces all rules."""
    file = _opened(request, state, changing=True)
    rules = _rules(_object(await json_body(request, untyped="")))
    version = await _change(state, partial(file.replace, rules, _expected(request)))
    return await _changed(request, state, version)


async def rules_delete(request: Request, state: AppState) -> Response:
    """Removes all rules."""
    file = _opened(request, state, changing=True)
    removal = partial(file.replace, RulesBody(), _expected(request))
    return await _changed(request, state, await _change(state, removal))


async def rules_preview(request: Request, state: AppState) -> Response:
    """What other rules would make of a search; nothing is kept."""
    file = _opened(request, state, changing=True)
    given = _object(await json_body(request, untyped=""))
    if unknown := given.keys() - PreviewBody.model_fields.keys():
        known = ", ".join(PreviewBody.model_fields)
        raise BadInput(f"unknown {min(unknown)!r}; known are {known}", field=min(unknown))
    parameters = _checked(partial(SearchParameters.model_validate, given.get("search") or {}))
    asked = replace(to_request(parameters, state.settings.limits), explain=True, cursor=None)
    text = await asyncio.to_thread(file.text) or ""
    before = file.body(text)
    after, before = _tried(given, text, before)
    moment = moment_of(given.get("at"), after.zone)
    most = state.settings.rules.sponsored_per_page
    compiled = [
        compile_rules(each, analyze, most=most, version=f"preview {n}")
        for n, each in enumerate((before, after))
    ]
    search = state.search
    answers = [await search.preview(asked, rules, moment) for rules in compiled]
    return json_response(compare(*answers))


def rules_endpoints() -> tuple[Endpoint, ...]:
    """The endpoints of the rules."""
    one = Parameter("id", "path", "The rule's id", {"type": "string"}, required=True)
    match = Parameter(
        "If-Match", "header", "The ETag of the rules that are to be changed", {"type": "string"}
    )
    return (
        Endpoint("GET", "/v1/rules", "rules", "All rules", rules_get,
                 {200: ("They are", RulesAnswer)}, _READ, scope="rules"),
        Endpoint("PUT", "/v1/rules", "replaceRules", "Replace all rules", rules_put,
                 {200: ("They are in force", RulesChanged)}, _PROBLEMS, (match,),
                 body=RulesBody, scope="rules"),
        Endpoint("DELETE", "/v1/rules", "removeRules", "Remove all rules", rules_delete,
                 {200: ("They are gone", RulesChanged)}, _PROBLEMS, (match,), scope="rules"),
        Endpoint("POST", "/v1/rules/preview", "previewRules", "Try rules on a search",
                 rules_preview, {200: ("What they change", RulesPreview)}, _PROBLEMS,
                 body=PreviewBody, scope="rules"),
        Endpoint("GET", "/v1/rules/{id}", "rule", "One rule", rule_get,
                 {200: ("The rule", RuleBody)}, (404, *_READ), (one,), scope="rules"),
        Endpoint("PUT", "/v1/rules/{id}", "putRule", "Add or replace a rule", rule_put,
                 {200: ("It is replaced", RulesChanged), 201: ("It is new", RulesChanged)},
                 _PROBLEMS, (one, match), body=RuleBody, scope="rules"),
        Endpoint("DELETE", "/v1/rules/{id}", "removeRule", "Remove a rule", rule_delete,
                 {200: ("It is gone", RulesChanged)}, (404, *_PROBLEMS), (one, match),
                 scope="rules"),
    )  # fmt: skip


def _opened(request: Request, state: AppState, *, changing: bool = False) -> RulesFile:
    """The rules' file, for who may see it.

    Raises:
        BadInput: rules are turned off, or a parameter is unknown.
        Unauthorized, Forbidden, CrossOrigin, IndexMissing: as for other changes.
    """
    if changing:
        require_own_origin(request)
    refuse_parameters(request, ())
    book = state.search.rules
    if book.path is None:
        raise BadInput("rules are turned off; set enabled in [rules] of the settings", field=None)
    return RulesFile(book.path, book.parse)


async def _change(state: AppState, change: Callable[[], T]) -> T:
    """Changes the file and puts it in force here; other processes follow within a second.

    Raises:
        NotTheWriter: this is a replica.
    """
    require_writer(state.settings)
    done = await asyncio.to_thread(change)
    await asyncio.to_thread(state.search.rules.reload)
    return done


async def _changed(request: Request, state: AppState, version: str, status: int = 200) -> Response:
    rules = len(state.search.rules.current().rules)
    context_of(request.scope).facts.update(rules=rules, rules_version=version)
    return json_response(RulesChanged(version, rules), status, _etag(version))


def _etag(version: str) -> Mapping[str, str]:
    return {"ETag": f'"{version}"'}


def _expected(request: Request) -> str | None:
    """The version that the request is about; None when any will do."""
    given = request.headers.get("if-match", "*").strip()
    return None if given == "*" else given.removeprefix("W/").strip('"')


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(f"the body is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise BadInput("the body is no JSON object; send one in braces")
    return given


def _rule(given: Any) -> RuleBody:
    return _rules({"rule": [given]}).rule[0]


def _rules(given: Any) -> RulesBody:
    try:
        return RulesBody.model_validate(given)
    except ValidationError:
        raise next(faults_of(given)).error("the body") from None


def _checked(validate: Callable[[], T]) -> T:
    try:
        return validate()
    except ValidationError as error:
        raise first_fault(error, "search.") from None


def _tried(given: Mapping[str, Any], text: str, now: RulesBody) -> tuple[RulesBody, RulesBody]:
    """The rules to try, and those to compare them with."""
    if given.get("rules") is not None and given.get("rule") is not None:
        raise BadInput("give either rule or rules, not both", field="rules")
    if given.get("rules") is not None:
        return _rules(given["rules"]), now
    if given.get("rule") is not None:
        return parse_body(put_rule(text, _rule(given["rule"]))), now
    return now, RulesBody()


def _written(body: RuleBody | RulesBody) -> dict[str, Any]:
    return body.model_dump(mode="json", by_alias=True)
