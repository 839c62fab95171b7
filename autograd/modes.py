"""What a thread's recording is set to: whether it records, and in which scope.

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
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol

from autograd.value import Mode, Value, current_mode, set_mode

__all__ = ["Mode", "current_mode", "current_scope", "named_scope", "no_grad", "scoped", "set_mode", "unwatched"]


class Watch(Protocol):
    """What looks at each node as it is computed, and at each backward pass before it begins."""

    def computed(self, node: Value) -> None:
        """Called with a node just recorded; an error from here is the user's."""

    def backward(self, root: Value, gradient: float) -> None:
        """Called before a backward pass changes any gradient."""


class Recorder(Protocol):
    """What keeps a tape's account of a function while it runs (`autograd.tape.recorder`)."""

    def compared(self, relation: Any, x: Value, y: object) -> Any:
        """What a comparison of x gives."""

    def detached(self, node: Value) -> Value:
        """A node with this one's number, through which no gradient passes."""

    def read(self, node: Value) -> None:
        """Called where a number of the node leaves the graph."""


class Setting:
    """A context manager that sets the thread's mode and puts the old one back; it may be entered again."""

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
    """Record nothing inside: results are leaves. For this thread only.

    >>> from autograd import Value
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.op, y.parents
    (9.0, '', ())
    """

    __slots__ = ()

    def _mode(self, outer: Mode) -> Mode:
        return Mode(False, outer.scope, outer.watch, outer.recorder)


class named_scope(Setting):
    """Nodes computed inside carry `module`: this name, after the enclosing scope's and a dot. For this thread only.

    Args:
        name: a str that is not empty.

    >>> from autograd import Value
    >>> with named_scope("layers.0"):
    ...     (Value(1.0) + 1.0).module
    'layers.0'
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        if type(name) is not str or not name:
            raise TypeError(f"a scope's name must be a str that is not empty, not {name!r}")
        super().__init__()
        self._name = name

    def _mode(self, outer: Mode) -> Mode:
        return scoped(outer, self._name)


def scoped(outer: Mode | None, name: str) -> Mode:
    """The mode inside a scope of this name.

    >>> scoped(Mode(scope="layers"), "0").scope
    'layers.0'
    """
    if outer is None:
        return Mode(scope=name)
    return Mode(outer.recording, name if outer.scope is None else f"{outer.scope}.{name}", outer.watch, outer.recorder)


def current_scope() -> str | None:
    """The dotted path of the scopes that are open in this thread; None outside all.

    >>> current_scope() is None
    True
    """
    mode = current_mode()
    return None if mode is None else mode.scope


@contextmanager
def unwatched() -> Iterator[None]:
    """No mode inside: the engine looks at its own nodes, which is not the program's doing."""
    outer = current_mode()
    set_mode(None)
    try:
        yield
    finally:
        set_mode(outer)
