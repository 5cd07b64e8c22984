"""What a search may be asked, once: this parses the query string and the JSON body, and the OpenAPI
document is generated from it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.errors import MalformedBody
from search.errors import BadInput
from search.settings import LimitSettings
from search.types import Filter, SearchRequest, Sort

_RANGE = re.compile(r"(-?\d{1,15}(?:\.\d{1,9})?)?\.\.(-?\d{1,15}(?:\.\d{1,9})?)?")
RANGE_PATTERN = r"^(-?\d{1,15}(\.\d{1,9})?)?\.\.(-?\d{1,15}(\.\d{1,9})?)?$"
IGNORED_PATTERN = r"^(price|[^:]+:.+)$"
QUERY_ID_PATTERN = r"^[A-Za-z0-9._:/+=-]{1,100}$"
"""What may go into a header and a cursor as it is."""
NUMERIC = frozenset({"price", "rating"})
PLAIN = ("brand", "color", "category", "in_stock", "id")
FACETS_DEFAULT = "default"
PREFIX = "filter."
_ATTRIBUTE = "attributes."


class Wire(BaseModel):
    """A request's part: unknown names, NaN and infinities are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FilterClause(Wire):
    """One condition; all of a request's must hold. Either `values`, any of which matches, or `low`
    and `high`, both inclusive."""

    name: str = Field(
        description="`brand`, `color`, `category`, `price`, `rating`, `in_stock`, `id` or "
        "`attributes.<name>`",
        min_length=1,
        max_length=200,
        examples=["brand", "attributes.material"],
    )
    values: tuple[str, ...] = Field(
        (),
        description="Any of these matches; a category is a path joined by ` > `",
        max_length=1000,
    )
    low: float | None = Field(None, description="Smallest number that matches")
    high: float | None = Field(None, description="Largest number that matches")


Label = Annotated[str, Field(max_length=100)]


class SearchParameters(Wire):
    """A search. Every member may be left out; nothing at all lists the whole catalogue."""

    q: str = Field("", description="What the shopper typed", examples=["steel kettle"])
    filters: tuple[FilterClause, ...] = Field((), description="Conditions that must all hold")
    sort: Sort = Field("relevance", description="The order of the hits")
    size: int = Field(20, ge=0, description="Hits on the page")
    cursor: str | None = Field(
        None,
        max_length=500,
        description="The `cursor` of an earlier answer to this same search: gives the next page of "
        "the very same state of the index",
    )
    facets: tuple[str, ...] | Literal["default"] = Field(
        (),
        description="Fields to count values of, `default` for the index's own choice; counting "
        "makes `total` exact",
        examples=[["brand", "category", "price"]],
    )
    group: bool = Field(False, description="Show one product of each variant group")
    highlight: bool = Field(False, description="Mark the matching words, as HTML")
    explain: bool = Field(False, description="Say where each stage placed each hit")
    verbatim: bool = Field(False, description="Search the words as typed: correct no spelling")
    ignored: tuple[Annotated[str, Field(pattern=IGNORED_PATTERN, max_length=200)], ...] = Field(
        (),
        max_length=50,
        description="Parts of the query to make nothing of, by their `key` in `understanding`",
        examples=[["brand:Acme", "price"]],
    )
    segments: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        (),
        max_length=20,
        description="Names that the shop's rules may ask for, such as groups of shoppers",
        examples=[["members"]],
    )
    diversity: float | None = Field(
        None,
        ge=0,
        le=1,
        description="How much variety among the first hits counts against relevance; 0 is none",
    )
    system: str | None = Field(
        None,
        max_length=50,
        description="What answers: `ranked`, `hybrid`, `bm25` or `dense`; by default `ranked` "
        "while a ranking model or a cross-encoder is in use, else `hybrid`",
    )
    query_id: str | None = Field(
        None,
        pattern=QUERY_ID_PATTERN,
        description="What events about this search will call it; made up unless given. Later pages "
        "have that of the first",
    )
    client_id: Label = Field(
        "", description="Whose browser or device this is; only a changing hash of it is kept"
    )
    session_id: Label = Field("", description="Names the shopper's visit")
    application: Label = Field("", description="Names the page or program that searches")
    log: bool = Field(
        True, description="`false` for searches that no shopper sees: they are not logged"
    )


REPEATED = ("ignored", "segments")
"""Parameters of the query string that are given once for each value."""
KNOWN = tuple(name for name in SearchParameters.model_fields if name != "filters")


def parse_query(pairs: Iterable[tuple[str, str]], limits: LimitSettings) -> SearchRequest:
    """A search from the pairs of a query string.

    Raises:
        BadInput: a parameter is unknown, given twice, or has a value that cannot be used.
    """
    return to_request(read_query(pairs), limits)


def read_query(pairs: Iterable[tuple[str, str]]) -> SearchParameters:
    """The parameters in the pairs of a query string; raises as `parse_query`, but for limits."""
    given: dict[str, Any] = {}
    clauses: dict[str, list[str]] = {}
    for name, value in pairs:
        if name.startswith(PREFIX):
            clauses.setdefault(name.removeprefix(PREFIX), []).append(value)
        elif name not in KNOWN:
            raise BadInput(_unknown(name), field=name)
        elif name in REPEATED:
            given[name] = (*given.get(name, ()), value)
        elif name in given:
            raise BadInput(f"{name} is given more than once; give it once", field=name)
        else:
            given[name] = value
    if "facets" in given and given["facets"] != FACETS_DEFAULT:
        given["facets"] = tuple(part for part in given["facets"].split(",") if part)
    given["filters"] = tuple(parse_filter(name, values) for name, values in clauses.items())
    return _validated(SearchParameters.model_validate, given)


