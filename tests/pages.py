"""What the tests of the page share: its scripts in an engine of JavaScript, and a browser."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import viz.page
from viz.page.javascript import rows

FOLDER = Path(viz.page.__file__).parent
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """The path of the Chromium that is installed, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


def library(primitives: Iterable[str] = ()) -> str:
    """The scripts of the page without what touches the document, as one text."""
    scripts = [(FOLDER / name).read_text(encoding="utf-8") for name in ("arithmetic.js", "numbers.js", "engine.js")]
    joined = "\n".join(script.replace("export function", "function") for script in scripts)
    return f"{joined}\n{rows(primitives)}\n{DECODING}\n"


# JSON has no nan and no infinity: they travel as strings
DECODING = """
const decoded = (x) => Array.isArray(x) ? x.map(decoded) : typeof x === "string" ? parsed(x) : x;
const encoded = (_, x) => typeof x === "bigint" ? String(x) :
  typeof x === "number" && !Number.isFinite(x) ? (Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf") : x;
"""


def plain(x: Any) -> Any:
    """Floats of nested lists as JSON can hold them."""
    if isinstance(x, list | tuple):
        return [plain(one) for one in x]
    if isinstance(x, float) and not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    return x


def back(x: Any) -> Any:
    """Floats again."""
    if isinstance(x, list):
        return [back(one) for one in x]
    return float(x) if x in ("nan", "inf", "-inf") else x


def can_run_scripts() -> bool:
    """Whether there is anything here that runs JavaScript."""
    return shutil.which("node") is not None or (chromium() is not None and find_spec("playwright") is not None)


def evaluate(body: str, given: Any = None, primitives: Iterable[str] = ()) -> Any:
    """What the body of a function of `given` returns, with the library; in node, else in Chromium."""
    run = f"(given) => {{\n{library(primitives)}\nreturn JSON.stringify((() => {{ {body} }})(), encoded) ?? 'null';\n}}"
    if shutil.which("node") is not None:
        code = f"process.stdout.write(({run})({json.dumps(given)}));"
        made = subprocess.run(["node", "-"], input=code, capture_output=True, encoding="utf-8")
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        found = browser.new_page().evaluate(run, given)
        browser.close()
    return json.loads(found)
