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
from autograd import Tape, Value, no_grad
from autograd.tape.recorder import Recorder
from autograd.tape.replay import Rows
from nn import chunks, layers
from nn.replayed_step import may_record

X = [[0.0, 1.0], [1.0, 0.5], [-1.0, 2.0], [0.25, -0.75], [1.5, 1.5], [-0.5, -1.25], [2.0, 0.125]]

# Gradients are summed over a batch in two orders, which differ by some 1e-16 of their terms; thirty steps of SGD or
# Adam at these rates make less than a factor 1e4 of it.
ROUNDING = {"rel": 1e-9, "abs": 1e-12}

Y = [1.0, -2.0, 3.0, 0.5, -0.25, 2.0, 1.0]

Outcome = tuple[nn.History, list[float], list[float]]


def trained(model: nn.Module, y: list[Any], loss: nn.Loss, replay: bool | None, **changes: Any) -> Outcome:
    """A short training: its history, and the parameters and gradients that it ends with."""
    settings: dict[str, Any] = {"optimizer": None, "batch_size": 3, "epochs": 10}
    settings |= {"seed": 5, "progress": False} | changes
    settings["optimizer"] = settings["optimizer"] or nn.Adam(model.parameters(), lr=0.02)
    history = nn.fit(model, settings.pop("X", X), y, loss=loss, replay=replay, **settings)
    return history, [p.data for p in model.parameters()], [p.grad for p in model.parameters()]


def assert_same(found: Outcome, expected: Outcome) -> None:
    assert found[0].loss == pytest.approx(expected[0].loss, **ROUNDING)
    assert found[0].accuracy == expected[0].accuracy
    assert found[1] == pytest.approx(expected[1], **ROUNDING)
    assert found[2] == pytest.approx(expected[2], **ROUNDING)


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows of each replay from here on, those in chunks of steps among them."""
    counts: list[int] = []
    replay, run_steps = Tape.replay, chunks.run_steps

    def counted_steps(model: Any, params: Any, formula: Any, steps: Any) -> int:
        done = run_steps(model, params, formula, steps)
        counts.extend(steps.sizes[:done])
        return done

    def counted(self: Tape, rows: Rows) -> Any:
        counts.append(rows.count)
        return replay(self, rows)

    monkeypatch.setattr(Tape, "replay", counted)
    monkeypatch.setattr(chunks, "run_steps", counted_steps)
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
    # a row of each of the first two batches first, to be compared with an eager run
    assert replays == [1, 3, 1, 3, 1, *[3, 3, 1] * 9]


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
    assert len(replays) == 32
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
    def recorders() -> list[int]:
        gc.collect()
        return [id(found) for found in gc.get_objects() if isinstance(found, Recorder)]

    before = recorders()  # tracebacks of other tests may hold some
    model = nn.MLP(2, [3, 1], seed=1)
    trained(model, [1, 0, 1, 0, 1, 1, 0], nn.hinge, None)
    assert set(recorders()) <= set(before)
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


# -- what is replayed -------------------------------------------------------------------------------------------------
class Line(nn.Module):
    """A model of a user's own."""

    def __init__(self) -> None:
        self.slope = Value(0.5)
        self.intercept = Value(-0.25)

    def forward(self, x: list[Any]) -> Value:
        return self.slope * x[0] - self.intercept * x[1]


class Twin(nn.MLP):
    """A subclass that changes nothing."""


@nn.decides("> 0")
def squared_hinge(prediction: Value, target: Any) -> Value:
    """A loss of a user's own."""
    return ag.relu(1.0 - (2.0 * target - 1.0) * prediction) ** 2


def overridden() -> nn.MLP:
    model = nn.MLP(2, [3, 1], seed=0)
    model.layers[0].forward = model.layers[0].forward  # type: ignore[method-assign]
    return model


class Accumulating(Line):
    def forward(self, x: list[Any]) -> Value:
        total = Value(0.0)
        for factor in (self.slope, Value(2.0) * self.intercept):
            total = total + factor * x[0]
        return total


class Branching(Line):
    def forward(self, x: list[Any]) -> Value:
        return self.slope * x[0] if x[0] > 0.5 else self.intercept * x[1]


class Lookup(nn.Module):
    """A table indexed by an integer feature."""

    def __init__(self) -> None:
        self.table = [Value(0.25 * i) for i in range(3)]

    def forward(self, x: list[Any]) -> Value:
        return ag.take(self.table, x[2]) * x[0]


class Detaching(Line):
    def forward(self, x: list[Any]) -> Value:
        return self.slope * x[0] + self.slope.detach() * x[1]


