"""fit through a tape: the same training as eagerly, and only where it is the same."""

from __future__ import annotations

import gc
import itertools
import math
import pickle
import random
from collections.abc import Callable
from typing import Any

import pytest

import autograd as ag
import nn
from autograd import BranchChanged, FrozenValueWarning, Tape, Value, no_grad
from autograd.tape.recorder import Recorder
from autograd.tape.replay import Rows
from nn import layers
from nn.replayed_step import chooses_replay

X = [[0.0, 1.0], [1.0, 0.5], [-1.0, 2.0], [0.25, -0.75], [1.5, 1.5], [-0.5, -1.25], [2.0, 0.125]]

# Gradients are summed over a batch in two orders, which differ by some 1e-16 of their terms; thirty steps of SGD or
# Adam at these rates make less than a factor 1e4 of it.
ROUNDING = {"rel": 1e-9, "abs": 1e-12}

Outcome = tuple[nn.History, list[float], list[float]]


def trained(model: nn.Module, y: list[Any], loss: nn.Loss, replay: bool | None, **changes: Any) -> Outcome:
    """A short training: its history, and the parameters and gradients that it ends with."""
    settings: dict[str, Any] = {"optimizer": nn.Adam(model.parameters(), lr=0.02), "batch_size": 3, "epochs": 10}
    settings |= {"seed": 5, "progress": False} | changes
    history = nn.fit(model, settings.pop("X", X), y, loss=loss, replay=replay, **settings)
    return history, [p.data for p in model.parameters()], [p.grad for p in model.parameters()]


