"""`aisle train`: ranking models from judgments; its parts `curve`, `encoder`, `cross-encoder`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.async_work import wait_for
from api.commands.options import DEFAULT_DATA, Impressions, Json, SeenBy

if TYPE_CHECKING:
    from collections.abc import Callable

    from training import Outcome, Plan, Tables

    Progress = Callable[[str, int, int | None], None]


class TrainingMode(StrEnum):
    """What is learned on."""

    full = "full"
    rerank = "rerank"


class WantedKind(StrEnum):
    """What is tried."""

    auto = "auto"
    linear = "linear"
    trees = "trees"
    blend = "blend"


PARTS = {
    "cross-encoder": "Learn to read queries and titles at once, for the order of the best hits",
    "curve": "Draw what a model gains with ever more judged queries",
    "encoder": "Adapt the text encoder to the catalogue",
}
"""What else can be trained; `train_<name>_command.py` holds each."""

Datas = Annotated[
    list[Path] | None,
    typer.Option("--data", help="The data directory. Repeat --data and --judgments for several."),
]
Judged = Annotated[
    list[Path] | None,
    typer.Option("--judgments", help="CSV, TSV or TREC qrels; one for each --data, in order."),
]
Mode = Annotated[
    TrainingMode,
    typer.Option(help="Learn on what is found, or on the judged products only."),
]
Depth = Annotated[int, typer.Option(help="Candidates that the model orders.", min=10)]

command = typer.Typer(invoke_without_command=True)


@command.callback()
def train_models(
    context: typer.Context,
    data: Datas = None,
    judgments: Judged = None,
    model: Annotated[
        Path, typer.Option("--out", help="The model file; of several, their common beginning.")
    ] = Path("model.json"),
    mode: Mode = TrainingMode.full,
    kind: Annotated[
        WantedKind, typer.Option(help="Kinds to try; the fused order is always among them.")
    ] = WantedKind.auto,
    seeds: Annotated[
        int | None, typer.Option(help="How often to split the queries; 3, or 1 of many.", min=1)
    ] = None,
    folds: Annotated[int, typer.Option(help="Parts of each split.", min=2)] = 5,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds after which no further split is begun.", min=0)
    ] = None,
    depth: Depth = 200,
    events: Annotated[
        list[Path] | None,
        typer.Option(
            help="Learn from clicks: a data directory, a file of UBI events or of sessions; again"
            " for more. Judgments are then optional."
        ),
    ] = None,
    learner: Annotated[
        str, typer.Option(help="With --events: how to learn; all compares every learner.")
    ] = "eb-labels",
    judgment_weight: Annotated[
        float,
        typer.Option(
            help="With --events: how many looks by a shopper a judgment counts as.", min=0
        ),
    ] = 10.0,
    graded: Annotated[
        bool,
        typer.Option("--graded", help="With --events: count carts and purchases above clicks."),
    ] = False,
    window_days: Annotated[
        float, typer.Option(help="With --events: days that count, 0 for all.", min=0)
    ] = 30.0,
    impressions: Impressions = SeenBy.auto,
    json: Json = False,
) -> None:
    """Train a ranking model from judgments or clicks, and say what it gains on queries never seen
    or on later clicks."""
    if context.invoked_subcommand is not None:
        return
    if events:
        _train_on_clicks(
            (data, judgments),
            events,
            model,
            (learner, judgment_weight, graded, window_days, depth, impressions),
            json,
        )
        return
    from api.commands.console import out, print_json
    from training import Plan, format_report, report_json

    plan = Plan(kind.value, seeds, folds, time_limit, depth)
    outcomes = _train_all(pairs(data, judgments), model, mode, plan)
    if json:
        print_json(report_json(outcomes))
    else:
        out.print(format_report(outcomes))


def _train_on_clicks(
    places: tuple[list[Path] | None, list[Path] | None],
    events: list[Path],
    model: Path,
    choices: tuple[str, float, bool, float | None, int, SeenBy],
    json: bool,
) -> None:
    from api.click_training import ClickTask, train_from_clicks
    from api.commands.console import out, print_json, say, stages
    from training.clicks import GRADES, Reading
    from training.learners.registry import learners_named
    from training.learners.report import click_report_json, format_click_report
    from training.learners.training import ClickPlan

    learner, weight, graded, window, depth, seen = choices
    learners_named(learner)
    data, judgments = _at_most_one(*places)
    task = ClickTask(
        data,
        tuple(events),
        model,
        ClickPlan(learner, weight, depth=depth),
        judgments,
        Reading(GRADES if graded else None, window or None, impressions=seen.value),
    )
    with _interruptible(model), stages() as progress:
        found = wait_for(train_from_clicks(task, say, progress))
    if json:
        print_json(click_report_json(found, str(model)))
    else:
        out.print(format_click_report(found, str(model)))


def _at_most_one(data: list[Path] | None, judgments: list[Path] | None) -> tuple[Path, Path | None]:
    from search.errors import BadInput

    for name, given in (("data", data), ("judgments", judgments)):
        if given and len(given) > 1:
            raise BadInput(
                f"--events learns for one index at a time; give --{name} once", field=name
            )
    return (data[0] if data else DEFAULT_DATA), (judgments[0] if judgments else None)


def pairs(data: list[Path] | None, judgments: list[Path] | None) -> list[tuple[Path, Path]]:
    """Each data directory with its judgments.

    Raises:
        BadInput: no judgments, or not as many as directories.
    """
    from search.errors import BadInput

    if not judgments:
        raise BadInput(
            "name a file of judgments: --judgments FILE, or a log of clicks: --events PATH",
            field="judgments",
        )
    places = data or [DEFAULT_DATA]
    if len(places) != len(judgments):
        raise BadInput(
            f"{len(places)} data directories for {len(judgments)} files of judgments;"
            " give one --judgments for each --data",
            field="judgments",
        )
    return list(zip(places, judgments, strict=True))


def _train_all(
    wanted: list[tuple[Path, Path]],
    model: Path,
    mode: TrainingMode,
    plan: Plan,
) -> list[Outcome]:
    from api.commands.console import stages
    from api.judged_before import marks_of
    from rankers import save_model
    from training import Outcome
    from training.train import train

    outcomes = []
    for place, path in named_models(wanted, model):
        data, judgments = place
        with _interruptible(path, _CHEAPER), stages() as progress:
            tables, missed = read_tables(data, judgments, mode, plan.depth, progress)
            notes = {"data": str(data), "judgments": str(judgments), "mode": mode.value}
            trained = train(
                tables,
                path.stem,
                plan,
                {**notes, **marks_of(tables.texts)},
                partial(progress, "cross-validating, rankers fitted"),
                partial(progress, "training on all queries, rankers fitted"),
            )
        save_model(trained.model, path)
        outcomes.append(Outcome(str(data), str(path), trained, missed, _next(*place, path, mode)))
    return outcomes


_CHEAPER = "A cheaper run: --seeds 1 --folds 2 --kind linear --depth 50"


@contextmanager
def _interruptible(path: Path, hint: str = "") -> Iterator[None]:
    """Says at Ctrl-C what became of the model; the exit code is 130."""
    from api.commands.console import say

    try:
        yield
    except KeyboardInterrupt:
        ending = f". {hint}" if hint else ""
        say(f"aisle: interrupted; {path} was not written, the next call begins anew{ending}")
        raise typer.Exit(130) from None


def named_models(
    wanted: list[tuple[Path, Path]], model: Path
) -> list[tuple[tuple[Path, Path], Path]]:
    """Where each model goes: one where it was said, several beside each other.

    Raises:
        BadInput: there is no such folder, or two would have the same name.
    """
    from search.errors import BadInput

    if not model.resolve().parent.is_dir():
        raise BadInput(f"there is no folder {model.parent} to write {model.name} to", field="out")
    if len(wanted) == 1:
        return [(wanted[0], model)]
    suffix = model.suffix or ".json"
    paths = [model.with_name(f"{model.stem}-{data.resolve().name}{suffix}") for data, _ in wanted]
    if len(set(paths)) < len(paths):
        raise BadInput("two data directories have the same name; train them one by one")
    return list(zip(wanted, paths, strict=True))


def read_tables(
    data: Path, judgments: Path, mode: TrainingMode, depth: int, progress: Progress
) -> tuple[Tables, tuple[str, ...]]:
    """The candidates of the judged queries with their features."""
    from api.settings import load_settings
    from api.training import collect
    from eval import load_judgments
    from search.build import open_search

    async def read() -> tuple[Tables, tuple[str, ...]]:
        judged = load_judgments(judgments)
        search = await open_search(load_settings(data))
        try:
            return await collect(
                search,
                judged,
                mode=mode.value,
                depth=depth,
                progress=lambda done, total: progress("computing features", done, total),
            )
        finally:
            await search.close()

    return wait_for(read())


def _next(data: Path, judgments: Path, path: Path, mode: TrainingMode) -> str:
    ending = "" if mode is TrainingMode.full else f" --mode {mode.value}"
    return (
        f"aisle eval --data {data} --judgments {judgments} --systems hybrid,ltr:{path}{ending}"
        " (on the queries it learned from: expect more than the figures above)"
    )


for _name, _help in PARTS.items():
    _module = f"api.commands.train_{_name.replace('-', '_')}_command"
    if find_spec(_module):
        _loaded = import_module(_module).command
        if isinstance(_loaded, typer.Typer):
            command.add_typer(_loaded, name=_name, help=_help)
        else:
            command.command(_name, short_help=_help)(_loaded)
