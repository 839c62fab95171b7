"""Training on real images: the 1,797 digits of scikit-learn, by nn.fit, torch and scikit-learn's own network.

MLP(64, [32, 10]), softmax cross-entropy, Adam, batches of 32, doubles, one thread. A fifth is held out. glassgrad and
torch start from the same numbers, take the same batches, and must come to the same losses.
"""

from __future__ import annotations

import random
import warnings
from importlib import import_module
from typing import Any

from engines import ENGINES, Engine, has_avx512, missing
from tables import Section, Target, at_least, at_most, median_of, number, ratio, within
from workers import Figures, Stopwatch, check_same, in_turns, same_job

HIDDEN, CLASSES = 32, 10
BATCH, RATE, SEED = 32, 0.005, 7
EPOCHS = 20
COMPARED = ("glassgrad", "tensors", "sklearn")
AHEAD = {"tensors": 5, "sklearn": 3}


class Digits:
    """The images in [0, 1], in a fixed random order: four fifths to train on, one held out."""

    def __init__(self) -> None:
        images, targets = import_module("sklearn.datasets").load_digits(return_X_y=True)
        order = list(range(len(targets)))
        random.Random(SEED).shuffle(order)
        split = len(order) * 4 // 5
        self.images, self.targets = images[order[:split]] / 16.0, targets[order[:split]]
        self.held_images, self.held_targets = images[order[split:]] / 16.0, targets[order[split:]]


def glassgrad_fit(digits: Digits, epochs: int) -> Figures:
    """By nn.fit; recording is in the time. And by as many fits of one epoch."""
    nn = import_module("nn")
    model = nn.MLP(64, [HIDDEN, CLASSES], seed=SEED)
    options = {"loss": nn.softmax_cross_entropy, "batch_size": BATCH, "seed": SEED, "progress": False}
    start = Stopwatch()
    optimizer = nn.Adam(model.parameters(), lr=RATE)
    history = nn.fit(model, digits.images, digits.targets, optimizer=optimizer, epochs=epochs, **options)
    seconds = start.seconds()
    again = nn.MLP(64, [HIDDEN, CLASSES], seed=SEED)
    start = Stopwatch()
    optimizer = nn.Adam(again.parameters(), lr=RATE)
    for _ in range(epochs):
        nn.fit(again, digits.images, digits.targets, optimizer=optimizer, epochs=1, **options)
    short = start.seconds()
    accuracy = nn.accuracy(model, digits.held_images, digits.held_targets, nn.softmax_cross_entropy)
    return {"seconds": seconds, "short": short, "accuracy": accuracy, "loss": history.loss[-1]}


