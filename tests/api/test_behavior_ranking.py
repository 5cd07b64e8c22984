"""What shoppers did, from the event log to the features of an answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fixtures import Shop
from rankers.behavior import BehaviorStore, load_current, publish
from tests.api.conftest import connected
from tests.api.modeled import asked, assert_parity, patient, write_model
from tests.training.clicks.logs import START, event, search, write_log
from training.behavior import behavior_as_of
from training.propensity import Propensities

pytestmark = pytest.mark.slow
HALVED = Propensities("poisson", np.array([1, 2, 3], np.int32), np.array([1.0, 0.5, 0.3]))


def behave(data: Path, folder: Path, ids: list[str]) -> BehaviorStore:
    """Publishes what some shoppers did with products."""
    when = [{"time": START + 3600.0 * n, "client": f"c{n}"} for n in range(len(ids))]
    searches = [search(n, ids[n:] + ids[:n], **own) for n, own in enumerate(when)]
    events = [
        event(n, action, n, ids[(n + step) % len(ids)], **own)
        for n, own in enumerate(when)
        for step, action in ((0, "click"), (1, "click"), (2, "add_to_cart"), (1, "purchase"))
    ]
    for number, each in enumerate(events):
        each["event_id"] = f"e{number}"
    log = write_log(folder, searches, events)
    publish(behavior_as_of([log], HALVED), data)
    found = load_current(data)
    assert found is not None
    return found


async def test_features_of_behavior_are_those_of_training_bit_for_bit(
    data: Path, shop: Shop, tmp_path: Path
) -> None:
    write_model(data / "model.json", depth=50)
    kettles = [each.id for each in shop.products if "kettle" in each.title.lower()][:20]
    store = behave(data, tmp_path / "log", [*kettles, "new", "not in this shop"])
    changes = [{"op": "upsert", "product": {"id": "new", "title": "steel kettle", "price": 9.5}}]
    async with connected(data) as client:
        done = await client.post("/v1/products", json={"changes": changes})
        assert done.status_code == 200, done.text
    await assert_parity(data, ["steel kettle", "red kettle", "lamp"], store)


async def test_behavior_that_is_published_reaches_answers_at_once(
    data: Path, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rankers.behavior.following.LOOK_SECONDS", 0.0)
    write_model(data / "model.json", depth=50)
    async with patient(data) as client:
        hits = (await asked(client, explain="true"))["hits"]
        before = {each["feature"]: each["value"] for each in hits[0]["reasons"]["features"]}
        assert before["clicks_30_days"] is None
        behave(data, tmp_path / "log", [hit["id"] for hit in hits])
        after = (await asked(client, explain="true"))["hits"]
        for hit in after[:5]:
            told = {each["feature"]: each["value"] for each in hit["reasons"]["features"]}
            assert told["clicks_30_days"] > 0
