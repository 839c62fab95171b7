"""Trials of faults: each is put into a copy of the tree, in a process of its own, and tests run until one fails.

What `tools/mutate_python.py` and `tools/mutate_core.py` share. A fault is caught where a test fails, where the tests do
not end, and where the process crashes. The copies have their own build, so the tree itself is not touched.
"""

from __future__ import annotations

import collections
import dataclasses
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "build", "dist", "out", "benchmarks", "__pycache__", ".*_cache", ".hypothesis", "*.so", "*.pyd"
)
# A trial may take so many seconds, and so many times what its tests take without a fault: what takes longer hangs.
ALLOWED, FACTOR = 30.0, 4.0
NO_TESTS = 5  # pytest's exit status, of a source without doctests


@dataclass(frozen=True)
class Fault:
    """One change of one file, and the tests that look at what it changes."""

    file: str
    name: str
    tests: tuple[str, ...]
    source: str | None = None
    """The whole file with the fault; None where a switch in the environment makes it."""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What the tables of equivalents call it."""
        return f"{self.file}: {self.name}"


def copy_tree(to: Path) -> Path:
    """Copy what the tests need of the tree, without compiled modules."""
    shutil.copytree(ROOT, to, ignore=LEFT_OUT, symlinks=True)
    return to


# -- one trial -------------------------------------------------------------------------------------------------------
def _preload() -> None:
    """Import what every trial needs and none changes, once, before the processes of the trials are forked."""
    import hypothesis
    import mpmath  # noqa: F401
    import numpy  # noqa: F401
    import pytest  # noqa: F401

    # The same examples each time; what fails need not be made small.
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile("trials", database=None, derandomize=True, deadline=None, phases=phases)
    hypothesis.settings.load_profile("trials")
    assert "autograd" not in sys.modules, "the copies have their own"


def run_tests(tree: Path, tests: Sequence[str], environment: dict[str, str], seconds: float, log: Path) -> int | None:
    """Run tests in a forked process, inside a copy of the tree: pytest's exit status; None where time ran out."""
    child = os.fork()
    if child == 0:
        status = 70  # whatever goes wrong in here
        try:
            os.setsid()
            with open(log, "wb") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            os.chdir(tree)
            os.environ.update(environment, PYTHONPATH=str(tree), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
            sys.path[:] = [
                str(tree),
                *(path for path in sys.path if not Path(path).resolve().is_relative_to(ROOT / "tools")),
            ]
            sys.dont_write_bytecode = True
            import pytest

            status = int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-m", "not slow", *tests]))
        finally:
            sys.stdout.flush()
            os._exit(status)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # and what it has started
    os.waitpid(child, 0)
    return None


_tree: Path


def _open_worker(trees: multiprocessing.queues.Queue[Path]) -> None:
    global _tree
    _tree = trees.get()
    _preload()


def _try(call: tuple[Fault, float]) -> tuple[Fault, bool]:
    """Make a fault, run its tests, put the file right again; whether it was caught."""
    fault, seconds = call
    target, log = _tree / fault.file, _tree / "trial.log"
    right, times = target.read_text(encoding="utf-8"), target.stat()
    cached = list(target.parent.glob(f"__pycache__/{target.stem}.*.pyc"))
    try:
        if fault.source is not None:
            target.write_text(fault.source, encoding="utf-8")
            os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))  # no module is out of date for it
            for path in cached:
                path.unlink()
        status = run_tests(_tree, fault.tests, fault.environment, seconds, log)
    finally:
        if fault.source is not None:
            target.write_text(right, encoding="utf-8")
            os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
    return fault, status != 0


# -- all trials ------------------------------------------------------------------------------------------------------
@contextmanager
def trees(template: Path, count: int) -> Iterator[list[Path]]:
    """Copies of a tree, one for each process that tries faults."""
    with tempfile.TemporaryDirectory() as folder:
        yield [Path(shutil.copytree(template, Path(folder, f"tree{i}"), symlinks=True)) for i in range(count)]


def try_all(
    faults: Sequence[Fault], template: Path, environment: dict[str, str], processes: int
) -> Iterator[tuple[Fault, bool]]:
    """Try faults in copies of a tree; each with whether it was caught, as they end.

    Raises:
        RuntimeError: tests fail, or there are none, without any fault.
    """
    context = multiprocessing.get_context("fork")
    with trees(template, processes) as copies:
        queue = context.Queue()
        for copy in copies:
            queue.put(copy)
        with context.Pool(processes, _open_worker, (queue,)) as pool:
            seconds: dict[str, float] = {}
            files = sorted({test for fault in faults for test in fault.tests})
            for test, status, took, end in pool.imap_unordered(_time, [(test, environment) for test in files]):
                if status not in (0, NO_TESTS):
                    raise RuntimeError(f"without a fault, {test} ended with {status}:\n{end}")
                seconds[test] = took
            calls = [
                (dataclasses.replace(fault, environment={**environment, **fault.environment}), limit)
                for fault in faults
                for limit in [ALLOWED + FACTOR * sum(seconds[test] for test in fault.tests)]
            ]
            yield from pool.imap_unordered(_try, calls)


def _time(call: tuple[str, dict[str, str]]) -> tuple[str, int | None, float, str]:
    """Run tests without a fault: their status and how long they took."""
    test, environment = call
    began, log = time.monotonic(), _tree / "trial.log"
    status = run_tests(_tree, [test], environment, 600.0, log)
    return test, status, time.monotonic() - began, log.read_text(encoding="utf-8", errors="replace")[-4000:]


# -- the report ------------------------------------------------------------------------------------------------------
def report(results: Iterable[tuple[Fault, bool]], equivalent: dict[str, str], is_known: Callable[[str], bool]) -> int:
    """Print each fault that no test sees, and a line per file; 1 where one has no reason to be unseen, else 0.

    Args:
        results: faults, and whether they were caught.
        equivalent: the reasons of those that no test can see.
        is_known: whether a name in `equivalent` is still that of a fault.
    """
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    wrong = 0
    for fault, caught in results:
        reason = equivalent.get(fault.key)
        outcome = "caught" if caught else "equivalent" if reason else "survived"
        counts[fault.file][outcome] += 1
        if outcome == "equivalent":
            print(f"equivalent: {fault.key} ({reason})", flush=True)
        elif outcome == "survived":
            print(f"SURVIVED: {fault.key}", flush=True)
        elif reason:
            print(f"caught, though listed as equivalent: {fault.key}", flush=True)
        wrong += outcome == "survived" or (caught and reason is not None)
    for key in equivalent:
        if not is_known(key):
            print(f"listed as equivalent, and no longer a fault: {key}")
            wrong += 1
    columns = ("caught", "equivalent", "survived")
    print(f"\n{'file':<38}{'faults':>8}" + "".join(f"{name:>12}" for name in columns))
    total: collections.Counter[str] = collections.Counter()
    for file, found in sorted(counts.items()):
        total += found
        print(f"{file:<38}{found.total():>8}" + "".join(f"{found[name]:>12}" for name in columns))
    print(f"{'all':<38}{total.total():>8}" + "".join(f"{total[name]:>12}" for name in columns))
    return 1 if wrong else 0


def build_core(tree: Path, environment: dict[str, str]) -> None:
    """Compile the core inside a copy of the tree."""
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    needed = {"GLASSGRAD_REQUIRE_COMPILED": "1", "PYTHONPATH": str(tree), **environment}
    run = subprocess.run(command, cwd=tree, env={**os.environ, **needed}, capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"the core with faults was not built:\n{run.stderr[-4000:]}")
