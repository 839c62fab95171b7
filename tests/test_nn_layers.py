"""Modules, neurons, layers, MLPs and how their weights begin."""

from __future__ import annotations

import copy
import functools
import math
import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nn
from autograd import Value, topological_order
from nn.init import INITIALIZERS
from nn.layers import ACTIVATIONS

PLAIN_ACTIVATIONS = {
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: max(z, 0.01 * z),
    "elu": lambda z: z if z > 0 else math.exp(z) - 1.0,
    "gelu": lambda z: z * math.erfc(-z / math.sqrt(2.0)) / 2.0,
    "silu": lambda z: z / (1.0 + math.exp(-z)),
    "softplus": lambda z: math.log(1.0 + math.exp(z)),
    "tanh": math.tanh,
    "sigmoid": lambda z: 1.0 / (1.0 + math.exp(-z)),
    "linear": lambda z: z,
}


def plain_forward(model: nn.MLP, x: list[float]) -> list[float]:
    """The MLP's outputs from the numbers in its parameters alone, by their published order."""
    numbers = iter([parameter.data for parameter in model.parameters()])
    signals = x
    for depth, nout in enumerate(model.nouts):
        activation = model.output if depth == len(model.nouts) - 1 else model.activation
        outputs = []
        for _ in range(nout):
            z = math.fsum([next(numbers) * signal for signal in signals] + [next(numbers)])
            outputs.append(PLAIN_ACTIVATIONS[activation](z))
        signals = outputs
    return signals


def randomised(model: nn.Module, seed: int) -> None:
    """Give all parameters, the biases too, numbers that tell them apart."""
    rng = random.Random(seed)
    for parameter in model.parameters():
        parameter.data = rng.uniform(-1.0, 1.0)


@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    output=st.sampled_from(sorted(ACTIVATIONS)),
    seed=st.integers(0, 1000),
)
def test_forward_is_the_plain_computation(sizes: list[int], activation: str, output: str, seed: int) -> None:
    model = nn.MLP(sizes[0], sizes[1:], activation=activation, output=output, seed=seed)
    randomised(model, seed)
    x = [random.Random(-seed).uniform(-2.0, 2.0) for _ in range(sizes[0])]
    for inputs in (x, tuple(x), [Value(number) for number in x]):
        prediction = model(inputs)
        outputs = prediction if sizes[-1] > 1 else [prediction]
        assert [value.data for value in outputs] == pytest.approx(plain_forward(model, x), rel=1e-12, abs=1e-14)


