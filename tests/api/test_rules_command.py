"""The shop's rules from the command line."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from api.cli import run
from fixtures import Shop


def test_the_command_line_checks_lists_tries_and_removes_rules(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: str | Path, code: int = 0) -> str:
        assert run(["rules", *map(str, arguments)]) == code
        captured = capsys.readouterr()
        return " ".join(f"{captured.out} {captured.err}".split())

    file = data / "rules.toml"
    assert "docs/ranking/rules.md" in told("check", "--data", data, code=2)
    file.write_text('[[rule]]\nid = "a"\nwhen = { query = "kettle" }\nredirect = "/sale"\n')
    assert "1 rule, all of which can be used" in told("check", file)
    listed = told("list", "--data", data)
    assert "exact 'kettle'" in listed
    assert "redirects to /sale" in listed
    assert "shoppers are sent to /sale" in told("preview", "ketle", "--data", data)
    assert "removed a" in told("remove", "a", "--data", data)
    assert "no rule has the id 'a'" in told("remove", "a", "--data", data, code=2)
    file.write_text('[[rule]]\nid = "a"\n')
    assert "rule 'a', when: is missing" in told("check", "--data", data, code=2)


def test_the_command_line_looks_up_what_rules_name(
    data: Path, shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, brand = shop.products[0].id, shop.products[0].brand
    file = tmp_path / "new.toml"
    lines = """
[[rule]]
id = "good"
when = {{ query = "kettle" }}
pin = [{{ id = "{known}", position = 1 }}]
boost = [{{ filters = [{{ name = "brand", values = ["{brand}"] }}], weight = 0.2 }}]
"""
    wrong = """
[[rule]]
id = "bad"
when = {{ query = "kettle" }}
pin = [{{ id = "{known}", position = 1 }}, {{ id = "nobody", position = 2 }}]
bury = [{{ filters = [{{ name = "attributes.sparkle", values = ["yes"] }}], weight = 0.2 }}]
sponsored = {{ positions = [3], ids = ["gone"], force = true }}
"""

    def told(*arguments: str | Path) -> tuple[int, str]:
        code = run(["rules", "check", str(file), *map(str, arguments)])
        captured = capsys.readouterr()
        return code, " ".join(f"{captured.out} {captured.err}".split())

    file.write_text(lines.format(known=known, brand=brand))
    assert told("--data", data) == (0, f"{file}: 1 rule, all of which can be used")
    file.write_text((lines + wrong).format(known=known, brand=brand))
    code, text = told("--data", data)
    assert code == 1
    assert "rule 'bad', pin: no product has the id 'nobody'" in text
    assert "rule 'bad', sponsored.ids: no product has the id 'gone'" in text
    assert "rule 'bad', bury: unknown filter 'attributes.sparkle'" in text
    assert "'good'" not in text
    code, text = told("--data", tmp_path / "none")
    assert code == 0
    assert "were not looked up" in text


def test_a_check_names_what_the_index_has_not_with_its_line_and_what_was_meant(
    data: Path, shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    product = next(each for each in shop.products if each.brand and len(each.category) > 1)
    assert product.brand is not None
    top, *_, leaf = product.category
    file = tmp_path / "new.toml"
    file.write_text(f"""
