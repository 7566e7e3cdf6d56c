"""Charts as inline SVG: nothing is fetched, nothing runs, and equal data give equal bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 440, 320
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 14, 46
# Told apart without colour too: the model is a thick line, the others are dashed.
COLOURS = ("#0b5cad", "#b5540a", "#3f7d20", "#7a4a9e", "#5a5a5a", "#a3324e")
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "4 4")

Format = Callable[[float], str]


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`; `ticks` are placed at round numbers."""

    label: str
    low: float
    high: float
    show: Format = field(default=lambda value: f"{value:g}")

    def ticks(self) -> list[float]:
        """Round numbers between both ends, about five."""
        span = self.high - self.low
        raw = span / 5
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [step * number for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class Line:
    """A line through points; `ends` are the intervals of each, `marks` draws the points themselves."""

    name: str
    points: Sequence[tuple[float, float]]
    ends: Sequence[tuple[float, float]] = ()
    marks: bool = False


def axis(label: str, values: Sequence[float], show: Format, *, from_zero: bool = True) -> Axis:
    """An axis that holds all values with a little air; never without extent."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = (low, low + 1.0) if from_zero else (low - 0.5, high + 0.5)
    air = 0.04 * (high - low)
    return Axis(label, low if from_zero and low == 0 else low - air, high + air, show)


def line_chart(
    title: str, x: Axis, y: Axis, lines: Sequence[Line], *, diagonal: bool = False, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> str:
    """Lines over common axes; the first is the model, drawn last and thickest.

    Parameters
    ----------
    diagonal : draw where x equals y, which is what a reliability diagram is held against.
    """
    place = _Place(x, y, size)
    drawn = [_frame(title, x, y, place)]
    if diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        drawn.append(f'<line class="ideal" x1="{place.x(low)}" y1="{place.y(low)}" x2="{place.x(high)}" y2="{place.y(high)}"/>')
    drawn += [_line(line, number, place) for number, line in reversed(list(enumerate(lines)))]
    return _svg(title, drawn, size) + (_legend([line.name for line in lines]) if len(lines) > 1 else "")


def bar_chart(title: str, bars: Sequence[tuple[str, str, float]], show: Format) -> str:
    """Horizontal bars in the order given, each with a label in two lines (English, Chinese)."""
    row, left, width = 36, 400, 2 * WIDTH
    height = row * len(bars) + 8
    most = max((abs(value) for _, _, value in bars), default=0.0) or 1.0
    drawn = []
    for number, (label, second, value) in enumerate(bars):
        y, length = 4 + row * number, (width - left - 80) * abs(value) / most
        drawn.append(
            f'<text class="name" x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(label)}</text>'
            f'<text x="{left - 8}" y="{y + 28}" text-anchor="end" lang="zh">{escape(second)}</text>'
            f'<rect x="{left}" y="{y + 8}" width="{length:.1f}" height="{row - 18}" fill="{COLOURS[0]}"/>'
            f'<text x="{left + length + 6:.1f}" y="{y + 21}">{escape(show(value))}</text>'
        )
    return _svg(title, drawn, (width, height))


class _Place:
    """From values to places in the picture."""

    def __init__(self, x: Axis, y: Axis, size: tuple[int, int]) -> None:
        self.axes, self.size = (x, y), size
        self.right, self.bottom = size[0] - RIGHT, size[1] - BOTTOM

    def x(self, value: float) -> str:
        across = self.axes[0]
        return f"{LEFT + (value - across.low) / (across.high - across.low) * (self.right - LEFT):.1f}"

    def y(self, value: float) -> str:
        up = self.axes[1]
        inside = min(max(value, up.low), up.high)
        return f"{self.bottom - (inside - up.low) / (up.high - up.low) * (self.bottom - TOP):.1f}"


def _frame(title: str, x: Axis, y: Axis, place: _Place) -> str:
    middle_x, middle_y = (LEFT + place.right) / 2, (TOP + place.bottom) / 2
    parts = [f"<title>{escape(title)}</title>"]
    for value in y.ticks():
        at = place.y(value)
        parts.append(
            f'<line class="grid" x1="{LEFT}" y1="{at}" x2="{place.right}" y2="{at}"/>'
            f'<text x="{LEFT - 6}" y="{float(at) + 4:.1f}" text-anchor="end">{escape(y.show(value))}</text>'
        )
    for value in x.ticks():
        at = place.x(value)
        parts.append(
            f'<line class="grid" x1="{at}" y1="{TOP}" x2="{at}" y2="{place.bottom}"/>'
            f'<text x="{at}" y="{place.bottom + 15}" text-anchor="middle">{escape(x.show(value))}</text>'
        )
    parts.append(
        f'<text class="axis" x="{middle_x}" y="{place.size[1] - 8}" text-anchor="middle">{escape(x.label)}</text>'
        f'<text class="axis" transform="translate(13 {middle_y}) rotate(-90)" text-anchor="middle">{escape(y.label)}</text>'
    )
    return "".join(parts)


def _line(line: Line, number: int, place: _Place) -> str:
    colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    path = " ".join(f"{place.x(x)},{place.y(y)}" for x, y in line.points)
    width = 2.4 if number == 0 else 1.4
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}"/>']
    for (x, _), (low, high) in zip(line.points, line.ends, strict=False):
        at = place.x(x)
        parts.append(f'<line x1="{at}" y1="{place.y(low)}" x2="{at}" y2="{place.y(high)}" stroke="{colour}" opacity="0.55"/>')
    if line.marks:
        for x, y in line.points:
            where = f"{escape(line.name)}: {place.axes[0].show(x)}, {place.axes[1].show(y)}"
            parts.append(f'<circle cx="{place.x(x)}" cy="{place.y(y)}" r="3" fill="{colour}"><title>{where}</title></circle>')
    return "".join(parts)


def _legend(names: Sequence[str]) -> str:
    items = []
    for number, name in enumerate(names):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        width = 3 if number == 0 else 1.6
        stroke = f'stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}"'
        items.append(
            f'<span><svg width="26" height="8" aria-hidden="true"><line x1="0" y1="4" x2="26" y2="4" {stroke}/></svg> '
            f"{escape(name)}</span>"
        )
    return f'<p class="legend">{" ".join(items)}</p>'


def _svg(title: str, drawn: Sequence[str], size: tuple[int, int]) -> str:
    return (
        f'<svg viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" height="{size[1]}" role="img" '
        f'aria-label="{escape(title)}">{"".join(drawn)}</svg>'
    )
