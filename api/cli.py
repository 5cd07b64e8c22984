"""The `aisle` command line: one module a command, loaded only when it is asked for.

Exit codes: 0 done, 1 failure, 2 bad input (also where what it names is not there), 130 interrupted.
An error is one line on standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

import typer

from search.errors import AisleError, BadInput, NotFound

COMMANDS: Mapping[str, str] = {
    "index": "Build an index from catalogue files",
    "update": "Add, replace, patch or delete products in an index",
    "serve": "Serve searches and the storefront over HTTP",
    "search": "Search an index",
    "suggest": "Show what is suggested while a query is typed",
    "understand": "Show what is made of a query before searching",
    "explain": "Say why a product is where it is for a query",
    "features": "List the features of ranking models, or show them for a query",
    "judgments": "Rate products for queries by what shoppers did",
    "eval": "Score systems, and the parts of understanding, against judgments and labels",
    "judge": "Have people grade what systems find, and hand out their judgments",
    "interleave": "Compare saved runs by simulated shoppers who see them interleaved",
    "rollout": "Give a model to more and more shoppers, and take it back when it does harm",
    "experiment": "Compare systems on live traffic, and say which is better",
    "models": "Show the ranking model, and put another to use",
    "events": "Import, check, show and delete what shoppers did",
    "simulate": "Send shoppers with known tastes to a server, or straight into a log",
    "train": "Train ranking models from judgments and clicks, and adapt the text encoder",
    "propensity": "Estimate how likely positions are looked at, from clicks",
    "retrain": "Learn a new model from the log, and put it to use if the gate lets it",
    "drift": "Compare what is searched now with what the model learned from",
    "exploration": "Say what exploration costs in clicks",
    "offpolicy": "Estimate from logged clicks what another ranking would be worth",
    "rules": "Check, list, try and remove the shop's rules",
    "synonyms": "Propose synonyms, and check a list of them",
    "keys": "Make, list and revoke API keys",
    "demo": "Make a small shop, index it and serve it",
    "snapshots": "List, verify and roll back snapshots",
    "reindex": "Make the index anew while the old one serves, try it, and go back to earlier ones",
    "fold": "Fold live changes into a new snapshot",
    "artifacts": "Send snapshots to where replicas fetch them, and fetch them",
    "bench": "Measure speed on a catalogue of any size",
}
"""Every command, in the order of the help; `api/commands/<name>_command.py` holds its function or
its own group of commands as `command`."""


def application(arguments: Sequence[str]) -> typer.Typer:
    """The command line, with the one command `arguments` name loaded; the others are known by name
    and help alone, so that `aisle search` does not wait for what `aisle index` needs."""
    app = typer.Typer(
        name="aisle",
        help="A product search engine for online shops.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, text in COMMANDS.items():
        loaded = _load(name) if name == asked else None
        if isinstance(loaded, typer.Typer):
            app.add_typer(loaded, name=name, help=text)
        elif loaded is not None:
            app.command(name)(loaded)
        else:
            app.command(name, help=text)(_unloaded)
    return app


def _load(name: str) -> Callable[..., None] | typer.Typer:
    loaded: Callable[..., None] | typer.Typer
    loaded = import_module(f"api.commands.{name}_command").command
    return loaded


def _unloaded() -> None:
    """Stands for a command that was not asked for."""


def main() -> None:
    """Runs the command line and exits with its code."""
    # FAISS reads it when it is loaded: one thread a search.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    arguments = sys.argv[1:]
    sys.exit(run(arguments))


def run(arguments: Sequence[str]) -> int:
    """Runs one command; returns its exit code."""
    try:
        application(arguments)(list(arguments))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except AisleError as error:
        return _fail(str(error), 2 if isinstance(error, BadInput | NotFound) else 1)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:
        # Whoever read standard output has seen enough; the interpreter must not flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}", 1)
    return 0


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"aisle: {' '.join(message.split())}\n")
    return code


if __name__ == "__main__":
    main()
