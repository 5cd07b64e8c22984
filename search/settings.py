"""Settings of the online path and of index building, with the defaults the project measured.

Read from `aisle.toml` in the working directory (or the file named by `AISLE_SETTINGS`), then from
files of secrets (`/run/secrets/aisle_redis__password`), then from the environment:
`AISLE_FUSION__MEANING_WEIGHT=0.5` sets `[fusion] meaning_weight`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from search.server_settings import (
    ArtifactSettings,
    EngineServerSettings,
    RedisSettings,
    Section,
    ServerSettings,
)
from search.setting_forms import (
    Capped,
    Directory,
    Registry,
    SystemName,
    TextField,
    UnderstandingPart,
)
from search.setting_sources import SecretFiles, SettingsFile

__all__ = [
    "ArtifactSettings",
    "DiversitySettings",
    "EngineServerSettings",
    "ExplorationSettings",
    "FusionSettings",
    "IndexSettings",
    "LimitSettings",
    "MeaningSettings",
    "ModelSettings",
    "RankingSettings",
    "RedisSettings",
    "RulesSettings",
    "Section",
    "ServerSettings",
    "Settings",
    "SystemSettings",
    "UnderstandingSettings",
    "WordsSettings",
]


MODEL_FILE = "model.json"
"""Where in the data directory the model in use lies, unless the settings name another file."""
RULES_FILE = "rules.toml"
"""Where in the data directory the shop's rules lie, unless the settings name another file."""
SETTINGS_FILE = "aisle.toml"
_VARIABLE = "AISLE_SETTINGS"


def settings_file() -> Path:
    """The file that settings are read from, whether it is there or not."""
    return Path(os.environ.get(_VARIABLE) or SETTINGS_FILE)


class IndexSettings(Section):
    """What the words index is made of, which takes effect with the next full index; and what is
    kept of earlier ones."""

    weights: dict[TextField, int] = Field(
        {
            "title": 3,
            "description": 1,
            "tags": 2,
            "brand": 2,
            "color": 1,
            "category": 1,
            "attributes": 1,
        }
    )
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
    weights: dict[str, float] = Field({"all": 1.0, "codes": 1.0})
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
    without: tuple[UnderstandingPart, ...] = ()
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
    cross_encoder: Directory | None = None
    """The cross-encoder that reads the best hits, by its directory in DATA/encoders
    (`aisle train cross-encoder` makes one); none unless set. In the table of a system, "" turns it
    off."""
    read: int = Field(20, ge=2, le=100)
    """The best hits that the cross-encoder reads."""
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

    registry: Registry = "files"
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
    caps: dict[Capped, Annotated[int, Field(ge=1)]] = Field({})
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
    lab_concurrency: int = Field(16, ge=1)
    """Pages of the lab and sign-ins; `concurrency` is that of everything else."""
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
    systems: dict[SystemName, SystemSettings] = {}
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
        secrets = SecretFiles(file_secret_settings, os.environ.get("AISLE_SECRETS", "/run/secrets"))
        named = bool(os.environ.get(_VARIABLE))
        file = SettingsFile(settings_cls, settings_file(), named=named)
        return init_settings, env_settings, secrets, file
