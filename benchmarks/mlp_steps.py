"""A whole SGD step of MLP(2, h, h, 1) on 100 rows through a tape, beside torch, jax.jit and C written by hand.

relu, mean squared error, doubles, one thread. All start from the same numbers, and must come to the same loss.
"""

from __future__ import annotations

import itertools
import math
import random
from array import array
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from engines import ENGINES, Engine, has_avx512, missing
from moons_step import moons
from tables import Section, Target, at_least, at_most, median_of, number, ratio, within
from workers import Figures, Job, Stopwatch, check_same, in_turns

ROWS = 100
RATE = 0.05
CHECKED = 50  # steps after which all must have come to the same loss
SIZES = (16, 64)
NAMES = {
    "glassgrad": "glassgrad, tape",
    "glassgrad fit": "glassgrad, nn.fit",
    "tensors nn": "torch, its nn and optim",
    "tensors": "torch, tensors and foreach",
    "jax": "jax.jit",
    "jax synchronous": "jax.jit, synchronous, donated",
    "c": "hand-written C",
}
PEERS = ("tensors nn", "tensors", "jax", "jax synchronous")
STEPS = {
    "glassgrad": 1000,
    "glassgrad fit": 4000,
    "tensors nn": 100,
    "tensors": 100,
    "jax": 300,
    "jax synchronous": 300,
    "c": 4000,
}

Train = Callable[[int], float]
"""Takes some steps and gives the loss that the last began with."""


def shapes(hidden: int) -> list[tuple[int, int]]:
    """(outputs, inputs) of each layer."""
    return [(nout, nin) for nin, nout in itertools.pairwise([2, hidden, hidden, 1])]


def first_numbers(hidden: int) -> list[float]:
    """Of each neuron the weights and then the bias."""
    rng = random.Random(2)
    return [rng.uniform(-0.5, 0.5) for nout, nin in shapes(hidden) for _ in range(nout * (nin + 1))]


def first_layers(hidden: int) -> list[tuple[list[list[float]], list[float]]]:
    """The same as weights and biases of each layer."""
    numbers = iter(first_numbers(hidden))
    layers = []
    for nout, nin in shapes(hidden):
        neurons = [[next(numbers) for _ in range(nin + 1)] for _ in range(nout)]
        layers.append(([neuron[:-1] for neuron in neurons], [neuron[-1] for neuron in neurons]))
    return layers


def rows_of() -> array[float]:
    """Two inputs and a target in each row, one row after another."""
    return array("d", [x for row, target in moons(ROWS) for x in (*row, float(target))])


def repeated(step: Callable[[], Any], loss: Callable[[Any], float], count: int) -> float:
    """The loss of the last step, read once."""
    for _ in range(count):
        result = step()
    return loss(result)


def glassgrad_training(hidden: int) -> Train:
    """The step through a tape whose rows are the samples; a row's output is its share of the loss."""
    autograd, nn = import_module("autograd"), import_module("nn")
    model = nn.MLP(2, [hidden, hidden, 1])
    parameters = model.parameters()
    for parameter, data in zip(parameters, first_numbers(hidden), strict=True):
        parameter.data = data
    tape = autograd.record(lambda x, y, target: (model([x, y]) - target) ** 2 * (1.0 / ROWS), inputs=[0.0, 0.0, 0.0])
    optimizer = nn.SGD(parameters, lr=RATE)
    batch = rows_of()

    def step() -> Any:
        optimizer.zero_grad()
        losses, _ = tape.value_and_grad(batch, input_gradients=False)
        optimizer.step()
        return losses

    return partial(repeated, step, math.fsum)


