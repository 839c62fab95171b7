"""One step of a backward pass as a picture."""

from __future__ import annotations

from autograd.steps import Step
from viz.options import PictureOptions, complete
from viz.scene import scene_of
from viz.scene_svg import frame_svg
from viz.theme import THEMES

__all__ = ["step_svg"]


_OPTIONS = ("parameters", "names", "theme", "limit")


def step_svg(step: Step, options: PictureOptions) -> str:
    """Return the graph as it is after ``step``, with the step's products on its edges, as one ``<svg>`` element.

    Args:
        step: a step of `autograd.steps`.
        options: options of pictures, as they were given.

    Raises:
        TypeError: an option is of the wrong type, or is unknown.
        ValueError: the graph is too large, the step was not made by `steps`, or an option is not one of steps.

    >>> from autograd import Value, steps
    >>> y = Value(2.0, "x") * Value(3.0, "w")
    >>> "+1 × 3" in step_svg(steps(y)[0], {})
    True
    """
    completed = complete(PictureOptions, options)
    for name in options:
        if name not in _OPTIONS:
            raise ValueError(f"{name}= is not an option of a step, which takes {', '.join(_OPTIONS)}")
    if step.walk is None:
        raise ValueError("this step does not know its pass; draw one that steps(root) gives")
    if completed["names"] is None:
        completed["names"] = step.walk.names  # type: ignore[typeddict-item]
    scene = scene_of(step.walk, completed, completed["limit"])
    return frame_svg(scene, THEMES[completed["theme"]], step.index, scene.captions[step.index])
