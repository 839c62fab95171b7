"""Random functions for tapes, and what a tape must give for them: the bits of eager runs, row by row.

A function is a list of steps over a pool of numbers: inputs, parameters, constants, then what the steps make.
`layered` ones are like networks: sums of products of a layer before, or of a part of it in another order, with weights
and biases used once or several times. `shared` ones use the same rows of weights on several lists, like the steps of a
recurrent network or the places of a convolution. `woven` ones build several chains at a time from the same few numbers,
so that a number gets contributions from before, between and behind the links of a chain. `tangled` ones add and
multiply whatever comes. Some branch, some give gradients to a part of their parameters. Numbers are now and then 0, inf
or nan, so that the rule for zeros decides.
"""

from __future__ import annotations

import itertools
import math
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import autograd as ag
from autograd import Value

ROWS = (1, 2, 7, 8, 9, 63, 64, 65, 130)
BLOCK = 64  # rows whose parameter gradients are summed before they join the total
SPECIAL = (0.0, -0.0, math.inf, -math.inf, math.nan, 1e308, 5e-324, -1e-200, 1e-200)

UNARY = (
    "tanh",
    "exp",
    "relu",
    "sigmoid",
    "abs",
    "sin",
    "sqrt",
    "log",
    "floor",
    "softplus",
    "gelu",
    "leaky_relu",
    "cbrt",
)
BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "hypot", "atan2", "power", "modulo")
LISTS = ("sum", "mean", "dot", "prod", "logsumexp")


def bits(x: float) -> bytes:
    """The bits of a float; every nan counts as one."""
    return struct.pack("d", math.nan if math.isnan(x) else x)


@dataclass
class Step:
    """What makes the next numbers of the pool."""

    kind: str
    operands: tuple[int, ...]
    number: float = 0.0


@dataclass
class Function:
    """A function of rows, with parameters and constants; its outputs are places in the pool."""

    inputs: int
    params: list[float]
    constants: list[float]
    steps: list[Step] = field(default_factory=list)
    outputs: tuple[int, ...] = ()
    receiving: tuple[int, ...] | None = None  # the parameters that receive gradients; None for all
    taken: list[bool] = field(default_factory=list)  # the branches of the last call
    index_inputs: dict[int, int] = field(default_factory=dict)  # inputs that are an index, and of how many

    def pool_size(self) -> int:
        return self.inputs + len(self.params) + len(self.constants)

    def __call__(self, inputs: Sequence[Any], params: Sequence[Any]) -> Any:
        """The outputs, over Values."""
        pool: list[Any] = [*inputs, *params, *self.constants]
        self.taken = []
        for step in self.steps:
            xs = [pool[i] for i in step.operands]
            if step.kind == "branch":
                self.taken.append(bool(xs[0] < xs[1]))
                pool.append(xs[2] if self.taken[-1] else xs[3] * xs[0])
            else:
                pool.append(run_step(step, xs))
        outputs = [pool[i] for i in self.outputs]
        return outputs[0] if len(outputs) == 1 else outputs

    def row(self, rng: random.Random, special: float) -> list[float]:
        """Numbers for the inputs."""
        return [
            float(rng.randrange(self.index_inputs[i])) if i in self.index_inputs else number(rng, special)
            for i in range(self.inputs)
        ]

    def branches(self, row: Sequence[float]) -> list[bool]:
        """The branches that a row takes."""
        self([Value(x) for x in row], [Value(x) for x in self.params])
        return self.taken

    def rows(self, rng: random.Random, special: float, count: int) -> list[list[float]]:
        """Rows that take the branches of the first."""
        rows = [self.row(rng, special) for _ in range(count)]
        branches = self.branches(rows[0])
        return [row if self.branches(row) == branches else rows[0] for row in rows] if branches else rows

    def record(self, params: Sequence[Value], row: Sequence[float]) -> ag.Tape:
        """A tape of the function, recorded on a row."""
        receiving = None if self.receiving is None else [params[i] for i in self.receiving]
        return ag.record(lambda *xs: self(xs, params), inputs=[Value(x) for x in row], params=receiving)


