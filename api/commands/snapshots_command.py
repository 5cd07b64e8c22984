"""`aisle snapshots`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

command = typer.Typer(no_args_is_help=True)
Version = Annotated[str | None, typer.Argument(help="A snapshot; the one being served if none.")]


@command.command("list")
def list_snapshots(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Show every snapshot in the data directory; * marks the one being served."""
    from api.commands.console import out, print_json
    from indexer.publish import served_version

    served = served_version(data)
    versions = _versions(data)
    if json:
        print_json({"served": served, "snapshots": versions})
        return
    for version in versions:
        out.print(f"{'*' if version == served else ' '} {version}", markup=False)
    if not versions:
        out.print(f"{data} holds no snapshot yet; run aisle index", markup=False)


@command.command()
def verify(version: Version = None, data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Check every byte of a snapshot against its manifest's checksums."""
    from api.commands.console import out, print_json
    from search.engines.local.layout import DataLayout
    from search.engines.local.manifest import verify as verify_snapshot

    chosen = version or _served(data)
    _known(chosen, data)
    manifest = verify_snapshot(DataLayout(data).snapshot(chosen).root, full=True)
    facts: dict[str, Any] = {"version": chosen, "parts": len(manifest.parts), "sound": True}
    if json:
        print_json(facts)
    else:
        out.print(f"{chosen}: all {facts['parts']} files are sound.", markup=False)


@command.command()
def rollback(version: Version = None, data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Serve an earlier snapshot with the changes made since, as aisle reindex --rollback does."""
    from api.commands.reindex_command import roll_back_to
    from api.replicas import push_after, require_writing
    from api.settings import load_settings

    settings = load_settings(data)
    require_writing(settings)
    roll_back_to(settings, version, json=json)
    push_after(settings)


def _versions(data: Data) -> list[str]:
    from search.engines.local.layout import is_version

    directory = data / "snapshots"
    found = directory.iterdir() if directory.is_dir() else iter(())
    return sorted(entry.name for entry in found if is_version(entry.name))


def _served(data: Data) -> str:
    from search.engines.local.layout import read_current

    return read_current(data)


def _known(version: str, data: Data) -> None:
    from search.errors import BadInput

    known = _versions(data)
    if version not in known:
        raise BadInput(
            f"{data} has no snapshot {version!r}; it has {', '.join(known) or 'none'}",
            field="version",
        )
