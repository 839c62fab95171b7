"""steps: the order, the arithmetic and the bits of backward, and what its tables say."""

from __future__ import annotations

import io
import math
import random
import sys
from collections.abc import Callable

import pytest
from graphs import random_program, run_on_values

import autograd as ag
from autograd import Value, no_grad, steps, topological_order
from autograd.backward_pass import BackwardPass
from autograd.formatting import columns
from autograd.primitives import table
from autograd.primitives.primitive import PRIMITIVES
from autograd.recorded import is_as_recorded, recorded_number, recorded_term


def bits(x: float) -> str:
    return "nan" if math.isnan(x) else x.hex()


def same(xs, ys) -> bool:
    """Whether these are the same nodes, not just equal numbers."""
    return [id(x) for x in xs] == [id(y) for y in ys]


def hostile_graph(rng: random.Random) -> Value:
    """Zeros, infinities, nan and huge numbers among the operands: the zero rule at work."""
    pool = [Value(rng.choice([0.0, -0.0, math.inf, math.nan, 1e200, -1e-200, 2.0, -3.0])) for _ in range(4)]
    for _ in range(rng.randint(1, 25)):
        a, b, c = (rng.choice(pool[-8:]) for _ in range(3))
        made: list[Callable[[], Value]] = [
            lambda a=a, b=b: a * b,
            lambda a=a, b=b: a + b,
            lambda a=a: a.relu(),
            lambda a=a: ag.sqrt(a),
            lambda a=a, b=b: a / b,
            lambda a=a, b=b, c=c: ag.where(c, a, b),
            lambda a=a, b=b, c=c: ag.dot([a, b, 0.0, a], [b, c, a, 1e200]),
            lambda a=a, b=b, c=c: ag.prod([a, b, c, a]),
            lambda a=a, b=b: ag.maximum(a, b),
            lambda a=a, b=b, c=c: ag.softmax_cross_entropy([a, b, c], 1),
        ]
        pool.append(rng.choice(made)())
    return pool[-1]


def check_against_backward(root: Value, gradient: float) -> None:
    nodes = topological_order(root)
    for node in nodes:
        node.grad = 7.0 if node.parents else 0.0
    walked = list(steps(root, gradient))
    assert [n.grad for n in nodes] == [7.0 if n.parents else 0.0 for n in nodes]  # untouched
    after = {id(root): gradient}
    for step in walked:
        assert bits(step.upstream) == bits(after.get(id(step.node), 0.0))
        assert same([o.value for o in step.operands], step.node.parents)
        for o, local_grad in zip(step.operands, step.node.local_grads, strict=True):
            assert bits(o.local_grad) == bits(local_grad)
            assert bits(o.contribution) == bits(table.MULTIPLY_NO_NAN.forward(step.upstream, local_grad))
            assert bits(o.before) == bits(after.get(id(o.value), 0.0))
            assert bits(o.after) == bits(o.before + o.contribution)
            after[id(o.value)] = o.after
    root.backward(gradient)
    assert [bits(n.grad) for n in nodes] == [bits(after.get(id(n), 0.0)) for n in nodes]
    assert [s.index for s in walked] == list(range(1, len(walked) + 1))
    assert all(s.total == len(walked) and nodes[s.number] is s.node for s in walked)
    assert all(nodes[o.number] is o.value for s in walked for o in s.operands)


@pytest.mark.parametrize("seed", range(150))
def test_steps_are_what_backward_does_bit_for_bit(seed: int):
    check_against_backward(run_on_values(random_program(seed))[-1], 0.3)


@pytest.mark.parametrize("seed", range(150))
def test_steps_keep_the_zero_rule_and_what_is_not_finite(seed: int):
    rng = random.Random(seed)
    check_against_backward(hostile_graph(rng), rng.choice([1.0, -2.5, math.inf, 0.0]))


def test_order_is_newest_first():
    a = Value(1.0, "a")
    late = Value(2.0, "late")
    b = a * late
    c = a + 1
    d = c * b
    assert same([s.node for s in steps(d)], [d, c, b])
    assert same([s.node for s in steps(d, direction="forward")], [b, c, d])


