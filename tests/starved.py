"""Runs of a piece of work in which one allocation fails: the first, then the second, and so on to the last."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from itertools import count

import pytest

_testcapi = pytest.importorskip("_testcapi", reason="some distributions of Python leave it out")

QUIET = 25  # Python can do without some of its allocations; after so many runs in a row that ended well, none was left


def starved(
    work: Callable[[], object], prepare: Callable[[], object] = lambda: None, quiet_runs: int = QUIET
) -> Iterator[int]:
    """Run the work again and again, and yield after each run that ended in `MemoryError`; any other error is raised.

    What is yielded is the number of the allocation that failed. Before each run all is prepared, with enough memory.
    """
    if sys.version_info >= (3, 12):
        pytest.skip("from 3.12 on CPython itself crashes where an allocation fails, in calls of plain Python functions")
    quiet = 0
    for allocation in count():
        prepare()
        error: BaseException | None = None
        collects = gc.isenabled()
        gc.disable()  # a collection would call what others have put into gc.callbacks, which is not the work's
        _testcapi.set_nomemory(allocation, allocation + 1)
        try:
            work()
        except MemoryError as raised:
            error = raised
        finally:
            _testcapi.remove_mem_hooks()
            if collects:
                gc.enable()
        if error is not None:
            quiet = 0
            del error
            yield allocation
        else:
            quiet += 1
            if quiet == quiet_runs:
                return
