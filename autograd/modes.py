# cython: binding=True
"""Recording modes of a context: whether nodes are recorded, and in which scope.

Each thread and each asyncio task has a context of its own; a task starts with a copy of its creator's.

This file is compiled less for speed than for Ctrl-C: Python looks for signals between its own instructions, and none of
these is between a mode that is set and the block that takes it out.

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
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

from autograd.value import Layer, Mode, _mode, close_layer, current_mode, open_layer, restore_mode, set_briefly

P = ParamSpec("P")
R = TypeVar("R")

__all__ = [
    "Layer",
    "Mode",
    "Setting",
    "call_in_scope",
    "current_mode",
    "current_scope",
    "layer_set",
    "named_scope",
    "no_grad",
    "recording",
    "unwatched",
]


_DEFAULT = Mode()


class Setting:
    """A reentrant context manager that adds a layer to the mode of its context and takes it out again.

    It takes out its own layer only, so that blocks of generators may end in any order.
    """

    __slots__ = ("_layers",)

    def __init__(self) -> None:
        self._layers: list[Layer] = []  # of the blocks that are open, in any context

    def _layer(self) -> Layer:
        raise NotImplementedError

    def __enter__(self) -> None:
        layer = self._layer()
        self._layers.append(layer)
        try:
            open_layer(layer)
        except BaseException:
            self._layers.remove(layer)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        own = -1
        try:
            mode = current_mode()
            for i, layer in enumerate(self._layers):
                if mode is not None and mode.has(layer):
                    own = i
        finally:
            close_layer(self._layers[own])
            del self._layers[own]


class no_grad(Setting):
    """Disable recording inside: results are leaves. It applies to this thread and this asyncio task only.

    `@no_grad()` does the same for each call of a function. Generators and coroutines run after the call that makes
    them, in pieces between which other code runs, so they are refused: use `with no_grad():` around what they compute.
    A task may await inside such a block; a generator that yields inside one leaves its caller in it.

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

    def _layer(self) -> Layer:
        return Layer(recording=False)


class named_scope(Setting):
    """Name a scope: nodes computed inside carry it as `module`, after the enclosing scope and a dot.

    It applies to this thread and this asyncio task only.

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

    def _layer(self) -> Layer:
        return Layer(scope=self._name)


def current_scope() -> str | None:
    """Return the dotted path of the scopes that are open in this context; None outside of any.

    >>> current_scope() is None
    True
    """
    mode = current_mode()
    return None if mode is None else mode.scope


class layer_set:
    """A context manager that adds a layer to the mode of its context, for one block."""

    __slots__ = ("_layer",)

    def __init__(self, layer: Layer) -> None:
        self._layer = layer

    def __enter__(self) -> None:
        open_layer(self._layer)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        close_layer(self._layer)


def recording() -> layer_set:
    """Record inside, even inside `no_grad`: a transform needs the graph of its function."""
    return layer_set(Layer(recording=True))


class unwatched:
    """A context manager that sets no mode, for the engine's own reading of nodes, which is not the program's."""

    __slots__ = ("_outer", "_version")

    def __enter__(self) -> None:
        self._outer = current_mode()
        self._version = set_briefly(None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        restore_mode(None, self._outer, self._version)


def call_in_scope(scope: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function in a scope, and return what it returns.

    As a block of `named_scope` does, without a new object for each of a hundred thousand calls.

    >>> from autograd import Value
    >>> call_in_scope("encoder", lambda x: x + 1.0, (Value(1.0),), {}).module
    'encoder'
    """
    outer = current_mode()
    inner = (_DEFAULT if outer is None else outer).inside(scope)
    if cython.compiled:
        version = set_briefly(inner)
        try:
            return function(*args, **kwargs)
        finally:
            restore_mode(inner, outer, version)
    try:  # Ctrl-C may come after any call: the first one in `finally` has put the mode back
        _mode.set(inner)
        return function(*args, **kwargs)
    finally:
        found = _mode.set(outer).old_value
        if found is not inner and isinstance(found, Mode):  # a block inside has not ended, one of a generator
            _mode.set(found.without_layer(inner.layers[-1]))
