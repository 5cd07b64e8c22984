"""Rules as they are written, in TOML or in JSON: what each field may hold.

One description for both; the HTTP interface makes its schemas from it.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from rankers.rules.checks import EVERYWHERE, contradictions, hint, moment_of

MOST_RULES = 10_000
LAST_POSITION = 100
"""The last position that a product can be pinned to."""
MOST_FORCED = 20
"""Products of one rule that are looked up whatever the query."""
NUMERIC = ("price", "rating")
PLAIN = ("brand", "color", "category", "in_stock", "id")
ATTRIBUTE = "attributes."
_LINK = re.compile(r"(?:https?://|/(?![/\\]))[^\s\\]*")


def _link(value: str) -> str:
    if not _LINK.fullmatch(value):
        raise ValueError(f"{value!r} is no address; write a path of the shop (/sale) or https://…")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value!r} is no time zone; write one such as Europe/Berlin") from None
    return value


_MOMENT_SCHEMA = {
    "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]
}
Moment = Annotated[date | datetime, PlainValidator(moment_of), WithJsonSchema(_MOMENT_SCHEMA)]
RuleId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Position = Annotated[int, Field(ge=1, le=LAST_POSITION)]


class Wire(BaseModel):
    """A part of a rule; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FilterBody(Wire):
    """One condition, as a search has them: any of `values`, or a number from `low` to `high`."""

    name: Text = Field(description="`brand`, `price`, `attributes.<name>`, …")
    values: tuple[Text, ...] = Field((), max_length=1000)
    low: float | None = None
    high: float | None = None
    exclude: bool = Field(False, description="The condition must not hold")

    @model_validator(mode="after")
    def _sensible(self) -> FilterBody:
        named = self.name in (*PLAIN, *NUMERIC) or self.name.startswith(ATTRIBUTE)
        if not named or self.name == ATTRIBUTE:
            known = (*PLAIN, *NUMERIC)
            raise ValueError(
                f"unknown filter {self.name!r}; known are {', '.join(known)}, "
                f"attributes.<name>{hint(self.name, known)}"
            )
        ranged = self.low is not None or self.high is not None
        if ranged == bool(self.values):
            raise ValueError("needs either values, or low and high")
        if ranged and self.name in PLAIN:
            raise ValueError(f"{self.name} takes values, no low or high")
        if not ranged and self.name in NUMERIC:
            raise ValueError(f"{self.name} takes low or high, no values")
        if self.name == "in_stock" and self.values not in (("true",), ("false",)):
            raise ValueError('in_stock takes ["true"] or ["false"]')
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the range is upside down: {self.low:g} is above {self.high:g}")
        return self


Conditions = Annotated[tuple[FilterBody, ...], Field(min_length=1, max_length=50)]


class WhenBody(Wire):
    """What a request must be like; everything that is given must hold."""

    query: Text | tuple[Text, ...] = Field((), description="One of these is what was typed")
    match: Literal["exact", "words", "starts"] = Field(
        "exact", description="The whole query, all words in any order, or its beginning"
    )
    category: Text | None = Field(
        None, description="A path joined by ` > ` that is chosen or recognized, or above such a one"
    )
    segment: Text | None = Field(None, description="A name that the request passes")

    @property
    def phrases(self) -> tuple[str, ...]:
        """The queries, however many were given."""
        return (self.query,) if isinstance(self.query, str) else self.query

    @model_validator(mode="after")
    def _something(self) -> WhenBody:
        if not (self.phrases or self.category or self.segment):
            raise ValueError(f'says nothing; write when = "{EVERYWHERE}" for every request')
        return self


class PinBody(Wire):
    """A product at a position."""

    id: Text
    position: Position
    sold_out: bool = Field(False, description="Hold the position even when it is out of stock")


class WeightBody(Wire):
    """Products that satisfy all filters move by a share of the best score."""

    filters: Conditions
    weight: float = Field(gt=0, le=10)


class SponsoredBody(Wire):
    """Paid places, marked as such."""

    positions: tuple[Position, ...] = Field(min_length=1, max_length=LAST_POSITION)
    ids: tuple[Text, ...] = Field((), max_length=1000)
    filters: tuple[FilterBody, ...] = Field((), max_length=50)
    most: int | None = Field(None, ge=1, description="On one page; the server's limit if left out")
    force: bool = Field(False, description="Show them even where they do not match the query")

    @model_validator(mode="after")
    def _sensible(self) -> SponsoredBody:
        if bool(self.ids) == bool(self.filters):
            raise ValueError("needs either ids or filters")
        if self.force and not self.ids:
            raise ValueError("force needs ids: filters choose among what matches the query")
        if self.force and len(self.ids) > MOST_FORCED:
            raise ValueError(f"force takes {MOST_FORCED} ids at most; leave some out")
        return self


class RuleBody(Wire):
    """One rule: when it holds, and what it does then."""

    id: RuleId
    note: str = Field("", max_length=1000, description="For people")
    start: Moment | None = Field(None, alias="from", description="The first day, or a moment")
    until: Moment | None = Field(None, description="The last day, or a moment")
    priority: int = Field(0, ge=-1000, le=1000, description="The higher one goes first")
    when: Literal["everywhere"] | WhenBody
    pin: tuple[PinBody, ...] = Field((), max_length=LAST_POSITION)
    boost: tuple[WeightBody, ...] = Field((), max_length=50)
    bury: tuple[WeightBody, ...] = Field((), max_length=50)
    filters: tuple[FilterBody, ...] = Field((), max_length=50)
    redirect: Annotated[str, AfterValidator(_link)] | None = Field(None, max_length=2000)
    sponsored: SponsoredBody | None = None

    @model_validator(mode="after")
    def _sensible(self) -> RuleBody:
        for _, problem in contradictions(self):
            raise ValueError(problem)
        return self


class RulesBody(Wire):
    """All rules. Days begin and end in `zone`."""

    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    rule: tuple[RuleBody, ...] = Field((), max_length=MOST_RULES)

    @model_validator(mode="after")
    def _unique(self) -> RulesBody:
        seen: set[str] = set()
        for each in self.rule:
            if each.id in seen:
                raise ValueError(f"two rules have the id {each.id!r}; rename one")
            seen.add(each.id)
        return self