def fit_training(hidden: int) -> Train:
    """The step as nn.fit takes it: an epoch is one batch, in a new order each time; a call begins a training anew."""
    nn = import_module("nn")
    model = nn.MLP(2, [hidden, hidden, 1])
    for parameter, data in zip(model.parameters(), first_numbers(hidden), strict=True):
        parameter.data = data
    numbers = rows_of()
    X, y = [list(row) for row in zip(numbers[0::3], numbers[1::3], strict=True)], list(numbers[2::3])
    optimizer = nn.SGD(model.parameters(), lr=RATE)

    def train(steps: int) -> float:
        options = {"loss": nn.mse, "optimizer": optimizer, "batch_size": ROWS, "seed": steps, "progress": False}
        return float(nn.fit(model, X, y, epochs=steps, replay=True, **options).loss[-1])

    return train


def torch_training(torch: Any, hidden: int) -> Train:
    """The step as torch's manual has it."""
    layers = []
    for weights, biases in first_layers(hidden):
        linear = torch.nn.Linear(len(weights[0]), len(weights)).double()
        linear.weight.data, linear.bias.data = (torch.tensor(x, dtype=torch.float64) for x in (weights, biases))
        layers += [linear, torch.nn.ReLU()]
    model, criterion = torch.nn.Sequential(*layers[:-1]), torch.nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    rows = torch.tensor(rows_of(), dtype=torch.float64).reshape(ROWS, 3)
    inputs, targets = rows[:, :2].contiguous(), rows[:, 2:].contiguous()

    def step() -> Any:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss

    return partial(repeated, step, torch.Tensor.item)


def tensor_training(torch: Any, hidden: int) -> Train:
    """The step without modules and optimiser: the least that torch has to do for it."""

    def turned(weights: list[list[float]]) -> Any:
        return torch.tensor(weights, dtype=torch.float64).T.contiguous()

    first, second, third = (
        (turned(weights).requires_grad_(), torch.tensor(biases, dtype=torch.float64, requires_grad=True))
        for weights, biases in first_layers(hidden)
    )
    parameters = [*first, *second, *third]
    rows = torch.tensor(rows_of(), dtype=torch.float64).reshape(ROWS, 3)
    inputs, targets = rows[:, :2].contiguous(), rows[:, 2:].contiguous()

    def step() -> Any:
        signals = torch.addmm(first[1], inputs, first[0]).relu()
        signals = torch.addmm(second[1], signals, second[0]).relu()
        loss = torch.nn.functional.mse_loss(torch.addmm(third[1], signals, third[0]), targets)
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            torch._foreach_add_(parameters, gradients, alpha=-RATE)
        return loss

    return partial(repeated, step, torch.Tensor.item)