def first(outputs: list[Value]) -> Value:
    return outputs[0]


MODELS: dict[str, Callable[[], nn.Module]] = {
    "a module of one's own": Line,
    "a subclass": lambda: Twin(2, [3, 1], seed=0),
    "a method replaced": overridden,
    "constants made in each call": Accumulating,
    "branches": Branching,
    "detached": Detaching,
    "parts": lambda: nn.Sequential(
        nn.Linear(2, 3, seed=0), "tanh", nn.Residual("sigmoid"), nn.Linear(3, 1, seed=1), first
    ),
    "functions among the parts": lambda: nn.Sequential(lambda x: [x[0] * x[1], x[0]], nn.Linear(2, 1, seed=1), first),
}


@pytest.mark.parametrize("loss", [nn.hinge, squared_hinge, nn.mse])
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_any_model_and_loss_is_replayed(make: Callable[[], nn.Module], loss: nn.Loss, replays: list[int]) -> None:
    y = [1, 0, 1, 0, 1, 1, 0]
    eager = trained(make(), y, loss, False)
    assert not replays
    assert not eager[0].replayed
    for replay in (None, True):
        replayed = trained(make(), y, loss, replay)
        assert_same(replayed, eager)
        assert replayed[0].replayed
    assert len(replays) > 60


def test_a_plain_function_is_a_model(replays: list[int]) -> None:
    outcomes = []
    for replay in (False, None):
        w = Value(0.5)
        optimizer = nn.SGD([w], lr=0.05)
        history = nn.fit(
            lambda row, w=w: w * row[0], X, Y, loss=nn.mse, optimizer=optimizer, epochs=4, seed=1, progress=False,
            replay=replay,
        )  # fmt: skip
        outcomes.append((history.loss, w.data))
        assert history.replayed is (replay is None)
    assert outcomes[0][0] == pytest.approx(outcomes[1][0], **ROUNDING)
    assert outcomes[0][1] == pytest.approx(outcomes[1][1], **ROUNDING)


def test_an_integer_feature_may_index() -> None:
    rows = [[*row, i % 3] for i, row in enumerate(X)]
    outcomes = [trained(Lookup(), Y, nn.mse, replay, X=rows) for replay in (False, True)]
    assert_same(*outcomes)


def test_where_each_node_counts_training_is_eager() -> None:
    with ag.detect_anomaly():
        assert not may_record()
        assert not trained(Line(), Y, nn.mse, None)[0].replayed
    with ag.named_scope("training"):
        assert trained(Line(), Y, nn.mse, None)[0].replayed
    with no_grad():
        assert not may_record()


def test_a_list_of_targets_names_no_class_as_eagerly() -> None:
    loss = nn.decides("argmax")(lambda prediction, target: nn.half_squared_error(prediction, target))
    y = [[float(row == 0), float(row != 0)] for row in range(len(X))]
    for replay in (True, False):
        assert trained(nn.MLP(2, [2], seed=1), y, loss, replay)[0].accuracy == [0.0] * 10


# -- rows of several shapes -------------------------------------------------------------------------------------------
class Recurrent(nn.Module):
    def __init__(self) -> None:
        self.cell = nn.Linear(2, 1, seed=1)

    def forward(self, x: list[Any]) -> list[Value]:
        state: Any = 0.0
        for number in x:
            state = ag.tanh(self.cell([number, state])[0])
        return [state, -state]


RAGGED = [[0.1 * i, 1.0, -0.5][: 1 + i % 3] for i in range(17)]


def test_rows_of_several_lengths_are_batched_by_length(replays: list[int]) -> None:
    y = [i % 2 for i in range(17)]
    outcomes = [
        trained(Recurrent(), y, nn.softmax_cross_entropy, replay, X=RAGGED, epochs=4) for replay in (False, None)
    ]
    assert_same(*outcomes)
    assert outcomes[1][0].replayed
    assert len(replays) == 4 * 6 + 2  # 6, 6 and 5 rows in batches of 3; two rows compared


def test_a_sequence_of_classes_is_a_target() -> None:
    class Tagger(nn.Module):
        def __init__(self) -> None:
            self.out = nn.Linear(1, 3, seed=2)

        def forward(self, x: list[Any]) -> list[list[Value]]:
            return [self.out([number]) for number in x]

    seen = []

    def sequence_loss(prediction: list[list[Value]], target: list[Any]) -> Value:
        seen.append([type(one) for one in target])
        return ag.mean([nn.softmax_cross_entropy(p, t) for p, t in zip(prediction, target, strict=True)])

    y = [[i % 3 for i in range(len(row))] for row in RAGGED]
    outcomes = [trained(Tagger(), y, sequence_loss, replay, X=RAGGED, epochs=3) for replay in (False, None)]  # type: ignore[arg-type]
    assert_same(*outcomes)
    assert outcomes[1][0].replayed
    assert {kind for kinds in seen for kind in kinds} == {int, Value}