def test_gradients_match_central_differences() -> None:
    model = nn.MLP(3, [4, 2], activation="tanh", output="sigmoid", seed=5)
    randomised(model, 5)
    x = [0.3, -0.7, 1.1]
    first, second = model(x)
    (first * second).backward()
    step = 1e-6
    for name, parameter in model.named_parameters():
        at = parameter.data
        products = []
        for shifted in (at + step, at - step):
            parameter.data = shifted
            products.append(math.prod(plain_forward(model, x)))
        parameter.data = at
        assert parameter.grad == pytest.approx((products[0] - products[1]) / (2 * step), rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize(("activation", "nodes"), [("relu", 3), ("tanh", 3), ("sigmoid", 3), ("linear", 2)])
def test_a_neuron_is_three_nodes(activation: str, nodes: int) -> None:
    computed = [node for node in topological_order(nn.Neuron(5, activation)([1.0] * 5)) if node.op]
    assert len(computed) == nodes
    assert [node.op for node in computed[:2]] == ["dot", "+"]


def test_parameters_come_in_order_with_names_and_tags() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    expected = [
        (f"layers.{depth}.neurons.{index}", label)
        for depth, (nin, nout) in enumerate([(2, 3), (3, 1)])
        for index in range(nout)
        for label in [*(f"w{weight}" for weight in range(nin)), "b"]
    ]
    named = model.named_parameters()
    assert [name for name, _ in named] == [f"{module}.{label}" for module, label in expected]
    assert [(parameter.module, parameter.name, parameter.label) for _, parameter in named] == [
        (module, f"{module}.{part}", None) for module, part in expected
    ]
    by_hand = [p for layer in model.layers for neuron in layer.neurons for p in [*neuron.w, neuron.b]]
    assert [id(p) for p in by_hand] == [id(p) for p in model.parameters()]


def test_nodes_carry_the_path_of_their_neuron() -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    paths = {node.module for node in topological_order(model([1.0, 2.0]))}
    assert paths == {"layers.0.neurons.0", "layers.0.neurons.1", "layers.0.neurons.2", "layers.1.neurons.0"}
    assert model.layers[0].neurons[1]([1.0, 2.0]).module == "neurons.1"


def test_a_part_called_alone_is_named_by_what_it_is() -> None:
    neuron = nn.Neuron(2)
    assert {node.module for node in topological_order(neuron([1.0, 2.0]))} == {"neuron"}
    assert [name for name, _ in neuron.named_parameters()] == ["w0", "w1", "b"]
    assert nn.Layer(2, 2)([1.0, 2.0])[1].module == "neurons.1"


def test_a_part_named_alone_takes_the_name_its_owner_gives() -> None:
    layer = nn.Layer(2, 2)
    layer([1.0, 2.0])
    model = nn.MLP(2, [2, 1])
    model.layers[0] = layer
    assert model([1.0, 2.0]).parents[0].parents[0].module == "layers.1.neurons.0"
    assert {p.module for p in layer.parameters()} == {"layers.0.neurons.0", "layers.0.neurons.1"}


def test_labels_of_the_user_stay() -> None:
    neuron = nn.Neuron(2)
    neuron.w[0].label = "age"
    assert [p.name for p in neuron.parameters()] == ["age", "neuron.w1", "neuron.b"]
    assert [name for name, _ in neuron.named_parameters()] == ["w0", "w1", "b"]


class Everything(nn.Module):
    def __init__(self) -> None:
        self.scale = Value(1.0)
        self.table = [[Value(1.0), Value(2.0)], [Value(3.0)]]
        self.pair = (nn.Neuron(1), Value(4.0))
        self.by_name = {"left": nn.Neuron(1), "bias": Value(5.0)}
        self.again = self.pair
        self.alias = self.scale
        self.text = "not a parameter"
        self.number = 3.5
        self._cache = Value(6.0)
        self.itself = self

    def forward(self, x: float) -> Value:
        return self.pair[0]([x]) * self.scale


def test_parameters_are_found_in_attributes_and_containers_once() -> None:
    model = Everything()
    assert [name for name, _ in model.named_parameters()] == [
        "scale",
        *("table.0.0", "table.0.1", "table.1.0"),
        *("pair.0.w0", "pair.0.b", "pair1"),
        *("by_name.left.w0", "by_name.left.b", "by_name.bias"),
    ]
    assert model.parameters()[0].module == "everything"
    out = model(2.0)
    assert (out.module, out.parents[0].module) == ("everything", "everything.pair.0")


def test_a_module_needs_no_constructor_and_can_be_extended_later() -> None:
    class Stack(nn.Module):
        def forward(self, x: float) -> Value:
            return self.parts[1](self.parts[0]([x]))

    stack = Stack()
    stack.parts = [nn.Layer(1, 2, seed=0)]
    assert len(stack.parameters()) == 4
    stack.parts.append(nn.MLP(2, [1], seed=0))
    assert len(stack.parameters()) == 7
    assert stack(1.0).module == "parts.1.layers.0.neurons.0"
    assert repr(stack) == "Stack(7 parameters)"


def test_a_parameter_added_later_is_tagged_too() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            self.body = nn.Neuron(1, seed=0)

        def forward(self, x: float) -> Value:
            return self.body([x])

    model = Scaled()
    assert model(1.0).module == "body"
    model.scale = Value(2.0)
    assert [p.module for p in model.parameters()] == ["scaled.body", "scaled.body", "scaled"]
    assert model(1.0).module == "scaled.body"


def test_zero_grad_clears_every_parameter() -> None:
    model = nn.MLP(2, [2, 1], activation="tanh", seed=3)
    model([1.0, -1.0]).backward()
    assert any(p.grad != 0.0 for p in model.parameters())
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0.0] * 9


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_gives_the_same_numbers_and_shares_nothing(copied: object) -> None:
    model = nn.MLP(2, [3, 1], seed=0)
    twin = copied(model)  # type: ignore[operator]
    assert twin([0.5, 0.25]).data == model([0.5, 0.25]).data
    twin.parameters()[0].data += 1.0
    assert twin.parameters()[0].data != model.parameters()[0].data
    assert [name for name, _ in twin.named_parameters()] == [name for name, _ in model.named_parameters()]


@pytest.mark.parametrize(
    ("module", "text"),
    [
        (nn.Neuron(2), "Neuron(2, activation='relu')"),
        (nn.Layer(2, 16, "tanh"), "Layer(2, 16, activation='tanh')"),
        (nn.MLP(2, [16, 16, 1]), "MLP(2, [16, 16, 1], activation='relu')"),
        (nn.MLP(2, (1,), output="sigmoid"), "MLP(2, [1], activation='relu', output='sigmoid')"),
    ],
)
def test_repr(module: nn.Module, text: str) -> None:
    assert repr(module) == text


@pytest.mark.parametrize("init", sorted(INITIALIZERS))
def test_a_seed_decides_every_weight_and_biases_begin_at_zero(init: str) -> None:
    def weights(seed: nn.layers.Seed) -> list[float]:
        return [p.data for p in nn.MLP(3, [4, 2], init=init, seed=seed).parameters()]

    assert weights(7) == weights(7) == weights(random.Random(7))
    assert weights(7) != weights(8)
    random.seed(7)
    assert weights(None) == weights(7)
    model = nn.MLP(3, [4, 2], init=init, seed=7)
    assert all((p.data == 0.0) == p.name.endswith(".b") for p in model.parameters())
    assert len({p.data for p in model.parameters()}) == 3 * 4 + 4 * 2 + 1


