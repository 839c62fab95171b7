"""Losses against their formulas, and the decisions they carry."""

from __future__ import annotations

import itertools
import math
import random
from array import array
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

import autograd
import nn
from autograd import Value
from nn.decisions import RULES, DecisionRule, decision_of

LOGITS = st.lists(st.floats(-20, 20), min_size=2, max_size=5)


def oracle_softmax(predictions: list[Any], target: Any) -> Any:
    return mpmath.log(mpmath.fsum(mpmath.exp(p) for p in predictions)) - predictions[target]


def oracle_bce(predictions: list[Any], target: Any) -> Any:
    (p,) = predictions
    terms = [(target, p), (1 - target, 1 - p)]
    return -mpmath.fsum(weight * mpmath.log(q) for weight, q in terms if weight)


def oracle_huber(predictions: list[Any], target: Any) -> Any:
    delta = mpf(0.75)
    sizes = [abs(p - t) for p, t in zip(predictions, target, strict=True)]
    return mpmath.fsum(e**2 / 2 if e <= delta else delta * (e - delta / 2) for e in sizes) / len(sizes)


ORACLES: list[tuple[Callable[..., Value], Callable[[list[Any], Any], Any], Any]] = [
    (nn.mse, lambda p, t: mpmath.fsum((a - b) ** 2 for a, b in zip(p, t, strict=True)) / len(p), "targets"),
    (nn.half_squared_error, lambda p, t: mpmath.fsum((a - b) ** 2 for a, b in zip(p, t, strict=True)) / 2, "targets"),
    (nn.huber(0.75), oracle_huber, "targets"),
    (partial(nn.huber, delta=0.75), oracle_huber, "targets"),
    (nn.hinge, lambda p, t: max(mpmath.mpf(0), 1 - (1 if t == 1 else -1) * p[0]), [0, 1, -1, 0.0, 1.0, -1.0]),
    (nn.binary_cross_entropy, oracle_bce, [0, 1, 0.0, 1.0, 0.25]),
    (nn.softmax_cross_entropy, oracle_softmax, "classes"),
]


@pytest.mark.parametrize(("loss", "oracle", "targets"), ORACLES, ids=lambda x: getattr(x, "__name__", ""))
@given(data=st.data())
def test_value_and_gradient_match_the_formula(
    loss: Callable[..., Value], oracle: Callable[[list[Any], Any], Any], targets: Any, data: st.DataObject
) -> None:
    if targets == "classes":
        numbers = data.draw(LOGITS)
        target: Any = data.draw(st.integers(0, len(numbers) - 1))
    elif targets == "targets":
        numbers = data.draw(st.lists(st.floats(-20, 20), min_size=1, max_size=4))
        target = data.draw(st.lists(st.floats(-20, 20), min_size=len(numbers), max_size=len(numbers)))
    else:
        low, high = (0.01, 0.99) if loss is nn.binary_cross_entropy else (-20.0, 20.0)
        numbers = [data.draw(st.floats(low, high).filter(lambda x: abs(abs(x) - 1.0) > 1e-6))]
        target = data.draw(st.sampled_from(targets))
    predictions = [Value(number) for number in numbers]
    single = len(numbers) == 1
    computed = loss(
        predictions[0] if single else predictions, target[0] if isinstance(target, list) and single else target
    )
    computed.backward()
    with mpmath.workdps(50):
        exact = [mpmath.mpf(number) for number in numbers]
        assert computed.data == pytest.approx(float(oracle(exact, target)), rel=1e-13, abs=1e-13)
        h = mpmath.mpf(10) ** -20
        for index, prediction in enumerate(predictions):
            up, down = ([x + s * h * (i == index) for i, x in enumerate(exact)] for s in (1, -1))
            slope = (oracle(up, target) - oracle(down, target)) / (2 * h)
            assert prediction.grad == pytest.approx(float(slope), rel=1e-11, abs=1e-11)


