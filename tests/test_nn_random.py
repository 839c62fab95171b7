"""The random numbers of training: one generator, keyed by seed, epoch, row and draw; nn.random() in tapes."""

from __future__ import annotations

import pickle
import random
from typing import Any

import pytest

import autograd as ag
import nn
from autograd import Value
from nn import inner_loops
from nn.generator import Draws, drawing, key_of, order_of_rows, uniform

MASK = 2**64 - 1


def mix(z: int) -> int:
    """SplitMix64, from its description."""
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def test_mix_is_splitmix64() -> None:
    # the first outputs of the reference program by Vigna for the seed 1234567, each from state + k * gamma
    gamma = 0x9E3779B97F4A7C15
    published = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert [mix((1234567 + k * gamma) & MASK) for k in range(5)] == published


@pytest.mark.parametrize("key", [0, 7, MASK])
@pytest.mark.parametrize("draw", [-1, 0, 5])
def test_a_number_is_the_documented_hash(key: int, draw: int) -> None:
    for epoch, row in ((1, 0), (3, 41), (1000, 2**40)):
        state = mix(mix(mix(mix(key) + epoch & MASK) + row & MASK) + draw & MASK)
        assert uniform(key, epoch, row, draw) == (state >> 11) * 2.0**-53


def test_the_numbers_are_uniform_and_differ_in_every_key() -> None:
    found = [uniform(3, e, r, d) for e in range(10) for r in range(20) for d in range(10)]
    assert len(set(found)) == 2000
    assert all(0.0 <= x < 1.0 for x in found)
    tenths = [sum(i / 10 <= x < (i + 1) / 10 for x in found) for i in range(10)]
    assert all(150 < count < 250 for count in tenths)  # 200 each, deviation 13
    assert [uniform(4, 1, r, 0) for r in range(5)] != [uniform(3, 1, r, 0) for r in range(5)]


def test_rows_of_a_batch_are_filled_with_the_same_numbers() -> None:
    from array import array

    batch = array("d", [9.0] * 12)
    inner_loops.draw_rows(5, 2, [7, 0, 3], batch, 1, 4)
    expected = [[9.0, *(uniform(5, 2, row, k) for k in range(3))] for row in (7, 0, 3)]
    assert batch.tolist() == [x for row in expected for x in row]


def test_the_order_is_a_permutation_of_its_own_in_each_epoch() -> None:
    orders = [order_of_rows(key_of(1), epoch, 20) for epoch in (1, 2, 3)]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert order_of_rows(key_of(1), 2, 20) == orders[1]


@pytest.mark.parametrize("seed", [0, 5, -3, 2**70])
def test_a_seed_gives_its_key_in_every_form(seed: int) -> None:
    random.seed(seed)
    assert key_of(seed) == key_of(random.Random(seed)) == key_of(None)
    assert 0 <= key_of(seed) <= MASK


class Dropout(nn.Module):
    def forward(self, x: list[Any]) -> list[Any]:
        return [ag.where(nn.random() < 0.5, 0.0, 2.0 * v) for v in x] if self.training else x


class StochasticDepth(nn.Module):
    """Draws as many numbers as its first one decides."""

    def __init__(self) -> None:
        self.weight = Value(0.5)

    def forward(self, x: list[Any]) -> Value:
        y = self.weight * x[0]
        if nn.random() < 0.5:
            y = y + self.weight * nn.random() * x[1]
            if nn.random() < 0.3:
                y = y * nn.random()
        return y


X = [[0.1 * i, 1.0 - 0.05 * i] for i in range(23)]
Y = [float(i % 3) for i in range(23)]


def trained(make: Any, replay: bool, batch_size: int) -> tuple[nn.History, list[float]]:
    model = make()
    optimizer = nn.SGD(model.parameters(), lr=0.0 + 1e-3)
    history = nn.fit(
        model, X, Y, loss=nn.mse, optimizer=optimizer, epochs=3, batch_size=batch_size, seed=9, progress=False,
        replay=replay,
    )  # fmt: skip
    return history, [p.data for p in model.parameters()]


@pytest.mark.parametrize(
    "make", [lambda: nn.Sequential(nn.Linear(2, 5, seed=1), Dropout(), nn.Linear(5, 1, seed=2)), StochasticDepth]
)
def test_a_row_draws_the_same_eagerly_and_from_tapes(make: Any) -> None:
    eager, replayed = trained(make, False, 4), trained(make, True, 4)
    assert replayed[0].replayed
    assert replayed[0].loss == pytest.approx(eager[0].loss, rel=1e-12)
    assert replayed[1] == pytest.approx(eager[1], rel=1e-12)


def test_a_row_draws_the_same_whatever_the_batch() -> None:
    drawn: dict[int, list[tuple[float, float]]] = {}

    class Spy(nn.Module):
        def __init__(self) -> None:
            self.weight = Value(1.0)

        def forward(self, x: list[Any]) -> Value:
            number = nn.random()
            if not isinstance(number, Value):
                drawn[size].append((x[0], number))
            return self.weight * x[0]

    for size in (1, 4, 23):
        drawn[size] = []
        trained(Spy, False, size)
    assert sorted(drawn[1]) == sorted(drawn[4]) == sorted(drawn[23])
    assert len({number for _, number in drawn[4]}) > 60


def test_fit_does_not_touch_the_module_random() -> None:
    random.seed(4)
    before = random.getstate()
    trained(lambda: nn.Sequential(nn.Linear(2, 1, seed=1), Dropout()), True, 5)
    assert random.getstate() == before


# -- nn.random() in tapes ---------------------------------------------------------------------------------------------
def test_an_eager_call_and_a_tape_draw_from_the_module_random() -> None:
    w = Value(3.0)

    def noisy(x: Any) -> Any:
        return w * x + nn.random() * nn.random()

    tape = ag.record(noisy, inputs=[1.0])
    assert tape.input_count == 1
    assert tape.draw_count == 2
    for execute in (tape, pickle.loads(pickle.dumps(tape))):
        random.seed(11)
        expected = [noisy(x).data for x in (1.0, 2.0, 3.0)]
        random.seed(11)
        assert execute.forward([[1.0], [2.0], [3.0]]) == expected
    random.seed(11)
    w.grad = 0.0
    outputs, gradients = tape.value_and_grad([[1.0], [2.0], [3.0]])
    assert (outputs, gradients, w.grad) == (expected, [[3.0]] * 3, 6.0)
    assert "2 drawn at random" in str(tape)


def test_a_number_that_is_read_is_warned_of() -> None:
    with pytest.warns(ag.FrozenValueWarning):
        ag.record(lambda x: x * nn.random().data, inputs=[1.0])


def test_a_taped_function_that_draws_is_an_error_that_says_so() -> None:
    with pytest.raises(TypeError, match=r"draws random numbers: autograd\.record"):
        ag.taped(lambda x: x * nn.random())(1.0)


def test_draws_are_given_in_order() -> None:
    with drawing(Draws(1, 2, [3])):
        assert [nn.random() for _ in range(3)] == [uniform(1, 2, 3, k) for k in range(3)]
    assert "random" not in nn.__all__
