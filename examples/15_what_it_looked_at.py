"""Lesson 15. What the net looked at 网络看了什么: gradients by the pixels, and the shares that add up.

The gradient of a score by the inputs (输入梯度) says what a little more ink would change. Where a neuron is saturated
it says nothing, so integrated gradients (积分梯度, Sundararajan, Taly and Yan 2017) take the mean of the gradients on
the way from an empty image to the digit, times the pixel. Their sum is the change of the score, whatever the network.
"""

import math
from typing import Any

from lesson import Lesson
from samples import digits

import autograd as ag
import nn
import viz

lesson = Lesson(__doc__)
X_train, X_test, y_train, y_test = digits()
model: Any = nn.MLP(64, [32, 10], seed=1)
optimizer = nn.Adam(model.parameters(), lr=0.005)
nn.fit(model, X_train, y_train, loss=nn.softmax_cross_entropy, optimizer=optimizer, epochs=20, seed=1)
lesson.figure("digits held out that are right", nn.accuracy(model, X_test, y_test, nn.softmax_cross_entropy), "97%")

# One tape gives the score of any class k, and its gradients by the 64 pixels; params=[] leaves the weights alone.
tape = ag.record(lambda x, k: ag.take(model(x), k), inputs=[X_test[0], y_test[0]], params=[])
STEPS = 1000


def integrated_gradients(x: list[float], k: int) -> list[float]:
    """Return x_i · mean of ∂score/∂x_i over the way from 0 to x, by the midpoint rule (中点法则)."""
    way = [[*(pixel * (i + 0.5) / STEPS for pixel in x), k] for i in range(STEPS)]
    _, gradients = tape.value_and_grad(way)
    return [pixel * math.fsum(column) / STEPS for pixel, column in zip(x, zip(*gradients, strict=True), strict=False)]


def as_image(numbers: list[float]) -> list[list[float]]:
    return [numbers[8 * row : 8 * row + 8] for row in range(8)]


chosen = [y_test.index(k) for k in range(10)]  # the first of each digit
shares = [integrated_gradients(X_test[i], y_test[i]) for i in chosen]
changes = [tape.forward([[*X_test[i], y_test[i]]])[0] - tape.forward([[0.0] * 64 + [y_test[i]]])[0] for i in chosen]
off = max(abs(math.fsum(one) - change) for one, change in zip(shares, changes, strict=True))
lesson.figure("score of the first digit less that of an empty image 分数之差", changes[0], "5.89")
lesson.figure("the sum of its shares", math.fsum(shares[0]), "5.89")
lesson.figure("the largest difference of the two, of ten digits", off, "<0.002")

# 梯度 × 输入: the gradient at the digit alone, times the pixel, does not add up.
alone = []
for i in chosen:
    _, gradients = tape.value_and_grad([[*X_test[i], y_test[i]]])
    alone.append([pixel * g for pixel, g in zip(X_test[i], gradients[0], strict=False)])
off = max(abs(math.fsum(one) - change) for one, change in zip(alone, changes, strict=True))
lesson.figure("the same for gradient × pixel", off, "0.44")
lesson.figure("a weight's gradient after all this", model.parameters()[0].grad, "0")

viz.plot_images(
    [as_image(X_test[i]) for i in chosen],
    lesson.picture("shares.png", "Orange pixels speak for the digit, blue ones against it: integrated gradients"),
    overlays=[as_image(one) for one in shares],
    titles=[f"数字 {y_test[i]}" for i in chosen],
    columns=5,
)
