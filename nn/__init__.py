"""Small neural networks of scalars, and their training.

>>> import nn
>>> X, y = nn.xor()
>>> model = nn.MLP(2, [8, 1], activation="tanh", seed=0)
>>> optimizer = nn.Adam(model.parameters(), lr=0.1)
>>> history = nn.fit(model, X, y, loss=nn.hinge, optimizer=optimizer, epochs=100, seed=0, progress=False)
>>> nn.accuracy(model, X, y, nn.hinge)
1.0
"""

from __future__ import annotations

import autograd as _autograd

if not _autograd.compiled:  # the compiled loops work on the compiled Value only
    from autograd.pure import import_from_source as _import_from_source

    _import_from_source(__path__)

from nn.data import moons, spirals, split, xor
from nn.init import he, normal, xavier
from nn.layers import MLP, Layer, Neuron
from nn.losses import (
    Loss,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    decides,
    half_squared_error,
    hinge,
    mse,
    softmax_cross_entropy,
)
from nn.module import Module
from nn.optim import SGD, Adam, Optimizer, clip_grad_norm
from nn.training import History, accuracy, fit, predict

__all__ = [
    "MLP",
    "SGD",
    "Adam",
    "History",
    "Layer",
    "Loss",
    "Module",
    "Neuron",
    "Optimizer",
    "accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "clip_grad_norm",
    "decides",
    "fit",
    "half_squared_error",
    "he",
    "hinge",
    "moons",
    "mse",
    "normal",
    "predict",
    "softmax_cross_entropy",
    "spirals",
    "split",
    "xavier",
    "xor",
]

_MODULES = ["data", "init", "layers", "losses", "optim"]  # modules that hold public names besides these


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
