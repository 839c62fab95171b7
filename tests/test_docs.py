"""The README shows the code that is there, and its script does what it says; links of all pages lead somewhere.

The sessions in the pages run as doctests.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_script_is_the_example():
    (script,) = re.findall(r"(?s)```python\n(.*?)```", README)
    assert script == (ROOT / "examples" / "train_moons.py").read_text(encoding="utf-8")


def test_the_script_gets_every_point_right(tmp_path):
    script = [sys.executable, ROOT / "examples" / "train_moons.py"]
    run = subprocess.run(script, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    assert "accuracy: 100%" in run.stdout
    below, above = re.search(r"each moon: (-\d+\.\d+) (\+\d+\.\d+)", run.stdout).groups()
    assert float(below) < -1.0
    assert float(above) > 1.0


def test_iris_is_learnt(tmp_path):
    pytest.importorskip("sklearn")
    script = [sys.executable, ROOT / "examples" / "train_iris.py"]
    run = subprocess.run(script, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    assert int(re.search(r"held-out third: (\d+)%", run.stdout)[1]) > 90


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")])


def linked_files(page: Path) -> list[str]:
    text = re.sub(r"(?s)```.*?```", "", page.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)|(?:src|srcset)=\"([^\"]+)\"", text)
    return [local for pair in targets if not (local := "".join(pair)).startswith("http")]


@pytest.mark.skipif(not (ROOT / "autograd").is_dir(), reason="pages link to the sources, which are elsewhere")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    assert [link for link in linked_files(page) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_text_is_wrapped(page):
    text = re.sub(r"(?s)```.*?```", "", page.read_text(encoding="utf-8"))
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")] == []


def test_every_page_of_the_docs_is_in_their_index():
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link).resolve() for link in linked_files(index)}
    assert {page for page in PAGES if "docs" in page.relative_to(ROOT).parts} - {index} <= listed


def test_the_readme_shows_its_pictures():
    shown = {"neuron_light.svg", "neuron_film_light.svg", "neuron_film_dark.svg", "neuron.html"}
    assert {f"docs/images/{name}" for name in shown} < set(linked_files(ROOT / "README.md"))


@pytest.mark.parametrize("name", ["neuron_light", "neuron_dark", "neuron_film_light", "neuron_film_dark"])
def test_the_pictures_show_the_numbers_of_the_session(name):
    svg = (ROOT / "docs" / "images" / f"{name}.svg").read_text(encoding="utf-8")
    shown = ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    (listing,) = re.findall(r"(?s)>>> print_graph\(y\)\n(.*?)>>>", README)
    rows = [re.split(r"  +", line.strip()) for line in listing.splitlines()[1:]]
    assert len(rows) == 10
    wanted = [number for row in rows for number in row if re.fullmatch(r"[+-]?\d+(\.\d+)?", number)]
    assert len(wanted) == 20
    for number in wanted:
        assert shown.count(number) >= wanted.count(number), number


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library may round a last digit otherwise")
def test_the_pictures_are_current():
    script = [sys.executable, ROOT / "tools" / "figures.py", "--check"]
    run = subprocess.run(script, capture_output=True, encoding="utf-8", cwd=ROOT)
    assert run.returncode == 0, run.stderr
