"""The evidence that metrics and p-values are right is met, and names what it held them against."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.bench.experiments_metrics import MEASURES, eval_evidence


def test_metrics_and_p_values_equal_those_of_others() -> None:
    found = eval_evidence(Path("nowhere"))
    assert list(found["metrics"]) == ["generated"]
    assert set(found["metrics"]["generated"]) == set(MEASURES)
    assert len(found["gates"]) == 4
    assert all(gate["met"] for gate in found["gates"].values()), found["gates"]


@pytest.mark.real
def test_metrics_equal_those_of_pytrec_eval_on_public_judgments(real_data: Path) -> None:
    found = eval_evidence(real_data)
    assert {"esci", "icecat", "crowdflower"} < set(found["metrics"])
    assert all(gate["met"] for gate in found["gates"].values()), found["gates"]