def torch_fit(torch: Any, digits: Digits, epochs: int) -> Figures:
    """By a loop as torch's manual has it."""
    model = torch.nn.Sequential(torch.nn.Linear(64, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES)).double()
    same = import_module("nn").MLP(64, [HIDDEN, CLASSES], seed=SEED)
    for linear, layer in zip((model[0], model[2]), same.layers, strict=True):
        weights = [[w.data for w in neuron.w] for neuron in layer.neurons]
        linear.weight.data = torch.tensor(weights, dtype=torch.float64)
        linear.bias.data = torch.tensor([neuron.b.data for neuron in layer.neurons], dtype=torch.float64)
    start = Stopwatch()
    images, targets = torch.tensor(digits.images), torch.tensor(digits.targets)
    optimizer, criterion = torch.optim.Adam(model.parameters(), lr=RATE), torch.nn.CrossEntropyLoss()
    generator = import_module("nn.generator")
    key = generator.key_of(SEED)
    for epoch in range(1, epochs + 1):
        order = generator.order_of_rows(key, epoch, len(targets))  # that of nn.fit
        total = 0.0
        for rows in torch.tensor(order).split(BATCH):
            optimizer.zero_grad()
            loss = criterion(model(images[rows]), targets[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
    seconds = start.seconds()
    with torch.no_grad():
        right = model(torch.tensor(digits.held_images)).argmax(1) == torch.tensor(digits.held_targets)
    return {"seconds": seconds, "accuracy": right.double().mean().item(), "loss": total / len(order)}


def sklearn_fit(digits: Digits, epochs: int) -> Figures:
    """By MLPClassifier, which draws its own first numbers and batches."""
    network = import_module("sklearn.neural_network")
    model = network.MLPClassifier(
        (HIDDEN,), batch_size=BATCH, learning_rate_init=RATE, alpha=0.0, max_iter=epochs, n_iter_no_change=epochs,
        random_state=SEED,
    )  # fmt: skip
    start = Stopwatch()
    with warnings.catch_warnings():
        # so many epochs are what is asked for
        warnings.simplefilter("ignore", import_module("sklearn.exceptions").ConvergenceWarning)
        model.fit(digits.images, digits.targets)
    seconds = start.seconds()
    accuracy = float(model.score(digits.held_images, digits.held_targets))
    return {"seconds": seconds, "accuracy": accuracy, "loss": model.loss_}


class Work:
    """Measures one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.module = engine.load()
        self.digits = Digits()

    def measure(self, epochs: int) -> Figures:
        """Seconds of a training, its last loss, and the share of the held-out images that it then gets right."""
        if self.engine.key == "tensors":
            return torch_fit(self.module, self.digits, epochs)
        return (sklearn_fit if self.engine.key == "sklearn" else glassgrad_fit)(self.digits, epochs)


def section(rounds: int) -> Section:
    """The table of the three."""
    headers = ["engine", "seconds", "×", "held-out fifth"]
    if why := missing(ENGINES["sklearn"]):
        return Section("Training on digits", f"scikit-learn, whose images these are: {why}.", headers, [])
    times = in_turns("digits_fit", same_job(COMPARED, epochs=EPOCHS), rounds)
    # the first roundings differ, and a thousand steps of Adam carry them on
    check_same("digits", {key: figures for key, figures in times.items() if key != "sklearn"}, tolerance=1e-6)
    ours = times.get("glassgrad")
    rows = []
    for key in COMPARED:
        if key not in times:
            rows.append([f"{ENGINES[key].title}: {missing(ENGINES[key])}", *["–"] * 4])
            continue
        seconds, accuracy = (median_of(times[key], name) for name in ("seconds", "accuracy"))
        against = str(ratio(times[key], ours, "seconds")) if ours else "–"
        rows.append([ENGINES[key].versioned(), number(seconds), against, f"{100 * accuracy:.1f} %"])
    short = f"; {EPOCHS} fits of one epoch took {ratio(ours, ours, 'short', 'seconds')} times as long" if ours else ""
    note = (
        f"scikit-learn's 1,797 images of 8×8, MLP(64, [{HIDDEN}, {CLASSES}]), relu, softmax cross-entropy, Adam, "
        f"batches of {BATCH}, {EPOCHS} epochs, doubles, one thread: median of {rounds} trainings in turns, after one "
        "that is not counted. × is the ratio to glassgrad in the same round. glassgrad: `nn.fit`, checks and "
        f"recording included{short}. torch: the same first numbers and batches, in a loop in Python; the last epoch's "
        "losses agree to 1e-6. scikit-learn: `MLPClassifier` with the same sizes and rate, its own first numbers and "
        "order."
    )
    return Section("Training on digits", note, headers, rows, targets(times))


def targets(times: dict[str, list[Figures]]) -> list[Target]:
    """What is asked of the training."""
    ours = times.get("glassgrad")
    if not ours:
        return []
    accuracy = median_of(ours, "accuracy")
    work = "digits by nn.fit"
    found = [Target(f"{work}, right of the held-out fifth", "> 96 %", f"{100 * accuracy:.1f} %", accuracy > 0.96)]
    if has_avx512():
        found.insert(0, at_most(work, median_of(ours, "seconds"), 1.0, "s"))
    short = ratio(ours, ours, "short", "seconds")
    found.append(within(f"{EPOCHS} fits of one epoch, against one fit of {EPOCHS}", short, 2))
    return found + [
        at_least(f"{work}, against {ENGINES[key].title}", ratio(times[key], ours, "seconds"), bound)
        for key, bound in AHEAD.items()
        if key in times
    ]
