"""What rules name that an index does not have: products and attributes."""

from __future__ import annotations

from collections.abc import Iterator

from rankers.rules import RuleBody, RulesBody
from search.errors import BadInput
from search.seams import View
from search.types import Filter, Ranking


async def missing_names(view: View, rules: RulesBody) -> tuple[str, ...]:
    """A sentence for each product id and each filter that this index does not have, in the order of
    the rules; each names the rule and the field."""
    found: list[str] = []
    for rule in rules.rule:
        for field, product in dict.fromkeys(_products(rule)):
            if await view.find(product) is None:
                found.append(f"rule {rule.id!r}, {field}: no product has the id {product!r}")
        for field, condition in dict.fromkeys(_conditions(rule)):
            problem = await _unknown(view, condition)
            if problem:
                found.append(f"rule {rule.id!r}, {field}: {problem}")
    return tuple(found)


def _products(rule: RuleBody) -> Iterator[tuple[str, str]]:
    """Each id with the field it is in."""
    yield from (("pin", each.id) for each in rule.pin)
    yield from (("sponsored.ids", each) for each in (rule.sponsored.ids if rule.sponsored else ()))
    for field, condition in _conditions(rule):
        yield from ((field, value) for value in condition.values if condition.name == "id")


def _conditions(rule: RuleBody) -> Iterator[tuple[str, Filter]]:
    """Each filter with the field it is in."""
    groups = [("boost", each.filters) for each in rule.boost]
    groups += [("bury", each.filters) for each in rule.bury]
    groups += [("filters", rule.filters)]
    groups += [("sponsored.filters", rule.sponsored.filters if rule.sponsored else ())]
    for field, filters in groups:
        for each in filters:
            yield field, Filter(each.name, each.values, each.low, each.high)


async def _unknown(view: View, condition: Filter) -> str:
    """Why this index cannot understand a filter; "" where it can."""
    try:
        await view.facets(None, (condition,), Ranking.empty().ordinals, ())
    except BadInput as error:
        return str(error)
    return ""
