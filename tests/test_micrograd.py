"""What a reader who comes from micrograd tries: it works, or the error says what to do."""

from __future__ import annotations

import copy
import pickle
import warnings

import pytest

import autograd as ag
import nn
from autograd import Value, no_grad, why


# -- micrograd's names -------------------------------------------------------------------------------------------------
def test_prev_and_op_are_read_only_aliases():
    a, b = Value(2.0), Value(2.0)
    c = a * b
    assert (c._op, a._op, (-c)._op) == ("*", "", "neg")
    assert type(c._prev) is set
    assert {id(parent) for parent in c._prev} == {id(a), id(b)}
    assert {id(parent) for parent in (a * a)._prev} == {id(a)}
    assert a._prev == set()
    for name in ("_prev", "_op"):
        with pytest.raises(AttributeError):
            setattr(c, name, ())


def test_micrograd_s_own_walk_over_the_graph():
    a, b = Value(2.0), Value(-3.0)
    root = (a * b + a).relu()
    topo, visited = [], set()

    def build(v):
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build(child)
            topo.append(v)

    build(root)
    assert topo[-1] is root
    assert len(topo) == 5


def test_a_backward_function_is_refused_with_what_to_do():
    c = Value(2.0) * 3
    with pytest.raises(AttributeError, match=r"steps\(root\).*autograd\.primitive"):
        c._backward = lambda: None
    with pytest.raises(AttributeError, match=r"steps\(root\).*autograd\.primitive"):
        c._backward()
    assert not hasattr(c, "_backward")


@pytest.mark.parametrize(
    "make",
    [
        lambda a, b: Value(6.0, (a, b), "*"),
        lambda a, b: Value(6.0, (a, b)),
        lambda a, b: Value(6.0, {a, b}),
        lambda a, b: Value(6.0, (), ""),
        lambda a, b: Value(6.0, (a,), "exp", None),
        lambda a, b: Value(6.0, _children=(a, b), _op="*"),
        lambda a, b: Value(6.0, "label", _op="*"),
    ],
)
def test_a_node_made_by_hand_is_refused_with_what_to_do(make):
    with pytest.raises(TypeError, match=r"makes a leaf.*autograd\.primitive"):
        make(Value(2.0), Value(3.0))


def test_attributes_of_one_s_own_are_refused():
    p = Value(1.0, "p")
    node = p * 2
    for target in (p, node):
        with pytest.raises(AttributeError) as error:
            target.m = 0.0
        assert "'m'" in str(error.value)
        if ag.compiled:  # in Python the type itself refuses, and its words cannot be changed at no cost
            assert "dict by id" in str(error.value)
            assert "{id(p): 0.0 for p in parameters}" in str(error.value)
        with pytest.raises(AttributeError):
            del target.m
    with pytest.raises(AttributeError) as error:  # what is known keeps its own error
        node.data = 1.0
    assert "detach" in str(error.value)
    with pytest.raises(AttributeError) as error:
        node.op = "+"
    assert "dict by id" not in str(error.value)
    with pytest.raises(TypeError, match="label"):
        p.label = 3
    with pytest.raises(TypeError, match="attribute name"):
        setattr(p, 3, 0.0)


def test_micrograd_s_neuron_and_layer():
    linear, bent = nn.Neuron(2, nonlin=False, seed=1), nn.Neuron(2, nonlin=True, seed=1)
    assert (linear.activation, bent.activation) == ("linear", "relu")
    assert linear([-9.0, -9.0]).data == nn.Neuron(2, "linear", seed=1)([-9.0, -9.0]).data
    layer = nn.Layer(2, 3, nonlin=False, seed=1)
    assert [neuron.activation for neuron in layer.neurons] == ["linear"] * 3
    assert [v.data for v in layer([1.0, -1.0])] == [v.data for v in nn.Layer(2, 3, "linear", seed=1)([1.0, -1.0])]
    with pytest.raises(ValueError, match="not both"):
        nn.Neuron(2, "tanh", nonlin=False)
    with pytest.raises(TypeError, match="nonlin must be True or False"):
        nn.Layer(2, 3, nonlin=0)


# -- no_grad and detach ------------------------------------------------------------------------------------------------
def test_no_grad_decorates_functions():
    @no_grad()
    def step(x, *, rate=0.5):
        """The step."""
        return x * rate

    x = Value(3.0)
    assert (step(x).data, step(x, rate=2.0).data, step(x).op) == (1.5, 6.0, "")
    assert (step.__name__, step.__doc__) == ("step", "The step.")
    assert (x * x).op == "*"

    @no_grad()
    def fails():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert (x * x).op == "*"


def test_a_decorated_function_may_call_itself():
    @no_grad()
    def power(x, n):
        return x if n == 1 else power(x, n - 1) * x

    assert (power(Value(2.0), 5).data, power(Value(2.0), 5).op) == (32.0, "")
    assert (Value(1.0) * 2).op == "*"


def test_no_grad_refuses_what_runs_after_the_call():
    def generator():
        yield Value(1.0) * 2

    async def coroutine():
        return Value(1.0) * 2

    async def asynchronous_generator():
        yield Value(1.0) * 2

    for function in (generator, coroutine, asynchronous_generator):
        with pytest.raises(TypeError, match="generator or a coroutine"):
            no_grad()(function)
    for other in (Value(1.0), None, int):
        with pytest.raises(TypeError, match="decorates functions"):
            no_grad()(other)


def test_backward_of_what_no_grad_made_warns_once():
    x = Value(3.0)
    with no_grad():
        y = x * x
    with pytest.warns(UserWarning, match=r"computed under no_grad\(\).*y\.backward\(\)") as caught:
        y.backward()
    assert len(caught) == 1
    assert caught[0].filename == __file__
    y.backward()  # a warning would be an error here
    assert (x.grad, y.grad) == (0.0, 2.0)


def test_other_leaves_do_not_warn():
    x = Value(3.0)
    with no_grad():
        made, y = Value(2.0), x * x
    z = y * x  # a use of the result is no mistake
    for leaf in (x, made, x.detach(), (x * x).detach(), z):
        leaf.backward()
    assert x.grad == 10.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y.backward()
    assert y.grad == 4.0


def test_an_error_of_the_warning_changes_nothing():
    with no_grad():
        y = Value(3.0) * 2
    for _ in range(2):
        with pytest.raises(UserWarning, match="no_grad"):
            y.backward()
        assert not y.reached


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_twins_know_what_cut_them(twin):
    x = Value(3.0, "x")
    with no_grad():
        y = x * x
    assert "under no_grad()" in why(twin(y), x)
    assert "by detach()" in why(twin(x.detach()), x)
    assert "detach()" not in why(twin(x))
    with pytest.warns(UserWarning, match="no_grad"):
        twin(y).backward()


def test_why_tells_what_cut_a_path():
    x = Value(3.0, "x")
    with no_grad():
        y = x * x
    y.label = "y"
    told = why(y * 2 + x.detach(), x)
    assert "y %0 was made under no_grad(): no gradient goes past it" in told
    assert "was made by detach(): no gradient goes past it" in told


def test_under_a_tape_nothing_is_cut_in_another_way():
    x = Value(3.0)

    def f(x):
        with no_grad():
            y = x * 2
        return y * x + x.detach()

    tape = ag.record(f, inputs=[x])
    assert tape.value_and_grad([[5.0]]) == ([55.0], [[10.0]])
