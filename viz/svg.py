"""A prepared graph as SVG by the built-in layout, in the style of dot's pictures; no other program is needed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from viz.dot import SLOT_SIZE, TEXT_SIZE, TITLE_SIZE, card_fill, edge_colour, gradient_colour, picture_id
from viz.escaping import markup
from viz.folding import Corners, fold
from viz.font_metrics import text_width
from viz.layout import Box, Link, Placement, Point, place
from viz.model import Edge, Frame, Graph, Node
from viz.shapes import ARROW, CAP, PAD, ROW_LINE, TIP, TITLE_LINE, decimal, outline, pair, tip_of
from viz.theme import FONTS, Theme, edge_width

__all__ = ["Sheet", "draw_svg", "lay_out"]

_MARGIN = 18.0
_SLOT_LINE = 22.0
_CAPTION = 18.0
_LANE = 16.0  # between edges that run back


@dataclass(frozen=True, slots=True)
class Sheet:
    """A graph with the place of everything, before it is drawn."""

    boxes: list[Box]
    placement: Placement
    frames: list[tuple[int, Corners]]  # the index of a frame, and where it stands; one may stand in several rows
    cornered: set[int]  # the indices of edges whose route is corners: they run backward, or into the next row
    left: float = 0.0  # the room that they take on the left


def lay_out(graph: Graph, *, folded: bool = True) -> Sheet:
    """Return where the built-in layout puts every card, edge and frame; ``folded`` as `viz.folding` does it."""
    boxes = [_box(node) for node in graph.nodes]
    forward = [edge for edge in graph.edges if edge.tail < edge.head]
    links = [Link(edge.tail, edge.head, min(edge.slot, len(boxes[edge.head].slots) - 1)) for edge in forward]
    placement = place(
        boxes,
        links,
        [node.frame for node in graph.nodes],
        [frame.parent for frame in graph.frames],
    )
    backward = [index for index, edge in enumerate(graph.edges) if edge.tail >= edge.head]
    if not backward:
        if folded:
            rows = fold(placement, links, [box.height for box in boxes])
            return Sheet(boxes, rows.placement, rows.frames, rows.turning)
        return Sheet(boxes, placement, list(enumerate(placement.frames)), set())
    routes = iter(placement.routes)
    lanes = {index: placement.height + _LANE * (lane + 1) for lane, index in enumerate(backward)}
    all_routes = [
        _around_below(graph.edges[index], lanes[index], boxes, placement) if index in lanes else next(routes)
        for index in range(len(graph.edges))
    ]
    height = placement.height + _LANE * (len(backward) + 1)
    placed = Placement(placement.spans, placement.middles, all_routes, placement.width, height, placement.frames)
    return Sheet(boxes, placed, list(enumerate(placement.frames)), set(backward), left=_LANE + 10)


def _around_below(edge: Edge, lane: float, boxes: list[Box], placement: Placement) -> list[Point]:
    """Return the corners of an edge that runs back: out to the right, below everything, in from the left."""
    start, end = placement.spans[edge.tail][1], placement.spans[edge.head][0]
    into = boxes[edge.head].slots[min(edge.slot, len(boxes[edge.head].slots) - 1)]
    y0, y1 = placement.middles[edge.tail], placement.middles[edge.head] + into
    return [(start, y0), (start + 14, y0), (start + 14, lane), (end - 20, lane), (end - 20, y1), (end, y1)]


def draw_svg(graph: Graph, theme: Theme, description: str, scale: float = 1.0) -> str:
    """Return ``graph`` as one ``<svg>`` element; ``description`` is the text for screen readers.

    Ids carry a prefix made from the content, so several pictures can stand in one page.
    """
    sheet = lay_out(graph)
    placement = sheet.placement
    edges = [
        _edge(edge, route, graph, theme, cornered=index in sheet.cornered)
        for index, (edge, route) in enumerate(zip(graph.edges, placement.routes, strict=True))
    ]
    nodes = [
        _node(node, box.height, span, middle, card_fill(node, graph, theme), theme)
        for node, box, span, middle in zip(graph.nodes, sheet.boxes, placement.spans, placement.middles, strict=True)
    ]
    # The thickest edge is drawn first, so that it does not hide another on a shared route.
    by_width = sorted(
        range(len(edges)), key=lambda i: -edge_width(graph.edges[i].contribution, graph.largest_contribution)
    )
    frames = [_frame(graph.frames[index], corners, theme) for index, corners in sheet.frames]
    body = [("f", i, "frame", frame) for i, frame in enumerate(frames)]
    body += [("e", i, "edge", edges[i]) for i in by_width]
    body += [("n", i, "node", node) for i, node in enumerate(nodes)]
    prefix = picture_id(f"{description}{graph.caption}{theme.name}{scale}" + "".join(content for *_, content in body))
    above = _CAPTION if graph.caption else 0.0
    caption_width = text_width(graph.caption, TEXT_SIZE) + 2 * _MARGIN
    width = max(placement.width + sheet.left + (sheet.left and _LANE) + 2 * _MARGIN, caption_width)
    height = placement.height + 2 * _MARGIN + above
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{markup(description)}" '
        f'width="{decimal(width * scale)}" height="{decimal(height * scale)}" '
        f'viewBox="0 0 {decimal(width)} {decimal(height)}" font-family="{FONTS}" font-size="{TEXT_SIZE}">',
        f"<title>{markup(description)}</title>",
        f'<rect width="{decimal(width)}" height="{decimal(height)}" fill="{theme.background}"/>',
    ]
    if graph.caption:
        x, y = decimal(_MARGIN), decimal(_MARGIN + 8)
        lines.append(f'<text x="{x}" y="{y}" fill="{theme.muted}">{markup(graph.caption)}</text>')
    lines += [
        f'<g transform="translate({decimal(_MARGIN + sheet.left)} {decimal(_MARGIN + above)})">',
        *(f'<g id="{prefix}-{kind}{i}" class="{name}">{content}</g>' for kind, i, name, content in body),
        "</g>",
        "</svg>",
        "",
    ]
    return "\n".join(lines)


def _frame(frame: Frame, corners: Corners, theme: Theme) -> str:
    left, top, right, bottom = corners
    return (
        f'<title>{markup(frame.path)}</title><rect x="{decimal(left)}" y="{decimal(top)}" '
        f'width="{decimal(right - left)}" height="{decimal(bottom - top)}" rx="10" fill="{theme.frame}" '
        f'stroke="{theme.dim}"/><text x="{decimal(left + 10)}" y="{decimal(top + 16)}" '
        f'fill="{theme.muted}">{markup(frame.title)}</text>'
    )


def _box(node: Node) -> Box:
    title = text_width(node.title, TITLE_SIZE, bold=True)
    if node.subtitle:
        title += 6 + text_width(node.subtitle, TEXT_SIZE)
    rows = [
        text_width(row.name, TEXT_SIZE) + 12 + max(36.0, text_width(row.text, TEXT_SIZE, bold=row.signed))
        for row in node.rows
    ]
    width = max([title, *rows]) + 2 * PAD + _slots_width(node)
    height = _body_height(node)
    if node.kind == "input":
        width += TIP
    elif node.kind == "parameter":
        height += 3 * CAP
    # Edges to a group or a stub end at its middle.
    return Box(width, height, tuple(_slot_heights(node)) or (0.0,))


def _body_height(node: Node) -> float:
    text = TITLE_LINE + len(node.rows) * ROW_LINE + 7
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
    parts = [
        f"<title>{markup(node.tooltip)}</title>",
        outline(node.kind, (left, top, right, top + height), theme.background if node.kind == "stub" else fill, stroke),
    ]
    slots, text_left, text_right = _slots_width(node), left + PAD, right - PAD
    if node.kind == "operation":
        text_left += slots
        parts += _slots(node, left, top, slots, height, theme)
    elif node.kind == "input":
        text_right -= TIP
    elif node.kind == "parameter":
        top += 2.5 * CAP
    # A card with many slots is taller than its text, which then stands in the middle.
    body = TITLE_LINE + len(node.rows) * ROW_LINE + 7
    top += (_body_height(node) - body) / 2
    parts.append(_title(node, (text_left + text_right) / 2, top + 16, theme))
    for position, row in enumerate(node.rows):
        baseline = decimal(top + TITLE_LINE + (position + 1) * ROW_LINE - 4)
        colour = gradient_colour(node.gradient, theme) if row.signed else theme.foreground
        weight = ' font-weight="bold"' if row.signed else ""
        parts.append(f'<text x="{decimal(text_left)}" y="{baseline}" fill="{theme.muted}">{markup(row.name)}</text>')
        parts.append(
            f'<text x="{decimal(text_right)}" y="{baseline}" text-anchor="end" fill="{colour}"{weight}>'
            f"{markup(row.text)}</text>"
        )
    return "".join(parts)


def _title(node: Node, centre: float, baseline: float, theme: Theme) -> str:
    subtitle = ""
    if node.subtitle:
        subtitle = f'<tspan dx="6" fill="{theme.muted}" font-size="{TEXT_SIZE}">{markup(node.subtitle)}</tspan>'
    return (
        f'<text x="{decimal(centre)}" y="{decimal(baseline)}" text-anchor="middle" fill="{theme.foreground}" '
        f'font-size="{TITLE_SIZE}"><tspan font-weight="bold">{markup(node.title)}</tspan>{subtitle}</text>'
    )


def _slots(node: Node, left: float, top: float, width: float, height: float, theme: Theme) -> list[str]:
    if not node.slots:
        return []
    rule, colour = decimal(left + width), theme.foreground if node.is_output else theme.line
    parts = [f'<path d="M {rule} {decimal(top)} V {decimal(top + height)}" stroke="{colour}"/>']
    middle = top + height / 2
    heights = _slot_heights(node)
    for position, (slot, offset) in enumerate(zip(node.slots, heights, strict=True)):
        colour = theme.foreground if slot.is_number else theme.muted
        parts.append(
            f'<text x="{decimal(left + width - 5)}" y="{decimal(middle + offset + 3.5)}" text-anchor="end" '
            f'fill="{colour}" font-size="{SLOT_SIZE}">{markup(slot.text)}</text>'
        )
        if node.divider == position and position > 0:
            y = decimal(middle + (offset + heights[position - 1]) / 2)
            parts.append(f'<path d="M {decimal(left)} {y} H {rule}" stroke="{theme.line}"/>')
    return parts


def _edge(edge: Edge, route: list[Point], graph: Graph, theme: Theme, *, cornered: bool) -> str:
    colour, width = edge_colour(edge.contribution, theme), edge_width(edge.contribution, graph.largest_contribution)
    path = _cornered(route) if cornered else _curve(route)
    return (
        f'<title>{markup(edge.tooltip)}</title><path d="{path}" fill="none" stroke="{colour}" '
        f'stroke-width="{decimal(width)}"/><polygon points="{tip_of(route[-1], width)}" fill="{colour}"/>'
    )


def _cornered(route: list[Point]) -> str:
    """Return path data with a round corner between two straight pieces, and a bend where the line is neither."""
    points = [*route[:-1], (route[-1][0] - ARROW + 1, route[-1][1])]
    parts = [f"M {pair(points[0])}"]
    for before, corner, after in zip(points[:-1], points[1:], [*points[2:], None], strict=True):
        if _slopes(before, corner):
            parts.append(_bend(before, corner))
        elif after is None or _slopes(corner, after):
            parts.append(f"L {pair(corner)}")
        else:
            parts.append(f"L {pair(_towards(corner, before))} Q {pair(corner)} {pair(_towards(corner, after))}")
    return " ".join(parts)


def _slopes(one: Point, other: Point) -> bool:
    return abs(one[0] - other[0]) > 0.05 and abs(one[1] - other[1]) > 0.05


def _bend(start: Point, end: Point) -> str:
    half = (end[0] - start[0]) / 2
    return f"C {pair((start[0] + half, start[1]))} {pair((end[0] - half, end[1]))} {pair(end)}"


def _towards(corner: Point, other: Point) -> Point:
    distance = math.dist(corner, other)
    share = min(8.0, distance / 2) / distance if distance else 0.0
    return corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share


def _curve(route: list[Point]) -> str:
    """Return path data: a bend into each rank, a straight line through it, and an end inside the arrow's head."""
    points = [*route[:-1], (route[-1][0] - ARROW + 1, route[-1][1])]
    parts = [f"M {pair(points[0])}"]
    for index in range(1, len(points)):
        (x0, y0), (x1, y1) = points[index - 1], points[index]
        if index % 2 == 1 and not math.isclose(y0, y1, abs_tol=0.05):
            parts.append(_bend((x0, y0), (x1, y1)))
        else:
            parts.append(f"L {pair((x1, y1))}")
    return " ".join(parts)
