"""Per-thread recording modes: whether nodes are recorded, and in which scope.

>>> from autograd import Value, named_scope, no_grad
>>> with no_grad():
...     (Value(2.0) * 3.0).parents
()
>>> with named_scope("encoder"), named_scope("gate"):
...     (Value(2.0) * 3.0).module
'encoder.gate'
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from types import TracebackType
from typing import ParamSpec, TypeVar

from autograd.value import Mode, current_mode, set_mode

P = ParamSpec("P")
R = TypeVar("R")

__all__ = [
    "Mode",
    "current_mode",
    "current_scope",
    "mode_set",
    "named_scope",
    "no_grad",
    "recording",
    "scoped",
    "set_mode",
    "unwatched",
]


class Setting:
    """A reentrant context manager that sets the mode of the thread and restores the previous one."""

    __slots__ = ("_previous",)

    def __init__(self) -> None:
        self._previous: list[Mode | None] = []

    def _mode(self, outer: Mode) -> Mode:
        raise NotImplementedError

    def __enter__(self) -> None:
        outer = current_mode()
        inner = self._mode(outer or Mode())
        self._previous.append(outer)
        set_mode(inner)  # last: an error before it leaves the thread as it was

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        set_mode(self._previous.pop())


class no_grad(Setting):
    """Disable recording inside: results are leaves. It applies to this thread only.

    `@no_grad()` does the same for each call of a function. Generators and coroutines run after the call that makes
    them, in pieces between which other code runs, so they are refused: use `with no_grad():` around what they compute,
    with no `yield` and no `await` inside.

    Raises:
        TypeError: what is decorated is not a function, or is a generator function or a coroutine function.

    >>> from autograd import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.op, y.parents
    (9.0, '', ())
    >>> @no_grad()
    ... def square(x):
    ...     return x * x
    >>> square(x).parents
    ()
    """

    __slots__ = ()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return the function with recording disabled in each of its calls."""
        name = getattr(function, "__qualname__", repr(function))
        if not callable(function) or isinstance(function, type):
            raise TypeError(f"no_grad() decorates functions, not {type(function).__name__} {name}")
        tests = (inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction)
        if any(test(function) for test in tests):
            raise TypeError(
                f"no_grad() cannot decorate {name}, a generator or a coroutine, because its body runs after the call: "
                "use `with no_grad():` inside it, around what it computes"
            )

        @wraps(function)
        def without_recording(*args: P.args, **kwargs: P.kwargs) -> R:
            with no_grad():
                return function(*args, **kwargs)

        return without_recording

    def _mode(self, outer: Mode) -> Mode:
        return outer.with_(recording=False)


class named_scope(Setting):
    """Name a scope: nodes computed inside carry it as `module`, after the enclosing scope and a dot.

    It applies to this thread only.

    Args:
        name: A non-empty str.

    Raises:
        TypeError: `name` is not a non-empty str.

    >>> from autograd import Value
    >>> with named_scope("layers.0"):
    ...     (Value(1.0) + 1.0).module
    'layers.0'
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        if type(name) is not str or not name:
            raise TypeError(f"the name of a scope must be a non-empty str, not {name!r}")
        super().__init__()
        self._name = name

    def _mode(self, outer: Mode) -> Mode:
        return scoped(outer, self._name)


def scoped(outer: Mode | None, name: str) -> Mode:
    """Return the mode inside a scope of this name.

    >>> scoped(Mode(scope="layers"), "0").scope
    'layers.0'
    """
    if outer is None:
        return Mode(scope=name)
    return outer.with_(scope=name if outer.scope is None else f"{outer.scope}.{name}")


def current_scope() -> str | None:
    """Return the dotted path of the scopes that are open in this thread; None outside of any.

    >>> current_scope() is None
    True
    """
    mode = current_mode()
    return None if mode is None else mode.scope


@contextmanager
def mode_set(mode: Mode | None) -> Iterator[None]:
    """Set the mode of this thread inside, and restore the outer one afterwards."""
    outer = current_mode()
    set_mode(mode)
    try:
        yield
    finally:
        set_mode(outer)


def recording() -> AbstractContextManager[None]:
    """Record inside, even inside `no_grad`: a transform needs the graph of its function."""
    outer = current_mode()
    return mode_set(None if outer is None else outer.with_(recording=True))


def unwatched() -> AbstractContextManager[None]:
    """Set no mode inside, for the engine's own reading of nodes, which is not the program's."""
    return mode_set(None)
