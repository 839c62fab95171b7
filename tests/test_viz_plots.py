"""Plots of training; matplotlib is an extra, so all but the last test need it."""

from __future__ import annotations

import math
import os
import random
import sys
from types import SimpleNamespace

import pytest

import viz
from autograd import Value

SQUARE = ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 0, 1, 1])


@pytest.fixture(autouse=True)
def matplotlib(request):
    if "without_matplotlib" not in request.fixturenames:
        pytest.importorskip("matplotlib")


@pytest.fixture
def without_matplotlib(monkeypatch):
    for name in [*sys.modules]:
        if name.split(".")[0] == "matplotlib":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.mark.parametrize(
    ("loss", "accuracy", "panels"),
    [
        ([0.7, 0.3, 0.1], [0.5, 0.9, 1.0], ["loss", "accuracy"]),
        ([0.7, 0.3, 0.1], [], ["loss"]),
        ([0.7, 0.3, 0.1], None, ["loss"]),
        ([0.7, 0.3], [None, None], ["loss"]),
        ([0.7], [0.5], ["loss", "accuracy"]),
        ([1000.0, 1.0, 0.001], [], ["loss"]),
        ([math.nan, math.inf, 0.5], [math.nan, 0.2, 0.3], ["loss", "accuracy"]),
        ([-1.0, -2.0], [], ["loss"]),
    ],
)
def test_history_is_plotted_as_it_is(tmp_path, loss, accuracy, panels):
    figure = viz.plot_history(SimpleNamespace(loss=loss, accuracy=accuracy), tmp_path / "history.png")
    assert [axes.get_ylabel() for axes in figure.axes] == panels
    for axes, numbers in zip(figure.axes, (loss, accuracy), strict=False):
        line = axes.get_lines()[0]
        assert list(line.get_xdata()) == list(range(1, len(numbers) + 1))
        assert list(line.get_ydata()) == pytest.approx(numbers, nan_ok=True)
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")
    assert os.listdir(tmp_path) == ["history.png"]


def test_a_validation_is_a_dashed_line_beside_the_training():
    run = SimpleNamespace(
        loss=[0.9, 0.2], accuracy=[0.5, 1.0], validation_loss=[0.8, 0.6], validation_accuracy=[0.5, 0.75]
    )
    texts = [[text.get_text() for text in axes.get_legend().texts] for axes in viz.plot_history(run).axes]
    assert texts == [["training  0.2", "validation  0.6"], ["training  100.0%", "validation  75.0%"]]
    both = viz.plot_history({"a": run, "b": SimpleNamespace(loss=[1.0, 0.5], accuracy=[])})
    curves = [line for line in both.axes[0].get_lines() if len(line.get_xdata()) > 1]
    assert [line.get_linestyle() for line in curves] == ["-", "--", "-"]
    assert len({line.get_color() for line in curves}) == 2
    assert [text.get_text() for text in both.axes[0].get_legend().texts] == ["a  0.2", "a, validation  0.6", "b  0.5"]


@pytest.mark.parametrize(("history", "what"), [([1.0, 2.0], "list"), ({"a": [1.0]}, "list for 'a'")])
def test_something_other_than_a_history_is_refused(history, what):
    with pytest.raises(TypeError, match=f"nn.fit returned, or a dict of histories by name, not {what}; plot_lines"):
        viz.plot_history(history)


def test_a_wide_range_of_losses_is_logarithmic():
    scales = [
        viz.plot_history(SimpleNamespace(loss=losses, accuracy=[])).axes[0].get_yscale()
        for losses in ([0.7, 0.1], [100.0, 0.1], [100.0, 0.0])
    ]
    assert scales == ["linear", "log", "linear"]


def test_an_empty_history_is_refused():
    with pytest.raises(ValueError, match="does not have an epoch"):
        viz.plot_history(SimpleNamespace(loss=[], accuracy=[]))


@pytest.mark.parametrize(
    "predict",
    [
        lambda row: row[0] - 0.5,
        lambda row: Value(row[0], "x") - 0.5,
        lambda row: [row[0] - 0.5],
        lambda row: [Value(0.5), Value(row[0])],
        lambda row: (0.5, row[0]),
        lambda row: 1.0,
        lambda row: [1.0, 0.0],
        lambda row: math.nan,
    ],
)
def test_decision_boundary_of_any_kind_of_score(tmp_path, predict):
    figure = viz.plot_decision_boundary(predict, *SQUARE, tmp_path / "boundary.svg")
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["0", "1"]
    figure.draw_without_rendering()
    legend, plane = figure.axes[0].get_legend().get_window_extent(), figure.axes[0].get_window_extent()
    assert plane.x1 <= legend.x0, "the legend covers nothing of the plane"
    assert legend.x1 <= figure.bbox.x1
    assert (tmp_path / "boundary.svg").stat().st_size > 1000


