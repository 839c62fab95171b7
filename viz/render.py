"""The public functions that draw a graph: as DOT, as SVG, to a file, as an object for notebooks."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import graphviz

from autograd import Value
from autograd.files import write_whole
from autograd.formatting import clean_text
from autograd.names import name_of, names_in_scope
from autograd.steps import Step
from viz.bitmaps import GraphvizNotFound, printed
from viz.dot import to_source
from viz.graph import prepare, roots_of
from viz.mermaid import to_mermaid
from viz.model import Graph
from viz.options import PictureOptions, complete, takes_options
from viz.page import to_html
from viz.step import step_svg
from viz.structure import to_json
from viz.svg import draw_svg
from viz.theme import THEMES, Theme

__all__ = ["GraphPicture", "GraphvizNotFound", "draw", "draw_dot", "to_dot", "to_svg"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A prepared graph and what it is drawn with."""

    graph: Graph
    theme: Theme
    scale: float
    description: str

    def svg(self) -> str:
        """Return the SVG of the built-in layout."""
        return draw_svg(self.graph, self.theme, self.description, self.scale)

    def dot(self) -> str:
        """Return the DOT source."""
        return to_source(self.graph, self.theme)


class GraphPicture(graphviz.Source):  # type: ignore[misc]
    """A ``graphviz.Source`` that a notebook shows by the built-in layout, so it needs no other program.

    ``source`` is the DOT text; ``pipe`` and ``render`` are graphviz's own and need the dot program.
    """

    def __init__(self, source: str, *, drawn: Callable[[], str], about: str, **options: Any) -> None:
        super().__init__(source, **options)
        self._drawn = drawn
        self._about = about

    def _copy_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return dict(super()._copy_kwargs(drawn=self._drawn, about=self._about, **kwargs))

    def _repr_image_svg_xml(self) -> str:
        return _at_page_width(self._drawn())

    def _repr_svg_(self) -> str:
        return _at_page_width(self._drawn())

    def __repr__(self) -> str:
        return f"<picture of a {self._about}; a notebook shows it, viz.draw(root, 'graph.svg') saves it>"


_PAGE = 800.0  # pixels that a notebook's page has at least


def _at_page_width(svg: str) -> str:
    """Return a picture that is wider than a page as one that takes the width that is there: a page may cut it off."""

    def fluid(size: re.Match[str]) -> str:
        if float(size[1]) <= _PAGE:
            return size[0]
        return f'width="100%" style="max-width:{size[1]}px;height:auto" '

    return re.sub(r'width="([\d.]+)" height="[\d.]+" (?=viewBox)', fluid, svg, count=1)


@takes_options(PictureOptions)
def draw_dot(
    root: Value | Sequence[Value], format: str = "svg", rankdir: str = "LR", **options: Unpack[PictureOptions]
) -> GraphPicture:
    """Return the graph of ``root`` as an object that a notebook shows as a picture.

    Args:
        root: one Value, or a list of them.
        format: the format that the object's ``render`` writes, by graphviz's names.
        rankdir: the direction of flow, which is ``"LR"``: cards have their operands on the left.
        **options: the options of pictures.

    Raises:
        TypeError: ``root`` or an option is of the wrong type, or an option is unknown.
        ValueError: unknown format or rankdir, or an option has a value that it cannot have.

    >>> draw_dot(Value(2.0, label="x") * 3)
    <picture of a computation graph: 2 values, 1 edge; a notebook shows it, viz.draw(root, 'graph.svg') saves it>
    """
    picture = _picture(root, options)
    if rankdir != "LR":
        raise ValueError(
            f"rankdir={rankdir!r}: cards have their operands on the left, so graphs flow from left to right, 'LR'"
        )
    return GraphPicture(picture.dot(), drawn=picture.svg, about=picture.description, format=format)


@takes_options(PictureOptions)
def to_dot(root: Value | Sequence[Value], **options: Unpack[PictureOptions]) -> str:
    """Return the graph of ``root`` in the DOT language.

    Args:
        root: one Value, or a list of them.
        **options: the options of pictures.

    Raises:
        TypeError: ``root`` or an option is of the wrong type, or an option is unknown.
        ValueError: an option has a value that it cannot have.

    >>> to_dot(Value(2.0, label="x") * 3).count("->")
    1
    """
    return _picture(root, options).dot()


