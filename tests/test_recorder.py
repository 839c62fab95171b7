"""Recording mode: comparisons become guards or choices, and numbers that leave the graph are warned about."""

from __future__ import annotations

import inspect
import math
import operator
import pickle
import random
import threading
import warnings

import numpy as np
import pytest

import autograd as ag
from autograd import BranchChanged, Comparison, FrozenValueWarning, Value

RELATIONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
NUMBERS = (-1.0, 0.0, -0.0, 1.0, math.inf, math.nan)


def here() -> int:
    """The number of the caller's line."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


# -- guards ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("relation", RELATIONS.values(), ids=RELATIONS)
@pytest.mark.parametrize("form", ["values", "number right", "number left", "int right"])
def test_a_guard_holds_for_the_rows_that_eager_code_takes_the_same_way(relation, form: str):
    """For each pair that is recorded, every other pair."""

    def function(x, y):
        if form == "number right":
            return x * 2.0 if relation(x, 1.0) else x * 3.0
        if form == "number left":
            return x * 2.0 if relation(1.0, x) else x * 3.0
        if form == "int right":
            return x * 2.0 if relation(x, 1) else x * 3.0
        return x * 2.0 if relation(x, y) else x * 3.0

    pairs = [(x, y) for x in NUMBERS for y in NUMBERS]
    for recorded in ((0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (math.nan, 1.0)):
        tape = ag.record(function, inputs=list(recorded))
        outcome = choice(function, recorded)
        for pair in pairs:
            if choice(function, pair) == outcome:
                assert repr(tape.forward([pair])) == repr([function(*map(Value, pair)).data])
            else:
                with pytest.raises(BranchChanged):
                    tape.forward([pair])


def choice(function, pair: tuple[float, float]) -> float:
    """Which factor eager code takes."""
    x, y = map(Value, pair)
    result = function(x, y)
    return result.local_grads[0]


def test_the_error_names_row_numbers_and_line():
    def function(x):
        h = x * 2.0
        if h > 3.0:
            return h
        return -h

    line = inspect.getsourcelines(function)[1] + 2
    tape = ag.record(function, inputs=[5.0])
    with pytest.raises(BranchChanged) as caught:
        tape.forward([[4.0]] * 70 + [[1.25]] + [[0.0]])
    assert caught.value.row == 70
    message = str(caught.value)
    assert "row 70 takes a different branch from the one recorded: 3.0 < 2.5 is false, and this" in message
    assert f'test_recorder.py", line {line}, in function: if h > 3.0:' in message
    assert "autograd.taped(function)" in message
    assert "autograd.where" in message


def test_a_list_indexed_by_a_value_names_take():
    letters = [Value(1.0), Value(2.0)]
    for run in (lambda: ag.record(lambda i: letters[i], inputs=[0]), lambda: ag.taped(lambda i: letters[i])(1)):
        with pytest.raises(TypeError, match=r"neither an index .* autograd\.take\(values, index\).* int\(v\.data\)"):
            run()
    for use in (lambda v: letters[v], operator.index, range, lambda v: letters[:v], lambda v: np.zeros(3)[v], hex):
        with pytest.raises((TypeError, IndexError)):
            use(Value(1.0))


def test_arrays_of_values_stay_arrays_of_objects():
    v = Value(2.0)
    for made in (np.array([v, v]), np.array(v), np.array([[v]]), np.array([v, 1.0]), np.asarray([v])):
        assert made.dtype == object
        assert made.flat[0] is v
    for product in (v * np.array([1.0, 2.0]), np.array([1.0, 2.0]) * v):
        assert product.dtype == object
        assert [type(x) for x in product] == [Value, Value]
    for scalar in (np.float64(3.0), np.int64(3), np.float32(3.0), np.bool_(True)):
        assert type(scalar * v) is type(v * scalar) is type(scalar + v) is Value
    with pytest.raises(TypeError):
        [1] * v


def test_where_a_guard_fails_no_gradient_changes():
    w = Value(2.0)
    tape = ag.record(lambda x: w * x if x > 0.0 else x, inputs=[1.0])
    for rows in ([[-1.0]], [[1.0]] * 200 + [[-1.0]]):
        with pytest.raises(BranchChanged):
            tape.value_and_grad(rows)
        assert w.grad == 0.0
    tape.value_and_grad([[1.0]])
    assert w.grad == 1.0


def test_a_guard_on_parameters_is_checked_for_their_numbers_now():
    w = Value(2.0)
    tape = ag.record(lambda x: x * w if w > 1.0 else x, inputs=[1.0])
    assert tape.forward([[3.0]]) == [6.0]
    w.data = 0.5
    with pytest.raises(BranchChanged, match=r"row 0 .* 1\.0 < 0\.5"):
        tape.forward([[3.0]])


def test_a_decision_before_an_error_in_the_numbers_comes_first():
    """Eager code would have gone the other way before it came to the index."""
    tape = ag.record(lambda x, i: ag.take([x, x], i) if x > 0.0 else x, inputs=[1.0, 0])
    with pytest.raises(BranchChanged, match="row 1"):
        tape.forward([[1.0, 1], [-1.0, 7]])
    with pytest.raises(IndexError, match=r"row 0: 7\.0 is not a valid index into 2 values"):
        tape.forward([[1.0, 7], [-1.0, 0]])


BRANCHING = {
    "if": lambda x, y: x if x < y else y * 2.0,
    "and": lambda x, y: x if x < y and y < 2.0 else y * 2.0,
    "or": lambda x, y: x if x > 1.0 or y > 1.0 else y * 2.0,
    "not": lambda x, y: y * 2.0 if not x < y else x,
    "chained": lambda x, y: x if 0.0 < x < y else y * 2.0,
    "max": lambda x, y: max(x, y, y * x),
    "min": lambda x, y: min(x, y, y * x),
    "sorted": lambda x, y: sorted([x, y, y * x])[1],
    "any": lambda x, y: x * any([x > 1.0, y > 1.0]),
    "all": lambda x, y: x * all([x > 0.0, y > 0.0]),
    "truth of a Value": lambda x, y: x if x else y,
    "bool": lambda x, y: x if bool(x * y) else y,
    "times": lambda x, y: x * (x > 0.0),
    "plus": lambda x, y: x + 2.0 * (x > y) + (x > 0.0) * 0.5 + (y > 0.0) ** 2,
    "count": lambda x, y: x * sum([x > 0.0, y > 0.0, x > y]),
    "place": lambda x, y: [x, y][x < y],
    "key": lambda x, y: {True: x, False: y}[x < y],
    "conjunction of two": lambda x, y: ag.where((x > 0.0) & (y > 0.0), x, y),
    "outcomes compared": lambda x, y: x if (x > 0.0) == (y > 0.0) else y,
    "Value of it": lambda x, y: x * Value(x > y),
    "among others": lambda x, y: ag.sum([x > y, x, y > x]),
    "a loop": lambda x, y: newton(x, y),
    "while": lambda x, y: doubled(x, y),
    "equal": lambda x, y: x if x == y else y,
    "in": lambda x, y: x * (1.0 in [x, y]),
}


def newton(x, y):
    z = x
    for _ in range(5):
        step = (z * z - 2.0) / (z + 3.0)
        z = z - step
        if abs(step) < 1e-3:
            break
    return z + y


def doubled(x, y):
    while x < 4.0:
        x = x * x + 1.0
    return x + y


@pytest.mark.parametrize("name", BRANCHING)
def test_every_way_to_branch_is_guarded(name: str):
    """A row gives what eager code gives, or BranchChanged; both come up."""
    function = BRANCHING[name]
    points = [(x, y) for x in (-1.0, 0.0, 0.5, 1.0, 1.5) for y in (-0.5, 0.0, 1.0, 1.5)]
    held = changed = 0
    for recorded in points:
        tape = ag.record(function, inputs=list(recorded))
        assert tape.forward([recorded]) == [function(*map(Value, recorded)).data]
        for point in points:
            try:
                found = tape.forward([point])[0]
            except BranchChanged:
                changed += 1
            else:
                assert found == function(*map(Value, point)).data
                held += 1
    assert held > len(points)
    assert changed > 0


def test_random_branching_functions():
    """What replays has eager's bits, and the gradient's."""
    for seed in range(30):
        rng = random.Random(seed)
        a, b, c = (rng.uniform(-1.0, 1.0) for _ in range(3))

        def function(x, y, a=a, b=b, c=c):
            z = x * a + y
            if z > b:
                z = z * y - c
            for term in sorted([x, y, z]):
                z = z * 0.5 + term
            return max(z, x * y) if z != 0.0 else z

        tape = ag.record(function, inputs=[rng.uniform(-2.0, 2.0), rng.uniform(-2.0, 2.0)])
        for _ in range(30):
            row = [rng.uniform(-2.0, 2.0), rng.uniform(-2.0, 2.0)]
            x, y = map(Value, row)
            eager = function(x, y)
            eager.backward()
            try:
                found = tape.value_and_grad([row])
            except BranchChanged:
                continue
            assert found == ([eager.data], [[x.grad, y.grad]])


# -- choices ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("relation", RELATIONS.values(), ids=RELATIONS)
def test_where_chooses_anew_in_each_row(relation):
    def function(x, y):
        return ag.where(relation(x, y), x * 2.0, y * 3.0) + ag.where(relation(1.0, x), x, 0.25)

    rows = [[x, y] for x in NUMBERS for y in NUMBERS]
    tape = ag.record(function, inputs=[0.0, 1.0])
    outputs, gradients = tape.value_and_grad(rows)
    for row, output, gradient in zip(rows, outputs, gradients, strict=True):
        x, y = map(Value, row)
        eager = function(x, y)
        eager.backward()
        assert repr((output, gradient)) == repr((eager.data, [x.grad, y.grad]))
    assert tape.stats()["guards"] == 0


def test_where_by_a_value_and_by_a_number():
    assert ag.record(lambda x: ag.where(x, x, 2.0), inputs=[1.0]).value_and_grad([[3.0], [0.0]]) == (
        [3.0, 2.0],
        [[1.0], [0.0]],
    )
    assert ag.record(lambda x: ag.where(True, x, 2.0), inputs=[1.0]).forward([[3.0], [0.0]]) == [3.0, 0.0]


def test_primitives_that_choose_need_no_guard():
    functions = [ag.relu, abs, ag.sign, ag.floor, lambda x: ag.maximum(x, 0.5), lambda x: ag.clip(x, -1.0, 1.0)]
    for function in functions:
        tape = ag.record(function, inputs=[0.3])
        assert tape.stats()["guards"] == 0
        rows = [-2.0, -0.0, 0.0, 0.5, 2.0]
        assert tape.forward([[x] for x in rows]) == [function(Value(x)).data for x in rows]


def test_a_comparison_that_is_returned_replays():
    tape = ag.record(lambda x, y: [x < y, x == y, x], inputs=[1.0, 2.0])
    assert tape.value_and_grad([[2.0, 1.0], [1.0, 1.0]]) == (
        [[0.0, 0.0, 2.0], [0.0, 1.0, 1.0]],
        [[1.0, 0.0], [1.0, 0.0]],
    )


# -- Comparison ------------------------------------------------------------------------------------------------------
def test_comparisons_only_where_something_is_recorded():
    kept = []
    ag.record(lambda x: kept.append(x < 2.0) or x, inputs=[1.0])
    (comparison,) = kept
    assert type(comparison) is Comparison
    assert type(Value(1.0) < 2.0) is bool
    assert repr(comparison) == "Comparison(True)"
    assert bool(comparison)  # after the recording: the outcome, and no guard


def test_with_what_is_no_number_it_is_as_in_eager_code():
    def function(x):
        assert (x == "a") is False
        assert (x != "a") is True
        assert (x == None) is False  # noqa: E711
        for other in ("a", None, [1.0], 1j):
            with pytest.raises(TypeError, match="not supported between instances of"):
                _ = x < other
        return x

    assert ag.record(function, inputs=[1.0]).stats()["guards"] == 0


def test_one_comparison_is_guarded_once():
    def function(x):
        positive = x > 0.0
        return x * 2.0 if positive and positive and positive else x

    assert ag.record(function, inputs=[1.0]).stats()["guards"] == 1


def test_a_comparison_is_a_number_like_a_bool():
    def function(x):
        c = x > 0.0
        assert (c + 1, 1 + c, c * 2.0, 2.0 * c, c / 2, 1 - c, c - 1) == (2, 2, 2.0, 2.0, 0.5, 0, 0)
        assert (c % 2, 3 // c, c**2, 2**c, -c, +c, abs(c), round(c)) == (1, 3, 1, 2, -1, 1, 1, 1)
        assert (c & True, False | c, c ^ c, int(c), float(c), hash(c)) == (True, True, False, 1, 1.0, 1)
        assert (c == True, c != False, c <= 1, c >= c, f"{c}", f"{c:d}") == (True, True, True, True, "True", "1")  # noqa: E712
        return x

    assert ag.record(function, inputs=[1.0]).stats()["guards"] == 1


def test_recording_mode_is_of_one_thread():
    types = []

    def function(x):
        thread = threading.Thread(target=lambda: types.append(type(Value(1.0) < 2.0)))
        thread.start()
        thread.join()
        types.append(type(x < 2.0))
        return x

    ag.record(function, inputs=[1.0])
    assert types == [bool, Comparison]


def test_the_mode_ends_where_the_function_raises():
    with pytest.raises(ZeroDivisionError):
        ag.record(lambda x: 1 / 0, inputs=[1.0])
    assert type(Value(1.0) < 2.0) is bool


# -- numbers that leave the graph --------------------------------------------------------------------------------------
def frozen(function, *inputs):
    """The tape of a function, and the lines of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tape = ag.record(function, inputs=list(inputs))
    assert all(w.category is FrozenValueWarning for w in caught)
    return tape, [(w.filename, w.lineno) for w in caught]


