"""A small shop whose searches are arranged by rules and settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from query.text import words
from rankers.diversity import diversify
from rankers.rules import RuleSet, parse_rules
from search.arranging import ArrangingStage
from search.build import FixedRules, analyze
from search.pipeline import Pipeline
from search.settings import DiversitySettings, RankingSettings
from search.types import (
    Delete,
    Product,
    SearchRequest,
    SearchResponse,
)
from search.understandings import Understandings
from tests.search.engines import shops
from tests.search.test_pipeline import WordVectors, pipeline
from tests.search.test_understood_search import Change, understanding

NOON = 1_795_262_400.0
"""2026-11-21 12:00 UTC, in seconds since 1970."""


WORDS = frozenset({"words"})


PRODUCTS = [
    Product("best", "kettle kettle", brand="Acme", stock=0, sales_rank=3),
    Product("good", "kettle steel", brand="Acme", stock=5, group="g", sales_rank=4),
    Product("twin", "kettle steel", brand="Acme", stock=5, group="g", sales_rank=5),
    Product("fair", "kettle steel red", brand="Bo", created=date(2026, 11, 20), sales_rank=6),
    Product("poor", "kettle steel red tall", brand="Cleo", stock=1, sales_rank=7),
    Product("stand", "lamp stand", brand="Bo", price=5.0, sales_rank=1),
    Product("gone", "kettle left over", brand="Dun", sales_rank=8),
    Product("empty", "desk", brand="Bo", stock=0, sales_rank=2),
]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Pipeline]:
    shops.build(tmp_path, PRODUCTS, WordVectors().encode([p.title for p in PRODUCTS]))
    shops.change(tmp_path, [Delete("gone")])
    opened = pipeline(tmp_path, WORDS, WordVectors())
    yield opened
    await opened.engine.close()


def rules(*lines: str, when: str = '{ query = "kettle" }') -> RuleSet:
    text = f'[[rule]]\nid = "r"\nwhen = {when}\n' + "\n".join(lines)
    return parse_rules(text, analyze, most=2)


def stage_of(
    shop: Pipeline,
    found: RuleSet | None = None,
    stock: str = "keep",
    freshness: float = 0.0,
    diversity: DiversitySettings | None = None,
) -> ArrangingStage:
    ranking = RankingSettings.model_validate(
        {"out_of_stock": stock, "out_of_stock_loss": 0.3, "freshness": freshness}
    )
    chosen = diversity or DiversitySettings()
    settings = shop.settings.model_copy(update={"ranking": ranking, "diversity": chosen})
    return ArrangingStage(FixedRules(found or RuleSet()), diversify, settings, lambda: NOON)


def arranging(shop: Pipeline, found: RuleSet | None = None, **wanted: Any) -> Pipeline:
    return replace(shop, arranging=stage_of(shop, found, **wanted))


def ids(answer: SearchResponse) -> list[str]:
    return [hit.product.id for hit in answer.hits]


async def ask(shop: Pipeline, query: str = "kettle", **members: object) -> SearchResponse:
    return await shop.search(replace(SearchRequest(query), **members))  # type: ignore[arg-type]


def understanding_as(shop: Pipeline, change: Change, refine: Change | None = None) -> Pipeline:
    opened = Understandings(lambda _: understanding(change, refine), words)
    return replace(shop, understandings=opened)
