"""Highlighting: the words of the query marked in a product's texts."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import lru_cache

import tantivy

from search.types import Product

_WORD = re.compile(r"\w+")
_SNIPPET = 200
_STEMMER = (
    tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw())
    .filter(tantivy.Filter.stemmer("english"))
    .build()
)


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    return "".join(_STEMMER.analyze(word))


def mark(text: str, stems: frozenset[str]) -> str:
    """The text as HTML, matching words inside <mark>; everything else is escaped."""
    parts, end = [], 0
    for match in _WORD.finditer(text):
        if _stem(match[0].lower()) in stems:
            parts.append(html.escape(text[end : match.start()]))
            parts.append(f"<mark>{html.escape(match[0])}</mark>")
            end = match.end()
    return "".join((*parts, html.escape(text[end:])))


def snippet(text: str, stems: frozenset[str], length: int = _SNIPPET) -> str:
    """The part of a long text around its first matching word."""
    if len(text) <= length:
        return text
    first = next((m.start() for m in _WORD.finditer(text) if _stem(m[0].lower()) in stems), 0)
    start = max(0, first - length // 4)
    return ("…" if start else "") + text[start : start + length].strip() + "…"


def highlight(product: Product, terms: Sequence[str]) -> dict[str, str]:
    """HTML of `title`, and of `description` where a word matches it."""
    stems = frozenset(_stem(term) for term in terms)
    marked = {"title": mark(product.title, stems)}
    described = mark(snippet(product.description, stems), stems)
    if "<mark>" in described:
        marked["description"] = described
    return marked
