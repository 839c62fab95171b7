"""Lesson 4. The gradient check 梯度检查: when it cries "mistake" at correct code.

The check moves every parameter by ε, takes (L(w + ε) - L(w - ε)) / 2ε for the numerical gradient (数值梯度), and wants
|g - n| / (|g| + |n|) below 2e-7. On the network of lesson 3 it reports a mistake though there is none, for two
reasons: points that sit exactly on a kink (折点) of ReLU, and rounding (舍入误差).
"""

import math
import random
from functools import partial

from lesson import Lesson
from samples import arcs

import autograd as ag
import nn
import viz

lesson = Lesson(__doc__)
X, y = arcs()
rows = [[*x, t] for x, t in zip(X, y, strict=True)]


def check(model: nn.MLP, epsilon: float) -> float:
    """Return the measure of the text: both gradients of the mean loss over all points."""
    parameters = model.parameters()
    tape = ag.record(lambda x, t: nn.binary_cross_entropy(model(x), t), inputs=[X[0], y[0]])
    model.zero_grad()
    tape.value_and_grad(rows, input_gradients=False)
    g, n = [p.grad / len(rows) for p in parameters], []
    for p in parameters:
        middle, costs = p.data, []
        for p.data in (middle + epsilon, middle - epsilon):
            costs.append(math.fsum(tape.forward(rows)) / len(rows))
        p.data = middle
        n.append((costs[0] - costs[1]) / (2 * epsilon))
    return math.dist(g, n) / (math.hypot(*g) + math.hypot(*n))


def network(init: str | nn.init.Initializer, bias: float) -> nn.MLP:
    """Return the network of the text, its biases drawn with that standard deviation (标准差)."""
    model, draw = nn.MLP(2, [4, 3, 1], output="sigmoid", init=init, seed=10), random.Random(5)
    for name, p in model.named_parameters():
        if name.endswith(".b"):
            p.data = draw.gauss(0.0, bias)
    return model


# 偏置为零: with zero biases a point that no neuron of the first layer sees gives the second one exactly 0: its kink.
he = network("he", bias=0.0)
unseen = [row for row in rows if all(h.data == 0 for h in he.layers[0](row[:2]))]
lesson.figure("points that sit exactly on a kink", len(unseen), "105")
lesson.figure("He's weights, zero biases: difference, which the text calls a mistake", check(he, 1e-7), "0.17")

# Which derivative is right at a kink? Those of its two sides differ, and the central difference takes their mean. The
# engine's own check looks at both sides, and names the parameters whose kinks it met. Any number between is accepted.
mean_loss = lambda: ag.mean([nn.binary_cross_entropy(he([x1, x2]), t) for x1, x2, t in unseen])  # noqa: E731
report = ag.gradcheck(mean_loss, (), parameters=he.parameters())
lesson.figure("gradcheck's largest difference, on these points", report.relative_difference, "<1e-6")
lesson.figure("parameters at a kink", len(report.kinks), "3")
for kink in report.kinks:
    print(f"    {kink}")

# The cure: biases that are not zero. No point sits on a kink then.
shifted = network("he", bias=0.1)
lesson.figure("He's weights, biases of 0.1: difference", check(shifted, 1e-5), "<1e-8")
lesson.figure("the same with the ε of the text, 1e-7", check(shifted, 1e-7), "<2e-7")

# Rounding: the cost is known to about 1e-16, so the quotient to 1e-16 / 2ε, and gradients of weights of 0.01 are small.
small = network(partial(nn.normal, std=0.01), bias=0.01)
lesson.figure("weights of 0.01, ε = 1e-7: difference by rounding alone", check(small, 1e-7), "8e-07")
lesson.figure("weights of 0.01, ε = 1e-5", check(small, 1e-5), "<2e-7")

steps = [10.0**-k for k in (2, 4, 5, 6, 8, 10, 12)]
named = {"He, zero biases 零偏置": he, "He, biases of 0.1": shifted, "weights of 0.01": small}
viz.plot_lines(
    {name: (steps, [check(model, step) for step in steps]) for name, model in named.items()},
    lesson.picture("steps.png", "The difference by the step: a large one is inexact, a small one rounds, a kink stays"),
    x="ε",
    y="difference 差",
    log="xy",
)
