"""`aisle demo`."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Annotated

import typer

from api.commands.index_command import DEMO_MARK, Preset, build, say_rejects
from api.commands.options import DEFAULT_DATA, Data
from api.commands.serve_command import Host, Port, serving_settings, start
from api.settings import AppSettings


def command(
    data: Data = DEFAULT_DATA,
    catalogue: Annotated[
        Path | None, typer.Option(help="Your own catalogue instead of the generated shop.")
    ] = None,
    preset: Preset = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Make a small shop (or take a catalogue), index it if that is not done yet, and serve it."""
    from api.commands.console import say
    from api.serving import listen

    settings = serving_settings(data, host, port, None)
    # A busy port is better known before minutes of indexing than after.
    listen(settings.serving.host, settings.serving.port).close()
    files, preset = (catalogue, preset) if catalogue else (_shop(settings.data), "aisle")
    mark = _mark(files, preset)
    if _indexed(settings, mark):
        say(f"The index in {data} is up to date with {files}.")
    else:
        say(f"Indexing {files} into {data} ...")
        say_rejects(build([files], settings, preset=preset))
        (settings.data / DEMO_MARK).write_bytes(mark)
    start(settings)


def _shop(data: Path) -> Path:
    """The generated shop's products; makes it when it is not there."""
    from api.commands.console import say
    from fixtures import generate_shop
    from search.build import RULES_FILE

    shop = data / "shop"
    done = shop / ".complete"
    if not done.exists():
        say(f"Making a shop in {shop} ...")
        generate_shop(shop)
        done.touch()
        if not (data / RULES_FILE).exists():
            shutil.copy(shop / RULES_FILE, data / RULES_FILE)
    return shop / "products.jsonl"


def _mark(files: Path, preset: str | None) -> bytes:
    """Identifies a catalogue by its content and how it is read."""
    from api.responses import to_json
    from search.errors import BadInput

    try:
        with files.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"the catalogue {files} cannot be read: {error.strerror}") from None
    return to_json({"catalogue": str(files.absolute()), "sha256": digest, "preset": preset})


def _indexed(settings: AppSettings, mark: bytes) -> bool:
    before = settings.data / DEMO_MARK
    return (settings.data / "CURRENT").exists() and before.exists() and before.read_bytes() == mark
