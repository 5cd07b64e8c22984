"""Mapping files: how source fields become the fields of a `Product`, written in TOML.

    [fields]
    id = "sku"                                            # one source field
    title = ["title", "name"]                             # the first that is not empty
    description = { join = ["short_text", "long_text"] }  # all that are not empty
    price = { from = "price_cents", scale = 0.01 }
    currency = { constant = "USD" }

docs/catalogue.md describes every key.
"""

from __future__ import annotations

import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from search.errors import BadInput

ProductField = Literal[
    "id",
    "title",
    "description",
    "brand",
    "category",
    "price",
    "list_price",
    "currency",
    "color",
    "tags",
    "image",
    "rating",
    "rating_count",
    "sales_rank",
    "stock",
    "created",
    "group",
]
PRODUCT_FIELDS: tuple[ProductField, ...] = get_args(ProductField)
AttributeType = Literal["any", "text", "number", "boolean"]


class _Table(BaseModel):
    """One table of a mapping file; unknown keys are errors, so that a typo is not silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Dialect(_Table):
    """How a delimited file is written; what is not said is recognised from its first bytes."""

    delimiter: str | None = Field(None, min_length=1, max_length=1)
    quote: str = Field('"', min_length=1, max_length=1)
    escape: str | None = Field(None, max_length=1)
    """The character before a quote that belongs to the text; "" when quotes are doubled."""


class FieldMapping(_Table):
    """Where one product field comes from: exactly one of `from`, `join` and `constant`.

    A source name may reach into an object: "price.amount".
    """

    from_: tuple[str, ...] = Field((), alias="from")
    join: tuple[str, ...] = ()
    constant: str | float | bool | None = None
    split: str | None = Field(None, min_length=1)
    """Separates the levels of a category, or the tags, written as one text."""
    scale: float = 1.0
    """Multiplies a number: 0.01 turns cents into units."""
    decimal: Literal[".", ",", None] = None
    """Settles what is otherwise refused as ambiguous: "1,299" or "1.299 €"."""
    date: str = "iso"
    """"iso", "epoch" (seconds), "epoch_ms", or a strptime pattern such as "%d/%m/%Y"."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str | list | tuple):
            value = {"from": value}
        if isinstance(value, dict) and isinstance(value.get("from"), str):
            value = {**value, "from": (value["from"],)}
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [bool(self.from_), bool(self.join), self.constant is not None]
        if sum(origins) != 1:
            raise ValueError("needs exactly one of from, join and constant")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """The source fields this one is made of."""
        return self.from_ or self.join


class _SourceTable(_Table):
    """A table of which a plain text is the short form: its source field."""

    from_: str = Field(alias="from")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str) else value


class AttributeMapping(_SourceTable):
    """One attribute: its source field and type ("any" keeps the type the source has)."""

    type: AttributeType = "any"


class PairsMapping(_SourceTable):
    """Attributes written as one text: "color : red|size : 10 in"."""

    between: str = Field("|", min_length=1)
    within: str = Field(":", min_length=1)


class AttributesMapping(_Table):
    """Which source fields become attributes. Of two that give one name, the first below wins, and
    within a table the one written first."""

    fields: dict[str, AttributeMapping] = {}
    """Attribute name to source field."""
    prefixes: dict[str, AttributeType] = {}
    """Source fields that start with the key, by type; the prefix is taken off the name."""
    object: str | None = None
    """A source field that holds an object of attributes."""
    pairs: PairsMapping | None = None
    rest: bool = False
    """Whether every source field not used above or by a product field is an attribute too."""
    ignore: tuple[str, ...] = ()
    """Source fields that `prefixes` and `rest` leave out."""
    on_mismatch: Literal["reject", "text"] = "reject"
    """What becomes of a value that is not of its attribute's type."""


class Mapping(_Table):
    """A whole mapping file. `id` and `title` are required."""

    dialect: Dialect = Dialect()
    fields: dict[ProductField, FieldMapping]
    attributes: AttributesMapping = AttributesMapping()

    @model_validator(mode="after")
    def _required(self) -> Self:
        missing = [name for name in ("id", "title") if name not in self.fields]
        if missing:
            raise ValueError(f"[fields] must say where {' and '.join(missing)} come from")
        return self


def parse_mapping(text: str, name: str) -> Mapping:
    """A mapping from TOML text; `name` is used in messages.

    Raises:
        BadInput: not TOML, an unknown key, or a value that makes no sense there.
    """
    try:
        return Mapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"the mapping file {name} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise BadInput(
            f"the mapping file {name} has a mistake at {place or 'its root'}: {what}; "
            "docs/catalogue.md lists the keys",
            field=place or None,
        ) from error


def load_mapping(path: Path | str) -> Mapping:
    """Reads a mapping file.

    Raises:
        BadInput: it cannot be read or is not a mapping.
    """
    try:
        text = Path(path).read_text("utf-8")
    except FileNotFoundError as error:
        raise BadInput(f"the mapping file {path} does not exist; check the name") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"the mapping file {path} cannot be read: {error}") from error
    return parse_mapping(text, str(path))


def preset_names() -> tuple[str, ...]:
    """The mappings that come with Aisle."""
    files = resources.files("indexer").joinpath("presets").iterdir()
    return tuple(
        sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))
    )


def load_preset(name: str) -> Mapping:
    """A mapping that comes with Aisle, by name.

    Raises:
        BadInput: there is none of this name.
    """
    known = preset_names()
    if name not in known:
        raise BadInput(
            f"unknown preset {name!r}; known are {', '.join(known)}; leave it out to have the "
            "fields guessed",
            field="preset",
        )
    text = resources.files("indexer").joinpath("presets", f"{name}.toml").read_text("utf-8")
    return parse_mapping(text, f"{name}.toml")


def mapping_toml(mapping: Mapping) -> str:
    """The mapping as a file to keep and edit; `parse_mapping` reads the same mapping from it."""
    tables = mapping.model_dump(by_alias=True, exclude_defaults=True)
    attributes = tables.pop("attributes", {})
    lines = [line for name, table in tables.items() for line in _toml_table(name, table)]
    named = attributes.pop("fields", {})
    lines += _toml_table("attributes", attributes) if attributes else []
    lines += _toml_table("attributes.fields", named) if named else []
    return "\n".join(lines)


def _toml_table(name: str, table: dict[str, Any]) -> list[str]:
    return [f"[{name}]", *(f"{_toml(key)} = {_toml(value)}" for key, value in table.items()), ""]


def _toml(value: Any) -> str:
    """A value as TOML; JSON texts are TOML's basic strings, but for one control character."""
    if isinstance(value, dict):
        if set(value) == {"from"}:
            return _toml(value["from"])
        inner = ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