# -- a lazy sequence -------------------------------------------------------------------------------------------------
def test_a_sequence_has_length_index_slice_and_iteration():
    root = run_on_values(random_program(3))[-1]
    whole = steps(root)
    told = [str(step) for step in whole]
    assert len(whole) == len(told) > 5
    assert [str(whole[i]) for i in range(len(whole))] == told
    assert [str(whole[-i]) for i in range(1, 4)] == told[:-4:-1]
    assert [str(step) for step in whole[1:-1:2]] == told[1:-1:2]
    assert [str(step) for step in whole[2:][1:3]] == told[3:5]
    assert [str(step) for step in reversed(whole)] == told[::-1]
    with pytest.raises(IndexError, match=r"there is no step \[5000\]"):
        whole[5000]


def test_steps_taken_in_any_order_are_those_of_the_pass():
    root = run_on_values(random_program(11))[-1]
    told = [str(step) for step in steps(root)]
    places = list(range(len(told)))
    random.Random(0).shuffle(places)
    fresh = steps(root)
    assert [str(fresh[i]) for i in places] == [told[i] for i in places]


MANY = 1_000_000 if ag.compiled else 100_000


def test_a_pass_of_a_million_nodes_holds_no_steps():
    x = y = Value(1.0, "x")
    for _ in range(MANY):
        y = y * 1.0
    whole = steps(y)
    assert len(whole) == MANY
    assert len(BackwardPass(y).starts) == 1  # nothing is worked out before it is asked for
    assert (whole[0].upstream, whole[0].number) == (1.0, MANY)
    last = whole[-1]
    assert (last.operands[0].value is x, last.operands[0].after, last.index) == (True, 1.0, MANY)
    assert repr(whole).endswith(f"  … and {MANY - 8:,} more")
    held = sum(sys.getsizeof(getattr(whole._walk, name)) for name in BackwardPass.__slots__)
    assert held < 70 * MANY  # bytes: a few numbers a node


def test_to_is_the_steps_on_the_way():
    x, w, other = Value(2.0, "x"), Value(3.0, "w"), Value(1.0)
    a = x * w
    b = x.exp()
    c = a + b
    assert same([s.node for s in steps(c).to(w)], [c, a])
    assert same([s.node for s in steps(c).to(x)], [c, b, a])
    assert same([s.node for s in steps(c).to(b)], [c])
    assert same([s.node for s in steps(c, direction="forward").to(w)], [a, c])
    assert list(steps(c).to(c)) == []  # it has its gradient from the start
    assert len(steps(c).to(other)) == 0
    assert repr(steps(c).to(other)) == "backward from c %4 to a node that it does not reach: 0 steps"
    assert len(steps(c)[1:].to(w)) == 1
    with pytest.raises(TypeError, match="to\\(\\) takes the Value to go to, not float"):
        steps(c).to(2.0)


@pytest.mark.parametrize("seed", range(30))
def test_to_is_reachability(seed: int):
    nodes = run_on_values(random_program(seed))
    root = nodes[-1]
    for node in nodes[:3]:
        assert same(
            [s.node for s in steps(root).to(node)],
            [s.node for s in steps(root) if any(n is node for n in topological_order(s.node)[:-1])],
        )


def test_first_zero_and_first_nonfinite():
    x, w = Value(-2.0, "x"), Value(0.5, "w")
    gate = (x * w).relu()
    y = gate + x * 3
    assert steps(y).first(zero=True).node is gate
    assert steps(y).to(w).first(zero=True).node is gate
    assert steps(y).first(nonfinite=True) is None
    assert steps(x * 3).first(zero=True) is None
    bad = Value(0.0, "z").sqrt() * 2 + x
    assert steps(bad).first(nonfinite=True).node.op == "sqrt"
    assert steps(bad).to(x).first(nonfinite=True) is None  # not on the way to x
    assert steps(bad).first(zero=True, nonfinite=True).node.op == "sqrt"
    log = Value(0.0).log()
    assert steps(log * 2 + 1, direction="forward").first(nonfinite=True).node is log
    assert steps(gate + 1, direction="forward").first(zero=True).node is gate
    with pytest.raises(ValueError, match="first\\(\\) looks for"):
        steps(y).first()


