"""Tapes against eager runs, bit for bit: random functions, every way that this machine can run rows."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from array import array
from functools import reduce

import pytest
import tapes
from oracles import fixed_operands
from tapes import ROWS, bits
from test_builds import operand_lists
from test_primitives import PUBLIC, call

import autograd as ag
from autograd import Value
from autograd.primitives.primitive import Primitive
from autograd.tape.compiled import fuse
from autograd.tape.interpreter import Interpreter
from autograd.tape.replay import Rows, Sums, executors, interpret

FUNCTIONS = 2000 if ag.compiled else 500


def random_case(seed: int, counts: tuple[int, ...]) -> tuple[tapes.Function, list[list[float]]]:
    rng = random.Random(seed)
    special = rng.choice((0.0, 0.0, 0.1, 0.3))
    function = tapes.function(rng, special)
    return function, function.rows(rng, special, rng.choice(counts))


@pytest.mark.filterwarnings("error")
def test_random_functions_replay_with_the_bits_of_eager_runs(each_executor: str):
    for seed in range(FUNCTIONS):
        function, rows = random_case(seed, (1, 2, 3, 9))
        assert not tapes.differences(function, rows), seed


def test_gradients_of_parameters_are_summed_in_one_order_whatever_the_number_of_rows(each_executor: str):
    for seed in range(1000, 1000 + len(ROWS) * (8 if ag.compiled else 1)):
        function, rows = random_case(seed, (ROWS[seed % len(ROWS)],))
        assert not tapes.differences(function, rows), seed


@pytest.mark.parametrize("primitive", PUBLIC, ids=lambda p: p.name)
def test_every_primitive_replays(primitive: Primitive, each_executor: str):
    """At points of its domain and at special numbers, all operands inputs but those that are numbers by nature."""
    by_length: dict[int, list[list[float]]] = {}
    for numbers in operand_lists(primitive)[-150:]:
        by_length.setdefault(len(numbers), []).append(numbers)
    for length, rows in by_length.items():
        fixed = fixed_operands(primitive, length) if primitive.arity is not None else set()
        for row in rows if fixed else rows[:1]:
            batch = [row] if fixed else rows
            inputs = [Value(x) for i, x in enumerate(row) if i not in fixed]

            def function(*xs, row=row, fixed=fixed):
                given = iter(xs)
                return call(primitive, [x if i in fixed else next(given) for i, x in enumerate(row)])

            tape = ag.record(function, inputs=inputs)
            outputs, gradients = tape.value_and_grad(
                [[x for i, x in enumerate(each) if i not in fixed] for each in batch]
            )
            for each, output, gradient in zip(batch, outputs, gradients, strict=True):
                leaves = [Value(x) for i, x in enumerate(each) if i not in fixed]
                node = function(*leaves)
                node.backward()
                assert bits(output) == bits(node.data), each
                assert list(map(bits, gradient)) == [bits(leaf.grad) for leaf in leaves], each


@pytest.mark.skipif(not ag.compiled, reason="the interpreter is the only executor")
def test_the_executors_give_the_bits_of_the_interpreter(each_executor: str):
    """They run the lowered program, and it the graph as it stands."""
    for seed in range(2000, 2200):
        function, rows = random_case(seed, (1, 5, 17))
        params = [Value(x) for x in function.params]
        tape = function.record(params, rows[0])
        numbers = array("d", [x for row in rows for x in row])
        outputs, gradients = array("d", bytes(8 * len(rows) * tape.output_count)), array("d", bytes(8 * len(numbers)))
        seeds, sums = array("d", [1.0]) * tape.output_count, Sums(len(tape.params))
        places = array("i", range(len(tape.params)))
        given = Rows(numbers, len(rows), outputs, seeds, gradients, sums, places)
        assert interpret(Interpreter(tape._form.flat), [p.data for p in tape.params], given) is None
        found = tape.value_and_grad(numbers)
        assert list(map(bits, found[0])) == list(map(bits, outputs)), seed
        assert list(map(bits, found[1])) == list(map(bits, gradients)), seed
        summed = [bits(x) if needed else bits(0.0) for x, needed in zip(sums.finish(), tape.param_needed, strict=True)]
        assert [bits(p.grad) for p in tape.params] == summed, seed


def linear(outputs: int, inputs: int, positions: int, bias: str, rng: random.Random) -> ag.Tape:
    """A tape of a layer at several positions and relu, some of whose outputs are zero."""
    weights = [[Value(rng.uniform(-1, 1)) for _ in range(inputs)] for _ in range(outputs)]
    biases = [Value(rng.uniform(-1, 1)) for _ in range(outputs)]

    def neuron(row: list[Value], number: Value, xs: tuple[Value, ...]) -> Value:
        if bias == "first":
            return reduce(lambda total, pair: total + pair[0] * pair[1], zip(row, xs, strict=True), number)
        return ag.dot(row, xs) + number if bias == "last" else ag.dot(row, xs)

    def layer(*xs: Value) -> list[Value]:
        lists = [xs[at : at + inputs] for at in range(0, len(xs), inputs)]
        return [neuron(row, number, ys).relu() for ys in lists for row, number in zip(weights, biases, strict=True)]

    return ag.record(layer, inputs=[0.5] * (inputs * positions))


@pytest.mark.skipif(not ag.compiled, reason="the interpreter is the only executor")
@pytest.mark.parametrize("bias", ["first", "last", "none"])
@pytest.mark.parametrize(
    ("outputs", "inputs", "positions"),
    [(1, 16, 1), (3, 2, 1), (5, 19, 1), (9, 8, 1), (18, 35, 1), (1, 3, 3), (5, 19, 4), (17, 8, 3)],
)
def test_gradients_of_layers_are_summed_in_order_wherever_their_sums_are(
    outputs: int, inputs: int, positions: int, bias: str, each_executor: str
):
    rng = random.Random(outputs)
    tape = linear(outputs, inputs, positions, bias, rng)
    assert tape.stats()["by kind"]["dots"] == positions
    in_order = list(range(len(tape.params)))
    for rows, special in ((1, False), (2, False), (9, True), (64, False), (70, True), (131, False)):
        batch = array("d", [rng.uniform(-1, 1) for _ in range(rows * tape.input_count)])
        if special:
            batch[(rows - 2) * tape.input_count] = math.inf
        for order in (in_order, in_order[1:] + in_order[:1], rng.sample(in_order, len(in_order))):
            sums = []
            for replays in (True, False):
                found = Sums(len(tape.params))
                gradients = array("d", bytes(8 * len(batch)))
                values = array("d", bytes(8 * rows * tape.output_count))
                seeds = array("d", [1.0]) * tape.output_count
                given = Rows(batch, rows, values, seeds, gradients, found, array("i", order))
                if replays:
                    assert tape._replayer.replay(tape.params, given) is None
                else:
                    assert interpret(Interpreter(tape._form.flat), [p.data for p in tape.params], given) is None
                sums.append([list(map(bits, numbers)) for numbers in (values, gradients, found.finish())])
            assert sums[0] == sums[1], (rows, order)


@pytest.mark.skipif(not ag.compiled, reason="the interpreter is the only executor")
@pytest.mark.parametrize("calls", [(90,), (40, 50), (64, 26), (1, 89)], ids=str)
@pytest.mark.parametrize("place", [0, 45, 89])
def test_zero_times_infinity_is_zero_wherever_in_a_block_it_comes(
    calls: tuple[int, ...], place: int, each_executor: str
):
    """The rows of a block are run again by the zero rule, and what the sums held before them stays."""
    rng = random.Random(place)
    tape = linear(9, 8, 1, "last", rng)
    batch = array("d", [rng.uniform(-1, 1) for _ in range(8 * sum(calls))])
    batch[8 * place] = math.inf
    found = []
    for replays in (True, False):
        sums, at = Sums(len(tape.params)), 0
        for rows in calls:
            part = batch[8 * at : 8 * (at + rows)]
            values, places = array("d", bytes(8 * 9 * rows)), array("i", range(len(tape.params)))
            given = Rows(part, rows, values, array("d", [1.0]) * 9, None, sums, places)
            if replays:
                assert tape._replayer.replay(tape.params, given) is None
            else:
                assert interpret(Interpreter(tape._form.flat), [p.data for p in tape.params], given) is None
            at += rows
        found.append(sums.finish())
    assert 0 < sum(map(math.isfinite, found[0])) < len(found[0])
    assert list(map(bits, found[0])) == list(map(bits, found[1]))


@pytest.mark.skipif(not ag.compiled, reason="the pure build has one way")
@pytest.mark.parametrize("name", executors())
def test_an_environment_variable_chooses(name: str):
    code = "import autograd.tape.replay as r; print(r.executor())"
    environment = {**os.environ, "GLASSGRAD_SIMD": name, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.strip() == name


def test_an_unknown_executor_is_refused():
    code = "import autograd"
    environment = {**os.environ, "GLASSGRAD_SIMD": "abacus", "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 1
    assert "'abacus' is not an executor of this machine" in run.stderr


# -- what lowering makes ---------------------------------------------------------------------------------------------
def kinds(function, inputs, params=None) -> dict[str, int]:
    return ag.record(function, inputs=inputs, params=params).stats()["by kind"]


def test_chains_become_dots_and_sums():
    w = [Value(0.1 * i) for i in range(6)]
    assert kinds(lambda x: sum(a * b for a, b in zip(w, x, strict=True)), [[1.0] * 6]) == {"dots": 1}
    assert kinds(lambda x: sum(a * a for a in x), [[1.0] * 4]) == {"dot": 1}
    assert kinds(lambda x: x[0] + x[1] + x[2] + x[3], [[1.0] * 4]) == {"sum": 1}
    assert kinds(lambda x, y: x * w[1] + y, [1.0, 2.0]) == {"multiply": 1, "add": 1}


def test_a_layer_is_one_instruction_and_so_are_its_activations():
    import nn

    model = nn.MLP(3, [8, 8, 2], activation="tanh", seed=1)
    assert kinds(lambda x: model(x), [[0.0] * 3]) == {"dots": 3, "tanh": 2}


def test_weights_may_serve_several_lists_in_layers_but_nothing_else():
    import nn

    cell, conv = nn.RNNCell(2, 4, seed=1), nn.Conv2d(1, 3, 2, padding=1, seed=1)

    def states(*xs):
        state = None
        for at in range(0, 6, 2):
            state = cell(xs[at : at + 2], state)
        return state

    assert kinds(states, [0.0] * 6)["dots"] == 5  # three of the inputs, two of the state

    def pixels(*xs):
        return [y for channel in conv([[xs[:2], xs[2:]]]) for line in channel for y in line]

    assert kinds(pixels, [0.0] * 4) == {"dots": 9}
    row, bias = [Value(0.5), Value(0.25)], Value(0.1)

    def twice(x, y):
        return ag.dot(row, [x, y]) + bias, ag.dot(row, [y, x]) + bias

    assert kinds(lambda x, y: twice(x, y), [1.0, 2.0]) == {"dots": 2}
    assert kinds(lambda x, y: (*twice(x, y), bias * x), [1.0, 2.0]) == {"dots": 2, "add": 2, "multiply": 1}
    assert kinds(lambda x, y: (*twice(x, y), row[1] * x), [1.0, 2.0]) == {"dot": 2, "add": 2, "multiply": 1}
    assert kinds(lambda x, y: (*twice(x, y), ag.dot(row, [x, y])), [1.0, 2.0]) == {"dots": 3, "add": 2}


def test_an_operand_that_is_used_in_between_keeps_a_chain_apart():
    def function(x, y, z):
        total = x * y + z * z
        other = x - z
        return (total + y * x) * other

    made = ag.record(function, inputs=[1.0, 2.0, 3.0])
    assert made.stats()["live"] - len(made) < 4  # x*y, z*z and y*x cannot all join


def test_dead_and_constant_nodes_go():
    def function(x):
        x.exp().log()
        return x * 2.0

    stats = ag.record(function, inputs=[1.0]).stats()
    assert (stats["recorded"], stats["live"], stats["instructions"]) == (3, 1, 1)
    flat = ag.record(lambda x: x * 2.0 + 1.0, inputs=[1.0])._form.flat
    flat.operands[0] = -1  # 2.0 * 2.0 + 1.0
    program = fuse.lower(flat, array("i"))
    assert (len(program), list(program.scalars)[-1]) == (0, 5.0)


def test_forward_alone_uses_storage_again():
    def function(x):
        for _ in range(1000):
            x = (x * 1.01).sin()
        return x

    tape = ag.record(function, inputs=[0.5])
    assert tape._replayer.program.slots > 2000
    assert tape._replayer.forward_program.slots < 10
