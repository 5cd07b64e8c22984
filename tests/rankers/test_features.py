"""The table of features, and the groups that do not read texts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from rankers.features import FEATURES, NAMES, VERSION, Feature, Inputs, compute
from rankers.features.registry import GROUPS
from rankers.features.table import version_of
from search.errors import BadInput
from search.types import (
    Ordinals,
    Ranking,
    Vectors,
)
from tests.rankers.facts import HandFacts
from tests.rankers.pools import random_facts


def test_every_feature_is_declared_once_and_explained() -> None:
    assert len(NAMES) == sum(len(group.features) for group in GROUPS) == len(FEATURES)
    for feature in FEATURES.values():
        assert feature.sentence.endswith(".")
        assert feature.unit
        assert feature.name == feature.name.lower()


def test_every_feature_has_a_name_for_people_of_its_own() -> None:
    labels = [feature.label for feature in FEATURES.values()]
    assert len(set(labels)) == len(labels)
    for label in labels:
        assert 3 < len(label) <= 45
        assert label[0] == label[0].lower()
        assert not set("_:;") & set(label)


@pytest.mark.parametrize(
    ("feature", "value", "text"),
    [
        ("title_coverage", 0.9731, "97.3%"),
        ("title_coverage", 1.0, "100%"),
        ("in_stock", 1.0, "yes"),
        ("in_stock", 0.0, "no"),
        ("price_over_median", math.log(0.63), "× 0.63"),
        ("ratings_log", math.log(1 + 1250), "1,250"),
        ("sales_rank_log", math.log(1 + 7), "7"),
        ("price", 1234.5, "1,234.50"),
        ("title_words", 12.0, "12"),
        ("cosine", -1.9e-17, "0"),
        ("title_bm25", 8.4912, "8.49"),
        ("title_bm25", 1234.5, "1,234"),
        ("description_bm25", math.nan, "unknown"),
        ("in_stock", math.nan, "unknown"),
    ],
)
def test_values_are_told_as_people_read_them(feature: str, value: float, text: str) -> None:
    assert FEATURES[feature].text(value) == text


def test_columns_come_in_the_order_asked_for() -> None:
    facts, pool = random_facts(60)
    whole = compute(facts, pool)
    names = ["price", "title_bm25", "cosine", "words_rank", "title_run"]
    table = compute(facts, pool, names)
    assert table.names == tuple(names)
    wanted = whole.values[:, [NAMES.index(name) for name in names]]
    assert table.values.tobytes() == np.ascontiguousarray(wanted).tobytes()


def test_groups_fill_their_columns_of_a_wider_table() -> None:
    facts, pool = random_facts(60)
    for group in GROUPS:
        inputs = Inputs(facts, pool)
        wide = inputs.empty(len(group.features) + 2)
        group.fill(inputs, wide[:, 1:-1])
        assert wide[:, 1:-1].tobytes() == group.compute(inputs).tobytes(), group.name
        assert np.isnan(wide[:, [0, -1]]).all()


def test_only_the_groups_asked_for_are_computed() -> None:
    facts, pool = random_facts(60)

    class Blind(HandFacts):
        def vectors(self, ordinals: Ordinals) -> Vectors | None:
            raise AssertionError("nobody asked for meaning")

    compute(Blind(facts.items), pool, ["price", "title_bm25"])


def test_the_same_pool_gives_the_same_bits() -> None:
    facts, pool = random_facts(120)
    assert compute(facts, pool).values.tobytes() == compute(facts, pool).values.tobytes()


def test_cutting_a_pool_behind_the_fiftieth_changes_nothing_before() -> None:
    facts, pool = random_facts(120)
    whole = compute(facts, pool).values
    head = compute(facts, replace(pool, ranking=pool.ranking.head(50))).values
    np.testing.assert_allclose(head, whole[:50], rtol=1e-5, atol=1e-6, equal_nan=True)


def test_an_unknown_name_is_refused_by_name() -> None:
    facts, pool = random_facts(3)
    with pytest.raises(BadInput, match="unknown feature 'colour'"):
        compute(facts, pool, ["colour"])


def test_an_empty_pool_gives_an_empty_table() -> None:
    facts, pool = random_facts(3)
    table = compute(facts, replace(pool, ranking=Ranking.empty()))
    assert table.values.shape == (0, len(NAMES))


def test_arrays_that_cannot_be_written_are_read_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts, pool = random_facts(30)
    found = facts.texts(pool.ranking.ordinals)
    for rows in found.values():
        for array in (rows.codes, rows.counts, rows.spans, rows.documents):
            array.flags.writeable = False
    monkeypatch.setattr(facts, "texts", lambda ordinals: found)
    pool.ranking.ordinals.flags.writeable = False
    assert compute(facts, pool).values.shape == (30, len(NAMES))


def test_another_name_for_people_leaves_models_as_they_are() -> None:
    first, *others = GROUPS

    def version_with(feature: Feature) -> str:
        return version_of((replace(first, features=(feature, *first.features[1:])), *others))

    feature = first.features[0]
    assert version_with(replace(feature, label="something else")) == VERSION
    assert version_with(replace(feature, unit="something else")) != VERSION


def test_the_version_follows_the_declarations() -> None:
    assert len(VERSION) == 12
    assert int(VERSION, 16) >= 0
