"""`aisle train encoder`: from an open index and judgments to an adapted encoder, or to the finding
that the one in use is as good.

Everything is made in a temporary directory beside the encoders, and appears under its name in one
step, once it was adopted; a killed run leaves a directory that the next one removes.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from api.encoder_examples import (
    Progress,
    Shelf,
    catalogue_examples,
    judged_examples,
    read_shelf,
    validation_cases,
)
from api.encoder_views import ReencodedView, with_encoder
from api.evaluation import IndexSearcher
from eval import Judgments, Mode, collect_runs, evaluate
from indexer.adapted_encoder import export_adapted, weights_of
from indexer.encoder_export import load_transformer, locked, publish
from indexer.encoding import encode_texts
from indexer.torch_encoder import device_for
from search.build import Search
from search.encoder import OnnxEncoder, read_manifest
from search.types import Ordinals
from training.encoder.choice import Choice, choose_share
from training.encoder.examples import Example
from training.encoder.gate import ADAPTED, BASE, METRIC, SYSTEMS, Verdict, judge, run_name
from training.encoder.judged import Split, split_queries
from training.encoder.layers import SplitEncoder
from training.encoder.tuning import Recipe, fine_tune, interpolate, snapshot

UNTESTED_SHARE = 0.5
"""The share of the fine-tuning that is kept where no judgments can choose it."""


@dataclass(frozen=True, slots=True)
class EncoderPlan:
    """What to do: `pairs` examples from the catalogue, `holdout` of the judged queries to test on,
    `device` "auto", "cpu" or "cuda". `out` is where the encoder goes, adopted or not; None is
    `DATA/encoders`, where only an adopted one does."""

    recipe: Recipe = field(default_factory=Recipe)
    pairs: int = 3000
    holdout: float = 0.2
    mode: Mode = "full"
    device: str = "auto"
    seed: int = 0
    out: Path | None = None


@dataclass(slots=True)
class Outcome:
    """What came of it. `directory` is the encoder's, None where it was not kept; `fidelity` the
    cosine of its int8 export to itself; `seconds` by step."""

    base: str
    encoder: str = ""
    directory: Path | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(False, "", 0, {}))
    choice: Choice | None = None
    examples: dict[str, int] = field(default_factory=dict)
    queries: dict[str, int] = field(default_factory=dict)
    fidelity: dict[str, float] = field(default_factory=dict)
    loss: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)


async def train_encoder(
    search: Search, judgments: Judgments | None, plan: EncoderPlan, progress: Progress
) -> Outcome:
    """Fine-tunes the encoder of an open index, measures it on held-out queries, and keeps it if it
    helps there. Without judgments nothing can be told, and nothing is adopted.

    Raises:
        BadInput: the index, the judgments or the device cannot be used; says why.
        EncoderUnavailable: torch or the base encoder's weights are not installed.
        StorageFailed: the disk refused.
    """
    plan = replace(plan, device=device_for(plan.device))
    root = plan.out or search.settings.data / "encoders"
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / "train.lock"):
        for dead in root.glob(".train-*"):
            shutil.rmtree(dead)
        work = Path(tempfile.mkdtemp(prefix=".train-", dir=root))
        try:
            run = await _Run.begin(search, judgments, plan, progress, work)
            made = await run.make()
            await run.test(made)
            if run.outcome.verdict.adopted or plan.out is not None:
                run.outcome.directory = publish(made, root / made.name)
            return run.outcome
        finally:
            shutil.rmtree(work, ignore_errors=True)


@dataclass(slots=True)
class _Run:
    """One training, step by step."""

    search: Search
    judgments: Judgments | None
    plan: EncoderPlan
    progress: Progress
    work: Path
    shelf: Shelf
    base: OnnxEncoder
    split: Split
    outcome: Outcome

    @classmethod
    async def begin(
        cls,
        search: Search,
        judgments: Judgments | None,
        plan: EncoderPlan,
        progress: Progress,
        work: Path,
    ) -> _Run:
        split = Split((), (), ())
        if judgments is not None:
            split = split_queries(judgments.relevant_queries(), plan.holdout, plan.seed)
        start = time.perf_counter()
        shelf = await read_shelf(search, progress)
        name = str(shelf.view.encoder)
        base = OnnxEncoder(search.settings.data / "encoders" / name, search.settings.threads)
        outcome = Outcome(name, seconds={"read": time.perf_counter() - start})
        outcome.queries = {
            "train": len(split.train),
            "validation": len(split.validation),
            "test": len(split.test),
        }
        return cls(search, judgments, plan, progress, work, shelf, base, split, outcome)

    def only(self, queries: Sequence[str]) -> Judgments:
        """The judgments of some queries; none without judgments."""
        return Judgments({}) if self.judgments is None else self.judgments.only(set(queries))

    async def make(self) -> Path:
        """Fine-tunes, chooses how much of it to keep, exports; the encoder's directory."""
        start = time.perf_counter()
        examples = await self._examples()
        weight = self.search.settings.fusion.meaning_weight
        cases = await validation_cases(
            self.search, self.shelf, self.only(self.split.validation), self.plan.mode, weight
        )
        start = self._took("examples", start)
        model = self._load()
        recipe = replace(self.plan.recipe, seed=self.plan.seed)
        split = SplitEncoder(model, recipe.layers, recipe.tokens)
        base = snapshot(model)
        self.outcome.loss = fine_tune(model, examples, recipe, self.progress, split)
        tuned = snapshot(model)
        start = self._took("train", start)
        share = UNTESTED_SHARE
        if cases:
            texts = [text for case in cases for text in (case.query, *case.texts)]
            split.prepare(texts, lambda done, total: self.progress("validate", done, total))
            judged = self.only(self.split.validation)
            choice = choose_share(model, split, (base, tuned), cases, judged, weight)
            self.outcome.choice, share = choice, choice.tuned
        model.load_state_dict(interpolate(base, tuned, share))
        start = self._took("validate", start)
        made = self._export(model, share, len(examples))
        self._took("export", start)
        return made

    async def test(self, made: Path) -> None:
        """Both encoders on the held-out queries."""
        if not self.split.test:
            self.outcome.verdict = Verdict(
                False, "without judgments nothing tells whether it helps (--judgments)", 0, {}
            )
            return
        start = time.perf_counter()
        judged = self.only(self.split.test)
        adapted = OnnxEncoder(made, self.search.settings.threads)
        view = self._reencoded(adapted, judged)
        start = self._took("encode", start)
        other = with_encoder(self.search, view, SYSTEMS, self.base, adapted)
        runs = {}
        for encoder, search in ((BASE, self.search), (ADAPTED, other)):
            found, _ = await collect_runs(
                IndexSearcher(search), judged, SYSTEMS, mode=self.plan.mode
            )
            runs.update({run_name(system, encoder): run for system, run in found.items()})
        verdict = judge(evaluate(judged, runs, metrics=[METRIC], seed=self.plan.seed))
        choice = self.outcome.choice
        if verdict.adopted and choice is not None and choice.share == 0:
            reason = f"{verdict.reason}, but the validation queries prefer the base encoder"
            verdict = replace(verdict, adopted=False, reason=reason)
        self.outcome.verdict = verdict
        self._took("test", start)

    async def _examples(self) -> list[Example]:
        plan = self.plan
        own = await catalogue_examples(
            self.search, self.shelf, plan.pairs, plan.seed, self.progress
        )
        judged = await judged_examples(
            self.search, self.shelf, self.only(self.split.train), plan.mode, self.progress
        )
        self.outcome.examples = {"catalogue": len(own), "judged": len(judged)}
        return own + judged

    def _load(self) -> Any:
        import torch

        torch.set_num_threads(self.search.settings.threads)
        model = load_transformer(weights_of(self.base.directory))
        return model.to(self.plan.device).eval()

    def _export(self, model: Any, share: float, examples: int) -> Path:
        self.progress("export", 0, 1)
        training = {"share": share, "examples": examples, "seed": self.plan.seed}
        made = export_adapted(self.work, model.to("cpu"), self.base.directory, training)
        self.outcome.encoder = made.name
        self.outcome.fidelity = dict(read_manifest(made)["fidelity"])
        self.progress("export", 1, 1)
        return made

    def _reencoded(self, adapted: OnnxEncoder, judged: Judgments) -> ReencodedView:
        rows = np.arange(len(self.shelf.texts), dtype=np.int32)
        if self.plan.mode == "rerank":
            rows = self._judged_rows(judged)
        vectors = encode_texts(
            (self.shelf.texts[row] for row in rows.tolist()),
            len(rows),
            adapted,
            adapted.directory / "cache",
            self.work / "vectors.npy",
            progress=lambda done: self.progress("encode", done, len(rows)),
        )
        return ReencodedView(self.shelf.view, adapted.name, np.array(vectors), rows)

    def _judged_rows(self, judged: Judgments) -> Ordinals:
        ordinals = self.shelf.ordinals
        found = {ordinals[p] for gains in judged.gains.values() for p in gains if p in ordinals}
        return np.array(sorted(found), np.int32)

    def _took(self, step: str, start: float) -> float:
        now = time.perf_counter()
        self.outcome.seconds[step] = now - start
        return now
