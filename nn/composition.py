"""Sequential and Residual put parts one after another; Flatten, Reshape and activations are parts of them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from autograd import Value, elu, gelu, leaky_relu, relu, sigmoid, silu, softplus, tanh
from autograd.modes import named_scope
from nn.arguments import choice, positive_integer, shown
from nn.generator import row_of_batch
from nn.module import Module

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "Activation",
    "Flatten",
    "Identity",
    "LeakyReLU",
    "Part",
    "ReLU",
    "Reshape",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "mapped",
]

Part = Module | Callable[[Any], Any] | str  # of a Sequential; for lists of them: parts: list[nn.Part] = [...]


def _linear(x: Value) -> Value:
    return x


ACTIVATIONS: dict[str, Callable[[Value], Value]] = {
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "gelu": gelu,
    "silu": silu,
    "softplus": softplus,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "linear": _linear,
}


class Activation(Module):
    """An activation as a module: the function of that name, of each number of nested lists.

    Args:
        name: A name in `nn.layers.ACTIVATIONS`.

    Raises:
        TypeError: `name` is not a str.
        ValueError: `name` is unknown; the error suggests the nearest.

    >>> [y.data for y in Activation("relu")([Value(-1.0), Value(2.0)])]
    [0.0, 2.0]
    """

    def __init__(self, name: str) -> None:
        self.name = choice("activation", name, ACTIVATIONS)

    def forward(self, x: Any) -> Any:
        """Return the activation of each number, nested as the input is."""
        return mapped(ACTIVATIONS[self.name], x)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()" if type(self) is not Activation else f"Activation({self.name!r})"


class ReLU(Activation):
    """`autograd.relu` of each number.

    >>> ReLU()([Value(-1.0)])[0].data
    0.0
    """

    def __init__(self) -> None:
        super().__init__("relu")


class LeakyReLU(Activation):
    """`autograd.leaky_relu` of each number, with slope 0.01.

    >>> LeakyReLU()([Value(-1.0)])[0].data
    -0.01
    """

    def __init__(self) -> None:
        super().__init__("leaky_relu")


class ELU(Activation):
    """`autograd.elu` of each number, with alpha 1.

    >>> ELU()([Value(2.0)])[0].data
    2.0
    """

    def __init__(self) -> None:
        super().__init__("elu")


class GELU(Activation):
    """`autograd.gelu` of each number, by erf.

    >>> GELU()([Value(0.0)])[0].data
    0.0
    """

    def __init__(self) -> None:
        super().__init__("gelu")


class SiLU(Activation):
    """`autograd.silu` of each number.

    >>> SiLU()([Value(0.0)])[0].data
    0.0
    """

    def __init__(self) -> None:
        super().__init__("silu")


class Softplus(Activation):
    """`autograd.softplus` of each number.

    >>> Softplus()([Value(1000.0)])[0].data
    1000.0
    """

    def __init__(self) -> None:
        super().__init__("softplus")


class Tanh(Activation):
    """`autograd.tanh` of each number.

    >>> Tanh()([Value(0.0)])[0].data
    0.0
    """

    def __init__(self) -> None:
        super().__init__("tanh")


class Sigmoid(Activation):
    """`autograd.sigmoid` of each number.

    >>> Sigmoid()([Value(0.0)])[0].data
    0.5
    """

    def __init__(self) -> None:
        super().__init__("sigmoid")


class Identity(Activation):
    """Each number as it is.

    >>> Identity()([Value(2.0)])[0].data
    2.0
    """

    def __init__(self) -> None:
        super().__init__("linear")


_CLASSES: dict[str, Callable[[], Activation]] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "gelu": GELU,
    "silu": SiLU,
    "softplus": Softplus,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "linear": Identity,
}


class Sequential(Module):
    """Parts one after another: each takes what the one before it returns.

    Parts are named by their indices, functions counted: the weights of the first part are "0.weight". It can be indexed
    and sliced, and nested.

    Args:
        parts: Modules, functions of one argument, and names of activations, which become modules.

    Raises:
        TypeError: A part is none of these.
        ValueError: There is no part, or a name is unknown.

    >>> from nn import Linear
    >>> model = Sequential(Linear(2, 8, seed=0), "tanh", Linear(8, 1, seed=1))
    >>> len(model([1.0, -2.0])), len(model), model[1]
    (1, 3, Tanh())
    >>> print(model)
    Sequential(
      (0): Linear(2, 8)  24 parameters
      (1): Tanh()
      (2): Linear(8, 1)  9 parameters
    )  33 parameters
    """

    def __init__(self, *parts: Part) -> None:
        if not parts:
            raise ValueError(f"{type(self).__name__} of nothing: give at least one part, such as nn.Linear(2, 1)")
        self.parts: list[Any] = [_part(index, part) for index, part in enumerate(parts)]

    def _who(self) -> str:
        return f"{self._path} ({type(self).__name__})" if self._path else type(self).__name__

    def forward(self, x: Any) -> Any:
        """Return what the last part returns for one sample."""
        for part in self.parts:
            x = part(x)
        return x

    def forward_batch(self, rows: Sequence[Any]) -> list[Any]:
        """Return what the last part returns for each sample of a batch; each part gets the whole batch."""
        if self._path is None:
            self._assign_names()
        for part in self.parts:
            rows = _batch_through(part, rows)
        return list(rows)

    def _looks_across_batch(self) -> bool:
        return any(isinstance(part, Module) and part._looks_across_batch() for part in self.parts)

    def _attributes(self) -> Iterator[tuple[str, object]]:
        for index, part in enumerate(self.parts):
            yield str(index), part
        for name, held in super()._attributes():
            if name != "parts":
                yield name, held

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.parts)

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return Sequential(*self.parts[index])
        return self.parts[operator.index(index)]

    def __repr__(self) -> str:
        lines = []
        for index, part in enumerate(self.parts):
            shown_part = repr(part) if isinstance(part, Module) else getattr(part, "__qualname__", repr(part))
            first, *others = str(shown_part).split("\n")
            count = len(part.parameters()) if isinstance(part, Module) and not others else 0
            lines.append(f"  ({index}): {first}" + (f"  {count} parameters" if count else ""))
            lines += [f"  {line}" for line in others]
        body = "\n".join(lines)
        return f"{type(self).__name__}(\n{body}\n)  {len(self.parameters())} parameters"


class Residual(Sequential):
    """x + f(x), where f is parts one after another that keep the shape of their input.

    From He et al. 2016, "Deep residual learning for image recognition".

    Args:
        parts: As for `Sequential`.

    Raises:
        TypeError: As for `Sequential`.
        ValueError: As for `Sequential`.

    >>> [y.data for y in Residual("relu")([Value(-1.0), Value(2.0)])]
    [-1.0, 4.0]
    """

    def forward(self, x: Any) -> Any:
        """Return x + f(x) for one sample.

        Raises:
            ValueError: f(x) has another shape than x.
        """
        return _sum(x, super().forward(x), self)

    def forward_batch(self, rows: Sequence[Any]) -> list[Any]:
        """Return x + f(x) for each sample of a batch; each part gets the whole batch."""
        return [_sum(x, y, self) for x, y in zip(rows, super().forward_batch(rows), strict=True)]


class Flatten(Module):
    """The numbers of nested lists in one list, from left to right.

    >>> Flatten()([[1.0, 2.0], [3.0]])
    [1.0, 2.0, 3.0]
    """

    def forward(self, x: Any) -> list[Any]:
        """Return all numbers of one sample."""
        return [number for member in x for number in self.forward(member)] if isinstance(x, list | tuple) else [x]

    def __repr__(self) -> str:
        return "Flatten()"


class Reshape(Module):
    """The numbers of a list, or of nested lists, in nested lists of given sizes.

    Args:
        sizes: The number of lists, of lists in each, and so on, from the outermost to the innermost.

    Raises:
        TypeError: A size is not an integer.
        ValueError: There is no size, or one is less than 1.

    >>> Reshape(2, 2)([1.0, 2.0, 3.0, 4.0])
    [[1.0, 2.0], [3.0, 4.0]]
    """

    def __init__(self, *sizes: int) -> None:
        if not sizes:
            raise ValueError("Reshape needs sizes, such as Reshape(1, 8, 8)")
        self.sizes = tuple(positive_integer(f"sizes[{i}]", size) for i, size in enumerate(sizes))

    def forward(self, x: Any) -> Any:
        """Return the numbers of one sample in lists of the sizes.

        Raises:
            ValueError: There are more or fewer numbers than the sizes hold.
        """
        numbers = Flatten().forward(x)
        expected = 1
        for size in self.sizes:
            expected *= size
        if len(numbers) != expected:
            raise ValueError(f"{self._who()} takes {expected} numbers, got {len(numbers)}")
        for size in reversed(self.sizes[1:]):
            numbers = [numbers[i : i + size] for i in range(0, len(numbers), size)]
        return numbers

    def __repr__(self) -> str:
        return f"Reshape({', '.join(map(str, self.sizes))})"


def _part(index: int, part: Part) -> Any:
    if isinstance(part, str):
        return _CLASSES[choice(f"activation of part {index}", part, _CLASSES)]()
    if isinstance(part, type) or not callable(part):
        hint = f": write {part.__name__}()" if isinstance(part, type) else ""
        raise TypeError(
            f"part {index} must be a module, a function or the name of an activation, not {shown(part)}{hint}"
        )
    return part


def _batch_through(part: Any, rows: Sequence[Any]) -> list[Any]:
    if isinstance(part, Module) and part._looks_across_batch():
        with named_scope(part._scope or type(part).__name__.lower()):
            return part.forward_batch(rows)
    outputs = []
    for place, row in enumerate(rows):
        with row_of_batch(place):
            outputs.append(part(row))
    return outputs


def mapped(function: Callable[[Any], Any], x: Any) -> Any:
    """Return the function of each number of nested lists, nested as they are.

    >>> mapped(abs, [-1.0, [-2.0]])
    [1.0, [2.0]]
    """
    return [mapped(function, member) for member in x] if isinstance(x, list | tuple) else function(x)


def _sum(x: Any, y: Any, module: Residual) -> Any:
    nested = isinstance(x, list | tuple), isinstance(y, list | tuple)
    if nested == (False, False):
        return x + y
    if nested != (True, True) or len(x) != len(y):
        sizes = [f"{len(z)} entries" if isinstance(z, list | tuple) else "a number" for z in (x, y)]
        raise ValueError(f"{module._who()} adds its input of {sizes[0]} to an output of {sizes[1]}: they must agree")
    return [_sum(a, b, module) for a, b in zip(x, y, strict=True)]
