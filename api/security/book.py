"""The keys in memory, as every request asks for them; follows the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from api.errors import Forbidden, KeysAway
from api.logs import SERVER
from api.security.keys import OPEN, ApiKey, digest_of, id_in, same
from api.security.opening import open_keys
from api.security.seams import Keyring
from api.security.sessions import read_session, sign_session
from api.settings import AppSettings
from search.errors import StorageFailed

_NOBODY = ApiKey("", "nobody", (), "0" * 64, 0.0)
_UNREAD = "unread"


class KeyBook:
    """Whose key is whose. A store that cannot be reached changes nothing: the keys that were known
    stay, and who was let in is let in; before the first reading only the settings' own keys are."""

    def __init__(self, settings: AppSettings, clock: Callable[[], float] = time.time) -> None:
        self.store = open_keys(settings)
        self.fault: str | None = None
        """Why the store cannot be read; None when it can."""
        self._required = settings.security.required
        self._seconds = settings.security.watch_seconds
        self._session_seconds = settings.security.session_hours * 3600
        self._clock = clock
        self._settings = tuple(
            _of_settings(n, key.get_secret_value()) for n, key in enumerate(settings.api_keys, 1)
        )
        self._ring = Keyring(_UNREAD)
        self._by_id: dict[str, ApiKey] = {each.id: each for each in self._settings}

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """All keys, expired ones too."""
        return (*self._settings, *self._ring.keys)

    @property
    def in_use(self) -> bool:
        """Whether keys matter here at all: there are some, or the settings require them. While they
        were never read nobody knows."""
        return self._required or bool(self.keys) or self._unknown

    @property
    def _unknown(self) -> bool:
        return self._ring.mark == _UNREAD and self.fault is not None

    def needed(self, scope: str) -> bool:
        """Whether a scope needs a key."""
        return self._required or (self.in_use and scope not in OPEN)

    def refresh(self) -> None:
        """Reads the keys again when they have changed; waits for the store."""
        try:
            if self._ring.mark == _UNREAD or self.store.mark() != self._ring.mark:
                self._take(self.store.read())
        except StorageFailed as error:
            if self.fault is None:
                SERVER.error("keys cannot be read", extra={"reason": str(error)})
            self.fault = str(error)
        else:
            self.fault = None

    def _take(self, ring: Keyring) -> None:
        if self._ring.keys and not ring.keys and ring.mark == "absent":
            # Without keys everyone could write: a lost file must not open the shop.
            raise StorageFailed(
                f"{self.store.place} is gone; the keys known so far hold on; put it back, or start "
                "the server again to go on without keys"
            )
        self._by_id = {each.id: each for each in (*self._settings, *ring.keys)}
        self._ring = ring

    async def follow(self) -> None:
        """Keeps reading, for as long as the server lives."""
        try:
            while True:
                await asyncio.sleep(self._seconds)
                await asyncio.to_thread(self.refresh)
        finally:
            self.store.close()

    def find(self, secret: str) -> ApiKey:
        """The key of a secret.

        Raises:
            Forbidden: it is of no key, or of one whose time is over.
            KeysAway: nobody knows, for the keys could not be read yet.
        """
        digest = digest_of(secret)
        known = self._by_id.get(id_in(secret) or "", _NOBODY)
        # Each is compared, and digests have one length: the time taken tells nothing.
        found = [key for key in (known, *self._settings) if same(digest, key.digest)]
        if not found and self._unknown:
            raise KeysAway("API keys cannot be read now; try again in a moment")
        if not found:
            raise Forbidden("the API key is not one of this server's; ask whoever runs it for one")
        if found[0].expired(self._clock()):
            raise Forbidden(f"the API key {found[0].name} has expired; ask for a new one")
        return found[0]

    def sign(self, key: ApiKey) -> tuple[str, int]:
        """What a browser keeps in place of a key, and for how many seconds it is good."""
        until = self._clock() + self._session_seconds
        if key.expires is not None:
            until = min(until, key.expires)
        seconds = max(0, int(until - self._clock()))
        return sign_session(self._signing, key.id, int(until)), seconds

    def of_session(self, cookie: str) -> ApiKey | None:
        """The key that a browser's session was begun with, while both are good."""
        now = self._clock()
        known = self._by_id.get(read_session(self._signing, cookie, now) or "")
        return None if known is None or known.expired(now) else known

    @property
    def _signing(self) -> bytes:
        """Shared by all processes that know the same keys. Without kept keys the settings' own are
        what they share: their digests lie nowhere but in memory."""
        if self._ring.signing:
            return self._ring.signing
        return digest_of("\0".join(key.digest for key in self._settings)).encode()


def _of_settings(number: int, secret: str) -> ApiKey:
    digest = digest_of(secret)
    return ApiKey(
        f"settings-{digest_of(digest)[:12]}", f"settings-{number}", ("admin",), digest, 0.0
    )
