"""The shapes and measures of cards in SVG, which pictures, steps and films share."""

from __future__ import annotations

from collections.abc import Iterable

from viz.layout import Point
from viz.model import Kind

__all__ = ["ARROW", "CAP", "PAD", "ROW_LINE", "TIP", "TITLE_LINE", "decimal", "outline", "pair", "points", "tip_of"]

PAD = 8.0  # from a card's border to its text
TITLE_LINE, ROW_LINE = 20.0, 17.0
TIP = 11.0  # the point of an input's card
CAP = 5.0  # half the height of a cylinder's ellipse
ARROW = 8.0  # the length of an edge's tip


def decimal(x: float) -> str:
    """Return a length: a tenth of a pixel is as fine as can be seen.

    >>> decimal(2.0), decimal(0.125), decimal(-0.01)
    ('2', '0.1', '0')
    """
    text = f"{x:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def pair(point: Point) -> str:
    """Return a point of path data.

    >>> pair((1.0, 2.5))
    '1 2.5'
    """
    return f"{decimal(point[0])} {decimal(point[1])}"


def points(corners: Iterable[Point]) -> str:
    """Return the corners of a polygon.

    >>> points([(0.0, 1.0), (2.0, 3.0)])
    '0,1 2,3'
    """
    return " ".join(f"{decimal(x)},{decimal(y)}" for x, y in corners)


def outline(kind: Kind, corners: tuple[float, float, float, float], fill: str, stroke: str) -> str:
    """Return the border of a card: an arrow, a cylinder, a rounded card, two sheets or a dashed one.

    Args:
        kind: what the card stands for.
        corners: left, top, right, bottom.
        fill: a colour, or ``none``.
        stroke: the attributes of the line.

    >>> outline("operation", (0.0, 0.0, 10.0, 20.0), "#fff", 'stroke="#000"')
    '<rect x="0" y="0" width="10" height="20" rx="9" fill="#fff" stroke="#000"/>'
    """
    left, top, right, bottom = corners
    look = f'fill="{fill}" {stroke}'
    if kind == "input":
        edge = [(left, top), (right - TIP, top), (right, (top + bottom) / 2), (right - TIP, bottom), (left, bottom)]
        return f'<polygon points="{points(edge)}" stroke-linejoin="round" {look}/>'
    if kind == "parameter":
        arc = f"A {decimal((right - left) / 2)} {decimal(CAP)} 0 0"
        x, y, rim, foot = decimal(left), decimal(right), decimal(top + CAP), decimal(bottom - CAP)
        return (
            f'<path d="M {x} {rim} {arc} 1 {y} {rim} V {foot} {arc} 1 {x} {foot} Z" {look}/>'
            f'<path d="M {x} {rim} {arc} 0 {y} {rim}" fill="none" {stroke}/>'
        )
    radius, dashes = {"operation": (9, ""), "group": (4, ""), "stub": (3, ' stroke-dasharray="4 3"')}[kind]
    card = (
        f'<rect x="{decimal(left)}" y="{decimal(top)}" width="{decimal(right - left)}" '
        f'height="{decimal(bottom - top)}" rx="{radius}"{dashes} {look}/>'
    )
    if kind != "group":
        return card
    # a group holds more than one card: a second sheet behind the first
    behind = f"M {decimal(left + 4)} {decimal(top)} v -4 H {decimal(right + 4)} V {decimal(bottom - 4)} h -4"
    return f'<path d="{behind}" stroke-linejoin="round" {look}/>{card}'


def tip_of(end: Point, width: float) -> str:
    """Return the corners of the arrow at the end of an edge of this width.

    >>> tip_of((10.0, 5.0), 2.0)
    '10,5 2,1 2,9'
    """
    (x, y), half = end, 2.6 + width * 0.7
    return points([(x, y), (x - ARROW, y - half), (x - ARROW, y + half)])
