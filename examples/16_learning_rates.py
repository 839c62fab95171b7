"""Lesson 16. Learning rates 学习率: too small, right, too large, infinite.

w ← w - α ∂L/∂w. The gradient says which way is down, and the learning rate α how far to go. Nobody knows it
beforehand: train for a while with a fan of them (一组学习率), and look.
"""

from lesson import Lesson
from samples import arcs

import nn
import viz

lesson = Lesson(__doc__)
X, y = arcs()


def train(rate: float) -> nn.History:
    """Take 300 steps, each on the mean loss of all points; fewer where the loss becomes infinite."""
    model = nn.MLP(2, [4, 3, 1], output="sigmoid", seed=1)
    kept = nn.History()
    try:
        nn.fit(
            model,
            X,
            y,
            loss=nn.binary_cross_entropy,
            optimizer=nn.SGD(model.parameters(), lr=rate),
            epochs=300,
            batch_size=len(X),
            seed=1,
            progress=False,
            callback=lambda epoch, history: kept.loss.append(history.loss[-1]),
        )
    except ValueError as error:  # fit names the epoch, and leaves the parameters as after the last good step
        print(f"  α = {rate:g}: {error}")
    return kept


stated = {0.001: "0.73", 0.01: "0.62", 0.1: "0.17", 1.0: "0.06", 10.0: ">0.6", 100.0: ">100"}
runs = {f"α = {rate:g}": train(rate) for rate in stated}
lesson.figure("the loss before any step", runs["α = 1"].loss[0], "0.75")
for (name, run), last in zip(runs.items(), stated.values(), strict=True):
    lesson.figure(f"{name}: the last loss", run.loss[-1], last)
lesson.figure("α = 10: its largest loss on the way", max(runs["α = 10"].loss), ">1.5")

viz.plot_history(runs, lesson.picture("fan.png", "Six learning rates from one start"))
