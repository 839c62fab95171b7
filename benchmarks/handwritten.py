"""The step of `handwritten.c`: compiled with the machine's C compiler when it is wanted, called through ctypes."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
import tempfile
from array import array
from collections.abc import Sequence
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
# what glassgrad's core is built with, so that the arithmetic is the same: no fused multiply-add, no fast-math
FLAGS = ("-O3", "-ffp-contract=off", "-fno-builtin", "-shared", "-fPIC")
INSTRUCTIONS: dict[str, tuple[str, ...]] = {
    "baseline": (),
    "avx2": ("-mavx2",),
    "avx512": ("-mavx512f", "-mavx512dq", "-mavx512vl"),
}
"""The flags for each set of instructions, as GLASSGRAD_SIMD names it for tapes."""


def compiler() -> list[str]:
    """The command of a C compiler; empty where there is none."""
    command = shlex.split(os.environ.get("CC", "cc"))
    return command if command and shutil.which(command[0]) else []


class Step:
    """The training step of a network with this many neurons in each hidden layer.

    Args:
        hidden: A multiple of 16.
        numbers: The parameters, for each neuron its weights and then its bias.
        rows: Two inputs and a target, a hundred times, one after another.
        executor: The set of instructions that it is compiled for, a key of `INSTRUCTIONS`.
    """

    def __init__(self, hidden: int, numbers: Sequence[float], rows: array[float], executor: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / f"step{hidden}.so"
            flags = *FLAGS, *INSTRUCTIONS[executor], f"-DHIDDEN={hidden}"
            subprocess.run([*compiler(), *flags, str(SOURCE), "-o", str(library)], check=True)
            self.library = ctypes.CDLL(str(library))
        self.library.train.restype = ctypes.c_double
        self.library.train.argtypes = [ctypes.c_int, ctypes.c_double]
        doubles = ctypes.c_double * len(numbers), ctypes.c_double * len(rows)
        self.library.prepare(doubles[0](*numbers), doubles[1](*rows))

    def train(self, steps: int, rate: float) -> float:
        """Take some steps; the loss that the last of them began with."""
        return float(self.library.train(steps, rate))
