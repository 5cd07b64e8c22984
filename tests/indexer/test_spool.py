"""The spool: rows come back once each, the last of every id, and the others are named."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.catalogue import Location
from indexer.spool import Spool
from search.types import Product


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("abcdefghé"), max_size=40))
def test_the_last_row_of_each_id_stays_in_the_order_of_the_source(ids: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, Spool(Path(folder, "rows")) as spool:
        for line, product_id in enumerate(ids, 1):
            spool.add(Product(product_id, f"title of line {line}"), Location("shop.csv", line))
        duplicates = list(spool.finish())
        stayed = list(spool.products())
        again = list(spool.products())
    last = {product_id: line for line, product_id in enumerate(ids, 1)}
    expected = [(p, f"title of line {line}") for p, line in last.items()]
    expected.sort(key=lambda row: int(row[1].split()[-1]))
    assert [(p.id, p.title) for p in stayed] == expected
    assert again == stayed
    assert len(stayed) + len(duplicates) == len(ids)
    replaced = [line for line, product_id in enumerate(ids, 1) if last[product_id] != line]
    assert [(d.place, d.kept) for d in duplicates] == [
        (Location("shop.csv", line), Location("shop.csv", last[ids[line - 1]])) for line in replaced
    ]


def test_a_place_with_a_line_break_does_not_break_the_row(tmp_path: Path) -> None:
    with Spool(tmp_path / "rows") as spool:
        spool.add(Product("a", "first", description="two\nlines"), Location("odd\nname.csv", 1))
        spool.add(Product("a", "second"), Location("odd\nname.csv", 2))
        (duplicate,) = spool.finish()
        assert [p.title for p in spool.products()] == ["second"]
    assert duplicate.place == Location("odd\nname.csv", 1)
