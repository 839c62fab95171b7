"""The health of a network: how its gradients and activations fare, layer by layer.

A layer is a module that holds parameters. The neurons of a `Layer` count as one, and activations that are modules, such
as `nn.ReLU()`, count to the layer before them. Of each layer the report has

    the norms of its parameters w and of the gradient g of the mean loss, square roots of sums of squares,
    the update ratio, lr · |g| / |w|: how far one step of plain descent moves the parameters, as a share of them,
    the share of its units that are dead: their derivative is 0 for every sample,
    the share of its sigmoids and tanhs, over units and samples, that are within 1 % of an end of their range.

The verdict rests on the update ratio and is the first that applies:

    exploding   the gradient is not finite, or the ratio is above 1
    dead        the gradient is 0 although that of the loss by the outputs is not, or every unit is dead
    vanishing   the ratio is below a thousandth of the largest among the layers, or below 1e-8
    fine        also where the loss asks for no change, as at its minimum

Where no optimiser is given, the verdict takes the ratio at a learning rate of 0.01. At a ratio of 1 a step is as long
as the parameters themselves; about 0.001 is usual in healthy trainings. Optimisers such as Adam scale their steps, so
their own update ratios differ.
"""

from __future__ import annotations

import html
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from autograd import Value, mean, sum, topological_order
from autograd.formatting import number, table
from nn import buffers
from nn.buffers import numbers_in
from nn.checked_samples import Rows, Samples, checked_samples
from nn.composition import ACTIVATIONS, Activation
from nn.evaluation import in_mode
from nn.generator import Draws, drawing
from nn.layers import Neuron
from nn.losses import without_penalty
from nn.module import Module
from nn.optim import Optimizer
from nn.training_step import LossFunction, checked_loss

__all__ = ["LayerHealth", "Report", "health"]

_ASSUMED_LR = 0.01
_EXPLODING = 1.0
_VANISHING = 1e-3
_NO_STEP = 1e-8
_ENDS = {"sigmoid": (0.01, 0.99), "tanh": (-0.98, 0.98)}  # of the range, less 1 % of its width
_DASH = "–"
_KEY = 0  # of the random numbers that a model in training mode draws

Units = dict[str, list[list[Value]]]  # by path: for each unit its activations, one per sample


@dataclass(frozen=True)
class LayerHealth:
    """The health of one layer; what it does not have is None.

    Attributes:
        path: The path of the module; "" for the model itself.
        kind: The name of the module's class.
        parameters: The number of parameters.
        weight_norm: The norm of the parameters.
        gradient_norm: The norm of the gradient of the mean loss by the parameters.
        update_ratio: lr · gradient_norm / weight_norm, where an optimiser was given and the parameters are not all 0.
        units: The number of activations that one sample computes.
        dead: The share of the units whose derivative is 0 for every sample, from 0 to 1.
        saturated: The share of the sigmoids and tanhs that are near an end of their range, from 0 to 1.
        verdict: "exploding", "dead", "vanishing" or "fine".
    """

    path: str
    kind: str
    parameters: int
    weight_norm: float | None
    gradient_norm: float | None
    update_ratio: float | None
    units: int
    dead: float | None
    saturated: float | None
    verdict: str


@dataclass(frozen=True, repr=False)
class Report:
    """The health of a network: its repr is a table, and a notebook shows one.

    Attributes:
        layers: The layers, in the order of the modules.
        loss: The mean loss.
        lr: The learning rate of the optimiser, or None.
    """

    layers: list[LayerHealth]
    loss: float
    lr: float | None

    @property
    def verdict(self) -> str:
        """The gravest verdict of a layer."""
        found = {layer.verdict for layer in self.layers}
        return next(v for v in ("exploding", "dead", "vanishing", "fine") if v in found)

    def __repr__(self) -> str:
        rows = table([_HEADING, *map(_cells, self.layers)], left=2)
        return "\n".join([self._title(), *("  ".join(cells).rstrip() for cells in rows)])

    def _repr_html_(self) -> str:
        def row(tag: str, cells: Sequence[str]) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        head, body = row("th", _HEADING), "".join(row("td", _cells(layer)) for layer in self.layers)
        return f"<p>{html.escape(self._title())}</p><table><thead>{head}</thead><tbody>{body}</tbody></table>"

    def _title(self) -> str:
        return f"mean loss {number(self.loss)}{'' if self.lr is None else f', lr {number(self.lr)}'}: {self.verdict}"


