"""Ridge regression on what a linear ranker leaves unexplained of the gains, within queries.

One unknown for every word and pair of words that enough judged products have, and apart from these
a bilinear form over embeddings (Bai et al. 2009, supervised semantic indexing).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import LinearOperator, lsqr

from rankers.associations import ABSENT, HEAD, MOST_PAIRS, PRESENT, Associations, Pairs
from training.linear import LinearSettings, fit_linear, prepare
from training.tables import JudgedQuery, Tables, Values
from training.wording import ProductText

FEWEST = 4
"""Judged products that must have a word or a pair."""
WORD_PENALTY, MEANING_PENALTY = 300.0, 10.0
"""In judged products: so much evidence weighs as much as the prior, 0."""
BASE = LinearSettings(penalty=16.0)
"""The linear ranker whose errors are explained."""
_STEPS = 20
_PAIR, _PAIR_HEAD = 3, 4
"""Kinds of unknowns behind the rows of `Associations.alone`."""
_BITS = 29
_LOW = (1 << _BITS) - 1
Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The judged rows of queries: what is left to explain of each (`left`, with mean 0 in every
    query), where queries begin among them, and whose they are."""

    left: Values
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    queries: tuple[JudgedQuery, ...]
    judged: tuple[NDArray[np.int64], ...]

    def centered(self, values: NDArray[Any]) -> NDArray[Any]:
        """With the mean of every query taken off."""
        means = (np.add.reduceat(values, self.starts, 0).T / self.sizes).T
        return np.asarray(values - np.repeat(means, self.sizes, axis=0))


def fit_associations(tables: Tables, seed: int) -> Associations:
    """What the judgments of these queries teach."""
    evidence = _evidence(tables, seed)
    words = words_of(tables.queries)
    keys, weights = _fit_words(evidence, words)
    return _assembled(keys, weights, words, _fit_meaning(evidence))


def words_of(queries: Sequence[JudgedQuery]) -> Mapping[int, str]:
    """Which word has a code; the queries of one collection share them."""
    return next((each.wording.words for each in queries if each.wording is not None), {})


def _evidence(tables: Tables, seed: int) -> _Evidence:
    judged = [np.flatnonzero(~np.isnan(each.gains)) for each in tables.queries]
    kept = [i for i, rows in enumerate(judged) if len(rows) > 1]
    rows = np.concatenate([tables.offsets[i] + judged[i] for i in kept])
    sizes = np.array([len(judged[i]) for i in kept], np.int64)
    starts = np.cumsum(sizes) - sizes
    queries = tuple(tables.queries[i] for i in kept)
    found = _Evidence(np.empty(0), starts, sizes, queries, tuple(judged[i] for i in kept))
    scores = found.centered(fit_linear(prepare(tables, seed), BASE).scores(tables.values)[rows])
    gains = found.centered(tables.gains[rows])
    slope = float(scores @ gains) / max(float(scores @ scores), 1e-12)
    return replace(found, left=np.asarray(gains - slope * scores, np.float64))


def _fit_words(evidence: _Evidence, words: Mapping[int, str]) -> tuple[Keys, Values]:
    """The unknowns of words, ascending, and their weights."""
    rows, keys = _unknowns(evidence)
    names, column, counts = np.unique(keys, return_inverse=True, return_counts=True)
    known = np.fromiter(words, np.int64, len(words))
    kept = counts >= FEWEST
    kept &= np.isin(names & _LOW, known)
    kept &= np.isin(names >> _BITS & _LOW, known) | (names >> 2 * _BITS < _PAIR)
    place, used = np.cumsum(kept) - 1, kept[column]
    design = csr_matrix(
        (np.ones(int(used.sum()), np.float32), (rows[used], place[column[used]])),
        shape=(len(evidence.left), int(kept.sum())),
    )
    back = design.T.tocsr()
    unknowns = int(kept.sum())

    def forward(weights: Values) -> Values:
        return np.asarray(design @ weights, np.float64)

    def backward(left: Values) -> Values:
        return np.asarray(back @ left, np.float64)

    weights = _ridge(evidence, unknowns, forward, backward, WORD_PENALTY)
    return names[kept], weights


def _unknowns(evidence: _Evidence) -> tuple[NDArray[np.int64], Keys]:
    """Which row has which unknown: a kind, a code of the query where it is a pair, a code of the
    title."""
    rows, keys, row = [], [], 0
    for query, judged in zip(evidence.queries, evidence.judged, strict=True):
        assert query.wording is not None
        own = query.wording.query.astype(np.int64)
        for place in judged.tolist():
            found = _unknowns_of(own, query.wording.products[place])
            keys.append(found)
            rows.append(np.full(len(found), row))
            row += 1
    return np.concatenate(rows), np.concatenate(keys)


