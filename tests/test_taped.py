"""taped: the same function, recorded at its first call, a tape for each branch."""

from __future__ import annotations

import copy
import math
import pickle
import random
import sys
import threading
from array import array

import numpy as np
import pytest
import tapes

import autograd as ag
import viz
from autograd import BranchChanged, Value, taped
from autograd.primitives.primitive import PRIMITIVES
from autograd.tape.replay import choose_executor, executors
from autograd.tape.replay import executor as current_executor

scale = Value(1.5, "scale")


@taped
def at_module_level(x):
    return x * 2.0


def stairs(x):
    """A branch for each whole number."""
    steps = 0
    while x > steps:
        steps += 1
    return x * scale * float(steps)


@pytest.fixture(autouse=True)
def no_gradient():
    scale.grad = 0.0


# -- calls -----------------------------------------------------------------------------------------------------------
def test_a_call_gives_the_bits_of_the_function():
    for seed in range(60):
        rng = random.Random(seed)
        made = tapes.function(rng, 0.0)
        params = [Value(x) for x in made.params]
        fast = taped(lambda *xs, made=made, params=params: made(xs, params))
        for _ in range(3):
            row = made.row(rng, 0.0)
            results = []
            for function in (fast, fast.__wrapped__):
                for p in params:
                    p.grad = 0.0
                xs = [Value(x) for x in row]
                found = function(*xs)
                outputs = found if isinstance(found, list) else [found]
                for output in outputs[:1]:  # where there are several, each is a node, and only sums of passes are one
                    if isinstance(output, Value):
                        output.backward()
                numbers = [x.data if isinstance(x, Value) else x for x in outputs]
                kinds = [type(x) for x in outputs]
                gradients = [x.grad for x in xs], [p.grad for p in params]
                results.append((type(found), kinds, repr(numbers), repr(gradients)))
            assert results[0] == results[1], f"seed {seed}"


def test_the_result_is_one_node():
    x = Value(2.0, "x")
    y = taped(lambda x, k: scale * x * k + 1.0)(x, 3)
    assert (y.op, y.data, y.operands[0] is x, y.operands[1:]) == ("taped", 10.0, True, (3.0, y.operands[2]))
    assert (y.operands[2] is scale, y.local_grads) == (True, (4.5, 6.0))
    assert y.primitive not in PRIMITIVES.values()
    y.backward(2.0)
    assert (x.grad, scale.grad) == (9.0, 12.0)
    (step,) = ag.steps(y)
    assert [operand.contribution for operand in step.operands] == [4.5, 6.0]


def test_arguments_may_be_computed():
    fast = taped(lambda a, b: a * b)
    x = Value(3.0)
    y = fast(x * 2.0, x + 1.0) * x
    y.backward()
    assert (y.data, x.grad) == (72.0, 66.0)  # 2x²(x + 1): 6x² + 4x


def test_results_in_kind():
    def function(x):
        return [x, 1.0, x * scale, x.detach() * 2.0]

    fast = taped(function)
    for argument in (Value(2.0), 2.0):
        found = fast(argument)
        eager = function(argument if isinstance(argument, Value) else Value(2.0))
        assert [float(repr(getattr(v, "data", v))) for v in found] == [getattr(v, "data", v) for v in eager]
        is_value = type(argument) is Value
        assert [type(v) is Value for v in found] == [is_value, False, True, is_value]
    assert [len(v.parents) for v in fast(Value(2.0)) if isinstance(v, Value)] == [1, 2, 1]
    assert taped(lambda x: (x, 2.0))(3.0) == (3.0, 2.0)
    assert type(taped(lambda x: (x, 2.0))(3.0)) is tuple
    assert taped(lambda x: 2.0)(Value(1.0)) == 2.0


def test_each_output_has_its_own_derivatives():
    fast = taped(lambda x, y: [x * y, x + scale, y * y])
    x, y = Value(2.0), Value(3.0)
    a, b, c = fast(x, y)
    assert (a.local_grads, b.local_grads, c.local_grads) == ((3.0, 2.0), (1.0, 1.0), (6.0,))
    (a * b).backward()
    assert (x.grad, y.grad, scale.grad) == (3.0 * 3.5 + 6.0, 2.0 * 3.5, 6.0)


def test_a_value_that_is_given_twice():
    fast = taped(lambda a, b: a * b + a)
    x = Value(2.0)
    y = fast(x, x)
    assert y.local_grads == (5.0,)
    y.backward()
    assert x.grad == 5.0
    assert fast(x, Value(2.0)).local_grads == (3.0, 2.0)
    assert len(fast.tapes) == 2


