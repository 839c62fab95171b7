"""Module: the base class of everything with parameters; it finds and names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

from autograd import Value
from autograd.modes import Mode, current_mode, scoped, set_mode
from nn import inner_loops

__all__ = ["Forwards", "Module"]

Inputs = ParamSpec("Inputs")
Outputs_co = TypeVar("Outputs_co", covariant=True)


class Forwards(Protocol[Inputs, Outputs_co]):
    """A module as type checkers see it: by its method `forward`."""

    def forward(self, *args: Inputs.args, **kwargs: Inputs.kwargs) -> Outputs_co:
        """Return the outputs."""


class _CallOfForward(Protocol):
    """The type of `Module.__call__`: a call takes and returns what the subclass's `forward` does."""

    @overload
    def __get__(self, module: None, kind: type[Any], /) -> Callable[..., Any]: ...

    @overload
    def __get__(self, module: Forwards[Inputs, Outputs_co], kind: type[Any], /) -> Callable[Inputs, Outputs_co]: ...


def _typed_by_forward(call: Callable[..., Any]) -> _CallOfForward:
    return cast(_CallOfForward, call)


class Module:
    """A function with parameters. A subclass defines `forward`; callers call the module itself.

    Parameters are the leaf `Value`s that a module holds as attributes, and those of the modules it holds; both are
    also found inside lists, tuples and dicts. They come in the order of definition, a shared one once. Attributes
    whose names begin with an underscore are private to the module and not searched.

    The nodes that a call creates carry the module's path in `Value.module` ("layers.0.neurons.3"), and so do the
    parameters. A path begins with the name of the outermost module's class, in lower case, only if that module holds
    parameters of its own; so the path of a lone neuron is "neuron".

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope = Value(2.0)
    ...         self.intercept = Value(1.0)
    ...     def forward(self, x):
    ...         return self.slope * x + self.intercept
    >>> line = Line()
    >>> line(3.0).data
    7.0
    >>> [name for name, _ in line.named_parameters()]
    ['slope', 'intercept']
    >>> line(3.0).module
    'line'
    """

    # None until the first naming; class attributes, so that a subclass need not call super().__init__().
    _path: str | None = None
    _scope: str = ""
    _modes: tuple[Mode | None, Mode] | None = None  # around and inside the last call

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the module's outputs. A subclass defines this method; callers call the module itself.

        Raises:
            NotImplementedError: the subclass does not define it.
        """
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, ...): define it, then call the module")

    @_typed_by_forward
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what `forward` returns; the nodes created on the way carry this module's path."""
        if self._path is None:
            self._assign_names()
        if not self._scope:
            return self.forward(*args, **kwargs)
        # as named_scope does, without a new object for each of a hundred thousand calls
        outer = current_mode()
        modes = self._modes
        if modes is None or modes[0] is not outer:
            modes = outer, scoped(outer, self._scope)
            if outer is None or outer.recorder is None:  # which would keep a recorded graph alive
                self._modes = modes
        set_mode(modes[1])
        try:
            return self.forward(*args, **kwargs)
        finally:
            set_mode(outer)

    def __getstate__(self) -> dict[str, Any]:
        return {name: held for name, held in vars(self).items() if name != "_modes"}

    def parameters(self) -> list[Value]:
        """Return every parameter, in the order of definition, a shared one once.

        Raises:
            ValueError: as for `named_parameters`.
        """
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Return every parameter with its name as seen from this module, such as "layers.0.neurons.3.w1".

        A list `w` of Values gives w0, w1, ...; lists of lists and dicts give w.0.1, w.key. The parameters are also
        tagged: `Value.module` with the path of their module, `Value.label` with the last part unless they have a label.

        Raises:
            ValueError: two parameters would have the same name, or an attribute holds a computed Value, which an
                optimiser cannot train.
        """
        return self._assign_names()

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        inner_loops.zero_gradients(tuple(_values(self, set())))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.parameters())} parameters)"

    def _assign_names(self) -> list[tuple[str, Value]]:
        """Name all modules and parameters below; return the parameters with their names."""
        if not self._path:
            holds_parameters = any(isinstance(member, Value) for _, member in _members(self, set()))
            self._scope = self._path = type(self).__name__.lower() if holds_parameters else ""
        named: list[tuple[str, Value]] = []
        _name_below(self, "", self._path, {id(self)}, named)
        _check_distinct(self, [name for name, _ in named])
        return named


def _name_below(module: Module, name: str, path: str, seen: set[int], named: list[tuple[str, Value]]) -> None:
    """Name what the module holds: `name` as the caller of named_parameters sees it, `path` as nodes carry it."""
    for part, member in _members(module, seen):
        member_name = f"{name}.{part}" if name else part
        if isinstance(member, Value):
            if member.op:
                raise ValueError(
                    f"{type(module).__name__}.{part} is a computed Value ({member!r}), so it cannot be trained: "
                    f"make it a parameter with .detach(), or keep it under a name that begins with '_'"
                )
            member.module = path or None
            if member.label is None:
                member.label = part
            named.append((member_name, member))
        else:
            member_path = f"{path}.{part}" if path else part
            member._scope, member._path, member._modes = part, member_path, None
            _name_below(member, member_name, member_path, seen, named)


def _values(module: Module, seen: set[int]) -> Iterator[Value]:
    """Yield every Value below the module, once, without naming it."""
    for _, member in _members(module, seen):
        if isinstance(member, Value):
            yield member
        else:
            yield from _values(member, seen)


def _members(module: Module, seen: set[int]) -> Iterator[tuple[str, Value | Module]]:
    """Yield the Values and modules in a module's attributes, with the last part of their names; none that was seen."""
    for attribute, held in vars(module).items():
        if not attribute.startswith("_"):
            yield from _unpack(attribute, held, seen)


def _unpack(name: str, held: object, seen: set[int], depth: int = 0) -> Iterator[tuple[str, Value | Module]]:
    """Yield the Values and modules in one attribute: w1 for a Value in a list, else with dots: layers.0, table.3.2."""
    if not isinstance(held, (Value, Module, list, tuple, dict)) or id(held) in seen:
        return
    seen.add(id(held))
    if isinstance(held, (Value, Module)):
        yield name, held
        return
    numbered = depth == 0 and not isinstance(held, dict)
    for key, member in held.items() if isinstance(held, dict) else enumerate(held):
        joint = "" if numbered and isinstance(member, Value) else "."
        yield from _unpack(f"{name}{joint}{key}", member, seen, depth + 1)


def _check_distinct(module: Module, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{type(module).__name__} has two parameters named {name!r}: rename one of the attributes")
        seen.add(name)
