"""The kinds of thing a catalogue sells, as its titles and categories name them.

A noun that names a kind of thing ends the phrases of titles (`… Floor Lamp, 135 cm`), whoever the
maker, and stays within a few departments; names of series end phrases too, and roam. Longer names
(`floor lamp`) are kept where the added word goes with few nouns; `large lamp` is not a kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from query.entities.keys import join
from query.entities.titles import STOPWORDS, Title

LONGEST_NAME = 3
LEAST_MAKERS = 2
LEAST_PRODUCTS = 3
LEAST_COMPOUNDS = 2
LEAST_HEADNESS = 0.2
"""Of the phrases a noun is in, how many it must end."""
LEAST_STRONG = 0.2
"""Of those, how many must end at punctuation, not at a number (as `Size 9` does)."""
LEAST_CONCENTRATION = 0.6
"""Of a noun's products, how many must lie in its three largest departments."""
LEAST_ATTACHMENT = 0.12
"""Of the occurrences of a modifier, how many must stand before the very noun."""
LEAST_PART = 0.2
"""Or of the occurrences of the noun, how many must stand behind the very modifier."""
LEAST_MODIFIER_CONCENTRATION = 0.45
"""Like `LEAST_CONCENTRATION`, for the words before the noun: names of series are everywhere."""
LEAST_AT_ALL = 0.1
"""The same, whatever else speaks for a noun."""
ADJECTIVES = ("ed", "able", "ible", "proof", "free", "less", "ful")
"""Endings of words that are hardly nouns, unless they have a plural."""
SURE_PRODUCTS, SURE_HEADNESS, SURE_CONCENTRATION, SURE_MAKERS = 8, 0.35, 0.9, 5
"""What a noun must reach that is never seen in the plural; makers where there are no departments.
"""
LEAST_UNIT_SHARE = 0.5
"""Words that follow a number this often are units."""


AUDIENCES = frozenset(
    {"man", "woman", "child", "kid", "boy", "girl", "baby", "toddler", "adult", "unisex", "teen"}
)
SIZES = frozenset(
    {"size", "small", "medium", "large", "big", "mini", "wide", "us", "uk", "eu", "xs", "xl", "xxl"}
    | {"queen", "king"}
)
NO_KINDS = (
    AUDIENCES | SIZES | frozenset({"color", "style", "version", "edition", "model", "brand", "one"})
)
"""English words that stand where nouns do and name no kind of thing."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A title with who made the product, its department (the first two categories), which of its
    words cannot name a kind (brand, colors, the product's own values, numbers), and after which a
    name may end: where the phrase does, or before a word that is no noun (`keyboard USB`)."""

    title: Title
    maker: str
    department: tuple[str, ...]
    masked: tuple[bool, ...]
    ends: tuple[bool, ...]


@dataclass(slots=True)
class _Noun:
    products: int = 0
    strong: int = 0
    """Products where punctuation or a preposition ends the phrase, not a number."""
    makers: set[str] = field(default_factory=set)
    departments: Counter[tuple[str, ...]] = field(default_factory=Counter)


@dataclass(slots=True)
class Nouns:
    """What ends phrases, and how often. `known` are the last words of categories and of attributes
    that name the thing, `plurals` the stems that the catalogue also writes in the plural."""

    known: set[str]
    plurals: set[str]
    heads: dict[tuple[str, ...], _Noun] = field(default_factory=dict)
    phrases: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    behind_number: Counter[str] = field(default_factory=Counter)
    modified: dict[str, Counter[tuple[str, ...]]] = field(default_factory=dict)
    """The departments of the products in whose name a word stands before the noun."""


def head_spans(heading: Heading) -> Iterator[tuple[int, int]]:
    """The spans that may name a kind: outside of tails, one to three words before an end, with
    masked words left out at either side."""
    title, masked = heading.title, heading.masked
    start = 0
    for i, ends in enumerate(heading.ends):
        if not ends:
            continue
        end = i + 1
        while end > start and (masked[end - 1] or title.words[end - 1] in STOPWORDS):
            end -= 1
        if end > start and not title.tail[end - 1]:
            for size in range(1, LONGEST_NAME + 1):
                first = end - size
                if first < start or masked[first] or title.words[first] in STOPWORDS:
                    break
                yield first, end
        if title.ends[i]:
            start = i + 1


def soften(heading: Heading, nouns: Container[str]) -> Heading:
    """The heading with an end after every noun that no noun follows."""
    words, masked = heading.title.words, heading.masked
    ends = tuple(
        end or (words[i] in nouns and (masked[i + 1] or words[i + 1] not in nouns))
        for i, end in enumerate(heading.ends)
    )
    return replace(heading, ends=ends)