def test_trees_of_arguments():
    fast = taped(lambda points, weights: ag.sum([weights["a"] * p[0] + weights["b"] * p[1] for p in points]))
    a = Value(2.0)
    y = fast([(1.0, 2.0), (3.0, 4.0)], {"a": a, "b": 0.5})
    y.backward()
    assert (y.data, a.grad, len(fast.tapes)) == (11.0, 4.0, 1)
    assert fast([(1.0, 2.0)], {"a": 1.0, "b": 1.0}) == 3.0
    assert fast([(2.0, 2.0)], {"b": 1.0, "a": 1.0}) == 4.0
    assert len(fast.tapes) == 3  # a dict in another order is another shape
    fast([(5.0, 6.0)], {"a": 1.0, "b": 1.0})
    assert len(fast.tapes) == 3


def test_parameters_are_read_at_each_call():
    w = Value(2.0)
    fast = taped(lambda x: w * x)
    assert fast(3.0).data == 6.0
    w.data = 5.0
    assert fast(3.0).data == 15.0
    assert len(fast.tapes) == 1


def test_no_grad_gives_leaves():
    fast = taped(lambda x: [scale * x, x * x, 1.0])
    with ag.no_grad():
        first, second, third = fast(Value(2.0))
        assert fast(2.0)[1:] == [4.0, 1.0]
    assert (first.data, first.parents, first.op, second.op, third) == (3.0, (), "", "", 1.0)
    assert fast(Value(2.0))[0].op == "taped"
    assert len(fast.tapes) == 1


def test_scopes_and_anomalies():
    fast = taped(lambda x: x.log())
    with ag.named_scope("encoder"):
        assert fast(Value(1.0)).module == "encoder"
    with ag.detect_anomaly():
        fast(Value(1.0))
        with pytest.raises(ag.AnomalyError, match="taped gave -inf"):
            fast(Value(0.0))


def test_inside_a_recording_it_is_part_of_the_tape():
    fast = taped(lambda x: ag.where(x > 0.0, scale * x, x) if x < 5.0 else x)
    tape = ag.record(lambda x: fast(x) * 2.0, inputs=[1.0])
    assert set(tape.stats()["by kind"]) == {"guard", "less", "multiply", "where"}
    assert tape.forward([[2.0], [-1.0]]) == [6.0, -2.0]
    with pytest.raises(BranchChanged):
        tape.forward([[6.0]])
    assert fast.tapes == ()


def test_what_needs_the_graph_says_so():
    fast = taped(lambda x: x * x * scale)
    x = Value(3.0)
    y = fast(x) * 2.0
    with pytest.raises(ValueError, match="result of a taped function: call the function itself"):
        ag.record(y, inputs=[x])
    with pytest.raises(ValueError, match="result of a taped function"):
        ag.record(lambda z: y * z, inputs=[1.0])
    for transform in (ag.grad(ag.grad(fast)), ag.hessian(fast), lambda x: ag.hvp(fast, (x,), (1.0,))):
        with pytest.raises(TypeError, match=r"for higher derivatives.* call the function itself"):
            transform(3.0)
    for transform in (ag.grad(fast), ag.value_and_grad(fast), lambda x: ag.jvp(fast, (x,), (1.0,))):
        with pytest.raises(TypeError, match=r"a gradient that carries its graph.*under no_grad\(\)"):
            transform(3.0)  # it depends on scale
    with ag.no_grad():
        assert ag.grad(fast)(3.0) == 9.0
        assert ag.value_and_grad(fast)(3.0) == (13.5, 9.0)
        assert ag.jvp(fast, (3.0,), (1.0,)) == (13.5, 9.0)
    assert ag.grad(taped(lambda x: x * x))(3.0) == 6.0
    assert ag.jacobian(taped(lambda x: [x * x, x]))(3.0) == [6.0, 1.0]
    assert ag.gradcheck(fast, (3.0,))


