"""What every store of keys makes of a change."""

from __future__ import annotations

from collections.abc import Sequence

from api.security.keys import ApiKey
from search.errors import BadInput, NotFound


def taken(keys: Sequence[ApiKey], key: ApiKey) -> tuple[ApiKey, ...]:
    """The keys with one more.

    Raises:
        BadInput: another has its name.
    """
    if any(each.name == key.name for each in keys):
        raise BadInput(
            f"there is a key {key.name} already; choose another name, or revoke it first: "
            f"aisle keys revoke {key.name}",
            field="name",
        )
    return (*keys, key)


def without(keys: Sequence[ApiKey], name: str) -> tuple[tuple[ApiKey, ...], ApiKey]:
    """The keys without the one of a name or id, and that one.

    Raises:
        NotFound: there is none.
    """
    found = next((each for each in keys if name in (each.name, each.id)), None)
    if found is None:
        known = ", ".join(each.name for each in keys) or "none"
        raise NotFound(f"there is no key {name[:60]!r}; there is {known}")
    return tuple(each for each in keys if each.id != found.id), found
