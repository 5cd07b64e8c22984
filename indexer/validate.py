"""Source rows to products: each field converted and checked, or the row refused with a reason.

An absent or empty value is unknown and never refused. A value that is there and cannot be meant
(a price of "abc", a rating of 7) refuses the row, so that nothing wrong is indexed in silence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

from indexer.attributes import AttributeReader
from indexer.mapping import FieldMapping, Mapping, ProductField
from indexer.rows import Row
from indexer.values import BadValue, as_text, clean_text, parse_date, parse_number
from search.errors import BadInput
from search.types import Product

MAX_ID = 200
"""Characters; a longer id refuses the row."""
MAX_TEXT = {"title": 1_000, "description": 20_000}
"""Characters of text kept; what is longer is cut there, and counted."""
MAX_LABEL = 200
"""Characters kept of a brand, color, category level or tag."""
MAX_IMAGE = 100_000
MAX_LEVELS = 20
MAX_TAGS = 200
_PATH = " > "
"""Joins category levels in filters, so a level never contains it."""

Getter = Callable[[Row], Any]
Converter = Callable[[Row], Any]


def path_getter(name: str) -> Getter:
    """Reads a source field; "price.amount" reaches into an object when no field has that name."""
    if "." not in name:
        return lambda row: row.get(name)
    parts = name.split(".")

    def walk(row: Row) -> Any:
        if name in row:
            return row[name]
        value: Any = row
        for part in parts:
            if not isinstance(value, dict):
                return None
            value = value.get(part)
        return value

    return walk


def is_empty(value: Any) -> bool:
    """Whether a source value says nothing."""
    if value is None:
        return True
    if type(value) is str:
        return not value or value.isspace()
    return isinstance(value, list | tuple | dict) and not value


class RowReader:
    """Turns rows into products by one mapping.

    `cut` counts texts shortened to their bound; `filled` counts, by product field, the products
    that have it: a field that none has is likely a wrong name in the mapping.
    """

    def __init__(self, mapping: Mapping) -> None:
        self.cut = 0
        self.filled: Counter[str] = Counter()
        self._fields = {
            name: self._converter(name, field) for name, field in mapping.fields.items()
        }
        used = {source for field in mapping.fields.values() for source in field.sources}
        self._attributes = AttributeReader(mapping.attributes, used)

    def __call__(self, row: Row) -> Product:
        """The product of a row.

        Raises:
            BadValue: the row cannot be used; `field` says which product field is at fault.
        """
        values: dict[str, Any] = {}
        name: str = ""
        try:
            for name, convert in self._fields.items():
                value = convert(row)
                if value is not None and value != "" and value != ():
                    values[name] = value
        except BadValue as error:
            error.field = error.field or name
            raise
        product = Product(**values, attributes=self._attributes(row))
        self.filled.update(values.keys())
        self.filled["attributes"] += bool(product.attributes)
        return product

    def id_of(self, row: Row) -> str | None:
        """The row's id for a rejection, None when it has none that can be shown."""
        try:
            value: str = self._fields["id"](row)
        except BadValue:
            return None
        return value

    def _converter(self, name: ProductField, field: FieldMapping) -> Converter:
        convert = self._convert(name, field)
        if field.constant is not None:
            constant = self._constant(name, field, convert)
            return lambda row: constant
        if len(field.from_) == 1:
            get = path_getter(field.from_[0])
            return lambda row: convert(get(row))
        getters = [path_getter(source) for source in field.sources]
        if field.from_:
            return lambda row: convert(_first(getters, row))
        return lambda row: convert([value for get in getters if not is_empty(value := get(row))])

    def _constant(self, name: str, field: FieldMapping, convert: Callable[[Any], Any]) -> Any:
        try:
            return convert(field.constant)
        except BadValue as error:
            raise BadInput(
                f"the mapping's constant for {name} cannot be used: {error.reason}; {error.remedy}",
                field=name,
            ) from error

    def _convert(self, name: ProductField, field: FieldMapping) -> Callable[[Any], Any]:
        """The conversion of one product field, as a function of the source value."""
        match name:
            case "id":
                return read_id
            case "title" | "description":
                return lambda value: self._text(value, name)
            case "brand" | "color" | "group" | "currency":
                return lambda value: self._cut(as_text(value), MAX_LABEL) or None
            case "category" | "tags":
                return lambda value: self._labels(value, name, field.split)
            case "price" | "list_price" | "rating":
                high = 5.0 if name == "rating" else 1e9
                return lambda value: read_number(value, field, high)
            case "rating_count" | "sales_rank":
                return lambda value: read_count(value, field)
            case "stock":
                return lambda value: read_stock(value, field)
            case "image":
                return read_image
            case "created":
                return lambda value: read_date(value, field.date)

    def _cut(self, text: str, limit: int) -> str:
        if len(text) <= limit:
            return text
        self.cut += 1
        return text[:limit].rstrip()

    def _text(self, value: Any, name: Any) -> str:
        text = self._cut(as_text(value, "\n"), MAX_TEXT[name])
        if name == "title":
            if not text:
                raise BadValue(
                    "empty title", "give every product a title, or map another field to it"
                )
            return text.replace("\n", " ")
        return text

    def _labels(self, value: Any, name: str, separator: str | None) -> tuple[str, ...]:
        if is_empty(value):
            return ()
        items = value if isinstance(value, list | tuple) else [value]
        separator = separator or (_PATH if name == "category" else None)
        texts = [as_text(item) for item in items]
        if separator:
            texts = [part for text in texts for part in text.split(separator)]
        if name == "category":
            texts = [part for text in texts for part in text.split(_PATH)]
        labels = [self._cut(text.strip(), MAX_LABEL) for text in texts]
        kept = list(filter(None, labels if name == "category" else dict.fromkeys(labels)))
        limit = MAX_LEVELS if name == "category" else MAX_TAGS
        if len(kept) > limit:
            raise BadValue(
                f"more than {limit} values: {len(kept)}", "check the separator in the mapping file"
            )
        return tuple(kept)


