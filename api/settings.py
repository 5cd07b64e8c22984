"""Settings of serving beside those of searching; every command reads them in the same way."""

from __future__ import annotations

import logging
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsError

from api.kafka_settings import CatalogueSettings, KafkaSettings, Servers
from api.setting_faults import invalid, unheard, unreadable
from search.errors import BadInput
from search.setting_forms import of_form
from search.settings import SETTINGS_FILE, Section, Settings, settings_file

_log = logging.getLogger(__name__)

_Header = Annotated[
    str, of_form("[A-Za-z0-9-]+", "a header's name of letters, digits and -, such as X-Client-Id")
]
_Store = Annotated[
    str,
    of_form(
        "sqlite|redis|(rediss?|unix)://[^@]+",
        "sqlite, redis for the server of [redis], or the address of one that needs no password,"
        " such as redis://redis-1:6379",
    ),
]


class ServingSettings(Section):
    """One table `[serving]`: where to listen, and what runs beside the requests."""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535)
    workers: int = Field(1, ge=1, le=64)
    """Processes; they share the port, evenly, and the mapped index."""
    at_once: int | None = Field(None, ge=1)
    """Searches that a process works on at once; others wait in line, for a quarter of
    `[limits] stage_seconds` at most. Without it, twice its share of `threads` on the embedded
    engine; with servers all of them, since they mostly wait for these."""
    query_cache: int = Field(10_000, ge=0)
    """Query vectors kept per process; 0 turns the cache off."""
    watch_seconds: float = Field(0.25, gt=0)
    """How often the first index is looked for while there is none to serve; from then on the engine
    follows changes and new snapshots by itself."""
    fold_after: int = Field(5_000, ge=0)
    """Changed products after which they are folded into a new snapshot; 0 leaves them."""
    shutdown_seconds: int = Field(20, ge=1)
    """How long requests in flight may take after a request to stop."""
    deadline_seconds: float = Field(2.0, gt=0)
    """When a search is to be answered: what does not answer by then is done without
    (docs/failing.md)."""
    retry_after_seconds: int = Field(2, ge=1)
    """What a client is told to wait when the index is away or the server is full."""
    certificate_file: Path | None = None
    """This server's certificate as PEM, with its key unless `key_file` holds that: then it answers
    by TLS alone."""
    key_file: Path | None = None
    image_sources: tuple[str, ...] = ("https:",)
    """Where pictures may come from besides this server (sources of a content security policy)."""


class EventSettings(Section):
    """One table `[events]`: what is kept of searches and of what shoppers do
    (docs/learning/serving.md)."""

    enabled: bool = True
    """Whether searches are logged and `POST /v1/events` takes events."""
    kafka: Servers | None = None
    """`host:port` of Kafka brokers, with commas between several; files when not given."""
    feature_share: float = Field(1.0, ge=0, le=1)
    """The share of searches that are logged with the features of their hits."""
    queue: int = Field(10_000, ge=1)
    """Searches that may wait to be written; more are dropped and counted."""
    batch_events: int = Field(1_000, ge=1)
    """Events in one batch."""
    event_bytes: int = Field(16_384, ge=512)
    """The length of one event as JSON."""
    late_days: float = Field(7.0, gt=0)
    """How old an event may be; older ones go to quarantine."""
    retention_days: int = Field(400, ge=1)
    """After so many days what was logged is deleted."""
    salt_days: int = Field(30, ge=1)
    """How long a client keeps the same hash: then the salt is replaced and forgotten."""
    client_header: _Header | None = None
    """A request header that holds the client's id where the request itself gives none, such as one
    that a proxy sets."""


class ExperimentSettings(Section):
    """One table `[experiments]`: where experiments are kept, and how they are followed
    (docs/experiments.md)."""

    enabled: bool = True
    store: _Store = "sqlite"
    """`sqlite`, a file in the data directory, for the processes of one machine; for several
    machines `redis`, the server of `[redis]`, or the address of one that needs no password."""
    watch_seconds: float = Field(1.0, gt=0)
    """How often changes are looked for, and what happened is handed on."""
    steer_seconds: float = Field(15.0, gt=0)
    """How often guardrails are looked at."""


