"""Data of the lessons: two arcs, and scikit-learn's digits."""

from __future__ import annotations

import math
import random

import nn

__all__ = ["arcs", "digits"]


def arcs(n: int = 400, noise: float = 0.2, seed: int = 1) -> tuple[list[list[float]], list[int]]:
    """Return points on two arcs, one per class: half turns from the centre to radius 1, with noise on the angle."""
    draw, half = random.Random(seed), n // 2
    X, y = [], []
    for label in range(2):
        for i in range(half):
            radius = i / (half - 1)
            angle = 3.12 * (label + radius) + draw.gauss(0.0, noise)
            X.append([radius * math.sin(angle), radius * math.cos(angle)])
            y.append(label)
    return X, y


def digits() -> tuple[list[list[float]], list[list[float]], list[int], list[int]]:
    """Return 1,797 digits of 8 × 8 pixels from 0 to 1 as X_train, X_test, y_train, y_test; a fifth is for testing."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return nn.split((images / 16).tolist(), labels.tolist(), test=0.2, seed=1)
