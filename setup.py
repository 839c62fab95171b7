"""Builds the compiled core where there is a C compiler; the package works without it.

    GLASSGRAD_DISABLE_COMPILED=1   do not try: a wheel for every machine
    GLASSGRAD_REQUIRE_COMPILED=1   fail where it cannot be built
    GLASSGRAD_CFLAGS="..."         compile with these flags in place of FLAGS

All else about the package is in pyproject.toml, and what is compiled in docs/building.md.
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
FLAGS = ["/O2", "/fp:strict"] if sys.platform == "win32" else ["-O3", "-g0", "-ffp-contract=off", "-fno-builtin"]
# The replay chooses in lanes: no one asks which comparison raised a flag, and with that no number changes.
LANE_FLAGS = [] if sys.platform == "win32" else ["-fno-trapping-math"]

# The convention: a module is compiled where a .pxd, which holds its C types, stands beside its .py.
MODULES = tuple(
    tuple(".".join(path.relative_to(ROOT).with_suffix("").parts).rsplit(".", 1))
    for package in ("autograd", "nn")
    for path in sorted((ROOT / package).rglob("*.pxd"))
    if path.with_suffix(".py").is_file()
)


class OptionalBuild(build_ext):
    """build_ext whose failure leaves the pure Python package, whole, and says so."""

    def run(self) -> None:
        """Build all extension modules or none."""
        try:
            subprocess.run([sys.executable, ROOT / "tools" / "kernels.py", KERNELS], check=True)
            self.extensions = compiled_sources()
            super().run()
        except Exception as error:  # no Cython, no compiler, or one that fails
            if REQUIRED:
                raise
            for package, name in MODULES:  # the modules know each other's structs: all are compiled, or none is
                for built in (self.get_ext_fullpath(f"{package}.{name}"), self.get_ext_filename(f"{package}.{name}")):
                    Path(built).unlink(missing_ok=True)
            self.extensions = []
            print(
                f"\nglassgrad: the compiled core was not built ({type(error).__name__}: {error}).\n"
                "glassgrad: the pure Python engine is installed instead: the same numbers, slower. To have the core,\n"
                "glassgrad: install a C compiler (Debian, Ubuntu: apt install gcc python3-dev) and install again.\n",
                file=sys.stderr,
            )


def extension(package: str, name: str, source: str) -> Extension:
    """One extension module."""
    return Extension(
        f"{package}.{name}",
        [source],
        include_dirs=["autograd", "autograd/core"],
        extra_compile_args=(os.environ.get("GLASSGRAD_CFLAGS", "").split() or FLAGS) + LANE_FLAGS * (name == "replay"),
        extra_link_args=os.environ.get("GLASSGRAD_LDFLAGS", "").split(),
    )


def compiled_sources() -> list[Extension]:
    """The extension modules with the C that Cython makes of the sources that the pure build runs."""
    from Cython.Build import cythonize

    modules = [extension(package, name, f"{package.replace(chr(46), chr(47))}/{name}.py") for package, name in MODULES]
    directives = {
        "language_level": 3,
        "annotation_typing": False,  # the types are in the .pxd files
        "binding": False,  # methods that check their self, as those of C types do
        "embedsignature": True,
        "embedsignature.format": "clinic",
        "nonecheck": True,  # None is no Value
    }
    made: list[Extension] = cythonize(modules, compiler_directives=directives, build_dir="build/cython", force=True)
    for module in made:
        module._needs_stub = False  # what setuptools sets on the extensions that it is given
    return made


if __name__ == "__main__":
    # Cython runs when the extensions are built: where it fails, so may the build, and the package is pure Python.
    modules = (
        []
        if DISABLED
        else [extension(package, name, f"{package.replace(chr(46), chr(47))}/{name}.py") for package, name in MODULES]
    )
    setup(ext_modules=modules, cmdclass={"build_ext": OptionalBuild})