# -- what is wrong input ---------------------------------------------------------------------------------------------
def test_steps_of_a_leaf_and_of_something_else():
    assert list(steps(Value(1.0))) == []
    assert repr(steps(Value(1.0, "x"))) == "backward from x %0: 0 steps; it is a leaf"
    with no_grad():
        cut = Value(1.0) * 2
    assert len(steps(cut)) == 0
    with pytest.raises(TypeError, match="float"):
        steps(1.0)
    with pytest.raises(TypeError, match="number as gradient"):
        steps(Value(1.0), "2")
    with pytest.raises(ValueError, match="'backward' or 'forward', not 'sideways'"):
        steps(Value(1.0), direction="sideways")


# -- tables ----------------------------------------------------------------------------------------------------------
def test_a_step_shows_as_a_table():
    x, w = Value(0.5, "x2"), Value(1.0, "w2")
    y = x * w
    y.label = "x2·w2"
    step = steps(y.tanh())[1]
    assert (
        repr(step)
        == str(step)
        == (
            "backward 2/2   × x2·w2 %2   upstream +0.7864\n"
            "  operand  upstream  × local ∂  = contribution  grad before  → after\n"
            "  x2 %0     +0.7864          1         +0.7864            0  +0.7864\n"
            "  w2 %1     +0.7864        0.5         +0.3932            0  +0.3932"
        )
    )


def test_wide_characters_are_aligned():
    y = Value(2.0, "苹果的价格") * Value(3.0, "n") * Value(1.0, "e\u0301")
    y.label = "总价"
    lines = str(steps(y)[1]).splitlines()[1:]
    ends = [columns(line[: line.index("+1")]) for line in lines[1:]]
    assert ends == [lines[0].index("upstream") + len("upstream") - len("+1")] * 2
    summary = repr(steps(y)).splitlines()[1:]
    assert summary == ["  1/2  × 总价 %4  upstream +1", "  2/2  × %2       upstream +1"]


def test_past_eight_operands_the_largest_are_shown():
    xs = [Value(float(i), f"x{i}") for i in range(20)]
    ws = [Value(float((7 * i) % 20)) for i in range(20)]
    step = steps(ag.dot(xs, ws))[0]
    lines = str(step).splitlines()
    assert len(lines) == 2 + 8 + 1
    assert lines[-1] == "  … and 32 smaller contributions, 40 in all"
    shown = sorted(abs(float(line.split("+1")[1].split()[0])) for line in lines[2:-1])
    assert shown == sorted(abs(o.contribution) for o in step.operands)[-8:]
    few = str(steps(ag.sum(xs[:8]))[0]).splitlines()
    assert len(few) == 2 + 8


def test_nan_is_among_the_largest():
    xs = [Value(float(i)) for i in range(1, 12)]
    y = ag.sum([xs[0] * math.nan, *xs[1:]])
    assert "nan" in str(steps(y)[-1])


def test_labels_with_control_characters_stay_on_their_line():
    y = Value(1.0, "a\nb\x1b[31m\t\u202e") * 2
    text = str(steps(y)[0])
    assert len(text.splitlines()) == 3
    assert "\x1b" not in text
    assert "a ⏎ b" in text


