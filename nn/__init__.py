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

from nn import schedules as schedules
from nn.attention import CausalSelfAttention, attention
from nn.callbacks import Checkpoint, EarlyStopping
from nn.composition import (
    ELU,
    GELU,
    Flatten,
    Identity,
    LeakyReLU,
    Part,
    ReLU,
    Reshape,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from nn.convolution import AvgPool2d, Conv2d, MaxPool2d
from nn.data import blobs, circles, moons, spirals, split, standardize, xor
from nn.evaluation import accuracy, confusion, evaluate, predict
from nn.generator import random as random
from nn.health import LayerHealth, Report, health
from nn.history import History
from nn.init import he, normal, xavier
from nn.layers import MLP, Embedding, Layer, Linear, Neuron
from nn.losses import (
    Loss,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    decides,
    half_squared_error,
    hinge,
    huber,
    l1,
    mse,
    softmax_cross_entropy,
    with_l2,
)
from nn.module import Module
from nn.normalization import BatchNorm1d, Dropout, LayerNorm
from nn.optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop, clip_grad_norm, clip_grad_value
from nn.recurrent import GRUCell, RNNCell
from nn.serialization import load, save
from nn.training import ReplayWarning, fit

__all__ = [
    "ELU",
    "GELU",
    "MLP",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "AvgPool2d",
    "BatchNorm1d",
    "CausalSelfAttention",
    "Checkpoint",
    "Conv2d",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Flatten",
    "GRUCell",
    "History",
    "Identity",
    "Layer",
    "LayerHealth",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Loss",
    "MaxPool2d",
    "Module",
    "Neuron",
    "Optimizer",
    "Part",
    "RMSprop",
    "RNNCell",
    "ReLU",
    "ReplayWarning",
    "Report",
    "Reshape",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "accuracy",
    "attention",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "blobs",
    "circles",
    "clip_grad_norm",
    "clip_grad_value",
    "confusion",
    "decides",
    "evaluate",
    "fit",
    "half_squared_error",
    "he",
    "health",
    "hinge",
    "huber",
    "l1",
    "load",
    "moons",
    "mse",
    "normal",
    "predict",
    "save",
    "softmax_cross_entropy",
    "spirals",
    "split",
    "standardize",
    "with_l2",
    "xavier",
    "xor",
]

# modules that hold public names besides these, and `random`, whose name star-imports must not shadow
_BESIDES = ["data", "init", "layers", "losses", "optim", "random", "schedules"]


def __dir__() -> list[str]:
    return sorted([*__all__, *_BESIDES])
