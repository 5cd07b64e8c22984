"""The shop's rules from the command line."""

from __future__ import annotations

from pathlib import Path

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
    assert "redirect to /sale" in listed
    assert "shoppers are sent to /sale" in told("preview", "ketle", "--data", data)
    assert "removed a" in told("remove", "a", "--data", data)
    assert "no rule has the id 'a'" in told("remove", "a", "--data", data, code=2)
    file.write_text('[[rule]]\nid = "a"\n')
    assert "rule 'a', when: is missing" in told("check", "--data", data, code=2)


def test_the_command_line_looks_up_what_rules_name(
    data: Path, shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = shop.products[0].id
    file = tmp_path / "new.toml"
    lines = """
[[rule]]
id = "good"
when = {{ query = "kettle" }}
pin = [{{ id = "{known}", position = 1 }}]
boost = [{{ filters = [{{ name = "brand", values = ["Acme"] }}], weight = 0.2 }}]
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

    file.write_text(lines.format(known=known))
    assert told("--data", data) == (0, f"{file}: 1 rule, all of which can be used")
    file.write_text((lines + wrong).format(known=known))
    code, text = told("--data", data)
    assert code == 1
    assert "rule 'bad', pin: no product has the id 'nobody'" in text
    assert "rule 'bad', sponsored.ids: no product has the id 'gone'" in text
    assert "rule 'bad', bury: unknown filter 'attributes.sparkle'" in text
    assert "'good'" not in text
    code, text = told("--data", tmp_path / "none")
    assert code == 0
    assert "were not looked up" in text


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
