"""What the page computes is what Python computes: primitives, whole graphs, gradients, paths, printed numbers."""

from __future__ import annotations

import itertools
import math
import random
import struct

import pytest
from graphs import random_program, run_on_values
from oracles import points
from pages import back, can_run_scripts, evaluate, plain

import autograd as ag
from autograd import Value
from autograd.formatting import number
from autograd.primitives import formulas
from autograd.primitives.primitive import PRIMITIVES
from viz.page.data import page_of
from viz.page.javascript import expression, rows

pytestmark = pytest.mark.skipif(not can_run_scripts(), reason="needs node, or Chromium and Playwright")

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.5,
    2.0,
    3.0,
    1e-310,
    1e308,
    -1e308,
    750.0,
    -750.0,
    math.inf,
    -math.inf,
    math.nan,
]


def close(got: float, want: float, scale: float = 0.0, bound: float = 1e-12) -> bool:
    if math.isnan(want) or math.isinf(want):
        return got == want or (math.isnan(got) and math.isnan(want))
    # below the normal floats, bits are missing in both languages
    return abs(got - want) <= bound * max(abs(want), scale) + 5e-324 * 2**20


def test_every_primitive_is_python_s():
    names = [name for name, row in PRIMITIVES.items() if row.arity is None or row.arity > 0]
    assert len(names) > 60
    given = {name: points(PRIMITIVES[name], 300) for name in names}
    got = evaluate(
        "return given.map(([name, points]) => points.map((xs) => ROWS[name](xs)));", list(given.items()), names
    )
    for name, found in zip(names, got, strict=True):
        row = PRIMITIVES[name]
        for xs, (value, local) in zip(given[name], back(found), strict=True):
            want, derivatives = row.evaluate(xs) if row.arity is None else row.evaluate(*xs)
            # the point of exp_difference is what a subtraction rounds off
            bound = 2e-15 if name == "exp_difference" else 1e-12
            assert close(value, want, row.value_scale(xs) if row.value_scale else 0.0, bound), (name, xs, value, want)
            scale = row.derivative_scale(xs) if row.derivative_scale else 0.0
            for one, other in zip(local, derivatives, strict=True):
                assert close(one, other, scale), (name, xs, local, derivatives)


def test_special_numbers_are_python_s():
    names = [name for name, row in PRIMITIVES.items() if row.arity is not None]
    given = [
        [name, [list(xs) for xs in itertools.product(SPECIAL, repeat=min(PRIMITIVES[name].arity, 2))]] for name in names
    ]
    for name, operands in given:
        for xs in operands:
            xs.extend([1.0] * (PRIMITIVES[name].arity - len(xs)))
    body = "return given.map(([name, points]) => points.map((xs) => ROWS[name](decoded(xs))));"
    got = evaluate(body, plain(given), names)
    for (name, operands), found in zip(given, got, strict=True):
        for xs, (value, local) in zip(operands, back(found), strict=True):
            want, derivatives = PRIMITIVES[name].evaluate(*xs)
            # libraries reduce a large angle in ways of their own, to the same place
            assert close(value, want, bound=1e-12), (name, xs, value, want)
            for one, other in zip(local, derivatives, strict=True):
                assert close(one, other, bound=1e-12), (name, xs, local, derivatives)


def test_lists_of_special_numbers_are_python_s():
    names = ["sum", "mean", "prod", "logsumexp", "dot"]
    operands = [list(xs) for xs in itertools.product([0.0, 2.0, -750.0, math.inf, -math.inf, math.nan], repeat=2)]
    got = evaluate(
        "return given[0].map((name) => given[1].map((xs) => ROWS[name](decoded(xs))));", [names, plain(operands)], names
    )
    for name, found in zip(names, got, strict=True):
        for xs, (value, local) in zip(operands, back(found), strict=True):
            want, derivatives = PRIMITIVES[name].evaluate(xs)
            assert close(value, want), (name, xs, value, want)
            assert all(map(close, local, derivatives)), (name, xs, local, derivatives)


RUN = """
return given.map((graph) => {
  const m = model(graph, ROWS);
  const kept = recorded(graph, parsed);
  const again = recompute(m, kept.data, parsed);
  const last = m.frames.length - 1;
  return [
    backward(m, kept.local, last).grads,
    again.data,
    backward(m, again.local, last).grads,
    Math.max(0, ...backward(m, again.local, last).passed.map(Math.abs)),
  ];
});
"""


