"""Lesson 18, continued. A damped oscillator 阻尼振子: physics fitted to data, through its time steps.

A mass on a spring with friction: x'' = -k x - c x'. It is simulated in 200 time steps, from a stiffness k and a
damping c that are unknown, and held against 20 noisy measurements. The gradient of the misfit by k and c goes back
through all the steps (时间反向传播), and gradient descent finds both.
"""

import math
import random

from lesson import Lesson

import autograd as ag
import nn
import viz
from autograd import Value

lesson = Lesson(__doc__)
STEP, STEPS, EVERY = 0.05, 200, 10


def simulate(k: Value, c: Value) -> list[Value]:
    """Return the positions, by the semi-implicit Euler method (半隐式欧拉法)."""
    x, v = Value(1.0), Value(0.0)
    positions = [x]
    for _ in range(STEPS):
        v = v + STEP * (-k * x - c * v)
        x = x + STEP * v
        positions.append(x)
    return positions


# 数据: the solution of the equation with k = 2, c = 0.3, and noise of 0.02.
draw, rate = random.Random(1), math.sqrt(2 - 0.15**2)
times = [STEP * EVERY * i for i in range(1, STEPS // EVERY + 1)]
exact = [math.exp(-0.15 * t) * (math.cos(rate * t) + 0.15 / rate * math.sin(rate * t)) for t in times]
measured = [x + draw.gauss(0.0, 0.02) for x in exact]

k, c = Value(1.2, "k"), Value(1.0, "c")


def misfit(data: list[Value]) -> Value:
    positions = simulate(k, c)[EVERY::EVERY]
    return ag.mean([(x - d) ** 2 for x, d in zip(positions, data, strict=True)])


report = ag.gradcheck(lambda: misfit(measured), (), parameters=[k, c])  # type: ignore[arg-type] # numbers for Values
lesson.figure("gradient through 200 steps against differences", report.relative_difference, "<1e-8")
first = [x.data for x in simulate(k, c)]

tape = ag.record(misfit, inputs=[measured])  # 200 steps as one tape
optimizer, losses = nn.Adam([k, c], lr=0.05), []
for _ in range(300):
    optimizer.zero_grad()
    losses += tape.value_and_grad([measured], input_gradients=False)[0]
    optimizer.step()
lesson.figure("misfit before", losses[0], "0.14")
lesson.figure("misfit after 300 steps of Adam", losses[-1], "0.0005")
lesson.figure("stiffness k 刚度, in truth 2", k.data, "2.0")
lesson.figure("damping c 阻尼, in truth 0.3", c.data, "0.3")

clock = [STEP * i for i in range(STEPS + 1)]
viz.plot_lines(
    {
        "measured 测量": (times, measured),
        "fitted 拟合": (clock, [x.data for x in simulate(k, c)]),
        "k = 1.2, c = 1 at the start": (clock, first),
    },
    lesson.picture("fit.png", "The measurements, and the oscillator before and after the fit"),
    x="time 时间",
    y="position 位置",
    points=["measured 测量"],
)
