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

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

from autograd.value import Mode, current_mode, set_mode

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

    >>> from autograd import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.op, y.parents
    (9.0, '', ())
    """

    __slots__ = ()

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
