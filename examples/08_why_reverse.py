"""Lesson 8. Why backward 为什么反向: the products of local derivatives, counted in both directions.

Both directions multiply along every edge of the graph. Forward (前向模式), one sweep carries the derivative of every
node by one parameter, so there is a sweep per parameter. Backward (反向模式), one sweep carries the derivative of the
loss by every node, so it gives all parameters at once.

One text counts forward as L (L - 1) / 2 passes over L layers. It is a sweep per parameter: 31, 337 or 2,410 here. And
it says that backward costs the same as the computation itself: it costs 1.2 to 2.7 times the multiplications.
"""

import itertools
import time
from collections.abc import Sequence

from lesson import Lesson

import autograd as ag
import nn
import viz
from autograd import Value, steps

lesson = Lesson(__doc__)


def output(sizes: Sequence[int]) -> tuple[Value, nn.MLP]:
    """Return the loss of a network on one sample."""
    model = nn.MLP(sizes[0], sizes[1:], activation="tanh", seed=1)
    scores = model([0.5] * sizes[0])
    return scores if isinstance(scores, Value) else ag.softmax_cross_entropy(scores, 0), model


# 一条边一次乘法: a step of the backward pass takes a product per operand.
stated = {
    (2, 4, 3, 1): ("31", "61", "1,891", "2.7"),
    (2, 16, 16, 1): ("337", "674", "227,138", "2.2"),
    (64, 32, 10): ("2,410", "2,814", "6,781,740", "1.2"),
}
for sizes, (parameters, backward, forward, ratio) in stated.items():
    loss, model = output(sizes)
    products, sweeps = sum(len(step.operands) for step in steps(loss)), len(model.parameters())
    multiplications = sum(a * b for a, b in itertools.pairwise(sizes))  # of the weights, in the computation itself
    lesson.figure(f"{list(sizes)}: parameters, so forward sweeps", sweeps, parameters)
    lesson.figure("    products backward, in its one sweep", products, backward)
    lesson.figure("    products forward, in all sweeps", sweeps * products, forward)
    lesson.figure("    backward / multiplications of the computation", products / multiplications, ratio)


# The time of both, on a network whose weights are the argument: jvp is a forward sweep, grad a backward one.
def network(weights: list[Value]) -> Value:
    take, row = iter(weights), [Value(0.5), Value(0.5)]
    for nin, nout in ((2, 16), (16, 16), (16, 1)):
        row = [ag.tanh(ag.dot([next(take) for _ in range(nin)], row) + next(take)) for _ in range(nout)]
    return row[0]


weights = [0.1 * (-1) ** i for i in range(337)]
start = time.perf_counter()
directions = ([1.0 if i == j else 0.0 for j in range(337)] for i in range(337))
swept = [ag.jvp(network, (weights,), (direction,))[1] for direction in directions]
middle = time.perf_counter()
gradient = ag.grad(network)(weights)
end = time.perf_counter()
difference = max(abs(a - b) for a, b in zip(swept, gradient, strict=True))
lesson.figure("337 weights: largest difference of the two ways", difference, "<1e-15")
lesson.measured("    time of 337 sweeps forward / of one backward", f"{(middle - start) / (end - middle):,.0f}")

counts: dict[str, tuple[list[int], list[int]]] = {"forward 正向": ([], []), "backward 反向": ([], [])}
for width in (2, 4, 8, 16, 32):
    loss, model = output((width, width, width, 1))
    products, sweeps = sum(len(step.operands) for step in steps(loss)), len(model.parameters())
    for name, cost in (("forward 正向", sweeps * products), ("backward 反向", products)):
        counts[name][0].append(sweeps)
        counts[name][1].append(cost)
picture = lesson.picture(
    "counts.png", "Products for the whole gradient: forward grows with the square of the parameters"
)
viz.plot_lines(counts, picture, x="parameters 参数个数", y="products 乘法次数", log="xy")
