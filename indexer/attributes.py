"""Attributes of a product, gathered from a row as the mapping's [attributes] table says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from indexer.mapping import AttributesMapping, AttributeType
from indexer.rows import Row
from indexer.values import BadValue, as_text, clean_text, parse_boolean, parse_number
from search.types import AttributeValue

MAX_ATTRIBUTES = 1_000
MAX_NAME = 100
MAX_VALUE = 1_000
"""Characters kept of a text attribute."""
_DEPTH = 4

Put = Callable[[str, Any, AttributeType], None]


class AttributeReader:
    """Reads a row's attributes; `used` are the source fields that product fields are made of."""

    def __init__(self, mapping: AttributesMapping, used: set[str]) -> None:
        self._mapping = mapping
        self._fields = [
            (name, source.from_, source.type) for name, source in mapping.fields.items()
        ]
        self._prefixes = list(mapping.prefixes.items())
        self._taken = used | {source for _, source, _ in self._fields} | set(mapping.ignore)
        self._taken |= {mapping.object} if mapping.object else set()
        self._taken |= {mapping.pairs.from_} if mapping.pairs else set()
        self._targets: dict[str, tuple[int, str, AttributeType] | None] = {}

    def __call__(self, row: Row) -> dict[str, AttributeValue]:
        """Attribute name to value; empty ones are left out.

        Raises:
            BadValue: a value not of its attribute's type, or more attributes than allowed.
        """
        found: dict[str, AttributeValue] = {}

        def put(name: str, value: Any, kind: AttributeType) -> None:
            if value is not None and name not in found:
                self._put(found, name, value, kind)

        for name, source, kind in self._fields:
            put(name, row.get(source), kind)
        if self._mapping.object:
            self._object(row.get(self._mapping.object), put)
        if self._mapping.pairs:
            self._pairs(row.get(self._mapping.pairs.from_), put)
        if self._prefixes or self._mapping.rest:
            self._others(row, put)
        if len(found) > MAX_ATTRIBUTES:
            raise BadValue(
                f"more than {MAX_ATTRIBUTES:,} attributes: {len(found):,}",
                "name the ones to keep under [attributes] in the mapping file",
                "attributes",
            )
        return found

    def _put(
        self, found: dict[str, AttributeValue], name: str, value: Any, kind: AttributeType
    ) -> None:
        if isinstance(value, dict):
            self._flatten(found, name, value, _DEPTH)
            return
        try:
            converted = _convert(value, kind)
        except BadValue as error:
            if self._mapping.on_mismatch == "reject" or kind == "any":
                error.field = f"attributes.{name}"
                raise
            converted = _convert(value, "text")
        if converted is not None and converted != "":
            found[name] = converted

    def _flatten(
        self, found: dict[str, AttributeValue], name: str, value: dict[str, Any], depth: int
    ) -> None:
        for key, inner in value.items():
            inner_name = _name(f"{name}.{key}")
            if isinstance(inner, dict) and depth:
                self._flatten(found, inner_name, inner, depth - 1)
            elif not isinstance(inner, dict) and inner_name not in found:
                self._put(found, inner_name, inner, "any")

    def _object(self, value: Any, put: Put) -> None:
        if value is None or value == "":
            return
        if not isinstance(value, dict):
            raise BadValue(
                f"not an object: {type(value).__name__}",
                "give attributes as an object of names and values",
                "attributes",
            )
        for name, inner in value.items():
            if clean := _name(name):
                put(clean, inner, "any")

    def _pairs(self, value: Any, put: Put) -> None:
        """Pairs in one text; of a name that comes twice all values are kept."""
        pairs = self._mapping.pairs
        if pairs is None or value is None:
            return
        gathered: dict[str, list[str]] = {}
        for part in as_text(value, pairs.between).split(pairs.between):
            name, separator, text = part.partition(pairs.within)
            if separator and name.strip() and text.strip():
                gathered.setdefault(_name(name), []).append(text.strip())
        for name, texts in gathered.items():
            distinct = list(dict.fromkeys(texts))
            put(name, plain_number(distinct[0]) if len(distinct) == 1 else distinct, "any")

    def _others(self, row: Row, put: Put) -> None:
        """The fields taken by prefix, then the rest, in the mapping's order of prefixes."""
        wanted = [
            (target, value)
            for field, value in row.items()
            if value is not None and value != "" and (target := self._target(field))
        ]
        if len(self._prefixes) > 1:
            wanted.sort(key=lambda pair: pair[0][0])
        for (_, name, kind), value in wanted:
            put(name, value, kind)

    def _target(self, field: str) -> tuple[int, str, AttributeType] | None:
        """The attribute a source field becomes: its prefix's place, name and type; remembered."""
        if field not in self._targets:
            if len(self._targets) > 100_000:  # field names that never repeat
                self._targets.clear()
            self._targets[field] = self._new_target(field)
        return self._targets[field]

    def _new_target(self, field: str) -> tuple[int, str, AttributeType] | None:
        if field in self._taken:
            return None
        for place, (prefix, kind) in enumerate(self._prefixes):
            if field.startswith(prefix) and (name := _name(field.removeprefix(prefix))):
                return place, name, kind
        name = _name(field)
        return (len(self._prefixes), name, "any") if self._mapping.rest and name else None


def _name(name: str) -> str:
    return clean_text(str(name)).replace("\n", " ")[:MAX_NAME].strip()


def plain_number(text: str) -> str | float:
    """The number that a text is, or the text: "64.7" is one, "007" and "12 in" are not."""
    if len(text) > 15 or not text[-1:].isdigit() or (text[0] == "0" and text[1:2].isdigit()):
        return text
    try:
        return float(text) if text.replace(".", "", 1).lstrip("-").isdecimal() else text
    except ValueError:
        return text


def _convert(value: Any, kind: AttributeType) -> AttributeValue | None:
    if type(value) is str and kind in ("text", "any"):
        return clean_text(value)[:MAX_VALUE]
    if kind == "number":
        return parse_number(value)
    if kind == "boolean":
        return parse_boolean(value)
    if kind == "any" and isinstance(value, bool):
        return value
    if kind == "any" and isinstance(value, int | float | Decimal):
        return parse_number(value)
    if isinstance(value, list | tuple):
        return _texts(value)
    if isinstance(value, str | bool | int | float | Decimal | date):
        return as_text(value)[:MAX_VALUE]
    return None


def _texts(values: list[Any] | tuple[Any, ...]) -> AttributeValue | None:
    """The texts of a list; objects in it (nested products, reviews) are not attributes."""
    flat = (as_text(value)[:MAX_VALUE] for value in values if not isinstance(value, dict | bytes))
    texts = tuple(dict.fromkeys(filter(None, flat)))
    return texts or None
