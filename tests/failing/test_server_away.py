"""A search server is harmed under load: what the shop still answers, what it says, and how it
recovers by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from search import fallbacks
from search.encoder import OnnxEncoder
from tests.engines.opensearch import OpenSearch
from tests.engines.proxy import DelayingProxy
from tests.failing.load import Load
from tests.failing.scenarios import Outcome, Scenario, scenarios, suffer
from tests.failing.shop import DEADLINE, SLACK, Running, index, running, settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.opensearch,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
]


@dataclass(frozen=True)
class Stage:
    """A shop under load, and what can be done to its server."""

    shop: Running
    load: Load
    scenarios: dict[str, Scenario]

    async def suffer(self, name: str) -> Outcome:
        """See `suffer`; whatever happens, every answer comes in time, and no accepted change is
        lost."""
        outcome = await suffer(self.shop, self.load, self.scenarios[name])
        assert outcome.told.refusals == []
        assert outcome.told.quantile(0.99) <= DEADLINE * SLACK
        assert outcome.told.empty == 0
        assert outcome.lost == (), outcome
        assert outcome.recovered < 5.0
        return outcome


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(
    opensearch_alone: OpenSearch, encoder: OnnxEncoder, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    with DelayingProxy(opensearch_alone.ports[0]) as proxy:
        data: Path = tmp_path_factory.mktemp("failing") / "data"
        chosen = settings("opensearch", proxy.url, data)
        name = index(chosen, encoder)
        async with running(chosen) as shop, Load(shop.client) as load:
            await load.whole_again(20)
            yield Stage(shop, load, scenarios(opensearch_alone, proxy, name))


@pytest.mark.parametrize("name", ["paused", "cut", "another product", "closed", "red", "killed"])
async def test_a_server_that_is_away_is_done_without(stage: Stage, name: str) -> None:
    outcome = await stage.suffer(name)
    assert fallbacks.WORDS in outcome.told.fallbacks
    assert outcome.told.quantile(0.5) < 0.5  # it is not waited for any more
    assert set(outcome.away) == {"opensearch", "opensearch changes"}
    assert outcome.states == {"opensearch": 2.0, "opensearch changes": 2.0, "encoder": 0.0}
    assert outcome.refused.keys() == {503}
    assert outcome.taken <= 1  # which was on its way
    told = [line for line in outcome.lines if line.startswith("opensearch is away")]
    assert len(told) == 1
    assert name != "closed" or "closed: open it, POST /failing-" in told[0]
    assert [line for line in outcome.lines if line == "opensearch answers again"]


async def test_a_server_that_is_slow_is_waited_for_within_the_deadline(stage: Stage) -> None:
    outcome = await stage.suffer("slow")
    assert {fallbacks.WORDS, fallbacks.FACETS} & outcome.told.fallbacks.keys()


@pytest.mark.parametrize(("name", "status"), [("full", 503), ("read-only", 507)])
async def test_a_server_that_takes_nothing_is_searched(
    stage: Stage, name: str, status: int
) -> None:
    outcome = await stage.suffer(name)
    assert sum(each.whole for each in outcome.told.answers) > len(outcome.told.answers) / 2
    assert outcome.refused
    assert set(outcome.refused) <= {status, 503}  # 503 while an earlier refusal is remembered
    assert outcome.taken <= 1  # which was on its way


async def test_with_nothing_to_answer_by_it_says_when_to_ask_again(stage: Stage) -> None:
    cut = stage.scenarios["cut"]
    await asyncio.to_thread(cut.harm)
    answer = await stage.shop.client.get("/v1/search?q=lamp&system=bm25")
    await asyncio.to_thread(cut.heal)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:aisle:problem:engine-unavailable"
    assert int(answer.headers["Retry-After"]) >= 1
    await stage.load.whole_again(20)