def run_step(step: Step, xs: list[Any]) -> Any:
    """One step over Values."""
    kind = step.kind
    if kind == "chain":  # x0·x1 + x2·x3 + ..., as a script writes it
        return sum(xs[i] * xs[i + 1] for i in range(0, len(xs), 2))
    if kind == "bias first":
        return sum((xs[i] * xs[i + 1] for i in range(0, len(xs) - 1, 2)), xs[-1])
    if kind == "products first":
        products = [xs[i] * xs[i + 1] for i in range(0, len(xs), 2)]
        total = products[0]
        for product in products[1:]:
            total = total + product
        return total
    if kind == "products first, backward":
        products = [xs[i] * xs[i + 1] for i in range(0, len(xs), 2)]
        total = products[-1]
        for product in products[-2::-1]:
            total = product + total
        return total
    if kind == "additions":
        total = xs[0]
        for x in xs[1:]:
            total = total + x
        return total
    if kind == "mixed":  # products and terms in turn
        total = xs[0]
        for i in range(1, len(xs) - 1, 3):
            total = total + xs[i] * xs[i + 1]
            if i + 2 < len(xs):
                total = xs[i + 2] + total
        return total
    if kind == "in between":  # a step between the links of a chain that uses their operands
        total = xs[0] * xs[1] + xs[2] * xs[3]
        other = (xs[0] - xs[2]) * xs[1]
        return (total + xs[1] * xs[2] + xs[0]) * other
    if kind == "choice":
        return ag.where(xs[0] < xs[1], xs[2], xs[3] * xs[0])
    if kind == "power":
        return xs[0] ** xs[1]
    if kind == "constant power":
        return xs[0] ** step.number
    if kind in OPERATORS:
        return OPERATORS[kind](*xs)
    if kind in ("take", "softmax_cross_entropy"):
        return getattr(ag, kind)(xs[:-1], xs[-1])
    if kind == "dot":
        return ag.dot(xs[: len(xs) // 2], xs[len(xs) // 2 :])
    if kind in LISTS:
        return getattr(ag, kind)(xs)
    return getattr(ag, kind)(*xs)


OPERATORS = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "modulo": lambda x, y: x % y,
}


def number(rng: random.Random, special: float) -> float:
    """A moderate number; one of SPECIAL with that probability."""
    return rng.choice(SPECIAL) if rng.random() < special else rng.uniform(-2.0, 2.0)


def function(rng: random.Random, special: float = 0.0) -> Function:
    """A random function of one of the kinds."""
    kind = rng.choices((layered, shared, woven, tangled), (0.25, 0.25, 0.2, 0.3))[0]
    made = kind(rng, special)
    made.outputs = tuple(
        rng.randrange(made.pool_size(), made.pool_size() + len(made.steps)) for _ in range(rng.choice((1, 1, 1, 2, 3)))
    )
    if rng.random() < 0.1:
        made.outputs = (*made.outputs, rng.randrange(made.pool_size()))
    if rng.random() < 0.3:
        made.outputs = (*made.outputs, _last(made))
    if rng.random() < 0.2:
        made.receiving = tuple(i for i in range(len(made.params)) if rng.random() < 0.5)
    return made


def layered(rng: random.Random, special: float) -> Function:
    """A network of two or three layers of sums of products, by chains or by `dot`."""
    largest = rng.choice((5, 5, 20))  # beyond 8, the widest registers are filled
    sizes = [rng.randint(1, largest) for _ in range(rng.randint(2, 4))]
    params = [number(rng, special / 4) for _ in range(sum(a * b + b for a, b in itertools.pairwise(sizes)))]
    made = Function(sizes[0], params, [0.5])
    layer, param = list(range(sizes[0])), sizes[0]
    kind = rng.choice(("chain", "dot", "products first", "bias first"))
    same_list, shared_bias, chosen, swapped = (rng.random() < p for p in (0.7, 0.15, 0.3, 0.2))
    for before, size in itertools.pairwise(sizes):
        outputs: list[int] = []
        activation = rng.choice(("", *UNARY))  # one for all, or one each
        bias = param + before
        for _ in range(size):
            weights = list(range(param, param + before))
            xs = layer if same_list else _rearranged(rng, layer)
            param += before + 1
            if not shared_bias or rng.random() < 0.5:
                bias = param - 1
            pairs = [(x, w) if swapped and rng.random() < 0.5 else (w, x) for w, x in zip(weights, xs, strict=True)]
            left, right = zip(*pairs, strict=True)
            operands = [*left, *right] if kind == "dot" else [i for pair in pairs for i in pair]
            if kind == "bias first":
                _append(made, Step(kind, (*operands, bias)))
            else:
                _append(made, Step(kind, tuple(operands)))
                if rng.random() < 0.9:
                    _append(made, Step("add", (_last(made), bias)))
            if rng.random() < 0.1:  # something else uses a number of the layer before, in the middle of this one
                _append(made, Step("multiply", (rng.choice(layer), _last(made))))
            outputs.append(_last(made))
            if not activation:
                _append(made, Step(activation or rng.choice(UNARY), (outputs.pop(),)))
                outputs.append(_last(made))
        if activation and rng.random() < 0.8:
            for place, i in enumerate(outputs):
                _append(made, Step(activation, (i,)))
                outputs[place] = _last(made)
        if chosen:  # some activations only choose, and so they do not need gradients
            for place in rng.sample(range(size), rng.randint(1, size)):
                _append(made, Step("where", (outputs[place], rng.choice(layer), rng.choice(layer))))
                outputs[place] = _last(made)
        layer = outputs
    _append(made, Step("additions", tuple(layer)))
    return made


def _rearranged(rng: random.Random, layer: list[int]) -> list[int]:
    """The same numbers in another order, the same ones but for the last, or some of them twice."""
    choice = rng.random()
    if choice < 0.4:
        return layer
    if choice < 0.6:
        return rng.sample(layer, len(layer))
    if choice < 0.8:
        return [*layer[:-1], rng.choice(layer)]
    return [rng.choice(layer) for _ in layer]


def shared(rng: random.Random, special: float) -> Function:
    """Rows of weights that serve several lists, often all rows, sometimes a few, or one of them twice."""
    length, rows = rng.choice((2, 2, 3, 3, 5, 9)), rng.choice((1, 2, 2, 3, 5, 9))
    inputs = length + rng.choice((0, 2, 2 * length, 3 * length))
    made = Function(inputs, [number(rng, special / 4) for _ in range(rows * (length + 1))], [0.5])
    weights = [list(range(at, at + length)) for at in range(inputs, inputs + len(made.params), length + 1)]
    kind = rng.choice(("chain", "dot", "dot", "bias first"))
    order, bias = rng.choice(("lists", "rows", "mixed")), rng.choice(("none", "own", "own", "one", "some"))
    regular = rng.random() < 0.5
    numbers = list(range(inputs))
    for _ in range(rng.randint(1, 3)):
        lists = [rng.sample(numbers, length) for _ in range(rng.randint(1, 3))]
        if len(numbers) >= 3 * length and rng.random() < 0.8:  # no number in two of them
            chosen = rng.sample(numbers, 3 * length)
            lists = [chosen[at : at + length] for at in range(0, 3 * length, length)]
        if rng.random() < 0.1:
            lists[0] = _rearranged(rng, lists[0])
        if rng.random() < 0.1:
            lists[0][rng.randrange(length)] = made.pool_size() - 1  # the constant
        if rng.random() < 0.15:  # the same numbers again
            lists.append(rng.sample(lists[0], length))
        dots = [(i, row) for i in range(len(lists)) for row in range(rows) if regular or rng.random() < 0.8]
        if not regular and rng.random() < 0.3:
            dots.append((0, rng.randrange(rows)))
        if order != "lists":
            dots.sort(key=lambda dot: (dot[1], dot[0]) if order == "rows" else rng.random())
        outputs = []
        for i, row in dots:
            xs, own = lists[i], weights[row][-1] + 1 if bias != "one" else weights[0][-1] + 1
            pairs = list(zip(weights[row], xs, strict=True))
            biased = bias != "none" and (bias != "some" or rng.random() < 0.7)
            if kind == "dot":
                _append(made, Step(kind, (*weights[row], *xs)))
            elif kind == "bias first" and biased:
                _append(made, Step(kind, (*(x for pair in pairs for x in pair), own)))
            else:
                _append(made, Step("chain", tuple(x for pair in pairs for x in pair)))
            if biased and kind != "bias first":
                _append(made, Step("add", (_last(made), own)))
            if rng.random() < 0.02:  # something else uses a number of a list, a weight, or a part of the row
                _append(made, Step("multiply", (rng.choice([*lists[0], *weights[row]]), _last(made))))
            elif rng.random() < 0.02 and length > 2:
                _append(made, Step("dot", (*weights[row][:-1], *xs[:-1])))
            outputs.append(_last(made))
        activation = rng.choice(UNARY)
        for place, i in enumerate(outputs):
            if rng.random() < 0.9:
                _append(made, Step(activation, (i,)))
                outputs[place] = _last(made)
        numbers = [*outputs, *numbers] if rng.random() < 0.5 else (outputs + numbers)[: length + 2]
    _append(made, Step("additions", tuple(numbers)))
    return made


def woven(rng: random.Random, special: float) -> Function:
    """Chains of terms and products that grow in turns, from a few numbers that other steps use in between."""
    made = Function(rng.randint(1, 3), [number(rng, special / 2) for _ in range(rng.randint(1, 3))], [])
    few = list(range(made.pool_size()))
    _append(made, Step("multiply", (rng.choice(few), rng.choice(few))))
    few.append(_last(made))
    ends: list[int] = []
    for _ in range(rng.randint(4, 30)):
        choice = rng.random()
        if choice < 0.15 or not ends:  # a chain begins
            _append(made, Step("add", (rng.choice(few), rng.choice(few))))
            ends.append(_last(made))
        elif choice < 0.3:  # a number of its own, from those that the chains use
            _append(made, Step(rng.choice(("multiply", "subtract", "maximum")), (rng.choice(few), rng.choice(few))))
            few.append(_last(made))
        elif choice < 0.4:
            _append(made, Step(rng.choice(("tanh", "sin")), (rng.choice(few),)))
            few.append(_last(made))
        else:  # a chain grows by a term or a product, on either side
            place = rng.randrange(len(ends))
            term = rng.choice(few)
            if rng.random() < 0.5:
                _append(made, Step("multiply", (rng.choice(few), rng.choice(few))))
                term = _last(made)
                if rng.random() < 0.3:  # not at once
                    _append(made, Step("multiply", (rng.choice(few), rng.choice(few))))
                    few.append(_last(made))
            pair = (ends[place], term) if rng.random() < 0.6 else (term, ends[place])
            _append(made, Step("add", pair))
            ends[place] = _last(made)
    if rng.random() < 0.6:
        count = rng.randint(2, 6)
        _append(made, Step("dot", tuple(rng.choice(few) for _ in range(2 * count))))
        ends.append(_last(made))
    while len(ends) > 1:
        _append(made, Step(rng.choice(("multiply", "subtract")), (ends.pop(), ends.pop())))
        ends.append(_last(made))
    _append(made, Step("multiply", (ends[0], rng.choice(few))))
    return made


def tangled(rng: random.Random, special: float) -> Function:
    """Anything goes."""
    made = Function(
        rng.randint(1, 4),
        [number(rng, special / 2) for _ in range(rng.randint(0, 4))],
        [number(rng, special) for _ in range(rng.randint(0, 2))],
    )
    if rng.random() < 0.3:
        made.index_inputs[0] = 3
    _append(made, Step("add", (rng.randrange(made.inputs), rng.randrange(made.inputs))))
    few = rng.random() < 0.5  # operands are mostly the same few
    for _ in range(rng.randint(1, 25)):

        def pick() -> int:
            last = _last(made)
            if few and rng.random() < 0.7:
                return rng.randrange(min(last + 1, 4))
            return max(0, last - rng.randint(0, 4)) if rng.random() < 0.6 else rng.randrange(last + 1)

        _append(made, _random_step(rng, made, pick))
    return made


def _random_step(rng: random.Random, made: Function, pick: Any) -> Step:
    choice = rng.random()
    values = made.inputs + len(made.params)

    def with_a_value(count: int) -> tuple[int, ...]:  # numbers alone would make a float
        operands = [pick() for _ in range(count)]
        if all(values <= i < made.pool_size() for i in operands):
            operands[rng.randrange(count)] = _last(made)
        return tuple(operands)

    def with_values(count: int, places: Sequence[int]) -> tuple[int, ...]:
        operands = [pick() for _ in range(count)]
        return tuple(
            _last(made) if i in places and values <= o < made.pool_size() else o for i, o in enumerate(operands)
        )

    if choice < 0.35:
        kind = rng.choice(("chain", "products first", "products first, backward", "additions", "mixed"))
        count = rng.randint(1, 6) * (1 if kind in ("additions", "mixed") else 2)
        return Step(kind, with_values(count, range(count)))
    if choice < 0.42:
        return Step("in between", with_values(4, range(4)))
    if choice < 0.65:
        kind = rng.choice(BINARY)
        return Step(kind, with_values(2, (0, 1) if kind == "power" else (0,)))
    if choice < 0.8:
        return Step(rng.choice(UNARY), with_values(1, (0,)))
    if choice < 0.85:
        return Step("constant power", with_values(1, (0,)), rng.choice((2.0, 3.0, 0.5, -1.0, 0.0)))
    if choice < 0.9:
        return Step(rng.choice(("choice", "choice", "branch")), with_values(4, (0, 1, 2, 3)))
    if made.index_inputs and choice < 0.96:
        return Step(rng.choice(("take", "softmax_cross_entropy")), (*with_a_value(3), 0))
    kind = rng.choice(LISTS)
    return Step(kind, with_a_value(2 * rng.randint(1, 4) if kind == "dot" else rng.randint(1, 5)))


def _append(made: Function, step: Step) -> None:
    made.steps.append(step)


def _last(made: Function) -> int:
    return made.pool_size() + len(made.steps) - 1


# -- what must come out ----------------------------------------------------------------------------------------------
@dataclass
class Expected:
    """What eager runs give: outputs and input gradients of each row, and the parameters' gradients over all rows."""

    outputs: list[list[float]]
    input_gradients: list[list[float]]
    param_gradients: list[float]


def eager(made: Function, rows: Sequence[Sequence[float]]) -> Expected:
    """Run the function row by row, each with its own backward pass, and sum as the design says."""
    expected = Expected([], [], [])
    per_row = []
    for row in rows:
        inputs, params = [Value(x) for x in row], [Value(x) for x in made.params]
        result = made(inputs, params)
        outputs = result if isinstance(result, list) else [result]
        expected.outputs.append([x.data if isinstance(x, Value) else x for x in outputs])
        values = [x for x in outputs if isinstance(x, Value)]
        if values:
            (ag.sum(values) if len(values) > 1 else values[0]).backward()
        expected.input_gradients.append([x.grad for x in inputs])
        per_row.append([p.grad for p in params])
    for i in range(len(made.params)):
        if made.receiving is not None and i not in made.receiving:
            expected.param_gradients.append(0.0)
            continue
        total = None
        for start in range(0, len(rows), BLOCK):
            block = per_row[start][i]
            for gradients in per_row[start + 1 : start + BLOCK]:
                block += gradients[i]
            total = block if total is None else total + block
        expected.param_gradients.append(0.0 if total is None else total)
    return expected


def differences(made: Function, rows: list[list[float]]) -> list[str]:
    """How a tape of the function differs from eager runs, in bits; empty where it does not."""
    expected = eager(made, rows)
    params = [Value(x) for x in made.params]
    tape = made.record(params, rows[0])
    outputs, gradients = tape.value_and_grad(rows)
    only, nothing = tape.value_and_grad(rows, input_gradients=False)
    assert nothing is None
    found = []
    forward = tape.forward(rows)
    for what, run in (("value_and_grad", outputs), ("forward", forward), ("params only", only)):
        listed = [row if isinstance(row, list) else [row] for row in run]
        found += _compare(f"output of {what}", listed, expected.outputs)
    found += _compare("input gradient", gradients, expected.input_gradients)
    twice = [g + g for g in expected.param_gradients]
    found += _compare("parameter gradient, twice", [[p.grad for p in params]], [twice])
    return found


def _compare(what: str, got: list[list[float]], want: list[list[float]]) -> list[str]:
    return [
        f"{what}, row {r}, column {c}: {x!r}, eager {y!r}"
        for r, (a, b) in enumerate(zip(got, want, strict=True))
        for c, (x, y) in enumerate(zip(a, b, strict=True))
        if bits(x) != bits(y)
    ]
