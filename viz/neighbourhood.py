"""A part of a graph: what stands around one value, and the ways from one value to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from autograd import Value

__all__ = ["Part", "around", "between"]

_CARDS = 40  # a neighbourhood that was not given a radius
_RADIUS = 7
_OPERANDS = 12  # of one value; the others share a stub


@dataclass(slots=True)
class Part:
    """The values shown, operands first, and what is beyond them.

    Attributes:
        shown: the values that have a card.
        beyond: for each value shown with operands that are not, how many values are there: those operands and all they
            depend on, each counted at the first such value that leads to it.
        users: how many users of each value shown are not.
    """

    shown: list[Value]
    beyond: dict[int, int] = field(default_factory=dict)
    users: dict[int, int] = field(default_factory=dict)


def between(order: Sequence[Value], start: Value, end: Value) -> list[Value]:
    """Return the values on the ways from ``start`` to ``end``, both included, operands first.

    Raises:
        ValueError: ``end`` does not depend on ``start``.

    >>> x = Value(2.0)
    >>> h = x * 3
    >>> y = h + Value(1.0)
    >>> [value.op for value in between([x, h, y.parents[1], y], x, y)]
    ['', '*', '+']
    """
    after = {id(start)}
    for value in order:
        if any(id(parent) in after for parent in value.parents):
            after.add(id(value))
    before = {id(end)}
    for value in reversed(order):
        if id(value) in before:
            before.update(id(parent) for parent in value.parents)
    if id(end) not in after:
        raise ValueError(f"between= names {start!r} and {end!r}, but no way leads from the first to the second")
    return [value for value in order if id(value) in after and id(value) in before]


def around(
    order: Sequence[Value], centres: Iterable[Value], radius: int | None, limit: int | None, *, users: bool
) -> Part:
    """Return the neighbourhood of ``centres``: rings of operands, and of users where ``users`` says so.

    Args:
        order: the values of the whole graph, operands first.
        centres: where to begin.
        radius: how many edges away a value may be; None for as many whole rings as can be read.
        limit: the largest number of cards, stubs included.
        users: whether to follow edges forward too.
    """
    cards = (_CARDS if radius is None else 10**9) if limit is None else limit
    rings = _RADIUS if radius is None else radius
    shown = {id(value): value for value in centres}
    edge = list(shown.values())
    for ring in range(rings):
        heads = _users(order, edge) if users else {}
        found: dict[int, Value] = {}
        for value in edge:
            operands = [operand for operand in value.operands if isinstance(operand, Value)]
            for near in [*operands[:_OPERANDS], *heads.get(id(value), ())[:_OPERANDS]]:
                if id(near) not in shown:
                    found[id(near)] = near
        if not found:
            break
        grown = {**shown, **found}
        stubs = sum(any(id(parent) not in grown for parent in value.parents) for value in grown.values())
        if ring and len(grown) + stubs > cards:
            break
        for key, value in found.items():
            if len(shown) + 2 <= cards:
                shown[key] = value
        edge = list(found.values())
    heads = _users(order, list(shown.values())) if users else {}
    counts = {key: sum(id(user) not in shown for user in known) for key, known in heads.items()}
    ordered = [value for value in order if id(value) in shown]
    beyond = _beyond(order, shown, users=users)
    return Part(ordered, beyond, {key: count for key, count in counts.items() if count})


def _users(order: Sequence[Value], values: Sequence[Value]) -> dict[int, list[Value]]:
    """Return the users of each of ``values``, by its id, in the order in which they were made."""
    heads: dict[int, list[Value]] = {id(value): [] for value in values}
    wanted = heads.keys()
    for user in order:
        parents = user.parents
        if parents and not wanted.isdisjoint(map(id, parents)):
            for parent in set(map(id, parents)) & wanted:
                heads[parent].append(user)
    return heads


def _beyond(order: Sequence[Value], shown: dict[int, Value], *, users: bool) -> dict[int, int]:
    ends = [key for key, value in shown.items() if any(id(parent) not in shown for parent in value.parents)]
    if not users and len(ends) == 1:  # all that is not shown is beyond it
        return {ends[0]: len(order) - len(shown)}
    owner: dict[int, int] = {}
    counts: dict[int, int] = {}
    for value in reversed(order):
        own = id(value)
        if own in shown:
            through = own
        elif own in owner:
            through = owner.pop(own)
            counts[through] += 1
        else:
            continue
        for parent in value.parents:
            if id(parent) not in shown and id(parent) not in owner:
                owner[id(parent)] = through
                counts.setdefault(through, 0)
    return counts
