"""Settings whose text has a form: what is wrong with one is said in words, not as a pattern."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator


def of_form(pattern: str, allowed: str) -> AfterValidator:
    """For `Annotated[str, of_form(...)]`: the whole text must match; `allowed` says what may be
    written, with an example, and comes after "must be"."""
    known = re.compile(pattern)

    def check(value: str) -> str:
        if known.fullmatch(value) is None:
            raise ValueError(f"must be {allowed}")
        return value

    return AfterValidator(check)


SystemName = Annotated[
    str,
    of_form(
        "[a-z0-9][a-z0-9_.-]{0,49}",
        "a name of 1 to 50 lower-case letters, digits, '_', '.' and '-', the first a letter or"
        " digit, such as [systems.more-variety]",
    ),
]
Directory = Annotated[
    str,
    of_form(
        "([A-Za-z0-9_-][A-Za-z0-9_.-]*)?",
        "the name of a directory in DATA/encoders, not a path, such as"
        ' "all-MiniLM-L6-v2-cross-0123456789ab"',
    ),
]
Capped = Annotated[
    str,
    of_form(
        r"brand|category|color|group|attributes\..+",
        'brand, category, color, group or "attributes.NAME", such as brand = 2 or'
        ' "attributes.material" = 3',
    ),
]
Registry = Annotated[
    str,
    of_form("files|mlflow:.+", "files, or mlflow:URI, such as mlflow:http://mlflow-1:5000"),
]
TextField = Annotated[
    str,
    of_form(
        "title|description|tags|brand|color|category|attributes",
        "title, description, tags, brand, color, category or attributes",
    ),
]
UnderstandingPart = Annotated[
    str,
    of_form(
        "spelling|phrases|entities|expansion|intent",
        'spelling, phrases, entities, expansion or intent, such as ["spelling"]',
    ),
]
