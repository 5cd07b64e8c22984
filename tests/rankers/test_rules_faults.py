"""Everything wrong with the text of rules is told at once, each at its own line."""

from __future__ import annotations

import pytest

from rankers.rules import Use, faults_in, names_in, parse_rules
from rankers.rules.lines import lines_of
from search.errors import BadInput

USE = Use(str.split, 3)
SEVERAL = """\
zone = "Europe/Berlin"

[[rule]]
id = "a"
when = { query = "kettle", match = "contains" }
pin = [
  { id = "K1", position = 1 },
  { id = "K2", position = 0 },
]

[[rule]]
id = "good"
when = "everywhere"
pin = [{ id = "K1", position = 1 }]

[[rule]]
id = "a"
from = 2026-12-02
until = 2026-12-01
sponsored = { positions = [1, 2,
                           1], ids = ["P"], most = 9 }
[rule.when]
categorie = "Kitchen"

[[rule]]
when = { query = [" ", "x"] }
boost = [{ filters = [{ name = "brnd", values = ["A"] }], weight = 0 }]
"""


def told(text: str, use: Use | None = USE) -> list[tuple[int | None, str, str, str]]:
    return [(each.line, each.rule, each.field, each.problem) for each in faults_in(text, use)]


def test_every_fault_is_told_with_its_line_rule_field_and_remedy() -> None:
    found = told(SEVERAL)
    assert [each[:3] for each in found] == [
        (5, "'a'", "when.match"),
        (8, "'a'", "pin.1.position"),
        (17, "'a'", "id"),
        (19, "'a'", "until"),
        (21, "'a'", "sponsored.positions.2"),
        (21, "'a'", "sponsored.most"),
        (23, "'a'", "when.categorie"),
        (25, "number 4", "id"),
        (26, "number 4", "when.query"),
        (27, "number 4", "boost.0.filters.0"),
        (27, "number 4", "boost.0.weight"),
    ]
    problems = {each[2]: each[3] for each in found}
    assert "swap them" in problems["until"]
    assert "rename one" in problems["id"] or "add it" in problems["id"]
    assert "did you mean 'category'?" in problems["when.categorie"]
    assert "did you mean 'brand'?" in problems["boost.0.filters.0"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('priority = "high"', "priority: must be a whole number, such as 10, not 'high'"),
        ("priority = 1.5", "priority: must be a whole number, such as 10, not 1.5"),
        ("note = 3", 'note: must be a text in quotes, such as "one", not 3'),
        ('pin = "P1"', "pin: must be a list in brackets, not 'P1'"),
        ('pin = ["P1"]', "pin 1: must be a table in braces, not 'P1'"),
        ('pin = [{ id = "P1", position = 1, sold_out = 3 }]',
         "pin 1, sold_out: must be true or false, not 3"),
        ('boost = [{ weight = "x", filters = [{ name = "brand", values = ["A"] }] }]',
         "boost 1, weight: must be a number, such as 0.5, not 'x'"),
        ('pin = [{ id = "P1", position = 1 }, { id = "P2", position = 1 }]',
         "pin 2, position: position 1 is taken twice"),
        ('boost = [{ weight = 1, filters = [{ name = "price", low = "x" }] }]',
         "boost 1, filters 1, low: must be a number"),
        ('redirect = "sale"', "redirect: 'sale' is no address; write a path of the shop"),
    ],
)  # fmt: skip
def test_a_fault_is_told_in_plain_words_and_counts_from_1(lines: str, said: str) -> None:
    found = faults_in(f'[[rule]]\nid = "a"\nwhen = {{ query = "x" }}\n{lines}\n', USE)
    told_ = [each.told("rules.toml") for each in found]
    assert any(f"rules.toml, line 4: rule 'a', {said}" in each for each in told_), told_


def test_the_first_fault_of_the_file_is_what_a_server_says() -> None:
    with pytest.raises(BadInput, match=r"rules.toml, line 5: rule 'a', when.match: 'contains'"):
        parse_rules(SEVERAL, USE.analyze, most=USE.most)


def test_what_follows_from_another_fault_is_not_told() -> None:
    (fault,) = told('[[rule]]\nid = "a"\nwhen = { query = "x" }\nredirekt = "/b"\n')
    assert fault[:3] == (4, "'a'", "redirekt")
    assert "did you mean 'redirect'?" in fault[3]


@pytest.mark.parametrize("text", ["", 'zone = "UTC"', "# nothing\n", "rule = []"])
def test_files_without_rules_have_no_faults(text: str) -> None:
    assert told(text) == []


def test_what_is_named_beside_a_fault_can_be_looked_up() -> None:
    names = [(name.rule, name.field, name.line, name.product) for name in names_in(SEVERAL)]
    assert names == [
        ("'a'", "pin", 7, "K1"),
        ("'a'", "pin", 8, "K2"),
        ("'good'", "pin", 14, "K1"),
        ("'a'", "sponsored.ids", 21, "P"),
    ]
    assert names_in("[[rule") == names_in("rule = 3") == ()


def test_a_rule_that_is_no_toml_leaves_the_others_to_be_checked() -> None:
    broken = SEVERAL.replace('id = "good"', 'id = "good')
    found = told(broken)
    assert found[2] == (12, "", "", found[2][3])
    assert "is not TOML" in found[2][3]
    assert "line 12" in found[2][3]
    assert len(found) == 1 + len(told(SEVERAL))
    (alone,) = told(SEVERAL.replace('"Europe/Berlin"', '"""Europe/Berlin'))
    assert "is not TOML" in alone[3]


@pytest.mark.parametrize("text", ["rule = 3", "rule = [3]", "rules = []", "zone = 5", 'rule = "a"'])
def test_another_form_is_told_too(text: str) -> None:
    (fault,) = told(text)
    assert fault[0] == 1


def test_lines_are_those_of_the_parts_themselves() -> None:
    text = '''\
zone = "x"  # [[rule]]
a."b c".d = 1.5
[[rule]]
note = """
[[rule]]
pin = 1
"""
when = { query = ['it''s', "}"], "match" = "words" }
from = 2026-11-27T18:00:00.5+01:00
deep = [[1, 2],
  [3]]
[[rule.pin]]
id = "one"
[[rule.pin]]
id = "two"
[rule.sponsored]
positions = [
  4,
]
[[rule]]
[rule."when"]
segment = "members"
'''.replace("'it''s'", "'its'")
    lines = lines_of(text)
    rule = ("rule", 0)
    wanted = {
        ("zone",): 1,
        ("a", "b c", "d"): 2,
        rule: 3,
        (*rule, "note"): 4,
        (*rule, "when", "query", 1): 8,
        (*rule, "when", "match"): 8,
        (*rule, "from"): 9,
        (*rule, "deep", 0, 1): 10,
        (*rule, "deep", 1, 0): 11,
        (*rule, "pin", 0, "id"): 13,
        (*rule, "pin", 1): 14,
        (*rule, "pin", 1, "id"): 15,
        (*rule, "sponsored", "positions", 0): 18,
        ("rule", 1): 20,
        ("rule", 1, "when", "segment"): 22,
    }
    assert {path: lines.get(path) for path in wanted} == wanted
