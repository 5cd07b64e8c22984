"""Settings of what Aisle asks over the network: search servers, Redis, the store of artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from search.setting_forms import of_form

_RedisPrefix = Annotated[
    str,
    of_form(
        "[A-Za-z0-9_.:-]{1,50}", "1 to 50 letters, digits, '_', '.', ':' and '-', such as my-shop"
    ),
]
_IndexPrefix = Annotated[
    str,
    of_form(
        "[a-z0-9][a-z0-9_-]{0,49}",
        "1 to 50 lower-case letters, digits, '_' and '-', the first a letter or digit, such as"
        " my-shop",
    ),
]
_Location = Annotated[
    str,
    of_form(
        "(s3://|file:///|/).+",
        "s3://BUCKET/PREFIX, or the path of a folder from its root, such as /mnt/aisle",
    ),
]


class Section(BaseModel):
    """One table of the settings file; unknown keys are errors, so that a typo is not silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ServerSettings(Section):
    """A server that Aisle asks, and how it lets Aisle in (docs/security.md). Secrets come from the
    environment (`AISLE_<SECTION>__PASSWORD`), from `/run/secrets`, or from a file named here.
    `search.secrets` makes TLS contexts and credentials of it."""

    schemes: ClassVar[tuple[str, ...]] = ("http", "https")

    url: str | None = None
    """Where it is, such as `https://search-1:9200`; several of one cluster with commas between
    them."""
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    """A file that holds the password alone; read again for every new connection's client."""
    api_key: SecretStr | None = None
    """In place of name and password, where the server knows such keys."""
    api_key_file: Path | None = None
    ca_file: Path | None = None
    """Certificates to trust, as PEM; the system's unless set."""
    verify: bool = True
    """Whether the server must prove who it is. Without it whoever is in between can read all."""
    client_certificate: Path | None = None
    """Aisle's own certificate as PEM, where the server asks for one; with its key, unless
    `client_key` holds that."""
    client_key: Path | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses one by one; none when there is no server."""
        return tuple(part.strip() for part in (self.url or "").split(",") if part.strip())

    @model_validator(mode="after")
    def _usable(self) -> ServerSettings:
        for url in self.urls:
            self._check(url)
        for name in ("password", "api_key"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"{name} and {name}_file are both given; give one of them")
        if self._has("password") and self._has("api_key"):
            raise ValueError("a password and an api_key are both given; give one of them")
        if self.client_key is not None and self.client_certificate is None:
            raise ValueError("client_key is given without client_certificate; give both")
        return self

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None or getattr(self, f"{name}_file") is not None

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in self.schemes or not (parts.netloc or parts.path):
            known = ", ".join(f"{scheme}://" for scheme in self.schemes)
            raise ValueError(f"the url must begin with one of {known} and name a host")
        if "@" in parts.netloc:
            raise ValueError(
                "the url holds a name or password; leave them out, and give username and "
                "password (or password_file) beside it"
            )


class RedisSettings(ServerSettings):
    """One table `[redis]`: what the processes of several machines share."""

    schemes: ClassVar[tuple[str, ...]] = ("redis", "rediss", "unix")

    timeout_seconds: float = Field(0.5, gt=0)
    """How long one answer, or a connection, is waited for."""
    prefix: _RedisPrefix = "aisle"
    """Begins every key, so that several shops may share a server."""


class EngineServerSettings(ServerSettings):
    """One table `[server]`: the Elasticsearch or OpenSearch that `engine` names."""

    prefix: _IndexPrefix = "aisle"
    """Begins the name of every index, and is the alias of the one in use, so that several shops
    may share a server."""
    shards: int = Field(1, ge=1, le=1024)
    """Parts of a new index; about one for each 5 million products, and for each server."""
    replicas: int = Field(0, ge=0, le=20)
    """Copies of each part: 1 and two servers or more go on when one is lost."""
    dense: Literal["faiss", "server"] = "faiss"
    """Who finds what is near in meaning: this process, or the server, which then holds the vectors
    too. Takes effect with the next full index."""
    timeout_seconds: float = Field(2.0, gt=0)
    """How long one answer is waited for."""
    change_seconds: float = Field(5.0, gt=0)
    """How long live changes wait for a server that takes none, and 10 ms for each product; then
    they are refused."""
    retries: int = Field(1, ge=0, le=5)
    """How often what only reads, or could not be sent, is tried again, at another server of `url`
    where there are several, while there is time."""
    connections: int = Field(32, ge=1)
    """Connections to each server, and the searches that may wait for it at once."""
    bulk_connections: int = Field(4, ge=1, le=64)
    """Parts of a catalogue sent side by side."""
    bulk_bytes: int = Field(5_000_000, ge=10_000)
    """The size of one part."""


class ArtifactSettings(Section):
    """One table `[artifacts]`: where the snapshots lie that several machines serve
    (docs/replicas.md)."""

    location: _Location | None = None
    """`s3://bucket/prefix` (with `?endpoint=http://…` and `&region=…` where it is not Amazon's), or
    the path of a folder that all machines share; none unless set."""
    role: Literal["writer", "replica"] = "writer"
    """Whether this machine changes products and sends them there, or serves what is fetched."""
    writer: str | None = None
    """The writer's address, which replicas name to those who send them changes."""
    access_key_id: str | None = None
    """With its secret, in place of what the environment says (`AWS_ACCESS_KEY_ID` and so on)."""
    secret_access_key: SecretStr | None = None
    secret_access_key_file: Path | None = None
    ca_file: Path | None = None
    """Certificates to trust besides the system's, as PEM."""
    poll_seconds: float = Field(1.0, gt=0)
    """How often is looked for something new; with `[redis]` it is announced as well."""
    transfers: int = Field(4, ge=1, le=64)
    """Files sent or fetched side by side."""
    keep: int = Field(3, ge=1)
    """Snapshots that stay there, the one in use included."""
    keep_hours: float = Field(1.0, ge=0)
    """How long one stays at least after another took its place: replicas may be reading it."""
    spare_bytes: int = Field(500_000_000, ge=0)
    """What fetching leaves free on the disk."""

    @model_validator(mode="after")
    def _usable(self) -> ArtifactSettings:
        if self.role == "replica" and self.location is None:
            raise ValueError("role is replica without a location; say where to fetch from")
        if self.secret_access_key is not None and self.secret_access_key_file is not None:
            raise ValueError("secret_access_key and its file are both given; give one of them")
        known = self.secret_access_key or self.secret_access_key_file
        if (self.access_key_id is None) != (known is None):
            raise ValueError("access_key_id and secret_access_key go together; give both")
        return self

    @property
    def fetched(self) -> bool:
        """Whether this machine serves what others made."""
        return self.role == "replica"
