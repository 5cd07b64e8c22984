"""Changes to the catalogue as JSON: one shape for `POST /v1/products` and for `aisle update`.

Each change is parsed by itself, so that a bad one is reported and the others are applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from api.requests import Wire
from indexer.mapping import load_preset
from indexer.validate import (
    MAX_ID,
    MAX_IMAGE,
    MAX_LABEL,
    MAX_LEVELS,
    MAX_TAGS,
    MAX_TEXT,
    RowReader,
    read_id,
)
from indexer.values import BadValue
from search.types import Change, Delete, Patch, Product, Upsert

Identifier = Annotated[str, Field(min_length=1, max_length=MAX_ID)]
Text = Annotated[str, Field(max_length=MAX_TEXT["description"])]
Title = Annotated[str, Field(min_length=1, max_length=MAX_TEXT["title"])]
Name = Annotated[str, Field(min_length=1, max_length=MAX_LABEL)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


Path = Annotated[tuple[Name, ...], Field(max_length=MAX_LEVELS)]
Attributes = dict[Name, Text | bool | float | tuple[Text, ...]]


class ProductFields(Wire):
    """A product's fields but its id; every one may be left out of a patch, and null clears it."""

    title: Title | None = None
    description: Text | None = None
    brand: Name | None = None
    category: Path | None = Field(None, description="The path from the root")
    price: float | None = Field(
        None, ge=0, description="In units of `currency`: dollars, not cents"
    )
    list_price: float | None = Field(None, ge=0, description="The price before a discount")
    currency: str | None = Field(None, pattern="^[A-Z]{3}$", description="ISO 4217")
    color: Name | None = None
    attributes: Attributes | None = None
    tags: tuple[Name, ...] | None = Field(None, max_length=MAX_TAGS)
    image: str | None = Field(None, max_length=MAX_IMAGE)
    rating: float | None = Field(None, ge=0, le=5)
    rating_count: Count | None = None
    sales_rank: Count | None = None
    stock: Count | None = Field(None, description="Units; null is unknown and counts as available")
    created: date | None = None
    group: Name | None = Field(None, description="The variant group")


class ProductBody(ProductFields):
    """A whole product."""

    id: Identifier
    title: Title


class UpsertChange(Wire):
    """Adds a product, or replaces the one with its id."""

    op: Literal["upsert"]
    product: ProductBody


class DeleteChange(Wire):
    """Removes a product."""

    op: Literal["delete"]
    id: Identifier


class PatchChange(Wire):
    """Changes the named fields of a product and leaves the others."""

    op: Literal["patch"]
    id: Identifier
    fields: ProductFields


AnyChange = Annotated[UpsertChange | DeleteChange | PatchChange, Field(discriminator="op")]


class ChangeBatch(Wire):
    """Changes applied together, in order: searches see all of them or none."""

    changes: tuple[AnyChange, ...] = Field(min_length=1)


class _RawBatch(Wire):
    """The envelope alone: its changes are parsed one by one."""

    changes: list[Any] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Fault:
    """One change that could not be used: its place in the batch, the field, why, and what to do."""

    index: int
    field: str | None
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ChangesBody:
    """What became of a batch. `version` is the first one that holds it; `missing` are ids of
    deletes and patches that named no product; `errors` are the changes left out."""

    version: str
    upserted: int
    patched: int
    deleted: int
    missing: tuple[str, ...]
    errors: tuple[Fault, ...]


_ADAPTER: TypeAdapter[UpsertChange | DeleteChange | PatchChange] = TypeAdapter(AnyChange)
_OPS = ("upsert", "delete", "patch")


def parse_batch(body: bytes) -> tuple[list[Change], list[Fault]]:
    """The good changes of a request's body, in order, and what is wrong with the others.

    Raises:
        ValidationError: the body is not JSON, or not of the form {"changes": […]}.
    """
    return parse_changes(read_records(body))


def read_records(body: bytes) -> list[Any]:
    """The changes of a request's body as they were given, unchecked.

    Raises:
        ValidationError: the body is not JSON, or not of the form {"changes": […]}.
    """
    return _RawBatch.model_validate_json(body).changes


def parse_changes(records: Sequence[Any]) -> tuple[list[Change], list[Fault]]:
    """The good changes among JSON values, in order, and what is wrong with the others."""
    changes: list[Change] = []
    faults: list[Fault] = []
    for index, record in enumerate(records):
        parsed = parse_change(record, index)
        if isinstance(parsed, Fault):
            faults.append(parsed)
        else:
            changes.append(parsed)
    return changes, faults


def parse_change(record: Any, index: int) -> Change | Fault:
    """One change. A product without `op` is an upsert, so that a catalogue's lines can be sent."""
    if isinstance(record, dict) and "op" not in record and "title" in record:
        record = {"op": "upsert", "product": record}
    try:
        # NaN stays NaN on the way, so that it is refused and not taken for "no price".
        text = to_json(record, inf_nan_mode="constants")
        change = _ADAPTER.validate_json(text, strict=True)
    except ValidationError as error:
        return _fault(error, index)
    if isinstance(change, UpsertChange):
        return _upsert(change, index)
    try:
        product_id = read_id(change.id)
    except BadValue as error:
        return Fault(index, "id", error.reason, error.remedy)
    if isinstance(change, DeleteChange):
        return Delete(product_id)
    return _patch(change, product_id, index)


def _read(row: Mapping[str, Any], index: int, place: str) -> Product | Fault:
    """A product cleaned and checked as one from a catalogue file is."""
    try:
        return _reader()(dict(row))
    except BadValue as error:
        return Fault(index, f"{place}.{error.field}", error.reason, error.remedy)


@lru_cache(1)
def _reader() -> RowReader:
    return RowReader(load_preset("aisle"))


def _upsert(change: UpsertChange, index: int) -> Upsert | Fault:
    row = change.product.model_dump(mode="json", exclude_none=True)
    product = _read(row, index, "product")
    return product if isinstance(product, Fault) else Upsert(product)


def _patch(change: PatchChange, product_id: str, index: int) -> Patch | Fault:
    given = change.fields.model_dump(mode="json", exclude_unset=True)
    if not given:
        return Fault(index, "fields", "changes nothing", "name a field and its new value")
    if given.get("title", "") is None:
        return Fault(index, "fields.title", "a product needs a title", "give text, or leave it out")
    row = {name: value for name, value in given.items() if value is not None}
    product = _read({"title": "any", **row, "id": product_id}, index, "fields")
    if isinstance(product, Fault):
        return product
    fields = {n: None if v is None else getattr(product, n) for n, v in given.items()}
    return Patch(product_id, fields)


def _fault(error: ValidationError, index: int) -> Fault:
    first = error.errors(include_url=False, include_context=False)[0]
    parts = [str(part) for part in first["loc"] if part not in _OPS]
    field = ".".join(parts) or None
    kind = first["type"]
    if kind.startswith("union_tag"):
        return Fault(index, "op", "op is missing or unknown", f"use one of {', '.join(_OPS)}")
    if kind == "extra_forbidden":
        known = ", ".join(ProductBody.model_fields)
        return Fault(index, field, "unknown field", f"leave it out; a product's fields are {known}")
    if kind == "missing":
        return Fault(index, field, "is missing", f"add {field}")
    if kind == "finite_number":
        return Fault(index, field, "is not a finite number", "send a number, or leave it out")
    reason = first["msg"][:1].lower() + first["msg"][1:]
    return Fault(index, field, reason, "mend the value, or leave the field out")
