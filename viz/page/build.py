"""The page as one file: its parts stand beside this module and are put together here."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path

from autograd import Value
from autograd.formatting import number
from viz.options import PAGE_LIMIT, ListingOptions, PageOptions, complete
from viz.page.data import Page, page_of
from viz.page.javascript import rows
from viz.page.squeeze import functions_used, squeezed_script, squeezed_style
from viz.text import listing
from viz.theme import DARK, LIGHT, Theme

__all__ = ["SLIDERS", "hashed", "json_text", "page_text", "palettes"]

SLIDERS = 24
"""Up to so many leaves have a slider each from the start; where there are more, a click gives one."""

_LONG = 9  # characters of a name that fit beside its slider

_HERE = Path(__file__).parent
_SCRIPTS = ("numbers", "engine", "elements", "state", "cards", "words", "camera", "panels", "page")


def page_text(root: Value | Sequence[Value], options: PageOptions) -> str:
    """Return the page of ``root`` as HTML.

    Args:
        root: one Value, or a list of them, whose sum is then differentiated.
        options: all options of pages, as `viz.options.complete` returns them.

    Raises:
        TypeError: ``root`` holds something other than Values.
    """
    page = page_of(root, options)
    formulas = rows(page.primitives)
    of_graph = squeezed_script(functions_used(_script("arithmetic"), formulas) + formulas)
    script = f'"use strict";(()=>{{{of_graph}{_squeezed_scripts()}}})();'
    style = palettes() + _squeezed_style()
    values = len(page.content.get("op", ()))
    filled = {
        "theme": options["theme"],
        "policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src '{hashed(style)}'; script-src '{hashed(script)}'",
        "title": _escaped(page.title),
        "subtitle": page.subtitle,
        "description": f"Computation graph of {_escaped(page.title)}: {page.subtitle}",
        "style": style,
        "hint": _hint(page),
        "sliders": "".join(_slider(*leaf) for leaf in page.leaves) if len(page.leaves) <= SLIDERS else "",
        "listing": _listed(root, options, page.order) if 0 < values <= PAGE_LIMIT else page.subtitle,
        "data": json_text(page.content),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], re.sub(r"(?m)^ +", "", _file("page.html")))


def _listed(root: Value | Sequence[Value], options: PageOptions, order: Sequence[Value]) -> str:
    every = complete(ListingOptions, {"parameters": options["parameters"], "limit": None})
    every["names"] = options["names"]  # found already
    return _escaped("\n".join(listing(root, every, order)))


@cache
def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _script(name: str) -> str:
    """Return a script without what makes it a module on its own."""
    return re.sub(r"(?ms)^export (?=function|const|let)|^import .*?;\n", "", _file(f"{name}.js"))


@cache
def _squeezed_scripts() -> str:
    """Return what is in every page."""
    return squeezed_script("\n".join(map(_script, _SCRIPTS)))


@cache
def _squeezed_style() -> str:
    return squeezed_style(_file("page.css"))


def hashed(text: str) -> str:
    """Return the hash of a script or a style as a Content-Security-Policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def json_text(content: object) -> str:
    """Return ``content`` as JSON that can stand in a page."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _escaped(text: str) -> str:
    return html.escape(text, quote=True)


def palettes() -> str:
    """Return the colours of both themes as variables of the style sheet."""
    names = [field.name for field in fields(Theme) if field.name != "name"]
    pairs = (f"--{name.replace('_', '-')}:light-dark({getattr(LIGHT, name)},{getattr(DARK, name)});" for name in names)
    return (
        f":root{{color-scheme:light dark;{''.join(pairs)}}}"
        ":root[data-theme=light]{color-scheme:light}:root[data-theme=dark]{color-scheme:dark}"
    )


def _hint(page: Page) -> str:
    if not page.leaves:
        return "The graph is too large to compute again in a page."
    if len(page.leaves) <= SLIDERS:
        return "Every number, colour and width follows."
    return f"Click one of the {len(page.leaves):,} leaves to get its slider. Every number, colour and width follows."


def _slider(at: int, name: str, full: str, data: float, reach: float) -> str:
    """Return one leaf's row; `page.js` makes the same for a leaf that was clicked."""
    value = data if math.isfinite(data) else 0.0
    exact = number(data) if math.isfinite(data) else ""
    label, whole = _escaped(name), _escaped(full)
    return (
        f'<div class="leaf{" long" * (len(name) > _LONG)}" data-leaf="{at}">'
        f'<label for="leaf{at}" title="{whole}">{label}</label>'
        f'<input id="leaf{at}" type="range" min="{-reach!r}" max="{reach!r}" step="any" value="{value!r}">'
        f'<input type="number" step="any" value="{exact}" aria-label="Exact value of {whole}"></div>'
    )
