"""One step of a backward pass as a picture."""

from __future__ import annotations

from autograd.steps import Step
from viz.options import PictureOptions
from viz.scene import scene_of
from viz.scene_svg import frame_svg
from viz.theme import THEMES

__all__ = ["step_svg"]


def step_svg(step: Step, options: PictureOptions) -> str:
    """Return the graph as it is after ``step``, with the step's products on its edges, as one ``<svg>`` element.

    Args:
        step: a step of `autograd.steps`.
        options: all options of pictures, as `viz.options.complete` returns them.

    Raises:
        ValueError: the graph is too large, or the step was not made by `steps`.

    >>> from autograd import Value, steps
    >>> from viz.options import complete
    >>> y = Value(2.0, "x") * Value(3.0, "w")
    >>> "+1 × 3" in step_svg(steps(y)[0], complete(PictureOptions, {}))
    True
    """
    if step.walk is None:
        raise ValueError("this step does not know its pass; draw one that steps(root) gives")
    scene = scene_of(step.walk, options["parameters"], options["limit"])
    return frame_svg(scene, THEMES[options["theme"]], step.index, step.title)
