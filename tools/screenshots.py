"""Photograph the page of README.md's neuron into docs/images, in Chromium by Playwright.

python tools/screenshots.py    needs Chromium and pip install 'glassgrad[browser]'
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

import viz
from autograd import Value

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
STEP = "#frame=14"  # w1's product


def neuron() -> tuple[Value, list[Value]]:
    """The neuron of README.md's session after its backward pass, and its parameters."""
    x1, w1 = Value(2.0, "x1"), Value(-1.5, "w1")
    x2, w2 = Value(0.5, "x2"), Value(1.0, "w2")
    b = Value(3.2, "b")
    y = (x1 * w1 + x2 * w2 + b).tanh()
    y.label = "y"
    y.backward()
    return y, [w1, w2, b]


def main() -> int:
    """Write one picture for each theme."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("there is no Chromium here: apt install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tool:
        root, parameters = neuron()
        page = viz.draw(root, Path(folder) / "neuron.html", parameters=parameters)
        browser = tool.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        themes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for theme in themes:
            tab = browser.new_page(
                viewport={"width": 1180, "height": 760},
                color_scheme=theme,
                reduced_motion="reduce",
            )
            tab.goto(page.as_uri() + STEP)
            tab.locator('[data-card="0"]').click()
            tab.screenshot(path=FOLDER / f"page_{theme}.png")
            print(f"docs/images/page_{theme}.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
