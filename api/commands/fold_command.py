"""`aisle fold`."""

from __future__ import annotations

from api.commands.options import DEFAULT_DATA, Data, Json


def command(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Fold live changes into a new snapshot; a running server does it by itself when they grow."""
    from api.commands.console import out, print_json
    from api.replicas import push_after, require_writing
    from api.settings import load_settings
    from indexer.merge import fold

    settings = load_settings(data)
    require_writing(settings)
    version = fold(settings)
    push_after(settings)
    if json:
        print_json({"version": version})
    elif version is None:
        out.print("There is nothing to fold.")
    else:
        out.print(f"Folded into version {version}.", markup=False)
