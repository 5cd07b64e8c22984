"""The slow groups of features with NumPy alone, to be measured beside the compiled ones.

As good as vectorizing gets: every step works on all candidates at once, and loops run over the
words of a query or the places of a title.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rankers.features import Inputs
from search.types import Ranking, TextRows

_K1, _B = 1.2, 0.75
_CONTENT, _NUMBER, _CODE, _PURPOSE = 1, 2, 4, 8
Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Field:
    """Frequency and best weight of every slot, (candidates, slots); words; rarity of slots."""

    tf: Table
    best: Table
    lengths: NDArray[np.int64]
    idf: Table
    mean: float


def _flat(rows: TextRows) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The places of the candidates' words in `rows.codes` and in `rows.counts`, and whose they
    are."""
    starts, ends, counted = rows.spans
    lengths = ends - starts
    owners = np.repeat(np.arange(len(lengths)), lengths)
    along = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return starts[owners] + along, counted[owners] + along, owners


def _rarity(rows: TextRows, inputs: Inputs) -> Table:
    query = inputs.coded
    known = np.zeros(query.size)
    documents = np.where(
        query.keys < len(rows.documents), np.take(rows.documents, query.keys, mode="clip"), 0
    )
    np.maximum.at(known, query.slots, documents)
    return np.log(1 + (rows.base - known + 0.5) / (known + 0.5))


def _bag(rows: TextRows, inputs: Inputs) -> Field:
    query, size = inputs.coded, len(inputs.ordinals)
    places, counted, owners = _flat(rows)
    codes, counts = np.take(rows.codes, places), np.take(rows.counts, counted)
    tf, best = np.zeros((size, query.size)), np.zeros((size, query.size))
    for key, slot, weight in zip(query.keys, query.slots, query.weights, strict=True):
        hit = codes == key
        there = np.bincount(owners[hit], counts[hit], size)
        tf[:, slot] += weight * there
        best[:, slot] = np.maximum(best[:, slot], weight * (there > 0))
    lengths = np.bincount(owners, counts, size).astype(np.int64)
    return Field(tf, best, lengths, _rarity(rows, inputs), max(rows.mean_length, 1.0))


def _padded(rows: TextRows) -> NDArray[np.int32]:
    """The candidates' titles, -1 behind their ends."""
    lengths = rows.spans[1] - rows.spans[0]
    found = np.full((len(lengths), max(int(lengths.max()), 1)), -1, np.int32)
    found[np.arange(found.shape[1]) < lengths[:, None]] = np.take(rows.codes, _flat(rows)[0])
    return found


def _negated(words: NDArray[np.int32], inputs: Inputs) -> NDArray[np.bool_]:
    query = inputs.coded
    known = words >= 0
    articles, refusing = np.isin(words, query.articles), np.isin(words, query.refusing)
    found = np.zeros(words.shape, np.bool_)
    found[:, :-1] = (words[:, 1:] == query.free) & known[:, 1:]
    carried = np.zeros(len(words), np.bool_)
    for place in range(words.shape[1]):
        found[:, place] |= carried
        carried = known[:, place] & (refusing[:, place] | (carried & articles[:, place]))
    return found


@dataclass(frozen=True, slots=True)
class Titles:
    """Titles as masks of slots, (candidates, words), and what they negate."""

    field: Field
    words: NDArray[np.int32]
    masks: NDArray[np.int64]
    denied: NDArray[np.int64]


def _titles(rows: TextRows, inputs: Inputs) -> Titles:
    query, words = inputs.coded, _padded(rows)
    negated = _negated(words, inputs)
    masks = np.zeros(words.shape, np.int64)
    denied = np.zeros(len(words), np.int64)
    tf, best = np.zeros((len(words), query.size)), np.zeros((len(words), query.size))
    for key, slot, weight in zip(query.keys, query.slots.tolist(), query.weights, strict=True):
        hit = words == key
        denied |= (hit & negated).any(1).astype(np.int64) << slot
        if not (query.lenient >> slot) & 1:
            hit = hit & ~negated
        masks |= hit.astype(np.int64) << slot
        tf[:, slot] += weight * hit.sum(1)
        best[:, slot] = np.maximum(best[:, slot], weight * hit.any(1))
    lengths = (words >= 0).sum(1)
    field = Field(tf, best, lengths, _rarity(rows, inputs), max(rows.mean_length, 1.0))
    return Titles(field, words, masks, denied)


