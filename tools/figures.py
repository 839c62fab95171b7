"""Draw the pictures of README.md into docs/images.

python tools/figures.py           draw them again
python tools/figures.py --check   exit with 1 where a picture is not what the code draws
"""

from __future__ import annotations

import sys
from pathlib import Path

from autograd import Value
from viz.graph import prepare
from viz.options import PictureOptions, complete
from viz.svg import draw_svg
from viz.theme import THEMES, ThemeName

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"


def neuron(theme: ThemeName) -> str:
    """The neuron of README.md's session, after its backward pass."""
    x1, w1 = Value(2.0, "x1"), Value(-1.5, "w1")
    x2, w2 = Value(0.5, "x2"), Value(1.0, "w2")
    b = Value(3.2, "b")
    y = (x1 * w1 + x2 * w2 + b).tanh()
    y.label = "y"
    y.backward()
    # The built-in layout, where viz.draw would take dot's if it is there: the same picture on every machine.
    graph = prepare(y, complete(PictureOptions, {"parameters": [w1, w2, b]}))
    return draw_svg(graph, THEMES[theme], "A neuron of two inputs as a graph")


def pictures() -> dict[str, str]:
    """Every picture, by the name of its file."""
    return {f"neuron_{theme}.svg": neuron(theme) for theme in THEMES}


def main() -> int:
    """Draw every picture, or check those that are there."""
    drawn = pictures()
    if "--check" in sys.argv[1:]:
        stale = [name for name, svg in drawn.items() if svg != _read(FOLDER / name)]
        if stale:
            print(f"docs/images: {', '.join(stale)} is not what the code draws; run `make figures`", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name, svg in drawn.items():
        (FOLDER / name).write_text(svg, encoding="utf-8")
        print(f"docs/images/{name}")
    return 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
