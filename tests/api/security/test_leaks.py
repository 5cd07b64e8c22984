"""A whole run whose secrets are known: none of them is in what it says, writes or answers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from redis import Redis, RedisError

from api.security import new_key, open_keys
from api.settings import AppSettings
from search.errors import StorageFailed
from search.secrets import redis_options
from tests.api.conftest import served
from tests.engines.authority import require_openssl
from tests.engines.redis import require_redis
from tests.engines.secure_redis import PASSWORD, SecureRedis

Run = Callable[..., tuple[int, str, str]]
KEY, KAFKA = "n0t-to-be-seen-key-of-settings", "n0t-to-be-seen-kafka"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureRedis]:
    require_redis()
    require_openssl()
    server = SecureRedis(tmp_path_factory.mktemp("secure-redis"))
    server.start()
    yield server
    server.kill()


def reaches(secure: SecureRedis, **changes: object) -> bool:
    settings = secure.settings.model_copy(update=changes)
    with Redis.from_url(secure.url, **{**redis_options(settings), "retry": None}) as client:
        try:
            return bool(client.ping())
        except (RedisError, OSError):
            return False


def test_redis_is_reached_by_tls_with_password_and_certificate_alone(secure: SecureRedis) -> None:
    assert reaches(secure)
    assert not reaches(secure, password=None)
    assert not reaches(secure, ca_file=None)
    assert reaches(secure, ca_file=None, verify=False)
    assert not reaches(secure, client_certificate=None, client_key=None)
    assert not reaches(secure, url=secure.url.replace("rediss:", "redis:"), ca_file=None)


def environment(secure: SecureRedis, tmp_path: Path) -> dict[str, str]:
    """The settings of `secure` as a process gets them: the password as a mounted secret."""
    mounted = tmp_path / "secrets"
    mounted.mkdir()
    (mounted / "aisle_redis__password").write_text(PASSWORD)
    return {
        "AISLE_SECRETS": str(mounted),
        "AISLE_REDIS__URL": secure.url,
        "AISLE_REDIS__CA_FILE": str(secure.authority.certificate),
        "AISLE_REDIS__CLIENT_CERTIFICATE": str(secure.own.certificate),
        "AISLE_REDIS__CLIENT_KEY": str(secure.own.key),
        "AISLE_API_KEYS": KEY,
        "AISLE_KAFKA__PASSWORD": KAFKA,
        "AISLE_EXPERIMENTS__STORE": "redis",
    }


@pytest.mark.slow
def test_no_secret_is_in_logs_answers_or_messages(
    secure: SecureRedis, data: Path, tmp_path: Path, cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(secure, tmp_path).items():
        monkeypatch.setenv(name, value)
    _, made, told = cli("keys", "create", "--name", "run", "--scope", "admin", "--data", data)
    secret = made.strip()
    assert secret.startswith("aisle_")
    said = [told, *cli("keys", "list", "--data", data)[1:]]
    with served(data) as (url, _), httpx.Client(base_url=url) as client:
        for key in (secret, KEY, secret + "x", ""):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            for path in (
                "/readyz",
                "/metrics",
                "/v1/search?q=lamp",
                "/v1/rules",
                "/lab",
                "/nowhere",
            ):
                said.append(repr(client.get(path, headers=headers).headers))
                said.append(client.get(path, headers=headers).text)
            with contextlib.suppress(httpx.HTTPError):
                origin = {"Origin": url}
                answer = client.post("/login", data={"key": key, "next": "/lab"}, headers=origin)
                said.append(answer.text + repr(answer.headers))
        assert client.get("/v1/rules", headers={"X-API-Key": secret}).status_code == 200
        secure.kill()
        metrics = ""
        while "aisle_api_keys_fault 1.0" not in metrics:
            time.sleep(0.1)
            metrics = client.get("/metrics").text
        said.append(client.get("/readyz").text)
        said.append(client.get("/metrics").text)
        assert client.get("/v1/rules", headers={"X-API-Key": secret}).status_code == 200
    secure.start()
    logs = "".join(log.read_text() for log in data.parent.glob("serve-*.log"))
    assert "keys cannot be read" in logs
    text = "\n".join([*said, logs, refused(secure, data)])
    for hidden in (secret, secret.rpartition("_")[2], KEY, KAFKA, PASSWORD):
        assert hidden not in text


def refused(secure: SecureRedis, data: Path) -> str:
    """What is said when the password is wrong."""
    wrong = secure.settings.model_copy(update={"password": SecretStr(KAFKA)})
    store = open_keys(AppSettings(data=data, redis=wrong))
    with pytest.raises(StorageFailed) as error:
        store.add(new_key("never", ["search"], 0.0)[0])
    store.close()
    return f"{error.value!r} {error.value.__cause__!r}"
