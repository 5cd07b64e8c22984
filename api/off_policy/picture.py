"""The estimates as an SVG picture that stands alone and reads without color."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from api.off_policy.asking import Answer
from api.off_policy.report import NAMES, sentence
from eval.off_policy import Difference

WIDTH, ROW, LEFT, RIGHT, TOP = 760, 44, 130, 170, 78
_INK, _GRID = "#111", "#bbb"
_LINE = 100
_APART = 60
"""Pixels between two labels of the axis; ends nearer to 0 have none."""


def draw_off_policy(answer: Answer) -> str:
    """Each estimate of the difference as a dot with its 95% interval as a line, over a dashed line
    at 0; a refusal as its reason."""
    found, name = answer.found.differences, escape(answer.task.candidate)
    lines = _wrapped(sentence(answer))
    top = TOP + 18 * (len(lines) - 1)
    height = top + ROW * max(len(found), 1) + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' font-family="sans-serif" font-size="13" role="img" aria-label="{name}">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        *(
            f'<text x="20" y="{28 + 18 * number}" fill="{_INK}">{escape(line)}</text>'
            for number, line in enumerate(lines)
        ),
    ]
    if found:
        parts += _chart(found, top)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _chart(found: Mapping[str, Difference], top: int) -> Iterator[str]:
    low = min(0.0, *(each.low for each in found.values()))
    high = max(0.0, *(each.high for each in found.values()))
    span = (high - low) or 1.0

    def x(value: float) -> float:
        return round(LEFT + (value - low) / span * (WIDTH - LEFT - RIGHT), 1)

    bottom = top + ROW * len(found)
    yield (
        f'<line x1="{x(0)}" x2="{x(0)}" y1="{top - 14}" y2="{bottom}" stroke="{_INK}"'
        ' stroke-dasharray="5 4"/>'
    )
    for number, (name, each) in enumerate(found.items()):
        y = top + ROW * number + ROW // 2
        yield f'<text x="20" y="{y + 4}">{NAMES[name]}</text>'
        yield (
            f'<line x1="{x(each.low)}" x2="{x(each.high)}" y1="{y}" y2="{y}" stroke="{_INK}"'
            ' stroke-width="3"/>'
        )
        for end in (each.low, each.high):
            yield f'<line x1="{x(end)}" x2="{x(end)}" y1="{y - 6}" y2="{y + 6}" stroke="{_INK}"/>'
        yield f'<circle cx="{x(each.delta)}" cy="{y}" r="6" fill="{_INK}"/>'
        text = f"{each.delta:+.3f} ({each.low:+.3f} to {each.high:+.3f})"
        yield f'<text x="{WIDTH - RIGHT + 14}" y="{y + 4}">{text}</text>'
    yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}" stroke="{_GRID}"/>'
    ends = [end for end in (low, high) if abs(x(end) - x(0)) > _APART]
    for value in (*ends, 0.0):
        yield (
            f'<text x="{x(value)}" y="{bottom + 18}" text-anchor="middle">{value:+.3f}</text>'
            if value
            else f'<text x="{x(0)}" y="{bottom + 18}" text-anchor="middle">0</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    said = "difference in clicks a search"
    yield f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle">{said}</text>'


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, _LINE)
