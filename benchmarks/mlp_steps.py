"""A whole SGD step of MLP(2, h, h, 1) on 100 rows by nn.fit and by a tape, beside torch, jax.jit and C written by hand.

nn.fit and the C are timed with each set of instructions that tapes are replayed with on this machine.

relu, mean squared error, doubles, one thread. All start from the same numbers, and must come to the same loss.
"""

from __future__ import annotations

import itertools
import math
import random
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from engines import ENGINES, Engine, has_avx512, missing
from handwritten import INSTRUCTIONS
from moons_step import moons
from tables import Section, Target, at_least, at_most, median_of, number, ratio, within
from workers import Figures, Job, Stopwatch, check_same, in_turns

from autograd.tape.replay import executors

ROWS = 100
RATE = 0.05
CHECKED = 50  # steps after which all must have come to the same loss
SIZES = (16, 64)


@dataclass(frozen=True)
class Contender:
    """A row of the table.

    Attributes:
        title: What it is called there.
        engine: The engine that does the step.
        way: How it does it, where it has several ways.
        steps: The number of steps per round, of the small network.
        executor: The set of instructions, where it is not left to the engine.
    """

    title: str
    engine: str
    way: str
    steps: int
    executor: str = ""


FIT, C = "fit", "c"
PEERS = {
    "torch nn": Contender("torch, its nn and optim", "tensors", "nn", 100),
    "torch": Contender("torch, tensors and foreach", "tensors", "tensors", 100),
    "jax": Contender("jax.jit", "jax", "calls", 300),
    "jax synchronous": Contender("jax.jit, synchronous, donated", "jax synchronous", "calls", 300),
    "jax loop": Contender("jax.jit, all steps in fori_loop", "jax synchronous", "loop", 1000),
}


def sets_of_instructions() -> list[str]:
    """Those that both tapes and the C are timed with here, the best first."""
    return [name for name in reversed(executors()) if name in INSTRUCTIONS]


