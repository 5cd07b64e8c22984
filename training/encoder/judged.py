"""Examples from queries with graded products, judged or clicked alike, and how such queries are
split so that what is reported was neither learned from nor chosen on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from search.errors import BadInput
from training.encoder.examples import Example

Gains = Mapping[str, Mapping[str, float]]
"""How well products answer, by query and product id: judges' gains, or weights of clicks."""
LEAST_TESTED = 10
"""Fewer held-out queries than this say nothing."""
MOST_VALIDATED = 600


@dataclass(frozen=True, slots=True)
class Split:
    """Queries to learn from, to choose by, and to report on."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def split_queries(queries: Sequence[str], holdout: float, seed: int) -> Split:
    """`holdout` of the queries are tested on, and a fifth of the others chosen by (not more than
    `MOST_VALIDATED`).

    Raises:
        BadInput: too few queries to hold some out.
    """
    ordered = sorted(queries)
    order = np.random.default_rng(seed).permutation(len(ordered)).tolist()
    tested = round(holdout * len(ordered))
    validated = min(round((len(ordered) - tested) / 5), MOST_VALIDATED)
    if tested < LEAST_TESTED or validated < 1:
        raise BadInput(
            f"{tested} of {len(ordered)} judged queries would be held out, and fewer than"
            f" {LEAST_TESTED} say nothing; judge more queries or raise --holdout",
            field="holdout",
        )
    shuffled = [ordered[i] for i in order]
    return Split(
        train=tuple(shuffled[tested + validated :]),
        validation=tuple(shuffled[tested : tested + validated]),
        test=tuple(shuffled[:tested]),
    )


def graded_examples(
    gains: Gains,
    texts: Mapping[str, str],
    negatives: Mapping[str, Sequence[str]],
    weight: float = 1.0,
) -> list[Example]:
    """An example a query with its products' texts by id and gains as shares of the best one
    anywhere; `negatives` are products nobody graded, taken for wrong answers. Products without a
    text are left out, and queries without an answer that has one."""
    best = max((gain for graded in gains.values() for gain in graded.values()), default=0.0)
    examples = []
    for query, graded in gains.items():
        known = {texts[p]: gain / best for p, gain in sorted(graded.items()) if p in texts and best}
        for product in negatives.get(query, ()):
            if product in texts:
                known.setdefault(texts[product], 0.0)
        if any(known.values()) and len(known) > 1:
            examples.append(Example(query, tuple(known), tuple(known.values()), weight))
    return examples