def test_random_graphs_are_python_s():
    programs = [random_program(seed) for seed in range(200)]
    pages, nodes = [], []
    for program in programs:
        values = run_on_values(program)
        values[-1].backward()
        order = ag.topological_order(values[-1])
        pages.append(page_of(values[-1]).content)
        nodes.append(order)
    used = {name for page in pages for name, _, _ in page["ops"]}
    assert len(used) > 50
    for order, (recorded, data, grads, largest) in zip(nodes, back(evaluate(RUN, pages, sorted(used))), strict=True):
        assert list(map(bits, recorded)) == [bits(node.grad) for node in order]
        for node, x, grad in zip(order, data, grads, strict=True):
            assert close(x, node.data, bound=1e-9), (node, x)
            assert close(grad, node.grad, largest, bound=1e-9), (node, grad)


def bits(x: float) -> bytes:
    return struct.pack("d", x + 0.0)


def test_every_frame_is_a_step_of_the_engine():
    a, b = Value(3.0, "a"), Value(-2.0, "b")
    y = (a * b + a) * ag.sin(a)
    (frames,) = back(
        evaluate(
            """const m = model(given, ROWS), kept = recorded(given, parsed);
            return [m.frames.map((frame, i) => [frame.kind, frame.tail ?? null, backward(m, kept.local, i).grads])];""",
            page_of(y).content,
            page_of(y).primitives,
        )
    )
    products = [operand for step in ag.steps(y) for operand in step.operands]
    shown = [frame for frame in frames if frame[0] == "product"]
    assert [frame[0] for frame in frames] == ["start", *["forward"] * 4, "seed", *["product"] * len(products), "end"]
    for (_, tail, grads), operand in zip(shown, products, strict=True):
        assert tail == operand.number
        assert grads[tail] == operand.after


def test_zero_times_infinity_passes_zero():
    x = Value(0.0)
    y = ag.sqrt(x) * 0.0
    content = page_of(y).content
    grads = back(evaluate(RUN, [content], page_of(y).primitives))[0][0]
    y.backward()
    assert grads == [x.grad, y.parents[0].grad, 1.0] == [0.0, 0.0, 1.0]


def test_an_index_may_be_a_value_and_move():
    values, index = [Value(1.0), Value(5.0)], Value(1.0)
    page = page_of(ag.take(values, index) * 3.0)
    body = """const m = model(given, ROWS), data = recorded(given, parsed).data;
    return [0, 1, 2, -1].map((index) => recompute(m, [1, 5, index, 0, 0], parsed).data.at(-1));"""
    assert page.content["op"] == [-1, -1, -1, 0, 1]
    assert evaluate(body, page.content, page.primitives) == [3, 15, "nan", "nan"]


def test_the_gradient_is_the_sum_over_paths():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    y = c * c + c * a
    y.backward()
    body = """const m = model(given, ROWS), kept = recorded(given, parsed);
    return [0, 1].map((v) => [pathCount(m, v), paths(m, kept.local, v, 12)]);"""
    found = evaluate(body, page_of(y).content, page_of(y).primitives)
    assert [int(count) for count, _ in found] == [4, 3]
    for leaf, (_, paths) in zip((a, b), found, strict=True):
        amounts = [path["amount"] for path in paths]
        assert math.fsum(amounts) == leaf.grad
        assert amounts == sorted(amounts, key=abs, reverse=True)


def test_many_paths_are_counted_and_the_largest_found():
    x = Value(1.0)
    y = x
    for _ in range(60):
        y = y + y * 0.5
    body = """const m = model(given, ROWS), kept = recorded(given, parsed);
    return [pathCount(m, 0), paths(m, kept.local, 0, 3).map((path) => path.amount)];"""
    count, amounts = evaluate(body, page_of(y).content, page_of(y).primitives)
    assert int(count) == 2**60
    assert amounts == [1.0, 0.5, 0.5]


def test_numbers_are_printed_as_python_prints_them():
    rng = random.Random(1)
    numbers = [struct.unpack("d", rng.randbytes(8))[0] for _ in range(4000)]
    numbers += [rng.uniform(-1, 1) * 10.0 ** rng.randint(-8, 20) for _ in range(4000)]
    numbers += [rng.randrange(10**5) / 2 ** rng.randrange(6) for _ in range(4000)]  # ties among them
    numbers += [0.0, -0.0, 1e16, 1e15, 9999.5, 99995.0, 1e-4, 1e-5, 5e-324, math.inf, -math.inf, math.nan]
    body = "return decoded(given).map((x) => [number(x), number(x, true), repr(x)]);"
    for x, texts in zip(numbers, evaluate(body, plain(numbers)), strict=True):
        assert texts == [number(x), number(x, sign=True), repr(x)], x


def test_a_function_without_javascript_names_itself():
    with pytest.raises(ValueError, match="'frobnicate'"):
        expression(formulas.parse("frobnicate(x)").body)
    with pytest.raises(KeyError):
        rows(["frobnicate"])