def health(
    model: Module,
    X: Rows,
    y: Iterable[Any],
    loss: LossFunction,
    optimizer: Optimizer | None = None,
    *,
    training: bool = False,
) -> Report:
    """Report how the gradients and activations of a model fare, layer by layer, on some samples.

    The model runs eagerly. Its parameters, gradients, buffers and modes are afterwards as they were.

    Args:
        model: The model.
        X: The rows, as for `fit`; a few hundred are enough.
        y: The targets, as for `fit`.
        loss: The loss of one sample.
        optimizer: Gives the learning rate of the update ratios.
        training: Whether the model runs in training mode: with dropout, and with the statistics of these samples in
            place of running ones.

    Returns:
        The report; the module `nn.health` states the rules of its verdicts.

    Raises:
        TypeError: The model is not a module, or as for the samples of `fit`.
        ValueError: As for the samples of `fit`; or the model does not have parameters, or the loss does not depend on
            them.

    >>> import nn
    >>> X, y = nn.moons(20, seed=1)
    >>> model = nn.MLP(2, [4, 1], seed=1)
    >>> nn.health(model, X, y, nn.hinge, nn.SGD(model.parameters(), lr=0.1))
    mean loss 1.019, lr 0.1: fine
    layer     kind   parameters     |w|     |g|  lr·|g|/|w|  units  dead  saturated  verdict
    layers.0  Layer          12   2.941  0.1533    0.005211      4   0 %          –     fine
    layers.1  Layer           5  0.7718   0.213      0.0276      0     –          –     fine
    """
    if not isinstance(model, Module):
        raise TypeError(f"health looks at the layers of a module, not at {model!r}")
    if not model.parameters():
        raise ValueError(f"{model!r} does not have parameters, so there is no gradient to look at")
    samples = checked_samples(X, y)
    with _gradients_kept(model), in_mode(model, training=training), buffers.collected():
        mean_loss, units, outputs = _run(model, loss, samples)
        if not mean_loss.op:
            raise ValueError("the loss does not depend on any parameter: is health called inside no_grad()?")
        mean_loss.backward()
        lr = None if optimizer is None else optimizer.lr
        has_aim = any(output.grad != 0.0 for output in outputs)
        return Report(_layers(model, units, lr, has_aim), mean_loss.data, lr)


def _run(model: Module, loss: LossFunction, samples: Samples) -> tuple[Value, Units, list[Value]]:
    """Return the mean loss, the units by the path of the module that computes them, and the outputs."""
    of_sample, penalty = without_penalty(loss)
    with drawing(Draws(_KEY, 1, range(len(samples)))):
        predictions = model.forward_batch([row for row, _ in samples])
    losses = [checked_loss(of_sample, p, target) for p, (_, target) in zip(predictions, samples, strict=True)]
    units: Units = defaultdict(list)
    if model._looks_across_batch():
        for path, nodes in _activations(predictions).items():
            each = len(nodes) // len(samples)  # a module maps the samples of a batch one after another
            units[path] = [nodes[unit::each] for unit in range(each)]
    else:
        for prediction in predictions:
            for path, nodes in _activations(prediction).items():
                held = units[path]
                held += [[] for _ in range(len(nodes) - len(held))]
                for unit, node in zip(held, nodes, strict=False):
                    unit.append(node)
    total = mean(losses)
    outputs = [output for prediction in predictions for output in numbers_in(prediction) if isinstance(output, Value)]
    return (total if penalty is None else total + penalty()), units, outputs


def _activations(prediction: Any) -> dict[str, list[Value]]:
    """Return the activations behind an output by the path of their module, in the order of creation."""
    found = defaultdict(list)
    root = sum(list(numbers_in(prediction)))
    for node in topological_order(root) if isinstance(root, Value) else ():
        if node.op and node.op in ACTIVATIONS:
            found[node.module or ""].append(node)
    return found


