"""The values of the catalogue's fields as things a query may name.

A value has the keys it is recognized by (`keys.key`), the ways the catalogue writes it, and the raw
values its filter lists. Spelling variants are one value; a color is also found in the combined and
the finer ones (`Black,Silver`, `Dark Brown`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from query.entities.catalogue import Catalogue
from query.entities.keys import join, key, stems
from query.entities.titles import STOPWORDS

BRAND, COLOR, SIZE, MATERIAL = "brand", "color", "size", "material"
PRODUCT_TYPE, CATEGORY = "product_type", "category"
TYPE_ATTRIBUTES = frozenset({"product_type", "producttype", "item_type", "type_of_product"})
"""Attributes whose values name the thing itself."""
LONGEST = 5
"""Words of a value at most."""
RAW_VALUES = 2_000
"""Raw values a filter lists at most, most frequent first."""
LEAST_BASE_COLOR = 3
"""Products a color needs to be looked for within other colors."""
PARTS = re.compile(r"[,/&+|;]|\band\b")

Source = tuple[str, str]
"""A field of a product and the raw value in it."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value. `forms` are the ways to write it, most frequent first; `filter` and `raws` select
    its products, None where no field does; `count` of products in the catalogue have it."""

    type: str
    forms: tuple[str, ...]
    filter: str | None = None
    raws: tuple[str, ...] = ()
    count: int = 0


@dataclass(slots=True)
class Lexicon:
    """Every value, the keys that may stand for each, and what in a product makes it true."""

    values: list[Value] = field(default_factory=list)
    readings: dict[str, list[int]] = field(default_factory=dict)
    """Key → the numbers of the values it may mean."""
    sources: dict[Source, tuple[int, ...]] = field(default_factory=dict)
    """Field and raw value → the numbers of the values it says are true."""

    def add(self, value: Value, keys: Iterable[str], sources: Iterable[Source]) -> int:
        """Adds a value and gives its number."""
        number = len(self.values)
        self.values.append(value)
        for each in keys:
            if each and each.count(" ") < LONGEST:
                self.readings.setdefault(each, []).append(number)
        for source in sources:
            self.sources[source] = (*self.sources.get(source, ()), number)
        return number


def read_fields(catalogue: Catalogue) -> Lexicon:
    """The lexicon of brands, colors and attributes."""
    lexicon = Lexicon()
    _brands(lexicon, catalogue.brands)
    _colors(lexicon, catalogue.colors, catalogue.attribute_counts())
    _attributes(lexicon, catalogue.attribute_counts())
    return lexicon


def _grouped(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Key → raw values, most frequent first."""
    groups: dict[str, list[str]] = defaultdict(list)
    for raw in sorted(counts, key=lambda raw: (-counts[raw], raw)):
        groups[key(raw)].append(raw)
    groups.pop("", None)
    return groups


def _brands(lexicon: Lexicon, counts: Counter[str]) -> None:
    groups = _grouped(counts)
    firsts = Counter(each.split(" ", 1)[0] for each in groups)
    lines = _product_lines(counts)
    for each, forms in groups.items():
        raws = (*forms, *lines.get(each, ()))
        value = Value(BRAND, tuple(forms), BRAND, raws, sum(counts[raw] for raw in raws))
        aliases = [alias for alias in _aliases(each, forms[0], firsts) if alias not in groups]
        lexicon.add(value, [each, *aliases], [(BRAND, raw) for raw in raws])


