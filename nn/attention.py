"""Attention: each position of a sequence looks back at the ones before it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd import Value, dot, softmax
from nn.arguments import Seed, positive_integer, random_source, shared_stream
from nn.init import Initializer, initializer
from nn.layers import Linear, affine, check_inputs, weights
from nn.module import Module

__all__ = ["CausalSelfAttention", "attention"]

Vector = Sequence[Value | float]


def attention(q: Vector, keys: Sequence[Vector], values: Sequence[Vector]) -> list[Any]:
    """Return the mean of the values, each weighted by how well its key agrees with the query.

    From Vaswani et al. 2017, "Attention is all you need", equation 1, for one query of d numbers:

        attention(q, K, V) = Σ over t of a[t] · V[t],    a = softmax(q · K[t] / √d)

    Args:
        q: the query.
        keys: the keys, each as long as the query.
        values: a value per key, all of one length.

    Raises:
        ValueError: there are no keys, or as many values as keys are not there, or a length is wrong.

    >>> attention([Value(100.0), 0.0], [[1.0, 0.0], [0.0, 1.0]], [[7.0], [9.0]])[0].data
    7.0
    """
    if not keys or len(keys) != len(values):
        raise ValueError(f"attention takes a value per key, and at least one: {len(keys)} keys, {len(values)} values")
    scale = 1.0 / math.sqrt(len(q))
    shares = softmax([dot(q, key) * scale for key in keys])
    return [dot(shares, column) for column in zip(*values, strict=True)]


class CausalSelfAttention(Module):
    """Self-attention of several heads over a sequence: a position sees itself and the positions before it.

    Each position x[t] is mapped to a query, a key and a value, (q, k, v)[t] = in_proj_weight · x[t] + in_proj_bias. A
    head takes its part of them, dim / heads numbers, and computes `attention` of its q[t] to the keys and values up to
    t. The heads' results, one after another, are mapped by out_proj. Names and layout are those of PyTorch's
    `MultiheadAttention`, of which this is the case with a causal mask.

    Attributes:
        in_proj_weight: The weights of the queries, keys and values one after another, [3 · dim][dim].
        in_proj_bias: Their biases, from 0.
        out_proj: A `Linear`.

    Args:
        dim: the size of a position.
        heads: the number of heads, a divisor of dim.
        init: as for `Linear`.
        seed: as for `Linear`; all weights come from one stream.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size is below 1, or heads does not divide dim; a name is unknown.

    >>> attend = CausalSelfAttention(4, 2, seed=0)
    >>> first, second = attend([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    >>> [v.data for v in first] == [v.data for v in attend([[1.0, 0.0, 0.0, 0.0]])[0]]
    True
    """

    def __init__(self, dim: int, heads: int, *, init: str | Initializer = "xavier", seed: Seed = None) -> None:
        self.dim, self.heads = positive_integer("dim", dim), positive_integer("heads", heads)
        if dim % heads:
            raise ValueError(f"heads must divide dim, and {heads} does not divide {dim}")
        draw, stream = initializer(init), shared_stream(seed)
        rng = random_source(stream)
        self.in_proj_weight = [row for _ in range(3) for row in weights(draw, rng, dim, dim)]
        self.in_proj_bias = [Value(0.0) for _ in self.in_proj_weight]
        self.out_proj = Linear(dim, dim, init=init, seed=stream)

    def forward(self, xs: Sequence[Vector]) -> list[list[Value]]:
        """Return as many positions, each of dim numbers.

        Raises:
            TypeError: `xs` is not a sequence of sequences.
            ValueError: a position has another size than dim.
        """
        keys: list[list[Value]] = []
        values: list[list[Value]] = []
        outputs = []
        size = self.dim // self.heads
        for x in xs:
            check_inputs(self, x, self.dim, "numbers per position")
            projected = affine(self.in_proj_weight, self.in_proj_bias, x)
            q, k, v = (projected[i : i + self.dim] for i in range(0, 3 * self.dim, self.dim))
            keys.append(k)
            values.append(v)
            seen = []
            for at in range(0, self.dim, size):
                part = slice(at, at + size)
                seen += attention(q[part], [k[part] for k in keys], [v[part] for v in values])
            outputs.append(self.out_proj(seen))
        return outputs

    def __repr__(self) -> str:
        return f"CausalSelfAttention({self.dim}, {self.heads})"
