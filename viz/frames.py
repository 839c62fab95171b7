"""Modules as units of a picture, and the frames around the cards of each.

A unit is a module as a path tells it: every beginning of a path, except where a number follows, for then it is a list
of modules. So ``layers.0.neurons.3`` stands in the units ``layers.0`` and ``layers.0.neurons.3``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autograd.formatting import clean_text
from viz.model import LABEL_LENGTH, Frame

__all__ = ["enclose", "unit_title", "units_of"]

_DEEPEST = 6  # frames in one another

Units = tuple[str, ...]


def units_of(paths: Iterable[str]) -> dict[str, Units]:
    """Return the units around each path, outer ones first; the last is the path itself where frames allow it.

    >>> units_of(["layers.0.neurons.3", "loss"])
    {'layers.0.neurons.3': ('layers.0', 'layers.0.neurons.3'), 'loss': ('loss',)}
    """
    own = dict.fromkeys(paths)
    return {path: _units(path, own) for path in own}


def _units(path: str, own: dict[str, None]) -> Units:
    parts = path.split(".", 40)
    found = []
    for end in range(1, len(parts)):
        prefix = ".".join(parts[:end])
        if prefix in own or not parts[end].isdigit():
            found.append(prefix)
    return (*found[: _DEEPEST - 1], path)


def unit_title(path: str, inside: str) -> str:
    """Return what to write on a unit that stands inside another (``""``: in none): the rest of its path.

    >>> unit_title("layers.0.neurons.3", "layers.0"), unit_title("layers.0", "")
    ('neurons.3', 'layers.0')
    """
    rest = path[len(inside) + 1 :] if inside and path.startswith(f"{inside}.") else path
    return clean_text(rest, LABEL_LENGTH)


def enclose(units: Sequence[Units], edges: Iterable[tuple[int, int]]) -> tuple[list[int | None], list[Frame]]:
    """Return the innermost frame of each card, and the frames.

    The cards of one unit share a frame as long as no path leaves it and comes back; a module that is used again later
    gets a frame for each use.

    Args:
        units: the units around each card; cards are in topological order.
        edges: the (tail, head) pairs; those that run backward are ignored.
    """
    behind: list[list[int]] = [[] for _ in units]
    for tail, head in edges:
        if tail < head:
            behind[head].append(tail)
    homes: list[int | None] = [None] * len(units)
    frames: list[Frame] = []
    waiting: list[tuple[list[int], int, int | None, str]] = [(list(range(len(units))), 0, None, "")]
    while waiting:
        members, level, parent, inside = waiting.pop(0)
        for unit, inner in _uses(members, level, units, behind):
            depth = level + 1
            # A frame that only holds another is that other one.
            while all(len(units[m]) > depth and units[m][depth] == units[inner[0]][depth] for m in inner):
                unit, depth = units[inner[0]][depth], depth + 1
            frames.append(Frame(unit_title(unit, inside), clean_text(unit, 120), parent))
            for member in inner:
                homes[member] = len(frames) - 1
            waiting.append((inner, depth, len(frames) - 1, unit))
    return homes, frames


def _uses(
    members: list[int], level: int, units: Sequence[Units], behind: Sequence[list[int]]
) -> list[tuple[str, list[int]]]:
    """Return the uses of each unit among ``members``: sets that no path leaves and enters again."""
    cluster: dict[int, int] = {}
    unit_of: list[str | None] = []
    inside: list[list[int]] = []
    ahead: list[set[int]] = []
    latest: dict[str, int] = {}
    for member in members:
        unit = units[member][level] if len(units[member]) > level else None
        sources = {cluster[tail] for tail in behind[member] if tail in cluster}
        own = latest.get(unit) if unit is not None else None
        if own is None or _reaches(ahead, own, sources - {own}):
            own = len(inside)
            inside.append([])
            ahead.append(set())
            unit_of.append(unit)
            if unit is not None:
                latest[unit] = own
        inside[own].append(member)
        cluster[member] = own
        for source in sources - {own}:
            ahead[source].add(own)
    return [(unit, inner) for unit, inner in zip(unit_of, inside, strict=True) if unit is not None]


def _reaches(ahead: Sequence[set[int]], start: int, goals: set[int]) -> bool:
    seen, waiting = {start}, [start]
    while waiting and goals:
        for following in ahead[waiting.pop()]:
            if following in goals:
                return True
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return False
