"""The cost of a node: recorded, in the backward pass, freed, and in memory, in a chain `y = y*w + x`."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from engines import ENGINES, SCALARS, Engine, missing
from tables import Section, Target, at_least, at_most, median_of, number, ratio
from workers import Figures, clock, in_turns, same_job, workers

NODES = 20_000
REPEATS = 3
NODES_IN_MEMORY = 200_000
PARTS = ("record", "backward", "free")


class ValueChain:
    """The chain by an engine whose numbers are objects with `backward`."""

    def __init__(self, engine: Engine) -> None:
        engine.load()
        self.value: Callable[[float], Any] = engine.value
        # micrograd: a node's closure refers to the node; plain: the sort's inner function refers to itself, and to all
        self.is_cyclic = engine.key in ("micrograd", "plain")

    def record(self, nodes: int) -> Any:
        """The last node."""
        w, x, y = self.value(0.999), self.value(0.001), self.value(1.0)
        for _ in range(nodes // 2):
            y = y * w + x
        return y

    def prepare(self, root: Any) -> Any:
        """What backward is to start from."""
        return root

    def backward(self, root: Any) -> None:
        """The gradients of w and x."""
        root.backward()

    def forget(self) -> int:
        """Give back what dropping the last node did not; the nanoseconds in it that are not for the chain."""
        if not self.is_cyclic:
            return 0
        gc.collect()
        start = clock()
        gc.collect()
        return 2 * (clock() - start)  # this collection, and its like inside the first


class XadChain:
    """The chain on a tape of XAD, whose graph lives on the tape: freeing clears it."""

    def __init__(self, engine: Engine) -> None:
        engine.load()
        first_order = import_module("xad.adj_1st")
        self.number: Any = first_order.Real
        self.tape: Any = first_order.Tape()
        self.tape.activate()

    def record(self, nodes: int) -> Any:
        """The last number."""
        w, x, y = self.number(0.999), self.number(0.001), self.number(1.0)
        self.tape.registerInputs([w, x])
        self.tape.newRecording()
        for _ in range(nodes // 2):
            y = y * w + x
        return y

    def prepare(self, root: Any) -> Any:
        """The output, registered."""
        self.tape.registerOutput(root)
        root.derivative = 1.0
        return root

    def backward(self, root: Any) -> None:
        """Adjoints of the whole tape."""
        self.tape.computeAdjoints()

    def forget(self) -> int:
        """Clear the tape."""
        self.tape.clearAll()
        return 0


class CasadiChain:
    """The chain as a symbolic expression; its gradient is another, made once and evaluated as often as wanted."""

    def __init__(self, engine: Engine) -> None:
        self.casadi = engine.load()
        self.symbols: tuple[Any, Any] = self.casadi.SX.sym("w"), self.casadi.SX.sym("x")

    def record(self, nodes: int) -> Any:
        """The expression."""
        w, x = self.symbols
        y = self.casadi.SX(1.0)
        for _ in range(nodes // 2):
            y = y * w + x
        return y

    def prepare(self, root: Any) -> Any:
        """The function that gives the number and its gradient."""
        gradient = self.casadi.gradient(root, self.casadi.vertcat(*self.symbols))
        return self.casadi.Function("gradient", list(self.symbols), [root, gradient])

    def backward(self, root: Any) -> None:
        """One evaluation, forward part included."""
        root(0.999, 0.001)

    def forget(self) -> int:
        """Nothing is left."""
        return 0


def chain_of(engine: Engine) -> ValueChain | XadChain | CasadiChain:
    """The chain as the engine does it."""
    if engine.key == "xad":
        return XadChain(engine)
    return CasadiChain(engine) if engine.key == "casadi" else ValueChain(engine)


class Work:
    """Measures one engine."""

    def __init__(self, engine: Engine) -> None:
        self.chain = chain_of(engine)

    def measure(self, nodes: int, repeats: int = 1, memory: bool = False) -> Figures:
        """Nanoseconds a node, the median of a few; or bytes a node, which is measured once in a fresh process."""
        if memory:
            return self.bytes_of(nodes)
        times = [self.times_of(nodes) for _ in range(repeats)]
        return {name: median_of(times, name) for name in times[0]}

    def times_of(self, nodes: int) -> Figures:
        """Nanoseconds a node of one chain."""
        start = clock()
        root = self.chain.record(nodes)
        recorded = clock()
        function = self.chain.prepare(root)
        prepared = clock()
        self.chain.backward(function)
        done = clock()
        del root, function
        unrelated = self.chain.forget()
        freed = clock()
        spans = {
            "record": recorded - start,
            "prepare": prepared - recorded,
            "backward": done - prepared,
            "free": freed - done - unrelated,
        }
        return {name: span / nodes for name, span in spans.items()}

    def bytes_of(self, nodes: int) -> Figures:
        """Bytes a node: by how much the process grows."""
        before = resident()
        root = self.chain.record(nodes)
        grown = resident() - before
        del root
        return {"bytes": grown / nodes}


def resident() -> int:
    """Bytes of memory that the process has; 0 where the system does not tell in this way."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def section(rounds: int) -> Section:
    """The table of all engines."""
    times = in_turns("node_costs", same_job(SCALARS, nodes=NODES, repeats=REPEATS), rounds)
    sizes: dict[str, float] = {}
    for key in SCALARS:
        with workers("node_costs", same_job([key])) as found:
            for worker in found.values():
                sizes[key] = worker.ask(nodes=NODES_IN_MEMORY, memory=True)["bytes"]
    ours = times.get("glassgrad")
    rows = []
    for key in SCALARS:
        engine = ENGINES[key]
        if key not in times:
            rows.append([f"{engine.title}: {missing(engine)}", *["–"] * 7])
            continue
        cells = [engine.versioned()]
        for part in PARTS:
            cells += [number(median_of(times[key], part)), str(ratio(times[key], ours, part)) if ours else "–"]
        rows.append([*cells, number(sizes[key])])
    prepared = number(median_of(times["casadi"], "prepare")) if "casadi" in times else "–"
    note = (
        f"Nanoseconds a node, in a chain `y = y*w + x` of {NODES:,} nodes: median of {rounds} rounds in turns, each "
        f"the median of {REPEATS}; × is the ratio to compiled glassgrad in the same round, with quartiles. Bytes a "
        f"node: by how much a fresh process grows over {NODES_IN_MEMORY:,} nodes. XAD: backward is `computeAdjoints`, "
        "free is `clearAll` of its tape. CasADi: record builds an expression without numbers; backward is one "
        "evaluation, forward included, of the function made from it and its gradient (making that function costs "
        f"{prepared} ns a node, once). micrograd and the plain class: free is a collection, as each leaves its graph "
        "in cycles."
    )
    headers = ["engine", "record", "×", "backward", "×", "free", "×", "bytes"]
    return Section("A node", note, headers, rows, targets(times))


def targets(times: dict[str, list[Figures]]) -> list[Target]:
    """What is asked of a node."""
    found = []
    if ours := times.get("glassgrad"):
        found = [
            at_most("record a node", median_of(ours, "record"), 45, "ns"),
            at_most("backward, a node", median_of(ours, "backward"), 10, "ns"),
        ]
        for part, key, bound in (
            ("record", "plain", 7),
            ("record", "micrograd", 40),
            ("record", "xad", 10),
            ("record", "torch", 40),
            ("backward", "plain", 50),
        ):
            if key in times:
                found.append(at_least(f"{part}, against {ENGINES[key].title}", ratio(times[key], ours, part), bound))
    if "micrograd" in times:
        for part in PARTS:
            spread = ratio(times["micrograd"], times["pure"], part)
            found.append(at_least(f"pure, {part}, against micrograd", spread, 1))
    return found
