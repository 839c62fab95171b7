"""Random graphs as programs: lists of instructions that run over Values and, independently, over mpmath.

`program(choose, length)` builds one from any source of choices: hypothesis draws them (`programs`), a long run takes
them from a seeded generator. It uses every public primitive, shares nodes freely, and keeps operands inside domains and
away from kinks: an operand that lies outside is first squashed into the domain by smooth primitives.

The oracle knows nothing of graphs, of the chain rule or of any derivative: it runs the program in mpmath at 110 digits
and takes central differences of the whole, one input at a time, which leaves far more than 50 digits.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from mpmath import mp, mpf
from oracles import ORACLES, complaints

import autograd as ag
from autograd import Value
from autograd.primitives.primitive import PRIMITIVES, Primitive

Operand = int | float  # an int is the number of a node, a float is itself
Choose = Callable[[int, int], int]  # a whole number from low to high

PUBLIC = sorted(name for name, primitive in PRIMITIVES.items() if not primitive.internal)
OPERATORS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "modulo": lambda x, y: x % y,
    "power": lambda x, y: x**y,
    "power_constant": lambda x, y: x**y,
    "negate": lambda x: -x,
}


def neuron() -> Value:
    """The neuron of the first lesson; its labels are x1, w1, x2, w2, b and y."""
    x1, w1 = Value(2.0, "x1"), Value(-1.5, "w1")
    x2, w2, b = Value(0.5, "x2"), Value(1.0, "w2"), Value(3.2, "b")
    y = (x1 * w1 + x2 * w2 + b).tanh()
    y.label = "y"
    return y


@dataclass(frozen=True)
class Instruction:
    """A primitive and its operands."""

    name: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Program:
    """Inputs, which are nodes 0, 1, ..., and instructions, each of which makes the next node; the last is the root."""

    inputs: tuple[float, ...]
    instructions: tuple[Instruction, ...]

    def __str__(self) -> str:
        """As Python, to try by hand."""
        lines = [f"v{i} = Value({x!r})" for i, x in enumerate(self.inputs)]
        for i, instruction in enumerate(self.instructions, start=len(self.inputs)):
            operands = ", ".join(f"v{o}" if type(o) is int else repr(o) for o in instruction.operands)
            lines.append(f"v{i} = call({instruction.name!r}, [{operands}])")
        return "\n".join(lines)


def call(name: str, operands: Sequence[Any]) -> Any:
    """Use a primitive as a user would: by its operator or by its function."""
    if name in OPERATORS:
        return OPERATORS[name](*operands)
    function, primitive = getattr(ag, name), PRIMITIVES[name]
    return function(*operands) if primitive.arity is not None else function(*in_lists(primitive, operands))


def in_lists(primitive: Primitive, operands: Sequence[Any]) -> list[Any]:
    """The arguments of a function of lists: the lists, which stand one behind the other, and the index."""
    lists = len(primitive.arguments) - primitive.takes_index
    n = (len(operands) - primitive.takes_index) // lists
    return [*(operands[i * n : (i + 1) * n] for i in range(lists)), *operands[lists * n :]]


def run(program: Program, inputs: Sequence[Any], apply: Callable[[str, list[Any]], Any] = call) -> list[Any]:
    """All nodes of a program, in any arithmetic."""
    nodes = list(inputs)
    for instruction in program.instructions:
        nodes.append(apply(instruction.name, [nodes[o] if type(o) is int else o for o in instruction.operands]))
    return nodes


def run_on_values(program: Program) -> list[Value]:
    """All nodes of a program as Values, recorded anew."""
    return run(program, [Value(x) for x in program.inputs])


# -- the oracle ------------------------------------------------------------------------------------------------------
DIGITS = 110
STEP = mpf(10) ** -40
ORACLE_ERROR = 1e-50  # of a difference: 1e-110 / 1e-40 and 1e-80, times what the graph makes of them


def _in_mpmath(name: str, operands: list[Any]) -> mpf:
    return ORACLES[name].value(*[x if type(x) is mpf else mpf(x) for x in operands])


def exact_gradient(program: Program) -> tuple[mpf, list[mpf]]:
    """The root's value and its derivative by each input."""
    with mp.workdps(DIGITS):
        at = [mpf(x) for x in program.inputs]
        gradient = []
        for i in range(len(at)):
            up, down = list(at), list(at)
            up[i] += STEP
            down[i] -= STEP
            difference = run(program, up, _in_mpmath)[-1] - run(program, down, _in_mpmath)[-1]
            gradient.append(difference / (2 * STEP))
        return run(program, at, _in_mpmath)[-1], gradient


# -- building --------------------------------------------------------------------------------------------------------
def operand_bounds(name: str) -> tuple[tuple[float, float], ...]:
    """Where operands may lie: inside the domain, results of moderate size, no catastrophic conditioning."""
    bounds = ORACLES[name].graphs
    assert bounds is not None, complaints(PRIMITIVES[name])
    return bounds


