"""The part of a title that says what a product is."""

from __future__ import annotations

import pytest

from indexer.analysis import kind_words


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Acme steel kettle 1.7 l, cordless", "acme steel kettle"),
        ("(Renewed) Acme phone 2 with case - white", "renewed acme phone"),
        ("Compatible case cover for Acme phone", "case cover"),
        ("Acme tracker, graphite", "acme tracker"),
        ("Descaler for kettles", "descaler"),
        ("Shower trim kit in chrome (valve not included)", "shower trim kit"),
        ("24 in. x 36 in. white shelf", "24 in x 36 in white shelf"),
        ("Trousers - slim fit", "trousers"),
        ("1984", "1984"),
        ("for with", ""),
        ("", ""),
    ],
)
def test_the_part_that_says_what_it_is(title: str, kind: str) -> None:
    assert " ".join(kind_words(title)) == kind
