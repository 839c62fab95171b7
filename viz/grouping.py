"""Large graphs: a card per module, all samples of a batch in it, and equal leaves as one card.

A graph is walked once; what is kept is a number per value and the values of each group. The edges between groups are
summed by the engine (`autograd.places`).
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from operator import attrgetter

from autograd import Value
from autograd.formatting import clean_text
from autograd.names import name_of
from autograd.places import Index, edges_between
from autograd.primitives.primitive import glyph
from viz.cards import Look, forward_cards, items_of, product
from viz.facts import Facts, facts_of
from viz.frames import unit_title, units_of
from viz.model import LABEL_LENGTH, TOOLTIP_LENGTH, Edge, Kind, Node, Row

__all__ = ["Grouped", "group_by_modules"]

_SINGLES = 24  # up to so many values outside of modules have a card each
_OPS_NAMED = 3
_SAMPLE = 20_000  # values that tell of a level that it cannot fit
_CARDS = 5  # fewer are not worth fewer ranks
_RANKS = 9  # cards one behind the other, where a coarser level has fewer

Key = tuple[str, str]  # what kind of group, and its path or name


@dataclass(slots=True)
class Grouped:
    """The cards of a grouped graph, the units around each, and what the caption says."""

    nodes: list[Node]
    edges: list[Edge]
    units: list[tuple[str, ...]]


@dataclass(slots=True)
class _Walked:
    """The finest groups, and the edges between them: how many, and the sum of their contributions."""

    keys: list[Key]
    members: list[list[Value]]
    first: list[int]  # the place of the first of them
    edges: dict[tuple[int, int], tuple[int, float]]
    singles: list[Value]
    group_of: dict[int, int]  # of the operands of singles, by id
    places: dict[int, int]  # of singles


def group_by_modules(
    order: Sequence[Value], look: Look, node_limit: int, edge_limit: int, depth: int | None
) -> Grouped | None:
    """Return the graph by modules at the deepest level that fits, None where no level does or there are no modules.

    Args:
        order: the values, operands first.
        look: what decides the wording.
        node_limit: the largest number of cards.
        edge_limit: the largest number of edges.
        depth: a level to group at, 1 for the outermost modules, whether it fits or not; None for the deepest that does.
    """
    paths = {path for path in set(map(attrgetter("module"), order)) if path}
    if not paths:
        return None
    own_units = units_of(sorted(paths))
    deepest = max(map(len, own_units.values()))
    levels = range(_finest(order, own_units, deepest, node_limit, edge_limit), 0, -1)
    if depth is not None:
        levels = range(min(depth, deepest), min(depth, deepest) - 1, -1)
    units = {unit: own[: position + 1] for own in own_units.values() for position, unit in enumerate(own)}
    walked = _walk(order, look, {path: own[min(levels[0], len(own)) - 1] for path, own in own_units.items()})
    look = replace(look, places=walked.places, expand=frozenset())
    fitting = None
    for level in levels:
        mapping = _coarsened(walked, units, level)
        pairs = {(mapping[tail], mapping[head]) for tail, head in walked.edges}
        pairs = {(tail, head) for tail, head in pairs if tail != head}
        cards = len(set(mapping))
        if depth is None and (cards > node_limit or len(pairs) > edge_limit):
            continue
        if fitting is not None and cards < _CARDS:
            break  # a long row of modules says more than one card for all of them
        fitting = level, mapping
        if depth is not None or _longest_way(mapping, walked, pairs) <= _RANKS:
            break
    return None if fitting is None else _drawn(walked, units, fitting[1], fitting[0], look)


def _finest(
    order: Sequence[Value], own_units: Mapping[str, tuple[str, ...]], deepest: int, node_limit: int, edge_limit: int
) -> int:
    """Return the finest level that could fit; some of the values tell which levels cannot, before all are walked."""
    module = attrgetter("module")
    pairs = {
        (value.module, tail)
        for value in order[:: max(1, len(order) // _SAMPLE)]
        if value.module is not None
        for tail in set(map(module, value.parents))
        if tail is not None
    }
    for level in range(deepest, 1, -1):
        units = {path: own[:level][-1] for path, own in own_units.items() if len(own) >= level}
        between = {(units[head], units[tail]) for head, tail in pairs if head in units and tail in units}
        edges = sum(head != tail for head, tail in between)
        if len({own[:level] for own in own_units.values()}) <= node_limit and edges <= edge_limit:
            return level
    return 1


def _longest_way(mapping: list[Key], walked: _Walked, pairs: Iterable[tuple[Key, Key]]) -> int:
    """Return how many cards stand one behind the other."""
    first: dict[Key, int] = {}
    for group, key in enumerate(mapping):
        first.setdefault(key, walked.first[group])
    place = {key: position for position, key in enumerate(_sorted_keys(first, pairs))}
    ranks = dict.fromkeys(place, 1)
    for tail, head in sorted(pairs, key=lambda pair: place[pair[0]]):
        if place[tail] < place[head]:
            ranks[head] = max(ranks[head], ranks[tail] + 1)
    return max(ranks.values())


def _walk(order: Sequence[Value], look: Look, units: Mapping[str, str]) -> _Walked:
    """Look at each value once: the values of a unit are a group, and so are leaves of one name.

    Other values are grouped by the last unit that they come after: those outside of modules, and those of a module
    around others, which may stand before one of these and behind another.

    Args:
        order: the values, operands first.
        look: what decides the wording.
        units: the unit that each path belongs to at the finest level that could fit.
    """
    order = list(order)
    index = Index(order, 0)
    outer = {unit[:end] for unit in set(units.values()) for end, letter in enumerate(unit) if letter == "."}
    apart = _few_outside(order)
    numbers: dict[Key, int] = {}
    keys: list[Key] = []
    members: list[list[Value]] = []
    first: list[int] = []
    plain: dict[str, int] = {}  # the group of a module that is not around others
    groups: list[int] = []
    last_module: list[int] = []  # by group: itself, or the last module that its values come after
    singles: list[Value] = []
    places: dict[int, int] = {}
    names = look.names
    for place, module in enumerate(map(attrgetter("module"), order)):
        group = plain.get(module, -1)
        if group < 0:
            value = order[place]
            parents = index.of_parents(value) if module is None or module in outer else ()
            after = max([last_module[groups[parent]] for parent in parents], default=-1)
            if module is not None:
                within = value.op and module in outer
                key: Key = ("within", f"{after}:{module}") if within else ("module", units[module])
            elif apart:
                key = ("single", str(place))
                singles.append(value)
                places[id(value)] = place
            elif value.op:
                key = ("after", str(after))
            else:
                name = name_of(value, names)
                key = ("leaf", _base(name) if name else "")
            if key not in numbers:
                numbers[key] = len(keys)
                keys.append(key)
                members.append([])
                first.append(place)
                last_module.append(numbers[key] if key[0] == "module" else after)
            group = numbers[key]
            if module is not None and module not in outer:
                plain[module] = group
        groups.append(group)
        members[group].append(order[place])
    near = {id(order[parent]): groups[parent] for single in singles for parent in index.of_parents(single)}
    found = edges_between(order, array("i", groups), len(keys))
    # the card of a single has a slot for each operand
    edges = {ends: summed for ends, summed in found.items() if keys[ends[1]][0] != "single"}
    return _Walked(keys, members, first, edges, singles, near, places)


def _few_outside(order: Sequence[Value]) -> bool:
    """Return whether the values outside of modules are few enough for a card each."""
    values = operands = 0
    for value in order:
        if value.module is None:
            values += 1
            if values > _SINGLES:
                return False
            operands += len(value.operands)
    return operands <= 2 * _SINGLES


def _base(name: str) -> str:
    """Return what the names of equal leaves share: ``x`` of ``x17`` and of ``x[3][1]``."""
    return re.sub(r"(\[[^\]]*\]|\d+)+$", "", name) or name


def _coarsened(walked: _Walked, units: dict[str, tuple[str, ...]], level: int) -> list[Key]:
    """Return for each finest group the group that it belongs to at ``level``."""

    def coarse(path: str) -> str:
        own = units[path]
        return own[min(level, len(own)) - 1]

    # Values after one neuron of a closed layer are values after the layer: its first group stands for all.
    stands_for: dict[str, int] = {}
    for group, (kind, name) in enumerate(walked.keys):
        if kind == "module":
            stands_for.setdefault(coarse(name), group)

    def after(group: str) -> int:
        return stands_for[coarse(walked.keys[int(group)][1])] if int(group) >= 0 else -1

    mapping: list[Key] = []
    for kind, name in walked.keys:
        if kind == "module":
            mapping.append((kind, coarse(name)))
        elif kind == "within":
            behind, _, path = name.partition(":")
            is_open = len(units[path]) < level
            mapping.append((kind, f"{after(behind)}:{path}") if is_open else ("module", coarse(path)))
        else:
            mapping.append((kind, str(after(name)) if kind == "after" else name))
    return mapping


def _drawn(walked: _Walked, units: dict[str, tuple[str, ...]], mapping: list[Key], level: int, look: Look) -> Grouped:
    merged: dict[Key, list[Value]] = {}
    first: dict[Key, int] = {}
    for group, key in enumerate(mapping):
        merged.setdefault(key, []).extend(walked.members[group])
        first[key] = min(first.get(key, walked.first[group]), walked.first[group])
    summed: dict[tuple[Key, Key], tuple[int, float]] = {}
    for (before, behind), (number_of, contributions) in walked.edges.items():
        ends = mapping[before], mapping[behind]
        if ends[0] != ends[1]:
            count, passed = summed.get(ends, (0, 0.0))
            summed[ends] = count + number_of, passed + contributions
    items = items_of(walked.singles, look)
    single_nodes, single_edges = forward_cards(items, look)
    single_keys: list[Key] = [("single", str(item.place)) for item in items]
    into = [  # the tail of each edge from a group into a slot
        (mapping[walked.group_of[id(operand.gone)]], head, slot, operand)
        for head, item in enumerate(items)
        for slot, operand in enumerate(item.operands)
        if operand.gone is not None and id(operand.gone) in walked.group_of
    ]
    pairs = [
        *summed,
        *((single_keys[edge.tail], single_keys[edge.head]) for edge in single_edges),
        *((tail, single_keys[head]) for tail, head, _, _ in into),
    ]
    keys = _sorted_keys(first, pairs)
    index = {key: position for position, key in enumerate(keys)}
    edges = []
    for (tail, head), (count, passed) in summed.items():
        reached = any(value.reached for value in merged[head])
        text = f"{count:,} edge{'s' * (count != 1)}" + (f", contributions {passed!r} in sum" if reached else "")
        edges.append(Edge(index[tail], index[head], 0, passed if reached else None, text))
    edges += [
        replace(edge, tail=index[single_keys[edge.tail]], head=index[single_keys[edge.head]]) for edge in single_edges
    ]
    for tail, position, slot, operand in into:
        text, contribution = product(items[position].gradient, operand)
        edges.append(Edge(index[tail], index[single_keys[position]], slot, contribution, text))
    edges.sort(key=lambda edge: (edge.head, edge.slot, edge.tail))
    opened = {inner[-2] for inner in units.values() if 1 < len(inner) <= level}
    singles = dict(zip(single_keys, single_nodes, strict=True))
    nodes, around = [], []
    for key in keys:
        inside: tuple[str, ...] = ()
        if key[0] == "module":
            own = units[key[1]]
            inside = own if key[1] in opened else own[:-1]
        elif key[0] == "within":
            inside = units[key[1].partition(":")[2]]
        nodes.append(singles.get(key) or _group_card(key, merged[key], first[key], inside, look))
        around.append(inside)
    return Grouped(nodes, edges, around)


def _sorted_keys(first: Mapping[Key, int], pairs: Iterable[tuple[Key, Key]]) -> list[Key]:
    """Return the groups, each after those that it needs where that is possible, else the older first."""
    ahead: dict[Key, set[Key]] = {key: set() for key in first}
    for tail, head in pairs:
        ahead[tail].add(head)
    needs = dict.fromkeys(first, 0)
    for heads in ahead.values():
        for head in heads:
            needs[head] += 1
    ready = [(first[key], key) for key, count in needs.items() if count == 0]
    heapify(ready)
    left = dict(first)
    done: list[Key] = []
    while left:
        key = heappop(ready)[1] if ready else min(left, key=lambda key: (left[key], key))
        if key not in left:
            continue
        del left[key]
        done.append(key)
        for head in ahead[key]:
            needs[head] -= 1
            if needs[head] == 0 and head in left:
                heappush(ready, (first[head], head))
    return done


def _group_card(key: Key, values: list[Value], first: int, inside: tuple[str, ...], look: Look) -> Node:
    if len(values) == 1 and key[0] != "module":
        alone = replace(look, places={id(values[0]): first})
        return forward_cards(items_of(values, alone), alone)[0][0]
    facts = facts_of(values, look)
    rows = [Row("params", f"{facts.parameters:,}")] if facts.parameters and facts.operations else []
    if facts.operations:
        rows.append(Row("ops", f"{facts.operations:,}"))
    rows.append(Row("data", _span(facts, look) + ", assigned since" * facts.is_assigned))
    rows.append(Row("‖∇‖", "–" if facts.norm is None else look.number(facts.norm)))
    kind: Kind = "group"
    subtitle = f"{facts.values:,} value{'s' * (facts.values != 1)}"
    if key[0] == "leaf":
        kind = "parameter" if facts.parameters else "input"
        title, subtitle = key[1] or "leaves", f"×{facts.values:,}"
    elif key[0] == "module":
        outer = inside[-1] if inside and inside[-1] != key[1] else ""
        title = unit_title(key[1], outer)
    else:
        commonest = sorted(facts.ops, key=lambda op: -facts.ops[op])
        title = name_of(values[-1], look.names) or " ".join(map(glyph, commonest[:_OPS_NAMED]))
    full = key[1] if key[0] in ("module", "leaf") and key[1] else title
    tooltip = f"{full}: {facts.values:,} values, {facts.operations:,} operations, {facts.parameters:,} parameters"
    if facts.ops:
        tooltip += f", {', '.join(f'{glyph(op)} ×{count:,}' for op, count in sorted(facts.ops.items()))}"
    return Node(
        kind,
        clean_text(title, LABEL_LENGTH),
        subtitle,
        tuple(rows),
        (),
        facts.norm,
        facts.is_output,
        clean_text(tooltip, 2 * TOOLTIP_LENGTH),
        values=facts.values,
    )


def _span(facts: Facts, look: Look) -> str:
    odd = f"{facts.odd:,} not finite" if facts.odd else ""
    if facts.least > facts.most:
        return odd
    least, most = look.number(facts.least), look.number(facts.most)
    span = least if least == most else f"{least} … {most}"
    return f"{span}, {odd}" if odd else span
