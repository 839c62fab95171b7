"""Epochs of networks by nn.fit, beside the replay of the same rows alone and the same training by torch.

Digits (1,437 rows) by a bare MLP, a subclass of it, a loss of one's own, parts in a Sequential, with dropout, with
batch norm, and by convolutions; names, letter by letter, by a recurrent network and by a transformer.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from engines import ENGINES, Engine, missing
from tables import Section, at_least, at_most, median_of, number, ratio
from workers import Figures, Stopwatch, in_turns, same_job

NAMES = Path(__file__).resolve().parent.parent / "examples" / "names.txt"
BATCH, RATE, SEED, EPOCHS = 32, 0.005, 7, 5
COMPARED = ("glassgrad", "tensors")
CASES = {
    "mlp": "MLP(64, [32, 10])",
    "subclass": "a subclass of it",
    "loss": "a loss of one's own",
    "sequential": "the same as a Sequential",
    "dropout": "with Dropout(0.2)",
    "batch_norm": "with BatchNorm1d(32)",
    "cnn": "Conv2d(1, 8, 3), MaxPool2d(2), Linear(72, 10)",
    "rnn": "names: Embedding(27, 16), RNNCell(16, 64), Linear(64, 27)",
    "gpt": "names: a block of a transformer, 16 numbers, 4 heads",
}
LETTERS, SIZE, HIDDEN, HEADS, LONGEST, CHANNELS = 27, 16, 64, 4, 16, 8


def digits() -> tuple[Any, Any]:
    """Return four fifths of the images in [0, 1], and their classes."""
    images, targets = import_module("sklearn.datasets").load_digits(return_X_y=True)
    order = list(range(len(targets)))
    random.Random(SEED).shuffle(order)
    rows = order[: len(order) * 4 // 5]
    return images[rows] / 16.0, targets[rows]


def names() -> tuple[list[list[int]], list[list[int]]]:
    """Return names as indices of letters, 0 before each name and behind it: all but the last, and all but the first."""
    words = [[0, *(ord(letter) - 96 for letter in name), 0] for name in NAMES.read_text(encoding="utf-8").split()]
    return [word[:-1] for word in words], [word[1:] for word in words]


def models() -> dict[str, tuple[Callable[[], Any], Any, Callable[[], tuple[Any, Any]]]]:
    """Return for each case how its model is made, its loss and its data."""
    nn, autograd = import_module("nn"), import_module("autograd")

    class Subclass(nn.MLP):  # type: ignore[misc, name-defined]
        """A subclass that changes nothing."""

    def own_loss(logits: Any, target: Any) -> Any:
        return autograd.logsumexp(logits) - autograd.take(logits, target)

    class Recurrent(nn.Module):  # type: ignore[misc, name-defined]
        """The logits of the next letter, from a state that every letter changes."""

        def __init__(self) -> None:
            rng = random.Random(SEED)
            self.embed, self.cell = nn.Embedding(LETTERS, SIZE, seed=rng), nn.RNNCell(SIZE, HIDDEN, seed=rng)
            self.out = nn.Linear(HIDDEN, LETTERS, seed=rng)

        def forward(self, letters: Any) -> Any:
            """Return the logits at each letter."""
            state, logits = None, []
            for letter in letters:
                state = self.cell(self.embed(letter), state)
                logits.append(self.out(state))
            return logits

    class Transformer(nn.Module):  # type: ignore[misc, name-defined]
        """The logits of the next letter, from the letters so far."""

        def __init__(self) -> None:
            rng = random.Random(SEED)
            self.letter, self.place = (nn.Embedding(n, SIZE, init="normal", seed=rng) for n in (LETTERS, LONGEST))
            self.attend = nn.Residual(Each(nn.LayerNorm(SIZE)), nn.CausalSelfAttention(SIZE, HEADS, seed=rng))
            up, down = nn.Linear(SIZE, 4 * SIZE, seed=rng), nn.Linear(4 * SIZE, SIZE, seed=rng)
            self.think = nn.Residual(nn.LayerNorm(SIZE), up, "relu", down)
            self.out = nn.Linear(SIZE, LETTERS, seed=rng)

        def forward(self, letters: Any) -> Any:
            """Return the logits at each letter."""
            xs = []
            for t, letter in enumerate(letters):
                xs.append([a + b for a, b in zip(self.letter(letter), self.place(t), strict=True)])
            return [self.out(self.think(x)) for x in self.attend(xs)]

    class Each(nn.Module):  # type: ignore[misc, name-defined]
        """A part that is applied to each position."""

        def __init__(self, part: Any) -> None:
            self.part = part

        def forward(self, xs: Any) -> Any:
            """Return the results in a list."""
            return [self.part(x) for x in xs]

    def mlp() -> Any:
        return nn.MLP(64, [32, 10], seed=SEED)

    def layers(*between: Any) -> Any:
        return nn.Sequential(nn.Linear(64, 32, seed=SEED), *between, "relu", nn.Linear(32, 10, seed=SEED + 1))

    def convolutional() -> Any:
        conv, out = nn.Conv2d(1, CHANNELS, 3, seed=SEED), nn.Linear(9 * CHANNELS, 10, seed=SEED)
        return nn.Sequential(nn.Reshape(1, 8, 8), conv, "relu", nn.MaxPool2d(2), nn.Flatten(), out)

    entropy = nn.softmax_cross_entropy
    return {
        "mlp": (mlp, entropy, digits),
        "subclass": (lambda: Subclass(64, [32, 10], seed=SEED), entropy, digits),
        "loss": (mlp, own_loss, digits),
        "sequential": (layers, entropy, digits),
        "dropout": (lambda: layers(nn.Dropout(0.2)), entropy, digits),
        "batch_norm": (lambda: layers(nn.BatchNorm1d(32)), entropy, digits),
        "cnn": (convolutional, entropy, digits),
        "rnn": (Recurrent, entropy, names),
        "gpt": (Transformer, entropy, names),
    }


def glassgrad_epochs(case: str, epochs: int) -> Figures:
    """By nn.fit; the replay of the same batches alone, and the seconds of setting up, which are not an epoch's."""
    nn = import_module("nn")
    rows_of_tape, sums = (getattr(import_module("autograd.tape.replay"), name) for name in ("Rows", "Sums"))
    make, loss, data = models()[case]
    X, y = data()

    class Begun:
        """Starts the clock after the first epoch, which has the recordings."""

        changes_model = False

        def __call__(self, epoch: int, history: Any) -> None:
            if epoch == 1:
                self.clock = Stopwatch()

    model, begun, start = make(), Begun(), Stopwatch()
    optimizer = nn.Adam(model.parameters(), lr=RATE)
    nn.fit(
        model, X, y, loss=loss, optimizer=optimizer, epochs=1 + epochs, batch_size=BATCH, seed=SEED, progress=False,
        replay=True, callback=begun,
    )  # fmt: skip
    epoch = begun.clock.seconds() / epochs
    setup = start.seconds() - (1 + epochs) * epoch
    prepared = list(tapes_and_rows(make(), loss, X, y))
    start = Stopwatch()
    for _ in range(epochs):
        for tape, batch, count in prepared:
            room = array("d", bytes(8 * count * tape.output_count))
            seeds = array("d", [1.0 / count, *[0.0] * (tape.output_count - 1)])
            tape.replay(rows_of_tape(batch, count, room, seeds, sums=sums(len(tape.params))))
    replay = start.seconds() / epochs
    return {"seconds": epoch, "replay": replay, "setup": setup}


