"""Draw the pictures of README.md and docs/gallery.md into docs/images.

python tools/figures.py           draw them again
python tools/figures.py --check   exit with 1 where a picture is not what the code draws
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import autograd as ag
import nn
import viz
from autograd import Value, steps

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"


def session() -> tuple[Value, list[Value]]:
    """The neuron of README.md's session, and its parameters."""
    x1, w1 = Value(2.0, "x1"), Value(-1.5, "w1")
    x2, w2 = Value(0.5, "x2"), Value(1.0, "w2")
    b = Value(3.2, "b")
    y = (x1 * w1 + x2 * w2 + b).tanh()
    return y, [w1, w2, b]


def neuron(**options: Any) -> str:
    """The neuron after its backward pass."""
    y, parameters = session()
    if options.pop("passed", True):
        y.backward()
    return viz.to_svg(y, parameters=parameters, **options)


def neuron_page() -> str:
    """The neuron as a page to step through."""
    y, parameters = session()
    y.backward()
    return viz.to_html(y, parameters=parameters)


def _written(write: Callable[[Path], Path]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder, "picture.svg")).read_text(encoding="utf-8")


def neuron_film(theme: Any) -> str:
    """The neuron's backward pass, step by step."""
    y, parameters = session()
    y.label = "y"
    return _written(lambda path: viz.film(y, path, parameters=parameters, theme=theme))


def neuron_step(theme: Any) -> str:
    """The fourth step of the neuron's backward pass."""
    y, parameters = session()
    y.label = "y"
    return _written(lambda path: viz.draw(steps(y)[3], path, parameters=parameters, theme=theme))


def frames() -> str:
    """A small network in full detail."""
    model: Any = nn.MLP(2, [2, 1], activation="tanh", seed=1)
    x = [Value(1.0, "x0"), Value(-2.0, "x1")]
    loss = (model(x) - 1) ** 2
    loss.backward()
    return viz.to_svg(loss)


def grouped(samples: int, **options: Any) -> str:
    """The loss of MLP(2, [16, 16, 1]) on some samples."""
    model: Any = nn.MLP(2, [16, 16, 1], seed=1)
    X, y = nn.moons(100, seed=1)
    rows = [[Value(x, f"x{i}") for i, x in enumerate(row)] for row in X[:samples]]
    loss = ag.mean([nn.hinge(model(row), target) for row, target in zip(rows, y, strict=False)])
    loss.backward()
    return viz.to_svg(loss, **options)


def focus() -> str:
    """The neighbourhood of one value of a large graph."""
    w, h = Value(0.9, "w"), [Value(0.5, "h")]
    for _ in range(1_000):
        h.append((h[-1] * w + 0.1).tanh())
    y = h[-1]
    y.backward()
    return viz.to_svg(y, focus=h[998], radius=3, names={"middle": h[998], "y": y})


def between() -> str:
    """The ways from one weight to the loss."""
    model: Any = nn.MLP(2, [3, 3, 1], activation="tanh", seed=1)
    loss = (model([1.0, -2.0]) - 1) ** 2
    loss.backward()
    return viz.to_svg(loss, between=(model.layers[0].neurons[1].w[0], loss))


def assigned() -> str:
    """An operand that was assigned after the product was computed."""
    price, count = Value(2.0), Value(3.0)
    cost = price * count
    price.data = 100.0
    return viz.to_svg(cost)


def expanded() -> str:
    """A fused loss as its elementary operations."""
    a, b = Value(2.0), Value(0.5)
    loss = ag.softmax_cross_entropy([a, b], 0)
    loss.backward()
    return viz.to_svg(loss, expand=True)


class Convolution(nn.Module):
    """Kernels of 3 × 3 over maps."""

    def __init__(self, maps: int, kernels: int, seed: int) -> None:
        self.kernels = [nn.Neuron(9 * maps, seed=seed + i) for i in range(kernels)]

    def forward(self, maps: list[list[list[Any]]]) -> list[list[list[Value]]]:
        """Return a map per kernel."""
        rows, columns = len(maps[0]) - 2, len(maps[0][0]) - 2
        return [
            [
                [kernel([m[i + a][j + b] for m in maps for a in range(3) for b in range(3)]) for j in range(columns)]
                for i in range(rows)
            ]
            for kernel in self.kernels
        ]


class CNN(nn.Module):
    """Two convolutions and a fully connected head."""

    def __init__(self) -> None:
        self.first, self.second = Convolution(1, 2, seed=0), Convolution(2, 2, seed=5)
        self.head = nn.MLP(32, [4], seed=3)

    def forward(self, image: list[list[float]]) -> Any:
        """Return a score per class."""
        return self.head([x for m in self.second(self.first([image])) for row in m for x in row])