def test_its_nodes_are_drawn_copied_and_pickled(capsys):
    x = Value(2.0, "x")
    y = taped(lambda x: scale * x)(x) + 1.0
    y.label = "y"
    viz.print_graph(y)
    assert "taped(" in capsys.readouterr().out
    assert "taped" in viz.to_svg(y)
    for other in (copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        node = other.parents[0]
        assert (node.op, node.data, node.local_grads) == ("taped", 3.0, (1.5, 2.0))
        other.backward()
        assert node.parents[0].grad == 1.5
    assert x.grad == 0.0


def test_nothing_is_kept_alive():
    fast = taped(lambda x: scale * x * x)
    x = Value(2.0)
    fast(x)
    held = sys.getrefcount(x), sys.getrefcount(scale)
    for _ in range(20):
        y = fast(x)
        y.backward()
        del y
    assert (sys.getrefcount(x), sys.getrefcount(scale)) == held
    assert held[0] == 2  # the name and the argument: no tape holds what it was called with


# -- branches --------------------------------------------------------------------------------------------------------
def test_a_changed_branch_is_recorded_and_both_are_kept():
    calls = []

    def function(x):
        calls.append(x.data if type(x) is float else 0.0)
        return x * 2.0 if x > 0.0 else x * 3.0

    fast = taped(function)
    assert [fast(v) for v in (1.0, -1.0, 2.0, -2.0, 3.0)] == [2.0, -3.0, 4.0, -6.0, 6.0]
    assert (len(calls), len(fast.tapes)) == (2, 2)
    assert repr(fast) == "<taped function: 2 tapes>"


def test_the_limit():
    fast = taped(stairs, limit=3)
    assert [fast(x).data for x in (0.5, 1.5, 2.5, 0.25)] == [stairs(x).data for x in (0.5, 1.5, 2.5, 0.25)]
    for attempt in (lambda: fast(3.5), lambda: fast.forward([[0.5], [3.5]]), lambda: fast.value_and_grad([[3.5]])):
        with pytest.raises(RuntimeError, match=r"has 3 tapes .* autograd\.where.* taped\(function, limit=\.\.\.\)"):
            attempt()
    assert (len(fast.tapes), scale.grad) == (3, 0.0)
    assert len(taped(stairs, limit=1).__wrapped__(Value(1.0)).parents) == 1
    default = taped(stairs)
    for i in range(16):
        default(i + 0.5)
    with pytest.raises(RuntimeError, match="16 tapes"):
        default(16.5)


def test_branches_must_give_as_many_outputs():
    fast = taped(lambda x: [x, x] if x > 0.0 else x)
    fast(1.0)
    with pytest.raises(ValueError, match=r"one branch of the function returns 2 outputs and another 1.*in all"):
        fast(-1.0)
    assert fast(2.0) == [2.0, 2.0]


def test_what_goes_wrong_in_the_function_comes_out():
    def function(x):
        if x > 1.0:
            raise KeyError("too large")
        return x

    fast = taped(function)
    with pytest.raises(KeyError, match="too large"):
        fast(2.0)
    assert (fast(0.5), len(fast.tapes)) == (0.5, 1)
    with pytest.raises(KeyError):
        fast.forward([[0.5], [2.0]])
    index = taped(lambda x, i: ag.take([x, x], i))
    assert index(2.0, 1) == 2.0
    with pytest.raises(IndexError, match=r"7\.0 is not a valid index into 2 values"):
        index(2.0, 7)
    with pytest.raises(IndexError, match=r"row 1: 7\.0 is not a valid index"):
        index.forward([[2.0, 0], [2.0, 7]])


def test_an_index_counts_only_where_the_branch_that_has_it_is_taken():
    def function(x, i):
        return ag.take([x, 2.0 * x], i) if x > 0.0 else x

    rows = [[1.0, 0], [-1.0, 7], [2.0, 1], [-1.0, 9], [3.0, 1]] * 3
    fast = taped(function)
    for _ in range(2):
        assert fast.forward(rows) == [1.0, -1.0, 4.0, -1.0, 6.0] * 3
    assert len(fast.tapes) == 2


# -- rows ------------------------------------------------------------------------------------------------------------
def eager_rows(function, rows):
    """Outputs, input gradients and the gradient of `scale`, in the order of sums that tapes keep."""
    outputs, gradients, per_row = [], [], []
    for row in rows:
        scale.grad = 0.0
        xs = [Value(x) for x in row]
        output = function(*xs)
        output.backward()
        outputs.append(output.data)
        gradients.append([x.grad for x in xs])
        per_row.append(scale.grad)
    scale.grad = 0.0
    total = None
    for start in range(0, len(rows), tapes.BLOCK):
        block = per_row[start]
        for gradient in per_row[start + 1 : start + tapes.BLOCK]:
            block += gradient
        total = block if total is None else total + block
    return outputs, gradients, total


@pytest.mark.parametrize("count", (*tapes.ROWS, 700))
@pytest.mark.parametrize("order", ["sorted", "in turn", "in runs", "at random"])
def test_rows_go_to_the_tape_that_takes_them(count: int, order: str):
    """The bits do not depend on which tape a row was replayed by."""
    rng = random.Random(count)
    rows = [[rng.uniform(0.0, 4.0), rng.uniform(-1.0, 1.0)] for _ in range(count)]
    if order == "sorted":
        rows.sort()
    if order == "in turn":
        rows = [[i % 3 + 0.37, y] for i, (_, y) in enumerate(rows)]
    if order == "in runs":  # the second of which does not begin with a block
        rows = [[0.37 + (i > 10), -abs(y)] for i, (_, y) in enumerate(rows)]

    def function(x, y):
        return stairs(x) * y + x if y > 0.0 else stairs(x).tanh() - y * scale

    expected = eager_rows(function, rows)
    fast = taped(function)
    for _ in range(2):  # while it is recorded, and after
        scale.grad = 0.0
        assert (*fast.value_and_grad(rows), scale.grad) == expected
        scale.grad = 0.0
        assert fast.value_and_grad(rows, input_gradients=False) == (expected[0], None)
        assert scale.grad == expected[2]
        assert fast.forward(rows) == expected[0]


@pytest.mark.parametrize("executor", executors())
@pytest.mark.parametrize("in_runs", [False, True])
def test_mixed_rows_have_the_bits_of_one_call_each(executor: str, in_runs: bool):
    """Layers, other parameters, several outputs, gradients of rows: all that is kept per row is summed in order."""
    rng = random.Random(7)
    weights = [[Value(rng.uniform(-1.0, 1.0)) for _ in range(9)] for _ in range(9)]
    params = [w for row in weights for w in row] + [scale]

    def function(*xs):
        hidden = [ag.dot(row, xs).tanh() for row in weights]
        steps = 0
        while xs[0] > 0.4 * steps:
            steps += 1
        return [ag.dot(weights[steps], hidden) * scale, hidden[steps]]

    rows = [[rng.uniform(0.0, 1.9), *(rng.uniform(-1.0, 1.0) for _ in range(8))] for _ in range(300)]
    if in_runs:  # the second of which does not begin with a block
        rows = [[0.1 + (i > 10), *row[1:]] for i, row in enumerate(rows)]
    special = (1.0, 0.0, -0.5) if in_runs else (1.0, 0.0, -0.5, math.inf)  # where one is infinite, rows run twice
    upstream = [rng.choice(special) if i % 7 == 0 else rng.uniform(-1.0, 1.0) for i in range(300)]
    before = current_executor()
    choose_executor(executor)
    try:
        fast = taped(function)
        found = fast.value_and_grad(rows, gradient=upstream)
        gradients = [p.grad for p in params]
    finally:
        choose_executor(before)
    per_row = []
    for row, seed, output, gradient in zip(rows, upstream, *found, strict=True):
        for p in params:
            p.grad = 0.0
        xs = [Value(x) for x in row]
        outputs = function(*xs)
        ag.sum(outputs).backward(seed)
        assert repr([output, gradient]) == repr([[y.data for y in outputs], [x.grad for x in xs]])
        per_row.append([p.grad for p in params])
    for i, gradient in enumerate(gradients):
        blocks = [per_row[start : start + tapes.BLOCK] for start in range(0, len(rows), tapes.BLOCK)]
        assert tapes.bits(gradient) == tapes.bits(left_sum([left_sum([g[i] for g in block]) for block in blocks]))


def left_sum(numbers: list[float]) -> float:
    total = numbers[0]
    for x in numbers[1:]:
        total += x
    return total


def test_rows_are_recorded_in_their_order_and_the_first_error_is_raised():
    recorded = []

    def function(x, i):
        for limit in (1.0, 2.0, 3.0, 4.0):
            if x < limit:
                recorded.append(limit)
                if limit == 4.0:
                    raise KeyError("too large")
                return ag.take([x * scale, x], i)
        return x

    fast = taped(function)
    rows = [[0.5, 0], [2.5, 1], *[[0.5, 1], [1.5, 0], [2.5, 0]] * 100]
    fast.value_and_grad(rows)
    assert recorded == [1.0, 3.0, 2.0]
    scale.grad = 0.0
    for wrong, error, message in (
        ([[1.5, 7], [2.5, 8], [3.5, 0]], IndexError, r"row 302: 7\.0 is not a valid index"),
        ([[2.5, 7], [1.5, 8], [0.5, 9]], IndexError, r"row 302: 7\.0 is not a valid index"),
        ([[3.5, 0], [1.5, 7]], KeyError, "too large"),
    ):
        for run in (fast.forward, fast.value_and_grad):
            with pytest.raises(error, match=message):
                run(rows + wrong + rows)
            assert scale.grad == 0.0


def test_a_primitive_of_a_user_is_called_for_rows_of_its_branch_alone():
    seen = []

    def noted(x: float) -> float:
        seen.append(x)
        return x * 2.0

    double = ag.primitive("noted_double_of_a_branch", noted, [lambda x, out: 2.0])
    fast = taped(lambda x: double(x) if x > 0.0 else x if double(x) > -100.0 else -x)
    rows = [[float(i % 5 - 2)] for i in range(100)]
    fast.forward(rows)
    seen.clear()
    assert fast.forward(rows) == [x * 2.0 if x > 0.0 else x for (x,) in rows]
    assert set(seen) == {-2.0, -1.0, 0.0, 1.0, 2.0}


def test_parameters_of_one_branch_alone():
    a, b = Value(2.0), Value(3.0)
    fast = taped(lambda x: a * x if x > 0.0 else b * x + a)
    assert fast.value_and_grad([[1.0], [-2.0], [4.0]]) == ([2.0, -4.0, 8.0], [[2.0], [3.0], [2.0]])
    assert (a.grad, b.grad) == (6.0, -2.0)
    fast.value_and_grad([[1.0]])
    assert (a.grad, b.grad) == (7.0, -2.0)


def test_rows_in_kind():
    fast = taped(lambda x, y: x * y if x > y else x + y)
    rows = [[1.0, 2.0], [3.0, 2.0]]
    assert fast.forward(np.array(rows)).tolist() == [3.0, 6.0]
    assert fast.forward(iter(rows)) == [3.0, 6.0]
    assert fast.forward(array("d", [1.0, 2.0, 3.0, 2.0])) == array("d", [3.0, 6.0])
    outputs, gradients = fast.value_and_grad(np.asfortranarray(rows))
    assert (outputs.tolist(), gradients.tolist()) == ([3.0, 6.0], [[1.0, 1.0], [2.0, 3.0]])
    several = taped(lambda x: [x, x * x] if x > 0.0 else [-x, x])
    assert several.forward(np.array([[1.0], [-2.0]])).tolist() == [[1.0, 1.0], [2.0, -2.0]]


def test_rows_of_a_function_that_takes_trees():
    fast = taped(lambda pair, k: (pair[0] + pair[1]) * k)
    fast([1.0, 2.0], 3.0)
    assert fast.value_and_grad([[1.0, 2.0, 3.0], [1.0, 1.0, 0.5]]) == ([9.0, 1.0], [[3.0, 3.0, 3.0], [0.5, 0.5, 2.0]])
    assert fast.forward(array("d", [1.0, 2.0, 3.0])) == array("d", [9.0])
    assert len(fast.tapes) == 1


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ([], ValueError, "the batch is empty"),
        (np.zeros((0, 1)), ValueError, "the batch is empty"),
        ("12", TypeError, "a batch must be a sequence of rows"),
        (["a"], TypeError, "row 0 of the batch must be a sequence of numbers, not str"),
        ([["a"]], TypeError, "row 0, column 0 of the batch must be a number, not str"),
        ([[1.0], [1.0, 2.0]], ValueError, "row 1 of the batch has 2 numbers for a tape of 1 input"),
        ([[1.0], ["x"]], TypeError, "row 1, column 0 of the batch must be a number, not str"),
        (None, TypeError, "not NoneType"),
    ],
)
@pytest.mark.parametrize("called", [False, True])
def test_wrong_batches(batch, error, message: str, called: bool):
    fast = taped(lambda x: scale * x)
    if called:
        fast(1.0)
    with pytest.raises(error, match=message):
        fast.value_and_grad(batch)
    assert scale.grad == 0.0
    assert fast.forward([[2.0]]) == [3.0]


