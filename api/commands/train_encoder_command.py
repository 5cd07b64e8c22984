"""`aisle train encoder`."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.async_work import wait_for
from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from api.encoder_training import EncoderPlan, Outcome


class Device(StrEnum):
    """What fine-tuning runs on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class EncoderMode(StrEnum):
    """What judged products are compared with."""

    full = "full"
    rerank = "rerank"


Judged = Annotated[
    Path | None,
    typer.Option("--judgments", help="CSV, TSV or TREC qrels; without, nothing is adopted."),
]


def command(
    data: Data = DEFAULT_DATA,
    judgments: Judged = None,
    directory: Annotated[
        Path | None,
        typer.Option("--out", help="Where the encoder goes, adopted or not; DATA/encoders if so."),
    ] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the examples.", min=1)] = 1,
    pairs: Annotated[
        int, typer.Option(help="Examples made from the catalogue itself.", min=0)
    ] = 3000,
    holdout: Annotated[
        float, typer.Option(help="Share of judged queries to test on.", min=0.05, max=0.9)
    ] = 0.2,
    mode: Annotated[
        EncoderMode, typer.Option(help="Search everything, or order the judged products only.")
    ] = EncoderMode.full,
    device: Annotated[Device, typer.Option(help="auto is a GPU where there is one.")] = Device.auto,
    seed: Annotated[int, typer.Option(help="Seed of the split and of learning.")] = 0,
    json: Json = False,
) -> None:
    """Adapt the text encoder to the catalogue, and adopt it if held-out queries gain by it."""
    from api.commands.console import out, print_json
    from api.encoder_training import EncoderPlan
    from training.encoder.tuning import Recipe

    plan = EncoderPlan(
        recipe=Recipe(epochs=epochs),
        pairs=pairs,
        holdout=holdout,
        mode=mode.value,
        device=device.value,
        seed=seed,
        out=directory,
    )
    outcome = wait_for(_train(data, judgments, plan))
    if json:
        print_json(_values(outcome))
    else:
        for line in _lines(outcome):
            out.print(line, markup=False, soft_wrap=True)


async def _train(data: Path, judgments: Path | None, plan: EncoderPlan) -> Outcome:
    from api.commands.console import stages
    from api.encoder_training import train_encoder
    from api.settings import load_settings
    from eval import load_judgments
    from search.build import open_search

    judged = load_judgments(judgments) if judgments is not None else None
    search = await open_search(load_settings(data))
    try:
        with stages() as progress:
            return await train_encoder(search, judged, plan, progress)
    finally:
        await search.close()


def _values(outcome: Outcome) -> dict[str, Any]:
    verdict = outcome.verdict
    return {
        "adopted": verdict.adopted,
        "reason": verdict.reason,
        "encoder": outcome.encoder,
        "directory": str(outcome.directory) if outcome.directory else None,
        "base": outcome.base,
        "fidelity": outcome.fidelity,
        "share": None if outcome.choice is None else outcome.choice.tuned,
        "validation": None
        if outcome.choice is None
        else {str(share): mean for share, mean in outcome.choice.means.items()},
        "examples": outcome.examples,
        "queries": outcome.queries,
        "gains": {name: asdict(gain) for name, gain in verdict.gains.items()},
        "loss": outcome.loss,
        "seconds": {step: round(taken, 1) for step, taken in outcome.seconds.items()},
    }


def _lines(outcome: Outcome) -> list[str]:
    """The finding, the figures, and what to do next."""
    verdict = outcome.verdict
    head = "Adopted" if verdict.adopted else "Not adopted, the base encoder stays"
    lines = [f"{head}: {verdict.reason}."]
    for name, gain in verdict.gains.items():
        lines.append(
            f"  {name:6} nDCG@10 {gain.base:.4f} base, {gain.adapted:.4f} adapted:"
            f" {gain.delta:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}], p = {gain.p:.3g}"
        )
    lines.append(
        f"Learned from {outcome.examples['catalogue']:,} examples of the catalogue and"
        f" {outcome.examples['judged']:,} judged queries in {sum(outcome.seconds.values()):.0f} s;"
        f" its int8 export has cosine {outcome.fidelity['min']:.4f} or more to it."
    )
    if outcome.directory is not None:
        name = outcome.encoder if verdict.adopted else str(outcome.directory)
        lines.append(
            f'To use it, set `encoder = "{name}"` under [meaning] in aisle.toml, and run'
            " `aisle index` with the catalogue again: products and queries need the same encoder."
        )
    return lines
