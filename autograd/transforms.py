"""Functions into functions: grad, value_and_grad, jacobian, hessian, jvp, hvp.

    >>> from autograd import grad, hessian
    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    >>> hessian(lambda p: p[0] ** 2 * p[1])([1.0, 3.0])
    [[6.0, 2.0], [2.0, 0.0]]

Arguments are numbers or nested lists, tuples and dicts of numbers, and gradients come back in the same shape. Numbers
in, floats out; given Values, they return Values, so transforms nest to any order. The function sees fresh nodes, and
no transform touches any `grad`.

For higher derivatives the pass itself is recorded: the derivative formula of each primitive's row is evaluated on
Values. A contribution is zero where either factor is zero, there as in `backward`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

from autograd.arguments import shortened
from autograd.primitives import formulas, ieee, table
from autograd.primitives.primitive import PRIMITIVES, Primitive
from autograd.pytree import flatten, flatten_like
from autograd.value import Mode, Value, apply, current_mode, many, number_of, set_mode, topological_order

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad"]

Function = Callable[..., Any]
Argnums = int | tuple[int, ...]


def grad(f: Function, argnums: Argnums = 0) -> Function:
    """The function that gives the gradient of `f` with respect to one or several of its arguments.

    Args:
        f: a function that returns one Value.
        argnums: which argument, counted from 0; with a tuple of them the gradients come as a tuple.

    Raises:
        TypeError: (when called) `f` returns something else than a Value, or an argument is not made of numbers.
        ValueError: (when called) there is no such argument.

    >>> grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (3.0, 2.0)
    >>> grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": 5.0})
    {'a': 5.0, 'b': 2.0}
    """
    with_value = value_and_grad(f, argnums)
    return lambda *arguments, **options: with_value(*arguments, **options)[1]


def value_and_grad(f: Function, argnums: Argnums = 0) -> Function:
    """As `grad`, but the function gives the pair (value, gradient) of one evaluation.

    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """

    def transformed(*arguments: Any, **options: Any) -> tuple[Any, Any]:
        with _Evaluation(f, arguments, argnums, options) as run:
            root = one_value(f, run.result)
            gradients = run.reverse(root)
            return run.plain([root])[0], run.in_shape(gradients)

    return transformed


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """The function that gives all derivatives of all outputs of `f`.

    Args:
        f: a function that returns a Value, or nested lists and tuples of Values.
        argnums: as for `grad`.

    Returns:
        a function whose result has the shape of f's result, and in the place of each Value the gradient of that Value,
        in the shape of the argument.

    >>> jacobian(lambda x: [x[0] * x[1], x[0] ** 2])([2.0, 3.0])
    [[3.0, 2.0], [4.0, 0.0]]
    """

    def transformed(*arguments: Any, **options: Any) -> Any:
        with _Evaluation(f, arguments, argnums, options) as run:
            roots, rebuild = _values(f, run.result)
            return rebuild([run.in_shape(run.reverse(root)) for root in roots])

    return transformed


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """The function that gives all second derivatives of `f`, which returns one Value: the jacobian of its gradient.

    >>> hessian(lambda x, y: x * y * y, argnums=(0, 1))(2.0, 3.0)
    ((0.0, 6.0), (6.0, 4.0))
    """
    return jacobian(grad(f, argnums), argnums)


def jvp(f: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """The value of `f` and its derivative along a direction, in one forward pass.

    Args:
        f: a function that returns a Value, or nested lists and tuples of Values.
        primals: the tuple of f's arguments.
        tangents: the direction, in the shape of `primals`.

    Returns:
        the pair (value, tangent), both in the shape of f's result.

    Raises:
        TypeError: `primals` or `tangents` is not a tuple, or `f` returns something else.
        ValueError: `tangents` has another shape.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.5))
    (6.0, 4.0)
    """
    directions = _directions(primals, tangents, "tangents")
    with _Evaluation(f, primals, tuple(range(len(primals))), {}, directions) as run:
        outputs, rebuild = _values(f, run.result)
        return rebuild(run.plain(outputs)), rebuild(run.plain(run.forward(outputs, directions)))


def hvp(f: Function, primals: tuple[Any, ...], vectors: tuple[Any, ...]) -> Any:
    """The product of the Hessian of `f` and a vector, for a small multiple of the cost of `f`.

    The derivative of the gradient along `vectors`: a forward pass over a recorded backward pass.

    Args:
        f: a function that returns one Value.
        primals: the tuple of f's arguments.
        vectors: the vector, in the shape of `primals`.

    Returns:
        the product in the shape of the argument; where `f` has several, a tuple of one for each.

    >>> hvp(lambda p: p[0] ** 2 * p[1], ([1.0, 3.0],), ([1.0, 0.0],))
    [6.0, 2.0]
    """
    directions = _directions(primals, vectors, "vectors")
    argnums: Argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    with _Evaluation(f, primals, argnums, {}, directions) as run:
        gradients = run.reverse(one_value(f, run.result), recorded=True)
        return run.in_shape(run.forward([_as_value(gradient) for gradient in gradients], directions))


def _directions(primals: Any, tangents: Any, name: str) -> list[Value | float]:
    for what, given in (("primals", primals), (name, tangents)):
        if type(given) is not tuple:
            raise TypeError(
                f"{what} must be the tuple of the function's arguments, as ({shortened(given)},), "
                f"not {type(given).__name__}"
            )
    return flatten_like(tangents, primals, f"the {name}")


# -- local derivatives, as numbers or as Values ----------------------------------------------------------------------
def derivatives_of(node: Value, recorded: bool) -> Sequence[Value | float]:
    """The local derivatives of a computed node, one a parent.

    Args:
        node: a computed node.
        recorded: whether they should be Values, made by the formulas of the primitive's row and so differentiable
            again, or the numbers that the node holds.

    >>> x = Value(3.0)
    >>> derivatives_of(x * x, recorded=False)
    (3.0, 3.0)
    >>> [local is x for local in derivatives_of(x * x, recorded=True)]
    [True, True]
    """
    if not recorded:
        return node.local_grads
    operands, primitive = node.operands, node.primitive
    assert primitive is not None
    wanted = [i for i, operand in enumerate(operands) if type(operand) is Value]
    return _on_values(primitive)(operands, node, wanted)


def product(upstream: Value | float, local: Value | float) -> Value | float:
    """upstream × local: 0.0 where either is the number 0, and no node where either is the number 1.

    A factor that merely has the value 0 is recorded: it may not stay 0.

    >>> product(2.0, 0.0), product(Value(2.0), 0.0), product(Value(0.0), Value(float("inf"))).data
    (0.0, 0.0, 0.0)
    """
    for factor, other in ((upstream, local), (local, upstream)):
        if not isinstance(factor, Value):
            if factor == 0.0:
                return 0.0
            if factor == 1.0:
                return other
    return apply(table.MULTIPLY_NO_NAN, upstream, local)


@cache
def _on_values(primitive: Primitive) -> Callable[..., list[Value | float]]:
    """The derivative formulas of a row as one function of Values."""
    return primitive.differentiation(_arithmetic())


@cache
def _arithmetic() -> dict[str, Any]:
    """What formulas may name, for Values and numbers alike."""
    functions: dict[str, Any] = {
        name: partial(apply, primitive) for name, primitive in PRIMITIVES.items() if primitive.arity is not None
    }
    functions.update(abs=abs, divide=_divide, power=_power, position=_position, **formulas.CONSTANTS)
    return functions


def _divide(x: Value | float, y: Value | float) -> Value | float:
    return x / y if isinstance(x, Value) or isinstance(y, Value) else ieee.divide(x, y)


def _power(x: Value | float, y: Value | float) -> Value | float:
    # the operator, which records a constant exponent as what it is
    return x**y if isinstance(x, Value) or isinstance(y, Value) else ieee.power(x, y)


def _position(x: Value | float) -> int:
    return int(number_of(x))


# -- the backward pass, on a ledger of its own ---------------------------------------------------------------------
def gradients(root: Value, sources: Sequence[Value]) -> list[float]:
    """The derivatives of root by some of the nodes it depends on, as numbers; no `grad` is touched.

    >>> x = Value(3.0)
    >>> gradients(x * x, [x]), x.grad
    ([6.0], 0.0)
    """
    return [x for x in _gradients(topological_order(root), sources, recorded=False) if not isinstance(x, Value)]


def _gradients(nodes: Sequence[Value], sources: Sequence[Value], recorded: bool) -> list[Value | float]:
    """The derivatives of the last of `nodes` by the sources; they stand for themselves, whatever they were made of."""
    sums: dict[int, Value | float] = {id(nodes[-1]): 1.0}
    depends, stop = _dependents(nodes, sources), {id(source) for source in sources}
    for node in reversed(nodes):
        upstream = sums.get(id(node))
        if upstream is None or id(node) in stop or id(node) not in depends:
            continue
        for parent, local in zip(node.parents, derivatives_of(node, recorded), strict=True):
            if id(parent) in depends:
                _add(sums, parent, product(upstream, local))
    return [sums.get(id(source), 0.0) for source in sources]


# -- one evaluation ---------------------------------------------------------------------------------------------------
class _Active(threading.local):
    """The fresh nodes of the transforms that this thread is inside of, outermost first."""

    def __init__(self) -> None:
        self.fresh: list[Value] = []


_active = _Active()


class _Evaluation:
    """One run of a function on fresh nodes, and the passes over what it recorded.

    A pass is recorded where its result must be differentiable again: where an argument (or a tangent) is a Value, and
    where the function used a fresh node of a transform around this one.
    """

    def __init__(
        self,
        f: Function,
        arguments: tuple[Any, ...],
        argnums: Argnums,
        options: dict[str, Any],
        directions: Sequence[Value | float] = (),
    ) -> None:
        if not callable(f):
            raise TypeError(f"a transform takes a function, not {type(f).__name__} {shortened(f)}")
        self._f, self._options = f, options
        self._arguments = list(arguments)
        self._numbers, self._in_tuple = _positions(argnums, len(arguments)), isinstance(argnums, tuple)
        self._parts = [flatten(arguments[i], f"argument {i} of {_name(f)}") for i in self._numbers]
        self._recorded = any(isinstance(x, Value) for leaves, _ in self._parts for x in leaves)
        self._recorded = self._recorded or any(type(x) is Value for x in directions)

    def __enter__(self) -> _Evaluation:
        around = list(_active.fresh)
        with _recording():
            self._leaves = [[_fresh(x) for x in leaves] for leaves, _ in self._parts]
            self.fresh = [leaf for leaves in self._leaves for leaf in leaves]
            for i, leaves, (_, rebuild) in zip(self._numbers, self._leaves, self._parts, strict=True):
                self._arguments[i] = rebuild(leaves)
            _active.fresh = around + self.fresh
            try:
                self.result = self._f(*self._arguments, **self._options)
            finally:
                _active.fresh = around
        self._around = {id(leaf) for leaf in around}
        return self

    def __exit__(self, *error: object) -> None:
        del self.fresh, self._leaves, self.result  # the graph goes with the last of them

    def reverse(self, root: Value, recorded: bool = False) -> list[Value | float]:
        """The derivatives of root by each fresh node."""
        _watched(root)
        nodes = topological_order(root)
        return _gradients(nodes, self.fresh, recorded or self._must_record(nodes))

    def forward(self, outputs: Sequence[Value], directions: Sequence[Value | float]) -> list[Value | float]:
        """The derivative of each output along the directions of the fresh nodes: a forward pass."""
        tangents: dict[int, Value | float] = {}
        for leaf, direction in zip(self.fresh, directions, strict=True):
            tangents[id(leaf)] = direction
        done = set(tangents)
        for output in outputs:
            _watched(output)
            nodes = topological_order(output)
            recorded = self._must_record(nodes)
            for node in nodes:
                if id(node) in done:
                    continue
                done.add(id(node))
                if any(id(parent) in tangents for parent in node.parents):
                    for parent, local in zip(node.parents, derivatives_of(node, recorded), strict=True):
                        if id(parent) in tangents:
                            _add(tangents, node, product(tangents[id(parent)], local))
        return [tangents.get(id(output), 0.0) for output in outputs]

    def in_shape(self, gradients: Sequence[Value | float]) -> Any:
        """Gradients in the shape of the arguments they belong to."""
        remaining = iter(self.plain(gradients))
        shaped = [rebuild([next(remaining) for _ in leaves]) for leaves, rebuild in self._parts]
        return tuple(shaped) if self._in_tuple else shaped[0]

    def plain(self, values: Sequence[Value | float]) -> list[Value | float]:
        """Values where they may be differentiated again, else floats."""
        if self._recorded:
            return [_as_value(x) for x in values]
        return [x.data if isinstance(x, Value) else x for x in values]

    def _must_record(self, nodes: Sequence[Value]) -> bool:
        if not self._recorded and self._around:
            self._recorded = any(id(node) in self._around for node in nodes)
        return self._recorded


def _watched(root: Value) -> None:
    """Let `detect_anomaly` look at the pass from root, as it does before `backward`."""
    mode = current_mode()
    if mode is not None and mode.watch is not None:
        mode.watch.backward(root, 1.0)


@contextmanager
def _recording() -> Iterator[None]:
    """Record inside, even inside no_grad: a transform needs its function's graph, whoever calls it."""
    outer = current_mode()
    if outer is not None and not outer.recording:
        set_mode(Mode(True, outer.scope, outer.watch, outer.recorder))
    try:
        yield
    finally:
        set_mode(outer)


