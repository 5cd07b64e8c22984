"""Fine-tunes a cross-encoder on queries with graded products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from training.cross_encoder.network import PairNetwork, Tokens
from training.encoder.examples import Example
from training.encoder.tuning import Progress, silent

if TYPE_CHECKING:
    from torch import Tensor

WARM_UP = 0.06
"""The share of steps over which the learning rate rises; over the others it falls to 0."""
SPREAD = 3.0
"""How far apart the scores of the best and of the worst answer shall be."""
MOST = 10
"""Products of one query that are compared with each other at once; more make several examples."""
SORTED = 40
"""Batches' worth of examples that are sorted by length together, so that little is padded."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to fine-tune: passes over the examples, learning rate, products in a batch. `graded` is
    what the square of the difference to a product's own gain counts beside the order of pairs: it
    makes scores of different queries alike, and learns from queries whose products are all alike.
    """

    epochs: int = 1
    rate: float = 1e-4
    graded: float = 0.5
    batch: int = 96
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Read:
    """An example as tokens, with gains float32 of shape (pairs,)."""

    pairs: Sequence[Tokens]
    gains: np.ndarray
    longest: int


def fine_tune(
    network: PairNetwork,
    examples: Sequence[Example],
    recipe: Recipe,
    progress: Progress = silent,
) -> float:
    """Fine-tunes `network` in place; returns the mean loss of the last tenth of
    the batches. The same examples, recipe and machine give the same weights.

    Raises:
        ValueError: there are no examples.
    """
    import torch

    if not examples:
        raise ValueError("no examples to learn from")
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    network.start_at(SPREAD * float(np.mean([gain for each in examples for gain in each.gains])))
    read = [part for example in examples for part in _read(network, example, rng)]
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=0.01)
    total, done = len(read) * recipe.epochs, 0
    losses: list[float] = []
    network.model.train()
    for _ in range(recipe.epochs):
        for batch in _batches(read, recipe.batch, rng):
            done += len(batch)
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate * _schedule(done / total)
            loss = _loss(network, batch, recipe)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(float(loss.detach()))
            progress("train", done, total)
    network.model.eval()
    return float(np.mean(losses[-max(len(losses) // 10, 1) :]))


def _schedule(done: float) -> float:
    """The share of the learning rate when `done` (0 to 1) of the examples have been seen."""
    return min(done / WARM_UP, (1.0 - done) / (1.0 - WARM_UP))


def _read(network: PairNetwork, example: Example, rng: np.random.Generator) -> list[_Read]:
    """In parts of about equal size where it has many products."""
    pairs = network.tokens(example.query, example.texts)
    gains = np.array(example.gains, np.float32)
    order = rng.permutation(len(pairs)) if len(pairs) > MOST else np.arange(len(pairs))
    parts = np.array_split(order, -(-len(pairs) // MOST))
    return [
        _Read([pairs[row] for row in rows], gains[rows], max(len(pairs[row]) for row in rows))
        for rows in parts
    ]


def _batches(
    examples: Sequence[_Read], size: int, rng: np.random.Generator
) -> Iterator[list[_Read]]:
    """All examples once in random order, those of about a length together, in batches of at most
    `size` pairs."""
    order = rng.permutation(len(examples)).tolist()
    together = SORTED * max(size // MOST, 1)
    for start in range(0, len(order), together):
        part = sorted((examples[i] for i in order[start : start + together]), key=_longest)
        cut: list[list[_Read]] = [[]]
        for example in part:
            if cut[-1] and sum(len(each.pairs) for each in (*cut[-1], example)) > size:
                cut.append([])
            cut[-1].append(example)
        yield from (cut[i] for i in rng.permutation(len(cut)).tolist())


def _longest(example: _Read) -> int:
    return example.longest


def _loss(network: PairNetwork, batch: Sequence[_Read], recipe: Recipe) -> Tensor:
    """RankNet within each query (Burges et al., ICML 2005), a pair counting by the difference of
    its gains and a query's pairs by the root of their number; and the square."""
    import torch

    scores = network.forward([pair for example in batch for pair in example.pairs])
    gains = torch.from_numpy(np.concatenate([each.gains for each in batch])).to(scores.device)
    ordered = torch.zeros((), device=scores.device)
    start = 0
    for example in batch:
        own = slice(start, start + len(example.pairs))
        start = own.stop
        ahead = (gains[own, None] - gains[None, own]).clamp(min=0)
        between = scores[own, None] - scores[None, own]
        lost = (ahead * torch.nn.functional.softplus(-between)).sum()
        ordered = ordered + lost / (ahead > 0).sum().clamp(min=1) ** 0.5
    square = ((scores - SPREAD * gains) ** 2).mean()
    return SPREAD * ordered / len(batch) + recipe.graded * square
