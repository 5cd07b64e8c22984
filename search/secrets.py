"""How servers let Aisle in: credentials and TLS contexts of their settings, and texts without
secrets. Nothing here is printed: what holds a secret has no representation."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from search.errors import BadInput, redact
from search.setting_sources import read_secret_file
from search.settings import RedisSettings, ServerSettings

__all__ = [
    "Credentials",
    "credentials",
    "is_loopback",
    "redact",
    "redis_options",
    "secret_of",
    "ssl_context",
    "weaknesses",
]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is shown to a server: a name with its password, or a key; "" for what there is not."""

    username: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)

    @property
    def basic(self) -> tuple[str, str] | None:
        """Name and password as HTTP clients take them, None without."""
        return (self.username, self.password) if self.password else None


def credentials(server: ServerSettings, name: str) -> Credentials:
    """The credentials for a server; files are read anew, so that a changed secret is used by the
    next client. `name` is the section, for messages.

    Raises:
        BadInput: a file cannot be read or is empty.
    """
    return Credentials(
        username=server.username or "",
        password=secret_of(server.password, server.password_file, f"{name}.password_file"),
        api_key=secret_of(server.api_key, server.api_key_file, f"{name}.api_key_file"),
    )


def secret_of(value: SecretStr | None, file: Path | None, name: str) -> str:
    """A secret that is given, or lies in a file; "" for none. `name` is the file's setting.

    Raises:
        BadInput: the file cannot be read or is empty.
    """
    if file is not None:
        return read_secret_file(file, name)
    return value.get_secret_value() if value else ""


def ssl_context(server: ServerSettings, name: str) -> ssl.SSLContext | None:
    """What TLS connections to a server are made with; None when its address asks for none.

    Raises:
        BadInput: a certificate or key cannot be used; names the setting.
    """
    if not any(urlsplit(url).scheme in ("https", "rediss") for url in server.urls):
        return None
    try:
        context = ssl.create_default_context(cafile=server.ca_file)
    except OSError as error:
        raise _unusable(name, "ca_file", server.ca_file, error) from None
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if server.client_certificate is not None:
        _show(context, server.client_certificate, server.client_key, name)
    return context


def _show(context: ssl.SSLContext, certificate: Path, key: Path | None, name: str) -> None:
    try:
        # Without a password of its own, OpenSSL would ask the terminal for one and wait.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        part = "client_certificate" if key is None else "client_certificate and client_key"
        raise _unusable(name, part, certificate if key is None else key, error) from None


def _unusable(name: str, part: str, path: Path | None, error: OSError) -> BadInput:
    why = error.strerror or error
    return BadInput(
        f"setting {name}.{part}: {path} cannot be used ({why}); name PEM files that this process "
        "may read, with a key that needs no passphrase",
        field=f"{name}.{part}",
    )


def redis_options(server: RedisSettings, name: str = "redis") -> dict[str, Any]:
    """The arguments with which `redis.Redis.from_url(server.url, **options)` and its asyncio twin
    connect.

    Raises:
        BadInput: a secret, certificate or key cannot be used; names the setting.
    """
    known = credentials(server, name)
    options: dict[str, Any] = {
        "socket_timeout": server.timeout_seconds,
        "socket_connect_timeout": server.timeout_seconds,
    }
    if known.username:
        options["username"] = known.username
    if known.password:
        options["password"] = known.password
    if ssl_context(server, name) is not None:  # all of its files can be used
        options |= _redis_tls(server)
    return options


def _redis_tls(server: RedisSettings) -> dict[str, Any]:
    """As redis-py takes it: it makes the context by itself."""
    key = server.client_key or server.client_certificate
    return {
        "ssl_ca_certs": str(server.ca_file) if server.ca_file else None,
        "ssl_cert_reqs": "required" if server.verify else "none",
        "ssl_check_hostname": server.verify,
        "ssl_certfile": str(server.client_certificate) if server.client_certificate else None,
        "ssl_keyfile": str(key) if key else None,
        "ssl_min_version": ssl.TLSVersion.TLSv1_2,
    }


def weaknesses(server: ServerSettings, name: str) -> tuple[str, ...]:
    """What is to be said, at the start, of how a server is reached."""
    said = []
    if server.urls and not server.verify:
        said.append(
            f"[{name}] verify = false: whoever is between here and {_places(server)} can read and "
            "change everything; set ca_file to the server's authority instead"
        )
    known = server.password or server.password_file or server.api_key or server.api_key_file
    plain = [url for url in server.urls if urlsplit(url).scheme in ("http", "redis")]
    if known and any(not is_loopback(urlsplit(url).hostname or "") for url in plain):
        said.append(
            f"[{name}] sends its password or key to {_places(server)} without TLS; use an address "
            "that begins with https:// or rediss://"
        )
    return tuple(said)


def _places(server: ServerSettings) -> str:
    return ", ".join(urlsplit(url).netloc for url in server.urls)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name but `localhost` may mean any."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
