"""Writing so that a crash or a full disk never harms what was there before."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import StorageFailed

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space or raise it",
    errno.EFBIG: "a file would grow beyond the allowed size; raise the limit (`ulimit -f`)",
    errno.EROFS: "the file system is read-only; mount it writable or choose another --data",
    errno.EACCES: "permission is denied; give this user write access or choose another --data",
    errno.EPERM: "permission is denied; give this user write access or choose another --data",
    errno.ENOTDIR: "a part of the path is a file, not a directory; choose another --data",
    errno.EMFILE: "too many files are open; raise the limit (`ulimit -n`)",
    errno.EIO: "the disk reports an error; check the hardware",
}
_NATIVE_ERROR = re.compile(r"\(os error (\d+)\)|code: (\d+), kind: ")
"""How tantivy words an operating system's error."""
_FAISS_WRITE = re.compile(r"write error|could not open .* for writing|fwrite|fclose")


@contextmanager
def storage_errors(place: Path) -> Iterator[None]:
    """Turns the disk's refusals, Python's or a native library's, into `StorageFailed` with the
    place and the remedy. Other errors pass."""
    try:
        yield
    except (OSError, ValueError, RuntimeError, SystemError) as error:
        code = _error_number(error)
        if code is None:
            raise
        remedy = _REMEDIES.get(code, os.strerror(code))
        where = getattr(error, "filename", None) or place
        raise StorageFailed(
            f"cannot write {where}: {remedy}, and run this again; "
            "what was being served before is unchanged"
        ) from error


def _error_number(error: Exception) -> int | None:
    if isinstance(error, OSError):
        return error.errno if error.errno in _REMEDIES else None
    match = _NATIVE_ERROR.search(str(error))
    if match:
        code = int(match[1] or match[2])
        return code if code in _REMEDIES else None
    if _FAISS_WRITE.search(str(error)):
        return errno.ENOSPC
    return None


def sync(path: Path) -> None:
    """Makes one file's content, or one directory's entries, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(root: Path) -> None:
    """`sync` for every file and directory under `root`, and `root` itself."""
    for directory, _, files in os.walk(root, topdown=False):
        for name in files:
            sync(Path(directory, name))
        sync(Path(directory))


def replace_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Replaces a file atomically and durably: readers see the old content or the new. `mode` is
    what a new file may be, as far as the process's umask lets it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        opened = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(opened, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def remove_tree(path: Path) -> None:
    """Removes a file or a directory; no half of it is ever found under its own name."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    doomed = path.with_name(f".removed-{path.name.removeprefix('.removed-')}")
    path.replace(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
