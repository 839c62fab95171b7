"""Linear, Neuron, Layer and MLP: fully connected networks of scalars; and Embedding, a table of vectors."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from numbers import Real
from typing import Any

from autograd import Value, dot, take
from autograd.list_operands import index_among
from nn.arguments import RandomSource, Seed, choice, positive_integer, random_source, shared_stream, shown
from nn.composition import ACTIVATIONS
from nn.init import Initializer, initializer, normal
from nn.module import Module

__all__ = ["ACTIVATIONS", "MLP", "Embedding", "Layer", "Linear", "Neuron", "affine", "check_inputs", "weights"]


def weights(draw: Initializer, rng: RandomSource, nin: int, nout: int) -> list[list[Value]]:
    """Return the weights of a linear map, a list of nin per output."""
    return [[Value(draw(rng, nin, nout)) for _ in range(nin)] for _ in range(nout)]


def affine(weight: Sequence[Sequence[Value]], bias: Sequence[Value], x: Sequence[Value | float]) -> list[Value]:
    """Return W x + b.

    >>> affine([[Value(2.0), Value(3.0)]], [Value(1.0)], [10.0, 100.0])[0].data
    321.0
    """
    return [dot(row, x) + b for row, b in zip(weight, bias, strict=True)]


_UNIT = functools.partial(normal, std=1.0)


class Linear(Module):
    """A linear map with a bias, W x + b, in PyTorch's layout and under PyTorch's names.

    Attributes:
        weight: The weights, a list of nin per output.
        bias: The bias of each output; None without.

    Args:
        nin: the number of inputs.
        nout: the number of outputs.
        bias: whether there is a bias, which begins at 0.
        init: as for `Neuron`.
        seed: as for `Neuron`.

    Raises:
        TypeError: a size is not an integer, or `bias` is not a bool.
        ValueError: a size is below 1, or a name is unknown.

    >>> linear = Linear(2, 1, init=lambda rng, nin, nout: 3.0)
    >>> linear([1.0, -2.0])[0].data, [name for name, _ in linear.named_parameters()]
    (-3.0, ['weight.0.0', 'weight.0.1', 'bias0'])
    """

    def __init__(
        self, nin: int, nout: int, bias: bool = True, init: str | Initializer = "he", seed: Seed = None
    ) -> None:
        self.nin = positive_integer("nin", nin)
        self.nout = positive_integer("nout", nout)
        if not isinstance(bias, bool):
            raise TypeError(f"bias must be True or False, not {bias!r}")
        draw, rng = initializer(init), random_source(seed)
        self.weight = weights(draw, rng, self.nin, self.nout)
        self.bias = [Value(0.0) for _ in range(self.nout)] if bias else None

    def forward(self, x: Sequence[Value | float]) -> list[Value]:
        """Return the nout outputs for nin inputs, a list even if there is only one.

        Raises:
            TypeError: `x` is not a sequence.
            ValueError: the number of inputs is wrong.
        """
        check_inputs(self, x, self.nin)
        try:
            if self.bias is None:
                return [dot(row, x) for row in self.weight]
            return affine(self.weight, self.bias, x)
        except TypeError:
            check_numbers(self, x)
            raise

    def __repr__(self) -> str:
        return f"Linear({self.nin}, {self.nout}{'' if self.bias is not None else ', bias=False'})"


class Embedding(Module):
    """A table of n vectors of dim numbers, one per token, which are learned.

    A row of the table is chosen by its index: an int, a float that is whole, or a Value, such as an input of a tape,
    which then chooses anew in each replay. No gradient goes to the index; that of the outputs goes to the row.

    Attributes:
        weight: The table, a list of dim numbers per token.

    Args:
        n: the number of tokens.
        dim: the length of a vector.
        init: as for `Neuron`; numbers of variance 1, as in PyTorch, unless given.
        seed: as for `Neuron`.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1, or a name is unknown.

    >>> table = Embedding(3, 2, seed=0)
    >>> [v.data for v in table(1)] == [w.data for w in table.weight[1]]
    True
    """

    def __init__(self, n: int, dim: int, *, init: str | Initializer = _UNIT, seed: Seed = None) -> None:
        self.n, self.dim = positive_integer("n", n), positive_integer("dim", dim)
        self.weight = weights(initializer(init), random_source(seed), self.dim, self.n)

    def forward(self, index: float | Value) -> list[Value]:
        """Return the vector of a token.

        Raises:
            TypeError: the index is not a whole number.
            IndexError: there is no such token.
        """
        try:
            place = index_among("Embedding", index, self.n)
        except TypeError:
            who = self._who()
            raise TypeError(f"{who} takes the index of a token, a whole number, got {shown(index)}") from None
        except IndexError:
            raise IndexError(f"{self._who()} has the tokens 0 to {self.n - 1}, got {shown(index)}") from None
        if isinstance(place, Value):
            return [take(column, place) for column in zip(*self.weight, strict=True)]
        # a node of its own, as in a tape: so gradients are added in the same order, and have the same bits
        return [take((number,), 0) for number in self.weight[int(place)]]

    def __repr__(self) -> str:
        return f"Embedding({self.n}, {self.dim})"


class Neuron(Module):
    """A neuron, activation(w · x + b): at most three nodes per call, whatever the number of inputs.

    Args:
        nin: the number of inputs.
        activation: a name in `nn.layers.ACTIVATIONS`.
        init: a name in `nn.init.INITIALIZERS`, or a function (rng, nin, nout) -> weight. The bias begins at 0.
        seed: an int, a `random.Random`, or None for the global module `random`.
        nout: the number of neurons in its layer, which `xavier` needs.
        nonlin: micrograd's name for the choice: False is activation="linear", True is "relu".

    Raises:
        TypeError: a size is not an integer, or a name is not a str.
        ValueError: a size is below 1, or a name is unknown.

    >>> neuron = Neuron(2, activation="linear", seed=0)
    >>> neuron.w[0].data, neuron.w[1].data, neuron.b.data = 3.0, -1.0, 0.5
    >>> neuron([2.0, 1.0]).data
    5.5
    """

    def __init__(
        self,
        nin: int,
        activation: str = "relu",
        init: str | Initializer = "he",
        seed: Seed = None,
        nout: int = 1,
        *,
        nonlin: bool | None = None,
    ) -> None:
        self.nin = positive_integer("nin", nin)
        self.activation = choice("activation", _activation(activation, nonlin), ACTIVATIONS)
        nout = positive_integer("nout", nout)
        draw, rng = initializer(init), random_source(seed)
        self.w = [Value(draw(rng, self.nin, nout)) for _ in range(self.nin)]
        self.b = Value(0.0)

    def forward(self, x: Sequence[Value | float]) -> Value:
        """Return the output for nin inputs.

        Raises:
            TypeError: `x` is not a sequence.
            ValueError: the number of inputs is wrong.
        """
        check_inputs(self, x, self.nin)
        try:
            return ACTIVATIONS[self.activation](dot(self.w, x) + self.b)
        except TypeError:
            check_numbers(self, x)
            raise

    def __repr__(self) -> str:
        return f"Neuron({self.nin}, activation={self.activation!r})"


class Layer(Module):
    """A fully connected layer: nout neurons that read the same nin inputs.

    Args:
        nin: the number of inputs of each neuron.
        nout: the number of neurons, each with one output.
        activation: as for `Neuron`.
        init: as for `Neuron`.
        seed: as for `Neuron`; the neurons draw from one stream.
        nonlin: as for `Neuron`.

    Raises:
        TypeError: as for `Neuron`.
        ValueError: as for `Neuron`.

    >>> layer = Layer(3, 2, activation="tanh", seed=0)
    >>> len(layer([1.0, 0.0, -1.0])), len(layer.parameters())
    (2, 8)
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: str = "relu",
        init: str | Initializer = "he",
        seed: Seed = None,
        *,
        nonlin: bool | None = None,
    ) -> None:
        self.nin = positive_integer("nin", nin)
        self.nout = positive_integer("nout", nout)
        self.activation = choice("activation", _activation(activation, nonlin), ACTIVATIONS)
        stream = shared_stream(seed)
        self.neurons = [Neuron(self.nin, self.activation, init, stream, self.nout) for _ in range(self.nout)]

    def forward(self, x: Sequence[Value | float]) -> list[Value]:
        """Return the nout outputs, a list even if there is only one.

        Raises:
            TypeError: `x` is not a sequence.
            ValueError: the number of inputs is wrong.
        """
        check_inputs(self, x, self.nin)
        return [neuron(x) for neuron in self.neurons]

    def __repr__(self) -> str:
        return f"Layer({self.nin}, {self.nout}, activation={self.activation!r})"


