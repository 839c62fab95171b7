"""A prepared graph as SVG by the built-in layout, in the style of dot's pictures; no other program is needed."""

from __future__ import annotations

import math

from viz.dot import SLOT_SIZE, TEXT_SIZE, TITLE_SIZE, edge_colour, gradient_colour, picture_id
from viz.escaping import markup
from viz.font_metrics import text_width
from viz.graph import Edge, Graph, Node
from viz.layout import Box, Link, Point, place
from viz.theme import FONTS, Theme, edge_width, gradient_fill

__all__ = ["draw_svg"]

_MARGIN = 18.0
_PAD = 8.0  # from a card's border to its text
_TITLE_LINE, _ROW_LINE, _SLOT_LINE = 20.0, 17.0, 22.0
_TIP = 11.0  # the point of an input's card
_CAP = 5.0  # half the height of a cylinder's ellipse
_ARROW = 8.0


def draw_svg(graph: Graph, theme: Theme, description: str) -> str:
    """Return ``graph`` as one ``<svg>`` element; ``description`` is the text for screen readers.

    Ids carry a prefix made from the content, so several pictures can stand in one page.
    """
    boxes = [_box(node) for node in graph.nodes]
    placement = place(boxes, [Link(edge.tail, edge.head, edge.slot) for edge in graph.edges])
    edges = [_edge(edge, route, graph, theme) for edge, route in zip(graph.edges, placement.routes, strict=True)]
    nodes = [
        _node(node, box.height, span, middle, gradient_fill(theme, node.gradient, graph.largest_gradient), theme)
        for node, box, span, middle in zip(graph.nodes, boxes, placement.spans, placement.middles, strict=True)
    ]
    # The thickest edge is drawn first, so that it does not hide another on a shared route.
    by_width = sorted(
        range(len(edges)), key=lambda i: -edge_width(graph.edges[i].contribution, graph.largest_contribution)
    )
    body = [("e", i, "edge", edges[i]) for i in by_width] + [("n", i, "node", node) for i, node in enumerate(nodes)]
    prefix = picture_id(description + theme.name + "".join(content for *_, content in body))
    width, height = _decimal(placement.width + 2 * _MARGIN), _decimal(placement.height + 2 * _MARGIN)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{markup(description)}" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" font-family="{FONTS}" font-size="{TEXT_SIZE}">',
        f'<rect width="{width}" height="{height}" fill="{theme.background}"/>',
        f'<g transform="translate({_decimal(_MARGIN)} {_decimal(_MARGIN)})">',
        *(f'<g id="{prefix}-{kind}{i}" class="{name}">{content}</g>' for kind, i, name, content in body),
        "</g>",
        "</svg>",
        "",
    ]
    return "\n".join(lines)


