"""Optimisers: each is one formula, from a parameter, its gradient and its memory to the new ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from autograd import Value, sqrt
from nn.arguments import real
from nn.clipping import clip_grad_norm, clip_grad_value
from nn.optimizer import ABOVE_0, FROM_0, SHARE, Bounds, Optimizer

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "clip_grad_norm", "clip_grad_value"]

Numbers = tuple[Any, ...]  # the new parameter, and the new memory


def _with_decay(g: Value, p: Value, weight_decay: float) -> Value:
    """Return the gradient together with that of weight_decay/2 · p², which draws the parameter to 0 (L2)."""
    return g + weight_decay * p if weight_decay > 0.0 else g


class SGD(Optimizer):
    """Stochastic gradient descent: velocity = momentum · velocity + gradient; parameter -= lr · velocity.

    Momentum after Polyak 1964, in the form without damping that Sutskever et al. 2013 call classical; Nesterov's looks
    ahead: parameter -= lr · (gradient + momentum · velocity).

    Args:
        params: the parameters, as for `Optimizer`.
        lr: the learning rate, above 0.
        momentum: the share of the velocity that each step keeps, in [0, 1).
        nesterov: whether to look ahead; then momentum must not be 0.
        weight_decay: the factor of the parameter that is added to its gradient, as the gradient of a penalty of
            weight_decay/2 · parameter² is (L2).

    Raises:
        TypeError: as for `Optimizer`; or another argument is of the wrong type.
        ValueError: as for `Optimizer`; or another argument is out of range.

    >>> x = Value(3.0)
    >>> optimizer = SGD([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.4
    """

    momentum: float
    weight_decay: float
    _bounds: ClassVar[dict[str, Bounds]] = {**Optimizer._bounds, "momentum": SHARE, "weight_decay": FROM_0}
    _lacking: ClassVar[dict[str, Any]] = {"steps": 0, "nesterov": False, "weight_decay": 0.0}

    def __init__(
        self,
        params: Iterable[Value],
        lr: float,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.momentum = momentum
        self.nesterov = nesterov
        self.weight_decay = weight_decay
        if not isinstance(nesterov, bool):
            raise TypeError(f"nesterov must be True or False, not {nesterov!r}")
        if nesterov and self.momentum == 0.0:
            raise ValueError("nesterov=True needs a momentum above 0: without it there is nothing to look ahead with")

    def rule(self, p: Value, g: Value, step: Value, velocity: Value | float = 0.0) -> Numbers:
        """Return the new parameter and its velocity."""
        g = _with_decay(g, p, self.weight_decay)
        velocity = self.momentum * velocity + g
        return p - self.lr * (g + self.momentum * velocity if self.nesterov else velocity), velocity


class Adagrad(Optimizer):
    """Adagrad: a rate for each parameter that falls with the sum of its squared gradients.

    From Duchi, Hazan & Singer 2011: parameter -= lr · gradient / (sqrt(total) + eps).

    Args:
        params: the parameters, as for `Optimizer`.
        lr: the learning rate, above 0.
        weight_decay: as for `SGD`.
        eps: a number above 0 that is added to the root.

    Raises:
        TypeError: as for `Optimizer`; or another argument is not a number.
        ValueError: as for `Optimizer`; or another argument is out of range.

    >>> x = Value(3.0)
    >>> optimizer = Adagrad([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.9
    """

    eps: float
    weight_decay: float
    _bounds: ClassVar[dict[str, Bounds]] = {
        **Optimizer._bounds,
        "weight_decay": FROM_0,
        "eps": ABOVE_0,
        "total": FROM_0,
    }

    def __init__(
        self, params: Iterable[Value], lr: float = 0.01, *, weight_decay: float = 0.0, eps: float = 1e-10
    ) -> None:
        super().__init__(params, lr)
        self.weight_decay = weight_decay
        self.eps = eps

    def rule(self, p: Value, g: Value, step: Value, total: Value | float = 0.0) -> Numbers:
        """Return the new parameter and the sum of its squared gradients."""
        g = _with_decay(g, p, self.weight_decay)
        total = total + g * g
        return p - self.lr * g / (sqrt(total) + self.eps), total


class RMSprop(Optimizer):
    """RMSprop: gradients divided by the root of a running mean of their squares.

    From Hinton's lectures of 2012: parameter -= lr · gradient / (sqrt(square) + eps).

    Args:
        params: the parameters, as for `Optimizer`.
        lr: the learning rate, above 0.
        alpha: the share of the running mean that each step keeps, in [0, 1).
        eps: a number above 0 that is added to the root.
        weight_decay: as for `SGD`.

    Raises:
        TypeError: as for `Optimizer`; or another argument is not a number.
        ValueError: as for `Optimizer`; or another argument is out of range.

    >>> x = Value(3.0)
    >>> optimizer = RMSprop([x], lr=0.01)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.9
    """

    alpha: float
    eps: float
    weight_decay: float
    _bounds: ClassVar[dict[str, Bounds]] = {
        **Optimizer._bounds,
        "alpha": SHARE,
        "eps": ABOVE_0,
        "weight_decay": FROM_0,
        "square": FROM_0,
    }

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.alpha = alpha
        self.eps = eps
        self.weight_decay = weight_decay

    def rule(self, p: Value, g: Value, step: Value, square: Value | float = 0.0) -> Numbers:
        """Return the new parameter and the running mean of its squared gradients."""
        g = _with_decay(g, p, self.weight_decay)
        square = self.alpha * square + (1.0 - self.alpha) * (g * g)
        return p - self.lr * g / (sqrt(square) + self.eps), square


class Adam(Optimizer):
    """Adam: steps of about lr whatever the gradient's scale, from running means of the gradient and of its square.

    From Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 1, with its bias correction.

    Args:
        params: the parameters, as for `Optimizer`.
        lr: the learning rate, above 0.
        betas: the shares of the running means of the gradient and of its square that each step keeps, in [0, 1).
        eps: a number above 0 that is added to the root of the second mean.
        weight_decay: as for `SGD`.

    Raises:
        TypeError: as for `Optimizer`; or betas is not a pair of numbers, or another argument is not a number.
        ValueError: as for `Optimizer`; or another argument is out of range.

    >>> x = Value(3.0)
    >>> optimizer = Adam([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.9
    """

    betas: tuple[float, float]
    eps: float
    weight_decay: float
    _bounds: ClassVar[dict[str, Bounds]] = {
        **Optimizer._bounds,
        "eps": ABOVE_0,
        "weight_decay": FROM_0,
        "second": FROM_0,
    }
    _lacking: ClassVar[dict[str, Any]] = {"weight_decay": 0.0}

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay

    def rule(self, p: Value, g: Value, step: Value, first: Value | float = 0.0, second: Value | float = 0.0) -> Numbers:
        """Return the new parameter and the running means of its gradient and of the square."""
        g = _with_decay(g, p, self.weight_decay)
        return self._moved(p, g, step, first, second)

    def _moved(self, p: Value, g: Value, step: Value, first: Value | float, second: Value | float) -> Numbers:
        beta1, beta2 = self.betas
        first = beta1 * first + (1.0 - beta1) * g
        second = beta2 * second + (1.0 - beta2) * (g * g)
        # The means are without their bias when divided by 1 - beta**step; here what is the same for all parameters is.
        lr, scale = self.lr / (1.0 - beta1**step), 1.0 / sqrt(1.0 - beta2**step)
        return p - lr * first / (scale * sqrt(second) + self.eps), first, second

    def _checked(self, name: str, held: Any) -> Any:
        if name != "betas":
            return super()._checked(name, held)
        if not hasattr(held, "__len__") or len(held) != 2:
            raise TypeError(f"betas must be a pair such as (0.9, 0.999), not {held!r}")
        return tuple(real(f"betas[{index}]", beta, **SHARE) for index, beta in enumerate(held))


class AdamW(Adam):
    """Adam whose weight decay is apart from the gradient: parameter -= lr · weight_decay · parameter, then the step.

    From Loshchilov & Hutter 2019, "Decoupled weight decay regularization". Arguments and errors are those of `Adam`;
    weight_decay is 0.01 if it is not given.

    >>> x = Value(3.0)
    >>> optimizer = AdamW([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.897
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def rule(self, p: Value, g: Value, step: Value, first: Value | float = 0.0, second: Value | float = 0.0) -> Numbers:
        """Return the new parameter and the running means of its gradient and of the square."""
        return self._moved(p * (1.0 - self.lr * self.weight_decay), g, step, first, second)
