"""Writing so that a crash or a full disk never harms what was there before."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import StorageFailed

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space or raise it",
    errno.EFBIG: "a file would grow beyond the allowed size; raise the limit (`ulimit -f`)",
    errno.EROFS: "the file system is read-only; mount it writable",
    errno.EACCES: "permission is denied; give this user write access",
    errno.EPERM: "permission is denied; give this user write access",
    errno.EMFILE: "too many files are open; raise the limit (`ulimit -n`)",
    errno.EIO: "the disk reports an error; check the hardware",
}


def storage_failed(place: Path, error: OSError) -> StorageFailed:
    """The error to raise for what the operating system refused."""
    remedy = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
    return StorageFailed(f"cannot write {error.filename or place}: {remedy}")


@contextmanager
def storage_errors(place: Path) -> Iterator[None]:
    """Turns the disk's refusals into `StorageFailed` with the place and the remedy."""
    try:
        yield
    except OSError as error:
        raise storage_failed(place, error) from error


def sync(path: Path) -> None:
    """Makes one file's content, or one directory's entries, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replaces a file atomically and durably: readers see the old content or the new."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a lock file, waiting for whoever has it; the kernel releases it when its holder dies,
    however it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Whether someone holds a lock on a file; False when it is gone."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)
