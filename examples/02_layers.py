"""Lesson 2. Layers by hand 手写各层: forward and backward written out, and held against the engine.

A layer (层) is a function that returns its output and its way back (反向): from the derivative of the loss by its
outputs to the derivative by its inputs. Layers in a row make a network (神经网络): forward through them, back through
them in reverse order.
"""

import math
from collections.abc import Callable
from typing import Any

from lesson import Lesson
from samples import digits

import autograd as ag
import nn
import viz
from autograd import Value

lesson = Lesson(__doc__)
Row = list[float]
Layer = tuple[Any, Callable[[Any], Any]]  # the output, and the way back


def add(x: float, y: float) -> Layer:  # 加法层: what arrives goes to both
    return x + y, lambda g: [g, g]


def multiply(x: float, y: float) -> Layer:  # 乘法层: each gets the other's value
    return x * y, lambda g: [g * y, g * x]


def relu(x: Row) -> Layer:  # water flows back only where it came through
    return [max(v, 0.0) for v in x], lambda g: [u * (v > 0) for u, v in zip(g, x, strict=True)]


def sigmoid(x: Row) -> Layer:  # σ' = σ (1 - σ), from the output alone
    y = [1 / (1 + math.exp(-v)) for v in x]
    return y, lambda g: [u * s * (1 - s) for u, s in zip(g, y, strict=True)]


def affine(x: Row, W: list[Row], b: Row) -> Layer:  # 仿射层: z = W x + b; back to x goes Wᵀ g, to W g xᵀ, to b g
    z = [ag.dot(row, x) + bias for row, bias in zip(W, b, strict=True)]
    return z, lambda g: ([ag.dot(g, column) for column in zip(*W, strict=True)], [[u * v for v in x] for u in g], g)


def softmax_with_loss(z: Row, t: int) -> Layer:  # y = softmax(z), loss = -log y[t]; the way back is y - t
    e = [math.exp(v - max(z)) for v in z]
    y = [v / math.fsum(e) for v in e]
    return -math.log(y[t]), lambda g: [g * (share - (k == t)) for k, share in enumerate(y)]


def largest_difference(values: list[Value], by_hand: Row) -> float:
    return max(abs(value.grad - number) for value, number in zip(values, by_hand, strict=True))


# Each layer alone, its way back beside the engine's.
for hand, operator in ((add, Value.__add__), (multiply, Value.__mul__)):
    pair = [Value(3.0), Value(4.0)]
    operator(*pair).backward()
    lesson.figure(f"{hand.__name__}: largest difference", largest_difference(pair, hand(3.0, 4.0)[1](1.0)), "0")
for layer, function in ((relu, ag.relu), (sigmoid, ag.sigmoid)):
    at, g = [-2.0, 0.0, 3.0], [0.5, -1.0, 2.0]
    row = [Value(v) for v in at]
    ag.dot([function(v) for v in row], g).backward()
    lesson.figure(f"{layer.__name__}: largest difference", largest_difference(row, layer(at)[1](g)), "<1e-15")

# A network of 64, 50 and 10 on one digit: forward through the layers, back through them in reverse (倒序).
X_train, X_test, y_train, y_test = digits()
model = nn.Sequential(nn.Linear(64, 50, seed=1), "relu", nn.Linear(50, 10, seed=2))
first, last = model[0], model[2]
W1, W2 = ([[w.data for w in row] for row in layer.weight] for layer in (first, last))
z1, back1 = affine(X_train[0], W1, [0.0] * 50)
h, back2 = relu(z1)
z2, back3 = affine(h, W2, [0.0] * 10)
loss, back4 = softmax_with_loss(z2, y_train[0])
dz2 = back4(1.0)
dh, dW2, db2 = back3(dz2)
dx, dW1, db1 = back1(back2(dh))

logits = model(X_train[0])
engine_loss = nn.softmax_cross_entropy(logits, y_train[0])
engine_loss.backward()
lesson.figure("two layers: difference of the loss", abs(loss - engine_loss.data), "<1e-14")
lesson.figure("two layers: largest difference of dW1", max(map(largest_difference, first.weight, dW1)), "<1e-15")
lesson.figure("two layers: largest difference of dW2", max(map(largest_difference, last.weight, dW2)), "<1e-15")
lesson.figure("at the logits: gradient less (y - t)", largest_difference(logits, dz2), "<1e-15")

# 误差就是梯度: the gradient is the error y - t, but at the logits only. One layer below there is no target, and it is
# W2ᵀ (y - t), another vector of another length; one text calls the error the gradient, whichever the layer.
lesson.figure("norm of the gradient at the logits, |y - t|", math.hypot(*dz2), "1.05")
lesson.figure("norm one layer below, |W2ᵀ (y - t)|", math.hypot(*dh), "1.42")
viz.draw(engine_loss, lesson.picture("network.svg", "The network by its layers, and the gradients that pass"), group=1)