def _layers(model: Module, units: Units, lr: float | None, has_aim: bool) -> list[LayerHealth]:
    """Return the health of each layer of a model, after backward; it has an aim where the loss asks for a change."""
    modules = dict(model.named_modules())
    owned = [(_innermost(name, modules), parameter) for name, parameter in model.named_parameters()]
    layer_of = _layers_by_path(modules, {path for path, _ in owned})
    parameters: dict[str, list[Value]] = defaultdict(list)
    for path, parameter in owned:
        parameters[layer_of[path]].append(parameter)
    of_layers: Units = defaultdict(list)
    scope = f"{model._scope}."  # the paths of nodes begin with it
    for path, more in units.items():
        of_layers[layer_of[_innermost(f"{path}.".removeprefix(scope), modules)]] += more

    weights = {path: _norm(p.data for p in held) for path, held in parameters.items()}
    gradients = {path: _norm(p.grad for p in held) for path, held in parameters.items()}
    ratios = {path: gradients[path] / weights[path] for path in parameters if weights[path]}
    largest = max(ratios.values(), default=0.0)
    layers = []
    for path, module in modules.items():
        if path in parameters or path in of_layers:
            ratio, dead = ratios.get(path), _dead(of_layers[path])
            rate = _ASSUMED_LR if lr is None else lr
            layers.append(
                LayerHealth(
                    path=path,
                    kind=type(module).__name__,
                    parameters=len(parameters[path]),
                    weight_norm=weights.get(path),
                    gradient_norm=gradients.get(path),
                    update_ratio=None if ratio is None or lr is None else lr * ratio,
                    units=len(of_layers[path]),
                    dead=dead,
                    saturated=_saturated(of_layers[path]),
                    verdict=_verdict(gradients.get(path), ratio, dead, rate, largest, has_aim),
                )
            )
    return layers


def _innermost(path: str, modules: Mapping[str, Module]) -> str:
    """Return the path of the innermost module that a path leads through."""
    while path not in modules:
        path = path.rpartition(".")[0]
    return path


def _layers_by_path(modules: Mapping[str, Module], owners: set[str]) -> dict[str, str]:
    """Return the layer that each module counts to; `owners` are the modules that hold parameters."""
    layer_of: dict[str, str] = {}
    latest = None
    for path, module in modules.items():
        if path and isinstance(module, Neuron):
            layer_of[path] = layer_of[_innermost(path.rpartition(".")[0], modules)]
        else:
            layer_of[path] = path if latest is None or not isinstance(module, Activation) else latest
        if path in owners:
            latest = layer_of[path]
    return layer_of


def _norm(numbers: Iterable[float]) -> float:
    return math.hypot(*numbers)  # does not overflow before the norm does


def _dead(units: list[list[Value]]) -> float | None:
    return _share([all(node.local_grads[0] == 0.0 for node in unit) for unit in units])


def _saturated(units: list[list[Value]]) -> float | None:
    bounded = [(node.data, *_ENDS[node.op]) for unit in units for node in unit if node.op in _ENDS]
    return _share([not low < x < high for x, low, high in bounded])


def _share(flags: list[bool]) -> float | None:
    return flags.count(True) / len(flags) if flags else None


def _verdict(
    gradient: float | None, ratio: float | None, dead: float | None, lr: float, largest: float, has_aim: bool
) -> str:
    if gradient is not None and (not math.isfinite(gradient) or (ratio is not None and lr * ratio > _EXPLODING)):
        return "exploding"
    if dead == 1.0 or (gradient == 0.0 and has_aim):
        return "dead"
    if gradient != 0.0 and ratio is not None and (ratio < _VANISHING * largest or lr * ratio < _NO_STEP):
        return "vanishing"
    return "fine"


_HEADING = ("layer", "kind", "parameters", "|w|", "|g|", "lr·|g|/|w|", "units", "dead", "saturated", "verdict")


def _cells(layer: LayerHealth) -> tuple[str, ...]:
    """Return what the table shows of a layer."""
    norms = (layer.weight_norm, layer.gradient_norm, layer.update_ratio)
    shares = (layer.dead, layer.saturated)
    return (
        layer.path or "model",
        layer.kind,
        str(layer.parameters),
        *(_DASH if x is None else number(x) for x in norms),
        str(layer.units),
        *(_DASH if x is None else f"{100.0 * x:.0f} %" for x in shares),
        layer.verdict,
    )


@contextmanager
def _gradients_kept(model: Module) -> Iterator[None]:
    """Set the gradients of the parameters to zero inside, and put them back afterwards."""
    parameters = model.parameters()
    gradients = [parameter.grad for parameter in parameters]
    model.zero_grad()
    try:
        yield
    finally:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
