"""Lesson 2, continued. Mini-batches 小批量: a network of 64, 50 and 10 learns digits.

Four steps, again and again: draw a mini-batch, compute the gradients (梯度), move every weight against its gradient
(梯度下降), repeat. First the gradient is held against numerical differentiation (数值微分), which needs no formula and
two evaluations of the loss per weight.
"""

import random
import time

from lesson import Lesson
from samples import digits

import autograd as ag
import nn
import viz

lesson = Lesson(__doc__)
X_train, X_test, y_train, y_test = digits()
model = nn.MLP(64, [50, 10], seed=1)
parameters = model.parameters()
lesson.figure("weights and biases", len(parameters), "3,760")

# The loss of one digit as a tape: recorded once, replayed in C, for whichever pixels and label it is given.
tape = ag.record(lambda x, t: nn.softmax_cross_entropy(model(x), t), inputs=[X_train[0], y_train[0]])
rows = [[*x, t] for x, t in zip(X_train, y_train, strict=True)]

tape.forward(rows[:1])  # the first replay prepares the tape
start = time.perf_counter()
tape.value_and_grad(rows[:1], input_gradients=False)  # forward, and backward into every p.grad
backward = time.perf_counter() - start

# Numerical: (L(w + h) - L(w - h)) / 2h. The error of the formula is about h², that of rounding about 1e-16 / h.
start, h, numerical = time.perf_counter(), 1e-5, []
for p in parameters:
    middle, losses = p.data, []
    for p.data in (middle + h, middle - h):
        losses += tape.forward(rows[:1])
    p.data = middle
    numerical.append((losses[0] - losses[1]) / (2 * h))
slow = time.perf_counter() - start

difference = max(abs(p.grad - n) for p, n in zip(parameters, numerical, strict=True))
lesson.figure("largest difference, numerical less backward", difference, "<1e-9")
lesson.measured("time of numerical differentiation / of backward", f"{slow / backward:,.0f}")

course, draw = [], random.Random(0)
for _ in range(150):
    batch = draw.sample(rows, 100)  # 1. a mini-batch
    model.zero_grad()
    losses, _ = tape.value_and_grad(batch, input_gradients=False)  # 2. the gradients, summed over it
    for p in parameters:
        p.data -= 0.5 * p.grad / len(batch)  # 3. 学习率 0.5: against the gradient
    course.append(sum(losses) / len(batch))  # 4. again
lesson.figure("loss of the first mini-batch", course[0], "2.375")
lesson.figure("loss of the last one", course[-1], "0.175")
lesson.figure("digits held out that are right", nn.accuracy(model, X_test, y_test, nn.softmax_cross_entropy), "95%")
loss_png = lesson.picture("loss.png", "The loss of each mini-batch, before the step on it")
viz.plot_lines({"": (range(len(course)), course)}, loss_png, x="mini-batch 小批量", y="loss 损失")
