"""The synonym format: what a shop can write, and what it is told when it cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query.expansion import Synonym, parse_synonyms, read_synonyms
from search.errors import BadInput


def _pairs(text: str) -> set[tuple[str, str]]:
    return {(" ".join(s.words), " ".join(s.instead)) for s in parse_synonyms(text, "list")}


def test_commas_work_in_every_direction() -> None:
    assert _pairs("sofa, couch, settee") == {
        ("sofa", "couch"),
        ("sofa", "settee"),
        ("couch", "sofa"),
        ("couch", "settee"),
        ("settee", "sofa"),
        ("settee", "couch"),
    }


def test_an_arrow_works_from_left_to_right_only() -> None:
    assert _pairs("tv, telly => television, tv set") == {
        ("tv", "television"),
        ("tv", "tv set"),
        ("telly", "television"),
        ("telly", "tv set"),
    }


def test_comments_blank_lines_and_case_are_nothing() -> None:
    assert _pairs("# sofas\n\n  Sofa , COUCH   # our best sellers\n") == {
        ("sofa", "couch"),
        ("couch", "sofa"),
    }


def test_a_backslash_takes_the_next_character_as_it_is() -> None:
    assert _pairs(r"salt\, pepper, s\#p  set") == {
        ("salt pepper", "s p set"),
        ("s p set", "salt pepper"),
    }


def test_an_escaped_arrow_is_no_arrow() -> None:
    assert ("a b", "c") in _pairs(r"a \=> b, c")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sofa, couch\nlamp", "one word alone"),
        ("sofa, couch\nlamp,", "a word is missing"),
        ("sofa, couch\na => b => c", "more than one =>"),
        ("sofa, couch\n=> b", "a word is missing"),
        ("sofa, couch\n!!, b", "'!!' holds no word"),
        ("sofa, couch\na b c d e f g, b", "more than 6 words"),
        ("sofa, couch\na, b\\", "backslash"),
    ],
)
def test_a_bad_line_is_named_with_its_remedy(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "synonyms.txt"
    path.write_text(text)
    with pytest.raises(BadInput, match=problem) as error:
        read_synonyms(path)
    assert "line 2" in str(error.value)
    assert "sofa, couch" in str(error.value)


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "synonyms.txt"
    with pytest.raises(BadInput, match=r"synonyms\.txt cannot be read"):
        read_synonyms(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="UTF-8"):
        read_synonyms(path)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_synonyms(text, "list")
    except BadInput:
        return
    assert all(isinstance(s, Synonym) and s.words and s.instead for s in found)
