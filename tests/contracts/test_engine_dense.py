"""What is near in meaning, by all who find it: the replica's vectors, or the server's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from search.engines import ENGINES
from search.engines.local.layout import read_current
from search.errors import IndexCorrupt
from search.seams import Encoder, Engine, View
from search.settings import Settings
from search.types import Delete, Filter, Filters, Product, Upsert, Vector, Vectors
from tests.contracts.engines import MARKS, PUBLISH, chosen
from tests.search.engines import shops

COUNT = 60
BY_SERVER = [
    pytest.param((name, "server"), marks=mark, id=f"{name}, server") for name, mark in MARKS.items()
]
DENSE = [
    *(pytest.param((name, "faiss"), marks=MARKS.get(name, ()), id=name) for name in ENGINES),
    *BY_SERVER,
]
PRODUCTS = [
    Product(f"p{n}", f"Lamp {n}", brand="Acme" if n % 3 else "Bo", price=float(n))
    for n in range(COUNT)
]
DIMENSIONS = 96
VECTORS = shops.unit_vectors(COUNT + 3, DIMENSIONS)
ASKED = shops.unit_vectors(5, DIMENSIONS, seed=7)
BO = (Filter("brand", ("Bo",)),)


class Drawn:
    """Encodes texts as the next vectors in turn; implements `search.seams.Encoder`."""

    name, dimensions = "test", DIMENSIONS

    def encode(self, texts: object) -> Vectors:
        return VECTORS[COUNT : COUNT + len(list(texts))]  # type: ignore[call-overload]


@pytest.fixture(params=DENSE)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The engine's name; settings made from now on say who finds what is near."""
    request.param, dense = request.param
    monkeypatch.setenv("AISLE_SERVER__DENSE", dense)
    yield from chosen(request, monkeypatch)


@pytest.fixture
async def engine(name: str, tmp_path: Path) -> AsyncIterator[Engine]:
    PUBLISH[name](tmp_path, PRODUCTS, VECTORS[:COUNT])
    opened = ENGINES[name](Settings(data=tmp_path, threads=2))
    yield opened
    await opened.close()


def exactly(vectors: dict[str, Vector], vector: Vector, count: int) -> list[tuple[str, float]]:
    """The nearest by a loop."""
    scored = [(each, float(own @ vector)) for each, own in vectors.items()]
    return sorted(scored, key=lambda pair: -pair[1])[:count]


@dataclass(frozen=True, slots=True)
class Told:
    """How far inner products may be off, and the share of the nearest to be found."""

    off: float
    share: float


EXACT, BYTES = Told(0.0005, 1.0), Told(0.1, 0.7)
"""Elasticsearch keeps a byte per dimension, and has few vectors here to find their range by."""


@pytest.fixture
def told(request: pytest.FixtureRequest, name: str) -> Told:
    return BYTES if request.node.callspec.id == "elasticsearch, server" else EXACT


async def check(
    view: View, vectors: dict[str, Vector], filters: Filters, count: int, told: Told
) -> None:
    """Every asked vector finds those of `vectors` that are nearest, with their inner products."""
    for vector in ASKED:
        found = await view.meaning(vector, filters, count)
        ids = [product.id for product in await view.products(found.ordinals)]
        wanted = exactly(vectors, vector, count)
        assert len(ids) == len(set(ids)) == len(wanted)
        assert np.all(np.diff(found.scores) <= 0)
        own = [float(vectors[each] @ vector) for each in ids]
        assert found.scores == pytest.approx(own, abs=told.off)
        assert len(set(ids) & {each for each, _ in wanted}) >= told.share * len(wanted)


async def test_the_nearest_are_found_with_filters_and_without(engine: Engine, told: Told) -> None:
    view = await engine.view()
    every = {product.id: vector for product, vector in zip(PRODUCTS, VECTORS, strict=False)}
    await check(view, every, (), 10, told)
    await check(view, {p.id: every[p.id] for p in PRODUCTS if p.brand == "Bo"}, BO, 10, told)
    await check(view, every, (), 1000, told)
    assert len(await view.meaning(ASKED[0], (), 0)) == 0


async def test_changed_products_are_near_and_earlier_views_stay(
    engine: Engine, tmp_path: Path, told: Told
) -> None:
    old = await engine.view()
    encoder: Encoder = Drawn()
    gone = [Delete(f"p{n}") for n in range(0, 30)]
    added = [Upsert(Product(f"n{n}", f"Lamp {n}", brand="Bo")) for n in range(3)]
    await asyncio.to_thread(shops.change, tmp_path, [*gone, *added], encoder)
    new = await engine.refresh()
    before = {product.id: vector for product, vector in zip(PRODUCTS, VECTORS, strict=False)}
    after = {f"p{n}": VECTORS[n] for n in range(30, COUNT)}
    after |= {f"n{n}": VECTORS[COUNT + n] for n in range(3)}
    for count in (5, 40):
        await check(old, before, (), count, told)
        await check(new, after, (), count, told)
    bo = {each for each, product in zip(before, PRODUCTS, strict=True) if product.brand == "Bo"}
    await check(old, {each: before[each] for each in bo}, BO, 10, told)
    kept = {each: after[each] for each in after if each in bo or each.startswith("n")}
    await check(new, kept, BO, 10, told)


@pytest.mark.parametrize("name", BY_SERVER, indirect=True)
async def test_an_index_without_vectors_is_refused_where_the_server_is_to_have_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AISLE_SERVER__DENSE", "faiss")
    PUBLISH[name](tmp_path, PRODUCTS[:3], VECTORS[:3])
    assert read_current(tmp_path)
    monkeypatch.setenv("AISLE_SERVER__DENSE", "server")
    engine = ENGINES[name](Settings(data=tmp_path))
    with pytest.raises(IndexCorrupt, match="aisle reindex"):
        await engine.view()
    await engine.close()
