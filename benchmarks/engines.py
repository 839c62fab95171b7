"""The engines that are timed: glassgrad in its two builds, and its peers."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Engine:
    """One engine: where its numbers come from."""

    key: str
    title: str
    module: str
    distribution: str | None = None
    is_pure: bool = False

    def load(self) -> Any:
        """Its module, imported; torch kept to one thread, like all the others, jax to doubles."""
        module = import_module(self.module)
        if self.module == "torch":
            module.set_num_threads(1)
        elif self.module == "jax":
            module.config.update("jax_enable_x64", True)
            module.config.update("jax_cpu_enable_async_dispatch", self.key == "jax")
        return module

    def value(self, data: float) -> Any:
        """A leaf of its graph, for the engines whose numbers are objects with `backward`."""
        module = import_module(self.module)
        if self.key == "torch":
            return module.tensor(data, dtype=module.float64, requires_grad=True)
        return module.Value(data)

    def versioned(self) -> str:
        """Its title, with its version where it is not of this repository."""
        return f"{self.title} {metadata.version(self.distribution)}" if self.distribution else self.title


ENGINES = {
    engine.key: engine
    for engine in (
        Engine("glassgrad", "glassgrad, compiled", "autograd"),
        Engine("pure", "glassgrad, pure Python", "autograd", is_pure=True),
        Engine("plain", "plain class", "plain_value"),
        Engine("micrograd", "micrograd", "micrograd.engine", "micrograd"),
        Engine("torch", "torch scalars", "torch", "torch"),
        Engine("xad", "XAD", "xad", "xad"),
        Engine("casadi", "CasADi SX", "casadi", "casadi"),
        Engine("tensors", "torch", "torch", "torch"),
        Engine("jax", "jax.jit", "jax", "jax"),
        Engine("jax synchronous", "jax.jit, synchronous,", "jax", "jax"),
        Engine("sklearn", "scikit-learn", "sklearn", "scikit-learn"),
        Engine("c", "hand-written C", "handwritten"),
        Engine("floor", "operators that do nothing", "floor_value"),
    )
}
SCALARS = ("glassgrad", "pure", "plain", "micrograd", "torch", "xad", "casadi")
"""Engines of scalar graphs."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}


def environment_of(engine: Engine) -> dict[str, str]:
    """The environment of its process."""
    environment = {name: value for name, value in os.environ.items() if name != "GLASSGRAD_PURE"} | ONE_THREAD
    return {**environment, "GLASSGRAD_PURE": "1"} if engine.is_pure else environment


@functools.cache
def missing(engine: Engine) -> str:
    """Why the engine cannot be timed here; "" where it can."""
    if find_spec(engine.module.partition(".")[0]) is None:
        return "not installed"
    if engine.key == "c":
        return "" if import_module(engine.module).compiler() else "no C compiler"
    if engine.key == "floor":
        return str(import_module(engine.module).why_missing())
    if engine.key != "glassgrad":
        return ""
    code = "import autograd, sys; sys.exit(not autograd.compiled)"
    built = subprocess.run([sys.executable, "-c", code], env=environment_of(engine), check=False)
    return "" if built.returncode == 0 else "not built"


@functools.cache
def has_avx512() -> bool:
    """Whether the processor has the instructions that the absolute figures of tapes are asked for."""
    description = Path("/proc/cpuinfo")
    return description.exists() and "avx512f" in description.read_text(encoding="utf-8").split()
