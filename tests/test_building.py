"""What is compiled is said once, and no session tests a core that is older than what it is made of."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import autograd

ROOT = Path(__file__).resolve().parent.parent
IN_TREE = (ROOT / "setup.py").is_file()
pytestmark = pytest.mark.skipif(not IN_TREE, reason="about the build, in a checkout")


def compiled() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "compiled.py"))


def test_every_compiled_module_has_its_types_beside_it():
    for name, path in compiled()["modules"]().items():
        assert path.with_suffix(".pxd").is_file()
        assert path == ROOT.joinpath(*name.split(".")).with_suffix(".py")


@pytest.mark.skipif(not autograd.compiled, reason="about the compiled core")
def test_what_the_convention_names_is_what_is_compiled():
    if Path(autograd.__file__).parent.parent != ROOT:
        pytest.skip("another copy of the package is tested")
    suffix = Path(sys.modules["autograd.value"].__file__).name.removeprefix("value")
    for name in compiled()["extensions"]():
        assert ROOT.joinpath(*name.split(".")).with_suffix(suffix).is_file(), name


def test_there_is_no_other_list_of_the_compiled_modules():
    """Text that names three of them or more is a list, which a new module would have to be added to."""
    names = [name.split(".", 1)[1].replace(".", "/") for name in compiled()["modules"]()]
    texts = ["setup.py", "Makefile", "MANIFEST.in", "pyproject.toml", ".ci/run", "docs/building.md", "autograd/pure.py"]
    texts += ["tests/conftest.py", "tools/compiled.py", "benchmarks/installation.py", ".pre-commit-config.yaml"]
    for text in texts:
        content = (ROOT / text).read_text(encoding="utf-8").replace(".", "/")
        named = [name for name in names if re.search(rf"\b(autograd|nn)/{name}\b", content)]
        assert len(named) < 3, (text, named)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the tree whose core has just been built, were one to believe its stamp."""
    for name in ("autograd", "nn", "viz", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "tests")
    (tmp_path / "tests" / "test_nothing.py").write_text("def test_nothing(): pass\n")
    stamp = tmp_path / "build" / "compiled.stamp"
    stamp.parent.mkdir()
    stamp.touch()
    return tmp_path


def make_newer(path: Path) -> None:
    later = time.time() + 1000.0
    os.utime(path, (later, later))


MADE_OF = [
    "setup.py",
    "tools/compiled.py",
    "tools/kernels.py",
    "autograd/value.py",
    "autograd/value.pxd",
    "autograd/tape/graph.pxd",
    "autograd/core/node.h",
    "autograd/core/node.c",
    "autograd/core/replay.h",
    "autograd/primitives/table.py",
    "nn/inner_loops.py",
]


def test_whatever_the_core_is_made_of_counts(tree: Path):
    changed = runpy.run_path(str(tree / "tools" / "compiled.py"))["changed"]
    assert changed() == []
    for name in MADE_OF:
        make_newer(tree / name)
    assert changed() == sorted(MADE_OF)
    (tree / "autograd" / "steps.pxd").touch()  # a module that is compiled from now on
    make_newer(tree / "autograd" / "steps.pxd")
    assert "autograd/steps.pxd" in changed()
    (tree / "build" / "compiled.stamp").unlink()
    assert set(MADE_OF) < set(changed())


@pytest.mark.skipif(not autograd.compiled, reason="about the compiled core")
def test_a_session_refuses_a_core_older_than_its_sources(tree: Path):
    make_newer(tree / "autograd" / "core" / "node.h")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/test_nothing.py"]
    run = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    output = run.stdout + run.stderr
    assert run.returncode == 3, output
    assert "the compiled core is older than autograd/core/node.h: run `make build`" in output