class SecuritySettings(Section):
    """One table `[security]`: who may ask for what, and how often (docs/security.md)."""

    required: bool = False
    """Whether everything but health needs a key, searches and events too, and also while there is
    none yet. Otherwise those are open, and the rest is as soon as there is a key."""
    store: Literal["data", "redis"] | None = None
    """Where keys are kept: `data` is a file in the data directory. Unless set, Redis when there is
    a `[redis] url`."""
    watch_seconds: float = Field(1.0, gt=0)
    """How often changed keys are looked for."""
    session_hours: float = Field(12.0, gt=0)
    """How long a browser is let in after a key was entered."""
    rate: str = "300/second"
    """What one key may ask unless it was created with a rate of its own: requests in a moving
    window, several with `;` between them; "" for no limit."""
    anonymous_rate: str = ""
    """The same for each address that asks without a key."""
    hosts: tuple[str, ...] = ()
    """The names that this server is asked by (`Host`); any unless set. Keeps a page whose own name
    was pointed at this machine from asking in a browser's name (DNS rebinding)."""

    @field_validator("rate", "anonymous_rate")
    @classmethod
    def _is_rate(cls, value: str, told: ValidationInfo) -> str:
        """Refuses what is no rate before anything is started."""
        from api.security.keys import check_rate  # takes a while; most settings name no rate

        field = f"security.{told.field_name}"
        try:
            if value:
                check_rate(value, field)
        except BadInput as error:
            raise BadInput(f"setting {field}: {error}", field=field) from None
        return value


class LabSettings(Section):
    """One table `[lab]`: the pages for those who tune the shop (docs/experiments/lab.md)."""

    enabled: bool = True


class AppSettings(Settings):
    """The whole of `aisle.toml`. `api_keys` are keys for everything, beside those that
    `aisle keys` makes; without any key, whoever reaches the server may do all."""

    serving: ServingSettings = ServingSettings()
    events: EventSettings = EventSettings()
    kafka: KafkaSettings = KafkaSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    experiments: ExperimentSettings = ExperimentSettings()
    lab: LabSettings = LabSettings()
    security: SecuritySettings = SecuritySettings()
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """`AISLE_API_KEYS=one,two` holds two keys. A setting that is there and holds none is a
        mistake: it would leave writes open while it looks as if they were not."""
        if isinstance(value, str):
            value = [key.strip() for key in value.split(",") if key.strip()]
        # The default comes here as well, but as a tuple.
        if value == []:
            raise ValueError("holds no key; give one or more, or leave the setting out")
        return value


def require_data(data: Path) -> None:
    """Refuses a data directory that is not there, before anything is made in its place.

    Raises:
        BadInput: there is none.
    """
    if not data.is_dir():
        raise BadInput(f"there is no data directory {data}; name yours with --data", field="data")


def load_settings(data: Path | None = None, **given: object) -> AppSettings:
    """Settings from `aisle.toml` and the environment, with `data` and `given` on top.

    Raises:
        BadInput: a value cannot be used; names the setting.
    """
    chosen = given if data is None else {**given, "data": data}
    try:
        settings = AppSettings(**chosen)  # type: ignore[arg-type]
    except ValidationError as error:
        raise invalid(error, AppSettings, settings_file()) from None
    except (SettingsError, TOMLDecodeError, UnicodeDecodeError) as error:
        raise unreadable(error, AppSettings, settings_file()) from None
    for remark in unheard(AppSettings):
        _log.warning("%s", remark)
    _warn_of_other_file(settings.data / SETTINGS_FILE)
    return settings


def _warn_of_other_file(other: Path) -> None:
    """A settings file that lies beside the index is easily taken for the one that counts."""
    read = settings_file()
    if other.is_file() and not (read.is_file() and other.samefile(read)):
        _log.warning(
            "%s is not read: settings come from %s; set AISLE_SETTINGS=%s to use it",
            other,
            f"{read}" if read.is_file() else f"{read}, which is not there",
            other,
        )
