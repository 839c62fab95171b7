"""What transforms cost, beside the function's own run with `backward()`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engines import ENGINES, Engine
from tables import Section, Target, at_most, median_of, number, ratio, within
from workers import Figures, clock, in_turns, same_job

NODES = 80_000
SMALL_CALLS = 500
BOUNDS = {"value_and_grad": 1.3, "hvp": 25}
TRANSFORMS = ("value_and_grad", "jvp", "hvp")


class Work:
    """Measures one build of glassgrad."""

    def __init__(self, engine: Engine) -> None:
        autograd = engine.load()
        self.value: Callable[[float], Any] = engine.value
        self.nodes = 0
        small = autograd.value_and_grad(lambda x: x * x + 1.0)
        value_and_grad = autograd.value_and_grad(self.function)
        self.calls: dict[str, Callable[[], object]] = {
            "own run": self.own_run,
            "value_and_grad": lambda: value_and_grad(0.7),
            "jvp": lambda: autograd.jvp(self.function, (0.7,), (1.0,)),
            "hvp": lambda: autograd.hvp(self.function, (0.7,), (1.0,)),
            "two nodes": lambda: [small(3.0) for _ in range(SMALL_CALLS)],
        }

    def function(self, x: Any) -> Any:
        """Products, sums, tanh and sin, in a chain."""
        y = x
        for _ in range(self.nodes // 7):
            y = (y * x + 0.5).tanh() * x + x.sin() * 0.01
        return y

    def own_run(self) -> None:
        """What a transform is held against."""
        self.function(self.value(0.7)).backward()

    def measure(self, nodes: int) -> Figures:
        """Microseconds of each call; of one call, where there are two nodes."""
        self.nodes = nodes
        figures = {}
        for name, call in self.calls.items():
            start = clock()
            call()
            figures[name] = (clock() - start) / 1000
        figures["two nodes"] /= SMALL_CALLS
        return figures


def section(rounds: int) -> Section:
    """The table of both builds."""
    times = in_turns("transform_costs", same_job(("glassgrad", "pure"), nodes=NODES), rounds)
    rows = []
    for key, figures in times.items():
        cells = [ENGINES[key].title, number(median_of(figures, "own run") / 1000)]
        cells += [str(ratio(figures, figures, name, "own run")) for name in TRANSFORMS]
        rows.append([*cells, number(median_of(figures, "two nodes"))])
    targets: list[Target] = []
    if ours := times.get("glassgrad"):
        targets = [within(name, ratio(ours, ours, name, "own run"), bound) for name, bound in BOUNDS.items()]
        targets.append(at_most("value_and_grad of two nodes", median_of(ours, "two nodes"), 5, "µs"))
    note = (
        f"A function of {NODES:,} nodes (products, sums, tanh, sin): milliseconds of its own run with `backward()`, "
        "how many times that a transform takes in the same round, with quartiles, and microseconds of a call of "
        f"`value_and_grad` of a function of two nodes; {rounds} rounds."
    )
    return Section("Transforms", note, ["build", "own run", *TRANSFORMS, "two nodes"], rows, targets)