READINGS = {
    "data": lambda x: x.data,
    "grad": lambda x: x.grad,
    "item": lambda x: x.item(),
    "data of a computed node": lambda x: (x * 2.0).data,
    "grad of a computed node": lambda x: (x * 2.0).grad,
}


@pytest.mark.parametrize("name", READINGS)
def test_reading_a_number_warns(name: str):
    read = READINGS[name]
    tape, lines = frozen(lambda x: x * read(x), 3.0)
    assert lines == [(__file__, read.__code__.co_firstlineno)]
    number = read(Value(3.0))
    assert tape.value_and_grad([[5.0]]) == ([5.0 * number], [[number]])


def test_the_warning_names_the_line_once():
    where = []

    def function(x):
        total = x
        for _ in range(5):
            where.append(here() + 1)
            total = total * x.data
        where.append(here() + 1)
        return total + x.item()

    _, lines = frozen(function, 2.0)
    assert lines == [(__file__, where[0]), (__file__, where[-1])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(FrozenValueWarning, match=r"so it is frozen into the tape.*\(total = total \* x\.data\)"):
            ag.record(function, inputs=[2.0])


def test_a_parameter_that_is_read_is_frozen_too():
    w = Value(3.0)
    tape, lines = frozen(lambda x: x * w.data, 1.0)
    assert len(lines) == 1
    w.data = 5.0
    assert tape.forward([[2.0]]) == [6.0]
    assert tape.params == ()


def test_the_warning_as_an_error_ends_the_recording():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(FrozenValueWarning):
            ag.record(lambda x: x * x.data, inputs=[1.0])
    assert type(Value(1.0) < 2.0) is bool


def test_what_is_no_reading():
    """Looking at a graph, and the numbers of leaves that the function makes, freeze nothing that replays."""

    def function(x):
        own = Value(2.0, "own")
        own.data += 1.0
        assert (repr(x), x.op, x.label, len((x * 2.0).parents), hash(x)) != ()
        assert (x * 2.0).operands[1] == 2.0
        return x * own * own.data

    tape, lines = frozen(function, 1.0)
    assert lines == []
    assert tape.forward([[1.0]]) == [9.0]


def test_detach_follows_the_number_and_passes_no_gradient():
    tape, lines = frozen(lambda x: x * x.detach() + (x * 2.0).detach(), 2.0)
    assert lines == []
    assert tape.value_and_grad([[3.0], [5.0]]) == ([15.0, 35.0], [[3.0], [5.0]])


def test_no_grad_inside_follows_the_numbers_and_passes_no_gradient():
    w = Value(0.5)

    def function(x):
        with ag.no_grad():
            scale = (x * w).exp() + 1.0
        return x * scale

    tape, lines = frozen(function, 2.0)
    assert lines == []
    for number in (1.0, 3.0):
        w.data = number / 4
        outputs, gradients = tape.value_and_grad([[number]])
        x = Value(number)
        eager = function(x)
        eager.backward()
        assert (outputs, gradients) == ([eager.data], [[x.grad]])
    assert w.grad == 0.0


def test_a_tape_that_runs_inside_a_recording_freezes_its_parameters():
    w = Value(2.0)
    inner = ag.record(lambda x: w * x, inputs=[1.0])
    _, lines = frozen(lambda x: x * inner.forward([[1.0]])[0], 3.0)
    assert [file for file, _ in lines] == [__file__]


def test_transforms_inside_replay():
    a = Value(1.5)

    def function(x, y):
        slope = ag.grad(lambda z: a * z**3 + z.sin())(x)
        hx, hy = ag.hvp(lambda u, v: u**3 * v + v.exp(), (x, y), (1.0, 0.5))
        value, by = ag.value_and_grad(lambda z: z.tanh() * a)(y)
        return slope * hx + hy * by - value

    tape = ag.record(function, inputs=[0.3, 0.4])
    rows = [[0.1 * i - 0.5, 0.7 - 0.2 * i] for i in range(9)]
    outputs, gradients = tape.value_and_grad(rows)
    by_tape, a.grad = a.grad, 0.0
    sums = []
    for row, output, gradient in zip(rows, outputs, gradients, strict=True):
        x, y = map(Value, row)
        a.grad = 0.0
        eager = function(x, y)
        eager.backward()
        sums.append(a.grad)
        assert (output, gradient) == (eager.data, [x.grad, y.grad])
    total = sums[0]
    for gradient in sums[1:]:
        total += gradient
    assert by_tape == total


def test_anomaly_detection_looks_at_what_is_recorded():
    with ag.detect_anomaly(), pytest.raises(ag.AnomalyError, match="log gave nan"):
        ag.record(lambda x: x.log(), inputs=[-1.0])


# -- indices that nothing depends on --------------------------------------------------------------------------------
def _unused_take(x: Value, i: Value) -> Value:
    ag.take([x, x + 1.0], i)
    return x * 2.0


def _unused_cross_entropy(x: Value, i: Value) -> Value:
    ag.softmax_cross_entropy([x, 1.0, -x], i)
    return x + i


def _computed_index(x: Value, i: Value) -> Value:
    with ag.no_grad():
        ag.take([x, 1.0, 2.0], i * 1.0)
    return x * x


def _behind_a_branch(x: Value, i: Value) -> Value:
    y = x * 3.0 if x > 0.0 else x
    ag.take([y, 1.0, 2.0], i)
    return y


def _used_and_unused(x: Value, i: Value) -> Value:
    chosen = ag.take([x, 1.0, x * x, 4.0], i)
    ag.take([x, 5.0], i)
    return chosen + 1.0


def _nothing_but_the_index(x: Value, i: Value) -> float:
    ag.take([x, 1.0], i)
    return 3.0


@pytest.mark.parametrize(
    "function",
    [
        *(_unused_take, _unused_cross_entropy, _computed_index),
        *(_behind_a_branch, _used_and_unused, _nothing_but_the_index),
    ],
)
def test_a_replay_raises_for_an_index_that_nothing_depends_on(function):
    tape = ag.record(function, inputs=[Value(2.0), Value(1.0)])
    copy = pickle.loads(pickle.dumps(tape))
    taped = ag.taped(function)
    for index in (0.0, 1.0, 2.0, 3.0, 9.0, -1.0, 0.5):
        try:
            expected = float(getattr(result := function(Value(2.5), Value(index)), "data", result))
        except (IndexError, TypeError):
            for replayed in (tape, copy):
                with pytest.raises((IndexError, TypeError)):
                    replayed.forward([[2.5, 1.0], [2.5, index]])
                with pytest.raises(IndexError if index % 1.0 == 0.0 else TypeError):
                    replayed.value_and_grad([[2.5, index]])
            with pytest.raises((IndexError, TypeError)):
                taped(Value(2.5), Value(index))
        else:
            for replayed in (tape, copy):
                assert replayed.forward([[2.5, index]]) == [expected]
                assert replayed.value_and_grad([[2.5, index]])[0] == [expected]


def test_an_index_that_is_a_constant_of_the_program_or_used_adds_no_guard():
    def function(x: Value, i: Value) -> Value:
        ag.take([x, 1.0], Value(1.0))
        return ag.take([x, 1.0], i) * 2.0

    assert ag.record(function, inputs=[1.0, 0.0]).stats()["guards"] == 0
    assert ag.record(function, inputs=[1.0, 0.0]).params == ()
