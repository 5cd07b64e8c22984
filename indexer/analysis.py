"""What of a product is searched by words, and what its embedding is made from.

Words are BM25F in its simple form (Robertson, Zaragoza and Taylor, CIKM 2004, section 3): one
weighted text, in which a field of weight 3 occurs three times. One posting list per word is read
at query time instead of one per field, and length normalisation sees the whole product.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from indexer.measures import measure_tokens
from query.text import codes, identifiers, words
from search.types import AttributeValue, Product

_ATTRIBUTE_CHARACTERS = 10_000
_DESCRIPTION_CHARACTERS = 120
_KIND_ENDS = re.compile(
    r"\s[-–—|/]\s|[,;(\[]|(?<![\d.])\sin\s"
    r"|\b(?:for|with|without|compatible|fits?|includes?|including)\b",
    re.IGNORECASE,
)
"""After what a title says what a product is: more about it, or what it is for."""
_AMOUNT = re.compile(r"[\d.]+\w{0,3}|in|ft|oz|lbs?|gal|qt|m?[lm]|k?[gw]|[cvw]|cm|pcs?|packs?|x")
_WHOLE, _DETAILS = ("title", "description"), ("attributes", "tags", "color")
IDENTIFIERS = frozenset(
    {"asin", "ean", "gtin", "isbn", "mpn", "sku", "upc", "oem_code"}
    | {"model", "model_name", "model_number", "part_number", "manufacturer_part_number"}
)
"""Attributes that identify rather than describe: found whole, among the codes, not as words, since
their numbers would meet every number in a query."""


def attribute_text(name: str, value: AttributeValue) -> str:
    """The searchable words of one attribute: its values, or its name when it is simply true."""
    if isinstance(value, bool):
        return name.replace("_", " ") if value else ""
    if isinstance(value, tuple):
        return " ".join(value)
    return value if isinstance(value, str) else ""


def field_texts(product: Product) -> dict[str, str]:
    """The raw text of every weighted field."""
    attributes = " ".join(
        attribute_text(name, value)
        for name, value in product.attributes.items()
        if name not in IDENTIFIERS
    )
    return {
        "title": product.title,
        "description": product.description,
        "tags": " ".join(product.tags),
        "brand": product.brand or "",
        "color": product.color or "",
        "category": " ".join(product.category),
        "attributes": attributes[:_ATTRIBUTE_CHARACTERS],
    }


def index_fields(product: Product, weights: Mapping[str, int]) -> dict[str, str]:
    """Normalised words, joined by spaces, of each text field of the words index.

    `weights` maps a field to how often it occurs in `all`, the weighted text; 0 leaves it out.
    `all` ends with a token for each measure, the same however it is written (`indexer.measures`).
    `codes` holds identifiers whole (`wh1000xm4`): those of the title, of the attributes that
    identify, and the product's own id. The texts that rankers read are there too (`text_fields`).
    """
    texts = {name: " ".join(words(text)) for name, text in field_texts(product).items()}
    weighted = [texts[name] for name, weight in weights.items() for _ in range(weight)]
    weighted += measure_tokens(product) * weights.get("title", 1)
    found = codes(product.title) + identifiers(" ".join((product.id, *_identifiers(product))))
    return {
        **_ranker_texts(texts, product.title),
        "all": " ".join(filter(None, weighted)),
        "tags": texts["tags"],
        "codes": " ".join(dict.fromkeys(found)),
    }


def text_fields(product: Product) -> dict[str, str]:
    """Normalized words, joined by spaces, of the texts that rankers read: `title`, `kind` (see
    `kind_words`), `description`, and `details`, which are the attributes' values, the tags and the
    color."""
    raw = field_texts(product)
    texts = {name: " ".join(words(raw[name])) for name in (*_WHOLE, *_DETAILS)}
    return _ranker_texts(texts, product.title)


def _ranker_texts(texts: Mapping[str, str], title: str) -> dict[str, str]:
    details = " ".join(filter(None, (texts[name] for name in _DETAILS)))
    kind = " ".join(kind_words(title))
    return {**{name: texts[name] for name in _WHOLE}, "kind": kind, "details": details}


def kind_words(title: str) -> list[str]:
    """The words of a title that say what the product is, its head noun last: those before a comma,
    a dash, a bracket, `for` or `with`, without amounts at their end (`Acme steel kettle 1.7 l,
    cordless` gives `acme steel kettle`)."""
    for part in _KIND_ENDS.split(title):
        found = words(part)
        while len(found) > 1 and _AMOUNT.fullmatch(found[-1]):
            found.pop()
        if found:
            return found
    return []


def _identifiers(product: Product) -> list[str]:
    return [
        attribute_text(name, product.attributes[name])
        for name in product.attributes
        if name in IDENTIFIERS
    ]


def encoder_text(product: Product) -> str:
    """The text whose embedding stands for the product: its title and how its description begins.

    A terse title alone is often out of a shopper's words; a whole description blurs it.
    """
    if len(product.description) <= _DESCRIPTION_CHARACTERS:
        beginning = product.description
    else:
        beginning = product.description[:_DESCRIPTION_CHARACTERS].rpartition(" ")[0]
    return f"{product.title}. {beginning}" if beginning else product.title