def assert_same(found: Outcome, expected: Outcome) -> None:
    assert found[0].loss == pytest.approx(expected[0].loss, **ROUNDING)
    assert found[0].accuracy == expected[0].accuracy
    assert found[1] == pytest.approx(expected[1], **ROUNDING)
    assert found[2] == pytest.approx(expected[2], **ROUNDING)


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows of each replay from here on."""
    counts: list[int] = []
    replay = Tape.replay

    def counted(self: Tape, rows: Rows) -> Any:
        counts.append(rows.count)
        return replay(self, rows)

    monkeypatch.setattr(Tape, "replay", counted)
    return counts


# -- the same training ------------------------------------------------------------------------------------------------
TRAININGS: list[tuple[nn.Loss, list[Any], list[int], str]] = [
    (nn.hinge, [1, 0, 1, 0, 1, 1, 0], [3, 1], "linear"),
    (nn.hinge, [1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0], [1], "tanh"),
    (nn.binary_cross_entropy, [1, 0, 1, 0, 1, 1, 0], [3, 1], "sigmoid"),
    (nn.binary_cross_entropy, [1.0, 0.25, True, False, 0.5, 1e-9, 0], [3, 1], "sigmoid"),
    (nn.binary_cross_entropy_with_logits, [1, 0.25, True, False, 0.5, 1e-9, 0.0], [3, 1], "linear"),
    (nn.mse, [1.0, -2.0, 3, 0.5, -0.25, 7, 1], [3, 1], "linear"),
    (nn.mse, [[1.0], -2.0, [3], 0.5, -0.25, [7], 1], [3, 1], "linear"),
    (nn.mse, X, [3, 2], "linear"),
    (nn.half_squared_error, [1.0, -2.0, 3, 0.5, -0.25, 7, 1], [1], "gelu"),
    (nn.half_squared_error, X, [3, 2], "softplus"),
    (nn.softmax_cross_entropy, [0, 2, 1, 0, 2, 2, 1], [4, 3], "linear"),
    (nn.softmax_cross_entropy, [0, 1, 1, False, True, 0, 1], [2], "elu"),
]


@pytest.mark.parametrize(("loss", "y", "sizes", "output"), TRAININGS)
def test_a_replayed_training_is_the_eager_one(
    loss: nn.Loss, y: list[Any], sizes: list[int], output: str, replays: list[int]
) -> None:
    models = [nn.MLP(2, sizes, activation="tanh", output=output, seed=3) for _ in range(2)]
    eager = trained(models[0], y, loss, False)
    assert replays == []
    assert_same(trained(models[1], y, loss, None), eager)
    assert replays == [3, 3, 1] * 10


@pytest.mark.parametrize("batch_size", [1, 2, 7, 100])
@pytest.mark.parametrize("activation", layers.ACTIVATIONS)
def test_every_activation_and_batch_size(activation: str, batch_size: int) -> None:
    y = [1.0, -2.0, 3.0, 0.5, -0.25, 2.0, 1.0]
    outcomes = [
        trained(nn.MLP(2, [3, 1], activation=activation, seed=1), y, nn.mse, replay, batch_size=batch_size, epochs=4)
        for replay in (None, False)
    ]
    assert_same(*outcomes)


def test_more_rows_than_a_block_of_gradients() -> None:
    rows, y = nn.moons(150, seed=1)
    outcomes = [
        trained(nn.MLP(2, [4, 1], seed=1), y, nn.hinge, replay, X=rows, batch_size=130, epochs=5)
        for replay in (None, False)
    ]
    assert_same(*outcomes)


@pytest.mark.parametrize("make", [lambda: nn.Neuron(2, seed=1), lambda: nn.Layer(2, 1, "tanh", seed=1)])
def test_a_lone_neuron_or_layer(make: Callable[[], nn.Module], replays: list[int]) -> None:
    y = [1, 0, 1, 0, 1, 1, 0]
    outcome = trained(make(), y, nn.hinge, None)
    assert len(replays) == 30
    assert_same(outcome, trained(make(), y, nn.hinge, False))


def test_leaves_that_the_optimiser_does_not_hold_receive_too() -> None:
    outcomes = []
    for replay in (None, False):
        model = nn.MLP(2, [3, 1], activation="tanh", seed=1)
        optimizer = nn.SGD(model.layers[1].parameters(), lr=0.05)
        outcomes.append(trained(model, [1, 0, 1, 0, 1, 1, 0], nn.hinge, replay, optimizer=optimizer))
    assert_same(*outcomes)
    assert any(abs(gradient) > 1.0 for gradient in outcomes[0][2])  # of all steps together, as nothing zeroes them


def test_a_changed_model_is_recorded_anew() -> None:
    outcomes = []
    for replay in (None, False):
        model, y = nn.MLP(2, [3, 1], seed=1), [1, 0, 1, 0, 1, 1, 0]
        trained(model, y, nn.hinge, replay)
        for neuron in model.layers[0].neurons:
            neuron.activation = "tanh"
        del model.layers[0].neurons[0], model.layers[1].neurons[0].w[0]
        model.layers[0].nout = model.layers[1].nin = model.layers[1].neurons[0].nin = 2
        outcomes.append(trained(model, y, nn.hinge, replay))
    assert_same(*outcomes)


def test_nothing_of_the_recording_stays_alive() -> None:
    model = nn.MLP(2, [3, 1], seed=1)
    trained(model, [1, 0, 1, 0, 1, 1, 0], nn.hinge, None)
    gc.collect()
    assert not any(isinstance(found, Recorder) for found in gc.get_objects())
    assert nn.predict(pickle.loads(pickle.dumps(model)), X) == nn.predict(model, X)


# -- the losses, recorded ---------------------------------------------------------------------------------------------
SCORES = [-1000.0, -1.0, -0.0, 0.3, 1.0, 800.0]
PROBABILITIES = [0.0, 1e-300, 0.25, 0.5, 1.0]


@pytest.mark.parametrize(
    ("loss", "outputs", "targets"),
    [
        (nn.hinge, SCORES, [1.0, 0.0, -1.0, -0.0]),
        (nn.binary_cross_entropy, PROBABILITIES, [1.0, 0.0, -0.0]),
        (nn.binary_cross_entropy, PROBABILITIES[1:-1], [0.25, 1e-300, 1.0 - 2.0**-53]),
        (nn.binary_cross_entropy_with_logits, SCORES, [1.0, 0.0, -0.0, 0.25]),
        (nn.mse, SCORES, [1.0, 0.0, -7.5]),
        (nn.half_squared_error, SCORES, [1.0, 0.0, -7.5]),
    ],
)
def test_a_loss_chooses_by_each_row_s_target(loss: nn.Loss, outputs: list[float], targets: list[float]) -> None:
    tape = ag.record(loss, inputs=[0.5, 1.0])
    rows = [list(pair) for pair in itertools.product(outputs, targets)]
    losses, gradients = tape.value_and_grad(rows)
    for (output, target), found, gradient in zip(rows, losses, gradients, strict=True):
        leaf = Value(output)
        eager = loss(leaf, target)
        eager.backward()
        assert (found.hex(), gradient[0] + 0.0) == (eager.data.hex(), leaf.grad + 0.0), (output, target)


def test_softmax_cross_entropy_takes_its_class_from_each_row() -> None:
    tape = ag.record(nn.softmax_cross_entropy, inputs=[[0.5, 0.25, 1.0], 0])
    rows = [[*logits, float(k)] for logits in ([1.0, -2.0, 0.5], [700.0, -700.0, 0.0]) for k in range(3)]
    losses, gradients = tape.value_and_grad(rows)
    for row, found, gradient in zip(rows, losses, gradients, strict=True):
        leaves = [Value(x) for x in row[:3]]
        eager = nn.softmax_cross_entropy(leaves, int(row[3]))
        eager.backward()
        assert found == eager.data
        assert gradient[:3] == [leaf.grad for leaf in leaves]


@pytest.mark.parametrize(
    ("loss", "prediction", "target"),
    [
        (nn.hinge, 0.5, 0.5),
        (nn.binary_cross_entropy, 0.5, 1.5),
        (nn.binary_cross_entropy_with_logits, 0.5, -0.5),
        (nn.softmax_cross_entropy, [0.5, 1.0], 2.0),
    ],
)
def test_a_target_that_is_a_value_is_checked_where_nothing_is_recorded(
    loss: nn.Loss, prediction: Any, target: float
) -> None:
    leaves = [Value(x) for x in prediction] if isinstance(prediction, list) else Value(prediction)
    with pytest.raises(ValueError, match=r"takes (a )?targets?|a class is an integer"):
        loss(leaves, Value(target))
    assert loss(leaves, Value(1.0)).data == loss(leaves, 1).data


# -- when a tape is used ----------------------------------------------------------------------------------------------
class Line(nn.Module):
    """A model of a user's own."""

    def __init__(self) -> None:
        self.slope = Value(0.5)
        self.intercept = Value(-0.25)

    def forward(self, x: list[Any]) -> Value:
        return self.slope * x[0] - self.intercept * x[1]


