"""`make demo` does what it says: it trains to its targets, draws, and lists what it wrote."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

DEMO = Path(__file__).resolve().parent.parent / "examples" / "demo.py"
PLOTS = {"moons_training.png", "moons_boundary.png", "iris_training.png"}
GRAPHS = ("apple_bill", "neuron", "iris_loss")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _demo_extra():
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")


def run_demo(out: Path, path: str) -> str:
    environment = {**os.environ, "PATH": path, "PYTHONUTF8": "1"}
    command = [sys.executable, DEMO, "--out", out]
    run = subprocess.run(command, env=environment, cwd=out.parent, capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "100%" in run.stderr  # the progress bars
    return run.stdout


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The demo's output and folder on a machine without any program to call, dot among them."""
    out = tmp_path_factory.mktemp("bare") / "out"
    return run_demo(out, path=str(out)), out


def test_both_networks_reach_their_targets(bare):
    output, _ = bare
    assert "100.0% of the points are right; the target is 100 %: reached" in output
    assert float(re.search(r"([\d.]+)% of the flowers held out are right", output)[1]) > 90.0


def test_every_graph_is_an_svg_without_dot(bare):
    output, out = bare
    drawn = {f"{stem}.svg" for stem in GRAPHS}
    pngs = set(PLOTS)
    if "No apple_bill.png, neuron.png, iris_loss.png" not in output:
        pytest.importorskip("pygraphviz")  # which draws bitmaps without the dot program
        pngs |= {f"{stem}.png" for stem in GRAPHS}
    assert {path.name for path in out.iterdir()} == drawn | pngs
    for name in drawn:
        ElementTree.parse(out / name)
    for name in pngs:
        assert (out / name).read_bytes().startswith(b"\x89PNG"), name


def test_the_bill_is_the_lessons(bare):
    output, out = bare
    words = {text.strip() for text in ElementTree.parse(out / "apple_bill.svg").getroot().itertext()}
    assert words >= {"苹果 apple", "price", "tax", "200", "220", "+110", "+2.2", "+200", "+1.1", "+1"}
    assert "苹果 apple" in output


def test_it_lists_every_file_with_its_size(bare):
    output, out = bare
    listed = dict(re.findall(r"(?m)^  (\w+\.\w+) +([\d.]+) kB", output))
    assert listed == {path.name: f"{path.stat().st_size / 1000:.1f}" for path in out.iterdir()}
    assert len(output.split("What to try next\n")[1].splitlines()) == 3


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs the dot program")
def test_a_second_run_gives_the_same_numbers_and_pictures_and_bitmaps_with_dot(bare, tmp_path):
    first, first_out = bare
    second = run_demo(tmp_path / "out", os.environ["PATH"])
    assert second.split("\nWritten to")[0] == first.split("\nWritten to")[0]
    for name in PLOTS:
        assert (tmp_path / "out" / name).read_bytes() == (first_out / name).read_bytes(), name
    for stem in GRAPHS:
        assert (tmp_path / "out" / f"{stem}.png").read_bytes().startswith(b"\x89PNG")
        ElementTree.parse(tmp_path / "out" / f"{stem}.svg")


def test_a_network_that_misses_its_target_is_a_failure(tmp_path):
    code = (
        f"import runpy, sys, nn; fit = nn.fit; sys.argv = ['demo.py', '--out', {str(tmp_path)!r}]\n"
        "nn.fit = lambda *args, **options: fit(*args, **{**options, 'epochs': 1, 'progress': False})\n"
        f"runpy.run_path({str(DEMO)!r}, run_name='__main__')"
    )
    command, environment = [sys.executable, "-X", "utf8", "-c", code], {**os.environ, "PATH": str(tmp_path)}
    run = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert run.returncode == 1, run.stderr
    assert run.stdout.count("MISSED") == 2
    assert "What to try next" in run.stdout
