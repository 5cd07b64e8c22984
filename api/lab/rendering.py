"""Pages as HTML, tables as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.lab.page import Cell, Page, Table

NAVIGATION = (
    ("/lab", "Overview"),
    ("/lab/runs", "Runs"),
    ("/lab/judge", "Judge"),
    ("/lab/experiments", "Experiments"),
    ("/lab/models", "Models"),
    ("/lab/propensity", "Propensity"),
    ("/lab/drift", "Drift"),
    ("/lab/learning-curve", "Learning curve"),
)
"""The pages that others lead to; one whose route is not there is left out."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.tests["block"] = lambda value, name: type(value).__name__ == name


def render(
    page: Page, path: str, query: str, styles: Sequence[str], links: Sequence[tuple[str, str]]
) -> str:
    """The page as HTML. `path` and `query` are where it is, `styles` the addresses of style sheets,
    `links` the navigation."""
    here = max((to for to, _ in links if path == to or path.startswith(to + "/")), default="")
    exports = path.replace("/lab", "/lab/export", 1)
    template = _ENVIRONMENT.get_template("page.html")
    return template.render(
        page=page,
        here=here,
        exports=exports,
        query=f"?{query}" if query else "",
        styles=styles,
        links=links,
    )


def as_csv(table: Table) -> str:
    """The whole of a table (RFC 4180). Text that a spreadsheet would compute is quoted by an
    apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.heads)
    writer.writerows([_plain(cell) for cell in row] for row in table.rows)
    return out.getvalue()


def _plain(cell: Cell) -> object:
    value = cell.text if cell.value is None else cell.value
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
