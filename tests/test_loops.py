"""Gradients through loops, branches and recursion: they follow the path that the numbers took."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from mpmath import mp, mpf

import autograd as ag
from autograd import Value, topological_order

Number = Value | float


def derivative(function: Callable[[Value], Value], x: float) -> tuple[float, float]:
    leaf = Value(x)
    root = function(leaf)
    root.backward()
    return root.data, leaf.grad


# -- loops that converge ---------------------------------------------------------------------------------------------
def newton_sqrt(a: Value) -> Value:
    """Newton's iteration for √a, until it stands still."""
    x, before = a * 0.5 + 0.5, Value(math.inf)
    while abs(x.data - before.data) > 1e-15 * x.data:
        x, before = 0.5 * (x + a / x), x
    return x


@pytest.mark.parametrize("a", [1e-3, 0.25, 1.0, 2.0, 10.0, 12345.678])
def test_newton_s_square_root(a: float):
    value, slope = derivative(newton_sqrt, a)
    # a converged step depends on its start only to second order: the derivative is that of the limit, a few ulp off
    assert value == pytest.approx(math.sqrt(a), rel=4e-16)
    assert slope == pytest.approx(0.5 / math.sqrt(a), rel=1e-14)


def kepler(mean_anomaly: Value, eccentricity: Value) -> Value:
    """E with E - e·sin(E) = M, by fixed-point iteration."""
    anomaly, before = mean_anomaly, Value(math.inf)
    while abs(anomaly.data - before.data) > 1e-15:
        anomaly, before = mean_anomaly + eccentricity * ag.sin(anomaly), anomaly
    return anomaly


@pytest.mark.parametrize("m", [0.1, 1.0, 2.5])
@pytest.mark.parametrize("e", [0.0, 0.2, 0.7])
def test_a_loop_to_convergence_has_the_derivative_of_the_implicit_function(m: float, e: float):
    leaf, shape = Value(m), Value(e)
    root = kepler(leaf, shape)
    root.backward()
    # from E - e·sin(E) = M: dE/dM = 1/(1 - e·cos E), dE/de = sin E/(1 - e·cos E); the loop errs by its last step
    rate = 1 - e * math.cos(root.data)
    assert root.data - e * math.sin(root.data) == pytest.approx(m, rel=1e-14)
    assert leaf.grad == pytest.approx(1 / rate, rel=1e-11)
    assert shape.grad == pytest.approx(math.sin(root.data) / rate, rel=1e-11)


def agm(a: Value, b: Value) -> Value:
    """The arithmetic-geometric mean."""
    while abs(a.data - b.data) > 1e-15 * a.data:
        a, b = (a + b) / 2, ag.sqrt(a * b)
    return a


def test_the_arithmetic_geometric_mean():
    a, b = Value(1.5), Value(4.0)
    root = agm(a, b)
    root.backward()
    with mp.workdps(40):
        h = mpf(10) ** -15
        by_a = (mp.agm(1.5 + h, 4) - mp.agm(1.5 - h, 4)) / (2 * h)
        by_b = (mp.agm(1.5, 4 + h) - mp.agm(1.5, 4 - h)) / (2 * h)
    assert root.data == pytest.approx(float(mp.agm(1.5, 4)), rel=1e-15)
    assert a.grad == pytest.approx(float(by_a), rel=1e-14)
    assert b.grad == pytest.approx(float(by_b), rel=1e-14)


# -- loops of so many steps ------------------------------------------------------------------------------------------
def horner(coefficients: list[float], x: Value) -> Value:
    total = Value(0.0)
    for c in coefficients:
        total = total * x + c
    return total


def test_horner_s_rule():
    value, slope = derivative(lambda x: horner([2.0, -3.0, 0.5, 7.0], x), 1.5)
    assert value == 2 * 1.5**3 - 3 * 1.5**2 + 0.5 * 1.5 + 7
    assert slope == 6 * 1.5**2 - 6 * 1.5 + 0.5


@pytest.mark.parametrize("steps", [1, 10, 1000])
def test_euler_s_method_is_differentiated_as_it_computes(steps: int):
    rate = Value(-0.75)
    y = Value(2.0)
    start = y
    for _ in range(steps):
        y = y + rate * y / steps
    y.backward()
    # y = y0·(1 + r/n)ⁿ: the derivative of the steps, not of the exponential they approach
    growth = 1 - 0.75 / steps
    assert start.grad == pytest.approx(growth**steps, rel=1e-12)
    assert rate.grad == pytest.approx(2.0 * growth ** (steps - 1), rel=1e-12)


def test_the_number_of_turns_is_the_number_s():
    def halvings(x: Value) -> Value:
        while x > 1:
            x = x / 2
        return x

    for x, turns in ((0.5, 0), (1.0, 0), (1.5, 1), (100.0, 7), (1e6, 20)):
        value, slope = derivative(halvings, x) if turns else (x, 1.0)
        assert (value, slope) == (x / 2**turns, 2.0**-turns)


def test_a_body_that_never_runs_leaves_the_leaf():
    x = Value(0.5)
    y = x
    while y > 1:
        y = y / 2
    y.backward()
    assert y is x
    assert x.grad == 1.0


