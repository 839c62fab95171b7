"""The cost of a node on a tape: recorded, replayed forward and backward, and in memory.

In the chain `y = y*w + x` of `node_costs`, with w and x as inputs: nothing of it can be joined into longer ones.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

from engines import ENGINES, Engine, has_avx512, missing
from node_costs import resident
from tables import Section, Target, at_least, at_most, median_of, number, ratio, within
from workers import Figures, Job, check_same, clock, in_turns, workers

NODES = 20_000
NODES_IN_MEMORY = 200_000
ROWS = (1, 8, 64)
INPUTS = 0.999, 0.001
REPEATS = {"glassgrad": 100, "pure": 1, "casadi": 100}

Evaluate = Callable[[], None]
"""Puts the numbers and the gradients of all rows where the engine puts them."""


def row(number: int) -> tuple[float, float]:
    """w and x of a row: near each other, so that all rows take the same time."""
    return INPUTS[0], INPUTS[1] * (1.0 + number / 100)


class TapeChain:
    """The chain by a tape of glassgrad."""

    def __init__(self, engine: Engine) -> None:
        self.autograd = engine.load()

    def chain(self, nodes: int) -> Callable[[Any, Any], Any]:
        """The function that is recorded."""

        def chain(w: Any, x: Any) -> Any:
            y = self.autograd.Value(1.0)
            for _ in range(nodes // 2):
                y = y * w + x
            return y

        return chain

    def record(self, nodes: int) -> Any:
        """The tape."""
        return self.autograd.record(self.chain(nodes), inputs=INPUTS)

    def eager(self, nodes: int) -> None:
        """What recording does without a tape: the function alone."""
        self.chain(nodes)(*(self.autograd.Value(x) for x in INPUTS))

    def evaluation(self, tape: Any, rows: int) -> tuple[Evaluate, Callable[[], list[float]]]:
        """A replay of the rows; and what came of it: each row's number and gradients."""
        batch = array("d", [x for i in range(rows) for x in row(i)])
        found: tuple[Any, Any] = ((), ())

        def evaluate() -> None:
            nonlocal found
            found = tape.value_and_grad(batch)

        return evaluate, lambda: [*found[0], *found[1]]

    def bytes_of(self, nodes: int) -> Figures:
        """Bytes a node: of a replay in lanes by the tape's account, and by how much the process grows after one."""
        self.record(100).value_and_grad(array("d", INPUTS * 8))  # code and small change
        chain = self.chain(nodes)
        before = resident()
        tape = self.autograd.record(chain, inputs=INPUTS)
        recorded = resident() - before
        tape.value_and_grad(array("d", INPUTS * 8))
        return {
            "stated": tape.stats()["bytes"] / nodes,
            "recorded": recorded / nodes,
            "replayed": (resident() - before) / nodes,
        }