[[rule]]
id = "names"
when = {{ category = "{top}x" }}
pin = [
  {{ id = "{product.id.lower()}", position = 1 }},
]
boost = [{{ weight = 1, filters = [
  {{ name = "brand", values = ["{product.brand}", "{product.brand}e"] }},
  {{ name = "color", values = ["blu"] }},
  {{ name = "category", values = ["{leaf}"] }},
] }}]
[[rule]]
id = "broken"
when = "everywhere"
boost = []
""")
    code = run(["rules", "check", str(file), "--data", str(data), "--json"])
    captured = capsys.readouterr()
    told = orjson.loads(captured.out)
    assert code == 2
    assert [(each["line"], each["rule"]) for each in told["faults"]] == [(13, "'broken'")]
    path = " > ".join(product.category)
    assert told["missing"] == [
        f"new.toml, line 4: rule 'names', when.category: no product is in the category '{top}x'; "
        f"did you mean {top!r}?",
        f"new.toml, line 6: rule 'names', pin: no product has the id {product.id.lower()!r}; "
        f"did you mean {product.id!r}?",
        f"new.toml, line 9: rule 'names', boost: no product has the brand '{product.brand}e'; "
        f"did you mean {product.brand!r}?",
        "new.toml, line 10: rule 'names', boost: no product has the color 'blu'; "
        "did you mean 'blue'?",
        f"new.toml, line 11: rule 'names', boost: no product is in the category {leaf!r}; "
        f"did you mean {path!r}?",
    ]
    text = " ".join(captured.err.split())
    assert "not in the index:" in text
    assert "1 fault; a server goes on with the rules it has until all are mended" in text


def test_a_check_of_the_rules_in_use_says_one_thing_about_servers(
    data: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (data / "rules.toml").write_text('[[rule]]\nid = "a\n')
    assert run(["rules", "check", "--data", str(data)]) == 2
    text = " ".join(capsys.readouterr().err.split())
    assert "1 fault; a server goes on with the rules it has until all are mended" in text
    assert "one that starts until then has none" in text
    assert "the rules cannot be used" not in text + caplog.text


def test_the_list_says_what_each_rule_does_in_80_columns(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "rules.toml").write_text("""
[[rule]]
id = "week"
from = 2026-11-20
until = 2026-11-27
priority = 10
when = { query = ["kettle", "tea kettle"], match = "words" }
pin = [{ id = "P1", position = 1 }, { id = "P2", position = 3, sold_out = true }]
boost = [{ filters = [{ name = "brand", values = ["Acme"] }], weight = 1.5 }]
bury = [{ weight = 0.5, filters = [
  { name = "rating", high = 2 }, { name = "attributes.material", values = ["tin", "zinc"] } ] }]
filters = [
  { name = "color", values = ["red"], exclude = true }, { name = "price", low = 5, high = 9 } ]
sponsored = { positions = [6, 2], ids = ["P3", "P4"], most = 1, force = true }
[[rule]]
id = "returns"
when = { query = "return" }
redirect = "/help/returns"
""")
    assert run(["rules", "list", "--data", str(data)]) == 0
    listed = capsys.readouterr().out
    assert max(map(len, listed.splitlines())) <= 80
    assert " ".join(listed.split()) == (
        "week, priority 10, from 2026-11-20, until 2026-11-27 "
        "when words 'kettle' or 'tea kettle' "
        "pins P1 at 1; pins P2 at 3, sold out too; boosts brand Acme by 1.5; "
        "buries rating up to 2 and material tin or zinc by 0.5; "
        "hides color red; shows only price 5 to 9; "
        "sponsors P3 or P4 at 2, 6, 1 on a page at most, matching or not "
        "returns when exact 'return' redirects to /help/returns"
    )


def test_a_check_tells_all_faults_of_a_file(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "new.toml"
    file.write_text("""
[[rule]]
id = "a"
when = { query = "kettle", match = "contains" }
redirect = "/a"
[[rule]]
id = "b"
when = { query = "kettle" }
until = 2026-02-01
from = 2026-03-01
redirect = "sale"
""")
    assert run(["rules", "check", str(file), "--data", str(data)]) == 2
    captured = capsys.readouterr()
    text = " ".join(f"{captured.out} {captured.err}".split())
    for said in (
        "line 4: rule 'a', when.match: 'contains' is unknown; write 'exact', 'words' or 'starts'",
        "line 9: rule 'b', until: 2026-02-01 is before from, 2026-03-01; swap them",
        "line 11: rule 'b', redirect: 'sale' is no address; write a path of the shop",
        "3 faults",
    ):
        assert said in text, text


def test_a_preview_may_be_of_another_day_on_the_command_line_too(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "rules.toml").write_text(
        '[[rule]]\nid = "later"\nfrom = 2090-01-02\nwhen = { query = "kettle" }\n'
        'redirect = "/sale"\n'
    )

    def told(*arguments: str) -> str:
        run(["rules", "preview", "kettle", "--data", str(data), *arguments])
        captured = capsys.readouterr()
        return f"{captured.out} {captured.err}"

    assert "/sale" not in told()
    assert "/sale" not in told("--at", "2090-01-01")
    assert "shoppers are sent to /sale" in told("--at", "2090-01-02")
    assert "is no date" in told("--at", "soon")
