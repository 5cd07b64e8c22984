"""`/lab/models`: the registry, and what the gate said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from api.commands.models_about import held_out, shown
from api.lab.lab import Lab
from api.lab.page import Asked, Block, Cell, Facts, Field, Form, Notes, Page, Table
from api.lab.text import cut, matching, moment, number, plural, when, words

if TYPE_CHECKING:
    from training.registry import Change, Entry, ModelRegistry

FUSED = "the fused order"
_RETRAIN = "aisle retrain --data DATA"
_TRAIN = "aisle train --help"
_LONG = 600


def open_registry(lab: Lab) -> ModelRegistry:
    """The models; what it needs is loaded only now.

    Raises:
        BadInput, StorageFailed: see `api.registry.registry_of`.
    """
    from api.registry import registry_of

    return registry_of(lab.settings)


def models_page(lab: Lab, asked: Asked) -> Page:
    """Every model that is kept, what serves, and what served."""
    registry = open_registry(lab)
    entries, history = registry.entries(), registry.history()
    serving = registry.serving()
    rows = matching([_row(each, serving) for each in entries], asked.get("q"))
    heads = ("version", "name", "kind", "made (UTC)", "learned by", "gate", "state")
    empty = "No model matches." if entries else ""
    field = Field("q", "Version, name or state", asked.get("q"))
    blocks: list[Block] = [Form("filter", asked.path, "Find", (field,))] if entries else []
    blocks.append(cut(asked, Table("models", "Models", heads, rows, empty)))
    if not entries:
        blocks.append(Notes(["Learn one from clicks:"], _RETRAIN.replace("DATA", str(lab.data))))
        blocks.append(Notes(["Or from judgments:"], _TRAIN))
    if history:
        blocks.append(cut(asked, _history(history), "history"))
    return Page("Models", serving_since(serving, history), blocks)


def model_page(lab: Lab, asked: Asked) -> Page:
    """One model: every check of the gate, and what it was made from.

    Raises:
        NotFound: there is none of this version.
    """
    registry = open_registry(lab)
    entry = registry.entry(asked.names["version"])
    verdict = entry.verdict or {}
    checks = verdict.get("checks", ())
    rows = [
        (
            words(check["name"]),
            words("passed" if check["passed"] else "refused"),
            words(check["sentence"]),
            # Speed is no difference of anything over queries.
            *(
                number(check.get(key) if units else None, "+.4f")
                for key in ("delta", "low", "high")
            ),
            number(units or None),
        )
        for check in checks
        for units in [check.get("units", check.get("queries"))]
    ]
    heads = ("check", "answer", "finding", "difference", "low", "high", "asked of")
    empty = "The gate was not asked."
    made = [
        ("name", words(entry.name)),
        ("kind", words(entry.kind)),
        ("made", words(f"{moment(entry.created)} UTC")),
        ("found then", words(shown(held_out(entry.metrics)))),
        *(
            (name.replace("_", " "), words(_cut(shown(each))))
            for name, each in entry.lineage.items()
        ),
    ]
    table = Table("gate", "What the gate asked", heads, rows, empty)
    sentence = _judged(entry, registry.serving())
    above = ("/lab/models", "Models")
    return Page(
        f"{entry.name} {entry.version}", sentence, [table, Facts("Lineage", made)], above=above
    )


def serving_since(serving: str | None, history: Sequence[Change]) -> str:
    """What serves, and since when."""
    named = f"Model {serving}" if serving else "No model: the fused order"
    last = history[-1] if history else None
    if last is None or last.version != (serving or ""):
        return f"{named} serves{'' if serving is None else ', put there without the registry'}."
    why = f" ({last.reason})" if last.reason else ""
    return f"{named} serves since {moment(last.time)} UTC{why}."


def _row(entry: Entry, serving: str | None) -> tuple[Cell, ...]:
    return (
        words(entry.version, f"/lab/models/{entry.version}"),
        words(entry.name),
        words(entry.kind),
        when(entry.created),
        words(str(entry.lineage.get("learner") or "judgments")),
        words(_gate(entry.verdict)),
        words("serves" if entry.version == serving else ""),
    )


def _gate(verdict: Mapping[str, Any] | None) -> str:
    if verdict is None:
        return "not asked"
    refused = [check["name"] for check in verdict.get("checks", ()) if not check["passed"]]
    return "passed" if verdict.get("passed") else f"refused: {', '.join(refused) or 'see there'}"


def _judged(entry: Entry, serving: str | None) -> str:
    serves = "It serves." if entry.version == serving else "It does not serve."
    if entry.verdict is None:
        return f"The gate was not asked about this model. {serves}"
    checks = entry.verdict.get("checks", ())
    refused = sum(not check["passed"] for check in checks)
    if entry.verdict.get("passed"):
        return f"The gate let it pass: {plural(len(checks), 'check')}. {serves}"
    return f"The gate refused it: {refused} of {plural(len(checks), 'check')} failed. {serves}"


def _history(history: Sequence[Change]) -> Table:
    rows = [
        (
            when(change.time),
            words(change.action),
            words(change.version or FUSED),
            words(change.before or FUSED),
            words(change.reason),
        )
        for change in reversed(history)
    ]
    heads = ("when (UTC)", "what", "serves then", "served before", "why")
    return Table("history", "What served, the latest first", heads, rows)


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else text[:_LONG] + "…"
