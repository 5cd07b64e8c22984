"""Two replicas behind nginx, fed from a bucket: one is killed under load, one comes late, a new
snapshot comes."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from api.settings import AppSettings
from fixtures import Shop
from indexer.artifacts import Pusher
from indexer.build import Products, build_index
from search.settings import ArtifactSettings, MeaningSettings, UnderstandingSettings
from tests.api.conftest import aisle
from tests.api.logged import rows
from tests.api.replicas.shops import SHOPPERS, Api, Load, config_for, environment, wait_for
from tests.engines.fixtures import StartNginx
from tests.engines.nginx import Nginx
from tests.engines.processes import temporary
from tests.engines.s3 import KEY, REGION, SECRET, S3Server

pytestmark = pytest.mark.slow
POLL = "0.2"
QUICK = AppSettings(
    meaning=MeaningSettings(encoder="none"), understanding=UnderstandingSettings(enabled=False)
)
"""Of what takes long to index."""


@dataclass(frozen=True, slots=True)
class Machines:
    """A writer's data directory, two replicas, and what stands before them."""

    data: Path
    settings: dict[str, str]
    replicas: list[Api]
    front: Nginx
    folder: Path

    def push(self) -> str:
        """Sends what the writer has; its version."""
        shared = ArtifactSettings(
            location=self.settings["AISLE_ARTIFACTS__LOCATION"],
            access_key_id=KEY,
            secret_access_key=SecretStr(SECRET),
        )
        return Pusher(AppSettings(data=self.data, artifacts=shared)).push().version

    @property
    def version(self) -> str:
        """What the writer's own data directory holds."""
        return (self.data / "CURRENT").read_text()

    def all_serve(self, version: str, *more: Api) -> None:
        wait_for(lambda: all(each.version == version for each in (*self.replicas, *more)))

    def replica(self, name: str) -> Api:
        return Api(self.folder / name, {**self.settings, "AISLE_ARTIFACTS__ROLE": "replica"})


@pytest.fixture(scope="module")
def machines(s3: S3Server, nginx: StartNginx, indexed: Path) -> Iterator[Machines]:
    bucket = f"shop-{secrets.token_hex(4)}"
    s3.create_bucket(bucket)
    settings = environment(
        AISLE_ARTIFACTS__LOCATION=f"s3://{bucket}/live?endpoint={s3.url}&region={REGION}",
        AISLE_ARTIFACTS__POLL_SECONDS=POLL,
        AISLE_ARTIFACTS__SPARE_BYTES="0",
        AISLE_ARTIFACTS__WRITER="https://writer.shop",
        AWS_ACCESS_KEY_ID=KEY,
        AWS_SECRET_ACCESS_KEY=SECRET,
    )
    with temporary("replicas") as folder, ExitStack() as ends:
        shutil.copytree(indexed, folder / "w", ignore=shutil.ignore_patterns("events"))
        made = Machines(folder / "w", settings, [], None, folder)  # type: ignore[arg-type]
        replicas = [made.replica(name) for name in ("one", "two")]
        for each in replicas:
            ends.callback(each.kill)
            each.launch()
        for each in replicas:
            each.wait()
        yield Machines(folder / "w", settings, replicas, nginx(config_for(replicas)), folder)


def test_a_replica_waits_for_a_snapshot_and_joins(machines: Machines) -> None:
    one = machines.replicas[0]
    wait_for(lambda: "holds nothing yet" in one.get("/readyz").json()["detail"])
    assert one.get("/readyz").status_code == 503
    machines.all_serve(machines.push())
    ready = machines.replicas[0].get("/readyz").json()
    assert ready["artifacts"].startswith("in step with s3://shop-")
    gauges = machines.replicas[0].get("/metrics").text
    assert "aisle_artifacts_fault 0.0" in gauges
    [behind] = [x for x in gauges.splitlines() if x.startswith("aisle_artifacts_behind_seconds ")]
    assert float(behind.split()[1]) < 10


def test_a_replica_that_is_killed_takes_no_request_with_it(machines: Machines, shop: Shop) -> None:
    machines.all_serve(machines.push())
    one, two = machines.replicas
    with Load(machines.front.url, shop.products[0].id) as load:
        wait_for(lambda: load.answered > 60)
        one.kill()
        after = load.answered
        wait_for(lambda: load.answered > after + 60)
        late = machines.replica("late")  # with an empty disk, at the address of the other
        late.ports[:] = one.ports
        late.launch()
        try:
            wait_for(lambda: late.version == machines.version)
            wait_for(lambda: late.log.count('"/v1/events"') > 5)
        finally:
            late.kill()
            one.start()
    assert load.faults == []
    assert len(load.cut) <= 2 * SHOPPERS  # in flight on what was killed, which happened twice
    kept = [[row["event_id"] for row in rows(api.data, "events")] for api in (one, two, late)]
    assert all(kept), "each of them took some"
    assert {each for log in kept for each in log} >= load.acknowledged
    tried = [json.loads(line)["tried"] for line in _requests(machines.front)]
    assert any("," in each and each.endswith("200") for each in tried), "asked of the other one"
    # What one kept and could not acknowledge was sent to the other: the same event, by its id.
    assert {each for log in kept for each in log} - load.acknowledged == set()
    machines.all_serve(machines.version)


def _requests(front: Nginx) -> list[str]:
    return (front.folder / "access.log").read_text().splitlines()


def test_a_new_snapshot_comes_under_load(machines: Machines, shop: Shop) -> None:
    machines.all_serve(machines.push())
    before = machines.version
    with Load(machines.front.url, shop.products[0].id) as load:
        wait_for(lambda: load.answered > 30)
        build_index(Products(shop.products), QUICK.model_copy(update={"data": machines.data}))
        machines.all_serve(machines.push())
        seen = len(load.versions)
        wait_for(lambda: len(load.versions) > seen + 30)
    assert load.faults == []
    assert set(load.versions) == {before, machines.version}
    assert load.versions[0] == before
    assert load.versions[-1] == machines.version


def test_a_change_reaches_every_replica_and_none_takes_one(machines: Machines) -> None:
    machines.push()
    change = {"changes": [{"op": "upsert", "product": {"id": "z", "title": "Zorbulator"}}]}
    refused = httpx.post(f"{machines.front.url}/v1/products", json=change)
    assert refused.status_code == 421
    assert "https://writer.shop" in refused.json()["detail"]
    rules = httpx.delete(f"{machines.front.url}/v1/rules")
    assert rules.status_code == 421
    done = aisle(
        "update", "-", "--data", machines.data, stdin=b'{"id": "z", "title": "Zorbulator"}',
        **machines.settings,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    wait_for(lambda: all(_finds(each, "zorbulator") for each in machines.replicas), 20)


def _finds(api: Api, query: str) -> bool:
    return bool(api.get(f"/v1/search?q={query}").json()["hits"])