def _unknowns_of(own: Keys, product: ProductText) -> Keys:
    title = np.unique(product.title).astype(np.int64)
    head = product.kind[-1:].astype(np.int64)
    present = np.isin(title, own)
    pairs = _key(_PAIR, own[:, None], title[None, :])[own[:, None] != title[None, :]]
    return np.concatenate(
        [
            _key(ABSENT, 0, title[~present]),
            _key(PRESENT, 0, title[present]),
            _key(HEAD, 0, head),
            pairs,
            _key(_PAIR_HEAD, own[:, None], head[None, :]).ravel(),
        ]
    )


def _key(kind: int, query: Keys | int, title: Keys) -> Keys:
    keys: Keys = (np.int64(kind) << 2 * _BITS) | (np.asarray(query, np.int64) << _BITS) | title
    return keys


def _fit_meaning(evidence: _Evidence) -> NDArray[np.float32]:
    """The bilinear form, float32 of shape (dimensions, dimensions); (0, 0) without embeddings."""
    wordings = [each.wording for each in evidence.queries]
    queries = [each.vector for each in wordings if each is not None and each.vector is not None]
    products = [
        each.products[place].vector
        for each, judged in zip(wordings, evidence.judged, strict=True)
        if each is not None
        for place in judged.tolist()
    ]
    known = [each for each in products if each is not None]
    if len(queries) < len(wordings) or len(known) < len(products):
        return np.zeros((0, 0), np.float32)
    texts, moved = np.stack(queries), evidence.centered(np.stack(known)).astype(np.float32)
    size = texts.shape[1]

    def forward(weights: Values) -> Values:
        asked = texts @ weights.reshape(size, size).astype(np.float32)
        repeated = np.repeat(asked, evidence.sizes, axis=0)
        found: Values = np.einsum("ij,ij->i", repeated, moved).astype(np.float64)
        return found

    def backward(left: Values) -> Values:
        weighted = np.add.reduceat(moved * left[:, None].astype(np.float32), evidence.starts, 0)
        return np.asarray(texts.T @ weighted, np.float64).ravel()

    found = _ridge(evidence, size * size, forward, backward, MEANING_PENALTY)
    return found.reshape(size, size).astype(np.float32)


def _ridge(
    evidence: _Evidence,
    unknowns: int,
    forward: Callable[[Values], Values],
    backward: Callable[[Values], Values],
    penalty: float,
) -> Values:
    """The weights of least squares within queries and least size (LSQR, Paige and Saunders
    1982)."""
    operator = LinearOperator(
        (len(evidence.left), unknowns),
        matvec=lambda weights: evidence.centered(forward(weights)),
        rmatvec=lambda left: backward(evidence.centered(left)),
        dtype=np.float64,
    )
    found = lsqr(operator, evidence.left, damp=penalty**0.5, iter_lim=_STEPS)[0]
    return np.asarray(found, np.float64)


def _assembled(
    keys: Keys, weights: Values, words: Mapping[int, str], meaning: NDArray[np.float32]
) -> Associations:
    """The unknowns as tables of words by number; of too many pairs the lightest are left out."""
    kinds = keys >> 2 * _BITS
    pairs = np.flatnonzero(kinds >= _PAIR)
    kept = pairs[np.argsort(-np.abs(weights[pairs]), kind="stable")[:MOST_PAIRS]]
    chosen = np.sort(np.concatenate([np.flatnonzero(kinds < _PAIR), kept]))
    keys, kinds, weights = keys[chosen], kinds[chosen], weights[chosen].astype(np.float32)
    first, second = keys >> _BITS & _LOW, keys & _LOW
    codes = np.union1d(second, first[kinds >= _PAIR])
    first, second = np.searchsorted(codes, first), np.searchsorted(codes, second)
    alone = np.zeros((3, len(codes)), np.float32)
    single = kinds < _PAIR
    alone[kinds[single], second[single]] = weights[single]
    titles, heads = (
        _pairs(first[kinds == kind], second[kinds == kind], weights[kinds == kind], len(codes))
        for kind in (_PAIR, _PAIR_HEAD)
    )
    named = tuple(words[code] for code in codes.tolist())
    return Associations(named, alone, titles, heads, meaning)


def _pairs(first: Keys, second: Keys, weights: NDArray[np.float32], size: int) -> Pairs:
    starts = np.searchsorted(first, np.arange(size + 1)).astype(np.int32)
    return Pairs(starts, second.astype(np.int32), weights)
