"""Pictures of the lab's own, each an SVG that stands alone and reads in black and white."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 44, 48
_INK, _DARK, _LIGHT, _GRID = "#111", "#444", "#bbb", "#ddd"


_NARROW = (
    "<style>@media (max-width: 480px) "
    "{ text { font-size: 19px } text[font-size='14'], text[font-size='15'] { display: none } }"
    "</style>"
)


def for_phones(picture: str) -> str:
    """An SVG whose letters are larger where it is shown narrow, so that they can still be read;
    its title is left out there, for it is told beside the picture."""
    begin = picture.index(">", picture.index("<svg")) + 1
    return f"{picture[:begin]}{_NARROW}{picture[begin:]}"


def draw_differences(
    places: Sequence[int], gaps: Sequence[float], queries: int, names: tuple[str, str], metric: str
) -> str:
    """The difference of each query, sorted: where `names[1]` is better than `names[0]` dark and
    above the line, where it is worse light, outlined and below."""
    reach = max([0.01, *map(abs, gaps)])
    width = WIDTH - LEFT - RIGHT
    step = width / max(len(gaps), 1)
    lines = [
        *_axis(
            [(value, f"{value:+.2f}" if value else "0") for value in (reach, 0.0, -reach)],
            -reach,
            reach,
        )
    ]
    zero = _y(0.0, -reach, reach)
    for i, gap in enumerate(gaps):
        if gap:
            y = _y(gap, -reach, reach)
            style = f'fill="{_DARK}"' if gap > 0 else f'fill="{_LIGHT}" stroke="{_INK}"'
            if step < 3:
                style = f'fill="{_DARK if gap > 0 else _LIGHT}"'
            size = f'width="{max(step - 0.4, 0.6):.2f}" height="{abs(y - zero):.1f}"'
            lines.append(f'<rect x="{LEFT + i * step:.2f}" y="{min(y, zero):.1f}" {size} {style}/>')
    lines.append(f'<path d="M{LEFT} {zero}h{width}" stroke="{_INK}"/>')
    a, b = (_short(name, 32) for name in names)
    lines.append(_text(WIDTH - RIGHT, TOP + 12, f"↑ {b} better", anchor="end"))
    lines.append(_text(LEFT + 4, HEIGHT - BOTTOM - 6, f"↓ {a} better"))
    part = "" if len(places) == queries else f", {len(places):,} of them drawn"
    foot = f"{queries:,} queries, sorted by their difference in {metric}{part}"
    lines.append(_text(LEFT + width / 2, HEIGHT - 14, foot, anchor="middle"))
    return _picture(f"{metric}: {names[1]} − {names[0]}, query by query", lines)


def draw_shares(
    steps: Sequence[tuple[float, float, str]], until: float, title: str, named: str
) -> str:
    """Shares over time: (seconds since 1970, share, what happened), the earliest first."""
    first = steps[0][0]
    span = max(until - first, 60.0)
    top = max([0.05, *(share for _, share, _ in steps)])
    marks = [(top * n / 4, f"{100 * top * n / 4:.3g}%") for n in range(5)]

    def x(time: float) -> float:
        return round(LEFT + (time - first) / span * (WIDTH - LEFT - RIGHT), 1)

    lines = [*_axis(marks, 0.0, top)]
    path = ""
    for time, share, _ in steps:
        y = _y(share, 0.0, top)
        path += f"M{x(time)} {y}" if not path else f"H{x(time)}V{y}"
    lines.append(f'<path d="{path}H{x(until)}" fill="none" stroke="{_INK}" stroke-width="2"/>')
    for time, share, what in steps:
        dot = f'cx="{x(time)}" cy="{_y(share, 0.0, top)}" r="4" fill="white" stroke="{_INK}"'
        lines.append(f"<circle {dot}><title>{escape(what)}</title></circle>")
    foot = f"{named}: {_length(span)}"
    lines.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, foot, "middle"))
    return _picture(title, lines)


def _length(seconds: float) -> str:
    """A time in the largest unit of which there is one."""
    for name, unit in (("days", 86_400), ("hours", 3_600)):
        if seconds >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds / 60:.0f} min"


def draw_sequence(
    units: Sequence[float],
    mean: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    title: str,
    unit: str,
    decided: float | None = None,
) -> str:
    """A difference and its confidence sequence as they went: the mean a line, the interval gray;
    a dashed line where it was `decided`."""
    finite = [v for v in (*mean, *low, *high) if math.isfinite(v)]
    late = [v for v in (*low[len(low) // 10 :], *high[len(high) // 10 :]) if math.isfinite(v)]
    bottom, top = min([0.0, *(late or finite)]), max([0.0, *(late or finite)])
    room = 0.05 * (top - bottom) or 0.01
    bottom, top = bottom - room, top + room
    most = max([1.0, *units])

    def x(unit: float) -> float:
        return round(LEFT + unit / most * (WIDTH - LEFT - RIGHT), 1)

    lines = [*_axis(_marks(bottom, top), bottom, top)]
    rows = [r for r in zip(units, low, high, strict=True) if all(map(math.isfinite, r))]
    edges = [f"{x(u)},{_y(h, bottom, top)}" for u, _, h in rows]
    edges += [f"{x(u)},{_y(v, bottom, top)}" for u, v, _ in reversed(rows)]
    lines.append(f'<polygon points="{" ".join(edges)}" fill="{_LIGHT}"/>')
    zero = _y(0.0, bottom, top)
    lines.append(f'<path d="M{LEFT} {zero}H{WIDTH - RIGHT}" stroke="{_INK}"/>')
    points = " ".join(f"{x(u)},{_y(m, bottom, top)}" for u, m in zip(units, mean, strict=True))
    lines.append(f'<polyline points="{points}" fill="none" stroke="{_INK}" stroke-width="2"/>')
    if decided:
        line = f'<path d="M{x(decided)} {TOP}V{HEIGHT - BOTTOM}"'
        lines.append(f'{line} stroke="{_INK}" stroke-dasharray="5 4"/>')
        anchor = "end" if decided > most / 2 else "start"
        beside = x(decided) + (-6 if anchor == "end" else 6)
        said = _text(beside, TOP + 12, f"decided at {decided:,.0f}", anchor)
        # White around it: it may stand on the line of 0.
        halo = '<text paint-order="stroke" stroke="white" stroke-width="4"'
        lines.append(said.replace("<text", halo, 1))
    for share in (0.25, 0.5, 0.75, 1.0):
        place = f"{most * share:,.0f}"
        lines.append(_text(x(most * share), HEIGHT - BOTTOM + 16, place, "middle"))
    foot = f"{unit} (line: mean difference; gray: confidence sequence)"
    lines.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, foot, "middle"))
    return _picture(title, lines)


def draw_gains(points: Sequence[Mapping[str, Any]], title: str) -> str:
    """A gain over the number of queries (logarithmic), a line a kind of model with a dash and a
    mark of its own, intervals as bars."""
    sizes = sorted({point["queries"] for point in points})
    kinds = list(dict.fromkeys(point["kind"] for point in points))
    ends = [point["against"][end] for point in points for end in ("low", "high")]
    low, high = min([0.0, *ends]), max([0.01, *ends])
    span = math.log(sizes[-1] / sizes[0]) or 1.0

    def x(queries: int, kind: int) -> float:
        share = math.log(queries / sizes[0]) / span
        # A little apart, so that the bars of two kinds do not hide each other.
        return round(LEFT + 12 + share * (WIDTH - LEFT - RIGHT - 120) + 4 * kind, 1)

    lines = [*_axis(_marks(low, high), low, high)]
    zero = _y(0.0, low, high)
    lines.append(f'<path d="M{LEFT} {zero}H{WIDTH - RIGHT}" stroke="{_INK}"/>')
    for place, kind in enumerate(kinds):
        own = sorted((p for p in points if p["kind"] == kind), key=lambda p: int(p["queries"]))
        spots = [(x(p["queries"], place), _y(p["against"]["delta"], low, high)) for p in own]
        dash = _DASHES[place % len(_DASHES)]
        path = " ".join(f"{left},{top}" for left, top in spots)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{_INK}" {dash}/>')
        for point, (left, top) in zip(own, spots, strict=True):
            bar = [_y(point["against"][end], low, high) for end in ("low", "high")]
            lines.append(f'<path d="M{left} {bar[0]}V{bar[1]}" stroke="{_DARK}"/>')
            lines.append(_mark(left, top, place))
        lines += [_mark(WIDTH - RIGHT - 84, TOP + 8 + 20 * place, place)]
        lines += [_text(WIDTH - RIGHT - 72, TOP + 12 + 20 * place, kind)]
    for size in sizes:
        lines.append(_text(x(size, 0), HEIGHT - BOTTOM + 16, f"{size:,}", "middle"))
    lines.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "judged queries", "middle"))
    return _picture(title, lines)


_DASHES = ('stroke-width="2"', 'stroke-dasharray="6 4"', 'stroke-dasharray="2 3"')


def _mark(x: float, y: float, kind: int) -> str:
    """A disc, a square, a ring."""
    if kind % 3 == 1:
        return f'<rect x="{x - 4}" y="{y - 4}" width="8" height="8" fill="{_INK}"/>'
    fill = _INK if kind % 3 == 0 else "white"
    return f'<circle cx="{x}" cy="{y}" r="4" fill="{fill}" stroke="{_INK}"/>'


def _marks(low: float, high: float) -> list[tuple[float, str]]:
    """Round numbers between two, some three to six, and how they are written."""
    rough = (high - low) / 5 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(n for n in (1, 2, 5, 10) if n * power >= rough)
    numbers = [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return [(value, f"{value:+.6g}" if value else "0") for value in numbers]


def _axis(marks: Sequence[tuple[float, str]], low: float, high: float) -> Iterator[str]:
    for value, name in marks:
        y = _y(value, low, high)
        yield f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="{_GRID}"/>'
        yield _text(LEFT - 8, y + 4, name.replace("-", "−"), anchor="end")


def _y(value: float, low: float, high: float) -> float:
    share = (min(max(value, low), high) - low) / (high - low)
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _picture(title: str, lines: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">'
    )
    paper = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    name = (
        f'<text x="{LEFT}" y="22" font-size="14" fill="{_INK}">{escape(_short(title, 90))}</text>'
    )
    return "\n".join([head, paper, name, *lines, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{_INK}">{escape(text)}</text>'


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
