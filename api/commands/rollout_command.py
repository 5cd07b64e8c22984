"""`aisle rollout`."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.guardrail_options import Limits, with_limits
from api.commands.options import DEFAULT_DATA, Data, Json, at

if TYPE_CHECKING:
    from api.experiments.seams import ExperimentStore
    from api.settings import AppSettings
    from eval.experiments import Experiment, Ramp
    from eval.experiments.ramp import Decision

command = typer.Typer(
    no_args_is_help=True,
    help="Give a model to more and more shoppers: 5, 10, 25, 50, then 100%, each step when the "
    "guardrails hold; running servers do it, and take it back when one surely breaks. "
    "aisle experiment stop --all stops rollouts too.",
)

Name = Annotated[str, typer.Argument(help="The rollout's name.")]
Why = Annotated[str, typer.Option("--reason", help="Why, for its history.")]


@command.command("start")
@with_limits
def start(
    name: Annotated[str, typer.Argument(help="Its name, never used before: a-z, 0-9, _, -, .")],
    model: Annotated[
        str,
        typer.Option(
            help="The candidate: a version of the registry, a system by name, or ltr:FILE, a model"
            " file, which is added to the registry."
        ),
    ],
    baseline: Annotated[
        str | None, typer.Option(help="A system to compare with; what serves unless given.")
    ] = None,
    steps: Annotated[str, typer.Option(help="Shares in percent.")] = "5,10,25,50,100",
    minutes: Annotated[float, typer.Option(help="Minutes a step lasts at least.", min=0)] = 10,
    requests: Annotated[
        int, typer.Option(help="Requests with the candidate that a step lasts at least.", min=1)
    ] = 1_000,
    limits: Limits = Limits(),
    unit: Annotated[
        str, typer.Option(help="What is assigned: session, or client, who keeps what he has.")
    ] = "client",
    layer: Annotated[str, typer.Option(help="Its layer of experiments.")] = "ranking",
    traffic: Annotated[
        float, typer.Option(help="The share of its layer's units that the steps are of.")
    ] = 1.0,
    promote: Annotated[
        bool, typer.Option("--promote", help="At 100%, let the model serve without the rollout.")
    ] = False,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Start giving a model to shoppers, beginning with the first step."""
    from api.commands.console import out, print_json
    from api.experiments.creating import check_traffic, whole_layer
    from api.experiments.rolling import started
    from eval.experiments import Ramp

    check_traffic(traffic)

    ramp = Ramp(_shares(steps), minutes, requests, promote)
    settings, store = _open(data)
    made = started(
        settings, store, name, model, baseline, unit, layer, ramp, limits.guardrails(), traffic
    )
    if json:
        print_json(asdict(made))
    else:
        of = f"{traffic:.0%} of the {unit}s" if traffic < 1 else f"the {unit}s"
        out.print(
            f"{made.name}: {made.share:.0%} of {of} have {made.arms[1].system} from now on; running"
            f" servers take the next steps.{whole_layer(made)}",
            markup=False,
        )
        for what, why in (("status", "shows them"), ("stop", "gives everybody the baseline again")):
            line = f"  aisle rollout {what} {made.name}{at(data)}    {why}"
            out.print(line, markup=False, soft_wrap=True)


