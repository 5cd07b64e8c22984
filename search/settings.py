"""Settings of the online path and of index building, with the defaults the project measured.

Read from `aisle.toml` in the working directory (or the file named by `AISLE_SETTINGS`), then from
files of secrets (`/run/secrets/aisle_redis__password`), then from the environment:
`AISLE_FUSION__MEANING_WEIGHT=0.5` sets `[fusion] meaning_weight`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from search.setting_sources import SecretFiles, SettingsFile

_SYSTEM = r"^[a-z0-9][a-z0-9_.-]{0,49}$"
_CAPPED = r"^(brand|category|color|group|attributes\..+)$"


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
    prefix: str = Field("aisle", pattern=r"^[A-Za-z0-9_.:-]{1,50}$")
    """Begins every key, so that several shops may share a server."""


class EngineServerSettings(ServerSettings):
    """One table `[server]`: the Elasticsearch or OpenSearch that `engine` names."""

    prefix: str = Field("aisle", pattern=r"^[a-z0-9][a-z0-9_-]{0,49}$")
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


class IndexSettings(Section):
    """What the words index is made of, which takes effect with the next full index; and what is
    kept of earlier ones."""

    weights: dict[str, int] = {
        "title": 3,
        "description": 1,
        "tags": 2,
        "brand": 2,
        "color": 1,
        "category": 1,
        "attributes": 1,
    }
    """How often each field occurs in the weighted text `all`."""
    keep: int = Field(1, ge=0, le=100)
    """Snapshots that stay to go back to, besides the one being served."""
    keep_hours: float = Field(1.0, ge=0)
    """How long the index of one stays at least on its server after another took its place: replicas
    may be reading it."""


class WordsSettings(Section):
    """BM25 retrieval: how many candidates, and the weight of each indexed text.

    `all` is the weighted text of a product (see `IndexSettings.weights`), `title` its title,
    `tags` its tags, `codes` its identifiers and model numbers.
    """

    limit: int = Field(700, ge=1, le=1000)
    weights: dict[str, float] = {"all": 1.0, "codes": 1.0}
    fuzzy_title_weight: float = Field(2.0, ge=0)
    enough: int = Field(20, ge=1)
    """Products with every word that are enough; when the catalogue has fewer, products with some of
    the words are results too."""
    every_word_bonus: float = Field(0.1, ge=0)
    """Added to the score of products with every word, as a share of the best score."""


class MeaningSettings(Section):
    """Dense retrieval: how many candidates, and how the vector index is built and searched."""

    limit: int = Field(300, ge=0, le=1000)
    least_share: float = Field(0.45, ge=0, le=1)
    """Products less similar to the query than this share of the most similar one's similarity are
    not results. Without it every query would have `limit` results, near or far."""
    encoder: str = "all-MiniLM-L6-v2"
    encode_with: Literal["auto", "onnx", "torch"] = "auto"
    """What encodes the catalogue: `auto` is torch where it sees a CUDA device, else the ONNX file.
    Queries always go through the ONNX file."""
    exact_below: int = Field(50_000, ge=1)
    """Up to this many products the vector index is exact; beyond, an inverted file."""
    recall_target: float = Field(0.95, gt=0, le=1)
    """recall@300 against exact search that the build tunes its search effort to."""


class UnderstandingSettings(Section):
    """What is done with a query's words before searching, learned when indexing."""

    enabled: bool = True
    without: tuple[str, ...] = ()
    """Parts to leave out when searching: `spelling`, `phrases`, `entities`, `expansion`,
    `intent`."""
    query_log: Path | None = None
    """A CSV file of what shoppers typed: `query`, and if known `count`, `clicks`, `results`;
    `query-log.csv` in the data directory unless set."""
    lists: Path | None = None
    """A directory of the shop's own lists, each optional: `synonyms.txt`, `protected.txt`,
    `blocked.txt`, `support.toml` (docs/understanding.md); `lists` in the data directory unless
    set."""


class FusionSettings(Section):
    """How the two rankings become one: `score_sum` (normalised weighted sum) or
    `reciprocal_rank`."""

    method: Literal["score_sum", "reciprocal_rank"] = "score_sum"
    meaning_weight: float = Field(0.5, ge=0)
    rank_constant: float = Field(60.0, gt=0)
    limit: int = Field(1000, ge=1)


class RankingSettings(Section):
    """The ranking model, and what decides the order of the hits beside it."""

    enabled: bool = True
    """Whether a model is used at all."""
    model: Path | None = None
    """`model.json` in the data directory unless set; followed while serving."""
    depth: int | None = Field(None, ge=1, le=1000)
    """The candidates that the model scores; as many as the model itself says unless set."""
    first_stage: Literal["fused", "linear"] = "fused"
    """What chooses them: the fused order, or the model's linear part over all candidates."""
    out_of_stock: Literal["down", "keep"] = "down"
    out_of_stock_loss: float = Field(0.1, ge=0)
    """What a product that is sold out loses, as a share of the best score: it goes below those in
    stock that score so much less. One that the query names outright keeps its place."""
    freshness: float = Field(0.0, ge=0)
    """What a product of today gains, as a share of the best score; 0 turns it off."""
    freshness_days: float = Field(30.0, gt=0)
    """After so many days the gain is half."""


class ModelSettings(Section):
    """Where models are kept (docs/learning/models.md)."""

    registry: str = Field("files", pattern=r"^(files|mlflow:.+)$")
    """`files` in the data directory, or `mlflow:URI` of an MLflow server or database."""
    name: str = "aisle"
    """What MLflow calls the shop's model."""