def jax_training(jax: Any, hidden: int, donated: bool) -> Train:
    """The step as one compiled function, called once a step and waited for."""
    jnp = import_module("jax.numpy")
    rows = jnp.array(rows_of()).reshape(ROWS, 3)
    inputs, targets = rows[:, :2], rows[:, 2]

    def loss_of(layers: Any, inputs: Any, targets: Any) -> Any:
        signals = inputs
        for weights, biases in layers[:-1]:
            signals = jax.nn.relu(signals @ weights.T + biases)
        weights, biases = layers[-1]
        return jnp.mean(((signals @ weights.T + biases)[:, 0] - targets) ** 2)

    def updated(layers: Any, inputs: Any, targets: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(layers, inputs, targets)
        return jax.tree.map(lambda x, gradient: x - RATE * gradient, layers, gradients), loss

    compiled = jax.jit(updated, donate_argnums=(0,) if donated else ())
    layers = [(jnp.array(weights), jnp.array(biases)) for weights, biases in first_layers(hidden)]

    def step() -> Any:
        nonlocal layers
        layers, loss = jax.block_until_ready(compiled(layers, inputs, targets))
        return loss

    return partial(repeated, step, float)


def handwritten_training(handwritten: Any, hidden: int) -> Train:
    """The step in C, in a loop in C."""
    written = handwritten.Step(hidden, first_numbers(hidden), rows_of())
    return lambda steps: float(written.train(steps, RATE))


def training(engine: Engine, hidden: int, with_nn: bool) -> Train:
    """The step as the engine does it."""
    module = engine.load()
    if engine.key == "tensors":
        return (torch_training if with_nn else tensor_training)(module, hidden)
    if engine.module == "jax":
        return jax_training(module, hidden, donated=engine.key != "jax")
    if engine.key == "c":
        return handwritten_training(module, hidden)
    return (fit_training if with_nn else glassgrad_training)(hidden)


class Work:
    """Measures one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.train: Train | None = None
        self.loss = 0.0

    def measure(self, hidden: int, steps: int, with_nn: bool = False) -> Figures:
        """Microseconds a step, and the loss of an early step; training goes on from call to call."""
        if self.train is None:
            self.train = training(self.engine, hidden, with_nn)
            self.loss = self.train(CHECKED)
        self.train(max(1, steps // 20))  # caches that others have emptied since the last turn
        start = Stopwatch()
        self.train(steps)
        return {"step": 1e6 * start.seconds() / steps, "loss": self.loss}


def engine_of(name: str) -> str:
    """The engine of a row."""
    return name.removesuffix(" nn").removesuffix(" fit")


def jobs(hidden: int) -> dict[str, Job]:
    """One for each row of the table."""
    return {
        name: Job(
            engine_of(name),
            {"hidden": hidden, "steps": STEPS[name] * SIZES[0] // hidden, "with_nn": name != engine_of(name)},
        )
        for name in NAMES
    }


def section(rounds: int) -> Section:
    """The table of both sizes."""
    rows, targets = [], []
    for hidden in SIZES:
        work = f"MLP(2, {hidden}, {hidden}, 1)"
        times = in_turns("mlp_steps", jobs(hidden), rounds)
        check_same(work, times)
        ours = times.get("glassgrad")
        for name, title in NAMES.items():
            if name not in times:
                rows.append([work, f"{title}: {missing(ENGINES[engine_of(name)])}", "–", "–"])
                continue
            against = str(ratio(times[name], ours, "step")) if ours else "–"
            rows.append([work, title, number(median_of(times[name], "step")), against])
        targets += targets_of(work, hidden, times)
    note = (
        f"Microseconds a whole SGD step on {ROWS} rows of doubles, on one thread: zero_grad, forward, mean squared "
        f"error, backward, SGD. Medians of {rounds} rounds in turns; × is the ratio to glassgrad in the same round. "
        "The tape is replayed on a buffer, without the gradients of the inputs; nn.fit is called once per round, with "
        "all that it sets up. jax: one compiled function a step, "
        "waited for; once as it comes, once with its dispatch made synchronous and the parameters' memory donated. C: "
        "`handwritten.c`, compiled with `-O3 -march=native -ffp-contract=off -fno-builtin`, in a loop in C, its "
        f"parameters in plain arrays. Losses agree to 1e-9 after {CHECKED} steps."
    )
    return Section("A whole training step by tape", note, ["network", "engine", "µs a step", "×"], rows, targets)


def targets_of(work: str, hidden: int, times: dict[str, list[Figures]]) -> list[Target]:
    """What is asked of the step."""
    ours = times.get("glassgrad")
    if not ours:
        return []
    found = []
    if hidden == SIZES[0] and has_avx512():
        found.append(at_most(f"{work}, a whole step", median_of(ours, "step"), 20, "µs"))
    bounds = {"tensors nn": 10, "jax": 3} if hidden == SIZES[0] else dict.fromkeys(PEERS, 1)
    found += [
        at_least(f"{work}, against {NAMES[name]}", ratio(times[name], ours, "step"), bound)
        for name, bound in bounds.items()
        if name in times
    ]
    if hidden == SIZES[0] and "c" in times:
        found.append(within(f"{work}, beside {NAMES['c']}", ratio(ours, times["c"], "step"), 2.5))
    if "c" in times and "glassgrad fit" in times:
        bound = 2 if hidden == SIZES[0] else 1.4
        found.append(
            within(f"{work} by nn.fit, beside {NAMES['c']}", ratio(times["glassgrad fit"], times["c"], "step"), bound)
        )
    return found
