"""fit, predict, accuracy and History."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nn
from autograd import Value, no_grad
from nn.checked_samples import checked_rows, checked_samples
from nn.generator import key_of, order_of_rows
from nn.inner_loops import table_of

X = [[0.0, 1.0], [1.0, 0.5], [-1.0, 2.0], [0.25, -0.75], [1.5, 1.5]]
Y = [1, 0, 1, 0, 1]


def trained(**changes: Any) -> tuple[nn.History, list[float]]:
    """A short training, and the parameters it ends with."""
    model = nn.MLP(2, [3, 1], activation="tanh", seed=2)
    settings: dict[str, Any] = {"X": X, "y": Y, "loss": nn.hinge, "epochs": 3, "batch_size": 2, "seed": 5}
    settings |= {"progress": False, "optimizer": nn.Adam(model.parameters(), lr=0.05)} | changes
    history = nn.fit(model, settings.pop("X"), settings.pop("y"), **settings)
    return history, [p.data for p in model.parameters()]


def chunks(order: list[int], size: int) -> Iterator[list[int]]:
    return (order[start : start + size] for start in range(0, len(order), size))


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_fit_is_gradient_descent_as_written_by_hand(batch_size: int) -> None:
    rows, targets, lr, epochs = [[0.5], [-1.0], [2.0], [1.5], [-0.5]], [1.0, -2.0, 3.5, 3.0, 0.25], 0.05, 4
    neuron = nn.Neuron(1, activation="linear", seed=0)
    w, b = neuron.w[0].data, 0.0
    losses = []
    for epoch in range(1, epochs + 1):
        order = order_of_rows(key_of(9), epoch, 5)
        total = 0.0
        for batch in chunks(order, batch_size):
            errors = [(w * rows[i][0] + b - targets[i], rows[i][0]) for i in batch]
            total += math.fsum(error * error for error, _ in errors)
            w -= lr * math.fsum(2 * error * x for error, x in errors) / len(batch)
            b -= lr * math.fsum(2 * error for error, _ in errors) / len(batch)
        losses.append(total / 5)
    optimizer = nn.SGD(neuron.parameters(), lr=lr)
    history = nn.fit(
        neuron,
        rows,
        targets,
        loss=nn.mse,
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        seed=9,
        progress=False,
    )
    assert [neuron.w[0].data, neuron.b.data] == pytest.approx([w, b], rel=1e-12)
    assert history.loss == pytest.approx(losses, rel=1e-12)
    assert history.accuracy == []


def test_accuracy_counts_the_samples_as_the_model_saw_them() -> None:
    recorded = []

    class Constant(nn.Module):
        def __init__(self) -> None:
            self.score = Value(1.0)

        def forward(self, x: list[float]) -> Value:
            score = self.score * 1.0
            recorded.append(score.op)
            return score

    history = nn.fit(
        model := Constant(),
        X,
        Y,
        loss=nn.hinge,
        optimizer=nn.SGD(model.parameters(), lr=1e-6),
        epochs=2,
        progress=False,
        replay=False,
    )
    assert history.accuracy == [0.6, 0.6]
    assert recorded == ["", *["*"] * 10]  # the trial on the first row records nothing


@pytest.mark.parametrize(
    ("make", "sizes", "loss", "options"),
    [
        (lambda: nn.xor(), [8, 1], nn.hinge, {}),
        (lambda: nn.xor(), [8, 1], nn.binary_cross_entropy, {"output": "sigmoid"}),
        (lambda: nn.moons(30, noise=0.0), [8, 2], nn.softmax_cross_entropy, {}),
    ],
)
def test_a_network_learns(make: Callable[[], Any], sizes: list[int], loss: nn.Loss, options: dict[str, str]) -> None:
    rows, targets = make()
    model = nn.MLP(2, sizes, activation="tanh", seed=1, **options)
    history = nn.fit(
        model,
        rows,
        targets,
        loss=loss,
        optimizer=nn.Adam(model.parameters(), lr=0.1),
        epochs=100,
        batch_size=10,
        seed=1,
        progress=False,
    )
    assert history.loss[-1] < 0.1 * history.loss[0]
    assert history.accuracy[-1] == nn.accuracy(model, rows, targets, loss) == 1.0


RUN = """
import nn
X, y = nn.moons(20, seed=3)
model = nn.MLP(2, [4, 1], seed=3)
optimizer = nn.Adam(model.parameters(), lr=0.05)
history = nn.fit(model, X, y, loss=nn.hinge, optimizer=optimizer, epochs=5, batch_size=6, seed=3, progress=False)
print([p.data.hex() for p in model.parameters()], [l.hex() for l in history.loss], history.accuracy)
"""


def test_a_seed_gives_the_same_numbers_in_every_process() -> None:
    printed = [
        subprocess.run(
            [sys.executable, "-c", RUN],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("0", "12345")
    ]
    assert printed[0] == printed[1]
    assert printed[0].count("0x") > 20


def test_a_seed_gives_the_same_numbers_again_and_another_does_not() -> None:
    history, parameters = trained()
    assert trained() == (history, parameters)
    assert trained(seed=random.Random(5)) == (history, parameters)
    assert trained(seed=6)[1] != parameters
    random.seed(5)
    assert trained(seed=None) == (history, parameters)


@pytest.mark.parametrize(
    ("rows", "targets"),
    [
        (tuple(map(tuple, X)), tuple(Y)),
        ((row for row in X), (target for target in Y)),
        (X, [2 * target - 1 for target in Y]),
        (X, [bool(target) for target in Y]),
    ],
)
def test_the_kind_of_sequence_does_not_matter(rows: Any, targets: Any) -> None:
    assert trained(X=rows, y=targets) == trained()


def test_arrays_do_as_well_as_lists() -> None:
    np = pytest.importorskip("numpy")
    expected = trained()
    assert trained(X=np.array(X), y=np.array(Y)) == expected
    assert trained(X=[np.array(row) for row in X], y=np.array(Y, dtype=np.float32)) == expected
    assert trained(X=[[np.float32(x) for x in row] for row in X], y=[np.int8(target) for target in Y]) == expected
    with pytest.raises(ValueError, match=r"X\[3\]\[1\] is nan"):
        trained(X=np.array(with_cell(float("nan"))))
    with pytest.raises(TypeError, match=r"X\[0\] is the number 0.0: each row must be a sequence"):
        trained(X=np.array(X)[:, 0])


def test_several_outputs_take_rows_of_targets() -> None:
    model = nn.MLP(2, [2], seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.05)
    history = nn.fit(model, X, X, loss=nn.mse, optimizer=optimizer, epochs=200, seed=0, progress=False)
    assert history.loss[-1] < 1e-3
    assert nn.predict(model, [[0.5, -0.5]])[0] == pytest.approx([0.5, -0.5], abs=0.1)


def test_the_progress_bar_shows_epoch_loss_and_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    history, _ = trained(progress=True)
    shown = capsys.readouterr()
    assert "epoch 3/3" in shown.err
    assert f"loss {history.loss[-1]:.4g}, accuracy {100 * history.accuracy[-1]:.4g} %" in shown.err
    assert shown.out == ""
    trained(progress=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("history", "text"),
    [
        (nn.History(), "History(0 epochs)"),
        (nn.History([0.5]), "History(1 epoch, loss 0.5 -> 0.5)"),
        (
            nn.History([0.69314718, 0.0123456], [0.5, 1.0]),
            "History(2 epochs, loss 0.6931 -> 0.01235, accuracy 50 % -> 100 %)",
        ),
    ],
)
def test_history_repr(history: nn.History, text: str) -> None:
    assert repr(history) == text


def test_predict_gives_plain_numbers_and_accuracy_counts() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", seed=2)
    predictions = nn.predict(model, X)
    assert predictions == [model(row).data for row in X]
    assert all(type(prediction) is float for prediction in predictions)
    right = [(prediction > 0) == (target == 1) for prediction, target in zip(predictions, Y, strict=True)]
    assert nn.accuracy(model, X, Y, nn.hinge) == right.count(True) / len(Y)
    assert nn.predict(nn.MLP(2, [2], seed=0), X[:1]) == [[v.data for v in nn.MLP(2, [2], seed=0)(X[0])]]


def with_cell(cell: Any) -> list[list[Any]]:
    return [*X[:3], [0.25, cell], X[4]]


def stranger() -> nn.Optimizer:
    return nn.SGD([Value(1.0)], lr=0.1)


def float_loss(prediction: Value, target: float) -> Any:
    return prediction.data


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"y": Y[:3]}, ValueError, "X has 5 rows and y has 3 targets"),
        ({"X": [], "y": []}, ValueError, "X is empty"),
        ({"X": [[]] * 5}, ValueError, r"X\[0\] is empty: each row needs at least one number"),
        ({"X": with_cell(float("nan"))}, ValueError, r"X\[3\]\[1\] is nan"),
        ({"X": with_cell(float("-inf"))}, ValueError, r"X\[3\]\[1\] is -inf"),
        ({"X": with_cell("0.5")}, TypeError, r"X\[3\]\[1\] must be a number, not str '0.5'"),
        ({"X": with_cell(None)}, TypeError, r"X\[3\]\[1\] must be a number, not NoneType None"),
        ({"X": with_cell(Value(1.0))}, TypeError, r"X\[3\]\[1\] must be a number, not Value"),
        (
            {"X": [*X[:4], [1.0]]},
            ValueError,
            r"layers\.0 \(Layer.* takes 2 inputs, got 1 \(the model was tried on X\[4",
        ),
        ({"X": with_cell(10**400)}, ValueError, r"X\[3\]\[1\] is an integer that is too large"),
        (
            {"X": [1.0, 2.0, 3.0, 4.0, 5.0]},
            TypeError,
            r"X\[0\] is the number 1.0: each row must be a sequence, .*\[1.0\]",
        ),
        ({"X": "abcde"}, TypeError, "X must be a sequence, not str"),
        ({"X": 3}, TypeError, "X must be a sequence, not int 3"),
        ({"y": 3}, TypeError, "y must be a sequence, not int 3"),
        ({"y": [1, 0, float("nan"), 0, 1]}, ValueError, r"y\[2\] is nan"),
        ({"y": [1, 0, "1", 0, 1]}, TypeError, r"y\[2\] is str '1': labels must be numbers"),
        ({"y": [1, 0, 1, 0, 2]}, ValueError, r"hinge takes targets .* not 2 \(the loss was tried on y\[4\] = 2 before"),
        ({"y": [[1], [0], [1], [0], [2, 2]], "loss": nn.mse}, ValueError, r"1 outputs, 2 targets \(.* y\[4\] = \[2, 2"),
        ({"loss": nn.softmax_cross_entropy}, TypeError, "a list of logits, one for each class, and got one Value"),
        ({"X": [[1.0]] * 5}, ValueError, r"layers\.0 \(Layer\(2, 3, .* takes 2 inputs, got 1"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1, not 0"),
        ({"epochs": 2.0}, TypeError, "epochs must be an integer of at least 1, not 2.0"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, not 0"),
        ({"batch_size": None}, TypeError, "batch_size must be an integer of at least 1, not None"),
        ({"seed": "x"}, TypeError, "seed must be an int"),
        ({"loss": float_loss}, TypeError, "float_loss must return a Value, not float"),
        ({"optimizer": nn.Adam}, TypeError, r"optimizer must be an optimiser such as nn.Adam\(model.parameters\(\)\)"),
        ({"optimizer": stranger()}, ValueError, "the optimizer does not hold any of the model's parameters"),
    ],
)
def test_bad_input_is_refused_before_anything_is_trained(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", seed=2)
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    before = [(p.data, p.grad) for p in model.parameters()], optimizer.state_dict()
    settings: dict[str, Any] = {"X": X, "y": Y, "loss": nn.hinge, "optimizer": optimizer, "epochs": 3} | changes
    with pytest.raises(error, match=message):
        nn.fit(model, settings.pop("X"), settings.pop("y"), **settings, progress=False)
    assert before == ([(p.data, p.grad) for p in model.parameters()], optimizer.state_dict())


def test_a_loss_that_explodes_is_reported_with_its_epoch_and_batch() -> None:
    model = nn.Neuron(1, activation="linear", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=1e60)
    with pytest.raises(ValueError, match=r"the loss is inf in epoch 2, batch 1 of 2: try a lower lr"):
        nn.fit(
            model,
            [[1.0], [1e60]],
            [0.0, 1.0],
            loss=nn.mse,
            optimizer=optimizer,
            epochs=9,
            batch_size=1,
            seed=0,
            progress=False,
        )


def test_a_gradient_that_is_not_finite_is_reported_with_its_epoch_and_batch() -> None:
    class Root(nn.Module):
        def __init__(self) -> None:
            self.area = Value(0.0)

        def forward(self, x: list[float]) -> Value:
            return self.area.sqrt() * x[0]

    model = Root()
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"SGD: the gradient of root\.area is -inf; .* \(epoch 1, batch 1 of 1\)"):
        nn.fit(model, [[1.0]], [1.0], loss=nn.mse, optimizer=optimizer, epochs=1, progress=False)
    assert model.area.data == 0.0


def test_fit_inside_no_grad_is_refused() -> None:
    with no_grad(), pytest.raises(ValueError, match=r"does not depend on any parameter .* inside no_grad"):
        trained()


def test_accuracy_needs_a_loss_that_decides() -> None:
    with pytest.raises(ValueError, match=r"mse does not state how accuracy decides: .* nn\.decides"):
        nn.accuracy(nn.Neuron(2), X, Y, nn.mse)


def test_a_model_or_loss_that_is_no_function_is_named() -> None:
    model = nn.MLP(2, [1], seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    with pytest.raises(TypeError, match="loss must be a function"):
        nn.fit(model, [[0.0, 1.0]], [1], loss="hinge", optimizer=optimizer, epochs=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="model must be a function"):
        nn.fit(None, [[0.0, 1.0]], [1], loss=nn.hinge, optimizer=optimizer, epochs=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "targets"),
    [
        ([[1.5, -0.0], [3.0, 4.0]], [1, 0.25]),  # floats of one width: kept as one table
        ([[1.5, 2], [3.0, 4.0]], [1, 0]),
        ([[1.5], [3.0, 4.0]], [1, 0]),
        ([[1.5], [[3.0]]], [1, 0]),
        ([[1.5], [3.0]], [[1], [0]]),
        ([[1.5], [3.0]], [True, 2**53]),
        ([[1e308, 1e308, 1e308], [3.0, 4.0, 5.0]], [0, 1]),  # their sum is not finite
    ],
)
def test_samples_are_the_same_numbers_however_they_are_kept(rows: list[Any], targets: list[Any]) -> None:
    wanted = list(zip(checked_rows(rows), targets, strict=True))
    for X in (rows, tuple(map(tuple, rows))):
        samples = checked_samples(X, targets)
        assert repr(list(samples)) == repr(wanted).replace("True", "1")  # with types and signs of zero
        assert [samples[-1]] == samples[1:] == wanted[1:] and len(samples) == 2


def test_samples_do_not_follow_their_lists() -> None:
    row = [1.0, 2.0]
    samples = checked_samples([row], [1])
    row[0] = 5.0
    assert list(samples) == [([1.0, 2.0], 1)]


@pytest.mark.parametrize("odd", [2, True, math.inf, -math.inf, math.nan, "2", None, [2.0]])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_rows_are_read_at_once_where_all_are_finite_floats(odd: object, place: int) -> None:
    rows: list[list[Any]] = [[0.5, 1.5, 2.5], [-1.0, 0.0, 1e300]]
    assert table_of(rows, [1, 0.5]).tolist() == [0.5, 1.5, 2.5, 1.0, -1.0, 0.0, 1e300, 0.5]  # type: ignore[union-attr]
    rows[1][place] = odd
    assert table_of(rows, [1, 0.5]) is None
