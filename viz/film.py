"""The backward pass as a film: an SVG that plays by itself, without any script."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Unpack

from autograd import Value
from autograd.backward_pass import BackwardPass
from autograd.files import write_whole
from autograd.names import names_in_scope
from viz.options import GraphOptions, Option, complete, takes_options
from viz.scene import Scene, grouped_scene, scene_of
from viz.scene_svg import film_svg
from viz.theme import THEMES, ThemeName

__all__ = ["FILM_LIMIT", "FilmOptions", "film", "to_film"]

FILM_LIMIT = 60
"""Up to so many values each has a card; where there are more, modules have one each."""


def _check_limit(limit: Any) -> int:
    if isinstance(limit, bool) or not hasattr(limit, "__index__"):
        raise TypeError(f"limit= takes a number of cards, such as {FILM_LIMIT}, not {limit!r}")
    cards = int(limit)
    if cards < 1:
        raise ValueError(f"limit={cards} does not allow any card; give 1 or more")
    return cards


def _check_seconds(seconds: Any) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"seconds= takes a number, not {seconds!r}")
    if not 0.1 <= seconds <= 60.0:
        raise ValueError(f"seconds={seconds!r}: a frame takes from 0.1 to 60 seconds")
    return float(seconds)


class FilmOptions(GraphOptions, total=False):
    """The options of films."""

    theme: Annotated[ThemeName, Option("light", "the colours.")]
    seconds: Annotated[float, Option(1.6, "how long a step is shown.", _check_seconds)]
    limit: Annotated[
        int,
        Option(
            FILM_LIMIT,
            "the number of values up to which each has a card; where there are more, modules have one each.",
            _check_limit,
        ),
    ]


@takes_options(FilmOptions)
def film(root: Value, path: str | os.PathLike[str], **options: Unpack[FilmOptions]) -> Path:
    """Write the backward pass from ``root`` to ``path`` as an SVG that plays step by step, in a loop.

    It needs no script, so it also plays in a README. Where nothing moves, and for readers who prefer less motion, it
    shows the graph after the pass. No ``grad`` is read or changed: gradients are those that ``root.backward()`` gives
    to leaves that start from zero.

    Args:
        root: the Value whose backward pass it is.
        path: the file to write, an .svg.
        **options: the options of films.

    Returns:
        The path written.

    Raises:
        TypeError: ``root`` is not a Value, or an option is of the wrong type or unknown.
        ValueError: the suffix is not .svg, an option is out of range, or the graph has too many modules to film.
        FileNotFoundError: the folder is missing.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> x, w = Value(2.0, "x"), Value(3.0, "w")
    >>> film((x * w).tanh(), folder.name + "/film.svg").name
    'film.svg'
    >>> folder.cleanup()
    """
    completed = complete(FilmOptions, options)
    if completed["names"] is None:
        completed["names"] = names_in_scope()  # type: ignore[typeddict-item]
    if type(root) is not Value:
        raise TypeError(f"a film is of the backward pass from one Value, not from {type(root).__name__}")
    if Path(path).suffix.lower() != ".svg":
        raise ValueError(f"{os.fspath(path)!r}: a film is an animated .svg")
    return write_whole(path, to_film(root, completed).encode())


def to_film(root: Value, options: FilmOptions) -> str:
    """Return the film of ``root`` as one ``<svg>`` element.

    Args:
        root: the Value whose backward pass it is.
        options: all options of films, as `viz.options.complete` returns them.

    Raises:
        ValueError: the graph has too many modules to film.
    """
    walk = BackwardPass(root)
    walk.names = options["names"] or {}  # type: ignore[assignment]
    scene = _scene(walk, options)
    description = f"The backward pass, step by step, of {len(scene.cards)} cards; {scene.captions[0]}"
    return film_svg(scene, THEMES[options["theme"]], options["seconds"], description)


def _scene(walk: BackwardPass, options: FilmOptions) -> Scene:
    limit = options["limit"]
    if len(walk.nodes) <= limit and sum(len(node.operands) for node in walk.nodes) <= 3 * limit:
        return scene_of(walk, options, limit=3 * limit)
    return grouped_scene(walk, limit, options["parameters"])
