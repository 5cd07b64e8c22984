"""Generated catalogues follow the one they are made from, and a benchmark run is whole."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from string import punctuation

import numpy as np
import orjson
import pytest

from api.bench.catalogue import share_encodings
from api.bench.generate import (
    Recipe,
    Source,
    generate_products,
    generate_queries,
    generate_vectors,
)
from api.bench.lexicon import lexicon_products, make_lexicon
from api.bench.tables import quality_tables, speed_tables, understanding_tables
from api.bench.understanding import run_understanding
from fixtures import make_shop
from search.types import Product
from tests.api.conftest import aisle, free_port

SIZE = 6000


@pytest.fixture(scope="module")
def source() -> Source:
    return Source.of(make_shop(products=1500).products)


@pytest.fixture(scope="module")
def generated(source: Source) -> list[Product]:
    return list(generate_products(source, Recipe.draw(source, SIZE, 1), 1))


def frequencies(products: Sequence[Product]) -> Counter[str]:
    return Counter(word for p in products for word in set(p.title.lower().split()))


def test_the_same_seed_gives_the_same_catalogue(source: Source, generated: list[Product]) -> None:
    again = generate_products(source, Recipe.draw(source, SIZE, 1), 1)
    assert list(itertools.islice(again, 200)) == generated[:200]
    other = generate_products(source, Recipe.draw(source, SIZE, 2), 2)
    assert next(other).title != generated[0].title
    assert len({p.id for p in generated}) == SIZE


def test_common_words_stay_as_common(source: Source, generated: list[Product]) -> None:
    before, after = frequencies(source.products), frequencies(generated)
    for word, count in before.most_common(20):
        share = count / len(source.products)
        assert after[word] / SIZE == pytest.approx(share, rel=0.35), word


def test_rare_words_stay_rare_so_the_vocabulary_grows(
    source: Source, generated: list[Product]
) -> None:
    small, large = frequencies(generated[:1500]), frequencies(generated)
    assert len(large) > 1.5 * len(small)


def test_prices_follow_the_source(source: Source, generated: list[Product]) -> None:
    prices = [np.log([p.price for p in ps if p.price]) for ps in (source.products, generated)]
    assert np.median(prices[1]) == pytest.approx(np.median(prices[0]), abs=0.15)
    assert np.std(prices[1]) == pytest.approx(np.std(prices[0]), rel=0.25)


def test_a_vector_lies_near_the_two_it_was_drawn_around(source: Source) -> None:
    drawn = np.random.default_rng(0).standard_normal((len(source.products), 32))
    titles = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    recipe = Recipe.draw(source, 500, 1)
    vectors = np.concatenate(list(generate_vectors(titles, recipe, 1)))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    mean = titles[recipe.first] + titles[recipe.second]
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    assert ((vectors * mean).sum(axis=1) > 0.8).all()


def test_queries_are_words_of_some_title(source: Source) -> None:
    titles = [{word.strip(punctuation) for word in p.title.split()} for p in source.products]
    for query in generate_queries(source.products, 30, 1):
        assert any(set(query.split()) <= title for title in titles)


@pytest.mark.slow
def test_a_speed_run_measures_everything(
    tmp_path: Path, shop_files: Path, encoder_data: Path
) -> None:
    share_encodings(tmp_path / "source", encoder_data / "encoders")
    done = aisle(
        *("bench", "speed", "--like", str(shop_files / "products.jsonl"), "--preset", "aisle"),
        *("--products", "600", "--clients", "1,2", "--queries", "50"),
        *("--seconds", "0.5", "--directory", str(tmp_path), "--port", str(free_port()), "--json"),
        *("--workers", "2"),
    )
    assert done.returncode == 0, done.stderr
    result = orjson.loads(done.stdout.splitlines()[-1])
    [size] = result["sizes"]
    assert size["http"]["errors"] == 0
    assert [len(each["connections"]) for each in size["http"]["throughput"]] == [2, 2]
    assert all(sum(each["connections"]) >= each["clients"] for each in size["http"]["throughput"])
    assert all(each["server_ms"] > 0 for each in size["http"]["throughput"])
    assert size["build"]["read"] == size["build"]["indexed"] == size["products"] == 600
    assert size["recall_at_300"]["words of titles"]["mean"] > 0.99
    assert {"words", "encode", "meaning"} <= size["latency"]["plain"]["stages"].keys()
    shown = speed_tables(result)
    assert "| plain |" in shown
    assert "over HTTP, 2 processes" in shown
    assert "nan" not in shown


def test_a_table_shows_differences_from_hybrid_the_right_way_round() -> None:
    scores = {"mean": 0.6, "low": 0.5, "high": 0.7}
    pair = {"a": "hybrid", "b": "bm25", "metric": "ndcg@10", "delta": 0.02}
    report = {
        "mode": "full",
        "queries": 100,
        "metrics": ["ndcg@10"],
        "systems": {"bm25": {"ndcg@10": scores}, "hybrid": {"ndcg@10": scores}},
        "comparisons": [{**pair, "low": -0.01, "high": 0.05, "p": 0.2}],
    }
    shown = quality_tables({"catalogues": {"esci": report}})
    assert "| bm25 | 0.600 [0.500, 0.700] | -0.020 [-0.050, +0.010] (0.2000) |" in shown


@pytest.mark.slow
def test_understanding_is_measured_whole_and_by_part(tmp_path: Path) -> None:
    said: list[str] = []
    result = run_understanding(tmp_path, said.append, terms=500, brands=50)
    assert set(result["parts"]) >= {"spelling", "phrases", "entities", "expansion", "intent"}
    assert 0 < result["milliseconds"]["p50"] <= result["milliseconds"]["p99"]
    assert any(line.startswith("spelling: ") for line in said)
    shown = understanding_tables(result)
    assert "| spelling |" in shown
    assert "symspellpy" in shown
    assert "nan" not in shown


def test_made_up_words_are_distinct_and_repeatable() -> None:
    lexicon = make_lexicon(5_000, 500)
    assert len(set(lexicon.words)) == 5_000
    assert len(set(lexicon.brands)) == 500
    assert make_lexicon(5_000, 500) == lexicon
    products = list(lexicon_products(lexicon, 2_500))
    used = {word for product in products for word in product.title.lower().split()}
    assert used.issuperset(lexicon.words)
