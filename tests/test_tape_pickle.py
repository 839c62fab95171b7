"""Pickles and copies of tapes: they replay with the same bits, and nothing that a file says gets past the checks."""

from __future__ import annotations

import contextlib
import copy
import pickle
import random
import subprocess
import sys
from array import array

import pytest
import tapes

import autograd as ag
import nn
from autograd import Value, primitive
from autograd.tape.pickling import packed, unpacked
from autograd.tape.tape import Tape

halved = primitive("halved", lambda x: x / 2, [lambda x, out: 0.5])


def whole() -> tuple[Tape, dict]:
    """A tape with something of everything, and its form."""
    w, b = Value(0.5, "w"), Value(-0.25)

    def function(x, ys, i):
        if x < 10.0:
            return [w * x + b * ys[0] + ag.take([x, *ys], i), ag.softmax_cross_entropy([x, *ys], i).exp() ** 2]
        return [x, x]

    tape = ag.record(function, inputs=[1.0, [2.0, 3.0], 1], params=[w])
    return tape, packed(tape._form)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_replays_the_same(protocol: int):
    tape, _ = whole()
    rows = [[0.5, 1.5, -2.0, 2], [3.0, 0.1, 0.2, 0]]
    loaded = pickle.loads(pickle.dumps(tape, protocol))
    assert (str(loaded), repr(loaded), loaded.stats()) == (str(tape), repr(tape), tape.stats())
    assert loaded.value_and_grad(rows) == tape.value_and_grad(rows)
    assert [p.grad for p in loaded.params] == [p.grad for p in tape.params]
    with pytest.raises(ag.BranchChanged, match=r"test_tape_pickle\.py.*, in function: if x < 10\.0:"):
        loaded.forward([[11.0, 1.0, 1.0, 0]])


def test_random_tapes_through_pickles():
    for seed in range(40):
        rng = random.Random(seed)
        made = tapes.function(rng)
        params = [Value(x) for x in made.params]
        rows = made.rows(rng, 0.0, 3)
        tape = made.record(params, rows[0])
        loaded = pickle.loads(pickle.dumps(tape))
        assert repr(loaded.value_and_grad(rows)) == repr(tape.value_and_grad(rows))
        assert repr([p.grad for p in loaded.params]) == repr([p.grad for p in tape.params])


def test_parameters_stay_shared_with_their_model_in_one_pickle():
    model = nn.MLP(2, [3, 1], seed=0)
    tape = ag.record(lambda x: model(x), inputs=[[1.0, 2.0]])
    tape.value_and_grad([[1.0, 2.0]])
    loaded_model, loaded = pickle.loads(pickle.dumps((model, tape)))
    assert {id(p) for p in loaded.params} == {id(p) for p in loaded_model.parameters()}
    assert [p.grad for p in loaded.params] == [p.grad for p in tape.params]
    for p in loaded_model.parameters():
        p.data = 0.0
    assert loaded.forward([[1.0, 2.0]]) == [0.0]
    assert tape.forward([[1.0, 2.0]]) == [model([1.0, 2.0]).data]


def test_copies():
    w = Value(2.0, "w")
    tape = ag.record(lambda x: w * x, inputs=[1.0])
    assert copy.copy(tape).params[0] is w
    deep = copy.deepcopy(tape)
    assert deep.params[0] is not w
    w.data = 5.0
    assert (tape.forward([[1.0]]), copy.copy(tape).forward([[1.0]]), deep.forward([[1.0]])) == ([5.0], [5.0], [2.0])


def test_a_pickle_loads_in_another_process():
    tape, _ = whole()
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).forward([[0.5, 1.5, -2.0, 2]]))"
    run = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(tape), capture_output=True, check=True)
    assert run.stdout.decode().strip() == repr(tape.forward([[0.5, 1.5, -2.0, 2]]))


def test_a_primitive_of_a_user_must_be_declared_where_a_tape_is_loaded():
    tape = ag.record(lambda x: halved(x) * x, inputs=[1.0])
    assert pickle.loads(pickle.dumps(tape)).value_and_grad([[3.0]]) == ([4.5], [[3.0]])
    code = "import pickle, sys; pickle.load(sys.stdin.buffer)"
    run = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(tape), capture_output=True, check=False)
    assert b"ValueError: the tape uses the primitive 'halved': declare it" in run.stderr


def set_at(name, i, value):
    def change(state):
        state[name] = state[name][:]
        state[name][i] = value

    return change


def put(name, value):
    return lambda state: state.__setitem__(name, value)


def shortened_by_one(name):
    return lambda state: state.__setitem__(name, state[name][:-1])