def _first(getters: list[Getter], row: Row) -> Any:
    for get in getters:
        value = get(row)
        if not is_empty(value):
            return value
    return None


def read_id(value: Any) -> str:
    """A product id: text, or a whole number.

    Raises:
        BadValue: absent, of another type, or too long.
    """
    if is_empty(value):
        raise BadValue("no id", "give every product an id, or map another field to it")
    if isinstance(value, bool | list | tuple | dict | bytes):
        raise BadValue(
            f"id is not text: {type(value).__name__}", "map a text or number field to id"
        )
    if isinstance(value, float) and (not value.is_integer() or abs(value) >= 2**53):
        raise BadValue(f"id is not a whole number: {value}", "write ids as text, in quotes")
    text = clean_text(value) if isinstance(value, str) else as_text(value)
    if not text:
        raise BadValue("no id", "give every product an id, or map another field to it")
    if len(text) > MAX_ID:
        raise BadValue(
            f"id longer than {MAX_ID} characters: {text[:40]}...", "map another field to id"
        )
    return text


def read_number(value: Any, field: FieldMapping, high: float) -> float | None:
    """A number from 0 to `high`, scaled as the mapping says.

    Raises:
        BadValue: not a number, or out of range.
    """
    number = parse_number(value, field.decimal)
    if number is None:
        return None
    number = round(number * field.scale, 10) if field.scale != 1.0 else number
    if not 0 <= number <= high:
        raise BadValue(
            f"not between 0 and {high:,.0f}: {number:g}",
            "correct it, leave it empty, or set scale for this field in the mapping file",
        )
    return number


def read_count(value: Any, field: FieldMapping) -> int | None:
    """A whole number, 0 or more.

    Raises:
        BadValue: anything else.
    """
    number = read_number(value, field, 1e15)
    if number is None:
        return None
    if not number.is_integer():
        raise BadValue(f"not a whole number: {number:g}", "give a whole number, or leave it empty")
    return int(number)


_IN_STOCK = frozenset({"in stock", "instock", "available", "yes", "true", "in_stock"})
_OUT_OF_STOCK = frozenset(
    {"out of stock", "outofstock", "unavailable", "sold out", "no", "false", "out_of_stock"}
)


def read_stock(value: Any, field: FieldMapping) -> int | None:
    """Units in stock. A bare "in stock" is None, a count not known; "out of stock" is 0.

    Raises:
        BadValue: neither a count nor a known word.
    """
    if isinstance(value, bool):
        return None if value else 0
    if isinstance(value, str) and not re.match(r"\s*[+-]?\d", value):
        word = value.strip().lower().rpartition("/")[2]
        if word in _IN_STOCK:
            return None
        if word in _OUT_OF_STOCK:
            return 0
    return read_count(value, field)


def read_image(value: Any) -> str | None:
    """An http(s) address, a path, or a data: picture; of a list, the first.

    Raises:
        BadValue: another scheme, or far too long.
    """
    if isinstance(value, list | tuple):
        value = next((item for item in value if not is_empty(item)), None)
    text = as_text(value).replace("\n", "")
    if not text:
        return None
    scheme = re.match(r"([a-z][a-z0-9+.-]*):", text, re.IGNORECASE)
    allowed = scheme is None or scheme[1].lower() in ("http", "https")
    if len(text) > MAX_IMAGE or not (allowed or text.startswith("data:image/")):
        raise BadValue(f"not an image address: {text[:60]}", "give an http(s) address or a path")
    return text


def read_date(value: Any, form: str) -> date | None:
    """The day a product was created.

    Raises:
        BadValue: not a date in the mapping's form.
    """
    return parse_date(value, form)
