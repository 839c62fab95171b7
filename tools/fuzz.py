"""Compare the gradients of many random graphs with mpmath's, on all cores.

python tools/fuzz.py                        100,000 graphs, from seed 0
python tools/fuzz.py --graphs 1000000 --seed 5000000
python tools/fuzz.py --show 42              the graph of one seed, as Python

Graphs are those of `tests/graphs.py`: every primitive, shared nodes, one in twenty a chain 200 deep. A mismatch prints
its seed and its graph, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import graphs

CHUNK = 250


@dataclass
class Tally:
    """What some graphs came to."""

    graphs: int = 0
    nodes: int = 0
    compared: int = 0
    flat: int = 0
    sharp: int = 0
    worst: float = 0.0
    mismatches: tuple[str, ...] = ()

    def add(self, other: Tally) -> None:
        """Take another tally in."""
        self.graphs += other.graphs
        self.nodes += other.nodes
        self.compared += other.compared
        self.flat += other.flat
        self.sharp += other.sharp
        self.worst = max(self.worst, other.worst)
        self.mismatches += other.mismatches


def judged(seeds: range) -> Tally:
    """Run the graphs of some seeds."""
    tally = Tally()
    for seed in seeds:
        program = graphs.random_program(seed)
        verdict = graphs.judge(program)
        tally.graphs += 1
        tally.nodes += len(program.inputs) + len(program.instructions)
        tally.compared += verdict.well_conditioned
        tally.flat += math.isinf(verdict.sharpest)
        tally.sharp += verdict.sharpest < 1e-12
        tally.worst = max(tally.worst, verdict.worst)
        if verdict.mismatches:
            tally.mismatches += (f"seed {seed}: {'; '.join(verdict.mismatches)}\n{program}",)
    return tally


def main() -> int:
    """Run and report; exit with 1 where a gradient is wrong."""
    parser = argparse.ArgumentParser(description="Compare gradients of random graphs with mpmath's.")
    parser.add_argument("--graphs", type=int, default=100_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="the first seed; each graph has its own")
    parser.add_argument("--show", type=int, metavar="SEED", help="print the graph of one seed and its verdict")
    arguments = parser.parse_args()
    if arguments.show is not None:
        program = graphs.random_program(arguments.show)
        print(f"{program}\n{graphs.judge(program)}")
        return 0
    start, end = arguments.seed, arguments.seed + arguments.graphs
    chunks = [range(at, min(at + CHUNK, end)) for at in range(start, end, CHUNK)]
    began = time.monotonic()
    total = Tally()
    with multiprocessing.Pool() as pool:
        for tally in pool.imap_unordered(judged, chunks):
            for mismatch in tally.mismatches:
                print(mismatch, file=sys.stderr)
            total.add(tally)
            if sys.stderr.isatty():
                print(f"\r{total.graphs:,} of {arguments.graphs:,}", end="", file=sys.stderr)
    seconds = time.monotonic() - began
    print(
        f"{total.graphs:,} graphs of {total.nodes:,} nodes in {seconds:.0f} s: {len(total.mismatches)} mismatches\n"
        f"{total.compared:,} compared, the rest too ill-conditioned for floats; {total.flat:,} without a gradient;\n"
        f"in {total.sharp:,} a relative error of 1e-12 would have been seen; "
        f"the largest error was {100 * total.worst:.0f} % of its bound"
    )
    return 1 if total.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