def _bm25(field: Field, inputs: Inputs) -> Table:
    telling = np.flatnonzero(inputs.coded.roles)
    tf = field.tf[:, telling]
    norm = _K1 * (1 - _B + _B * field.lengths / field.mean)
    scores = (field.idf[telling] * tf * (_K1 + 1) / (tf + norm[:, None])).sum(1)
    return np.where(field.lengths > 0, scores, np.nan)


def _share(best: Table, inputs: Inputs, role: int, weights: Table) -> Table:
    slots = np.flatnonzero(inputs.coded.roles & role)
    whole = weights[slots].sum()
    return best[:, slots] @ weights[slots] / whole if whole else np.full(len(best), np.nan)


def words(inputs: Inputs) -> tuple[Table, Table]:
    """The groups `words` and `titles`."""
    query = inputs.coded
    texts = inputs.texts
    titles = _titles(texts["title"], inputs)
    title = titles.field
    prose, details = (_bag(texts[name], inputs) for name in ("description", "details"))
    least = np.minimum(np.minimum(title.idf, prose.idf), details.idf)
    ones = np.ones(query.size)
    elsewhere = np.maximum(prose.best, details.best)
    anywhere = np.maximum(title.best, elsewhere)
    beyond = np.where(title.best > 0, 0.0, prose.best)
    telling = np.flatnonzero(query.roles)
    known = title.lengths + prose.lengths + details.lengths > 0
    shown = title.lengths > 0
    columns = [
        *(_bm25(field, inputs) for field in (title, prose, details)),
        np.where(shown, _share(title.best, inputs, _CONTENT, ones), np.nan),
        np.where(shown, _share(title.best, inputs, _CONTENT, least), np.nan),
        np.where(shown, _share(title.best, inputs, _NUMBER, ones), np.nan),
        np.where(details.lengths > 0, _share(details.best, inputs, _CONTENT, least), np.nan),
        np.where(known, _share(anywhere, inputs, _CONTENT, ones), np.nan),
        np.where(known, _share(anywhere, inputs, _CONTENT, least), np.nan),
        np.where(known, (anywhere[:, telling] > 0).all(1), np.nan),
        np.where(known, _share(anywhere, inputs, _PURPOSE, least), np.nan),
        np.where(known, _share(anywhere, inputs, _CODE, ones), np.nan),
        np.where(prose.lengths > 0, _share(beyond, inputs, _CONTENT, least), np.nan),
        np.where(known, _phrases((elsewhere > 0) @ (1 << np.arange(query.size)), inputs), np.nan),
    ]
    return np.stack(columns, 1), _order(titles, inputs)


def _phrases(mask: NDArray[np.int64], inputs: Inputs) -> Table:
    refused = inputs.coded.refused
    if not len(refused):
        return np.full(len(mask), np.nan)
    shares: Table = ((mask[:, None] & refused) == refused).mean(1)
    return shares


