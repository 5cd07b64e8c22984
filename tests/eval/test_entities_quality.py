from __future__ import annotations

from pathlib import Path

import pytest

from eval.entities_quality import LabeledQuery, evaluate_entities, load_entity_labels
from search.errors import BadInput
from search.types import Entity, EntityUse, Measure, Negation, PriceBounds, Query


def entity(kind: str, value: str, probability: float = 0.9, use: EntityUse = "boost") -> Entity:
    return Entity(kind, value, value, 0, len(value), probability, use)


def labels(tmp_path: Path, *lines: str) -> tuple[LabeledQuery, ...]:
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return load_entity_labels(path)


FULL = (
    '{"query": "q", "brand": ["Ugg"], "color": [], "product_type": ["wine glass"],'
    ' "price": {"max": 50}, "measures": [{"value": 1.5, "unit": "l"}], "negated": ["lid"]}'
)


def test_everything_recognized_is_a_perfect_score(tmp_path: Path) -> None:
    def understand(query: Query) -> Query:
        return Query(
            "q",
            entities=(entity("brand", "UGG"), entity("product_type", "Wine Glasses")),
            price=PriceBounds(high=50.0),
            measures=(Measure(1500, "ml", "volume", 1455, 1545, "1500 ml", 0, 7),),
            negations=(Negation("Lid", 0, 1),),
        )

    quality = evaluate_entities(labels(tmp_path, FULL), understand)
    assert quality.overall.f1.value == 1.0
    assert quality.overall.named == 5
    assert quality.mistakes == ()
    assert quality.calibration_error == pytest.approx(0.1)


def test_precision_and_recall_are_micro_averaged(tmp_path: Path) -> None:
    def understand(query: Query) -> Query:
        return Query("q", entities=(entity("brand", "Ugg"), entity("color", "red")))

    quality = evaluate_entities(labels(tmp_path, FULL, '{"query": "r", "brand": []}'), understand)
    assert (quality.overall.named, quality.overall.recognized, quality.overall.right) == (5, 3, 1)
    assert quality.overall.precision.value == pytest.approx(1 / 3)
    assert quality.overall.recall.value == pytest.approx(1 / 5)
    assert quality.overall.f1.low <= quality.overall.f1.value <= quality.overall.f1.high
    assert quality.by_type["brand"].recognized == 2
    assert quality.mistakes[0].startswith("q: not labeled: color red; missed: measures 1.5e+03 ml")


def test_what_a_line_does_not_judge_counts_for_nothing(tmp_path: Path) -> None:
    def understand(query: Query) -> Query:
        return Query("q", entities=(entity("material", "wool"), entity("brand", "Ugg")))

    quality = evaluate_entities(labels(tmp_path, '{"query": "q", "brand": ["ugg"]}'), understand)
    assert quality.overall.precision.value == 1.0


def test_an_improbable_entity_with_which_nothing_is_done_is_not_recognized(tmp_path: Path) -> None:
    def understand(query: Query) -> Query:
        return Query("q", entities=(entity("brand", "Ugg", 0.3, "none"),))

    quality = evaluate_entities(labels(tmp_path, '{"query": "q", "brand": []}'), understand)
    assert quality.overall.recognized == 0


def test_inches_are_inches_however_written(tmp_path: Path) -> None:
    def understand(query: Query) -> Query:
        return Query("q", measures=(Measure(15.6, "in", "length", 1, 2, "15.6 in", 0, 1),))

    line = '{"query": "q", "measures": [{"value": 15.6, "unit": "inch"}]}'
    assert evaluate_entities(labels(tmp_path, line), understand).overall.f1.value == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no query"),
        ("{", "line 1 is no JSON"),
        ('{"brand": []}', 'line 1 has no "query"'),
        ('{"query": "q", "brand": "Ugg"}', "key 'brand'"),
        ('{"query": "q", "price": 50}', "key 'price'"),
        ('{"query": "q", "measures": [{"value": "x", "unit": "l"}]}', "key 'measures'"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        labels(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        load_entity_labels(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize("name", ["esci", "icecat", "shop"])
def test_the_label_sets_have_both_parts(name: str) -> None:
    path = Path(f"fixtures/labels/{name}_entities.jsonl")
    halves = [load_entity_labels(path, part) for part in ("development", "final")]
    assert min(map(len, halves)) >= 30
