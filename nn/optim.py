"""Optimisers: rules that change parameters by their gradients."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from typing import Any

from autograd import Value
from nn import inner_loops
from nn.arguments import real

__all__ = ["SGD", "Adam", "Optimizer", "clip_grad_norm"]


class Optimizer:
    """The base class of optimisers: the parameters, the learning rate and the state.

    A subclass defines `step`; the state that it keeps between steps is in attributes that `state_dict` returns.

    Args:
        params: the parameters, an iterable of distinct leaf Values.
        lr: the learning rate, above 0.

    Raises:
        TypeError: params holds something other than Values, or lr is not a number.
        ValueError: params is empty, repeats a Value or holds a computed one, or lr is not above 0 and finite.
    """

    def __init__(self, params: Iterable[Value], lr: float) -> None:
        self.params = tuple(_checked_parameters(params))
        self.lr = lr

    @property
    def lr(self) -> float:
        """The learning rate; assign to change it between steps."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr = real("lr", lr, low=0.0, open_low=True)

    def set_lr(self, lr: float) -> None:
        """Set the learning rate for steps of a schedule, which may be 0."""
        self._lr = real("lr", lr, low=0.0)

    def step(self) -> None:
        """Change every parameter once, by its gradient.

        Raises:
            ValueError: a gradient or the new data of a parameter is nan or infinite; then nothing has changed.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define step(self)")

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        inner_loops.zero_gradients(self.params)

    def state_dict(self) -> dict[str, Any]:
        """Return the settings and the state as plain numbers and lists, without the parameters themselves."""
        return {name: _copied(getattr(self, name)) for name in self._state_names()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load the settings and the state of another optimiser of this class.

        Args:
            state: the result of `state_dict`; its lists have one number per parameter.

        Raises:
            ValueError: a name is missing or unknown, a list has the wrong length, or a number is out of range; then
                nothing has changed.
        """
        names = self._state_names()
        if set(state) != set(names):
            raise ValueError(f"the state of {type(self).__name__} holds {', '.join(names)}, not {', '.join(state)}")
        checked = {name: self._checked_state(name, state[name]) for name in names}
        for name, number in checked.items():
            setattr(self, name, number)

    def _state_names(self) -> tuple[str, ...]:
        return ("lr",)

    def _checked_state(self, name: str, held: Any) -> Any:
        """Return the setting or state of that name, checked."""
        return real(name, held, low=0.0, open_low=True)

    def _checked_memory(self, name: str, held: Any, low: float = -math.inf) -> array[float]:
        if len(held) != len(self.params):
            raise ValueError(f"{name} has {len(held)} numbers for {len(self.params)} parameters")
        numbers = [real(f"{name}[{index}]", number, low=low, open_low=low < 0.0) for index, number in enumerate(held)]
        return array("d", numbers)

    def _zeros(self) -> array[float]:
        return array("d", bytes(8 * len(self.params)))

    def _refuse(self, data: array[float], mean_square: array[float] | None = None) -> None:
        """Raise the error of a step with a number that is not finite."""
        self._check_finite("the gradient of {} is {}", [parameter.grad for parameter in self.params])
        self._check_finite("the mean square of the gradient of {} is {}", mean_square or ())
        self._check_finite("this step would set {} to {}: lower lr", data)

    def _check_finite(self, message: str, numbers: Iterable[float]) -> None:
        for index, number in enumerate(numbers):
            if not math.isfinite(number):
                what = message.format(_parameter_name(self.params[index], index), number)
                raise ValueError(f"{type(self).__name__}: {what}; nothing was changed")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.params)} parameters, lr={self.lr:g})"


class SGD(Optimizer):
    """Stochastic gradient descent: velocity = momentum · velocity + gradient; parameter -= lr · velocity.

    Momentum after Polyak 1964, in the form without damping that Sutskever et al. 2013 call classical.

    Args:
        params: the parameters, as for `Optimizer`.
        lr: the learning rate, above 0.
        momentum: the share of the velocity that each step keeps, in [0, 1).

    Raises:
        TypeError: as for `Optimizer`; or momentum is not a number.
        ValueError: as for `Optimizer`; or momentum is out of range.

    >>> x = Value(3.0)
    >>> optimizer = SGD([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.4
    """

    def __init__(self, params: Iterable[Value], lr: float, momentum: float = 0.0) -> None:
        super().__init__(params, lr)
        self.momentum = real("momentum", momentum, low=0.0, high=1.0)
        self.velocity = self._zeros()

    def step(self) -> None:
        """Change every parameter once, by its gradient.

        Raises:
            ValueError: a gradient or the new data of a parameter is nan or infinite; then nothing has changed.
        """
        velocity, data = self._zeros(), self._zeros()
        if not inner_loops.sgd(self.params, self.velocity, self.lr, self.momentum, velocity, data):
            self._refuse(data)
        inner_loops.assign(self.params, data)
        self.velocity = velocity

    def _state_names(self) -> tuple[str, ...]:
        return ("lr", "momentum", "velocity")

    def _checked_state(self, name: str, held: Any) -> Any:
        if name == "momentum":
            return real(name, held, low=0.0, high=1.0)
        if name == "velocity":
            return self._checked_memory(name, held)
        return super()._checked_state(name, held)


