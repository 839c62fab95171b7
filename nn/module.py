"""Module: the base class of everything with parameters; it finds and names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, Protocol, Self, TypeVar, cast, overload

from autograd import Value
from autograd.modes import call_in_scope
from autograd.value import place_in_model
from nn import buffers, generator, inner_loops, state

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

    A module maps one sample: a number, a list of numbers, or nested lists. One that looks across the samples of a
    batch, as batch normalisation does, defines `forward_batch` as well.

    Parameters are the leaf `Value`s that a module holds as attributes, and those of the modules it holds; both are
    also found inside lists, tuples and dicts. They come in the order of definition, a shared one once. Attributes
    whose names begin with an underscore are private to the module and not searched. Attributes that `register_buffer`
    makes are not parameters.

    The nodes that a call creates carry the module's path in `Value.module` ("layers.0.neurons.3"), and so do the
    parameters, which are called by it (`Value.name` is "layers.0.neurons.3.w1") unless they have a label. A path begins
    with the name of the outermost module's class, in lower case, only if that module holds parameters of its own; so
    the path of a lone neuron is "neuron".

    Attributes:
        training: Whether the module is in training mode, as it is made; `eval` and `train` change it.

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
    _buffers: tuple[str, ...] = ()  # the names of attributes
    _tapes: Any = None  # that a fit leaves to the next one
    training: bool = True

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
        return call_in_scope(self._scope, self.forward, args, kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return {name: held for name, held in vars(self).items() if name != "_tapes"}

    def forward_batch(self, rows: Sequence[Any]) -> list[Any]:
        """Return the outputs for the samples of a batch, in their order.

        A module that looks across the batch defines this method; so does one that calls such a module.
        """
        outputs = []
        for place, row in enumerate(rows):
            with generator.row_of_batch(place):
                outputs.append(self(row))
        return outputs

    def _who(self) -> str:
        """Return how errors call the module: by its path and its repr."""
        return f"{self._path} ({self!r})" if self._path else repr(self)

    def _looks_across_batch(self) -> bool:
        """Return whether the output of one sample of a batch may depend on the others, in training."""
        return type(self).forward_batch is not Module.forward_batch

    def train(self, mode: bool = True) -> Self:
        """Set this module and all below it to training mode, or to evaluation mode if `mode` is False; return it."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set this module and all below it to evaluation mode; return it."""
        return self.train(False)

    def modules(self) -> list[Module]:
        """Return this module and all below it, each once."""
        return [module for _, module in self.named_modules()]

    def named_modules(self) -> list[tuple[str, Module]]:
        """Return this module, under the name "", and all below it with their paths as seen from here.

        >>> from nn import MLP
        >>> [name for name, _ in MLP(2, [1]).named_modules()]
        ['', 'layers.0', 'layers.0.neurons.0']
        """
        found: list[tuple[str, Module]] = [("", self)]
        _add_modules_below(self, "", {id(self)}, found)
        return found

    def register_buffer(self, name: str, numbers: Any) -> None:
        """Hold numbers that are part of the state and not trained, such as running means, in an attribute.

        Args:
            name: The name of the attribute.
            numbers: A number, or nested lists of numbers; the attribute holds Values in their places.

        >>> module = Module()
        >>> module.register_buffer("mean", [0.0, 0.0]); module.mean[0].data
        0.0
        """
        setattr(self, name, buffers.values_of(numbers))
        self._buffers = (*(other for other in self._buffers if other != name), name)

    def update_buffer(self, name: str, numbers: Any) -> None:
        """Give a buffer new numbers: at once, or, while `fit` trains, after the step that computed them.

        Args:
            name: The name of the attribute.
            numbers: Values or numbers in the form of the buffer.
        """
        buffers.update(getattr(self, name), numbers)

    def buffers(self) -> list[Value]:
        """Return the Values of all buffers of this module and of those below it."""
        return [
            number
            for module in self.modules()
            for name in module._buffers
            for number in buffers.numbers_in(getattr(module, name))
        ]

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers of all parameters and buffers: plain numbers and nested lists of them by their paths.

        The paths and layouts are PyTorch's where the parts are: a `Linear` in a `Sequential` has "0.weight", a list of
        rows, and "0.bias".

        >>> from nn import Linear
        >>> sorted(Linear(2, 1, init=lambda rng, nin, nout: 0.5).state_dict().items())
        [('bias', [0.0]), ('weight', [[0.5, 0.5]])]
        """
        return {path: state.plain(held) for path, held in state.entries(self)}

    def load_state_dict(self, numbers: Mapping[str, Any]) -> None:
        """Assign the numbers of a `state_dict`; from PyTorch, `{k: v.tolist() for k, v in model.state_dict().items()}`.

        Args:
            numbers: Numbers and nested lists of numbers by path.

        Raises:
            TypeError: `numbers` is not a dict.
            ValueError: A path is missing or unknown, a size is wrong, or something is not a finite number; the error
                names the path. Then nothing has changed.
        """
        state.assign(state.checked(self, numbers))

    def parameters(self) -> list[Value]:
        """Return every parameter, in the order of definition, a shared one once.

        Raises:
            ValueError: as for `named_parameters`.
        """
        return [parameter for _, parameter in self.named_parameters()]

    def named_parameters(self) -> list[tuple[str, Value]]:
        """Return every parameter with its name as seen from this module, such as "layers.0.neurons.3.w1".

        A list `w` of Values gives w0, w1, ...; lists of lists and dicts give w.0.1, w.key.

        Raises:
            ValueError: two parameters would have the same name, or an attribute holds a computed Value, which an
                optimiser cannot train.
        """
        return self._assign_names()

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        inner_loops.zero_gradients(tuple(self._each_value()))

    def _each_value(self) -> Iterator[Value]:
        """Yield every parameter, as `parameters` has them, without naming or checking them."""
        return _values(self, set())

    def _attributes(self) -> Iterator[tuple[str, object]]:
        """Yield what the module holds, by the names that paths have."""
        for attribute, held in vars(self).items():
            if not attribute.startswith("_") and attribute not in self._buffers:
                yield attribute, held

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


_HOLDERS = (Module, list, tuple, dict)


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
            place_in_model(member, path or None, f"{path}.{part}" if path else part)
            named.append((member_name, member))
        else:
            member_path = f"{path}.{part}" if path else part
            member._scope, member._path = part, member_path
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
    for attribute, held in module._attributes():
        yield from _unpack(attribute, held, seen)


def _add_modules_below(module: Module, name: str, seen: set[int], found: list[tuple[str, Module]]) -> None:
    """Append the modules that a module holds, with their paths, to a list."""
    for attribute, held in module._attributes():
        if isinstance(held, _HOLDERS):
            _add_modules_in(f"{name}.{attribute}" if name else attribute, held, seen, found)


def _add_modules_in(path: str, held: Any, seen: set[int], found: list[tuple[str, Module]]) -> None:
    """Append the modules in one attribute, and those below them; Values, which are many, are passed over."""
    if id(held) in seen:
        return
    seen.add(id(held))
    if isinstance(held, Module):
        found.append((path, held))
        _add_modules_below(held, path, seen, found)
    elif not inner_loops.are_values(list(held.values() if isinstance(held, dict) else held)):
        for key, member in held.items() if isinstance(held, dict) else enumerate(held):
            if isinstance(member, _HOLDERS):
                _add_modules_in(f"{path}.{key}", member, seen, found)


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
