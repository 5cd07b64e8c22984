"""Figures of spelling, from labels to intervals."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.spelling_quality import (
    Answer,
    SpellingLabel,
    compound_lookup,
    do_nothing,
    evaluate_spelling,
    load_spelling_labels,
)
from search.errors import BadInput

LABELS = (
    SpellingLabel("ketle", "kettle", "missing letter"),
    SpellingLabel("kettel", "kettle", "transposition"),
    SpellingLabel("Lamp", "lamp", "good"),
    SpellingLabel("lamps", "lamps", "good"),
)


def ask(query: str) -> Answer:
    """Corrects `ketle`, offers `kettle` for `kettel`, and ruins `lamps`."""
    searched = {"ketle": "kettle", "lamps": "lamp"}.get(query, query)
    return Answer(searched, {"kettel": "kettle"}.get(query, searched))


def test_shares_are_of_misspelled_and_of_good_queries() -> None:
    report = evaluate_spelling(LABELS, {"ours": ask, "nothing": do_nothing}, str.lower)
    ours, nothing = report.systems["ours"], report.systems["nothing"]
    assert (report.misspelled, report.good) == (2, 2)
    assert (ours.exact.mean, ours.offered.mean) == (0.5, 1.0)
    assert (ours.changed.mean, ours.questioned.mean) == (0.5, 0.5)
    assert (nothing.exact.mean, nothing.changed.mean) == (0.0, 0.0)
    assert ours.exact.low <= ours.exact.mean <= ours.exact.high
    assert report.kinds["good"].exact == 1
    assert [failure.query for failure in report.failures] == ["kettel", "lamps"]


def test_an_offer_that_is_wrong_questions_a_good_query() -> None:
    labels = (SpellingLabel("lamp", "lamp"),)
    report = evaluate_spelling(labels, {"ours": lambda q: Answer(q, "lamb")}, str.lower)
    quality = report.systems["ours"]
    assert (quality.changed.mean, quality.questioned.mean) == (0.0, 1.0)
    assert quality.exact.high == 0


def test_lookup_compound_corrects_over_the_given_words() -> None:
    ask = compound_lookup({"kettle": 5, "steel": 9})
    assert ask("steal ketle").searched == "steel kettle"
    assert ask("").searched == ""


def test_labels_are_read_with_their_kind_and_part(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("query,expected,kind,part\nketle,kettle,missing letter,final\n")
    assert load_spelling_labels(path) == (
        SpellingLabel("ketle", "kettle", "missing letter", "final"),
    )
    path.write_text("expected,query\nkettle,ketle\n")
    assert load_spelling_labels(path) == (SpellingLabel("ketle", "kettle"),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"query\nketle\n", r"has no column expected; its first line must be query,expected"),
        (b"query,expected\nketle,\n", r"line 2: query or expected is empty; fill it or remove"),
        (b"query,expected\n", r"holds no labels; add lines such as ketle,kettle"),
        (b"query,expected\n\xff,\xff\n", r"cannot be read .*; it must be CSV in UTF-8"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        load_spelling_labels(path)
