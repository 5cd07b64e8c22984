"""Single values of a catalogue row: cleaned text, numbers as shops write them, dates, truth.

Every function returns None for a value that is simply absent and raises `BadValue` for one that
is there and cannot be meant.
"""

from __future__ import annotations

import html
import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

UNKNOWN_WORDS = frozenset({"", "null", "none", "n/a", "na", "-", "\\n"})
"""What exports write for "no value" where a number, date or boolean belongs, in lower case."""
LARGEST_NUMBER = 1e15
MAX_NUMBER_CHARACTERS = 64


class BadValue(Exception):
    """A value that cannot be used: `reason` is a fixed phrase with the value after ": "."""

    def __init__(self, reason: str, remedy: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason, self.remedy, self.field = reason, remedy, field


_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ufffe\uffff\ud800-\udfff]"
)
_TAG = re.compile(
    r"</?(?:a|b|big|blockquote|br|center|dd|div|dl|dt|em|font|h[1-6]|hr|i|img|li|ol|p|s|script|"
    r"section|small|span|strong|style|sub|sup|table|tbody|td|tfoot|th|thead|tr|u|ul)\b[^<>]*>",
    re.IGNORECASE,
)


def clean_text(text: str) -> str:
    """Text as a shopper reads it: HTML tags and entities resolved, control, zero-width and
    direction-override characters removed, white space collapsed, lines kept."""
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    if text.isprintable() and "  " not in text:
        return text.strip()
    if not text.isprintable():
        text = _UNSEEN.sub("", text)
        if "\n" in text or "\r" in text:
            lines = (" ".join(line.split()) for line in re.split(r"[\r\n]+", text))
            return "\n".join(line for line in lines if line)
    return " ".join(text.split())


def as_text(value: Any, joiner: str = ", ") -> str:
    """Clean text of a scalar, or of a list of scalars joined; "" when there is none."""
    if type(value) is str:
        return clean_text(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return _number_text(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return joiner.join(filter(None, (as_text(item, joiner) for item in value)))
    raise BadValue(
        f"not text but {_kind(value)}",
        'name the field inside it in the mapping, for example "brand.name"',
    )


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, dict) else type(value).__name__


def _number_text(value: int | float | Decimal) -> str:
    """A number as text, whole ones without a decimal point."""
    if value.is_nan() if isinstance(value, Decimal) else value != value:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    try:
        return str(value)
    except ValueError:  # an integer of thousands of digits
        raise BadValue("a number of too many digits", "write it as text") from None


_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_MONEY = (
    r"(?:[A-Z]{2,3}\s?\$|[$€£¥₹₩₽₺₫₪฿]|USD|EUR|GBP|JPY|CNY|INR|CAD|AUD|CHF|SEK|NOK|DKK|PLN|kr|zł)"
)
_IN_MONEY = re.compile(rf"(?:{_MONEY}\s*)?([+-]?\d[\d.,'’\s]*)(?:\s*{_MONEY})?", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:(?P<mark>[,.'’\s])\d{3})(?:(?P=mark)\d{3})*")


def parse_number(value: Any, decimal: str | None = None) -> float | None:
    """A finite number from a number or from text such as "12.5", "$1,299.00" or "12,99 €".

    `decimal` ("." or ",") settles the ambiguous: without it "1.299 €" is refused.

    Raises:
        BadValue: not a number, not finite, too large or ambiguous.
    """
    if type(value) is float or type(value) is int:
        return _finite(value, value)
    if value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in UNKNOWN_WORDS:
            return None
        if _PLAIN.fullmatch(text) and decimal != ",":
            return _finite(float(text), value)
        return _finite(_parse_written(text, decimal), value)
    if isinstance(value, Decimal):
        return _finite(math.nan if value.is_nan() else float(value), value)
    raise BadValue(f"not a number: {_short(value)}", "give a number, or leave it empty")


def _finite(number: float, written: Any) -> float:
    if -LARGEST_NUMBER <= number <= LARGEST_NUMBER:
        return float(number)
    raise BadValue(
        f"not a finite number: {_short(written)}", "give a number, or leave it empty when unknown"
    )


def _parse_written(text: str, decimal: str | None) -> float:
    """A number with a currency sign or separators of thousands."""
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        return math.nan
    found = _IN_MONEY.fullmatch(text) if len(text) <= MAX_NUMBER_CHARACTERS else None
    if not found:
        raise BadValue(f"not a number: {_short(text)}", "give a number, or leave it empty")
    digits = found[1].strip()
    mark = decimal or _decimal_mark(digits, text)
    whole, _, fraction = digits.rpartition(mark) if mark and mark in digits else (digits, "", "")
    if not re.fullmatch(r"[+-]?\d+", whole) and not _GROUPED.fullmatch(whole):
        raise BadValue(f"not a number: {_short(text)}", "give a number, or leave it empty")
    whole = re.sub(r"[^\d+-]", "", whole)
    if fraction and not fraction.isdecimal():
        raise BadValue(f"not a number: {_short(text)}", "give a number, or leave it empty")
    return float(f"{whole}.{fraction}" if fraction else whole)


def _decimal_mark(digits: str, text: str) -> str | None:
    """Which of "." and "," is the decimal mark: the last one of two, or one not before exactly
    three digits. None when there is none."""
    commas, dots = digits.count(","), digits.count(".")
    if commas and dots:
        return max(",.", key=digits.rfind)
    if commas + dots != 1:
        return None
    mark = "," if commas else "."
    whole, _, fraction = digits.partition(mark)
    if len(fraction) == 3 and 1 <= len(whole.lstrip("+-")) <= 3 and whole.lstrip("+-") != "0":
        raise BadValue(
            f"ambiguous number: {_short(text)}",
            'say decimal = "." or decimal = "," for this field in the mapping file',
        )
    return mark


def _short(value: Any) -> str:
    if isinstance(value, int) and abs(value) > 10**60:  # Python refuses to print the longest
        return "an integer of more than 60 digits"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


_TRUE = frozenset({"true", "yes", "y", "1", "t"})
_FALSE = frozenset({"false", "no", "n", "0", "f"})


def parse_boolean(value: Any) -> bool | None:
    """True or False from a boolean, 0 or 1, or words such as "yes" and "no".

    Raises:
        BadValue: anything else.
    """
    if value is None or isinstance(value, bool):
        return value
    word = as_text(value).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    if word in UNKNOWN_WORDS:
        return None
    raise BadValue(f"not true or false: {_short(value)}", "give true, false or nothing")


def parse_date(value: Any, form: str = "iso") -> date | None:
    """The calendar day as written, time and zone left off; `form` as in `FieldMapping.date`.

    Raises:
        BadValue: not a date in this form.
    """
    if value is None or isinstance(value, datetime):
        return value.date() if value else None
    if isinstance(value, date):
        return value
    text = as_text(value)
    if text.lower() in UNKNOWN_WORDS:
        return None
    try:
        if form == "iso":
            return datetime.fromisoformat(text).date()
        if form in ("epoch", "epoch_ms"):
            seconds = float(text) / (1000 if form == "epoch_ms" else 1)
            return datetime.fromtimestamp(seconds, UTC).date()
        return datetime.strptime(text, form).date()
    except (ValueError, OverflowError, OSError):
        raise BadValue(
            f"not a date: {_short(text)}",
            'give dates as 2024-12-31, or say date = "%d/%m/%Y" (the pattern yours have) for this '
            "field in the mapping file",
        ) from None