def border(figure) -> list[float]:
    """The abscissas of all lines drawn between classes."""
    paths = [path for c in figure.axes[0].collections if hasattr(c, "levels") for path in c.get_paths()]
    level = [c for c in figure.axes[0].collections if hasattr(c, "levels") and len(c.levels) == 1]
    assert paths
    return [x for contour in level for path in contour.get_paths() for x, _ in path.vertices]


@pytest.mark.parametrize(
    ("predict", "threshold", "at"),
    [
        (lambda row: row[0] - 0.3, 0.0, 0.3),
        (lambda row: row[0], 0.5, 0.5),
        (lambda row: [0.7, row[0]], 0.0, 0.7),
    ],
)
def test_the_line_is_where_the_decision_changes(predict, threshold, at):
    found = border(viz.plot_decision_boundary(predict, *SQUARE, threshold=threshold))
    assert found
    assert found == pytest.approx([at] * len(found))


def test_predict_is_replayed_where_that_gives_its_results(monkeypatch):
    w, painted, calls = Value(2.0), [], []
    monkeypatch.setattr(viz.plots, "_paint_score", lambda axes, x, y, scores: painted.append(scores))

    def predict(row: list[float]) -> Value:
        calls.append(1)
        return w * row[0] if row[1] > 0.5 else -row[0]

    def counting(row: list[float]) -> Value:
        return predict(row) * (len(calls) > 0)

    def reading(row: list[float]) -> Value:
        return predict(row) * w.data * 0.5

    def drawing(row: list[float]) -> Value:
        random.random()
        return predict(row) + 0.0 * random.random()

    for variant in (predict, counting, reading, drawing):
        calls.clear()
        viz.plot_decision_boundary(variant, *SQUARE)
        assert (len(calls) > 1000) == (variant is reading), variant
    assert painted[1:] == painted[:1] * 3
    assert w.grad == 0.0


@pytest.mark.parametrize(
    ("predict", "X", "y", "error", "words"),
    [
        (lambda row: 0.0, [], [], ValueError, "empty"),
        (lambda row: 0.0, [[0, 1]], [0, 1], ValueError, "1 rows and y has 2"),
        (lambda row: 0.0, [[0, 1], [0, 1, 2]], [0, 1], ValueError, "row 1 of X has 3"),
        (lambda row: 0.0, [[0, math.nan]], [0], ValueError, "row 0 of X"),
        (lambda row: 0.0, [[0, 1]] * 3, [0, 1, 2], ValueError, "3 classes, but predict returns one score"),
        (lambda row: [0.0, 1.0], [[0, 1]], [2], ValueError, "label 2; with 2 scores"),
        (lambda row: [0.0, 1.0], [[0, 1]], [-1], ValueError, "label -1"),
        (lambda row: [0.0] * 9, [[0, 1]], [0], ValueError, "9 scores"),
        (lambda row: [], [[0, 1]], [0], ValueError, "0 scores"),
        (lambda row: None, [[0, 1]], [0], TypeError, "not NoneType"),
        (lambda row: "one", [[0, 1]], [0], TypeError, "not str"),
    ],
)
def test_what_cannot_be_plotted_is_refused(predict, X, y, error, words):
    with pytest.raises(error, match=words):
        viz.plot_decision_boundary(predict, X, y)


def test_files_of_plots_are_written_whole_or_not_at_all(tmp_path):
    history = SimpleNamespace(loss=[0.5, 0.4], accuracy=[])
    with pytest.raises(ValueError, match=r"'.*plot\.xyz'.*png"):
        viz.plot_history(history, tmp_path / "plot.xyz")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        viz.plot_history(history, tmp_path / "nowhere" / "plot.png")
    assert os.listdir(tmp_path) == []


def test_no_global_state_is_touched():
    viz.plot_history(SimpleNamespace(loss=[0.5, 0.4], accuracy=[]))
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def test_a_missing_matplotlib_names_the_extra(without_matplotlib):
    with pytest.raises(ImportError, match=r"glassgrad\[plots\]"):
        viz.plot_history(SimpleNamespace(loss=[0.5], accuracy=[]))
    with pytest.raises(ImportError, match=r"glassgrad\[plots\]"):
        viz.plot_decision_boundary(lambda row: row[0], *SQUARE)


@pytest.mark.parametrize("count", [2, 5, 8])
def test_a_legend_of_many_curves_stands_below_them_and_inside_the_figure(count: int):
    runs = {f"run {i}": SimpleNamespace(loss=[1.0, 0.5 / (i + 1)], accuracy=[0.5, 0.9]) for i in range(count)}
    figure = viz.plot_history(runs)
    figure.draw_without_rendering()
    for axes in figure.axes:
        legend, plot = axes.get_legend().get_window_extent(), axes.get_window_extent()
        label = axes.xaxis.label.get_window_extent()
        assert (legend.y1 <= label.y0) == (count > 4)
        assert figure.bbox.y0 <= legend.y0
        assert plot.height > 0.35 * figure.bbox.height
