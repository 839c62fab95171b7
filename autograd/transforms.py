"""Functions into functions: grad, value_and_grad, jacobian, hessian, jvp, hvp.

    >>> from autograd import Value, grad, hessian, no_grad
    >>> grad(lambda x: x**3)(2.0)
    12.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    >>> hessian(lambda p: p[0] ** 2 * p[1])([1.0, 3.0])
    [[6.0, 2.0], [2.0, 0.0]]

Arguments are numbers, one-dimensional NumPy arrays, or nested lists, tuples and dicts of them, and gradients come back
in the same shape. The function sees fresh nodes, and no transform touches any `grad`. A number that the function
returns is a constant, whose derivatives are zero.

Results are floats where the function depends on nothing but its arguments, and those are numbers. Where it depends on
Values that existed before the call (an argument, a weight that it uses), results are Values that carry their graph, so
that no gradient is lost:

    >>> w = Value(3.0)
    >>> slope = grad(lambda x: w * x * x)(2.0)
    >>> slope.backward(); slope.data, w.grad
    (12.0, 4.0)

Under `no_grad()` they are floats there too: the way to the gradient of a network by its input, as numbers.

    >>> with no_grad():
    ...     grad(lambda x: w * x * x)(2.0)
    12.0

For that, and for higher derivatives, the pass itself is recorded: the derivative formula of each primitive's row is
evaluated on Values. A contribution is zero where either factor is zero, there as in `backward`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, overload

from autograd.arguments import as_operand, shortened
from autograd.modes import recording
from autograd.passes import gradients, reaches_older, recorded_gradients, recorded_tangents, tangents
from autograd.primitives import table
from autograd.pytree import Rebuild, flatten, flatten_like, is_vector
from autograd.value import Value, creation_number, current_mode, many, number_of

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad"]

P = ParamSpec("P")
A = TypeVar("A", contravariant=True)  # the first argument, as the function takes it
Number = Value | float
Numbers = list[Value] | list[float] | list[Number]
Several = tuple[int, ...] | list[int]
Argnums = int | Several


class _Gradient(Protocol[A, P]):  # type: ignore[misc] # its functions take A, which a checker cannot see
    """The type of what `grad` returns: numbers where the function takes Values, a list where it takes a list."""

    @overload
    def __call__(self: _Gradient[Value, P], x: Number, /, *args: P.args, **kwargs: P.kwargs) -> Number: ...
    @overload
    def __call__(self: _Gradient[list[Value], P], x: Numbers, /, *args: P.args, **kwargs: P.kwargs) -> list[Number]: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


class _ValueAndGradient(Protocol[A, P]):  # type: ignore[misc] # as above
    """The same for `value_and_grad`."""

    @overload
    def __call__(
        self: _ValueAndGradient[Value, P], x: Number, /, *args: P.args, **kwargs: P.kwargs
    ) -> tuple[Number, Number]: ...
    @overload
    def __call__(
        self: _ValueAndGradient[list[Value], P], x: Numbers, /, *args: P.args, **kwargs: P.kwargs
    ) -> tuple[Number, list[Number]]: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Number, Any]: ...


@overload
def grad(f: Callable[Concatenate[A, P], Number], argnums: Literal[0] = 0) -> _Gradient[A, P]: ...
@overload
def grad(f: Callable[..., Any], argnums: Several) -> Callable[..., tuple[Any, ...]]: ...
@overload
def grad(f: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]: ...
def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that computes the gradient of `f` with respect to one or several of its arguments.

    Args:
        f: a function that returns one Value; a number that it returns is a constant.
        argnums: which argument, counted from 0; with a tuple or list of them the gradients come as a tuple.

    Returns:
        a function of f's arguments, whose result has the shape of the argument. It holds floats, or Values that carry
        their graph where `f` depends on Values that existed before the call; under `no_grad()` floats.

    Raises:
        TypeError: (when called) `f` returns something else, or an argument is not made of numbers.
        ValueError: (when called) there is no such argument.

    >>> grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (3.0, 2.0)
    >>> grad(lambda p: p["a"] * p["b"])({"a": 2.0, "b": 5.0})
    {'a': 5.0, 'b': 2.0}
    >>> x = Value(1.0)
    >>> y = x * grad(lambda t: x * t)(2.0)
    >>> y.backward(); x.grad
    2.0
    """

    def transformed(*arguments: Any, **options: Any) -> Any:
        call = _Call(f, arguments, argnums, options)
        return call.in_shape(call.gradient(call.output()))

    return transformed


