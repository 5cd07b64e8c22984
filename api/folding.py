"""Folding live changes into a new snapshot when they have grown, in a process of its own: it takes
a core for a while, and searches must not feel it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from api.logs import SERVER
from api.settings import AppSettings
from indexer.live import LiveWriter
from search.errors import AisleError

CHECK_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 600.0


async def fold_when_grown(
    settings: AppSettings,
    writer: LiveWriter,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Runs for as long as the server: looks now and then, and folds when it is time. After each
    failure it waits twice as long as before, so that a full disk costs no core as well."""
    wait = CHECK_SECONDS
    while settings.serving.fold_after and not settings.artifacts.fetched:
        await sleep(wait)
        try:
            changed = await asyncio.to_thread(writer.changed)
        except AisleError:
            # No index yet, or one that cannot be read: the server says so already.
            continue
        if changed >= settings.serving.fold_after:
            longer = min(2 * wait, LONGEST_WAIT_SECONDS)
            wait = CHECK_SECONDS if await _fold(settings, changed, longer) else longer


async def _fold(settings: AppSettings, changed: int, retry_seconds: float) -> bool:
    """Folds and logs how it went; says whether it did."""
    SERVER.info("folding", extra={"changed": changed})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api.cli", "fold", "--data", str(settings.data), "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, complaint = await process.communicate()
    except asyncio.CancelledError:
        # A fold that is stopped leaves the snapshot that was serving.
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        reason = complaint.decode()[-500:].strip()
        SERVER.warning("folding failed", extra={"reason": reason, "retry_seconds": retry_seconds})
        return False
    SERVER.info("folded", extra={"result": said.decode().strip()})
    return True
