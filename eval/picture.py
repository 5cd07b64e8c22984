"""A report as an SVG picture that stands alone and reads without color: the finding, every system's
mean, what each query gained or lost, the parts of the queries, where quality is lost, and the lists
that differ most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import zip_longest

from eval.failures import NOT_RETRIEVED, RANKED_LOW, RETRIEVED_LOW
from eval.report import summary
from eval.report_lists import LEGEND, best_gain, grade_mark
from eval.report_parts import CAUSES
from eval.results import Comparison, Interval, Listed, Report, SideBySide
from eval.runner import RANDOM
from eval.side_by_side import contenders

WIDTH = 900
LEFT, RIGHT = 220, 60
ROW, GAP = 20, 34
_INK, _DARK, _LIGHT, _GRID = "#111", "#555", "#bbb", "#ddd"
_LABEL, _TITLE = 24, 58
_BARS = 130
_EACH_WAY = 2

_FILLS = {NOT_RETRIEVED: _INK, RETRIEVED_LOW: _LIGHT, RANKED_LOW: "white"}

Lines = list[str]
Scale = Callable[[float], float]


def draw_report(report: Report) -> str:
    """The picture of a report, of its first metric."""
    panels = [_means(report)]
    pair = contenders(report)
    if pair is not None:
        panels += [_queries(report, pair), _parts(report, pair)]
    panels += [_losses(report), *(_lists(pair) for pair in _most(report))]
    title, top = _wrapped(summary(report), 115), 24
    body = [_text(20, top + 18 * i, line, size=14) for i, line in enumerate(title)]
    top += 18 * len(title) + 12
    for lines, height in panels:
        if lines:
            body += [f'<g transform="translate(0,{top})">', *lines, "</g>"]
            top += height + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}"'
        f' font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title[0])}">'
    )
    frame = f'<rect width="{WIDTH}" height="{top}" fill="white"/>'
    return "\n".join([head, frame, *body, "</svg>"]) + "\n"


def _means(report: Report) -> tuple[Lines, int]:
    """A dot and a line a system: mean and interval."""
    metric = report.metrics[0]
    rows = [(name, system.scores[metric]) for name, system in report.systems.items()]
    rows.sort(key=lambda row: (row[0] == RANDOM, -row[1].mean))
    high = max(each.high for _, each in rows)
    low = min(each.low for _, each in rows)
    return _rows(f"{metric}: means and 95% intervals", rows, low, high, "{:.3f}")


def _parts(report: Report, pair: Comparison) -> tuple[Lines, int]:
    """The difference of the two systems in every part of the queries."""
    rows: list[tuple[str, Interval]] = [("all", Interval(pair.delta, pair.low, pair.high))]
    for parts in report.by.values():
        if len(parts) < 2:
            continue
        for part, each in parts.items():
            found = next(d for d in each.differences if (d.a, d.b) == (pair.a, pair.b))
            name = f"{_short(part, _LABEL)} ({each.queries:,})"
            rows.append((name, Interval(found.delta, found.low, found.high)))
    if len(rows) == 1:
        return [], 0
    # A part of one or two queries has an interval as wide as the scale itself.
    reach = min(1.0, max(0.02, 1.5 * max(abs(each.mean) for _, each in rows)))
    title = f"{pair.a} − {pair.b}, by parts of the queries (number of queries)"
    return _rows(title, rows, -reach, reach, "{:+.3f}", zero=True)


def _rows(
    title: str,
    rows: Sequence[tuple[str, Interval]],
    low: float,
    high: float,
    form: str,
    *,
    zero: bool = False,
) -> tuple[Lines, int]:
    x = _scale(low, high, LEFT, WIDTH - RIGHT - 60)
    bottom = 24 + ROW * len(rows)
    lines = [_text(20, 8, title, weight="bold"), *_grid(x, low, high, 18, bottom, form)]
    if zero:
        lines.append(_line(x(0), 18, x(0), bottom, _DARK))
    for i, (name, each) in enumerate(rows):
        y = 34 + ROW * i
        lines.append(_text(LEFT - 10, y + 4, _short(name, _LABEL + 9), anchor="end"))
        left, right = (x(min(max(v, low), high)) for v in (each.low, each.high))
        lines.append(_line(left, y, right, y, _INK, width=2))
        lines.append(f'<circle cx="{x(min(max(each.mean, low), high))}" cy="{y}" r="4"/>')
        lines.append(_text(WIDTH - RIGHT - 40, y + 4, form.format(each.mean)))
    return lines, bottom + 16


def _queries(report: Report, pair: Comparison) -> tuple[Lines, int]:
    """A bar a query, sorted: how much better it is with the one or the other."""
    metric = pair.metric
    gaps = (report.systems[pair.a].values[metric] - report.systems[pair.b].values[metric]).tolist()
    gaps.sort(reverse=True)
    reach = max(max(map(abs, gaps)), 0.01)
    y = _scale(reach, -reach, 24, 24 + _BARS)
    step = (WIDTH - LEFT - RIGHT) / len(gaps)
    title = (
        f"{pair.a} − {pair.b} for each of {len(gaps):,} queries: {pair.a_wins:,} better,"
        f" {pair.b_wins:,} worse"
    )
    lines = [_text(20, 8, title, weight="bold")]
    for value in (reach, 0.0, -reach):
        lines.append(_text(LEFT - 10, y(value) + 4, f"{value:+.2f}", anchor="end"))
        lines.append(_line(LEFT, y(value), WIDTH - RIGHT, y(value), _GRID))
    for i, gap in enumerate(gaps):
        if gap:
            x, top = round(LEFT + i * step, 2), min(y(gap), y(0))
            height = round(abs(y(gap) - y(0)), 2)
            fill = _DARK if gap > 0 else _LIGHT
            size = f'width="{max(step - 0.3, 0.3):.2f}" height="{height}"'
            lines.append(f'<rect x="{x}" y="{top}" {size} fill="{fill}"/>')
    lines.append(_line(LEFT, y(0), WIDTH - RIGHT, y(0), _DARK))
    return lines, 24 + _BARS


def _losses(report: Report) -> tuple[Lines, int]:
    """A bar a system: what it loses, divided by cause."""
    if not report.failures:
        return [], 0
    first = next(iter(report.failures.values()))
    x = _scale(0.0, max(f.lost for f in report.failures.values()), LEFT, WIDTH - RIGHT - 60)
    lines, at = [_text(20, 8, f"Where {first.metric} is lost", weight="bold")], float(LEFT)
    for name, fill in _FILLS.items():
        lines.append(_rect(at, 20, 12, 10, fill))
        lines.append(_text(at + 18, 29, CAUSES[name]))
        at += 130
    for i, (system, found) in enumerate(report.failures.items()):
        y, before = 42 + ROW * i, 0.0
        lines.append(_text(LEFT - 10, y + 11, _short(system, _LABEL + 9), anchor="end"))
        for name, fill in _FILLS.items():
            lost = found.causes[name].lost if name in found.causes else 0.0
            lines.append(_rect(x(before), y, x(before + lost) - x(before), 14, fill))
            before += lost
        lines.append(_text(WIDTH - RIGHT - 40, y + 11, f"{found.lost:.3f}"))
    return lines, 42 + ROW * len(report.failures)


def _rect(x: float, y: float, width: float, height: float, fill: str) -> str:
    size = f'width="{round(width, 2)}" height="{height}"'
    return f'<rect x="{x}" y="{y}" {size} fill="{fill}" stroke="{_INK}" stroke-width="0.5"/>'


def _most(report: Report) -> Iterator[SideBySide]:
    for better in (True, False):
        shown = [each for each in report.moved if (each.value_a > each.value_b) == better]
        yield from shown[:_EACH_WAY]


def _lists(pair: SideBySide) -> tuple[Lines, int]:
    """Two lists side by side, every product with its grade."""
    lines = [_text(20, 8, f"“{_short(pair.query, 90)}”", weight="bold")]
    half, best = (WIDTH - 40) // 2, best_gain(pair)
    for column, (name, value) in enumerate([(pair.a, pair.value_a), (pair.b, pair.value_b)]):
        lines.append(_text(20 + half * column, 28, f"{_short(name, 40)}: {value:.3f}", fill=_DARK))
    rows = list(zip_longest(pair.list_a, pair.list_b))
    for i, row in enumerate(rows):
        for column, listed in enumerate(row):
            if listed is not None:
                lines.append(_product(20 + half * column, 48 + 18 * i, i + 1, listed, best))
    bottom = 48 + 18 * len(rows)
    lines.append(_text(20, bottom + 2, LEGEND, fill=_DARK))
    return lines, bottom + 4


def _product(x: int, y: int, place: int, listed: Listed, best: float) -> str:
    text = _short(listed.title or listed.product, _TITLE)
    return _text(x, y, f"{place}. {grade_mark(listed.gain, best)} {text}")


def _grid(x: Scale, low: float, high: float, top: float, bottom: float, form: str) -> Iterator[str]:
    for step in range(5):
        value = low + (high - low) * step / 4
        yield _line(x(value), top, x(value), bottom, _GRID)
        yield _text(x(value), bottom + 14, form.format(value), anchor="middle", fill=_DARK)


def _scale(low: float, high: float, start: float, end: float) -> Scale:
    span = (high - low) or 1.0
    return lambda value: round(start + (value - low) / span * (end - start), 2)


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str, width: int = 1) -> str:
    ends = f'x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"'
    return f'<line {ends} stroke="{stroke}" stroke-width="{width}"/>'


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 12,
    weight: str = "normal",
    anchor: str = "start",
    fill: str = _INK,
) -> str:
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{fill}"'
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _wrapped(text: str, most: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
