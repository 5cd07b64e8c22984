"""A writer and replicas, each a data directory, and the place between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from indexer.artifacts import Puller, Pusher
from indexer.build import Products, build_index
from indexer.live import LiveWriter
from search.engines.embedded.state import IndexState
from search.settings import ArtifactSettings, Settings
from search.types import Change, Product
from tests.indexer.shop import (
    WordHashCatalogueEncoder,
    WordHashEncoder,
    assert_shows,
    opened,
    shop_settings,
)

KETTLES = {f"p{i}": Product(f"p{i}", f"red kettle {i}", brand="Norrvik") for i in range(6)}
LAMPS = {f"p{i}": Product(f"p{i}", f"blue lamp {i}", brand="Tuvala") for i in range(3, 9)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where snapshots are shared, as settings name it."""

    location: str
    key: str | None = None

    def settings(self, **chosen: Any) -> ArtifactSettings:
        secret = {"secret_access_key": SecretStr(self.key)} if self.key else {}
        given = {"access_key_id": self.key, "spare_bytes": 0, **secret, **chosen}
        return ArtifactSettings(location=self.location, **given)


def machine(data: Path, place: Place, **chosen: Any) -> Settings:
    """The settings of one; a replica with `role="replica"`."""
    shared = {"artifacts": place.settings(**chosen)}
    return shop_settings(data).model_copy(update=shared)


def replica(data: Path, place: Place, **chosen: Any) -> Settings:
    return machine(data, place, role="replica", **chosen)


def index(settings: Settings, shop: Mapping[str, Product]) -> str:
    """A snapshot of a shop; its version."""
    made = build_index(Products(shop.values()), settings, encoder=WordHashCatalogueEncoder())
    return made.version


def change(settings: Settings, *changes: Change) -> None:
    LiveWriter(settings, WordHashEncoder()).apply(changes)


def push(settings: Settings) -> int:
    """Sends; the bytes that it took."""
    return Pusher(settings).push().bytes


def pull(settings: Settings) -> IndexState:
    """Fetches as a new process would; what is served then."""
    Puller(settings).pull()
    return opened(settings)


def assert_serves(settings: Settings, shop: Mapping[str, Product]) -> None:
    assert_shows(opened(settings), shop)
