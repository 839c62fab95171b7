"""record and Tape: what is recorded, which leaves are what, and what a tape keeps."""

from __future__ import annotations

import itertools
import math
import operator
import re
from array import array
from functools import reduce

import numpy as np
import pytest
from tapes import bits

import autograd as ag
import nn
from autograd import Value, primitive
from autograd.tape.replay import Rows

seen: list[float] = []


def noted_cube(x: float) -> float:
    seen.append(x)
    return x * x * x


noted = primitive("noted_cube", noted_cube, [lambda x, out: 3 * x * x])


# -- inputs and parameters -------------------------------------------------------------------------------------------
def test_inputs_are_the_columns_from_left_to_right():
    def function(x, pair, named):
        return x + 10.0 * pair[0] + 100.0 * pair[1][0] + 1000.0 * named["b"] + 10000.0 * named["a"]

    tape = ag.record(function, inputs=[0.0, [0.0, (Value(0.0),)], {"b": 0, "a": 0.0}])
    assert tape.forward([[1.0, 2.0, 3.0, 4.0, 5.0]]) == [54321.0]
    assert (tape.input_count, tape.params) == (5, ())


def test_leaves_that_are_given_are_inputs_and_keep_their_gradients():
    x, w = Value(1.0), Value(2.0)
    tape = ag.record(lambda v: v * w, inputs=[x])
    assert tape.params == (w,)
    assert tape.value_and_grad([[3.0]]) == ([6.0], [[2.0]])
    assert (x.data, x.grad, w.grad) == (1.0, 0.0, 3.0)


def test_parameters_come_in_the_order_of_their_creation():
    a, b, c = Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "c")
    tape = ag.record(lambda x: c * x + a * x + b, inputs=[1.0])
    assert [p.label for p in tape.params] == ["a", "b", "c"]


def test_parameters_are_read_and_given_their_gradients_as_backward_does():
    w = Value(2.0)
    tape = ag.record(lambda x: w * x, inputs=[1.0])
    w.data, w.grad = 5.0, 0.25
    tape.value_and_grad([[1.0], [2.0]])
    assert w.grad == 3.25
    tape.value_and_grad([[1.0]])
    assert w.grad == 4.25


def test_params_restricts_which_receive():
    a, b, elsewhere = Value(2.0), Value(3.0), Value(4.0)
    tape = ag.record(lambda x: a * x + b, inputs=[1.0], params=[b, elsewhere])
    assert tape.value_and_grad([[5.0]]) == ([13.0], [[2.0]])
    assert (a.grad, b.grad, elsewhere.grad) == (0.0, 1.0, 0.0)
    nobody = ag.record(lambda x: a * x + b, inputs=[1.0], params=())
    assert nobody.value_and_grad([[5.0]]) == ([13.0], [[2.0]])
    assert (a.grad, b.grad) == (0.0, 1.0)
    generated = ag.record(lambda x: a * x + b, inputs=[1.0], params=(p for p in [a]))
    generated.value_and_grad([[5.0]])
    assert (a.grad, b.grad) == (5.0, 1.0)


def test_a_wrong_assignment_to_a_parameter_leaves_the_tape_as_it_is():
    w = Value(2.0)
    tape = ag.record(lambda x: w * x, inputs=[1.0])
    for wrong in ([1.0, 2.0], "2", None):
        with pytest.raises(TypeError, match="data takes a real number"):
            w.data = wrong
    assert tape.forward([[3.0]]) == [6.0]
    with pytest.raises(AttributeError):
        tape.params = ()


def test_a_parameter_is_the_value_itself_not_a_place_in_a_list():
    weights = [Value(2.0), Value(3.0)]
    tape = ag.record(lambda x: weights[0] * x + weights[1], inputs=[1.0])
    old = weights[1]
    weights[1] = Value(100.0)
    weights.append(Value(7.0))
    assert tape.value_and_grad([[1.0]])[0] == [5.0]
    assert (old.grad, weights[1].grad) == (1.0, 0.0)


def test_input_gradients_may_be_left_out():
    w = Value(2.0)
    tape = ag.record(lambda x: w * x.exp(), inputs=[1.0])
    outputs, gradients = tape.value_and_grad([[0.0]], input_gradients=False)
    assert (outputs, gradients, w.grad) == ([2.0], None, 1.0)


