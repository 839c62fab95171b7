"""Each engine works in a process of its own, and they take turns: one round here is one round of each.

So the two builds of glassgrad meet in one run, the garbage collector sees only what its own engine made, and a slow
moment of the machine meets all. Times are of the processor (user and system), not of the clock on the wall: what else
the machine does is left out.

    python benchmarks/workers.py PART ENGINE       reads settings as lines of JSON, answers with figures
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from engines import ENGINES, Engine, environment_of, missing

Figures = dict[str, float]

clock = time.process_time_ns


class Stopwatch:
    """Times peers that work on more than one thread, whose processor times add up: it takes the wall's time if less."""

    def __init__(self) -> None:
        self.started = clock(), time.perf_counter_ns()

    def seconds(self) -> float:
        """How long ago it was made."""
        return min(clock() - self.started[0], time.perf_counter_ns() - self.started[1]) / 1e9


class Worker:
    """The process of one engine at one part of the benchmarks, its tapes replayed by the executor if one is named."""

    def __init__(self, part: str, engine: Engine, executor: str = "") -> None:
        self.part = part
        self.engine = engine
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), part, engine.key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment_of(engine) | ({"GLASSGRAD_SIMD": executor} if executor else {}),
        )

    def ask(self, **settings: Any) -> Figures:
        """The figures of one measurement."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(settings) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise SystemExit(f"{self.engine.title} failed at {self.part}: see the traceback above")
        figures: Figures = json.loads(answer)
        return figures

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@dataclass(frozen=True)
class Job:
    """An engine and what it is asked for each round; the executor of its tapes, where it is not the best one."""

    engine: str
    settings: dict[str, Any]
    executor: str = ""


def same_job(engines: Iterable[str], **settings: Any) -> dict[str, Job]:
    """The same for each of these engines."""
    return {key: Job(key, settings) for key in engines}


@contextmanager
def workers(part: str, jobs: dict[str, Job]) -> Iterator[dict[str, Worker]]:
    """A worker for each job whose engine is here."""
    with ExitStack() as stack:
        found = {}
        for name, job in jobs.items():
            if not missing(ENGINES[job.engine]):
                found[name] = Worker(part, ENGINES[job.engine], job.executor)
                stack.callback(found[name].close)
        yield found


def in_turns(part: str, jobs: dict[str, Job], rounds: int) -> dict[str, list[Figures]]:
    """The figures of each job, round by round; a first round warms up and is left out."""
    with workers(part, jobs) as found:
        times: dict[str, list[Figures]] = {name: [] for name in found}
        for number in range(rounds + 1):
            for name, worker in found.items():
                figures = worker.ask(**jobs[name].settings)
                if number > 0:
                    times[name].append(figures)
        return times


def check_same(what: str, rounds: dict[str, list[Figures]], figure: str = "loss", tolerance: float = 1e-9) -> None:
    """Stop where two that were given the same work came to different numbers."""
    first = next(iter(rounds))
    for name, figures in rounds.items():
        for number, (ours, theirs) in enumerate(zip(rounds[first], figures, strict=True), start=1):
            if not abs(ours[figure] - theirs[figure]) <= tolerance * max(1.0, abs(ours[figure])):
                raise SystemExit(
                    f"{what}, round {number}: {figure} {ours[figure]!r} ({first}), {theirs[figure]!r} ({name})"
                )


def main() -> None:
    """Measure as asked, until there is no more to read."""
    part, key = sys.argv[1:]
    sys.setrecursionlimit(1_000_000)  # engines that sort by recursion, at chains of thousands
    work = import_module(part).Work(ENGINES[key])
    for line in sys.stdin:
        print(json.dumps(work.measure(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
