"""Secrets come from the environment and files, are shown to nobody, and TLS is what it says."""

from __future__ import annotations

import re
import ssl
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.settings import load_settings
from search.errors import BadInput
from search.secrets import credentials, redact, redis_options, ssl_context, weaknesses
from search.settings import RedisSettings, ServerSettings
from tests.engines.authority import Authority, Issued, require_openssl

SECRET = "n0t-to-be-seen"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    require_openssl()
    return Authority(tmp_path_factory.mktemp("authority"))


def https(**settings: object) -> ServerSettings:
    return ServerSettings.model_validate({"url": "https://localhost:9200", **settings})


def shake(client: ssl.SSLContext, shown: Issued, host: str, asks: Path | None = None) -> None:
    """A TLS handshake with a server that shows a certificate, and may ask for one of `asks`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown.certificate, shown.key)
    if asks is not None:
        context.load_verify_locations(asks)
        context.verify_mode = ssl.CERT_REQUIRED
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(back, there, server_hostname=host),
        context.wrap_bio(there, back, server_side=True),
    )
    open_ends = list(ends)
    for _ in range(10):
        for end in list(open_ends):
            try:
                end.do_handshake()
                open_ends.remove(end)
            except ssl.SSLWantReadError:
                pass
    assert not open_ends


def test_a_server_of_the_own_authority_is_trusted_and_no_other(authority: Authority) -> None:
    shown = authority.issue("server")
    trusting = ssl_context(https(ca_file=authority.certificate), "search")
    assert trusting is not None
    shake(trusting, shown, "localhost")
    by_system = ssl_context(https(), "search")
    assert by_system is not None
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(by_system, shown, "localhost")


def test_a_certificate_of_another_host_is_refused(authority: Authority) -> None:
    shown = authority.issue("elsewhere", "DNS:elsewhere.example")
    settings = https(ca_file=authority.certificate)
    trusting = ssl_context(settings, "search")
    assert trusting is not None
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake(trusting, shown, "localhost")
    anyone = ssl_context(settings.model_copy(update={"verify": False}), "search")
    assert anyone is not None
    shake(anyone, shown, "localhost")


def test_the_own_certificate_is_shown_where_it_is_asked_for(authority: Authority) -> None:
    server, own = authority.issue("asking"), authority.issue("aisle")
    settings = https(
        ca_file=authority.certificate, client_certificate=own.certificate, client_key=own.key
    )
    showing = ssl_context(settings, "search")
    assert showing is not None
    shake(showing, server, "localhost", asks=authority.certificate)
    silent = ssl_context(https(ca_file=authority.certificate), "search")
    assert silent is not None
    with pytest.raises(ssl.SSLError):
        shake(silent, server, "localhost", asks=authority.certificate)


@pytest.mark.parametrize("part", ["ca_file", "client_certificate"])
@pytest.mark.parametrize("content", [None, "no certificate\n"])
def test_a_certificate_that_cannot_be_used_is_named(
    tmp_path: Path, part: str, content: str | None
) -> None:
    path = tmp_path / "given.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match=rf"setting search\.{part}: .*given\.pem"):
        ssl_context(https(**{part: path}), "search")


def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(
    authority: Authority, tmp_path: Path
) -> None:
    own, locked = authority.issue("locked"), tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "ec", "-in", own.key, "-aes128", "-passout", "pass:secret", "-out", locked],
        check=True,
        capture_output=True,
    )
    settings = https(client_certificate=own.certificate, client_key=locked)
    with pytest.raises(BadInput, match="needs no passphrase"):
        ssl_context(settings, "search")


def test_an_address_without_tls_needs_no_context() -> None:
    assert ssl_context(ServerSettings(url="http://localhost:9200"), "search") is None
    assert ssl_context(ServerSettings(), "search") is None


def test_a_file_of_a_secret_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first\n")
    settings = https(username="aisle", password_file=file)
    assert credentials(settings, "search").basic == ("aisle", "first")
    file.write_text("second\n")
    assert credentials(settings, "search").basic == ("aisle", "second")


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_file_that_holds_no_secret_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadInput, match=r"setting redis\.password_file: .*password"):
        redis_options(RedisSettings(url="redis://localhost", password_file=file))


def test_nothing_that_holds_a_secret_shows_it() -> None:
    settings = https(username="aisle", password=SECRET)
    known = credentials(settings, "search")
    assert known.password == SECRET
    assert SECRET not in repr(settings) + str(settings) + settings.model_dump_json() + repr(known)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"url": f"https://aisle:{SECRET}@host"}, "leave them out"),
        ({"url": "localhost:9200"}, "must begin with one of https?://"),
        ({"url": "https://a, ftp://b"}, "must begin with one of"),
        ({"password": SECRET, "password_file": "p"}, "give one of them"),
        ({"password": SECRET, "api_key_file": "p"}, "give one of them"),
        ({"client_key": "key.pem"}, "without client_certificate"),
    ],
)
def test_contradictions_are_refused_without_repeating_secrets(
    given: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        ServerSettings.model_validate(given)
    assert SECRET not in str(refused.value)


def test_secrets_are_read_from_the_environment_and_from_mounted_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aisle_redis__password").write_text(SECRET + "\n")
    (tmp_path / "keystore").write_bytes(b"\xff\xfe another program's")
    monkeypatch.setenv("AISLE_SECRETS", str(tmp_path))
    password = load_settings().redis.password
    assert password is not None
    assert password.get_secret_value() == SECRET
    monkeypatch.setenv("AISLE_REDIS__PASSWORD", "newer")
    password = load_settings().redis.password
    assert password is not None
    assert password.get_secret_value() == "newer"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f'[redis]\npassword = "{SECRET}"\n', "redis.password"),
        (f'[kafka]\npassword = "{SECRET}"\n', "kafka.password"),
        (f'api_keys = ["{SECRET}"]\n', "api_keys"),
    ],
)
def test_a_secret_in_the_settings_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str
) -> None:
    (tmp_path / "aisle.toml").write_text(text)
    monkeypatch.setenv("AISLE_SETTINGS", str(tmp_path / "aisle.toml"))
    variable = "AISLE_" + name.upper().replace(".", "__")
    with pytest.raises(BadInput, match=f"holds the secret {name}.*{variable}") as refused:
        load_settings()
    assert SECRET not in str(refused.value)


def test_what_weakens_a_connection_is_said() -> None:
    open_wide = https(url="https://search-1:9200", verify=False)
    assert "can read and change everything" in weaknesses(open_wide, "search")[0]
    plain = ServerSettings.model_validate({"url": "http://search-1:9200", "password": SECRET})
    assert "without TLS" in weaknesses(plain, "search")[0]
    near = plain.model_copy(update={"url": "http://127.0.0.1:9200"})
    assert weaknesses(near, "search") == weaknesses(https(password=SECRET), "search") == ()


@given(
    st.text("abcXYZ019-._~!$&()*+,;=:%@", min_size=1), st.sampled_from(["redis", "https", "kafka"])
)
def test_userinfo_is_never_printed(userinfo: str, scheme: str) -> None:
    text = redact(f"{scheme}://{userinfo}zq@host.example:80/path is away (see {scheme}://other/)")
    assert text == f"{scheme}://***@host.example:80/path is away (see {scheme}://other/)"


def test_secrets_in_parameters_are_never_printed() -> None:
    said = redact(f"GET https://host/x?size=3&api_key={SECRET}&q=a, mlflow:postgresql://u:p@db/m")
    assert said == "GET https://host/x?size=3&api_key=***&q=a, mlflow:postgresql://***@db/m"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SERVER__SHARD", "setting server.shard: there is no such setting (is it shards?)"),
        ("SERVER__ZZZ", "setting server.zzz: there is no such setting; mend it"),
    ],
)
def test_a_misspelled_setting_is_told_what_it_may_be(
    name: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"AISLE_{name}", "2")
    with pytest.raises(BadInput, match=re.escape(told)):
        load_settings()
