"""Plots of training: loss and accuracy over epochs, and the decisions of a classifier over the plane.

They need matplotlib (the extra ``plots``); a notebook shows the returned figure.
"""

from __future__ import annotations

import importlib
import math
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from autograd import FrozenValueWarning, Value, no_grad, taped
from viz.canvas import COLOURS, label_text, new_figure, style, written
from viz.theme import LIGHT, mix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["History", "plot_decision_boundary", "plot_history"]

_CELLS = 72  # per side of the grid over the plane
_BESIDE_CURVES = 4  # entries of a legend that find room between the curves; more stand below the plot
_MARKERS = "osD^vPX*"


class History(Protocol):
    """The part of a history that `plot_history` reads: one number per epoch; ``accuracy`` may be empty or hold None.

    The lists ``validation_loss`` and ``validation_accuracy`` are plotted where it has them.
    """

    @property
    def loss(self) -> Sequence[float]: ...  # noqa: D102 - the class says it

    @property
    def accuracy(self) -> Sequence[float | None] | None: ...  # noqa: D102 - the class says it


class _Curve(NamedTuple):
    name: str
    numbers: list[float]
    colour: str
    is_validation: bool


def plot_history(history: History | Mapping[str, History], path: str | os.PathLike[str] | None = None) -> Figure:
    """Plot the loss over epochs, and the accuracy if there is any; those of a validation as dashed lines beside them.

    Args:
        history: an object with lists ``loss`` and ``accuracy``, one number per epoch, accuracy from 0 to 1, and perhaps
            ``validation_loss`` and ``validation_accuracy``, such as `nn.fit` returns; or a dict of such objects by
            name, which gives one curve for each.
        path: a file to write the figure to; the suffix names the format (.png, .svg, .pdf).

    Returns:
        The matplotlib figure, which a notebook shows.

    Raises:
        ImportError: matplotlib is missing.
        TypeError: there is something other than a history.
        ValueError: there is no epoch to plot, the dict holds more than 8, or matplotlib does not know the format.
        FileNotFoundError: the folder is missing.

    >>> from types import SimpleNamespace
    >>> sgd = SimpleNamespace(loss=[0.7, 0.4, 0.1], accuracy=[0.5, 0.9, 1.0], validation_loss=[0.7, 0.5, 0.6])
    >>> adam = SimpleNamespace(loss=[0.6, 0.2, 0.05], accuracy=[0.6, 1.0, 1.0])
    >>> [axes.get_ylabel() for axes in plot_history(sgd).axes]
    ['loss', 'accuracy']
    >>> [len(axes.get_legend().texts) for axes in plot_history({"SGD": sgd, "Adam": adam}).axes]
    [3, 2]
    """
    histories = dict(history) if isinstance(history, Mapping) else {"": history}
    if not histories:
        raise ValueError("this dict does not hold a history to plot")
    if len(histories) > len(COLOURS):
        raise ValueError(f"this dict holds {len(histories)} histories; up to {len(COLOURS)} curves can be told apart")
    for name, one in histories.items():
        if not hasattr(one, "loss"):
            raise TypeError(
                "plot_history takes what nn.fit returned, or a dict of histories by name, not "
                f"{type(one).__name__}{f' for {name!r}' if name else ''}; plot_lines plots lists of numbers"
            )
        if not len(one.loss):
            which = f"the history {name!r}" if name else "this history"
            raise ValueError(f"{which} does not have an epoch to plot: train for at least one")
    panels = {measure: curves for measure in ("loss", "accuracy") if (curves := _curves(histories, measure))}
    entries = max(map(len, panels.values()))
    below = entries if entries > _BESIDE_CURVES else 0
    figure = new_figure(4.6 * len(panels), 3.4 + 0.22 * below)
    for position, (measure, curves) in enumerate(panels.items(), start=1):
        _panel(figure.add_subplot(1, len(panels), position), measure, curves)
    return written(figure, path)


def _curves(histories: Mapping[str, History], measure: str) -> list[_Curve]:
    found = []
    for at, (name, history) in enumerate(histories.items()):
        colour = COLOURS[at] if len(histories) > 1 else LIGHT.positive if measure == "loss" else LIGHT.negative
        validation = _numbers(getattr(history, f"validation_{measure}", None))
        if numbers := _numbers(getattr(history, measure)):
            found.append(_Curve(name or ("training" if validation else ""), numbers, colour, False))
        if validation:
            found.append(_Curve(f"{name}, validation" if name else "validation", validation, colour, True))
    return found


def _numbers(listed: Sequence[float | None] | None) -> list[float]:
    """Return a list with nan in place of None; no list where that is all there is."""
    given = [] if listed is None else list(listed)
    if all(number is None for number in given):
        return []
    return [math.nan if number is None else float(number) for number in given]


