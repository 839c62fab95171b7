"""Every public function gives back what it takes, references and memory, where it fails too; `make leaks` runs more."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import leaks
import pytest

import autograd as ag
import nn
import viz
from autograd import Value

about_slabs = pytest.mark.skipif(
    not ag.compiled or sys.platform != "linux" or "GLASSGRAD_SANITIZED" in os.environ,
    reason="about the slabs of the compiled core, which a sanitizer does without",
)


@pytest.fixture(autouse=True, scope="module")
def all_else_frozen() -> Iterator[None]:
    with leaks.all_else_frozen():
        yield


@pytest.mark.parametrize("name", leaks.CASES)
def test_nothing_is_left_behind(name: str):
    found = leaks.leaks(leaks.CASES[name])
    if found:  # a cache that fills slowly may look like a leak once; a leak is one again
        found = leaks.leaks(leaks.CASES[name])
    assert found == []


def test_every_public_function_is_run():
    names = {*ag.__all__, "abs", "round", "sum"}
    names |= {f"{module.__name__}.{name}" for module in (nn, viz) for name in module.__all__}
    assert names - {name.split(":")[0] for name in leaks.CASES} - leaks.NOT_RUN == set()


def test_a_leak_is_seen():
    kept: list[object] = []
    assert leaks.leaks(lambda: kept.append(leaks.X))
    assert leaks.leaks(lambda: kept.append(float(len(kept))))
    assert leaks.leaks(lambda: kept.append(Value(1.0) * leaks.Y))


GIVEN_BACK = """
import leaks
from autograd import Value
held = [Value(1.0) for _ in range(1_500_000)]  # 137 MiB
most = leaks.resident()
del held
print(most - leaks.resident())
"""


SLAB = 2**21


@about_slabs
def test_slabs_are_given_back():
    """All but the 32 that are kept for the next graph, 64 MiB, in a process that has not wanted more before."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    code = [sys.executable, "-c", GIVEN_BACK]
    found = subprocess.run(code, env=environment, capture_output=True, text=True, check=True)
    assert int(found.stdout) > 60 * 2**20


@about_slabs
def test_places_between_nodes_that_live_are_filled_again():
    held = [Value(1.0) for _ in range(100_000)]
    before = leaks.resident()
    for round_ in range(10):  # half of the nodes of each slab live on
        half = slice(round_ % 2, None, 2)
        held[half] = [Value(0.0)] * len(held[half])
        held[half] = [Value(1.0) for _ in range(len(held[half]))]
    assert leaks.resident() - before < 10 * 2**20  # each round 4.6 MiB, were they forgotten


@about_slabs
def test_no_node_reaches_beyond_its_slab():
    held = [Value(0.0) for _ in range(50_000)]
    assert max(id(v) % SLAB for v in held) + Value.__basicsize__ <= SLAB