@pytest.mark.parametrize("rows", [1, 2, 8, 9, 130])
@pytest.mark.parametrize("outputs", [1, 2])
def test_the_upstream_gradient_of_rows(rows: int, outputs: int):
    """The bits of `backward(gradient)`, for each row, with zeros and infinities among the gradients."""
    w = Value(0.7)

    def function(x, y):
        found = [(w * x - y).log() * x, x * w][:outputs]
        return found if outputs > 1 else found[0]

    tape = ag.record(function, inputs=[0.0, 0.0])
    batch = [[0.3 * i + 0.1, 0.1 * (i % 4)] for i in range(rows)]  # where w * x < y the logarithm is nan
    per_row = [(0.5, 0.0, -2.0, math.inf, math.nan)[i % 5] for i in range(rows)]
    for gradient in (per_row, tuple(per_row), array("d", per_row), np.array(per_row), -1.5, 2, 0.0):
        seeds = [gradient] * rows if isinstance(gradient, int | float) else per_row
        w.grad = 0.0
        found = tape.value_and_grad(batch, gradient=gradient)[1]
        by_tape, total = w.grad, []
        for row, seed, by_input in zip(batch, seeds, found, strict=True):
            w.grad, xs = 0.0, [Value(x) for x in row]
            result = function(*xs)
            (ag.sum(result) if outputs > 1 else result).backward(seed)
            assert [bits(g) for g in by_input] == [bits(x.grad) for x in xs]
            total.append(w.grad)
        blocks = [reduce(operator.add, total[start : start + 64]) for start in range(0, rows, 64)]
        assert bits(by_tape) == bits(reduce(operator.add, blocks))


@pytest.mark.parametrize(
    ("gradient", "error", "message"),
    [
        ([1.0], ValueError, "gradient has 1 numbers for 2 rows: give one number, or one per row"),
        ([1.0, None], TypeError, r"gradient\[1\] must be a number, not NoneType"),
        (None, TypeError, "gradient must be a number or a sequence with one number per row, not NoneType None"),
        ("12", TypeError, "not str '12'"),
        (b"12", TypeError, "not bytes"),
        (Value(1.0), TypeError, "not Value"),
        (np.zeros((1, 2)), ValueError, "shape"),
        (10**400, OverflowError, "too large"),
    ],
)
def test_a_wrong_upstream_gradient_changes_nothing(gradient, error, message: str):
    p = Value(2.0)
    tape = ag.record(lambda x: p * x, inputs=[1.0])
    with pytest.raises(error, match=message):
        tape.value_and_grad([[1.0], [2.0]], gradient=gradient)
    assert p.grad == 0.0


def test_outputs_that_do_not_depend_on_the_inputs():
    w = Value(2.0)
    for function, number in ((lambda x: 3.0, 3.0), (lambda x: w * 2.0, 4.0), (lambda x: Value(5.0), 5.0)):
        tape = ag.record(function, inputs=[1.0])
        assert tape.value_and_grad([[1.0], [9.0]]) == ([number] * 2, [[0.0]] * 2)
    assert w.grad == 4.0
    assert ag.record(lambda x, y: x, inputs=[1.0, 2.0]).value_and_grad([[3.0, 4.0]]) == ([3.0], [[1.0, 0.0]])


def test_a_function_may_use_an_existing_graph():
    """It is recomputed from its leaves, which are parameters."""
    w = Value(3.0)
    square = w * w
    tape = ag.record(lambda x: square * x, inputs=[1.0])
    w.data = 2.0
    assert tape.value_and_grad([[5.0]]) == ([20.0], [[4.0]])
    assert w.grad == 20.0
    chosen = ag.where(w > 0.0, w, 1.0)
    with pytest.raises(ValueError, match="contains where, whose condition is gone"):
        ag.record(lambda x: chosen * x, inputs=[1.0])


# -- existing graphs -------------------------------------------------------------------------------------------------
def test_an_existing_graph():
    x, w = Value(1.0, "x"), Value(2.0, "w")
    tape = ag.record((w * x).tanh() * x, inputs=[x])
    row = Value(0.7)
    eager = (w * row).tanh() * row
    eager.backward()
    by_eager, w.grad = w.grad, 0.0
    assert tape.value_and_grad([[0.7]]) == ([eager.data], [[row.grad]])
    assert w.grad == by_eager
    assert "from an existing graph: no guards" in str(tape)
    assert tape.stats()["source"] == "graph"


