"""The cost of a node in graphs of ten thousand to ten million: the caches' doing, not the algorithm's."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import node_costs
from engines import ENGINES
from tables import Section, Target, at_most, median_of, number
from workers import Figures, same_job, workers

SIZES = {
    "glassgrad": (10_000, 30_000, 100_000, 300_000, 1_000_000, 4_000_000, 10_000_000),
    "pure": (10_000, 30_000, 100_000, 300_000, 1_000_000),
}
REPEATED = 1_000_000  # smaller graphs are measured as often as makes so many nodes
BOUND = 2.5
BACKWARD_BOUND, BACKWARD_GROWTH, BACKWARD_LARGEST = 12, 1.5, 4_000_000  # ns; the dearest over the cheapest; up to where

Costs = dict[str, dict[int, Figures]]


def measured(rounds: int, largest: int) -> Costs:
    """The median costs of a node by build and size."""
    costs: Costs = {}
    for key, sizes in SIZES.items():
        with workers("node_costs", same_job([key])) as found:
            for worker in found.values():
                times: dict[int, list[Figures]] = {size: [] for size in sizes if size <= largest}
                for _ in range(rounds):
                    for size, figures in times.items():
                        figures += [worker.ask(nodes=size) for _ in range(max(1, REPEATED // size // rounds))]
                costs[key] = {
                    size: {part: median_of(figures, part) for part in node_costs.PARTS}
                    for size, figures in times.items()
                }
    return costs


def total(figures: Figures) -> float:
    """Recorded, differentiated and freed."""
    return figures["record"] + figures["backward"] + figures["free"]


def targets_of(by_size: dict[int, Figures]) -> list[Target]:
    """What is asked of all parts together, and of backward."""
    totals = [total(figures) for figures in by_size.values()]
    growth = max(totals) / min(totals)
    passes = {size: figures["backward"] for size, figures in by_size.items() if size <= BACKWARD_LARGEST}
    span = f"{min(passes):,} to {max(passes):,} nodes"
    growth_of_passes = max(passes.values()) / min(passes.values())
    return [
        growth_target(f"a node, {min(by_size):,} to {max(by_size):,} nodes", growth, BOUND),
        at_most(f"backward, a node, the dearest of {span}", max(passes.values()), BACKWARD_BOUND, "ns"),
        growth_target(f"backward, a node, {span}", growth_of_passes, BACKWARD_GROWTH),
    ]


def growth_target(work: str, growth: float, bound: float) -> Target:
    """A target for the dearest over the cheapest."""
    return Target(f"{work}, dearest over cheapest", f"≤ {bound}×", f"{growth:.2f}×", growth <= bound)


def section(rounds: int, largest: int, image: Path | None = None) -> Section:
    """The table, and the plot where a path is given for it."""
    costs = measured(rounds, largest)
    rows, targets = [], []
    for key, by_size in costs.items():
        for size, figures in by_size.items():
            parts = [number(figures[part]) for part in node_costs.PARTS]
            rows.append([ENGINES[key].title, f"{size:,}", *parts, number(total(figures))])
        if key == "glassgrad":
            targets += targets_of(by_size)
    if image:
        plot(costs, image)
    note = (
        "Nanoseconds a node in chains of each length, medians; larger graphs fall out of the processor's caches, and "
        "their memory comes from the system instead of from what was freed before."
    )
    shown = f"![The cost of a node by the size of the graph](images/{image.name})" if image else ""
    headers = ["build", "nodes", *node_costs.PARTS, "all"]
    return Section("The size of the graph", note, headers, rows, targets, shown)


def plot(costs: Costs, path: Path) -> None:
    """One panel a build, one line a part."""
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "glassgrad", "svg.fonttype": "none", "font.size": 9})
    figure, panels = import_module("matplotlib.pyplot").subplots(
        1, len(costs), figsize=(4 * len(costs), 3), squeeze=False
    )
    for axes, (key, by_size) in zip(panels[0], costs.items(), strict=True):
        sizes = list(by_size)
        for part, marker in zip(node_costs.PARTS, "osv", strict=True):
            axes.plot(sizes, [by_size[size][part] for size in sizes], marker=marker, label=part)
        axes.plot(sizes, [total(by_size[size]) for size in sizes], marker="D", color="black", label="all")
        axes.set(
            xscale="log", xlabel="nodes in the graph", ylabel="ns a node", title=ENGINES[key].title, ylim=(0, None)
        )
        axes.grid(alpha=0.3)
    panels[0][-1].legend(loc="upper left")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
