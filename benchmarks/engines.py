"""The engines that are timed: glassgrad in its two builds, and its peers."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
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
        """Its module, imported; torch kept to one thread, like all the others."""
        module = import_module(self.module)
        if self.key == "torch":
            module.set_num_threads(1)
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
    )
}


def environment_of(engine: Engine) -> dict[str, str]:
    """The environment of its process."""
    inherited = {name: value for name, value in os.environ.items() if name != "GLASSGRAD_PURE"}
    return {**inherited, "GLASSGRAD_PURE": "1"} if engine.is_pure else inherited


@functools.cache
def missing(engine: Engine) -> str:
    """Why the engine cannot be timed here; "" where it can."""
    if find_spec(engine.module.partition(".")[0]) is None:
        return "not installed"
    if engine.key != "glassgrad":
        return ""
    code = "import autograd, sys; sys.exit(not autograd.compiled)"
    built = subprocess.run([sys.executable, "-c", code], env=environment_of(engine), check=False)
    return "" if built.returncode == 0 else "not built"
