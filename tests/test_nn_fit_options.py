"""fit's validation, schedule, clipping, callbacks, checkpoints, interruption; with_l2; the schedules themselves."""

from __future__ import annotations

import json
import math
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import autograd as ag
import nn
from autograd import Value
from nn.schedules import cosine, linear, step

X, Y = nn.moons(40, seed=1)
HELD_X, HELD_Y = nn.moons(20, seed=2)


class Dropout(nn.Module):
    def forward(self, x: list[Any]) -> list[Any]:
        return [ag.where(nn.random() < 0.5, 0.0, 2.0 * v) for v in x] if self.training else x


def make() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 6, seed=3), "tanh", Dropout(), nn.Linear(6, 1, seed=4))


def fitted(model: nn.Module, optimizer: nn.Optimizer | None = None, **changes: Any) -> nn.History:
    settings: dict[str, Any] = {"loss": nn.hinge, "epochs": 4, "batch_size": 8, "seed": 5, "progress": False} | changes
    return nn.fit(model, X, Y, optimizer=optimizer or nn.Adam(model.parameters(), lr=0.05), **settings)


BOTH = pytest.mark.parametrize("replay", [False, True])


# -- validation -------------------------------------------------------------------------------------------------------
@BOTH
def test_validation_is_evaluate_after_each_epoch_in_evaluation_mode(replay: bool) -> None:
    model, seen = make(), []

    def look(epoch: int, history: nn.History) -> None:
        assert model.training
        seen.append(nn.evaluate(model, HELD_X, HELD_Y, nn.hinge))

    history = fitted(model, validation=(HELD_X, HELD_Y), callback=look, replay=replay)
    assert list(zip(history.validation_loss, history.validation_accuracy, strict=True)) == seen
    assert model.training
    assert fitted(make(), loss=nn.mse, validation=(HELD_X, HELD_Y)).validation_accuracy == []


@BOTH
def test_validation_changes_nothing_else(replay: bool) -> None:
    without, with_it = make(), make()
    histories = [fitted(without, replay=replay), fitted(with_it, replay=replay, validation=(HELD_X, HELD_Y))]
    assert histories[0].loss == histories[1].loss
    assert without.state_dict() == with_it.state_dict()


# -- schedules and clipping -------------------------------------------------------------------------------------------
def test_the_schedules() -> None:
    assert [cosine()(p / 4) for p in range(5)] == pytest.approx([1.0, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4, 0.0])
    assert [linear(warmup=0.2)(p) for p in (0.0, 0.1, 0.2, 0.6, 1.0)] == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0])
    assert [cosine(warmup=0.5)(p) for p in (0.0, 0.25, 0.5, 0.75, 1.0)] == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0])
    assert [step(0.5, 0.1)(p) for p in (0.0, 0.49, 0.5, 1.0)] == [1.0, 1.0, 0.1, 0.1]
    for bad in (lambda: cosine(1.0), lambda: linear(-0.1), lambda: step(1.5, 0.1), lambda: step(0.5, -1.0)):
        with pytest.raises(ValueError):
            bad()
    with pytest.raises(TypeError, match="warmup must be a number"):
        cosine("slow")  # type: ignore[arg-type]


@BOTH
def test_a_schedule_sees_the_progress_and_its_factor_is_on_the_first_rate(replay: bool) -> None:
    asked, rates = [], []

    class Spy(nn.SGD):
        def step(self) -> None:
            rates.append(self.lr)
            super().step()

    def halving(progress: float) -> float:
        asked.append(progress)
        return 0.5 ** (4.0 * progress)

    model = make()
    optimizer = Spy(model.parameters(), lr=0.1)
    history = fitted(model, optimizer, schedule=halving, replay=replay)
    assert asked == [i / 20 for i in range(20)]
    assert rates == [0.1 * 0.5 ** (4.0 * progress) for progress in asked]
    assert history.lr == [rates[4], rates[9], rates[14], rates[19]]
    assert optimizer.lr == 0.1


