"""Which engine is tested, and that it is the one that was meant; and what many tests use."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import autograd
from autograd.tape.replay import choose_executor, executor, executors

ROOT = Path(__file__).resolve().parent.parent


def pytest_report_header() -> str:
    engine = "compiled" if autograd.compiled else "pure Python"
    return f"glassgrad {autograd.__version__}: {engine} engine, tapes by the {executor()} executor"


def pytest_sessionstart(session: pytest.Session) -> None:
    expected = os.environ.get("GLASSGRAD_EXPECT")
    running = "compiled" if autograd.compiled else "pure"
    if expected not in (None, running):
        pytest.exit(f"GLASSGRAD_EXPECT={expected}, but the {running} engine runs", returncode=3)
    if autograd.compiled and Path(autograd.__file__).parent.parent == ROOT:
        refuse_stale_modules()


def refuse_stale_modules() -> None:
    """A compiled module in the tree wins over the Python beside it: one that is older tests yesterday's source."""
    newer = runpy.run_path(str(ROOT / "tools" / "compiled.py"))["changed"]()
    if newer:
        pytest.exit(f"the compiled core is older than {', '.join(newer)}: run `make build`", returncode=3)


SLOW_LEFT_OUT = pytest.StashKey[int]()


def pytest_deselected(items: list[pytest.Item]) -> None:
    slow = sum(item.get_closest_marker("slow") is not None for item in items)
    if slow:
        stash = items[0].config.stash
        stash[SLOW_LEFT_OUT] = stash.get(SLOW_LEFT_OUT, 0) + slow


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # a process of pytest-xdist, which tells the one that prints
        session.config.workeroutput["slow left out"] = session.config.stash.get(SLOW_LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if hasattr(node, "workeroutput"):  # each process leaves out the same
        node.config.stash[SLOW_LEFT_OUT] = node.workeroutput["slow left out"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash.get(SLOW_LEFT_OUT, 0):
        terminalreporter.write_line(f"{config.stash[SLOW_LEFT_OUT]} slow tests left out: make test-all")


@pytest.fixture(params=executors())
def each_executor(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each executor of this machine in turn, in use; its name."""
    before = executor()
    choose_executor(request.param)
    yield request.param
    choose_executor(before)
