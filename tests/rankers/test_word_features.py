"""What the words of a query are in a product's texts, against a plain reference and by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankers.features import compute
from search.types import Alternative, Negation, Query, Spelling
from tests.rankers import reference
from tests.rankers.facts import HandFacts, Item, pool_of

WORDS = ["kettle", "steel", "lid", "case", "red", "glass", "16", "1.5"]
WORDS += ["for", "with", "without", "no", "free", "the", "a", "compatible", "by"]
text = st.lists(st.sampled_from(WORDS), max_size=9)
items = st.lists(st.tuples(text, text, text), min_size=1, max_size=6)
queries = st.lists(st.sampled_from([*WORDS, "unknown"]), min_size=1, max_size=5)


def values(titles: Sequence[str], query: Query | str, *names: str) -> list[list[float]]:
    """A row of features for every title."""
    facts = HandFacts([Item(title) for title in titles])
    found: list[list[float]] = compute(facts, pool_of(query, len(titles)), names).values.tolist()
    return found


def same(found: float, wanted: float) -> bool:
    return math.isclose(found, wanted, rel_tol=1e-5, abs_tol=1e-6) or (
        math.isnan(found) and math.isnan(wanted)
    )


@given(items, queries, st.integers(0, 6))
def test_titles_are_read_as_the_plain_reference_reads_them(
    texts: list[tuple[list[str], list[str], list[str]]], query: list[str], base: int
) -> None:
    facts = HandFacts([Item(" ".join(title)) for title, _, _ in texts], min(base, len(texts)))
    table = compute(facts, pool_of(" ".join(query), len(texts)))
    for row, (title, _, _) in zip(table.values, texts, strict=True):
        found = dict(zip(table.names, row.tolist(), strict=True))
        for name, wanted in reference.title_features(title, query).items():
            assert same(found[name], wanted), (name, title, query, found[name], wanted)


@given(items, queries, st.integers(0, 6))
def test_scores_and_coverage_are_those_of_the_plain_reference(
    texts: list[tuple[list[str], list[str], list[str]]], query: list[str], base: int
) -> None:
    facts = HandFacts(
        [Item(" ".join(t), " ".join(p), " ".join(d)) for t, p, d in texts], min(base, len(texts))
    )
    table = compute(facts, pool_of(" ".join(query), len(texts)))
    wanted = reference.telling(query)
    codes = facts.codes(wanted).tolist()
    fields = facts.texts(np.arange(len(texts), dtype=np.int32))
    idfs = {name: [reference.idf(rows, code) for code in codes] for name, rows in fields.items()}
    least = [min(each) for each in zip(*idfs.values(), strict=True)]
    for row, (title, description, details) in zip(table.values, texts, strict=True):
        found = dict(zip(table.names, row.tolist(), strict=True))
        own = reference.seen(title, query)
        anywhere = [*own, *description, *details]
        known = bool(title or description or details)
        ones, numbers = [1.0] * len(wanted), [w for w in wanted if w[0].isdecimal()]
        after = reference.purpose(query)
        expected = {
            "title_bm25": reference.bm25(own, query, idfs["title"], fields["title"].mean_length),
            "description_bm25": reference.bm25(
                description, query, idfs["description"], fields["description"].mean_length
            ),
            "details_bm25": reference.bm25(
                details, query, idfs["details"], fields["details"].mean_length
            ),
            "title_coverage": reference.share(own, wanted, ones) if title else math.nan,
            "title_coverage_idf": reference.share(own, wanted, least) if title else math.nan,
            "numbers_coverage": reference.share(own, numbers, ones[: len(numbers)])
            if title
            else math.nan,
            "details_coverage_idf": reference.share(details, wanted, least)
            if details
            else math.nan,
            "text_coverage": reference.share(anywhere, wanted, ones) if known else math.nan,
            "text_coverage_idf": reference.share(anywhere, wanted, least) if known else math.nan,
            "has_every_word": float(set(wanted) <= set(anywhere)) if known else math.nan,
            "for_coverage": reference.share(
                anywhere, after, [least[wanted.index(word)] for word in after]
            )
            if known
            else math.nan,
            "description_beyond": reference.share(
                [word for word in description if word not in own], wanted, least
            )
            if description
            else math.nan,
        }
        for name, value in expected.items():
            assert same(found[name], value), (name, title, description, details, query)


def test_an_accessory_is_told_from_the_product_it_is_for() -> None:
    kettle, descaler = values(
        ["steel kettle with lid", "descaler for kettle"],
        "kettle",
        "head_in_title",
        "head_beyond",
        "title_beyond",
        "head_to_end",
    )
    assert kettle == [1, 0, 0, 0]
    assert descaler[:3] == [1, 1, 1]
    assert math.isnan(descaler[3])


def test_who_asks_for_an_accessory_gets_one() -> None:
    names = "head_in_title", "title_beyond", "for_coverage", "for_beyond", "title_phrase"
    kettle, descaler = values(
        ["steel kettle with lid", "descaler for kettle"], "descaler for kettle", *names
    )
    assert kettle[0] == 0
    assert descaler == [1, 0, 1, 1, 1]


def test_a_refused_thing_counts_against_a_title_unless_it_says_it_has_it_not() -> None:
    query = Query(
        "kettle without lid",
        terms=("kettle",),
        corrected="kettle without lid",
        negations=(Negation("lid", 7, 18),),
    )
    found = values(
        ["kettle with lid", "kettle without a lid", "lid free kettle", "kettle"],
        query,
        "refused_in_title",
        "denied_in_title",
        "title_precision",
    )
    assert found[0] == pytest.approx([1, 0, 1 / 3])
    assert found[1] == pytest.approx([0, 1, 1 / 4])
    assert found[2] == pytest.approx([0, 1, 1 / 3])
    assert found[3] == [0, 0, 1]


def test_a_word_that_the_query_negates_itself_is_found() -> None:
    plain, free = values(["sugar gum", "sugar free gum"], "sugar free gum", "title_coverage")
    assert plain == [pytest.approx(2 / 3)]
    assert free == [1]
    (asked_plainly,) = values(["sugar free gum"], "sugar gum", "title_coverage")
    assert asked_plainly == [0.5]


def test_a_model_number_is_found_however_it_is_written() -> None:
    query = Query("wh-1000xm4 case", terms=("wh", "1000xm4", "case"), codes=("wh1000xm4",))
    names = "codes_coverage", "title_coverage"
    titles = ["wh 1000xm4 headphones", "wh1000xm4 case", "wh 1000xm5 case"]
    parted, whole, other = values(titles, query, *names)
    assert parted == pytest.approx([1, 2 / 3])
    assert whole == [1, 1]
    assert other == pytest.approx([0.5, 2 / 3])


def test_other_words_for_a_word_count_at_their_weight() -> None:
    query = Query(
        "dish washer hose",
        terms=("dish", "washer", "hose"),
        alternatives=(Alternative(("dish", "washer"), ("dishwasher",), 0.5),),
    )
    (found,) = values(["dishwasher hose"], query, "title_coverage")
    assert found == pytest.approx([2 / 3])


def test_an_offered_spelling_counts_as_far_as_it_is_sure() -> None:
    spelling = Spelling("suggested", "kettle", 0.6, (("ketle", "kettle"),))
    query = Query("ketle", terms=("ketle",), spelling=spelling)
    assert values(["steel kettle"], query, "title_coverage") == [[pytest.approx(0.6)]]


def test_what_a_product_has_no_text_for_is_unknown() -> None:
    facts = HandFacts([Item("kettle", "", "steel"), Item("kettle", "a kettle")])
    names = ["description_bm25", "details_bm25", "details_coverage_idf"]
    table = compute(facts, pool_of("kettle", 2), names)
    assert np.isnan(table.values).tolist() == [[True, False, False], [False, True, True]]


def test_a_query_without_words_leaves_words_unknown() -> None:
    assert np.isnan(values(["kettle"], Query(""), "title_bm25", "title_run")).all()


def test_long_queries_and_titles_are_read_as_far_as_there_is_room() -> None:
    long = " ".join(f"word{i}" for i in range(400))
    (found,) = values([long], long, "title_coverage", "title_phrase")
    assert found == [1, 1]


def test_a_very_long_refusal_is_left_out() -> None:
    refused = " ".join(f"word{i}" for i in range(80))
    query = Query("kettle", terms=("kettle",), negations=(Negation(refused, 0, 1),))
    (found,) = values(["kettle word3"], query, "title_coverage", "refused_in_title")
    assert found[0] == 1
    assert math.isnan(found[1])
