"""`aisle judgments`: a click log becomes a file of judgments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.commands.options import Impressions, Json, SeenBy


def command(
    events: Annotated[
        list[Path],
        typer.Option(
            "--events", help="A data directory, a log, or a file of events; may be repeated."
        ),
    ],
    out_file: Annotated[Path, typer.Option("--out", help="The CSV file to write.")],
    estimator: Annotated[
        str, typer.Option(help="What estimates how likely positions are looked at.")
    ] = "poisson",
    grades: Annotated[
        str | None,
        typer.Option(help="Amounts by action; click=2,add_to_cart=3,purchase=4 unless given."),
    ] = None,
    levels: Annotated[int, typer.Option(help="Ratings go from 0 to one less.")] = 5,
    least: Annotated[
        float, typer.Option(help="Leave out products looked at less often for a query.")
    ] = 1.0,
    window_days: Annotated[float, typer.Option(help="How far back; 0 takes everything.")] = 30.0,
    half_life_days: Annotated[
        float | None, typer.Option(help="Days after which a search counts half.")
    ] = None,
    depth: Annotated[int, typer.Option(help="Leave out what stood lower on the page.")] = 50,
    impressions: Impressions = SeenBy.auto,
    json: Json = False,
) -> None:
    """Rate products for queries by what shoppers did, corrected for position.

    In the file, impressions is how often the product was shown for the query,
    amount the sum of the most that was done each time (--grades: a click is 2),
    low and high the 95% interval of the rating.
    """
    from api.commands.console import out, print_json, say
    from training.clicks import (
        GRADES,
        Reading,
        judgments_from_clicks,
        read_graded,
        write_judgments,
    )
    from training.propensity import estimator as method

    amounts = _amounts(grades) if grades else GRADES
    log, graded = read_graded(
        events,
        Reading(
            amounts,
            window_days or None,
            half_life_days,
            depth=depth,
            impressions=impressions.value,
        ),
    )
    for remark in log.remarks:
        say(remark)
    propensities = method(estimator)(log.counts)
    found = judgments_from_clicks(graded, propensities, levels=levels, least=least)
    write_judgments(found, out_file)
    ratings = {str(rating): int((found.ratings == rating).sum()) for rating in range(levels)}
    if json:
        queries = len(set(found.queries))
        told = {"queries": queries, "judgments": len(found.products), "ratings": ratings}
        print_json({**told, "estimator": propensities.estimator, "path": str(out_file)})
    else:
        spread = ", ".join(f"{count:,} of {rating}" for rating, count in ratings.items())
        out.print(
            f"{out_file}: {len(found.products):,} products rated ({spread})",
            markup=False,
            soft_wrap=True,
        )


def _amounts(text: str) -> dict[str, float]:
    """`click=2,purchase=4` as a mapping."""
    from search.errors import BadInput

    try:
        pairs = [part.split("=") for part in text.split(",")]
        return {name.strip(): float(amount) for name, amount in pairs}
    except ValueError:
        raise BadInput(
            f"grades {text!r} cannot be read; write them as click=2,add_to_cart=3", field="grades"
        ) from None