def _panel(axes: Axes, measure: str, curves: list[_Curve]) -> None:
    for name, numbers, colour, is_validation in curves:
        epochs = range(1, len(numbers) + 1)
        shown = f"{numbers[-1]:.1%}" if measure == "accuracy" else f"{numbers[-1]:.4g}"
        axes.plot(
            epochs,
            numbers,
            color=colour,
            linewidth=2,
            linestyle="--" if is_validation else "-",
            marker="o" if len(numbers) < 3 else "",
            markersize=5,
            label=_legend_text(name, shown),
        )
        axes.plot(epochs[-1:], numbers[-1:], color=colour, marker="o", markersize=5, clip_on=False)
        title = f"{measure} {shown}" if len(curves) == 1 else measure
    axes.set_xlabel("epoch")
    axes.set_ylabel(measure)
    axes.margins(x=0.02)
    axes.locator_params(axis="x", integer=True)
    axes.grid(axis="y", color="#D0D7DE", linewidth=0.7)
    numbers = [x for curve in curves for x in curve.numbers]
    positive = [x for x in numbers if x > 0.0 and math.isfinite(x)]
    if measure == "accuracy":
        axes.set_ylim(min([0.4, *(x for x in numbers if not math.isnan(x))]) - 0.02, 1.02)
        axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    elif len(positive) == len(numbers) and max(positive) > 100 * min(positive):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=min(0.0, *numbers) if positive else None)
    if any(curve.name for curve in curves):
        _add_legend(axes, len(curves))
    style(axes, title)


def _add_legend(axes: Axes, entries: int) -> None:
    if entries <= _BESIDE_CURVES:
        axes.legend(framealpha=0.85, edgecolor="none", fontsize=9)
        return
    below = importlib.import_module("matplotlib.transforms").ScaledTranslation(0, -0.55, axes.figure.dpi_scale_trans)
    place = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": axes.transAxes + below}
    axes.legend(frameon=False, fontsize=9, borderaxespad=0, **place)


def _legend_text(name: str, last: str) -> str:
    text = label_text(name, 24).lstrip("_")  # a leading underscore would hide the entry
    return f"{text}  {last}" if text else ""


def plot_decision_boundary(
    predict: Callable[[list[float]], object],
    X: Sequence[Sequence[float]],
    y: Sequence[float],
    path: str | os.PathLike[str] | None = None,
    *,
    threshold: float = 0.0,
) -> Figure:
    """Plot the decisions of a classifier of two features over the plane, and the samples on it.

    ``predict`` is recorded and replayed over the plane where that gives its results; no graph is kept.

    Args:
        predict: a function from a row of two numbers to a score (a number or a Value), or to a list of scores, one per
            class, of which the largest wins; such as a model.
        X: the samples, rows of two numbers.
        y: the class of each: one of two labels, or the index of a class if ``predict`` returns a list.
        path: a file to write the figure to; the suffix names the format (.png, .svg, .pdf).
        threshold: the score above which a sample has the larger label: 0 for a margin, 0.5 for a probability.

    Returns:
        The matplotlib figure.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: X and y differ in length or are empty, a row does not have two finite numbers, the labels do not fit
            the scores, or there are more than 8 classes.
        TypeError: ``predict`` returns something other than numbers.

    >>> figure = plot_decision_boundary(lambda row: row[0] - row[1], [[0, 1], [1, 0]], [0, 1])
    >>> figure.axes[0].get_xlabel()
    'x1'
    """
    rows, labels = [[float(x) for x in row] for row in X], [float(label) for label in y]
    _check_samples(rows, labels)
    classes = sorted(set(labels))
    horizontal, vertical = (_ticks([row[side] for row in rows]) for side in (0, 1))
    scores = _scores_on_grid(predict, horizontal, vertical)
    count = len(scores[0][0])
    _check_classes(classes, count)
    figure = new_figure(6.2, 4.6)
    axes = figure.add_subplot()
    if count == 1:
        _paint_score(axes, horizontal, vertical, [[cell[0] - threshold for cell in line] for line in scores])
    else:
        _paint_winner(axes, horizontal, vertical, scores)
    for position, label in enumerate(classes):
        place = int(label) if count > 1 else position
        chosen = [row for row, own in zip(rows, labels, strict=True) if own == label]
        axes.scatter(
            [row[0] for row in chosen],
            [row[1] for row in chosen],
            s=34,
            marker=_MARKERS[place],
            color=COLOURS[place],
            edgecolors="white",
            linewidths=0.8,
            label=f"{label:g}",
            zorder=3,
        )
    axes.set_xlim(horizontal[0], horizontal[-1])
    axes.set_ylim(vertical[0], vertical[-1])
    axes.set_xlabel("x1")
    axes.set_ylabel("x2")
    # beside the plane, for a boundary may pass anywhere on it
    axes.legend(title="class", frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.0)
    style(axes)
    return written(figure, path)


