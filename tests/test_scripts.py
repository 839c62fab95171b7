"""Scripts in micrograd's and microgpt's manner run here with only their imports changed, and give the right numbers."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import pytest

from autograd import Value
from nn import MLP


def central_difference(function: Any, at: float, step: float = 1e-6) -> float:
    return (function(at + step) - function(at - step)) / (2 * step)


# -- micrograd's manner ----------------------------------------------------------------------------------------------
def expression(a: Any, b: Any, relu: Any) -> Any:
    c = a * b + b**3
    c += c + 1
    c += 2 - (-a)
    d = relu(b - a) * 3
    d += d / 2 + relu(b + a)
    e = c - d
    f = e**2
    g = f / 4.0
    g += 10.0 / f
    return g


def plain_relu(x: float) -> float:
    return max(x, 0.0)


@pytest.mark.parametrize(("at", "bt"), [(-4.0, 2.0), (1.5, -0.5), (0.3, 0.9)])
def test_an_expression(at: float, bt: float) -> None:
    a = Value(at)
    b = Value(bt)
    g = expression(a, b, lambda x: x.relu())
    g.backward()
    assert g.data == pytest.approx(expression(at, bt, plain_relu), rel=1e-14)
    assert a.grad == pytest.approx(central_difference(lambda x: expression(x, bt, plain_relu), at), rel=1e-6)
    assert b.grad == pytest.approx(central_difference(lambda x: expression(at, x, plain_relu), bt), rel=1e-6)


def test_an_expression_by_the_chain_rule() -> None:
    a = Value(-4.0)
    b = Value(2.0)
    g = expression(a, b, lambda x: x.relu())
    g.backward()
    # c = 2(ab + b³) + 1 + 2 + a = -1 and d = 4.5(b - a) = 27, so e = -28; g = e²/4 + 10/e².
    e = -28.0
    dg_de = e / 2 - 20 / e**3
    assert g.data == e**2 / 4 + 10 / e**2
    assert a.grad == pytest.approx(dg_de * (2 * 2.0 + 1 + 4.5), rel=1e-14)
    assert b.grad == pytest.approx(dg_de * (2 * -4.0 + 6 * 2.0**2 - 4.5), rel=1e-14)


class PlainNetwork:
    """A relu network of floats with its backward pass written out, to check the scalar graph by."""

    def __init__(self, numbers: list[float], sizes: list[int]) -> None:
        self.numbers, self.sizes = numbers, sizes

    def parts(self) -> list[list[tuple[int, int]]]:
        """For each layer, each neuron's first number and its number of inputs."""
        start, layers = 0, []
        for nin, nout in itertools.pairwise(self.sizes):
            layers.append([(start + index * (nin + 1), nin) for index in range(nout)])
            start += nout * (nin + 1)
        return layers

    def forward(self, x: list[float]) -> list[list[float]]:
        signals = [x]
        for depth, layer in enumerate(self.parts()):
            outputs = []
            for start, nin in layer:
                z = self.numbers[start + nin]
                for index in range(nin):
                    z += self.numbers[start + index] * signals[-1][index]
                outputs.append(z if depth == len(self.sizes) - 2 else max(z, 0.0))
            signals.append(outputs)
        return signals

    def backward(self, x: list[float], upstream: float, gradients: list[float]) -> None:
        signals = self.forward(x)
        arriving = [upstream]
        for depth in reversed(range(len(self.sizes) - 1)):
            leaving = [0.0] * self.sizes[depth]
            for (start, nin), gradient in zip(self.parts()[depth], arriving, strict=True):
                for index in range(nin):
                    gradients[start + index] += gradient * signals[depth][index]
                    leaving[index] += gradient * self.numbers[start + index]
                gradients[start + nin] += gradient
            # relu's derivative, from its output: the input layer has none
            arriving = leaving if depth == 0 else [g * (s > 0) for g, s in zip(leaving, signals[depth], strict=True)]


def test_a_network_with_a_max_margin_loss_descended_by_hand() -> None:
    random.seed(1337)
    points = [[random.uniform(-1, 1), random.uniform(-1, 1)] for _ in range(12)]
    signs = [1 if x * y > 0 else -1 for x, y in points]

    model = MLP(2, [16, 16, 1])
    assert len(model.parameters()) == 337
    plain = PlainNetwork([p.data for p in model.parameters()], [2, 16, 16, 1])
    rate, alpha, losses = 0.05, 1e-4, []

    for _ in range(8):
        inputs = [list(map(Value, point)) for point in points]
        scores = list(map(model, inputs))
        margins = [(1 + -sign * score).relu() for sign, score in zip(signs, scores, strict=True)]
        data_loss = sum(margins) * (1.0 / len(margins))
        total_loss = data_loss + alpha * sum(p * p for p in model.parameters())

        model.zero_grad()
        total_loss.backward()
        gradients = [2 * alpha * number for number in plain.numbers]
        plain_margins = []
        for point, sign in zip(points, signs, strict=True):
            plain_margins.append(max(1.0 - sign * plain.forward(point)[-1][0], 0.0))
            if plain_margins[-1] > 0.0:
                plain.backward(point, -sign / len(points), gradients)
        plain_loss = math.fsum(plain_margins) / len(points) + alpha * math.fsum(n * n for n in plain.numbers)

        assert total_loss.data == pytest.approx(plain_loss, rel=1e-12)
        assert [p.grad for p in model.parameters()] == pytest.approx(gradients, rel=1e-9, abs=1e-12)
        for p in model.parameters():
            p.data -= rate * p.grad
        plain.numbers = [n - rate * g for n, g in zip(plain.numbers, gradients, strict=True)]
        losses.append(total_loss.data)

    assert losses[-1] < losses[0]


