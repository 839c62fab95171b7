"""Linear, Neuron, Layer and MLP: fully connected networks of scalars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd import Value, dot
from nn.arguments import Seed, choice, positive_integer, random_source
from nn.composition import ACTIVATIONS
from nn.init import Initializer, initializer
from nn.module import Module

__all__ = ["ACTIVATIONS", "MLP", "Layer", "Linear", "Neuron"]


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
        self.weight = [[Value(draw(rng, self.nin, self.nout)) for _ in range(self.nin)] for _ in range(self.nout)]
        self.bias = [Value(0.0) for _ in range(self.nout)] if bias else None

    def forward(self, x: Sequence[Value | float]) -> list[Value]:
        """Return the nout outputs for nin inputs, a list even if there is only one.

        Raises:
            TypeError: `x` is not a sequence.
            ValueError: the number of inputs is wrong.
        """
        _check_inputs(self, x, self.nin)
        if self.bias is None:
            return [dot(row, x) for row in self.weight]
        return [dot(row, x) + b for row, b in zip(self.weight, self.bias, strict=True)]

    def __repr__(self) -> str:
        return f"Linear({self.nin}, {self.nout}{'' if self.bias is not None else ', bias=False'})"


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
        _check_inputs(self, x, self.nin)
        return ACTIVATIONS[self.activation](dot(self.w, x) + self.b)

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
        stream = _shared_stream(seed)
        self.neurons = [Neuron(self.nin, self.activation, init, stream, self.nout) for _ in range(self.nout)]

    def forward(self, x: Sequence[Value | float]) -> list[Value]:
        """Return the nout outputs, a list even if there is only one.

        Raises:
            TypeError: `x` is not a sequence.
            ValueError: the number of inputs is wrong.
        """
        _check_inputs(self, x, self.nin)
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
        stream = _shared_stream(seed)
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


def _shared_stream(seed: Seed) -> Seed:
    """Return one stream for all parts, so that an int does not give each part the same weights."""
    source = random_source(seed)
    return None if seed is None else source  # type: ignore[return-value]


def _check_inputs(module: Linear | Neuron | Layer, x: Sequence[Value | float], nin: int) -> None:
    try:
        count = len(x)
    except TypeError:
        kind = f"{type(x).__name__} {x!r}"
        raise TypeError(f"{module._who()} takes a sequence of {nin} numbers or Values, got {kind}") from None
    if count != nin:
        raise ValueError(f"{module._who()} takes {nin} inputs, got {count}")