class CasadiChain:
    """The chain as a function of CasADi, run by its virtual machine into buffers that are kept."""

    def __init__(self, engine: Engine) -> None:
        self.casadi = engine.load()

    def record(self, nodes: int) -> Any:
        """The function that gives the number and its gradient."""
        w, x = self.casadi.SX.sym("w"), self.casadi.SX.sym("x")
        y = self.casadi.SX(1.0)
        for _ in range(nodes // 2):
            y = y * w + x
        gradient = self.casadi.gradient(y, self.casadi.vertcat(w, x))
        return self.casadi.Function("chain", [w, x], [y, gradient])

    def eager(self, nodes: int) -> None:
        """Nothing: CasADi has no numbers while it records."""

    def evaluation(self, function: Any, rows: int) -> tuple[Evaluate, Callable[[], list[float]]]:
        """One evaluation a row."""
        buffers = []
        kept = []
        for i in range(rows):
            buffer, evaluate_row = function.buffer()
            places = [array("d", [x]) for x in row(i)] + [array("d", [0.0]), array("d", [0.0, 0.0])]
            for j in range(2):
                buffer.set_arg(j, memoryview(places[j]))
                buffer.set_res(j, memoryview(places[2 + j]))
            buffers.append(evaluate_row)
            kept.append((buffer, places))

        def evaluate() -> None:
            for evaluate_row in buffers:
                evaluate_row()

        def found() -> list[float]:
            numbers = [places[2][0] for _, places in kept]
            return numbers + [x for _, places in kept for x in places[3]]

        return evaluate, found


class Work:
    """Measures one engine."""

    def __init__(self, engine: Engine) -> None:
        self.chain = CasadiChain(engine) if engine.key == "casadi" else TapeChain(engine)
        self.tape: Any = None

    def measure(self, repeats: int = 1, memory: bool = False) -> Figures:
        """Nanoseconds a node, and a node and row; or bytes a node, which is measured once in a fresh process."""
        if memory:
            assert isinstance(self.chain, TapeChain)
            return self.chain.bytes_of(NODES_IN_MEMORY)
        self.tape = None
        start = clock()
        self.tape = self.chain.record(NODES)
        recorded = clock()
        self.chain.eager(NODES)
        figures = {"record": (recorded - start) / NODES, "eager": (clock() - recorded) / NODES}
        for rows in ROWS:
            evaluate, found = self.chain.evaluation(self.tape, rows)
            count = max(1, repeats // rows)
            evaluate()
            start = clock()
            for _ in range(count):
                evaluate()
            figures[f"{rows}"] = (clock() - start) / count / rows / NODES
            numbers = found()
            figures[f"number {rows}"] = numbers[rows - 1]
            figures[f"gradient {rows}"] = numbers[-2]
        return figures


def section(rounds: int) -> Section:
    """The table of all engines."""
    times = in_turns("tape_chain", {key: Job(key, {"repeats": count}) for key, count in REPEATS.items()}, rounds)
    for rows in ROWS:
        for figure in (f"number {rows}", f"gradient {rows}"):
            check_same(f"the chain, {rows} rows", times, figure)
    ours = times.get("glassgrad")
    table = []
    for key in REPEATS:
        if key not in times:
            table.append([f"{ENGINES[key].title}: {missing(ENGINES[key])}", *["–"] * 8])
            continue
        cells = [ENGINES[key].versioned()]
        for part in ("record", *map(str, ROWS)):
            cells += [number(median_of(times[key], part)), str(ratio(times[key], ours, part)) if ours else "–"]
        table.append(cells)
    sizes = memory()
    note = (
        f"The chain `y = y*w + x` of {NODES:,} nodes, w and x inputs: medians of {rounds} rounds in turns; × is the "
        "ratio to glassgrad in the same round. Record is nanoseconds a node from the call to a tape that can be "
        f"replayed, the function's own run included{eager_share(ours)}; for CasADi from symbols to a function of the "
        "number and its gradient. The others are nanoseconds a node and row, forward and backward, both gradients, of "
        "1, 8 and 64 rows; CasADi's virtual machine takes one row at a time, into buffers that are kept. The numbers "
        f"and gradients agree to 1e-9.{sizes}"
    )
    headers = ["engine", "record", "×"]
    for rows in ROWS:
        headers += [f"{rows} row{'s' * (rows > 1)}", "×"]
    return Section("A node on a tape", note, headers, table, targets(times))


def eager_share(ours: list[Figures] | None) -> str:
    """How much of recording the function alone is."""
    return f" ({number(median_of(ours, 'eager'))} of them when it runs without a tape)" if ours else ""


def memory() -> str:
    """What the note says of memory."""
    with workers("tape_chain", {"glassgrad": Job("glassgrad", {})}) as found:
        for worker in found.values():
            sizes = worker.ask(memory=True)
            return (
                f" Memory: a replay of 8 rows takes {number(sizes['stated'])} bytes a node; a process grows "
                f"by {number(sizes['recorded'])} bytes a node when it records {NODES_IN_MEMORY:,}, by "
                f"{number(sizes['replayed'])} with its first replay."
            )
    return ""


def targets(times: dict[str, list[Figures]]) -> list[Target]:
    """What is asked of a node; absolute figures only of processors with AVX-512."""
    ours = times.get("glassgrad")
    if not ours:
        return []
    found = [
        at_most("record a tape, a node", median_of(ours, "record"), 250, "ns"),
        within("record a tape, against its function alone", ratio(ours, ours, "record", "eager"), 7),
    ]
    if has_avx512():
        found += [
            at_most(f"replay, forward and backward, a node and row of {rows}", median_of(ours, rows), bound, "ns")
            for rows, bound in (("1", 3.5), ("8", 0.9))
        ]
    if "casadi" in times:
        found += [
            at_least(f"replay of {rows} against {ENGINES['casadi'].title}", ratio(times["casadi"], ours, rows), 2)
            for rows in ("1", "8")
        ]
    return found