def parse_json(body: bytes, limits: LimitSettings) -> SearchRequest:
    """A search from a JSON body.

    Raises:
        BadInput: a member is unknown or has a value that cannot be used.
    """
    return to_request(read_json(body), limits)


def read_json(body: bytes) -> SearchParameters:
    """The parameters in a JSON body; raises as `parse_json`, but for limits."""

    def validate(raw: bytes) -> SearchParameters:
        return SearchParameters.model_validate_json(raw, strict=True)

    return _validated(validate, body or b"{}")


def parse_filter(name: str, values: Sequence[str]) -> FilterClause:
    """`price` and `10..50` become a range, anything else a choice of values.

    Raises:
        BadInput: the name is no filter, or its value is not of the filter's kind.
    """
    field = PREFIX + name
    if name not in NUMERIC and name not in PLAIN and not name.startswith(_ATTRIBUTE):
        raise BadInput(_unknown(field), field=field)
    spans = [match for match in map(_RANGE.fullmatch, values) if match and match.group() != ".."]
    if name in PLAIN or (name not in NUMERIC and not spans):
        return _clause(field, name=name, values=tuple(values))
    if len(values) != 1 or not spans:
        raise BadInput(
            f"{field} takes one range of numbers, such as 10..50, ..50 or 10..", field=field
        )
    low, high = (float(part) if part else None for part in spans[0].groups())
    return _clause(field, name=name, low=low, high=high)


def _clause(field: str, **members: Any) -> FilterClause:
    try:
        return FilterClause(**members)
    except ValidationError as error:
        message = error.errors(include_url=False)[0]["msg"]
        raise BadInput(f"{field}: {message[:1].lower()}{message[1:]}", field=field) from None


def to_request(parameters: SearchParameters, limits: LimitSettings) -> SearchRequest:
    """The request the pipeline takes, within the limits.

    Raises:
        BadInput: a limit is exceeded, or a filter contradicts itself; names the parameter.
    """
    _at_most("q", len(parameters.q), limits.query_characters, "characters")
    _at_most("size", parameters.size, limits.page_size, "")
    _at_most("filters", len(parameters.filters), limits.filters, "conditions")
    facets = parameters.facets
    _at_most("facets", len(facets) if isinstance(facets, tuple) else 1, limits.filters, "fields")
    return SearchRequest(
        query=printable(parameters.q),
        filters=tuple(_filter(clause) for clause in parameters.filters),
        sort=parameters.sort,
        size=parameters.size,
        cursor=parameters.cursor,
        facets=facets if isinstance(facets, tuple) else None,
        group=parameters.group,
        highlight=parameters.highlight,
        explain=parameters.explain,
        system=parameters.system,
        verbatim=parameters.verbatim,
        ignored=parameters.ignored,
        segments=parameters.segments,
        diversity=parameters.diversity,
        id=parameters.query_id or "",
    )


def printable(text: str) -> str:
    """The text with control characters as spaces: a pasted tab or NUL is no word."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(char) == "Cc" else char for char in text)


def first_fault(error: ValidationError, prefix: str = "") -> BadInput:
    """The first fault pydantic found, as an error that names the parameter and the remedy."""
    fault = error.errors(include_url=False, include_context=False)[0]
    name = prefix + ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return BadInput(_unknown(name), field=name)
    if fault["type"] == "json_invalid":
        return MalformedBody(f"the body is not JSON: {fault['msg'].removeprefix('Invalid JSON: ')}")
    if fault["type"] == "literal_error" and name == "sort":
        return BadInput(f"sort must be one of {', '.join(get_args(Sort))}", field=name)
    message = fault["msg"].removeprefix("Value error, ")
    return BadInput(f"{name or 'the body'}: {message[:1].lower()}{message[1:]}", field=name or None)


def _validated(validate: Any, given: Any) -> SearchParameters:
    try:
        parameters: SearchParameters = validate(given)
    except ValidationError as error:
        raise first_fault(error) from None
    return parameters


def _filter(clause: FilterClause) -> Filter:
    ranged = clause.low is not None or clause.high is not None
    field = PREFIX + clause.name
    if ranged == bool(clause.values):
        raise BadInput(f"{field} needs either values or a range (low, high)", field=field)
    if clause.low is not None and clause.high is not None and clause.low > clause.high:
        raise BadInput(
            f"{field}: the range is upside down; {clause.low:g} is above {clause.high:g}",
            field=field,
        )
    return Filter(clause.name, clause.values, clause.low, clause.high)


def _at_most(name: str, given: int, limit: int, unit: str) -> None:
    if given > limit:
        what = f"{given} {unit}".strip()
        raise BadInput(f"{name} is too large: {what}, at most {limit}", field=name)


def _unknown(name: str) -> str:
    filters = ", ".join(PREFIX + known for known in (*PLAIN, *sorted(NUMERIC)))
    return (
        f"unknown parameter {name!r}; known are {', '.join(KNOWN)}, and the filters {filters} and "
        f"{PREFIX}{_ATTRIBUTE}<name>"
    )
