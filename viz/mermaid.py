"""A prepared graph as a Mermaid flowchart, which pages such as GitHub's draw from its text."""

from __future__ import annotations

from viz.dot import card_fill, edge_colour
from viz.escaping import mermaid
from viz.model import Graph, Node
from viz.theme import Theme, edge_width

__all__ = ["to_mermaid"]

_SHAPES = {
    "input": ('>"', '"]'),
    "parameter": ('[("', '")]'),
    "operation": ('("', '")'),
    "group": ('[["', '"]]'),
    "stub": ('["', '"]'),
}


def to_mermaid(graph: Graph, theme: Theme) -> str:
    """Return ``graph`` as a flowchart, one statement per line.

    Mermaid has no slots: the local derivative of an operand stands on its edge, and numbers among the operands on the
    card.
    """
    lines = ["flowchart LR"]
    if graph.caption:
        lines.append(f"  %% {mermaid(graph.caption)}")
    lines += _members(graph, None, "  ")
    for index, node in enumerate(graph.nodes):
        border = theme.foreground if node.is_output else theme.line
        lines.append(f"  style n{index} fill:{card_fill(node, graph, theme)},stroke:{border},color:{theme.foreground}")
    for index in range(len(graph.frames)):
        lines.append(f"  style f{index} fill:{theme.frame},stroke:{theme.dim},color:{theme.muted}")
    for index, edge in enumerate(graph.edges):
        slots = graph.nodes[edge.head].slots
        text = f'|"{mermaid(slots[edge.slot].text)}"|' if slots else ""
        lines.append(f"  n{edge.tail} -->{text} n{edge.head}")
        width = edge_width(edge.contribution, graph.largest_contribution)
        lines.append(f"  linkStyle {index} stroke:{edge_colour(edge.contribution, theme)},stroke-width:{width:.2f}px")
    return "\n".join([*lines, ""])


def _members(graph: Graph, frame: int | None, indent: str) -> list[str]:
    lines = [f"{indent}n{index}{_card(node)}" for index, node in enumerate(graph.nodes) if node.frame == frame]
    for index, inner in enumerate(graph.frames):
        if inner.parent == frame:
            lines.append(f'{indent}subgraph f{index}["{mermaid(inner.title)}"]')
            lines += _members(graph, index, indent + "  ")
            lines.append(f"{indent}end")
    return lines


def _card(node: Node) -> str:
    start, end = _SHAPES[node.kind]
    operands = [slot.text for slot in node.slots if slot.is_number]
    rows = [f"{node.title}  {node.subtitle}".strip(), *(f"{row.name} {row.text}" for row in node.rows)]
    if operands:
        rows.append(f"with {', '.join(operands)}")
    return start + "<br/>".join(map(mermaid, rows)) + end
