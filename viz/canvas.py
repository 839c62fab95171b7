"""Figures of matplotlib as the plots use them: made without pyplot, styled, with fonts for every script, written whole.

They need matplotlib (the extra ``plots``), which is imported when a plot is made. Figures are built without pyplot, so
windows do not open; a notebook shows the returned figure.
"""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd.files import write_whole
from autograd.formatting import clean_text
from viz.theme import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "label_text", "new_figure", "plain_ticks", "style", "written"]

# One colour per class or curve, in this order: two classes get the colours that signs have in pictures of graphs.
COLOURS = (LIGHT.negative, LIGHT.positive, "#2E7D4F", "#7A3E9D", "#8C6D1F", "#C2185B", "#00838F", "#5D4037")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that many inches.

    Raises:
        ImportError: matplotlib is missing.
    """
    try:
        figures = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise ImportError(
            f"plots need matplotlib ({error}); install it with: pip install 'glassgrad[plots]'"
        ) from error
    figure: Figure = _notebook_figure(figures.Figure)(
        figsize=(width, height), dpi=144, layout="constrained", facecolor="white"
    )
    return figure


@cache
def _notebook_figure(base: Any) -> Any:
    """Return a class of figures that a notebook shows by themselves, without pyplot."""

    def png(figure: Any) -> bytes:
        content = io.BytesIO()
        figure.savefig(content, format="png")
        return content.getvalue()

    return type("Figure", (base,), {"__module__": base.__module__, "_repr_png_": png})


def style(axes: Axes, title: str = "") -> None:
    """Give axes the colours and the frame of all plots, and a title."""
    axes.set_title(title, loc="left", color=LIGHT.foreground, fontsize=12, fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LIGHT.line)
    axes.tick_params(colors=LIGHT.muted, labelsize=9)
    axes.xaxis.label.set_color(LIGHT.muted)
    axes.yaxis.label.set_color(LIGHT.muted)


def plain_ticks(axis: Axis) -> None:
    """Label a logarithmic axis of less than two decades by plain numbers: few powers of ten fall on it.

    To be called when all is plotted, for it depends on the limits.
    """
    low, high = sorted(axis.get_view_interval())
    if not 0.0 < low < high < 100 * low:
        return
    ticker = importlib.import_module("matplotlib.ticker")
    wide = high > 8 * low
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)) if wide else ticker.MaxNLocator(5, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(lambda number, _: f"{number:g}")
    axis.set_minor_locator(ticker.NullLocator())


def written(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    """Give the texts of a figure their fonts, write it to ``path`` if there is one, and return it.

    Raises:
        ValueError: matplotlib does not know the format.
        FileNotFoundError: the folder is missing.
    """
    for text in figure.findobj(importlib.import_module("matplotlib.text").Text):
        families = _families(text.get_text())
        if len(families) > 1:  # the second has one weight, often; asked for another, matplotlib would warn
            text.set_fontfamily(families)
            text.set_fontweight(_weight_of(families[-1]))
    if path is None:
        return figure
    form = Path(path).suffix.lower().removeprefix(".")
    known: dict[str, Any] = figure.canvas.get_supported_filetypes()
    if form not in known:
        raise ValueError(
            f"{os.fspath(path)!r} does not end in a format that can be written: {', '.join(sorted(known))}"
        )
    content = io.BytesIO()
    figure.savefig(content, format=form)
    write_whole(path, content.getvalue())
    return figure


# -- labels and fonts --------------------------------------------------------------------------------------------------
_DEFAULT = "DejaVu Sans"  # which matplotlib carries


def label_text(text: object, limit: int = 40) -> str:
    r"""Return ``text`` as a label: on one line, without formulas; what no font here can draw, as an escape.

    >>> label_text("cost $5")
    'cost \\$5'
    """
    cleaned = clean_text(str(text), limit)
    missing = _missing(cleaned)
    if missing and _font_for(missing) is None:
        cleaned = "".join(c.encode("ascii", "backslashreplace").decode() if c in missing else c for c in cleaned)
    return cleaned.replace("$", r"\$")  # a dollar sign would begin a formula


def _families(text: str) -> list[str]:
    """Return the families that draw ``text``, the first that has a character; the fonts are known to matplotlib."""
    missing = _missing(text)
    path = _font_for(missing) if missing else None
    if path is None:
        return [_DEFAULT]
    manager = importlib.import_module("matplotlib.font_manager")
    name: str = manager.FontProperties(fname=path).get_name()
    if not any(entry.fname == path for entry in manager.fontManager.ttflist):
        manager.fontManager.addfont(path)
    return [_DEFAULT, name]


def _weight_of(family: str) -> str:
    """Return a weight that a family has and that matplotlib's own font has too."""
    manager = importlib.import_module("matplotlib.font_manager")
    weights = {str(entry.weight) for entry in manager.fontManager.ttflist if entry.name == family}
    return "bold" if weights and weights <= {"bold", "700"} else "normal"


def _missing(text: str) -> frozenset[str]:
    """Return the characters that matplotlib's own font lacks."""
    if text.isascii():
        return frozenset()
    manager = importlib.import_module("matplotlib.font_manager")
    drawn = _characters(manager.findfont(_DEFAULT))
    return frozenset(c for c in text if not c.isspace() and ord(c) not in drawn)


@cache
def _font_for(characters: frozenset[str]) -> str | None:
    """Return the file of a font of this machine that has all of them; upright sans-serif ones come first."""
    wanted = {ord(c) for c in characters}
    return next((path for path in _system_fonts() if wanted <= _characters(path)), None)


@cache
def _system_fonts() -> Sequence[str]:
    manager = importlib.import_module("matplotlib.font_manager")

    def plainness(path: str) -> tuple[bool, str]:
        name = Path(path).stem.lower()
        return any(word in name for word in ("bold", "black", "light", "thin", "italic", "serif", "mono")), path

    return sorted(manager.findSystemFonts(), key=plainness)


@cache
def _characters(path: str) -> frozenset[int]:
    """Return the code points that a font has; none if matplotlib cannot read it."""
    try:
        return frozenset(importlib.import_module("matplotlib.font_manager").get_font(path).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
