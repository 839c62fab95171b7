"""BatchNorm1d, LayerNorm and Dropout: what keeps the numbers inside a network in range, and the network honest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd import Value, mean, sqrt, where
from nn import generator
from nn.arguments import positive_integer, real
from nn.composition import mapped
from nn.layers import check_inputs
from nn.module import Module

__all__ = ["BatchNorm1d", "Dropout", "LayerNorm"]


class BatchNorm1d(Module):
    """Batch normalisation: each of n numbers is centred and scaled over the samples of the batch.

    From Ioffe & Szegedy 2015, "Batch normalization". In training, over the m samples of a batch and for each number,

        y = weight · (x - mean) / sqrt(variance + eps) + bias,    variance = Σ (x - mean)² / m

    and running averages move towards the batch's, running ← (1 - momentum) · running + momentum · batch, where the
    variance is divided by m - 1. In evaluation they take the place of the batch's mean and variance. Names, buffers and
    both variances are PyTorch's.

    Attributes:
        weight: The factor of each number, from 1.
        bias: The term of each number, from 0.
        running_mean: A buffer, from 0.
        running_var: A buffer, from 1.
        num_batches_tracked: A buffer: the number of batches in training so far.

    Args:
        n: the number of numbers per sample.
        eps: is added to the variance, so that a constant number is not divided by 0.
        momentum: the weight of the newest batch in the running averages, above 0 and below 1.

    Raises:
        TypeError: n is not an integer, or eps or momentum is not a number.
        ValueError: one of them is out of range.

    >>> norm = BatchNorm1d(1, eps=1e-12)
    >>> [round(y.data, 6) for (y,) in norm.forward_batch([[1.0], [3.0]])]
    [-1.0, 1.0]
    >>> norm.running_mean[0].data, norm.running_var[0].data
    (0.2, 1.1)
    """

    running_mean: list[Value]
    running_var: list[Value]
    num_batches_tracked: Value

    def __init__(self, n: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        self.n = positive_integer("n", n)
        self.eps = real("eps", eps, low=0.0, open_low=True)
        self.momentum = real("momentum", momentum, low=0.0, high=1.0, open_low=True)
        self.weight = [Value(1.0) for _ in range(n)]
        self.bias = [Value(0.0) for _ in range(n)]
        self.register_buffer("running_mean", [0.0] * n)
        self.register_buffer("running_var", [1.0] * n)
        self.register_buffer("num_batches_tracked", 0.0)

    def forward(self, x: Sequence[Value | float]) -> list[Value]:
        """Return the n outputs for one sample, in evaluation.

        Raises:
            TypeError: the module is in training, where it takes a batch; or `x` is not a sequence.
            ValueError: the number of inputs is wrong.
        """
        if self.training:
            raise TypeError(
                f"{self._who()} looks across the batch in training: call model.forward_batch(rows), define "
                "forward_batch in the module that calls it, or call model.eval() first"
            )
        check_inputs(self, x, self.n)
        return [
            w * (v - m) / sqrt(var + self.eps) + b
            for v, w, b, m, var in zip(x, self.weight, self.bias, self.running_mean, self.running_var, strict=True)
        ]

    def forward_batch(self, rows: Sequence[Any]) -> list[Any]:
        """Return the n outputs for each sample of a batch; in training, update the running averages.

        Raises:
            TypeError: a row is not a sequence.
            ValueError: the number of inputs is wrong; or there is one sample, in training.
        """
        if not self.training:
            return [self(row) for row in rows]
        for row in rows:
            check_inputs(self, row, self.n)
        m, k = len(rows), self.momentum
        if m < 2:
            raise ValueError(
                f"{self._who()} takes at least 2 samples in training, got {m}, which has no variance: choose a "
                "batch_size that leaves no batch of one"
            )
        means, variances, columns = [], [], []
        for column, w, b in zip(zip(*rows, strict=True), self.weight, self.bias, strict=True):
            mu = mean(column)
            deviations = [x - mu for x in column]
            variance = mean([d * d for d in deviations])
            scale = w / sqrt(variance + self.eps)
            columns.append([scale * d + b for d in deviations])
            means.append(mu)
            variances.append(variance * (m / (m - 1)))
        self.update_buffer("running_mean", _moved(self.running_mean, means, k))
        self.update_buffer("running_var", _moved(self.running_var, variances, k))
        self.update_buffer("num_batches_tracked", self.num_batches_tracked + 1.0)
        return [list(row) for row in zip(*columns, strict=True)]

    def __repr__(self) -> str:
        return f"BatchNorm1d({self.n})"


class LayerNorm(Module):
    """Layer normalisation: the n numbers of one sample are centred and scaled together.

    From Ba, Kiros & Hinton 2016, "Layer normalization":

        y[i] = weight[i] · (x[i] - mean) / sqrt(variance + eps) + bias[i],    variance = Σ (x[i] - mean)² / n

    Attributes:
        weight: The factor of each number, from 1.
        bias: The term of each number, from 0.

    Args:
        n: the number of numbers.
        eps: is added to the variance.

    Raises:
        TypeError: n is not an integer, or eps is not a number.
        ValueError: n is below 1, or eps is not above 0.

    >>> [round(y.data, 6) for y in LayerNorm(2, eps=1e-12)([1.0, 3.0])]
    [-1.0, 1.0]
    """

    def __init__(self, n: int, eps: float = 1e-5) -> None:
        self.n = positive_integer("n", n)
        self.eps = real("eps", eps, low=0.0, open_low=True)
        self.weight = [Value(1.0) for _ in range(n)]
        self.bias = [Value(0.0) for _ in range(n)]

    def forward(self, x: Sequence[Value | float]) -> list[Value]:
        """Return the n outputs for n inputs.

        Raises:
            TypeError: `x` is not a sequence.
            ValueError: the number of inputs is wrong.
        """
        check_inputs(self, x, self.n)
        mu = mean(x)
        deviations = [v - mu for v in x]
        scale = 1.0 / sqrt(mean([d * d for d in deviations]) + self.eps)
        return [w * (d * scale) + b for d, w, b in zip(deviations, self.weight, self.bias, strict=True)]

    def __repr__(self) -> str:
        return f"LayerNorm({self.n})"


class Dropout(Module):
    """In training, each number is 0 with probability p and else divided by 1 - p, so that its expectation stays.

    From Srivastava et al. 2014, "Dropout". In evaluation nothing happens. The choice is drawn by `nn.random`, anew for
    each number of each sample in each step, also where a tape is replayed.

    Args:
        p: the probability of 0, at least 0 and below 1.

    Raises:
        TypeError: p is not a number.
        ValueError: p is out of range.

    >>> dropout = Dropout(0.5)
    >>> {y.data for y in dropout([Value(1.0)] * 100)} == {0.0, 2.0}, dropout.eval()([3.0])
    (True, [3.0])
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = real("p", p, low=0.0, high=1.0)

    def forward(self, x: Any) -> Any:
        """Return the numbers, nested as they are, some of them 0."""
        if not self.training or self.p == 0.0:
            return x
        scale = 1.0 / (1.0 - self.p)
        return mapped(lambda v: where(generator.random() < self.p, 0.0, v * scale), x)

    def __repr__(self) -> str:
        return f"Dropout({self.p:g})"


def _moved(running: Sequence[Value], batch: Sequence[Any], momentum: float) -> list[Any]:
    return [(1.0 - momentum) * old + momentum * new for old, new in zip(running, batch, strict=True)]