def enders(headings: Sequence[Heading]) -> set[str]:
    """The words that end phrases of several makers' titles: likely nouns."""
    makers: dict[str, set[str]] = defaultdict(set)
    for heading in headings:
        for start, end in head_spans(heading):
            if end == start + 1:
                makers[heading.title.words[start]].add(heading.maker)
    return {word for word, found in makers.items() if len(found) > LEAST_MAKERS}


def count_nouns(headings: Sequence[Heading], known: set[str], plurals: set[str]) -> Nouns:
    """Counts what ends the phrases of titles."""
    nouns = Nouns(known=known, plurals=plurals)
    for heading in headings:
        _count(nouns, heading)
    return nouns


def _count(nouns: Nouns, heading: Heading) -> None:
    words, ends = heading.title.words, heading.title.ends
    for i, word in enumerate(words):
        nouns.phrases[word] += 1
        if i and words[i - 1].isdigit():
            nouns.behind_number[word] += 1
        if i and not ends[i - 1]:
            nouns.pairs[words[i - 1], word] += 1
            nouns.after[words[i - 1]] += 1
    for start, end in {words[s:e]: (s, e) for s, e in head_spans(heading)}.values():
        noun = nouns.heads.setdefault(words[start:end], _Noun())
        noun.products += 1
        noun.strong += end == len(words) or not any(c.isdigit() for c in words[end])
        noun.makers.add(heading.maker)
        if heading.department:
            noun.departments[heading.department] += 1
            if end - start > 1:
                modified = nouns.modified.setdefault(words[start], Counter())
                modified[heading.department] += 1


def find_types(nouns: Nouns) -> dict[str, int]:
    """Key → products, of every name of a kind of thing that titles use."""
    is_noun = {words[0]: _is_noun(nouns, words[0]) for words in nouns.heads if len(words) == 1}
    return {
        join(words): noun.products
        for words, noun in nouns.heads.items()
        if is_noun.get(words[-1], False)
        and len(noun.makers) >= LEAST_MAKERS
        and noun.products >= (LEAST_PRODUCTS if len(words) == 1 else LEAST_COMPOUNDS)
        and all(_attached(nouns, words[i:], is_noun, i > 0) for i in range(len(words) - 1))
    }


def _is_noun(nouns: Nouns, word: str) -> bool:
    noun = nouns.heads[word,]
    if not word.isalpha() or word in NO_KINDS or _is_unit(nouns, word):
        return False
    if len(noun.makers) < LEAST_MAKERS or noun.products < LEAST_PRODUCTS:
        return False
    if word in nouns.known:
        return True
    if noun.strong < LEAST_AT_ALL * noun.products:
        return False
    headness = noun.products / nouns.phrases[word]
    concentration = _concentration(noun.departments)
    narrow = noun.departments or len(noun.makers) >= SURE_MAKERS
    sure = headness >= SURE_HEADNESS and concentration >= SURE_CONCENTRATION
    if narrow and sure and noun.products >= SURE_PRODUCTS and not word.endswith(ADJECTIVES):
        return True
    if len(word) < 3:
        return False
    strong = noun.strong >= LEAST_STRONG * noun.products
    if not strong and not (noun.departments and concentration >= SURE_CONCENTRATION):
        return False
    return (
        word in nouns.plurals
        and headness >= LEAST_HEADNESS
        and concentration >= LEAST_CONCENTRATION
    )


def _is_unit(nouns: Nouns, word: str) -> bool:
    return nouns.behind_number[word] > LEAST_UNIT_SHARE * nouns.phrases[word]


def _concentration(departments: Counter[tuple[str, ...]]) -> float:
    if not departments:
        return 1.0
    largest = sum(count for _, count in departments.most_common(3))
    return largest / departments.total()


def _attached(
    nouns: Nouns, words: tuple[str, ...], is_noun: Mapping[str, bool], within: bool
) -> bool:
    """Whether the first word belongs to the name that the others are. A single letter belongs to
    the word before it (`usb c cable`)."""
    modifier, head = words[0], words[1]
    if len(modifier) == 1:
        return within
    if modifier in NO_KINDS or _is_unit(nouns, modifier):
        return False
    if _concentration(nouns.modified.get(modifier, Counter())) < LEAST_MODIFIER_CONCENTRATION:
        return False
    together = nouns.pairs[modifier, head]
    often = together >= min(
        LEAST_ATTACHMENT * nouns.after[modifier], LEAST_PART * nouns.phrases[head]
    )
    return often or is_noun.get(modifier, False)


def surface_forms(headings: Sequence[Heading], keys: dict[str, int]) -> dict[str, list[str]]:
    """Key → the ways titles write it, most frequent first, at most four."""
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for heading in headings:
        for start, end in head_spans(heading):
            each = join(heading.title.words[start:end])
            if each in keys:
                forms[each][" ".join(heading.title.forms[start:end])] += 1
    return {each: [form for form, _ in counts.most_common(4)] for each, counts in forms.items()}
