"""Lesson 6. Vanishing and exploding gradients 梯度消失与梯度爆炸: ten layers, and what each cure does.

Going back through a layer, the gradient is multiplied by the weights and by the slope of the activation. The slope of
a sigmoid is at most 1/4, and ten factors of 1/4 are a millionth: the first layers do not learn. Weights that are too
large multiply it up until a step throws everything away.
"""

import math
from functools import partial

from lesson import Lesson

import autograd as ag
import nn
import viz

lesson = Lesson(__doc__)
X, y = nn.moons(100, noise=0.1, seed=1)
loss = nn.binary_cross_entropy_with_logits


def deep(activation: str, init: str | nn.init.Initializer, norm: bool = False, residual: bool = False) -> nn.Sequential:
    """Return ten layers of 8 neurons and one output."""
    layers = []
    for seed in range(10):
        linear = nn.Linear(8 if seed else 2, 8, init=init, seed=seed)
        block = nn.Sequential(linear, nn.BatchNorm1d(8), activation) if norm else nn.Sequential(linear, activation)
        layers.append(nn.Residual(block) if residual and seed else block)
    return nn.Sequential(*layers, nn.Linear(8, 1, init=init, seed=10))


large = partial(nn.normal, std=1.5)
networks = {
    "sigmoid, Xavier": (deep("sigmoid", "xavier"), "8e-07"),
    "ReLU, He 修正线性单元": (deep("relu", "he"), "2.5"),
    "sigmoid, batch norm 批量归一化": (deep("sigmoid", "xavier", norm=True), "1.5"),
    "sigmoid, residual 残差连接": (deep("sigmoid", "xavier", residual=True), "0.03"),
    "ReLU, weights of 1.5": (deep("relu", large), "3.5"),
    "weights of 1.5, batch norm": (deep("relu", large, norm=True), "1"),
}
reports = {}
for name, (model, ratio) in networks.items():
    reports[name] = nn.health(model, X, y, loss, nn.SGD(model.parameters(), lr=0.1), training=True)
    norms = [layer.gradient_norm or 0.0 for layer in reports[name].layers if layer.kind == "Linear"]
    lesson.figure(f"{name}: |gradient| of the first layer over the last", norms[0] / norms[-1], ratio)
    lesson.measured("    its health", reports[name].verdict)

# 梯度裁剪: clipping by norm shortens the gradient and keeps its direction. Clipping each number by itself, as one text
# has it, turns it: the two numbers 10 and 0.1 become 1 and 0.1.
model = deep("relu", large)
gradients = {}
for name, clip in (("as it is", None), ("by norm", nn.clip_grad_norm), ("by value", nn.clip_grad_value)):
    model.zero_grad()
    ag.mean([loss(model(x), t) for x, t in zip(X, y, strict=True)]).backward()
    if clip:
        clip(model.parameters(), 1.0)
    gradients[name] = [p.grad for p in model.parameters()]
for name, stated in (("by norm", "<1e-5"), ("by value", ">45")):
    cosine = ag.dot(gradients["as it is"], gradients[name])
    cosine /= math.hypot(*gradients["as it is"]) * math.hypot(*gradients[name])
    lesson.figure(f"clipped {name}: degrees from the gradient", math.degrees(math.acos(min(cosine, 1.0))), stated)

# Does it learn? 300 steps on all points, from the same weights. The first step of the large ones is so long that no
# ReLU is on after it, for any point: the network is dead (神经元死亡), and says 1/2 for ever.
trials: list[tuple[str, str | nn.init.Initializer, float, float | None, str]] = [
    ("weights of 1.5", large, 0.1, None, "50%"),
    ("weights of 1.5, clipped by norm 裁剪", large, 0.03, 1.0, ">70%"),
    ("weights of 1.5, a thousandth of the rate 学习率", large, 1e-4, None, ">70%"),
    ("He's weights", "he", 0.1, None, "95%"),
]
for name, init, rate, clip_norm, stated in trials:
    model = deep("relu", init)
    sgd = nn.SGD(model.parameters(), lr=rate)
    history = nn.fit(
        model, X, y, loss=loss, optimizer=sgd, epochs=300, batch_size=100, seed=1, clip_norm=clip_norm, progress=False
    )
    lesson.figure(f"{name}: accuracy after 300 steps", history.accuracy[-1], stated)
viz.plot_health(reports, lesson.picture("gradients.png", "The norm of each layer's gradient, before any step"))
