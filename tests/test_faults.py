"""The faults that `make mutate` makes are still those of the source: a table of texts rots where nobody looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "setup.py").is_file(), reason="about the sources, in a checkout")


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return __import__("mutate_core")


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return __import__("mutate_python")


def test_each_text_of_the_table_of_c_is_in_its_file_once(core: Any):
    found = {row.key: (ROOT / core.CORE / row.file).read_text(encoding="utf-8").count(row.before) for row in core.ROWS}
    assert {key: count for key, count in found.items() if count != 1} == {}
    assert len(found) == len(core.ROWS), "two faults have one name"
    core.faulty_sources()  # an error where two overlap


# what others are made of, and holds nothing to do wrong: formulas, which have their own faults, and declarations
WITHOUT_FAULTS = {"arithmetic.h", "core.h", "node.h"}


def test_each_file_of_c_has_faults_and_tests(core: Any):
    files = {path.name for path in (ROOT / core.CORE).glob("*.[ch]")}
    assert files == {row.file for row in core.ROWS} | WITHOUT_FAULTS
    assert core.TESTS.keys() == files - WITHOUT_FAULTS


def test_what_the_tables_of_python_name_is_there(python: Any):
    files = {key.partition(": ")[0] for key in python.EQUIVALENT}
    assert files <= python.TESTS.keys()
    names = {fault.key for file in files for fault in python.faults_of(file)}
    assert python.EQUIVALENT.keys() <= names
    for entry in (entry for entries in python.THEMES.values() for entry in entries):
        file, _, function = entry.partition(": ")
        assert any(fault.name.startswith(f"{function}: ") for fault in python.faults_of(file)), entry


def test_the_tests_that_are_to_see_faults_are_there(core: Any, python: Any):
    for table in (core.TESTS, python.TESTS):
        for file, tests in table.items():
            assert (ROOT / file).is_file() or (ROOT / core.CORE / file).is_file(), file
            for test in tests.split():
                assert (ROOT / "tests" / f"test_{test}.py").is_file(), test