class MLP(Module):
    """A multi-layer perceptron: fully connected layers, each feeding the next.

    Args:
        nin: the number of inputs.
        nouts: the size of each layer; the last is the number of outputs.
        activation: the activation of every layer except the last.
        output: the activation of the last layer.
        init: as for `Neuron`.
        seed: as for `Neuron`; all weights come from one stream, in the order of `parameters()`.

    Raises:
        TypeError: `nouts` is not a list of integers, or as for `Neuron`.
        ValueError: `nouts` is empty, or as for `Neuron`.

    >>> model = MLP(2, [16, 16, 1], seed=1337)
    >>> model
    MLP(2, [16, 16, 1], activation='relu')
    >>> len(model.parameters())
    337
    >>> model([1.0, -2.0]).module
    'layers.2.neurons.0'
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: str = "relu",
        output: str = "linear",
        init: str | Initializer = "he",
        seed: Seed = None,
    ) -> None:
        self.nin = positive_integer("nin", nin)
        self.nouts = _layer_sizes(nouts)
        self.activation = choice("activation", activation, ACTIVATIONS)
        self.output = choice("output", output, ACTIVATIONS)
        stream = shared_stream(seed)
        activations = [activation] * (len(self.nouts) - 1) + [output]
        widths = [self.nin, *self.nouts]
        self.layers = [
            Layer(width, nout, chosen, init, stream)
            for width, nout, chosen in zip(widths, self.nouts, activations, strict=False)
        ]

    def forward(self, x: Sequence[Value | float]) -> Value | list[Value]:
        """Return the output for nin inputs: a Value, or a list of Values if there are several outputs.

        Raises:
            TypeError: `x` is not a sequence.
            ValueError: the number of inputs is wrong.
        """
        signals: Sequence[Value | float] = x
        outputs: list[Value] = []
        for layer in self.layers:
            signals = outputs = layer(signals)
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        output = "" if self.output == "linear" else f", output={self.output!r}"
        return f"MLP({self.nin}, {self.nouts}, activation={self.activation!r}{output})"


def _activation(activation: str, nonlin: bool | None) -> str:
    if nonlin is None:
        return activation
    if not isinstance(nonlin, bool):
        raise TypeError(f"nonlin must be True or False, not {nonlin!r}")
    if activation != "relu":
        raise ValueError(f"give activation={activation!r} or nonlin={nonlin}, not both")
    return "relu" if nonlin else "linear"


def _layer_sizes(nouts: Any) -> list[int]:
    if isinstance(nouts, str) or not hasattr(nouts, "__iter__"):
        raise TypeError(f"nouts must be a list of layer sizes such as [16, 16, 1], not {nouts!r}")
    sizes = [positive_integer(f"nouts[{index}]", size) for index, size in enumerate(nouts)]
    if not sizes:
        raise ValueError("nouts is empty: an MLP has at least one layer, such as [1]")
    return sizes


def check_inputs(module: Module, x: Sequence[Value | float], count: int, what: str = "inputs") -> None:
    """Raise an error that names the module if `x` is not a sequence of so many numbers.

    Raises:
        TypeError: it is not a sequence.
        ValueError: it has another length.
    """
    try:
        found = len(x)
    except TypeError:
        takes = f"{module._who()} takes a sequence of {count} numbers or Values"
        raise TypeError(f"{takes}, got {type(x).__name__} {x!r}") from None
    if found != count:
        raise ValueError(f"{module._who()} takes {count} {what}, got {found}")


def check_numbers(module: Module, x: Sequence[Value | float]) -> None:
    """Raise an error that names the module if something among its inputs is not a number.

    Raises:
        TypeError: it is not.
    """
    for i, number in enumerate(x):
        if not isinstance(number, Value | Real):
            one_sample = ": a module maps one sample, nn.predict(model, rows) many" if isinstance(number, list) else ""
            raise TypeError(f"{module._who()} takes numbers or Values, and input {i} is {shown(number)}{one_sample}")