def test_rows_may_be_nested() -> None:
    images = [[[a, b], [b, a]] for a, b in X]
    models = [nn.Sequential(nn.Flatten(), nn.Linear(4, 1, seed=1)) for _ in range(2)]
    outcomes = [
        trained(model, Y, nn.mse, replay, X=images) for model, replay in zip(models, (False, True), strict=True)
    ]
    assert_same(*outcomes)


# -- what would be frozen ---------------------------------------------------------------------------------------------
class Normalised(Line):
    def forward(self, x: list[Any]) -> Value:
        return super().forward(x) * self.slope.data


class ReadsAndDropsIt(Line):
    def forward(self, x: list[Any]) -> Value:
        self.slope.data  # noqa: B018
        return super().forward(x)


class ReadsAGradient(Line):
    def forward(self, x: list[Any]) -> Value:
        return super().forward(x) + 0.0 * self.slope.grad


class Noisy(Line):
    def forward(self, x: list[Any]) -> Value:
        return super().forward(x) + random.random()


class DrawsAndDropsIt(Line):
    def forward(self, x: list[Any]) -> Value:
        random.random()
        return super().forward(x)


class NumPyNoise(Line):
    def forward(self, x: list[Any]) -> Value:
        import numpy as np

        return super().forward(x) + float(np.random.random())


class Counting(Line):
    calls = 0

    def forward(self, x: list[Any]) -> Value:
        self.calls += 1
        return super().forward(x)


class Remembering(Line):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, x: list[Any]) -> Value:
        self.seen.append(1)
        return super().forward(x)


class Alternating(Line):
    """Counts where it cannot be seen."""

    def __init__(self) -> None:
        super().__init__()
        self._counter = itertools.count()

    def forward(self, x: list[Any]) -> Value:
        return super().forward(x) * float(1 + next(self._counter) % 2)


class Indexing(nn.Module):
    def __init__(self) -> None:
        self.table = [Value(0.5), Value(-0.5), Value(0.25)]

    def forward(self, x: list[Any]) -> Value:
        return self.table[int(x[0] > 0.5)] * x[1]


class ByItself(nn.Module):
    def __init__(self) -> None:
        self.table = {i: Value(0.25 * i) for i in range(-4, 5)}

    def forward(self, x: list[Any]) -> Value:
        return self.table[math.floor(2 * float(x[0]))] * x[1]


FROZEN: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "data": (Normalised, r"reads a number of a Value.*\n.*super\(\)\.forward\(x\) \* self\.slope\.data"),
    "data that is dropped": (ReadsAndDropsIt, r"reads a number of a Value"),
    "a gradient": (ReadsAGradient, r"reads a number of a Value"),
    "random": (Noisy, r"draws from the module random.*nn\.random"),
    "random that is dropped": (DrawsAndDropsIt, r"draws from the module random"),
    "numpy.random": (NumPyNoise, r"draws from numpy\.random"),
    "a counter": (Counting, r"changes the attribute calls"),
    "a list that grows": (Remembering, r"changes the attribute seen"),
    "a hidden counter": (Alternating, r"other constants"),
    "float()": (ByItself, r"raises an error where its inputs are Values \(TypeError"),
}


@pytest.mark.parametrize(("make", "why"), FROZEN.values(), ids=FROZEN)
def test_what_a_tape_would_freeze_is_trained_eagerly_and_said_once(make: Callable[[], nn.Module], why: str) -> None:
    pytest.importorskip("numpy")
    random.seed(3)
    with pytest.warns(nn.ReplayWarning, match=f"(?s)fit trains eagerly, .*{why}") as caught:
        history = trained(make(), Y, nn.mse, None)[0]
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert not history.replayed
    with pytest.raises(ValueError, match=f"(?s)replay=True, and .*{why}"):
        trained(make(), Y, nn.mse, True)
    trained(make(), Y, nn.mse, False)  # says nothing


def test_eager_training_in_place_of_a_replay_has_its_bits() -> None:
    with pytest.warns(nn.ReplayWarning):
        unasked = trained(Normalised(), Y, nn.mse, None)
    assert unasked == trained(Normalised(), Y, nn.mse, False)


