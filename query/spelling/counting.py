"""What a catalogue's words are counted from while its products pass by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from query.parts import Corpus, LoggedQuery
from query.text import words
from search.types import AttributeValue, Product

LINES = 60_000
"""Products whose words are remembered in order; beyond that, every second, fourth, ..."""
MOST_WORDS = 2_000_000
BREAK = "|"
"""Stands between fields of a line: words on both sides are not neighbors."""

TITLE, FIELD, ATTRIBUTE, DESCRIPTION = 1.0, 0.5, 0.2, 0.1
"""What a word counts for in each field."""
ASKED_WORDS = ("without", "under", "below", "between", "less", "cheap")
"""Words of conditions: typed far more often than titles have them."""
ASKED = 0.02
"""What each counts for at least, as a share of the products."""
LOG_LINE = 3.0
"""What a logged query counts for at most, as a line, against a title's 1, for each power of two of
its count."""


class CatalogueCounts:
    """Counts words of titles, brands, categories and colors, and keeps some lines of text."""

    def __init__(self) -> None:
        self.titles: Counter[str] = Counter()
        self.brands: Counter[str] = Counter()
        self.categories: Counter[tuple[str, ...]] = Counter()
        self.colors: Counter[str] = Counter()
        self._lines: list[tuple[str, str | None, str | None, str]] = []
        self._stride, self._seen = 1, 0

    def add(self, product: Product) -> None:
        """Notes one product."""
        self.titles.update(words(product.title))
        if product.brand:
            self.brands[product.brand] += 1
        if product.category:
            self.categories[product.category] += 1
        if product.color:
            self.colors[product.color] += 1
        if self._seen % self._stride == 0:
            self._keep(product)
        self._seen += 1
        if len(self.titles) > MOST_WORDS:
            self.titles = Counter({word: n for word, n in self.titles.items() if n > 1})

    def lines(self) -> Iterator[list[str]]:
        """What the kept products are called: category, brand, title and color, each as words, with
        `BREAK` between them."""
        for title, brand, color, category in self._lines:
            fields = [category, brand or "", title, color or ""]
            yield (
                BREAK.join(" ".join(words(field)) + " " for field in fields)
                .replace(BREAK, f" {BREAK} ")
                .split()
            )

    def titles_kept(self) -> list[list[str]]:
        """The words of each kept title."""
        return [words(title) for title, *_ in self._lines]

    def _keep(self, product: Product) -> None:
        category = product.category[-1] if product.category else ""
        self._lines.append((product.title, product.brand, product.color, category))
        if len(self._lines) > LINES:
            del self._lines[1::2]
            self._stride *= 2


def weighted_words(counts: CatalogueCounts, corpus: Corpus) -> dict[str, float]:
    """How much each word is used, over all fields and the query log, in uses in a title."""
    weights: dict[str, float] = {word: TITLE * n for word, n in counts.titles.items()}
    scale = max(1.0, corpus.count / max(1, len(corpus.sample)))
    for text, uses in _fields(counts):
        _count(weights, text, FIELD * uses)
    for product in corpus.sample:
        _count(weights, _text(product.description), DESCRIPTION * scale)
        for value in product.attributes.values():
            _count(weights, _text(value), ATTRIBUTE * scale)
    for logged in corpus.query_log:
        if trusted(logged):
            _count(weights, logged.text, float(min(logged.count, 1000)))
    for word in ASKED_WORDS:
        weights[word] = max(weights.get(word, 0.0), ASKED * corpus.count)
    return weights


def trusted(logged: LoggedQuery) -> bool:
    """True for a logged query that found something, as far as the log tells; what was typed once or
    twice proves nothing without a click."""
    if logged.results == 0:
        return False
    return bool(logged.clicks) or (logged.clicks is None and logged.count >= 3)


def _fields(counts: CatalogueCounts) -> Iterator[tuple[str, int]]:
    yield from counts.brands.items()
    yield from counts.colors.items()
    for path, uses in counts.categories.items():
        yield " ".join(path), uses


def _text(value: AttributeValue) -> str:
    text = " ".join(value) if isinstance(value, tuple) else value
    # Exports often hold line breaks as a backslash and an n, which would stick to the next word.
    return text.replace("\\n", " ") if isinstance(text, str) else ""


def _count(weights: dict[str, float], text: str, weight: float) -> None:
    for word in _with_parts(words(text)):
        weights[word] = weights.get(word, 0.0) + weight


def _with_parts(found: Iterable[str]) -> Iterator[str]:
    """`startech.com` is also written without its ending."""
    for word in found:
        yield word
        if "." in word:
            yield from word.split(".")
