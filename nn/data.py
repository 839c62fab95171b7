"""Small data sets, generated from a seed, in scikit-learn's form: rows X and targets y."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

from nn.arguments import RandomSource, Seed, positive_integer, random_source, real

__all__ = ["Standardization", "blobs", "circles", "moons", "spirals", "split", "standardize", "xor"]

Row = TypeVar("Row")
Target = TypeVar("Target")


def moons(n: int, noise: float = 0.1, seed: Seed = None) -> tuple[list[list[float]], list[int]]:
    """Return points on two interleaved half circles of radius 1, one per class.

    Class 0 is the upper half circle around (0, 0), class 1 the lower one around (1, 0.5); the points of each are evenly
    spaced, and the classes alternate.

    Args:
        n: the number of points, at least 2.
        noise: the standard deviation of the noise added to both coordinates.
        seed: an int, a `random.Random`, or None for the global module `random`.

    Returns:
        X, n rows of 2 numbers, and y, n numbers 0 or 1.

    Raises:
        TypeError: n is not an integer, or noise is not a number.
        ValueError: n is below 2, or noise is negative or not finite.

    >>> X, y = moons(4, noise=0.0)
    >>> [[round(x1, 3), round(x2, 3)] for x1, x2 in X], y
    ([[1.0, 0.0], [0.0, 0.5], [-1.0, 0.0], [2.0, 0.5]], [0, 1, 0, 1])
    """
    counts, noise, rng = _class_counts(n, 2), _checked_noise(noise), random_source(seed)
    X, y = [], []
    for index in range(sum(counts)):
        label = index % 2
        angle = math.pi * _fraction(index // 2, counts[label])
        x1, x2 = math.cos(angle), math.sin(angle)
        X.append(_noisy([1.0 - x1, 0.5 - x2] if label else [x1, x2], noise, rng))
        y.append(label)
    return X, y


def circles(n: int, noise: float = 0.05, factor: float = 0.5, seed: Seed = None) -> tuple[list[list[float]], list[int]]:
    """Return points on two circles around the origin: class 0 on the one of radius 1, class 1 on the one inside it.

    The points of each are evenly spaced, and the classes alternate.

    Args:
        n: the number of points, at least 2.
        noise: the standard deviation of the noise added to both coordinates.
        factor: the radius of the inner circle, above 0 and below 1.
        seed: an int, a `random.Random`, or None for the global module `random`.

    Returns:
        X, n rows of 2 numbers, and y, n numbers 0 or 1.

    Raises:
        TypeError: n is not an integer, or noise or factor is not a number.
        ValueError: n is below 2, noise is negative or not finite, or factor is out of range.

    >>> X, y = circles(4, noise=0.0)
    >>> [[round(x1, 3) + 0.0, round(x2, 3)] for x1, x2 in X], y
    ([[1.0, 0.0], [0.5, 0.0], [-1.0, 0.0], [-0.5, 0.0]], [0, 1, 0, 1])
    """
    counts, noise, rng = _class_counts(n, 2), _checked_noise(noise), random_source(seed)
    radii = 1.0, real("factor", factor, low=0.0, high=1.0, open_low=True)
    X, y = [], []
    for index in range(sum(counts)):
        label = index % 2
        angle = 2.0 * math.pi * (index // 2) / counts[label]
        X.append(_noisy([radii[label] * math.cos(angle), radii[label] * math.sin(angle)], noise, rng))
        y.append(label)
    return X, y


def blobs(n: int, noise: float = 0.2, classes: int = 3, seed: Seed = None) -> tuple[list[list[float]], list[int]]:
    """Return points around as many centres as there are classes, evenly spaced on the circle of radius 1.

    Args:
        n: the number of points, at least one per class.
        noise: the standard deviation of both coordinates around their centre.
        classes: the number of centres, at least 2.
        seed: an int, a `random.Random`, or None for the global module `random`.

    Returns:
        X, n rows of 2 numbers, and y, n class indices from 0; the classes alternate.

    Raises:
        TypeError: n or classes is not an integer, or noise is not a number.
        ValueError: n or classes is too small, or noise is negative or not finite.

    >>> X, y = blobs(4, noise=0.0, classes=2)
    >>> [[round(x1, 3), round(x2, 3)] for x1, x2 in X], y
    ([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], [0, 1, 0, 1])
    """
    _check_classes(classes, "blob")
    counts, noise, rng = _class_counts(n, classes), _checked_noise(noise), random_source(seed)
    y = [index % classes for index in range(sum(counts))]
    angles = [2.0 * math.pi * label / classes for label in y]
    return [_noisy([math.cos(angle), math.sin(angle)], noise, rng) for angle in angles], y


def spirals(
    n: int, noise: float = 0.05, classes: int = 2, seed: Seed = None, turns: float = 1.0
) -> tuple[list[list[float]], list[int]]:
    """Return points on interleaved spiral arms, one per class, from near the centre to radius 1.

    Args:
        n: the number of points, at least one per class.
        noise: the standard deviation of the noise added to both coordinates.
        classes: the number of arms, at least 2.
        seed: an int, a `random.Random`, or None for the global module `random`.
        turns: how often each arm goes around the centre, above 0: half a turn of two arms is nearly two classes that a
            straight line tells apart.

    Returns:
        X, n rows of 2 numbers, and y, n class indices from 0; the classes alternate.

    Raises:
        TypeError: n or classes is not an integer, or noise or turns is not a number.
        ValueError: n or classes is too small, or noise or turns is out of range.

    >>> X, y = spirals(6, noise=0.0, classes=3)
    >>> [round(math.hypot(x1, x2), 3) for x1, x2 in X], y
    ([0.1, 0.1, 0.1, 1.0, 1.0, 1.0], [0, 1, 2, 0, 1, 2])
    """
    _check_classes(classes, "spiral")
    turns = real("turns", turns, low=0.0, open_low=True)
    counts, noise, rng = _class_counts(n, classes), _checked_noise(noise), random_source(seed)
    X, y = [], []
    for index in range(sum(counts)):
        label = index % classes
        along = _fraction(index // classes, counts[label])
        radius = 0.1 + 0.9 * along
        angle = 2.0 * math.pi * (turns * along + label / classes)
        X.append(_noisy([radius * math.cos(angle), radius * math.sin(angle)], noise, rng))
        y.append(label)
    return X, y


def xor(n: int = 4, noise: float = 0.0, seed: Seed = None) -> tuple[list[list[float]], list[int]]:
    """Return the corners of the unit square in turn; the class is 1 if exactly one coordinate is 1.

    Args:
        n: the number of points, at least 1.
        noise: the standard deviation of the noise added to both coordinates.
        seed: an int, a `random.Random`, or None for the global module `random`.

    Returns:
        X, n rows of 2 numbers, and y, n numbers 0 or 1.

    Raises:
        TypeError: n is not an integer, or noise is not a number.
        ValueError: n is below 1, or noise is negative or not finite.

    >>> xor()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    n, noise, rng = positive_integer("n", n), _checked_noise(noise), random_source(seed)
    corners = [(index // 2 % 2, index % 2) for index in range(n)]
    X = [_noisy([float(a), float(b)], noise, rng) for a, b in corners]
    return X, [a ^ b for a, b in corners]


def split(
    X: Sequence[Row], y: Sequence[Target], test: float = 1 / 3, seed: Seed = None
) -> tuple[list[Row], list[Row], list[Target], list[Target]]:
    """Split data at random into a part to train on and a part to test on.

    Args:
        X: the rows.
        y: their targets, as many as there are rows.
        test: the fraction to test on, between 0 and 1; each part gets at least one row.
        seed: an int, a `random.Random`, or None for the global module `random`.

    Returns:
        X_train, X_test, y_train, y_test, in scikit-learn's order.

    Raises:
        TypeError: test is not a number.
        ValueError: the lengths differ, there are fewer than two rows, or test is out of range.

    >>> X_train, X_test, y_train, y_test = split([[0], [1], [2], [3], [4], [5]], [0, 1, 2, 3, 4, 5], seed=0)
    >>> len(X_train), len(X_test), sorted(y_train + y_test)
    (4, 2, [0, 1, 2, 3, 4, 5])
    """
    test = real("test", test, low=0.0, high=1.0, open_low=True)
    n = len(X)
    if len(y) != n:
        raise ValueError(f"X has {n} rows and y has {len(y)} targets")
    if n < 2:
        raise ValueError(f"splitting takes at least two rows, and X has {n}")
    order = list(range(n))
    random_source(seed).shuffle(order)
    held_out = min(max(round(n * test), 1), n - 1)
    train, held = order[held_out:], order[:held_out]
    return _picked(X, train), _picked(X, held), _picked(y, train), _picked(y, held)


class Standardization:
    """What `standardize` found in the columns of some rows, and applies to others.

    Attributes:
        mean: The mean of each column.
        std: The standard deviation of each column; 1 where a column is constant.
    """

    def __init__(self, mean: list[float], std: list[float]) -> None:
        self.mean = mean
        self.std = std

    def __call__(self, X: Sequence[Sequence[float]]) -> list[list[float]]:
        """Return the rows with each number less its column's mean, over its column's standard deviation.

        Raises:
            ValueError: a row has another number of columns.
        """
        for index, row in enumerate(X):
            if len(row) != len(self.mean):
                raise ValueError(f"X[{index}] has {len(row)} numbers and was expected to have {len(self.mean)}")
        columns = self.mean, self.std
        return [[(float(x) - m) / s for x, m, s in zip(row, *columns, strict=True)] for row in X]

    def __repr__(self) -> str:
        return f"Standardization(mean={self.mean}, std={self.std})"


def standardize(X: Sequence[Sequence[float]]) -> tuple[list[list[float]], Standardization]:
    """Return rows whose columns have mean 0 and standard deviation 1, and the function that does this to other rows.

    Held-out rows go through the same function, with the mean and deviation of the rows to train on. A constant column
    becomes 0. The standard deviation is that of all rows, divided by their number, as in scikit-learn.

    Args:
        X: the rows, of one length.

    Returns:
        The standardised rows, and a `Standardization`.

    Raises:
        ValueError: X is empty, or its rows differ in length or hold a number that is not finite.

    >>> X_train, apply = standardize([[1.0, 5.0], [3.0, 5.0]])
    >>> X_train, apply([[2.0, 6.0]])
    ([[-1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0]])
    """
    if len(X) == 0:
        raise ValueError("X is empty: there is nothing to standardize")
    count, width = len(X), len(X[0])
    for index, row in enumerate(X):
        if len(row) != width:
            raise ValueError(f"X[{index}] has {len(row)} numbers and X[0] has {width}")
        for column, x in enumerate(row):
            if not math.isfinite(x):
                raise ValueError(f"X[{index}][{column}] is {x}: remove or replace missing values")
    means, stds = [], []
    for numbers in zip(*X, strict=True):
        constant = min(numbers) == max(numbers)
        mean = float(numbers[0]) if constant else math.fsum(numbers) / count
        means.append(mean)
        stds.append(1.0 if constant else math.hypot(*(x - mean for x in numbers)) / math.sqrt(count))
    found = Standardization(means, stds)
    return found(X), found


def _picked(items: Sequence[Any], order: list[int]) -> list[Any]:
    return [items[index] for index in order]


def _class_counts(n: int, classes: int) -> list[int]:
    if positive_integer("n", n) < classes:
        raise ValueError(f"n must be at least {classes}, one point per class, not {n}")
    return [len(range(label, n, classes)) for label in range(classes)]


def _check_classes(classes: int, shape: str) -> None:
    if positive_integer("classes", classes) < 2:
        raise ValueError(f"classes must be at least 2: one {shape} leaves nothing to tell apart")


def _checked_noise(noise: float) -> float:
    return real("noise", noise, low=0.0)


def _fraction(index: int, count: int) -> float:
    """Return the position of the point of that index along its curve, from 0 to 1."""
    return index / (count - 1) if count > 1 else 0.0


def _noisy(point: list[float], noise: float, rng: RandomSource) -> list[float]:
    return [coordinate + rng.gauss(0.0, noise) for coordinate in point]