# -- microgpt's manner -----------------------------------------------------------------------------------------------
WORDS = ["abba", "baab", "cab"]
LETTERS = sorted(set("".join(WORDS)))
STOP = len(LETTERS)
WIDTH = 4


def matrix(nout: int, nin: int, std: float = 0.08) -> list[list[Value]]:
    return [[Value(random.gauss(0, std)) for _ in range(nin)] for _ in range(nout)]


def linear(x: list[Any], w: list[list[Any]]) -> list[Any]:
    return [sum(wi * xi for wi, xi in zip(row, x, strict=True)) for row in w]


def softmax(logits: list[Value]) -> list[Value]:
    largest = max(v.data for v in logits)
    exps = [(v - largest).exp() for v in logits]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x: list[Value]) -> list[Value]:
    mean_square = sum(xi * xi for xi in x) / len(x)
    scale = (mean_square + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def tokens_of(word: str) -> list[int]:
    return [STOP, *(LETTERS.index(letter) for letter in word), STOP]


def negative_log_likelihood(state: dict[str, list[list[Value]]], word: str) -> Value:
    tokens = tokens_of(word)
    losses = []
    for token, following in itertools.pairwise(tokens):
        x = rmsnorm(state["embedding"][token])
        x = [a + b.relu() for a, b in zip(x, linear(x, state["hidden"]), strict=True)]
        losses.append(-softmax(linear(x, state["head"]))[following].log())
    return (1 / len(losses)) * sum(losses)


def plain_negative_log_likelihood(state: dict[str, list[list[float]]], word: str) -> float:
    tokens = tokens_of(word)
    total = 0.0
    for token, following in itertools.pairwise(tokens):
        e = state["embedding"][token]
        norm = math.sqrt(sum(x * x for x in e) / len(e) + 1e-5)
        x = [xi / norm for xi in e]
        x = [xi + max(hi, 0.0) for xi, hi in zip(x, linear(x, state["hidden"]), strict=True)]
        logits = linear(x, state["head"])
        total += math.log(sum(math.exp(logit) for logit in logits)) - logits[following]
    return total / (len(tokens) - 1)


def plain_slope(state: dict[str, list[list[float]]], word: str, name: str, i: int, j: int) -> float:
    def loss_at(number: float) -> float:
        moved = {key: [list(row) for row in rows] for key, rows in state.items()}
        moved[name][i][j] = number
        return plain_negative_log_likelihood(moved, word)

    return central_difference(loss_at, state[name][i][j])


def best_bigram_loss() -> float:
    """What no model that sees one letter can beat: the entropy of the next letter, each word weighing the same."""
    weights: dict[tuple[int, int], float] = {}
    for word in WORDS:
        pairs = list(itertools.pairwise(tokens_of(word)))
        for pair in pairs:
            weights[pair] = weights.get(pair, 0.0) + 1 / len(pairs) / len(WORDS)
    totals = [sum(w for (token, _), w in weights.items() if token == first) for first in range(STOP + 1)]
    return -sum(w * math.log(w / totals[token]) for (token, _), w in weights.items())


def numbers_in(state: dict[str, list[list[Value]]]) -> dict[str, list[list[float]]]:
    return {name: [[p.data for p in row] for row in rows] for name, rows in state.items()}


def test_a_language_model_of_lists_of_lists() -> None:
    random.seed(42)
    state = {
        "embedding": matrix(STOP + 1, WIDTH),
        "hidden": matrix(WIDTH, WIDTH),
        "head": matrix(STOP + 1, WIDTH),
    }
    params = [p for rows in state.values() for row in rows for p in row]
    learning_rate, losses = 0.5, []

    for step in range(90):
        word = WORDS[step % len(WORDS)]
        loss = negative_log_likelihood(state, word)
        loss.backward()
        plain = numbers_in(state)
        assert loss.data == pytest.approx(plain_negative_log_likelihood(plain, word), rel=1e-12)
        for name, i, j in [("embedding", STOP, 0), ("hidden", 1, 2), ("head", step % 4, 3)]:
            assert state[name][i][j].grad == pytest.approx(plain_slope(plain, word, name, i, j), rel=1e-5, abs=1e-8)
        for p in params:
            p.data -= learning_rate * p.grad
            p.grad = 0
        losses.append(loss.data)

    assert losses[0] == pytest.approx(math.log(len(LETTERS) + 1), abs=0.1)
    reached = sum(plain_negative_log_likelihood(numbers_in(state), word) for word in WORDS) / len(WORDS)
    assert best_bigram_loss() < reached < best_bigram_loss() + 0.1
    assert all(type(p.grad) is float and p.grad == 0.0 for p in params)
