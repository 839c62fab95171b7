"""A prepared graph in the DOT language."""

from __future__ import annotations

import hashlib

from viz.escaping import dot_html, dot_quoted, dot_tooltip
from viz.font_metrics import text_width
from viz.model import Edge, Graph, Node, Row
from viz.theme import FONTS, Theme, edge_width, gradient_fill, group_fill

__all__ = [
    "SLOT_SIZE",
    "TEXT_SIZE",
    "TITLE_SIZE",
    "card_fill",
    "edge_colour",
    "gradient_colour",
    "picture_id",
    "to_source",
]

TEXT_SIZE, TITLE_SIZE, SLOT_SIZE = 11, 13, 10
_SLOT_HEIGHT = 24
_SWAPS = 0.01  # of the rounds in which dot would swap cards; 0 means its default

# A bitmap for a slide or a lecture; the bound keeps the picture of a large graph within cairo's reach.
_DPI, _INCHES = 144, 55


def to_source(graph: Graph, theme: Theme, *, bitmap: float | None = None) -> str:
    """Return ``graph`` as DOT, one statement per line.

    Ids come from counters, never from labels. ``bitmap`` is the factor on the resolution of a PNG, and bounds its size.
    """
    caption = ""
    if graph.caption:
        caption = f" label={dot_quoted(graph.caption)} labelloc=t labeljust=l"
        caption += f' fontcolor="{theme.muted}" fontsize={TEXT_SIZE}'
    size = "" if bitmap is None else f' dpi={round(_DPI * bitmap)} size="{_INCHES / bitmap:.4g},{_INCHES / bitmap:.4g}"'
    # Neurons of a layer are alike to dot: any order of them has as many crossings. So dot keeps ours, nearly unswapped.
    order = f" mclimit={_SWAPS}" if any(node.kind == "group" for node in graph.nodes) else ""
    lines = [
        "digraph G {",
        f'  graph [rankdir=LR bgcolor="{theme.background}" fontname="{FONTS}" nodesep=0.22 ranksep=0.4 pad=0.25'
        f"{size} outputorder=edgesfirst{order}{caption}];",
        f'  node [fontname="{FONTS}" fontsize={TEXT_SIZE} fontcolor="{theme.foreground}" penwidth=1.1];',
        f'  edge [fontname="{FONTS}" fontsize={SLOT_SIZE} arrowsize=0.65];',
    ]
    lines += (_node_line(index, node, graph, theme) for index, node in enumerate(graph.nodes))
    lines += _clusters(graph, theme)
    lines += (_edge_line(index, edge, graph, theme) for index, edge in enumerate(graph.edges))
    return "\n".join([*lines, "}", ""])


def _clusters(graph: Graph, theme: Theme) -> list[str]:
    """Return the frames as clusters in one another, one statement per line."""
    inside: dict[int | None, list[int]] = {}
    for index, frame in enumerate(graph.frames):
        inside.setdefault(frame.parent, []).append(index)
    members: dict[int | None, list[int]] = {}
    for index, node in enumerate(graph.nodes):
        members.setdefault(node.frame, []).append(index)

    def lines(frame: int, indent: str) -> list[str]:
        own = [f"{indent}  n{member};" for member in members.get(frame, ())]
        inner = [line for child in inside.get(frame, ()) for line in lines(child, indent + "  ")]
        shown = graph.frames[frame]
        return [
            f"{indent}subgraph cluster_{frame} {{",
            f'{indent}  graph [label={dot_quoted(shown.title)} labelloc=t labeljust=l style="rounded,filled" '
            f'fillcolor="{theme.frame}" color="{theme.dim}" fontcolor="{theme.muted}" fontsize={TEXT_SIZE} '
            f'margin=9 id="f{frame}" tooltip={dot_tooltip(shown.path)}];',
            *own,
            *inner,
            f"{indent}}}",
        ]

    return [line for frame in inside.get(None, ()) for line in lines(frame, "  ")]


_SHAPES = {
    "input": 'shape=cds margin="0.09,0.11"',
    "parameter": 'shape=cylinder margin="0.09,0.02"',
    "group": 'shape=box3d margin="0.09,0.05"',
    "stub": 'shape=box margin="0.09,0.05"',
}


def card_fill(node: Node, graph: Graph, theme: Theme) -> str:
    """Return the fill of a card."""
    if node.kind == "stub":
        return theme.background
    if node.values > 1 or node.kind == "group":
        return group_fill(theme, node.gradient, graph.largest_gradient)
    return gradient_fill(theme, node.gradient, graph.largest_gradient)


def _node_line(index: int, node: Node, graph: Graph, theme: Theme) -> str:
    fill = card_fill(node, graph, theme)
    tooltip = f'id="n{index}" tooltip={dot_tooltip(node.tooltip)}'
    if node.kind == "operation":
        return f"  n{index} [shape=plain {tooltip} label=<{_operation(node, fill, theme)}>];"
    border = f'color="{theme.foreground}" penwidth=2' if node.is_output else f'color="{theme.line}"'
    style = 'style="filled,dashed"' if node.kind == "stub" else "style=filled"
    label = _rows(node, theme)
    return f'  n{index} [{_SHAPES[node.kind]} {style} fillcolor="{fill}" {border} {tooltip} label=<{label}>];'


