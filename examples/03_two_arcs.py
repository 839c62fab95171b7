"""Lesson 3. Two arcs 两条弧线: why a correct program learns nothing.

The text trains 2-4-3-1, ReLU (修正线性单元) inside and a sigmoid at the end, by 2,500 steps on the mean cross-entropy
(交叉熵) of all 400 points. It calls the points spirals; they are two arcs, which a straight line almost separates. Its
program is right, and learns nothing: weights of 0.01 in three layers leave a millionth of the signal. The accuracy
that it prints all the same, 84.5 %, is luck: every output is 0.5 to six digits, and the seventh leans to one side or
the other. With our draw of the weights it leans the wrong way.
"""

import time
from functools import partial
from typing import Any

from lesson import Lesson
from samples import arcs

import nn
import viz

lesson = Lesson(__doc__)
X, y = arcs()
loss = nn.binary_cross_entropy


def train(model: nn.Module, rate: float, steps: int = 2500, X: Any = X, y: Any = y) -> tuple[nn.Module, nn.History]:
    """Descend on all points at once, so that an epoch is a step."""
    optimizer = nn.SGD(model.parameters(), lr=rate)
    history = nn.fit(
        model, X, y, loss=loss, optimizer=optimizer, epochs=steps, batch_size=len(X), seed=1, progress=False
    )
    return model.eval(), history


def network(sizes: list[int], init: str | nn.init.Initializer = "he") -> nn.MLP:
    return nn.MLP(2, sizes, output="sigmoid", init=init, seed=1)


line, _ = train(network([1], "xavier"), rate=1.0)
lesson.figure("a straight line 直线: accuracy", nn.accuracy(line, X, y, loss), "94%")

# 梯度消失: as in the text, weights of 0.01 and a rate of 0.0075.
start = time.perf_counter()
model, as_written = train(network([4, 3, 1], partial(nn.normal, std=0.01)), rate=0.0075)
lesson.measured("2,500 steps on 400 points through the tape, s", f"{time.perf_counter() - start:.2f}")
outputs = [p for p in nn.predict(model, X) if isinstance(p, float)]
lesson.figure("as written: cost before", as_written.loss[0], "0.69314726")
lesson.figure("as written: cost after", as_written.loss[-1], "0.69314723")
lesson.figure("as written: largest output less the smallest", max(outputs) - min(outputs), "<1e-6")
lesson.figure("as written: accuracy", nn.accuracy(model, X, y, loss), "44%")

# 何恺明初始化: He's weights keep the signal alive; the rest is the learning rate (学习率).
model, he = train(network([4, 3, 1]), rate=0.0075)
lesson.figure("He's weights: cost after", he.loss[-1], "0.2")
lesson.figure("He's weights: accuracy", nn.accuracy(model, X, y, loss), "94.5%")
descended, fast = train(network([4, 3, 1]), rate=1.0)
lesson.figure("He's weights, rate 1: cost after", fast.loss[-1], "0.011")
lesson.figure("He's weights, rate 1: accuracy", nn.accuracy(descended, X, y, loss), ">99%")

# 批量归一化: batch normalisation gives each neuron's sum the mean 0 and the variance 1 over the batch, whatever the
# scale of the weights. With the 0.01 and the rate of the text, the network learns.
tiny = partial(nn.normal, std=0.01)
hidden = [nn.Linear(2, 4, init=tiny, seed=1), nn.BatchNorm1d(4), nn.ReLU()]
hidden += [nn.Linear(4, 3, init=tiny, seed=2), nn.BatchNorm1d(3), nn.ReLU()]
model, normalised = train(nn.Sequential(*hidden, nn.Linear(3, 1, init=tiny, seed=3), "sigmoid"), rate=0.0075)
lesson.figure("as written, with batch norm: cost after", normalised.loss[-1], "<0.1")
lesson.figure("as written, with batch norm: accuracy", nn.accuracy(model, X, y, loss), ">95%")
runs = {"as written 原文": as_written, "He": he, "He, rate 1": fast, "batch norm 批量归一化": normalised}
viz.plot_history(runs, lesson.picture("costs.png", "Cost and accuracy over 2,500 steps"))
boundary = lesson.picture("arcs.png", "The two arcs, and what the network with rate 1 says where")
viz.plot_decision_boundary(descended, X, y, boundary, threshold=0.5)

# 真正的螺旋: two arms of a whole turn each. Seven neurons cannot follow them; 32 can.
spirals = nn.spirals(400, noise=0.03, seed=1)
few, _ = train(network([4, 3, 1]), 0.5, 2500, *spirals)
lesson.figure("spirals, 4 and 3 neurons: accuracy", nn.accuracy(few, *spirals, loss), "74%")
many, _ = train(network([16, 16, 1]), 0.5, 2500, *spirals)
lesson.figure("spirals, 16 and 16 neurons: accuracy", nn.accuracy(many, *spirals, loss), ">99%")
spiral = lesson.picture("spirals.png", "A real spiral, and a network that follows it")
viz.plot_decision_boundary(many, *spirals, spiral, threshold=0.5)
