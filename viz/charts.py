"""Charts of numbers that a network leaves behind: lines, gradients and histograms per layer, images with an overlay.

They need matplotlib (the extra ``plots``); a notebook shows the returned figure.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from viz.canvas import COLOURS, label_text, new_figure, plain_ticks, style, written
from viz.theme import LIGHT, mix

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_health", "plot_histograms", "plot_images", "plot_lines"]

_VERDICTS = {"fine": COLOURS[2], "vanishing": COLOURS[0], "dead": LIGHT.muted, "exploding": COLOURS[5]}
_POINTS = 24  # up to so many points a line shows each
_BINS = 40


def plot_lines(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    path: str | os.PathLike[str] | None = None,
    *,
    x: str = "",
    y: str = "",
    log: Literal["", "x", "y", "xy"] = "",
    points: Sequence[str] = (),
) -> Figure:
    """Plot named lines, such as the cost of a computation over its size.

    Args:
        lines: the abscissas and the ordinates of each line, by its name.
        path: a file to write the figure to; the suffix names the format (.png, .svg, .pdf).
        x: what stands below the horizontal axis.
        y: what stands beside the vertical axis.
        log: the axes with a logarithmic scale.
        points: the names of lines that are drawn as points alone, such as measurements.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: there are no lines or more than 8, a line is empty, its two lists differ in length, or ``points``
            names none of them.

    >>> figure = plot_lines({"reverse": ([1, 2, 3], [1, 2, 3]), "forward": ([1, 2, 3], [1, 4, 9])}, x="size", log="xy")
    >>> figure.axes[0].get_xlabel(), len(figure.axes[0].get_lines())
    ('size', 2)
    """
    if not 1 <= len(lines) <= len(COLOURS):
        raise ValueError(f"there are {len(lines)} lines; from 1 to {len(COLOURS)} can be told apart")
    if unknown := [name for name in points if name not in lines]:
        raise ValueError(f"points= names {unknown[0]!r}, which is not a line; the lines are {', '.join(lines)}")
    figure = new_figure(5.6, 3.6)
    axes = figure.add_subplot()
    for (name, (xs, ys)), colour in zip(lines.items(), COLOURS, strict=False):
        if len(xs) != len(ys) or not len(xs):
            raise ValueError(f"the line {name!r} has {len(xs)} abscissas and {len(ys)} ordinates; give as many of each")
        alone = name in points
        axes.plot(
            list(xs),
            list(ys),
            color=colour,
            linestyle="none" if alone else "-",
            linewidth=2,
            marker="o" if alone or len(xs) <= _POINTS else "",
            markersize=4 if alone else 5,
            label=label_text(name).lstrip("_"),
        )
    axes.set_xscale("log" if "x" in log else "linear")
    axes.set_yscale("log" if "y" in log else "linear")
    axes.autoscale_view()
    for axis in [axes.xaxis] * ("x" in log) + [axes.yaxis] * ("y" in log):
        plain_ticks(axis)
    axes.set_xlabel(label_text(x))
    axes.set_ylabel(label_text(y))
    axes.grid(axis="y", color="#D0D7DE", linewidth=0.7)
    if any(lines):
        axes.legend(framealpha=0.85, edgecolor="none", fontsize=9)
    style(axes)
    return written(figure, path)


class Health(Protocol):
    """The part of a health report that `plot_health` reads."""

    @property
    def layers(self) -> Sequence[Any]:
        """The layers, each with its ``gradient_norm``, a number or None, and its ``verdict``."""


def plot_health(
    reports: Health | Mapping[str, Health], path: str | os.PathLike[str] | None = None, *, columns: int = 3
) -> Figure:
    """Plot the norm of each layer's gradient as a bar, a panel per report, on one logarithmic scale.

    Bars have the colours of the verdicts; layers without parameters are left out. A gradient of 0 has a cross at the
    bottom in place of a bar, one that is not finite a cross at the top.

    Args:
        reports: a report of `nn.health`, or a dict of them by name.
        path: a file to write the figure to; the suffix names the format (.png, .svg, .pdf).
        columns: the number of panels beside each other.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: there are no reports.

    >>> from types import SimpleNamespace
    >>> layer = SimpleNamespace(gradient_norm=1e-9, verdict="vanishing")
    >>> figure = plot_health({"sigmoid": SimpleNamespace(layers=[layer])})
    >>> figure.axes[0].get_title(loc="left")
    'sigmoid'
    """
    named = reports if isinstance(reports, Mapping) else {"": reports}
    if not named:
        raise ValueError("there are no reports to plot")
    panels = {
        name: [layer for layer in report.layers if layer.gradient_norm is not None] for name, report in named.items()
    }
    norms = [layer.gradient_norm for layers in panels.values() for layer in layers]
    drawn = [norm for norm in norms if 0.0 < norm < math.inf] or [1.0]
    low, high = min(drawn) / 4, max(drawn) * 4
    wide = min(columns, len(panels))
    tall = math.ceil(len(panels) / wide)
    figure = new_figure(2.9 * wide, 0.35 + 1.75 * tall)
    grid = figure.subplots(tall, wide, sharey=True, squeeze=False)
    for place, (name, layers) in enumerate(panels.items()):
        axes = grid[place // wide][place % wide]
        for number, layer in enumerate(layers, start=1):
            norm, colour = layer.gradient_norm, _VERDICTS.get(layer.verdict, LIGHT.muted)
            if 0.0 < norm < math.inf:
                axes.bar(number, norm, color=colour, width=0.8)
            else:
                axes.plot(number, low if norm == 0.0 else high, marker="x", color=colour, clip_on=False)
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        plain_ticks(axes.yaxis)
        axes.grid(axis="y", color="#D0D7DE", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.locator_params(axis="x", integer=True)
        style(axes)
        axes.set_title(label_text(name), loc="left", color=LIGHT.foreground, fontsize=10)
        if place % wide == 0:
            axes.set_ylabel("|gradient|")
        if place // wide == tall - 1:
            axes.set_xlabel("layer")
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    patches = importlib.import_module("matplotlib.patches")
    seen = {layer.verdict for layers in panels.values() for layer in layers}
    shown = [patches.Patch(color=colour, label=verdict) for verdict, colour in _VERDICTS.items() if verdict in seen]
    figure.legend(handles=shown, loc="outside upper right", ncols=len(shown), frameon=False, fontsize=9)
    return written(figure, path)


def plot_histograms(
    runs: Mapping[str, Mapping[str, Sequence[float]]], path: str | os.PathLike[str] | None = None, *, x: str = ""
) -> Figure:
    """Plot histograms, a row of them per run and a column per layer, such as the activations of each.

    The histograms of a run share their range, so widths compare; the outermost bars also count the thousandth of the
    run's numbers that lie further out on either side. Heights are shares of a histogram's own numbers.

    Args:
        runs: for each run, by its name, the numbers of each layer, by the layer's name.
        path: a file to write the figure to; the suffix names the format (.png, .svg, .pdf).
        x: what stands below the horizontal axes.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: there is no run or no layer, the layers of two runs differ, or a layer has no finite number.

    >>> figure = plot_histograms({"He": {"layer 1": [0.0, 0.5, 1.0], "layer 2": [0.1, 0.2, 0.9]}})
    >>> [axes.get_title() for axes in figure.axes]
    ['layer 1', 'layer 2']
    """
    if not runs or not next(iter(runs.values())):
        raise ValueError("there is nothing to plot: give at least one run with one layer")
    names = list(next(iter(runs.values())))
    finite: dict[tuple[str, str], list[float]] = {}
    for run, layers in runs.items():
        if list(layers) != names:
            raise ValueError(f"the run {run!r} has the layers {', '.join(layers)}, the first one {', '.join(names)}")
        for name, numbers in layers.items():
            finite[run, name] = [float(number) for number in numbers if math.isfinite(number)]
            if not finite[run, name]:
                raise ValueError(f"the run {run!r} has no finite number in {name!r}")
    figure = new_figure(0.8 + 1.5 * len(names), 0.7 + 1.25 * len(runs))
    grid = figure.subplots(len(runs), len(names), sharex="row", squeeze=False)
    for row, run in enumerate(runs):
        low, high = _range([number for name in names for number in finite[run, name]])
        for column, name in enumerate(names):
            axes, numbers = grid[row][column], finite[run, name]
            share, colour = [1 / len(numbers)] * len(numbers), COLOURS[row % len(COLOURS)]
            inside = [min(max(number, low), high) for number in numbers]
            axes.hist(inside, bins=_BINS, range=(low, high), weights=share, color=colour)
            axes.set_yticks([])
            style(axes)
            if row == 0:
                axes.set_title(label_text(name, 24), loc="center", color=LIGHT.foreground, fontsize=10)
            if row == len(runs) - 1:
                axes.set_xlabel(label_text(x, 24))
            if column == 0:
                axes.set_ylabel(label_text(run, 24), color=colour, fontsize=10)
            axes.spines["left"].set_visible(False)
    return written(figure, path)


def _range(numbers: list[float]) -> tuple[float, float]:
    """Return the range of a run: all but a thousandth of its numbers at either end."""
    ordered = sorted(numbers)
    out = len(ordered) // 1000
    low, high = ordered[out], ordered[-1 - out]
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def plot_images(
    images: Sequence[Sequence[Sequence[float]]],
    path: str | os.PathLike[str] | None = None,
    *,
    overlays: Sequence[Sequence[Sequence[float]] | None] = (),
    titles: Sequence[str] = (),
    columns: int = 6,
) -> Figure:
    """Plot small images, darker where a number is larger, each with an overlay of signed numbers if there is one.

    An overlay is orange where positive and blue where negative, the stronger the larger its number among those of the
    same overlay; zero leaves the image as it is.

    Args:
        images: each a list of rows of numbers.
        path: a file to write the figure to; the suffix names the format (.png, .svg, .pdf).
        overlays: for each image rows of numbers of the same shape, or None; empty for none at all.
        titles: what stands above each image; empty for none at all.
        columns: the number of images beside each other.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: there are no images, an image is not a rectangle, or overlays or titles do not fit the images.

    >>> figure = plot_images([[[0, 1], [1, 0]]], overlays=[[[0.5, 0.0], [0.0, -0.5]]], titles=["a cross"])
    >>> len(figure.axes), figure.axes[0].get_title()
    (1, 'a cross')
    """
    _check_images(images, overlays, titles)
    ramp = importlib.import_module("matplotlib.colors").LinearSegmentedColormap
    grey = ramp.from_list("grey", ["#FFFFFF", LIGHT.foreground if not overlays else mix("#FFFFFF", "#1B1F24", 0.45)])
    wide = min(columns, len(images))
    high = math.ceil(len(images) / wide)
    figure = new_figure(1.35 * wide, (1.35 + 0.3 * bool(titles)) * high)
    for place, image in enumerate(images):
        axes = figure.add_subplot(high, wide, place + 1)
        axes.imshow([list(row) for row in image], cmap=grey, interpolation="nearest")
        overlay = overlays[place] if overlays else None
        if overlay is not None:
            bound = max(abs(number) for row in overlay for number in row) or 1.0
            axes.imshow([[_tint(number / bound) for number in row] for row in overlay], interpolation="nearest")
        if titles:
            axes.set_title(label_text(titles[place], 24), color=LIGHT.foreground, fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color("#D0D7DE")
    return written(figure, path)


def _tint(share: float) -> tuple[float, float, float, float]:
    """Return the colour of a signed share from -1 to 1, transparent at 0."""
    colour = LIGHT.positive if share > 0 else LIGHT.negative
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue, 0.85 * math.sqrt(abs(share))


def _check_images(
    images: Sequence[Sequence[Sequence[float]]],
    overlays: Sequence[Sequence[Sequence[float]] | None],
    titles: Sequence[str],
) -> None:
    if not images:
        raise ValueError("there are no images to plot")
    for what, given in (("overlays", overlays), ("titles", titles)):
        if given and len(given) != len(images):
            raise ValueError(f"there are {len(images)} images and {len(given)} {what}; give one for each")
    for place, image in enumerate(images):
        shape = _shape(image)
        if 0 in shape or len(shape) != 2:
            raise ValueError(f"image {place} is not a rectangle of numbers: its rows have {_lengths(image)} numbers")
        overlay = overlays[place] if overlays else None
        if overlay is not None and _shape(overlay) != shape:
            raise ValueError(f"overlay {place} is not of the shape of its image, {shape[0]} × {shape[1]}")


def _shape(image: Sequence[Sequence[float]]) -> tuple[int, ...]:
    return len(image), *sorted({len(row) for row in image})


def _lengths(image: Sequence[Sequence[float]]) -> str:
    return ", ".join(str(len(row)) for row in image) or "no"