class Adam(Optimizer):
    """Adam: steps of about lr whatever the gradient's scale, from running means of the gradient and of its square.

    From Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 1, with its bias correction.

    Args:
        params: the parameters, as for `Optimizer`.
        lr: the learning rate, above 0.
        betas: the shares of the running means of the gradient and of its square that each step keeps, in [0, 1).
        eps: a number above 0 that is added to the root of the second mean.

    Raises:
        TypeError: as for `Optimizer`; or betas is not a pair of numbers, or eps is not a number.
        ValueError: as for `Optimizer`; or betas or eps are out of range.

    >>> x = Value(3.0)
    >>> optimizer = Adam([x], lr=0.1)
    >>> (x * x).backward()
    >>> optimizer.step()
    >>> round(x.data, 6)
    2.9
    """

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, lr)
        self.betas = _checked_betas(betas)
        self.eps = real("eps", eps, low=0.0, open_low=True)
        self.steps = 0
        self.first = self._zeros()
        self.second = self._zeros()

    def step(self) -> None:
        """Change every parameter once, by its gradient.

        Raises:
            ValueError: a gradient or the new data of a parameter is nan or infinite; then nothing has changed.
        """
        beta1, beta2 = self.betas
        steps = self.steps + 1
        corrections = 1.0 - beta1**steps, 1.0 - beta2**steps
        first, second, data = self._zeros(), self._zeros(), self._zeros()
        settings = self.lr, beta1, beta2, self.eps, *corrections
        if not inner_loops.adam(self.params, self.first, self.second, *settings, first, second, data):
            self._refuse(data, second)
        inner_loops.assign(self.params, data)
        self.steps, self.first, self.second = steps, first, second

    def _state_names(self) -> tuple[str, ...]:
        return ("lr", "betas", "eps", "steps", "first", "second")

    def _checked_state(self, name: str, held: Any) -> Any:
        if name == "betas":
            return _checked_betas(held)
        if name == "steps":
            return _checked_steps(held)
        if name in ("first", "second"):
            return self._checked_memory(name, held, low=0.0 if name == "second" else -math.inf)
        return super()._checked_state(name, held)


def clip_grad_norm(params: Iterable[Value], max_norm: float) -> float:
    """Scale all gradients by one factor so that their norm, sqrt(g0² + g1² + ...), is at most `max_norm`.

    Call it between `backward` and `step`. After Pascanu, Mikolov & Bengio 2013.

    Args:
        params: the parameters, as for `Optimizer`.
        max_norm: a number above 0.

    Returns:
        The norm before scaling.

    Raises:
        TypeError: as for `Optimizer`; or max_norm is not a number.
        ValueError: as for `Optimizer`; max_norm is out of range, or the norm is not finite; then nothing has changed.

    >>> x, y = Value(1.0), Value(1.0)
    >>> x.grad, y.grad = 3.0, 4.0
    >>> clip_grad_norm([x, y], 0.5), x.grad, y.grad
    (5.0, 0.30000000000000004, 0.4)
    """
    checked = tuple(params)
    if not checked or len(set(map(id, checked))) < len(checked) or any(type(p) is not Value for p in checked):
        _checked_parameters(checked)  # says what is wrong
    bound = real("max_norm", max_norm, low=0.0, open_low=True)
    norm = math.sqrt(inner_loops.sum_of_squares(checked))
    if not math.isfinite(norm):
        raise ValueError(f"the norm of the gradients is {norm}; nothing was changed")
    if norm > bound:
        inner_loops.scale_gradients(checked, bound / norm)
    return norm


def _checked_parameters(params: Iterable[Value]) -> list[Value]:
    if isinstance(params, Value) or not hasattr(params, "__iter__"):
        raise TypeError(f"params must be a list of Values such as model.parameters(), not {params!r}")
    checked = list(params)
    if not checked:
        raise ValueError(
            "params is empty: there is nothing to optimise (a parameter of a module is a Value attribute; was an "
            "iterator used twice?)"
        )
    first_index: dict[int, int] = {}
    for index, parameter in enumerate(checked):
        if not isinstance(parameter, Value):
            raise TypeError(f"params[{index}] must be a Value, not {type(parameter).__name__} {parameter!r}")
        if parameter.op:
            raise ValueError(
                f"params[{index}] is a computed Value ({parameter!r}): give the leaves it is computed from"
            )
        if id(parameter) in first_index:
            raise ValueError(f"params[{index}] is params[{first_index[id(parameter)]}] again: give each parameter once")
        first_index[id(parameter)] = index
    return checked


def _checked_betas(betas: Any) -> tuple[float, float]:
    if not hasattr(betas, "__len__") or len(betas) != 2:
        raise TypeError(f"betas must be a pair such as (0.9, 0.999), not {betas!r}")
    first, second = (real(f"betas[{index}]", beta, low=0.0, high=1.0) for index, beta in enumerate(betas))
    return first, second


def _checked_steps(steps: Any) -> int:
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise ValueError(f"steps must be an integer of at least 0, not {steps!r}")
    return steps


def _copied(held: Any) -> Any:
    return list(held) if isinstance(held, array) else held


def _parameter_name(parameter: Value, index: int) -> str:
    return parameter.name or f"params[{index}]"