def tapes_and_rows(model: Any, loss: Any, X: Any, y: Any) -> Iterator[tuple[Any, array[float], int]]:
    """Yield for each batch of an epoch the tape that nn.fit replays on it, its rows, and their number."""
    samples = import_module("nn.checked_samples").checked_samples(X, y)
    rule = import_module("nn.decisions").rule_of(loss)
    objective = import_module("nn.training_step").Objective(model, loss, rule)
    found, draws_of = import_module("nn.batches"), import_module("nn.generator").Draws
    of_shape: dict[Any, Any] = {}
    for batch in found.batches(found.grouped(samples), BATCH, SEED, 1):
        whole = objective.whole_batch  # one row of its tape is a batch
        count = len(batch.rows) if whole else 1
        tapes = of_shape.get((batch.group, count))
        if tapes is None:
            tapes = of_shape[batch.group, count] = import_module("nn.row_tapes").ShapeTapes(batch.group, count)
            function = objective.batch if whole else objective.sample
            tapes.looked_at(function, model.named_modules(), 1, draws_of(SEED, 1, batch.group.rows[:count]))
        rows = tapes.rows(batch.places, draws_of(SEED, 1, batch.rows))
        yield tapes.tapes[0], rows, len(batch.rows) // count


def torch_epochs(torch: Any, case: str, epochs: int) -> Figures:
    """By a loop as torch's manual has it, eagerly, with its own layers."""
    X, y = models()[case][2]()
    model = torch_models(torch)[case if case in ("dropout", "batch_norm", "cnn", "rnn", "gpt") else "mlp"]().double()
    optimizer, criterion = torch.optim.Adam(model.parameters(), lr=RATE), torch.nn.CrossEntropyLoss()
    groups = []
    for length in sorted({len(row) for row in X}):  # the rows of a batch have one length
        places = [place for place, row in enumerate(X) if len(row) == length]
        kind = torch.int64 if case in ("rnn", "gpt") else torch.float64
        rows = torch.tensor([list(X[place]) for place in places], dtype=kind)
        groups.append((rows, torch.tensor([y[place] for place in places])))
    start = Stopwatch()
    for _ in range(epochs):
        batches = [(rows[b], t[b]) for rows, t in groups for b in torch.randperm(len(t)).split(BATCH)]
        for rows, targets in batches:
            optimizer.zero_grad()
            logits = model(rows)
            criterion(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)).backward()
            optimizer.step()
    return {"seconds": start.seconds() / epochs}


