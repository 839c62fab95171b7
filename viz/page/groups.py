"""The modules of a graph as nested groups, and which of them are open at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from autograd import Value
from viz.frames import unit_title, units_of

__all__ = ["CHUNK", "Group", "ancestors", "first_open", "grouped"]

CHUNK = 150
"""Values that stand directly in one module, or in none, and are more than this close in lots of this size."""


@dataclass(slots=True)
class Group:
    """A module, or a lot of values that stand in none: which values it has, and what it is inside of."""

    title: str
    path: str
    parent: int | None
    members: list[int] = field(default_factory=list)
    children: list[int] = field(default_factory=list)


def grouped(order: Sequence[Value], *, chunk: int) -> tuple[list[Group], list[int]]:
    """Return the groups that values stand in, outer ones first, and for each value the innermost one, or -1.

    A module's path gives its groups: they are the units that pictures have frames for. Values that stand directly in
    one module, or in none, and are more than ``chunk``, are put into lots of neighbours.
    """
    units = units_of({value.module: None for value in order if value.module})
    groups: list[Group] = []
    by_path: dict[str, int] = {}
    group_of: list[int] = []
    for value in order:
        parent = None
        for path in units.get(value.module or "", ()):
            if path not in by_path:
                title = unit_title(path, groups[parent].path if parent is not None else "")
                by_path[path] = _add(groups, title, path, parent)
            parent = by_path[path]
        group_of.append(-1 if parent is None else parent)
    direct_of: dict[int, list[int]] = {}
    for at, group in enumerate(group_of):
        direct_of.setdefault(group, []).append(at)
    for home, direct in direct_of.items():
        if len(direct) > chunk:
            for start in range(0, len(direct), chunk):
                lot = direct[start : start + chunk]
                title = f"values {start + 1:,} to {start + len(lot):,}"
                parent = None if home < 0 else home
                inner = _add(groups, title, f"{'' if parent is None else groups[parent].path}/{start}", parent)
                for at in lot:
                    group_of[at] = inner
    around = [ancestors(groups, group) for group in range(len(groups))]
    for at, inner in enumerate(group_of):
        for group in around[inner] if inner >= 0 else ():
            groups[group].members.append(at)
    return groups, group_of


def _add(groups: list[Group], title: str, path: str, parent: int | None) -> int:
    groups.append(Group(title, path, parent))
    if parent is not None:
        groups[parent].children.append(len(groups) - 1)
    return len(groups) - 1


def ancestors(groups: Sequence[Group], inner: int) -> list[int]:
    """Return ``inner`` and the groups around it, innermost first."""
    found = []
    while inner >= 0:
        found.append(inner)
        parent = groups[inner].parent
        inner = -1 if parent is None else parent
    return found


def first_open(groups: Sequence[Group], group_of: Sequence[int], roots: Iterable[int], limit: int) -> set[int]:
    """Return what is open at first: all where the values fit, else every level that does, from the outside.

    A root that stands in a lot of values is in sight, its lot open.
    """
    if len(group_of) <= limit:
        return set(range(len(groups)))
    depth = [len(ancestors(groups, group)) for group in range(len(groups))]
    direct = Counter(group_of)
    opened: set[int] = set()
    for level in range(1, max(depth, default=0) + 1):
        further = opened | {group for group in range(len(groups)) if depth[group] == level}
        cards = direct[-1]
        for group in range(len(groups)):
            parent = groups[group].parent
            cards += direct[group] if group in further else parent is None or parent in further
        if cards > min(limit, 150):
            break
        opened = further
    for root in roots:
        around = ancestors(groups, group_of[root])
        if around and "/" in groups[around[0]].path and len(groups[around[0]].members) <= CHUNK:
            opened |= set(around)
    return opened
