"""A character GPT of one layer in lists of lists of numbers, trained on made-up words.

The model and the training know nothing of glassgrad: they take the class of the numbers. So the same script runs on
glassgrad's Value and on the plain class of this folder, and must come to the same losses. The floor is what the script
takes with a class whose operators do nothing.
"""

from __future__ import annotations

import gc
import itertools
import random
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from engines import ENGINES, Engine
from tables import Section, Target, median_of, number, ratio, within
from workers import Figures, Job, check_same, clock, in_turns

WIDTH, HEADS, BLOCK, VOCABULARY = 16, 4, 16, 27
BOUNDARY = 26  # the token before and after a word
RATE, BETA1, BETA2, EPS = 0.01, 0.85, 0.99, 1e-8

Vector = list[Any]
Matrix = list[list[Any]]


def words(count: int) -> list[list[int]]:
    """Words of two to four syllables as tokens, a = 0 to z = 25, with a boundary at both ends."""
    rng = random.Random(3)
    found = []
    for _ in range(count):
        syllables = [rng.choice("bcdfghjklmnprstvwyz") + rng.choice("aeiou") for _ in range(rng.randint(2, 4))]
        word = "".join(syllables) + rng.choice(["", "n", "s", "l"])
        found.append([BOUNDARY, *(ord(letter) - ord("a") for letter in word), BOUNDARY])
    return found


def matrix(value: Any, rng: random.Random, rows: int, columns: int) -> Matrix:
    """Small random numbers."""
    return [[value(rng.gauss(0.0, 0.08)) for _ in range(columns)] for _ in range(rows)]


def linear(x: Vector, weights: Matrix) -> Vector:
    """weights · x, without a bias."""
    return [sum(w * xi for w, xi in zip(row, x, strict=True)) for row in weights]


def add(x: Vector, y: Vector) -> Vector:
    """x + y."""
    return [a + b for a, b in zip(x, y, strict=True)]


def softmax(x: Vector, top: Any) -> Vector:
    """exp(x - top) over its sum."""
    powers = [(xi - top).exp() for xi in x]
    total = sum(powers)
    return [power / total for power in powers]


def rmsnorm(x: Vector) -> Vector:
    """x over the root of its mean square."""
    scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


class GPT:
    """Token and position embeddings, one layer of attention and a perceptron, and a projection to the vocabulary."""

    def __init__(self, value: Any) -> None:
        rng = random.Random(4)
        self.token_embedding = matrix(value, rng, VOCABULARY, WIDTH)
        self.position_embedding = matrix(value, rng, BLOCK, WIDTH)
        self.queries, self.keys, self.values, self.mix = (matrix(value, rng, WIDTH, WIDTH) for _ in range(4))
        self.up, self.down = matrix(value, rng, 4 * WIDTH, WIDTH), matrix(value, rng, WIDTH, 4 * WIDTH)
        self.head = matrix(value, rng, VOCABULARY, WIDTH)

    def parameters(self) -> Vector:
        """All its numbers."""
        return [number for weights in vars(self).values() for row in weights for number in row]

    def embedding(self, token: Any) -> Vector:
        """The numbers of a token."""
        return self.token_embedding[token]

    def softmax(self, x: Vector) -> Vector:
        """exp(x) over its sum; the largest number is taken off first."""
        return softmax(x, max(xi.data for xi in x))

    def chosen(self, shares: Vector, target: Any) -> Any:
        """The share of the target."""
        return shares[target]

    def logits(self, token: Any, position: int, seen: list[tuple[Vector, Vector]]) -> Vector:
        """What may follow a token; `seen` holds the keys and values of those before it, and takes its own."""
        x = rmsnorm(add(self.embedding(token), self.position_embedding[position]))
        x = add(x, linear(self.attention(rmsnorm(x), seen), self.mix))
        hidden = [h.relu() ** 2 for h in linear(rmsnorm(x), self.up)]
        return linear(add(x, linear(hidden, self.down)), self.head)

    def attention(self, x: Vector, seen: list[tuple[Vector, Vector]]) -> Vector:
        """The values of the tokens so far, mixed in each head by how their keys meet this token's query."""
        query = linear(x, self.queries)
        seen.append((linear(x, self.keys), linear(x, self.values)))
        size = WIDTH // HEADS
        mixed: Vector = []
        for start in range(0, WIDTH, size):
            part = range(start, start + size)
            scores = [sum(query[i] * key[i] for i in part) / size**0.5 for key, _ in seen]
            shares = self.softmax(scores)
            mixed += [sum(share * value[i] for share, (_, value) in zip(shares, seen, strict=True)) for i in part]
        return mixed

    def loss(self, tokens: Sequence[Any]) -> Any:
        """The mean of -log(probability) over the tokens that follow."""
        seen: list[tuple[Vector, Vector]] = []
        losses = []
        for position, (token, target) in enumerate(itertools.pairwise(tokens[: BLOCK + 1])):
            losses.append(-self.chosen(self.softmax(self.logits(token, position, seen)), target).log())
        return sum(losses) / len(losses)


class Adam:
    """Adam in the user's Python."""

    def __init__(self, parameters: Vector) -> None:
        self.parameters = parameters
        self.first, self.second = [0.0] * len(parameters), [0.0] * len(parameters)
        self.steps = 0

    def step(self) -> None:
        """Change all parameters and set their gradients to zero."""
        self.steps += 1
        first, second = self.first, self.second
        correction1, correction2 = 1 - BETA1**self.steps, 1 - BETA2**self.steps
        for i, p in enumerate(self.parameters):
            first[i] = BETA1 * first[i] + (1 - BETA1) * p.grad
            second[i] = BETA2 * second[i] + (1 - BETA2) * p.grad**2
            p.data -= RATE * (first[i] / correction1) / ((second[i] / correction2) ** 0.5 + EPS)
            p.grad = 0.0


