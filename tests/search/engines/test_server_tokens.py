"""What a server makes of the text that it is sent: the very tokens of the embedded engine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from indexer.analysis import index_fields
from indexer.catalogue import open_catalogue
from indexer.measures import product_measures
from search.engines.local.fields import TEXT_FIELDS, analyzer
from search.engines.local.titles import mark_negated
from search.engines.server.mapping import mapping, server_document, settings
from search.settings import Settings
from search.types import Product
from tests.contracts.engines import MARKS
from tests.engines.shared import Shared

SAMPLE, EVERY = 500, 7
AT_ONCE = 9_000
"""Tokens; servers analyze no more than 10,000 at once."""
CATALOGUES = ("esci", "icecat", "homedepot", "crowdflower")


@pytest.fixture(params=[pytest.param(name, marks=mark) for name, mark in MARKS.items()])
def index(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty index, analyzed as every index of Aisle is."""
    server: Shared = request.getfixturevalue(request.param)
    address = f"{server.url}/{server.prefix}tokens"
    body = {"settings": settings(1), "mappings": mapping("20261121T101500-3f9a", {})}
    ask("PUT", address, body)
    yield address
    ask("DELETE", address)


def ask(method: str, address: str, body: object = None) -> dict[str, list[dict[str, str]]]:
    data = None if body is None else json.dumps(body).encode()
    request = Request(address, data, {"content-type": "application/json"}, method=method)
    with urlopen(request, timeout=30) as answer:
        found: dict[str, list[dict[str, str]]] = json.load(answer)
    return found


def sample(folder: Path, scratch: Path) -> list[Product]:
    files = sorted(folder.glob("products.*"))
    rows = open_catalogue(
        files, preset=None, mapping_file=None, rejects_path=scratch / "rejects.jsonl"
    )
    found = [product for product, _ in islice(rows, 0, SAMPLE * EVERY, EVERY)]
    assert rows.rejects is not None
    rows.rejects.close()
    return found


def tokens(index: str, field: str, texts: Sequence[str]) -> list[str]:
    """What the server makes of texts, together."""
    found, part, size = [], list[str](), 0
    for text in (*texts, None):
        length = AT_ONCE if text is None else len(text.split())
        if part and size + length > AT_ONCE:
            answer = ask("POST", f"{index}/_analyze", {"field": field, "text": part})
            found += [token["token"] for token in answer["tokens"]]
            part, size = [], 0
        if text is not None:
            part.append(text)
            size += length
    return found


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOGUES)
def test_real_texts_have_the_same_tokens(
    index: str, name: str, real_data: Path, tmp_path: Path
) -> None:
    products, weights = sample(real_data / name, tmp_path), Settings().index.weights
    assert len(products) > SAMPLE / 5
    fields = [index_fields(product, weights) for product in products]
    sent = [
        server_document(ordinal, product, each, product_measures(product))
        for ordinal, (product, each) in enumerate(zip(products, fields, strict=True))
    ]
    for field in (*TEXT_FIELDS, "phrases"):
        own = [_text(field, each) for each in fields]
        expected = [token for text in own for token in analyzer(field).analyze(text)]
        assert tokens(index, field, [each.get(field, "") for each in sent]) == expected, field


def _text(field: str, fields: dict[str, str]) -> str:
    if field == "phrases":
        return " ".join(mark_negated(fields["title"].split()))
    return fields.get(field, "")
