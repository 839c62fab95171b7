"""Random tapes through every executor against the Python interpreter, and pickles of tapes with faults in them.

python tools/fuzz_tapes.py                       100,000 tapes, 10,000 pickles, from seed 0
python tools/fuzz_tapes.py --tapes 0 --pickles 10000

A tape is that of a random function of `tests/tapes.py`, its rows now and then with inf, nan and signed zeros. Every
number of a compiled replay must have the bits of the interpreter's. A pickle with faults must be refused with an
exception, or be a tape that runs: no crash, no hang. A difference prints its seed, and the exit status is 1. Most is
seen where the core is built with sanitizers: `make sanitize` runs this as well.
"""

from __future__ import annotations

import argparse
import pickle
import random
import signal
import sys
import time
import warnings
from array import array
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import tapes

from autograd import Value
from autograd.tape.interpreter import Interpreter
from autograd.tape.pickling import packed, unpacked
from autograd.tape.replay import Rows, Sums, choose_executor, executor, executors, interpret
from autograd.tape.tape import Tape

CHUNK = 100
SECONDS = 60  # that one pickle may take


@dataclass
class Tally:
    """What some cases came to."""

    cases: int = 0
    instructions: int = 0
    rows: int = 0
    refused: int = 0
    mismatches: tuple[str, ...] = ()

    def add(self, other: Tally) -> None:
        """Take another tally in."""
        self.cases += other.cases
        self.instructions += other.instructions
        self.rows += other.rows
        self.refused += other.refused
        self.mismatches += other.mismatches


def random_tape(rng: random.Random) -> tuple[Tape, list[list[float]]]:
    """A tape, and rows for it."""
    special = rng.choice((0.0, 0.0, 0.1, 0.3))
    function = tapes.function(rng, special)
    rows = function.rows(rng, special, rng.choice((1, 2, 3, 5, 8, 9, 17)))
    params = [Value(x) for x in function.params]
    return function.record(params, rows[0]), rows


def by_interpreter(tape: Tape, rows: list[list[float]]) -> list[array[float]]:
    """Outputs, gradients by the inputs, and sums of the parameters' gradients."""
    numbers = array("d", [x for row in rows for x in row])
    outputs, gradients = array("d", bytes(8 * len(rows) * tape.output_count)), array("d", bytes(8 * len(numbers)))
    sums = Sums(len(tape.params))
    seeds, places = array("d", [1.0]) * tape.output_count, array("i", range(len(tape.params)))
    given = Rows(numbers, len(rows), outputs, seeds, gradients, sums, places)
    assert interpret(Interpreter(tape._form.flat), [p.data for p in tape.params], given) is None
    summed = [x if needed else 0.0 for x, needed in zip(sums.finish(), tape.param_needed, strict=True)]
    return [outputs, gradients, array("d", summed)]


def by_executor(tape: Tape, rows: list[list[float]]) -> list[array[float]]:
    """The same by the executor that is chosen."""
    for parameter in tape.params:
        parameter.grad = 0.0
    numbers = array("d", [x for row in rows for x in row])
    outputs, gradients = tape.value_and_grad(numbers)
    return [outputs, gradients, array("d", [p.grad for p in tape.params])]


def run_tapes(seeds: range) -> Tally:
    """Run the tapes of some seeds both ways."""
    tally = Tally()
    for seed in seeds:
        rng = random.Random(seed)
        tape, rows = random_tape(rng)
        choose_executor(rng.choice(executors()))
        wanted, found = by_interpreter(tape, rows), by_executor(tape, rows)
        tally.cases += 1
        tally.instructions += len(tape)
        tally.rows += len(rows)
        for a, b in zip(wanted, found, strict=True):
            if [tapes.bits(x) for x in a] != [tapes.bits(x) for x in b]:
                tally.mismatches += (f"tape of seed {seed}: {a} by the interpreter, {b} by {executor()}\n{tape}",)
                break
    return tally