class Twin(nn.MLP):
    """A subclass, whose calls may do anything."""


@nn.decides("> 0")
def squared_hinge(prediction: Value, target: Any) -> Value:
    """A loss of a user's own."""
    return ag.relu(1.0 - (2.0 * target - 1.0) * prediction) ** 2


def overridden() -> nn.MLP:
    model = nn.MLP(2, [3, 1], seed=0)
    model.layers[0].forward = model.layers[0].forward  # type: ignore[method-assign]
    return model


def with_a_twin_inside() -> nn.MLP:
    model = nn.MLP(2, [1], seed=0)
    model.layers.append(lambda signals: signals)  # type: ignore[arg-type]
    return model


def with_a_computed_weight() -> nn.MLP:
    model = nn.MLP(2, [1], seed=0)
    model.layers[0].neurons[0].w[0] = Value(2.0) * 3.0
    return model


@pytest.mark.parametrize(
    ("make", "loss", "expected"),
    [
        (lambda: nn.MLP(2, [3, 1]), nn.hinge, True),
        (lambda: nn.MLP(2, [3, 1]), squared_hinge, False),
        (Line, nn.hinge, False),
        (lambda: Twin(2, [1]), nn.hinge, False),
        (lambda: nn.MLP(2, [1]).forward, nn.hinge, False),
        (overridden, nn.hinge, False),
        (with_a_twin_inside, nn.hinge, False),
        (with_a_computed_weight, nn.mse, False),
    ],
)
def test_only_what_is_nn_s_own_is_replayed_unasked(make: Callable[[], Any], loss: Any, expected: bool) -> None:
    assert chooses_replay(make(), loss, None) is expected
    assert chooses_replay(make(), loss, True)
    assert not chooses_replay(make(), loss, False)


