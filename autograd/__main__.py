"""The command `python -m autograd info`: what is installed, and whether the installation is sound."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from importlib import metadata

import autograd
from autograd.tape.replay import executor, executors

_DISTRIBUTION = "glassgrad"


def owners(package: str) -> list[str]:
    """Return the installed distributions that provide an import package of this name."""
    return sorted(set(metadata.packages_distributions().get(package, [])))


def engine() -> str:
    """Describe the engine that runs, and say why where it is not the compiled one."""
    if autograd.compiled:
        return "compiled"
    if os.environ.get("GLASSGRAD_PURE") == "1":
        return "pure Python, as GLASSGRAD_PURE=1 asks for"
    return "pure Python: no compiled core is installed (a C compiler builds one when glassgrad is installed)"


def info() -> str:
    """Return the report of `python -m autograd info`."""
    dot = shutil.which("dot")
    lines = [
        f"glassgrad {autograd.__version__}",
        f"python    {platform.python_version()} ({platform.python_implementation()}, {platform.machine()})",
        f"engine    {engine()}",
        f"tapes     replayed by the {executor()} executor, one of {', '.join(executors())}",
        f"dot       {dot or 'not found: SVG comes from the built-in layout; PNG and PDF need Graphviz'}",
    ]
    lines += [f"warning   {warning}" for warning in warnings()]
    return "\n".join(lines)


def warnings() -> list[str]:
    """Return what could make `import autograd` mean something else, one line each."""
    return [
        f"the distribution {other!r} also installs an import package named 'autograd': the files of the two are "
        "mixed in one folder; install glassgrad in a virtual environment of its own"
        for other in owners("autograd")
        if other != _DISTRIBUTION
    ]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status: 1 where the installation is mixed with that of another distribution, else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m autograd", description="glassgrad's scalar autodiff engine")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="print version, Python, build, and whether dot was found")
    parser.parse_args(arguments)
    print(info())
    return 1 if warnings() else 0


if __name__ == "__main__":
    sys.exit(main())
