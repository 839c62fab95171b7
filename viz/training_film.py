"""A training as a film: a callback of ``fit`` that keeps what the network was after each epoch."""

from __future__ import annotations

import base64
import importlib
import io
import math
import os
import re
import warnings
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from autograd import FrozenValueWarning, Value, no_grad, taped
from autograd.files import write_whole
from autograd.formatting import clean_text, number
from viz.escaping import markup
from viz.model import LABEL_LENGTH
from viz.network import Network, network_of
from viz.page.build import hashed, json_text, palettes
from viz.page.squeeze import squeezed_script, squeezed_style
from viz.theme import LIGHT, mix

__all__ = ["TrainingFilm"]

_SIDE = 32  # cells per side of the plane
_FRAMES = 120  # kept; past twice as many, every second one goes
_LINES = 1_500  # links up to which each is drawn
_COLOURS = (LIGHT.negative, LIGHT.positive, "#2E7D4F", "#7A3E9D", "#8C6D1F", "#C2185B", "#00838F", "#5D4037")
_WIDTH, _UNIT = 1100.0, 34.0
_PLOT, _PLOT_HEIGHT = 400.0, 240.0


@dataclass(slots=True)
class _Frame:
    """The model after an epoch."""

    epoch: int
    weights: array[float]
    gradients: array[float] | None
    loss: float | None
    accuracy: float | None
    plane: list[list[float]] | None  # by cell the scores, from the upper left