def cnn() -> str:
    """The loss of a convolutional network on one image of 8 × 8."""
    draw = random.Random(1)
    loss = nn.softmax_cross_entropy(CNN()([[draw.random() for _ in range(8)] for _ in range(8)]), 3)
    loss.backward()
    return viz.to_svg(loss)


class Attention(nn.Module):
    """Causal attention of one head."""

    def __init__(self, width: int, seed: int) -> None:
        self.q, self.k, self.v, self.o = (nn.Layer(width, width, "linear", seed=seed + i) for i in range(4))

    def forward(self, xs: list[list[Value]]) -> list[list[Value]]:
        """Return a row per word."""
        queries, keys, values = ([layer(x) for x in xs] for layer in (self.q, self.k, self.v))
        mixed = []
        for at, query in enumerate(queries):
            scores = [ag.dot(query, key).exp() for key in keys[: at + 1]]
            total = ag.sum(scores)
            shares = [score / total for score in scores]
            mixed.append(self.o([ag.dot(shares, column) for column in zip(*values[: at + 1], strict=True)]))
        return mixed


class Block(nn.Module):
    """Attention and a perceptron, each added to what came in."""

    def __init__(self, width: int, seed: int) -> None:
        self.attention = Attention(width, seed)
        self.mlp = nn.MLP(width, [4 * width, width], seed=seed + 9)

    def forward(self, xs: list[list[Value]]) -> list[list[Value]]:
        """Return a row per word."""
        mixed = self.attention(xs)
        xs = [[a + b for a, b in zip(x, m, strict=True)] for x, m in zip(xs, mixed, strict=True)]
        return [[a + b for a, b in zip(x, self.mlp(x), strict=True)] for x in xs]  # type: ignore[arg-type]


class GPT(nn.Module):
    """Embeddings, blocks, and a score per character."""

    def __init__(self, characters: int, width: int, blocks: int) -> None:
        draw = random.Random(0)
        self.wte = [[Value(draw.gauss(0, 0.1)) for _ in range(width)] for _ in range(characters)]
        self.blocks = [Block(width, 20 * i) for i in range(blocks)]
        self.head = nn.Layer(width, characters, "linear", seed=7)

    def forward(self, word: list[int]) -> Any:
        """Return the scores of the character after each of ``word``."""
        xs: Any = [self.wte[character] for character in word]
        for block in self.blocks:
            xs = block(xs)
        return [self.head(x) for x in xs]


def gpt() -> str:
    """The loss of a small GPT on one word."""
    word = [3, 1, 20, 5, 7]
    scores = GPT(27, 8, 2)(word)
    loss = ag.mean([nn.softmax_cross_entropy(one, after) for one, after in zip(scores, [*word[1:], 0], strict=True)])
    loss.backward()
    return viz.to_svg(loss)


PICTURES: dict[str, Callable[[], str]] = {
    "neuron_light": neuron,
    "neuron_dark": lambda: neuron(theme="dark"),
    "neuron_film_light": lambda: neuron_film("light"),
    "neuron_film_dark": lambda: neuron_film("dark"),
    "neuron_step_light": lambda: neuron_step("light"),
    "neuron_step_dark": lambda: neuron_step("dark"),
    "neuron_before": lambda: neuron(passed=False),
    "neuron_backward": lambda: neuron(direction="backward"),
    "frames": frames,
    "neurons": lambda: grouped(1),
    "layers": lambda: grouped(100, group=1),
    "focus": focus,
    "between": between,
    "assigned": assigned,
    "expanded": expanded,
    "cnn": cnn,
    "gpt": gpt,
}


def boundary() -> bytes:
    """The moons of README.md and what its network says of the plane, as PNG."""
    X, y = nn.moons(100, noise=0.1, seed=1)
    model: Any = nn.MLP(2, [16, 16, 1], seed=1)
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    nn.fit(model, X, y, loss=nn.hinge, optimizer=optimizer, epochs=60, batch_size=10, seed=1, progress=False)
    figure: Any = viz.plot_decision_boundary(model, X, y)
    figure.set_dpi(96)
    return bytes(figure._repr_png_())


def main() -> int:
    """Draw every picture, or check those that are there."""
    drawn = {f"{name}.svg": make() for name, make in PICTURES.items()} | {"neuron.html": neuron_page()}
    if "--check" in sys.argv[1:]:
        stale = [name for name, svg in drawn.items() if svg != _read(FOLDER / name)]
        if stale:
            print(f"docs/images: {', '.join(stale)} is not what the code draws; run `make figures`", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name, svg in drawn.items():
        (FOLDER / name).write_text(svg, encoding="utf-8")
        print(f"docs/images/{name}")
    # Its bytes are those of one version of matplotlib, so it is not checked.
    (FOLDER / "boundary.png").write_bytes(boundary())
    print("docs/images/boundary.png")
    return 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
