"""The options that say what must not break, of rollouts and A/B tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eval.experiments import Guardrails

P99 = Annotated[float, typer.Option(help="Milliseconds; 0: off.", min=0, max=5_000)]
ClickRate = Annotated[
    float, typer.Option(help="Least clicks a search, in times the baseline's; 0: off.", min=0)
]
Errors = Annotated[
    float, typer.Option(help="Failures in percent beyond the baseline's; 0: off.", min=0)
]
ZeroResults = Annotated[float, typer.Option(help="Searches without hits, likewise; 0: off.", min=0)]
Revenue = Annotated[
    float, typer.Option(help="Least revenue a session, in times the baseline's.", min=0)
]
Least = Annotated[int, typer.Option(help="Requests of each arm before guardrails judge.", min=1)]


def guardrails(
    p99: float, click_rate: float, errors: float, zero_results: float, revenue: float, least: int
) -> Guardrails:
    """What the options say."""
    from eval.experiments import Guardrails

    return Guardrails(
        p99 or None,
        click_rate or None,
        errors / 100 or None,
        zero_results / 100 or None,
        revenue or None,
        least,
    )
