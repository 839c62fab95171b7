"""Which engine is tested, and that it is the one that was meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import autograd
from autograd.replay import executor

ROOT = Path(__file__).resolve().parent.parent

# what each compiled module is made of
SOURCES = {
    "autograd/value": "autograd/value.py autograd/value.pxd autograd/core/core.h autograd/core/node.h "
    "autograd/core/arithmetic.h autograd/ops.py setup.py",
    "autograd/flat": "autograd/flat.py autograd/flat.pxd autograd/value.pxd setup.py",
    "autograd/lowering": "autograd/lowering.py autograd/lowering.pxd autograd/program.py autograd/ops.py setup.py",
    "autograd/slots": "autograd/slots.py autograd/slots.pxd autograd/program.py autograd/ops.py setup.py",
    "autograd/storage": "autograd/storage.py autograd/storage.pxd autograd/program.py setup.py",
    "autograd/replay": "autograd/replay.py autograd/replay.pxd autograd/core/replay.h autograd/core/lanes.h "
    "autograd/core/arithmetic.h autograd/program.py autograd/ops.py setup.py",
    "nn/loops": "nn/loops.py nn/loops.pxd autograd/value.pxd setup.py",
}


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
    for module, sources in SOURCES.items():
        for built in ROOT.glob(f"{module}.*.so"):
            newer = [name for name in sources.split() if (ROOT / name).stat().st_mtime > built.stat().st_mtime]
            if newer:
                pytest.exit(f"{built.name} is older than {', '.join(newer)}: run `make build`", returncode=3)
