"""predict, accuracy, evaluate and confusion: through tapes, in evaluation mode, with the numbers of eager calls."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd as ag
import nn
from autograd import Tape, Value, no_grad
from autograd.tape.replay import Rows
from nn.evaluation import LossOfSamples

X = [[0.1 * i - 1.0, 1.0 - 0.07 * i] for i in range(30)]
Y = [i % 2 for i in range(30)]


class Modes(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.Linear(2, 3, seed=1)

    def forward(self, x: list[Any]) -> list[Value]:
        assert not self.training
        assert not self.inner.training
        return self.inner(x)


class Branching(nn.Module):
    def __init__(self) -> None:
        self.weight = Value(0.5)

    def forward(self, x: list[Any]) -> Value:
        return self.weight * x[0] if x[0] > 0.3 else -x[1]


class Reading(Branching):
    def forward(self, x: list[Any]) -> Value:
        return super().forward(x) * self.weight.data


class Nested(Branching):
    def forward(self, x: list[Any]) -> Any:
        return [[self.weight * x[0], x[1]], [2.0]]


class Changing(Branching):
    """Its structure depends on the row."""

    def forward(self, x: list[Any]) -> Any:
        return [self.weight * x[0], x[1]] if x[0] > 0.3 else [[self.weight * x[0]], [x[1]]]


MODELS: dict[str, Callable[[], Any]] = {
    "MLP": lambda: nn.MLP(2, [4, 1], seed=1),
    "several outputs": Modes,
    "branches": Branching,
    "reads data": Reading,
    "nested outputs": Nested,
    "changing structure": Changing,
    "a function": lambda: lambda row: row[0] - row[1],
    "a bound method": lambda: nn.MLP(2, [2], seed=0).forward,
}


def plain(prediction: Any) -> Any:
    if isinstance(prediction, Value):
        return prediction.data
    return [plain(x) for x in prediction] if isinstance(prediction, list) else prediction


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("rows", [1, 7, 30])
def test_predictions_are_those_of_eager_calls(make: Callable[[], Any], rows: int) -> None:
    model = make()
    predictions = nn.predict(model, X[:rows])
    if isinstance(model, nn.Module):
        assert all(module.training for module in model.modules())
        model.eval()
    with no_grad():
        assert predictions == [plain(model(row)) for row in X[:rows]]


@pytest.fixture
def rows_replayed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counts: list[int] = []
    replay = Tape.replay

    def counted(self: Tape, rows: Rows) -> Any:
        counts.append(rows.count)
        return replay(self, rows)

    monkeypatch.setattr(Tape, "replay", counted)
    return counts


@pytest.mark.parametrize("evaluation", [
    lambda model: nn.predict(model, X),
    lambda model: nn.accuracy(model, X, Y, nn.hinge),
    lambda model: nn.evaluate(model, X, Y, nn.hinge),
    lambda model: nn.confusion(model, X, Y, nn.hinge),
])  # fmt: skip
def test_many_rows_go_through_a_tape(evaluation: Callable[[Any], Any], rows_replayed: list[int]) -> None:
    model = nn.MLP(2, [4, 1], seed=1)
    replayed = evaluation(model)
    assert rows_replayed == [30]
    with ag.detect_anomaly():
        assert evaluation(model) == replayed
    assert rows_replayed == [30]


def test_few_rows_do_not() -> None:
    calls = []

    def model(row: list[Any]) -> Any:
        calls.append(type(row[0]))
        return row[0]

    nn.predict(model, X[:7])
    assert set(calls) == {float}


def test_ragged_rows_keep_their_order() -> None:
    rows = [[0.1 * i] * (1 + i % 3) for i in range(40)]
    assert nn.predict(lambda row: ag.sum(row), rows) == [ag.sum(row) for row in rows]


@pytest.mark.parametrize("rows", [5, 30])
def test_evaluate_is_the_mean_loss_and_the_accuracy(rows: int) -> None:
    model = nn.MLP(2, [4, 1], seed=1)
    total, right = 0.0, 0
    for row, target in zip(X[:rows], Y[:rows], strict=True):
        total += nn.hinge(model(row), target).data
        right += (model(row).data > 0.0) == target
    assert nn.evaluate(model, X[:rows], Y[:rows], nn.hinge) == (total / rows, right / rows)
    assert nn.accuracy(model, X[:rows], Y[:rows], nn.hinge) == right / rows
    assert nn.evaluate(model, X[:rows], Y[:rows], nn.mse)[1] is None


def test_modes_are_put_back_one_by_one() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 1)))
    model[1].eval()
    modes = [module.training for module in model.modules()]
    assert len(set(modes)) == 2
    nn.predict(model, X)
    nn.evaluate(model, X, Y, nn.hinge)
    assert [module.training for module in model.modules()] == modes
    with pytest.raises(ValueError):
        nn.predict(model, [[1.0, 2.0, 3.0]] * 20)
    assert [module.training for module in model.modules()] == modes


@pytest.mark.parametrize("rows", [6, 30])
def test_confusion_counts_a_row_per_true_class(rows: int) -> None:
    model = nn.MLP(2, [3], seed=2)
    y = [i % 3 for i in range(rows)]
    expected = [[0] * 3 for _ in range(3)]
    for row, target in zip(X[:rows], y, strict=True):
        scores = [v.data for v in model(row)]
        expected[target][scores.index(max(scores))] += 1
    assert nn.confusion(model, X[:rows], y) == nn.confusion(model, X[:rows], y, nn.softmax_cross_entropy) == expected
    one = nn.MLP(2, [1], seed=2)
    by_sign = [[0, 0], [0, 0]]
    for row, target in zip(X[:rows], Y[:rows], strict=True):
        by_sign[target][one(row).data > 0.0] += 1
    assert nn.confusion(one, X[:rows], Y[:rows], nn.hinge) == by_sign
    assert nn.confusion(one, X[:rows], [2 * t - 1 for t in Y[:rows]], nn.hinge) == by_sign


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.confusion(nn.MLP(2, [1]), X, Y), TypeError, "a model with one output needs the loss"),
        (lambda: nn.confusion(nn.MLP(2, [1]), X, Y, nn.mse), ValueError, "mse does not state how accuracy decides"),
        (lambda: nn.confusion(nn.MLP(2, [2]), X, [2] * 30), ValueError, r"y\[0\] is 2, which is not a class"),
        (lambda: nn.confusion(nn.MLP(2, [2]), X, [0.5] * 30), ValueError, r"y\[0\] is 0\.5, which is not a class"),
        (lambda: nn.predict(nn.MLP(2, [1]), [[1.0]] * 20), ValueError, "takes 2 inputs, got 1"),
        (lambda: nn.predict(nn.MLP(2, [1]), []), ValueError, "X is empty"),
        (lambda: nn.predict(lambda row: "a", X), TypeError, "a prediction must be a number, a Value, or nested"),
        (lambda: nn.evaluate(nn.MLP(2, [1]), X, ["a"] * 30, nn.hinge), TypeError, "labels must be numbers"),
        (lambda: nn.predict(nn.MLP(2, [1]), [[1.0, [2.0]]]), TypeError, r"X\[0\] mixes numbers and lists"),
    ],
)
def test_bad_input(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_random_model_draws_for_each_row() -> None:
    random.seed(2)
    drawn = nn.predict(lambda row: row[0] * random.random(), X)
    again = nn.predict(lambda row: row[0] * nn.random(), X)
    for found in (drawn, again):
        factors = {round(y / row[0], 9) for y, row in zip(found, X, strict=True) if row[0]}
        assert len(factors) > 25


def test_arrays_of_one_row_are_trained_on_and_evaluated():
    found = []
    for make in (np.array, list):
        model = nn.MLP(2, [1], seed=0)
        given = make([[0.5, -1.0]]), make([1.0])
        optimizer = nn.SGD(model.parameters(), lr=0.1)
        history = nn.fit(model, *given, loss=nn.hinge, optimizer=optimizer, epochs=2, seed=0, progress=False)
        found.append((history.loss, model.state_dict(), nn.evaluate(model, *given, nn.hinge)))
    assert found[0] == found[1]


def test_what_does_not_replay_is_evaluated_as_often_as_it_is_asked_for() -> None:
    def model(row: list[Any]) -> Any:
        if isinstance(row[0], Value):
            raise ValueError("floats only")
        return Value(row[0])

    losses = LossOfSamples(model, list(zip(X, Y, strict=True)), nn.hinge)
    assert losses() == losses() == nn.evaluate(model, X, Y, nn.hinge)
