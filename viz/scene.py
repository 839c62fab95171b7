"""A backward pass as a scene: cards, the edges between them, and what changes from frame to frame.

Frame 0 is the graph before the pass, when only the root has a gradient; frame k is step k; a last one shows the graph
when the pass is over. A scene is plain numbers and cleaned text, and does not hold any Value.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Literal

from autograd import Value
from autograd.backward_pass import BackwardPass
from autograd.formatting import clean_text, named, number
from autograd.steps import BackwardSteps, title_of
from viz.graph import prepare_all
from viz.model import LABEL_LENGTH
from viz.options import EDGE_LIMIT, NODE_LIMIT, GraphOptions, PictureOptions, complete
from viz.page.groups import Group, ancestors, first_open, grouped

_DEFAULTS = complete(GraphOptions, {})

__all__ = ["Card", "Scene", "Wire", "grouped_scene", "scene_of"]

Kind = Literal["input", "parameter", "operation", "group"]


@dataclass(slots=True)
class Card:
    """One card; ``gradients`` holds (frame, gradient): what it shows from that frame on."""

    kind: Kind
    title: str
    subtitle: str
    rows: tuple[tuple[str, str], ...]
    slots: tuple[tuple[str, bool], ...]  # the text, and whether it is an operand that is a number
    tooltip: str
    is_output: bool = False
    divider: int | None = None
    gradients: list[tuple[int, float]] = field(default_factory=list)


@dataclass(slots=True)
class Wire:
    """An edge from card ``tail`` to a slot of ``head``, along which frame ``frame`` passes a contribution back.

    ``lines`` are its label in that frame. A ``contribution`` of None is one of many products.
    """

    tail: int
    head: int
    slot: int
    frame: int
    contribution: float | None
    lines: tuple[str, ...]
    tooltip: str


@dataclass(slots=True)
class Scene:
    """Cards in an order in which wires go from a lower index to a higher one, and a caption for each frame.

    ``active`` is the card whose turn a frame is, None in the first and in the last. ``gradient_row`` names the row of
    gradients. Between groups that depend on each other, some wires go from a higher index to a lower one.
    """

    cards: list[Card]
    wires: list[Wire]
    captions: list[str]
    active: list[int | None]
    gradient_row: str = "grad"
    largest_gradient: float = 0.0
    largest_contribution: float = 0.0


def scene_of(walk: BackwardPass, look: GraphOptions = _DEFAULTS, limit: int | None = None) -> Scene:
    """Return the scene of a pass with a card for every value.

    Args:
        walk: the pass.
        look: the options of names and parameters, as `viz.options.complete` returns them.
        limit: the largest number of values, 150 if None.

    Raises:
        ValueError: the graph is larger than that.

    >>> x = Value(3.0, "x")
    >>> scene = scene_of(BackwardPass(x * x))
    >>> scene.captions
    ['backward from %1   gradient +1', 'backward 1/1   × %1   upstream +1', 'backward done   1 step']
    >>> scene.cards[0].gradients
    [(1, 6.0)]
    """
    nodes, turns = walk.nodes, len(walk.turns)
    needed = max(len(nodes), -(-sum(len(node.operands) for node in nodes) * NODE_LIMIT // EDGE_LIMIT))
    if needed > (NODE_LIMIT if limit is None else limit):
        raise ValueError(
            f"this graph has {len(nodes):,} values, too many to show a step in; take the steps of a smaller root, or "
            f"insist with limit={needed}"
        )
    walk = copy(walk.finish())
    walk.names = look["names"] or {}  # type: ignore[assignment]
    options = complete(PictureOptions, {})
    options["parameters"], options["names"] = look["parameters"], look["names"]
    cards = [
        Card(
            node.kind,  # type: ignore[arg-type]
            node.title,
            node.subtitle,
            tuple((row.name, row.text) for row in node.rows if not row.signed),
            tuple((slot.text, slot.is_number) for slot in node.slots),
            node.tooltip.split("  grad=")[0],
            node.is_output,
            node.divider,
        )
        for node in prepare_all(nodes[-1], options).nodes
    ]
    cards[-1].gradients.append((0, walk.gradients[-1]))
    upstream = number(walk.gradients[-1], sign=True)
    captions = [f"backward from {named(nodes[-1], len(nodes) - 1, walk.names)}   gradient {upstream}"]
    active: list[int | None] = [None]
    wires = []
    for step in BackwardSteps(walk, range(turns)):
        slots = [slot for slot, operand in enumerate(step.node.operands) if isinstance(operand, Value)]
        for slot, operand in zip(slots, step.operands, strict=True):
            states = cards[operand.number].gradients
            if states and states[-1][0] == step.index:  # an operand that stands there twice
                states.pop()
            states.append((step.index, operand.after))
            product = f"{number(step.upstream, sign=True)} × {number(operand.local_grad)}"
            wires.append(
                Wire(
                    operand.number,
                    step.number,
                    slot,
                    step.index,
                    operand.contribution,
                    (product, f"= {number(operand.contribution, sign=True)}"),
                    f"{step.upstream!r} × {operand.local_grad!r} = {operand.contribution!r}",
                )
            )
        captions.append(step.title)
        active.append(step.number)
    captions.append(f"backward done   {turns} step{'s' * (turns != 1)}")
    active.append(None)
    return Scene(
        cards,
        wires,
        captions,
        active,
        largest_gradient=_largest(gradient for card in cards for _, gradient in card.gradients),
        largest_contribution=_largest(wire.contribution for wire in wires if wire.contribution is not None),
    )


def _largest(numbers: Iterable[float]) -> float:
    return max((abs(x) for x in numbers if math.isfinite(x)), default=0.0)


# -- groups ------------------------------------------------------------------------------------------------------------
def grouped_scene(walk: BackwardPass, limit: int, parameters: Iterable[Value] = ()) -> Scene:
    """Return the scene of a pass by modules, each with one card and one turn, in the order of their newest values.

    The turn of a group stands for those of all its values; the engine takes these one by one, and in a batch the turns
    of several groups alternate. Its gradient is the norm over its leaves, or without any over its values.

    Args:
        walk: the pass.
        limit: the largest number of cards.
        parameters: leaves to show as parameters, besides those of modules.

    Raises:
        ValueError: even grouped there are more cards.
    """
    nodes = walk.finish().nodes
    # Values that stand in no module are put into lots, which take up to a third of the cards.
    loose = sum(1 for node in nodes if not node.module)
    groups, group_of = grouped(nodes, chunk=max(1, limit // 3, -(-3 * loose // limit)))
    opened = first_open(groups, group_of, (len(nodes) - 1,), limit)
    opened -= {group for group in opened if _has_lots(groups, group)}
    closed = [_closed(groups, group, opened) for group in range(len(groups))]
    homes = array("q", (closed[group] if group >= 0 else -1 for group in group_of))
    # A card is a closed group or a value that stands in none; both in the order of their newest value.
    newest: dict[tuple[bool, int], int] = {}
    for place, home in enumerate(homes):
        newest[(True, home) if home >= 0 else (False, place)] = place
    keys = sorted(newest, key=lambda key: newest[key])
    if len(keys) > limit:
        raise ValueError(
            f"this graph has {len(nodes):,} values, in {len(keys):,} cards even when grouped by module; a film shows "
            f"up to {limit}. Film a smaller root (one neuron, the loss of one sample), or insist with limit={len(keys)}"
        )
    at = {key: index for index, key in enumerate(keys)}
    members: list[list[int]] = [[] for _ in keys]
    card_of = array("q", (at[(True, home) if home >= 0 else (False, place)] for place, home in enumerate(homes)))
    for place, card in enumerate(card_of):
        members[card].append(place)
    marked = set(map(id, parameters))
    cards = [
        _card(walk, places, _group_title(groups[home]) if is_group else "", marked)
        for (is_group, home), places in zip(keys, members, strict=True)
    ]
    products: dict[tuple[int, int], int] = {}
    for turn, place in enumerate(walk.turns):
        head = card_of[place]
        for edge in range(walk.starts[turn], walk.starts[turn + 1]):
            tail = card_of[walk.parents[edge]]
            if tail != head:
                products[tail, head] = products.get((tail, head), 0) + 1
    return _in_turns(walk, cards, members, products)


def _has_lots(groups: Sequence[Group], group: int) -> bool:
    """Whether a group is a lot of values, or was divided into some."""
    return any("/" in groups[one].path for one in (group, *groups[group].children))


def _group_title(group: Group) -> str:
    return group.title if group.path.startswith("/") else clean_text(group.path, LABEL_LENGTH)


def _closed(groups: Sequence[Group], group: int, opened: set[int]) -> int:
    """Return the outermost group around ``group`` that is not open, -1 where all are."""
    return next((around for around in reversed(ancestors(groups, group)) if around not in opened), -1)


def _card(walk: BackwardPass, places: list[int], title: str, marked: set[int]) -> Card:
    first = walk.nodes[places[-1]]
    is_output = places[-1] == len(walk.nodes) - 1
    if title:
        leaves = sum(1 for place in places if not walk.nodes[place].op)
        rows = [("values", f"{len(places):,}")] + [("leaves", f"{leaves:,}")] * bool(leaves)
        tooltip = f"{title}: {len(places):,} values, of which {leaves:,} are leaves"
        return Card("group", title, "", tuple(rows), (), tooltip, is_output)
    name = title_of(first, places[-1], walk.names)
    kind: Kind = "parameter" if first.module is not None or id(first) in marked else "input"
    if first.op:
        kind = "operation"
    return Card(kind, name, "", (("data", number(first.data)),), (), f"{name}  data={first.data!r}", is_output)


def _in_turns(
    walk: BackwardPass, cards: list[Card], members: list[list[int]], products: dict[tuple[int, int], int]
) -> Scene:
    norms = [_norm(walk, places) for places in members]
    heads = sorted({head for _, head in products}, reverse=True)
    captions = [f"backward by modules: {len(walk.nodes):,} values in {len(cards)} cards"]
    active: list[int | None] = [None]
    wires = []
    cards[-1].gradients.append((0, norms[-1]))
    for frame, head in enumerate(heads, start=1):
        if not cards[head].gradients:  # only values that are newer by group, older by card, reach it
            cards[head].gradients.append((frame, norms[head]))
        passed = 0
        for tail in range(len(cards)):
            count = products.get((tail, head), 0)
            passed += count
            if not count:
                continue
            text = f"{count:,} product{'s' * (count > 1)}"
            wires.append(Wire(tail, head, 0, frame, None, (text,), text))
            if not cards[tail].gradients:
                cards[tail].gradients.append((frame, norms[tail]))
        captions.append(
            f"group {frame}/{len(heads)}   {cards[head].title} passes back {passed:,} product{'s' * (passed != 1)}"
        )
        active.append(head)
    turns = len(walk.turns)
    captions.append(f"backward done   {turns:,} step{'s' * (turns != 1)}")
    active.append(None)
    return Scene(cards, wires, captions, active, "grad norm", _largest(norms))


def _norm(walk: BackwardPass, places: list[int]) -> float:
    own = [place for place in places if not walk.nodes[place].op] or places
    return math.hypot(*(walk.gradients[place] for place in own)) if len(own) > 1 else abs(walk.gradients[own[0]])
