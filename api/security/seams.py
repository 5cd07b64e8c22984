"""What keeps keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from api.security.keys import ApiKey


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys at one moment. `mark` changes with every change; `signing` signs the sessions of
    browsers, b"" while there is no key."""

    mark: str
    keys: tuple[ApiKey, ...] = ()
    signing: bytes = field(default=b"", repr=False)


class KeyStore(Protocol):
    """Keys that survive, and that the processes of one shop share. Every method raises
    StorageFailed when they cannot be reached."""

    @property
    def place(self) -> str:
        """Where they are, for people; holds no secret."""
        ...

    def mark(self) -> str:
        """Changes whenever a key does; cheap."""
        ...

    def read(self) -> Keyring:
        """All keys."""
        ...

    def add(self, key: ApiKey) -> None:
        """Keeps a key, durably.

        Raises:
            BadInput: another has its name.
        """
        ...

    def remove(self, name: str) -> ApiKey:
        """Forgets the key of a name or id.

        Raises:
            NotFound: there is none.
        """
        ...

    def close(self) -> None:
        """Lets go of connections."""
        ...
