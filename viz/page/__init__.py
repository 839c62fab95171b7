"""The page: a graph as one HTML file to step through, to search and to move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from autograd import Value
from autograd.names import names_in_scope
from viz.escaping import markup
from viz.graph import roots_of
from viz.options import PageOptions, complete, takes_options
from viz.page.build import page_text

__all__ = ["Exploration", "explore", "to_html"]


@takes_options(PageOptions)
def to_html(root: Value | Sequence[Value], **options: Unpack[PageOptions]) -> str:
    """Return a page to explore the graph of ``root`` with, as one HTML document that needs nothing else.

    The page steps forward and backward one product at a time, shows what the gradient of each value sums up, and
    computes everything again while a leaf is moved.

    Args:
        root: one Value, or a list of them, whose sum is then differentiated.
        **options: the options of pages.

    Raises:
        TypeError: ``root`` or ``parameters`` holds something other than Values, or an option is unknown.
        ValueError: unknown theme, or ``limit`` is less than 1.

    >>> to_html(Value(2.0, label="x") * 3).startswith("<!doctype html>")
    True
    """
    completed = complete(PageOptions, options)
    roots_of(root)
    if completed["names"] is None:
        completed["names"] = names_in_scope()  # type: ignore[typeddict-item]
    return page_text(root, completed)


class Exploration:
    """A page that a notebook shows in a frame; `explore` returns it.

    Attributes:
        html: the page.
    """

    def __init__(self, html: str, height: int) -> None:
        self.html = html
        self._height = height

    def __repr__(self) -> str:
        return f"<page of {len(self.html):,} characters; a notebook shows it, draw(root, 'graph.html') saves it>"

    def _repr_html_(self) -> str:
        # the frame may run the page's script and nothing else: it has no access to the notebook
        return (
            f'<iframe srcdoc="{markup(self.html)}" width="100%" height="{self._height}" frameborder="0" '
            'sandbox="allow-scripts" title="Computation graph"></iframe>'
        )


@takes_options(PageOptions)
def explore(root: Value | Sequence[Value], height: int = 640, **options: Unpack[PageOptions]) -> Exploration:
    """Return the page of `to_html` as an object that a notebook shows in a frame.

    Args:
        root: one Value, or a list of them, whose sum is then differentiated.
        height: the height of the frame in pixels.
        **options: the options of pages.

    Raises:
        TypeError: ``root`` or ``parameters`` holds something other than Values, or an option is unknown.
        ValueError: unknown theme, or ``limit`` or ``height`` is less than 1.

    >>> explore(Value(2.0) * 3)._repr_html_().startswith("<iframe srcdoc=")
    True
    """
    if height < 1:
        raise ValueError(f"height={height} shows nothing; give the height of the frame in pixels")
    return Exploration(to_html(root, **options), height)
