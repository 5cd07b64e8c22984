"""`aisle train cross-encoder`: from an open index and judgments to a cross-encoder, or to the
finding that what is served is as good without.

What both are worth is measured by cross-validation: every query is ordered by a model and a
cross-encoder that learned from other queries.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from api.encoder_examples import UNJUDGED, UNJUDGED_COUNT
from api.training import collect
from eval import Judgments, Mode, folds
from indexer.adapted_encoder import weights_of
from indexer.cross_encoder_export import PAIR_TOKENS, Measures, export_cross_encoder
from indexer.encoder_export import load_transformer, locked, publish
from indexer.torch_encoder import device_for
from search.build import Search
from search.cross_encoder import CrossEncoder, pair_tokens
from search.encoder import TOKENIZER, read_manifest
from search.encoding import encoded_text
from search.errors import BadInput
from search.seams import View
from search.systems import HYBRID
from search.types import Query
from search.wordpieces import WordPieces
from training import Tables
from training.associations import learnable
from training.cross_encoder.combining import Combined, best_rows, combine
from training.cross_encoder.network import PairNetwork
from training.cross_encoder.out_of_fold import Read, Task, forget_folds, score_folds
from training.cross_encoder.tuning import Recipe
from training.encoder.examples import Example
from training.encoder.judged import graded_examples
from training.encoder.tuning import Progress
from training.nested import CHOSEN, cross_validate

LEAST = 25
"""Fewer judged queries than this leave too few for every fold."""
COMPARED = 500
"""Pairs on which the export is compared with the network."""
_BLOCK = 2048


@dataclass(frozen=True, slots=True)
class CrossEncoderPlan:
    """What to do: learn from all of `folds` but one and test on that, `tested` times; the best
    `read` products of a query are read. `device` is "auto", "cpu" or "cuda". `out` is where the
    cross-encoder goes, adopted or not; None is `DATA/encoders`, where only an adopted one does."""

    recipe: Recipe = field(default_factory=Recipe)
    folds: int = 5
    tested: int | None = None
    read: int = 20
    mode: Mode = "full"
    depth: int = 200
    device: str = "auto"
    seed: int = 0
    out: Path | None = None


@dataclass(slots=True)
class Outcome:
    """What came of it. `directory` is the cross-encoder's, None where it was not kept; `fidelity`
    the correlation of its int8 export's scores with its own; `missed` are judged queries for which
    nothing is found; `seconds` by step."""

    base: str
    combined: Combined
    queries: int
    pairs: int
    missed: tuple[str, ...] = ()
    directory: Path | None = None
    fidelity: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def adopted(self) -> bool:
        """Whether queries it never saw gain by it."""
        return self.combined.helps


async def train_cross_encoder(
    search: Search,
    judgments: Judgments,
    plan: CrossEncoderPlan,
    progress: Progress,
    say: Callable[[str], None] = lambda remark: None,
) -> Outcome:
    """Measures what a cross-encoder of an open index adds to a model learned from the same
    judgments, and makes one of all of them if it helps. `say` is told what of it was done before.

    Raises:
        BadInput: the index, the judgments or the device cannot be used; says why.
        EncoderUnavailable: torch or the base encoder's weights are not installed.
        StorageFailed: the disk refused.
    """
    plan = replace(plan, device=device_for(plan.device))
    if plan.tested is not None and plan.tested > plan.folds:
        raise BadInput(f"{plan.tested} of {plan.folds} folds cannot be tested on", field="tested")
    if len(judgments.relevant_queries()) < LEAST:
        raise BadInput(
            f"{len(judgments.relevant_queries())} judged queries with a relevant product are too"
            f" few to learn reading from; judge at least {LEAST}, better 1,000",
            field="judgments",
        )
    root = search.settings.data / "encoders"
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / "train.lock"):
        start = time.perf_counter()
        material = await _read(search, judgments, plan, progress)
        read = time.perf_counter()
        outcome = _measure(material, plan, root, progress, say)
        measured = time.perf_counter()
        if outcome.adopted or plan.out is not None:
            _make(material, plan, outcome, plan.out or root, progress)
        forget_folds(root)
        made = time.perf_counter()
        outcome.seconds = {"read": read - start, "test": measured - read, "make": made - measured}
        return outcome


@dataclass(frozen=True, slots=True)
class _Material:
    """What there is to learn from: candidates with their features, the text of each query as it is
    read, titles by product id, and the cross-encoder's task. `base` is the directory of the encoder
    it starts from."""

    tables: Tables
    missed: tuple[str, ...]
    texts: Mapping[str, str]
    titles: Mapping[str, str]
    base: Path
    task: Task


async def _read(
    search: Search, judgments: Judgments, plan: CrossEncoderPlan, progress: Progress
) -> _Material:
    view = await search.engine.view()
    if view.encoder is None:
        raise BadInput("the index holds no vectors; index again with an encoder", field="data")
    base = search.settings.data / "encoders" / view.encoder
    tables, missed = await collect(
        search,
        judgments,
        mode=plan.mode,
        depth=plan.depth,
        progress=lambda done, total: progress("candidates", done, total),
    )
    understands = search.systems[HYBRID].understandings.of(view)
    texts = {text: encoded_text(understands.understand(Query(text=text))) for text in tables.texts}
    judged = judgments.only(list(tables.texts))
    named = {product for gains in judged.gains.values() for product in gains}
    named |= {product for each in tables.queries for product in each.products}
    titles = await _titles(view, named, progress)
    examples = _examples(judged, tables, texts, titles, plan.mode)
    _require(examples, plan.mode)
    begin = partial(_begin, base, plan, search.settings.threads)
    task = Task(examples, base.name, replace(plan.recipe, seed=plan.seed), begin)
    return _Material(learnable(tables), missed, texts, titles, base, task)


async def _titles(view: View, ids: Iterable[str], progress: Progress) -> dict[str, str]:
    """The titles of those products that the index has."""
    wanted = sorted(ids)
    titles: dict[str, str] = {}
    for start in range(0, len(wanted), _BLOCK):
        found = [await view.find(each) for each in wanted[start : start + _BLOCK]]
        ordinals = np.array([each for each in found if each is not None], np.int32)
        titles.update({each.id: each.title for each in await view.products(ordinals)})
        progress("titles", min(start + _BLOCK, len(wanted)), len(wanted))
    return titles


def _examples(
    judged: Judgments,
    tables: Tables,
    texts: Mapping[str, str],
    titles: Mapping[str, str],
    mode: Mode,
) -> dict[str, Example]:
    """By judged query. In full mode with products that nobody judged, further down, as wrong
    answers."""
    negatives: dict[str, list[str]] = {}
    if mode == "full":
        for each in tables.queries:
            known = judged.gains[each.query]
            unknown = [product for product in each.products[UNJUDGED] if product not in known]
            negatives[each.query] = unknown[:UNJUDGED_COUNT]
    found = graded_examples(judged.gains, titles, negatives)
    return {each.query: replace(each, query=texts[each.query]) for each in found}


def _require(examples: Mapping[str, Example], mode: Mode) -> None:
    told = [each for each in examples.values() if len(set(each.gains)) > 1]
    if len(told) < LEAST:
        also = "" if mode == "full" else ", or leave --mode rerank out"
        raise BadInput(
            f"only {len(told)} judged queries have products of different grades, and at least"
            f" {LEAST} are needed to learn which title answers better; judge more products a"
            f" query{also}",
            field="judgments",
        )


def _begin(base: Path, plan: CrossEncoderPlan, threads: int) -> PairNetwork:
    """A network with the weights of the encoder in `base`."""
    import torch

    torch.set_num_threads(threads)
    most = min(PAIR_TOKENS, int(read_manifest(base)["max_tokens"]))
    pieces = WordPieces(base / TOKENIZER, most)
    model = load_transformer(weights_of(base)).to(plan.device)
    return PairNetwork(model, partial(pair_tokens, pieces, most=most), plan.seed)


def _measure(
    material: _Material,
    plan: CrossEncoderPlan,
    root: Path,
    progress: Progress,
    say: Callable[[str], None],
) -> Outcome:
    """What model and cross-encoder do on queries that neither learned from."""
    tables = material.tables
    parts = folds(tables.texts, plan.folds, plan.seed)[: plan.tested]
    validated = cross_validate(
        tables,
        seeds=1,
        k=plan.folds,
        progress=lambda done, total: progress("cross-validate the model", done, total),
    )
    scores = validated.held[CHOSEN].scores[0]
    rows = best_rows(tables, scores, plan.read if plan.mode == "full" else len(tables.query))
    products = [product for each in tables.queries for product in each.products]
    rows = rows[[products[row] in material.titles for row in rows.tolist()]]
    read = _to_read(material, rows, products, [text for part in parts for text in part.test])
    found = score_folds(material.task, parts, read, root, progress, say)
    cross = np.full(len(tables.query), np.nan)
    for query, own in _by_query(tables, rows).items():
        if query in found:
            cross[own] = found[query]
    tested = np.array([text in found for text in tables.texts])
    kept = tested[tables.query]
    combined = combine(
        tables.take(np.flatnonzero(tested)),
        scores[kept],
        cross[kept],
        [[text for text in part.test if text in found] for part in parts],
    )
    pairs = sum(len(each.texts) for each in material.task.examples.values())
    return Outcome(material.base.name, combined, int(tested.sum()), pairs, missed=material.missed)


def _by_query(tables: Tables, rows: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Some rows by the text of their query; queries without any are left out."""
    ends = np.searchsorted(rows, tables.offsets)
    parts = zip(tables.texts, ends[:-1], ends[1:], strict=True)
    return {text: rows[start:stop] for text, start, stop in parts if stop > start}


