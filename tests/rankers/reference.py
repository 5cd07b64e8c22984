"""The features of words and titles, written plainly: what the kernels must equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from rankers.features.coding import FUNCTION_WORDS, MARKERS, QUERY_MARKERS
from search.types import TextRows

K1, B = 1.2, 0.75
NAN = math.nan
REFUSING, ARTICLES = {"without", "no", "non"}, {"a", "an", "the", "any", "added"}


def telling(query: Sequence[str]) -> list[str]:
    """The distinct words that say something."""
    words = list(dict.fromkeys(query))
    return [word for word in words if word not in FUNCTION_WORDS] or words


def negated(title: Sequence[str], place: int) -> bool:
    """Whether the title says that it has not this word of its own."""
    if list(title[place + 1 : place + 2]) == ["free"]:
        return True
    before = [word for word in title[:place]]
    while before and before[-1] in ARTICLES:
        before.pop()
    return bool(before) and before[-1] in REFUSING


def lenient(query: Sequence[str], word: str) -> bool:
    """Whether the query negates the word itself."""
    pairs = list(pairwise(query))
    return (word, "free") in pairs or any(a in REFUSING and b == word for a, b in pairs)


def seen(title: Sequence[str], query: Sequence[str]) -> list[str | None]:
    """The title with only those words that the query asks for."""
    return [
        word if word in query and (lenient(query, word) or not negated(title, place)) else None
        for place, word in enumerate(title)
    ]


def idf(rows: TextRows, code: int) -> float:
    known = int(rows.documents[code]) if 0 <= code < len(rows.documents) else 0
    return math.log(1 + (rows.base - known + 0.5) / (known + 0.5))


def bm25(
    words: Sequence[str | None], query: Sequence[str], idfs: Sequence[float], mean: float
) -> float:
    if not words:
        return NAN
    total, norm = 0.0, K1 * (1 - B + B * len(words) / max(mean, 1.0))
    for word, weight in zip(telling(query), idfs, strict=True):
        tf = list(words).count(word)
        total += weight * tf * (K1 + 1) / (tf + norm) if tf else 0.0
    return total


def share(words: Sequence[str | None], wanted: Sequence[str], weights: Sequence[float]) -> float:
    whole = sum(weights)
    found = sum(w for word, w in zip(wanted, weights, strict=True) if word in words)
    return found / whole if whole else NAN


def purpose(query: Sequence[str]) -> list[str]:
    places = [i for i, word in enumerate(query) if i and word in QUERY_MARKERS]
    if not places:
        return []
    after = [w for w in query[places[0] + 1 :] if w not in query[: places[0]]]
    return [word for word in telling(query) if word in after]


def main_part(title: Sequence[str]) -> int:
    return next((i for i, word in enumerate(title) if i and word in MARKERS), len(title))


def longest_run(title: Sequence[str | None], query: Sequence[str]) -> int:
    return max(
        (
            size
            for start in range(len(query))
            for size in range(1, len(query) - start + 1)
            for at in range(len(title) - size + 1)
            if list(title[at : at + size]) == list(query[start : start + size])
        ),
        default=0,
    )


def window(title: Sequence[str | None], wanted: set[str]) -> int:
    return min(
        end - start
        for start in range(len(title))
        for end in range(start + 1, len(title) + 1)
        if wanted <= set(title[start:end])
    )


def title_features(title: list[str], query: list[str]) -> dict[str, float]:
    """The group `titles`, but for refusals."""
    if not title or not query:
        return {}
    own, words = seen(title, query), telling(query)
    end = main_part(title)
    found = [word for word in words if word in own]
    main, pairs = own[:end], list(pairwise(query))
    after_query = purpose(query)
    what = [word for word in found if word not in after_query]
    head = next((w for w in reversed(query) if w in words and w not in after_query), words[-1])
    if all(word in after_query for word in words):
        head = next(w for w in reversed(query) if w in words)
    run = longest_run(own, query)
    ordered = [a in own and b in own and own.index(a) < own.index(b) for a, b in pairs]
    return {
        "title_precision": sum(word is not None for word in own) / len(title),
        "title_run": run / len(query),
        "title_order": sum(ordered) / len(ordered) if ordered else NAN,
        "title_first_place": min((own.index(word) for word in found), default=NAN),
        "title_density": len(found) / window(own, set(found)) if found else NAN,
        "title_phrase": float(run == len(query)),
        "title_equal": float(run == len(query) == len(title)),
        "head_in_title": float(head in own),
        "head_to_end": end - 1 - max(i for i in range(end) if own[i] == head)
        if head in main
        else NAN,
        "head_beyond": float(head in own and head not in main),
        "first_in_title": float(words[0] in own),
        "title_beyond": sum(word not in main for word in what) / len(what) if what else NAN,
        "for_beyond": sum(w in own and w not in main for w in after_query) / len(after_query)
        if after_query
        else NAN,
    }
