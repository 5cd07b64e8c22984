"""`aisle serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data
from api.settings import AppSettings, load_settings

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port; 0 takes any free one.", min=0, max=65_535)]
Workers = Annotated[int | None, typer.Option(help="Processes.", min=1, max=64)]


def command(
    data: Data = DEFAULT_DATA, host: Host = None, port: Port = None, workers: Workers = None
) -> None:
    """Serve searches and the storefront; Ctrl-C lets requests in flight finish.

    May be started before there is an index: it answers from the first one that appears.
    """
    start(serving_settings(data, host, port, workers))


def serving_settings(
    data: Path, host: str | None, port: int | None, workers: int | None
) -> AppSettings:
    """The settings, with what the command line says on top."""
    given = {"host": host, "port": port, "workers": workers}
    settings = load_settings(data.absolute())
    chosen = {name: value for name, value in given.items() if value is not None}
    return settings.model_copy(update={"serving": settings.serving.model_copy(update=chosen)})


def start(settings: AppSettings) -> None:
    """Serves, and says where once the port is taken."""
    from api.commands.console import say
    from api.security.remarks import remarks
    from api.serving import serve

    def started(url: str) -> None:
        say(f"Aisle serves {settings.data} on {url} (Ctrl-C stops)")
        for remark in remarks(settings):
            say(remark)

    serve(settings, started)
