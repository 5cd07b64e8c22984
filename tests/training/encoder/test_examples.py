"""Batches hold every example once, and nothing in them is taken for wrong that may be right."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.encoder.examples import Example, batches, make_batch

TEXTS = st.sampled_from([f"product {i}" for i in range(12)])
EXAMPLES = st.builds(
    lambda query, texts, relevant: Example(
        query, tuple(texts), tuple(1.0 / (i + 1) for i in range(len(texts))), relevant=relevant
    ),
    st.sampled_from([f"query {i}" for i in range(8)]),
    st.lists(TEXTS, min_size=1, max_size=4, unique=True),
    st.frozensets(TEXTS, max_size=3),
)


@given(st.lists(EXAMPLES, max_size=30), st.integers(1, 10), st.integers(0, 99))
def test_every_example_is_in_one_batch_and_no_query_twice(
    examples: list[Example], size: int, seed: int
) -> None:
    made = list(batches(examples, size, np.random.default_rng(seed)))
    seen = [query for batch in made for query in batch.queries]
    assert sorted(seen) == sorted(example.query for example in examples)
    for batch in made:
        assert len(set(batch.queries)) == len(batch.queries)
        assert len(set(batch.texts)) == len(batch.texts)


@given(st.lists(EXAMPLES, min_size=1, max_size=8, unique_by=lambda example: example.query))
def test_a_product_known_to_answer_is_never_a_negative(examples: list[Example]) -> None:
    batch = make_batch(examples)
    for row, example in enumerate(examples):
        against = {text for text, no in zip(batch.texts, batch.negative[row], strict=True) if no}
        assert against == set(batch.texts) - set(example.texts) - example.relevant
        own = [batch.gains[row, batch.texts.index(text)] for text in example.texts]
        np.testing.assert_allclose(own, example.gains)
        assert np.isnan(batch.gains[row]).sum() == len(batch.texts) - len(example.texts)
