"""`aisle models`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.models_about import about_model, held_out, shown
from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from rankers import Model

command = typer.Typer(no_args_is_help=True, help="The ranking models, and the one in use.")

ModelFile = Annotated[Path, typer.Argument(help="A model file, as aisle train writes it.")]


@command.command("use")
def use(model: ModelFile, data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Check a model against the index, then rank by it; a running server follows."""
    from api.commands.console import out, print_json
    from api.settings import load_settings
    from rankers import save_model
    from search.errors import BadInput
    from search.settings import MODEL_FILE

    settings = load_settings(data)
    target = settings.data / MODEL_FILE
    if settings.ranking.model is not None and settings.ranking.model != target:
        raise BadInput(
            f"the settings name another model, {settings.ranking.model}; replace that file, or "
            "leave [ranking] model out",
            field="ranking.model",
        )
    loaded = asyncio.run(_checked(model, data))
    version = save_model(loaded, target)
    if json:
        print_json({**about_model(loaded, version), "path": str(target)})
    else:
        out.print(f"{loaded.name} {version[:12]} is in use: {target}", markup=False)
        if loaded.kind == "fused":
            out.print("It keeps the fused order: training found nothing that is surely better.")


@command.command("show")
def show(
    model: Annotated[
        str | None,
        typer.Argument(help="A version (aisle models list) or a file; the one in use if not said."),
    ] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Show a model: what it learned from, how good it was, what it goes by."""
    from api.commands.console import out, print_json
    from api.registry import named_model
    from api.settings import load_settings
    from rankers import load_model, model_checksum
    from search.settings import MODEL_FILE

    settings = load_settings(data)
    path = settings.ranking.model or settings.data / MODEL_FILE
    if model is not None:
        path = named_model(settings, model)
    loaded = load_model(path)
    about = about_model(loaded, model_checksum(loaded)) | {"path": str(path)}
    if json:
        print_json(about)
        return
    about |= {"training": _learned(loaded.training), "metrics": held_out(loaded.metrics)}
    for name, value in about.items():
        out.print(f"{name.replace('_', ' ')}: {shown(value)}", markup=False)


def _learned(training: Mapping[str, Any]) -> dict[str, object]:
    """What a model learned from, without the settings, which `--json` has."""
    return {name: value for name, value in training.items() if not isinstance(value, Mapping)}


for _name in ("list", "compare", "promote", "rollback"):
    _loaded = import_module(f"api.commands.models_{_name}_command").command
    command.command(_name)(_loaded)


async def _checked(path: Path, data: Path) -> Model:
    """The model of a file, once it has ranked something of the index."""
    from api.settings import load_settings
    from rankers import load_model
    from search.build import LTR, open_search

    search = await open_search(load_settings(data))
    try:
        await search.with_model(f"{LTR}{path}")
    finally:
        await search.close()
    return await asyncio.to_thread(load_model, path)
