"""Random graphs: gradients against mpmath's, and what must hold of every backward pass."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from graphs import PUBLIC, Instruction, Program, call, judge, programs, random_program, run, run_on_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mpmath import mp
from oracles import ORACLES, analytic, at_kink, exact, points

from autograd import Value, steps, topological_order
from autograd.primitives.primitive import PRIMITIVES

# graphs 200 deep are many choices; that is what they are for
many = settings(
    derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def bits(xs: Sequence[float]) -> list[str]:
    return [x.hex() for x in xs]


def gradients(nodes: Sequence[Value], program: Program) -> list[float]:
    return [node.grad for node in nodes[: len(program.inputs)]]


# -- the oracles themselves ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PRIMITIVES)
def test_two_oracles_agree(name: str):
    """Formulas at 60 digits and differences at 420: neither took anything from the other."""
    for xs in points(PRIMITIVES[name], 25):
        if at_kink(PRIMITIVES[name], xs):
            continue
        value, slopes = analytic(name, xs)
        exact_value, exact_slopes = exact(PRIMITIVES[name], xs)
        pairs = [(value, exact_value), *zip(slopes, exact_slopes, strict=True)]
        with mp.workdps(60):
            for got, want in pairs:
                assert want is None or abs(got - want) <= 1e-45 * abs(want) + mp.mpf(10) ** -350, (xs, got, want)


# -- gradients -------------------------------------------------------------------------------------------------------
@pytest.mark.slow
@settings(many, max_examples=1500)
@given(programs())
def test_gradients_are_mpmath_s(program: Program):
    verdict = judge(program)
    assert not verdict.mismatches, f"{verdict.mismatches}\n{program}"


@pytest.mark.slow
def test_gradients_of_seeded_graphs_are_mpmath_s():
    used: set[str] = set()
    deepest, sharp = 0, 0
    for seed in range(2000):
        program = random_program(seed)
        verdict = judge(program)
        assert not verdict.mismatches, f"seed {seed}: {verdict.mismatches}\n{program}"
        used |= {instruction.name for instruction in program.instructions}
        deepest = max(deepest, len(program.instructions))
        sharp += verdict.sharpest < 1e-12
    assert used == set(PUBLIC)
    assert deepest >= 200
    assert sharp > 1500  # in most of them a relative error of 1e-12 would be seen


def test_a_wrong_derivative_would_be_seen(monkeypatch: pytest.MonkeyPatch):
    """The comparison is sharp: where engine and oracle differ in a derivative by one part in 10**12, it fails."""
    at = 0.7
    wrong = replace(ORACLES["sin"], value=lambda x: mp.sin(x) + (x - mp.mpf(at)) * mp.mpf(10) ** -12)
    monkeypatch.setitem(ORACLES, "sin", wrong)
    verdict = judge(Program((at,), (Instruction("sin", (0,)), Instruction("exp", (1,)))))
    assert [text.split(":")[0] for text in verdict.mismatches] == ["gradient by v0"]


# -- properties of the backward pass ---------------------------------------------------------------------------------
@settings(many, max_examples=300)
@given(programs(), st.integers(-30, 30))
def test_backward_is_linear_in_the_upstream_gradient(program: Program, power: int):
    nodes = run_on_values(program)
    nodes[-1].backward()
    once = gradients(nodes, program)
    scaled = run_on_values(program)
    scaled[-1].backward(math.ldexp(1.0, power))
    # a power of two only moves the exponents, so long as nothing underflows
    if all(abs(node.grad) > 1e-250 or node.grad == 0.0 for node in nodes):
        assert bits(gradients(scaled, program)) == bits([math.ldexp(g, power) for g in once])
    negated = run_on_values(program)
    negated[-1].backward(-1.0)
    assert gradients(negated, program) == [-g for g in once]


@settings(many, max_examples=300)
@given(programs())
def test_backward_twice_doubles_leaves_exactly(program: Program):
    nodes = run_on_values(program)
    nodes[-1].backward()
    once, within = gradients(nodes, program), [node.grad for node in nodes[len(program.inputs) :]]
    nodes[-1].backward()
    assert bits(gradients(nodes, program)) == bits([2 * g for g in once])
    assert bits([node.grad for node in nodes[len(program.inputs) :]]) == bits(within)


@settings(many, max_examples=300)
@given(programs())
def test_backward_changes_no_value(program: Program):
    nodes = run_on_values(program)
    before = [(bits([n.data]), bits(n.local_grads), [id(p) for p in n.parents]) for n in nodes]
    nodes[-1].backward()
    list(steps(nodes[-1]))
    assert [(bits([n.data]), bits(n.local_grads), [id(p) for p in n.parents]) for n in nodes] == before
    assert bits([n.data for n in run_on_values(program)]) == bits([n.data for n in nodes])


@settings(many, max_examples=300)
@given(programs())
def test_steps_tell_what_backward_does(program: Program):
    nodes = run_on_values(program)
    nodes[-1].backward()
    told = {nodes[-1]: 1.0}
    for step in steps(nodes[-1]):
        assert step.upstream == step.node.grad
        for operand in step.operands:
            told[operand.value] = operand.after
    assert all(told.get(node, 0.0) == node.grad for node in nodes)
    assert {id(node) for node in topological_order(nodes[-1])} == {id(node) for node in told}


@settings(many, max_examples=300)
@given(programs(), st.data())
def test_detach_cuts(program: Program, data: st.DataObject):
    """A detached node receives what the node received, and passes nothing on: the rest is unchanged by it."""
    cut = data.draw(st.integers(len(program.inputs), len(program.inputs) + len(program.instructions) - 1))
    whole = run_on_values(program)
    whole[-1].backward()

    made = 0

    def cutting(name: str, operands: list[Value]) -> Value:
        nonlocal made
        node = call(name, operands)
        made += 1
        return node.detach() if made == cut - len(program.inputs) + 1 else node

    nodes = run(program, [Value(x) for x in program.inputs], cutting)
    assert bits([n.data for n in nodes]) == bits([n.data for n in whole])
    nodes[-1].backward()
    assert nodes[cut].parents == ()
    reached = {id(node) for node in topological_order(nodes[-1])}
    assert nodes[cut].grad == whole[cut].grad
    for node in nodes:
        assert id(node) in reached or node.grad == 0.0
    # and what was cut off is what the node alone would have passed on
    rest = run_on_values(program)
    rest[cut].backward(whole[cut].grad)
    for x, other, full in zip(nodes, rest, whole[: len(program.inputs)], strict=False):
        sizes = sum_of_sizes(whole, program)
        assert abs(x.grad + other.grad - full.grad) <= 1e-14 * len(nodes) * sizes


def sum_of_sizes(nodes: Sequence[Value], program: Program) -> float:
    """The contributions to the inputs along all paths, added up by size: what their rounding is relative to."""
    sizes = {id(node): 0.0 for node in nodes}
    sizes[id(nodes[-1])] = 1.0
    for node in reversed(nodes):
        for parent, local in zip(node.parents, node.local_grads, strict=True):
            sizes[id(parent)] += abs(local) * sizes[id(node)]
    return max(sizes[id(node)] for node in nodes[: len(program.inputs)])


# -- the order of statements -----------------------------------------------------------------------------------------
def reordered(program: Program, rng: random.Random, keep_consumers: bool) -> tuple[Program, list[int]]:
    """The same statements in another order, and where each node now stands.

    Operands come before what uses them. With `keep_consumers` the uses of each node also keep their order.
    """
    first = len(program.inputs)
    total = first + len(program.instructions)
    before: list[set[int]] = [set() for _ in range(total)]
    last_use: dict[int, int] = {}
    for node in range(first, total):
        for operand in program.instructions[node - first].operands:
            if type(operand) is int:
                before[node].add(operand)
                if keep_consumers and last_use.get(operand, node) != node:
                    before[node].add(last_use[operand])
                last_use[operand] = node
    order, left = list(range(first)), list(range(first, total - 1))
    while left:
        ready = [node for node in left if before[node] <= set(order)]
        order.append(rng.choice(ready))
        left.remove(order[-1])
    order.append(total - 1)
    place = {node: at for at, node in enumerate(order)}
    instructions = []
    for node in order[first:]:
        instruction = program.instructions[node - first]
        operands = tuple(place[o] if type(o) is int else o for o in instruction.operands)
        instructions.append(Instruction(instruction.name, operands))
    return Program(program.inputs, tuple(instructions)), [place[node] for node in range(total)]


def uses(program: Program) -> int:
    """The largest number of contributions that one node takes."""
    counts: dict[int, int] = {}
    for instruction in program.instructions:
        for operand in instruction.operands:
            if type(operand) is int:
                counts[operand] = counts.get(operand, 0) + 1
    return max(counts.values())


@settings(many, max_examples=400)
@given(programs(), st.integers(0, 2**32), st.booleans())
def test_the_order_of_unrelated_statements_does_not_matter(program: Program, seed: int, keep_consumers: bool):
    """Values keep their bits in any order. Gradients are sums over a node's uses, newest first: they keep theirs where
    those uses keep their order, and where no node has more than two (two numbers add up alike either way).
    Otherwise they differ by the rounding of a sum.
    """
    other, place = reordered(program, random.Random(seed), keep_consumers)
    nodes, others = run_on_values(program), run_on_values(other)
    assert bits([node.data for node in nodes]) == bits([others[at].data for at in place])
    nodes[-1].backward()
    others[-1].backward()
    got = [others[at].grad for at in place]
    if keep_consumers or uses(program) <= 2:
        assert got == [node.grad for node in nodes]
    sizes = sum_of_sizes(nodes, program)
    for i in range(len(program.inputs)):
        assert abs(got[i] - nodes[i].grad) <= 2e-16 * len(nodes) * sizes


def test_programs_print_as_python():
    program = random_program(3)
    lines = str(program).splitlines()
    assert len(lines) == len(program.inputs) + len(program.instructions)
    scope: dict[str, object] = {"Value": Value, "call": call}
    exec(str(program), scope)
    root = scope[f"v{len(lines) - 1}"]
    assert type(root) is Value
    assert root.data == run_on_values(program)[-1].data
