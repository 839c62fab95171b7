"""Charts of what a network leaves behind, and their labels in every script."""

from __future__ import annotations

import math
import os
from types import SimpleNamespace
from typing import Any

import pytest

import viz
from viz import canvas

pytest.importorskip("matplotlib")


def test_lines_are_plotted_as_they_are(tmp_path):
    lines = {"reverse": ([1, 2, 3], [1.0, 2.0, 3.0]), "forward": (range(30), range(30))}
    figure = viz.plot_lines(lines, tmp_path / "lines.png", x="size", y="cost", log="y", points=["reverse"])
    (axes,) = figure.axes
    assert [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()] == [
        (list(xs), list(ys)) for xs, ys in lines.values()
    ]
    assert [line.get_linestyle() for line in axes.get_lines()] == ["None", "-"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(lines)
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale(), axes.get_yscale()) == (
        "size",
        "cost",
        "linear",
        "log",
    )
    assert (tmp_path / "lines.png").read_bytes().startswith(b"\x89PNG")
    assert os.listdir(tmp_path) == ["lines.png"]


def shown_ticks(axis: Any) -> list[str]:
    low, high = axis.get_view_interval()
    at = [*zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)]
    at += [*zip(axis.get_minorticklocs(), axis.get_minorticklabels(), strict=True)]
    return [label.get_text() for place, label in at if low <= place <= high and label.get_text()]


@pytest.mark.parametrize(
    ("ys", "ticks"),
    [
        ([0.061, 0.03, 0.0088], ["0.01", "0.02", "0.05"]),
        ([0.61, 0.5, 0.4], ["0.4", "0.45", "0.5", "0.55", "0.6"]),
        ([1000.0, 30.0, 20.0], ["20", "50", "100", "200", "500", "1000"]),
        ([1.0, 1e4], [rf"$\mathdefault{{10^{{{n}}}}}$" for n in range(5)]),
    ],
)
def test_a_short_logarithmic_axis_has_plain_numbers(ys, ticks):
    figure = viz.plot_lines({"a": (range(1, len(ys) + 1), ys)}, log="y")
    figure.draw_without_rendering()
    assert shown_ticks(figure.axes[0].yaxis) == ticks


@pytest.mark.parametrize("ys", [[1.0], [0.0, 1.0], [1.0, math.inf], [1.0, math.nan], [math.nan]])
def test_a_logarithmic_axis_of_any_numbers_is_drawn(tmp_path, ys):
    viz.plot_lines({"a": (range(len(ys)), ys)}, tmp_path / "a.png", log="y")


def test_histograms_of_a_run_share_their_range_and_all_their_sum(tmp_path):
    runs = {"small": {"a": [0.0, 0.1], "b": [0.2, math.nan]}, "large": {"a": [-3.0, 5.0, 5.0], "b": [1.0]}}
    figure = viz.plot_histograms(runs, tmp_path / "histograms.svg", x="activation")
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "", ""]
    assert [axes.get_ylabel() for axes in figure.axes] == ["small", "", "large", ""]
    for axes, range_ in zip(figure.axes, [(0.0, 0.2)] * 2 + [(-3.0, 5.0)] * 2, strict=True):
        bars = axes.patches
        assert (bars[0].get_x(), bars[-1].get_x() + bars[-1].get_width()) == pytest.approx(range_)
        assert sum(bar.get_height() for bar in bars) == pytest.approx(1.0)


def test_equal_numbers_have_a_histogram():
    bars = viz.plot_histograms({"": {"dead": [0.0, 0.0]}}).axes[0].patches
    assert max(bar.get_height() for bar in bars) == 1.0


def test_an_outlier_is_counted_in_the_outermost_bar():
    numbers = [i / 999 for i in range(1000)] + [50.0]
    bars = viz.plot_histograms({"": {"": numbers}}).axes[0].patches
    assert bars[-1].get_x() + bars[-1].get_width() == pytest.approx(1.0)
    assert sum(bar.get_height() for bar in bars) == pytest.approx(1.0)


def report(*layers: tuple[float | None, str]) -> SimpleNamespace:
    return SimpleNamespace(layers=[SimpleNamespace(gradient_norm=norm, verdict=verdict) for norm, verdict in layers])


