"""A version found by its beginning."""

from __future__ import annotations

from collections.abc import Sequence

from search.errors import BadInput, NotFound


def one_of(known: Sequence[str], version: str) -> str:
    """The version that is meant by its unambiguous beginning; `known` are all, the newest first.

    Raises:
        NotFound: there is none; names those there are.
        BadInput: several begin so.
    """
    matching = [each for each in known if version and each.startswith(version)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise BadInput(
            f"several models begin with {version!r}: {', '.join(matching)}", field="version"
        )
    named = ", ".join(known[:10]) or "none yet"
    raise NotFound(f"no model has the version {version!r}; there are: {named}")
