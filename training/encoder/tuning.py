"""Fine-tunes a sentence-transformers model on examples.

A plain loop, because the library's own trainer takes lists of fixed pairs: here a query comes with
as many products as it has, which are encoded once a batch, however many queries share them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from training.encoder.examples import Batch, Example, batches
from training.encoder.layers import SplitEncoder
from training.encoder.losses import contrastive, pairwise

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[str, int, int], None]
"""Called with what is done (`prepare` texts, `train` on examples), how many, and of how many."""
State = Mapping[str, Any]
"""A model's parameters by name."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to fine-tune. `layers` is how many of the transformer's last layers learn (the words'
    embeddings never do): what lies below keeps what the published model knows, and costs half.
    `contrastive` and `pairwise` weigh the two losses. `batch` counts products. `tokens` cuts
    training texts, nothing else."""

    epochs: int = 1
    rate: float = 3e-4
    layers: int = 2
    contrastive: float = 1.0
    pairwise: float = 1.0
    batch: int = 96
    tokens: int = 48
    seed: int = 0


WARM_UP = 0.1
"""The share of steps over which the learning rate rises; over the others it falls to 0."""


def silent(stage: str, done: int, total: int) -> None:
    """Tells nobody."""


def fine_tune(
    model: Any,
    examples: Sequence[Example],
    recipe: Recipe,
    progress: Progress = silent,
    split: SplitEncoder | None = None,
) -> float:
    """Fine-tunes `model`, a SentenceTransformer of BERT layers, in place; returns the mean loss of
    the last tenth of the batches. The same examples, recipe and machine give the same weights.

    `split` is the model in halves, to go on with what it has computed.

    Raises:
        ValueError: there are no examples.
    """
    import torch

    if not examples:
        raise ValueError("no examples to learn from")
    torch.manual_seed(recipe.seed)
    split = split or SplitEncoder(model, recipe.layers, recipe.tokens)
    model.eval()
    texts = (text for example in examples for text in (example.query, *example.texts))
    split.prepare(texts, partial(progress, "prepare"))
    optimizer = torch.optim.AdamW(split.parameters(), lr=recipe.rate, weight_decay=0.01)
    total, done = len(examples) * recipe.epochs, 0
    losses: list[float] = []
    model.train()
    for batch in _all_batches(examples, recipe):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * _schedule(done / total)
        loss = _loss(split, batch, recipe)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(split.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
        done += len(batch.queries)
        progress("train", done, total)
    model.eval()
    return float(np.mean(losses[-max(len(losses) // 10, 1) :]))


def interpolate(base: State, tuned: State, share: float) -> dict[str, Any]:
    """Weights between two models of one shape: `share` of the tuned one, the rest of the base
    (WiSE-FT; Wortsman et al., CVPR 2022)."""
    return {
        name: (value + share * (tuned[name] - value)) if value.is_floating_point() else value
        for name, value in base.items()
    }


def snapshot(model: Any) -> dict[str, Any]:
    """A copy of a model's parameters, on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def _all_batches(examples: Sequence[Example], recipe: Recipe) -> Iterator[Batch]:
    rng = np.random.default_rng(recipe.seed)
    for _ in range(recipe.epochs):
        yield from batches(examples, recipe.batch, rng)


def _schedule(done: float) -> float:
    """The share of the learning rate after `done` (0 to 1) of the steps."""
    return min((done + 0.01) / WARM_UP, (1.0 - done) / (1.0 - WARM_UP))


def _loss(split: SplitEncoder, batch: Batch, recipe: Recipe) -> Tensor:
    import torch

    vectors = split.encode((*batch.queries, *batch.texts))
    gains, negative, weights = (
        torch.from_numpy(part).to(split.device)
        for part in (batch.gains, batch.negative, batch.weights)
    )
    cosines = vectors[: len(batch.queries)] @ vectors[len(batch.queries) :].T
    loss = torch.zeros((), device=split.device)
    if recipe.contrastive:
        loss = loss + recipe.contrastive * contrastive(cosines, gains, negative, weights)
    if recipe.pairwise:
        loss = loss + recipe.pairwise * pairwise(cosines, gains, weights)
    return loss