def test_a_replaced_activation_or_method_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.MLP(2, [3, 1], activation="tanh")
    with monkeypatch.context() as patch:
        patch.setitem(layers.ACTIVATIONS, "tanh", ag.relu)
        assert not chooses_replay(model, nn.hinge, None)
    with monkeypatch.context() as patch:
        patch.setattr(nn.Neuron, "forward", lambda self, x: self.b * 1.0)
        assert not chooses_replay(model, nn.hinge, None)
    with monkeypatch.context() as patch:
        patch.setitem(layers.ACTIVATIONS, "twice", lambda x: x + x)
        assert chooses_replay(model, nn.hinge, None)
        assert not chooses_replay(nn.Neuron(2, activation="twice"), nn.hinge, None)


def test_where_each_node_counts_training_is_eager() -> None:
    model = nn.MLP(2, [3, 1])
    with ag.detect_anomaly():
        assert not chooses_replay(model, nn.hinge, None)
    with ag.named_scope("training"):
        assert chooses_replay(model, nn.hinge, None)
    with no_grad():
        assert not chooses_replay(model, nn.hinge, None)
        assert not chooses_replay(model, nn.hinge, True)


@pytest.mark.parametrize("loss", [nn.hinge, squared_hinge])
def test_a_model_of_one_s_own_is_replayed_where_asked(loss: nn.Loss, replays: list[int]) -> None:
    y = [1, 0, 1, 0, 1, 1, 0]
    eager = trained(Line(), y, loss, False)
    assert_same(trained(Line(), y, loss, None), eager)
    assert replays == []
    assert_same(trained(Line(), y, loss, True), eager)
    # rows of the first two batches one by one before each, for the comparison
    assert replays == [1, 1, 1, 3, 1, 1, 1, 3, 1, *[3, 3, 1] * 9]


def test_argmax_of_several_scores_counts_where_asked() -> None:
    @nn.decides("argmax")
    def distance(prediction: list[Value], target: Any) -> Value:
        return nn.half_squared_error(prediction, [target == 0, target == 1])

    rows, y = nn.moons(40, seed=2)
    outcomes = [
        trained(nn.MLP(2, [4, 2], seed=1), y, distance, replay, X=rows, batch_size=40, epochs=3)
        for replay in (False, None)
    ]
    assert outcomes[0] == outcomes[1]
    with pytest.raises(BranchChanged, match="target == 0"):
        trained(nn.MLP(2, [4, 2], seed=1), y, distance, True, X=rows)


class Accumulating(Line):
    def forward(self, x: list[Any]) -> Value:
        total = Value(0.0)
        for factor in (self.slope, Value(2.0) * self.intercept):
            total = total + factor * x[0]
        return total


def test_constants_made_in_each_call_are_no_parameters() -> None:
    y = [1.0, -2.0, 3.0, 0.5, -0.25, 2.0, 1.0]
    assert_same(trained(Accumulating(), y, nn.mse, True), trained(Accumulating(), y, nn.mse, False))


def test_a_list_of_targets_names_no_class_as_eagerly() -> None:
    loss = nn.decides("argmax")(lambda prediction, target: nn.half_squared_error(prediction, target))
    y = [[float(row == 0), float(row != 0)] for row in range(len(X))]
    for replay in (True, False):
        assert trained(nn.MLP(2, [2], seed=1), y, loss, replay)[0].accuracy == [0.0] * 10


# -- what is refused --------------------------------------------------------------------------------------------------
class Normalised(Line):
    def forward(self, x: list[Any]) -> Value:
        return super().forward(x) * self.slope.data


class Noisy(Line):
    def forward(self, x: list[Any]) -> Value:
        return super().forward(x) + random.random()


