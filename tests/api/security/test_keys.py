"""Keys: made once, kept as hashes, for what they are for, until they end or are revoked."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import orjson
import pytest

from api.security.keys import SCOPES, digest_of, id_in, new_key, parse_age
from api.security.keys_file import FILE, KeysFile
from api.security.opening import open_keys
from api.security.remarks import remarks
from api.security.seams import KeyStore
from api.settings import AppSettings, SecuritySettings
from search.errors import BadInput, NotFound, StorageFailed
from search.settings import RedisSettings
from tests.api.conftest import connected
from tests.api.security.conftest import bearer, make_key
from tests.engines.redis import RedisServer

Run = Callable[..., tuple[int, str, str]]
QUICK = SecuritySettings(watch_seconds=0.02)
KETTLE = {"changes": [{"op": "upsert", "product": {"id": "n1", "title": "Steel kettle"}}]}
ASKED = {
    "search": ("GET", "/v1/search?q=lamp"),
    "events": ("POST", "/v1/events"),
    "catalogue": ("POST", "/v1/products"),
    "rules": ("GET", "/v1/rules"),
    "lab": ("GET", "/lab"),
    "metrics": ("GET", "/metrics"),
}


@pytest.fixture(params=["file", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyStore]:
    chosen = SecuritySettings(store="data")
    redis = RedisSettings()
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        chosen = SecuritySettings()
        redis = RedisSettings(url=server.url, prefix=f"keys-{time.monotonic_ns()}")
    store = open_keys(AppSettings(data=tmp_path, redis=redis, security=chosen))
    yield store
    store.close()


def test_a_store_keeps_keys_and_tells_of_changes(store: KeyStore) -> None:
    before = store.mark()
    assert store.read().keys == ()
    shop, _ = new_key("shop", ["search", "events"], 5.0, 9.0, "2/second")
    till, _ = new_key("till", ["admin"], 6.0)
    store.add(shop)
    one = store.mark()
    store.add(till)
    assert len({before, one, store.mark()}) == 3
    ring = store.read()
    assert ring.keys == (shop, till)
    assert len(ring.signing) == 32
    with pytest.raises(BadInput, match="a key shop already"):
        store.add(new_key("shop", ["search"], 7.0)[0])
    assert store.remove("shop") == shop
    assert store.remove(till.id) == till
    assert store.read().keys == ()
    assert store.read().signing == ring.signing
    with pytest.raises(NotFound, match="there is no key 'shop'"):
        store.remove("shop")


def test_only_a_hash_is_kept_where_only_the_owner_may_read(tmp_path: Path) -> None:
    secret = make_key(tmp_path, "search")
    file = tmp_path / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret not in file.read_text()
    assert secret.rpartition("_")[2] not in file.read_text()
    assert digest_of(secret) in file.read_text()


def test_a_store_that_is_away_says_so(tmp_path: Path) -> None:
    redis = RedisSettings(url="redis://127.0.0.1:1")
    away = open_keys(AppSettings(data=tmp_path, redis=redis))
    with pytest.raises(StorageFailed, match=r"cannot be reached in Redis at redis://127.0.0.1:1"):
        away.read()
    (tmp_path / FILE).write_text('{"keys": [{"id": "hush')
    with pytest.raises(StorageFailed, match="holds no keys that can be read") as refused:
        KeysFile(tmp_path / FILE).read()
    assert "hush" not in str(refused.value)


def test_secrets_are_long_random_and_recognizable() -> None:
    made = [new_key("shop", ["search"], 0.0) for _ in range(50)]
    assert len({secret for _, secret in made}) == len({key.id for key, _ in made}) == 50
    for key, secret in made:
        assert id_in(secret) == key.id
        assert len(secret) == len("aisle_") + 12 + 1 + 43


@pytest.mark.parametrize("text", ["", "90", "d", "0d", "-1d", "1y", "1.5h", "999999d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="write 90d"):
        parse_age(text)


@pytest.mark.parametrize("role", ["writer", "replica"])
def test_keys_that_moving_to_redis_left_behind_are_named(tmp_path: Path, role: str) -> None:
    """Or a closed shop would be open again without a word. A replica's are the writer's."""
    make_key(tmp_path, "admin", name="boss")
    settings = AppSettings.model_validate(
        {
            "data": tmp_path,
            "redis": {"url": "redis://127.0.0.1:1/0"},
            "artifacts": {"location": str(tmp_path), "role": role},
        }
    )
    told = [each for each in remarks(settings) if "(boss)" in each]
    assert len(told) == (role == "writer")
    assert all("keys create" in each and str(tmp_path / FILE) in each for each in told)


async def test_without_keys_everything_is_open(data: Path) -> None:
    async with connected(data) as client:
        for scope, (method, path) in ASKED.items():
            answer = await client.request(method, path)
            assert answer.status_code not in (401, 403), scope


@pytest.mark.parametrize("scope", list(ASKED))
async def test_a_key_is_for_its_scopes_alone(data: Path, scope: str) -> None:
    own = make_key(data, scope)
    everything = make_key(data, "admin", name="boss")
    async with connected(data, security=SecuritySettings(required=True)) as client:
        for asked, (method, path) in ASKED.items():
            bare = await client.request(method, path)
            assert bare.status_code == 401, asked
            mine = await client.request(method, path, headers=bearer(own))
            assert (mine.status_code == 403) == (asked != scope), asked
            if asked != scope and asked != "lab":
                assert mine.json()["type"] == "urn:aisle:problem:out-of-scope"
                assert f"needs the scope {asked}" in mine.json()["detail"]
            all_ = await client.request(method, path, headers={"X-API-Key": everything})
            assert all_.status_code not in (401, 403), asked
        for path in ("/healthz", "/readyz"):
            assert (await client.get(path)).status_code == 200


async def test_searches_and_events_stay_open_unless_keys_are_required(data: Path) -> None:
    secret = make_key(data, "catalogue")
    async with connected(data) as client:
        assert (await client.get("/v1/search")).status_code == 200
        assert (await client.get("/v1/search", headers=bearer(secret))).status_code == 200
        assert (await client.get("/v1/search", headers=bearer("wrong"))).status_code == 403
        assert (await client.post("/v1/products", json=KETTLE)).status_code == 401
        changed = await client.post("/v1/products", json=KETTLE, headers=bearer(secret))
        assert changed.status_code == 200


@pytest.mark.parametrize("how", ["cut", "longer", "other", "id", "digest", "empty", "unicode"])
async def test_what_only_resembles_a_key_is_refused(data: Path, how: str) -> None:
    secret = make_key(data, "admin")
    given = {
        "cut": secret[:-1],
        "longer": secret + "A",
        "other": secret[:-1] + ("B" if secret[-1] == "A" else "A"),
        "id": id_in(secret) or "",
        "digest": digest_of(secret),
        "empty": " ",
        "unicode": "schl\u00fcssel",
    }[how]
    async with connected(data) as client:
        headers = [(b"authorization", b"Bearer " + given.encode())]
        answer = await client.post("/v1/products", json=KETTLE, headers=headers)
    assert answer.status_code == (401 if how == "empty" else 403)


async def test_an_expired_key_is_refused(data: Path) -> None:
    secret = make_key(data, "catalogue", expires=time.time() - 1)
    async with connected(data) as client:
        answer = await client.post("/v1/products", json=KETTLE, headers=bearer(secret))
    assert answer.status_code == 403
    assert "shop has expired" in answer.json()["detail"]


async def status(client: httpx.AsyncClient, secret: str) -> int:
    return (await client.get("/v1/rules", headers=bearer(secret))).status_code


async def test_servers_follow_new_and_revoked_keys(data: Path) -> None:
    async with connected(data, security=QUICK) as client:
        assert (await client.get("/v1/rules")).status_code == 200
        secret = make_key(data, "rules")
        while (await client.get("/v1/rules")).status_code != 401:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert await status(client, secret) == 200
        make_key(data, "search", name="other")
        KeysFile(data / FILE).remove("shop")
        while await status(client, secret) != 403:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("harm", ["gone", "broken"])
async def test_a_lost_file_opens_nothing(data: Path, harm: str) -> None:
    secret = make_key(data, "rules", "metrics")
    async with connected(data, security=QUICK) as client:
        assert (await client.get("/v1/rules")).status_code == 401
        (data / FILE).unlink() if harm == "gone" else (data / FILE).write_text("{")
        metrics = ""
        while "aisle_api_keys_fault 1.0" not in metrics:
            await asyncio.sleep(0.02)
            metrics = (await client.get("/metrics")).text
        assert (await client.get("/v1/rules")).status_code == 401
        assert await status(client, secret) == 200


async def test_keys_that_cannot_be_read_at_the_start_let_nobody_in(data: Path) -> None:
    (data / FILE).write_text("{")
    async with connected(data, security=QUICK) as client:
        assert (await client.get("/v1/search")).status_code == 200
        assert (await client.get("/v1/rules")).status_code == 401
        answer = await client.get("/v1/rules", headers=bearer("any"))
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:aisle:problem:keys-away"
        (data / FILE).unlink()
        while (await client.get("/v1/rules")).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_the_commands_make_list_and_revoke(cli: Run, tmp_path: Path) -> None:
    made = ("keys", "create", "--name", "shop", "--scope", "search", "--scope", "events")
    code, out, err = cli(*made, "--expires", "90d", "--rate", "20/second", "--data", tmp_path)
    assert code == 0
    secret = out.strip()
    assert id_in(secret)
    assert "shown this once" in err
    (key,) = KeysFile(tmp_path / FILE).read().keys
    assert (key.name, key.scopes, key.rate) == ("shop", ("search", "events"), "20/second")
    assert key.expires is not None
    assert key.expires - time.time() == pytest.approx(90 * 86_400, abs=60)
    code, out, _ = cli("keys", "list", "--data", tmp_path)
    assert code == 0
    assert "shop" in out
    code, out, _ = cli("keys", "list", "--data", tmp_path, "--json")
    assert orjson.loads(out)["keys"][0]["name"] == "shop"
    assert secret not in out
    assert digest_of(secret) not in out
    code, _, err = cli("keys", "revoke", "shop", "--data", tmp_path)
    assert code == 0
    assert "no key left" in err
    assert KeysFile(tmp_path / FILE).read().keys == ()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("create", "--name", "shop", "--scope", "all"), "no scope 'all'; there are search"),
        (("create", "--name", "A b", "--scope", "search"), "no name of a key"),
        (("create", "--name", "a", "--scope", "search", "--rate", "fast"), "no rate"),
        (("create", "--name", "a", "--scope", "search", "--expires", "soon"), "no time"),
        (("revoke", "shop"), "there is no key 'shop'; there is none"),
    ],
)
def test_what_cannot_be_used_is_told(
    cli: Run, tmp_path: Path, arguments: tuple[str, ...], fault: str
) -> None:
    code, _, err = cli("keys", *arguments, "--data", tmp_path)
    assert code == 2
    assert fault in err


def test_every_scope_says_what_it_is_for() -> None:
    assert set(ASKED) | {"admin"} == set(SCOPES)


@pytest.mark.skipif(os.getuid() != 0, reason="only root writes where nobody may")
def test_who_may_not_write_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="cannot be used"):
        KeysFile(tmp_path / "absent" / FILE).add(new_key("shop", ["search"], 0.0)[0])
