"""The data sets: their shape, their geometry without noise, and their seeds."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn

SETS: dict[str, tuple[Callable[..., Any], int]] = {
    "moons": (nn.moons, 2),
    "spirals": (nn.spirals, 2),
    "circles": (nn.circles, 2),
    "blobs": (nn.blobs, 3),
    "four blobs": (lambda n, **options: nn.blobs(n, classes=4, **options), 4),
    "half a spiral": (lambda n, **options: nn.spirals(n, turns=0.5, **options), 2),
    "five spirals": (lambda n, **options: nn.spirals(n, classes=5, **options), 5),
    "xor": (nn.xor, 2),
}
each_set = pytest.mark.parametrize(("make", "classes"), SETS.values(), ids=SETS)


@each_set
@given(n=st.integers(5, 60), seed=st.integers(0, 10))
def test_shape_classes_and_seed(make: Callable[..., Any], classes: int, n: int, seed: int) -> None:
    X, y = make(n, noise=0.1, seed=seed)
    assert (X, y) == make(n, noise=0.1, seed=seed) == make(n, noise=0.1, seed=random.Random(seed))
    assert make(n, noise=0.1, seed=seed + 1)[0] != X
    assert len(X) == len(y) == n
    assert all(len(row) == 2 and all(type(x) is float for x in row) for row in X)
    assert set(y) == set(range(classes))
    assert all(type(label) is int for label in y)
    if make is not nn.xor:
        assert max(map(y.count, range(classes))) - min(map(y.count, range(classes))) <= 1


@each_set
def test_without_a_seed_the_global_random_decides(make: Callable[..., Any], classes: int) -> None:
    random.seed(4)
    drawn = make(12, noise=0.1)
    assert drawn == make(12, noise=0.1, seed=4)
    assert drawn != make(12, noise=0.1)


@each_set
def test_noise_has_the_spread_asked_for(make: Callable[..., Any], classes: int) -> None:
    clean, noisy = make(2000, noise=0.0)[0], make(2000, noise=0.2, seed=0)[0]
    added = [b - a for before, after in zip(clean, noisy, strict=True) for a, b in zip(before, after, strict=True)]
    assert math.fsum(added) / len(added) == pytest.approx(0.0, abs=0.02)
    assert math.sqrt(math.fsum(d * d for d in added) / len(added)) == pytest.approx(0.2, rel=0.05)


@given(n=st.integers(2, 80))
def test_moons_are_half_circles_of_radius_1(n: int) -> None:
    X, y = nn.moons(n, noise=0.0)
    assert abs(y.count(0) - y.count(1)) <= 1
    for (x1, x2), label in zip(X, y, strict=True):
        centre, side = ((1.0, 0.5), -1) if label else ((0.0, 0.0), 1)
        assert math.hypot(x1 - centre[0], x2 - centre[1]) == pytest.approx(1.0, rel=1e-12)
        assert side * (x2 - centre[1]) >= -1e-12
    if n >= 4:
        assert (min(x1 for x1, _ in X), max(x1 for x1, _ in X)) == (-1.0, 2.0)


@given(n=st.integers(2, 80), factor=st.floats(0.1, 0.9))
def test_circles_are_around_the_origin(n: int, factor: float) -> None:
    X, y = nn.circles(n, noise=0.0, factor=factor)
    for (x1, x2), label in zip(X, y, strict=True):
        assert math.hypot(x1, x2) == pytest.approx(factor if label else 1.0, rel=1e-12)
    for label in (0, 1):  # evenly spaced: their centre is the origin
        points = [row for row, found in zip(X, y, strict=True) if found == label]
        if len(points) > 1:
            assert [math.fsum(column) / len(points) for column in zip(*points, strict=True)] == pytest.approx(
                [0.0, 0.0], abs=1e-12
            )


@given(n=st.integers(6, 80), classes=st.integers(2, 6))
def test_blobs_are_as_far_apart_as_can_be(n: int, classes: int) -> None:
    X, y = nn.blobs(n, noise=0.0, classes=classes)
    for (x1, x2), label in zip(X, y, strict=True):
        angle = 2 * math.pi * label / classes
        assert (x1, x2) == pytest.approx((math.cos(angle), math.sin(angle)), abs=1e-12)


@given(n=st.integers(6, 80), classes=st.integers(2, 6), turns=st.sampled_from([0.25, 0.5, 1.0, 2.5]))
def test_spirals_are_one_arm_turned(n: int, classes: int, turns: float) -> None:
    X, y = nn.spirals(n, noise=0.0, classes=classes, turns=turns)
    assert max(map(y.count, range(classes))) - min(map(y.count, range(classes))) <= 1
    for (x1, x2), label in zip(X, y, strict=True):
        radius = math.hypot(x1, x2)
        along = (radius - 0.1) / 0.9
        assert -1e-12 <= along <= 1.0 + 1e-12
        turned = math.atan2(x2, x1) - 2 * math.pi * (turns * along + label / classes)
        assert math.cos(turned) == pytest.approx(1.0, abs=1e-9)
    if n >= 2 * classes:
        assert max(math.hypot(x1, x2) for x1, x2 in X) == pytest.approx(1.0)


def test_xor_is_the_truth_table_over_and_over() -> None:
    X, y = nn.xor(10)
    assert [(a != b) == (label == 1) for (a, b), label in zip(X, y, strict=True)] == [True] * 10
    assert {tuple(row) for row in X} == {(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)}
    assert X[:4] == X[4:8]


@given(rows=st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=2, max_size=20))
def test_standardized_columns_have_mean_0_and_deviation_1(rows: list[list[float]]) -> None:
    X, apply = nn.standardize(rows)
    assert apply(rows) == X
    for column, before in zip(zip(*X, strict=True), zip(*rows, strict=True), strict=True):
        if max(before) == min(before):
            assert set(column) == {0.0}
        elif max(before) - min(before) > 1e-6 * max(map(abs, before)):  # otherwise rounding of the mean shows
            assert math.fsum(column) / len(column) == pytest.approx(0.0, abs=1e-8)
            assert math.fsum(x * x for x in column) / len(column) == pytest.approx(1.0, rel=1e-8)


def test_what_standardizes_is_applied_to_held_out_rows() -> None:
    _, apply = nn.standardize([(1, 7.0), (3, 7.0)])
    assert (apply.mean, apply.std) == ([2.0, 7.0], [1.0, 1.0])
    assert apply([[4.0, 8.0]]) == [[2.0, 1.0]]
    assert repr(apply) == "Standardization(mean=[2.0, 7.0], std=[1.0, 1.0])"


@given(n=st.integers(2, 40), test=st.floats(0.01, 0.99), seed=st.integers(0, 5))
def test_split_keeps_every_pair_once(n: int, test: float, seed: int) -> None:
    X, y = [[float(i)] for i in range(n)], [10 * i for i in range(n)]
    X_train, X_test, y_train, y_test = parts = nn.split(X, y, test=test, seed=seed)
    assert parts == nn.split(X, y, test=test, seed=seed)
    assert sorted(X_train + X_test) == X
    assert [10 * row[0] for row in X_train + X_test] == y_train + y_test
    assert len(X_train) == len(y_train) >= 1
    assert len(X_test) == len(y_test) >= 1
    assert abs(len(X_test) - n * test) <= 1.0


def test_split_puts_rows_in_random_order() -> None:
    rows = list(range(40))
    orders = {tuple(nn.split(rows, rows, seed=seed)[0]) for seed in range(5)}
    assert len(orders) == 5


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: nn.moons(1), ValueError, "n must be at least 2, one point per class, not 1"),
        (lambda: nn.moons(0), ValueError, "n must be at least 1, not 0"),
        (lambda: nn.moons(10.0), TypeError, "n must be an integer of at least 1, not 10.0"),
        (lambda: nn.moons(10, noise=-0.1), ValueError, r"noise must lie in \[0, inf\), not -0.1"),
        (lambda: nn.moons(10, noise=float("nan")), ValueError, "noise must lie in"),
        (lambda: nn.moons(10, noise="much"), TypeError, "noise must be a number, not str 'much'"),
        (lambda: nn.moons(10, seed="now"), TypeError, "seed must be an int"),
        (lambda: nn.spirals(10, classes=1), ValueError, "classes must be at least 2"),
        (lambda: nn.spirals(2, classes=3), ValueError, "n must be at least 3, one point per class, not 2"),
        (lambda: nn.spirals(10, turns=0.0), ValueError, r"turns must lie in \(0, inf\), not 0.0"),
        (lambda: nn.circles(1), ValueError, "n must be at least 2, one point per class, not 1"),
        (lambda: nn.circles(9, factor=1.0), ValueError, r"factor must lie in \(0, 1\), not 1.0"),
        (lambda: nn.blobs(9, classes=1), ValueError, "classes must be at least 2: one blob leaves nothing"),
        (lambda: nn.blobs(2), ValueError, "n must be at least 3, one point per class, not 2"),
        (lambda: nn.standardize([]), ValueError, "X is empty: there is nothing to standardize"),
        (lambda: nn.standardize([[1.0], [1.0, 2.0]]), ValueError, r"X\[1\] has 2 numbers and X\[0\] has 1"),
        (lambda: nn.standardize([[1.0], [math.nan]]), ValueError, r"X\[1\]\[0\] is nan: remove or replace missing"),
        (lambda: nn.standardize([[1.0]])[1]([[1.0, 2.0]]), ValueError, r"X\[0\] has 2 numbers .* to have 1"),
        (lambda: nn.xor(0), ValueError, "n must be at least 1, not 0"),
        (lambda: nn.split([1, 2], [1]), ValueError, "X has 2 rows and y has 1 targets"),
        (lambda: nn.split([1], [1]), ValueError, "splitting takes at least two rows, and X has 1"),
        (lambda: nn.split([1, 2], [1, 2], test=0.0), ValueError, r"test must lie in \(0, 1\), not 0.0"),
        (lambda: nn.split([1, 2], [1, 2], test=1), ValueError, r"test must lie in \(0, 1\), not 1.0"),
    ],
)
def test_bad_arguments(build: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build()
