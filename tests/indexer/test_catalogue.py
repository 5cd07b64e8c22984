"""From files to products: nothing read is lost, and each refusal can be acted upon."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.catalogue import Location, open_catalogue
from indexer.rejects import Rejection, RejectsFile
from search.errors import BadInput, StorageFailed, TooManyRejects

from .conftest import ReadCatalogue

GOOD = {"id": "1", "title": "Lamp"}


def jsonl(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_products_come_in_order_with_their_places(
    tmp_path: Path, read_catalogue: ReadCatalogue
) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.csv.gz"
    first.write_text("\n" + jsonl(GOOD, {**GOOD, "id": "2"}))
    second.write_bytes(gzip.compress(b'id,title\r\n3,"Lamp,\r\nred"\r\n4,Desk\r\n'))
    got = read_catalogue(first, second)
    assert [p.id for p in got.products] == ["1", "2", "3", "4"]
    assert got.products[2].title == "Lamp, red"
    assert got.places == [
        Location(str(first), 2),
        Location(str(first), 3),
        Location(str(second), 2),
        Location(str(second), 4),
    ]


def test_a_rejection_names_file_line_id_field_reason_and_remedy(
    tmp_path: Path, read_catalogue: ReadCatalogue
) -> None:
    content = jsonl(GOOD, {"id": "2", "title": "Desk", "price": "abc"}) + "{broken\n"
    got = read_catalogue("shop.jsonl", content=content)
    assert got.rejects[0] == {
        "source": str(tmp_path / "shop.jsonl"),
        "line": 2,
        "id": "2",
        "field": "price",
        "reason": "not a number: abc",
        "remedy": "give a number, or leave it empty",
    }
    assert got.rejects[1]["line"] == 3
    assert got.rejects[1]["field"] == "row"
    assert got.rejects[1]["id"] is None
    assert "NaN" not in str(got.rejects)


def test_a_nan_price_is_reported_by_its_field(read_catalogue: ReadCatalogue) -> None:
    content = jsonl(GOOD) + '{"id": "2", "title": "Desk", "price": NaN}\n'
    (reject,) = read_catalogue("shop.jsonl", content=content).rejects
    assert (reject["field"], reject["reason"]) == ("price", "not a finite number: nan")


def test_it_tells_which_fields_the_products_have(read_catalogue: ReadCatalogue) -> None:
    rows = [{**GOOD, "brand": "Acme", "description": " "}, GOOD, {**GOOD, "price": 0}]
    filled = read_catalogue("shop.jsonl", content=jsonl(*rows)).catalogue.filled
    assert {name for name, count in filled.items() if count} == {"id", "title", "brand", "price"}
    assert (filled["title"], filled["brand"], filled["description"]) == (3, 1, 0)


ROWS = st.lists(
    st.sampled_from(
        [
            '{"id":"1","title":"t"}',
            '{"id":"","title":"t"}',
            "{",
            "",
            "[]",
            '{"id":"2"}',
            '"\\ud800"',
        ]
    ),
    max_size=12,
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=ROWS)
def test_read_is_accepted_plus_rejected_whatever_comes(
    read_catalogue: ReadCatalogue, lines: list[str]
) -> None:
    content = "\n".join([*lines, '{"id":"last","title":"t"}'])
    got = read_catalogue("shop.jsonl", content=content)
    assert got.catalogue.read == sum(1 for line in lines if line) + 1
    assert got.products[-1].id == "last"


def test_max_rejects_stops_early_and_shows_what_to_mend(
    tmp_path: Path, read_catalogue: ReadCatalogue
) -> None:
    rows = [{"id": str(i), "title": "t", "price": "free" if i > 50 else 1} for i in range(1_000)]
    rows[3]["title"] = ""
    with pytest.raises(TooManyRejects) as caught:
        read_catalogue("shop.jsonl", content=jsonl(*rows), max_rejects=20)
    message = str(caught.value)
    assert "21 of the first 71 rows" in message
    assert "20 times price: not a number; give a number" in message
    assert message.index("20 times") < message.index("1 times title: empty title")
    assert str(tmp_path / "rejects" / "rejects.jsonl") in message
    assert len((tmp_path / "rejects" / "rejects.jsonl").read_text().splitlines()) == 21


def test_a_catalogue_of_which_nothing_can_be_used_is_an_error(
    read_catalogue: ReadCatalogue,
) -> None:
    with pytest.raises(TooManyRejects, match="none of the 2 rows"):
        read_catalogue("shop.jsonl", content=jsonl({"sku": 1}, {"sku": 2}))
    assert read_catalogue("empty.jsonl", content="").products == []


def test_a_mapping_for_other_columns_is_noticed_before_the_first_row(
    read_catalogue: ReadCatalogue,
) -> None:
    with pytest.raises(BadInput, match=r"no column 'upc'.*its columns are sku, name") as caught:
        read_catalogue("shop.csv", content="sku,name\n1,Lamp\n", preset="retrotech")
    assert caught.value.field == "id"


def test_progress_tells_how_many_rows_were_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text(jsonl(*({"id": str(i), "title": "t"} for i in range(2_500))))
    seen: list[int] = []
    with open_catalogue(
        [path],
        preset="aisle",
        mapping_file=None,
        rejects_path=tmp_path / "r.jsonl",
        progress=seen.append,
    ) as catalogue:
        list(catalogue)
    assert seen == [1_000, 2_000, 2_500]


def test_the_caller_adds_its_own_rejections_to_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text(jsonl(GOOD, GOOD))
    with open_catalogue(
        [path], preset="aisle", mapping_file=None, rejects_path=tmp_path / "r.jsonl"
    ) as catalogue:
        (_, place), _ = list(catalogue)
        own = Rejection(place.source, place.line, "1", "id", "duplicate id: \ud800", "keep one")
        catalogue.rejects.add(own)
        assert (catalogue.accepted, catalogue.rejected, catalogue.rejects.count) == (2, 0, 1)
    (line,) = (tmp_path / "r.jsonl").read_text().splitlines()
    assert json.loads(line)["reason"] == "duplicate id: ?"


def test_standard_input_is_guessed_and_read_in_one_pass(
    monkeypatch: pytest.MonkeyPatch, read_catalogue: ReadCatalogue
) -> None:
    rows = [{"sku": f"s{i}", "name": f"Lamp {i}"} for i in range(3_000)]
    stdin = io.TextIOWrapper(io.BytesIO(jsonl(*rows).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    got = read_catalogue("-", preset=None)
    assert [p.id for p in got.products] == [row["sku"] for row in rows]
    assert got.places[0] == Location("standard input", 1)
    assert [guess.target for guess in got.catalogue.guesses] == ["id", "title"]


def paths_that_fail(folder: Path) -> dict[str, tuple[list[Path | str], str]]:
    good = folder / "good.jsonl"
    good.write_text(jsonl(GOOD))
    return {
        "none": ([], "no catalogue was given"),
        "missing": ([good, folder / "gone.jsonl"], "gone.jsonl does not exist"),
        "directory": ([good, folder], "is a directory; name the files in it"),
        "twice": (["-", "-"], "only once"),
        "nul": (["a\0b"], "cannot be read"),
    }


@pytest.mark.parametrize("case", ["none", "missing", "directory", "twice", "nul"])
def test_a_path_that_fails_is_named_before_anything_is_read(
    tmp_path: Path, case: str, read_catalogue: ReadCatalogue
) -> None:
    paths, message = paths_that_fail(tmp_path)[case]
    with pytest.raises(BadInput, match=message):
        read_catalogue(*paths)
    assert not (tmp_path / "rejects").exists()


def test_a_file_without_permission_is_named(tmp_path: Path, read_catalogue: ReadCatalogue) -> None:
    secret = tmp_path / "secret.jsonl"
    secret.write_text(jsonl(GOOD))
    secret.chmod(0)
    user = os.geteuid()
    if user == 0:
        tmp_path.chmod(0o755)
        os.seteuid(65_534)
    try:
        with pytest.raises(BadInput, match=r"secret\.jsonl .*(permissions|denied)"):
            read_catalogue(secret)
    finally:
        os.seteuid(user)


def test_a_rejects_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="cannot write the rejects file"):
        RejectsFile(tmp_path / "file" / "rejects.jsonl")
    if Path("/dev/full").exists():
        rejects = RejectsFile("/dev/full")
        rejects.add(Rejection("s", 1, None, "row", "r", "m"))
        with pytest.raises(StorageFailed, match="No space left"):
            rejects.flush()
        with pytest.raises(StorageFailed):
            rejects.close()


def test_preset_and_mapping_file_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not both"):
        open_catalogue(
            ["-"], preset="esci", mapping_file=tmp_path / "m", rejects_path=tmp_path / "r"
        )


def test_leaving_early_closes_the_files(tmp_path: Path, read_catalogue: ReadCatalogue) -> None:
    path = tmp_path / "shop.jsonl.gz"
    path.write_bytes(gzip.compress(jsonl(*[GOOD] * 5_000).encode()))
    with open_catalogue(
        [path], preset=None, mapping_file=None, rejects_path=tmp_path / "r.jsonl"
    ) as catalogue:
        next(iter(catalogue))
    assert catalogue.read == 1


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "rows", "filled"),
    [
        ("esci", 6_764, {"brand": 6_640, "price": 1_990, "rating": 6_663, "category": 6_512}),
        ("icecat", 19_406, {"brand": 19_406, "price": 19_406, "created": 19_406}),
        ("retrotech", 48_194, {"brand": 33_507}),
    ],
)
def test_real_catalogues_are_read_whole(
    preset: str,
    rows: int,
    filled: dict[str, int],
    real_data: Path,
    read_catalogue: ReadCatalogue,
) -> None:
    (path,) = (real_data / preset).glob("products.*")
    got = read_catalogue(path, preset=preset)
    assert (len(got.products), got.rejects) == (rows, [])
    for name, count in filled.items():
        assert sum(getattr(p, name) not in (None, ()) for p in got.products) == count, name
        assert got.catalogue.filled[name] == count
    check: dict[str, Any] = {"esci": None, "icecat": check_icecat, "retrotech": check_retrotech}
    if check[preset]:
        check[preset](got.products)


def check_icecat(products: list[Any]) -> None:
    kinds = {type(value) for p in products for value in p.attributes.values()}
    assert kinds == {str, float, bool, tuple}
    assert not any(name.startswith("attr_") for p in products for name in p.attributes)
    assert 0.9 < min(p.price for p in products) < max(p.price for p in products) < 50_000


def check_retrotech(products: list[Any]) -> None:
    """Irregular quoting leaves no trace: no stray quote, escape or cell of another column."""
    assert all(p.id.isdecimal() for p in products)
    assert not any('\\"' in p.title or '","' in p.title + p.description for p in products)
    assert sum('"' in p.title for p in products) > 1_000
    assert len({p.id for p in products}) == 46_156