def test_an_array_of_all_rows_needs_a_width():
    with pytest.raises(ValueError, match="the width of the rows is unknown"):
        taped(lambda x: x).forward(array("d", [1.0]))
    fast = taped(lambda *xs: ag.sum(xs))
    fast.forward([[1.0, 2.0, 3.0]])
    assert fast.forward(array("d", [1.0, 2.0, 3.0])) == array("d", [6.0])
    fast(1.0, 2.0)
    for batch in (array("d", range(6)), np.arange(6.0)):
        with pytest.raises(ValueError, match=r"ambiguous.* called with 2 and 3 numbers"):
            fast.forward(batch)
    assert fast.forward([[1.0, 2.0]]) == [3.0]


def test_the_upstream_gradient():
    """As `backward(gradient)`, for each row."""
    fast = taped(lambda x: [scale * x, x * x] if x > 0.0 else [x, x])
    rows, upstream = [[2.0], [-1.0], [3.0]], [0.5, 2.0, -1.0]
    assert fast.value_and_grad(rows, gradient=upstream)[1] == [[2.75], [4.0], [-7.5]]
    assert scale.grad == -2.0
    scale.grad = 0.0
    assert fast.value_and_grad(np.array(rows), gradient=np.array(upstream))[1].tolist() == [[2.75], [4.0], [-7.5]]
    assert fast.value_and_grad(rows, gradient=2)[1] == [[11.0], [4.0], [15.0]]
    assert scale.grad == 8.0
    for wrong, error in (([1.0], ValueError), ("1", TypeError), ([1.0, 2.0, "a"], TypeError), (scale, TypeError)):
        with pytest.raises(error, match="gradient"):
            fast.value_and_grad(rows, gradient=wrong)
    assert scale.grad == 8.0