def _check_samples(rows: list[list[float]], labels: list[float]) -> None:
    if not rows:
        raise ValueError("X is empty: there is nothing to plot")
    if len(rows) != len(labels):
        raise ValueError(f"X has {len(rows)} rows and y has {len(labels)} labels; give one label per row")
    for position, row in enumerate(rows):
        if len(row) != 2:
            raise ValueError(f"row {position} of X has {len(row)} numbers; a plane shows exactly 2 features")
        if not all(math.isfinite(x) for x in row):
            raise ValueError(f"row {position} of X is {row}, which is not a point of the plane; remove or repair it")


def _check_classes(classes: list[float], scores: int) -> None:
    """Raise ValueError if the labels do not fit the number of scores that predict returns."""
    if scores == 1:
        if len(classes) > 2:
            raise ValueError(f"y has {len(classes)} classes, but predict returns one score, which tells two apart")
        return
    if not 2 <= scores <= len(COLOURS):
        raise ValueError(f"predict returns {scores} scores; from 2 to {len(COLOURS)} classes can be shown")
    for label in classes:
        if label not in range(scores):
            raise ValueError(f"y holds the label {label:g}; with {scores} scores the classes are 0 to {scores - 1}")


def _ticks(numbers: list[float]) -> list[float]:
    low, high = min(numbers), max(numbers)
    margin = 0.12 * (high - low) or 1.0
    step = (high - low + 2 * margin) / _CELLS
    return [low - margin + step * position for position in range(_CELLS + 1)]


def _scores_on_grid(
    predict: Callable[[list[float]], object], horizontal: list[float], vertical: list[float]
) -> list[list[list[float]]]:
    """Return the scores at each point: by a tape if two calls, at opposite corners, agree with it, else by calls."""
    grid = [[x1, x2] for x2 in vertical for x1 in horizontal]
    with no_grad():
        corners = [_scores(predict(list(point))) for point in (grid[0], grid[-1])]
    found = _by_tape(predict, grid)
    if found is None or repr([found[0], found[-1]]) != repr(corners):
        with no_grad():
            found = [_scores(predict(list(point))) for point in grid]
    width = len(horizontal)
    return [found[start : start + width] for start in range(0, len(grid), width)]


def _by_tape(predict: Callable[[list[float]], object], grid: list[list[float]]) -> list[list[float]] | None:
    """Return the scores at each point by a tape; None where it would freeze a number, or cannot be recorded."""

    def scores(x1: object, x2: object) -> object:
        said = predict([x1, x2])  # type: ignore[list-item]
        return list(said) if isinstance(said, Iterable) else [said]

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FrozenValueWarning)
            return taped(scores).forward(grid)  # type: ignore[no-any-return]
    except Exception:  # whatever it is, a call that is not recorded shows it too
        return None


def _scores(said: object) -> list[float]:
    if isinstance(said, Iterable):
        return [_plain_number(score) for score in said]
    return [_plain_number(said)]


def _plain_number(score: object) -> float:
    if isinstance(score, Value):
        return score.data
    try:
        return float(score)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TypeError(
            f"predict must return a number, a Value or a list of them, not {type(score).__name__}"
        ) from None


def _paint_score(axes: Axes, horizontal: list[float], vertical: list[float], scores: list[list[float]]) -> None:
    """Shade by the distance from the threshold, saturated at its ninth decile over the plane."""
    finite = sorted(abs(score) for line in scores for score in line if math.isfinite(score))
    bound = (finite[len(finite) * 9 // 10] if finite else 0.0) or 1.0
    colours = importlib.import_module("matplotlib.colors")
    ramp = [mix("#FFFFFF", LIGHT.negative, 0.55), "#FFFFFF", mix("#FFFFFF", LIGHT.positive, 0.55)]
    shades = colours.LinearSegmentedColormap.from_list("signs", ramp)
    levels = [bound * (step - 16) / 16 for step in range(33)]
    axes.contourf(horizontal, vertical, scores, levels=levels, cmap=shades, extend="both")
    least, most = min(min(line) for line in scores), max(max(line) for line in scores)
    if least < 0.0 < most:
        axes.contour(horizontal, vertical, scores, levels=[0.0], colors=[LIGHT.foreground], linewidths=1.8)


def _paint_winner(axes: Axes, horizontal: list[float], vertical: list[float], scores: list[list[list[float]]]) -> None:
    count = len(scores[0][0])
    for position in range(count):
        # The lead of a class over the best other one: interpolated between the cells, it gives a smooth border.
        ahead = [[cell[position] - max(cell[:position] + cell[position + 1 :]) for cell in line] for line in scores]
        most = max(max(line) for line in ahead)
        if most > 0.0:
            axes.contourf(
                horizontal, vertical, ahead, levels=[0.0, most], colors=[mix("#FFFFFF", COLOURS[position], 0.3)]
            )
        if min(min(line) for line in ahead) < 0.0 < most:
            axes.contour(horizontal, vertical, ahead, levels=[0.0], colors=[LIGHT.foreground], linewidths=1.2)
