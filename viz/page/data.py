"""What a page holds: the numbers of a graph, and where its cards stand; plain numbers and cleaned text, for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from autograd import Value
from autograd.assigned import assigned_operands
from autograd.formatting import name_of, number
from autograd.primitives.primitive import PRIMITIVES, glyph
from viz.graph import part_of, prepare_all, roots_of, walk
from viz.model import LABEL_LENGTH, TOOLTIP_LENGTH, Node
from viz.options import PAGE_LIMIT, PageOptions, complete
from viz.page.groups import CHUNK, Group, ancestors, first_open, grouped
from viz.page.title import title
from viz.page.views import views

__all__ = ["STEP_LIMIT", "Page", "page_of"]

STEP_LIMIT = 5_000
"""Up to so many values the page holds each of them and steps; above, it shows modules and what they sum up to."""


_DEFAULTS = complete(PageOptions, {})


@dataclass(frozen=True, slots=True)
class Page:
    """What `viz.page.build` writes.

    Attributes:
        title: The root's name, with the formula where it is short.
        subtitle: What there is, in numbers.
        primitives: The names of the primitives of the table that the graph uses.
        leaves: The places of the leaves and what a slider of each needs: name, whole name, value, reach.
        content: All else, for JSON.
        order: The values, operands first.
    """

    title: str
    subtitle: str
    primitives: tuple[str, ...]
    leaves: tuple[tuple[int, str, str, float, float], ...]
    content: dict[str, Any]
    order: Sequence[Value]


def page_of(root: Value | Sequence[Value], options: PageOptions = _DEFAULTS) -> Page:
    """Return what a page of ``root`` holds.

    Args:
        root: one Value, or a list of them, whose sum is then differentiated.
        options: all options of pages, as `viz.options.complete` returns them.

    Raises:
        TypeError: ``root`` holds something other than Values.
        ValueError: ``focus`` or ``between`` names a value that is not in the graph, or no way leads there.
    """
    whole = walk(root)
    order = part_of(whole, options)
    if options["between"] is not None:
        root = options["between"][1]
    places = {id(value): at for at, value in enumerate(order)}
    roots = [places[id(value)] for value in roots_of(root)]
    steps = len(order) <= STEP_LIMIT
    groups, group_of = grouped(order, chunk=CHUNK if steps else -(-len(order) // 40))
    # each value as a card, for its name and its kind
    nodes = prepare_all(root, options, order).nodes if steps else ()
    opened = first_open(groups, group_of, roots[:1] if steps else [], options["limit"] or PAGE_LIMIT)
    focus = None if options["focus"] is None else places[id(options["focus"])]
    known = cast(Mapping[int, str], options["names"] or {})
    content = _values(order, places, nodes, known) if steps else _summary(order, groups, group_of, known)
    content |= {
        "roots": roots,
        "groups": [[group.title, group.path, -1 if group.parent is None else group.parent] for group in groups],
        "groupOf": group_of if steps else [],
        "focus": focus if focus is None or steps else _card_of(focus, groups, group_of, opened),
        "views": views(order, places, groups, group_of, nodes, opened, known),
    }
    part = f" of {len(whole):,}" if len(order) < len(whole) else ""
    computed = [value.primitive for value in order if value.primitive is not None]
    return Page(
        title=title([order[at] for at in dict.fromkeys(roots)], places, known),
        subtitle=f"{_counted(len(order), 'value')}{part}, {_counted(len(computed), 'operation')}",
        primitives=tuple(row.name for row in dict.fromkeys(computed) if row.name in PRIMITIVES) if steps else (),
        leaves=tuple(
            (at, nodes[at].title, name_of(order[at], TOOLTIP_LENGTH, known) or nodes[at].title, order[at].data, reach)
            for at, reach in content.get("reach", {}).items()
        ),
        content=content,
        order=order,
    )


def _card_of(at: int, groups: list[Group], group_of: Sequence[int], opened: set[int]) -> int:
    """Return the card that shows a value: its own place, or -1 - g for the closed group g around it."""
    closed = [group for group in ancestors(groups, group_of[at]) if group not in opened]
    return -1 - closed[-1] if closed else at


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


# -- numbers ---------------------------------------------------------------------------------------------------------
def _plain(x: float) -> float | str:
    """Return ``x`` for JSON, which has neither nan nor infinity; a whole number is shorter without its point."""
    if not math.isfinite(x):
        return number(x)
    return int(x) if x.is_integer() and abs(x) < 2**53 and (x != 0.0 or math.copysign(1.0, x) > 0) else x


def _values(
    order: Sequence[Value], places: dict[int, int], nodes: Sequence[Node], known: Mapping[int, str]
) -> dict[str, Any]:
    """Return the columns of a table with a row for each value."""
    ops = list(dict.fromkeys((value.primitive.name, value.op) for value in order if value.primitive is not None))
    numbers = {name: i for i, (name, _) in enumerate(ops)}
    operands = [[_operand(operand, places) for operand in value.operands] for value in order]
    return {
        "ops": [[name, glyph(symbol), name in PRIMITIVES] for name, symbol in ops],
        "op": [-1 if value.primitive is None else numbers[value.primitive.name] for value in order],
        "operands": operands,
        "data": [_plain(value.data) for value in order],
        "local": [
            [
                _plain(local)
                for parent, local in zip(value.parents, value.local_grads, strict=True)
                if id(parent) in places
            ]
            for value in order
        ],
        "grad": [_plain(value.grad) if value.reached else None for value in order],
        "name": [node.subtitle if value.op else node.title for node, value in zip(nodes, order, strict=True)],
        "full": {
            at: full
            for at, value in enumerate(order)
            if len(full := name_of(value, TOOLTIP_LENGTH, known)) > LABEL_LENGTH
        },
        "parameter": [at for at, node in enumerate(nodes) if node.kind == "parameter"],
        "reach": {at: _reach(value.data) for at, value in enumerate(order) if not value.op},
        "stale": [at for at, value in enumerate(order) if assigned_operands(value)],
    }


def _operand(operand: Value | float, places: dict[int, int]) -> int | list[float | str]:
    """Return an operand's place; that of a number, or of a value outside of the part that is shown, is its number."""
    if isinstance(operand, Value):
        return places[id(operand)] if id(operand) in places else [_plain(operand.data)]
    return [_plain(operand)]


