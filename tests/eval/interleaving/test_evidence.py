"""The measurements of `aisle bench experiments` on a small world."""

from __future__ import annotations

import numpy as np
import pytest

from api.bench.experiments_interleaving import (
    blind_clicks,
    many_and_two,
    peeking,
    power_at,
    sessions_needed,
    signs,
    tables,
)
from api.bench.experiments_interleaving_worlds import Judged
from eval.interleaving import INTERLEAVERS


@pytest.mark.slow
def test_every_measurement_says_what_it_should() -> None:
    rng = np.random.default_rng(1)
    world = Judged("small", tuple(rng.integers(0, 5, 12).astype(np.float64) for _ in range(8)))
    looked, power = peeking(world, 50, 200), power_at(world, 1000, 60)
    for row in looked:
        assert row["e_value"]["low"] <= 0.05
        assert row["sequence"]["low"] <= 0.05
        assert row["z_test"]["share"] > 0.2
    for test in power.values():
        assert test["found"]["low"] <= 0.85
        assert test["found"]["high"] >= 0.75
    result = {
        "peeking": looked,
        "blind": blind_clicks(world, 300),
        "signs": signs((world,), 1, 200),
        "sessions": sessions_needed((world,), 100),
        "power": power,
        "many": many_and_two((world,), 1, 60),
    }
    said = tables(result)
    assert all(name in said for name in INTERLEAVERS)
    assert "times fewer than A/B" in said
