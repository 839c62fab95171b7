"""What users of tapes meet: batches, guards, frozen numbers, bad input, pickles, lifetime."""

from __future__ import annotations

import gc
import math
import pickle
import sys
import threading
import warnings
from array import array

import pytest

import autograd as ag
from autograd import BranchChanged, FrozenValueWarning, Value, no_grad
from autograd.forms import packed, unpacked
from autograd.tape import Tape


def product_tape() -> tuple[Tape, Value]:
    w = Value(3.0, "w")
    return ag.record(lambda x, y: w * x * y, inputs=[1.0, 2.0]), w


# -- batches ---------------------------------------------------------------------------------------------------------
ROWS = [[1.0, 2.0], [0.5, -4.0], [3.0, 0.25]]
OUTPUTS = [6.0, -6.0, 2.25]
GRADIENTS = [[6.0, 3.0], [-12.0, 1.5], [0.75, 9.0]]


@pytest.mark.parametrize("batch", [ROWS, tuple(map(tuple, ROWS)), (iter(row) for row in ROWS)], ids=str)
def test_sequences_come_back_as_lists(batch):
    outputs, gradients = product_tape()[0].value_and_grad(batch)
    assert (outputs, gradients) == (OUTPUTS, GRADIENTS)


def test_arrays_come_back_as_arrays():
    outputs, gradients = product_tape()[0].value_and_grad(array("d", [x for row in ROWS for x in row]))
    assert outputs == array("d", OUTPUTS)
    assert gradients == array("d", [x for row in GRADIENTS for x in row])


def test_memoryviews_come_back_in_their_shape():
    view = memoryview(array("d", [x for row in ROWS for x in row])).cast("B").cast("d", (3, 2))
    outputs, gradients = product_tape()[0].value_and_grad(view)
    assert (outputs.tolist(), gradients.tolist()) == (OUTPUTS, GRADIENTS)


def test_numpy_arrays_of_every_layout_come_back_as_numpy():
    np = pytest.importorskip("numpy")
    tape, _ = product_tape()
    wide = np.zeros((3, 4))
    wide[:, ::2] = ROWS
    objects = np.array(ROWS, dtype=object)
    for batch in (np.array(ROWS), np.asfortranarray(ROWS), wide[:, ::2], np.array(ROWS, dtype=np.float32), objects):
        outputs, gradients = tape.value_and_grad(batch)
        assert type(outputs) is type(gradients) is np.ndarray
        assert outputs.tolist() == OUTPUTS
        assert gradients.tolist() == GRADIENTS
    whole = tape.forward(np.array([[1, 2]]))
    assert (whole.shape, whole.dtype) == ((1,), np.float64)
    assert tape.forward(np.array([1.0, 2.0, 0.5, -4.0])).tolist() == OUTPUTS[:2]  # rows one after another


@pytest.mark.parametrize(
    ("batch", "error", "what"),
    [
        ([[1.0]], ValueError, r"row 0 of the batch has 1 numbers? for a tape of 2 inputs"),
        ([[1.0, 2.0], [1.0, 2.0, 3.0]], ValueError, "row 1 of the batch has 3"),
        ([[1.0, "2"]], TypeError, "row 0, column 1 of the batch is str '2'"),
        ([[1.0, None]], TypeError, "row 0, column 1 of the batch is NoneType"),
        ([[1.0, Value(2.0)]], TypeError, "row 0, column 1 of the batch is Value"),
        (["ab"], TypeError, "row 0 of the batch is str 'ab'"),
        ("ab", TypeError, "a batch must be a sequence of rows, not str"),
        ([1.0, 2.0], TypeError, "row 0 of the batch is float 1.0"),
        (3.0, TypeError, "a batch must be a sequence of rows, not float"),
        ([], ValueError, "the batch is empty"),
        (array("d"), ValueError, "the batch is empty"),
        (array("d", [1.0, 2.0, 3.0]), ValueError, r"a batch of shape \(3,\) for a tape of 2 inputs"),
        (array("u", "ab"), TypeError, "format"),
    ],
    ids=str,
)
def test_a_bad_batch_is_refused_and_nothing_has_changed(batch, error, what: str):
    tape, w = product_tape()
    w.grad = 0.25
    for call in (tape.forward, tape.value_and_grad):
        with pytest.raises(error, match=what):
            call(batch)
    assert w.grad == 0.25


def test_one_output_a_row_or_a_list_of_them():
    assert ag.record(lambda x: x * 2.0, inputs=[1.0]).forward([[3.0]]) == [6.0]
    assert ag.record(lambda x: [x * 2.0], inputs=[1.0]).forward([[3.0]]) == [[6.0]]
    assert ag.record(lambda x: (x * 2.0, x, 5.0), inputs=[1.0]).forward([[3.0]]) == [[6.0, 3.0, 5.0]]