@takes_options(PictureOptions)
def to_svg(root: Value | Sequence[Value], **options: Unpack[PictureOptions]) -> str:
    """Return the graph of ``root`` as one ``<svg>`` element, by the built-in layout.

    Args:
        root: one Value, or a list of them.
        **options: the options of pictures.

    Raises:
        TypeError: ``root`` or an option is of the wrong type, or an option is unknown.
        ValueError: an option has a value that it cannot have.

    >>> to_svg(Value(2.0, label="x") * 3).startswith("<svg ")
    True
    """
    return _picture(root, options).svg()


@takes_options(PictureOptions)
def draw(root: Value | Sequence[Value] | Step, path: str | os.PathLike[str], **options: Unpack[PictureOptions]) -> Path:
    """Write the graph of ``root`` to ``path``, in the format of its suffix.

    The formats are .svg, .png, .pdf, .html (a page to explore), .dot (Graphviz), .mmd (Mermaid) and .json. The file is
    written whole or not at all, and no other file is. For a page the options are those of `to_html`.

    Args:
        root: one Value, or a list of them; or a step of a backward pass, ``steps(y)[3]``, as an .svg, with the options
            of names, parameters, theme and limit.
        path: the file to write.
        **options: the options of pictures.

    Returns:
        The path written.

    Raises:
        ValueError: unknown suffix, or an option has a value that it cannot have.
        TypeError: ``root`` or an option is of the wrong type, or an option is unknown.
        GraphvizNotFound: a PNG or PDF, and nothing that can make it.
        FileNotFoundError: the folder is missing.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> draw(Value(2.0) * 3, folder.name + "/product.svg").name
    'product.svg'
    >>> folder.cleanup()
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"the path of a picture must be a str or a Path, not {type(path).__name__}: draw(root, path)")
    suffix = Path(path).suffix.lower()
    if isinstance(root, Step):
        if suffix != ".svg":
            raise ValueError(f"{os.fspath(path)!r}: a step is drawn as .svg")
        return write_whole(path, step_svg(root, options).encode())
    if suffix == ".html":
        return write_whole(path, to_html(root, **options).encode())  # type: ignore[misc]
    if suffix not in _FORMATS:
        formats = ", ".join((*_FORMATS, ".html"))
        raise ValueError(f"{os.fspath(path)!r} does not end in a format that can be drawn: {formats}")
    return write_whole(path, _FORMATS[suffix](_picture(root, options)))


def _picture(root: Value | Sequence[Value], options: PictureOptions) -> Picture:
    completed = complete(PictureOptions, options)
    roots = roots_of(root)
    if completed["names"] is None:
        completed["names"] = names_in_scope()  # type: ignore[typeddict-item]
    graph = prepare(root, completed)
    names = [clean_text(name_of(one, completed["names"] or {}), 24) for one in roots[:3]]  # type: ignore[arg-type]
    of = f" of {', '.join(names)}" if all(name.strip() for name in names) else ""
    count, edges = graph.total, len(graph.edges)
    description = f"computation graph{of}: {count:,} value{'s' * (count != 1)}, {edges:,} edge{'s' * (edges != 1)}"
    if graph.caption:
        description = f"computation graph{of}: {graph.caption}"
    return Picture(graph, THEMES[completed["theme"]], completed["scale"], description)


_FORMATS: dict[str, Callable[[Picture], bytes]] = {
    ".svg": lambda picture: picture.svg().encode(),
    ".png": lambda picture: printed(picture.graph, picture.theme, "png", picture.scale, picture.svg),
    ".pdf": lambda picture: printed(picture.graph, picture.theme, "pdf", picture.scale, picture.svg),
    ".dot": lambda picture: picture.dot().encode(),
    ".mmd": lambda picture: to_mermaid(picture.graph, picture.theme).encode(),
    ".json": lambda picture: to_json(picture.graph, picture.theme, picture.description).encode(),
}
