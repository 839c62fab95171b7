"""What a prepared graph is made of: cards with their rows and slots, edges between them, frames around them.

All of it is plain numbers and cleaned text, for every renderer alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["LABEL_LENGTH", "TOOLTIP_LENGTH", "Edge", "Frame", "Graph", "Kind", "Node", "Row", "Slot"]

LABEL_LENGTH = 24
TOOLTIP_LENGTH = 120

Kind = Literal["input", "parameter", "operation", "group", "stub"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a card: a name on the left, a number on the right; ``signed`` if its colour shows the sign."""

    name: str
    text: str
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one operand on a card: a local derivative, or the number itself if the operand is a number."""

    text: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """One card: a value, a group of values (a module, equal leaves), or a stub for values that are left out.

    Attributes:
        kind: what the card stands for.
        title: its name or its operator.
        subtitle: what stands beside the title.
        rows: its numbers.
        slots: the places of its operands; a group and a stub have none, and one place where edges end.
        gradient: the gradient, which colours the card; None before a backward pass (``Value.reached``). That of a group
            is the norm of its gradients, which has no sign.
        is_output: whether it is a root, or holds one.
        tooltip: its numbers in full.
        divider: the slot before which a rule separates the two lists of operands of dot, or None.
        frame: the index of the innermost frame around it, or None.
        values: how many values it stands for.
    """

    kind: Kind
    title: str
    subtitle: str
    rows: tuple[Row, ...]
    slots: tuple[Slot, ...]
    gradient: float | None
    is_output: bool
    tooltip: str
    divider: int | None = None
    frame: int | None = None
    values: int = 1


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge from card ``tail`` to a slot of card ``head``.

    Attributes:
        tail: the index of the card it leaves.
        head: the index of the card it enters. It is the larger of the two, except where groups depend on each other.
        slot: the slot of ``head`` at which it ends.
        contribution: upstream × local, None before a backward pass; between groups the sum of all.
        tooltip: the numbers in full.
    """

    tail: int
    head: int
    slot: int
    contribution: float | None
    tooltip: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A titled frame around the cards of a module, or of one use of it; ``parent`` is the frame around it, or None."""

    title: str
    path: str
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """Cards, the edges between them and the frames around them; outer frames come first.

    ``caption`` says what is shown where that is not all, and ``total`` is the number of values of the whole graph.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    largest_gradient: float
    largest_contribution: float
    frames: tuple[Frame, ...] = ()
    caption: str = ""
    total: int = 0
