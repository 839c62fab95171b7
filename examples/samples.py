"""Data of the lessons: two arcs, scikit-learn's digits, words letter by letter, and words that a net invents."""

from __future__ import annotations

import math
import random
from pathlib import Path

import autograd
import nn

__all__ = ["arcs", "digits", "invent", "words"]


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


def words(file: Path) -> tuple[str, list[list[int]], list[list[int]], list[list[int]], list[list[int]]]:
    """Return the letters of a text file of words, and X_train, X_test, y_train, y_test; a tenth is for testing.

    A word becomes the indices of its letters: 0 stands for the letter ".", which begins and ends every word. X has all
    of them except the last, and y, the letters to tell, all except the first.
    """
    found = file.read_text(encoding="utf-8").split()
    letters = "." + "".join(sorted(set("".join(found))))
    indices = [[0, *(letters.index(letter) for letter in word), 0] for word in found]
    X_train, X_test, y_train, y_test = nn.split([i[:-1] for i in indices], [i[1:] for i in indices], test=0.1, seed=1)
    return letters, X_train, X_test, y_train, y_test


def invent(model: nn.Module, letters: str, draw: random.Random) -> str:
    """Return a word: one letter after the other, drawn by the shares that the model gives, until it ends."""
    word = [0]
    with autograd.no_grad():
        while len(word) == 1 or (word[-1] and len(word) < 12):
            shares = autograd.softmax([z.data for z in model(word)[-1]])
            word += draw.choices(range(len(letters)), shares)
    return "".join(letters[i] for i in word).strip(".")
