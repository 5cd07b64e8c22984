"""`aisle artifacts`: snapshots that several machines share."""

from __future__ import annotations

from dataclasses import asdict

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

command = typer.Typer(
    help="Send snapshots to where replicas fetch them, fetch them, and say how far each is",
    no_args_is_help=True,
)


@command.command("push")
def push(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Send the index, its live changes and the shop's files; what is there is not sent again."""
    from api.commands.console import out, print_json, stages
    from api.replicas import require_writing
    from api.settings import load_settings
    from indexer.artifacts import Pusher

    settings = load_settings(data)
    require_writing(settings)
    pusher = Pusher(settings)
    with stages(quiet=json) as progress:
        pushed = pusher.push(progress)
    if json:
        print_json(pushed)
    elif pushed.changed:
        size = f"{pushed.bytes / 1e6:.1f} MB"
        out.print(f"{pusher.place} holds {pushed.version} now ({size} sent)", markup=False)
    else:
        out.print(f"{pusher.place} holds {pushed.version} already", markup=False)


@command.command("pull")
def pull(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Fetch the newest index into the data directory once, as replicas do by themselves."""
    from api.commands.console import out, print_json, stages
    from api.settings import load_settings
    from indexer.artifacts import Puller, Status, turn
    from search.errors import IndexBusy, NotFound

    settings = load_settings(data)
    with stages(quiet=json) as progress:

        def told(status: Status) -> None:
            if status.total:
                progress("fetch", status.done, status.total)

        puller = Puller(settings, told=told)
        with turn(data) as mine:
            if not mine:
                raise IndexBusy(f"a server of {data} fetches by itself; see aisle artifacts status")
            pointer = puller.pull()
    if pointer is None:
        raise NotFound(puller.status.text)
    if json:
        print_json({"version": pointer.name, "location": puller.status.location})
    else:
        out.print(f"{settings.data} holds {pointer.name}", markup=False)


@command.command("status")
def status(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Say how far this machine is with sending or fetching, as its server said last."""
    from api.commands.console import out, print_json
    from api.replicas import status_of
    from api.settings import load_settings
    from search.errors import NotFound

    settings = load_settings(data)
    found = status_of(settings)
    if found is None:
        raise NotFound("no [artifacts] location is set: nothing is shared (docs/replicas.md)")
    if json:
        print_json({**asdict(found), "behind": found.behind(), "role": settings.artifacts.role})
        return
    out.print(f"{settings.artifacts.role} of {found.version or 'nothing yet'}", markup=False)
    out.print(found.text, markup=False)
