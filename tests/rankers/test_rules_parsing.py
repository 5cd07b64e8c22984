"""Rules as text: what can be written, what is refused and how it is told, and careful editing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rankers.rules import parse_body, parse_rules, put_rule, remove_rule, write_rules
from rankers.rules.matching import RuleSet
from search.errors import BadInput
from search.types import Filter

FILE = """\
# The shop's rules.
zone = "Europe/Berlin"

# Kettles in the sale week.
[[rule]]
id = "kettles"
from = 2026-11-20
until = 2026-11-27
when = { query = ["kettle", "tea kettle"], match = "words" }
pin = [{ id = "K1", position = 1 }]
boost = [{ filters = [{ name = "brand", values = ["Acme"] }], weight = 0.2 }]  # a partner

# Members see members' prices.
[[rule]]
id = "members"
filters = [{ name = "attributes.members", values = ["true"] }]
[rule.when]
segment = "members"

# Nobody searches for help.
[[rule]]
id = "help"
when = { query = "return" }
redirect = "/help/returns"
"""
RULE = '[[rule]]\nid = "a"\n'
ONE = f'{RULE}when = {{ query = "x" }}\n'


def parsed(text: str) -> RuleSet:
    return parse_rules(text, str.split, most=3)


def refusal(text: str) -> str:
    with pytest.raises(BadInput) as refused:
        parsed(text)
    return str(refused.value)


def test_days_are_whole_days_of_the_files_zone() -> None:
    rule = parsed(FILE).rules[0]
    assert rule.start == datetime(2026, 11, 19, 23, tzinfo=UTC)
    assert rule.end == datetime(2026, 11, 27, 23, tzinfo=UTC)


def test_a_boost_gains_and_a_bury_loses() -> None:
    text = f"""{RULE}when = "everywhere"
        boost = [{{ filters = [{{ name = "brand", values = ["A"] }}], weight = 0.5 }}]
        bury = [{{ filters = [{{ name = "price", high = 5, exclude = true }}], weight = 0.1 }}]"""
    up, down = parsed(text).rules[0].effects.gains
    assert (up.weight, up.filters) == (0.5, (Filter("brand", ("A",)),))
    assert (down.weight, down.filters) == (-0.1, (Filter("price", high=5.0, exclude=True),))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[[rule\nx", ["not TOML", "line 1"]),
        ("rules = []", ["rules", "unknown", "rule"]),
        ('zone = "Mars"', ["zone", "Europe/Berlin"]),
        (f'{RULE}redirect = "/x"', ["'a'", "when", "missing"]),
        (f'{RULE}when = "everywhere"', ["'a'", "does nothing", "pin"]),
        (f'{RULE}when = "everwhere"\nredirect = "/x"', ["'a'", "when", "everywhere"]),
        (f'{RULE}when = {{}}\nredirect = "/x"', ["'a'", "when", "everywhere"]),
        (f'{RULE}when = "everywhere"\nredirect = "/x"', ["'a'", "no search"]),
        (
            f'{RULE}when = {{ query = "x", mach = "words" }}\nredirect = "/x"',
            ["when.mach", "match"],
        ),
        (f'{RULE}when = {{ query = "x", match = "all" }}\nredirect = "/x"', ["match", "words"]),
        (f'{RULE}when = {{ query = " " }}\nredirect = "/x"', ["when.query", "no word"]),
        (f'{ONE}redirect = "//evil.example"', ["redirect", "/sale"]),
        (f'{ONE}redirect = "javascript:x"', ["redirect", "/sale"]),
        (f'{ONE}pin = [{{ id = "K" }}]', ["pin 1, position: is missing"]),
        (f"{ONE}pins = []", ["'a'", "pins", "known are", "pin"]),
        (
            f'{ONE}pin = [{{ id = "K", position = 1 }}, {{ id = "L", position = 1 }}]',
            ["'a'", "position 1", "twice"],
        ),
        (
            f'{ONE}filters = [{{ name = "colour", values = ["red"] }}]',
            ["filters 1: unknown filter", "colour", "color"],
        ),
        (
            f'{ONE}filters = [{{ name = "price", low = 9, high = 1 }}]',
            ["filters 1: ", "upside down"],
        ),
        (
            f'{ONE}sponsored = {{ positions = [1], ids = ["K"], most = 4 }}',
            ["'a'", "sponsored.most", "4", "3", "sponsored_per_page"],
        ),
        (
            f"{ONE}sponsored = {{ positions = [1], force = true, "
            'filters = [{ name = "brand", values = ["A"] }] }',
            ["'a'", "sponsored", "ids"],
        ),
        (
            f'{ONE}redirect = "/x"\nfrom = "2026-13-01"',
            ["'a'", "from", "2026-11-27"],
        ),
        (
            f'{ONE}redirect = "/x"\nuntil = 2026-11-27T10:00:00',
            ["'a'", "until", "zone"],
        ),
        (
            f'{ONE}redirect = "/x"\nfrom = 2026-12-02\nuntil = 2026-12-01',
            ["'a'", "until", "swap"],
        ),
        (f'{ONE}redirect = "/x"\n' * 2, ["'a'", "rename"]),
    ],
)
def test_what_cannot_be_used_is_refused_by_place_and_remedy(text: str, parts: list[str]) -> None:
    told = refusal(text)
    assert told.startswith("rules.toml")
    assert all(part in told for part in parts), told


def test_every_rule_keeps_its_comments_when_another_is_changed() -> None:
    rule = parse_body(FILE).rule[1].model_copy(update={"note": 'they "pay"\nfor it'})
    text = put_rule(FILE, rule)
    assert parse_body(text).rule[1] == rule
    for comment in ("# The shop's rules.", "# Kettles", "# a partner", "# Members", "# Nobody"):
        assert comment in text


def test_a_rule_is_added_at_the_end_and_removed_from_anywhere() -> None:
    new = parse_body(f'{RULE}when = "everywhere"\npin = [{{ id = "K", position = 1 }}]').rule[0]
    added = put_rule(FILE, new)
    assert added.startswith(FILE)
    assert [each.id for each in parse_body(added).rule] == ["kettles", "members", "help", "a"]
    removed = remove_rule(added, "kettles")
    assert removed is not None
    assert [each.id for each in parse_body(removed).rule] == ["members", "help", "a"]
    assert "# Members" in removed
    assert remove_rule(FILE, "nobody") is None
    assert parse_body(put_rule("", new)).rule == (new,)


def test_rules_in_another_form_are_written_anew_and_say_the_same() -> None:
    inline = 'rule = [{ id = "a", when = "everywhere", pin = [{ id = "[[rule]]", position = 1 }] }]'
    rule = parse_body(FILE).rule[0]
    assert [each.id for each in parse_body(put_rule(inline, rule)).rule] == ["a", "kettles"]
    tricky = f'{ONE}note = """\n[[rule]]\n"""\npin = [{{ id = "K", position = 1 }}]'
    changed = parse_body(tricky).rule[0].model_copy(update={"priority": 3})
    assert parse_body(put_rule(tricky, changed)).rule == (changed,)


def test_rules_survive_being_written() -> None:
    body = parse_body(FILE)
    assert parse_body(write_rules(body)) == body


def test_the_example_of_the_manual_can_be_used() -> None:
    manual = Path(__file__).parents[2] / "docs" / "ranking" / "rules.md"
    example = manual.read_text("utf-8").split("```toml\n")[1].split("```")[0]
    assert len(parsed(example).rules) == 4
