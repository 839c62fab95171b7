"""Lesson 17. Initialisations 权重初始化: what reaches the tenth layer.

Ten layers of 30 neurons, 100 random inputs, no training yet. Each neuron sums 30 products, so the variance (方差) of
what it sums is 30 times that of the weights, times the mean square (均方) of its inputs. Weights that are too small
make the signal vanish from layer to layer; weights that are too large make it explode or saturate (饱和).
"""

import math
import random
from functools import partial

from lesson import Lesson

import nn
import viz
from autograd import Value, no_grad

lesson = Lesson(__doc__)
WIDTH, DEPTH = 30, 10
draw = random.Random(0)
X = [[draw.gauss(0.0, 1.0) for _ in range(WIDTH)] for _ in range(100)]


def activations(activation: str, init: str | nn.init.Initializer) -> dict[str, list[float]]:
    """Return the outputs of some layers for all inputs."""
    layers = [nn.Layer(WIDTH, WIDTH, activation, init, seed) for seed in range(DEPTH)]
    rows: list[list[Value]] = X  # type: ignore[assignment] # numbers go where Values do
    seen = {}
    with no_grad():
        for depth, layer in enumerate(layers, start=1):
            rows = [layer(row) for row in rows]
            if depth in (1, 2, 4, 7, 10):
                seen[f"layer {depth} 层"] = [value.data for row in rows for value in row]
    return seen


def spread(numbers: list[float]) -> float:
    return math.sqrt(math.fsum(number * number for number in numbers) / len(numbers))


runs = {
    "tanh, 0.01": activations("tanh", partial(nn.normal, std=0.01)),
    "tanh, 1": activations("tanh", partial(nn.normal, std=1.0)),
    "tanh, Xavier": activations("tanh", "xavier"),
    "ReLU, Xavier": activations("relu", "xavier"),
    "ReLU, He": activations("relu", "he"),
}
# Xavier: variance 2 / (nin + nout), which keeps the mean square of a sum. ReLU halves it, and He's 2 / nin makes up for
# that (修正线性单元需要两倍方差).
first, last = ["0.06", "0.9", "0.6", "0.7", "1.2"], ["2e-13", "0.9", "0.2", "0.04", "0.8"]
for (name, layers), at_first, at_last in zip(runs.items(), first, last, strict=True):
    lesson.figure(f"{name}: root mean square (均方根) after layer 1", spread(layers["layer 1 层"]), at_first)
    lesson.figure("    after layer 10", spread(layers["layer 10 层"]), at_last)
saturated = sum(abs(number) > 0.99 for number in runs["tanh, 1"]["layer 10 层"]) / (100 * WIDTH)
lesson.figure("tanh, 1: outputs beyond ±0.99, where the gradient is below 0.02", saturated, "58%")
viz.plot_histograms(runs, lesson.picture("layers.png", "Activations by layer and initialisation"), x="activation 激活")