def _decimal(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _box(node: Node) -> Box:
    title = text_width(node.title, TITLE_SIZE, bold=True)
    if node.subtitle:
        title += 6 + text_width(node.subtitle, TEXT_SIZE)
    rows = [
        text_width(row.name, TEXT_SIZE) + 12 + max(36.0, text_width(row.text, TEXT_SIZE, bold=row.signed))
        for row in node.rows
    ]
    width = max([title, *rows]) + 2 * _PAD + _slots_width(node)
    height = _body_height(node)
    if node.kind == "input":
        width += _TIP
    elif node.kind == "parameter":
        height += 3 * _CAP
    return Box(width, height, tuple(_slot_heights(node)))


def _body_height(node: Node) -> float:
    text = _TITLE_LINE + len(node.rows) * _ROW_LINE + 7
    return max(text, len(node.slots) * _SLOT_LINE + 8)


def _slots_width(node: Node) -> float:
    return max((text_width(slot.text, SLOT_SIZE) + 11 for slot in node.slots), default=0.0)


def _slot_heights(node: Node) -> list[float]:
    """Return the height of each slot's middle below the card's middle, spread evenly over the card."""
    line = (_body_height(node) - 4) / len(node.slots) if node.slots else 0.0
    return [line * (position - (len(node.slots) - 1) / 2) for position in range(len(node.slots))]


def _node(node: Node, height: float, span: tuple[float, float], middle: float, fill: str, theme: Theme) -> str:
    left, right = span
    top = middle - height / 2
    stroke = f'stroke="{theme.foreground}" stroke-width="2.2"' if node.is_output else f'stroke="{theme.line}"'
    parts = [f"<title>{markup(node.tooltip)}</title>", _outline(node, left, top, right - left, height, fill, stroke)]
    slots, text_left, text_right = _slots_width(node), left + _PAD, right - _PAD
    if node.kind == "operation":
        text_left += slots
        parts += _slots(node, left, top, slots, height, theme)
    elif node.kind == "input":
        text_right -= _TIP
    else:
        top += 2.5 * _CAP
    # A card with many slots is taller than its text, which then stands in the middle.
    body = _TITLE_LINE + len(node.rows) * _ROW_LINE + 7
    top += (_body_height(node) - body) / 2
    parts.append(_title(node, (text_left + text_right) / 2, top + 16, theme))
    for position, row in enumerate(node.rows):
        baseline = _decimal(top + _TITLE_LINE + (position + 1) * _ROW_LINE - 4)
        colour = gradient_colour(node.gradient, theme) if row.signed else theme.foreground
        weight = ' font-weight="bold"' if row.signed else ""
        parts.append(f'<text x="{_decimal(text_left)}" y="{baseline}" fill="{theme.muted}">{markup(row.name)}</text>')
        parts.append(
            f'<text x="{_decimal(text_right)}" y="{baseline}" text-anchor="end" fill="{colour}"{weight}>'
            f"{markup(row.text)}</text>"
        )
    return "".join(parts)


def _title(node: Node, centre: float, baseline: float, theme: Theme) -> str:
    subtitle = ""
    if node.subtitle:
        subtitle = f'<tspan dx="6" fill="{theme.muted}" font-size="{TEXT_SIZE}">{markup(node.subtitle)}</tspan>'
    return (
        f'<text x="{_decimal(centre)}" y="{_decimal(baseline)}" text-anchor="middle" fill="{theme.foreground}" '
        f'font-size="{TITLE_SIZE}"><tspan font-weight="bold">{markup(node.title)}</tspan>{subtitle}</text>'
    )


def _outline(node: Node, left: float, top: float, width: float, height: float, fill: str, stroke: str) -> str:
    right, bottom = left + width, top + height
    if node.kind == "operation":
        return (
            f'<rect x="{_decimal(left)}" y="{_decimal(top)}" width="{_decimal(width)}" height="{_decimal(height)}" '
            f'rx="9" fill="{fill}" {stroke}/>'
        )
    if node.kind == "input":
        corners = [(left, top), (right - _TIP, top), (right, top + height / 2), (right - _TIP, bottom), (left, bottom)]
        return f'<polygon points="{_points(corners)}" fill="{fill}" stroke-linejoin="round" {stroke}/>'
    arc = f"A {_decimal(width / 2)} {_decimal(_CAP)} 0 0"
    rim, foot = _decimal(top + _CAP), _decimal(bottom - _CAP)
    x, y = _decimal(left), _decimal(right)
    return (
        f'<path d="M {x} {rim} {arc} 1 {y} {rim} V {foot} {arc} 1 {x} {foot} Z" fill="{fill}" {stroke}/>'
        f'<path d="M {x} {rim} {arc} 0 {y} {rim}" fill="none" {stroke}/>'
    )


def _slots(node: Node, left: float, top: float, width: float, height: float, theme: Theme) -> list[str]:
    rule, colour = _decimal(left + width), theme.foreground if node.is_output else theme.line
    parts = [f'<path d="M {rule} {_decimal(top)} V {_decimal(top + height)}" stroke="{colour}"/>']
    middle = top + height / 2
    heights = _slot_heights(node)
    for position, (slot, offset) in enumerate(zip(node.slots, heights, strict=True)):
        colour = theme.foreground if slot.is_number else theme.muted
        parts.append(
            f'<text x="{_decimal(left + width - 5)}" y="{_decimal(middle + offset + 3.5)}" text-anchor="end" '
            f'fill="{colour}" font-size="{SLOT_SIZE}">{markup(slot.text)}</text>'
        )
        if node.divider == position and position > 0:
            y = _decimal(middle + (offset + heights[position - 1]) / 2)
            parts.append(f'<path d="M {_decimal(left)} {y} H {rule}" stroke="{theme.line}"/>')
    return parts


def _edge(edge: Edge, route: list[Point], graph: Graph, theme: Theme) -> str:
    colour, width = edge_colour(edge.contribution, theme), edge_width(edge.contribution, graph.largest_contribution)
    (end_x, end_y), half = route[-1], 2.6 + width * 0.7
    arrow = [(end_x, end_y), (end_x - _ARROW, end_y - half), (end_x - _ARROW, end_y + half)]
    return (
        f'<title>{markup(edge.tooltip)}</title><path d="{_curve(route)}" fill="none" stroke="{colour}" '
        f'stroke-width="{_decimal(width)}"/><polygon points="{_points(arrow)}" fill="{colour}"/>'
    )


def _curve(route: list[Point]) -> str:
    """Return path data: a bend into each rank, a straight line through it, and an end inside the arrow's head."""
    points = [*route[:-1], (route[-1][0] - _ARROW + 1, route[-1][1])]
    parts = [f"M {_pair(points[0])}"]
    for index in range(1, len(points)):
        (x0, y0), (x1, y1) = points[index - 1], points[index]
        if index % 2 == 1 and not math.isclose(y0, y1, abs_tol=0.05):
            bend = (x1 - x0) / 2
            parts.append(f"C {_pair((x0 + bend, y0))} {_pair((x1 - bend, y1))} {_pair((x1, y1))}")
        else:
            parts.append(f"L {_pair((x1, y1))}")
    return " ".join(parts)


def _points(points: list[Point]) -> str:
    return " ".join(f"{_decimal(x)},{_decimal(y)}" for x, y in points)


def _pair(point: Point) -> str:
    return f"{_decimal(point[0])} {_decimal(point[1])}"