def test_a_list_of_outputs():
    x, y = Value(1.0), Value(2.0)
    tape = ag.record([x * y, 1.0, y], inputs=[x, [y]])
    assert tape.value_and_grad([[3.0, 4.0]]) == ([[12.0, 1.0, 4.0]], [[4.0, 4.0]])
    assert ag.record(x, inputs=[x]).value_and_grad([[5.0]]) == ([5.0], [[1.0]])
    assert ag.record(x, inputs=[y]).value_and_grad([[5.0]]) == ([1.0], [[0.0]])


def test_where_in_an_existing_graph_is_refused():
    x = Value(1.0)
    with pytest.raises(ValueError, match=r"contains where.*autograd\.record\(function, inputs=\.\.\.\)"):
        ag.record(ag.where(x > 0.0, x, 2.0) + x, inputs=[x])


# -- wrong arguments -------------------------------------------------------------------------------------------------
x, w = Value(1.0, "x"), Value(2.0, "w")


def identity(v, *_):
    return v


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ag.record(identity, inputs=[x * 2.0]), ValueError, r"input 0 is a computed node.*its \.detach\(\)"),
        (lambda: ag.record(identity, inputs=[1.0, x, x]), ValueError, "input 2 is the same Value as input 1 .*once"),
        (lambda: ag.record(identity, inputs=[x, {"k": (x,)}]), ValueError, "input 1 is the same Value as input 0"),
        (lambda: ag.record(identity, inputs=["a"]), TypeError, r"inputs\[0\] must be a number.* not str 'a'"),
        (lambda: ag.record(identity, inputs=[[1.0, None]]), TypeError, r"inputs\[0\]\[1\] must be .* NoneType"),
        (lambda: ag.record(identity, inputs=1.0), TypeError, "inputs must be a list with one entry per argument"),
        (lambda: ag.record(identity, inputs=x), TypeError, "inputs must be a list"),
        (lambda: ag.record(identity, inputs=[]), TypeError, "missing 1 required positional argument"),
        (lambda: ag.record(3.0, inputs=[]), TypeError, "record takes a function or a Value, not float 3.0"),
        (lambda: ag.record(None, inputs=[]), TypeError, "not NoneType None"),
        (lambda: ag.record(x * w, inputs=[1.0]), TypeError, "inputs of an existing graph must be leaves of it"),
        (lambda: ag.record(x * w, inputs=[x * 2.0]), ValueError, "input 0 is a computed node"),
        (lambda: ag.record([], inputs=[x]), ValueError, "the output is an empty list"),
        (lambda: ag.record(["a"], inputs=[x]), TypeError, r"the output\[0\] must be a Value.* not str 'a'"),
        (lambda: ag.record(lambda v: None, inputs=[1.0]), TypeError, r"<lambda>\(\) must be a Value .* NoneType"),
        (lambda: ag.record(lambda v: [v, "a"], inputs=[1.0]), TypeError, r"<lambda>\(\)\[1\] must be .* str 'a'"),
        (lambda: ag.record(lambda v: [], inputs=[1.0]), ValueError, r"<lambda>\(\) is an empty list"),
        (lambda: ag.record(identity, inputs=[1.0], params=w), TypeError, "params must be a list of Values, not Value"),
        (lambda: ag.record(identity, inputs=[1.0], params=3), TypeError, "params must be a list of Values, not int 3"),
        (lambda: ag.record(identity, inputs=[1.0], params=[1.0]), TypeError, r"params\[0\] must be a Value, not float"),
        (lambda: ag.record(identity, inputs=[1.0], params=[w * 2]), ValueError, r"params\[0\] is a computed node"),
        (lambda: ag.record(x * w, inputs=[x], params=[w, x]), ValueError, r"params\[1\] is an input"),
        (lambda: ag.record(assigns, inputs=[1.0]), ValueError, "input 0 was 1.0 and the function assigned 3.0"),
        (lambda: ag.record(nests, inputs=[1.0]), RuntimeError, "a tape is already being recorded in this thread"),
    ],
)
def test_wrong_arguments(call, error, message: str):
    with pytest.raises(error, match=message):
        call()
    assert type(Value(1.0) < 2.0) is bool  # nothing is recorded any more


def assigns(v):
    v.data = 3.0
    return v * 2.0


