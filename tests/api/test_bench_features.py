"""What `aisle bench features` compares: NumPy alone gives the same values as compiled code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.bench import numpy_features
from api.cli import run
from rankers.features import GROUPS, Inputs
from search.types import Negation, Query
from tests.rankers.facts import HandFacts, Item, pool_of

WORDS = ["kettle", "steel", "lid", "16", "for", "with", "without", "free", "the", "by"]
text = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(text, text, text), min_size=1, max_size=6),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
    st.lists(st.sampled_from(WORDS), max_size=2),
)
def test_numpy_alone_gives_the_same_values(
    texts: list[tuple[str, str, str]], words: list[str], refused: list[str]
) -> None:
    negations = (Negation(" ".join(refused), 0, 0),) if refused else ()
    query = Query(" ".join(words), terms=tuple(words), negations=negations)
    facts = HandFacts([Item(title, prose, details) for title, prose, details in texts])
    inputs = Inputs(facts, pool_of(query, len(texts)))
    groups = {group.name: group.compute(inputs) for group in GROUPS}
    covered, ordered = numpy_features.words(inputs)
    pairs = {"words": covered, "titles": ordered, "retrieval": numpy_features.retrieval(inputs)}
    for name, values in pairs.items():
        np.testing.assert_allclose(groups[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


def test_every_part_is_timed(indexed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["bench", "features", "--data", str(indexed), "--number", "10", "--json"]
    assert run(command) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {group.name for group in GROUPS} <= set(result["parts"])
    assert result["numpy"]["words"]["p50"] > 0
    assert run(command[:-1]) == 0
    assert "words with NumPy alone" in capsys.readouterr().out