def test_an_output_that_depends_on_no_input_has_zero_gradients():
    w = Value(2.0)
    for function in (lambda x: w * w, lambda x: 7.0, lambda x: x.detach() * 3.0, lambda x: ag.floor(x)):
        _, gradients = ag.record(function, inputs=[1.5]).value_and_grad([[0.5], [1.5]])
        assert gradients == [[0.0], [0.0]]


def test_several_outputs_count_as_their_sum():
    tape = ag.record(lambda x: [x * 2.0, x * x, x], inputs=[3.0])
    assert tape.value_and_grad([[5.0]])[1] == [[2.0 + 10.0 + 1.0]]


# -- what is recorded ------------------------------------------------------------------------------------------------
def test_parameters_are_read_at_each_replay_and_gradients_added():
    tape, w = product_tape()
    w.data, w.grad = 10.0, 1.0
    assert tape.value_and_grad([[1.0, 2.0], [3.0, 1.0]], input_gradients=False) == ([20.0, 30.0], None)
    assert w.grad == 1.0 + (2.0 + 3.0)
    assert w.reached


def test_params_restrict_which_leaves_receive_gradients():
    w, b = Value(2.0), Value(3.0)
    tape = ag.record(lambda x: w * x + b, inputs=[1.0], params=[b, Value(5.0)])
    tape.value_and_grad([[4.0]])
    assert (w.grad, w.reached, b.grad) == (0.0, False, 1.0)
    for params, error in (([1.0], TypeError), ([w * b], ValueError)):
        with pytest.raises(error, match=r"params\[0\]"):
            ag.record(lambda x: w * x, inputs=[1.0], params=params)


def test_a_parameter_stays_a_number_whatever_the_user_tries():
    tape, w = product_tape()
    with pytest.raises(TypeError):
        w.data = [1.0, 2.0]
    assert tape.forward([[1.0, 1.0]]) == [3.0]
    with pytest.raises(AttributeError):
        tape.params = ()


def test_inputs_are_leaves_given_once():
    x = Value(1.0)
    with pytest.raises(ValueError, match="input 0 is computed"):
        ag.record(lambda y: y * 2.0, inputs=[x * 2.0])
    with pytest.raises(ValueError, match="input 1 is input 0 again"):
        ag.record(lambda a, b: a * b, inputs=[x, x])
    with pytest.raises(TypeError, match="inputs must be a list"):
        ag.record(lambda y: y * 2.0, inputs=x)
    with pytest.raises(TypeError, match=r"inputs\[0\]"):
        ag.record(lambda y: y * 2.0, inputs=["x"])
    with pytest.raises(TypeError, match="standing graph"):
        ag.record(x * 2.0, inputs=[1.0])


def test_what_cannot_be_recorded_is_refused():
    with pytest.raises(TypeError, match="a function or a Value"):
        ag.record(3.0, inputs=[])
    with pytest.raises(TypeError, match=r"\(\) must be a Value or a number"):
        ag.record(lambda x: "y", inputs=[1.0])
    with pytest.raises(ValueError, match="empty list"):
        ag.record(lambda x: [], inputs=[1.0])
    with no_grad(), pytest.raises(RuntimeError, match="inside no_grad"):
        ag.record(lambda x: x * 2.0, inputs=[1.0])
    with pytest.raises(RuntimeError, match="a tape is being recorded"):
        ag.record(lambda x: ag.record(lambda y: y, inputs=[1.0]).forward([[1.0]])[0] * x, inputs=[1.0])
    assert (Value(1.0) < 2.0) is True  # the thread is as it was


def test_a_standing_graph_has_no_guards_and_no_where():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    tape = ag.record([w * x, x], inputs=[x])
    assert "from a standing graph: no guards" in str(tape)
    assert tape.value_and_grad([[4.0]]) == ([[12.0, 4.0]], [[4.0]])
    with pytest.raises(ValueError, match="contains where"):
        ag.record(ag.where(x > 1.0, x, w), inputs=[x])


def test_nested_arguments_are_columns_from_left_to_right():
    tape = ag.record(lambda xs, options: xs[0] * xs[1][0] + options["b"], inputs=[[1.0, (2.0,)], {"b": 3.0}])
    assert tape.forward([[2.0, 3.0, 4.0]]) == [10.0]
    assert "multiply(xs0, xs1)" in str(tape)


