"""A prepared graph as JSON: what every card says, and where it stands."""

from __future__ import annotations

import json
import math

from viz.dot import card_fill, edge_colour, gradient_colour
from viz.model import Graph, Node
from viz.svg import lay_out
from viz.theme import Theme, edge_width

__all__ = ["to_json"]


def to_json(graph: Graph, theme: Theme, description: str) -> str:
    """Return ``graph`` as JSON in the schema of docs/gallery.md, enough to draw the same picture from.

    Numbers that are not finite are strings: "nan", "inf", "-inf".
    """
    sheet = lay_out(graph)
    placed = sheet.placement
    content = {
        "format": "glassgrad.picture",
        "version": 1,
        "description": description,
        "caption": graph.caption,
        "values": graph.total,
        "theme": theme.name,
        "width": round(placed.width, 2),
        "height": round(placed.height, 2),
        "frames": [
            {
                "title": frame.title,
                "path": frame.path,
                "parent": frame.parent,
                "boxes": [_rounded(box) for of, box in sheet.frames if of == index],
            }
            for index, frame in enumerate(graph.frames)
        ],
        "nodes": [
            {
                **_card(node),
                "fill": card_fill(node, graph, theme),
                "text": gradient_colour(node.gradient, theme),
                "box": _rounded((left, middle - box.height / 2, right, middle + box.height / 2)),
            }
            for node, box, (left, right), middle in zip(
                graph.nodes, sheet.boxes, placed.spans, placed.middles, strict=True
            )
        ],
        "edges": [
            {
                "tail": edge.tail,
                "head": edge.head,
                "slot": edge.slot,
                "contribution": _number(edge.contribution),
                "tooltip": edge.tooltip,
                "colour": edge_colour(edge.contribution, theme),
                "stroke": round(edge_width(edge.contribution, graph.largest_contribution), 2),
                "corners": index in sheet.cornered,
                "route": [_rounded(point) for point in route],
            }
            for index, (edge, route) in enumerate(zip(graph.edges, placed.routes, strict=True))
        ],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _card(node: Node) -> dict[str, object]:
    return {
        "kind": node.kind,
        "title": node.title,
        "subtitle": node.subtitle,
        "rows": [{"name": row.name, "text": row.text, "signed": row.signed} for row in node.rows],
        "slots": [{"text": slot.text, "number": slot.is_number} for slot in node.slots],
        "divider": node.divider,
        "gradient": _number(node.gradient),
        "output": node.is_output,
        "tooltip": node.tooltip,
        "frame": node.frame,
        "values": node.values,
    }


def _number(x: float | None) -> float | str | None:
    return x if x is None or math.isfinite(x) else str(x)


def _rounded(numbers: tuple[float, ...]) -> list[float]:
    return [round(x, 2) for x in numbers]