def _fresh(x: Value | float) -> Value:
    """A node that is nobody else's: a leaf for a number; for a Value a copy that depends on it."""
    return many(table.IDENTITY, [x]) if isinstance(x, Value) else Value(x)


def _as_value(x: Value | float) -> Value:
    return x if isinstance(x, Value) else Value(x)


def _dependents(nodes: Sequence[Value], sources: Sequence[Value]) -> set[int]:
    """Which of the nodes, oldest first, depend on the sources."""
    found = {id(source) for source in sources}
    for node in nodes:
        for parent in node.parents:
            if id(parent) in found:
                found.add(id(node))
                break
    return found


def _add(sums: dict[int, Value | float], node: Value, term: Value | float) -> None:
    if not isinstance(term, Value) and term == 0.0:
        return
    before = sums.get(id(node))
    sums[id(node)] = term if before is None else before + term


# -- what went in and came out ----------------------------------------------------------------------------------------
def _positions(argnums: Argnums, count: int) -> list[int]:
    positions = []
    for position in argnums if isinstance(argnums, tuple) else (argnums,):
        if type(position) is not int:
            raise TypeError(f"argnums must be an int or a tuple of ints, not {shortened(argnums)}")
        if not -count <= position < count:
            raise ValueError(f"argnums names argument {position}, but the function was given {count} (from 0)")
        positions.append(position % count)
    if not positions or len(set(positions)) < len(positions):
        raise ValueError(f"argnums must name at least one argument, and each once, not {argnums!r}")
    return positions


