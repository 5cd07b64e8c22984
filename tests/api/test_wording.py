"""What training reads of texts gives, to the last bit, the features that serving computes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from api.training import schema
from api.wording import Wordings
from rankers.features import NAMES, compute
from search.types import Product
from tests.rankers.test_associations import WORDS, associations, world
from training import JudgedQuery, stack
from training.associations import COLUMNS, with_associations


def test_learned_features_are_those_of_serving_bit_for_bit() -> None:
    rng = np.random.default_rng(4)
    titles = [rng.choice([*WORDS, "never"], rng.integers(0, 7)).tolist() for _ in range(120)]
    facts, pool = world(titles, ["red", "kettle", "unheard"], base=100)
    pool = replace(pool, ranking=pool.ranking.head(110))
    ordinals = pool.ranking.ordinals
    texts = Wordings()
    wording = texts.read(facts, pool)
    shown = [Product(f"p{i}", facts.items[i].title) for i in ordinals.tolist()]
    texts.name(facts, shown, ordinals)
    learned = associations(2)
    none = np.full(len(ordinals), np.nan)
    judged = JudgedQuery(
        pool.query.text, tuple(each.id for each in shown), compute(facts, pool).values, none,
        pool.ranking.scores.astype(np.float64), np.zeros(len(ordinals), np.bool_),
        np.ones(1), np.empty(0), wording=wording,
    )  # fmt: skip
    trained = with_associations(stack([judged], schema()), learned).values
    served = compute(facts, pool, associations=learned).values
    places = [NAMES.index(name) for name in COLUMNS]
    assert not np.isnan(served[:, places]).any()
    assert trained[:, places].tobytes() == served[:, places].tobytes()
