"""Run the lessons of examples/ and put them on one page, index.html in the folder of their pictures: `make lessons`.

python tools/lessons.py             run all of them
python tools/lessons.py 01_bill     run those that are named
python tools/lessons.py --figures   draw the pictures of examples/README.md again, into docs/images/lessons
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import html
import io
import json
import re
import runpy
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted((ROOT / "examples").glob("[0-9][0-9]_*.py"))
FIGURES = ROOT / "docs" / "images" / "lessons"
_WIDTH = 480  # of a picture of the table of contents, in pixels
_COLOURS = 128  # of such a picture
_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass
class Run:
    """What came of one lesson; `failure` is empty if its figures are those that it states."""

    script: Path
    seconds: float
    failure: str
    text: str = ""
    printed: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    pictures: tuple[tuple[str, str], ...] = ()


def run(script: Path, out: Path) -> Run:
    """Run one lesson in a process of its own."""
    begun = time.perf_counter()
    command = [sys.executable, "-X", "utf8", __file__, "--report", str(script), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    seconds = time.perf_counter() - begun
    if done.returncode:
        return Run(script, seconds, done.stderr.strip() or f"exit status {done.returncode}")
    return Run(script, seconds, "", **json.loads(done.stdout))


def report(script: Path, out: Path) -> dict[str, Any]:
    """Run one lesson in this process, and return what it found."""
    printed = io.StringIO()
    sys.argv = [str(script), "--out", str(out)]
    sys.path.insert(0, str(script.parent))
    with contextlib.redirect_stdout(printed):
        lesson = runpy.run_path(str(script), run_name="__main__")["lesson"]
    pictures = [(str(path), caption) for path, caption in lesson.pictures.items()]
    return {"text": lesson.text, "printed": printed.getvalue(), "figures": lesson.figures, "pictures": pictures}


# -- the page ----------------------------------------------------------------------------------------------------------
def page(runs: list[Run]) -> str:
    """Return the page of all lessons; pictures are inside it, so it is one file and loads nothing."""
    contents = "\n".join(f'<li><a href="#{one.script.stem}">{_escaped(_title(one))}</a></li>' for one in runs)
    return PAGE.format(contents=contents, lessons="\n".join(map(_section, runs)))


def _section(one: Run) -> str:
    parts = [f'<section id="{one.script.stem}">', f"<h2>{_escaped(_title(one))}</h2>"]
    parts += [f"<p>{_escaped(paragraph)}</p>" for paragraph in one.text.strip().split("\n\n")[1:]]
    if one.failure:
        parts.append(f'<p class="failure">It failed.</p><pre>{_escaped(one.failure)}</pre>')
    rows = "\n".join(f"<tr><td>{_escaped(about)}</td><td>{_escaped(found)}</td></tr>" for about, found in one.figures)
    if rows:
        parts.append(f"<table>\n{rows}\n</table>")
    for path, caption in one.pictures:
        shown = f'<img src="{_embedded(Path(path))}" alt="{_escaped(caption)}">'
        parts.append(f"<figure>{shown}<figcaption>{_escaped(caption)}</figcaption></figure>")
    source = one.script.read_text(encoding="utf-8")
    lines = f"{len(source.splitlines())} lines, {one.seconds:.1f} s"
    parts.append(f"<details><summary>{one.script.name}: {lines}</summary><pre>{_escaped(source)}</pre></details>")
    if one.printed:
        parts.append(f"<details><summary>What it prints</summary><pre>{_escaped(one.printed)}</pre></details>")
    return "\n".join([*parts, "</section>"])


def _title(one: Run) -> str:
    return one.text.strip().split("\n")[0] or one.script.stem


def _escaped(text: str) -> str:
    return html.escape(text, quote=True)


def _embedded(picture: Path) -> str:
    content = picture.read_bytes()
    if picture.suffix == ".svg":  # matplotlib writes addresses there
        content = re.sub(rb"(?s)<metadata>.*?</metadata>\s*", b"", content)
    return f"data:{_TYPES[picture.suffix]};base64,{base64.b64encode(content).decode()}"


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>glassgrad: the lessons</title>
<style>
:root {{ --ink: #1b1f24; --muted: #57606a; --line: #d0d7de; --paper: #ffffff; --card: #f5f7f9; --link: #005a8e; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e6edf3; --muted: #a9b1ba; --line: #30363d; --paper: #0d1117; --card: #161b22; --link: #9ccbff; }}
}}
* {{ box-sizing: border-box; }}
body {{
  margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--paper); color: var(--ink); line-height: 1.5;
  font-family: Helvetica, Arial, "DejaVu Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif;
}}
h1 {{ font-size: 1.6rem; }}
h2 {{ font-size: 1.25rem; margin-top: 0; }}
a {{ color: var(--link); }}
ol {{ padding-left: 0; list-style: none; columns: 22rem; }}
li {{ padding: 0.15rem 0; break-inside: avoid; }}
section {{ border-top: 1px solid var(--line); padding: 1.5rem 0; }}
table {{ border-collapse: collapse; width: 100%; margin: 1rem 0; font-variant-numeric: tabular-nums; }}
td {{ border-bottom: 1px solid var(--line); padding: 0.25rem 0.5rem; vertical-align: top; overflow-wrap: anywhere; }}
td:first-child {{ white-space: pre-wrap; }}
td:last-child {{ text-align: right; font-weight: 600; white-space: nowrap; }}
figure {{ margin: 1.5rem 0; }}
img {{ max-width: 100%; height: auto; background: #ffffff; border-radius: 6px; display: block; margin: 0 auto; }}
figcaption {{ color: var(--muted); font-size: 0.9rem; padding-top: 0.4rem; text-align: center; }}
pre {{ background: var(--card); padding: 0.8rem; overflow-x: auto; font-size: 0.8rem; line-height: 1.4; }}
summary {{ cursor: pointer; color: var(--muted); padding: 0.3rem 0; }}
.failure {{ color: #c2185b; font-weight: 600; }}
</style>
</head>
<body>
<h1>glassgrad: the lessons</h1>
<nav><ol>
{contents}
</ol></nav>
<main>
{lessons}
</main>
</body>
</html>
"""


