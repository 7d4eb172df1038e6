"""The figures that are ratios as an SVG bar chart: 1.0 is as much as what it is compared with."""

import math
from collections.abc import Sequence
from html import escape

from tests.bench.figures import Figure

WIDTH, LEFT, BAR, ROW, TOP = 960, 430, 440, 26, 56
DECADES = 2.0  # 0.01 to 100, on a logarithmic axis
COLOURS = {True: "#2e7d32", False: "#c62828", None: "#546e7a"}


def _x(ratio: float) -> float:
    place = (math.log10(max(ratio, 1e-9)) + DECADES) / (2 * DECADES)
    return LEFT + BAR * min(1.0, max(0.0, place))


def _row(number: int, figure: Figure) -> list[str]:
    assert figure.ratio is not None
    y = TOP + number * ROW
    begin, end = sorted((_x(1.0), _x(figure.ratio)))
    low, high = _x(figure.spread[0]), _x(figure.spread[1])
    label = escape(f"{figure.name} / {figure.against}")
    width, colour = max(1.5, end - begin), COLOURS[figure.met]
    parts = [
        f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{label}</text>',
        f'<rect x="{begin:.1f}" y="{y + 3}" width="{width:.1f}" height="14" fill="{colour}"/>',
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 10}" y2="{y + 10}" stroke="#000"/>',
        f'<text x="{LEFT + BAR + 8}" y="{y + 14}">{figure.ratio:.3g}</text>',
    ]
    if figure.goal is not None and figure.goal.of == "ratio":
        goal = _x(figure.goal.bound)
        parts.append(
            f'<line x1="{goal:.1f}" x2="{goal:.1f}" y1="{y}" y2="{y + 20}" stroke="#e69500" stroke-width="2"/>'
        )
    return parts


def chart(figures: Sequence[Figure], machine: str) -> str:
    ratios = [figure for figure in figures if figure.ratio is not None]
    bottom = TOP + len(ratios) * ROW
    size = f'width="{WIDTH}" height="{bottom + 34}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect {size} fill="#fff"/>',
        f'<text x="12" y="20" font-size="13" font-weight="bold">{escape(machine)}</text>',
        '<text x="12" y="38">ratio (logarithmic), black: its spread, orange: the goal</text>',
    ]
    for tick in (0.01, 0.1, 1, 10, 100):
        x = _x(tick)
        lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}" stroke="#ddd"/>')
        lines.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>')
    for number, figure in enumerate(ratios):
        lines += _row(number, figure)
    return "\n".join([*lines, "</svg>"]) + "\n"
