"""Which other words a query gets, and which it must not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from query.compose import compose
from query.expansion import ExpansionBuilder, ExpansionRewriter, open_expansion
from query.normalize import normalize_query
from query.parts import Corpus
from search.errors import BadInput
from search.types import Alternative, Entity, Negation, PriceBounds, Product, Query

TITLES = (
    *("Blue Sofa", "Gray Couch", "Steel Teapot", "Tea Pot with Lid", "Teapot, 1 l", "Tea Pot"),
    *("Chef's Knife", "Set of Knives", "Wall Shelf", "Two Shelves", "Flat Television", "Mice Set"),
    *("Control Led Strip", "Control Led Lamp", "Controlled Valve", "Controlled Switch"),
)


def _open(directory: Path, synonyms: str = "", titles: Sequence[str] = TITLES) -> ExpansionRewriter:
    lists, part = directory / "lists", directory / "part"
    lists.mkdir()
    part.mkdir()
    if synonyms:
        (lists / "synonyms.txt").write_text(synonyms)
    products = [Product(str(i), t) for i, t in enumerate(titles)]
    builder = ExpansionBuilder()
    for product in products:
        builder.add(product)
    builder.write(part, Corpus(len(products), products, lists=lists))
    return open_expansion(part)


def _instead(rewriter: ExpansionRewriter, text: str) -> set[tuple[str, str]]:
    found = rewriter(normalize_query(Query(text))).alternatives
    return {(" ".join(a.words), " ".join(a.instead)) for a in found}


def test_the_shops_synonyms_work_both_ways(tmp_path: Path) -> None:
    rewriter = _open(tmp_path, "sofa, couch")
    assert _instead(rewriter, "blue sofa") == {("sofa", "couch")}
    assert _instead(rewriter, "Blue COUCHES") == {("couches", "sofa")}


def test_one_way_is_one_way(tmp_path: Path) -> None:
    rewriter = _open(tmp_path, "daybed => couch")
    assert _instead(rewriter, "daybed") == {("daybed", "couch")}
    assert _instead(rewriter, "couch") == set()


def test_a_phrase_of_several_words_is_found_whole(tmp_path: Path) -> None:
    rewriter = _open(tmp_path, "love seat => small sofa")
    assert _instead(rewriter, "red love seats sale") == {("love seats", "small sofa")}
    assert _instead(rewriter, "love a seat") == set()


def test_the_longest_phrase_wins(tmp_path: Path) -> None:
    rewriter = _open(tmp_path, "sofa bed => futon\nsofa, couch\nbed, cot")
    assert _instead(rewriter, "sofa bed") == {("sofa bed", "futon")}
    assert _instead(rewriter, "bed sofa") == {("bed", "cot"), ("sofa", "couch")}


def test_what_stands_in_is_not_expanded_again(tmp_path: Path) -> None:
    rewriter = _open(tmp_path, "a1 => b1\nb1 => c1\nc1 => a1")
    assert _instead(rewriter, "a1") == {("a1", "b1")}
    assert _instead(rewriter, "a1 b1 c1") == {("a1", "b1"), ("b1", "c1"), ("c1", "a1")}


def test_the_corrected_query_is_expanded(tmp_path: Path) -> None:
    query = normalize_query(Query("soffa"))
    corrected = Query("soffa", normalized=query.normalized, corrected="sofa")
    assert _open(tmp_path, "sofa, couch")(corrected).alternatives == (
        Alternative(("sofa",), ("couch",), 0.85),
    )


def test_every_alternative_counts_less_than_what_was_typed(tmp_path: Path) -> None:
    rewriter = _open(tmp_path, "sofa, couch")
    query = rewriter(normalize_query(Query("sofa tv knife teapot shelf mouse")))
    assert len(query.alternatives) == 6
    assert all(0 < each.weight < 1 for each in query.alternatives)


def test_what_was_added_is_told(tmp_path: Path) -> None:
    query = _open(tmp_path, "sofa, couch")(normalize_query(Query("sofa")))
    assert query.rewrites == ("expanded sofa with couch",)
    assert compose(query).terms == ("sofa",)


def test_at_most_eight(tmp_path: Path) -> None:
    rewriter = _open(tmp_path, "\n".join(f"w{i}, x{i}, y{i}" for i in range(9)))
    query = rewriter(normalize_query(Query(" ".join(f"w{i}" for i in range(9)))))
    assert len(query.alternatives) == 8


def test_forms_the_stemmer_keeps_apart_are_learned_from_titles(tmp_path: Path) -> None:
    rewriter = _open(tmp_path)
    assert _instead(rewriter, "teapot") == {("teapot", "tea pot")}
    assert _instead(rewriter, "tea-pot") == {("tea pot", "teapot")}
    assert _instead(rewriter, "knives") == {("knives", "knife")}
    assert _instead(rewriter, "shelf") == {("shelf", "shelves")}
    assert _instead(rewriter, "mouse") == {("mouse", "mice")}


def test_a_word_and_its_ending_are_no_compound(tmp_path: Path) -> None:
    assert _instead(_open(tmp_path), "controlled") == set()


def test_short_forms_are_used_where_the_catalogue_has_the_long_one(tmp_path: Path) -> None:
    rewriter = _open(tmp_path)
    assert _instead(rewriter, "tv") == {("tv", "television")}
    assert _instead(rewriter, "fridge") == set()


def test_brands_refusals_and_prices_are_left_alone(tmp_path: Path) -> None:
    rewriter = _open(tmp_path, "sofa, couch\ndollars, bucks")
    query = normalize_query(Query("sofa chair without sofa under 5 dollars"))
    marked = Query(
        query.text,
        normalized=query.normalized,
        corrected=query.corrected,
        entities=(Entity("brand", "Sofa", "sofa", 0, 4, 0.9),),
        negations=(Negation("sofa", 11, 23),),
        price=PriceBounds(high=5.0, text="under 5 dollars", start=24, end=39),
    )
    assert rewriter(query).alternatives
    assert rewriter(marked).alternatives == ()


def test_a_bad_list_stops_the_build_and_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="line 1"):
        _open(tmp_path, "alone")


@pytest.mark.parametrize("text", ["", "   ", "\x00\x01", "名前 sofa", "x" * 5_000, "sofa " * 900])
def test_any_query_is_answered(tmp_path: Path, text: str) -> None:
    query = _open(tmp_path, "sofa, couch")(normalize_query(Query(text)))
    assert len(query.alternatives) <= 8


def test_an_empty_catalogue_expands_nothing_but_the_shops_own(tmp_path: Path) -> None:
    rewriter = _open(tmp_path, "sofa, couch", titles=())
    assert _instead(rewriter, "sofa tv") == {("sofa", "couch")}