@pytest.mark.parametrize(
    ("init", "nin", "nout", "std"),
    [
        ("he", 50, 200, math.sqrt(2 / 50)),
        ("xavier", 50, 200, math.sqrt(2 / 250)),
        ("normal", 50, 200, 0.08),
        (functools.partial(nn.normal, std=0.5), 50, 200, 0.5),
    ],
)
def test_weights_have_the_published_spread(init: object, nin: int, nout: int, std: float) -> None:
    layer = nn.Layer(nin, nout, init=init, seed=1)  # type: ignore[arg-type]
    weights = [w.data for neuron in layer.neurons for w in neuron.w]
    assert math.fsum(weights) / len(weights) == pytest.approx(0.0, abs=0.05 * std)
    assert math.sqrt(math.fsum(w * w for w in weights) / len(weights)) == pytest.approx(std, rel=0.03)
    if init == "xavier":
        assert max(map(abs, weights)) <= math.sqrt(6 / 250)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: nn.MLP(0, [1]), ValueError, "nin must be at least 1, not 0"),
        (lambda: nn.MLP(2, []), ValueError, "nouts is empty"),
        (lambda: nn.MLP(2, [3, 0]), ValueError, r"nouts\[1\] must be at least 1, not 0"),
        (lambda: nn.MLP(2, [3, -1]), ValueError, r"nouts\[1\] must be at least 1, not -1"),
        (lambda: nn.MLP(2, [3.0]), TypeError, r"nouts\[0\] must be an integer of at least 1, not 3.0"),
        (lambda: nn.MLP("2", [3]), TypeError, "nin must be an integer of at least 1, not '2'"),
        (lambda: nn.MLP(True, [3]), TypeError, "nin must be an integer of at least 1, not True"),
        (lambda: nn.MLP(2, 3), TypeError, "nouts must be a list of layer sizes"),
        (lambda: nn.MLP(2, "33"), TypeError, "nouts must be a list of layer sizes"),
        (
            lambda: nn.MLP(2, [3], activation="rleu"),
            ValueError,
            "unknown activation 'rleu': choose one of relu, .*, tanh, sigmoid, linear; did you mean 'relu'?",
        ),
        (lambda: nn.MLP(2, [3], output="softmaxx"), ValueError, "unknown output 'softmaxx': choose one of relu, "),
        (lambda: nn.MLP(2, [3], activation=None), TypeError, "activation must be one of relu, .*, not None"),
        (lambda: nn.MLP(2, [3], init="hee"), ValueError, "unknown init 'hee': .* did you mean 'he'"),
        (lambda: nn.MLP(2, [3], seed="a"), TypeError, "seed must be an int, a random.Random or None, not 'a'"),
        (lambda: nn.MLP(2, [3], seed=1.5), TypeError, "seed must be an int, a random.Random or None, not 1.5"),
        (lambda: nn.Layer(2, 0), ValueError, "nout must be at least 1, not 0"),
        (lambda: nn.Neuron(0), ValueError, "nin must be at least 1, not 0"),
    ],
)
def test_bad_sizes_and_names(build: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("module", "x", "error", "message"),
    [
        (
            nn.MLP(2, [16, 1]),
            [1.0],
            ValueError,
            r"^layers\.0 \(Layer\(2, 16, activation='relu'\)\) takes 2 inputs, got 1$",
        ),
        (nn.MLP(2, [16, 1]), [1.0, 2.0, 3.0], ValueError, r"layers\.0 .* takes 2 inputs, got 3"),
        (nn.Layer(3, 2), [1.0], ValueError, r"^Layer\(3, 2, activation='relu'\) takes 3 inputs, got 1$"),
        (nn.Neuron(3), [], ValueError, r"neuron \(Neuron\(3, activation='relu'\)\) takes 3 inputs, got 0"),
        (nn.MLP(1, [1]), 3.0, TypeError, "takes a sequence of 1 numbers or Values, got float 3.0"),
        (nn.MLP(2, [1]), [1.0, "b"], TypeError, r"neurons\.0 \(.*\) takes numbers or Values, and input 1 is str 'b'$"),
        (nn.MLP(2, [1]), [[1.0], 2.0], TypeError, r"input 0 is list \[1\.0\]: a module maps one sample, nn\.predict"),
        (nn.Linear(1, 1), [None], TypeError, r"linear \(Linear\(1, 1\)\) takes numbers .* input 0 is NoneType None"),
        (nn.Module(), [1.0], NotImplementedError, r"Module has no forward\(self, ...\): define it"),
    ],
)
def test_wrong_inputs(module: nn.Module, x: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        module(x)


def test_a_computed_value_is_no_parameter() -> None:
    neuron = nn.Neuron(1)
    neuron.scaled = neuron.b * 2.0
    with pytest.raises(
        ValueError, match=r"Neuron\.scaled is a computed Value .* \.detach\(\), or keep it under a name"
    ):
        neuron.parameters()


def test_two_parameters_of_one_name_are_refused() -> None:
    neuron = nn.Neuron(2)
    neuron.w1 = Value(0.0)
    with pytest.raises(ValueError, match="Neuron has two parameters named 'w1': rename one"):
        neuron.parameters()