def nests(v):
    return ag.record(identity, inputs=[1.0]).forward([[2.0]])[0] * v


def test_inside_no_grad_there_is_nothing_to_record():
    standing = x * w
    with ag.no_grad():
        with pytest.raises(RuntimeError, match=r"cannot be recorded inside no_grad\(\)"):
            ag.record(identity, inputs=[1.0])
        tape = ag.record(standing, inputs=[x])
        assert tape.value_and_grad([[3.0]]) == ([6.0], [[2.0]])
    w.grad = 0.0


@pytest.mark.parametrize("index", [-1.0, 2.0, 0.5, math.nan, math.inf, -math.inf, 1e30, 2.0**31, 2.0**63])
def test_an_index_that_is_none(index: float):
    p = Value(1.5)
    for function in (ag.take, ag.softmax_cross_entropy):
        tape = ag.record(lambda i, a, function=function: function([a * p, p], i), inputs=[0, 1.0])
        for run in (tape.forward, tape.value_and_grad):
            message = rf"row 9: {re.escape(repr(index))} is not a valid index into 2 values"
            with pytest.raises(TypeError if math.isinf(index) or index % 1.0 else IndexError, match=message):
                run([[1.0, 2.0]] * 9 + [[index, 2.0]])
    assert p.grad == 0.0


def test_an_embedding():
    table = [[Value(0.1 * i + j) for j in range(2)] for i in range(4)]

    def function(i, y):
        vector = [ag.take([row[j] for row in table], i) for j in range(2)]
        return (vector[0] * vector[1] - y) ** 2

    tape = ag.record(function, inputs=[0, 1.0])
    rows = [[i, 0.5] for i in (2, 0, 2, 3)]
    outputs, gradients = tape.value_and_grad(rows)
    found = [[p.grad for p in row] for row in table]
    for p in itertools.chain(*table):
        p.grad = 0.0
    for row, output, gradient in zip(rows, outputs, gradients, strict=True):
        y = Value(row[1])
        eager = function(row[0], y)
        eager.backward()
        assert (output, gradient) == (eager.data, [0.0, y.grad])
    assert found == [[p.grad for p in row] for row in table]


# -- the order of additions ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_operands_shared_between_the_terms_of_a_chain(order: tuple[int, ...]):
    def function(x, y):
        terms = [x * y, x, (x * 0.1) * (y + 0.3)]
        total = terms[order[0]] + terms[order[1]] + terms[order[2]]
        return total * terms[0] + terms[2]

    rows = [[0.1 * i - 0.7, 1.3 - 0.17 * i] for i in range(20)]
    outputs, gradients = ag.record(function, inputs=[0.1, 0.2]).value_and_grad(rows)
    for row, output, gradient in zip(rows, outputs, gradients, strict=True):
        x, y = map(Value, row)
        eager = function(x, y)
        eager.backward()
        assert (output, gradient) == (eager.data, [x.grad, y.grad])


def test_several_outputs_count_as_their_sum():
    p = Value(0.7)

    def function(x, y):
        hidden = (p * x).tanh()
        return [hidden * y, hidden, x, 2.0, hidden * y]

    rows = [[0.1 * i, 0.3 - 0.2 * i] for i in range(11)]
    outputs, gradients = ag.record(function, inputs=[0.0, 0.0]).value_and_grad(rows)
    by_tape, total = p.grad, None
    for row, listed, gradient in zip(rows, outputs, gradients, strict=True):
        x, y = map(Value, row)
        eager = function(x, y)
        p.grad = 0.0
        ag.sum(eager).backward()
        total = p.grad if total is None else total + p.grad
        assert listed == [e.data if isinstance(e, Value) else e for e in eager]
        assert gradient == [x.grad, y.grad]
    assert by_tape == total


def test_rows_are_summed_in_blocks_from_the_first_of_a_call():
    """1e16 + 1 is 1e16: where a row is added shows."""
    p = Value(1.0)
    tape = ag.record(lambda x: p * x, inputs=[0.0])
    rows = [[x] for x in (1e16, *[1.0] * 63, *[1.0] * 64, -1e16)]
    tape.value_and_grad(rows)
    assert p.grad == 64.0  # the first block loses its ones, the second is 64, the last is the one row
    p.grad = 0.5
    tape.value_and_grad(rows[64:128])
    assert p.grad == 64.5


