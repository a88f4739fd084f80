"""Curves as an SVG that needs no library: over the number of notes, and of what was said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, MARGIN, LEGEND = 640, 360, 50, 190
COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5aa8", "#b08900", "#444444")


def curves(
    title: str, unit: str, notes: Sequence[float], lines: Mapping[str, Sequence[float]]
) -> str:
    """Draw each line over `notes`; all values above zero, as many in each line as notes."""
    values = [value for line in lines.values() for value in line]
    across, up = _Scale(notes, MARGIN, WIDTH - LEGEND), _Scale(values, HEIGHT - MARGIN, MARGIN)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        "<style>text { font: 12px sans-serif }</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{MARGIN}" y="24">{title}</text>',
    ]
    for power in across.powers():
        x = across.at(power)
        parts.append(_line((x, HEIGHT - MARGIN), (x, MARGIN), "#dddddd"))
        parts.append(
            f'<text x="{x:.0f}" y="{HEIGHT - 30}" text-anchor="middle">{power:,.0f}</text>'
        )
    for power in up.powers():
        y = up.at(power)
        parts.append(_line((MARGIN, y), (WIDTH - LEGEND, y), "#dddddd"))
        parts.append(f'<text x="{MARGIN - 6}" y="{y + 4:.0f}" text-anchor="end">{power:g}</text>')
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = [(across.at(x), up.at(y)) for x, y in zip(notes, line, strict=True)]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        y = MARGIN + 20 * number
        parts.append(f'<text x="{WIDTH - LEGEND + 12}" y="{y}" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{MARGIN}" y="{HEIGHT - 10}">notes; {unit}</text></svg>')
    return "\n".join(parts) + "\n"


def reliability_diagram(title: str, lines: Mapping[str, Sequence[tuple[float, float, int]]]) -> str:
    """Draw what was so over what was said; on the diagonal both are the same.

    Args:
        title: What is shown.
        lines: Name → for each bin: the share that was said, the share that was so, and of how
            many. A dot is the larger, the more there are of all in its line.
    """
    side = HEIGHT - 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">',
        "<style>text { font: 12px sans-serif }</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{MARGIN}" y="24">{title}</text>',
        _line((MARGIN, HEIGHT - MARGIN), (MARGIN + side, MARGIN), "#999999"),
    ]
    for tenth in range(0, 11, 2):
        at = side * tenth / 10
        low = HEIGHT - MARGIN
        parts.append(_line((MARGIN, low - at), (MARGIN + side, low - at), "#dddddd"))
        parts.append(_line((MARGIN + at, low), (MARGIN + at, MARGIN), "#dddddd"))
        label = f"{tenth / 10:g}"
        parts.append(
            f'<text x="{MARGIN - 6}" y="{low - at + 4:.0f}" text-anchor="end">{label}</text>'
        )
        parts.append(
            f'<text x="{MARGIN + at:.0f}" y="{low + 18}" text-anchor="middle">{label}</text>'
        )
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        total = sum(count for _, _, count in line)
        points = [
            (MARGIN + side * said, HEIGHT - MARGIN - side * was, count) for said, was, count in line
        ]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}"/>')
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 + 8 * math.sqrt(count / total):.1f}" '
            f'fill="{colour}" fill-opacity="0.6"/>'
            for x, y, count in points
        ]
        y = MARGIN + 20 * (number + 1)
        parts.append(f'<text x="{MARGIN + side + 24}" y="{y}" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{MARGIN}" y="{HEIGHT - 8}">said; up: was so</text></svg>')
    return "\n".join(parts) + "\n"


class _Scale:
    """Whole powers of ten around some values, spread between two places."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low = math.floor(math.log10(min(values)))
        self._high = max(self._low + 1, math.ceil(math.log10(max(values))))
        self._start, self._end = start, end

    def at(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)

    def powers(self) -> list[float]:
        return [10.0**power for power in range(self._low, self._high + 1)]


def _line(start: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{colour}"/>'
    )
