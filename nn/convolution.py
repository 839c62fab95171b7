"""Conv2d and pooling: images as nested lists, [channel][row][column]."""

from __future__ import annotations

from typing import Any

from autograd import Value, dot, maximum, mean
from nn.arguments import Seed, non_negative_integer, positive_integer, random_source, shown
from nn.init import Initializer, initializer
from nn.module import Module

__all__ = ["AvgPool2d", "Conv2d", "MaxPool2d"]

Image = list[list[list[Any]]]


class Conv2d(Module):
    """A convolution: one small set of weights that is laid on every place of an image, in PyTorch's layout.

    With stride s, padding p and a kernel of k x k, the output of channel o at (i, j) is

        y[o][i][j] = bias[o] + Σ over c, a, b of weight[o][c][a][b] · x[c][s·i + a - p][s·j + b - p]

    where x is 0 outside the image. So an image of h rows gives (h + 2p - k) // s + 1 rows, and columns likewise. Each
    weight is used at every place; its gradient is the sum over the places.

    Attributes:
        weight: The weights, [out][in][row][column].
        bias: The bias of each output channel.

    Args:
        cin: the number of channels of the image.
        cout: the number of channels of the output.
        kernel_size: the number of rows, and of columns, of the kernel.
        stride: the distance between neighbouring places.
        padding: the number of rows and columns of zeros on each side of the image.
        init: as for `Linear`, with cin · kernel_size² inputs.
        seed: as for `Linear`.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1, or the padding below 0; a name is unknown.

    >>> conv = Conv2d(1, 1, 2, init=lambda rng, nin, nout: 1.0)
    >>> [[y.data for y in row] for row in conv([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]])[0]]
    [[12.0, 16.0]]
    """

    def __init__(
        self,
        cin: int,
        cout: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        *,
        init: str | Initializer = "he",
        seed: Seed = None,
    ) -> None:
        self.cin, self.cout = positive_integer("cin", cin), positive_integer("cout", cout)
        self.kernel_size = positive_integer("kernel_size", kernel_size)
        self.stride, self.padding = positive_integer("stride", stride), non_negative_integer("padding", padding)
        draw, rng, k = initializer(init), random_source(seed), self.kernel_size
        self.weight = [
            [[[Value(draw(rng, cin * k * k, cout)) for _ in range(k)] for _ in range(k)] for _ in range(cin)]
            for _ in range(cout)
        ]
        self.bias = [Value(0.0) for _ in range(cout)]

    def forward(self, x: Any) -> Image:
        """Return the cout channels of the output for an image of cin channels.

        Raises:
            TypeError: `x` is not an image.
            ValueError: the number of channels is wrong, or the kernel is larger than the padded image.
        """
        _check_image(self, x, self.cin, self.kernel_size, self.padding)
        kernels = [[w for channel in kernel for row in channel for w in row] for kernel in self.weight]
        patches = _patches(_padded(x, self.padding), self.kernel_size, self.stride)
        # place by place, so that a tape finds all channels of a place together: they are a layer
        pairs = list(zip(kernels, self.bias, strict=True))
        places = [[[dot(kernel, patch) + b for kernel, b in pairs] for patch in row] for row in patches]
        return [[[place[channel] for place in row] for row in places] for channel in range(self.cout)]

    def __repr__(self) -> str:
        options = "".join(
            f", {name}={given}"
            for name, given, default in (("stride", self.stride, 1), ("padding", self.padding, 0))
            if given != default
        )
        return f"Conv2d({self.cin}, {self.cout}, {self.kernel_size}{options})"


class _Pool2d(Module):
    """What both kinds of pooling share: each channel by itself, one number of each patch."""

    def __init__(self, kernel_size: int, stride: int | None = None) -> None:
        self.kernel_size = positive_integer("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else positive_integer("stride", stride)

    def forward(self, x: Any) -> Image:
        """Return an image of as many channels.

        Raises:
            TypeError: `x` is not an image.
            ValueError: the kernel is larger than the image.
        """
        _check_image(self, x, None, self.kernel_size, 0)
        return [
            [[self._pooled(patch) for patch in row] for row in _patches([channel], self.kernel_size, self.stride)]
            for channel in x
        ]

    def _pooled(self, patch: list[Any]) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        stride = "" if self.stride == self.kernel_size else f", stride={self.stride}"
        return f"{type(self).__name__}({self.kernel_size}{stride})"


class MaxPool2d(_Pool2d):
    """The largest number of each patch of k x k, the patches side by side unless there is a stride.

    The gradient goes to the largest; equal ones share it (in PyTorch the first has all of it).

    Args:
        kernel_size: the number of rows, and of columns, of a patch.
        stride: the distance between neighbouring patches; None: the kernel size.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1.

    >>> MaxPool2d(2)([[[1.0, 2.0, 5.0, 0.0], [3.0, 4.0, 6.0, 1.0]]])
    [[[4.0, 6.0]]]
    """

    def _pooled(self, patch: list[Any]) -> Any:
        return maximum(*patch)


class AvgPool2d(_Pool2d):
    """The mean of each patch of k x k, the patches side by side unless there is a stride.

    Args:
        kernel_size: as for `MaxPool2d`.
        stride: as for `MaxPool2d`.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1.

    >>> AvgPool2d(2)([[[1.0, 2.0, 5.0, 0.0], [3.0, 4.0, 6.0, 1.0]]])
    [[[2.5, 3.0]]]
    """

    def _pooled(self, patch: list[Any]) -> Any:
        return mean(patch)


def _padded(x: Image, padding: int) -> Image:
    if not padding:
        return x
    side = [0.0] * padding
    edge = [[0.0] * (len(x[0][0]) + 2 * padding)] * padding
    return [[*edge, *([*side, *row, *side] for row in channel), *edge] for channel in x]


def _patches(x: Image, size: int, stride: int) -> list[list[list[Any]]]:
    """Return for each place, [row][column], the numbers that a kernel there lies on, in the order of its weights."""
    tops = range(0, len(x[0]) - size + 1, stride)
    lefts = range(0, len(x[0][0]) - size + 1, stride)
    return [
        [[v for channel in x for row in channel[top : top + size] for v in row[left : left + size]] for left in lefts]
        for top in tops
    ]


def _check_image(module: Conv2d | _Pool2d, x: Any, channels: int | None, size: int, padding: int) -> None:
    takes = f"{module._who()} takes an image, [channel][row][column]"
    try:
        sizes = {(len(channel), len(row)) for channel in x for row in channel}
        count = len(x)
    except TypeError:
        raise TypeError(f"{takes}, got {shown(x)}") from None
    if len(sizes) != 1:
        raise ValueError(f"{takes}, got one whose rows or channels are not of one size")
    if channels not in (None, count):
        raise ValueError(f"{takes}, of {channels} channels, got {count}")
    ((height, width),) = sizes
    if min(height, width) + 2 * padding < size:
        padded = f" and {padding} of padding on each side" if padding else ""
        raise ValueError(
            f"{module._who()} has a kernel of {size} x {size}, larger than the image of {height} x {width}{padded}"
        )