def test_an_upstream_of_zero_gives_zero_whatever_the_derivative():
    p = Value(0.0)

    def function(x):
        return ag.where(x > 0.0, x.log(), x) * 0.0 + x.sqrt() * 0.0 + p.sqrt() * x

    outputs, gradients = ag.record(function, inputs=[1.0]).value_and_grad([[0.0]] * 9)
    assert (outputs, gradients, p.grad) == ([0.0] * 9, [[0.0]] * 9, 0.0)


# -- primitives of users ---------------------------------------------------------------------------------------------
def test_a_primitive_of_a_user_is_called_for_each_row():
    p = Value(2.0)
    tape = ag.record(lambda x: noted(x) * p + noted(p), inputs=[1.0])
    assert tape.stats()["calls"] == ["noted_cube"]
    rows = [[float(i)] for i in range(3, 14)]
    seen.clear()
    outputs, gradients = tape.value_and_grad(rows)
    assert set(seen) == {x for (x,) in rows} | {2.0}  # and for no number that is in no row
    assert outputs == [x**3 * 2.0 + 8.0 for (x,) in rows]
    assert gradients == [[6.0 * x * x] for (x,) in rows]
    total = 0.0
    for (x,) in rows:
        total += x**3 + 12.0
    assert p.grad == total
    assert tape.forward(rows) == outputs


def test_an_error_in_a_users_primitive_comes_out_and_changes_nothing():
    def inverse(x):
        return 1 / x  # Python's, which raises

    function = primitive("raising_inverse", inverse, [lambda x, out: -out * out])
    p = Value(2.0)
    tape = ag.record(lambda x: function(x) * p, inputs=[1.0])
    for run in (tape.forward, tape.value_and_grad):
        with pytest.raises(ZeroDivisionError):
            run([[1.0]] * 70 + [[0.0]])
        assert p.grad == 0.0
    assert tape.value_and_grad([[4.0]]) == ([0.5], [[-0.125]])


def test_an_error_in_a_users_primitive_comes_before_the_branch_of_a_later_row():
    """Rows of one register: the last takes another branch, one before it raises, and those before that are fine."""
    function = primitive("raising_reciprocal", lambda x: 1 / (x - 5.0), [lambda x, out: -out * out])
    tape = ag.record(lambda x: function(x) if x > 0.0 else x, inputs=[1.0])
    for run in (tape.forward, tape.value_and_grad):
        with pytest.raises(ZeroDivisionError):
            run([[1.0], [2.0], [5.0], [3.0], [-1.0]])
        with pytest.raises(ag.BranchChanged, match="row 2 takes a different branch"):
            run([[1.0], [2.0], [-1.0], [5.0]])


# -- what is shown ---------------------------------------------------------------------------------------------------
def test_the_listing():
    a, b = Value(2.0, "a"), Value(0.5)

    def function(u, pair, i):
        if u * a < 10.0:
            return [ag.take([u, *pair], i) ** 3, ag.softmax_cross_entropy([u, b, pair[0]], i)]
        return [u, u]

    tape = ag.record(function, inputs=[1.0, [2.0, Value(3.0, "third")], 1])
    lines = str(tape).splitlines()
    assert lines[0] == "tape of 4 inputs and 2 parameters, recorded from a function: 1 guard"
    assert lines[1] == "%0 = multiply(u, a)" or lines[1] == "%0 = multiply(a, u)"
    assert re.fullmatch(r'guard %0 < 10\.0 holds    # File ".*test_tape\.py", line \d+, in function: if .*', lines[2])
    assert lines[3:] == [
        "%1 = take(u, pair0, third, i)",
        "%2 = power_constant(%1, 3.0)",
        "%3 = softmax_cross_entropy(u, p1, pair0, i)",
        "return %2, %3",
    ]
    assert repr(tape) == f"<Tape: {lines[0].removeprefix('tape of ')}; 5 instructions>"
    assert len(tape) == 5


def test_labels_cannot_break_the_listing():
    strange = Value(1.0, "a\nb\x1b[31m" + "c" * 100)
    listing = str(ag.record(lambda x: x * strange, inputs=[1.0]))
    assert len(listing.splitlines()) == 3
    assert "\x1b" not in listing


def test_the_listing_of_a_model_names_its_layers():
    model = nn.MLP(2, [2, 1], seed=0)
    listing = str(ag.record(lambda x: model(x), inputs=[[0.0, 0.0]]))
    assert "dots %0 = dot([layers.0.neurons.0.w0, layers.0.neurons.0.w1], [x0, x1]) + layers.0.neurons.0.b" in listing


