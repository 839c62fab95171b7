"""What is compiled, and what it is made of. Whatever needs the list asks here; nothing else has one.

The convention: a module is compiled where a `.pxd`, which holds its C types, stands beside its `.py`.

    python tools/compiled.py       print the names of the extension modules
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("autograd", "nn", "viz")

SHARED = "autograd._cython_shared"
"""An extension module without a source: Cython's own code for buffers, once rather than in each module."""

GENERATOR = ROOT / "tools" / "kernels.py"
"""The script that writes headers into `GENERATED` at each build."""

GENERATED = ROOT / "build" / "include"

STAMP = ROOT / "build" / "compiled.stamp"
"""Touched when all extension modules in the tree are as new as their sources."""


def modules() -> dict[str, Path]:
    """The compiled modules by their dotted names, and their sources."""
    sources = [pxd.with_suffix(".py") for package in PACKAGES for pxd in sorted((ROOT / package).rglob("*.pxd"))]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sources if path.is_file()}


def extensions() -> list[str]:
    """The dotted names of all extension modules."""
    return [*modules(), SHARED]


def inputs() -> set[Path]:
    """The files that the extension modules are made from."""
    found = {ROOT / "setup.py", Path(__file__).resolve(), *(ROOT / "autograd" / "core").glob("*.[ch]")}
    for source in modules().values():
        found |= {source, source.with_suffix(".pxd")}
    return found | imported(GENERATOR)


def imported(path: Path) -> set[Path]:
    """A script and the files of the project that it imports, and so on."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if current in found or not current.is_file():
            continue
        found.add(current)
        for node in ast.walk(ast.parse(current.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            waiting += [ROOT.joinpath(*name.split(".")).with_suffix(".py") for name in names]
    return found


def changed() -> list[str]:
    """The inputs that are newer than the extension modules in the tree."""
    built = STAMP.stat().st_mtime if STAMP.is_file() else 0.0
    return sorted(str(path.relative_to(ROOT)) for path in inputs() if path.stat().st_mtime > built)


if __name__ == "__main__":
    print("\n".join(extensions()))