# -- branches --------------------------------------------------------------------------------------------------------
def test_a_changed_branch_names_row_numbers_and_line():
    def function(x):
        if x * 2.0 > 3.0:
            return x
        return -x

    w = Value(1.0)
    tape = ag.record(lambda x: w * function(x), inputs=[5.0])
    with pytest.raises(BranchChanged, match=r"row 2 .*3\.0 < 2\.0(.|\n)*if x \* 2\.0 > 3\.0") as raised:
        tape.value_and_grad([[2.0], [3.0], [1.0], [0.0]])
    assert raised.value.row == 2
    assert w.grad == 0.0


COMPARISONS = {
    "x < y": lambda x, y: x < y,
    "x <= y": lambda x, y: x <= y,
    "x > y": lambda x, y: x > y,
    "x >= y": lambda x, y: x >= y,
    "x == y": lambda x, y: x == y,
    "x != y": lambda x, y: x != y,
    "x < 1": lambda x, y: x < 1,
    "1 < x": lambda x, y: 1 < x,  # noqa: SIM300
    "x": lambda x, y: x,
}


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("first", [(0.0, 1.0), (2.0, 1.0), (1.0, 1.0), (math.nan, 1.0)], ids=str)
def test_guards_and_choices_agree_with_eager_comparisons(name: str, first: tuple[float, float]):
    compare = COMPARISONS[name]
    guarded = ag.record(lambda x, y: x * 2.0 if compare(x, y) else y * 3.0, inputs=list(first))
    chosen = ag.record(lambda x, y: ag.where(compare(x, y), x * 2.0, y * 3.0), inputs=list(first))
    for row in ((0.0, 1.0), (2.0, 1.0), (1.0, 1.0), (math.nan, 1.0), (1.0, math.nan)):
        holds = bool(compare(Value(row[0]), Value(row[1])))
        expected = row[0] * 2.0 if holds else row[1] * 3.0
        assert chosen.forward([row]) == pytest.approx([expected], abs=0.0, nan_ok=True)
        if holds == bool(compare(Value(first[0]), Value(first[1]))):
            assert guarded.forward([row]) == pytest.approx([expected], abs=0.0, nan_ok=True)
        else:
            with pytest.raises(BranchChanged):
                guarded.forward([row])


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: max(x, y) * 2.0,
        lambda x, y: min([x, y, x * y]),
        lambda x, y: sorted([x, y])[0] * 1.0,
        lambda x, y: x if x > 0.0 and not x > 2.0 else y,
        lambda x, y: (x > y) * x,
        lambda x, y: x + (x > y) + (y > x),
        lambda x, y: [x, y][x > y] * 1.0,
    ],
)
def test_other_uses_of_a_comparison_are_guards(function):
    tape = ag.record(function, inputs=[1.0, 2.0])
    assert tape.forward([[1.5, 3.0]]) == [function(Value(1.5), Value(3.0)).data]
    with pytest.raises(BranchChanged):
        tape.forward([[3.0, 2.0]])


def test_comparing_with_what_is_no_number_is_as_in_eager_code():
    assert ag.record(lambda x: x * float((x == "a") is False), inputs=[2.0]).forward([[3.0]]) == [3.0]
    with pytest.raises(TypeError):
        ag.record(lambda x: x if x < "a" else -x, inputs=[2.0])


def test_an_index_may_be_an_input():
    table = [Value(float(i)) for i in range(4)]
    tape = ag.record(lambda i, x: ag.take([*table, x], i) * 2.0, inputs=[0, 9.0])
    assert tape.value_and_grad([[2, 7.0], [4, 7.0]]) == ([4.0, 14.0], [[0.0, 0.0], [0.0, 2.0]])
    assert [p.grad for p in table] == [0.0, 0.0, 2.0, 0.0]
    for bad in (5, -1, 0.5, math.nan, math.inf):
        with pytest.raises(ValueError, match=r"row 1: .* is no index of 5 values"):
            tape.forward([[0, 1.0], [bad, 1.0]])
    loss = ag.record(lambda t, a, b: ag.softmax_cross_entropy([a, b], t), inputs=[0, 1.0, 2.0])
    assert loss.forward([[1, 1.0, 2.0]]) == [ag.softmax_cross_entropy([1.0, 2.0], 1)]
    with pytest.raises(ValueError, match="is no index of 2 values"):
        loss.forward([[2, 1.0, 2.0]])


# -- numbers that leave the graph ------------------------------------------------------------------------------------
@pytest.mark.parametrize("read", [lambda x: x.data, lambda x: x.item(), lambda x: x.grad])
def test_a_number_that_is_read_is_frozen_with_a_warning_once_a_line(read):
    def function(x):
        total = x * 0.0
        for _ in range(3):
            total = total + read(x * 2.0)
        return total

    with pytest.warns(FrozenValueWarning, match="keeps it as it is now") as caught:
        tape = ag.record(function, inputs=[4.0])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert tape.forward([[1.0]]) == [function(Value(4.0)).data]