# -- the table of contents ---------------------------------------------------------------------------------------------
def draw_contents(runs: list[Run]) -> None:
    """Put the last picture of each lesson into docs/images/lessons: an SVG as it is, a bitmap made small."""
    from PIL import Image

    FIGURES.mkdir(parents=True, exist_ok=True)
    for one in runs:
        picture = Path(one.pictures[-1][0])
        target = FIGURES / f"{one.script.stem}{picture.suffix}"
        if picture.suffix == ".svg":
            target.write_bytes(picture.read_bytes())
        else:
            image = Image.open(picture).convert("RGB")
            small = image.resize((_WIDTH, round(image.height * _WIDTH / image.width)), Image.Resampling.LANCZOS)
            # by the median cut, the default, small areas lose their colour: points and thin lines
            small.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE).save(target, optimize=True)


def main() -> int:
    """Run lessons, make the page, and return the exit status: 1 where one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="names of scripts, such as 01_bill (default: all)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="the folder for the pages (default: out)")
    parser.add_argument("--figures", action="store_true", help="draw the pictures of examples/README.md again")
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.report:
        print(json.dumps(report(given.report, given.out)))
        return 0
    known = {script.stem: script for script in SCRIPTS}
    if unknown := [name for name in given.lessons if name not in known]:
        parser.error(f"there is no lesson {unknown[0]!r}; the lessons are {', '.join(known)}")
    given.out.mkdir(parents=True, exist_ok=True)
    runs = []
    with tqdm([known[name] for name in given.lessons or known], unit="lesson") as bar:
        for script in bar:
            bar.set_description(script.stem)
            runs.append(run(script, given.out))
    failed = [one for one in runs if one.failure]
    for one in failed:
        print(f"\n{one.script.name} failed:\n{one.failure}", file=sys.stderr)
    index = given.out / "index.html"
    index.write_text(page(runs), encoding="utf-8")
    if given.figures and not failed:
        draw_contents(runs)
    count, seconds = sum(len(one.figures) for one in runs), sum(one.seconds for one in runs)
    print(f"{len(runs) - len(failed)} of {len(runs)} lessons hold, {count} figures, {seconds:.0f} s: open {index}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