def test_where_a_later_row_fails_no_gradient_has_changed():
    fast = taped(lambda x, i: ag.take([x * scale, x], i) if x > 0.0 else x * scale)
    with pytest.raises(IndexError, match=r"row 2: 9\.0"):
        fast.value_and_grad([[1.0, 0], [-1.0, 0], [1.0, 9]])
    assert scale.grad == 0.0


# -- the object ------------------------------------------------------------------------------------------------------
def test_it_carries_the_functions_name_and_pickles_by_it():
    assert (at_module_level.__name__, at_module_level.__wrapped__.__name__) == ("at_module_level",) * 2
    assert taped(stairs).__doc__ == "A branch for each whole number."
    assert copy.copy(at_module_level) is copy.deepcopy(at_module_level) is at_module_level
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(taped(lambda x: x))


def test_the_decorator_takes_a_limit():
    @taped(limit=2)
    def function(x):
        return x if x > 0.0 else -x if x > -1.0 else x

    function(1.0), function(-0.5)
    with pytest.raises(RuntimeError, match="2 tapes"):
        function(-2.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: taped(3), TypeError, "taped takes a function, not int 3"),
        (lambda: taped(abs, limit=0), ValueError, "limit must be a whole number of at least 1, not 0"),
        (lambda: taped(abs, limit=2.0), ValueError, "limit must be a whole number"),
        (lambda: taped(abs)("a"), TypeError, r"arguments\[0\] must be a number, a Value, .* not str 'a'"),
        (lambda: taped(lambda x: x)(x=1.0), TypeError, "takes arguments by position: x came by keyword"),
        (lambda: taped(lambda x: x)(), TypeError, "missing 1 required positional argument"),
        (lambda: taped(lambda x: x)(1.0, 2.0), TypeError, "takes 1 positional argument but 2 were given"),
        (lambda: taped(lambda x: {"a": x})(1.0), TypeError, "must be a Value or a number, .* not dict"),
        (lambda: taped(lambda x: None)(1.0), TypeError, "not NoneType None"),
        (lambda: taped(lambda x: [])(1.0), ValueError, "an empty list"),
    ],
)
def test_wrong_calls(call, error, message: str):
    with pytest.raises(error, match=message):
        call()


def test_a_method_says_what_to_do():
    class Model:
        @taped
        def forward(self, x):
            return x

    with pytest.raises(TypeError, match=r"self\.forward = taped\(self\.forward\)"):
        Model().forward(1.0)
    assert isinstance(Model.forward, ag.Taped)


def test_threads_share_the_tapes():
    """One branch is recorded once, whoever comes first, and all get the right numbers."""
    fast = taped(stairs)
    wrong: list[float] = []
    start = threading.Barrier(4)

    def work(seed: int) -> None:
        rng = random.Random(seed)
        start.wait()
        for _ in range(100):
            x = rng.uniform(0.0, 8.0)
            if fast(x).data != x * 1.5 * (int(x) + 1):
                wrong.append(x)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
    assert len(fast.tapes) == 8