def _operation(node: Node, fill: str, theme: Theme) -> str:
    border, colour = (2, theme.foreground) if node.is_output else (1, theme.line)
    slots = f"<TD>{_slots(node, theme)}</TD><VR/>" if node.slots else ""
    return (
        f'<TABLE BORDER="{border}" COLOR="{colour}" STYLE="ROUNDED" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" '
        f'BGCOLOR="{fill}"><TR>{slots}<TD CELLPADDING="3">{_rows(node, theme)}</TD></TR>'
        "</TABLE>"
    )


def _slots(node: Node, theme: Theme) -> str:
    rows = []
    for position, slot in enumerate(node.slots):
        if node.divider == position and position > 0:
            rows.append("<HR/>")
        colour = theme.foreground if slot.is_number else theme.muted
        width = _least_width(text_width(slot.text, SLOT_SIZE) + 8)
        rows.append(
            f'<TR><TD PORT="s{position}" ALIGN="RIGHT" CELLPADDING="4" HEIGHT="{_SLOT_HEIGHT}" {width}>'
            f"{_font(slot.text, colour, SLOT_SIZE)}</TD></TR>"
        )
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{"".join(rows)}</TABLE>'


def _rows(node: Node, theme: Theme) -> str:
    title = f"<B>{dot_html(node.title)}</B>"
    width = text_width(node.title, TITLE_SIZE, bold=True)
    cells = f'<FONT COLOR="{theme.foreground}" POINT-SIZE="{TITLE_SIZE}">{title}</FONT>'
    if node.subtitle:
        cells += _font(f"\u00a0\u00a0{node.subtitle}", theme.muted, TEXT_SIZE)
        width += text_width(f"\u00a0\u00a0{node.subtitle}", TEXT_SIZE)
    # dot centres text in a shape's whole extent: the point of an input and the cap of a cylinder are kept free of it.
    tip = f'<TD ROWSPAN="{len(node.rows) + 1}" WIDTH="7"></TD>' if node.kind == "input" else ""
    rows = f'<TR><TD COLSPAN="2" {_least_width(width)}>{cells}</TD>{tip}</TR>'
    rows += "".join(_row(row, node.gradient, theme) for row in node.rows)
    if node.kind == "parameter":
        rows = _spacer(7) + rows
    # It would also stretch the rows of a card made tall by its slots.
    spare = len(node.slots) * _SLOT_HEIGHT - (len(node.rows) + 1) * 19
    if spare > 1:
        rows = _spacer(spare // 2) + rows + _spacer(spare // 2)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{rows}</TABLE>'


def _spacer(height: int) -> str:
    return f'<TR><TD COLSPAN="2" HEIGHT="{height}"></TD></TR>'


def _row(row: Row, gradient: float | None, theme: Theme) -> str:
    colour = gradient_colour(gradient, theme) if row.signed else theme.foreground
    text = f"<B>{dot_html(row.text)}</B>" if row.signed else dot_html(row.text)
    width = max(50.0, text_width(f"\u00a0{row.text}", TEXT_SIZE, bold=row.signed))
    return (
        f'<TR><TD ALIGN="LEFT">{_font(row.name, theme.muted, TEXT_SIZE)}</TD><TD ALIGN="RIGHT" {_least_width(width)}>'
        f'<FONT COLOR="{colour}">&#160;{text}</FONT></TD></TR>'
    )


def _font(text: str, colour: str, size: int) -> str:
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}">{dot_html(text)}</FONT>'


def _least_width(width: float) -> str:
    # dot measures with the fonts of its machine and underestimates characters that they lack; the fonts of the reader's
    # machine may be wider. A cell is never narrower than our own measure.
    return f'WIDTH="{round(width)}"'


def gradient_colour(gradient: float | None, theme: Theme) -> str:
    """Return the colour of a printed gradient, by its sign; plain for zero, nan and None."""
    if gradient is None or not (gradient > 0.0 or gradient < 0.0):
        return theme.foreground
    return theme.positive_text if gradient > 0.0 else theme.negative_text


def edge_colour(contribution: float | None, theme: Theme) -> str:
    """Return the colour of an edge, by the sign of its contribution; neutral for zero, nan and None."""
    if contribution is None or not (contribution > 0.0 or contribution < 0.0):
        return theme.line
    return theme.positive if contribution > 0.0 else theme.negative


def _edge_line(index: int, edge: Edge, graph: Graph, theme: Theme) -> str:
    width, colour = edge_width(edge.contribution, graph.largest_contribution), edge_colour(edge.contribution, theme)
    slot = f":s{edge.slot}" if graph.nodes[edge.head].slots else ""
    return (
        f'  n{edge.tail}:e -> n{edge.head}{slot}:w [id="e{index}" color="{colour}" '
        f"penwidth={width:.2f} tooltip={dot_quoted(edge.tooltip)}];"
    )


def picture_id(source: str) -> str:
    """Return a prefix for the ids of one picture, made from its content, so it is the same in every process."""
    return "g" + hashlib.sha256(source.encode()).hexdigest()[:10]