def test_health_is_a_panel_per_report_and_a_bar_per_layer(tmp_path):
    reports = {
        "deep": report((1e-6, "vanishing"), (None, "fine"), (1.0, "fine")),
        "dead": report((0.0, "dead"), (2.0, "fine")),
        "large": report((math.inf, "exploding"), (math.nan, "exploding")),
        "one": report((1.0, "fine")),
    }
    figure = viz.plot_health(reports, tmp_path / "health.png")
    panels = figure.axes[:4]
    assert [axes.get_title(loc="left") for axes in panels] == list(reports)
    assert [[bar.get_height() for bar in axes.patches] for axes in panels] == [[1e-6, 1.0], [2.0], [], [1.0]]
    crosses = [[(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.get_lines()] for axes in panels]
    low, high = panels[0].get_ylim()
    assert crosses == [[], [(1, low)], [(1, high), (2, high)], []]
    assert len({axes.get_ylim() for axes in panels}) == 1
    assert panels[0].patches[0].get_facecolor() != panels[0].patches[1].get_facecolor()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["fine", "vanishing", "dead", "exploding"]


def test_health_of_real_networks():
    import nn

    model = nn.MLP(2, [4, 1], seed=1)
    X, y = nn.moons(10, seed=1)
    bars = viz.plot_health({"": nn.health(model, X, y, nn.hinge)}).axes[0].patches
    assert len(bars) == 2


def test_images_and_their_overlays(tmp_path):
    images = [[[0.0, 1.0], [0.5, 0.0], [0.0, 0.0]]] * 3
    overlays = [[[0.0, 2.0], [-2.0, 0.0], [0.5, 0.0]], None, [[0.0, 0.0]] * 3]
    figure = viz.plot_images(images, tmp_path / "images.png", overlays=overlays, titles=["one", "two", "three"])
    assert [axes.get_title() for axes in figure.axes] == ["one", "two", "three"]
    assert [len(axes.get_images()) for axes in figure.axes] == [2, 1, 2]
    image, overlay = figure.axes[0].get_images()
    assert image.get_array().tolist() == images[0]
    tints = overlay.get_array().tolist()
    assert [[pixel[3] for pixel in row] for row in tints] == [[0.0, 0.85], [0.85, 0.0], [0.425, 0.0]]
    assert tints[0][1][0] > tints[0][1][2]  # positive: orange, more red than blue
    assert tints[1][0][0] < tints[1][0][2]
    assert {pixel[3] for row in figure.axes[2].get_images()[1].get_array().tolist() for pixel in row} == {0.0}


def test_images_wrap_into_rows():
    grid = viz.plot_images([[[0.0]]] * 7, columns=3).axes[0].get_subplotspec().get_gridspec()
    assert (grid.nrows, grid.ncols) == (3, 3)


@pytest.mark.parametrize(
    ("plot", "words"),
    [
        (lambda: viz.plot_lines({}), "0 lines"),
        (lambda: viz.plot_lines({str(i): ([1], [1]) for i in range(9)}), "9 lines"),
        (lambda: viz.plot_lines({"a": ([1, 2], [1])}), "'a' has 2 abscissas and 1 ordinates"),
        (lambda: viz.plot_lines({"a": ([], [])}), "'a' has 0 abscissas"),
        (lambda: viz.plot_lines({"a": ([1], [1])}, points=["b"]), "'b', which is not a line"),
        (lambda: viz.plot_histograms({}), "nothing to plot"),
        (lambda: viz.plot_histograms({"a": {}}), "nothing to plot"),
        (lambda: viz.plot_histograms({"a": {"x": [1]}, "b": {"y": [1]}}), "the run 'b' has the layers y"),
        (lambda: viz.plot_histograms({"a": {"x": [math.nan]}}), "no finite number in 'x'"),
        (lambda: viz.plot_health({}), "no reports"),
        (lambda: viz.plot_images([]), "no images"),
        (lambda: viz.plot_images([[[1, 2], [1]]]), "image 0 is not a rectangle.* 2, 1 numbers"),
        (lambda: viz.plot_images([[]]), "image 0 is not a rectangle.* no numbers"),
        (lambda: viz.plot_images([[[]]]), "image 0 is not a rectangle"),
        (lambda: viz.plot_images([[[1]]], titles=["a", "b"]), "1 images and 2 titles"),
        (lambda: viz.plot_images([[[1]]], overlays=[[[1, 2]]]), "overlay 0 is not of the shape of its image, 1 × 1"),
    ],
)
def test_what_cannot_be_plotted_is_refused(plot, words):
    with pytest.raises(ValueError, match=words):
        plot()


# -- labels ------------------------------------------------------------------------------------------------------------
CHINESE = {"正向传播 forward": ([1, 2], [1, 2])}


def test_a_label_in_chinese_is_drawn_or_escaped(tmp_path):
    """Warnings are errors: matplotlib would warn of each character for which it prints a box."""
    figure = viz.plot_lines(CHINESE, tmp_path / "chinese.png", x="次数", y="cost")
    (name,) = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert name == "正向传播 forward" if canvas._font_for(frozenset("正向传播次数")) else name.startswith("\\u6b63")


def test_without_a_font_for_it_a_label_shows_escapes(tmp_path, monkeypatch):
    monkeypatch.setattr(canvas, "_font_for", lambda characters: None)
    figure = viz.plot_lines(CHINESE, tmp_path / "escaped.png", x="次数 n")
    assert figure.axes[0].get_xlabel() == r"\u6b21\u6570 n"
    assert (tmp_path / "escaped.png").exists()


def test_a_label_is_not_a_formula():
    assert canvas.label_text("$x$\ny" + "z" * 60) == r"\$x\$ ⏎ y" + "z" * 32 + "…"
