"""The class of `floor.c`, compiled with the machine's C compiler when this is imported."""

from __future__ import annotations

import importlib.util
import subprocess
import sysconfig
import tempfile
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from typing import Any

from handwritten import compiler

SOURCE = Path(__file__).with_name("floor.c")
FLAGS = ("-O2", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}")


def why_missing() -> str:
    """Why it cannot be compiled here; "" where it can."""
    if not compiler():
        return "no C compiler"
    return "" if Path(sysconfig.get_path("include"), "Python.h").exists() else "no headers of Python"


def compiled() -> Any:
    """The module of `floor.c`."""
    with tempfile.TemporaryDirectory() as folder:
        library = str(Path(folder, "floor.so"))
        subprocess.run([*compiler(), *FLAGS, str(SOURCE), "-o", library], check=True)
        loader = ExtensionFileLoader("floor", library)
        spec = importlib.util.spec_from_loader("floor", loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
    return module


if not why_missing():
    Value = compiled().Value
