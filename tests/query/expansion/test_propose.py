"""Proposed synonyms: which pass the gate, and that the file can be used as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fixtures import make_shop
from query.expansion import parse_synonyms
from query.expansion.clicks import Clicks, co_clicks, exchanged, read_clicks
from query.expansion.propose import Proposal, format_proposals, propose
from search.encoder import OnnxEncoder
from search.errors import BadInput
from search.types import Vectors


def _nothing(texts: Sequence[str]) -> Vectors | None:
    return None


def test_queries_that_share_clicks_exchange_a_phrase() -> None:
    clicks: Clicks = {
        ("red", "sofa"): Counter(a=5, b=4, c=3),
        ("red", "couch"): Counter(a=4, b=4, c=2),
        ("red", "lamp"): Counter(a=1, d=9, e=9),
    }
    found = co_clicks(clicks)
    assert [(each.first, each.second, each.pairs) for each in found] == [("couch", "sofa", 1)]
    assert found[0].alike > 0.95


def test_two_shared_products_are_too_few() -> None:
    clicks: Clicks = {("sofa",): Counter(a=5, b=4), ("couch",): Counter(a=4, b=4)}
    assert co_clicks(clicks) == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("big red sofa", "big red couch", ("couch", "sofa")),
        ("red sofa", "sofa", None),
        ("tea pot", "teapot", None),
        ("sofa red", "couch blue", ("couch blue", "sofa red")),
        ("running shoe", "running shoes", None),
    ],
)
def test_what_two_queries_differ_in(
    first: str, second: str, expected: tuple[str, str] | None
) -> None:
    assert exchanged(tuple(first.split()), tuple(second.split())) == expected


def test_clicks_are_read_and_bad_ones_named(tmp_path: Path) -> None:
    path = tmp_path / "clicks.csv"
    path.write_text("query,product_id,count\nRed Sofa,a,2\nred sofa,a,\n")
    assert read_clicks(path) == {("red", "sofa"): Counter(a=3)}
    path.write_text("query,product_id,count\nsofa,a,many\n")
    with pytest.raises(BadInput, match=r"line 2: count is 'many'"):
        read_clicks(path)
    path.write_text("query,clicks\nsofa,1\n")
    with pytest.raises(BadInput, match="no column product_id"):
        read_clicks(path)


def test_a_proposal_file_is_a_synonym_file() -> None:
    text = format_proposals([Proposal("sofa", "couch", 0.8, "many # clicks")])
    assert [(s.words, s.instead) for s in parse_synonyms(text, "proposed")] == [
        (("sofa",), ("couch",)),
        (("couch",), ("sofa",)),
    ]
    assert "0.80" in text


def test_no_proposals_still_make_a_file() -> None:
    assert parse_synonyms(format_proposals([]), "proposed") == []


def test_an_empty_catalogue_proposes_nothing() -> None:
    assert propose([], _nothing) == []


@pytest.mark.slow
def test_the_demo_shops_own_synonyms_are_proposed(encoder: OnnxEncoder) -> None:
    found = propose(make_shop().products, lambda texts: np.asarray(encoder.encode(texts)))
    pairs = {frozenset((each.first, each.second)) for each in found}
    assert frozenset(("skillet", "frying pan")) in pairs
    assert frozenset(("mug", "cup")) in pairs
    assert frozenset(("kettle", "teapot")) not in pairs
    assert all(each.score >= 0.68 for each in found)