class Detaching(Line):
    """The same number in each call, but from the third call on without the gradient of one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: list[Any]) -> Value:
        self.calls += 1
        slope = self.slope.detach() if self.calls > 2 else self.slope
        return slope * x[0] - self.intercept * x[1]


class Branching(Line):
    def forward(self, x: list[Any]) -> Value:
        return self.slope * x[0] if x[0] > 0.5 else self.intercept * x[1]


Y = [1.0, -2.0, 3.0, 0.5, -0.25, 2.0, 1.0]


def test_a_number_that_is_read_is_frozen_and_found_in_the_second_batch() -> None:
    with (
        pytest.warns(FrozenValueWarning, match=r"self\.slope\.data"),
        pytest.raises(
            ValueError,
            match=r"(?s)in epoch 1, batch 2 of 3, X\[\d\] the loss is .* into the tape:\n  File .*test_nn_replay.py",
        ),
    ):
        trained(Normalised(), Y, nn.mse, True)


def test_random_numbers_are_frozen_and_found_in_the_first_batch() -> None:
    with pytest.raises(ValueError, match=r"in epoch 1, batch 1 of 3, X\[\d\] the loss is .* draws at random"):
        trained(Noisy(), Y, nn.mse, True)


def test_a_gradient_that_differs_names_its_parameter_and_changes_nothing() -> None:
    model = Detaching()
    model.slope.grad = 7.0
    with pytest.raises(ValueError, match=r"batch 1 of 3, X\[\d\] the gradient of detaching\.slope is 0\.0 in an eager"):
        trained(model, Y, nn.mse, True)
    assert (model.slope.data, model.slope.grad) == (0.5, 7.0)


def test_a_branch_that_changes_names_the_row_and_the_batch() -> None:
    rows = [[1.0, 0.0], [0.75, 1.0], [0.25, 1.0]]
    with pytest.raises(BranchChanged, match=r"(?s)0\.5 < 0\.25.*if x\[0\] > 0\.5.*\(epoch 1, batch \d of 3, X\[2\]"):
        trained(Branching(), Y[:3], nn.mse, True, X=rows, batch_size=1)
    assert_same(
        trained(Branching(), Y[:2], nn.mse, True, X=rows[:2]), trained(Branching(), Y[:2], nn.mse, False, X=rows[:2])
    )


def test_targets_of_two_forms_are_refused_where_the_loss_may_tell_them_apart() -> None:
    y: list[Any] = [[1.0], -2.0, 3.0, 0.5, -0.25, 2.0, 1.0]
    with pytest.raises(ValueError, match=r"y\[0\] is \[1\.0\] and y\[1\] is -2\.0: a tape takes targets of one form"):
        trained(Line(), y, nn.mse, True)


def test_an_error_of_the_recording_says_so() -> None:
    with pytest.raises(TypeError) as caught:
        trained(Line(), Y, lambda p, t: p * math.sin(t), True)  # type: ignore[arg-type]
    assert "recorded for replay" in caught.value.__notes__[0]


@pytest.mark.parametrize("replay", [1, "yes", 0.0])
def test_replay_is_true_false_or_none(replay: Any) -> None:
    with pytest.raises(TypeError, match="replay must be True, False or None"):
        trained(Line(), Y, nn.mse, replay)


# -- what fit promises anyway -----------------------------------------------------------------------------------------
def too_far(replay: bool | None) -> None:
    model = nn.Neuron(1, activation="linear", seed=0)
    trained(model, [0.0, 1.0], nn.mse, replay, X=[[1.0], [1e60]], optimizer=nn.SGD(model.parameters(), lr=1e60))


def infinite_gradient(replay: bool | None) -> None:
    model = nn.Neuron(1, activation="linear", seed=0)
    trained(model, [0.0], nn.mse, replay, X=[[1e154]], optimizer=nn.SGD(model.parameters(), lr=1e-3))


def no_probability(replay: bool | None) -> None:
    model = nn.Neuron(1, activation="linear", seed=0)
    model.w[0].data = 0.5
    trained(model, [1, 0, 1], nn.binary_cross_entropy, replay, X=[[1.0], [0.5], [3.0]])


def nothing_recorded(replay: bool | None) -> None:
    with no_grad():
        trained(nn.MLP(2, [1], seed=0), Y, nn.mse, replay)


@pytest.mark.parametrize("case", [too_far, infinite_gradient, no_probability, nothing_recorded])
def test_errors_are_those_of_eager_training(case: Callable[[bool | None], None]) -> None:
    messages = set()
    for replay in (False, None, True):
        with pytest.raises(ValueError) as caught:
            case(replay)
        assert caught.type is ValueError
        messages.add(str(caught.value))
    assert len(messages) == 1, messages


def test_a_model_without_parameters_is_not_replayed() -> None:
    optimizer = nn.SGD([Value(1.0)], lr=0.1)
    with pytest.raises(ValueError, match="does not depend on any parameter"):
        nn.fit(
            lambda row: Value(0.5) * row[0],
            X,
            Y,
            loss=nn.mse,
            optimizer=optimizer,
            epochs=1,
            progress=False,
            replay=True,
        )
