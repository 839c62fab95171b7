"""The house keeps its rules: who imports whom, what is installed, what the engine's code never does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest

PACKAGES = {"autograd": {"autograd"}, "nn": {"nn", "autograd"}, "viz": {"viz", "autograd"}}
ALLOWED_OUTSIDE = {
    # `import cython` marks what is compiled; where Cython is absent `autograd.cython_shim` takes its place
    "autograd": {"cython"},
    "nn": {"tqdm", "cython"},
    "viz": {"graphviz", "pygraphviz", "matplotlib"},
}


def sources(package: str) -> list[Path]:
    spec = util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    found = sorted(Path(spec.origin).parent.rglob("*.py"))
    assert found
    return found


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.add(str(node.module).split(".")[0])
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str):
    for path in sources(package):
        outside = {name for name in imported(path) if name not in sys.stdlib_module_names}
        assert outside <= PACKAGES[package] | ALLOWED_OUTSIDE[package], path


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_loads_only_what_it_may(package: str):
    code = f"import sys, {package}; print(*{{name.split('.')[0] for name in sys.modules}})"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert loaded & set(PACKAGES) == PACKAGES[package]
    heavy = {"matplotlib", "numpy", "sklearn", "pygraphviz"}
    assert not loaded & heavy


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_is_short_enough_to_read(package: str):
    for path in sources(package):
        written = re.sub(r"(?s)<generated .*?</generated>", "", path.read_text(encoding="utf-8"))
        # one class and one C struct: value.py is longer than it is many things
        assert len(written.splitlines()) <= (790 if path.name == "value.py" else 500), path


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_listed_and_exist(package: str):
    module = __import__(package)
    assert len(module.__all__) == len(set(module.__all__))
    for name in module.__all__:
        assert hasattr(module, name), name