def test_recordings_leave_the_global_random_numbers_as_they_are() -> None:
    np = pytest.importorskip("numpy")
    for make in (Noisy, NumPyNoise):
        random.seed(1)
        np.random.seed(1)
        expected = random.getstate(), np.random.get_state()[1].tolist()
        with pytest.raises(ValueError):
            trained(make(), Y, nn.mse, True)
        assert (random.getstate(), np.random.get_state()[1].tolist()) == expected


def test_too_many_branches_are_trained_eagerly() -> None:
    class Many(Line):
        def forward(self, x: list[Any]) -> Value:
            steps = 0
            while x[0] > steps:
                steps += 1
            return self.slope * x[0] + self.intercept * steps

    rows = [[float(i), 1.0] for i in range(40)]
    y = [0.1 * i for i in range(40)]
    with pytest.warns(nn.ReplayWarning, match="more than 16 branches"):
        unasked = trained(Many(), y, nn.mse, None, X=rows, optimizer=None, epochs=2)
    assert not unasked[0].replayed
    assert_same(trained(Many(), y[:15], nn.mse, True, X=rows[:15]), trained(Many(), y[:15], nn.mse, False, X=rows[:15]))


@pytest.mark.parametrize("replay", [1, "yes", 0.0])
def test_replay_is_true_false_or_none(replay: Any) -> None:
    with pytest.raises(TypeError, match="replay must be True, False or None"):
        trained(Line(), Y, nn.mse, replay)


# -- when a model changes ---------------------------------------------------------------------------------------------
class Scaled(Line):
    def __init__(self) -> None:
        super().__init__()
        self.factor = 1.0

    def forward(self, x: list[Any]) -> Value:
        return super().forward(x) * self.factor


def test_a_callback_may_change_the_model() -> None:
    outcomes = []
    for replay in (False, True):
        model = Scaled()

        def halve(epoch: int, history: nn.History, model: Scaled = model) -> None:
            model.factor *= 0.5

        outcomes.append(trained(model, Y, nn.mse, replay, callback=halve))
    assert_same(*outcomes)


def test_a_model_may_change_between_fits() -> None:
    outcomes = []
    for replay in (False, True):
        model = Scaled()
        trained(model, Y, nn.mse, replay, epochs=2)
        model.factor = 3.0
        outcomes.append(trained(model, Y, nn.mse, replay))
    assert_same(*outcomes)


@pytest.fixture
def recordings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list with an entry per call that is recorded."""
    from nn import row_tapes

    found: list[int] = []
    form_of_call = row_tapes.form_of_call

    def counted(*arguments: Any, **options: Any) -> Any:
        found.append(1)
        return form_of_call(*arguments, **options)

    monkeypatch.setattr(row_tapes, "form_of_call", counted)
    return found


def test_nothing_is_recorded_twice_without_need(recordings: list[int]) -> None:
    model = nn.MLP(2, [3, 1], seed=1)
    trained(model, [1, 0, 1, 0, 1, 1, 0], nn.hinge, None, epochs=20, validation=(X * 2, [1, 0, 1, 0, 1, 1, 0] * 2))
    assert len(recordings) == 4  # two rows for training, two for validation
    trained(model, [1, 0, 1, 0, 1, 1, 0], nn.hinge, None, callback=[nn.EarlyStopping(100)])
    assert len(recordings) == 5  # one look at a row
    trained(model, [1, 0, 1, 0, 1, 1, 0], nn.hinge, None, callback=lambda epoch, history: None)
    assert len(recordings) == 15  # one when it begins and one after each call but the last


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


def test_a_primitive_that_fails_once_is_an_error_though_an_eager_run_would_not_fail() -> None:
    calls, fails_at = 0, 0

    def forward(x: float) -> float:
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise ValueError("it failed once")
        return 2.0 * x

    double = ag.primitive("fails_once", forward, lambda x, out: 2.0)
    for fails_at in range(1, 15):  # noqa: B007 - `forward` reads it
        calls = 0
        with pytest.raises(ValueError, match="it failed once"):
            trained(nn.Linear(2, 1, seed=0), Y, lambda p, t: double(nn.mse(p, t)), True)


def test_the_sum_of_losses_may_be_large() -> None:
    def loss(p: Any, t: Any) -> Any:
        return 1e307 + nn.mse(p, t)

    assert_same(*(trained(nn.Linear(2, 1, seed=0), Y, loss, replay, batch_size=7) for replay in (True, False)))


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
