"""`aisle eval spelling`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from eval.spelling_quality import Answer, Share, SpellingReport
    from query.understanding import Understanding

Labels = Annotated[
    Path, typer.Argument(help="CSV with a header: query,expected (the same for a good query).")
]
Part = Annotated[str, typer.Option(help="Only labels whose column `part` says this.")]


def command(file: Labels, data: Data = DEFAULT_DATA, part: Part = "", json: Json = False) -> None:
    """Score spelling correction against labels, beside symspellpy alone and doing nothing."""
    from api.commands.console import out, print_json

    report = _evaluate(file, data, part)
    if json:
        print_json(report)
    else:
        out.print(_text(report), markup=False)


def _evaluate(file: Path, data: Path, part: str) -> SpellingReport:
    from eval.spelling_quality import (
        compound_lookup,
        do_nothing,
        evaluate_spelling,
        load_spelling_labels,
    )
    from query import normalize
    from query.spelling import shop_words
    from query.understanding import Understanding
    from search.engines.local.layout import DataLayout, read_current
    from search.errors import BadInput, NotFound

    labels = [label for label in load_spelling_labels(file) if part in ("", label.part)]
    if not labels:
        raise BadInput(f"{file} has no label whose part is {part}", field="part")
    directory = DataLayout(data).snapshot(read_current(data)).understanding
    if not (directory / "spelling").is_dir():
        raise NotFound(f"the index in {data} holds no spelling; index the catalogue again")
    understanding = Understanding.open(directory)
    systems = {
        "spelling": lambda text: _answer(understanding, text),
        "lookup_compound": compound_lookup(shop_words(directory / "spelling")),
        "nothing": do_nothing,
    }
    return evaluate_spelling(labels, systems, normalize)


def _answer(understanding: Understanding, text: str) -> Answer:
    from eval.spelling_quality import Answer
    from search.types import Query

    query = understanding.understand(Query(text=text))
    return Answer(query.corrected, query.spelling.text or query.corrected)


def _text(report: SpellingReport) -> str:
    lines = [f"{report.misspelled} misspelled, {report.good} good queries"]
    for name, quality in report.systems.items():
        lines.append(
            f"{name}: exact {_share(quality.exact)}, offered {_share(quality.offered)}, "
            f"good changed {_share(quality.changed)}, questioned {_share(quality.questioned)}"
        )
    for kind, quality_ in sorted(report.kinds.items()):
        lines.append(
            f"  {kind}: {quality_.exact} of {quality_.labels} exact, {quality_.offered} offered"
        )
    for failure in report.failures:
        offered = f", offered {failure.offered}" if failure.offered != failure.searched else ""
        lines.append(
            f"  failed: {failure.query} → {failure.searched} (meant {failure.expected}{offered})"
        )
    return "\n".join(lines)


def _share(share: Share) -> str:
    return f"{share.mean:.3f} [{share.low:.3f}, {share.high:.3f}]"
