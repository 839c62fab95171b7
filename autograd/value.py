# distutils: sources = autograd/core/backward.c autograd/core/mode.c autograd/core/node.c autograd/core/operands.c
"""The Value node: a number that records how it was computed.

A computed node keeps its primitive, its operands and its local derivatives, which are computed when the node is
recorded. `backward` is then one loop over the nodes, newest first: `parent.grad += local derivative * node.grad`.
"""

from __future__ import annotations

import inspect
import itertools
import operator
import warnings
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

try:
    import cython
except ModuleNotFoundError:  # only the build needs it; what is compiled has it built in
    from autograd import cython_shim as cython

from autograd.arguments import as_operand, shortened, text_or_none
from autograd.primitives import table
from autograd.primitives.primitive import BY_CODE, PRIMITIVES, Primitive, check_core
from autograd.source_lines import user_line

if not cython.compiled and TYPE_CHECKING:
    from collections.abc import Callable

    # from autograd/core/core.h: value.pxd has the types for C
    TABLE_SIZE: int
    TABLE_DIGEST: int
    ALL_OPERANDS: int
    PARENTS: int
    LOCAL_GRADS: int
    evaluate1: Callable[[int, float, object], float]
    evaluate2: Callable[[int, float, float, object, object], float]
    core_evaluate: Callable[[Value, list[Value | float], bool], int]
    core_restore: Callable[[Value, tuple[Value | float, ...], tuple[float, ...], bool], int]
    core_operands: Callable[[Value, int], tuple[Any, ...]]
    core_count: Callable[[Value], int]
    core_operand_node: Callable[[Value, int], Value | None]
    core_operand_number: Callable[[Value, int], float]
    core_node: Callable[[int], Value]
    core_install: Callable[[type, bytes], int]
    core_backward: Callable[[Value, float], int]
    core_reached: Callable[[Value], tuple[list[Value], list[Value]]]
    core_modes_set: int
    core_known_mode: Callable[[], object]
    core_know_mode: Callable[[Mode | None], None]
    core_forget_modes: Callable[[], None]
    core_mode_changed: Callable[[], None]
    core_context_version: Callable[[], int]

__all__ = [
    "Layer",
    "Mode",
    "Number",
    "Recorder",
    "Value",
    "Watch",
    "close_layer",
    "contents",
    "current_mode",
    "cut_by",
    "number_of",
    "open_layer",
    "operand_count",
    "operand_node",
    "operand_number",
    "reached_by",
    "restore_mode",
    "set_briefly",
    "set_mode",
    "topological_order",
]

Number = float  # int counts as float for a type checker; numbers.Real and NumPy scalars are taken too

compiled = bool(cython.compiled)
"""True where the compiled core runs, False for the pure Python of the same source."""

if cython.compiled:
    check_core(TABLE_DIGEST)

# <generated codes by `make generate`: do not edit>
_ADD = PRIMITIVES["add"].code
_SUBTRACT = PRIMITIVES["subtract"].code
_MULTIPLY = PRIMITIVES["multiply"].code
_DIVIDE = PRIMITIVES["divide"].code
_MODULO = PRIMITIVES["modulo"].code
_POWER = PRIMITIVES["power"].code
_POWER_CONSTANT = PRIMITIVES["power_constant"].code
_NEGATE = PRIMITIVES["negate"].code
_ABS = PRIMITIVES["abs"].code
_EXP = PRIMITIVES["exp"].code
_EXP2 = PRIMITIVES["exp2"].code
_EXPM1 = PRIMITIVES["expm1"].code
_LOG = PRIMITIVES["log"].code
_LOG2 = PRIMITIVES["log2"].code
_LOG10 = PRIMITIVES["log10"].code
_LOG1P = PRIMITIVES["log1p"].code
_SQRT = PRIMITIVES["sqrt"].code
_CBRT = PRIMITIVES["cbrt"].code
_SIN = PRIMITIVES["sin"].code
_COS = PRIMITIVES["cos"].code
_TAN = PRIMITIVES["tan"].code
_ASIN = PRIMITIVES["asin"].code
_ACOS = PRIMITIVES["acos"].code
_ATAN = PRIMITIVES["atan"].code
_SINH = PRIMITIVES["sinh"].code
_COSH = PRIMITIVES["cosh"].code
_TANH = PRIMITIVES["tanh"].code
_ASINH = PRIMITIVES["asinh"].code
_ACOSH = PRIMITIVES["acosh"].code
_ATANH = PRIMITIVES["atanh"].code
_ERF = PRIMITIVES["erf"].code
_ERFC = PRIMITIVES["erfc"].code
_FLOOR = PRIMITIVES["floor"].code
_CEIL = PRIMITIVES["ceil"].code
_ROUND = PRIMITIVES["round"].code
_SIGN = PRIMITIVES["sign"].code
_SIGMOID = PRIMITIVES["sigmoid"].code
_LOGSIGMOID = PRIMITIVES["logsigmoid"].code
_SOFTPLUS = PRIMITIVES["softplus"].code
_RELU = PRIMITIVES["relu"].code
_LEAKY_RELU = PRIMITIVES["leaky_relu"].code
_ELU = PRIMITIVES["elu"].code
_GELU = PRIMITIVES["gelu"].code
_SILU = PRIMITIVES["silu"].code
# </generated>

_MADE_ONCE = "a Value is initialised once: call Value(...) for another one, or assign the .data of a leaf"
_AS_MICROGRAD_MADE_NODES = (
    "Value(data, label=None) makes a leaf: it takes no children and no op. An operation of your own is a function of "
    "Values, or is declared with its derivatives by autograd.primitive(name, forward, derivatives); "
    "docs/from_micrograd.md has an example"
)
_NO_BACKWARD = (
    "a Value has no _backward: its local derivatives are the numbers in v.local_grads. autograd.steps(root) shows what "
    "a backward pass does with them, and autograd.primitive(name, forward, derivatives) declares an operation of your "
    "own; docs/from_micrograd.md has an example"
)
# how a leaf was made, in its `_dx`; a leaf that Value() made has 0.0
_BY_DETACH, _UNDER_NO_GRAD, _UNDER_NO_GRAD_AND_WARNED = 1.0, 2.0, 3.0


