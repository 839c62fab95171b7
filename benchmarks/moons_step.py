"""A whole training step of MLP(2, 16, 16, 1) on 100 moons: forward of all, mean hinge loss, backward, SGD, zero_grad.

Once with each library's own network, once with a network written here that any engine's numbers go through. All start
from the same numbers, and must come to the same losses.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from importlib import import_module
from typing import Any

from engines import ENGINES, Engine, missing
from tables import Section, Target, at_least, median_of, number, ratio
from workers import Figures, check_same, clock, in_turns, same_job

LAYERS = [2, 16, 16, 1]
RATE = 0.05
LIBRARIES = ("glassgrad", "pure", "micrograd")
SCRIPTED = ("glassgrad", "pure", "plain", "torch")

Sample = tuple[list[float], int]


def moons(count: int) -> list[Sample]:
    """Two half circles, one inside the other's reach; the target is -1 or 1."""
    rng = random.Random(1)
    found: list[Sample] = []
    for i in range(count):
        angle, side = math.pi * rng.random(), 2 * (i % 2) - 1
        x, y = math.cos(angle), math.sin(angle)
        if side == 1:
            x, y = 1.0 - x, 0.5 - y
        found.append(([x + rng.gauss(0.0, 0.1), y + rng.gauss(0.0, 0.1)], side))
    return found


def first_numbers(parameters: list[Any]) -> None:
    """Give the parameters, a neuron's weights and then its bias, the numbers that all start from."""
    rng = random.Random(2)
    for parameter in parameters:
        parameter.data = rng.uniform(-0.5, 0.5)


def glassgrad_step(samples: list[Sample]) -> Callable[[], float]:
    """The step with glassgrad's nn; it returns the loss."""
    nn, mean = import_module("nn"), import_module("autograd").mean
    model = nn.MLP(LAYERS[0], LAYERS[1:])
    first_numbers(model.parameters())
    optimizer = nn.SGD(model.parameters(), lr=RATE)

    def step() -> float:
        loss = mean([nn.hinge(model(row), target) for row, target in samples])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return float(loss.data)

    return step


def micrograd_step(samples: list[Sample]) -> Callable[[], float]:
    """The step with micrograd's nn."""
    model = import_module("micrograd.nn").MLP(LAYERS[0], LAYERS[1:])
    first_numbers(model.parameters())

    def step() -> float:
        losses = [(1 + -target * model(row)).relu() for row, target in samples]
        loss = sum(losses) * (1.0 / len(losses))
        loss.backward()
        for parameter in model.parameters():
            parameter.data -= RATE * parameter.grad
        model.zero_grad()
        return float(loss.data)

    return step


def scripted_step(engine: Engine, samples: list[Sample]) -> Callable[[], float]:
    """The step in loops of its own, with a node for every product and every sum."""
    rng = random.Random(2)
    layers = [
        [[engine.value(rng.uniform(-0.5, 0.5)) for _ in range(nin + 1)] for _ in range(nout)]
        for nin, nout in itertools.pairwise(LAYERS)
    ]
    parameters = [parameter for layer in layers for neuron in layer for parameter in neuron]

    def model(signals: list[Any]) -> Any:
        for layer in layers:
            signals = [
                sum((w * x for w, x in zip(neuron, signals, strict=False)), start=neuron[-1]) for neuron in layer
            ]
            if layer is not layers[-1]:
                signals = [signal.relu() for signal in signals]
        return signals[0]

    def step() -> float:
        losses = [(1 - target * model(row)).relu() for row, target in samples]
        loss = sum(losses) * (1.0 / len(losses))
        loss.backward()
        for parameter in parameters:
            parameter.data -= RATE * parameter.grad
            parameter.grad = None if engine.key == "torch" else 0.0
        return float(loss.data)

    return step


class Work:
    """Measures one engine."""

    def __init__(self, engine: Engine) -> None:
        engine.load()
        self.engine = engine
        self.step: Callable[[], float] | None = None

    def start(self, scripted: bool) -> Callable[[], float]:
        """The step that is asked for, from the first numbers."""
        samples = moons(100)
        if scripted:
            return scripted_step(self.engine, samples)
        return micrograd_step(samples) if self.engine.key == "micrograd" else glassgrad_step(samples)

    def measure(self, scripted: bool, steps: int) -> Figures:
        """Milliseconds a step, and the last loss; training goes on from call to call."""
        self.step = self.step or self.start(scripted)
        self.step()  # caches that others have emptied since the last turn
        start = clock()
        losses = [self.step() for _ in range(steps)]
        return {"step": (clock() - start) / steps / 1e6, "loss": losses[-1]}


def section(rounds: int) -> Section:
    """The table of both networks."""
    libraries = in_turns("moons_step", same_job(LIBRARIES, scripted=False, steps=2), rounds)
    scripted = in_turns("moons_step", same_job(SCRIPTED, scripted=True, steps=2), rounds)
    rows = []
    for what, keys, times in (("its own nn", LIBRARIES, libraries), ("a script", SCRIPTED, scripted)):
        check_same(f"MLP by {what}", times)
        ours = times.get("glassgrad")
        for key in keys:
            if key not in times:
                rows.append([what, f"{ENGINES[key].title}: {missing(ENGINES[key])}", "–", "–"])
                continue
            against = str(ratio(times[key], ours, "step")) if ours else "–"
            rows.append([what, ENGINES[key].versioned(), number(median_of(times[key], "step")), against])
    note = (
        "Milliseconds a step of MLP(2, 16, 16, 1) on 100 moons, eager: forward, mean hinge loss, backward, SGD, "
        f"zero_grad; {rounds} rounds of two steps, after one that is not counted. Each library with its own network "
        "and optimiser (glassgrad's neuron records a `dot`), then one script for all, a node for every product and "
        "sum. Losses agree to 1e-9."
    )
    headers = ["network", "engine", "ms a step", "×"]
    return Section("A training step of a small network", note, headers, rows, targets(libraries))


def targets(libraries: dict[str, list[Figures]]) -> list[Target]:
    """What is asked of the step."""
    found = []
    if "micrograd" in libraries:
        theirs = libraries["micrograd"]
        if ours := libraries.get("glassgrad"):
            found.append(at_least("MLP on moons, against micrograd", ratio(theirs, ours, "step"), 100))
        found.append(at_least("pure, MLP on moons, against micrograd", ratio(theirs, libraries["pure"], "step"), 1))
    return found