def _summary(
    order: Sequence[Value], groups: Sequence[Group], group_of: Sequence[int], known: Mapping[int, str]
) -> dict[str, Any]:
    """Return what the cards of a graph too large to step through say: those of groups, and those of values."""
    loose = {}
    for at, inner in enumerate(group_of):
        if inner < 0:
            value, label = order[at], name_of(order[at], LABEL_LENGTH, known) or f"%{at}"
            title, subtitle = (glyph(value.op), label) if value.op else (label, "")
            grad = number(value.grad, sign=True) if value.reached else "–"
            kind = "operation" if value.op else "input"
            loose[at] = [title, subtitle, number(value.data), grad, kind]
    facts = []
    for group in groups:
        members = [order[at] for at in group.members]
        numbers = [value.data for value in members if not math.isnan(value.data)]
        parameters = [value for value in members if not value.op and value.module is not None]
        norm = math.hypot(*(value.grad for value in parameters if value.reached)) if parameters else math.nan
        span = f"{number(min(numbers))} … {number(max(numbers))}" if numbers else "nan"
        facts.append([len(members), len(parameters), span, "–" if math.isnan(norm) else number(norm)])
    return {"summary": facts, "loose": loose, "total": len(order)}


def _reach(data: float) -> float:
    """Return how far a leaf's slider goes on either side of 0: 1, 2 or 5 times a power of ten, about twice ``data``."""
    if not math.isfinite(data) or data == 0.0 or 1e-3 < abs(data) < 1.0:
        return 2.0
    wanted = min(2.0 * abs(data), 1e307) if abs(data) > 5e-307 else 1e-306
    power = 10.0 ** math.floor(math.log10(wanted))
    return max(next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= wanted), abs(data))
