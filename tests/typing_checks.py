"""What type checkers know of the public API: mypy checks this file, and nothing runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, assert_type

import nn
import viz
from autograd import Value, grad, leaky_relu, maximum, minimum, no_grad, softmax, taped, value_and_grad


class Line(nn.Module):
    """A module of one's own: a call has the types of its `forward`."""

    def __init__(self) -> None:
        self.slope = Value(2.0)

    def forward(self, x: float, *, scale: float = 1.0) -> Value:
        """Return slope * x * scale."""
        return self.slope * x * scale


def check_taped() -> None:
    """A taped function keeps the types of its arguments and of its result."""

    @taped
    def product(x: Value, y: Value) -> Value:
        return x * y

    @taped(limit=3)
    def pair(x: Value) -> list[Value]:
        return [x, x]

    assert_type(product(Value(1.0), Value(2.0)), Value)
    assert_type(pair(Value(1.0)), list[Value])
    product(Value(1.0))  # type: ignore[call-arg]


def check_functions(x: Value, xs: list[Value]) -> None:
    """Numbers give a float, and one Value among the operands gives a Value."""
    assert_type(maximum(x, 1.0, 2), Value)
    assert_type(maximum(1.0, x), Value)
    assert_type(minimum(1.0, 2.0, 3.0), float)
    assert_type(leaky_relu(x, 0.2), Value)
    assert_type(leaky_relu(-1.0, 0.2), float)
    assert_type(softmax(xs), list[Value])


@no_grad()
def decorated(x: Value, *, scale: float = 1.0) -> Value:
    """A decorated function keeps its types."""
    return x * scale


def check_decorated(x: Value) -> None:
    """Its calls are checked."""
    assert_type(decorated(x, scale=2.0), Value)
    decorated(x, scal=2.0)  # type: ignore[call-arg]


def check_modules(row: list[float], inputs: list[Value]) -> None:
    """A call of a module reveals what its forward returns."""
    assert_type(nn.Neuron(2)(row), Value)
    assert_type(nn.Layer(2, 3)(inputs), list[Value])
    assert_type(nn.MLP(2, [3, 1])(row), Value | list[Value])
    assert_type(Line()(3.0, scale=2.0), Value)
    assert_type(Line().parameters(), list[Value])
    parts: list[nn.Part] = [nn.Linear(2, 8), "tanh", softmax]
    assert_type(nn.Sequential(*parts), nn.Sequential)
    Line()("3.0")  # type: ignore[arg-type]
    Line()(3.0, scal=2.0)  # type: ignore[call-arg]


def check_losses(model: nn.MLP, row: list[float]) -> None:
    """A loss takes what a model returns, and keeps the types of its arguments."""

    @nn.decides(None)
    def absolute_error(prediction: Value, target: float) -> Value:
        return abs(prediction - target)

    assert_type(nn.hinge(model(row), 1), Value)
    assert_type(nn.softmax_cross_entropy(model(row), 0), Value)
    assert_type(nn.mse(prediction=nn.Neuron(2)(row), target=1.0), Value)
    assert_type(absolute_error(Value(1.0), 2.0), Value)
    assert_type(nn.huber(model(row), 1.0), Value)
    assert_type(nn.huber(0.5)(model(row), 1.0), Value)
    assert_type(nn.huber(delta=0.5), nn.Loss)
    nn.hinge("score", 1)  # type: ignore[arg-type]
    absolute_error(1.0, 2.0)  # type: ignore[arg-type]
    losses: list[nn.Loss] = [nn.hinge, nn.mse, nn.softmax_cross_entropy, absolute_error]
    assert_type(losses[0](model(row), 1), Value)


def check_training(X: list[list[float]], y: list[int]) -> None:
    """Training returns a History of floats; a prediction has the shape of the model's output."""
    model = nn.Neuron(2)
    history = nn.fit(model, X, y, loss=nn.hinge, optimizer=nn.SGD(model.parameters(), lr=0.1), epochs=1)
    assert_type(history, nn.History)
    assert_type(history.loss, list[float])
    assert_type(nn.accuracy(model, X, y, nn.hinge), float)
    assert_type(nn.predict(model, X), list[float])
    assert_type(nn.predict(nn.Layer(2, 3), X), list[list[float]])
    assert_type(nn.predict(nn.MLP(2, [3, 1]), X), list[Any])  # the shape follows from the sizes of the layers


def check_pictures(root: Value) -> None:
    """The options of pictures are known by name, type and choice."""
    assert_type(viz.to_svg(root, theme="dark", limit=200, parameters=[root]), str)
    assert_type(viz.draw(root, "graph.svg", theme="light"), Path)
    viz.to_dot(root, theme="sepia")  # type: ignore[arg-type]
    viz.to_dot(root, them="dark")  # type: ignore[call-arg]
    viz.print_graph(root, theme="dark")  # type: ignore[call-arg]


def check_transforms(f: Callable[[Value], Value], g: Callable[[list[Value], str], Value | float]) -> None:
    """A gradient has the shape of the first argument, and the other arguments keep their types."""
    assert_type(grad(f)(2.0), Value | float)
    assert_type(grad(grad(f))(Value(2.0)), Value | float)
    assert_type(value_and_grad(f)(2.0), tuple[Value | float, Value | float])
    assert_type(grad(g)([1.0, 2.0], "mean"), list[Value | float])
    assert_type(value_and_grad(g)([Value(1.0)], "mean"), tuple[Value | float, list[Value | float]])
    assert_type(grad(g, argnums=(0,))([1.0], "mean"), tuple[Any, ...])
    assert_type(value_and_grad(f, argnums=[0])(1.0), tuple[Value | float, tuple[Any, ...]])