class LibraryAdam:
    """The same by glassgrad's nn."""

    def __init__(self, parameters: Vector) -> None:
        nn = import_module("nn")
        self.optimizer = nn.Adam(parameters, lr=RATE, betas=(BETA1, BETA2), eps=EPS)

    def step(self) -> None:
        """Change all parameters and set their gradients to zero."""
        self.optimizer.step()
        self.optimizer.zero_grad()


class Work:
    """Trains with one engine; training goes on from call to call."""

    def __init__(self, engine: Engine) -> None:
        self.model = GPT(engine.load().Value)
        self.words = words(1000)
        self.at = 0
        self.optimizers: dict[str, Adam | LibraryAdam] = {}

    def measure(self, steps: int, kind: str) -> Figures:
        """Milliseconds a step and the last loss; `kind` is one of KINDS."""
        first, *chosen = (self.words[(self.at + i) % len(self.words)] for i in range(steps + 1))
        self.at += steps + 1
        if kind in ("alone", "collected"):
            self.without_optimizer([first], collected=False)  # caches that others have emptied since the last turn
            return self.without_optimizer(chosen, kind == "collected")
        if kind not in self.optimizers:
            self.optimizers[kind] = (Adam if kind == "whole" else LibraryAdam)(self.model.parameters())
        self.whole_steps([first], self.optimizers[kind])
        return self.whole_steps(chosen, self.optimizers[kind])

    def whole_steps(self, chosen: list[list[int]], optimizer: Adam | LibraryAdam) -> Figures:
        """Forward, backward, Adam, and freeing the graph."""
        start = clock()
        for tokens in chosen:
            loss = self.model.loss(tokens)
            loss.backward()
            optimizer.step()
        data = loss.data
        del loss
        return {"step": (clock() - start) / len(chosen) / 1e6, "loss": data}

    def without_optimizer(self, chosen: list[list[int]], collected: bool) -> Figures:
        """Forward, backward, and freeing the graph before; what the collector owes is paid in the time or out of it."""
        spent, parameters, loss = 0, self.model.parameters(), None
        for tokens in chosen:
            if collected:
                loss = None
                gc.collect()
            start = clock()
            loss = self.model.loss(tokens)
            loss.backward()
            spent += clock() - start
            for parameter in parameters:
                parameter.grad = 0.0
        assert loss is not None
        data, start = loss.data, clock()
        del loss
        return {"step": (spent + clock() - start) / len(chosen) / 1e6, "loss": data}


KINDS = {
    "whole": "whole steps, Adam in the script",
    "alone": "forward and backward alone",
    "collected": "the same, each after a collection",
    "library": "whole steps, nn.Adam",
}
ABOVE_FLOOR = 3.2
AGAINST = {kind: "whole" if kind == "library" else kind for kind in KINDS}  # the plain class has the script's Adam only


def jobs(steps: int) -> dict[str, Job]:
    """One for each kind and engine, named "kind engine"."""
    return {
        f"{kind} {key}": Job(key, {"steps": steps, "kind": kind})
        for kind in KINDS
        for key in ("glassgrad", "pure", "plain", "floor")
        if (kind, key) != ("library", "plain") and (key != "floor" or kind == "alone")
    }


def section(rounds: int, steps: int) -> Section:
    """The table of the three ways to measure."""
    times = in_turns("gpt_steps", jobs(steps), rounds)
    for trained in (("whole", "library"), ("alone", "collected")):
        same = {name: figures for name, figures in times.items() if name.split()[0] in trained}
        check_same("GPT", {name: figures for name, figures in same.items() if name != "alone floor"})
    rows, targets = [], list[Target]()
    for name, figures in times.items():
        kind, key = name.split()
        faster = ratio(times[f"{AGAINST[kind]} plain"], figures, "step")
        rows.append([KINDS[kind], ENGINES[key].title, number(median_of(figures, "step")), str(faster)])
    if "alone glassgrad" in times and "alone floor" in times:
        over = ratio(times["alone glassgrad"], times["alone floor"], "step")
        targets.append(within(f"GPT, {KINDS['alone']}, over the floor", over, ABOVE_FLOOR))
    count = len(GPT(import_module("plain_value").Value).parameters())
    note = (
        f"Milliseconds a step of a character GPT (embedding {WIDTH}, {HEADS} heads, block {BLOCK}, vocabulary "
        f"{VOCABULARY}, one layer, {count:,} parameters), one word a step; {rounds} rounds of {steps}, after one that "
        "is not counted. The script is the same but for the class of its numbers; the losses agree to 1e-9. × is how "
        "many times faster than the plain class, with quartiles; the plain class always runs the script's Adam. Steps "
        "run in a row as in any training loop, a graph freed when the next loss takes its name, so that garbage "
        "collection counts: the plain class leaves its graphs to it, and live ones are walked too. Where a collection "
        "came before each, outside the time, and the graph went before it, that share is the smallest. The floor is "
        "the script with a class in C whose operators return an operand: what is Python's own. The target is over it, "
        "because the plain class swings by two with the state of the collector."
    )
    return Section("A character GPT", note, ["work", "engine", "ms a step", "× faster"], rows, targets)
