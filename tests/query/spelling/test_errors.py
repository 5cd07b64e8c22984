"""What errors cost, how words sound, and what is a word at all."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.spelling.channel import cost, error_kind
from query.spelling.noise import WORD_ERRORS, misspell, misspell_word
from query.spelling.sounds import sound_key
from query.spelling.words import base_forms, spellable

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=12)


class Nothing:
    """No word is like another."""

    def near(self, word: str) -> list[str]:
        return []

    def cuts(self, word: str) -> list[tuple[str, str]]:
        return []


@pytest.mark.parametrize(
    ("typed", "likelier", "less_likely"),
    [
        ("teh", "the", "tax"),  # swapped before two wrong letters
        ("acommodate", "accommodate", "recommodate"),  # a double letter typed once
        ("kettlr", "kettle", "kettlx"),  # r lies beside e
        ("lemp", "lamp", "lump s"),  # a vowel for a vowel
        ("fone", "phone", "bonbon"),  # by ear
        ("lamp", "lamps", "clamps"),
    ],
)
def test_errors_that_fingers_and_ears_explain_cost_less(
    typed: str, likelier: str, less_likely: str
) -> None:
    assert cost(typed, likelier) < cost(typed, less_likely)


@given(WORDS, WORDS)
def test_costs_are_zero_for_the_same_word_only(typed: str, meant: str) -> None:
    assert cost(typed, typed) == 0
    assert (cost(typed, meant) > 0) == (typed != meant)


@pytest.mark.parametrize(
    ("typed", "meant", "kind"),
    [
        ("ketlte", "kettle", "swapped"),
        ("ketle", "kettle", "missing"),
        ("kettlee", "kettle", "extra"),
        ("kettla", "kettle", "vowel"),
        ("kettlr", "kettle", "wrong"),
        ("ketel", "kettle", "several"),
        ("kettles", "lamp", "several"),
    ],
)
def test_kinds_of_errors(typed: str, meant: str, kind: str) -> None:
    assert error_kind(typed, meant) == kind


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("fone", "phone"),
        ("nife", "knife"),
        ("kwik", "quick"),
        ("zerox", "xerox"),
        ("rist", "wrist"),
    ],
)
def test_words_that_sound_alike_share_a_key(typed: str, meant: str) -> None:
    assert sound_key(typed) == sound_key(meant)


@pytest.mark.parametrize("text", ["wh1000", "cm", "4x6", "ab", "чайник", "水筒", "it's", "a" * 41])
def test_what_is_no_word_is_never_misspelled(text: str) -> None:
    assert not spellable(text)


@pytest.mark.parametrize(
    ("word", "base"),
    [
        ("lamps", "lamp"),
        ("boxes", "box"),
        ("batteries", "battery"),
        ("knives", "knife"),
        ("running", "run"),
        ("baking", "bake"),
        ("heated", "heat"),
        ("quietly", "quiet"),
    ],
)
def test_inflections_lead_to_their_base(word: str, base: str) -> None:
    assert base in base_forms(word)


@given(WORDS, st.integers(0, 2**32))
def test_noise_is_repeatable_and_stays_near(word: str, seed: int) -> None:
    wrong = misspell_word(word, Random(seed))
    assert wrong == misspell_word(word, Random(seed))
    assert abs(len(wrong) - len(word)) <= 6


@given(st.lists(WORDS, min_size=1, max_size=4), st.integers(0, 2**32))
def test_a_misspelled_query_differs_from_what_was_meant(words: list[str], seed: int) -> None:
    wrong = misspell(words, Random(seed), Nothing())
    assert wrong is None or wrong != words


def test_numbers_are_never_misspelled() -> None:
    assert misspell(["4k", "wh1000", "12"], Random(0), Nothing()) is None


def test_every_error_changes_most_words() -> None:
    random = Random(1)
    for error in WORD_ERRORS:
        changed = sum(error("blanket", random) != "blanket" for _ in range(100))
        assert changed >= 95, error.__name__
