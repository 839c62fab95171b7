"""Builds the compiled core where there is a C compiler; the package works without it.

    GLASSGRAD_DISABLE_COMPILED=1   do not try
    GLASSGRAD_REQUIRE_COMPILED=1   fail where it cannot be built

All else about the package is in pyproject.toml.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
KERNELS = ROOT / "autograd" / "core" / "kernels.h"
DISABLED = os.environ.get("GLASSGRAD_DISABLE_COMPILED") == "1"
REQUIRED = os.environ.get("GLASSGRAD_REQUIRE_COMPILED") == "1"

# Bits are part of the promise: no contraction to fused multiply-add, no folding of pow(x, 2.0), never fast-math.
FLAGS = ["-O3", "-ffp-contract=off", "-fno-builtin", "-fno-math-errno", "-fno-trapping-math"]


class OptionalBuild(build_ext):
    """build_ext whose failure leaves the pure Python package, and says so."""

    def run(self) -> None:
        """Build, or say why not."""
        try:
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "GLASSGRAD_PURE": "1"}
            subprocess.run([sys.executable, ROOT / "tools" / "kernels.py", KERNELS], check=True, env=environment)
            super().run()
        except Exception as error:  # whatever a compiler or its absence may raise
            if REQUIRED:
                raise
            self.extensions = []
            print(
                f"\nglassgrad: the compiled core was not built ({type(error).__name__}: {error}).\n"
                "glassgrad: the pure Python engine is installed instead: same numbers, slower. A C compiler is needed,\n"
                "glassgrad: such as gcc (apt install gcc python3-dev); then install again.\n",
                file=sys.stderr,
            )


def extensions() -> list[Extension]:
    """The extension modules, as Cython makes them from the sources that the pure build runs."""
    if DISABLED:
        return []
    from Cython.Build import cythonize

    flags = os.environ.get("GLASSGRAD_CFLAGS", "").split() or FLAGS
    modules = [
        Extension(
            f"{package}.{name}",
            [f"{package}/{name}.py"],
            include_dirs=["autograd", "autograd/core"],
            depends=["autograd/core/core.h", "autograd/value.pxd"],
            extra_compile_args=flags,
        )
        for package, name in (("autograd", "value"), ("nn", "loops"))
    ]
    directives = {"language_level": 3, "annotation_typing": False, "binding": True, "cdivision": False}
    result: list[Extension] = cythonize(modules, compiler_directives=directives, build_dir="build/cython")
    return result


setup(ext_modules=extensions(), cmdclass={"build_ext": OptionalBuild})
