"""What an encoder learns from, read from an open index: products, hard negatives, candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eval import Judgments, Mode
from indexer.analysis import encoder_text
from search.build import Search
from search.encoding import encoded_text
from search.errors import BadInput
from search.retrieval import Trace
from search.seams import View
from search.types import Filter, Ordinals, Product, SearchRequest
from training.encoder.catalogue import Catalogue, example, questions
from training.encoder.choice import Case
from training.encoder.examples import Example
from training.encoder.judged import graded_examples

Progress = Callable[[str, int, int], None]
WORDS, HYBRID = "bm25-raw", "hybrid"
"""The systems that hard negatives and candidates come from."""
SEARCHED = 20
"""Products looked at for hard negatives of a question."""
UNJUDGED = slice(10, 40)
"""The ranks by words among which products that nobody judged are taken for wrong answers: the best
ones may well be right."""
UNJUDGED_COUNT = 4
CANDIDATES = 50
"""The candidates of a validation query."""
_BLOCK = 2048


@dataclass(frozen=True, slots=True)
class Shelf:
    """The products of a view, by ordinal, with the texts they are encoded by."""

    view: View
    products: Sequence[Product]
    texts: Sequence[str]
    ordinals: Mapping[str, int]

    def by_id(self) -> dict[str, str]:
        """The texts by product id."""
        return {each.id: text for each, text in zip(self.products, self.texts, strict=True)}


async def read_shelf(search: Search, progress: Progress) -> Shelf:
    """All products of an index.

    Raises:
        BadInput: it has live changes that are not folded in, or no vectors.
    """
    view = await search.engine.view()
    total = len(view.columns.numbers("price"))
    if view.count != total:
        raise BadInput("the index has live changes; run `aisle fold` first", field="data")
    if view.encoder is None:
        raise BadInput("the index holds no vectors; index again with an encoder", field="data")
    products: list[Product] = []
    for start in range(0, total, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, total), dtype=np.int32)
        products += await view.products(block)
        progress("read", len(products), total)
    texts = [encoder_text(product) for product in products]
    return Shelf(view, products, texts, {each.id: row for row, each in enumerate(products)})


async def catalogue_examples(
    search: Search, shelf: Shelf, count: int, seed: int, progress: Progress
) -> list[Example]:
    """`count` examples from the catalogue itself, with hard negatives found by words."""
    catalogue = Catalogue.of(shelf.products, shelf.texts)
    asked = questions(catalogue, count, seed)
    examples = []
    for done, question in enumerate(asked, 1):
        found = await _found(search, shelf.view, question.text)
        examples.append(example(question, catalogue, found[:SEARCHED].tolist()))
        progress("hard negatives", done, len(asked))
    return examples


async def judged_examples(
    search: Search, shelf: Shelf, judgments: Judgments, mode: Mode, progress: Progress
) -> list[Example]:
    """An example for each judged query. In full mode products that nobody judged, further down by
    words, are added as wrong answers; in rerank mode the judged ones are compared with each other
    alone."""
    negatives: dict[str, list[str]] = {}
    if mode == "full":
        for done, (query, gains) in enumerate(judgments.gains.items(), 1):
            found = (await _found(search, shelf.view, query))[UNJUDGED].tolist()
            names = [shelf.products[row].id for row in found]
            negatives[query] = [name for name in names if name not in gains][:UNJUDGED_COUNT]
            progress("judged queries", done, len(judgments.gains))
    return graded_examples(judgments.gains, shelf.by_id(), negatives)


async def validation_cases(
    search: Search, shelf: Shelf, judgments: Judgments, mode: Mode, weight: float
) -> list[Case]:
    """The best candidates of each query, or its judged products, as `hybrid` scores them, with what
    meaning adds to their scores taken out."""
    cases = []
    for query, gains in judgments.gains.items():
        filters = (Filter("id", tuple(gains)),) if mode == "rerank" else ()
        found = await search.systems[HYBRID].candidates(
            shelf.view, SearchRequest(query, filters=filters), Trace()
        )
        best = found.fused.head(CANDIDATES) if mode == "full" else found.fused
        if not len(best):
            continue
        meaning = found.stages["meaning"]
        near = dict(zip(meaning.ordinals.tolist(), meaning.scores.tolist(), strict=True))
        rows = best.ordinals.tolist()
        cosines = np.array([near.get(row, 0.0) for row in rows])
        cases.append(
            Case(
                query=encoded_text(found.query),
                judged_as=query,
                products=tuple(shelf.products[row].id for row in rows),
                texts=tuple(shelf.texts[row] for row in rows),
                others=best.scores.astype(np.float64) - weight * cosines,
            )
        )
    return cases


async def _found(search: Search, view: View, text: str) -> Ordinals:
    """What words find, best first."""
    found = await search.systems[WORDS].candidates(view, SearchRequest(text[:300]), Trace())
    return found.fused.ordinals