@pytest.mark.parametrize(
    ("delta", "error", "message"),
    [
        (0.0, ValueError, r"delta must lie in \(0, inf\), not 0.0"),
        (float("nan"), ValueError, "delta must lie in"),
        (Value(1.0), TypeError, "delta must be a number, not Value"),
    ],
)
def test_a_bad_delta(delta: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        nn.huber(delta)


def test_the_loss_of_a_sequence_is_the_mean_of_its_positions() -> None:
    logits = [[Value(0.5), Value(-1.0)], [Value(2.0), Value(0.25)], [Value(0.0), Value(3.0)]]
    classes = [1, 0, 1]
    loss = nn.softmax_cross_entropy(logits, classes)
    alone = [nn.softmax_cross_entropy([Value(z.data) for z in one], c) for one, c in zip(logits, classes, strict=True)]
    assert loss.data == sum(one.data for one in alone) / 3
    assert nn.softmax_cross_entropy(logits[:1], classes[:1]).data == alone[0].data
    loss.backward()
    for one, c in zip(logits, classes, strict=True):
        shares = autograd.softmax([z.data for z in one])
        assert [z.grad for z in one] == pytest.approx([(p - (k == c)) / 3 for k, p in enumerate(shares)], rel=1e-14)


def test_the_gradient_of_l1_is_the_sign_of_the_error() -> None:
    outputs = [Value(1.5), Value(-2.0), Value(1.0), Value(1e-300)]
    loss = nn.l1(outputs, [1.0, 1.0, 1.0, 0.0])
    loss.backward()
    assert loss.data == 3.5 / 4
    assert [output.grad for output in outputs] == [0.25, -0.25, 0.0, 0.25]


def test_the_gradient_of_half_squared_error_is_the_error() -> None:
    outputs = [Value(1.5), Value(-2.0), Value(0.25)]
    nn.half_squared_error(outputs, [1.0, 1.0, 1.0]).backward()
    assert [output.grad for output in outputs] == [0.5, -3.0, -0.75]


@pytest.mark.parametrize(
    ("probability", "target", "loss"),
    [(1.0, 1, 0.0), (0.0, 0, 0.0), (0.0, 1, float("inf")), (1.0, 0, float("inf"))],
)
def test_binary_cross_entropy_at_certainty(probability: float, target: int, loss: float) -> None:
    assert nn.binary_cross_entropy(Value(probability), target).data == loss


@pytest.mark.parametrize(
    ("loss", "prediction", "target", "error", "message"),
    [
        (nn.hinge, Value(0.5), 2, ValueError, "hinge takes targets 0 and 1, or -1 and [+]1, not 2"),
        (nn.hinge, Value(0.5), 0.5, ValueError, "hinge takes targets"),
        (nn.hinge, Value(0.5), float("nan"), ValueError, "hinge takes targets"),
        (nn.hinge, [Value(0.5), Value(1.0)], 1, TypeError, "hinge takes one output, and the model has 2"),
        (nn.binary_cross_entropy, Value(1.5), 1, ValueError, "a probability .* not 1.5: .*, or use .*_with_logits"),
        (nn.binary_cross_entropy, Value(-0.1), 1, ValueError, "a probability"),
        (nn.binary_cross_entropy, Value(0.5), -1, ValueError, "takes a target from 0 to 1, not -1"),
        (nn.binary_cross_entropy, [Value(0.5)] * 2, 1, TypeError, "binary_cross_entropy takes one output"),
        (nn.hinge, Value(0.5), [1.0], TypeError, r"hinge takes one number as target, not \[1.0\]"),
        (nn.binary_cross_entropy, Value(0.5), [1.0], TypeError, "binary_cross_entropy takes one number as target"),
        (nn.mse, Value(0.5), [1.0, 2.0], ValueError, "mse needs a target for each output: 1 outputs, 2 targets"),
        (nn.half_squared_error, [Value(0.5)] * 2, 1.0, ValueError, "2 outputs, 1 targets"),
        (nn.mse, [], [], ValueError, "0 outputs, 0 targets"),
        (nn.softmax_cross_entropy, [Value(0.5)] * 3, 3, ValueError, "a class is an integer from 0 to 2.*not 3"),
        (nn.softmax_cross_entropy, [Value(0.5)] * 3, -1, ValueError, "a class is an integer from 0 to 2.*not -1"),
        (nn.softmax_cross_entropy, [Value(0.5)] * 3, 1.0, TypeError, "a class is an integer from 0 to 2, not 1.0"),
        (nn.softmax_cross_entropy, [[Value(0.5)] * 3] * 2, 1, TypeError, "takes a list of 2 classes, .* not int 1"),
        (nn.softmax_cross_entropy, [[Value(0.5)] * 3] * 2, [1], ValueError, "2 lists, 1 classes"),
        (nn.softmax_cross_entropy, [[Value(0.5)] * 3] * 2, [1, 3], ValueError, "a class is an integer from 0 to 2"),
        (nn.softmax_cross_entropy, [Value(0.5)] * 3, [1, 2, 0], TypeError, r"an integer from 0 to 2, not \[1, 2, 0\]"),
        (nn.l1, [Value(0.5)] * 2, 1.0, ValueError, "l1 needs a target for each output: 2 outputs, 1 targets"),
        (nn.huber(), [], [], ValueError, "huber needs a target for each output: 0 outputs, 0 targets"),
        (nn.softmax_cross_entropy, Value(0.5), 0, TypeError, "a list of logits, one for each class, and got one Value"),
    ],
)
def test_bad_predictions_and_targets(
    loss: Callable[..., Value], prediction: Any, target: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        loss(prediction, target)


@pytest.mark.parametrize(
    ("loss", "decision"),
    [
        (nn.mse, None),
        (nn.half_squared_error, None),
        (nn.l1, None),
        (nn.huber(2.0), None),
        (nn.huber, None),
        (nn.binary_cross_entropy, "> 0.5"),
        (nn.hinge, "> 0"),
        (nn.softmax_cross_entropy, "argmax"),
        (lambda prediction, target: prediction - target, None),
        (nn.decides("argmax")(lambda prediction, target: prediction[target]), "argmax"),
    ],
)
def test_every_loss_states_how_accuracy_decides(loss: Callable[..., Value], decision: str | None) -> None:
    assert decision_of(loss) == decision


@pytest.mark.parametrize(
    ("decision", "prediction", "target", "right"),
    [
        ("> 0", Value(0.1), 1, True),
        ("> 0", Value(0.1), 0, False),
        ("> 0", Value(0.1), -1, False),
        ("> 0", Value(-0.1), 0, True),
        ("> 0", Value(-0.1), -1, True),
        ("> 0", Value(0.0), 1, False),
        ("> 0.5", Value(0.6), 1, True),
        ("> 0.5", Value(0.4), 1, False),
        ("> 0.5", Value(0.4), 0, True),
        ("> 0.5", Value(0.5), 0, True),
        ("argmax", [Value(0.1), Value(0.3), Value(0.2)], 1, True),
        ("argmax", [Value(0.1), Value(0.3), Value(0.2)], 2, False),
        ("argmax", [Value(0.3), Value(0.3)], 0, True),
        ("argmax", [[Value(0.3), 0.1], [0.3, 0.4], [0.2, 0.1], [0.1, 0.2]], [0, 1, 1, 1], 0.75),
        ("argmax", [0.3, 0.1, 0.3, 0.4], [0, 0], 0.5),  # its scores
        ("argmax", [0.3, 0.7], [0.0, 1.0], False),  # a list of probabilities is not a class
    ],
)
def test_decisions(decision: Any, prediction: Any, target: Any, right: float) -> None:
    assert RULES[decision].share_right(prediction, target) == right


SCORES = [-1.0, -0.0, 0.0, 0.5, math.nextafter(0.5, 1.0), 2.0, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_counting_the_rows_of_a_replay_is_deciding_each(rule: DecisionRule) -> None:
    several = 1 if rule.threshold is not None else 3
    for scores in itertools.product(SCORES, repeat=several):
        for target in (-1.0, 0.0, 0.25, 1.0, 2.0):
            # two rows, of which the second is in question; a row is (loss, scores) and (input, target)
            outputs, batch = array("d", [9.0, *[0.0] * several, 7.0, *scores]), array("d", [5.0, 0.0, 6.0, target])
            counted = rule.count_right(outputs, 1 + several, batch, range(1, 2), 2, 2)
            assert counted - rule.share_right([0.0] * several, 0.0) == rule.share_right(list(scores), target)


@pytest.mark.parametrize(("positions", "classes"), [(1, 3), (2, 2), (3, 1)])
def test_counting_the_positions_of_a_replay_is_deciding_each(positions: int, classes: int) -> None:
    rng, rule = random.Random(positions), RULES["argmax"]
    for _ in range(50):
        rows = [[rng.choice(SCORES[:6]) for _ in range(positions * classes)] for _ in range(3)]
        targets = [[float(rng.randrange(classes)) for _ in range(positions)] for _ in rows]
        outputs = array("d", [x for row in rows for x in (9.0, *row)])
        batch = array("d", [x for target in targets for x in (5.0, *target)])
        found = rule.count_right(outputs, 1 + positions * classes, batch, range(1, 1 + positions), 1 + positions, 3)
        one_by_one = [rule.share_right(row, target) for row, target in zip(rows, targets, strict=True)]
        assert found == pytest.approx(sum(one_by_one), rel=1e-15)
        for asked in (targets, [target[0] for target in targets] if positions == 1 else targets):
            assert rule.count_of([x for row in rows for x in row], asked) == pytest.approx(sum(one_by_one), rel=1e-15)


@pytest.mark.parametrize(
    "loss", [nn.mse, nn.l1, nn.huber, nn.huber(0.1), nn.half_squared_error, nn.hinge, nn.binary_cross_entropy]
)
def test_a_list_of_one_output_is_that_output(loss: Callable[..., Value]) -> None:
    assert loss([Value(0.25)], 1).data == loss(Value(0.25), 1).data


def test_bad_decisions() -> None:
    with pytest.raises(ValueError, match=r"a loss decides by '> 0', '> 0.5', 'argmax' or None, not by '>= 0'"):
        nn.decides(">= 0")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="argmax decides among several outputs"):
        RULES["argmax"].share_right(Value(1.0), 0)
    with pytest.raises(TypeError, match="the decision '> 0' takes one output"):
        RULES["> 0"].share_right([Value(1.0), Value(2.0)], 0)


@pytest.mark.parametrize("logit", [-1000.0, -40.0, -0.3, 0.0, 2.5, 40.0, 1000.0])
@pytest.mark.parametrize("target", [0, 1, 0.25])
def test_cross_entropy_with_logits_is_exact_far_out(logit, target):
    z = Value(logit)
    loss = nn.binary_cross_entropy_with_logits(z, target)
    loss.backward()
    with mp.workdps(500):  # 1 - sigmoid(1000) is 1e-434
        p = 1 / (1 + mp.exp(-mpf(logit)))
        want = -(target * mp.log(p) + (1 - mpf(target)) * mp.log(1 - p))
        # a few roundings of the loss; of the gradient, of its largest term, which is at most 1
        assert loss.data == pytest.approx(float(want), rel=1e-15, abs=0)
        assert z.grad == pytest.approx(float(p - target), rel=1e-15, abs=3e-16)
