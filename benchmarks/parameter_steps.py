"""The cost of an optimiser's step, a parameter."""

from __future__ import annotations

import random
from importlib import import_module

from engines import ENGINES, Engine
from tables import Section, Target, at_most, median_of, number
from workers import Figures, clock, in_turns, same_job

PARAMETERS = 5_000
BOUNDS = {"Adam.step": 12, "SGD.step": 8, "clip_grad_norm": 12}


class Work:
    """Measures one build of glassgrad."""

    def __init__(self, engine: Engine) -> None:
        rng = random.Random(5)
        value, nn = engine.load().Value, import_module("nn")
        parameters = [value(rng.gauss(0.0, 1.0)) for _ in range(PARAMETERS)]
        for parameter in parameters:
            parameter.grad = rng.gauss(0.0, 1.0)
        kinds = ("Adam", "SGD", "AdamW", "RMSprop", "Adagrad")
        optimizers = {kind: getattr(nn, kind)(parameters, lr=1e-6) for kind in kinds}
        self.calls = {
            **{f"{kind}.step": optimizer.step for kind, optimizer in optimizers.items()},
            "clip_grad_norm": lambda: nn.clip_grad_norm(parameters, 1e9),
            "zero_grad": optimizers["SGD"].zero_grad,
        }

    def measure(self, repeats: int) -> Figures:
        """Nanoseconds a parameter of each call."""
        figures = {}
        for name, call in self.calls.items():
            call()  # caches that others have emptied since the last turn
            start = clock()
            for _ in range(repeats):
                call()
            figures[name] = (clock() - start) / repeats / PARAMETERS
        return figures


def section(rounds: int) -> Section:
    """The table of both builds."""
    times = in_turns("parameter_steps", same_job(("glassgrad", "pure"), repeats=5), rounds)
    names = list(next(iter(times.values()))[0])
    rows = [
        [ENGINES[key].title, *(number(median_of(figures, name)) for name in names)] for key, figures in times.items()
    ]
    targets: list[Target] = []
    if ours := times.get("glassgrad"):
        targets = [
            at_most(f"{name}, a parameter", median_of(ours, name), bound, "ns") for name, bound in BOUNDS.items()
        ]
    note = f"Nanoseconds a parameter, of {PARAMETERS:,}; {rounds} rounds of 5 calls."
    return Section("An optimiser's step", note, ["build", *names], rows, targets)
