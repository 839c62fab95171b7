"""why tells the truth: the causes of zeros, of inf and nan, and the paths of what is neither."""

from __future__ import annotations

import math
import operator
import random

import pytest
from graphs import random_program, run_on_values

import autograd as ag
from autograd import Value, gradient_paths, no_grad, why


def told(_root: Value, _leaf: Value | None = None) -> list[str]:  # names with an underscore name no Value
    return [line.strip() for line in why(_root, _leaf).splitlines()]


def has(text: str, _root: Value, _leaf: Value | None = None) -> bool:
    return text in " | ".join(told(_root, _leaf))


def leaves(*numbers: float) -> list[Value]:
    return [Value(x, name) for x, name in zip(numbers, "xyz", strict=False)]


# -- a gradient that is a number -------------------------------------------------------------------------------------
def test_the_largest_paths_and_where_they_grew_and_shrank():
    x, w = Value(2.0, "x"), Value(-1.5, "w")
    y = (x * w + 3).tanh() * 10 + w
    y.backward()
    assert told(y, w) == [
        "the gradient of + %6 by w %1 is +21, over 2 paths",
        "+20  + %6 → × %5 → tanh %4 → + %3 → × %2 → w %1",
        "+1  + %6 → w %1",
        "of the largest: grew most in × %5 (∂ 10)",
    ]


@pytest.mark.parametrize("seed", range(25))
def test_what_is_told_is_the_gradient(seed: int):
    nodes = run_on_values(random_program(seed))
    paths = gradient_paths(nodes[-1], nodes[0], top=5)
    nodes[-1].backward()
    lines = told(nodes[-1], nodes[0])
    if paths.count and nodes[0].grad and nodes[0] is not nodes[-1]:
        assert f"is {ag.formatting.number(nodes[0].grad, sign=True)}, over" in lines[0]
        assert lines[1].split()[0] == ag.formatting.number(paths[0].product, sign=True)
        assert not any(".grad" in line for line in lines)  # what backward left there is the same


def test_what_stands_in_grad_is_compared():
    (x,) = leaves(3.0)
    y = x * x
    assert has("no backward pass has reached x %0 yet", y, x)
    y.backward()
    assert not has(".grad", y, x)
    y.backward()
    assert has("its .grad is +12: the leaf adds up over backward passes, until zero_grad()", y, x)
    z = y * 2
    z.backward()
    assert has("its .grad is +2: it is of the last pass that reached it", y * 3, y)


# -- zero ------------------------------------------------------------------------------------------------------------
def case_dead_relu():
    (x,) = leaves(-2.0)
    return (x * 3).relu() + 1, x, "relu %2 passes nothing on: its operand × %1 is -6, and relu is flat up to 0"


def case_relu_at_its_kink():
    (x,) = leaves(0.0)
    return x.relu(), x, "its operand x %0 is 0, and relu is flat up to 0 (a unit off, or a margin met)"


def case_branch_not_taken():
    x, y, z = leaves(1.0, 2.0, 3.0)
    return ag.where(z, y, x * 2), x, "where %4 passes nothing on: it took the other branch, not × %3"


def case_condition():
    x, y, z = leaves(1.0, 2.0, 3.0)
    return ag.where(x, y, z), x, "where passes no gradient to its condition, x %0"


def case_maximum():
    x, y = leaves(1.0, 2.0)
    return ag.maximum(x, y), x, "its operand x %0 is 1, and the other operand is larger"


def case_minimum():
    x, y = leaves(3.0, 2.0)
    return ag.minimum(x, y), x, "its operand x %0 is 3, and the other operand is smaller"


def case_clip():
    (x,) = leaves(7.0)
    return ag.clip(x, -1.0, 1.0), x, "its operand x %0 is 7, which is not between the bounds -1 and 1"


def case_bound():
    x, y = leaves(0.5, 2.0)
    return ag.clip(x, -1.0, y), y, "y %1 is a bound that is not in force"


def case_step_function():
    (x,) = leaves(2.5)
    return ag.floor(x * 2), x, "its operand × %1 is 5, and floor is a step function, flat everywhere"


