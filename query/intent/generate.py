"""Queries made from the catalogue, whose kind and category are known, to learn from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from query.intent.dictionary import Sampled, first_part, product_codes, split_name
from query.intent.phrases import examples
from query.stem import stems
from query.text import normalize, words
from search.types import Intent, Product

_AUDIENCES = ("men", "women", "kids", "boys", "girls", "mens", "womens", "dogs", "adults")
_CONDITIONS = ("under $50", "cheap", "below 100", "under 20 dollars", "best", "small", "large")
_UNITS = (
    *(
        "inch",
        "in",
        "cm",
        "mm",
        "ft",
        "m",
        "gb",
        "tb",
        "w",
        "v",
        "oz",
        "lb",
        "kg",
        "l",
        "ml",
        "mah",
    ),
    *("pack", "pieces", "port", "person", "gallon", "quart", "watt", "hz"),
)
_NUMBERED = re.compile(r"\b([A-Z][A-Za-z]{3,}) (\d{1,3})\b(?! ?(?:[a-z\"']|[A-Z]{2}\b|[A-Z][a-z]))")
_MEASURE = re.compile(r"\b\d+(?:\.\d+)?[ -]?(?:[a-z]{1,3}|inch|pack|port|piece|watt|gallon)\b")


@dataclass(frozen=True, slots=True)
class Generated:
    """A query with what is known of it: its kind (None: unknown) and the place in the sample of
    the product it was made from (None: no product)."""

    text: str
    kind: Intent | None = None
    place: int | None = None


def generate(sampled: Sampled, count: int, seed: int) -> list[Generated]:
    """About `count` queries, a seventh of each kind and of plain title fragments; texts do not
    repeat. Catalogues with few brands or types give fewer."""
    rng = Random(f"{seed}/intent")
    each = max(1, count // 7)
    made: dict[str, Generated] = {}
    for maker in (
        _brands,
        _support,
        _traps,
        _broad,
        _categories,
        _lookups,
        _attributes,
        _fragments,
    ):
        _fill(made, maker, sampled, each if maker is not _traps else each // 4, rng)
    return list(made.values())


Maker = Callable[[Sampled, Random], Iterator[Generated]]


def _fill(
    made: dict[str, Generated], maker: Maker, sampled: Sampled, wanted: int, rng: Random
) -> None:
    new = 0
    for tried, one in enumerate(maker(sampled, rng)):
        if new >= wanted or tried >= 6 * wanted:
            return
        text = normalize(one.text)
        if text and text not in made:
            made[text] = Generated(text, one.kind, one.place)
            new += 1


def _drawn(sampled: Sampled, rng: Random) -> Iterator[tuple[int, Product, str]]:
    """Products in random order, again and again, with their type as mostly written, or "". A maker
    yields something for each, even if empty: `_fill` counts what it is given."""
    places = list(range(len(sampled.products)))
    while places:
        rng.shuffle(places)
        for place in places:
            found = sampled.type_of(place)
            yield place, sampled.products[place], sampled.types.written.get(found, "")


def _brands(sampled: Sampled, rng: Random) -> Iterator[Generated]:
    names = sorted({p.brand for p in sampled.products if p.brand and words(p.brand)})
    rng.shuffle(names)
    for name in names:
        ending = rng.choice(("", "", "", "", "", " store", " products", " brand"))
        yield Generated(name + ending, "brand")


def _support(sampled: Sampled, rng: Random) -> Iterator[Generated]:
    return (Generated(text, "support") for text in _filled("support", sampled, rng))


def _broad(sampled: Sampled, rng: Random) -> Iterator[Generated]:
    return (Generated(text, "broad") for text in _filled("broad", sampled, rng))


def _traps(sampled: Sampled, rng: Random) -> Iterator[Generated]:
    return (Generated(text, "attribute") for text in _filled("traps", sampled, rng))


def _filled(name: str, sampled: Sampled, rng: Random) -> Iterator[str]:
    """Every example once, then those with blanks again and again."""
    texts = list(examples()[name])
    drawn = _drawn(sampled, rng)
    while texts:
        rng.shuffle(texts)
        for text in texts:
            _place, product, kind = next(drawn, (0, None, ""))
            brand = (product.brand if product else None) or ""
            yield text.replace("{type}", kind or "product").replace("{brand}", brand)
        texts = [text for text in texts if "{" in text]


def _categories(sampled: Sampled, rng: Random) -> Iterator[Generated]:
    for place, product, kind in _drawn(sampled, rng):
        names = split_name(rng.choice(product.category[-2:])) if product.category else []
        text = rng.choice(names) if names and rng.random() < 0.3 else kind
        plural = text + "s" if rng.random() < 0.3 and not text.endswith("s") else text
        yield Generated(plural if text else "", "category", place)


def _lookups(sampled: Sampled, rng: Random) -> Iterator[Generated]:
    for place, product, _ in _drawn(sampled, rng):
        texts = _names(sampled, place, rng)
        codes = sorted(product_codes(product))
        if codes:
            code, brand = rng.choice(codes), product.brand or ""
            named = " ".join(sampled.heads[place].words)
            texts += [code, f"{brand} {code}", f"{brand} {code} {named}"] * 2
        yield Generated(rng.choice(texts) if texts else "", "product_lookup", place)


def _names(sampled: Sampled, place: int, rng: Random) -> list[str]:
    """Ways to write a title in part that still name one product: with a word that is a name."""
    product = sampled.products[place]
    title, named = words(product.title), " ".join(sampled.heads[place].words)
    brand = words(product.brand or "")
    ways = [title[:6], title[:9], [w for w in title[:8] if rng.random() < 0.8], title[:4]]
    named_only = [words(f"{product.brand or ''} {named}"), words(named), first_part(product)]
    numbered = [f"{brand[0] if brand else ''} {a} {b}" for a, b in _NUMBERED.findall(product.title)]
    return numbered[:1] + [
        " ".join(way)
        for way in ways + [each for each in named_only if len(each) <= 8]
        if len(way) > 2 and any(map(sampled.is_name, stems([w for w in way if w not in brand])))
    ]


def _attributes(sampled: Sampled, rng: Random) -> Iterator[Generated]:
    for place, _product, kind in _drawn(sampled, rng):
        text = _described(sampled, place, kind, rng) if kind else ""
        yield Generated(text, "attribute", place)


def _described(sampled: Sampled, place: int, kind: str, rng: Random) -> str:
    """A type with one to three things said of it, before it or after."""
    product = sampled.products[place]
    values = [product.color, *_values(product), *_modifiers(sampled, place)]
    said = [[text for text in values if text]] * 3
    said += [[product.brand] if product.brand else []]
    said += [[_measure(product, rng)]] * 2 + [[rng.choice(_AUDIENCES)]]
    rng.shuffle(said)
    chosen = [rng.choice(texts) for texts in said[: rng.choice((1, 1, 2, 3))] if texts]
    end = rng.choice(_CONDITIONS) if not chosen or rng.random() < 0.12 else ""
    if chosen and rng.random() < 0.3:
        last = chosen.pop()
        end = f"{rng.choice(('for ', 'with ', '', ''))}{last} {end}"
    return f"{' '.join(dict.fromkeys(chosen))} {kind} {end}"


def _measure(product: Product, rng: Random) -> str:
    """A measure of the title, or any."""
    found = _MEASURE.findall(normalize(product.title))
    if found and rng.random() < 0.6:
        return str(rng.choice(found))
    number = rng.choice((2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 18, 20, 24, 27, 30, 32, 50, 64, 100))
    if rng.random() < 0.3:
        return rng.choice((f"size {number}", f"{number}x{number}", f"size {rng.choice('smlx')}"))
    return f"{number}{rng.choice((' ', ' ', ''))}{rng.choice(_UNITS)}"


def _modifiers(sampled: Sampled, place: int) -> list[str]:
    """What stands before the type in the title and in many others."""
    found = sampled.heads[place]
    before = len(found.words) - len(sampled.type_of(place))
    return [
        word
        for word, stem in zip(found.words[:before], found.stems, strict=False)
        if not sampled.is_rare(stem) and not word[0].isdigit()
    ]


def _values(product: Product) -> Iterator[str]:
    for name, value in product.attributes.items():
        if value is True:
            yield name.replace("_", " ")
        elif isinstance(value, str) and 0 < len(words(value)) <= 2 and name != "model":
            yield value


def _fragments(sampled: Sampled, rng: Random) -> Iterator[Generated]:
    for place, product, _ in _drawn(sampled, rng):
        title = words(product.title)[:14]
        size = min(rng.choice((1, 2, 2, 3, 3, 4)), len(title))
        start = rng.randint(0, len(title) - size)
        yield Generated(" ".join(title[start : start + size]), None, place)


def kinds_of(made: Sequence[Generated]) -> list[Generated]:
    """Those whose kind is known."""
    return [one for one in made if one.kind]
