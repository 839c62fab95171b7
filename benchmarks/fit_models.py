"""Epochs of six networks by nn.fit, beside the replay of the same rows alone and the same training by torch.

Digits (1,437 rows) by a bare MLP, a subclass of it, a loss of one's own, and parts in a Sequential; the same images by
a convolution written as plain functions; and sequences of eight numbers by a recurrence written as plain functions.
"""

from __future__ import annotations

import functools
import random
from array import array
from collections.abc import Callable
from importlib import import_module
from typing import Any

from engines import ENGINES, Engine, missing
from tables import Section, at_least, at_most, median_of, number, ratio
from workers import Figures, Stopwatch, in_turns, same_job

BATCH, RATE, SEED, EPOCHS = 32, 0.005, 7, 10
COMPARED = ("glassgrad", "tensors")
CASES = {
    "mlp": "MLP(64, [32, 10])",
    "subclass": "a subclass of it",
    "loss": "a loss of one's own",
    "sequential": "the same as a Sequential",
    "cnn": "a convolution, plain functions",
    "rnn": "a recurrence, plain functions",
}
CHANNELS, HIDDEN, STEPS = 4, 8, 8


def digits() -> tuple[Any, Any]:
    """Return four fifths of the images in [0, 1], and their classes."""
    images, targets = import_module("sklearn.datasets").load_digits(return_X_y=True)
    order = list(range(len(targets)))
    random.Random(SEED).shuffle(order)
    rows = order[: len(order) * 4 // 5]
    return images[rows] / 16.0, targets[rows]


def sequences() -> tuple[list[list[float]], list[int]]:
    """Return 1,000 sequences of numbers, and whether their ends are further from zero than their beginnings."""
    rng = random.Random(SEED)
    rows = [[rng.gauss(0.0, 1.0) for _ in range(STEPS)] for _ in range(1000)]
    return rows, [int(sum(map(abs, row[4:])) > sum(map(abs, row[:4]))) for row in rows]


def models() -> dict[str, tuple[Callable[[], Any], Any, Callable[[], tuple[Any, Any]]]]:
    """Return for each case how its model is made, its loss and its data."""
    nn, autograd = import_module("nn"), import_module("autograd")

    class Subclass(nn.MLP):  # type: ignore[misc, name-defined]
        """A subclass that changes nothing."""

    def own_loss(logits: Any, target: Any) -> Any:
        return autograd.logsumexp(logits) - autograd.take(logits, target)

    class Convolution(nn.Module):  # type: ignore[misc, name-defined]
        """Four filters of 3 x 3, the largest of each 2 x 2, and a linear map."""

        def __init__(self) -> None:
            rng = random.Random(SEED)
            self.filters = [[autograd.Value(rng.gauss(0.0, 0.3)) for _ in range(9)] for _ in range(CHANNELS)]
            self.biases = [autograd.Value(0.0) for _ in range(CHANNELS)]
            self.out = nn.Linear(CHANNELS * 9, 10, seed=SEED)

        def forward(self, x: Any) -> Any:
            """Return ten logits for 64 pixels."""
            patches = [[x[8 * (i + a) + j + b] for a in range(3) for b in range(3)] for i in range(6) for j in range(6)]
            found = []
            for weights, bias in zip(self.filters, self.biases, strict=True):
                pixels = [autograd.relu(autograd.dot(weights, patch) + bias) for patch in patches]
                for corner in [12 * i + 2 * j for i in range(3) for j in range(3)]:
                    four = [pixels[corner + place] for place in (0, 1, 6, 7)]
                    found.append(functools.reduce(autograd.maximum, four))
            return self.out(found)

    class Recurrence(nn.Module):  # type: ignore[misc, name-defined]
        """A state of eight numbers, updated by tanh, and a linear map of the last one."""

        def __init__(self) -> None:
            self.into, self.on = nn.Linear(1, HIDDEN, seed=SEED), nn.Linear(HIDDEN, HIDDEN, bias=False, seed=SEED + 1)
            self.out = nn.Linear(HIDDEN, 2, seed=SEED + 2)

        def forward(self, x: Any) -> Any:
            """Return two logits for a sequence."""
            state: Any = [0.0] * HIDDEN
            for one in x:
                state = [autograd.tanh(a + b) for a, b in zip(self.into([one]), self.on(state), strict=True)]
            return self.out(state)

    def mlp() -> Any:
        return nn.MLP(64, [32, 10], seed=SEED)

    def parts() -> Any:
        return nn.Sequential(nn.Linear(64, 32, seed=SEED), "relu", nn.Linear(32, 10, seed=SEED + 1))

    entropy = nn.softmax_cross_entropy
    return {
        "mlp": (mlp, entropy, digits),
        "subclass": (lambda: Subclass(64, [32, 10], seed=SEED), entropy, digits),
        "loss": (mlp, own_loss, digits),
        "sequential": (parts, entropy, digits),
        "cnn": (Convolution, entropy, digits),
        "rnn": (Recurrence, entropy, sequences),
    }


def glassgrad_epochs(case: str, epochs: int) -> Figures:
    """By nn.fit; the replay of the same batches alone, and the seconds of setting up, which are not an epoch's."""
    nn, autograd = import_module("nn"), import_module("autograd")
    rows_of_tape, sums = (getattr(import_module("autograd.tape.replay"), name) for name in ("Rows", "Sums"))
    make, loss, data = models()[case]
    X, y = data()

    def train(count: int) -> float:
        model = make()
        optimizer = nn.Adam(model.parameters(), lr=RATE)
        start = Stopwatch()
        options = {"loss": loss, "optimizer": optimizer, "batch_size": BATCH, "seed": SEED, "progress": False}
        nn.fit(model, X, y, epochs=count, replay=True, **options)
        return start.seconds()

    setup = train(1)
    epoch = (train(1 + epochs) - setup) / epochs
    model = make()
    decided = getattr(loss, "decision", None) is not None

    def outputs(x: Any, target: Any) -> Any:
        prediction = model(x)
        return [loss(prediction, target), *(prediction if decided else ())]

    tape = autograd.record(outputs, inputs=[list(X[0]), int(y[0])])
    table = array("d", [float(v) for row, target in zip(X, y, strict=True) for v in (*row, target)])
    width, count = tape.input_count, len(y)
    start = Stopwatch()
    for _ in range(epochs):
        for first in range(0, count, BATCH):
            size = min(BATCH, count - first)
            room = array("d", bytes(8 * size * tape.output_count))
            seeds = array("d", [1.0 / size, *[0.0] * (tape.output_count - 1)])
            batch = table[first * width : (first + size) * width]
            tape.replay(rows_of_tape(batch, size, room, seeds, sums=sums(len(tape.params))))
    replay = start.seconds() / epochs
    return {"seconds": epoch, "replay": replay, "setup": setup - epoch}


def torch_epochs(torch: Any, case: str, epochs: int) -> Figures:
    """By a loop as torch's manual has it, eagerly, with its own layers."""
    X, y = models()[case][2]()
    rows, targets = torch.tensor(X, dtype=torch.float64), torch.tensor(y)
    nn = torch.nn

    class Recurrence(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.out = nn.RNN(1, HIDDEN, batch_first=True), nn.Linear(HIDDEN, 2)

        def forward(self, x: Any) -> Any:
            return self.out(self.rnn(x.unsqueeze(2))[0][:, -1])

    if case == "rnn":
        model: Any = Recurrence()
    elif case == "cnn":
        model = nn.Sequential(
            nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, CHANNELS, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(CHANNELS * 9, 10),
        )  # fmt: skip
    else:
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    model = model.double()
    optimizer, criterion = torch.optim.Adam(model.parameters(), lr=RATE), nn.CrossEntropyLoss()
    start = Stopwatch()
    for _ in range(epochs):
        for batch in torch.randperm(len(targets)).split(BATCH):
            optimizer.zero_grad()
            criterion(model(rows[batch]), targets[batch]).backward()
            optimizer.step()
    return {"seconds": start.seconds() / epochs}


class Work:
    """Measures one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.module = engine.load()

    def measure(self, case: str, epochs: int) -> Figures:
        """Return the seconds of an epoch, and for glassgrad those of the replay alone."""
        if self.engine.key == "tensors":
            return torch_epochs(self.module, case, epochs)
        return glassgrad_epochs(case, epochs)


def section(rounds: int) -> Section:
    """Return the table of the six."""
    headers = ["network", "nn.fit, ms an epoch", "× replay alone", "setting up, ms", "torch, ms an epoch", "×"]
    if why := missing(ENGINES["sklearn"]):
        return Section("Training of any model", f"scikit-learn, whose images these are: {why}.", headers, [])
    rows, targets = [], []
    for case, title in CASES.items():
        times = in_turns("fit_models", same_job(COMPARED, case=case, epochs=EPOCHS), rounds)
        ours = times["glassgrad"]
        epoch, replay, setup = (1e3 * median_of(ours, name) for name in ("seconds", "replay", "setup"))
        row = [title, number(epoch), f"{epoch / replay:.2f}", number(setup), "–", "–"]
        targets.append(at_most(f"an epoch of {title}, against the replay alone", epoch / replay, 2.0, "×"))
        if "tensors" in times:
            against = ratio(times["tensors"], ours, "seconds")
            row[4:] = [number(1e3 * median_of(times["tensors"], "seconds")), str(against)]
            targets.append(at_least(f"an epoch of {title}, against {ENGINES['tensors'].title}", against, 1))
        rows.append(row)
    note = (
        f"Adam, batches of {BATCH}, doubles, one thread: median of {rounds} rounds of {EPOCHS} epochs. The replay "
        "alone runs the tape forward and backward on the same batches in their order, without an optimiser. × of torch "
        "is the ratio to glassgrad in the same round; torch runs eagerly, with its own layers of the same sizes."
    )
    return Section("Training of any model", note, headers, rows, targets)
