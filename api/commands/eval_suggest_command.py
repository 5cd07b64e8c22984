"""`aisle eval suggest`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.options import DEFAULT_DATA, Data, Json

if TYPE_CHECKING:
    from eval.suggest_quality import SuggestReport
    from query.suggest import Suggester, Suggestion
    from search.build import Search

Labels = Annotated[
    Path, typer.Argument(help='CSV with a header: prefix,expected ("|" between acceptable texts).')
]


def command(file: Labels, data: Data = DEFAULT_DATA, json: Json = False) -> None:
    """Score suggestions against labels, and check that each of them finds a product."""
    from api.commands.console import out, print_json

    report = asyncio.run(_evaluate(file, data))
    if json:
        print_json(report)
    else:
        out.print(_text(report), markup=False)


async def _evaluate(file: Path, data: Path) -> SuggestReport:
    from api.settings import load_settings
    from api.suggesters import Suggesters
    from eval.suggest_quality import DEPTH, evaluate_suggestions, load_suggest_labels
    from search.build import open_search
    from search.errors import NotFound

    labels = load_suggest_labels(file)
    search = await open_search(load_settings(data))
    try:
        suggester = await Suggesters().of(await search.engine.view())
        if suggester is None:
            raise NotFound(f"the index in {data} holds no suggestions; index the catalogue again")
        shown = {s for each in labels for s in suggester.complete(each.prefix, DEPTH)}
        without = [s.text for s in sorted(shown, key=str) if not await _finds(search, s)]
    finally:
        await search.close()
    by_weight, titles = _floors(suggester)
    systems = {
        "suggest": lambda prefix: [s.text for s in suggester.complete(prefix, DEPTH)],
        "prefix_by_weight": by_weight,
        "titles_by_alphabet": titles,
    }
    return evaluate_suggestions(labels, systems, suggestions=len(shown), without_results=without)


async def _finds(search: Search, suggestion: Suggestion) -> bool:
    """Whether a product has every word of a suggestion, within its category: nearness in meaning
    would find something for anything, and so would some of the words."""
    from search.types import Filter, SearchRequest

    path = " > ".join(suggestion.category)
    filters = (Filter("category", (path,)),) if path else ()
    words = "" if suggestion.kind == "category" else suggestion.text
    request = SearchRequest(words, filters=filters, size=1, system="bm25-raw")
    response = await search.search(request)
    return bool(response.hits) and response.relaxation == "none"


def _floors(suggester: Suggester) -> tuple[Callable[[str], Sequence[str]], ...]:
    """The entries that begin with exactly what was typed, by weight; the (shortened) titles that
    do, by alphabet."""
    from bisect import bisect_left

    from eval.suggest_quality import DEPTH

    index = suggester.index
    texts = [index.text(entry).casefold() for entry in range(len(index))]
    titles = sorted(t for entry, t in enumerate(texts) if index.kind(entry) == "product")

    def by_weight(prefix: str) -> list[str]:
        typed = prefix.casefold()
        return list(dict.fromkeys(t for t in texts if t.startswith(typed)))[:DEPTH]

    def by_alphabet(prefix: str) -> list[str]:
        typed = prefix.casefold()
        start = bisect_left(titles, typed)
        return [title for title in titles[start : start + DEPTH] if title.startswith(typed)]

    return by_weight, by_alphabet


def _text(report: SuggestReport) -> str:
    lines = [f"{report.labels} labels"]
    for name, quality in report.systems.items():
        shown = ", ".join(
            f"{field} {value.mean:.3f} [{value.low:.3f}, {value.high:.3f}]"
            for field in quality.__dataclass_fields__
            for value in (getattr(quality, field),)
        )
        lines.append(f"{name}: {shown}")
    lines.append(
        f"{len(report.without_results)} of {report.suggestions} suggestions find no product"
    )
    lines += [f"  no product: {text}" for text in report.without_results]
    lines += [f"  missed: {label.prefix} → {label.expected[0]}" for label in report.missed]
    return "\n".join(lines)
