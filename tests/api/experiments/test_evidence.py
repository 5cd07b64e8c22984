"""The measurements of A/B tests, on a few repeats: what they say is what they are for."""

from __future__ import annotations

from api.bench.experiments_ab import broken_splits, fair_splits, nothing_differs, something_differs


def test_peeking_errs_by_a_z_test_and_not_by_a_sequence() -> None:
    for row in nothing_differs(40):
        assert row["sequence"] <= 0.1
        assert row["z_test"] > row["sequence"] + 0.05


def test_history_saves_units_and_broken_splits_are_found() -> None:
    found = something_differs(0.2, 30)
    assert found["found"] > 0.8
    assert 0 < found["variance_saved"] < 1
    assert found["units_with_history"] <= found["units"] * 1.2
    assert fair_splits(2_000)["one_look"] <= 0.005
    assert broken_splits(0.55, 100)["found"]["20000"] == 1
