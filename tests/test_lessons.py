"""Every lesson runs, finds the figures that it states, and draws the pictures that it lists."""

from __future__ import annotations

import ast
import doctest
import math
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import autograd

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
LESSONS = sorted(EXAMPLES.glob("[0-9][0-9]_*.py"))
LONG = {
    "02_mini_batches",
    "03_two_arcs",
    "04_gradient_check",
    "05_optimisers",
    "06_deep",
    "11_digits",
    "12_cnn_digits",
    "13_rnn_names",
    "14_gpt_names",
    "15_what_it_looked_at",
    "16_learning_rates",
    "17_initialisations",
    "18_black_scholes",
}  # seconds; on the pure engine, whose numbers are the same bits, up to minutes

sys.path.insert(0, str(EXAMPLES))
import lesson  # noqa: E402 - modules beside the lessons
from samples import words  # noqa: E402


@pytest.fixture(autouse=True)
def _demo_extra():
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")


def marked(script: Path) -> object:
    if script.stem not in LONG:
        return pytest.param(script, id=script.stem)
    compiled_only = pytest.mark.skipif(not autograd.compiled, reason="takes up to minutes on the pure engine")
    return pytest.param(script, id=script.stem, marks=[pytest.mark.slow, compiled_only])


@pytest.mark.parametrize("script", [marked(script) for script in LESSONS])
def test_a_lesson_holds(script, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(script), "--out", str(tmp_path)])
    ran = runpy.run_path(str(script), run_name="__main__")["lesson"]  # raises where a figure is another
    assert ran.figures
    assert ran.title in capsys.readouterr().out
    assert {*ran.pictures} == {*tmp_path.iterdir()}
    for picture in ran.pictures:
        if picture.suffix == ".svg":
            ElementTree.parse(picture)
        else:
            assert picture.read_bytes().startswith(b"\x89PNG"), picture


def test_help_tells_what_a_lesson_is_about(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["01_bill.py", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(EXAMPLES / "01_bill.py"), run_name="__main__")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "--out" in shown
    assert ast.get_docstring(ast.parse((EXAMPLES / "01_bill.py").read_text(encoding="utf-8"))) in shown


@pytest.mark.parametrize("script", LESSONS, ids=lambda script: script.stem)
def test_a_lesson_reads_like_one(script):
    source = script.read_text(encoding="utf-8")
    title = ast.get_docstring(ast.parse(source)).splitlines()[0]
    assert re.match(rf"Lesson {int(script.stem[:2])}[.,] ", title)
    assert len(source.splitlines()) <= 100
    assert re.search("[\u4e00-\u9fff]", source), "the key terms stand in both languages"


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_every_lesson_is_in_the_table_of_contents_with_a_picture(page):
    rows = re.findall(r'\]\((\w+)\.py\).*<img src="([^"]+)"', (EXAMPLES / page).read_text(encoding="utf-8"))
    assert [name for name, _ in rows] == [script.stem for script in LESSONS]
    for name, picture in rows:
        assert (EXAMPLES / picture).stem == name
        assert (EXAMPLES / picture).is_file()


@pytest.mark.parametrize(
    ("found", "stated", "holds"),
    [
        (220.00000000000003, "220", True),
        (221.0, "220", False),
        (0.18796, "0.188", True),
        (0.18846, "0.188", True),
        (0.18856, "0.188", False),
        (-0.0958, "-0.096", True),
        (0.9425, "94%", True),
        (0.9475, "94%", False),
        (4.9e-6, "5e-06", True),
        (4.4e-6, "5e-06", False),
        (1891, "1,891", True),
        (1892, "1,891", False),
        (1e-8, "<2e-7", True),
        (2e-7, "<2e-7", False),
        (0.991, ">99%", True),
        (0.989, ">99%", False),
        (0.0, "0", True),
        (1e-300, "0", False),
        (math.nan, "0", False),
        (math.nan, "<1", False),
        (math.inf, "<1", False),
        (math.inf, "inf", True),
    ],
)
def test_a_figure_holds_to_the_digits_that_are_stated(found, stated, holds):
    assert lesson.agrees(found, stated) is holds


def test_the_examples_in_its_docstring_hold():
    assert doctest.testmod(lesson) == (0, 2)


def lessons_tool(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "tools" / "lessons.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def test_the_page_holds_figures_and_pictures_and_names_no_address(tmp_path):
    made = lessons_tool("01_bill", "--out", tmp_path)
    assert made.returncode == 0, made.stderr
    assert "1 of 1 lessons hold" in made.stdout
    assert "100%" in made.stderr  # the progress bar
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "://" not in page
    assert page.count("<img ") == page.count('src="data:image/') == 3
    assert "<tr><td>d bill / d apples: one apple more</td><td>110.0</td></tr>" in page


def test_a_lesson_whose_figure_is_another_fails_and_the_page_says_so(tmp_path):
    wrong = tmp_path / "01_wrong.py"
    source = (EXAMPLES / "01_bill.py").read_text(encoding="utf-8")
    wrong.write_text(source.replace('bill.data, "220"', 'bill.data, "219"'), encoding="utf-8")
    command = [sys.executable, "-X", "utf8", wrong, "--out", tmp_path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(EXAMPLES), str(ROOT)])}
    run = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
    assert run.returncode == 1
    said = "AssertionError: 01_wrong: the bill 支付金额: stated 219, found 220.0"
    assert said in run.stderr
    tool = runpy.run_path(str(ROOT / "tools" / "lessons.py"))
    (tmp_path / "lesson.py").write_text((EXAMPLES / "lesson.py").read_text(encoding="utf-8"), encoding="utf-8")
    failed = tool["run"](wrong, tmp_path)
    assert said in failed.failure
    assert "It failed." in tool["page"]([failed])


@pytest.mark.parametrize("other", [False, True])
def test_figures_hold_for_the_text_of_the_lesson(other, tmp_path, monkeypatch, capsys):
    text = tmp_path / "words.txt"
    monkeypatch.setattr(sys, "argv", ["13_x.py", "--out", str(tmp_path), *(["--text", str(text)] if other else [])])
    read = lesson.Lesson("Lesson 13. Words", reads="names.txt")
    assert read.file == (text if other else EXAMPLES / "names.txt")
    read.figure("as stated", 2.3163, "2.32")
    if other:
        read.figure("another", 1.23456, "2.32")
        assert [found for _, found in read.figures] == ["2.316", "1.235"]
    else:
        with pytest.raises(AssertionError, match=r"another: stated 2.32, found 1.23456"):
            read.figure("another", 1.23456, "2.32")


def test_words_become_letters_and_the_letters_behind_them(tmp_path):
    (tmp_path / "words.txt").write_text("bad\ncab\n", encoding="utf-8")
    letters, X_train, X_test, y_train, y_test = words(tmp_path / "words.txt")
    assert letters == ".abcd"
    assert sorted(X_train + X_test) == [[0, 2, 1, 4], [0, 3, 1, 2]]
    assert sorted(y_train + y_test) == [[2, 1, 4, 0], [3, 1, 2, 0]]
    names = (EXAMPLES / "names.txt").read_text(encoding="utf-8").split()
    assert len(names) == len(set(names)) == 1000
    assert all(re.fullmatch("[a-z]{3,12}", name) for name in names)


def test_an_unknown_lesson_is_refused(tmp_path):
    run = lessons_tool("99_none", "--out", tmp_path)
    assert run.returncode == 2
    assert "there is no lesson '99_none'; the lessons are 01_bill" in run.stderr