class DiversitySettings(Section):
    """Variety among the first hits, off unless set."""

    strength: float = Field(0.0, ge=0, le=1)
    """How much variety counts against relevance; a request's own `diversity` comes before it."""
    depth: int = Field(200, ge=1, le=1000)
    """The best hits that are chosen from."""
    first: int = Field(50, ge=1, le=1000)
    """The hits that are chosen; the others follow in their order."""
    caps: dict[Annotated[str, Field(pattern=_CAPPED)], Annotated[int, Field(ge=1)]] = {}
    """How many of the first `within` hits may have the same `brand`, `category`, `color`,
    `group` or `attributes.<name>`, as far as there are others to show."""
    within: int = Field(10, ge=1, le=100)


class ExplorationSettings(Section):
    """Places exchanged by chance, so that clicks tell more; off unless set."""

    method: Literal["none", "swap", "thompson"] = "none"
    """`swap` exchanges neighbors, `thompson` gives products that hardly anybody has seen their
    chance."""
    probability: float = Field(0.1, ge=0, le=0.5)
    """Of each exchange by `swap`."""
    strength: float = Field(0.5, ge=0)
    """How far `thompson` moves a product nobody has seen, in units of the spread of the scores."""
    share: float = Field(0.5, ge=0, le=1)
    """The share of searches that `thompson` varies."""
    first: int = Field(3, ge=1)
    """The first position that may change."""
    last: int = Field(10, ge=2, le=100)
    """The last one."""


class RulesSettings(Section):
    """The shop's own rules (docs/ranking/rules.md)."""

    enabled: bool = True
    file: Path | None = None
    """`rules.toml` in the data directory unless set; followed while serving."""
    sponsored_per_page: int = Field(3, ge=0)


class SystemSettings(Section):
    """One table `[systems.NAME]`: a variant of a system, to evaluate and to experiment with. What
    it does not say is as in the tables of the same names."""

    base: Literal["ranked", "hybrid", "bm25", "dense"] = "ranked"
    model: Path | None = None
    """The file of a ranking model, in the data directory unless absolute; the model in use
    unless set."""
    fusion: FusionSettings | None = None
    ranking: RankingSettings | None = None
    diversity: DiversitySettings | None = None
    understanding: UnderstandingSettings | None = None
    exploration: ExplorationSettings | None = None


class LimitSettings(Section):
    """Bounds on what one request may ask."""

    query_characters: int = Field(512, ge=1)
    page_size: int = Field(100, ge=1)
    page_depth: int = Field(1000, ge=1)
    filters: int = Field(50, ge=1)
    body_bytes: int = Field(8_000_000, ge=1)
    concurrency: int = Field(64, ge=1)
    stage_seconds: float = Field(1.0, gt=0)
    search_bytes: int = Field(262_144, ge=1)
    """The body of a search; `body_bytes` is that of everything else."""
    json_depth: int = Field(32, ge=1, le=200)
    """Arrays and objects inside each other in a body."""
    answer_bytes: int = Field(16_000_000, ge=1)
    """The answer to a search: products may be long."""
    request_seconds: float = Field(15.0, gt=0)
    """How long a search, a suggestion or a product may take in all."""
    body_seconds: float = Field(30.0, gt=0)
    """How long a body may take to arrive."""
    header_seconds: float = Field(10.0, gt=0)
    """How long a request's line and headers may take to arrive, from the connection on."""
    header_bytes: int = Field(65_536, ge=1024)
    """The request's line and headers together."""
    send_seconds: float = Field(30.0, gt=0)
    """How long a client may leave an answer untaken before its connection is closed."""


class ArtifactSettings(Section):
    """One table `[artifacts]`: where the snapshots lie that several machines serve
    (docs/replicas.md)."""

    location: str | None = Field(None, pattern=r"^(s3://|file:///|/).+")
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


class Settings(BaseSettings):
    """Everything that can be set; each section says what it is for."""

    model_config = SettingsConfigDict(
        env_prefix="AISLE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    data: Path = Path("data")
    engine: Literal["embedded", "elasticsearch", "opensearch"] = "embedded"
    """Where words are found: in this process, or on a server (docs/servers.md)."""
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    index: IndexSettings = IndexSettings()
    words: WordsSettings = WordsSettings()
    meaning: MeaningSettings = MeaningSettings()
    understanding: UnderstandingSettings = UnderstandingSettings()
    fusion: FusionSettings = FusionSettings()
    ranking: RankingSettings = RankingSettings()
    models: ModelSettings = ModelSettings()
    diversity: DiversitySettings = DiversitySettings()
    exploration: ExplorationSettings = ExplorationSettings()
    rules: RulesSettings = RulesSettings()
    systems: dict[Annotated[str, Field(pattern=_SYSTEM)], SystemSettings] = {}
    limits: LimitSettings = LimitSettings()
    redis: RedisSettings = RedisSettings()
    server: EngineServerSettings = EngineServerSettings()
    artifacts: ArtifactSettings = ArtifactSettings()

    @field_validator("systems")
    @classmethod
    def _not_taken(cls, value: dict[str, SystemSettings]) -> dict[str, SystemSettings]:
        """A system of the shop's own cannot have the name of one that there is."""
        for name in value:
            if name.removesuffix("-raw") in ("ranked", "hybrid", "bm25", "dense", "random"):
                raise ValueError(f"{name} is a system already; choose another name")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, files of secrets, and the settings file."""
        path = Path(os.environ.get("AISLE_SETTINGS", "aisle.toml"))
        secrets = SecretFiles(file_secret_settings, os.environ.get("AISLE_SECRETS", "/run/secrets"))
        return init_settings, env_settings, secrets, SettingsFile(settings_cls, path)
