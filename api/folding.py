"""Folding live changes into a new snapshot when they have grown, in a process of its own: it takes
a core for a while, and searches must not feel it."""

from __future__ import annotations

import asyncio
import sys

from api.logs import SERVER
from api.settings import AppSettings
from indexer.live import LiveWriter
from search.errors import AisleError

CHECK_SECONDS = 5.0


async def fold_when_grown(settings: AppSettings, writer: LiveWriter) -> None:
    """Runs for as long as the server: looks now and then, and folds when it is time."""
    while settings.serving.fold_after:
        await asyncio.sleep(CHECK_SECONDS)
        try:
            changed = await asyncio.to_thread(writer.changed)
        except AisleError:
            # No index yet, or one that cannot be read: the server says so already.
            continue
        if changed >= settings.serving.fold_after:
            await _fold(settings, changed)


async def _fold(settings: AppSettings, changed: int) -> None:
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
        SERVER.warning("folding failed", extra={"reason": complaint.decode()[-500:].strip()})
    else:
        SERVER.info("folded", extra={"result": said.decode().strip()})
