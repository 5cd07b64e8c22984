"""The closed vocabulary of conditions: which words announce a price, a wish or a refusal.

Each entry is a phrase as the lexer takes it apart, its tokens separated by spaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

UNDER = (
    "under",
    "below",
    "less than",
    "cheaper than",
    "lower than",
    "not more than",
    "no more than",
    "not over",
    "at most",
    "up to",
    "upto",
    "max",
    "maximum",
    "max of",
    "within",
    "<",
    "< =",
)
OVER = (
    "over",
    "above",
    "more than",
    "greater than",
    "higher than",
    "not less than",
    "no less than",
    "at least",
    "starting at",
    "from",
    "min",
    "minimum",
    ">",
    "> =",
)
AROUND = ("around", "about", "approximately", "approx", "roughly", "circa", "close to", "~")
AFTER_UNDER = ("less", "under", "below", "cheaper", "lower")
"""What follows `or`/`and` after an upper bound: `$50 or less`."""
AFTER_OVER = ("more", "over", "above", "up", "higher")
LEADS = ("for", "price", "priced", "costing", "cost", "costs", "worth", "price :")
"""What may stand before a price phrase and belongs to it."""
LOW = (
    "cheap",
    "cheapest",
    "budget",
    "inexpensive",
    "affordable",
    "economical",
    "bargain",
    "low cost",
    "low - cost",
    "low price",
    "low priced",
    "low - priced",
)
HIGH = (
    "luxury",
    "luxurious",
    "premium",
    "expensive",
    "designer",
    "exclusive",
    "high end",
    "high - end",
    "top of the line",
    "upscale",
)
REFUSING = (
    "without",
    "w / o",
    "with no",
    "with out",
    "excluding",
    "not including",
    "sans",
    "but not",
    "but no",
    "but without",
)
"""Refuses whatever follows."""
DOUBTFUL = ("not", "no", "non", "non -", "minus", "except")
"""Refuses when what follows is something the catalogue has."""
CURRENCIES: Mapping[str, str] = {
    **dict.fromkeys(("$", "usd", "dollar", "dollars", "buck", "bucks"), "USD"),
    **dict.fromkeys(("€", "eur", "euro", "euros"), "EUR"),
    **dict.fromkeys(("£", "gbp", "quid"), "GBP"),
    **dict.fromkeys(("¥", "yen", "jpy"), "JPY"),
    **dict.fromkeys(("₹", "inr", "rs", "rupees"), "INR"),
}
PACKS = ("pack", "packs", "set", "sets", "box", "case", "bag", "lot", "bundle")
"""`pack of 12`."""
REGIONS = ("us", "uk", "eu")
MINUS = "minus sign"
"""The symbol of a `-` that begins a word."""


def spoken(phrases: Iterable[str]) -> frozenset[str]:
    """The single tokens of some phrases."""
    return frozenset(token for phrase in phrases for token in phrase.split())


_JOINTS = ("between and to or - + x of", "size sleeps free", "price :")
_CUES = (*UNDER, *OVER, *AROUND, *AFTER_UNDER, *AFTER_OVER, *LEADS, *LOW, *HIGH)
WORDS = spoken((*_CUES, *REFUSING, *DOUBTFUL, *PACKS, *REGIONS, *_JOINTS))
"""Every word and sign that the grammar tells from others."""
TELLING = spoken((*UNDER, *OVER, *AROUND, *LOW, *HIGH, *REFUSING, *DOUBTFUL, "free")) - {
    *("of", "than", "at", "to", "more", "up", "from", "about", "close", "top", "of", "the"),
    *("with", "out", "o", "w", "/", "-", "=", "end", "but", "price", "priced", "cost"),
}
"""The words without one of which, and without a digit, a query holds no condition."""
