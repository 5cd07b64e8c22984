"""The shop's rules in words: when each holds and what it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from rankers.rules import RuleBody
from rankers.rules.wire import FilterBody, PinBody, SponsoredBody, WeightBody

_NAMED = 5
"""Values of a filter, or products, that are named; of more it is said how many they are."""


def listing(rules: Iterable[RuleBody], width: int) -> Iterator[str]:
    """Lines of at most `width` characters: for each rule its id, priority and days, then when it
    holds and what it does. A word that is longer has a line of its own."""
    for rule in rules:
        yield from _wrapped(_head(rule), "", width)
        yield from _wrapped(when(rule), "  when ", width)
        yield from _wrapped("; ".join(actions(rule)), "  ", width)


def when(rule: RuleBody) -> str:
    """What a request must be like."""
    if isinstance(rule.when, str):
        return rule.when
    queries = _any_of([repr(text) for text in rule.when.phrases])
    parts = [
        f"{rule.when.match} {queries}" if queries else "",
        f"in {rule.when.category}" if rule.when.category else "",
        f"for {rule.when.segment}" if rule.when.segment else "",
    ]
    return ", ".join(filter(None, parts))


def actions(rule: RuleBody) -> Iterator[str]:
    """What is done then, one after the other."""
    yield from map(_pinned, rule.pin)
    yield from (_weighed("boosts", each) for each in rule.boost)
    yield from (_weighed("buries", each) for each in rule.bury)
    for each in rule.filters:
        yield f"{'hides' if each.exclude else 'shows only'} {_products(each)}"
    if rule.sponsored:
        yield _sponsored(rule.sponsored)
    if rule.redirect:
        yield f"redirects to {rule.redirect}"


def _head(rule: RuleBody) -> str:
    parts = [
        rule.id,
        f"priority {rule.priority}" if rule.priority else "",
        f"from {rule.start}" if rule.start else "",
        f"until {rule.until}" if rule.until else "",
    ]
    return ", ".join(filter(None, parts))


def _pinned(pin: PinBody) -> str:
    held = ", sold out too" if pin.sold_out else ""
    return f"pins {pin.id} at {pin.position}{held}"


def _weighed(does: str, weighed: WeightBody) -> str:
    return f"{does} {_all_of(weighed.filters)} by {weighed.weight:g}"


def _sponsored(paid: SponsoredBody) -> str:
    what = _any_of(paid.ids) if paid.ids else _all_of(paid.filters)
    most = f", {paid.most} on a page at most" if paid.most else ""
    forced = ", matching or not" if paid.force else ""
    places = ", ".join(map(str, sorted(paid.positions)))
    return f"sponsors {what} at {places}{most}{forced}"


def _all_of(filters: Sequence[FilterBody]) -> str:
    parts = (f"{'all but ' if each.exclude else ''}{_products(each)}" for each in filters)
    return " and ".join(parts)


def _products(condition: FilterBody) -> str:
    """The products that a filter is about, whether it wants them or not."""
    name = condition.name.removeprefix("attributes.")
    if name == "in_stock":
        return "what is in stock" if condition.values == ("true",) else "what is sold out"
    if condition.values:
        return f"{name} {_any_of(condition.values)}"
    if condition.low is None:
        return f"{name} up to {condition.high:g}"
    if condition.high is None:
        return f"{name} from {condition.low:g}"
    return f"{name} {condition.low:g} to {condition.high:g}"


def _any_of(values: Sequence[str]) -> str:
    if len(values) > _NAMED:
        return f"{', '.join(values[:_NAMED])} or {len(values) - _NAMED} others"
    return " or ".join(filter(None, (", ".join(values[:-1]), *values[-1:])))


def _wrapped(text: str, begin: str, width: int) -> list[str]:
    """Broken between words alone: ids and addresses are copied."""
    return wrap(
        text,
        width,
        initial_indent=begin,
        subsequent_indent="    " if begin else "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