MARGIN = 0.02  # how far an operand keeps from a kink; far more than rounding can move it


SQUASHERS = ("tanh", "sin", "cos", "erf", "sigmoid", "atan", "asinh", "gelu", "silu")  # all below 3 on [-3, 3]
POWERS = (2.0, 3.0, -1.0, 0.5, 1.5, -2.0, 0.0, 1.0, -0.3, 0.1)


class _Builder:
    """A program in the making, with the values its nodes will have."""

    def __init__(self, choose: Choose, deep: bool) -> None:
        self.choose = choose
        self.deep = deep
        self.inputs = tuple(self.real(-3.0, 3.0) for _ in range(choose(1, 3)))
        self.values = list(self.inputs)
        self.instructions: list[Instruction] = []

    def real(self, low: float, high: float) -> float:
        return low + (high - low) * self.choose(1, 9999) / 10_000

    def emit(self, name: str, *operands: Operand) -> int:
        numbers = [self.values[o] if type(o) is int else o for o in operands]
        primitive = PRIMITIVES[name]
        self.values.append(primitive.forward(numbers) if primitive.arity is None else primitive.forward(*numbers))
        self.instructions.append(Instruction(name, operands))
        return len(self.values) - 1

    def node(self, first: bool) -> int:
        """A node to use: most often a recent one, in a deep graph as first operand always the last."""
        last = len(self.values) - 1
        back = 0 if self.deep and first else self.choose(0, last if self.choose(0, 3) == 0 else min(last, 4))
        return last - back

    def operand(self, bounds: tuple[float, float], first: bool) -> Operand:
        """A node within the bounds, if need be squashed into them; now and then a number."""
        if not first and self.choose(0, 5) == 0:
            return self.real(max(bounds[0], -3.0), min(bounds[1], 3.0))
        return self.squashed(self.node(first), bounds)

    def squashed(self, node: int, bounds: tuple[float, float]) -> int:
        low, high = bounds
        x = self.values[node]
        if low <= x <= high:
            return node
        if abs(x) > 3.0:
            node = self.emit("multiply", node, 2.0 / abs(x))
        node = self.emit(SQUASHERS[self.choose(0, len(SQUASHERS) - 1)], node)
        low, high = max(low, -5.0), min(high, 5.0)
        node = self.emit("multiply", node, (high - low) / 6.2)
        return self.emit("add", (high + low) / 2, node)

    def instruction(self) -> None:
        name = PUBLIC[self.choose(0, len(PUBLIC) - 1)]
        bounds = operand_bounds(name)
        if PRIMITIVES[name].arity is None:
            n = self.choose(1, 3)
            operands = [self.operand(pair, i == j == 0) for i, pair in enumerate(bounds) for j in range(n)]
            self.emit(name, *operands, *([float(self.choose(0, n - 1))] if PRIMITIVES[name].takes_index else []))
            return
        # a number may stand in any place but not in all
        place = self.choose(0, len(bounds) - 1) if name not in ("power_constant", "where") else 0
        operands = [self.operand(pair, i == place) for i, pair in enumerate(bounds)]
        if name == "power_constant":
            operands[1] = POWERS[self.choose(0, len(POWERS) - 1)]
        numbers = [self.values[o] if type(o) is int else o for o in operands]
        from_kink = ORACLES[name].from_kink
        if from_kink is not None and from_kink(*numbers) < MARGIN:
            name, operands = "sin", operands[place : place + 1]
            operands = [self.squashed(o, operand_bounds("sin")[0]) if type(o) is int else o for o in operands]
        self.emit(name, *operands)


def program(choose: Choose, length: int, deep: bool = False) -> Program:
    """A program of at least `length` instructions; deep: each uses the one before."""
    builder = _Builder(choose, deep)
    while len(builder.instructions) < length:
        builder.instruction()
    return Program(builder.inputs, tuple(builder.instructions))


@st.composite
def programs(draw: st.DrawFn, longest: int = 30) -> Program:
    """Random programs for hypothesis; most are small, some are chains 200 deep."""

    def choose(low: int, high: int) -> int:
        return draw(st.integers(low, high))

    deep = choose(0, 19) == 19
    return program(choose, 200 if deep else choose(1, longest), deep)


def random_program(seed: int) -> Program:
    """The program of a seed; one in 20 is a chain 200 deep."""
    rng = random.Random(seed)
    deep = rng.random() < 0.05
    return program(rng.randint, 200 if deep else rng.randint(1, 40), deep)


# -- how far rounding may carry a gradient ---------------------------------------------------------------------------
EPSILON = 2.0**-53


def _rounding(bound: float, size: float, scale: float) -> float:
    return bound * math.ulp(max(abs(size), scale))