# -- recursion -------------------------------------------------------------------------------------------------------
def power(x: Value, n: int) -> Number:
    """x to the n by squaring."""
    if n == 0:
        return 1.0
    half = power(x, n // 2)
    return half * half * x if n % 2 else half * half


@pytest.mark.parametrize("n", [1, 2, 7, 64, 1023])
def test_recursion_with_shared_results(n: int):
    x = Value(1.001)
    root = power(x, n)
    assert type(root) is Value
    root.backward()
    assert root.data == pytest.approx(1.001**n, rel=1e-12)
    assert x.grad == pytest.approx(n * 1.001 ** (n - 1), rel=1e-12)
    assert len(topological_order(root)) <= 3 * n.bit_length() + 2  # squares are shared, not computed anew


def fibonacci(n: int, x: Value, known: dict[int, Value]) -> Value:
    """Fibonacci polynomials, F(n) = x·F(n-1) + F(n-2), each computed once."""
    if n not in known:
        known[n] = x * fibonacci(n - 1, x, known) + fibonacci(n - 2, x, known)
    return known[n]


def test_memoised_recursion_is_a_graph_with_exponentially_many_paths():
    x = Value(1.0)
    root = fibonacci(90, x, {0: Value(0.0), 1: Value(1.0)})
    root.backward()

    numbers, slopes = [0, 1], [0, 0]  # F(n)' = F(n-1) + x·F(n-1)' + F(n-2)', in whole numbers at x = 1
    for n in range(2, 91):
        slopes.append(numbers[n - 1] + slopes[n - 1] + slopes[n - 2])
        numbers.append(numbers[n - 1] + numbers[n - 2])
    assert root.data == pytest.approx(numbers[90], rel=1e-13)
    assert x.grad == pytest.approx(slopes[90], rel=1e-13)


def test_mutual_recursion():
    def even(x: Value, n: int) -> Value:
        return x if n == 0 else ag.sin(odd(x, n - 1))

    def odd(x: Value, n: int) -> Value:
        return ag.exp(even(x, n - 1)) * 0.1

    value, slope = derivative(lambda x: even(x, 4), 0.3)
    inner = 0.1 * math.exp(0.3)
    outer = 0.1 * math.exp(math.sin(inner))
    assert value == pytest.approx(math.sin(outer), rel=1e-15)
    assert slope == pytest.approx(math.cos(outer) * outer * math.cos(inner) * inner, rel=1e-15)


# -- branches --------------------------------------------------------------------------------------------------------
def tax(income: Value) -> Value:
    """A schedule of three brackets."""
    if income < 10_000:
        return income * 0.0
    if income <= 40_000:
        return (income - 10_000) * 0.25
    return (income - 40_000) * 0.5 + 7_500


@pytest.mark.parametrize(
    ("income", "rate"), [(9_999.0, 0.0), (10_000.0, 0.25), (25_000.0, 0.25), (40_000.0, 0.25), (40_000.01, 0.5)]
)
def test_a_branch_has_the_slope_of_the_side_it_is_on(income: float, rate: float):
    assert derivative(tax, income)[1] == rate


@pytest.mark.parametrize("x", [-2.0, 0.0, 1e-300, 3.0])
def test_a_branch_not_run_records_nothing(x: float):
    def guarded(v: Value) -> Value:
        return ag.sqrt(v) if v > 0 else v * 0.0

    leaf = Value(x)
    root = guarded(leaf)
    root.backward()
    assert {node.op for node in topological_order(root)} == ({"", "sqrt"} if x > 0 else {"", "*"})
    assert leaf.grad == (0.5 / math.sqrt(x) if x > 0 else 0.0)


def test_collatz_takes_one_path_and_differentiates_that():
    def path(x: Value) -> tuple[Value, int, int]:
        halved = tripled = 0
        while x != 1:
            if x % 2 == 0:
                x, halved = x / 2, halved + 1
            else:
                x, tripled = x * 3 + 1, tripled + 1
        return x, halved, tripled

    leaf = Value(27.0)
    root, halved, tripled = path(leaf)
    root.backward()
    assert (root.data, halved, tripled) == (1.0, 70, 41)
    assert leaf.grad == pytest.approx(3.0**41 / 2.0**70, rel=1e-14)


def test_early_exit_and_try():
    def first_positive(xs: list[Value]) -> Value:
        for x in xs:
            if x > 0:
                return x * x
        raise ValueError("none is positive")

    xs = [Value(-1.0), Value(2.0), Value(3.0)]
    first_positive(xs).backward()
    assert [x.grad for x in xs] == [0.0, 4.0, 0.0]
    with pytest.raises(ValueError, match="none"):
        first_positive(xs[:1])


def test_bisection_passes_no_gradient_where_only_the_branches_know_of_x():
    """The path is followed, nothing more: a result that depends on x by comparisons alone is a step function of it."""

    def bisect(a: Value) -> Value:
        low, high = Value(0.0), Value(2.0)
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if middle * middle < a else (low, middle)
        return low

    value, slope = derivative(bisect, 2.0)
    assert value == pytest.approx(math.sqrt(2.0), rel=1e-11)
    assert slope == 0.0


# -- higher derivatives through loops --------------------------------------------------------------------------------
def test_transforms_go_through_loops():
    assert ag.grad(newton_sqrt)(4.0) == pytest.approx(0.25, rel=1e-14)
    assert ag.grad(ag.grad(newton_sqrt))(4.0) == pytest.approx(-1 / 32, rel=1e-12)
    assert ag.grad(lambda x: power(x, 5))(2.0) == 80.0
