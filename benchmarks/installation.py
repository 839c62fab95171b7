"""What comes before the first node: the time of the import, the sizes of what is installed, the time to build it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib import import_module
from pathlib import Path

from engines import ENGINES, environment_of, missing
from tables import Section, Target, at_most, median_of, number
from workers import Figures

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("autograd", "nn", "viz")
IMPORT_BOUND, NODE_BOUND = 60, 96


def milliseconds(code: str, environment: dict[str, str]) -> float:
    """Processor time of a new interpreter that runs the code."""
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"`{code}` failed: see the traceback above")
    return (usage.ru_utime + usage.ru_stime) * 1e3


def import_times(rounds: int) -> dict[str, list[Figures]]:
    """What `import autograd` takes above a bare interpreter, in each build; one bare run beside each."""
    builds = [key for key in ("glassgrad", "pure") if not missing(ENGINES[key])]
    times: dict[str, list[Figures]] = {key: [] for key in builds}
    for number_of_round in range(rounds + 1):
        for key in builds:
            environment = environment_of(ENGINES[key])
            bare = milliseconds("pass", environment)
            figures = {"bare": bare, "import": milliseconds("import autograd", environment) - bare}
            if number_of_round > 0:  # the first may write bytecode
                times[key].append(figures)
    return times


def built_wheel() -> tuple[float, int, list[tuple[str, int]]] | None:
    """Seconds to build a wheel from a fresh copy, its size, and the extension modules in it; None where that fails."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "source")
        for name in (*PACKAGES, "tools"):
            ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
            shutil.copytree(ROOT / name, source / name, ignore=ignored)
        for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, source)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(source)]
        start = time.perf_counter()
        built = subprocess.run(command, check=False)
        seconds = time.perf_counter() - start
        wheels = list(Path(folder).glob("*.whl"))
        if built.returncode != 0 or not wheels:
            return None
        with zipfile.ZipFile(wheels[0]) as archive:
            members = archive.infolist()
        extensions = [
            (member.filename, member.file_size) for member in members if member.filename.endswith((".so", ".pyd"))
        ]
        return seconds, wheels[0].stat().st_size, extensions


def section(rounds: int, wheel: bool) -> Section:
    """The table."""
    rows: list[list[str]] = []
    targets: list[Target] = []
    for key, times in import_times(rounds).items():
        cost, bare = median_of(times, "import"), median_of(times, "bare")
        rows.append([f"import autograd, {ENGINES[key].title}", f"{number(cost)} ms over {number(bare)} ms bare"])
        if key == "glassgrad":
            targets.append(at_most("import autograd over bare Python", cost, IMPORT_BOUND, "ms"))
    autograd = import_module("autograd")
    if autograd.compiled:
        size = autograd.Value.__basicsize__
        rows.append(["Value.__basicsize__, compiled", f"{size} bytes"])
        targets.append(at_most("a node's __basicsize__", size, NODE_BOUND, "bytes"))
    if wheel:
        rows += wheel_rows()
    note = f"Import: processor time above a bare interpreter, median of {rounds} pairs; build: time on the clock."
    return Section("Before the first node", note, ["what", "figure"], rows, targets)


def wheel_rows() -> list[list[str]]:
    """The rows about the wheel."""
    built = built_wheel()
    if built is None:
        return [["wheel", "could not be built: see above"]]
    seconds, size, extensions = built
    rows = [
        ["building the wheel, with an environment to build in", f"{seconds:.0f} s"],
        ["wheel", f"{size / 1024:,.0f} KiB"],
    ]
    return rows + [[name, f"{size / 1024:,.0f} KiB"] for name, size in extensions]
