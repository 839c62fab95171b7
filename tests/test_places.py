"""Places of nodes in a list, and the walks over all operands, against the plain form of each."""

from __future__ import annotations

import random
from array import array

import pytest
from graphs import random_program, run_on_values

import autograd as ag
from autograd import Value, topological_order
from autograd.places import Index, edges_between, first_users


def graph(seed: int) -> list[Value]:
    """Nodes of a random graph after a backward pass, operands first; now and then not all, or not by number."""
    rng = random.Random(seed)
    one = run_on_values(random_program(seed))[-1]
    for _ in range(rng.choice([0, 0, 9_000])):  # numbers far apart
        Value(0.0)
    other = run_on_values(random_program(seed + 1_000))[-1]
    root = ag.sum([one, other, one, 2.0])
    if rng.random() < 0.8:
        root.backward()
    order = topological_order(root)
    if rng.random() < 0.3:
        order = [node for node in order if rng.random() < 0.8]
    if rng.random() < 0.3:  # as for several roots: their orders behind each other
        merged = {id(node): node for node in [*topological_order(other), *order]}
        order = list(merged.values())
    return order


def place_of(order: list[Value]) -> dict[int, int]:
    return {id(node): place for place, node in enumerate(order)}


@pytest.mark.parametrize("seed", range(60))
def test_edges_between_groups_are_those_of_the_operands(seed: int):
    rng, order = random.Random(seed), graph(seed)
    count = rng.choice([1, 2, 7, len(order) + 3])
    groups = [rng.randrange(count) for _ in order]
    places = place_of(order)
    numbers: dict[tuple[int, int], int] = {}
    terms: dict[tuple[int, int], list[float]] = {}
    for head, node in zip(groups, order, strict=True):
        for parent, local_grad in zip(node.parents, node.local_grads, strict=True):
            if id(parent) in places and groups[places[id(parent)]] != head:
                ends = groups[places[id(parent)]], head
                numbers[ends] = numbers.get(ends, 0) + 1
                upstream = node.grad if node.reached else 0.0
                terms.setdefault(ends, []).append(upstream * local_grad if upstream and local_grad else 0.0)
    found = edges_between(order, array("i", groups), count)
    assert {ends: number for ends, (number, _) in found.items()} == numbers
    for ends, (_, passed) in found.items():
        # sums in another order: each of n additions rounds by at most half an ulp of the sum of sizes
        bound = len(terms[ends]) * 2.0**-52 * sum(map(abs, terms[ends]))
        assert passed == pytest.approx(sum(terms[ends]), rel=0, abs=bound, nan_ok=True)


@pytest.mark.parametrize("seed", range(60))
def test_first_users_are_those_that_a_set_finds(seed: int):
    order = graph(seed)
    fresh: set[int] = set()
    expected = []
    for place, node in enumerate(order):
        if not node.op:
            fresh.add(id(node))
        elif used := fresh & set(map(id, node.parents)):
            fresh -= used
            expected.append(place)
    assert first_users(order) == expected


@pytest.mark.parametrize("seed", range(20))
def test_parents_have_their_places(seed: int):
    order = graph(seed)
    places, index = place_of(order), Index(order, 0)
    for node in order:
        assert index.of_parents(node) == [places[id(one)] for one in node.parents if id(one) in places]


def test_the_zero_rule_holds_and_a_node_that_no_pass_has_reached_passes_nothing():
    x, h = Value(0.0), Value(1e308)
    y = (x.log() * 0.0 + h * 10.0 + x) * 0.0
    groups = array("i", [0, 0, *[1] * (len(topological_order(y)) - 2)])
    assert edges_between(topological_order(y), groups, 2) == {(0, 1): (3, 0.0)}
    y.backward()
    assert edges_between(topological_order(y), groups, 2) == {(0, 1): (3, 0.0)}


def test_of_nothing_there_is_nothing():
    assert first_users([]) == []
    assert edges_between([], array("i"), 0) == {}
    assert Index([], 0).of_parents(Value(1.0) * 2) == []