def case_other_factor():
    x, y = leaves(2.0, 0.0)
    return x * y, x, "the other factor of x %0, y %1, is 0"


def case_constant_factor():
    (x,) = leaves(2.0)
    return x * 0.0, x, "the other factor of x %0 is 0"


def case_dot():
    x, y = leaves(2.0, 0.0)
    return ag.dot([x, 1.0], [y, y]), x, "the other factor of x %0, y %1, is 0"


def case_prod():
    x, y, z = leaves(2.0, 0.0, 4.0)
    return ag.prod([x, y, z]), x, "another factor beside x %0 is 0"


def case_take():
    x, y = leaves(2.0, 3.0)
    return ag.take([x, y], 1), x, "it took another element, not x %0"


def case_index():
    x, y, z = leaves(2.0, 3.0, 1.0)
    return ag.softmax_cross_entropy([x, y], z), z, "z %2 is its index, and no gradient goes to an index"


def case_power_of_zero():
    (x,) = leaves(0.0)
    return x**3, x, "its operand x %0 is 0, and the derivative of ** is 0 there"


def case_abs_at_zero():
    (x,) = leaves(0.0)
    return ag.abs(x), x, "its operand x %0 is 0, and the derivative of abs is 0 there"


def case_saturated():
    (x,) = leaves(800.0)
    return ag.tanh(x), x, "its operand x %0 is 800, and the derivative of tanh is 0 there"


def case_underflow():
    (x,) = leaves(2.0)
    return (x * 1e-200) * 1e-200, x, "1e-200 × ∂ 1e-200 is too small for a float"


def case_cancellation():
    (x,) = leaves(2.0)
    h = x * 3
    h.label = "h"
    return h * 2 - h * 2, x, "what reaches h %1 cancels exactly: -2 from × %3 and +2 from × %2"


def case_cancellation_at_the_leaf():
    (x,) = leaves(2.0)
    return x * 3 - x * 3, x, "what reaches x %0 cancels exactly"


@pytest.mark.parametrize("case", [f for name, f in sorted(globals().items()) if name.startswith("case_")])
def test_the_cause_of_a_zero(case):
    root, leaf, text = case()
    assert f"is 0, over {ag.formatting.amount(gradient_paths(root, leaf).count, 'path')}" in told(root, leaf)[0]
    assert has(text, root, leaf), why(root, leaf)
    root.backward()
    assert leaf.grad == 0.0


def test_all_causes_are_told_and_only_those_on_the_way():
    x, y, z = leaves(-1.0, 5.0, 0.0)
    root = x.relu() + ag.minimum(x * 2, -9.0) + y * z
    lines = told(root, x)
    assert len([line for line in lines if "passes nothing on" in line]) == 2
    assert not has("y %1", root, x)


def test_many_causes_are_counted():
    (x,) = leaves(-1.0)
    root = ag.sum([(x * float(i)).relu() for i in range(1, 31)])
    lines = told(root, x)
    assert len([line for line in lines if "passes nothing on" in line]) == 5
    assert "… and 25 more such places" in lines


def test_a_number_that_was_assigned_since_is_not_told_as_the_cause():
    (x,) = leaves(-1.0)
    y = x.relu()
    x.data = 5.0
    assert has("its operand is x %0, and relu is flat up to 0", y, x)
    assert not has("is 5", y, x)


def zero_causes_hold(seed: int) -> None:
    """Every zero of a random hostile graph is told a cause, and no other gradient is called zero."""
    rng = random.Random(seed)
    pool = [Value(rng.choice([-2.0, 0.0, 1.5, 3.0]), f"v{i}") for i in range(3)]
    for _ in range(rng.randint(2, 15)):
        operation = rng.choice([operator.mul, operator.sub, ag.maximum, lambda a, b: a.relu()])
        pool.append(operation(rng.choice(pool[-5:]), rng.choice(pool)))
    root = pool[-1]
    root.backward()
    for leaf in pool[:3]:
        lines = told(root, leaf)
        reached = any(n is leaf for n in ag.topological_order(root)) and leaf is not root
        if reached and leaf.grad == 0.0:
            assert any("passes nothing on" in line or "cancels exactly" in line for line in lines), lines
        elif reached:
            assert "is 0," not in lines[0]