FAULTS = [
    (put("version", 2), "version is 2"),
    (lambda state: state.pop("codes"), "are not the expected ones"),
    (put("more", 1), "are not the expected ones"),
    (put("codes", [0]), "'codes' is not an array"),
    (put("codes", array("q", [0])), "'codes' is not an array"),
    (put("constants", array("i", [0])), "'constants' is not an array of floats"),
    (put("inputs", None), "'inputs' is not of type list"),
    (put("inputs", [1, 2, 3, 4]), "a name is not a str"),
    (put("is_list", 1), "'is_list' is not of type bool"),
    (put("recorded", -1), "'recorded' is negative"),
    (put("lines", ["a", "b"]), "the number of lines is not that of the guards"),
    (put("lines", None), "the number of lines is not that of the guards"),
    (put("receiving", array("i", [1])), "'receiving' does not match"),
    (put("receiving", array("i", [1, 2])), "'receiving' does not match"),
    (set_at("primitives", 0, "nonsense"), "uses the primitive 'nonsense'"),
    (set_at("primitives", 0, "taped"), "a taped function cannot be replayed"),
    (set_at("codes", 0, 99), "'codes' refers to a primitive that is not listed"),
    (set_at("codes", 0, -1), "'codes' refers to a primitive that is not listed"),
    (set_at("guard_codes", 0, 99), "'guard_codes' refers to a primitive that is not listed"),
    (set_at("guard_codes", 0, 0), "a guard is not a comparison"),
    (set_at("guard_outcomes", 0, 2), "a guard is not a comparison"),
    (set_at("guard_places", 0, -1), "a guard is out of range"),
    (set_at("guard_places", 0, 1000), "a guard is out of range"),
    (set_at("guard_lefts", 0, 1000), "compares a number that does not come before it"),
    (set_at("guard_rights", 0, -1000), "compares a number that does not come before it"),
    (set_at("starts", 0, 1), "'starts' does not match"),
    (set_at("starts", -1, 1000), "'starts' does not match"),
    (shortened_by_one("starts"), "'starts' does not match"),
    (shortened_by_one("operands"), "'starts' does not match"),
    (set_at("starts", 1, -5), "the operands of node 0 are out of range"),
    (set_at("starts", 1, 1), "node 0: .* of 1 operands"),
    (set_at("operands", 0, 1000), "an operand of node 0 does not come before it"),
    (set_at("operands", 0, 6), "an operand of node 0 does not come before it"),  # itself
    (set_at("operands", 0, -1000), "an operand of node 0 does not come before it"),
    (set_at("operands", 0, -(2**31)), "an operand of node 0 does not come before it"),
    (set_at("outputs", 0, 1000), "an output is not in the graph"),
    (set_at("outputs", 0, -1000), "an output is not in the graph"),
    (put("outputs", array("i")), "the number of outputs does not match"),
    (put("is_list", False), "the number of outputs does not match"),
]


@pytest.mark.parametrize(("change", "message"), FAULTS)
def test_faults_in_a_form(change, message: str):
    tape, state = whole()
    assert isinstance(Tape(*unpacked(dict(state), tape.params)), Tape)
    change(state)
    with pytest.raises(ValueError, match=message):
        unpacked(state, tape.params)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([], "not a tuple of Values"),
        ((1.0, 2.0), "not a tuple of Values"),
        ((Value(1.0),), "an operand|'receiving' does not match"),
        ((Value(1.0) * 2, Value(1.0)), "a parameter is a computed Value"),
        ((lambda v: (v, v))(Value(1.0)), "a parameter occurs twice"),
    ],
)
def test_faults_in_the_parameters(params, message: str):
    _, state = whole()
    with pytest.raises(ValueError, match=message):
        unpacked(state, params)


@pytest.mark.parametrize("state", [None, [], 7, "text", {}])
def test_no_form_at_all(state):
    with pytest.raises(ValueError, match="this is not a valid pickle of a tape"):
        unpacked(state, ())


def tape_of(name: str, count: int) -> dict:
    """The form of one node with so many operands, all the one input."""
    codes = array("i", [0])
    return {
        **packed(ag.record(lambda x: x * 1.5, inputs=[1.0])._form),
        "primitives": [name],
        "codes": codes,
        "starts": array("i", [0, count]),
        "operands": array("i", [0] * count),
    }


@pytest.mark.parametrize(
    ("name", "count"),
    [
        *(("sum", 0), ("mean", 0), ("prod", 0), ("logsumexp", 0), ("dot", 0), ("dot", 3), ("take", 1), ("where", 2)),
        *(("softmax_cross_entropy", 1), ("tanh", 2), ("add", 3), ("halved", 2), ("power_constant", 1)),
    ],
)
def test_each_primitive_takes_its_number_of_operands(name: str, count: int):
    with pytest.raises(ValueError, match=f"node 0: {name} of {count} operands"):
        unpacked(tape_of(name, count), ())


def test_an_exponent_must_be_constant():
    with pytest.raises(ValueError, match="the exponent of node 0 is not a constant"):
        unpacked(tape_of("power_constant", 2), ())


def test_random_faults_are_refused_or_replay():
    """Whatever stands in the arrays: a ValueError, or a tape that runs."""
    tape, state = whole()
    rng = random.Random(1)
    loaded = refused = 0
    for _ in range(1000):
        damaged = {name: value[:] if isinstance(value, array | list) else value for name, value in state.items()}
        name = rng.choice([name for name, value in state.items() if isinstance(value, array) and value.typecode == "i"])
        at = rng.randrange(len(damaged[name]))
        damaged[name][at] = rng.choice((damaged[name][at] + rng.choice((-1, 1)), rng.randrange(-9, 30), 2**31 - 1))
        try:
            changed = Tape(*unpacked(damaged, tape.params))
        except ValueError:
            refused += 1
            continue
        loaded += 1
        assert str(changed)
        with contextlib.suppress(IndexError, TypeError, ag.BranchChanged):  # an index that is none, a guard that fails
            changed.value_and_grad([[0.5, 1.5, -2.0, 2]])
    assert loaded > 100
    assert refused > 100
