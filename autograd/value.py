"""Value: a number that remembers how it was made.

A computed node keeps its primitive, its operands and, worked out when the node is recorded, its local derivatives.
`backward` is then one loop over the nodes, newest first: `parent.grad += local derivative * node.grad`.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, SupportsIndex, final

from autograd import ops
from autograd.modes import state
from autograd.numeric import as_operand, shortened, text_or_none
from autograd.ops import Primitive

__all__ = ["Number", "Value", "topological_order"]

Number = float  # int counts as float for a type checker; numbers.Real and NumPy scalars are taken too

_next_number = itertools.count().__next__
_creation_number = operator.attrgetter("_number")


@final
class Value:
    """A number in a computation graph.

    Arithmetic on Values gives Values that know their parents; `backward` fills in `grad` for all that a result
    depends on. A number among the operands costs no node.

    Args:
        data: an int, float, bool, `Fraction` or NumPy scalar of a real kind; kept as a float.
        label: a name for pictures and listings; a str or None.

    Raises:
        TypeError: `data` is not a real number, or `label` is not a str.
        OverflowError: `data` is an int too large for a float.

    >>> a, b = Value(2.0, "a"), Value(-3.0, "b")
    >>> c = a * b + a
    >>> c.backward()
    >>> c, a.grad, b.grad
    (Value(-4.0, grad=1.0, op='+'), -2.0, 2.0)
    """

    __slots__ = ("_data", "_grad", "_label", "_locals", "_module", "_number", "_operands", "_parents", "_primitive")

    _data: float
    _grad: float
    _label: str | None
    _locals: tuple[float, ...]
    _module: str | None
    _number: int
    _operands: tuple[Value | float, ...]
    _parents: tuple[Value, ...]
    _primitive: Primitive | None

    def __init__(self, data: Number, label: str | None = None) -> None:
        self._data = data if type(data) is float else _as_float(data, "Value()")
        self._grad = 0.0
        self._primitive = None
        self._operands = self._parents = self._locals = ()
        self._number = _next_number()
        self._module = None
        self.label = label

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Value is final: write functions of Values, or keep a Value as an attribute")

    # -- what a node knows ---------------------------------------------------------------------------------------
    @property
    def data(self) -> float:
        """The number. A leaf's may be assigned; a computed node's follows from its operands."""
        return self._data

    @data.setter
    def data(self, data: Number) -> None:
        if self._primitive is not None:
            raise AttributeError(
                f"cannot assign the data of {self!r}: it was computed by {self.op!r} from its operands; "
                "assign a leaf's data and compute again, or use .detach() for a leaf with this value"
            )
        self._data = data if type(data) is float else _as_float(data, "data")

    @property
    def grad(self) -> float:
        """The gradient of the last root with respect to this node; leaves sum over backward passes. May be assigned."""
        return self._grad

    @grad.setter
    def grad(self, grad: Number) -> None:
        self._grad = grad if type(grad) is float else _as_float(grad, "grad")

    @property
    def label(self) -> str | None:
        """The name shown in pictures and listings, or None. May be assigned."""
        return self._label

    @label.setter
    def label(self, label: str | None) -> None:
        self._label = text_or_none(label, "label")

    @property
    def module(self) -> str | None:
        """The dotted path of the scope that the node was made in (`layers.0.neurons.3`), or None. May be assigned."""
        return self._module

    @module.setter
    def module(self, module: str | None) -> None:
        self._module = text_or_none(module, "module")

    @property
    def op(self) -> str:
        """The symbol of the primitive that computed the node, `"*"` or `"tanh"`; `""` for a leaf."""
        return "" if self._primitive is None else self._primitive.symbol

    @property
    def operands(self) -> tuple[Value | float, ...]:
        """All operands as written, Values and floats.

        >>> (Value(3.0) * 2).operands
        (Value(3.0, grad=0.0), 2.0)
        """
        return self._operands

    @property
    def parents(self) -> tuple[Value, ...]:
        """The operands that are Values."""
        return self._parents

    @property
    def local_grads(self) -> tuple[float, ...]:
        """The local derivatives, one a parent: d(this node) / d(that operand), the others held still.

        >>> (Value(3.0) * Value(4.0)).local_grads
        (4.0, 3.0)
        """
        return self._locals

    def item(self) -> float:
        """The number as a float, `data`."""
        return self._data

    def detach(self) -> Value:
        """A new leaf with the same data and label: gradients stop there.

        >>> x = Value(3.0)
        >>> (x.detach() * x).parents
        (Value(3.0, grad=0.0), Value(3.0, grad=0.0))
        """
        return Value(self._data, self._label)

    # -- gradients -----------------------------------------------------------------------------------------------
    def backward(self, gradient: Number = 1.0) -> None:
        """Add d(this node) / d(leaf) · `gradient` to the `grad` of every leaf that this node depends on.

        Nodes are visited newest first, so each has its whole gradient before it passes it on. Leaves add up over
        several calls; computed nodes start from zero in each, and keep their gradient until the next. A contribution
        is zero where either factor is zero, whatever the other.

        Args:
            gradient: the upstream gradient of this node.

        >>> a = Value(3.0)
        >>> y = a * a * a
        >>> y.backward(); a.grad
        27.0
        >>> y.backward(); a.grad
        54.0
        """
        upstream = gradient if type(gradient) is float else _as_float(gradient, "backward()")
        mode = state.mode
        if mode is not None and mode.watch is not None:
            mode.watch.backward(self, upstream)
        nodes = _computed_nodes(self)
        for node in nodes:
            node._grad = 0.0
        self._grad += upstream
        for node in nodes:
            upstream = node._grad
            if upstream:
                for parent, local in zip(node._parents, node._locals):  # noqa: B905 - the check costs a tenth
                    if local:
                        parent._grad += local * upstream

    def zero_grad(self) -> None:
        """Set this node's gradient to zero; no other's."""
        self._grad = 0.0

    # -- arithmetic ----------------------------------------------------------------------------------------------
    def __add__(self, other: Value | Number) -> Value:
        return binary(ops.ADD, self, other)

    def __radd__(self, other: Number) -> Value:
        return binary(ops.ADD, other, self)

    def __sub__(self, other: Value | Number) -> Value:
        return binary(ops.SUBTRACT, self, other)

    def __rsub__(self, other: Number) -> Value:
        return binary(ops.SUBTRACT, other, self)

    def __mul__(self, other: Value | Number) -> Value:
        return binary(ops.MULTIPLY, self, other)

    def __rmul__(self, other: Number) -> Value:
        return binary(ops.MULTIPLY, other, self)

    def __truediv__(self, other: Value | Number) -> Value:
        return binary(ops.DIVIDE, self, other)

    def __rtruediv__(self, other: Number) -> Value:
        return binary(ops.DIVIDE, other, self)

    def __pow__(self, other: Value | Number) -> Value:
        return binary(ops.POWER if type(other) is Value else ops.POWER_CONSTANT, self, other)

    def __mod__(self, other: Value | Number) -> Value:
        return binary(ops.MODULO, self, other)

    def __rmod__(self, other: Number) -> Value:
        return binary(ops.MODULO, other, self)

    def __rpow__(self, other: Number) -> Value:
        return binary(ops.POWER, other, self)

    def __neg__(self) -> Value:
        return unary(ops.NEGATE, self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return unary(ops.ABS, self)

    def __round__(self, digits: None = None) -> Value:
        if digits is not None:
            raise TypeError(
                f"a Value is rounded to whole numbers only, not to {digits!r} digits: use round(v.data, digits)"
            )
        return unary(ops.ROUND, self)

    def __floor__(self) -> Value:
        return unary(ops.FLOOR, self)

    def __ceil__(self) -> Value:
        return unary(ops.CEIL, self)

    # -- a number among numbers ----------------------------------------------------------------------------------
    # Comparison is by number, hashing by identity: two equal numbers may be different nodes of a graph.
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return _compare(operator.eq, self, other)

    def __ne__(self, other: object) -> bool:
        return _compare(operator.ne, self, other)

    def __lt__(self, other: Value | Number) -> bool:
        return _compare(operator.lt, self, other)

    def __le__(self, other: Value | Number) -> bool:
        return _compare(operator.le, self, other)

    def __gt__(self, other: Value | Number) -> bool:
        return _compare(operator.gt, self, other)

    def __ge__(self, other: Value | Number) -> bool:
        return _compare(operator.ge, self, other)

    def __bool__(self) -> bool:
        return self._data != 0.0

    def __float__(self) -> NoReturn:
        raise TypeError(
            "a Value does not become a float by itself, its gradient would be lost: use autograd.exp, .log, ... "
            "in place of math's, or v.data for the bare number"
        )

    def __int__(self) -> NoReturn:
        raise TypeError(
            "a Value does not become an int by itself, its gradient would be lost: use int(v.data) for the bare number"
        )

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        op = f", op={self.op!r}" if self.op else ""
        label = f", label={self._label!r}" if self._label is not None else ""
        return f"Value({self._data}, grad={self._grad}{op}{label})"

    def __copy__(self) -> Value:
        return restore(self._primitive, self._data, self._grad, self._locals, self._label, self._module, self._operands)

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        from autograd.copying import deep_copied

        return deep_copied(self, memo)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        from autograd.copying import reduced

        return reduced(self)

    # <generated methods from ops.py by `make generate`: do not edit>
    def abs(self) -> Value:
        """Absolute value |x|, with derivative 0 at 0."""
        return unary(ops.ABS, self)

    def exp(self) -> Value:
        """Exponential, e to the power x."""
        return unary(ops.EXP, self)

    def exp2(self) -> Value:
        """2 to the power x."""
        return unary(ops.EXP2, self)

    def expm1(self) -> Value:
        """exp(x) - 1, accurate near 0."""
        return unary(ops.EXPM1, self)

    def log(self) -> Value:
        """Natural logarithm of x."""
        return unary(ops.LOG, self)

    def log2(self) -> Value:
        """Logarithm of x to base 2."""
        return unary(ops.LOG2, self)

    def log10(self) -> Value:
        """Logarithm of x to base 10."""
        return unary(ops.LOG10, self)

    def log1p(self) -> Value:
        """log(1 + x), accurate near 0."""
        return unary(ops.LOG1P, self)

    def sqrt(self) -> Value:
        """Square root of x."""
        return unary(ops.SQRT, self)

    def cbrt(self) -> Value:
        """Cube root of x."""
        return unary(ops.CBRT, self)

    def hypot(self, y: Value | Number) -> Value:
        """Distance sqrt(x*x + y*y)."""
        return many(ops.HYPOT, operands_of("hypot", [self, y]))

    def sin(self) -> Value:
        """Sine of x radians."""
        return unary(ops.SIN, self)

    def cos(self) -> Value:
        """Cosine of x radians."""
        return unary(ops.COS, self)

    def tan(self) -> Value:
        """Tangent of x radians."""
        return unary(ops.TAN, self)

    def asin(self) -> Value:
        """Arc sine of x, in radians."""
        return unary(ops.ASIN, self)

    def acos(self) -> Value:
        """Arc cosine of x, in radians."""
        return unary(ops.ACOS, self)

    def atan(self) -> Value:
        """Arc tangent of x, in radians."""
        return unary(ops.ATAN, self)

    def atan2(self, x: Value | Number) -> Value:
        """Angle of the point (x, y), in radians."""
        return many(ops.ATAN2, operands_of("atan2", [self, x]))

    def sinh(self) -> Value:
        """Hyperbolic sine of x."""
        return unary(ops.SINH, self)

    def cosh(self) -> Value:
        """Hyperbolic cosine of x."""
        return unary(ops.COSH, self)

    def tanh(self) -> Value:
        """Hyperbolic tangent of x."""
        return unary(ops.TANH, self)

    def asinh(self) -> Value:
        """Inverse hyperbolic sine of x."""
        return unary(ops.ASINH, self)

    def acosh(self) -> Value:
        """Inverse hyperbolic cosine of x."""
        return unary(ops.ACOSH, self)

    def atanh(self) -> Value:
        """Inverse hyperbolic tangent of x."""
        return unary(ops.ATANH, self)

    def erf(self) -> Value:
        """Error function of x."""
        return unary(ops.ERF, self)

    def erfc(self) -> Value:
        """1 - erf(x), accurate where erf(x) is near 1."""
        return unary(ops.ERFC, self)

    def floor(self) -> Value:
        """Largest whole number not above x."""
        return unary(ops.FLOOR, self)

    def ceil(self) -> Value:
        """Smallest whole number not below x."""
        return unary(ops.CEIL, self)

    def round(self) -> Value:
        """Nearest whole number, halves to even."""
        return unary(ops.ROUND, self)

    def sign(self) -> Value:
        """-1, 0 or 1, as x is negative, zero or positive."""
        return unary(ops.SIGN, self)

    def maximum(self, y: Value | Number) -> Value:
        """The larger of x and y; each has derivative 1/2 at a tie."""
        return many(ops.MAXIMUM, operands_of("maximum", [self, y]))

    def minimum(self, y: Value | Number) -> Value:
        """The smaller of x and y; each has derivative 1/2 at a tie."""
        return many(ops.MINIMUM, operands_of("minimum", [self, y]))

    def clip(self, low: Value | Number, high: Value | Number) -> Value:
        """x, or the bound it is beyond; derivative 0 at a bound."""
        return many(ops.CLIP, operands_of("clip", [self, low, high]))

    def where(self, a: Value | Number, b: Value | Number) -> Value:
        """a where the condition holds, else b."""
        return many(ops.WHERE, operands_of("where", [self, a, b]))

    def sigmoid(self) -> Value:
        """Logistic function 1/(1 + exp(-x))."""
        return unary(ops.SIGMOID, self)

    def logsigmoid(self) -> Value:
        """log(sigmoid(x)), without overflow."""
        return unary(ops.LOGSIGMOID, self)

    def softplus(self) -> Value:
        """log(1 + exp(x)), without overflow."""
        return unary(ops.SOFTPLUS, self)

    def relu(self) -> Value:
        """Rectifier max(x, 0), with derivative 0 at 0."""
        return unary(ops.RELU, self)

    def leaky_relu(self) -> Value:
        """x where it is positive, else 0.01·x; derivative 0.01 at 0."""
        return unary(ops.LEAKY_RELU, self)

    def elu(self) -> Value:
        """x where it is positive, else exp(x) - 1."""
        return unary(ops.ELU, self)

    def gelu(self) -> Value:
        """x times the share of the normal distribution below x."""
        return unary(ops.GELU, self)

    def silu(self) -> Value:
        """x times sigmoid(x)."""
        return unary(ops.SILU, self)

    # </generated>


def _computed_nodes(root: Value) -> list[Value]:
    """The nodes that `root` reaches and that have parents, newest first."""
    nodes = [root] if root._parents else []
    seen = {root._number}
    # `nodes` grows while it is read: what is behind the loop has had its parents looked at
    for node in nodes:
        for parent in node._parents:
            if parent._parents and parent._number not in seen:
                seen.add(parent._number)
                nodes.append(parent)
    nodes.sort(key=_creation_number, reverse=True)
    return nodes


def topological_order(root: Value) -> list[Value]:
    """All nodes that `root` reaches, itself among them, oldest first: every parent stands before its children.

    Each node carries its creation number, and a node is made after its operands, so the order of creation is one.

    >>> a = Value(2.0, "a")
    >>> [node.op or node.label for node in topological_order(-a * a)]
    ['a', 'neg', '*']
    """
    nodes = _computed_nodes(root)
    leaves = {parent._number: parent for node in nodes for parent in node._parents if not parent._parents}
    return sorted((*nodes, *leaves.values()), key=_creation_number) or [root]


# -- recording -------------------------------------------------------------------------------------------------------
def unary(primitive: Primitive, x: Value) -> Value:
    """Record primitive(x)."""
    data, local_grads = primitive.evaluate(x._data)
    operands = (x,)
    return _record(primitive, data, operands, operands, local_grads)


def binary(primitive: Primitive, x: Value | Number, y: Value | Number) -> Value:
    """Record primitive(x, y), one of them at least a Value; NotImplemented where the other is not a number."""
    if type(x) is Value:
        if type(y) is Value:
            data, local_grads = primitive.evaluate(x._data, y._data)
            operands = (x, y)
            return _record(primitive, data, operands, operands, local_grads)
        number = y if type(y) is float else as_operand(y)
        if number is None:
            return NotImplemented  # type: ignore[no-any-return]
        data, local_grads = primitive.evaluate(x._data, number)
        return _record(primitive, data, (x, number), (x,), local_grads[:1])
    number = x if type(x) is float else as_operand(x)
    if number is None or type(y) is not Value:
        return NotImplemented  # type: ignore[no-any-return]
    data, local_grads = primitive.evaluate(number, y._data)
    return _record(primitive, data, (number, y), (y,), local_grads[1:])


def apply(primitive: Primitive, *xs: Any) -> Value | float:
    """primitive(x, ...) of a fixed arity: recorded where an operand is a Value, else a float."""
    operands = operands_of(primitive.name, xs)
    for operand in operands:
        if type(operand) is Value:
            return many(primitive, operands)
    return primitive.forward(*operands)


def apply_to_list(primitive: Primitive, operands: Sequence[Value | float]) -> Value | float:
    """primitive(operands) of any number of operands: recorded where one is a Value, else a float."""
    for operand in operands:
        if type(operand) is Value:
            return many(primitive, operands)
    return primitive.forward(operands)


def many(primitive: Primitive, operands: Sequence[Value | float]) -> Value:
    """Record a primitive of several operands, which are Values and floats, one of them at least a Value."""
    xs = [operand._data if type(operand) is Value else operand for operand in operands]
    data, local_grads = primitive.evaluate(xs) if primitive.arity is None else primitive.evaluate(*xs)
    pairs = [(o, g) for o, g in zip(operands, local_grads, strict=True) if type(o) is Value]
    return _record(primitive, data, tuple(operands), tuple(p for p, _ in pairs), tuple(g for _, g in pairs))


def _record(
    primitive: Primitive,
    data: float,
    operands: tuple[Value | float, ...],
    parents: tuple[Value, ...],
    local_grads: tuple[float, ...],
) -> Value:
    mode = state.mode
    node = _new(Value)
    node._data = data
    node._grad = 0.0
    node._primitive = primitive
    node._operands = operands
    node._parents = parents
    node._locals = local_grads
    node._number = _next_number()
    node._label = None
    if mode is None:
        node._module = None
        return node
    node._module = mode.scope
    if mode.watch is not None:
        mode.watch.computed(node)
    return node if mode.recording else Value(data)


_new = object.__new__


def restore(
    primitive: Primitive | None,
    data: float,
    grad: float,
    local_grads: tuple[float, ...],
    label: str | None,
    module: str | None,
    operands: tuple[Value | float, ...],
) -> Value:
    """A node with these contents, as a copy or a pickle gives them; a new creation number."""
    node = _new(Value)
    node._data, node._grad, node._primitive, node._locals = data, grad, primitive, local_grads
    node._label, node._module, node._operands = label, module, operands
    node._parents = tuple([operand for operand in operands if type(operand) is Value])
    node._number = _next_number()
    return node


# -- numbers from outside --------------------------------------------------------------------------------------------
def _as_float(x: object, where: str) -> float:
    if type(x) is Value:
        raise TypeError(f"{where} takes a number, not a Value: use v.data, or v.detach() for a new leaf with its data")
    number = as_operand(x)
    if number is None:
        raise TypeError(f"{where} takes a real number, not {type(x).__name__} {shortened(x)}")
    return number


def operands_of(function: str, xs: Iterable[Any]) -> list[Value | float]:
    """The operands of a function as Values and floats; TypeError names the function and what is neither."""
    operands: list[Value | float] = []
    for x in xs:
        if type(x) is Value or type(x) is float:
            operands.append(x)
            continue
        number = as_operand(x)
        if number is None:
            raise TypeError(f"{function}() takes Values and real numbers, not {type(x).__name__} {shortened(x)}")
        operands.append(number)
    return operands


def _compare(relation: Any, x: Value, y: object) -> bool:
    if type(y) is Value:
        return bool(relation(x._data, y._data))
    number = y if type(y) is float else as_operand(y)
    if number is None:
        return NotImplemented  # type: ignore[no-any-return]
    return bool(relation(x._data, number))