@command.command("status")
def status(
    name: Annotated[str | None, typer.Argument(help="One rollout; all unless given.")] = None,
    data: Data = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Show the rollouts: their shares, guardrails, and every change with its reason."""
    from api.commands.console import print_json
    from api.experiments.rolling import rollout_of, rollouts_of

    _, store = _open(data)
    found = rollouts_of(store) if name is None else [rollout_of(store, name)]
    told = [_status(store, each) for each in found]
    if json:
        print_json(told if name is None else told[0])
        return
    for each in told:
        _show(each)
    if not told:
        from api.commands.console import say

        say("there is no rollout; start one with aisle rollout start NAME --model VERSION")


@command.command("advance")
def advance(
    name: Name, reason: Why = "by hand", data: Data = DEFAULT_DATA, json: Json = False
) -> None:
    """Take the next step now, though the present one is not over; not while a guardrail breaks."""
    from api.experiments.rolling import advanced

    _, store = _open(data)
    _moved(advanced(store, name, reason, time.time()), json=json)


@command.command("back")
def back(
    name: Name, reason: Why = "by hand", data: Data = DEFAULT_DATA, json: Json = False
) -> None:
    """Go one step back; it grows again from there."""
    from api.experiments.rolling import taken_back

    _, store = _open(data)
    _moved(taken_back(store, name, reason, time.time()), json=json)


@command.command("stop")
def stop(
    name: Name, reason: Why = "by hand", data: Data = DEFAULT_DATA, json: Json = False
) -> None:
    """End a rollout, at 100% too: everybody has the baseline again. To end all experiments and
    rollouts at once: aisle experiment stop --all."""
    from api.commands.console import print_json, say
    from api.experiments.rolling import stopped

    _, store = _open(data)
    done = stopped(store, name, reason, time.time())
    if json:
        print_json(asdict(done))
    else:
        say(f"{name} is stopped: everybody has the baseline again.")


@command.command("promote")
def promote_command(name: Name, data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Let the model of a rollout that reached 100% serve without it."""
    from api.commands.console import print_json, say
    from api.experiments.rolling import promoted

    settings, store = _open(data)
    version = promoted(settings, store, name, time.time())
    if json:
        print_json({"rollout": name, "model": version})
    else:
        say(f"model {version} serves; {name} stops by itself.")


def _moved(experiment: Experiment, *, json: bool) -> None:
    from api.commands.console import print_json, say

    if json:
        print_json(asdict(experiment))
    else:
        say(f"{experiment.name} has {experiment.share:.0%} now.")


def _open(data: Any) -> tuple[AppSettings, ExperimentStore]:
    from api.experiments.opening import open_store
    from api.settings import load_settings, require_data

    settings = load_settings(data)
    require_data(settings.data)
    return settings, open_store(settings)


def _shares(text: str) -> tuple[float, ...]:
    from search.errors import BadInput

    try:
        return tuple(float(part.strip().removesuffix("%")) / 100 for part in text.split(","))
    except ValueError:
        raise BadInput(
            f"--steps {text[:60]!r}: write percents joined by commas, such as 5,10,25,50,100",
            field="steps",
        ) from None


def _status(store: ExperimentStore, experiment: Experiment) -> dict[str, Any]:
    from api.experiments.rolling import decision_now

    decision: Decision | None = None
    if experiment.status == "running":
        decision = decision_now(store, experiment, time.time())
    return {
        **asdict(experiment),
        "next": _next(experiment.ramp, experiment, decision),
        "guardrails_now": [asdict(one) for one in decision.checks] if decision else [],
        "history": [asdict(step) for step in store.history(experiment.name)],
    }


def _next(ramp: Ramp, experiment: Experiment, decision: Decision | None) -> str:
    if decision is None:
        return f"stopped: {experiment.reason}"
    return f"{decision.what}: {decision.reason}"


def _show(told: dict[str, Any]) -> None:
    from datetime import UTC, datetime

    from api.commands.console import out
    from api.experiments.text import guardrail_table

    systems = " → ".join(arm["system"] or "what serves" for arm in told["arms"])
    share = f"{told['share']:.0%}" if told["status"] == "running" else "stopped"
    out.print(f"{told['name']}: {systems}, {share}; {told['next']}", markup=False)
    if told["guardrails_now"]:
        out.print(guardrail_table(told["guardrails_now"]))
    for step in told["history"]:
        when = datetime.fromtimestamp(step["time"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        to = "" if step["share"] is None else f" {step['share']:.0%}"
        out.print(f"  {when}  {step['what']}{to}: {step['reason']}", markup=False)
    out.print()
