"""A bucket or a shared folder, as the few things that are done with it.

Objects are whole or absent: a bucket's puts are atomic, and a folder's go through a rename.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from search.errors import AisleError, BadInput, StorageFailed
from search.secrets import redact, secret_of
from search.settings import ArtifactSettings

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_SECONDS = "20s"
"""How long a server may be silent."""
_RETRIES, _RETRY_SECONDS = 3, 20.0
CHUNK = 8 * 1024 * 1024
"""The size of the parts that large files are sent in."""
_REMEDY = "see that it can be reached, and that [artifacts] is right"
_METADATA = ("169.254.169.254", "169.254.170.2", "fd00:ec2::254")
"""Where AWS's machines and containers ask for their role: the last place that keys are sought."""
_DENIALS = ("code: 401 ", "code: 403 ")
_NO_KEYS = (
    "no keys are set, and this machine has no role of AWS to get them by; set [artifacts] "
    "access_key_id and secret_access_key_file, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
)


class Conflict(AisleError):
    """An object is not what it was when it was read: somebody else has replaced it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was read; `tag` tells one state of it from another."""

    content: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as it is listed: its size in bytes, its tag, when it was put (seconds since
    1970)."""

    size: int
    tag: str
    modified: float


class Store:
    """The objects under one location. Blocks; safe from several threads."""

    def __init__(self, name: str, objects: ObjectStore) -> None:
        """`name` is the location as people may see it."""
        self.name, self._objects = name, objects

    def read(self, key: str, known: Stored | None = None) -> Stored | None:
        """An object, None when there is none; `known` itself when that is what there is."""
        import obstore
        from obstore.exceptions import NotModifiedError

        with _answering(self.name):
            try:
                options: Any = {"if_none_match": known.tag} if known else None
                found = obstore.get(self._objects, key, options=options)
                return Stored(bytes(found.bytes()), found.meta["e_tag"] or "")
            except NotModifiedError:
                return known
            except FileNotFoundError as error:
                if _lacks_bucket(error):
                    raise
                return None

    def stream(self, key: str, start: int = 0) -> Iterator[bytes]:
        """An object's bytes from an offset on.

        Raises:
            FileNotFoundError: there is none.
        """
        import obstore

        with _answering(self.name):
            options: Any = {"range": {"offset": start}} if start else None
            found = obstore.get(self._objects, key, options=options)
            yield from map(bytes, found.stream(min_chunk_size=CHUNK // 4))

    def write(self, key: str, content: bytes | Path) -> str:
        """Puts an object, a large file in parts side by side; its tag."""
        import obstore

        with _answering(self.name):
            put = obstore.put(self._objects, key, content, chunk_size=CHUNK, max_concurrency=4)
            return put["e_tag"] or ""

    def replace(self, key: str, content: bytes, before: Stored | None) -> str:
        """Puts an object in the place of what was read, or where nothing was; its new tag.

        Raises:
            Conflict: something else is there by now.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with _answering(self.name):
            mode: Any = {"e_tag": before.tag} if before else "create"
            try:
                return obstore.put(self._objects, key, content, mode=mode)["e_tag"] or ""
            except (AlreadyExistsError, PreconditionError):
                raise Conflict(f"{self.name}/{key} was replaced meanwhile") from None
            except NotImplementedError:
                pass
        # A folder: compared as well as it can be.
        if self.read(key, before) is not before:
            raise Conflict(f"{self.name}/{key} was replaced meanwhile")
        return self.write(key, content)

    def list(self, prefix: str) -> Mapping[str, Listed]:
        """The objects under a prefix, by key."""
        import obstore

        with _answering(self.name):
            pages = obstore.list(self._objects, prefix)
            found = [each for page in pages for each in page]
        return {
            each["path"]: Listed(
                each["size"], each["e_tag"] or "", each["last_modified"].timestamp()
            )
            for each in found
        }

    def delete(self, keys: Collection[str]) -> None:
        """Removes objects; those that are not there are no matter."""
        import obstore

        for key in keys:
            with _answering(self.name), contextlib.suppress(FileNotFoundError):
                obstore.delete(self._objects, key)


