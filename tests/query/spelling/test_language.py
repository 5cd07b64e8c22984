"""Words in company: the model of neighbors."""

from __future__ import annotations

import pytest

from query.spelling.language import UNKNOWN, Language
from query.spelling.pairs import write_pairs
from query.spelling.vocabulary import Counts, write_vocabulary

LINES = [
    *[("stainless steel kettle", 1.0)] * 50,
    *[("cast iron skillet", 1.0)] * 50,
    *[("kettles | sink", 1.0)] * 5,
]


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Language:
    directory = tmp_path_factory.mktemp("language")
    uses: dict[str, float] = {}
    for line, _ in LINES:
        for word in line.split():
            uses[word] = uses.get(word, 0.0) + 1
    vocabulary = write_vocabulary(directory, uses, set(), set())
    pairs = write_pairs(directory, vocabulary, ((line.split(), w) for line, w in LINES))
    return Language(vocabulary, pairs)


def ids(language: Language, text: str) -> list[int]:
    return [language.vocabulary.id(word) for word in text.split()]


def test_a_word_is_likelier_where_it_was_seen(language: Language) -> None:
    stainless, cast, steel = ids(language, "stainless cast steel")
    assert language.log(steel, [stainless]) > language.log(steel, [cast])


def test_inflections_share_their_company(language: Language) -> None:
    kettle, sink = ids(language, "kettle sink")
    assert language.together(kettle, sink)


def test_order_counts_for_neighbors_only(language: Language) -> None:
    stainless, steel = ids(language, "stainless steel")
    assert language.adjacent(stainless, steel) == pytest.approx(50, rel=0.05)
    assert language.adjacent(steel, stainless) == 0
    assert language.together(steel, stainless)


def test_fields_are_company_but_not_neighbors(language: Language) -> None:
    kettles, sink = ids(language, "kettles sink")
    assert language.adjacent(kettles, sink) == 0
    assert language.together(kettles, sink)


def test_unknown_words_are_unlikely_and_keep_no_company(language: Language) -> None:
    (steel,) = ids(language, "steel")
    assert language.log(-1, [steel]) == UNKNOWN < language.log(steel, [-1])
    assert not language.together(-1, steel)


def test_words_are_known_by_their_base_and_english_by_itself(language: Language) -> None:
    vocabulary = language.vocabulary
    assert vocabulary.familiar("skillets") == vocabulary.id("skillets") >= 0
    assert vocabulary.id("grandmother") >= 0
    assert vocabulary.familiar("qwrtz") == -1
    counts = Counts(vocabulary)
    assert counts["steel"] == 51
    assert "qwrtz" not in counts
    with pytest.raises(KeyError):
        counts["qwrtz"]
