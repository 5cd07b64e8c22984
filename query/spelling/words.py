"""What counts as a word that may be misspelled, and what is never one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import resources

LONGEST = 40
"""Letters; anything longer is no word."""

UNITS = frozenset(
    (
        "mm", "cm", "dm", "m", "km", "in", "inch", "inches", "ft", "feet", "yd", "mi", "mg", "g",
        "gr", "kg", "lb", "lbs", "oz", "ml", "cl", "dl", "l", "qt", "pt", "gal", "cu", "sq", "w",
        "kw", "kwh", "v", "kv", "va", "kva", "a", "ma", "mah", "hz", "khz", "mhz", "ghz", "k",
        "kb", "mb", "gb", "tb", "kbit", "mbit", "gbit", "kbps", "mbps", "gbps", "dpi", "ppm",
        "rpm", "psi", "bar", "db", "lm", "lux", "px", "mp", "fps", "awg", "pc", "pcs", "pk",
        "ct", "f", "c", "xs", "s", "xl", "xxl", "xxxl", "tv", "dvd", "cd", "usb", "hd", "uhd",
        "fhd", "hdmi", "vga", "dvi", "rgb", "led", "lcd", "oled",
    )
)  # fmt: skip
"""Units, sizes and abbreviations: short, many alike, and never to be corrected."""

PHRASE_WORDS = frozenset(
    (
        "with", "without", "not", "non", "none", "never", "but", "except", "for", "from", "and",
        "the", "this", "that", "these", "under", "over", "below", "above", "between", "than",
        "less", "more", "least", "most", "about", "around", "only", "all", "any", "cheap",
        "cheaper", "cheapest", "best", "new", "used", "free", "dollar", "dollars", "euro", "euros",
    )
)  # fmt: skip
"""Words that say how the others are meant: a shopper who types one means it."""

_SHORT_PARTS = frozenset(
    ("of", "to", "on", "in", "go", "no", "up", "by", "my", "is", "it", "at", "an", "or", "tv", "pc")
)


@cache
def variants() -> frozenset[str]:
    """Words with two right spellings or two forms (`grey`, `mice`): the query is expanded with the
    other one instead."""
    text = (resources.files("query.expansion") / "variants.txt").read_text("utf-8")
    lines = (line.split("#")[0].replace("=>", ",") for line in text.splitlines())
    return frozenset(form.strip() for line in lines for form in line.split(",") if form.strip())


@lru_cache(65_536)
def spellable(text: str) -> bool:
    """True for a word of Latin letters, three or more, that is no unit; `text` is normalized."""
    return (
        3 <= len(text) <= LONGEST
        and text.isalpha()
        and (text.isascii() or max(text) <= "ÿ")
        and text not in UNITS
    )


def plausible_part(text: str) -> bool:
    """True for what may stand alone when a word is split: three letters, or a common short word."""
    return len(text) >= 3 or text in _SHORT_PARTS


def base_forms(word: str) -> Iterator[str]:
    """What an English inflection of a noun, verb or adjective may come from, likeliest first."""
    yield from singulars(word)
    for ending in ("ing", "ed", "er"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word[: -len(ending)]
            yield stem
            yield stem + "e"
            if stem[-1] == stem[-2]:
                yield stem[:-1]
    if word.endswith("ly") and len(word) > 5:
        yield word[:-2]


def singulars(word: str) -> Iterator[str]:
    """What an English plural may be the plural of."""
    if word.endswith("s") and not word.endswith("ss"):
        yield word[:-1]
        if word.endswith("ies"):
            yield word[:-3] + "y"
        elif word.endswith("ves"):
            yield word[:-3] + "fe"
            yield word[:-3] + "f"
        elif word.endswith("es"):
            yield word[:-2]