def test_a_factor_of_zero_is_a_step_of_nothing_and_the_rate_is_restored_after_an_error() -> None:
    model = make()
    before, optimizer = model.state_dict(), nn.SGD(model.parameters(), lr=0.1)
    fitted(model, optimizer, schedule=lambda progress: 0.0)
    assert model.state_dict() == before
    for bad, kind in ((-1.0, ValueError), (float("nan"), ValueError), ("x", TypeError)):
        with pytest.raises(kind, match=r"schedule\(0\.05\) returned"):
            fitted(model, optimizer, schedule=lambda progress, bad=bad: 0.5 if progress == 0.0 else bad)
        assert optimizer.lr == 0.1


@BOTH
def test_gradients_are_clipped_as_clip_grad_norm_does(replay: bool) -> None:
    norms = []

    class Spy(nn.SGD):
        def step(self) -> None:
            norms.append(math.sqrt(sum(p.grad**2 for p in self.params)))
            super().step()

    def norm_of(clip_norm: float | None) -> tuple[nn.History, list[float]]:
        norms.clear()
        model = make()
        return fitted(model, Spy(model.parameters(), lr=0.05), clip_norm=clip_norm, replay=replay, epochs=2), norms[:]

    history, free = norm_of(None)
    assert history.gradient_norm == pytest.approx([sum(free[:5]) / 5, sum(free[5:]) / 5], rel=1e-12)
    bound = 0.5 * min(free)
    clipped_history, clipped = norm_of(bound)
    assert clipped == pytest.approx([bound] * 10, rel=1e-12)
    assert clipped_history.gradient_norm[0] > bound  # before clipping


# -- callbacks --------------------------------------------------------------------------------------------------------
def test_callbacks_are_called_in_order_and_a_true_result_ends_the_training() -> None:
    calls: list[tuple[str, int, int]] = []

    def first(epoch: int, history: nn.History) -> None:
        calls.append(("first", epoch, len(history.loss)))

    def second(epoch: int, history: nn.History) -> bool:
        calls.append(("second", epoch, len(history.loss)))
        return epoch == 2

    history = fitted(make(), callback=[second, first], epochs=9)
    assert calls == [("second", 1, 1), ("first", 1, 1), ("second", 2, 2), ("first", 2, 2)]
    assert len(history.loss) == 2


def test_early_stopping_looks_at_validation_first() -> None:
    stopping = nn.EarlyStopping(patience=2)
    losses = [3.0, 2.0, 2.5, 2.0, 1.0, 1.5, 1.0]
    assert [stopping(i + 1, nn.History(loss=losses[: i + 1])) for i in range(7)] == [
        *[False] * 3,
        True,
        False,
        False,
        True,
    ]
    assert not stopping(7, nn.History(loss=losses, validation_loss=[1.0, 0.5]))
    history = fitted(make(), callback=nn.EarlyStopping(1), epochs=500, optimizer=None, validation=(HELD_X, HELD_Y))
    assert history.validation_loss[-1] >= min(history.validation_loss[:-1])
    assert len(history.loss) < 500


