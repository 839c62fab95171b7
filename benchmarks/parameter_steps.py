"""The cost of an optimiser's step, a parameter."""

from __future__ import annotations

import random
from importlib import import_module

from engines import ENGINES, Engine
from tables import Section, Target, at_most, median_of, number
from workers import Figures, clock, in_turns, same_job

PARAMETERS = 5_000
FEW = 9  # parameters, whose step costs little else than what each step costs
BOUNDS = {"Adam.step": 12, "SGD.step": 8, "clip_grad_norm": 12}
FEW_BOUNDS = {"Adam.step": 6, "SGD.step": 4}  # µs


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
        self.few = {f"{kind}.step": getattr(nn, kind)(parameters[:FEW], lr=1e-6).step for kind in kinds}

    def measure(self, repeats: int) -> Figures:
        """Nanoseconds a parameter of each call; microseconds a step of few parameters."""
        figures = {}
        for name, call in self.calls.items():
            call()  # caches that others have emptied since the last turn
            start = clock()
            for _ in range(repeats):
                call()
            figures[name] = (clock() - start) / repeats / PARAMETERS
        for name, call in self.few.items():
            start = clock()
            for _ in range(100 * repeats):
                call()
            figures[f"few {name}"] = (clock() - start) / repeats / 100 / 1e3
        return figures


def section(rounds: int) -> Section:
    """The table of both builds."""
    times = in_turns("parameter_steps", same_job(("glassgrad", "pure"), repeats=5), rounds)
    names = [name for name in next(iter(times.values()))[0] if not name.startswith("few ")]
    rows = []
    for few in (False, True):
        for key, figures in times.items():
            title = ENGINES[key].title + (f", {FEW} parameters, µs a step" if few else "")
            found = [f"few {name}" if few else name for name in names]
            rows.append([title, *(number(median_of(figures, name)) if name in figures[0] else "–" for name in found)])
    targets: list[Target] = []
    if ours := times.get("glassgrad"):
        targets = [
            at_most(f"{name}, a parameter", median_of(ours, name), bound, "ns") for name, bound in BOUNDS.items()
        ]
        targets += [
            at_most(f"{name} of {FEW} parameters", median_of(ours, f"few {name}"), bound, "µs")
            for name, bound in FEW_BOUNDS.items()
        ]
    note = (
        f"Nanoseconds a parameter, of {PARAMETERS:,}, and microseconds a step of {FEW}, which is what a step costs "
        f"besides its parameters; {rounds} rounds of 5 calls, of 500 where they are few."
    )
    return Section("An optimiser's step", note, ["build", *names], rows, targets)
