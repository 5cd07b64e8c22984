"""Rows of texts say what separate files of earlier builds say, live changes included."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from rankers.features import compute
from search.engines.local import texts
from search.engines.local.layout import DataLayout, read_current
from search.engines.local.manifest import FORMAT
from search.seams import Facts
from search.types import Pool, Query, Ranking, Upsert
from tests.search.engines import shops

SIZE, LATER = 40, 5


def shop(data: Path, *, earlier: bool = False) -> Facts:
    """A shop with a few live changes, the same each time; built as earlier builds did."""
    rng = random.Random(4)
    with pytest.MonkeyPatch.context() as patch:
        if earlier:
            patch.setattr(texts, "write_rows", lambda directory: None)
        shops.build(data, [shops.random_product(rng, f"p{i}") for i in range(SIZE)])
    if earlier:
        manifest = DataLayout(data).snapshot(read_current(data)).manifest
        content = manifest.read_text().replace(f'"format": {FORMAT}', f'"format": {FORMAT - 1}')
        manifest.write_text(content)
    changes = [Upsert(shops.random_product(rng, f"p{i}")) for i in range(LATER)]
    shops.change(data, changes)
    return shops.state_of(data).facts


def pool() -> Pool:
    ordinals = np.random.default_rng(5).permutation(SIZE + LATER).astype(np.int32)
    ranking = Ranking(ordinals, np.linspace(1, 0.5, len(ordinals), dtype=np.float32))
    words = ("red", "kettle", "1000", "for", "steel")
    return Pool(Query(" ".join(words), terms=words), ranking, today=20000.0)


def test_an_index_of_an_earlier_build_gives_the_same_features(tmp_path: Path) -> None:
    shown = shop(tmp_path / "now"), shop(tmp_path / "earlier", earlier=True)
    now, before = (compute(facts, pool()).values for facts in shown)
    assert np.array_equal(now, before, equal_nan=True)
    assert not np.isnan(now[:, 0]).any()
