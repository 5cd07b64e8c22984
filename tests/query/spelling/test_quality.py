"""The figures promised, on the hand-made sets; thresholds are learned on generated queries."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.spelling_quality import Answer, evaluate_spelling, load_spelling_labels
from fixtures import make_shop
from indexer.catalogue import open_catalogue
from query import normalize
from query.spelling import Corrector
from tests.query.spelling.conftest import learned

LABELS = Path(__file__).parents[3] / "fixtures" / "labels"


def check(corrector: Corrector, name: str, *, exact: float, offered: float, changed: float) -> None:
    def ask(text: str) -> Answer:
        spelling = corrector.check(text)
        searched = spelling.text if spelling.outcome == "corrected" else text
        return Answer(searched, spelling.text or text)

    labels = load_spelling_labels(LABELS / f"{name}_spelling.csv")
    report = evaluate_spelling(labels, {"spelling": ask}, normalize)
    quality = report.systems["spelling"]
    assert quality.exact.mean >= exact, report.failures
    assert quality.offered.mean >= offered, report.failures
    assert quality.changed.mean <= changed, report.failures


@pytest.mark.slow
def test_the_demo_shop(tmp_path: Path) -> None:
    corrector = learned(tmp_path / "part", make_shop().products)
    check(corrector, "shop", exact=0.8, offered=0.85, changed=0.03)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("name", ["esci", "icecat"])
def test_real_catalogues(real_data: Path, tmp_path: Path, name: str) -> None:
    with open_catalogue(
        [real_data / name / "products.jsonl.gz"],
        preset=name,
        mapping_file=None,
        rejects_path=tmp_path / "rejects",
    ) as catalogue:
        products = [product for product, _ in catalogue]
    check(learned(tmp_path / "part", products), name, exact=0.8, offered=0.85, changed=0.02)
