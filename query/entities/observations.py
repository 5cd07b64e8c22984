"""The sampled products as evidence: what words their titles hold, and which values are really
theirs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from query.entities.catalogue import Catalogue
from query.entities.keys import join, key, stem, value_stems
from query.entities.occurrences import occurrences
from query.entities.product_types import (
    NO_KINDS,
    Heading,
    Nouns,
    count_nouns,
    enders,
    find_types,
    head_spans,
    soften,
    surface_forms,
)
from query.entities.titles import STOPWORDS, Title, analyze
from query.entities.values import (
    BRAND,
    CATEGORY,
    COLOR,
    PRODUCT_TYPE,
    SIZE,
    TYPE_ATTRIBUTES,
    Lexicon,
    Value,
    attribute_type,
    category_parts,
    is_color,
)
from search.types import Product

_PLURAL = re.compile(r"[a-z]{2,}s\b")
DESCRIPTION = 600
"""Characters of a description that are looked at for plurals."""
SEPARATOR = " > "
FANCY_LEAST, FANCY_MAKERS, FANCY_SHARE = 12, 3, 0.95
"""When a word of titles stands for a color: products, makers, and the share that has the color and
names no other."""
FANCY_USUAL = 0.35
"""A color that more products have than this says nothing about their words."""
ALL = -1


@dataclass(frozen=True, slots=True)
class Observation:
    """One product: its title, its values by number, those that its fields say without the title
    having to, and the keys in its title (`occurrences`)."""

    product: Product
    title: Title
    truth: frozenset[int]
    fields: frozenset[int]
    found: Mapping[str, tuple[int, int]]


def observe(lexicon: Lexicon, catalogue: Catalogue, sample: Sequence[Product]) -> list[Observation]:
    """Reads the sample, adding to the lexicon what only titles and categories tell: the names of
    categories, fanciful color names, and kinds of thing."""
    _add_categories(lexicon, catalogue)
    titles = [analyze(product.title) for product in sample]
    colors = _add_fancy_colors(lexicon, sample, titles)
    plurals = _plurals(sample)
    headings = [_heading(p, each, colors, plurals) for p, each in zip(sample, titles, strict=True)]
    leaves, stated = _leaf_parts(catalogue), _stated_types(catalogue)
    known = {each.split(" ")[-1] for each in (*leaves, *stated)}
    nouns = plurals | known | enders(headings)
    headings = [soften(heading, nouns) for heading in headings]
    kinds = _add_types(lexicon, count_nouns(headings, known, plurals), headings, leaves, stated)
    return [
        _observation(lexicon, kinds, product, heading)
        for product, heading in zip(sample, headings, strict=True)
    ]


def field_values(lexicon: Lexicon, product: Product) -> set[int]:
    """The values that a product's fields hold, by number."""
    found: set[int] = set()
    sources = lexicon.sources
    if product.brand:
        found.update(sources.get((BRAND, product.brand), ()))
    if product.color:
        found.update(sources.get((COLOR, product.color), ()))
    for name, value in product.attributes.items():
        texts = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
        for text in texts:
            found.update(sources.get((f"attributes.{name}", text), ()))
    for depth in range(1, len(product.category) + 1):
        found.update(sources.get((CATEGORY, SEPARATOR.join(product.category[:depth])), ()))
    return found


def _observation(
    lexicon: Lexicon, kinds: dict[str, int], product: Product, heading: Heading
) -> Observation:
    fields = field_values(lexicon, product)
    words = heading.title.words
    heads = (kinds.get(join(words[start:end])) for start, end in head_spans(heading))
    truth = frozenset(fields | {number for number in heads if number is not None})
    found = occurrences(lexicon, heading.title, truth)
    return Observation(product, heading.title, truth, frozenset(fields), found)


def _heading(product: Product, title: Title, colors: set[str], plurals: set[str]) -> Heading:
    brand = value_stems(product.brand or "")
    values = [value_stems(text) for text in _own_values(product)]
    own = {i for value in values for i in _places(title.words, value)}
    # A value that has a plural is likely a noun (`Battery`), and may name the thing itself.
    masked = tuple(
        (i in own and word not in plurals)
        or word in brand
        or word in colors
        or any(c.isdigit() for c in word)
        for i, word in enumerate(title.words)
    )
    return Heading(title, join(brand), product.category[:2], masked, title.ends)


def _places(words: tuple[str, ...], value: tuple[str, ...]) -> Iterator[int]:
    """Where a value stands in a title, by word."""
    if not value or value[0] not in words:
        return
    for start in range(len(words) - len(value) + 1):
        if words[start : start + len(value)] == value:
            yield from range(start, start + len(value))


def _own_values(product: Product) -> list[str]:
    """What the product's attributes say of it, those that name the thing itself left out, and
    acronyms: they are part of its name (`HDMI cable`)."""
    return [
        value
        for name, value in product.attributes.items()
        if isinstance(value, str) and len(value) <= 30
        if name not in TYPE_ATTRIBUTES and name != "model"
        if not (value.isupper() and attribute_type(name) != SIZE)
    ]


