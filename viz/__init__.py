"""Pictures of computation graphs, listings of them, and plots of training.

>>> from autograd import Value
>>> x = Value(3.0, label="x")
>>> to_dot(x * x).count("->")
2
"""

from __future__ import annotations

from viz.charts import plot_health, plot_histograms, plot_images, plot_lines
from viz.film import film
from viz.graph import trace
from viz.page import Exploration, explore, to_html
from viz.plots import plot_decision_boundary, plot_history
from viz.render import GraphPicture, GraphvizNotFound, draw, draw_dot, to_dot, to_svg
from viz.text import print_graph
from viz.training_film import TrainingFilm

__all__ = [
    "Exploration",
    "GraphPicture",
    "GraphvizNotFound",
    "TrainingFilm",
    "draw",
    "draw_dot",
    "explore",
    "film",
    "plot_decision_boundary",
    "plot_health",
    "plot_histograms",
    "plot_history",
    "plot_images",
    "plot_lines",
    "print_graph",
    "to_dot",
    "to_html",
    "to_svg",
    "trace",
]


def __dir__() -> list[str]:
    return sorted(__all__)
