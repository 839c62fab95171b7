"""The house keeps its rules: who imports whom, what is installed, what the engine's code never does."""

from __future__ import annotations

import ast
import functools
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from importlib import util
from pathlib import Path

import pytest

PACKAGES = {"autograd": {"autograd"}, "nn": {"nn", "autograd"}, "viz": {"viz", "autograd"}}
ALLOWED_OUTSIDE = {
    # `import cython` marks what is compiled; where Cython is absent `autograd.cython_shim` takes its place
    "autograd": {"cython"},
    "nn": {"tqdm", "cython"},
    "viz": {"graphviz", "pygraphviz", "resvg_py", "matplotlib"},
}


def sources(package: str) -> list[Path]:
    spec = util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    found = sorted(Path(spec.origin).parent.rglob("*.py"))
    assert found
    return found


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def import_statements(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """All imports that may run, those inside functions among them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not is_for_type_checkers(node):
            yield from import_statements(node)


@functools.cache
def imported(path: Path) -> set[str]:
    """The modules that a file imports; `from package import name` may mean either, so it gives both."""
    names: set[str] = set()
    for node in import_statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        else:
            assert node.level == 0, f"{path}: a relative import"
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@functools.cache
def import_graph() -> dict[str, set[str]]:
    """For each module of the three packages those of them that it imports."""
    files = {}
    for package in PACKAGES:
        home = sources(package)[0].parents
        root = next(folder for folder in home if folder.name == package)
        for path in sources(package):
            parts = path.relative_to(root.parent).with_suffix("").parts
            files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    # an import of a package's own name is of what stands in its __init__
    return {name: (imported(path) & files.keys()) - {name} for name, path in files.items()}


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str):
    for path in sources(package):
        outside = {name.split(".")[0] for name in imported(path)} - sys.stdlib_module_names
        assert outside <= PACKAGES[package] | ALLOWED_OUTSIDE[package], path


def test_no_import_runs_in_a_circle():
    # A module of a package loads the package's __init__ first, which imports most of it: those edges are Python's own.
    graph = {name: uses - PACKAGES.keys() for name, uses in import_graph().items() if name not in PACKAGES}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


# The rooms of the engine, from the ground up: a room imports what stands before it, itself, and nothing behind it.
ROOMS = [
    (
        *("autograd.arguments", "autograd.formatting", "autograd.source_lines", "autograd.files"),
        *("autograd.pure", "autograd.cython_shim"),
    ),
    ("autograd.primitives",),
    ("autograd.value",),
    ("autograd.modes", "autograd.pytree", "autograd.pickling", "autograd.list_operands"),
    ("autograd.names", "autograd.places", "autograd.recorded", "autograd.assigned"),
    ("autograd.generated", "autograd.functions"),
    ("autograd.custom", "autograd.passes", "autograd.backward_pass", "autograd.steps"),
    ("autograd.transforms",),
    ("autograd.anomaly", "autograd.gradcheck"),
    ("autograd.tape",),
    ("autograd.account",),
    ("autograd.__main__",),
]


def room_of(module: str) -> int:
    for floor, rooms in enumerate(ROOMS):
        if any(module == room or module.startswith(f"{room}.") for room in rooms):
            return floor
    raise AssertionError(f"{module} is not in ROOMS of {Path(__file__).name}: say which room it belongs to")


def test_imports_between_the_rooms_of_the_engine_run_one_way():
    for module, uses in import_graph().items():
        if not module.startswith("autograd."):
            continue
        for used in uses - PACKAGES.keys():
            assert room_of(used) <= room_of(module), f"{module} imports {used}, which stands above it"


def test_what_a_tape_means_stands_apart_from_what_makes_it_fast():
    graph = import_graph()
    lowered = "autograd.tape.compiled"
    meaning = ["recorder", "graph", "interpreter", "batches", "pickling"]
    for module in meaning:
        assert not any(used.startswith(lowered) for used in graph[f"autograd.tape.{module}"]), module
    for module, uses in graph.items():
        if module.startswith(f"{lowered}."):
            above = {used for used in uses if used.startswith("autograd.tape.") and not used.startswith(lowered)}
            assert above <= {"autograd.tape.graph"}, module


def test_one_module_is_looked_up_by_name():
    """`debug` draws with viz, which it imports when it is asked to: the one exception to the direction of imports."""
    found = {
        (path.name, ast.unparse(node))
        for package in ("autograd", "nn")
        for path in sources(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__")
    }
    assert found == {("prompt.py", "importlib.import_module('viz')")}


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
def test_public_names_are_listed_and_exist(package: str):
    module = __import__(package)
    assert len(module.__all__) == len(set(module.__all__))
    for name in module.__all__:
        assert hasattr(module, name), name