def open_store(settings: ArtifactSettings) -> Store:
    """The store at `settings.location`; asks nothing of it yet.

    Raises:
        BadInput: the location is none, or its client is not installed.
        StorageFailed: it is a folder that is not there.
    """
    if settings.location is None:
        raise BadInput("no [artifacts] location is set; name a bucket or a folder", field=_FIELD)
    try:
        import obstore  # noqa: F401
    except ModuleNotFoundError:
        raise BadInput(
            "[artifacts] needs the client of buckets, which is not installed; install aisle[s3]",
            field=_FIELD,
        ) from None
    parts = urlsplit(settings.location)
    return _bucket(settings) if parts.scheme == "s3" else _folder(Path(unquote(parts.path)))


_FIELD = "artifacts.location"
_OPTIONS = ("endpoint", "region", "virtual_hosted_style_request")


def _folder(path: Path) -> Store:
    from obstore.store import LocalStore

    if not path.is_dir():
        raise StorageFailed(f"there is no folder {path}; mount it, or make it: mkdir -p {path}")
    return Store(str(path), LocalStore(prefix=path))


def _bucket(settings: ArtifactSettings) -> Store:
    from obstore.store import S3Store

    parts = urlsplit(settings.location or "")
    given = dict(parse_qsl(parts.query))
    if "@" in parts.netloc or not parts.netloc:
        raise BadInput("write s3://bucket/prefix, with keys left out of it", field=_FIELD)
    if unknown := given.keys() - set(_OPTIONS):
        known = ", ".join(_OPTIONS)
        raise BadInput(f"{min(unknown)!r} is unknown in it; known are {known}", field=_FIELD)
    options: dict[str, Any] = dict(given)
    if settings.access_key_id:
        file, secret = settings.secret_access_key_file, settings.secret_access_key
        options["access_key_id"] = settings.access_key_id
        options["secret_access_key"] = secret_of(secret, file, "artifacts.secret_access_key_file")
    client: dict[str, Any] = {"read_timeout": _SECONDS, "timeout": "1h"}
    client["allow_http"] = given.get("endpoint", "").startswith("http://")
    if settings.ca_file is not None:
        client["root_certificate"] = _certificates(settings.ca_file)
    retry: Any = {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)}
    prefix = parts.path.strip("/")
    objects = S3Store(
        parts.netloc,
        prefix=prefix or None,
        client_options=client,  # type: ignore[arg-type]
        retry_config=retry,
        checksum_algorithm="sha256",
        **options,
    )
    return Store(f"s3://{parts.netloc}/{prefix}".rstrip("/"), objects)


def _certificates(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"setting artifacts.ca_file: {path} cannot be read ({error.strerror})",
            field="artifacts.ca_file",
        ) from None


@contextlib.contextmanager
def _answering(name: str) -> Iterator[None]:
    """Turns a store's refusals into `StorageFailed`; that there is no such object passes."""
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StorageFailed(_denied(name, str(error))) from None
    except FileNotFoundError as error:
        if not _lacks_bucket(error):
            raise
        raise StorageFailed(
            f"there is no bucket for {name}; make it, or correct [artifacts] location"
        ) from None
    except (BaseError, OSError) as error:
        if any(status in str(error) for status in _DENIALS):  # such as listing
            raise StorageFailed(_denied(name, str(error))) from None
        if any(place in str(error) for place in _METADATA):
            raise StorageFailed(f"{name} cannot be asked: {_NO_KEYS}") from None
        raise StorageFailed(f"{name} does not answer: {_short(error)}; {_REMEDY}") from None


def _denied(name: str, told: str) -> str:
    """What to do about a refusal; `told` names the object, and has the server's answer in it."""
    path = re.search(r"for path ([^\s:]+)", told)
    code, action = re.search(r"<Code>(\w+)</Code>", told), re.search(r"perform: (\S+?)<", told)
    why = " ".join(redact(found[1]) for found in (code, action) if found) or "denied"
    at = f" at {path[1]}" if path else ""
    return (
        f"{name} refuses these credentials{at} ({why}): see that [artifacts] access_key_id and its "
        "secret are right, and that they are allowed s3:ListBucket, s3:GetObject, and for the "
        "writer s3:PutObject and s3:DeleteObject there"
    )


def _lacks_bucket(error: Exception) -> bool:
    """Whether it is the bucket that is not there, not the object."""
    return "NoSuchBucket" in str(error)


def _short(error: Exception) -> str:
    """Its first line, without secrets, and without the time it took: the same is told once."""
    first = str(error).strip().partition("\n")[0]
    return redact(re.sub(r" in [\d.]+\wm?s\b", "", first)[:200])
