"""`aisle train cross-encoder`."""

from __future__ import annotations

import signal
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.async_work import wait_for
from api.commands.options import DEFAULT_DATA, Data, Json
from api.commands.train_encoder_command import Device, EncoderMode

if TYPE_CHECKING:
    from api.cross_encoder_training import CrossEncoderPlan, Outcome


def command(
    judgments: Annotated[
        Path, typer.Option("--judgments", help="CSV, TSV or TREC qrels.", show_default=False)
    ],
    data: Data = DEFAULT_DATA,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Where the cross-encoder goes, adopted or not; DATA/encoders if so."
        ),
    ] = None,
    mode: Annotated[
        EncoderMode, typer.Option(help="Order what is found, or the judged products only.")
    ] = EncoderMode.full,
    epochs: Annotated[int, typer.Option(help="Passes over the judged products.", min=1)] = 1,
    folds: Annotated[int, typer.Option(help="Parts of the queries.", min=2)] = 5,
    tested: Annotated[
        int | None,
        typer.Option(help="Parts that are tested on, each by what the others teach; all.", min=2),
    ] = None,
    read: Annotated[int, typer.Option(help="The best hits that are read.", min=2, max=100)] = 20,
    device: Annotated[Device, typer.Option(help="auto is a GPU where there is one.")] = Device.auto,
    seed: Annotated[int, typer.Option(help="Seed of the split and of learning.")] = 0,
    json: Json = False,
) -> None:
    """Learn to read queries and titles at once, and keep it if queries never seen gain by it.

    Broken off, it goes on where it was when it is run again. With --json the four numbers of each
    `ndcg` are nDCG at 1, 3, 5 and 10, as `cutoffs` says.
    """
    from api.commands.console import out, print_json
    from api.cross_encoder_training import CrossEncoderPlan
    from training.cross_encoder.tuning import Recipe

    plan = CrossEncoderPlan(
        recipe=Recipe(epochs=epochs),
        folds=folds,
        tested=tested,
        read=read,
        mode=mode.value,
        device=device.value,
        seed=seed,
        out=directory,
    )
    outcome = wait_for(_train(data, judgments, plan))
    if json:
        print_json(_values(outcome))
    else:
        for line in _lines(outcome, directory):
            out.print(line, markup=False, soft_wrap=True)


async def _train(data: Path, judgments: Path, plan: CrossEncoderPlan) -> Outcome:
    from api.commands.console import say, stages
    from api.cross_encoder_training import train_cross_encoder
    from api.settings import load_settings
    from eval import load_judgments
    from search.build import open_search

    judged = load_judgments(judgments)
    # Learning never waits, so that the loop would tell of Ctrl-C only at its end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    search = await open_search(load_settings(data))
    try:
        with stages() as progress:
            return await train_cross_encoder(search, judged, plan, progress, say)
    except KeyboardInterrupt:
        say("broken off; the same command goes on with the parts that are not done")
        raise
    finally:
        await search.close()


def _values(outcome: Outcome) -> dict[str, Any]:
    from training.measures import CUTOFFS

    combined = outcome.combined
    return {
        "adopted": outcome.adopted,
        "cross_encoder": outcome.directory.name if outcome.directory else None,
        "directory": str(outcome.directory) if outcome.directory else None,
        "base": outcome.base,
        "fidelity": outcome.fidelity,
        "queries": outcome.queries,
        "pairs": outcome.pairs,
        "missed_queries": list(outcome.missed),
        "weight": combined.weight,
        "weights": list(combined.weights),
        "cutoffs": list(CUTOFFS),
        "orders": {name: asdict(order) for name, order in combined.orders.items()},
        "gain": asdict(combined.gain),
        "over_hybrid": asdict(combined.over_fused),
        "pairwise_gain": asdict(combined.pairwise) if combined.pairwise else None,
        "seconds": {step: round(taken, 1) for step, taken in outcome.seconds.items()},
    }


def _lines(outcome: Outcome, out: Path | None = None) -> list[str]:
    """The finding, the figures, and what to do next."""
    combined, gain = outcome.combined, outcome.combined.gain
    head = "Adopted" if outcome.adopted else "Not adopted"
    why = "" if outcome.adopted else ": it does not help" if gain.delta <= 0 else ": may be chance"
    lines = [
        f"{head}: nDCG@10 changes by {gain.delta:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}],"
        f" p = {gain.p:.3g}, on {outcome.queries:,} queries out of fold{why}."
    ]
    for name, order in combined.orders.items():
        pairs = "" if order.pairwise is None else f", pairs in order {order.pairwise:.3f}"
        lines.append(f"  {_NAMES[name]:30} nDCG@10 {order.ndcg[-1]:.4f}{pairs}")
    over = combined.over_fused
    lines.append(
        f"  {'both, above hybrid search':30} {over.delta:+.4f}"
        f" [{over.low:+.4f}, {over.high:+.4f}], p = {over.p:.3g}"
    )
    lines.append(
        f"Learned from {outcome.pairs:,} pairs of a query and a judged product"
        f" in {sum(outcome.seconds.values()):,.0f} s."
    )
    lines.append(f"It counts {combined.weight:g} times as much as the model, spread for spread.")
    if outcome.directory is not None:
        lines.append(_how_to_use(outcome.directory, combined.weight, in_place=out is None))
    return lines


def _how_to_use(directory: Path, weight: float, *, in_place: bool) -> str:
    if not weight:
        return f"{directory} is there to look at: at a weight of 0 it changes no order."
    copy = "" if in_place else f"copy {directory} into DATA/encoders, "
    return (
        f'To use it, {copy}set `cross_encoder = "{directory.name}"` under [ranking] in aisle.toml,'
        " or under [systems.NAME.ranking] to compare it first, and start `aisle serve` again."
    )


_NAMES = {
    "without": "the model chosen in each fold",
    "with": "with the cross-encoder",
    "alone": "the cross-encoder alone",
}
