"""The options that say what must not break, of rollouts and A/B tests, declared once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from eval.experiments import Guardrails

_TAKES = "limits"
"""The parameter of a command in whose place the options stand."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the options say, one field each."""

    p99: Annotated[float, typer.Option(help="Milliseconds at most; 0: off.", min=0, max=5_000)] = (
        100
    )
    click_rate: Annotated[
        float, typer.Option(help="Least clicks a search, in times the baseline's; 0: off.", min=0)
    ] = 0.8
    errors: Annotated[
        float, typer.Option(help="Failures in percent beyond the baseline's; 0: off.", min=0)
    ] = 1.0
    zero_results: Annotated[
        float, typer.Option(help="Searches without hits, likewise; 0: off.", min=0)
    ] = 5.0
    revenue: Annotated[
        float, typer.Option(help="Least revenue a session, in times the baseline's.", min=0)
    ] = 0.0
    least: Annotated[
        int, typer.Option(help="Requests of each arm before guardrails judge.", min=1)
    ] = 200

    def guardrails(self) -> Guardrails:
        """The same for experiments: shares for percents, nothing for what is off."""
        from eval.experiments import Guardrails

        return Guardrails(
            self.p99 or None,
            self.click_rate or None,
            self.errors / 100 or None,
            self.zero_results / 100 or None,
            self.revenue or None,
            self.least,
        )


def with_limits(command: Callable[..., None]) -> Callable[..., None]:
    """A command that has the options of `Limits`, and is given them as its parameter `limits`."""
    hints = get_type_hints(Limits, include_extras=True)
    options = [
        Parameter(
            each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name]
        )
        for each in fields(Limits)
    ]
    own = signature(command, eval_str=True)
    parameters: list[Parameter] = []
    for parameter in own.parameters.values():
        wanted = options if parameter.name == _TAKES else [parameter]
        parameters += [each.replace(kind=Parameter.KEYWORD_ONLY) for each in wanted]

    @wraps(command)
    def taking(**given: Any) -> None:
        limits = Limits(**{option.name: given.pop(option.name) for option in options})
        command(**given, **{_TAKES: limits})

    # What typer makes options of; annotations are told twice, as it reads them from both.
    taking.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    taking.__annotations__ = {each.name: each.annotation for each in parameters}
    return taking
