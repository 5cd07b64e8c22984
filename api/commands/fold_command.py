"""`aisle fold`."""

from __future__ import annotations

from api.commands.options import DEFAULT_DATA, Data, Json


def command(data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Fold live changes into a new snapshot; a running server does it by itself when they grow."""
    from api.commands.console import out, print_json
    from api.settings import load_settings
    from indexer.merge import fold

    version = fold(load_settings(data))
    if json:
        print_json({"version": version})
    elif version is None:
        out.print("There is nothing to fold.")
    else:
        out.print(f"Folded into version {version}.", markup=False)
