"""Load the readable Python of a module in place of its compiled form."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

__all__ = ["load_python_source"]


def load_python_source(package: str, name: str) -> None:
    """Import `package.name` from its `.py` file, whether or not a compiled form stands beside it.

    An import would take the compiled form; this is what `GLASSGRAD_PURE=1` does before anything else is imported.
    """
    full_name = f"{package}.{name}"
    folder = Path(str(sys.modules[package].__file__)).parent
    spec = spec_from_file_location(full_name, folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[full_name] = module
    setattr(sys.modules[package], name, module)
    spec.loader.exec_module(module)