def _name(f: Function) -> str:
    return f"{getattr(f, '__name__', type(f).__name__)}()"


def one_value(f: Function, result: Any) -> Value:
    """`result` of `f`, which must be a Value; else a TypeError that says what to do."""
    if type(result) is Value:
        return result
    remedy = "jacobian takes functions of several outputs" if isinstance(result, list | tuple) else _LOST
    raise TypeError(f"{_name(f)} must return a Value, not {type(result).__name__} {shortened(result)}: {remedy}")


_LOST = "a plain number has lost its graph (through .data, float() or math?), and a constant can be a Value(...)"


def _values(f: Function, result: Any) -> tuple[list[Value], Callable[[Sequence[Any]], Any]]:
    for stranger in _strangers(result):
        raise TypeError(
            f"{_name(f)} must return a Value, or lists and tuples of Values, "
            f"not {type(stranger).__name__} {shortened(stranger)}: {_LOST}"
        )
    outputs, rebuild = flatten(result, f"the result of {_name(f)}")
    return [output for output in outputs if isinstance(output, Value)], rebuild


def _strangers(result: Any) -> Iterator[Any]:
    """What in the lists and tuples of a result is not a Value."""
    if isinstance(result, list | tuple):
        for part in result:
            yield from _strangers(part)
    elif type(result) is not Value:
        yield result
