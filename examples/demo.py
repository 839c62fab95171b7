"""Train two small networks and draw what went on inside: this is `make demo`.

Writes its pictures to the folder out/ (or the one that --out names). Exits with 1 where a network misses its target.
It needs matplotlib and scikit-learn, the extra `demo`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sklearn.datasets import load_iris

import autograd
import nn
import viz
from autograd import Value

IRIS_FEATURES = ("sepal length", "sepal width", "petal length", "petal width")

Row = list[float]


class Album:
    """The folder of the pictures, and a list of its files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.files: list[tuple[Path, str]] = []
        self.omitted: list[str] = []

    def path(self, name: str, about: str) -> Path:
        """List a picture with what it shows, and return the path to write it to."""
        self.files.append((self.folder / name, about))
        return self.folder / name

    def add_graph(self, root: Value, stem: str, about: str) -> None:
        """Draw a graph as SVG, and as PNG if Graphviz is installed."""
        viz.draw(root, self.path(f"{stem}.svg", about))
        try:
            viz.draw(root, self.folder / f"{stem}.png")
        except viz.GraphvizNotFound:
            self.omitted.append(f"{stem}.png")
        else:
            self.path(f"{stem}.png", "the same as a bitmap")

    def show(self) -> None:
        """Print the files with their sizes."""
        print(f"\nWritten to {self.folder}/")
        for path, about in self.files:
            print(f"  {path.name:<24} {path.stat().st_size / 1000:7.1f} kB  {about}")
        if self.omitted:
            print(f"  No {', '.join(self.omitted)}: these need Graphviz's dot program; the SVG shows the same.")


def train_on_moons(album: Album) -> tuple[nn.MLP, float]:
    """Train on two features and two classes; return the model and its accuracy on the training points."""
    X, y = nn.moons(100, noise=0.1, seed=1)
    model = nn.MLP(2, [16, 16, 1], seed=1)
    print(f"Two moons: 100 points, {model}, {len(model.parameters())} parameters")
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    history = nn.fit(model, X, y, loss=nn.hinge, optimizer=optimizer, epochs=60, batch_size=10, seed=1)

    viz.plot_history(history, album.path("moons_training.png", "two moons: loss and accuracy over the epochs"))
    viz.plot_decision_boundary(model, X, y, album.path("moons_boundary.png", "two moons: what the network says where"))
    return model, nn.accuracy(model, X, y, nn.hinge)


def train_on_iris(album: Album) -> tuple[nn.MLP, float, list[Row], list[int]]:
    """Train on four features and three classes; return the model, its accuracy on a held-out third, and that third."""
    X, y = load_iris(return_X_y=True)
    X_train, X_test, y_train, y_test = nn.split(X.tolist(), y.tolist(), test=1 / 3, seed=1)
    model = nn.MLP(4, [8, 3], seed=1)
    print(f"\nIris: {len(X_train)} flowers, {len(X_test)} held out, {model}, {len(model.parameters())} parameters")
    optimizer = nn.Adam(model.parameters(), lr=0.01)
    loss = nn.softmax_cross_entropy
    history = nn.fit(model, X_train, y_train, loss=loss, optimizer=optimizer, epochs=100, batch_size=10, seed=1)

    viz.plot_history(history, album.path("iris_training.png", "iris: loss and accuracy over the epochs"))
    return model, nn.accuracy(model, X_test, y_test, loss), X_test, y_test


def report(accuracy: float, on: str, reached: bool, target: str) -> bool:
    """Print the accuracy of a network, and return whether it reached its target."""
    print(f"  {accuracy:.1%} of {on} are right; the target is {target}: {'reached' if reached else 'MISSED'}")
    return reached


def draw_apple_bill(album: Album) -> None:
    """Draw the bill for two apples at 100 each with a tax of 10 %, and its gradients."""
    apples, price, tax = Value(2, "苹果 apple"), Value(100, "price"), Value(1.1, "tax")
    bill = apples * price * tax
    bill.label = "bill"
    bill.backward()
    print("\nThe bill for two apples. Its gradients: one apple more costs 110; one cent more on the price, 2.2 cents.")
    viz.print_graph(bill)
    album.add_graph(bill, "apple_bill", "two apples at 100 each and a tax of 10 %")


def draw_neuron(album: Album, model: nn.MLP) -> None:
    """Draw one neuron of the first layer on one point: the neuron with the largest output."""
    point = [Value(0.5, "x1"), Value(0.5, "x2")]
    neuron = max(model.layers[0].neurons, key=lambda neuron: neuron(point).data)
    model.zero_grad()
    output = neuron(point)
    output.label = "output"
    output.backward()
    album.add_graph(output, "neuron", "two moons: one neuron of the trained network")


def draw_worst_loss(album: Album, model: nn.MLP, X: list[Row], y: list[int]) -> None:
    """Draw the loss of the flower with the largest loss, and its gradient by every weight."""

    def loss_of(sample: int) -> Value:
        flower = [Value(x, feature) for x, feature in zip(X[sample], IRIS_FEATURES, strict=True)]
        return nn.softmax_cross_entropy(model(flower), y[sample])

    worst = max(range(len(X)), key=lambda sample: loss_of(sample).data)
    model.zero_grad()
    loss = loss_of(worst)
    loss.label = "loss"
    loss.backward()
    album.add_graph(loss, "iris_loss", "iris: the loss of the flower it gets most wrong")


def main() -> int:
    """Train, draw, list the files, and return the exit status."""
    parser = argparse.ArgumentParser(description="train two small networks and draw what went on inside")
    parser.add_argument("--out", type=Path, default=Path("out"), help="the folder for the pictures (default: out)")
    album = Album(parser.parse_args().out)
    print(f"glassgrad {autograd.__version__}, {'compiled' if autograd.compiled else 'pure Python'} engine\n")

    moons_model, accuracy = train_on_moons(album)
    reached = [report(accuracy, "the points", accuracy == 1.0, "100 %")]
    iris_model, accuracy, X_test, y_test = train_on_iris(album)
    reached.append(report(accuracy, "the flowers held out", accuracy > 0.9, "over 90 %"))

    draw_apple_bill(album)
    draw_neuron(album, moons_model)
    draw_worst_loss(album, iris_model, X_test, y_test)
    album.show()
    print("\nWhat to try next")
    print(f"  look at {album.folder / 'apple_bill.svg'} in a browser, then at neuron.svg and iris_loss.svg beside it")
    print("  change the layers in examples/train_moons.py, then: .venv/bin/python examples/train_moons.py")
    print("  type the session of README.md into .venv/bin/python, with numbers of your own")
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
