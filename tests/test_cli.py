"""`python -m autograd info`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

import autograd

PACKAGES = str(Path(autograd.__file__).resolve().parent.parent)


def run(*arguments: str, path: str = "", extra: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`python -m autograd ...` with only `path` to look for programs in, and `extra` among the installed packages."""
    places = os.pathsep.join([PACKAGES, *([str(extra)] if extra else [])])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": places, "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "autograd", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")


def lines(report: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in report.stdout.splitlines())


def test_info_says_what_is_installed(tmp_path):
    report = run("info", path=str(tmp_path))
    assert (report.returncode, report.stderr) == (0, "")
    said = lines(report)
    assert list(said) == ["glassgrad", "python", "engine", "tapes", "dot"]
    assert said["glassgrad"] == autograd.__version__
    assert said["python"].startswith(platform.python_version())
    assert said["engine"].startswith("compiled" if autograd.compiled else "pure Python")
    assert said["dot"].startswith("not found")


def test_info_says_why_the_engine_is_pure(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSGRAD_PURE", "1")
    assert "GLASSGRAD_PURE=1" in lines(run("info", path=str(tmp_path)))["engine"]
    if not autograd.compiled:
        monkeypatch.delenv("GLASSGRAD_PURE")
        engine = lines(run("info", path=str(tmp_path)))["engine"]
        assert engine == "compiled" or "no compiled core is installed" in engine


@pytest.mark.skipif(os.name != "posix", reason="an executable file as POSIX has it")
def test_info_says_where_dot_is(tmp_path):
    dot = tmp_path / "dot"
    dot.write_text("#!/bin/sh\n")
    dot.chmod(0o755)
    assert lines(run("info", path=str(tmp_path)))["dot"] == str(dot)


def claim(folder: Path, distribution: str, package: str) -> None:
    """Make what an installed distribution that holds a package of that name leaves in its folder."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").touch()
    info = folder / f"{distribution}-1.7.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.7.0\n")
    (info / "RECORD").write_text(f"{package}/__init__.py,,\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n")


def test_info_warns_of_another_distribution_that_owns_the_name(tmp_path):
    claim(tmp_path, "autograd", "autograd")
    report = run("info", extra=tmp_path)
    assert (report.returncode, report.stderr) == (1, "")
    assert "'autograd'" in lines(report)["warning"]
    assert "virtual environment" in lines(report)["warning"]


def test_info_does_not_warn_of_other_packages(tmp_path):
    claim(tmp_path, "autograd", "autograd_gamma")
    report = run("info", extra=tmp_path)
    assert report.returncode == 0
    assert "warning" not in lines(report)


@pytest.mark.parametrize(("arguments", "said"), [([], "info"), (["inform"], "inform")])
def test_anything_else_is_an_error_that_says_what_there_is(arguments, said):
    report = run(*arguments)
    assert report.returncode == 2
    assert report.stdout == ""
    assert said in report.stderr
    assert "usage: python -m autograd" in report.stderr
