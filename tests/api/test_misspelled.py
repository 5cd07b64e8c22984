"""Misspelled forms of judged queries, and what of the score they keep."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from api.bench.misspelled import METRIC, kept, misspelled
from eval import Judgments, evaluate


def test_one_word_is_misspelled_and_numbers_are_not() -> None:
    for seed in range(50):
        form = misspelled("tv 1080p kettle", Random(seed))
        assert form.startswith("tv 1080p ")
    assert len({misspelled("kettle", Random(seed)) for seed in range(50)}) > 10


def test_a_query_without_a_word_stays() -> None:
    assert misspelled("hp 300 xl", Random(0)) == "hp 300 xl"


def test_the_share_kept_is_of_the_right_queries_mean() -> None:
    queries = [f"q{i}" for i in range(40)]
    judgments = Judgments({query: {"a": 1.0, "b": 0.0} for query in queries})
    right = {query: ["a"] for query in queries}
    wrong = {query: ["a"] if i % 2 else ["b"] for i, query in enumerate(queries)}
    report = evaluate(judgments, {"hybrid": right, "misspelled": wrong}, metrics=[METRIC])
    share, low, high = kept(report, "misspelled")
    assert share == pytest.approx(0.5)
    assert 0.3 < low < 0.5 < high < 0.7
    assert np.isclose(kept(report, "hybrid")[0], 1)