def _to_read(
    material: _Material,
    rows: NDArray[np.int64],
    products: Sequence[str],
    queries: Sequence[str],
) -> Read:
    wanted = set(queries)
    return {
        query: (material.texts[query], [material.titles[products[row]] for row in own.tolist()])
        for query, own in _by_query(material.tables, rows).items()
        if query in wanted
    }


def _make(
    material: _Material, plan: CrossEncoderPlan, outcome: Outcome, root: Path, progress: Progress
) -> None:
    """Learns from all judged queries, and exports."""
    network = material.task.learn(list(material.texts), "learn from all", progress)
    combined = outcome.combined
    root.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".train-", dir=root))
    try:
        progress("export", 0, 1)
        training = {"queries": len(material.texts), "pairs": outcome.pairs, "seed": plan.seed}
        network.model.to("cpu")
        pairs = [(query, text) for query, texts in _some(material) for text in texts]
        own = network.scores([network.tokens(query, [text])[0] for query, text in pairs])
        measures = Measures(combined.weight, combined.spread)
        made = export_cross_encoder(
            work, network.model, network.head, material.base, measures, training
        )
        reader = CrossEncoder(made)
        exported = [reader.scores(query, [text])[0] for query, text in pairs]
        outcome.fidelity = float(np.corrcoef(own, exported)[0, 1])
        outcome.directory = publish(made, root / made.name)
        progress("export", 1, 1)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _some(material: _Material) -> list[tuple[str, Sequence[str]]]:
    """Queries and titles to compare scores on."""
    taken: list[tuple[str, Sequence[str]]] = []
    for example in material.task.examples.values():
        if sum(len(texts) for _, texts in taken) >= COMPARED:
            break
        taken.append((example.query, example.texts))
    return taken
