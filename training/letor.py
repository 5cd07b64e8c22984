"""Files in LETOR's form: `label index:value …` a line, and the queries' sizes in a file beside it.

The form of SVMlight, LETOR (Qin et al. 2010) and LightGBM's examples; columns that a line leaves
out are 0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from search.errors import BadInput
from training.tables import JudgedQuery, Rows, Schema, Tables, Values, stack


def read_letor(path: Path, columns: int | None = None) -> Tables:
    """The rows of `path`, queries named `0`, `1`, …, documents too; `path` + `.query` holds the
    number of rows of each. Labels are gains. There is no order to start from: every start is 0.
    `columns` makes room for as many features as another file of the same set has.

    Raises:
        BadInput: a file cannot be read, a line is malformed, or the sizes do not add up.
    """
    try:
        lines = path.read_text().splitlines()
        sizes = np.array(path.with_name(path.name + ".query").read_text().split(), np.int64)
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot read {path} and its .query file: {error}") from error
    if sizes.sum() != len(lines):
        raise BadInput(f"{path} has {len(lines)} rows, its .query file says {sizes.sum()}")
    rows = [_row(line, f"{path}, line {i}") for i, line in enumerate(lines, 1)]
    width = columns or 1 + max((max(cells, default=0) for _, cells in rows), default=0)
    values = np.zeros((len(rows), width), np.float32)
    for row, (_, cells) in zip(values, rows, strict=True):
        row[list(cells)] = list(cells.values())
    return _tables(values, np.array([label for label, _ in rows]), sizes)


def _row(line: str, place: str) -> tuple[float, dict[int, float]]:
    label, *cells = line.split("#")[0].split()
    pairs = (cell.split(":") for cell in cells if not cell.startswith("qid:"))
    try:
        return float(label), {int(column): float(value) for column, value in pairs}
    except ValueError:
        raise BadInput(f"{place}: not of the form `label index:value …`") from None


def _tables(values: np.ndarray, gains: Values, sizes: Rows) -> Tables:
    queries, ends = [], np.cumsum(sizes)
    for i, (end, size) in enumerate(zip(ends.tolist(), sizes.tolist(), strict=True)):
        rows = slice(end - size, end)
        queries.append(
            JudgedQuery(
                query=str(i),
                products=tuple(map(str, range(size))),
                values=values[rows],
                gains=gains[rows],
                fused=np.zeros(size),
                named=np.zeros(size, np.bool_),
                judged=gains[rows],
                absent=np.empty(0),
            )
        )
    width = values.shape[1]
    names = tuple(f"column_{i}" for i in range(width))
    return stack(queries, Schema(names, np.zeros(width, np.int8), (), np.zeros(width), "letor"))
