"""`aisle models`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from rankers import Model

command = typer.Typer(no_args_is_help=True, help="The ranking model in use.")

ModelFile = Annotated[Path, typer.Argument(help="A model file, as aisle train writes it.")]
_HEAVIEST = 10
"""Features of the linear part that are named."""


@command.command("use")
def use(model: ModelFile, data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Check a model against the index, then rank by it; a running server follows."""
    from api.commands.console import out, print_json
    from api.settings import load_settings
    from rankers import save_model
    from search.build import MODEL_FILE
    from search.errors import BadInput

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
        print_json({**_about(loaded, version), "path": str(target)})
    else:
        out.print(f"{loaded.name} {version[:12]} is in use: {target}", markup=False)


@command.command("show")
def show(
    model: Annotated[
        Path | None, typer.Argument(help="A model file; the one in use unless named.")
    ] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Show a model: what it learned from, how good it was, what it goes by."""
    from api.commands.console import out, print_json
    from api.settings import load_settings
    from rankers import load_model, model_checksum
    from search.build import MODEL_FILE

    settings = load_settings(data)
    path = model or settings.ranking.model or settings.data / MODEL_FILE
    loaded = load_model(path)
    about = _about(loaded, model_checksum(loaded)) | {"path": str(path)}
    if json:
        print_json(about)
        return
    for name, value in about.items():
        out.print(f"{name.replace('_', ' ')}: {_shown(value)}", markup=False)


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


def _about(model: Model, checksum: str) -> dict[str, Any]:
    heaviest = sorted(zip(model.weights.tolist(), model.features, strict=False), key=_size)
    return {
        "name": model.name,
        "version": checksum[:12],
        "kind": model.kind,
        "features": len(model.features),
        "feature_version": model.feature_version,
        "depth": model.depth,
        "trees": model.trees.count("\nTree="),
        "heaviest": {name: round(weight, 4) for weight, name in heaviest[:_HEAVIEST] if weight},
        "training": model.training,
        "metrics": model.metrics,
    }


def _size(weighed: tuple[float, str]) -> float:
    return -abs(weighed[0])


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items()) or "–"
    return str(value)