@pytest.mark.parametrize("seed", range(60))
def test_every_zero_has_a_cause(seed: int):
    zero_causes_hold(seed)


# -- no path ---------------------------------------------------------------------------------------------------------
def test_no_path():
    x, w, y = Value(2.0, "x"), Value(3.0, "w"), Value(1.0, "y")
    root = x * w.detach()
    lines = told(root, w)
    assert lines[0] == "the gradient of × %2 by w is 0: there is no path, × %2 does not depend on it"
    assert "another node, w %1, has the same label and the same number, as detach() makes one" in lines
    assert not has("another node", root, y)
    assert has("a path ends where a number is taken out: .data, .item(), detach(), no_grad(), a new Value", root, y)
    assert has("this Value is 0", root, Value(1.0))


def test_the_arguments_turned_round():
    x = Value(2.0, "x")
    y = x * 3
    y.label = "y"
    assert has("it is the other way round: y depends on x %0", x, y)


def test_a_root_that_was_not_recorded():
    x = Value(2.0, "x")
    with no_grad():
        y = x * 3
    assert has("%0 is a leaf: nothing was recorded", y, x)
    assert told(y)[0] == "%0 is a leaf: nothing was recorded, and its gradient is 1"
    assert told(x, x) == ["x %0 is the root itself: its gradient by itself is 1"]


# -- inf and nan -----------------------------------------------------------------------------------------------------
def test_a_nan_is_traced_to_its_first_node():
    x, w = Value(-1.0, "x"), Value(2.0, "w")
    bad = ag.log(x)
    root = (bad * w).tanh() + w
    lines = told(root, w)
    assert lines[0].endswith("is +nan, over 2 paths") or lines[0].endswith("is nan, over 2 paths")
    assert any(line.startswith("the first step to break is tanh %4: 1 × ∂ nan = nan for × %3") for line in lines)
    assert "the first value that is not finite is log %2 = nan" in lines
    assert "operand x %0 = -1" in lines
    assert lines[-2] == "its line: compute it again inside `with autograd.detect_anomaly():`"
    assert has("the first value that is not finite is log %2 = nan", root)


def test_an_inf_that_no_value_shows():
    x = Value(0.0, "x")
    lines = told(ag.sqrt(x) * 2, x)
    assert "the first step to break is sqrt %1: 2 × ∂ inf = inf for x %0" in lines
    assert "operand x %0 = 0" in lines


def test_a_sum_that_overflows():
    x = Value(1.0, "x")
    root = x * 1e308 + x * 1e308
    assert has("the first step to break is × %1: 1e308 + 1e308 = inf for x %0", root, x)


def test_a_leaf_that_is_nan():
    x, w = Value(math.nan, "x"), Value(2.0, "w")
    assert has("the first value that is not finite is the leaf x %0 = nan", x * w, w)


def test_an_inf_beside_the_way_is_not_blamed():
    x, w = Value(0.0, "x"), Value(2.0, "w")
    root = w * 3 + ag.log(x) * 0.5
    assert told(root, w)[0] == "the gradient of + %5 by w %1 is +3, over 1 path"
    assert not has("finite", root, w)


# -- all leaves ------------------------------------------------------------------------------------------------------
def test_which_leaf_matters_most():
    xs = [Value(float(i), f"x{i}") for i in range(14)]
    lines = told(ag.sum([x * x for x in xs]))
    assert lines[0] == "sum %28 = 819 depends on 14 leaves; the largest gradients first"
    assert lines[1].split() == ["x13", "%13", "+26", "at", "13"]
    assert lines[11:] == ["… and 4 more", "1 of the gradients is 0"]


def test_wrong_arguments_and_hostile_labels():
    x = Value(1.0, "a\nb\x1b")
    assert len(told(x * 2, x)) == 4
    assert "\x1b" not in why(x * 2, x)
    with pytest.raises(TypeError, match="a Value as root, not float"):
        why(1.0, x)
    with pytest.raises(TypeError, match="a Value as leaf, not str"):
        why(x, "x")