def contenders() -> dict[str, Contender]:
    """The rows of the table."""
    sets = sets_of_instructions()
    fits = {f"{FIT} {name}": Contender(f"glassgrad, nn.fit, {name}", "glassgrad", FIT, 4000, name) for name in sets}
    limits = {f"{C} {name}": Contender(f"hand-written C, {name}", C, "", 4000, name) for name in sets}
    return {
        **fits,
        "tape": Contender("glassgrad, tape, a loop in Python", "glassgrad", "tape", 1000),
        **PEERS,
        **limits,
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


def jax_training(jax: Any, hidden: int, way: str, donated: bool) -> Train:
    """The step as one compiled function, called once a step and waited for; or all steps in one call."""
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

    def looped(layers: Any, inputs: Any, targets: Any, steps: Any) -> Any:
        return jax.lax.fori_loop(0, steps, lambda _, found: updated(found[0], inputs, targets), (layers, 0.0))

    compiled = jax.jit(updated if way == "calls" else looped, donate_argnums=(0,) if donated else ())
    layers = [(jnp.array(weights), jnp.array(biases)) for weights, biases in first_layers(hidden)]

    def call(*steps: int) -> Any:
        nonlocal layers
        layers, loss = jax.block_until_ready(compiled(layers, inputs, targets, *steps))
        return loss

    return partial(repeated, call, float) if way == "calls" else lambda steps: float(call(steps))


def handwritten_training(handwritten: Any, hidden: int, executor: str) -> Train:
    """The step in C, in a loop in C."""
    written = handwritten.Step(hidden, first_numbers(hidden), rows_of(), executor)
    return lambda steps: float(written.train(steps, RATE))


def training(engine: Engine, hidden: int, way: str, executor: str) -> Train:
    """The step as the engine does it."""
    module = engine.load()
    if engine.key == "tensors":
        return (torch_training if way == "nn" else tensor_training)(module, hidden)
    if engine.module == "jax":
        return jax_training(module, hidden, way, donated=engine.key != "jax")
    if engine.key == C:
        return handwritten_training(module, hidden, executor)
    return (fit_training if way == FIT else glassgrad_training)(hidden)


class Work:
    """Measures one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.train: Train | None = None
        self.loss = 0.0

    def measure(self, hidden: int, steps: int, way: str, executor: str) -> Figures:
        """Microseconds a step, and the loss of an early step; training goes on from call to call."""
        if self.train is None:
            self.train = training(self.engine, hidden, way, executor)
            self.loss = self.train(CHECKED)
        self.train(max(1, steps // 20))  # caches that others have emptied since the last turn
        start = Stopwatch()
        self.train(steps)
        return {"step": 1e6 * start.seconds() / steps, "loss": self.loss}


def jobs(hidden: int) -> dict[str, Job]:
    """One for each row of the table."""
    return {
        name: Job(
            one.engine,
            {
                "hidden": hidden,
                "steps": one.steps * SIZES[0] // hidden,
                "way": one.way,
                "executor": one.executor,
            },
            one.executor,
        )
        for name, one in contenders().items()
    }


def section(rounds: int) -> Section:
    """The table of both sizes."""
    rows, targets = [], []
    for hidden in SIZES:
        work = f"MLP(2, {hidden}, {hidden}, 1)"
        times = in_turns("mlp_steps", jobs(hidden), rounds)
        check_same(work, times)
        ours = next((times[name] for name in times if name.startswith(FIT)), None)
        for name, one in contenders().items():
            if name not in times:
                rows.append([work, f"{one.title}: {missing(ENGINES[one.engine])}", "–", "–"])
                continue
            against = str(ratio(times[name], ours, "step")) if ours else "–"
            rows.append([work, one.title, number(median_of(times[name], "step")), against])
        targets += targets_of(work, hidden, times)
    note = (
        f"Microseconds a whole SGD step on {ROWS} rows of doubles, on one thread: zero_grad, forward, mean squared "
        f"error, backward, SGD. Medians of {rounds} rounds in turns; × is the ratio to the first row in the same "
        "round. nn.fit is called once per round, with all that it sets up, an order of the rows for each step, and the "
        "norm of the gradients; its tape is replayed with each set of instructions of this machine (`GLASSGRAD_SIMD`). "
        "The tape in a loop in Python is replayed on a buffer, without the gradients of the inputs. jax: one compiled "
        "function a step, waited for; once as it comes, once with its dispatch made synchronous and the parameters' "
        "memory donated; and so in `fori_loop`, all steps of a round in one call. C: `handwritten.c`, compiled for the "
        "same instructions with `-O3 -ffp-contract=off -fno-builtin`, in a loop in C, its parameters in plain arrays, "
        f"without momentum, norm and order. Losses agree to 1e-9 after {CHECKED} steps."
    )
    return Section("A whole training step by tape", note, ["network", "engine", "µs a step", "×"], rows, targets)


# how many times a peer's step one of glassgrad's may take, of the small and the large network
BESIDE_C = {"avx512": (1.6, 1.2), "avx2": (2, 1.6), "baseline": (2.5, 2.5)}
OWN_LOOP_BESIDE_C = 2.8
BESIDE_JAX = {"jax synchronous": (0.35, 1), "jax loop": (1, 1.3)}


def targets_of(work: str, hidden: int, times: dict[str, list[Figures]]) -> list[Target]:
    """What is asked of the step."""
    sets = sets_of_instructions()
    if "tape" not in times or not sets:
        return []
    tape, fit, size = times["tape"], times[f"{FIT} {sets[0]}"], SIZES.index(hidden)
    found = []
    if size == 0 and has_avx512():
        found.append(at_most(f"{work}, a whole step", median_of(tape, "step"), 20, "µs"))
    bounds = {"torch nn": 10, "jax": 3} if size == 0 else dict.fromkeys(("torch nn", "torch", "jax"), 1)
    found += [
        at_least(f"{work}, against {PEERS[name].title}", ratio(times[name], tape, "step"), bound)
        for name, bound in bounds.items()
        if name in times
    ]
    for name in sets:
        if f"{C} {name}" in times:
            spread = ratio(times[f"{FIT} {name}"], times[f"{C} {name}"], "step")
            found.append(within(f"{work} by nn.fit, {name}, beside C for the same", spread, BESIDE_C[name][size]))
    if size == 0 and f"{C} {sets[0]}" in times:
        spread = ratio(tape, times[f"{C} {sets[0]}"], "step")
        found.append(within(f"{work} in a loop in Python, beside C", spread, OWN_LOOP_BESIDE_C))
    found += [
        within(f"{work} by nn.fit, beside {PEERS[name].title}", ratio(fit, times[name], "step"), bounds[size])
        for name, bounds in BESIDE_JAX.items()
        if name in times
    ]
    return found
