"""RNNCell and GRUCell: a state that is carried from one step of a sequence to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd import Value, sigmoid, tanh
from nn.arguments import Seed, positive_integer, random_source
from nn.init import Initializer, initializer
from nn.layers import affine, check_inputs, weights
from nn.module import Module

__all__ = ["GRUCell", "RNNCell"]

State = Sequence[Value | float]


class _Cell(Module):
    """What both cells share: two linear maps, of the input and of the state, with `gates` times the state's size."""

    _gates: int

    def __init__(self, nin: int, hidden: int, *, init: str | Initializer = "xavier", seed: Seed = None) -> None:
        self.nin, self.hidden = positive_integer("nin", nin), positive_integer("hidden", hidden)
        draw, rng, gates = initializer(init), random_source(seed), range(self._gates)
        self.weight_ih = [row for _ in gates for row in weights(draw, rng, nin, hidden)]
        self.weight_hh = [row for _ in gates for row in weights(draw, rng, hidden, hidden)]
        self.bias_ih = [Value(0.0) for _ in self.weight_ih]
        self.bias_hh = [Value(0.0) for _ in self.weight_hh]

    def forward(self, x: State, h: State | None = None) -> list[Value]:
        """Return the new state.

        Args:
            x: the nin inputs of this step.
            h: the state, `hidden` numbers; None: zeros, as before the first step.

        Raises:
            TypeError: `x` or `h` is not a sequence.
            ValueError: the number of inputs, or of numbers of the state, is wrong.
        """
        check_inputs(self, x, self.nin)
        of_x = affine(self.weight_ih, self.bias_ih, x)
        if h is None:  # of zeros the weights make nothing
            return self._next(of_x, self.bias_hh, [0.0] * self.hidden)
        check_inputs(self, h, self.hidden, "numbers of the state")
        return self._next(of_x, affine(self.weight_hh, self.bias_hh, h), h)

    def _next(self, of_x: list[Value], of_h: list[Value], h: State) -> list[Value]:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.nin}, {self.hidden})"


class RNNCell(_Cell):
    """One step of a recurrent network.

    From Elman 1990, "Finding structure in time":

        h' = tanh(weight_ih · x + bias_ih + weight_hh · h + bias_hh)

    The same weights serve every step, so that a sequence may have any length. Names and layout are PyTorch's.

    Attributes:
        weight_ih: The weights of the input, [hidden][nin].
        weight_hh: The weights of the state, [hidden][hidden].
        bias_ih: The bias beside the input, from 0.
        bias_hh: The bias beside the state, from 0.

    Args:
        nin: the number of inputs per step.
        hidden: the size of the state.
        init: as for `Linear`.
        seed: as for `Linear`.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1, or a name is unknown.

    >>> cell = RNNCell(1, 2, init=lambda rng, nin, nout: 0.5)
    >>> h = None
    >>> for x in ([1.0], [0.0]):
    ...     h = cell(x, h)
    >>> [round(v.data, 4) for v in h]
    [0.4318, 0.4318]
    """

    _gates = 1

    def _next(self, of_x: list[Value], of_h: list[Value], h: State) -> list[Value]:
        return [tanh(a + b) for a, b in zip(of_x, of_h, strict=True)]


class GRUCell(_Cell):
    """One step of a gated recurrent unit.

    From Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", as PyTorch has it:

        r = sigmoid(W_ir · x + b_ir + W_hr · h + b_hr)          what of the state the candidate sees
        z = sigmoid(W_iz · x + b_iz + W_hz · h + b_hz)          what of the state stays
        n = tanh(W_in · x + b_in + r ⊙ (W_hn · h + b_hn))       the candidate
        h' = (1 - z) ⊙ n + z ⊙ h

    Where z is near 1 the state is carried on as it is, and so is its gradient: long sequences can be learned.

    Attributes:
        weight_ih: The weights of the input, those of r, z and n one after another, [3 · hidden][nin].
        weight_hh: The weights of the state, likewise, [3 · hidden][hidden].
        bias_ih: The biases beside the input, from 0.
        bias_hh: The biases beside the state, from 0.

    Args:
        nin: as for `RNNCell`.
        hidden: as for `RNNCell`.
        init: as for `RNNCell`.
        seed: as for `RNNCell`.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1, or a name is unknown.

    >>> cell = GRUCell(1, 2, init=lambda rng, nin, nout: 0.5)
    >>> [round(v.data, 4) for v in cell([1.0])]
    [0.1745, 0.1745]
    """

    _gates = 3

    def _next(self, of_x: list[Value], of_h: list[Value], h: State) -> list[Value]:
        found: list[Any] = []
        for i, old in enumerate(h):
            j, k = i + self.hidden, i + 2 * self.hidden
            r, z = sigmoid(of_x[i] + of_h[i]), sigmoid(of_x[j] + of_h[j])
            n = tanh(of_x[k] + r * of_h[k])
            found.append((1.0 - z) * n + z * old)
        return found
