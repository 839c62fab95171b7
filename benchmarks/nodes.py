"""The cost of a node: recorded, and in the backward pass, for each engine in turn.

    python benchmarks/nodes.py

The work is a chain `y = y*w + x`. Engines take turns, round after round, so that a slow moment of the machine meets
all of them; the table gives medians, and the ratio of each round to glassgrad's time in the same round.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module, metadata
from typing import Any

import plain_value

import autograd

NODES = 20_000
ROUNDS = 15


def chain(value: Callable[[float], Any]) -> Any:
    """A chain of NODES computed nodes; its last."""
    w, x, y = value(0.999), value(0.001), value(1.0)
    for _ in range(NODES // 2):
        y = y * w + x
    return y


def once(value: Callable[[float], Any]) -> tuple[float, float]:
    """Nanoseconds a node of one recording and one backward pass."""
    start = time.perf_counter_ns()
    y = chain(value)
    recorded = time.perf_counter_ns()
    y.backward()
    done = time.perf_counter_ns()
    return (recorded - start) / NODES, (done - recorded) / NODES


def engines() -> dict[str, Callable[[float], Any]]:
    """The engines that are installed, by name; micrograd where the environment has it."""
    found: dict[str, Callable[[float], Any]] = {"glassgrad": autograd.Value, "plain class": plain_value.Value}
    try:
        found[f"micrograd {metadata.version('micrograd')}"] = import_module("micrograd.engine").Value
    except ModuleNotFoundError:
        print("micrograd is not installed: run `make bench` for an environment that has it", file=sys.stderr)
    return found


def main() -> None:
    """Print the table."""
    sys.setrecursionlimit(10 * NODES)  # the others sort by recursion
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in engines()}
    for _ in range(ROUNDS):
        for name, value in engines().items():
            times[name].append(once(value))
    build = "compiled" if autograd.compiled else "pure Python"
    print(f"glassgrad {autograd.__version__} ({build}), Python {platform.python_version()}, {platform.machine()}")
    print(f"chain of {NODES} nodes, median of {ROUNDS} interleaved rounds; ratio to glassgrad in the same round\n")
    print(f"{'engine':<18}{'record ns/node':>16}{'ratio':>8}{'backward ns/node':>20}{'ratio':>8}")
    for name, rounds in times.items():
        cells = []
        for part in (0, 1):
            ratios = [theirs[part] / ours[part] for theirs, ours in zip(rounds, times["glassgrad"], strict=True)]
            cells += [statistics.median(r[part] for r in rounds), statistics.median(ratios)]
        print(f"{name:<18}{cells[0]:>16.0f}{cells[1]:>8.2f}{cells[2]:>20.0f}{cells[3]:>8.2f}")


if __name__ == "__main__":
    main()
