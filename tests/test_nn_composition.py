"""Linear, Sequential, Residual, shapes and activations as parts; modes, modules, buffers; names of parameters."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from typing import Any

import pytest

import autograd as ag
import nn
from autograd import Value, topological_order
from nn.composition import _CLASSES, ACTIVATIONS, Activation
from nn.generator import Draws, drawing


def numbers(outputs: Any) -> Any:
    return [numbers(x) for x in outputs] if isinstance(outputs, list) else outputs.data


def test_linear_is_rows_of_weights_and_a_bias() -> None:
    linear = nn.Linear(3, 2, seed=0)
    for j, row in enumerate(linear.weight):
        for i, w in enumerate(row):
            w.data = float(10 * j + i)
    linear.bias[0].data, linear.bias[1].data = 0.5, -0.5
    assert numbers(linear([1.0, 2.0, 3.0])) == [8.5, 67.5]
    assert [name for name, _ in linear.named_parameters()] == [
        *(f"weight.{j}.{i}" for j in range(2) for i in range(3)),
        "bias0",
        "bias1",
    ]
    assert nn.Linear(3, 2, bias=False).bias is None
    assert len(nn.Linear(3, 2, bias=False).parameters()) == 6


def test_a_linear_and_a_layer_draw_the_same_weights() -> None:
    linear, layer = nn.Linear(3, 4, init="xavier", seed=5), nn.Layer(3, 4, init="xavier", seed=5)
    assert numbers(linear.weight) == [[w.data for w in neuron.w] for neuron in layer.neurons]


def test_a_sequential_calls_its_parts_in_turn() -> None:
    first, last = nn.Linear(2, 3, seed=0), nn.Linear(3, 2, seed=1)
    model = nn.Sequential(first, "tanh", lambda x: [v * 2.0 for v in x], nn.Sequential(last, nn.ReLU()))
    x = [0.5, -1.5]
    hidden = [ag.tanh(v) * 2.0 for v in first(x)]
    assert numbers(model(x)) == numbers([ag.relu(v) for v in last(hidden)])
    assert [name for name, _ in model.named_modules()] == ["", "0", "1", "3", "3.0", "3.1"]
    assert {node.module for node in topological_order(model(x)[0]) if node.op} == {"0", "1", None, "3.0", "3.1"}
    assert list(model.state_dict()) == ["0.weight", "0.bias", "3.0.weight", "3.0.bias"]


def test_a_sequential_is_indexed_and_sliced() -> None:
    model = nn.Sequential(nn.Linear(2, 3, seed=0), "relu", nn.Linear(3, 1, seed=1))
    assert len(model) == 3
    assert [type(part).__name__ for part in model] == ["Linear", "ReLU", "Linear"]
    assert model[-1] is model[2]
    assert numbers(model[:2]([1.0, 2.0])) == numbers(model[1](model[0]([1.0, 2.0])))
    with pytest.raises(IndexError):
        model[3]


def test_the_repr_of_a_sequential_shows_sizes_and_counts() -> None:
    model = nn.Sequential(nn.Linear(2, 3), "relu", nn.Residual(nn.Linear(3, 3, bias=False), "gelu"), nn.Flatten(), max)
    assert repr(model) == (
        "Sequential(\n"
        "  (0): Linear(2, 3)  9 parameters\n"
        "  (1): ReLU()\n"
        "  (2): Residual(\n"
        "    (0): Linear(3, 3, bias=False)  9 parameters\n"
        "    (1): GELU()\n"
        "  )  9 parameters\n"
        "  (3): Flatten()\n"
        "  (4): max\n"
        ")  18 parameters"
    )


def test_a_residual_adds_its_input_at_any_nesting() -> None:
    residual = nn.Residual(lambda x: [[2.0 * v for v in row] for row in x])
    assert residual([[1.0, 2.0], [3.0]]) == [[3.0, 6.0], [9.0]]
    with pytest.raises(ValueError, match=r"Residual.* adds its input of 2 entries to an output of 1 entries"):
        nn.Residual(nn.Linear(2, 1))([1.0, 2.0])
    with pytest.raises(ValueError, match="input of 2 entries to an output of a number"):
        nn.Residual(sum)([1.0, 2.0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_a_name_and_a_module(name: str) -> None:
    made = _CLASSES[name]()
    assert isinstance(made, Activation)
    assert type(nn.Sequential(name)[0]) is type(made)
    x = [[Value(-0.5)], [Value(2.0), Value(0.25)]]
    expected = [[ACTIVATIONS[name](v).data for v in row] for row in x]
    assert numbers(made(x)) == numbers(Activation(name)(x)) == expected
    assert repr(made) == f"{type(made).__name__}()"
    assert hasattr(nn, type(made).__name__)


def test_flatten_and_reshape_are_inverse() -> None:
    numbers_in = [float(i) for i in range(12)]
    nested = nn.Reshape(2, 3, 2)(numbers_in)
    assert nested == [[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], [[6.0, 7.0], [8.0, 9.0], [10.0, 11.0]]]
    assert nn.Flatten()(nested) == numbers_in
    assert nn.Reshape(12)(nested) == numbers_in


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: nn.Sequential(), ValueError, "Sequential of nothing: give at least one part"),
        (lambda: nn.Residual(), ValueError, "Residual of nothing"),
        (lambda: nn.Sequential("Relu"), ValueError, r"unknown activation of part 0 'Relu'.*did you mean 'relu'"),
        (lambda: nn.Sequential(nn.ReLU(), "TANH"), ValueError, r"part 1 'TANH'.*did you mean 'tanh'"),
        (lambda: nn.Sequential(nn.ReLU), TypeError, r"part 0 must be a module.*: write ReLU\(\)"),
        (
            lambda: nn.Sequential(nn.ReLU(), 3),
            TypeError,
            "part 1 must be a module, a function or the name .* not int 3",
        ),
        (lambda: nn.Linear(2.0, 1), TypeError, "nin must be an integer of at least 1, not 2.0"),
        (lambda: nn.Linear(2, 0), ValueError, "nout must be at least 1, not 0"),
        (lambda: nn.Linear(2, 1, bias=0.5), TypeError, "bias must be True or False, not 0.5"),
        (lambda: nn.Linear(2, 1, init="He"), ValueError, "did you mean 'he'"),
        (lambda: nn.Reshape(), ValueError, "Reshape needs sizes"),
        (lambda: nn.Reshape(2, -1), ValueError, r"sizes\[1\] must be at least 1, not -1"),
        (lambda: nn.Reshape(2, 2)([1.0]), ValueError, r"Reshape\(2, 2\) takes 4 numbers, got 1"),
        (
            lambda: nn.Sequential("relu", nn.Linear(2, 1))([1.0]),
            ValueError,
            r"1 \(Linear\(2, 1\)\) takes 2 inputs, got 1",
        ),
        (
            lambda: nn.Sequential(nn.Sequential(nn.Linear(2, 1)))(3.0),
            TypeError,
            r"0\.0 \(Linear.*sequence of 2 numbers",
        ),
    ],
)
def test_bad_input(build: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build()


def test_a_sequential_is_copied_and_pickled() -> None:
    model = nn.Sequential(nn.Linear(2, 3, seed=0), "tanh", nn.Linear(3, 1, seed=1))
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert numbers(other([1.0, 2.0])) == numbers(model([1.0, 2.0]))
        assert not {id(p) for p in other.parameters()} & {id(p) for p in model.parameters()}


# -- modes, modules, buffers ------------------------------------------------------------------------------------------
class Running(nn.Module):
    """Subtracts the mean over the batch, and keeps a running mean."""

    def __init__(self, size: int) -> None:
        self.scale = [Value(1.0) for _ in range(size)]
        self.register_buffer("mean", [0.0] * size)

    def forward(self, x: Sequence[Any]) -> list[Any]:
        if self.training:
            raise TypeError("Running takes a batch in training: define forward_batch where it is called")
        return [s * (v - m) for s, v, m in zip(self.scale, x, self.mean, strict=True)]

    def forward_batch(self, rows: Sequence[Any]) -> list[Any]:
        if not self.training:
            return [self(row) for row in rows]
        means = [ag.mean(column) for column in zip(*rows, strict=True)]
        self.update_buffer("mean", [0.5 * old + 0.5 * new for old, new in zip(self.mean, means, strict=True)])
        return [[s * (v - m) for s, v, m in zip(self.scale, row, means, strict=True)] for row in rows]


def batchwise() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3, seed=0), nn.Residual("tanh", Running(3)), nn.Linear(3, 1, seed=1))


def test_modes_reach_every_module() -> None:
    model = nn.Sequential(nn.MLP(2, [3, 2]), nn.Residual(Running(2)))
    assert all(module.training for module in model.modules())
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert model.train() is model
    assert [name for name, _ in model.named_modules() if name.count(".") < 2] == ["", "0", "1", "1.0"]
    assert len(model.modules()) == len(model.named_modules()) == 11


def test_buffers_are_state_and_not_parameters() -> None:
    model = batchwise()
    running = model[1][1]
    assert [b.data for b in model.buffers()] == [0.0] * 3
    assert not {id(b) for b in model.buffers()} & {id(p) for p in model.parameters()}
    assert list(model.state_dict()) == ["0.weight", "0.bias", "1.1.scale", "1.1.mean", "2.weight", "2.bias"]
    model.forward_batch([[1.0, 2.0], [3.0, 4.0]])  # outside fit, at once
    assert [b.data for b in model.buffers()] != [0.0] * 3
    with pytest.raises(ValueError, match="a buffer of 3 numbers was given 1"):
        running.update_buffer("mean", [1.0])


def test_a_part_that_looks_across_the_batch_gets_all_of_it() -> None:
    model, rows = batchwise(), [[1.0, 2.0], [3.0, 4.0], [0.0, 0.5]]
    together = numbers(model.forward_batch(rows))
    hidden = [[ag.tanh(v) for v in model[0](row)] for row in rows]
    means = [ag.mean(column) for column in zip(*hidden, strict=True)]
    expected = [
        model[2]([x + (v - m) for x, v, m in zip(model[0](row), h, means, strict=True)])[0].data
        for row, h in zip(rows, hidden, strict=True)
    ]
    assert [y for (y,) in together] == pytest.approx(expected, rel=1e-14)
    with pytest.raises(TypeError, match="Running takes a batch in training"):
        model([1.0, 2.0])
    model.eval()
    assert numbers(model.forward_batch(rows)) == numbers([model(row) for row in rows])


X = [[0.0, 1.0], [1.0, 0.5], [-1.0, 2.0], [0.25, -0.75], [1.5, 1.5], [-0.5, -1.25], [2.0, 0.125]]
Y = [1, 0, 1, 0, 1, 1, 0]


@pytest.mark.parametrize("batch_size", [1, 3, 4, 100])
def test_fit_replays_whole_batches_and_writes_buffers_after_the_step(batch_size: int) -> None:
    outcomes = []
    for replay in (False, True):
        model = batchwise()
        optimizer = nn.Adam(model.parameters(), lr=0.02)
        history = nn.fit(
            model, X, Y, loss=nn.hinge, optimizer=optimizer, epochs=5, batch_size=batch_size, seed=3, progress=False,
            replay=replay, validation=(X, Y),
        )  # fmt: skip
        outcomes.append((history, model.state_dict()))
        assert model.training
    (eager, eager_state), (replayed, replayed_state) = outcomes
    assert replayed.replayed
    assert replayed.loss == pytest.approx(eager.loss, rel=1e-9, abs=1e-12)
    assert replayed.accuracy == eager.accuracy
    assert replayed.validation_loss == pytest.approx(eager.validation_loss, rel=1e-9, abs=1e-12)
    for name, held in eager_state.items():
        assert nn.Flatten()(replayed_state[name]) == pytest.approx(nn.Flatten()(held), rel=1e-9, abs=1e-12), name
    assert eager_state["1.1.mean"] != [0.0] * 3


class Calls(nn.Module):
    """Calls a part that looks across the batch, row by row."""

    def __init__(self) -> None:
        self.part = Running(2)
        self.out = nn.Linear(2, 1, seed=0)

    def forward(self, x: Sequence[Any]) -> list[Any]:
        return self.out(self.part(x))


def test_a_module_that_calls_such_a_part_row_by_row_is_an_error() -> None:
    model = Calls()
    with pytest.raises(TypeError, match=r"define forward_batch where it is called \(the model was tried on X\[0\]"):
        nn.fit(model, X, Y, loss=nn.hinge, optimizer=nn.SGD(model.parameters(), lr=0.1), epochs=1, progress=False)


def test_the_draws_of_a_row_of_a_batch_are_its_own() -> None:
    class Noisy(nn.Module):
        def forward(self, x: Any) -> list[Any]:
            return [v + nn.random() for v in x]

    model = nn.Sequential(Noisy(), Running(2), Noisy())
    with drawing(Draws(7, 1, [30, 10, 20])) as _:
        together = model.forward_batch([[0.0, 0.0]] * 3)
    draws = Draws(7, 1, [20])
    of_row = [draws.next() for _ in range(4)]
    with drawing(Draws(7, 1, [20, 5])):
        other = model.forward_batch([[0.0, 0.0]] * 2)
    means = [sum(Draws(7, 1, [row]).next() for row in (30, 10, 20)) / 3]
    assert together[2][0].data == pytest.approx(of_row[0] - means[0] + of_row[2], rel=1e-12)
    assert other[0][1].data != together[2][1].data


# -- names ------------------------------------------------------------------------------------------------------------
def test_every_parameter_has_a_name_of_its_own() -> None:
    model = nn.Sequential(nn.MLP(2, [3, 1], seed=0), nn.Linear(1, 1))
    names = [p.name for p in model.parameters()]
    assert len(set(names)) == len(names) == 15
    assert names == [name for name, _ in model.named_parameters()]
    assert all(p.label is None for p in model.parameters())
    copied = copy.deepcopy(model)
    assert [p.name for p in copied[0].layers[0].neurons[0].w] == names[:2]
    assert pickle.loads(pickle.dumps(model.parameters()[0])).name == names[0]


def test_a_label_of_the_user_s_is_the_name() -> None:
    model = nn.MLP(2, [1], seed=0)
    weight = model.layers[0].neurons[0].w[1]
    model.parameters()
    weight.label = "age"
    assert [p.name for p in model.parameters()] == ["layers.0.neurons.0.w0", "age", "layers.0.neurons.0.b"]
    assert weight.detach().label == "age"
    weight.label = None
    assert [p.name for p in model.parameters()][1] == "layers.0.neurons.0.w1"


def test_the_name_is_shown_everywhere() -> None:
    import viz

    model = nn.MLP(2, [2, 1], seed=0)
    root = model([1.0, 2.0])
    name = "layers.0.neurons.1.w0"
    assert name in str(ag.record(lambda a, b: model([a, b]), inputs=[1.0, 2.0]))
    assert name in "".join(str(step) for step in ag.steps(root))
    assert name in viz.to_dot(root)
    model.layers[0].neurons[1].w[0].data = float("nan")
    with pytest.raises(ag.AnomalyError, match=name.replace(".", r"\.")), ag.detect_anomaly():
        model([1.0, 2.0])
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    model.layers[0].neurons[1].w[0].data = 1.0
    model.layers[0].neurons[1].w[0].grad = float("inf")
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        optimizer.step()
