"""`aisle demo`."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from api.commands.async_work import wait_for
from api.commands.index_command import DEMO_MARK, Preset, build, say_rejects
from api.commands.options import DEFAULT_DATA, Data
from api.commands.serve_command import Host, Port, serving_settings, start
from api.settings import AppSettings

_LEARNED = "learned"
"""In the mark: what shoppers taught, so that they need not come again."""


def command(
    data: Data = DEFAULT_DATA,
    catalogue: Annotated[
        Path | None, typer.Option(help="Your own catalogue instead of the generated shop.")
    ] = None,
    preset: Preset = None,
    host: Host = None,
    port: Port = None,
    learning: Annotated[
        bool, typer.Option(help="Learn a ranking model from simulated shoppers' clicks.")
    ] = True,
    shoppers: Annotated[int, typer.Option(help="How many come to the shop.", min=100)] = 20_000,
    serving: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve it; or leave that to other processes.")
    ] = True,
) -> None:
    """Make a small shop (or take a catalogue), index it and learn its ranking from simulated
    shoppers if that is not done yet, and serve it."""
    from api.commands.console import say
    from api.replicas import push_after
    from api.serving import listen

    settings = serving_settings(data, host, port, None)
    if serving:
        # A busy port is better known before minutes of indexing than after.
        listen(settings.serving.host, settings.serving.port).close()
    files, preset = (catalogue, preset) if catalogue else (_shop(settings.data), "aisle")
    mark = _mark(files, preset)
    if _indexed(settings, mark):
        say(f"The index in {data} is up to date with {files}.")
    else:
        say(f"Indexing {files} into {data} ...")
        say_rejects(build([files], settings, preset=preset))
        _write_mark(settings, mark)
    if catalogue is None and learning:
        _learn(settings, mark, shoppers)
    if serving:
        start(settings)
    else:
        push_after(settings, quiet=False)


def _learn(settings: AppSettings, mark: dict[str, Any], shoppers: int) -> None:
    """A ranking model from the clicks of simulated shoppers, once; says what it is worth."""
    from api.commands.console import say, stages
    from api.simulation.learning import Lesson, learn_shop, may_learn
    from search.errors import AisleError

    before = _read_mark(settings).get(_LEARNED)
    if isinstance(before, dict) and "told" in before:
        say(before["told"])
        return
    if not may_learn(settings):
        say(f"{settings.data} ranks by a model of yours already; no shoppers are simulated.")
        return
    say("Sending simulated shoppers, to learn from what they click (--no-learning leaves this out)")
    lesson = Lesson(settings.data / "shop" / "judgments.csv", shoppers)
    try:
        with stages() as progress:
            learned = wait_for(learn_shop(settings, lesson, progress))
    except AisleError as error:  # a shop without a model is a shop all the same
        say(f"No model was learned, the fused order stays: {error}")
        return
    _write_mark(settings, {**mark, _LEARNED: {**asdict(learned), "told": learned.told()}})
    say(learned.told())


def _shop(data: Path) -> Path:
    """The generated shop's products; makes it when it is not there."""
    from api.commands.console import say
    from fixtures import generate_shop
    from search.settings import RULES_FILE

    shop = data / "shop"
    done = shop / ".complete"
    if not done.exists():
        say(f"Making a shop in {shop} ...")
        generate_shop(shop)
        done.touch()
        if not (data / RULES_FILE).exists():
            shutil.copy(shop / RULES_FILE, data / RULES_FILE)
    return shop / "products.jsonl"


def _mark(files: Path, preset: str | None) -> dict[str, Any]:
    """Identifies a catalogue by its content and how it is read."""
    from search.errors import BadInput

    try:
        with files.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"the catalogue {files} cannot be read: {error.strerror}") from None
    return {"catalogue": str(files.absolute()), "sha256": digest, "preset": preset}


def _indexed(settings: AppSettings, mark: dict[str, Any]) -> bool:
    before = _read_mark(settings)
    return (settings.data / "CURRENT").exists() and mark.items() <= before.items()


def _read_mark(settings: AppSettings) -> dict[str, Any]:
    """What was done before; nothing when that cannot be told."""
    try:
        found = orjson.loads((settings.data / DEMO_MARK).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_mark(settings: AppSettings, mark: dict[str, Any]) -> None:
    from api.responses import to_json

    (settings.data / DEMO_MARK).write_bytes(to_json(mark))