def _add_categories(lexicon: Lexicon, catalogue: Catalogue) -> None:
    """Every category's own name; that of a leaf may also name the kind of thing (`_add_types`)."""
    nodes: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for path, count in catalogue.categories.items():
        for depth in range(1, len(path) + 1):
            nodes[key(path[depth - 1])][path[:depth]] += count
    for each, paths in nodes.items():
        raws = tuple(SEPARATOR.join(path) for path, _ in paths.most_common())
        names = tuple(dict.fromkeys(path[-1] for path, _ in paths.most_common()))
        if each and each not in NO_KINDS:
            value = Value(CATEGORY, names, CATEGORY, raws, paths.total())
            lexicon.add(value, [each], [(CATEGORY, raw) for raw in raws])


def _add_fancy_colors(
    lexicon: Lexicon, sample: Sequence[Product], titles: Sequence[Title]
) -> set[str]:
    """Adds words that titles write in place of a color (`Crimson`) to the color's keys; gives all
    single words for colors."""
    plain = {each for each, found in lexicon.readings.items() if _has(lexicon, found, COLOR)}
    uses: dict[str, Counter[int]] = defaultdict(Counter)
    makers: dict[str, set[str]] = defaultdict(set)
    colors: Counter[int] = Counter()
    for product, title in zip(sample, titles, strict=True):
        values = lexicon.sources.get((COLOR, product.color or ""), ())
        colors.update(values)
        words = set(title.words) - set(value_stems(product.brand or ""))
        instead = () if words & plain else values
        for word in words:
            uses[word].update((*instead, ALL))
            makers[word].add(product.brand or "")
    for word, counts in uses.items():
        total = counts.pop(ALL)
        if total < FANCY_LEAST or len(makers[word]) < FANCY_MAKERS or word in lexicon.readings:
            continue
        number, count = max(counts.items(), key=lambda item: item[1], default=(0, 0))
        rare = colors[number] <= FANCY_USUAL * len(sample)
        if word.isalpha() and rare and count >= FANCY_SHARE * total:
            lexicon.readings.setdefault(word, []).append(number)
            plain.add(word)
    return {each for each in plain if " " not in each and _is_frequent(lexicon, each)}


def _has(lexicon: Lexicon, numbers: list[int], kind: str) -> bool:
    return any(lexicon.values[number].type == kind for number in numbers)


def _is_frequent(lexicon: Lexicon, each: str) -> bool:
    return any(
        lexicon.values[number].type == COLOR and lexicon.values[number].count >= 5
        for number in lexicon.readings[each]
    )


def _add_types(
    lexicon: Lexicon,
    nouns: Nouns,
    headings: Sequence[Heading],
    leaves: Mapping[str, Sequence[tuple[str, ...]]],
    stated: Mapping[str, Sequence[tuple[str, str]]],
) -> dict[str, int]:
    """Adds the kinds of thing; gives key → number. `leaves` and `stated` are what categories and
    attributes name."""
    counts = find_types(nouns)
    forms = surface_forms(headings, counts)
    kinds: dict[str, int] = {}
    for each in dict.fromkeys((*counts, *leaves, *stated)):
        if each in NO_KINDS or each in STOPWORDS:
            continue
        paths, raws = leaves.get(each, []), stated.get(each, [])
        names = [*forms.get(each, []), *(raw for _, raw in raws), *_part_names(paths, each)]
        sources = [(CATEGORY, SEPARATOR.join(path)) for path in paths]
        selecting = sources or [raw for raw in raws if raw[0] == raws[0][0]]
        place = selecting[0][0] if selecting else None
        found = tuple(raw for _, raw in selecting)
        value = Value(PRODUCT_TYPE, tuple(names) or (each,), place, found, counts.get(each, 0))
        kinds[each] = lexicon.add(value, [each], [*sources, *raws])
    return kinds


def _part_names(paths: Sequence[tuple[str, ...]], each: str) -> list[str]:
    """How the categories write a kind, where one is called just that."""
    return [path[-1] for path in paths if key(path[-1]) == each][:1]


def _leaf_parts(catalogue: Catalogue) -> dict[str, list[tuple[str, ...]]]:
    """Kind → the categories whose name lists it."""
    parts: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for path in catalogue.categories:
        for part in category_parts(path[-1]) if path else ():
            parts[part].append(path)
    return parts


def _stated_types(catalogue: Catalogue) -> dict[str, list[tuple[str, str]]]:
    """Kind → the attributes and values that name it."""
    stated: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, counts in catalogue.attribute_counts().items():
        if name not in TYPE_ATTRIBUTES or is_color(name):
            continue
        for raw, _ in counts.most_common():
            if key(raw) and not any(c.isdigit() for c in raw):
                stated[key(raw)].append((f"attributes.{name}", raw))
    return stated


def _plurals(sample: Sequence[Product]) -> set[str]:
    """The stems that the sample also writes in the plural."""
    found: set[str] = set()
    for product in sample:
        text = f"{product.title} {product.description[:DESCRIPTION]}".lower()
        found.update(_PLURAL.findall(text))
    return {stem(word) for word in found if stem(word) != word}