def test_a_checkpoint_of_the_best_epoch_alone(tmp_path: Path) -> None:
    model = make()
    optimizer = nn.Adam(model.parameters(), lr=0.3)
    best = nn.Checkpoint(tmp_path / "best.json", model, optimizer, best_only=True)
    held = (HELD_X, HELD_Y)
    history = fitted(model, optimizer, callback=[best, nn.EarlyStopping(3)], epochs=500, validation=held)
    lowest = min(history.validation_loss)
    assert history.validation_loss[-1] > lowest
    assert nn.load(best.path, model)["fit"]["epoch"] == 1 + history.validation_loss.index(lowest)
    assert nn.evaluate(model, *held, nn.hinge)[0] == lowest
    with pytest.raises(TypeError, match="best_only must be True or False, not 3"):
        nn.Checkpoint(tmp_path / "best.json", model, optimizer, best_only=3)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"callback": 3}, TypeError, r"callback must be a function \(epoch, history\)"),
        ({"callback": [None]}, TypeError, "callback must be a function"),
        ({"schedule": 0.5}, TypeError, "schedule must be a function of progress"),
        ({"clip_norm": 0.0}, ValueError, r"clip_norm must lie in \(0, inf\)"),
        ({"clip_norm": "1"}, TypeError, "clip_norm must be a number"),
        ({"validation": X}, TypeError, r"validation must be a pair \(X, y\)"),
        ({"validation": (X, Y[:3])}, ValueError, "validation: X has 40 rows and y has 3 targets"),
        ({"validation": ([[float("nan"), 1.0]], [1])}, ValueError, r"validation: X\[0\]\[0\] is nan"),
        ({"resume": "nowhere.json"}, FileNotFoundError, "nowhere"),
    ],
)
def test_bad_options_change_nothing(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    model = make().eval()
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    before = model.state_dict(), optimizer.state_dict()
    with pytest.raises(error, match=message):
        fitted(model, optimizer, **changes)
    assert (model.state_dict(), optimizer.state_dict()) == before


@BOTH
def test_a_loss_that_turns_nan_leaves_the_last_good_step(replay: bool) -> None:
    states = []

    class Spy(nn.SGD):
        def step(self) -> None:
            super().step()
            states.append([p.data for p in self.params])

    neuron = nn.Neuron(1, activation="linear", seed=0)
    with pytest.raises(ValueError, match=r"the loss is (inf|nan) in epoch \d, batch \d of 2"):
        nn.fit(
            neuron, [[1.0], [1e60]], [0.0, 1.0], loss=nn.mse, optimizer=Spy(neuron.parameters(), lr=1e60), epochs=9,
            batch_size=1, seed=0, progress=False, replay=replay,
        )  # fmt: skip
    assert [p.data for p in neuron.parameters()] == states[-1]


# -- checkpoints ------------------------------------------------------------------------------------------------------
@BOTH
@pytest.mark.parametrize("stop", [1, 3])
def test_a_resumed_training_ends_with_the_bits_of_an_uninterrupted_one(tmp_path: Path, replay: bool, stop: int) -> None:
    path = tmp_path / "run.json"
    options: dict[str, Any] = {
        "epochs": 5, "schedule": cosine(0.1), "clip_norm": 0.7, "validation": (HELD_X, HELD_Y), "replay": replay,
    }  # fmt: skip
    whole = make()
    whole_optimizer = nn.Adam(whole.parameters(), lr=0.05)
    expected = fitted(whole, whole_optimizer, **options)

    first = make()
    optimizer = nn.Adam(first.parameters(), lr=0.05)
    callbacks = [nn.Checkpoint(path, first, optimizer), lambda epoch, history: epoch == stop]
    fitted(first, optimizer, callback=callbacks, **options)
    second = nn.Sequential(nn.Linear(2, 6), "tanh", Dropout(), nn.Linear(6, 1))
    second_optimizer = nn.Adam(second.parameters(), lr=0.3)
    found = fitted(second, second_optimizer, resume=path, **options)
    assert found == expected
    assert second.state_dict() == whole.state_dict()
    assert second_optimizer.state_dict() == whole_optimizer.state_dict()


def test_a_file_that_is_no_checkpoint_changes_nothing(tmp_path: Path) -> None:
    model = make()
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    other = make()
    other[0].bias[0].data = 3.0
    nn.save(tmp_path / "plain.json", other, nn.Adam(other.parameters(), lr=0.7))
    before = model.state_dict(), optimizer.state_dict()
    with pytest.raises(ValueError, match=r"plain\.json is not a checkpoint of a training"):
        fitted(model, optimizer, resume=tmp_path / "plain.json")
    assert (model.state_dict(), optimizer.state_dict()) == before


def test_a_checkpoint_whose_history_is_of_another_epoch_changes_nothing(tmp_path: Path) -> None:
    path, model = tmp_path / "state.json", make()
    optimizer = nn.Adam(model.parameters(), lr=0.05)
    fitted(model, optimizer, callback=nn.Checkpoint(path, model, optimizer), epochs=1)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["meta"]["fit"]["epoch"] += 1
    path.write_text(json.dumps(content), encoding="utf-8")
    other = make()
    before = other.state_dict()
    with pytest.raises(ValueError, match="its epoch is not that of its history"):
        fitted(other, nn.Adam(other.parameters(), lr=0.05), resume=path)
    assert other.state_dict() == before


# -- Ctrl-C -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def python_s_own_handler() -> Iterator[None]:
    """Ctrl-C as at a prompt: a process that a shell started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupting(nn.SGD):
    """Ctrl-C comes in the middle of the seventh step."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.calls = 0

    def step(self) -> None:
        self.calls += 1
        if self.calls == 7:
            os.kill(os.getpid(), signal.SIGINT)
        super().step()


@BOTH
@pytest.mark.usefixtures("python_s_own_handler")
def test_ctrl_c_ends_the_training_after_a_whole_step(replay: bool) -> None:
    model, same = make(), make()
    history = fitted(model, Interrupting(model.parameters(), lr=0.05), replay=replay)
    assert history.interrupted
    assert len(history.loss) == 1
    assert model.training
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    class Stopping(nn.SGD):
        calls = 0

        def step(self) -> None:
            self.calls += 1
            if self.calls <= 7:
                super().step()

    fitted(same, Stopping(same.parameters(), lr=0.05), replay=replay, epochs=2)
    assert model.state_dict() == same.state_dict()


@BOTH
def test_ctrl_c_in_the_model_and_in_validation_changes_nothing(replay: bool) -> None:
    model = make()
    calls = []

    def loss(prediction: Any, target: Any) -> Value:
        calls.append(1)
        return nn.hinge(prediction, target)

    def interrupt(epoch: int, history: nn.History) -> None:
        states.append(model.state_dict())
        model.eval()
        raise KeyboardInterrupt

    states: list[Any] = []
    history = fitted(model, loss=loss, callback=interrupt, replay=replay)
    assert history.interrupted
    assert len(history.loss) == 1
    assert [model.state_dict()] == states
    assert model.training


# -- with_l2 ----------------------------------------------------------------------------------------------------------
@BOTH
def test_l2_is_the_penalty_inside_the_loss(replay: bool) -> None:
    outcomes = []
    for inside in (True, False):
        model = nn.MLP(2, [3, 1], activation="tanh", seed=1)

        @nn.decides("> 0")
        def penalised(prediction: Any, target: Any, model: nn.MLP = model) -> Value:
            return nn.hinge(prediction, target) + 0.01 * ag.sum([p * p for p in model.parameters()])

        loss = penalised if inside else nn.with_l2(nn.hinge, model, 0.01)
        history = fitted(model, loss=loss, replay=replay, validation=(HELD_X, HELD_Y))
        found = nn.evaluate(model, X, Y, loss)
        outcomes.append(
            [*history.loss, *history.validation_loss, *history.accuracy, *[p.data for p in model.parameters()], *found]
        )
        assert history.replayed is replay
    assert outcomes[0] == pytest.approx(outcomes[1], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((nn.mse, 3, 0.1), TypeError, "model must be a module"),
        ((nn.mse, nn.ReLU(), 0.1), ValueError, "ReLU has no parameters"),
        ((nn.mse, nn.Linear(1, 1), 0.0), ValueError, "factor must lie in"),
        (("mse", nn.Linear(1, 1), 0.1), TypeError, "loss must be a function"),
    ],
)
def test_bad_penalties(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nn.with_l2(*arguments)


# -- parameters -------------------------------------------------------------------------------------------------------
@BOTH
def test_parameters_that_the_optimiser_does_not_hold_stay_as_they_are(replay: bool) -> None:
    model = make()
    before = model[0].state_dict()
    fitted(model, nn.Adam(model[3].parameters(), lr=0.1), replay=replay)
    assert model[0].state_dict() == before


def test_weights_that_are_plain_floats_are_explained() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            self.weights = [0.5, 0.25]

        def forward(self, x: list[Any]) -> Any:
            return Value(self.weights[0]) * x[0]

    with pytest.raises(ValueError, match="a parameter of a module is a Value attribute"):
        nn.SGD(Plain().parameters(), lr=0.1)
    with pytest.raises(ValueError, match="Plain, has no parameters: a parameter is a Value attribute"):
        fitted(Plain(), nn.SGD([Value(1.0)], lr=0.1))


def test_accuracy_of_a_model_that_looks_across_the_batch() -> None:
    found = []
    for replay in (True, False):
        parts = nn.Linear(2, 3, seed=1), nn.BatchNorm1d(3), "tanh", nn.Linear(3, 1, seed=2)
        history = fitted(nn.Sequential(*parts), replay=replay, epochs=3)
        assert history.replayed is replay
        found.append(history.accuracy)
    assert found[0] == found[1]
    assert 0.3 < found[0][-1] <= 1.0
