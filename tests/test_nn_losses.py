"""Losses against their formulas, and the decisions they carry."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Callable
from typing import Any

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp, mpf

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


ORACLES: list[tuple[Callable[..., Value], Callable[[list[Any], Any], Any], Any]] = [
    (nn.mse, lambda p, t: mpmath.fsum((a - b) ** 2 for a, b in zip(p, t, strict=True)) / len(p), "targets"),
    (nn.half_squared_error, lambda p, t: mpmath.fsum((a - b) ** 2 for a, b in zip(p, t, strict=True)) / 2, "targets"),
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
        (nn.binary_cross_entropy, Value(1.5), 1, ValueError, 'a probability .* not 1.5: use MLP.*output="sigmoid"'),
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
    ],
)
def test_decisions(decision: Any, prediction: Any, target: float, right: bool) -> None:
    assert RULES[decision].is_right(prediction, target) is right


SCORES = [-1.0, -0.0, 0.0, 0.5, math.nextafter(0.5, 1.0), 2.0, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_counting_the_rows_of_a_replay_is_deciding_each(rule: DecisionRule) -> None:
    several = 1 if rule.threshold is not None else 3
    for scores in itertools.product(SCORES, repeat=several):
        for target in (-1.0, 0.0, 0.25, 1.0, 2.0):
            # two rows, of which the second is in question; a row is (loss, scores) and (input, target)
            outputs, batch = array("d", [9.0, *[0.0] * several, 7.0, *scores]), array("d", [5.0, 0.0, 6.0, target])
            counted = rule.count_right(outputs, 1 + several, batch, 1, 2, 2)
            assert counted - rule.is_right([0.0] * several, 0.0) == rule.is_right(list(scores), target)


@pytest.mark.parametrize("loss", [nn.mse, nn.half_squared_error, nn.hinge, nn.binary_cross_entropy])
def test_a_list_of_one_output_is_that_output(loss: Callable[..., Value]) -> None:
    assert loss([Value(0.25)], 1).data == loss(Value(0.25), 1).data


def test_bad_decisions() -> None:
    with pytest.raises(ValueError, match=r"a loss decides by '> 0', '> 0.5', 'argmax' or None, not by '>= 0'"):
        nn.decides(">= 0")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="argmax decides among several outputs"):
        RULES["argmax"].is_right(Value(1.0), 0)
    with pytest.raises(TypeError, match="the decision '> 0' takes one output"):
        RULES["> 0"].is_right([Value(1.0), Value(2.0)], 0)


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