class TrainingFilm:
    """The network of a training by layers, epoch by epoch, with its loss and, for two inputs, its decisions.

    Pass it to ``nn.fit`` as ``callback``, then `save` it. Lines are weights, coloured and as wide as the weight or its
    gradient, the one of the epoch's last batch; the fill of a unit is its bias.

    Args:
        model: a function of a row with a method ``parameters``, such as an ``nn.Module``.
        X: the rows that it learns from, lists of numbers.
        y: their targets; where rows have two numbers each, they colour the points of the plane.
        threshold: for one output the score above which a row has the larger label: 0 for a margin or a logit, 0.5 for a
            probability.

    Raises:
        TypeError: ``model`` does not have parameters, or X is not rows of numbers.
        ValueError: X and y differ in length or are empty, or the model has no parameters.

    >>> w, b = Value(0.5, "w"), Value(0.0, "b")
    >>> class Line:
    ...     def parameters(self):
    ...         return [w, b]
    ...     def __call__(self, row):
    ...         return w * row[0] + b
    >>> film = TrainingFilm(Line(), [[1.0], [2.0]], [2.0, 4.0])
    >>> film
    <training film: 2 parameters, epoch 0; .save('film.html') writes it>
    """

    changes_model = False  # fit need not look again at the model after a call

    def __init__(self, model: Any, X: Sequence[Sequence[float]], y: Sequence[Any], *, threshold: float = 0.0) -> None:
        if not callable(model) or not callable(getattr(model, "parameters", None)):
            raise TypeError(f"a training film takes a model with parameters(), not {type(model).__name__}")
        self._model = model
        self._rows, self._labels = _rows(X), list(y)
        if len(self._rows) != len(self._labels):
            raise ValueError(f"X has {len(self._rows)} rows and y has {len(self._labels)} targets; give one per row")
        self._threshold = float(threshold)
        parameters = list(model.parameters())
        if not parameters:
            raise ValueError("the model does not have any parameter to film")
        self._names = [_name(parameter, index) for index, parameter in enumerate(parameters)]
        self._modules = [_layer(parameter) for parameter in parameters]
        self._network = self._structure(parameters)
        self._cells = self._plane_cells()
        self._tape: Any = None
        self._every = 1
        self._loss: list[float] = []
        self._frames = [self._frame(0, parameters, None, None)]

    def __call__(self, epoch: int, history: Any) -> None:
        """Keep the model as it is after an epoch; ``fit`` calls this.

        Raises:
            ValueError: the model changed its parameters or its connections since the film began.
        """
        parameters = list(self._model.parameters())
        if len(parameters) != len(self._names):
            raise ValueError(
                f"the model had {len(self._names):,} parameters when the film began and has {len(parameters):,} after "
                f"epoch {epoch}: a film shows one network; begin another one where the model changes its shape"
            )
        if self._structure(parameters) != self._network:
            raise ValueError(
                f"the model connects its parameters in another way after epoch {epoch} than when the film began: a "
                "film shows one network; begin another one where the model changes its shape"
            )
        self._loss = [float(loss) for loss in history.loss]
        accuracies = getattr(history, "accuracy", None)
        accuracy = accuracies[-1] if accuracies else None
        if len(self._frames) > 1 and (self._frames[-1].epoch % self._every):
            self._frames.pop()  # the last epoch is always kept, until the next one comes
        self._frames.append(self._frame(epoch, parameters, self._loss[-1] if self._loss else None, accuracy))
        if len(self._frames) > 2 * _FRAMES:
            self._every *= 2
            last = self._frames[-1]
            self._frames = [frame for frame in self._frames if frame is last or frame.epoch % self._every == 0]

    def __repr__(self) -> str:
        count = len(self._names)
        return (
            f"<training film: {count:,} parameter{'s' * (count != 1)}, epoch {self._frames[-1].epoch}; "
            ".save('film.html') writes it>"
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the film: a page with a slider (.html), which needs nothing else, or an animation (.gif).

        A GIF needs matplotlib, which brings Pillow (the extra ``plots``).

        Args:
            path: the file to write.

        Returns:
            The path written.

        Raises:
            ValueError: the suffix is neither of the two.
            ImportError: a GIF without matplotlib or Pillow.
            FileNotFoundError: the folder is missing.
        """
        suffix = Path(path).suffix.lower()
        if suffix == ".html":
            return write_whole(path, self._page().encode())
        if suffix == ".gif":
            return write_whole(path, self._gif())
        raise ValueError(f"{os.fspath(path)!r}: a training film is saved as .html or .gif")

    # -- what is kept --------------------------------------------------------------------------------------------------
    def _structure(self, parameters: list[Value]) -> Network:
        inputs = [Value(x) for x in self._rows[0]]
        with _in_eval_mode(self._model):
            said = self._model(inputs)
        return network_of(_values(said), inputs, parameters)

    def _frame(self, epoch: int, parameters: list[Value], loss: float | None, accuracy: float | None) -> _Frame:
        gradients = array("d", (parameter.grad for parameter in parameters)) if epoch else None
        weights = array("d", (parameter.data for parameter in parameters))
        return _Frame(epoch, weights, gradients, loss, accuracy, self._scores() if self._cells else None)

    def _plane_cells(self) -> list[list[float]]:
        """Return the middles of the cells of the plane, from the upper left; none where inputs are not two."""
        if len(self._rows[0]) != 2 or not all(isinstance(label, int | float) for label in self._labels):
            return []
        if len(set(self._labels)) > len(_COLOURS):
            return []
        self._left, self._right = _reach([row[0] for row in self._rows])
        self._bottom, self._top = _reach([row[1] for row in self._rows])
        step_x, step_y = (self._right - self._left) / _SIDE, (self._top - self._bottom) / _SIDE
        return [
            [self._left + (column + 0.5) * step_x, self._top - (line + 0.5) * step_y]
            for line in range(_SIDE)
            for column in range(_SIDE)
        ]

    def _scores(self) -> list[list[float]]:
        with _in_eval_mode(self._model):
            if self._tape is None:
                self._tape = taped(lambda x1, x2: _values(self._model([x1, x2])))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", FrozenValueWarning)
                    return [list(row) for row in self._tape.forward(self._cells)]
            except Exception:  # whatever it is, a call that is not recorded shows it too
                with no_grad():
                    return [[_plain(x) for x in _values(self._model(list(cell)))] for cell in self._cells]

    # -- the page ------------------------------------------------------------------------------------------------------
    def _page(self) -> str:
        script = squeezed_script('"use strict";(() => {\n' + _file("training.js") + "})();")
        style = palettes() + squeezed_style(_file("training.css"))
        last = self._frames[-1]
        name = clean_text(type(self._model).__name__, LABEL_LENGTH)
        filled = {
            "theme": "auto",
            "policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
            f"style-src '{hashed(style)}'; script-src '{hashed(script)}'",
            "title": markup(f"The training of {name}: {len(self._names):,} parameters, {last.epoch:,} epochs"),
            "now": markup(f"epoch {last.epoch}" + ("" if last.loss is None else f" · loss {number(last.loss)}")),
            "last": str(len(self._frames) - 1),
            "style": style,
            "network": self._drawn_network(),
            "loss": self._drawn_loss(),
            "boundary": self._drawn_plane(),
            "data": json_text(self._content()),
            "script": script,
        }
        text = re.sub(r"(?m)^ +", "", _file("training.html"))
        return re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], text)

    def _content(self) -> dict[str, object]:
        each = self._draws_links()
        x_of, y_of = self._loss_scale()
        names = dict.fromkeys(self._modules)
        groups = [[i for i, own in enumerate(self._modules) if own == name] for name in names]
        sizes = [
            {
                "weights": [_rounded(_size(frame.weights, group)) for group in groups],
                "gradients": frame.gradients and [_rounded(_size(frame.gradients, group)) for group in groups],
            }
            for frame in self._frames
        ]
        plane, painted = self._painted()
        frames = []
        for frame, size, cells in zip(self._frames, sizes, painted, strict=True):
            one: dict[str, object] = {"epoch": frame.epoch, "x": x_of(frame.epoch), "y": y_of(frame.loss)}
            if frame.loss is not None:
                one["loss"] = _rounded(frame.loss)
            if frame.accuracy is not None:
                one["accuracy"] = _rounded(float(frame.accuracy))
            one["weights"] = [_rounded(x) for x in frame.weights] if each else None
            one["gradients"] = [_rounded(x) for x in frame.gradients] if each and frame.gradients is not None else None
            one["sizes"] = size
            if cells is not None:
                one["plane"] = base64.b64encode(cells).decode()
            frames.append(one)
        return {
            "names": self._names if each else [],
            "frames": frames,
            "plane": plane,
            "largest": {
                "weights": _largest(x for frame in self._frames for x in frame.weights),
                "gradients": _largest(x for frame in self._frames for x in frame.gradients or ()),
                "weightSizes": _largest(x for size in sizes for x in size["weights"] or () if x is not None),
                "gradientSizes": _largest(x for size in sizes for x in size["gradients"] or () if x is not None),
            },
        }

    def _draws_links(self) -> bool:
        return 0 < len(self._network.links) <= _LINES

    def _drawn_network(self) -> str:
        if not self._draws_links():
            return self._drawn_layers()
        places, height = _places(self._network)
        lines = []
        for source, unit, parameter in self._network.links:
            (x0, y0), (x1, y1) = places[source], places[unit]
            line = f'<line x1="{x0:g}" y1="{y0:g}" x2="{x1:g}" y2="{y1:g}"'
            if parameter < 0:
                lines.append(f'{line} class="axis"/>')
            else:
                lines.append(f'{line} data-parameter="{parameter}"><title></title></line>')
        for (x, y), bias in zip(places, self._network.biases, strict=True):
            circle = f'<circle class="unit" cx="{x:g}" cy="{y:g}" r="9"'
            if bias < 0:
                lines.append(f'{circle} fill="var(--node)"/>')
            else:
                lines.append(f'{circle} data-parameter="{bias}"><title></title></circle>')
        label = f"Network of {len(places)} units and {len(self._network.links)} weights"
        return f'<svg viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-label="{label}">{"".join(lines)}</svg>'

    def _drawn_layers(self) -> str:
        """Return a bar per module: its length is the root mean square of its weights or gradients."""
        lines = []
        names = list(dict.fromkeys(self._modules))
        for index, name in enumerate(names):
            y = 22 * index
            count = sum(1 for own in self._modules if own == name)
            lines.append(
                f'<text x="0" y="{y + 15}">{markup(name)} ({count:,})</text>'
                f'<rect data-layer="{index}" x="330" y="{y + 3}" width="0" height="14" fill="var(--active)"/>'
                f'<text x="640" y="{y + 15}"></text>'
            )
        label = f"Root mean square by module, {len(names)} modules"
        return (
            f'<svg viewBox="0 0 {_WIDTH:g} {22 * len(names) + 6}" role="img" aria-label="{label}">'
            f"{''.join(lines)}</svg>"
        )

    def _loss_scale(self) -> tuple[Callable[[int], float], Callable[[float | None], float | None]]:
        finite = [loss for loss in self._loss if math.isfinite(loss)]
        low, high = min([0.0, *finite]), max(finite, default=1.0)
        epochs = max(1, self._frames[-1].epoch)

        def x_of(epoch: int) -> float:
            return round(50 + (_PLOT - 65) * epoch / epochs, 1)

        def y_of(loss: float | None) -> float | None:
            if loss is None or not math.isfinite(loss):
                return None
            return round(_PLOT_HEIGHT - 30 - (_PLOT_HEIGHT - 45) * (loss - low) / ((high - low) or 1.0), 1)

        return x_of, y_of

    def _drawn_loss(self) -> str:
        x_of, y_of = self._loss_scale()
        last = self._frames[-1].epoch
        first = last - len(self._loss) + 1
        places = [(x_of(first + at), y_of(loss)) for at, loss in enumerate(self._loss)]
        curve = " ".join(f"{x:g},{y:g}" for x, y in places if y is not None)
        finite = [loss for loss in self._loss if math.isfinite(loss)]
        ticks = ""
        for loss in sorted({min([0.0, *finite]), max(finite, default=1.0)}):
            y = y_of(loss)
            ticks += (
                f'<path class="axis" d="M50 {y:g}H{_PLOT - 15:g}"/><text x="44" y="{(y or 0) + 4:g}" '
                f'text-anchor="end">{number(loss)}</text>'
            )
        base = _PLOT_HEIGHT - 10
        return (
            f'<svg viewBox="0 0 {_PLOT:g} {_PLOT_HEIGHT:g}" role="img" aria-label="Loss by epoch">{ticks}'
            f'<text x="50" y="{base:g}">0</text><text x="{_PLOT - 15:g}" y="{base:g}" text-anchor="end">epoch {last}'
            f'</text><polyline class="curve" points="{curve}"/><circle id="cursor" r="5"/></svg>'
        )

    def _drawn_plane(self) -> str:
        if not self._cells:
            return ""
        points = []
        classes = sorted(set(self._labels))
        for row, label in zip(self._rows, self._labels, strict=True):
            x = 100 * (row[0] - self._left) / (self._right - self._left)
            y = 100 * (self._top - row[1]) / (self._top - self._bottom)
            colour = _COLOURS[self._class_of(label, classes)]
            points.append(f'<circle class="point" cx="{x:.2f}%" cy="{y:.2f}%" r="4.5" fill="{colour}"/>')
        return (
            '<figure><figcaption>Decisions over the plane of the inputs</figcaption><div class="plane">'
            '<canvas id="plane" width="640" height="640"></canvas>'
            f'<svg width="100%" height="100%" role="img" aria-label="The rows on the plane">{"".join(points)}</svg>'
            "</div></figure>"
        )

    def _class_of(self, label: float, classes: list[float]) -> int:
        """Return which colour a label has: its own number where there is an output per class, else its order."""
        outputs = len(self._frames[0].plane[0]) if self._frames[0].plane else 1
        if outputs > 1 and label in range(min(outputs, len(_COLOURS))):
            return int(label)
        return classes.index(label)

    def _painted(self) -> tuple[dict[str, object] | None, list[bytes | None]]:
        """Return the palette of the plane, and for each frame one byte per cell, an index into it."""
        if not self._cells:
            return None, [None] * len(self._frames)
        planes = [frame.plane or [] for frame in self._frames]
        if len(planes[0][0]) > 1:
            colours = [_channels(mix("#FFFFFF", colour, 0.4)) for colour in _COLOURS]
            winners = [bytes(_winner(cell) for cell in plane) for plane in planes]
            return {"side": _SIDE, "smooth": False, "colours": colours}, list(winners)
        finite = sorted(abs(cell[0] - self._threshold) for plane in planes for cell in plane if math.isfinite(cell[0]))
        bound = (finite[len(finite) * 9 // 10] if finite else 0.0) or 1.0
        ramp = [
            _channels(mix("#FFFFFF", LIGHT.positive if shade > 0 else LIGHT.negative, 0.05 + 0.55 * abs(shade) / 20))
            if shade
            else (255, 255, 255)
            for shade in range(-20, 21)
        ]
        painted = [bytes(_shade(cell[0] - self._threshold, bound) for cell in plane) for plane in planes]
        return {"side": _SIDE, "smooth": True, "colours": ramp}, list(painted)

    # -- the animation -------------------------------------------------------------------------------------------------
    def _gif(self) -> bytes:
        try:
            figures = importlib.import_module("matplotlib.figure")
            agg = importlib.import_module("matplotlib.backends.backend_agg")
            collections = importlib.import_module("matplotlib.collections")
            image = importlib.import_module("PIL.Image")
        except ImportError as error:
            raise ImportError(
                f"a GIF needs matplotlib and Pillow ({error}); install them with: pip install 'glassgrad[plots]', or "
                "save the film as .html, which needs neither"
            ) from error
        frames = self._frames[:: max(1, math.ceil(len(self._frames) / 40))]
        if frames[-1] is not self._frames[-1]:
            frames.append(self._frames[-1])
        largest: Any = self._content()["largest"]
        plane, painted = self._painted()
        cells = {id(frame): one for frame, one in zip(self._frames, painted, strict=True)}
        images = []
        for frame in frames:
            figure = figures.Figure(figsize=(10.4, 3.9), dpi=72)
            canvas = agg.FigureCanvasAgg(figure)
            self._plot_network(figure.add_axes((0.01, 0.03, 0.43, 0.87)), frame, largest, collections)
            self._plot_loss(figure.add_axes((0.51, 0.13, 0.17 if plane else 0.46, 0.77)), frame)
            if plane is not None:
                self._plot_plane(figure.add_axes((0.74, 0.13, 0.25, 0.77)), plane, cells[id(frame)] or b"")
            canvas.draw()
            pixels = image.frombuffer("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba()))
            images.append(pixels.convert("RGB").quantize(96, dither=0))
        written = io.BytesIO()
        durations = [max(50, min(400, 8000 // len(images)))] * (len(images) - 1) + [2000]
        images[0].save(
            written, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=True
        )
        return written.getvalue()

    def _plot_network(self, axes: Any, frame: _Frame, largest: Any, collections: Any) -> None:
        axes.set_title(f"epoch {frame.epoch}", loc="left", fontsize=11)
        if not self._draws_links():
            names = list(dict.fromkeys(self._modules))
            sizes = [_size(frame.weights, [i for i, own in enumerate(self._modules) if own == name]) for name in names]
            axes.barh(range(len(names)), sizes, color=LIGHT.active, height=0.6)
            axes.set_yticks(range(len(names)), [name.replace("$", r"\$") for name in names], fontsize=7)
            axes.invert_yaxis()
            axes.set_xlim(0, (largest["weightSizes"] or 1.0) * 1.05)
            axes.set_xlabel("root mean square of the weights")
            return
        places, height = _places(self._network)
        links = self._network.links
        shares = [_share(frame.weights[p], largest["weights"]) if p >= 0 else 0.0 for *_, p in links]
        colours = [_sign(frame.weights[p]) if p >= 0 else LIGHT.dim for *_, p in links]
        axes.add_collection(
            collections.LineCollection(
                [(places[a], places[b]) for a, b, _ in links],
                linewidths=[0.3 + 3 * share for share in shares],
                colors=[mix("#FFFFFF", colour, 0.2 + 0.8 * s) for colour, s in zip(colours, shares, strict=True)],
            )
        )
        axes.scatter(
            [x for x, _ in places],
            [y for _, y in places],
            s=60,
            zorder=2,
            linewidths=0.8,
            edgecolors=LIGHT.line,
            color=[
                mix("#FFFFFF", _sign(frame.weights[b]), _share(frame.weights[b], largest["weights"]))
                if b >= 0
                else "#FFFFFF"
                for b in self._network.biases
            ],
        )
        axes.set_xlim(0, _WIDTH)
        axes.set_ylim(height, 0)
        axes.axis("off")

    def _plot_loss(self, axes: Any, frame: _Frame) -> None:
        first = self._frames[-1].epoch - len(self._loss) + 1
        axes.plot(range(first, first + len(self._loss)), self._loss, color=LIGHT.active, linewidth=1.5)
        if frame.loss is not None:
            axes.plot([frame.epoch], [frame.loss], "o", color=LIGHT.active)
        axes.set_title("loss" if frame.loss is None else f"loss {number(frame.loss)}", loc="left", fontsize=11)
        axes.set_xlabel("epoch")
        axes.spines[["top", "right"]].set_visible(False)

    def _plot_plane(self, axes: Any, plane: dict[str, object], cells: bytes) -> None:
        colours: Any = plane["colours"]
        picture = [[colours[cells[line * _SIDE + column]] for column in range(_SIDE)] for line in range(_SIDE)]
        axes.imshow(
            picture,
            extent=(self._left, self._right, self._bottom, self._top),
            aspect="auto",
            interpolation="nearest",  # smooth shades would make the file five times larger
        )
        classes = sorted(set(self._labels))
        axes.scatter(
            [row[0] for row in self._rows],
            [row[1] for row in self._rows],
            s=14,
            c=[_COLOURS[self._class_of(label, classes)] for label in self._labels],
            edgecolors="white",
            linewidths=0.4,
        )
        axes.set_title("decisions", loc="left", fontsize=11)


# -- what a model is made of -------------------------------------------------------------------------------------------
def _rows(X: Sequence[Sequence[float]]) -> list[list[float]]:
    try:
        rows = [[float(x) for x in row] for row in X]
    except (TypeError, ValueError):
        raise TypeError("a training film takes X as rows of numbers, [[0.5, 1.0], ...]") from None
    if not rows or not rows[0]:
        raise ValueError("X is empty: a film needs a row to show the network for")
    return rows


def _values(said: object) -> list[Any]:
    """Return the outputs of a model as a flat list."""
    if isinstance(said, Value) or not isinstance(said, Iterable):
        return [said]
    return [value for part in said for value in _values(part)]


def _plain(x: object) -> float:
    return x.data if isinstance(x, Value) else float(x)  # type: ignore[arg-type]


@contextmanager
def _in_eval_mode(model: Any) -> Iterator[None]:
    """Run a model as it predicts: modules that know a training mode leave it and come back."""
    modules = list(model.modules()) if callable(getattr(model, "modules", None)) else []
    trained = [module for module in modules if getattr(module, "training", False)]
    if trained:
        model.eval()
    try:
        yield
    finally:
        for module in trained:
            module.training = True


def _name(parameter: Value, index: int) -> str:
    return clean_text(parameter.name or f"%{index}", 60)


def _layer(parameter: Value) -> str:
    """Return the module of a parameter without its last number: the layer of a neuron."""
    path = parameter.module or ""
    return clean_text(re.sub(r"\.neurons\.\d+$", "", path), 40) or "parameters"


# -- numbers, places, colours ------------------------------------------------------------------------------------------
@cache
def _file(name: str) -> str:
    return (Path(__file__).parent / "page" / name).read_text(encoding="utf-8")


def _reach(numbers: list[float]) -> tuple[float, float]:
    finite = [x for x in numbers if math.isfinite(x)] or [0.0]
    low, high = min(finite), max(finite)
    margin = 0.12 * (high - low) or 1.0
    return low - margin, high + margin


def _rounded(x: float) -> float | None:
    return float(f"{x:.4g}") if math.isfinite(x) else None


def _largest(numbers: Iterable[float]) -> float:
    return float(f"{max((abs(x) for x in numbers if math.isfinite(x)), default=0.0):.4g}")


def _size(numbers: Sequence[float], places: Sequence[int]) -> float:
    """Return the root mean square of some numbers."""
    return math.hypot(*(numbers[place] for place in places)) / math.sqrt(len(places))


def _places(network: Network) -> tuple[list[tuple[float, float]], float]:
    """Return where each unit stands, and the height of the whole."""
    layers = max(network.layers) + 1
    sizes = [network.layers.count(layer) for layer in range(layers)]
    height = min(_UNIT * max(sizes), 560.0) + 20
    seen = [0] * layers
    places = []
    for layer in network.layers:
        gap = min(_UNIT, (height - 20) / sizes[layer])
        y = height / 2 + gap * (seen[layer] - (sizes[layer] - 1) / 2)
        x = 20 + (_WIDTH - 40) * (layer / (layers - 1) if layers > 1 else 0.5)
        places.append((round(x, 1), round(y, 1)))
        seen[layer] += 1
    return places, round(height, 1)


def _sign(x: float) -> str:
    return LIGHT.positive if x > 0.0 else LIGHT.negative if x < 0.0 else LIGHT.line


def _share(x: float, largest: float) -> float:
    return math.sqrt(min(1.0, abs(x) / largest)) if largest and math.isfinite(x) else 1.0 if x else 0.0


def _shade(score: float, bound: float) -> int:
    return 20 if math.isnan(score) else 20 + round(max(-20.0, min(20.0, 20 * score / bound)))


def _winner(scores: list[float]) -> int:
    return min(max(range(len(scores)), key=lambda at: scores[at]), len(_COLOURS) - 1)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
