"""Names of things that look like two words for one thing: seldom in one title, on the same shelf,
described in the same words, and near in meaning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from query.expansion.synonyms import Phrase
from query.intent.dictionary import Sampled
from query.stem import stems
from query.text import words
from search.types import Product, Vectors

FEWEST = 5
"""Titles that must end in a name before anything is said of it."""
SHELF = 3
"""Levels of a category path that make a shelf."""
MOST_NAMES = 2_000
AUDIENCES = frozenset(
    stems(["men's", "women's", "kids", "kids'", "boys", "girls", "baby", "unisex"])
)
MOST_WORDS = 200
"""Words of a product's text that are read."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names of things, by how many titles end in them: as written, their stems, and the places of
    the products they name."""

    written: list[str]
    stems: list[Phrase]
    places: list[list[int]]


@dataclass(frozen=True, slots=True)
class Substitute:
    """Two names and the evidence: `meaning` is the cosine of their vectors, `shelf` the overlap of
    their categories (1 without categories), `context` the cosine of the words around them, and
    `together` the share of titles of the rarer one that hold both."""

    first: str
    second: str
    titles: tuple[int, int]
    meaning: float
    shelf: float
    context: float
    together: float

    @property
    def score(self) -> float:
        """The geometric mean of what speaks for it."""
        product = max(self.meaning, 0.0) * self.shelf * max(self.context, 0.0)
        return float(product ** (1 / 3))


def read_names(sampled: Sampled) -> Names:
    """Every type that at least `FEWEST` titles end in, with all shorter types they end in too."""
    found: dict[Phrase, list[int]] = {}
    for place, head in enumerate(sampled.heads):
        for size in range(1, len(head.stems) + 1):
            ending = head.stems[-size:]
            if ending in sampled.types.written and not _is_described(ending, sampled):
                found.setdefault(ending, []).append(place)
    kept = sorted((p for p, at in found.items() if len(at) >= FEWEST), key=lambda p: -len(found[p]))
    kept = kept[:MOST_NAMES]
    return Names([sampled.types.written[p] for p in kept], kept, [found[phrase] for phrase in kept])


def _is_described(ending: Phrase, sampled: Sampled) -> bool:
    """Whether a name says more than what the thing is: `ceramic teapot`, `kids runners`."""
    return any(sampled.values[(stem,)] > 1 or stem in AUDIENCES for stem in ending[:-1])


def find_substitutes(sampled: Sampled, names: Names, vectors: Vectors | None) -> list[Substitute]:
    """Every pair of names without a common word, best first; `vectors` are those of the names."""
    if len(names.written) < 2:
        return []
    shelves = _shelves(sampled.products, names)
    contexts = _contexts(sampled.products, names)
    meaning = vectors @ vectors.T if vectors is not None else contexts
    titles = [set(title) for title in sampled.stems]
    found = []
    for a, b in zip(*np.nonzero(np.triu(shelves * (meaning > 0.3), 1) > 0.2), strict=True):
        if _is_pair(names, int(a), int(b)):
            found.append(_pair(names, titles, int(a), int(b), (meaning, shelves, contexts)))
    return sorted(found, key=lambda each: -each.score)


def _is_pair(names: Names, a: int, b: int) -> bool:
    """Two names without a common word; not one name written together and apart."""
    joined = ["".join(stems([names.written[each].replace(" ", "")])) for each in (a, b)]
    return not set(names.stems[a]) & set(names.stems[b]) and joined[0] != joined[1]


def without_longer(found: Sequence[Substitute]) -> list[Substitute]:
    """Leaves out a pair that a better one's words say already (`hair wash` after `wash`)."""
    kept: list[Substitute] = []
    seen: set[tuple[str, str]] = set()
    for each in found:
        ends = {(a, b) for a in _endings(each.first) for b in _endings(each.second)}
        if not ends & seen:
            kept.append(each)
        seen |= {(each.first, each.second), (each.second, each.first)}
    return kept


def _endings(text: str) -> list[str]:
    parts = text.split()
    return [" ".join(parts[start:]) for start in range(len(parts))]


def _pair(
    names: Names,
    titles: Sequence[set[str]],
    a: int,
    b: int,
    evidence: tuple[NDArray[np.float32], ...],
) -> Substitute:
    both = max(
        sum(titles[place].issuperset(names.stems[other]) for place in names.places[one])
        / len(names.places[one])
        for one, other in ((a, b), (b, a))
    )
    meaning, shelf, context = (float(each[a, b]) for each in evidence)
    counts = (len(names.places[a]), len(names.places[b]))
    return Substitute(names.written[a], names.written[b], counts, meaning, shelf, context, both)


def _shelves(products: Sequence[Product], names: Names) -> NDArray[np.float32]:
    """How much of two names' products lies in the same categories; 1 without categories."""
    ids: dict[Phrase, int] = {}
    rows = [
        [ids.setdefault(products[p].category[:SHELF], len(ids)) for p in at] for at in names.places
    ]
    shares = np.zeros((len(rows), max(1, len(ids))), np.float32)
    for row, columns in enumerate(rows):
        for column, n in Counter(columns).items():
            shares[row, column] = n / len(columns)
    return np.array([np.minimum(row, shares).sum(axis=1) for row in shares], np.float32)


def _contexts(products: Sequence[Product], names: Names) -> NDArray[np.float32]:
    """Cosines of the names' contexts: the words of their products' texts, by tf-idf, less those of
    the names themselves."""
    needed = sorted({place for at in names.places for place in at})
    ids: dict[str, int] = {}
    rows, columns = [], []
    for row, place in enumerate(needed):
        product = products[place]
        text = stems(words(f"{product.title} {product.description}"[:2_000])[:MOST_WORDS])
        for stem in set(text):
            rows.append(row)
            columns.append(ids.setdefault(stem, len(ids)))
    shape = (len(needed), len(ids))
    held = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    rarity = np.log(len(needed) / np.maximum(1, np.asarray(held.sum(axis=0)).ravel()))
    at = {place: row for row, place in enumerate(needed)}
    profiles = np.stack(
        [np.asarray(held[[at[p] for p in places]].mean(axis=0)).ravel() for places in names.places]
    )
    own = [ids[stem] for phrase in names.stems for stem in phrase if stem in ids]
    profiles[:, own] = 0
    weighted = (np.sqrt(profiles) * rarity).astype(np.float32)
    weighted /= np.maximum(np.linalg.norm(weighted, axis=1, keepdims=True), 1e-9)
    cosines: NDArray[np.float32] = weighted @ weighted.T
    return cosines
