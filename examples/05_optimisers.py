"""Lesson 5. Optimisers 优化器: one gradient, five ways to use it, and batch normalisation beside them.

All start from the same weights and see the same gradients of all 400 points. Plain descent takes a step against the
gradient. Momentum (动量) keeps its velocity from step to step. RMSprop and Adam divide each weight's step by the size
that its gradients have had, so weights with small gradients move as well. Batch normalisation (批量归一化) changes the
network instead.
"""

from collections.abc import Callable

from lesson import Lesson
from samples import arcs

import nn
import viz
from autograd import Value

lesson = Lesson(__doc__)
X, y = arcs()
loss = nn.binary_cross_entropy_with_logits


def network(normalised: bool) -> nn.Sequential:
    """Return 2-4-3-1 with ReLU, and batch normalisation before each if wanted."""
    parts: list[nn.Module | str] = []
    for seed, (nin, nout) in enumerate(((2, 4), (4, 3)), start=1):
        parts += [nn.Linear(nin, nout, seed=seed), *([nn.BatchNorm1d(nout)] if normalised else []), "relu"]
    return nn.Sequential(*parts, nn.Linear(3, 1, seed=3))


# g is the gradient, w the weight, α the learning rate (学习率); each line is all that a step does with one weight.
Make = Callable[[list[Value]], nn.Optimizer]
rules: dict[str, tuple[Make, bool, str, str]] = {
    # w ← w - α g
    "plain 梯度下降": (lambda w: nn.SGD(w, lr=0.1), False, "0.20", "94.5%"),
    # v ← 0.9 v + g;  w ← w - α v
    "momentum 动量": (lambda w: nn.SGD(w, lr=0.1, momentum=0.9), False, "0.100", "94%"),
    # s ← s + g²;  w ← w - α g / √s
    "Adagrad": (lambda w: nn.Adagrad(w, lr=0.1), False, "0.115", "94%"),
    # s ← 0.99 s + 0.01 g²;  w ← w - α g / √s
    "RMSprop": (lambda w: nn.RMSprop(w, lr=0.01), False, "0.105", "94%"),
    # m ← 0.9 m + 0.1 g;  s ← 0.999 s + 0.001 g²;  w ← w - α m / √s, both corrected for their start at 0
    "Adam": (lambda w: nn.Adam(w, lr=0.01), False, "0.111", "94%"),
    # z ← (z - mean) / √variance, over the batch
    "plain, batch norm 批量归一化": (lambda w: nn.SGD(w, lr=0.1), True, "0.029", ">99%"),
}
runs = {}
for name, (make, normalised, cost, accuracy) in rules.items():
    model = network(normalised)
    optimizer = make(model.parameters())
    history = nn.fit(model, X, y, loss=loss, optimizer=optimizer, epochs=500, batch_size=len(X), seed=1, progress=False)
    runs[name] = history
    lesson.figure(f"{name}: cost after 500 steps", history.loss[-1], cost)
    lesson.figure("    accuracy 准确率", history.accuracy[-1], accuracy)
viz.plot_history(runs, lesson.picture("runs.png", "Cost and accuracy over 500 steps, from the same weights"))
