"""Explanations on the command line and in answers: what people read of features, rules, places."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from rankers.features import FEATURES
from tests.api.conftest import Run
from tests.api.modeled import modeled

__all__ = ["modeled"]

QUERY = "steel kettle"


@pytest.fixture
def ruled(modeled: Path, tmp_path: Path) -> Path:
    """The shop with a model, and room for rules."""
    return shutil.copytree(modeled, tmp_path / "data")


def hits(cli: Run, data: Path, *options: str) -> list[dict[str, Any]]:
    asked = ("search", QUERY, "--size", "20", "--explain", "--json", *options, "--data", data)
    found: list[dict[str, Any]] = orjson.loads(cli(*asked)[1])["hits"]
    return found


def pinned(data: Path, product: str, more: str = "") -> None:
    (data / "rules.toml").write_text(
        f'[[rule]]\nid = "sale"\nwhen = {{ query = "{QUERY}" }}\n'
        f'pin = [{{ id = "{product}", position = 1 }}]\n{more}'
    )


def test_reasons_have_the_names_and_values_that_people_read(modeled: Path, cli: Run) -> None:
    first = hits(cli, modeled)[0]
    for each in first["reasons"]["features"]:
        declared = FEATURES[each["feature"]]
        assert each["label"] == declared.label
        value = float("nan") if each["value"] is None else each["value"]
        assert each["text"] == declared.text(value)
    code, out, err = cli("explain", QUERY, first["id"], "--data", modeled)
    assert code == 0, err
    most = max(
        (each for each in first["reasons"]["features"] if not each["shared"]),
        key=lambda each: each["contribution"],
    )
    said = f"{most['contribution']:+.3f} {most['label']}: {most['text']}"
    assert f"For it:\n  {said}\n" in out


def test_the_text_fits_80_columns_and_what_goes_on_is_indented(modeled: Path, cli: Run) -> None:
    found = hits(cli, modeled)
    out = cli("explain", QUERY, found[7]["id"], "--above", found[0]["id"], "--data", modeled)[1]
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    items = [line for line in lines if re.match(r"  [+-]\d", line)]
    assert len(items) >= 4
    beside = lines.index(next(line for line in lines if "What makes most" in line))
    assert re.match(r"  \d\.\d{3} (for|against) ", lines[beside + 1])
    assert lines[beside + 2].startswith("    ")


def test_a_pinned_product_is_told_by_its_rule_not_by_a_score(ruled: Path, cli: Run) -> None:
    before = hits(cli, ruled)
    last, second = before[-1]["id"], before[1]["id"]
    pinned(ruled, last)
    after = hits(cli, ruled)
    assert after[0]["id"] == last
    assert after[0]["score"] == after[1]["score"]  # not its own
    assert {hit["id"]: hit["before"] for hit in after} == {
        hit["id"]: hit["before"] for hit in before
    }
    out = " ".join(cli("explain", QUERY, second, "--above", last, "--data", ruled)[1].split())
    assert f"{second} is number 3 of" in out
    assert f"Before stock, age, variety and rules it is number {before[1]['before']}." in out
    assert "Pinned by rule sale: without pins and paid places it is number 20." in out
    assert "Before it stands 1 product that rules put there." in out
    assert f"{last} is above it by rule sale (pin), not by its score." in out
    assert f"The model itself has {second} above it by" in out


def test_a_pinned_product_that_the_query_did_not_find(ruled: Path, cli: Run) -> None:
    asked = ("search", "lamp", "--json", "--data", ruled)
    lamp = orjson.loads(cli(*asked)[1])["hits"][0]["id"]
    pinned(ruled, lamp)
    out = cli("explain", QUERY, lamp, "--data", ruled)[1]
    assert "Pinned by rule sale: without it, it is not among the results." in " ".join(out.split())
    assert hits(cli, ruled)[0]["before"] is None


def test_what_rules_raise_is_told_with_its_place_before(ruled: Path, cli: Run) -> None:
    product = hits(cli, ruled)[9]
    (ruled / "rules.toml").write_text(
        f'[[rule]]\nid = "up"\nwhen = {{ query = "{QUERY}" }}\n'
        f'boost = [{{ filters = [{{ name = "id", values = ["{product["id"]}"] }}], weight = 5 }}]\n'
    )
    out = cli("explain", QUERY, product["id"], "--data", ruled)[1]
    assert f"{product['id']} is number 1 of" in out
    assert f"Before stock, age, variety and rules it is number {product['before']}." in out
    assert "The rule up moves it up (boost)." in out