def test_stats():
    p = Value(2.0)

    def function(x):
        x.exp()
        if x > 0.0:
            return p * x + 2.0 * x + noted(x)
        return x

    stats = ag.record(function, inputs=[1.0]).stats()
    assert (stats["recorded"], stats["live"], stats["instructions"]) == (6, 5, 5)
    assert stats["by kind"] == {"guard": 1, "noted_cube": 1, "multiply": 2, "sum": 1}
    assert stats["live by kind"] == {"multiply": 2, "add": 2, "noted_cube": 1}
    assert (stats["inputs"], stats["params"], stats["guards"], stats["source"]) == (1, 1, 1, "function")
    assert stats["calls"] == ["noted_cube"]
    assert stats["bytes"] > 0
    assert sum(stats["by kind"].values()) == stats["instructions"]


def test_the_memory_of_a_tape_is_that_of_its_values_gradients_and_local_derivatives():
    """8 bytes for each of 8 rows; a scalar of a list has a gradient alone, and a weight of a layer nothing."""
    w = [Value(1.0) for _ in range(3)]
    cases = [
        (lambda x, y: ag.prod([x, y, x]), (3 + 3) + 3),  # two inputs and the product; three local derivatives
        (lambda x, y: ag.dot(w[:2], [x, y]), 3 + 3),
        (lambda x, y: ag.prod([ag.dot(w[:2], [x, y]), x, w[2]]), (5 + 5) + 3),
    ]
    for function, numbers in cases:
        assert ag.record(function, inputs=[1.0, 2.0]).stats()["bytes"] == 64 * numbers


def test_a_parameter_that_receives_no_gradient_is_not_reached():
    a, b = Value(2.0), Value(3.0)
    tape = ag.record(lambda x: a * x + b, inputs=[1.0], params=[a])
    tape.value_and_grad([[2.0], [5.0]])
    assert [(p.grad, p.reached) for p in (a, b)] == [(7.0, True), (0.0, False)]


@pytest.mark.skipif(not ag.compiled, reason="about the checks of the core")
def test_the_core_refuses_arrays_that_do_not_fit():
    tape = ag.record(lambda x, y: ag.sigmoid(x) * y, inputs=[1.0, 2.0])

    def column(rows: int) -> array[float]:
        return array("d", [0.5] * rows)

    good = (column(3), column(3)), (column(3),)
    assert len(tape.replayer.program) > 0
    scalars = tape.replayer.scalars_for(())
    assert tape.replayer.columns(scalars, *good, 3) == -1
    for wrong in (
        ((column(3), column(2)), (column(3),)),
        ((column(3), column(3)), (column(2),)),
        ((column(3),), (column(3),)),
        ((column(3), column(3)), (column(3), column(3))),
    ):
        with pytest.raises(ValueError, match=r"too short|another number of columns"):
            tape.replayer.columns(scalars, *wrong, 3)
    for place in (3, -1):
        with pytest.raises(ValueError, match="beyond the batch"):
            tape.select(Rows(column(6), 3, None, which=array("i", [0, place])))
    with pytest.raises(ValueError, match="too small"):
        tape.select(Rows(column(5), 3, None))


# -- training --------------------------------------------------------------------------------------------------------
def test_training_with_a_tape_has_the_bits_of_training_without():
    """One row a step, so that the order of sums is eager's too."""
    data = nn.moons(20, noise=0.1, seed=1)
    results = []
    for with_tape in (False, True):
        model = nn.MLP(2, [4, 1], activation="tanh", seed=3)
        optimizer = nn.Adam(model.parameters(), lr=0.05)
        tape = ag.record(lambda x, t, m=model: nn.mse(m(x), t), inputs=[[0.0, 0.0], 0.0])
        losses = []
        for point, target in zip(*data, strict=True):
            optimizer.zero_grad()
            if with_tape:
                (loss,), _ = tape.value_and_grad([[*point, target]], input_gradients=False)
                losses.append(loss)
            else:
                eager = nn.mse(model(point), target)
                eager.backward()
                losses.append(eager.data)
            optimizer.step()
        results.append((losses, [p.data for p in model.parameters()]))
    assert results[0] == results[1]