def test_what_follows_the_numbers_is_not_frozen():
    def function(x):
        with no_grad():
            scale = x * 2.0
        return x * x.detach() + scale + Value(3.0).data

    tape = ag.record(function, inputs=[4.0])  # warnings are errors here
    x = Value(5.0)
    expected = function(x)
    expected.backward()
    assert tape.value_and_grad([[5.0]]) == ([expected.data], [[x.grad]])


def test_transforms_replay():
    def function(x, y):
        gradient = ag.grad(lambda a, b: a**3.0 * ag.sin(b), argnums=(0, 1))(x, y)
        return gradient[0] * gradient[1] + ag.hvp(lambda a: a.tanh(), (x,), (y,))

    tape = ag.record(function, inputs=[0.5, 0.25])
    for row in ((0.7, -1.0), (2.0, 3.0)):
        leaves = [Value(x) for x in row]
        expected = function(*leaves)
        expected.backward()
        assert tape.value_and_grad([row]) == ([expected.data], [[leaf.grad for leaf in leaves]])


def test_a_users_primitive_is_called():
    cube = ag.primitive("tape_cube", lambda x: x * x * x, [lambda x, out: 3.0 * x * x])
    tape = ag.record(lambda x: cube(x) * 2.0, inputs=[1.0])
    assert tape.stats()["calls"] == ["tape_cube"]
    assert tape.value_and_grad([[2.0]] * 11) == ([16.0] * 11, [[24.0]] * 11)
    broken = ag.primitive("tape_broken", lambda x: 1.0 if x < 5.0 else [][0], [lambda x, out: 0.0])
    tape = ag.record(lambda x: broken(x) * 2.0, inputs=[1.0])
    with pytest.raises(IndexError):
        tape.forward([[2.0]] * 8 + [[6.0]])


# -- lifetime --------------------------------------------------------------------------------------------------------
def test_a_tape_keeps_its_parameters_and_no_other_node():
    marker = "".join(["a label ", "of its own"])
    w = Value(2.0)

    def function(x):
        y = w * x
        y.label = marker
        return y.exp()

    before = sys.getrefcount(marker)
    tape = ag.record(function, inputs=[1.0])
    gc.collect()
    assert sys.getrefcount(marker) == before
    assert tape.params[0] is w


def test_pickles_share_parameters_and_are_checked():
    w = Value(2.0, "w")
    tape = ag.record(lambda x: ag.where(x > w, w * x, x.exp()) if x > 0.0 else x, inputs=[1.0])
    again, v = pickle.loads(pickle.dumps((tape, w)))
    assert again.params[0] is v
    assert str(again) == str(tape)
    assert again.value_and_grad([[3.0]]) == tape.value_and_grad([[3.0]])
    assert v.grad == w.grad == 3.0
    with pytest.raises(BranchChanged, match=r"if x > 0\.0"):
        again.forward([[-1.0]])


FAULTS = {
    "version": 2,
    "codes": array("i", [99, 0, 0]),
    "starts": array("i", [0, 2, 1, 4]),
    "operands": array("i", [5, 0, 1, 2]),
    "outputs": array("i", [77]),
    "receiving": array("i"),
    "primitives": ["no such primitive"],
    "constants": [1.0],
    "is_list": 1,
    "inputs": "x",
    "recorded": -1,
    "lines": [3],
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_form_is_refused(name: str):
    tape, _ = product_tape()
    state = {**packed(tape._form), name: FAULTS[name]}
    with pytest.raises(ValueError, match="tape"):
        unpacked(state, tape.params)
    with pytest.raises(ValueError, match="no pickle of a tape"):
        unpacked({key: value for key, value in state.items() if key != name}, tape.params)


def test_recording_is_for_one_thread():
    seen = []

    def function(x):
        thread = threading.Thread(target=lambda: seen.append((Value(1.0) < 2.0, Value(3.0).data)))
        thread.start()
        thread.join()
        return x * 2.0

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ag.record(function, inputs=[1.0])
    assert seen == [(True, 3.0)]


def test_threads_share_a_tape():
    w = Value(0.5)
    tape = ag.record(lambda x: (w * x).tanh().exp() * x, inputs=[1.0])
    batches = [[[0.01 * i + k] for i in range(200)] for k in range(8)]
    expected = [tape.forward(batch) for batch in batches]
    found: dict[int, list[bool]] = {}

    def work(k: int) -> None:
        found[k] = [tape.forward(batches[k]) == expected[k] for _ in range(30)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(all(same) for same in found.values())
    assert len(found) == 8