class PathName(str):
    """The path of a parameter in its model, in the place of a label until the user gives one."""

    __slots__ = ()


_made = 0
_next_number = itertools.count(1).__next__
_creation_number = operator.attrgetter("_number")


@cython.final
@cython.no_gc
@cython.cclass
class Value:
    """A number in a computation graph.

    Arithmetic on Values gives Values that know their parents; `backward` fills in the `grad` of every node that a
    result depends on. A plain number among the operands does not become a node.

    Args:
        data: An int, float, bool, `Fraction` or NumPy scalar of a real kind; stored as a float.
        label: A name for pictures and listings; a str or None.

    Raises:
        TypeError: `data` is not a real number, or `label` is not a str.
        OverflowError: `data` is an int that is too large for a float.

    >>> a, b = Value(2.0, "a"), Value(-3.0, "b")
    >>> c = a * b + a
    >>> c.backward()
    >>> c, a.grad, b.grad
    (Value(-4.0, grad=1.0, op='+'), -2.0, 2.0)
    """

    # A node has up to two operands in itself: `_x` and `_y` hold those that are Values, `_dx` and `_dy` the local
    # derivatives by them; where an operand is a number, `_x` or `_y` is None and `_dx` or `_dy` is that number.
    # A node of more has the pair (operands, local derivatives by those that are Values) in `_many`.
    # A leaf, which has no operands, has in `_dx` how it was made (`cut_by`).
    __slots__ = (
        "_code",
        "_count",
        "_data",
        "_dx",
        "_dy",
        "_grad",
        "_label",
        "_many",
        "_module",
        "_number",
        "_reached",
        "_x",
        "_y",
    )
    if not cython.compiled and TYPE_CHECKING:  # value.pxd has them for C
        _code: int
        _count: int
        _data: float
        _dx: float
        _dy: float
        _grad: float
        _label: str | None
        _many: tuple[tuple[Value | float, ...], tuple[float, ...]]
        _module: str | None
        _number: int
        _reached: bool
        _x: Value | None
        _y: Value | None

    def __init__(self, data: Number, label: str | None = None, _op: None = None, _children: None = None) -> None:
        if cython.compiled:
            global _made
            if self._number != 0:
                raise TypeError(_MADE_ONCE)
            _made += 1
            self._number = _made
        else:
            if hasattr(self, "_number"):
                raise TypeError(_MADE_ONCE)
            self._number = _next_number()
            self._grad = self._dx = self._dy = 0.0
            self._x = self._y = self._label = self._module = None
            self._code = self._count = 0
            self._reached = False
        self._data = data if type(data) is float else _as_float(data, "Value()")
        if label is not None or _op is not None or _children is not None:
            if _op is not None or _children is not None or isinstance(label, tuple | set):
                raise TypeError(_AS_MICROGRAD_MADE_NODES)
            self.label = label

    # -- what a node knows ---------------------------------------------------------------------------------------
    @property
    def data(self) -> float:
        """The value as a float. It may be assigned on a leaf; that of a computed node follows from its operands."""
        _read(self)
        return self._data

    @data.setter
    def data(self, data: Number) -> None:
        if self._code != 0:
            raise AttributeError(
                f"cannot assign the data of {self!r}: it was computed by {self.op!r} from its operands; "
                "assign the data of a leaf and compute again, or use .detach() for a leaf with this value"
            )
        self._data = data if type(data) is float else _as_float(data, "data")

    @property
    def grad(self) -> float:
        """The gradient of the last root with respect to this node; a leaf accumulates over passes. May be assigned."""
        _read(self)
        return self._grad

    @grad.setter
    def grad(self, grad: Number) -> None:
        self._grad = grad if type(grad) is float else _as_float(grad, "grad")
        self._reached = True

    @property
    def reached(self) -> bool:
        """Whether a backward pass has reached the node or its gradient was assigned; else `grad` means nothing.

        >>> x = Value(2.0)
        >>> y, z = x * 2, x * 3
        >>> y.backward()
        >>> x.reached, y.reached, z.reached
        (True, True, False)
        """
        return bool(self._reached)

    @property
    def label(self) -> str | None:
        """The name that the user has given, or None. May be assigned."""
        return self._label if type(self._label) is str else None

    @label.setter
    def label(self, label: str | None) -> None:
        self._label = text_or_none(label, "label")

    @property
    def name(self) -> str | None:
        """What pictures, listings and errors call the node: its label, else its path if it is a parameter of a model.

        >>> Value(1.0, "x").name, Value(1.0).name
        ('x', None)
        """
        return None if self._label is None else str(self._label)

    @property
    def module(self) -> str | None:
        """The dotted path of the scope of the node (`layers.0.neurons.3`), or None. May be assigned."""
        return self._module

    @module.setter
    def module(self, module: str | None) -> None:
        self._module = text_or_none(module, "module")

    @property
    def op(self) -> str:
        """The symbol of the primitive that computed the node, `"*"` or `"tanh"`; `""` for a leaf."""
        primitive = BY_CODE[self._code]
        return "" if primitive is None else primitive.symbol

    @property
    def primitive(self) -> Primitive | None:
        """The primitive that computed the node, a row of `autograd.primitives.table`; None for a leaf."""
        return BY_CODE[self._code]

    @property
    def operands(self) -> tuple[Value | float, ...]:
        """All operands in the order of the call, Values and floats.

        >>> (Value(3.0) * 2).operands
        (Value(3.0, grad=0.0), 2.0)
        """
        if cython.compiled:
            return core_operands(self, ALL_OPERANDS)
        if self._count == 0:
            return self._many[0] if self._code != 0 else ()
        x = self._dx if self._x is None else self._x
        if self._count == 1:
            return (x,)
        return x, self._dy if self._y is None else self._y

    @property
    def parents(self) -> tuple[Value, ...]:
        """The operands that are Values."""
        if cython.compiled:
            return core_operands(self, PARENTS)
        return tuple([operand for operand in self.operands if type(operand) is Value])

    @property
    def local_grads(self) -> tuple[float, ...]:
        """The local derivatives, one per parent: ∂(this node)/∂(parent) with the other operands held fixed.

        >>> (Value(3.0) * Value(4.0)).local_grads
        (4.0, 3.0)
        """
        if cython.compiled:
            return core_operands(self, LOCAL_GRADS)
        if self._count == 0:
            return self._many[1] if self._code != 0 else ()
        return tuple([local for parent, local in ((self._x, self._dx), (self._y, self._dy)) if parent is not None])

    @property
    def _prev(self) -> set[Value]:
        """The parents as a set: micrograd's name."""
        return set(self.parents)

    @property
    def _op(self) -> str:
        """The same as `op`: micrograd's name."""
        return self.op

    @property
    def _backward(self) -> NoReturn:
        """An error that says what stands in its place."""
        raise AttributeError(_NO_BACKWARD)

    @_backward.setter
    def _backward(self, function: object) -> NoReturn:
        raise AttributeError(_NO_BACKWARD)

    def item(self) -> float:
        """Return the value as a float, the same as `data`."""
        _read(self)
        return self._data

    def detach(self) -> Value:
        """Return a new leaf with the same data and label, at which gradients stop.

        >>> x = Value(3.0)
        >>> (x.detach() * x).parents
        (Value(3.0, grad=0.0), Value(3.0, grad=0.0))
        """
        recorder = _recorder()
        if recorder is not None:
            return recorder.detached(self)
        leaf = Value(self._data, self.label)
        leaf._dx = _BY_DETACH
        return leaf

    # -- gradients -----------------------------------------------------------------------------------------------
    def backward(self, gradient: Number = 1.0) -> None:
        """Add ∂(this node)/∂(leaf) · `gradient` to the `grad` of every leaf that this node depends on.

        Nodes are visited newest first, so each node has its complete gradient before it passes it on. Every gradient
        starts from zero in each call: a computed node keeps the result until the next call, and a leaf adds it to
        what it had, so two calls give exactly twice the gradient of one. A contribution (upstream × local derivative)
        is zero if either factor is zero, whatever the other is.

        A result of `no_grad` has nothing to pass a gradient to: it warns, once per result.

        Args:
            gradient: The upstream gradient of this node.

        Raises:
            TypeError: `gradient` is not a real number.

        >>> a = Value(3.0)
        >>> y = a * a * a
        >>> y.backward(); a.grad
        27.0
        >>> y.backward(); a.grad
        54.0
        """
        upstream = gradient if type(gradient) is float else _as_float(gradient, "backward()")
        if self._code == 0 and self._dx == _UNDER_NO_GRAD:
            _warn_of_no_graph(self)
        mode = current_mode()
        if mode is not None and mode.watch is not None:
            mode.watch.backward(self, upstream)
        if cython.compiled:
            core_backward(self, upstream)  # the loop below, in C
            return
        nodes, leaves = reached_by(self)
        before = [leaf._grad for leaf in leaves]
        try:
            self._pass_back(upstream, nodes, leaves)
            for leaf, grad in zip(leaves, before, strict=True):
                leaf._grad += grad
        except BaseException:  # Ctrl-C, or no memory for a number
            for leaf, grad in zip(leaves, before, strict=True):
                leaf._grad = grad
            raise

    def _pass_back(self, upstream: float, nodes: list[Value], leaves: list[Value]) -> None:
        for node in (*nodes, *leaves):
            node._grad = 0.0
            node._reached = True
        self._grad = upstream
        for node in nodes:
            upstream = node._grad
            if upstream == 0.0:
                continue
            if node._count == 0:
                for parent, local in zip(node.parents, node.local_grads, strict=True):
                    if local != 0.0:
                        parent._grad += local * upstream
                continue
            # multiply_no_nan, whose call would cost as much as all the rest
            if node._x is not None and node._dx != 0.0:
                node._x._grad += node._dx * upstream
            if node._y is not None and node._dy != 0.0:
                node._y._grad += node._dy * upstream

    def zero_grad(self) -> None:
        """Set the gradient of this node alone to zero."""
        self._grad = 0.0

    # -- arithmetic ----------------------------------------------------------------------------------------------
    def __add__(self, other: Value | Number) -> Value:
        return binary(_ADD, self, other)

    def __radd__(self, other: Number) -> Value:
        return binary(_ADD, other, self)

    def __sub__(self, other: Value | Number) -> Value:
        return binary(_SUBTRACT, self, other)

    def __rsub__(self, other: Number) -> Value:
        return binary(_SUBTRACT, other, self)

    def __mul__(self, other: Value | Number) -> Value:
        return binary(_MULTIPLY, self, other)

    def __rmul__(self, other: Number) -> Value:
        return binary(_MULTIPLY, other, self)

    def __truediv__(self, other: Value | Number) -> Value:
        return binary(_DIVIDE, self, other)

    def __rtruediv__(self, other: Number) -> Value:
        return binary(_DIVIDE, other, self)

    def __pow__(self, other: Value | Number) -> Value:
        return binary(_POWER if type(other) is Value else _POWER_CONSTANT, self, other)

    def __mod__(self, other: Value | Number) -> Value:
        return binary(_MODULO, self, other)

    def __rmod__(self, other: Number) -> Value:
        return binary(_MODULO, other, self)

    def __rpow__(self, other: Number) -> Value:
        return binary(_POWER, other, self)

    def __neg__(self) -> Value:
        return unary(_NEGATE, self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return unary(_ABS, self)

    def __round__(self, digits: None = None) -> Value:
        if digits is not None:
            raise TypeError(
                f"round() takes a Value to whole numbers only, not to {digits!r} digits: use round(v.data, digits)"
            )
        return unary(_ROUND, self)

    def __floor__(self) -> Value:
        return unary(_FLOOR, self)

    def __ceil__(self) -> Value:
        return unary(_CEIL, self)

    # -- a number among numbers ----------------------------------------------------------------------------------
    # Comparison is by number, hashing by identity: two equal numbers may be different nodes of a graph.
    def __hash__(self) -> int:
        return object.__hash__(self)

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
        return bool(_compare(operator.ne, self, 0.0))

    def __float__(self) -> NoReturn:
        raise TypeError(
            "a Value is not converted to float implicitly, because its gradient would be lost: use autograd.exp, "
            "autograd.log, ... in place of math's functions, or v.data for the plain number"
        )

    def __int__(self) -> NoReturn:
        raise TypeError(
            "a Value is not converted to int implicitly, because its gradient would be lost: use int(v.data) for the "
            "plain number"
        )

    def __index__(self) -> NoReturn:
        raise TypeError(
            "a Value is neither an index nor a count: use autograd.take(values, index), which a tape replays with "
            "other indices, or int(v.data) for the plain number; [v * x for x in values] multiplies each of a list"
        )

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        op = f", op={self.op!r}" if self.op else ""
        label = f", label={self.label!r}" if self.label is not None else ""
        return f"Value({self._data}, grad={self._grad}{op}{label})"

    def __copy__(self) -> Value:
        return restore(*contents(self), self.operands)

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        for node in topological_order(self):  # parents first, so nothing recurses
            if id(node) not in memo:
                operands = tuple([memo[id(o)] if type(o) is Value else o for o in node.operands])
                memo[id(node)] = restore(*contents(node), operands)
        return memo[id(self)]  # type: ignore[no-any-return]

    # <generated methods by `make generate`: do not edit>
    def abs(self) -> Value:
        """Absolute value |x|, with derivative 0 at 0."""
        return unary(_ABS, self)

    def exp(self) -> Value:
        """Exponential, e to the power x."""
        return unary(_EXP, self)

    def exp2(self) -> Value:
        """2 to the power x."""
        return unary(_EXP2, self)

    def expm1(self) -> Value:
        """exp(x) - 1, accurate near 0."""
        return unary(_EXPM1, self)

    def log(self) -> Value:
        """Natural logarithm of x."""
        return unary(_LOG, self)

    def log2(self) -> Value:
        """Logarithm of x to base 2."""
        return unary(_LOG2, self)

    def log10(self) -> Value:
        """Logarithm of x to base 10."""
        return unary(_LOG10, self)

    def log1p(self) -> Value:
        """log(1 + x), accurate near 0."""
        return unary(_LOG1P, self)

    def sqrt(self) -> Value:
        """Square root of x."""
        return unary(_SQRT, self)

    def cbrt(self) -> Value:
        """Cube root of x."""
        return unary(_CBRT, self)

    def hypot(self, y: Value | Number) -> Value:
        """Distance sqrt(x*x + y*y)."""
        return many(table.HYPOT, operands_of("hypot", [self, y]))

    def sin(self) -> Value:
        """Sine of x radians."""
        return unary(_SIN, self)

    def cos(self) -> Value:
        """Cosine of x radians."""
        return unary(_COS, self)

    def tan(self) -> Value:
        """Tangent of x radians."""
        return unary(_TAN, self)

    def asin(self) -> Value:
        """Arc sine of x, in radians."""
        return unary(_ASIN, self)

    def acos(self) -> Value:
        """Arc cosine of x, in radians."""
        return unary(_ACOS, self)

    def atan(self) -> Value:
        """Arc tangent of x, in radians."""
        return unary(_ATAN, self)

    def atan2(self, x: Value | Number) -> Value:
        """Angle of the point (x, y), in radians."""
        return many(table.ATAN2, operands_of("atan2", [self, x]))

    def sinh(self) -> Value:
        """Hyperbolic sine of x."""
        return unary(_SINH, self)

    def cosh(self) -> Value:
        """Hyperbolic cosine of x."""
        return unary(_COSH, self)

    def tanh(self) -> Value:
        """Hyperbolic tangent of x."""
        return unary(_TANH, self)

    def asinh(self) -> Value:
        """Inverse hyperbolic sine of x."""
        return unary(_ASINH, self)

    def acosh(self) -> Value:
        """Inverse hyperbolic cosine of x."""
        return unary(_ACOSH, self)

    def atanh(self) -> Value:
        """Inverse hyperbolic tangent of x."""
        return unary(_ATANH, self)

    def erf(self) -> Value:
        """Error function of x."""
        return unary(_ERF, self)

    def erfc(self) -> Value:
        """1 - erf(x), accurate where erf(x) is near 1."""
        return unary(_ERFC, self)

    def floor(self) -> Value:
        """Largest whole number not above x."""
        return unary(_FLOOR, self)

    def ceil(self) -> Value:
        """Smallest whole number not below x."""
        return unary(_CEIL, self)

    def round(self) -> Value:
        """Nearest whole number, halves to even."""
        return unary(_ROUND, self)

    def sign(self) -> Value:
        """-1, 0 or 1, as x is negative, zero or positive."""
        return unary(_SIGN, self)

    def maximum(self, y: Value | Number, *more: Value | Number) -> Value:
        """The largest of any number; at a tie all that are largest have equal derivatives, of sum 1."""
        if len(more) == 0:
            return many(table.MAXIMUM, operands_of("maximum", [self, y]))
        return many(table.MAXIMUM_OF, operands_of("maximum", [self, y, *more]))

    def minimum(self, y: Value | Number, *more: Value | Number) -> Value:
        """The smallest of any number; at a tie all that are smallest have equal derivatives, of sum 1."""
        if len(more) == 0:
            return many(table.MINIMUM, operands_of("minimum", [self, y]))
        return many(table.MINIMUM_OF, operands_of("minimum", [self, y, *more]))

    def clip(self, low: Value | Number, high: Value | Number) -> Value:
        """x, or the bound it is beyond; derivative 0 at a bound."""
        return many(table.CLIP, operands_of("clip", [self, low, high]))

    def where(self, a: Value | Number, b: Value | Number) -> Value:
        """a where the condition holds, else b."""
        return many(table.WHERE, operands_of("where", [self, a, b]))

    def sigmoid(self) -> Value:
        """Logistic function 1/(1 + exp(-x))."""
        return unary(_SIGMOID, self)

    def logsigmoid(self) -> Value:
        """log(sigmoid(x)), without overflow."""
        return unary(_LOGSIGMOID, self)

    def softplus(self) -> Value:
        """log(1 + exp(x)), without overflow."""
        return unary(_SOFTPLUS, self)

    def relu(self) -> Value:
        """Rectifier max(x, 0), with derivative 0 at 0."""
        return unary(_RELU, self)

    def leaky_relu(self, slope: Value | Number = 0.01) -> Value:
        """x where it is positive, else slope·x; derivative slope at 0."""
        if type(slope) is float and slope == 0.01:
            return unary(_LEAKY_RELU, self)
        return many(table.LEAKY_RELU_SLOPE, operands_of("leaky_relu", [self, slope]))

    def elu(self, alpha: Value | Number = 1.0) -> Value:
        """x where it is positive, else alpha·(exp(x) - 1); derivative alpha at 0."""
        if type(alpha) is float and alpha == 1.0:
            return unary(_ELU, self)
        return many(table.ELU_ALPHA, operands_of("elu", [self, alpha]))

    def gelu(self) -> Value:
        """x times the share of the normal distribution below x."""
        return unary(_GELU, self)

    def silu(self) -> Value:
        """x times sigmoid(x)."""
        return unary(_SILU, self)

    # </generated>

    # the names under which NumPy looks for them in arrays of objects
    arccos = acos
    arccosh = acosh
    arcsin = asin
    arcsinh = asinh
    arctan = atan
    arctan2 = atan2
    arctanh = atanh
    conjugate = __pos__
    fabs = abs
    rint = round


def reached_by(root: Value) -> tuple[list[Value], list[Value]]:
    """Return the computed nodes that `root` depends on, newest first, and the leaves."""
    if cython.compiled:
        return core_reached(root)
    if root._code == 0:
        return [], [root]
    nodes, seen = [root], {root._number}
    leaves: list[Value] = []
    # `nodes` grows while it is read: what is behind the loop has had its parents looked at
    for node in nodes:
        for parent in (node._x, node._y) if node._count != 0 else node.parents:
            if parent is not None and parent._number not in seen:
                seen.add(parent._number)
                (nodes if parent._code != 0 else leaves).append(parent)
    nodes.sort(key=_creation_number, reverse=True)
    return nodes, leaves


def operand_count(node: Value) -> int:
    """Return the number of operands of a node; 0 for a leaf."""
    if cython.compiled:
        return core_count(node)
    return node._count if node._count != 0 or node._code == 0 else len(node._many[0])


def operand_node(node: Value, i: int) -> Value | None:
    """Return operand `i` where it is a Value; None where it is a number."""
    if cython.compiled:
        return core_operand_node(node, i)
    if node._count != 0:
        return node._x if i == 0 else node._y
    operand = node._many[0][i]
    return operand if type(operand) is Value else None


def operand_number(node: Value, i: int) -> float:
    """Return operand `i`, which is a number."""
    if cython.compiled:
        return core_operand_number(node, i)
    if node._count != 0:
        return node._dx if i == 0 else node._dy
    return node._many[0][i]  # type: ignore[return-value]


def cut_by(node: Value) -> str | None:
    """Return what cut a leaf from the graph that it was computed in; None where nothing did.

    >>> from autograd.modes import no_grad
    >>> x = Value(2.0)
    >>> with no_grad():
    ...     y = x * x
    >>> cut_by(x), cut_by(x.detach()), cut_by(y)
    (None, 'detach()', 'no_grad()')
    """
    if node._code != 0 or node._dx == 0.0:
        return None
    return "detach()" if node._dx == _BY_DETACH else "no_grad()"


def _warn_of_no_graph(leaf: Value) -> None:
    line = user_line()
    message = (
        "backward() of a Value that was computed under no_grad(): nothing was recorded, so no gradient reaches what it "
        f"was computed from. Compute it outside of no_grad().{line.in_brackets}"
    )
    warnings.warn_explicit(message, UserWarning, line.file, line.number)
    leaf._dx = _UNDER_NO_GRAD_AND_WARNED


def topological_order(root: Value) -> list[Value]:
    """Return all nodes that `root` depends on, itself included, oldest first: each parent before its children.

    Every node carries its creation number and is created after its operands, so the order of creation is a
    topological order.

    Raises:
        TypeError: `root` is not a Value.

    >>> a = Value(2.0, "a")
    >>> [node.op or node.label for node in topological_order(-a * a)]
    ['a', 'neg', '*']
    """
    if type(root) is not Value:
        raise TypeError(f"a graph starts from a Value, not from {type(root).__name__} {shortened(root)}")
    nodes, leaves = reached_by(root)
    return sorted([*nodes, *leaves], key=creation_number)


def creation_number(node: Value) -> int:
    """Return the creation number of a node, which is larger for newer nodes.

    >>> a = Value(1.0)
    >>> creation_number(a) < creation_number(a + 1)
    True
    """
    return node._number


# -- recording -------------------------------------------------------------------------------------------------------
def _new(code: int) -> Value:
    """Create a node of a primitive, without its value and operands."""
    if cython.compiled:
        global _made
        node = core_node(code)
        _made += 1
        node._number = _made
    else:
        node = Value.__new__(Value)
        node._number = _next_number()
        node._grad = node._dx = node._dy = 0.0
        node._x = node._y = node._label = node._module = None
        node._count = 0
        node._reached = False
        node._code = code
    return node


def _finish(node: Value) -> Value:
    """Apply the mode of the context to a new node, and return the node or what takes its place."""
    if cython.compiled and core_modes_set == 0:
        return node
    mode = current_mode()
    if mode is None:
        return node
    node._module = mode.scope
    if mode.watch is not None:
        mode.watch.computed(node)
    if mode.recording:
        return node
    recorder = mode._open_recorder()
    if recorder is not None:
        return recorder.detached(node)
    leaf = Value(node._data)
    leaf._dx = _UNDER_NO_GRAD
    return leaf


def unary(code: int, x: Value) -> Value:
    """Record a primitive of one operand."""
    node = _new(code)
    node._x = x
    node._count = 1
    if cython.compiled:
        node._data = evaluate1(code, x._data, cython.address(node._dx))
    else:
        node._data, (node._dx,) = BY_CODE[code].evaluate(x._data)  # type: ignore[union-attr]
    return _finish(node)


def binary(code: int, x: Value | Number, y: Value | Number) -> Value:
    """Record a primitive of two operands, at least one of them a Value; NotImplemented if one is not a number."""
    node = _new(code)
    node._count = 2
    if type(x) is Value:
        node._x = left = x
        a = left._data
    elif type(x) is float or type(x) is int:
        a = float(x)
    else:
        number = as_operand(x)
        if number is None:
            return NotImplemented  # type: ignore[no-any-return]
        a = number
    if type(y) is Value:
        node._y = right = y
        b = right._data
    elif type(y) is float or type(y) is int:
        b = float(y)
    else:
        number = as_operand(y)
        if number is None:
            return NotImplemented  # type: ignore[no-any-return]
        b = number
    if cython.compiled:
        node._data = evaluate2(code, a, b, cython.address(node._dx), cython.address(node._dy))
    else:
        node._data, (node._dx, node._dy) = BY_CODE[code].evaluate(a, b)  # type: ignore[union-attr]
    if node._x is None:
        node._dx = a
    if node._y is None:
        node._dy = b
    return _finish(node)


def many(primitive: Primitive, operands: list[Value | float]) -> Value:
    """Record any primitive; the operands are Values and floats, at least one of them a Value."""
    in_block = primitive.arity is None or primitive.arity > 2
    node = _new(primitive.code)
    if cython.compiled and primitive.code < TABLE_SIZE:
        core_evaluate(node, operands, in_block)
    else:
        xs = [number_of(operand) for operand in operands]
        data, local_grads = primitive.evaluate(xs) if primitive.arity is None else primitive.evaluate(*xs)
        node._data = data
        by_values = tuple([g for o, g in zip(operands, local_grads, strict=True) if type(o) is Value])
        _set_operands(node, tuple(operands), by_values, in_block)
    recorder = _recorder()
    if recorder is not None and primitive.takes_index:
        recorder.chose(node)
    return _finish(node)


def number_of(operand: Any) -> float:
    """Return the value of an operand, a Value or a float, without noting a read while a tape is recorded."""
    if type(operand) is Value:
        node = operand
        return node._data
    return operand  # type: ignore[no-any-return]


def _set_operands(
    node: Value, operands: tuple[Value | float, ...], local_grads: tuple[float, ...], in_block: bool
) -> None:
    if cython.compiled:
        core_restore(node, operands, local_grads, in_block)
        return
    if in_block:
        node._many = operands, local_grads
        return
    remaining = iter(local_grads)
    node._count = len(operands)
    for i, operand in enumerate(operands):
        if isinstance(operand, Value):
            value, local = operand, next(remaining)
        else:
            value, local = None, operand
        if i == 0:
            node._x, node._dx = value, local
        else:
            node._y, node._dy = value, local


def place_in_model(parameter: Value, module: str | None, path: str) -> None:
    """Tell a parameter the path of the module that holds it and its own path, its name unless it has a label.

    >>> x = Value(1.0)
    >>> place_in_model(x, "layers.0", "layers.0.bias"); x.name, x.label
    ('layers.0.bias', None)
    """
    parameter._module = module
    if type(parameter._label) is not str:
        parameter._label = PathName(path)


def take_name(copy: Value, node: Value) -> None:
    """Give a copy the label of a node, its module, and its path in the model.

    >>> copy = Value(2.0)
    >>> take_name(copy, Value(1.0, "x")); copy
    Value(2.0, grad=0.0, label='x')
    """
    copy._label = node._label
    copy._module = node._module


def contents(
    node: Value,
) -> tuple[Primitive | None, float, float, bool, tuple[float, ...], str | None, str | None]:
    """Return what a node holds besides its operands, in the order of the arguments of `restore`.

    A leaf has no local derivatives: where it was cut from its graph, the number that says how stands in their place.
    """
    local_grads = node.local_grads if node._code != 0 or node._dx == 0.0 else (node._dx,)
    data = node.data if node._code == 0 else node._data  # a leaf's number leaves the graph here: a tape would keep it
    return node.primitive, data, node._grad, node.reached, local_grads, node._label, node._module


def restore(
    primitive: Primitive | None,
    data: float,
    grad: float,
    reached: bool,
    local_grads: tuple[float, ...],
    label: str | None,
    module: str | None,
    operands: tuple[Value | float, ...],
) -> Value:
    """Create a node with the given contents, those of a copy or a pickle, and a new creation number."""
    node = _new(0 if primitive is None else primitive.code)
    node._data, node._grad, node._reached = data, grad, reached
    node._label = label if type(label) is PathName else text_or_none(label, "label")
    node._module = text_or_none(module, "module")
    if primitive is not None:
        if not primitive.takes(len(operands)):
            raise ValueError(f"a node of {primitive.name!r} cannot have {len(operands)} operands")
        _set_operands(node, operands, local_grads, primitive.arity is None or primitive.arity > 2)
    elif local_grads:
        node._dx = local_grads[0]
    return node


def apply(primitive: Primitive, *xs: Any) -> Value | float:
    """Apply a primitive of fixed arity: record it if an operand is a Value, else return a float."""
    operands = operands_of(primitive.function, xs)
    for operand in operands:
        if type(operand) is Value:
            return many(primitive, operands)
    return primitive.forward(*operands)


def apply_to_list(primitive: Primitive, operands: list[Value | float]) -> Value | float:
    """Apply a primitive of any number of operands: record it if one is a Value, else return a float."""
    for operand in operands:
        if type(operand) is Value:
            return many(primitive, operands)
    return primitive.forward(operands)


# -- the mode of a context ---------------------------------------------------------------------------------------------
class Watch(Protocol):
    """An observer of each node as it is computed, and of each backward pass before it begins."""

    def computed(self, node: Value) -> None:
        """Look at a node that was just recorded; an error from here is the user's."""

    def backward(self, root: Value, gradient: float) -> None:
        """Look at a backward pass that has not changed any gradient yet."""


class Recorder(Protocol):
    """The account of a function that is being recorded as a tape (`autograd.tape.recorder`)."""

    is_open: bool
    """Whether the function still runs."""

    def compared(self, relation: Any, x: Value, y: object) -> Any:
        """Return the result of a comparison with x."""

    def detached(self, node: Value) -> Value:
        """Return a node with this one's number, through which no gradient passes."""

    def draw(self, number: float) -> Value:
        """Return a leaf for a number that was drawn at random and is drawn anew in each replay."""

    def chose(self, node: Value) -> None:
        """Note that a node chose by an index, which may be out of range in a replay."""

    def read(self, node: Value) -> None:
        """Note that a number of the node leaves the graph."""


@cython.final
@cython.cclass
class Layer:
    """What one block sets in the mode of its context; None leaves a setting as it is."""

    __slots__ = ("closed", "recorder", "recording", "scope", "watch")

    def __init__(
        self,
        recording: bool | None = None,
        scope: str | None = None,
        watch: Watch | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.recording = recording
        self.scope = scope
        self.watch = watch
        self.recorder = recorder
        self.closed = False  # set where the block has ended and could not take it out


@cython.final
@cython.cclass
class Mode:
    """The recording mode of a context: the layers that its open blocks have set; None stands for no layer.

    A mode never changes: a context that was copied from another one, by an asyncio task, keeps what it had.

    Attributes:
        layers: Outermost first.
        recording: Whether nodes are recorded.
        scope: The path of the named scopes, or None.
        watch: What looks at each node and each pass, or None.

    >>> Mode((Layer(scope="layers"), Layer(recording=False))).inside("0").scope
    'layers.0'
    """

    __slots__ = ("_counted", "_inside", "_recorder", "layers", "recording", "scope", "watch")
    if not cython.compiled and TYPE_CHECKING:
        _counted: bool  # whether `core_modes_set` counts it

    def __init__(self, layers: tuple[Layer, ...] = ()) -> None:
        self.layers = layers
        self.recording, self.scope, self.watch, self._recorder = True, None, None, None
        self._inside: dict[str, Mode] = {}
        for layer in layers:
            if layer.recording is not None:
                self.recording = layer.recording
            if layer.scope is not None:
                self.scope = layer.scope if self.scope is None else f"{self.scope}.{layer.scope}"
            if layer.watch is not None:
                self.watch = layer.watch
            if layer.recorder is not None:
                self._recorder = layer.recorder

    def __dealloc__(self) -> None:
        if cython.compiled:
            global core_modes_set
            if self._counted:
                core_modes_set -= 1

    @property
    def recorder(self) -> Recorder | None:
        """What records a tape in this context, or None. A task that outlives the recording is not part of it."""
        return self._open_recorder()

    def _open_recorder(self) -> Recorder | None:
        return self._recorder if self._recorder is not None and self._recorder.is_open else None

    def with_layer(self, layer: Layer) -> Mode:
        """Return the mode inside a block that sets this."""
        return Mode((*self.layers, layer))

    def without_layer(self, closed: Layer | None) -> Mode | None:
        """Return the mode without this layer, and without those that ended and could not be taken out."""
        layers = tuple([layer for layer in self.layers if layer is not closed and not layer.closed])
        return Mode(layers) if layers else None

    def has(self, one: Layer) -> bool:
        """Return whether this layer is part of the mode."""
        for layer in self.layers:  # noqa: SIM110 - a generator is slower, and needs memory
            if layer is one:
                return True
        return False

    def inside(self, scope: str) -> Mode:
        """Return the mode inside a scope; the same one each time, for a module that is called again and again."""
        inner = self._inside.get(scope)
        if inner is None:
            inner = self._inside[scope] = self.with_layer(Layer(scope=scope))
        return inner

    def _is_stale(self) -> bool:
        for layer in self.layers:  # noqa: SIM110
            if layer.closed:
                return True
        return False


# The mode of a context. The compiled engine asks for it only where `core_modes_set` counts a mode anywhere: those that
# are or were a value of this variable, and live; and blocks that set one for their thread alone (`set_briefly`).
_mode: ContextVar[Mode | None] = ContextVar("autograd_mode", default=None)


def current_mode() -> Mode | None:
    """Return the mode of this context; None if nothing was set."""
    if cython.compiled:
        if core_modes_set == 0:
            return None
        known = core_known_mode()
        if known != cython.NULL:
            return cython.cast(object, known)  # type: ignore[no-any-return]
    mode = _mode.get()
    if mode is not None and mode._is_stale():
        mode = mode.without_layer(None)
        set_mode(mode)
    if cython.compiled:
        core_know_mode(mode)
    return mode


def set_mode(mode: Mode | None) -> None:
    """Set the mode of this context; see `open_layer` and `close_layer`, which blocks do it with."""
    if cython.compiled and mode is not None:
        global core_modes_set
        held = mode
        if not held._counted:
            held._counted = True
            core_modes_set += 1
    if not cython.compiled:
        _mode.set(mode)
        return
    core_mode_changed()
    core_forget_modes()  # a variable may be set and yet raise: where there is no memory for its token
    _mode.set(mode)
    core_know_mode(mode)


def open_layer(layer: Layer) -> None:
    """Begin a block: add its layer to the mode of this context; an error leaves the mode as it was."""
    mode = current_mode()
    try:
        set_mode(Mode((layer,)) if mode is None else mode.with_layer(layer))
    except BaseException:
        layer.closed = True
        raise


def close_layer(layer: Layer) -> None:
    """End a block: take its layer out of the mode of this context, wherever it lies in it.

    Blocks of generators end in any order, maybe in another context than they began in; and there may be no memory for
    another mode. Then the layer is marked, and whoever finds it takes it out.
    """
    done = False
    try:
        done = _take_out(layer)
    except MemoryError:
        pass
    finally:
        if not done:
            layer.closed = True
            if cython.compiled:
                core_forget_modes()


def _take_out(layer: Layer) -> bool:
    mode = current_mode()
    if mode is None or not mode.has(layer):
        return False
    set_mode(mode.without_layer(layer))
    return True


def set_briefly(mode: Mode | None) -> int:
    """Set the mode for a block from which the context is not left, and return what `restore_mode` needs.

    The compiled engine notes it for the thread alone: for a variable of the context, each call of a module would
    allocate several objects.
    """
    if cython.compiled:
        global core_modes_set
        version = core_context_version()  # before anything changes: even an int may lack memory
        core_modes_set += 1
        core_know_mode(mode)
        return version
    outer = _mode.get()
    try:
        _mode.set(mode)
    except MemoryError:  # it may be set all the same
        _mode.set(outer)
        raise
    return 0


def restore_mode(inner: Mode | None, outer: Mode | None, version: int) -> None:
    """End a block that was begun by `set_briefly(inner)`, where the mode was `outer`.

    A block inside it that has not ended yet, one of a generator, keeps its own layer.
    """
    if cython.compiled:
        global core_modes_set
        core_modes_set -= 1
        if core_context_version() == version:
            core_know_mode(outer)
            return
        core_forget_modes()
    elif current_mode() is inner:
        try:
            _mode.set(outer)
        except MemoryError:
            _mode.set(outer)  # there may be memory again, for what was computed inside is gone
        return
    if inner is not None:
        _take_out(inner.layers[-1])  # where a block inside has noted it for the context


def modes_alive() -> int:
    """Return how many modes make the compiled engine ask for the mode of the context, node by node.

    >>> modes_alive() if compiled else 0
    0
    """
    return core_modes_set


def _recorder() -> Recorder | None:
    """Return what records a tape in this context, or None."""
    if cython.compiled and core_modes_set == 0:
        return None
    mode = current_mode()
    return None if mode is None else mode._open_recorder()


def _read(node: Value) -> None:
    """Note that a number leaves the graph: a tape that is being recorded would keep it as it is now."""
    recorder = _recorder()
    if recorder is not None:
        recorder.read(node)


# -- numbers from outside --------------------------------------------------------------------------------------------
def _as_float(x: object, where: str) -> float:
    if type(x) is Value:
        raise TypeError(f"{where} takes a number, not a Value: use v.data, or v.detach() for a new leaf with its data")
    number = as_operand(x)
    if number is None:
        raise TypeError(f"{where} takes a real number, not {type(x).__name__} {shortened(x)}")
    return number


def operands_of(function: str, xs: Iterable[Any]) -> list[Value | float]:
    """Return the operands of a function as Values and floats.

    Raises:
        TypeError: An operand is neither a Value nor a real number; the message names the function.
        ValueError: The bounds of `clip` are numbers, and the low one is above the high one.
    """
    operands = list(xs)
    for i in range(len(operands)):
        x = operands[i]
        if type(x) is not Value and type(x) is not float:
            if i == 0 and function == "where" and hasattr(x, "condition"):  # a Comparison, which is chosen by in place
                operands[i] = x.condition()
                continue
            number = as_operand(x)
            if number is None:
                raise TypeError(f"{function}() takes Values and real numbers, not {type(x).__name__} {shortened(x)}")
            operands[i] = number
    if function == "clip" and type(operands[1]) is float and type(operands[2]) is float and operands[1] > operands[2]:
        raise ValueError(f"clip() takes a low bound and a high one, not {operands[1]!r} and {operands[2]!r}")
    return operands


def _compare(relation: Any, x: Value, y: object) -> bool:
    recorder = _recorder()
    if recorder is not None:
        return recorder.compared(relation, x, y)  # type: ignore[no-any-return]
    if type(y) is Value:
        other = y
        return bool(relation(x._data, other._data))
    if type(y) is int:  # as Python compares them, however large
        return bool(relation(x._data, y))
    number = y if type(y) is float else as_operand(y)
    if number is None:
        return NotImplemented  # type: ignore[no-any-return]
    return bool(relation(x._data, number))


# -- a final class: a subclass would be tracked by the collector, and could form cycles --------------------------------
def _refuse_subclass(cls: type) -> NoReturn:
    raise TypeError("Value is final: it cannot be subclassed. Write functions of Values, or keep one as an attribute")


if cython.compiled:
    core_install(Value, b"Value(data, label=None)")
else:
    Value.__init__.__signature__ = inspect.signature(lambda self, data, label=None: None)  # type: ignore[attr-defined]
    Value.__init_subclass__ = classmethod(_refuse_subclass)  # type: ignore[assignment, method-assign]
