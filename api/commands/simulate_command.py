"""`aisle simulate`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from api.simulation import Shoppers
    from api.simulation.offline import Simulated
    from api.simulation.server import Experience
    from api.simulation.tally import Tally
    from training.simulation import ClickModel

_TOP = 10
"""Positions that the report shows."""


def command(
    data: Data = DEFAULT_DATA,
    url: Annotated[
        str | None, typer.Option(help="A running server to search; else DATA's log is written.")
    ] = None,
    shoppers: Annotated[int, typer.Option(help="How many of them.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed, the same shoppers.", min=0)] = 0,
    model: Annotated[
        str, typer.Option("--click-model", help="joachims, ultra, trust, cascade or dbn.")
    ] = "ultra",
    judgments: Annotated[
        Path | None, typer.Option(help="What is right; DATA/shop/judgments.csv unless named.")
    ] = None,
    taste: Annotated[
        float, typer.Option(help="How far shoppers differ in brands and prices, in grades.", min=0)
    ] = 0.4,
    positions: Annotated[int, typer.Option(help="Hits on a page.", min=2, max=100)] = 10,
    rate: Annotated[
        float | None, typer.Option(help="With --url: searches a second, else all it can.", min=0.01)
    ] = None,
    concurrency: Annotated[
        int, typer.Option(help="With --url: shoppers at once.", min=1, max=1000)
    ] = 8,
    spread_days: Annotated[
        float, typer.Option(help="Without --url: the days the visits lie in.", min=0.01)
    ] = 14.0,
    until: Annotated[
        datetime | None,
        typer.Option(help="Without --url: when these end (UTC); the last midnight unless given."),
    ] = None,
    system: Annotated[
        str | None, typer.Option(help="Without --url: what answers, such as hybrid.")
    ] = None,
    swap: Annotated[
        float,
        typer.Option(
            help="Without --url: probability that neighbors change places, from the top on; 0"
            " leaves it to the settings (exploration).",
            min=0,
            max=0.5,
        ),
    ] = 0.0,
    json: Json = False,
) -> None:
    """Send shoppers with known tastes: to a server, or for many days straight into a log."""
    from api.commands.console import out, print_json, stages
    from api.simulation import Shoppers, Taste, read_truth
    from training.simulation import click_model

    chosen = click_model(model)
    truth = read_truth(judgments or data / "shop" / "judgments.csv")
    crowd = Shoppers(truth, shoppers, seed, Taste(taste, taste))
    with stages(quiet=json) as progress:
        if url is not None:
            met = _walk(url, crowd, chosen, (rate, concurrency, positions), progress)
            about, tally = _met(met), met.tally
        else:
            found = _write(
                data, crowd, chosen, (spread_days, until, positions, system, swap), progress
            )
            about, tally = _kept(found), found.tally
    about |= {"click_model": chosen.name, "seed": seed, "positions": _rates(tally)}
    if json:
        print_json(about)
    else:
        _print(out, about)


def _walk(
    url: str,
    crowd: Shoppers,
    model: ClickModel,
    load: tuple[float | None, int, int],
    progress: Any,
) -> Experience:
    from api.simulation.server import Load, Street

    rate, concurrency, positions = load
    street = Street(url, crowd, model, Load(rate, concurrency, positions))
    return asyncio.run(street.walk(progress))


def _write(
    data: Path,
    crowd: Shoppers,
    model: ClickModel,
    plan: tuple[float, datetime | None, int, str | None, float],
    progress: Any,
) -> Simulated:
    from api.settings import load_settings
    from api.simulation.offline import Plan, simulate_log
    from search.build import open_search
    from search.settings import ExplorationSettings

    days, until, positions, system, swap = plan
    settings = load_settings(data)
    chance = (
        ExplorationSettings(method="swap", probability=swap, first=1, last=positions)
        if swap
        else settings.exploration
    )

    async def write() -> Simulated:
        search = await open_search(settings)
        try:
            wanted = Plan(crowd, model, _end(until), days, positions, system, chance)
            return await simulate_log(settings.data, search, wanted, progress)
        finally:
            await search.close()

    return asyncio.run(write())


def _end(until: datetime | None) -> float:
    if until is None:
        until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp()


def _met(met: Experience) -> dict[str, Any]:
    """What shoppers met on a server."""
    from api.simulation.server import percentile

    answered = len(met.latencies)
    return {
        **_done(met.tally, met.shoppers),
        "empty": met.empty,
        "seconds": round(met.seconds, 3),
        "searches_per_second": round(answered / met.seconds, 1) if met.seconds else 0.0,
        "search_ms": _times(met.latencies, percentile),
        "events_ms": _times(met.event_latencies, percentile),
        "errors": dict(met.errors),
        "events": {"sent": met.sent, **met.events},
    }


def _times(seconds: list[float], percentile: Any) -> dict[str, float]:
    return {f"p{round(share * 100)}": round(percentile(seconds, share), 2) for share in (0.5, 0.99)}


def _kept(found: Simulated) -> dict[str, Any]:
    """What was written to a log."""
    return {
        **_done(found.tally, found.shoppers),
        "kept": {"searches": found.searches_kept, "events": found.events_kept},
    }


def _done(tally: Tally, shoppers: int) -> dict[str, Any]:
    return {
        "shoppers": shoppers,
        "searches": tally.searches,
        "clicks": tally.clicks,
        "carts": tally.carts,
        "purchases": tally.purchases,
    }


def _rates(tally: Tally) -> list[dict[str, Any]]:
    return [asdict(each) for each in tally.rates()]


def _print(out: Any, about: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("position", "shown", "clicked", "rate", "as stated")
    for each in about["positions"][:_TOP]:
        stated = "–" if each["stated"] is None else f"{each['stated']:.4f}"
        table.add_row(
            str(each["position"]),
            f"{each['impressions']:,}",
            f"{each['clicks']:,}",
            f"{each['rate']:.4f}",
            stated,
        )
    out.print(table)
    out.print(
        f"{about['shoppers']:,} shoppers, {about['searches']:,} searches, {about['clicks']:,} "
        f"clicks, {about['carts']:,} carts, {about['purchases']:,} purchases "
        f"({about['click_model']}, seed {about['seed']})",
        markup=False,
    )
    out.print(_outcome(about), markup=False)


def _outcome(about: dict[str, Any]) -> str:
    """What became of it, in sentences."""
    kept = about.get("kept")
    if kept is not None:
        new = f"New in the log: {kept['searches']:,} searches and {kept['events']:,} events"
        return new + " (application simulation)."
    times, events = about["search_ms"], about["events"]
    faults = ", ".join(f"{name} {count}" for name, count in about["errors"].items()) or "none"
    return (
        f"{about['searches_per_second']:,} searches a second, p50 {times['p50']} ms, "
        f"p99 {times['p99']} ms; errors: {faults}. Events: {events['sent']:,} sent, "
        f"{events.get('accepted', 0):,} accepted, {events.get('duplicates', 0):,} of them known, "
        f"{events.get('quarantined', 0):,} set aside, {events.get('refused', 0):,} refused."
    )
