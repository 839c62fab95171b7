"""The public functions that draw a graph: as DOT, as SVG, to a file, as an object for notebooks."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Unpack

import graphviz

from autograd import Value
from viz.atomic_write import write_whole
from viz.dot import picture_id, safe_svg, to_source
from viz.graph import Graph, prepare
from viz.options import PictureOptions, complete, takes_options
from viz.page import to_html
from viz.svg import draw_svg
from viz.theme import THEMES, Theme

__all__ = ["GraphPicture", "GraphvizNotFound", "draw", "draw_dot", "to_dot", "to_svg"]


class GraphvizNotFound(RuntimeError):
    """Graphviz is missing, and a PNG or a PDF needs it."""


class GraphPicture(graphviz.Source):  # type: ignore[misc]
    """A ``graphviz.Source`` that a notebook also shows without the dot program, by the built-in layout.

    ``source`` is the DOT text; ``pipe`` and ``render`` are graphviz's own and need the dot program.
    """

    def __init__(self, source: str, *, drawn: Callable[[], str], **options: Any) -> None:
        super().__init__(source, **options)
        self._drawn = drawn

    def _copy_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return dict(super()._copy_kwargs(drawn=self._drawn, **kwargs))

    def _repr_image_svg_xml(self) -> str:
        return self._drawn()

    def _repr_svg_(self) -> str:
        return self._drawn()


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
        TypeError: ``root`` or ``parameters`` holds something other than Values, or an option is unknown.
        ValueError: unknown theme, format or rankdir, or the graph is too large.

    >>> picture = draw_dot(Value(2.0, label="x") * 3)
    >>> picture.source.splitlines()[0]
    'digraph G {'
    """
    graph, theme = _prepared(root, options)
    if rankdir != "LR":
        raise ValueError(
            f"rankdir={rankdir!r}: cards have their operands on the left, so graphs flow from left to right, 'LR'"
        )
    return GraphPicture(to_source(graph, theme), drawn=lambda: _svg(graph, theme), format=format)


@takes_options(PictureOptions)
def to_dot(root: Value | Sequence[Value], **options: Unpack[PictureOptions]) -> str:
    """Return the graph of ``root`` in the DOT language.

    Args:
        root: one Value, or a list of them.
        **options: the options of pictures.

    Raises:
        TypeError: ``root`` or ``parameters`` holds something other than Values, or an option is unknown.
        ValueError: unknown theme, or the graph is too large.

    >>> to_dot(Value(2.0, label="x") * 3).count("->")
    1
    """
    return to_source(*_prepared(root, options))


@takes_options(PictureOptions)
def to_svg(root: Value | Sequence[Value], **options: Unpack[PictureOptions]) -> str:
    """Return the graph of ``root`` as one ``<svg>`` element.

    The dot program lays it out where it is installed, the built-in layout where it is not.

    Args:
        root: one Value, or a list of them.
        **options: the options of pictures.

    Raises:
        TypeError: ``root`` or ``parameters`` holds something other than Values, or an option is unknown.
        ValueError: unknown theme, or the graph is too large.

    >>> to_svg(Value(2.0, label="x") * 3).startswith("<svg ")
    True
    """
    return _svg(*_prepared(root, options))


@takes_options(PictureOptions)
def draw(root: Value | Sequence[Value], path: str | os.PathLike[str], **options: Unpack[PictureOptions]) -> Path:
    """Write the graph of ``root`` to ``path``, in the format of its suffix: .dot, .svg, .html, .png or .pdf.

    The file is written whole or not at all, and no other file is. For a page (.html) the options are those of
    `to_html`.

    Args:
        root: one Value, or a list of them.
        path: the file to write.
        **options: the options of pictures.

    Returns:
        The path written.

    Raises:
        ValueError: unknown suffix or theme, or the graph is too large.
        TypeError: ``root`` or ``parameters`` holds something other than Values, or an option is unknown.
        GraphvizNotFound: a PNG or PDF without the dot program and without pygraphviz.
        FileNotFoundError: the folder is missing.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> draw(Value(2.0) * 3, folder.name + "/product.svg").name
    'product.svg'
    >>> folder.cleanup()
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".html":
        return write_whole(path, to_html(root, **options).encode())
    if suffix not in _FORMATS:
        formats = ", ".join((*_FORMATS, ".html"))
        raise ValueError(f"{os.fspath(path)!r} does not end in a format that can be drawn: {formats}")
    graph, theme = _prepared(root, options)
    return write_whole(path, _FORMATS[suffix](graph, theme))


def _prepared(root: Value | Sequence[Value], options: PictureOptions) -> tuple[Graph, Theme]:
    completed = complete(PictureOptions, options)
    return prepare(root, completed), THEMES[completed["theme"]]


def _dot_bytes(graph: Graph, theme: Theme) -> bytes:
    return to_source(graph, theme).encode()


def _svg_bytes(graph: Graph, theme: Theme) -> bytes:
    return _svg(graph, theme).encode()


def _png_bytes(graph: Graph, theme: Theme) -> bytes:
    return _printed(to_source(graph, theme, bitmap=True), "png")


def _pdf_bytes(graph: Graph, theme: Theme) -> bytes:
    return _printed(to_source(graph, theme), "pdf")


_FORMATS: dict[str, Callable[[Graph, Theme], bytes]] = {
    ".dot": _dot_bytes,
    ".svg": _svg_bytes,
    ".png": _png_bytes,
    ".pdf": _pdf_bytes,
}


def _svg(graph: Graph, theme: Theme) -> str:
    description = f"computation graph: {len(graph.nodes)} values, {len(graph.edges)} edges"
    if not _has_dot():
        return draw_svg(graph, theme, description)
    source = to_source(graph, theme)
    return safe_svg(_run_dot(source, "svg").decode(), picture_id(source), description)


def _has_dot() -> bool:
    return shutil.which("dot") is not None


def _run_dot(source: str, form: str) -> bytes:
    try:
        return bytes(graphviz.Source(source).pipe(format=form, engine="dot", quiet=True))
    except graphviz.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip()
        raise RuntimeError(f"the dot program could not draw this graph as {form}: {said or error}") from error


def _printed(source: str, form: str) -> bytes:
    if _has_dot():
        return _run_dot(source, form)
    try:
        pygraphviz = importlib.import_module("pygraphviz")
    except ImportError:
        raise GraphvizNotFound(
            f"a {form.upper()} needs Graphviz, and the dot program is not on the PATH. Ways out: install Graphviz "
            "(apt install graphviz, brew install graphviz, or graphviz.org/download); or "
            "pip install 'glassgrad[png]', which brings its own; or write .svg, which needs neither"
        ) from None
    return bytes(pygraphviz.AGraph(string=source).draw(format=form, prog="dot"))
