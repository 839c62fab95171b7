"""Lesson 9. Three matrices 三个矩阵: a gradient that forgot its target.

A row x goes through three matrices of 4 × 4, and the squared error (平方误差) to the target is to become small. The
text that the lesson is from computes the gradient at the output as 2 p. It is 2 (p - t): with 2 p the training
minimises |p|² and passes by the target. It looks well for long, because the loss falls as long as the outputs are far
too large.
"""

import math
import random

from lesson import Lesson

import autograd as ag
import viz
from autograd import Value

lesson = Lesson(__doc__)
target = [0.5, 0.7, 0.3, 0.1]
x = [0.8, 0.8, 0.4, 0.3]
Matrix = list[list[Value]]


def matrices() -> list[Matrix]:
    draw = random.Random(0)
    return [[[Value(draw.random()) for _ in range(4)] for _ in range(4)] for _ in range(3)]


def row_by_matrix(row: list[Value] | list[float], matrix: Matrix) -> list[Value]:
    return [ag.dot(row, column) for column in zip(*matrix, strict=True)]


def outputs(matrices: list[Matrix]) -> list[Value]:
    y = row_by_matrix(x, matrices[0])
    z = row_by_matrix(y, matrices[1])
    return row_by_matrix(z, matrices[2])


def train(rate: float, iterations: int, aim: list[float]) -> tuple[list[float], list[float]]:
    """Descend Σ (p - aim)²; return Σ (p - t)² before each step, and the last outputs."""
    M = matrices()
    weights = [w for matrix in M for row in matrix for w in row]
    tape = ag.record(lambda t: ag.sum([(p - one) ** 2 for p, one in zip(outputs(M), t, strict=True)]), inputs=[target])
    losses = []
    for _ in range(iterations):
        losses += tape.forward([target])
        for w in weights:
            w.grad = 0.0
        tape.value_and_grad([aim], input_gradients=False)
        for w in weights:
            w.data -= rate * w.grad
    return losses, [p.data for p in outputs(M)]


# 2 p is the gradient of Σ p², whose target is 0; against the gradient of the loss it is off by half.
M = matrices()
weights = [w for matrix in M for row in matrix for w in row]
gradients = {}
for name, aim in (("right", target), ("forgetful", [0.0] * 4)):
    for w in weights:
        w.grad = 0.0
    ag.sum([(p - one) ** 2 for p, one in zip(outputs(M), aim, strict=True)]).backward()
    gradients[name] = [w.grad for w in weights]
right, forgetful = gradients["right"], gradients["forgetful"]
report = ag.gradcheck(
    lambda: ag.sum([(p - t) ** 2 for p, t in zip(outputs(M), target, strict=True)]), (), parameters=weights
)
lesson.figure("the engine's gradient against differences", report.relative_difference, "<1e-7")
off = math.dist(right, forgetful) / (math.hypot(*right) + math.hypot(*forgetful))
lesson.figure("2 p instead of 2 (p - t): relative difference", off, "0.03")

# 忘了目标: the loss falls to a minimum, rises, and ends where p is 0: at Σ t² = 0.25 + 0.49 + 0.09 + 0.01.
losses, p = train(0.001, 10_000, [0.0] * 4)
lesson.figure("2 p: the loss at the start", losses[0], "161")
lesson.figure("2 p: its minimum", min(losses), "0.253")
lesson.figure("2 p: the loss at the end, on the way to 0.84", losses[-1], "0.84")
lesson.figure("2 p: the largest output at the end, where 0.7 is the target", max(p), "<1e-4")

# 记住目标
true_losses, p = train(0.001, 10_000, target)
lesson.figure("2 (p - t): the loss after 10,000 steps", true_losses[-1], "<1e-20")
lesson.figure("2 (p - t): the largest distance from the target", math.dist(p, target), "<1e-10")
seen = [step for step, loss in enumerate(true_losses) if loss > 1e-3]
shown = {"2 p 忘了目标": losses, "2 (p - t)": true_losses[: len(seen)]}
viz.plot_lines(
    {name: (range(1, len(some) + 1), some) for name, some in shown.items()},
    lesson.picture("loss.png", "The loss with and without the target in the gradient"),
    x="step 步",
    y="loss 损失",
    log="xy",
)
