"""How words are made of letters and digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.types import shape_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("xm4", "xm5", True),
        ("1000xm4", "900wh2", True),
        ("xm4", "4xm", False),
        ("xm4", "xm4b", False),
        ("3", "1.5", True),
        ("3", "3b", False),
        ("kettle", "lid's", True),
    ],
)
def test_codes_of_one_kind_have_one_shape(one: str, other: str, same: bool) -> None:
    assert (shape_of(one) == shape_of(other)) == same


@given(st.text(min_size=1))
def test_every_word_has_a_shape_that_fits_a_byte(word: str) -> None:
    assert 0 <= shape_of(word) <= 255
    if not any(c in "0123456789" for c in word) and not word.isdecimal():
        assert shape_of(word) == 0
