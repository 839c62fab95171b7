"""Twelve graphs by the built-in layout and by dot's, side by side.

python tools/layouts.py FOLDER    write both pictures of each, and a page that shows them
python tools/layouts.py --check   exit with 1 where ours has more than 1.3 times the crossings of dot's

Crossings are counted with straight lines between the ports at which edges begin and end, in both layouts alike.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import autograd as ag
import nn
from autograd import Value
from viz.dot import to_source
from viz.graph import prepare
from viz.model import Graph
from viz.svg import draw_svg, lay_out
from viz.theme import LIGHT

Point = tuple[float, float]
Line = tuple[Point, Point]
_MOST = 1.3


def _neuron() -> Value:
    x1, w1, x2, w2, b = (Value(d, n) for d, n in [(2.0, "x1"), (-1.5, "w1"), (0.5, "x2"), (1.0, "w2"), (3.2, "b")])
    return (x1 * w1 + x2 * w2 + b).tanh()


def _mlp(sizes: list[int], samples: int = 1, activation: str = "tanh") -> Value:
    model = nn.MLP(sizes[0], sizes[1:], activation=activation, seed=1)
    draw = random.Random(1)
    rows = [[Value(draw.gauss(0, 1), f"x{i}") for i in range(sizes[0])] for _ in range(samples)]
    outputs = [model(row) for row in rows]
    return ag.mean([(one[0] if isinstance(one, list) else one) ** 2 for one in outputs])


def _polynomial() -> Value:
    x = Value(1.5, "x")
    return 3 * x**4 - 2 * x**3 + x * x - x + 7


def _softmax() -> Value:
    logits = [Value(float(i), f"z{i}") for i in range(4)]
    exps = [z.exp() for z in logits]
    total = ag.sum(exps)
    return -(exps[1] / total).log() + (exps[3] / total).log()


def _diamonds() -> Value:
    value = Value(1.0, "x")
    for i in range(6):
        value = value.sin() * value.cos() + i
    return value


def _random(count: int, seed: int) -> Value:
    draw = random.Random(seed)
    values = [Value(draw.random(), f"v{i}") for i in range(5)]
    for _ in range(count):
        one, other = draw.choice(values[-9:]), draw.choice(values[-9:])
        values.append(one * other if draw.random() < 0.5 else one + other)
    return ag.sum(values[-4:])


def _attention() -> Value:
    draw = random.Random(2)
    q, k, v = ([[Value(draw.gauss(0, 1)) for _ in range(2)] for _ in range(3)] for _ in range(3))
    outputs = []
    for one in q:
        scores = [ag.dot(one, other).exp() for other in k]
        total = ag.sum(scores)
        shares = [score / total for score in scores]
        outputs += [ag.dot(shares, [row[j] for row in v]) for j in range(2)]
    return ag.sum(outputs)


GRAPHS: dict[str, Callable[[], Value]] = {
    "neuron": _neuron,
    "polynomial": _polynomial,
    "softmax": _softmax,
    "diamonds": _diamonds,
    "random 25": lambda: _random(25, 3),
    "random 60": lambda: _random(60, 4),
    "attention": _attention,
    "MLP 2-2-1": lambda: _mlp([2, 2, 1]),
    "MLP 3-4-2": lambda: _mlp([3, 4, 2]),
    "MLP 4-8-3": lambda: _mlp([4, 8, 3], activation="relu"),
    "MLP 2-16-16-1": lambda: _mlp([2, 16, 16, 1]),
    "MLP 2-16-16-1, 20 samples": lambda: _mlp([2, 16, 16, 1], 20),
}


def crossings(lines: list[Line]) -> int:
    """Return how many pairs of lines cross, not counting those that share an end."""
    return sum(_cross(*one, *other) for one, other in combinations(lines, 2))


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    if any(abs(p[0] - q[0]) + abs(p[1] - q[1]) < 0.5 for p in (a, b) for q in (c, d)):
        return False
    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def ours(graph: Graph) -> list[Line]:
    """Return a line per edge from its first to its last point in the built-in layout, before rows are made of it."""
    return [(route[0], route[-1]) for route in lay_out(graph, folded=False).placement.routes]


def dots(source: str) -> list[Line]:
    """Return a line per edge from its first to its last point in dot's layout, in points."""
    text = subprocess.run(["dot", "-Tplain"], input=source.encode(), capture_output=True, check=True).stdout.decode()
    lines = []
    for line in text.splitlines():
        if line.startswith("edge "):
            words = line.split()
            numbers = [72 * float(word) for word in words[4 : 4 + 2 * int(words[3])]]
            lines.append(((numbers[0], numbers[1]), (numbers[-2], numbers[-1])))
    return lines


def main() -> int:
    """Print the table; write the pictures, or judge."""
    folder = None if "--check" in sys.argv[1:] else Path(sys.argv[1])
    failed, page = [], []
    print(f"{'graph':28}{'cards':>6}{'edges':>6}{'ours':>7}{'dot':>7}{'ours ms':>9}{'dot ms':>8}")
    for name, make in GRAPHS.items():
        root = make()
        root.backward()
        graph = prepare(root)
        started = time.perf_counter()
        svg = draw_svg(graph, LIGHT, name)
        own_time, started = time.perf_counter() - started, time.perf_counter()
        source = to_source(graph, LIGHT)
        theirs = dots(source)
        their_time = time.perf_counter() - started
        counted = crossings(ours(graph)), crossings(theirs)
        print(
            f"{name:28}{len(graph.nodes):6}{len(graph.edges):6}{counted[0]:7}{counted[1]:7}"
            f"{1000 * own_time:9.0f}{1000 * their_time:8.0f}"
        )
        if counted[0] > _MOST * counted[1]:
            failed.append(name)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            stem = name.replace(" ", "_").replace(",", "")
            (folder / f"{stem}.ours.svg").write_text(svg, encoding="utf-8")
            drawn = subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True, check=True).stdout
            (folder / f"{stem}.dot.svg").write_bytes(drawn)
            page.append(f'<h2>{name}</h2><img src="{stem}.ours.svg" width=48%><img src="{stem}.dot.svg" width=48%>')
    if folder is not None:
        (folder / "index.html").write_text("<!doctype html>" + "\n".join(page), encoding="utf-8")
    if failed:
        print(f"more than {_MOST} times the crossings: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
