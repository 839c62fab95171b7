"""Which engine is tested, and that it is the one that was meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import autograd
from autograd.tape.replay import executor

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