def torch_models(torch: Any) -> dict[str, Callable[[], Any]]:
    """Return how the networks are made of torch's layers."""
    nn = torch.nn

    class Recurrent(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.rnn = nn.Embedding(LETTERS, SIZE), nn.RNN(SIZE, HIDDEN, batch_first=True)
            self.out = nn.Linear(HIDDEN, LETTERS)

        def forward(self, letters: Any) -> Any:
            return self.out(self.rnn(self.embed(letters))[0])

    class Transformer(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.letter, self.place = nn.Embedding(LETTERS, SIZE), nn.Embedding(LONGEST, SIZE)
            self.norm, self.attend = nn.LayerNorm(SIZE), nn.MultiheadAttention(SIZE, HEADS, batch_first=True)
            self.think = nn.Sequential(
                nn.LayerNorm(SIZE), nn.Linear(SIZE, 4 * SIZE), nn.ReLU(), nn.Linear(4 * SIZE, SIZE)
            )
            self.out = nn.Linear(SIZE, LETTERS)

        def forward(self, letters: Any) -> Any:
            length = letters.shape[1]
            x = self.letter(letters) + self.place.weight[:length]
            y, mask = self.norm(x), torch.ones(length, length, dtype=torch.bool).triu(1)
            x = x + self.attend(y, y, y, attn_mask=mask, is_causal=True, need_weights=False)[0]
            return self.out(x + self.think(x))

    def layers(*between: Any) -> Any:
        return nn.Sequential(nn.Linear(64, 32), *between, nn.ReLU(), nn.Linear(32, 10))

    def convolutional() -> Any:
        conv, out = nn.Conv2d(1, CHANNELS, 3), nn.Linear(9 * CHANNELS, 10)
        return nn.Sequential(nn.Unflatten(1, (1, 8, 8)), conv, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), out)

    return {
        "mlp": layers,
        "dropout": lambda: layers(nn.Dropout(0.2)),
        "batch_norm": lambda: layers(nn.BatchNorm1d(32)),
        "cnn": convolutional,
        "rnn": Recurrent,
        "gpt": Transformer,
    }


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
    """Return the table of all networks."""
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
        "is the ratio to glassgrad in the same round; torch runs eagerly, with its own layers of the same sizes. Of "
        f"the {len(names()[0]):,} names those of a batch have one length, here and in torch."
    )
    return Section("Training of any model", note, headers, rows, targets)