def run_pickles(seeds: range) -> Tally:
    """Load pickles with faults, and run what they give."""
    tally = Tally()
    signal.signal(signal.SIGALRM, _give_up)
    for seed in seeds:
        rng = random.Random(seed)
        tape, rows = random_tape(rng)
        tally.cases += 1
        signal.alarm(SECONDS)
        try:
            if rng.random() < 0.5:
                # pickle's Python half: the C half fills the memory where a broken index of its memo is large
                damaged: Any = pickle._loads(bytes_with_faults(rng, pickle.dumps(tape)))  # type: ignore[attr-defined]
            else:
                damaged = Tape(*unpacked(state_with_faults(rng, packed(tape._form)), tape.params))
            if isinstance(damaged, Tape):
                damaged.value_and_grad([rows[0][: damaged.input_count] + [1.0] * (damaged.input_count - len(rows[0]))])
                str(damaged)
        except TimeoutError:
            tally.mismatches += (f"pickle of seed {seed}: it hangs",)
        except Exception:  # whatever it says, it was said
            tally.refused += 1
        signal.alarm(0)
    return tally


def _give_up(*_: object) -> None:
    raise TimeoutError


def bytes_with_faults(rng: random.Random, data: bytes) -> bytes:
    """A few bytes changed, left out or doubled."""
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(len(damaged))
        kind = rng.random()
        if kind < 0.7:
            damaged[at] = rng.randrange(256)
        elif kind < 0.85:
            del damaged[at : at + rng.randint(1, 4)]
        else:
            damaged[at:at] = damaged[at : at + rng.randint(1, 4)]
    return bytes(damaged)


def state_with_faults(rng: random.Random, state: dict[str, Any]) -> dict[str, Any]:
    """A few numbers of the arrays changed: most of such states look whole."""
    damaged = {name: value[:] if isinstance(value, array | list) else value for name, value in state.items()}
    for _ in range(rng.choice((1, 1, 2, 3))):
        name = rng.choice(sorted(damaged))
        value = damaged[name]
        if isinstance(value, array) and value.typecode == "i" and len(value):
            at = rng.randrange(len(value))
            value[at] = rng.choice((value[at] + 1, value[at] - 1, -1, 0, 2**31 - 1, -(2**31), rng.randrange(-9, 40)))
        elif isinstance(value, array | list) and value and rng.random() < 0.5:
            value.pop()
        elif isinstance(value, list) and value:
            value[rng.randrange(len(value))] = rng.choice(("sum", "dot", "take", "less", "tanh", "taped", "x"))
        else:
            damaged[name] = rng.choice((None, -1, 2, "x", [], True))
    return damaged


def run_all(kind: str, run: Any, count: int, seed: int) -> Tally:
    """All cases of a kind, on all cores, and a line on them."""
    began, total = time.monotonic(), Tally()
    chunks = [range(at, min(at + CHUNK, seed + count)) for at in range(seed, seed + count, CHUNK)]
    with ProcessPoolExecutor() as pool:  # which says so where a process dies
        for tally in pool.map(run, chunks):
            for mismatch in tally.mismatches:
                print(mismatch, file=sys.stderr)
            total.add(tally)
    seconds = time.monotonic() - began
    detail = f"{total.instructions:,} instructions, {total.rows:,} rows" if total.rows else f"{total.refused:,} refused"
    print(f"{total.cases:,} {kind} ({detail}) in {seconds:.0f} s: {len(total.mismatches)} faults")
    return total


def main() -> int:
    """Run and report; exit with 1 where anything differs or hangs."""
    parser = argparse.ArgumentParser(description="Compare replays of random tapes with the Python interpreter's.")
    parser.add_argument("--tapes", type=int, default=100_000, help="how many")
    parser.add_argument("--pickles", type=int, default=10_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"executors: {', '.join(executors())}")
    found = run_all("tapes", run_tapes, arguments.tapes, arguments.seed).mismatches if arguments.tapes else ()
    if arguments.pickles:
        found += run_all("pickles", run_pickles, arguments.pickles, arguments.seed).mismatches
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