def _first(masks: NDArray[np.int64], slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each slot first stands, (candidates, slots), -1 where it does not."""
    there = (masks[:, :, None] >> slots) & 1
    return np.where(there.any(1), there.argmax(1), -1)


def _runs(masks: NDArray[np.int64], inputs: Inputs) -> NDArray[np.int64]:
    sequence = inputs.coded.sequence
    longest = np.zeros(len(masks), np.int64)
    lengths = np.zeros((len(masks), len(sequence) + 1), np.int64)
    for place in range(masks.shape[1]):
        there = (masks[:, place, None] >> sequence) & 1
        lengths[:, 1:] = there * (1 + lengths[:, :-1])
        longest = np.maximum(longest, lengths.max(1))
    return longest


def _windows(
    masks: NDArray[np.int64], found: NDArray[np.int64], slots: NDArray[np.int64]
) -> NDArray[np.int64]:
    shortest = np.full(len(masks), masks.shape[1] + 1)
    wanted = ((found[:, None] >> slots) & 1).astype(np.bool_)
    last = np.where(wanted, -1, masks.shape[1])
    for place in range(masks.shape[1]):
        there = ((masks[:, place, None] >> slots) & 1).astype(np.bool_) & wanted
        last[there] = place
        earliest = last.min(1)
        width = np.where(there.any(1) & (earliest >= 0), place - earliest + 1, shortest)
        shortest = np.minimum(shortest, width)
    return shortest


def _ratio(found: NDArray[np.generic], whole: NDArray[np.generic]) -> Table:
    above, below = found.astype(np.float64), whole.astype(np.float64)
    shares: Table = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return shares


def _order(titles: Titles, inputs: Inputs) -> Table:
    query, masks = inputs.coded, titles.masks
    slots = np.arange(query.size)
    telling = np.flatnonzero(query.roles)
    own = sum(1 << int(slot) for slot in set(query.sequence.tolist()))
    lengths, everything = titles.field.lengths, np.bitwise_or.reduce(masks, 1)
    marked = np.isin(titles.words, query.markers) & (titles.words >= 0)
    marked[:, 0] = False
    ends = np.where(marked.any(1), marked.argmax(1), lengths)
    before = np.where(np.arange(masks.shape[1]) < ends[:, None], masks, 0)
    main = np.bitwise_or.reduce(before, 1)
    found = ((everything[:, None] >> telling) & 1).astype(np.bool_)
    late = found & ~((main[:, None] >> telling) & 1).astype(np.bool_)
    after = (query.roles[telling] & _PURPOSE) > 0
    first, runs = _first(masks, slots), _runs(masks, inputs)
    pairs = first[:, query.sequence]
    ordered = (pairs[:, :-1] >= 0) & (pairs[:, :-1] < pairs[:, 1:])
    count = found.sum(1).astype(np.float64)
    places = np.where(found, first[:, telling], masks.shape[1]).min(1)
    whole = sum(1 << int(slot) for slot in telling)
    windows = _windows(masks, everything & whole, slots)
    heads = (before >> max(query.head, 0)) & 1
    last = masks.shape[1] - 1 - heads[:, ::-1].argmax(1)
    head = (everything >> max(query.head, 0)) & 1
    table = np.stack(
        [
            _ratio(((masks & own) != 0).sum(1), lengths),
            runs / len(query.sequence),
            ordered.mean(1) if ordered.shape[1] else np.full(len(masks), np.nan),
            np.where(count > 0, places, np.nan),
            np.where(count > 0, count / windows, np.nan),
            runs == len(query.sequence),
            (runs == len(query.sequence)) & (lengths == len(query.sequence)),
            head,
            np.where(heads.any(1), ends - 1 - last, np.nan),
            head & ~((main >> max(query.head, 0)) & 1),
            (everything >> max(query.first, 0)) & 1,
            _ratio(late[:, ~after].sum(1), found[:, ~after].sum(1)),
            late[:, after].sum(1) / max(after.sum(), 1) if after.any() else count * np.nan,
            _phrases(everything, inputs),
            _phrases(titles.denied, inputs),
        ],
        1,
    ).astype(np.float64)
    table[lengths == 0] = np.nan
    return table


def _stage(ranking: Ranking | None, inputs: Inputs) -> list[Table]:
    size = len(inputs.ordinals)
    if ranking is None or not len(ranking):
        return [np.full(size, np.nan)] * 3 + [np.zeros(size)]
    order = np.argsort(ranking.ordinals)
    at = np.minimum(np.searchsorted(ranking.ordinals[order], inputs.ordinals), len(ranking) - 1)
    places = order[at]
    there = ranking.ordinals[places] == inputs.ordinals
    rank, score = places + 1.0, ranking.scores[places]
    shares = [rank, score, score / ranking.scores[0]]
    return [
        *(np.where(there, each, np.nan) for each in shares),
        np.where(there, 1 / (60 + rank), 0),
    ]


def retrieval(inputs: Inputs) -> Table:
    """The group `retrieval`."""
    stages = inputs.pool.stages
    named = [*_stage(stages.get("words"), inputs), *_stage(stages.get("meaning"), inputs)]
    fused = _stage(inputs.fused, inputs)
    gains = _stage(stages.get("boosts"), inputs)[1] / inputs.fused.scores[0]
    both = (named[3] > 0) & (named[7] > 0)
    return np.stack([*named, *fused, np.nan_to_num(gains), both.astype(np.float64)], 1)