@dataclass(frozen=True)
class Tolerance:
    """First-order bounds on the rounding error: of each node's value, and of each node's gradient."""

    values: list[float]
    gradients: list[float]

    @property
    def well_conditioned(self) -> bool:
        """Whether values are so sure that no kink is crossed and the first order tells the truth."""
        return max(self.values) < 1e-6


def tolerance(program: Program, nodes: Sequence[Value]) -> Tolerance:
    """A running error analysis of a program and of its backward pass, which has been run.

    A value errs by what its operands err, carried by the local derivatives, plus its own rounding within the bound of
    the row. A local derivative errs by its bound plus what the operands' errors move it, which a difference of the
    row's own derivative estimates. A gradient errs by the sum over its contributions of |local|·(error of upstream)
    + |upstream|·(error of local), plus a rounding for each product and each addition. So the tolerance follows each
    graph's condition; nothing in it is fitted.
    """
    values = [0.0] * len(nodes)
    moved: dict[int, list[float]] = {}
    for at, instruction in enumerate(program.instructions, start=len(program.inputs)):
        primitive = PRIMITIVES[instruction.name]
        xs = [nodes[o].data if type(o) is int else o for o in instruction.operands]
        errors = [values[o] if type(o) is int else 0.0 for o in instruction.operands]

        def locals_at(points: list[float], primitive: Any = primitive) -> tuple[float, ...]:
            evaluate = primitive.evaluate
            return (evaluate(points) if primitive.arity is None else evaluate(*points))[1]

        local_grads = locals_at(xs)
        scale = primitive.derivative_scale(xs) if primitive.derivative_scale else 0.0
        slack = [_rounding(primitive.ulp[1], local, scale) for local in local_grads]
        for k, error in enumerate(errors):
            if error:
                step = 1e-6 * max(1.0, abs(xs[k]))
                above = locals_at([x + step if i == k else x for i, x in enumerate(xs)])
                below = locals_at([x - step if i == k else x for i, x in enumerate(xs)])
                for i in range(len(xs)):
                    slack[i] += abs(above[i] - below[i]) / (2 * step) * error
        moved[at] = slack
        scale = primitive.value_scale(xs) if primitive.value_scale else 0.0
        values[at] = _rounding(primitive.ulp[0], nodes[at].data, scale)
        for local, error in zip(local_grads, errors, strict=True):
            values[at] += abs(local) * error

    gradients = [0.0] * len(nodes)
    for at in range(len(nodes) - 1, len(program.inputs) - 1, -1):
        upstream, uncertain = abs(nodes[at].grad), gradients[at]
        parents = [o for o in program.instructions[at - len(program.inputs)].operands if type(o) is int]
        slack = [
            s
            for s, o in zip(moved[at], program.instructions[at - len(program.inputs)].operands, strict=True)
            if type(o) is int
        ]
        for parent, local, error in zip(parents, nodes[at].local_grads, slack, strict=True):
            size = abs(local)
            gradients[parent] += size * uncertain + upstream * error + EPSILON * size * upstream
            gradients[parent] += EPSILON * (abs(nodes[parent].grad) + size * upstream)
    return Tolerance(values, gradients)


@dataclass(frozen=True)
class Verdict:
    """What a program's gradients came to beside mpmath's."""

    mismatches: list[str]
    well_conditioned: bool
    worst: float  # the largest error, as a part of its tolerance
    sharpest: float  # the smallest tolerance of a gradient, relative to it


def judge(program: Program) -> Verdict:
    """Run a program both ways and compare."""
    nodes = run_on_values(program)
    nodes[-1].backward()
    allowed = tolerance(program, nodes)
    if not allowed.well_conditioned:
        return Verdict([], False, 0.0, math.inf)
    value, gradient = exact_gradient(program)
    # sums of contributions that cancel were rounded before they did: allow the second order the size of the first
    pairs = [("value", nodes[-1].data, value, 2 * allowed.values[-1])]
    for i, want in enumerate(gradient):
        pairs.append((f"gradient by v{i}", nodes[i].grad, want, 2 * allowed.gradients[i]))
    mismatches, worst, sharpest = [], 0.0, math.inf
    for what, got, want, bound in pairs:
        error = float(abs(mpf(got) - want)) if math.isfinite(got) else math.inf
        if error > bound + ORACLE_ERROR:
            mismatches.append(
                f"{what}: {got!r}, in mpmath {mp.nstr(want, 20)}; off by {error:.3g}, allowed {bound:.3g}"
            )
        if bound > ORACLE_ERROR:
            worst = max(worst, error / bound)
        if want:
            sharpest = min(sharpest, bound / float(abs(want))) if float(abs(want)) else sharpest
    return Verdict(mismatches, True, worst, sharpest)