@overload
def value_and_grad(f: Callable[Concatenate[A, P], Number], argnums: Literal[0] = 0) -> _ValueAndGradient[A, P]: ...
@overload
def value_and_grad(f: Callable[..., Any], argnums: Several) -> Callable[..., tuple[Number, tuple[Any, ...]]]: ...
@overload
def value_and_grad(f: Callable[..., Any], argnums: int = 0) -> Callable[..., tuple[Number, Any]]: ...
def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return a function that computes the value of `f` and its gradient in one evaluation, as a pair.

    Args:
        f: as for `grad`.
        argnums: as for `grad`.

    Returns:
        a function of f's arguments; its value is a float where the gradient holds floats, else a Value.

    Raises:
        TypeError, ValueError: as `grad`.

    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)
    """

    def transformed(*arguments: Any, **options: Any) -> tuple[Any, Any]:
        call = _Call(f, arguments, argnums, options)
        output = call.output()
        gradient = call.gradient(output)
        return call.result(output), call.in_shape(gradient)

    return transformed


def jacobian(f: Callable[..., Any], argnums: Argnums | None = None) -> Callable[..., Any]:
    """Return a function that computes all derivatives of all outputs of `f`.

    Args:
        f: a function that returns a Value, or nested lists and tuples of Values; a number among them is a constant.
        argnums: which argument, counted from 0, or a tuple or list of them; all where it is None.

    Returns:
        a function whose result has the shape of f's result, and in the place of each Value the gradient of that Value,
        in the shape of the argument. Where there are several arguments, or `argnums` is a tuple or list, that is a
        tuple with one gradient per argument: `jacobian(f)(x, y)[output][argument]`. Floats or Values as for `grad`.

    Raises:
        TypeError, ValueError: as `grad`.

    >>> jacobian(lambda x: [x[0] * x[1], x[0] ** 2])([2.0, 3.0])
    [[3.0, 2.0], [4.0, 0.0]]
    >>> jacobian(lambda x, y: [x * y, y])(2.0, 3.0)
    [(3.0, 2.0), (0.0, 1.0)]
    """

    def transformed(*arguments: Any, **options: Any) -> Any:
        call = _Call(f, arguments, argnums, options)
        outputs, rebuild = call.outputs()
        return rebuild([call.in_shape(gradient) for gradient in call.gradients(outputs)])

    return transformed


def hessian(f: Callable[..., Any], argnums: Argnums | None = None) -> Callable[..., Any]:
    """Return a function that computes all second derivatives of `f`.

    Args:
        f: a function that returns one Value; a number that it returns is a constant.
        argnums: which argument, counted from 0, or a tuple or list of them; all where it is None.

    Returns:
        a function whose result is, for one argument, that argument's shape with a gradient in the place of each
        number. Where there are several, or `argnums` is a tuple or list, `hessian(f)(*args)[i][j]` is that block of
        the derivatives by argument i and then by argument j. Floats or Values as for `grad`.

    Raises:
        TypeError, ValueError: as `grad`.

    >>> hessian(lambda x, y: x * y * y)(2.0, 3.0)
    ((0.0, 6.0), (6.0, 4.0))
    >>> hessian(lambda x, y: x[0] * x[1] * y)([2.0, 3.0], 5.0)
    (([[0.0, 5.0], [5.0, 0.0]], [3.0, 2.0]), ([3.0, 2.0], 0.0))
    """

    def transformed(*arguments: Any, **options: Any) -> Any:
        call = _Call(f, arguments, argnums, options)
        return call.in_blocks(call.gradients(call.recorded_gradient(call.output())))

    return transformed


def jvp(f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """The value of `f` and its derivative along a direction, in one forward pass.

    Args:
        f: a function that returns a Value, or nested lists and tuples of Values; a number among them is a constant.
        primals: the tuple of f's arguments.
        tangents: the direction, in the shape of `primals`.

    Returns:
        the pair (value, tangent), both in the shape of f's result; floats or Values as for `grad`.

    Raises:
        TypeError: `primals` or `tangents` is not a tuple, or `f` returns something else.
        ValueError: `tangents` has another shape.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.5))
    (6.0, 4.0)
    """
    directions = _directions(primals, tangents, "tangents")
    call = _Call(f, primals, tuple(range(len(primals))), {}, directions)
    outputs, rebuild = call.outputs()
    along = call.along(outputs, directions)
    return rebuild([call.result(output) for output in outputs]), rebuild(along)


def hvp(f: Callable[..., Any], primals: tuple[Any, ...], vectors: tuple[Any, ...]) -> Any:
    """The product of the Hessian of `f` and a vector, for a small multiple of the cost of `f`.

    The derivative of the gradient along `vectors`: a forward pass over a recorded backward pass.

    Args:
        f: a function that returns one Value; a number that it returns is a constant.
        primals: the tuple of f's arguments.
        vectors: the vector, in the shape of `primals`.

    Returns:
        the product in the shape of the argument; where `f` has several, a tuple of one for each. Floats or Values as
        for `grad`.

    Raises:
        TypeError: `primals` or `vectors` is not a tuple, or `f` returns something else.
        ValueError: `vectors` has another shape.

    >>> hvp(lambda p: p[0] ** 2 * p[1], ([1.0, 3.0],), ([1.0, 0.0],))
    [6.0, 2.0]
    """
    directions = _directions(primals, vectors, "vectors")
    call = _Call(f, primals, None, {}, directions)
    return call.in_shape(call.along(call.recorded_gradient(call.output()), directions))


def _directions(primals: Any, tangents: Any, name: str) -> list[Value | float]:
    for what, given in (("primals", primals), (name, tangents)):
        if type(given) is not tuple:
            raise TypeError(
                f"{what} must be the tuple of the function's arguments, as ({shortened(given)},), "
                f"not {type(given).__name__}"
            )
    return flatten_like(tangents, primals, f"the {name}")


# -- one call ----------------------------------------------------------------------------------------------------------
class _Call:
    """One call of a function on fresh nodes, and the passes over what it recorded.

    Results are Values where `_linked`: an argument is a Value, or the function depends on nodes that existed before the
    call. Under `no_grad` they are floats all the same, or, where a tape is recorded, Values without a gradient: the
    tape computes them anew.
    """

    __slots__ = ("_after", "_f", "_fresh", "_in_tuple", "_linked", "_mode", "_parts", "_result")

    def __init__(
        self,
        f: Callable[..., Any],
        arguments: tuple[Any, ...],
        argnums: Argnums | None,
        options: dict[str, Any],
        directions: Sequence[Number] = (),
    ) -> None:
        if not callable(f):
            raise TypeError(f"a transform takes a function, not {type(f).__name__} {shortened(f)}")
        self._f, self._mode = f, current_mode()
        positions, self._in_tuple = _positions(argnums, len(arguments))
        self._parts: list[tuple[list[Number], Rebuild]] = []
        for i in positions:
            x = arguments[i]
            if type(x) is float:  # a shorter way to what flatten gives
                self._parts.append(([x], _single))
            else:
                self._parts.append(flatten(x, f"argument {i} of {_name(f)}"))
        self._linked = False
        for x in directions:
            if type(x) is Value:
                self._linked = True
        if self._mode is None or self._mode.recording:
            self._run(arguments, positions, options)
        else:
            with recording():
                self._run(arguments, positions, options)

    def _run(self, arguments: tuple[Any, ...], positions: list[int], options: dict[str, Any]) -> None:
        self._after = creation_number(Value(0.0))
        self._fresh: list[Value] = []
        called = list(arguments)
        for k, i in enumerate(positions):
            numbers, rebuild = self._parts[k]
            start = len(self._fresh)
            for x in numbers:
                self._fresh.append(Value(x) if type(x) is float else self._linked_to(x))
            called[i] = rebuild(self._fresh[start:])
        self._result = self._f(*called, **options)

    def _linked_to(self, x: Any) -> Value:
        """A node of its own that depends on x."""
        self._linked = True
        return many(table.IDENTITY, [x])

    def _records(self) -> bool:
        return self._mode is None or self._mode.recording

    def _gives_values(self) -> bool:
        return self._linked and (self._mode is None or self._mode.recording or self._mode.recorder is not None)

    # -- what the function returned --
    def output(self) -> Number:
        """The result of the function, which must be a Value or a number."""
        return _one_output(self._f, self._result)

    def outputs(self) -> tuple[list[Number], Rebuild]:
        """The Values and numbers of the result, and the function that puts others in their places."""
        for stranger in _strangers(self._result):
            raise TypeError(
                f"{_name(self._f)} must return a Value, or lists and tuples of Values, "
                f"not {type(stranger).__name__} {shortened(stranger)}"
            )
        return flatten(self._result, f"the result of {_name(self._f)}")

    # -- passes --
    def gradient(self, output: Number) -> list[Number]:
        """The derivatives of the output by each fresh node."""
        if type(output) is Value and not self._linked:
            _watch(output)
            found: list[Any] | None = gradients(output, self._fresh, self._after, True)
            if found is not None:
                return found
        return self.gradients([output])[0]

    def gradients(self, outputs: Sequence[Number]) -> list[list[Number]]:
        """The same of several outputs."""
        self._link(outputs)
        return [self._gradient(output) for output in outputs]

    def _gradient(self, output: Number) -> list[Number]:
        if not isinstance(output, Value):
            return [self.result(0.0) for _ in self._fresh]
        _watch(output)
        if self._gives_values():
            with recording():
                found = recorded_gradients(output, self._fresh, self._after)
            return [self.result(x) for x in found]
        return list(gradients(output, self._fresh, self._after) or [])

    def recorded_gradient(self, output: Number) -> list[Number]:
        """The derivatives of the output by each fresh node, for another pass over them."""
        if not isinstance(output, Value):
            return [0.0 for _ in self._fresh]
        self._link([output])
        _watch(output)
        with recording():
            return recorded_gradients(output, self._fresh, self._after)

    def along(self, outputs: Sequence[Number], directions: list[Number]) -> list[Number]:
        """The derivative of each output along the directions of the fresh nodes."""
        self._link(outputs)
        values = [output for output in outputs if isinstance(output, Value)]
        for value in values:
            _watch(value)
        found: Sequence[Number]
        if self._gives_values():
            with recording():
                found = recorded_tangents(values, self._fresh, directions, self._after)
        else:
            found = tangents(values, self._fresh, [number_of(x) for x in directions], self._after)
        remaining = iter(found)
        return [self.result(next(remaining) if isinstance(output, Value) else 0.0) for output in outputs]

    def _link(self, outputs: Sequence[Number]) -> None:
        if not self._linked:
            self._linked = reaches_older([output for output in outputs if isinstance(output, Value)], self._after)

    # -- results --
    def result(self, x: Number) -> Number:
        """Return a derivative, or an output, as a Value or a float."""
        if not self._linked or not self._gives_values():
            return number_of(x)
        value = x if isinstance(x, Value) else Value(x)
        return value if self._records() else value.detach()

    def in_shape(self, gradient: Sequence[Any]) -> Any:
        """One entry per fresh node, in the shape of the arguments that these stand for."""
        if not self._in_tuple:
            return self._parts[0][1](gradient)
        return tuple(
            [rebuild(entries) for entries, (_, rebuild) in zip(self._split(gradient), self._parts, strict=True)]
        )

    def in_blocks(self, rows: Sequence[Sequence[Any]]) -> Any:
        """One gradient per fresh node, in blocks by argument and argument."""
        if not self._in_tuple:
            return self.in_shape([self.in_shape(row) for row in rows])
        shaped = [self.in_shape(row) for row in rows]
        columns = [self.in_shape([row[j] for row in shaped]) for j in range(len(self._parts))]
        return tuple(zip(*columns, strict=True))

    def _split(self, entries: Sequence[Any]) -> Iterator[Sequence[Any]]:
        start = 0
        for numbers, _ in self._parts:
            yield entries[start : start + len(numbers)]
            start += len(numbers)


def _single(entries: Sequence[Any]) -> Any:
    return entries[0]


def _watch(root: Value) -> None:
    """Let `detect_anomaly` look at the pass from root, as it does before `backward`."""
    mode = current_mode()
    if mode is not None and mode.watch is not None:
        mode.watch.backward(root, 1.0)


# -- what went in and came out ----------------------------------------------------------------------------------------
def _positions(argnums: Argnums | None, count: int) -> tuple[list[int], bool]:
    """Which arguments, and whether the results come in a tuple."""
    if argnums is None:
        argnums = 0 if count == 1 else tuple(range(count))
    if type(argnums) is int and 0 <= argnums < count:
        return [argnums], False
    several = isinstance(argnums, tuple | list)
    positions = []
    for position in argnums if isinstance(argnums, tuple | list) else (argnums,):
        if type(position) is not int:
            raise TypeError(f"argnums must be an int, or a tuple or list of ints, not {shortened(argnums)}")
        if not -count <= position < count:
            raise ValueError(f"argnums names argument {position}, but the function was given {count} (from 0)")
        positions.append(position % count)
    if not positions or len(set(positions)) < len(positions):
        raise ValueError(f"argnums must name at least one argument, and each once, not {argnums!r}")
    return positions, several


def _name(f: Callable[..., Any]) -> str:
    return f"{getattr(f, '__name__', type(f).__name__)}()"


def _one_output(f: Callable[..., Any], result: Any) -> Number:
    if type(result) is Value:
        return result
    number = as_operand(result)
    if number is not None:
        return number
    remedy = ": jacobian takes functions of several outputs" if isinstance(result, list | tuple) else ""
    raise TypeError(f"{_name(f)} must return a Value, not {type(result).__name__} {shortened(result)}{remedy}")


def _strangers(result: Any) -> Iterator[Any]:
    """What in the lists and tuples of a result is neither a Value nor a number."""
    if isinstance(result, list | tuple) or is_vector(result):
        for part in result:
            yield from _strangers(part)
    elif type(result) is not Value and as_operand(result) is None:
        yield result
