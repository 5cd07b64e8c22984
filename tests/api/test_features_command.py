"""`aisle features`: the list, and the values for a query."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from api.cli import run
from api.commands.features_text import SUBJECTS, show_list, show_values
from rankers.features import FEATURES, GROUPS, NAMES, VERSION
from search.types import FeatureTable, Product


def test_the_list_names_every_feature_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["features", "--json"]) == 0
    body = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [each["name"] for each in body["features"]] == list(NAMES)
    assert body["version"] == VERSION


def test_the_list_for_people_says_what_each_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["features"]) == 0
    shown = capsys.readouterr().out
    assert "title_bm25" in shown
    assert VERSION in shown


def test_a_query_shows_what_its_best_candidates_have(
    indexed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["features", "kettle", "--data", str(indexed), "--top", "3"]
    assert run([*command, "--json"]) == 0
    body = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(body["candidates"]) == 3
    best = body["candidates"][0]["features"]
    assert list(best) == list(NAMES)
    assert best["title_coverage"] == 1
    assert best["fused_rank"] == 1
    assert best["clicked_before"] is None
    assert run(command) == 0
    assert "more features are unknown" in capsys.readouterr().out


def test_an_empty_query_is_refused_in_so_many_words(
    indexed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["features", " ", "--data", str(indexed)]) == 2
    assert "the query is empty" in " ".join(capsys.readouterr().err.split())


def terminal(width: int) -> Console:
    """A terminal of so many columns that remembers what it is told, without colors."""
    return Console(
        file=io.StringIO(), force_terminal=True, width=width, color_system=None, highlight=False
    )


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_every_group_has_its_place_in_the_list() -> None:
    placed = [name for parts in SUBJECTS.values() for name in parts]
    assert sorted(placed) == sorted(group.name for group in GROUPS)


@pytest.mark.parametrize("width", [80, 200])
def test_the_list_reads_well_in_the_width_of_a_terminal(width: int) -> None:
    console = terminal(width)
    show_list(console, {group.name: group.features for group in GROUPS})
    lines = [line.rstrip() for line in shown(console).splitlines()]
    assert max(map(len, lines)) <= width
    assert len(lines) < 4 * len(FEATURES)
    at = next(i for i, line in enumerate(lines) if line.strip().startswith("title_coverage "))
    assert lines[at] == f"  title_coverage  {FEATURES['title_coverage'].label}"
    assert lines[at + 1] == "      number, unit share, source words, higher is better"
    assert lines[at + 2] == "      Share of the query's words in the title."


def test_what_is_piped_is_a_sentence_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["features"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    names = [line.split("  ")[0] for line in lines if line.split("  ")[0] in NAMES]
    assert sorted(names) == sorted(NAMES)
    assert {each.sentence for each in FEATURES.values()} <= set(lines)


def test_the_list_can_be_searched(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["features", "--search", "PRICE over_median", "--json"]) == 0
    body = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [each["name"] for each in body["features"]] == ["price_over_median"]
    assert run(["features", "--search", "price over_median"]) == 0
    told = capsys.readouterr().out
    assert f"1 of {len(NAMES)} features" in told
    assert "title_bm25" not in told
    label = FEATURES["price_over_median"].label
    assert run(["features", "--search", label]) == 0
    assert "  price_over_median  " in capsys.readouterr().out
    assert run(["features", "--search", "zither"]) == 2
    assert "without --search lists all" in capsys.readouterr().err


def test_values_stand_below_the_ids_of_products(
    indexed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["features", "kettle", "--data", str(indexed), "--top", "2", "--search", "title"]
    assert run([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["candidates"]
    assert run(command) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"1. {found[0]['id']}  {found[0]['title']}"
    assert told[3].split() == ["feature", *(each["id"] for each in found)]
    coverage = next(line for line in told if line.startswith("title_coverage "))
    assert coverage.split()[1:] == [f"{each['features']['title_coverage']:.4g}" for each in found]
    assert "cosine" not in found[0]["features"]


def test_products_that_have_no_room_beside_others_come_below() -> None:
    products = [Product(f"product-{number:08}", "A kettle " * 20) for number in range(8)]
    values = np.tile(np.array([0.5, np.nan], np.float32), (8, 1))
    table = FeatureTable(("price", "cosine"), np.arange(8, dtype=np.int32), values)
    console = terminal(80)
    show_values(console, table, products, table.names)
    lines = shown(console).splitlines()
    assert max(map(len, lines)) <= 80
    heads = [line.split()[1:] for line in lines if line.startswith("feature ")]
    assert len(heads) > 1
    assert [name for head in heads for name in head] == [each.id for each in products]
    assert lines[-1] == "1 more features are unknown for all of them."