def _product_lines(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """Brand → the brands that are lines of it: `Koolaburra by UGG` is UGG's."""
    lines: dict[str, list[str]] = defaultdict(list)
    for raw in counts:
        _, by, owner = raw.casefold().rpartition(" by ")
        if by:
            lines[key(owner)].append(raw)
    return lines


def _aliases(each: str, raw: str, firsts: Mapping[str, int]) -> Iterator[str]:
    """Other ways to name a brand: in one word (`tplink`), without its domain (`startech`), by its
    first word where no other brand begins with it (`kingston`)."""
    parts = each.split(" ")
    if "-" in raw and len(parts) > 1:
        yield "".join(parts)
    if re.search(r"\.(com|net|org)$", each):
        yield each.rsplit(".", 1)[0]
    first = parts[0]
    if len(parts) > 1 and firsts[first] == 1 and len(first) > 3 and first not in STOPWORDS:
        yield first


def _colors(lexicon: Lexicon, counts: Counter[str], attributes: Mapping[str, Counter[str]]) -> None:
    groups = _grouped(counts)
    parts = Counter[str]()
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for raw, count in counts.items():
        for part in filter(None, map(str.strip, PARTS.split(raw))):
            parts[key(part)] += count
            forms[key(part)][part] += count
    least = max(LEAST_BASE_COLOR, sum(counts.values()) // 2000)
    base = {c for c, n in parts.items() if " " not in c and n >= least and c.isalpha()}
    holding = _holding(counts, base)
    others = _other_colors(attributes, base)
    for each in dict.fromkeys([*groups, *(part for part in parts if part in base)]):
        combined = PARTS.search(groups.get(each, [""])[0]) and all(
            word in base for word in each.split(" ")
        )
        # `Black Leather` is black, of leather; `Navy Blue` is a color of its own.
        described = each.split(" ")[0] in base and each.split(" ")[-1] not in base
        if (
            not each
            or combined
            or (described and " " in each)
            or any(c.isdigit() for c in each)
            or each in STOPWORDS
        ):
            continue
        raws = holding.get(each) if each in base else groups[each]
        raws = (raws or groups.get(each, []))[:RAW_VALUES]
        names = tuple(raw for raw in forms.get(each, {}) if raw) or tuple(groups.get(each, ()))
        names = tuple(sorted(names, key=lambda form: -forms[each][form]))
        value = Value(COLOR, names, COLOR, tuple(raws), sum(counts[raw] for raw in raws))
        lexicon.add(value, [each], [(COLOR, raw) for raw in raws] + others.get(each, []))


def _holding(counts: Counter[str], base: set[str]) -> dict[str, list[str]]:
    """Base color → the raw values that name it, most frequent first."""
    holding: dict[str, list[str]] = defaultdict(list)
    for raw, _ in counts.most_common():
        for word in dict.fromkeys(stems(raw)):
            if word in base:
                holding[word].append(raw)
    return holding


def _other_colors(
    attributes: Mapping[str, Counter[str]], base: set[str]
) -> dict[str, list[Source]]:
    """Base color → values of attributes about color (`cable_color`) that say so too."""
    others: dict[str, list[Source]] = defaultdict(list)
    for name, counts in attributes.items():
        if is_color(name):
            for raw in counts:
                for word in set(stems(raw)) & base:
                    others[word].append((f"attributes.{name}", raw))
    return others


def is_color(name: str) -> bool:
    """Whether an attribute is about color, by its name."""
    return "color" in name or "colour" in name


def attribute_type(name: str) -> str:
    """What an attribute's values are called: `material` and `size` whatever stands around it."""
    words = re.split(r"[^a-z0-9]+", name.casefold())
    if MATERIAL in words:
        return MATERIAL
    if words[0] == SIZE and len(words) <= 2:
        return SIZE
    return name


def _attributes(lexicon: Lexicon, attributes: Mapping[str, Counter[str]]) -> None:
    best: dict[tuple[str, str], tuple[int, str, list[str]]] = {}
    for name, counts in attributes.items():
        if is_color(name) or name in TYPE_ATTRIBUTES or _is_identifier(counts):
            continue
        for each, raws in _grouped(counts).items():
            total = sum(counts[raw] for raw in raws)
            known = best.get((attribute_type(name), each))
            if total > 1 and _is_word(each) and (known is None or total > known[0]):
                best[attribute_type(name), each] = (total, name, raws)
    for (kind, each), (total, name, raws) in best.items():
        place = f"attributes.{name}"
        value = Value(kind, tuple(raws), place, tuple(raws), total)
        lexicon.add(value, [each], [(place, raw) for raw in raws])


def _is_identifier(counts: Counter[str]) -> bool:
    return len(counts) > 0.5 * counts.total() and counts.total() > 10


def _is_word(each: str) -> bool:
    return any(c.isalpha() for c in each) and each not in STOPWORDS and len(each.split()) <= 4


def category_parts(name: str) -> list[str]:
    """The kinds of thing a category's name lists: `Beds, Frames & Bases` has three."""
    found = (join(stems(part)) for part in PARTS.split(name.casefold()))
    return [part for part in found if part]
