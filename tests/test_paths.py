"""gradient_paths against every path, one by one."""

from __future__ import annotations

import math
import random
from itertools import islice, pairwise

import pytest
from graphs import random_program, run_on_values

import autograd as ag
from autograd import Value, gradient_paths


def every_path(root: Value, leaf: Value) -> list[tuple[float, list[int]]]:
    """All paths by recursion: products under the zero rule, and the nodes."""
    found = []

    def go(node: Value, product: float, way: list[int]) -> None:
        if node is leaf:
            found.append((product, [*way, id(node)]))
            return
        for parent, local_grad in zip(node.parents, node.local_grads, strict=True):
            go(parent, product * local_grad if product and local_grad else 0.0, [*way, id(node)])

    go(root, 1.0, [])
    return found


def small_graph(rng: random.Random) -> list[Value]:
    pool = [Value(rng.uniform(-2, 2)) for _ in range(2)]
    for _ in range(rng.randint(1, 10)):
        a, b = rng.choice(pool[-4:]), rng.choice(pool)
        made = [
            lambda a=a, b=b: a * b,
            lambda a=a, b=b: a + b,
            lambda a=a: a.relu(),
            lambda a=a: a * a,
            lambda a=a, b=b: ag.dot([a, b], [b, 1.0]),
            lambda a=a, b=b: a - 0.5 * b,
        ]
        pool.append(rng.choice(made)())
    return pool


@pytest.mark.parametrize("seed", range(100))
def test_every_path_is_found_once_largest_first(seed: int):
    pool = small_graph(random.Random(seed))
    for leaf in pool[:4]:
        wanted = every_path(pool[-1], leaf)
        paths = gradient_paths(pool[-1], leaf, top=None)
        told = list(paths)
        assert paths.count == len(paths) == len(told) == len(wanted)
        # products are multiplied in one order in both, so they are equal; ties may come in any order
        key = sorted((product, way) for product, way in wanted)
        assert sorted((path.product, [id(node) for node in path.nodes]) for path in told) == key
        sizes = [abs(path.product) for path in told]
        assert all(x >= y * (1 - 1e-12) for x, y in pairwise(sizes))
        for path in told:
            product = 1.0
            for local_grad in path.local_grads:
                product = product * local_grad if product and local_grad else 0.0
            assert product == path.product
            assert len(path.nodes) == len(path.numbers) == len(path.local_grads) + 1
        for top in (0, 1, 3):
            some = gradient_paths(pool[-1], leaf, top=top)
            assert len(list(some)) == len(some) == min(top, len(wanted))
            want = sorted((abs(product) for product, _ in wanted), reverse=True)[:top]
            assert [abs(path.product) for path in some] == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_the_total_is_the_gradient(seed: int):
    nodes = run_on_values(random_program(seed))
    nodes[-1].backward()
    for node in nodes[:3]:
        gradient = node.grad if node.parents or node is not nodes[-1] else 1.0
        assert gradient_paths(nodes[-1], node).total.hex() == gradient.hex()


def test_2_to_the_40_paths_are_counted():
    x = y = Value(1.0, "x")
    for _ in range(40):
        y = y + y
    paths = gradient_paths(y, x)
    assert (paths.count, paths.total, len(paths)) == (2**40, 2.0**40, 10)
    assert [path.product for path in paths] == [1.0] * 10
    assert len({tuple(path.numbers) for path in paths}) == 1  # the two edges of a node are two paths
    assert len(list(islice(gradient_paths(y, x, top=None), 50))) == 50
    assert gradient_paths(y, x, top=None)[20].product == 1.0
    assert "over 1,099,511,627,776 paths" in repr(paths)
    assert repr(paths).endswith("  … and 1,099,511,627,766 more")


def test_a_long_chain_whose_products_leave_the_floats():
    x = y = Value(1.0, "x")
    for _ in range(2000):
        y = y * 1e3 + y * 1e-3
    paths = gradient_paths(y, x)
    assert paths.count == 2**2000
    assert [path.product for path in paths] == [math.inf] * 10
    assert "about 10^602 paths" in repr(paths)
    assert "more) → " in paths[0].way


def test_zeros_come_last_and_what_is_not_finite_first():
    x = Value(2.0, "x")
    y = x * 0.0 + x * math.inf + x * 3 + x.relu() + (-x).relu()
    products = [path.product for path in gradient_paths(y, x)]
    assert products == [math.inf, 3.0, 1.0, 0.0, 0.0]
    z = x * math.nan + x * 5
    assert math.isnan(gradient_paths(z, x)[0].product)


def test_no_path_the_root_itself_and_computed_nodes():
    x, stranger = Value(2.0, "x"), Value(1.0)
    y = x * x
    none = gradient_paths(y, stranger)
    assert (none.count, none.total, list(none), len(none)) == (0, 0.0, [], 0)
    assert repr(none) == "no path from y %1: it does not depend on this node"
    own = gradient_paths(y, y)
    assert ([path.product for path in own], own.count, own.total) == ([1.0], 1, 1.0)
    z = y + y * 3
    assert [path.product for path in gradient_paths(z, y)] == [3.0, 1.0]
    assert gradient_paths(x, x).count == 1
    assert [path.product for path in gradient_paths(z, y)[:1]] == [3.0]


def test_wrong_arguments():
    x = Value(1.0)
    with pytest.raises(TypeError, match="a Value as leaf, not float"):
        gradient_paths(x, 2.0)
    with pytest.raises(TypeError, match="a Value as root, not int"):
        gradient_paths(1, x)
    with pytest.raises(TypeError, match="whole number from 0 on"):
        gradient_paths(x, x, top=-1)
