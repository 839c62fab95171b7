"""The parts of the lessons: convolution, normalisation, dropout, recurrence, attention, embedding."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest

import autograd as ag
import nn
from autograd import Value
from autograd.pytree import flatten
from nn import buffers
from nn.state import entries, plain

FLAT = nn.Flatten()


def numbers(*sizes: int, seed: int = 0) -> Any:
    """Nested lists of numbers that are apart from one another."""
    rng = random.Random(seed)
    return nn.Reshape(*sizes)([rng.uniform(-1.0, 1.0) for _ in range(math.prod(sizes))])


def data(outputs: Any) -> Any:
    return [data(member) for member in outputs] if isinstance(outputs, list | tuple) else outputs.data


def steps_of(cell: Any) -> Any:
    return lambda xs: cell(xs[2], cell(xs[1], cell(xs[0])))


# a part with parameters, a function of it and an input that is called with it, and the input
PARTS: dict[str, tuple[Callable[[], nn.Module], Callable[[Any, Any], Any], Any]] = {
    "Conv2d": (lambda: nn.Conv2d(2, 3, 2, seed=1), lambda part, x: part(x), numbers(2, 3, 4)),
    "Conv2d, stride and padding": (
        lambda: nn.Conv2d(1, 2, 3, stride=2, padding=1, seed=1),
        lambda part, x: part(x),
        numbers(1, 4, 5),
    ),
    "MaxPool2d": (lambda: nn.MaxPool2d(2, stride=1), lambda part, x: part(x), numbers(2, 3, 3)),
    "AvgPool2d": (lambda: nn.AvgPool2d(2), lambda part, x: part(x), numbers(2, 2, 5)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), lambda part, rows: part.forward_batch(rows), numbers(4, 3)),
    "BatchNorm1d, evaluation": (lambda: nn.BatchNorm1d(3).eval(), lambda part, x: part(x), numbers(3)),
    "LayerNorm": (lambda: nn.LayerNorm(4), lambda part, x: part(x), numbers(4)),
    "Embedding": (lambda: nn.Embedding(4, 3, seed=1), lambda part, x: [a * x[0] for a in part(2)], numbers(1)),
    "RNNCell": (lambda: nn.RNNCell(2, 3, seed=1), lambda part, xs: steps_of(part)(xs), numbers(3, 2)),
    "GRUCell": (lambda: nn.GRUCell(2, 3, seed=1), lambda part, xs: steps_of(part)(xs), numbers(3, 2)),
    "attention": (
        nn.Module,
        lambda part, x: nn.attention(x[0], x[1:3], x[3:]),
        numbers(5, 2),
    ),
    "CausalSelfAttention": (lambda: nn.CausalSelfAttention(4, 2, seed=1), lambda part, xs: part(xs), numbers(3, 4)),
}
each_part = pytest.mark.parametrize(("make", "call", "x"), PARTS.values(), ids=PARTS)


def moved(part: nn.Module) -> nn.Module:
    """The part with other numbers than zeros and ones."""
    rng = random.Random(9)
    for parameter in part.parameters():
        parameter.data += rng.uniform(0.1, 0.5)
    return part


def weighted(outputs: Any) -> Value:
    """One number that every output has its own share in."""
    found = FLAT(outputs)
    return ag.dot(found, [1.0 + 0.3 * i for i in range(len(found))])


@each_part
def test_gradients_of_inputs_and_parameters(make: Any, call: Any, x: Any) -> None:
    part = moved(make())
    assert ag.gradcheck(lambda inputs: weighted(call(part, inputs)), (x,), parameters=part.parameters())


@each_part
def test_eager_and_taped_agree_to_the_bit(make: Any, call: Any, x: Any) -> None:
    part, rows = moved(make()), [x, *(numbers(*shape(x), seed=seed) for seed in range(1, 10))]

    def function(inputs: Any) -> Value:
        with buffers.collected():
            return weighted(call(part, inputs))

    tape = ag.record(function, inputs=[x])
    outputs, gradients = tape.value_and_grad([FLAT(row) for row in rows])
    for row, output, gradient in zip(rows, outputs, gradients, strict=True):
        leaves, rebuild = flatten(row, "the row")
        values = [Value(number) for number in leaves]
        part.zero_grad()
        loss = function(rebuild(values))
        loss.backward()
        assert (output, gradient) == (loss.data, [value.grad for value in values])
        eager = [parameter.grad for parameter in part.parameters()]
        part.zero_grad()
        tape.value_and_grad([FLAT(row)])
        assert [parameter.grad for parameter in part.parameters()] == eager


def shape(x: Any) -> tuple[int, ...]:
    return (len(x), *shape(x[0])) if isinstance(x, list) else ()


@pytest.mark.parametrize(
    ("part", "text", "sizes"),
    [
        (nn.Conv2d(1, 2, 3), "Conv2d(1, 2, 3)", {"weight": (2, 1, 3, 3), "bias": (2,)}),
        (nn.Conv2d(2, 1, 1, 2, 1), "Conv2d(2, 1, 1, stride=2, padding=1)", {"weight": (1, 2, 1, 1), "bias": (1,)}),
        (nn.MaxPool2d(2), "MaxPool2d(2)", {}),
        (nn.AvgPool2d(3, stride=2), "AvgPool2d(3, stride=2)", {}),
        (
            nn.BatchNorm1d(4),
            "BatchNorm1d(4)",
            {"weight": (4,), "bias": (4,), "running_mean": (4,), "running_var": (4,), "num_batches_tracked": ()},
        ),
        (nn.LayerNorm(4), "LayerNorm(4)", {"weight": (4,), "bias": (4,)}),
        (nn.Dropout(0.25), "Dropout(0.25)", {}),
        (nn.Embedding(5, 2), "Embedding(5, 2)", {"weight": (5, 2)}),
        (
            nn.RNNCell(2, 3),
            "RNNCell(2, 3)",
            {"weight_ih": (3, 2), "weight_hh": (3, 3), "bias_ih": (3,), "bias_hh": (3,)},
        ),
        (
            nn.GRUCell(2, 3),
            "GRUCell(2, 3)",
            {"weight_ih": (9, 2), "weight_hh": (9, 3), "bias_ih": (9,), "bias_hh": (9,)},
        ),
        (
            nn.CausalSelfAttention(4, 2),
            "CausalSelfAttention(4, 2)",
            {"in_proj_weight": (12, 4), "in_proj_bias": (12,), "out_proj.weight": (4, 4), "out_proj.bias": (4,)},
        ),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_the_state_has_the_paths_and_sizes_of_pytorch(part: nn.Module, text: str, sizes: dict[str, Any]) -> None:
    assert repr(part) == text
    assert {path: shape(plain(held)) for path, held in entries(part)} == sizes
    assert list(part.state_dict()) == list(sizes)


@pytest.mark.parametrize(
    ("make", "spread"),
    [
        (lambda **options: nn.Conv2d(4, 40, 3, **options), math.sqrt(2 / 36)),
        (lambda **options: nn.Embedding(100, 20, **options), 1.0),
        (lambda **options: nn.RNNCell(30, 30, **options), math.sqrt(2 / 60)),
        (lambda **options: nn.GRUCell(20, 20, **options), math.sqrt(2 / 40)),
        (lambda **options: nn.CausalSelfAttention(20, 2, **options), math.sqrt(2 / 40)),
    ],
    ids=["Conv2d", "Embedding", "RNNCell", "GRUCell", "CausalSelfAttention"],
)
def test_weights_are_drawn_by_init_and_seed_and_biases_begin_at_zero(make: Any, spread: float) -> None:
    def weights(**options: Any) -> list[float]:
        state = make(**options).state_dict()
        assert all(set(held) == {0.0} for path, held in state.items() if "bias" in path)
        return FLAT([held for path, held in state.items() if "weight" in path])

    drawn = weights(seed=3)
    assert drawn == weights(seed=3) == weights(seed=random.Random(3)) != weights(seed=4)
    random.seed(3)
    assert weights() == drawn
    assert len(set(drawn)) == len(drawn)
    assert set(weights(init=lambda rng, nin, nout: 0.25)) == {0.25}
    # a sample of 1,400 and more: its deviation is within 6 %, three of its own
    assert math.sqrt(math.fsum(w * w for w in drawn) / len(drawn)) == pytest.approx(spread, rel=0.06)


# -- each by itself ---------------------------------------------------------------------------------------------------
def test_a_convolution_is_its_formula() -> None:
    conv, x = moved(nn.Conv2d(2, 2, 3, stride=2, padding=1, seed=0)), numbers(2, 4, 5)
    found = data(conv(x))
    assert shape(found) == (2, 2, 3)
    for o, channel in enumerate(found):
        for i, row in enumerate(channel):
            for j, y in enumerate(row):
                expected = conv.bias[o].data
                for c in range(2):
                    for a in range(3):
                        for b in range(3):
                            at = 2 * i + a - 1, 2 * j + b - 1
                            if 0 <= at[0] < 4 and 0 <= at[1] < 5:
                                expected += conv.weight[o][c][a][b].data * x[c][at[0]][at[1]]
                assert y == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_equal_numbers_share_the_gradient_of_their_maximum() -> None:
    image = [[[Value(2.0), Value(2.0)], [Value(1.0), Value(2.0)]]]
    ((largest,),) = nn.MaxPool2d(2)(image)[0]
    largest.backward()
    assert [x.grad for x in FLAT(image)] == [pytest.approx(1 / 3)] * 2 + [0.0, pytest.approx(1 / 3)]


def test_pooling_leaves_out_what_does_not_fill_a_patch() -> None:
    assert shape(nn.MaxPool2d(2)(numbers(1, 5, 7))) == (1, 2, 3)
    assert shape(nn.MaxPool2d(3, stride=2)(numbers(1, 5, 7))) == (1, 2, 3)


def test_batch_norm_keeps_running_averages() -> None:
    norm, rows = nn.BatchNorm1d(2, momentum=0.25), [[1.0, 10.0], [2.0, 10.0], [6.0, 10.0]]
    outputs = data(norm.forward_batch([[Value(x) for x in row] for row in rows]))
    assert [sum(column) for column in zip(*outputs, strict=True)] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert [y for _, y in outputs] == [0.0] * 3  # a constant number
    mean, variance = 3.0, (4.0 + 1.0 + 9.0) / 2
    assert data(norm.running_mean) == pytest.approx([0.25 * mean, 2.5])
    assert data(norm.running_var) == pytest.approx([0.75 + 0.25 * variance, 0.75])
    assert norm.num_batches_tracked.data == 1.0
    evaluated = data(norm.eval()([1.0, 10.0]))
    assert evaluated[0] == pytest.approx((1.0 - 0.75) / math.sqrt(0.75 + 0.25 * variance + 1e-5))
    assert data(norm.forward_batch([[1.0, 10.0]])) == [evaluated]
    assert norm.num_batches_tracked.data == 1.0


def test_dropout_keeps_the_expectation_and_draws_anew() -> None:
    dropout, x = nn.Dropout(0.2), [[Value(1.0)] * 1000, [Value(-2.0)] * 1000]
    random.seed(1)
    ones, others = data(dropout(x))
    assert set(ones) == {0.0, 1.25}
    assert set(others) == {0.0, -2.5}
    # the deviation of the share is sqrt(0.2 · 0.8 / 1000) = 0.013
    assert ones.count(0.0) / 1000 == pytest.approx(0.2, abs=0.04)
    assert data(dropout(x)) != [ones, others]
    assert nn.Dropout(0.0)(x) is x
    assert dropout.eval()(x) is x


def test_dropout_is_drawn_anew_in_each_row_of_a_tape() -> None:
    tape = ag.record(lambda x: ag.sum(nn.Dropout(0.5)([x] * 20)), inputs=[1.0])
    outputs = tape.forward([[1.0]] * 200)
    assert len(set(outputs)) > 10
    assert sum(outputs) / 200 == pytest.approx(20.0, abs=1.5)  # its deviation is sqrt(20 / 200) = 0.32


@pytest.mark.parametrize("index", [2, 2.0, True + 1, Value(2.0)], ids=["int", "float", "sum", "Value"])
def test_an_embedding_takes_a_row_and_gives_it_the_gradient(index: Any) -> None:
    table = nn.Embedding(4, 3, seed=0)
    row = table(index)
    assert data(row) == data(table.weight[2])
    ag.dot(row, [1.0, 2.0, 3.0]).backward()
    assert [[w.grad for w in row] for row in table.weight] == [[0.0] * 3, [0.0] * 3, [1.0, 2.0, 3.0], [0.0] * 3]


def test_a_taped_embedding_chooses_anew() -> None:
    table = nn.Embedding(4, 2, seed=0)
    tape = ag.record(lambda i: ag.sum(table(i)), inputs=[0.0])
    assert tape.forward([[float(i)] for i in range(4)]) == [ag.sum(row).data for row in table.weight]


def test_a_state_begins_with_zeros() -> None:
    for cell in (nn.RNNCell(2, 3, seed=0), nn.GRUCell(2, 3, seed=0)):
        assert data(cell([1.0, 2.0])) == data(cell([1.0, 2.0], [0.0] * 3))


def test_attention_is_a_weighted_mean() -> None:
    values = [[1.0, 2.0], [3.0, 6.0]]
    assert data(nn.attention([Value(0.0)], [[5.0], [7.0]], values)) == [2.0, 4.0]  # keys that agree equally
    shares = ag.softmax([2.0 * 3.0 / math.sqrt(2.0), 0.0])
    expected = [shares[0] * a + shares[1] * b for a, b in zip(*values, strict=True)]
    assert data(nn.attention([Value(2.0), Value(0.0)], [[3.0, 9.0], [0.0, 9.0]], values)) == pytest.approx(expected)


def test_a_position_sees_itself_and_those_before_it() -> None:
    attend, xs = moved(nn.CausalSelfAttention(4, 2, seed=0)), numbers(4, 4)
    seen = data(attend(xs))
    for t in range(4):
        leaves = [[Value(x) for x in position] for position in xs]
        ag.sum(attend(leaves)[t]).backward()
        assert [any(x.grad != 0.0 for x in position) for position in leaves] == [s <= t for s in range(4)]
        assert data(attend(xs[: t + 1])) == seen[: t + 1]


# -- training ---------------------------------------------------------------------------------------------------------
class Letters(nn.Module):
    """A cell over the letters of a word."""

    def __init__(self, cell: nn.Module) -> None:
        self.embed, self.cell, self.out = nn.Embedding(5, 3, seed=1), cell, nn.Linear(4, 5, seed=2)

    def forward(self, letters: Any) -> Any:
        h, logits = None, []
        for letter in letters:
            h = self.cell(self.embed(letter), h)
            logits.append(self.out(h))
        return logits


class Words(nn.Module):
    """Attention over the letters of a word."""

    def __init__(self) -> None:
        self.embed, self.norm = nn.Embedding(5, 4, seed=1), nn.LayerNorm(4)
        self.attend, self.out = nn.CausalSelfAttention(4, 2, seed=2), nn.Linear(4, 5, seed=3)

    def forward(self, letters: Any) -> Any:
        return [self.out(x) for x in self.attend([self.norm(self.embed(letter)) for letter in letters])]


WORDS = [[random.Random(seed).randrange(5) for _ in range(2 + seed % 3)] for seed in range(14)]
IMAGES = [numbers(36, seed=seed) for seed in range(9)]
ROWS = [numbers(3, seed=seed) for seed in range(9)]
MODELS: dict[str, tuple[Callable[[], nn.Module], Any, Any]] = {
    "cnn": (
        lambda: nn.Sequential(
            nn.Reshape(1, 6, 6), nn.Conv2d(1, 2, 3, seed=1), "relu", nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(8, 2, seed=2),
        ),
        IMAGES, [i % 2 for i in range(9)],
    ),
    "average": (
        lambda: nn.Sequential(
            nn.Reshape(1, 6, 6), nn.Conv2d(1, 2, 2, 2, 1, seed=1), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(8, 2, seed=2),
        ),
        IMAGES, [i % 2 for i in range(9)],
    ),
    "batch norm": (
        lambda: nn.Sequential(nn.Linear(3, 4, seed=1), nn.BatchNorm1d(4), "relu", nn.Linear(4, 2, seed=2)),
        ROWS, [i % 2 for i in range(9)],
    ),
    "dropout": (
        lambda: nn.Sequential(nn.Linear(3, 8, seed=1), "relu", nn.Dropout(0.3), nn.Linear(8, 2, seed=2)),
        ROWS, [i % 2 for i in range(9)],
    ),
    "dropout and batch norm": (
        lambda: nn.Sequential(nn.Linear(3, 6, seed=1), nn.Dropout(0.3), nn.BatchNorm1d(6), nn.Linear(6, 2, seed=2)),
        ROWS, [i % 2 for i in range(9)],
    ),
    "rnn": (lambda: Letters(nn.RNNCell(3, 4, seed=3)), [word[:-1] for word in WORDS], [word[1:] for word in WORDS]),
    "gru": (lambda: Letters(nn.GRUCell(3, 4, seed=3)), [word[:-1] for word in WORDS], [word[1:] for word in WORDS]),
    "attention": (Words, [word[:-1] for word in WORDS], [word[1:] for word in WORDS]),
}  # fmt: skip


@pytest.mark.parametrize(("make", "X", "y"), MODELS.values(), ids=MODELS)
def test_fit_replays_what_it_trains_eagerly(make: Any, X: Any, y: Any) -> None:
    outcomes = []
    for replay in (None, False):
        model = make()
        history = nn.fit(
            model, X, y, loss=nn.softmax_cross_entropy, optimizer=nn.SGD(model.parameters(), lr=0.1), epochs=3,
            batch_size=3, seed=1, progress=False, replay=replay,
            validation=(X, y),
        )  # fmt: skip
        outcomes.append((history, model.state_dict()))
    (replayed, state), (eager, eager_state) = outcomes
    assert replayed.replayed
    assert replayed.loss == pytest.approx(eager.loss, rel=1e-9)
    assert replayed.accuracy == pytest.approx(eager.accuracy, rel=1e-12)
    assert replayed.validation_loss == pytest.approx(eager.validation_loss, rel=1e-9)
    assert replayed.validation_accuracy == pytest.approx(eager.validation_accuracy, rel=1e-12)
    for path, held in eager_state.items():
        assert FLAT(state[path]) == pytest.approx(FLAT(held), rel=1e-9, abs=1e-12), path


def test_accuracy_of_a_sequence_is_the_share_of_its_positions() -> None:
    model = Words()
    X, y = [word[:-1] for word in WORDS], [word[1:] for word in WORDS]
    shares = []
    for letters, targets in zip(X, y, strict=True):
        named = [max(range(5), key=[z.data for z in logits].__getitem__) for logits in model(letters)]
        shares.append(sum(a == b for a, b in zip(named, targets, strict=True)) / len(targets))
    expected = sum(shares) / len(shares)
    assert 0.0 < expected < 1.0
    assert nn.accuracy(model, X, y, nn.softmax_cross_entropy) == pytest.approx(expected, rel=1e-12)
    assert nn.evaluate(model, X, y, nn.softmax_cross_entropy)[1] == pytest.approx(expected, rel=1e-12)


# -- bad input --------------------------------------------------------------------------------------------------------
IMAGE = [[[1.0, 2.0], [3.0, 4.0]]]


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: nn.Conv2d(1, 0, 3), ValueError, "cout must be at least 1, not 0"),
        (lambda: nn.Conv2d(1, 1, (3, 3)), TypeError, r"kernel_size must be an integer of at least 1, not \(3, 3\)"),
        (lambda: nn.Conv2d(1, 1, 3, padding=-1), ValueError, "padding must be at least 0, not -1"),
        (lambda: nn.Conv2d(1, 1, 3, stride=0), ValueError, "stride must be at least 1, not 0"),
        (lambda: nn.Conv2d(1, 1, 3, init="He"), ValueError, "did you mean 'he'"),
        (
            lambda: nn.Sequential("relu", nn.Conv2d(1, 1, 3))(IMAGE),
            ValueError,
            r"^1 \(Conv2d\(1, 1, 3\)\) has a kernel of 3 x 3, larger than the image of 2 x 2$",
        ),
        (
            lambda: nn.Conv2d(1, 1, 5, padding=1)(IMAGE),
            ValueError,
            "kernel of 5 x 5, larger than the image of 2 x 2 and 1 of padding on each side$",
        ),
        (
            lambda: nn.Conv2d(2, 1, 1)(IMAGE),
            ValueError,
            r"conv2d \(Conv2d\(2, 1, 1\)\) takes an image, \[channel\]\[row\]\[column\], of 2 channels, got 1",
        ),
        (lambda: nn.Conv2d(1, 1, 1)([1.0, 2.0]), TypeError, r"takes an image.*got list \[1.0, 2.0\]"),
        (lambda: nn.Conv2d(1, 1, 1)([[[1.0, 2.0], [3.0]]]), ValueError, "rows or channels are not of one size"),
        (lambda: nn.MaxPool2d(3)(IMAGE), ValueError, r"MaxPool2d\(3\) has a kernel of 3 x 3, larger than .* 2 x 2"),
        (lambda: nn.AvgPool2d(0), ValueError, "kernel_size must be at least 1, not 0"),
        (lambda: nn.BatchNorm1d(2, eps=0.0), ValueError, r"eps must lie in \(0, inf\), not 0.0"),
        (lambda: nn.BatchNorm1d(2, momentum=1.0), ValueError, r"momentum must lie in \(0, 1\), not 1.0"),
        (
            lambda: nn.Sequential("relu", nn.BatchNorm1d(2)).forward_batch([[1.0, 2.0]]),
            ValueError,
            r"^1 \(BatchNorm1d\(2\)\) takes at least 2 samples in training, got 1, .* leaves no batch of one$",
        ),
        (
            lambda: nn.BatchNorm1d(2).forward_batch([[1.0, 2.0], [3.0]]),
            ValueError,
            r"BatchNorm1d\(2\) takes 2 inputs, got 1",
        ),
        (lambda: nn.BatchNorm1d(2).eval()([1.0]), ValueError, r"\(BatchNorm1d\(2\)\) takes 2 inputs, got 1"),
        (
            lambda: nn.Sequential(nn.BatchNorm1d(2))([1.0, 2.0]),
            TypeError,
            r"^0 \(BatchNorm1d\(2\)\) looks across the batch in training: call model.forward_batch\(rows\)",
        ),
        (lambda: nn.LayerNorm(2)([1.0]), ValueError, r"\(LayerNorm\(2\)\) takes 2 inputs, got 1"),
        (lambda: nn.LayerNorm(2, eps=-1.0), ValueError, "eps must lie in"),
        (lambda: nn.Dropout(1.0), ValueError, r"p must lie in \[0, 1\), not 1.0"),
        (lambda: nn.Dropout(-0.1), ValueError, r"p must lie in \[0, 1\), not -0.1"),
        (lambda: nn.Dropout("half"), TypeError, "p must be a number, not str 'half'"),
        (lambda: nn.Embedding(0, 2), ValueError, "n must be at least 1, not 0"),
        (lambda: nn.Embedding(3, 2)(3), IndexError, r"\(Embedding\(3, 2\)\) has the tokens 0 to 2, got int 3"),
        (lambda: nn.Embedding(3, 2)(-1), IndexError, "tokens 0 to 2, got int -1"),
        (lambda: nn.Embedding(3, 2)(Value(7.0)), IndexError, r"tokens 0 to 2, got Value Value\(7.0"),
        (lambda: nn.Embedding(3, 2)(0.5), TypeError, "takes the index of a token, a whole number, got float 0.5"),
        (lambda: nn.Embedding(3, 2)("a"), TypeError, "a whole number, got str 'a'"),
        (lambda: nn.RNNCell(2, 3)([1.0]), ValueError, r"\(RNNCell\(2, 3\)\) takes 2 inputs, got 1"),
        (lambda: nn.GRUCell(2, 3)([1.0, 2.0], [0.0]), ValueError, "takes 3 numbers of the state, got 1"),
        (lambda: nn.RNNCell(2, 3)(1.0), TypeError, "takes a sequence of 2 numbers or Values, got float 1.0"),
        (lambda: nn.CausalSelfAttention(4, 3), ValueError, "heads must divide dim, and 3 does not divide 4"),
        (lambda: nn.CausalSelfAttention(4, 2)([[1.0]]), ValueError, "takes 4 numbers per position, got 1"),
        (lambda: nn.CausalSelfAttention(2, 1)([1.0]), TypeError, "takes a sequence of 2 numbers or Values, got float"),
        (lambda: nn.attention([1.0], [], []), ValueError, "takes a value per key, and at least one: 0 keys, 0 values"),
        (lambda: nn.attention([1.0], [[1.0]], []), ValueError, "1 keys, 0 values"),
    ],
)
def test_bad_input(build: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build()


@pytest.mark.parametrize("replay", [True, False])
def test_a_token_that_is_not_in_the_table_ends_a_training(replay: bool) -> None:
    model = Letters(nn.RNNCell(3, 4, seed=3))
    X, y = [[0, 1]] * 5 + [[2, 5]], [[1, 2]] * 6
    with pytest.raises(IndexError, match=r"embed \(Embedding\(5, 3\)\) has the tokens 0 to 4, got"):
        nn.fit(
            model, X, y, loss=nn.softmax_cross_entropy, optimizer=nn.SGD(model.parameters(), lr=0.1), epochs=1,
            batch_size=2, seed=1, progress=False, replay=replay,
        )  # fmt: skip


def test_a_token_that_is_not_in_the_table_is_found_before_a_training() -> None:
    model = Letters(nn.RNNCell(3, 4, seed=3))
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(IndexError, match=r"tokens 0 to 4, got int 7 \(the model was tried on X\[0\] before training\)"):
        nn.fit(model, [[7, 1]], [[1, 2]], loss=nn.softmax_cross_entropy, optimizer=optimizer, epochs=1, progress=False)


@pytest.mark.parametrize(("rows", "batch_size"), [(1, 32), (5, 2), (9, 4), (3, 1)])
def test_a_batch_of_one_has_no_variance_and_ends_a_training_before_it_begins(rows: int, batch_size: int) -> None:
    model = nn.Sequential(nn.Linear(3, 2, seed=0), nn.BatchNorm1d(2))
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"1 \(BatchNorm1d\(2\)\) takes at least 2 .* \(the model was tried on X\[0\]"):
        nn.fit(
            model, ROWS[:rows], [0] * rows, loss=nn.softmax_cross_entropy,
            optimizer=nn.SGD(model.parameters(), lr=0.1), epochs=1, batch_size=batch_size, seed=1, progress=False,
        )  # fmt: skip
    assert model.state_dict() == before


def test_collecting_new_numbers_of_buffers_ends_where_it_fails():
    held = buffers.values_of([0.0])
    with pytest.raises(KeyError), buffers.collected():
        buffers.update(held, [Value(0.25)])
        raise KeyError
    assert held[0].data == 0.0
    buffers.update(held, [Value(0.5)])
    assert held[0].data == 0.5
