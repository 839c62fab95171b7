"""The names that the packages show, and which of two things a shared name means."""

from __future__ import annotations

import importlib
import os
import pkgutil
import rlcompleter
import subprocess
import sys
import types
from pathlib import Path

import pytest

import autograd
import nn
import viz

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = [autograd, nn, viz]
# public names that `import *` leaves out: they shadow builtins, or are modules that hold public names
BESIDES = {
    autograd: {"__version__", "abs", "round", "sum"},
    nn: {"data", "init", "layers", "losses", "optim", "random", "schedules"},
    viz: set(),
}


def submodules(package: types.ModuleType) -> set[str]:
    return {found.name for found in pkgutil.iter_modules(package.__path__)}


SHARED = sorted(f"{p.__name__}.{name}" for p in PACKAGES for name in submodules(p) & set(p.__all__))


@pytest.mark.parametrize("package", PACKAGES)
def test_completion_shows_what_is_public(package: types.ModuleType) -> None:
    assert set(dir(package)) == set(package.__all__) | BESIDES[package]
    for name in dir(package):
        assert hasattr(package, name)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_prompt_completes_public_names_only(package: types.ModuleType) -> None:
    name = package.__name__
    completer, found = rlcompleter.Completer({name: package}), set()
    while (completion := completer.complete(f"{name}.", len(found))) is not None:
        found.add(completion.removeprefix(f"{name}.").rstrip("()"))
    # what every module has, which rlcompleter adds from its class
    assert {one for one in found if not one.startswith("_")} == {one for one in dir(package) if not one.startswith("_")}


def test_functions_and_modules_share_these_names() -> None:
    assert SHARED == ["autograd.gradcheck", "autograd.steps", "nn.attention", "nn.health", "viz.film"]


IMPORTS = [
    "import {0}.{1}",
    "import {0}.{1} as found; assert callable(found)",
    "import importlib; importlib.import_module('{0}.{1}')",
    "import {0}, importlib; importlib.import_module('{0}.{1}')",
    "from {0} import {1}; import {0}.{1}",
    "from {0}.{1} import {1}",
    "import nn; import {0}.{1}",
    "import {0}.{1}, importlib, sys; importlib.reload(sys.modules['{0}.{1}'])",
]
CHECKS = [f"assert type({name}) is types.FunctionType" for name in SHARED]


@pytest.mark.slow
def test_a_shared_name_is_the_function_after_any_import() -> None:
    for line in IMPORTS:
        imports = [line.format(*name.split(".")) for name in SHARED]
        run_in_another_process(["-c", "\n".join([*imports, "import autograd, nn, types, viz", *CHECKS])])


@pytest.mark.slow
def test_a_shared_name_is_the_function_under_pytest(tmp_path: Path) -> None:
    check = tmp_path / "test_names.py"
    lines = [f"import types, {', '.join(SHARED)}", "def test_names():", *(f"    {line}" for line in CHECKS)]
    check.write_text("\n".join(lines))
    options = ["--import-mode=importlib", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={tmp_path}"]
    run_in_another_process(["-m", "pytest", *options, str(check)])


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "autograd").is_dir(), reason="needs the checkout")
@pytest.mark.parametrize("pure", ["", "1"] if autograd.compiled else ["1"])
def test_a_shared_name_is_the_function_where_its_module_is_collected_alone(pure: str) -> None:
    for name in SHARED:  # their doctests call the functions
        file = ROOT / f"{name.replace('.', '/')}.py"
        run_in_another_process(["-m", "pytest", "-p", "no:cacheprovider", str(file)], pure)


def run_in_another_process(arguments: list[str], pure: str = "" if autograd.compiled else "1") -> None:
    packages = str(Path(autograd.__path__[0]).parent)
    environment = {**os.environ, "PYTHONPATH": packages, "GLASSGRAD_PURE": pure, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_in_this_session_too() -> None:
    for name in SHARED:
        package, _, function = name.partition(".")
        importlib.import_module(name)
        assert isinstance(getattr(sys.modules[package], function), types.FunctionType)