def test_a_step_shows_where_the_terminal_knows_no_signs(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    x = Value(0.5, "苹果")
    print(steps(x * 2)[0])
    print(steps(x * 2, direction="forward")[0])
    print(steps(ag.sum([x] * 9)))
    stream.flush()
    text = stream.buffer.getvalue().decode("ascii")
    assert "* local d" in text
    assert "-> after" in text
    assert "\\u82f9" in text


# -- the forward pass ------------------------------------------------------------------------------------------------
def test_the_forward_pass_is_what_was_recorded():
    x, w = Value(2.0, "x"), Value(-1.5, "w")
    y = ag.clip(x * w, -1.0, 1.0) + 0.5
    first, second, third = steps(y, direction="forward")
    assert [(o.data, o.number, o.local_grad) for o in first.operands] == [(2.0, 0, -1.5), (-1.5, 1, 2.0)]
    assert [(o.data, o.number, o.local_grad) for o in second.operands] == [
        (-3.0, 2, 0.0),
        (-1.0, None, None),
        (1.0, None, None),
    ]
    assert (third.node is y, third.index, third.total) == (True, 3, 3)
    assert repr(second) == (
        "forward 2/3   clip %3   = -1\n"
        "  operand  data  ∂ local\n"
        "  %2         -3        0\n"
        "  -1         -1\n"
        "  1           1"
    )


def test_an_operand_assigned_since_is_told():
    x, w = Value(2.0, "x"), Value(3.0, "w")
    product, total, plain = x * w, x + w, x + 1
    for node in (product, total, plain):
        for direction in ("forward", "backward"):
            assert "100" not in str(steps(node, direction=direction)[0])
            assert "since" not in str(steps(node, direction=direction)[0])
    x.data = 100.0
    forward = str(steps(product, direction="forward")[0])
    assert "data was assigned to an operand since" in forward
    assert "x %0     100, was 2" in forward
    assert str(steps(product)[0]).endswith("x %0 is 100, was 2")
    assert str(steps(total)[0]).endswith("operands assigned since")
    assert "x %0     100, assigned since" in str(steps(plain, direction="forward")[0])
    assert str(steps(plain)[0]).endswith("x %0 is 100, assigned since")


# -- what was recorded -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(20))
def test_every_node_is_as_recorded_until_a_leaf_is_assigned(seed: int):
    nodes = run_on_values(random_program(seed))
    assert all(map(is_as_recorded, nodes))


TERMS = {
    "add": lambda x, c: [x + c, c + x, x + 2.5],
    "subtract": lambda x, c: [x - c, c - x, 7.0 - x],
    "sum": lambda x, c: [ag.sum([c, x, 1.0]), ag.sum([x, 1.0, 2.0])],
}


@pytest.mark.parametrize("name", TERMS)
def test_a_term_is_what_the_others_leave_of_a_sum(name: str):
    draw = random.Random(name)
    for _ in range(50):
        number, other, one = draw.uniform(-3, 3), draw.uniform(-3, 3), Value(1.0)
        x = Value(number)
        users = TERMS[name](x, one * other)
        x.data = 50.0
        for user in users:
            # Two roundings of a sum of terms below 10, each at most half an ulp (8.9e-16) of it.
            assert recorded_term(x, [user]) == pytest.approx(number, abs=4e-15)


def test_a_term_whose_digits_are_gone_or_that_is_not_alone_is_not_told():
    zero = Value(0.0)
    sums = [zero + Value(other) * 1 for other in (1.0, 0.1, -3e7)]
    zero.data = 1.0
    assert [recorded_term(zero, [user]) for user in sums] == [0.0] * 3
    for number, other in [(1e-12, 1.0), (1.0, math.inf), (math.nan, 1.0), (1e308, 1.7e308)]:
        x = Value(number)
        user = x + Value(other) * 1
        x.data = 2.0
        assert recorded_term(x, [user]) is None
    x, y = Value(1.0), Value(2.0)
    users = [x + y, x + x, ag.sum([x, y, 1.0]), x - y]
    x.data = 5.0
    assert [recorded_term(x, [user]) for user in users] == [None] * 4


def test_numbers_that_a_node_holds():
    x, y, old = Value(3.0), Value(-2.0), {}
    made = {
        "multiply": [x * y],
        "dot": [ag.dot([x, 1.0], [y, y])],
        "square": [x**2],
        "open": [x.relu(), ag.abs(x), ag.maximum(x, y)],
        "negated": [-x],
    }
    for name, users in made.items():
        old[name] = recorded_number(x, users)
    x.data = 10.0
    for name, users in made.items():
        for user in users:
            assert (old[name], recorded_number(x, [user])) == (3.0, 3.0), name
    lost = [Value(1.0) + x, x.exp(), x * 2.0, (-x).relu()]
    x.data = 4.0
    assert [recorded_number(x, [user]) for user in lost[:3]] == [None] * 3
    assert recorded_term(x, [x * 2.0, x.exp()]) is None
    shut = Value(-1.0)
    gate = shut.relu()
    assert recorded_number(shut, [gate]) is None  # any negative number would have given this node
    assert is_as_recorded(gate)
    assert "take" in PRIMITIVES
    index = Value(1.0)
    chosen = ag.take([x, y], index)
    index.data = 7.5
    assert not is_as_recorded(chosen)  # and nothing is read outside the list
