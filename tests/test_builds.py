"""The compiled core against the Python of the same source, bit for bit."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import math
import os
import pydoc
import random
import struct
import subprocess
import sys

import pytest
from oracles import fixed_operands, points
from test_backward import random_graph
from test_primitives import PUBLIC, call

import autograd
from autograd import Value, topological_order
from autograd.primitives.primitive import Primitive

SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 1.5, -2.5, 1e-310, -5e-324, 1e308, -1e308, 1e-30, 750.0, -750.0,
    math.inf, -math.inf, math.nan,
]  # fmt: skip


def bits(x: float) -> bytes:
    """The bits of a float; every nan counts as one."""
    return struct.pack("d", math.nan if math.isnan(x) else x)


def operand_lists(primitive: Primitive) -> list[list[float]]:
    """Points of the domain, and special numbers in every place."""
    found = points(primitive, 200)
    if primitive.arity is not None:
        found += [list(xs) for xs in itertools.product(SPECIAL, repeat=min(primitive.arity, 2))]
        found = [xs + [1.0] * (primitive.arity - len(xs)) for xs in found]
    elif not primitive.takes_index:
        found += [list(xs) for xs in itertools.product(SPECIAL, repeat=2)]
    else:
        found += [[*xs, float(i)] for xs in itertools.product(SPECIAL, repeat=2) for i in (0, 1)]
    return found


@pytest.mark.parametrize("primitive", PUBLIC, ids=lambda p: p.name)
def test_a_node_has_the_bits_of_the_row(primitive: Primitive):
    for numbers in operand_lists(primitive):
        fixed = fixed_operands(primitive, len(numbers))
        node = call(primitive, [x if i in fixed else Value(x) for i, x in enumerate(numbers)])
        out, local_grads = primitive.evaluate(numbers) if primitive.arity is None else primitive.evaluate(*numbers)
        assert bits(node.data) == bits(out), numbers
        wanted = [bits(g) for i, g in enumerate(local_grads) if i not in fixed]
        assert [bits(g) for g in node.local_grads] == wanted, numbers


def fingerprint() -> str:
    """All numbers of many random graphs: data, local derivatives, gradients after two passes."""
    rng, digest = random.Random(5), hashlib.sha256()
    for _ in range(300):
        root = random_graph(rng)
        root.backward()
        root.backward(0.3)
        for node in topological_order(root):
            for x in (node.data, node.grad, *node.local_grads):
                digest.update(bits(x))
    return digest.hexdigest()


def test_both_builds_give_the_same_bits():
    code = "import autograd, test_builds; print(autograd.compiled, test_builds.fingerprint())"
    environment = {**os.environ, "GLASSGRAD_PURE": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.split() == ["False", fingerprint()]


@pytest.mark.skipif(not autograd.compiled, reason="about the compiled core")
def test_a_compiled_node_is_small_and_untracked():
    import gc

    assert Value.__basicsize__ <= 96
    x = Value(1.0, "x")
    nodes = [x, x * x, x * 2, autograd.dot([x, x], [x, 1.0]), x.tanh()]
    assert not any(map(gc.is_tracked, nodes))


def test_value_introspects_like_a_python_class():
    signature = inspect.signature(Value)
    assert list(signature.parameters) == ["data", "label"]
    assert signature.parameters["label"].default is None
    assert str(inspect.signature(Value.backward)).startswith(("(self, /, gradient", "(self, gradient"))
    assert inspect.getdoc(Value).splitlines()[0] == "A number in a computation graph."
    assert Value(label="x", data=2).label == "x"
    shown = pydoc.render_doc(Value, renderer=pydoc.plaintext)
    assert "Value(data" in shown
    assert "backward(self" in shown
    with pytest.raises(TypeError):
        signature.bind()
