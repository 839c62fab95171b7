"""Lesson 18, continued. Newton 牛顿法: a root, differentiated through the loop that finds it.

Kepler's equation, E - e sin E = M: at a mean anomaly M an orbit of eccentricity e (偏心率) is at the eccentric anomaly
E. It has no closed solution; Newton's method finds E in a few rounds. How does E move with e and M? The loop is a
computation like any other: its derivative comes from a backward pass through all its rounds.
"""

import math

from lesson import Lesson

import autograd as ag
import viz
from autograd import Value

lesson = Lesson(__doc__)
Number = Value | float
rounds: list[int] = []


def anomaly(e: Number, M: Number) -> Number:
    """Solve E - e sin E = M; how many rounds it takes depends on the numbers."""
    E, count = M, 0
    step: Number = 1.0
    while ag.abs(step) > 1e-14:
        step = (E - e * ag.sin(E) - M) / (1 - e * ag.cos(E))  # f / f'
        E, count = E - step, count + 1
    rounds.append(count)
    return E


e, M = 0.6, 1.0
E, (by_e, by_M) = ag.value_and_grad(anomaly, argnums=(0, 1))(e, M)
lesson.figure("E", E, "1.5997")
lesson.figure("rounds of Newton's method", rounds[-1], "6")
lesson.figure("E - e sin E - M", ag.abs(E - e * ag.sin(E) - M), "<1e-15")

# 隐函数定理: the implicit function theorem gives the same without a loop, from the equation alone:
#     ∂E/∂e = sin E / (1 - e cos E)        ∂E/∂M = 1 / (1 - e cos E)
slope = 1 - e * math.cos(E)
lesson.figure("∂E/∂e through the loop", by_e, "0.9825")
lesson.figure("    less that of the implicit function theorem", abs(by_e - math.sin(E) / slope), "<1e-14")
lesson.figure("∂E/∂M through the loop", by_M, "0.9829")
lesson.figure("    less that of the implicit function theorem", abs(by_M - 1 / slope), "<1e-14")

# 二阶: the second derivative, through the loop and through its backward pass.
second = ag.grad(ag.grad(anomaly, argnums=1), argnums=1)(e, M)
lesson.figure("∂²E/∂M²", second, "-0.57")
lesson.figure("    less the formula -e sin E / (1 - e cos E)³", abs(second + e * math.sin(E) / slope**3), "<1e-13")

# 带子: taped keeps one tape per number of rounds, since the loop's comparison is a branch, and sorts rows by them.
fast = ag.taped(anomaly)
rows = [[e, math.pi * i / 200] for i in range(1, 201)]
anomalies, gradients = fast.value_and_grad(rows)
residual = max(abs(one - e * math.sin(one) - m) for one, (_, m) in zip(anomalies, rows, strict=True))
lesson.figure("200 anomalies by tapes: largest residual", residual, "<1e-14")
lesson.figure("    kinds of loops, each a tape", len(set(rounds)), "5")
means = [m for _, m in rows]
viz.plot_lines(
    {"E": (means, anomalies), "∂E/∂M": (means, [g[1] for g in gradients]), "∂E/∂e": (means, [g[0] for g in gradients])},
    lesson.picture("anomaly.png", "The eccentric anomaly and its derivatives over the mean one, e = 0.6"),
    x="mean anomaly M 平近点角",
)
