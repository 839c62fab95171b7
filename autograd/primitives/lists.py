"""The formulas of primitives of lists: their grammar, and the functions that are made from them.

A row of lists names its operands: one or several lists of one length, which is `n`, and behind them at most one
`index`. Its expressions know, besides the grammar of `autograd.primitives.formulas` (but for `:=`),

    xs[i]                          an element of a list, by a position: `i`, `index`, or a part that is one
    i == top, i != index           whether two positions are the same
    sum(E for i in range(n))       a left fold that starts with the first term, and is 0 of nothing; `if` leaves out
    prod(E for i in range(n))      the same of products, and 1 of nothing
    sum(xs), prod(xs)              short for the fold over all elements of a list

and its parts, which stand before the value and the derivatives, one `name = expression` each, may also be

    e = [E for i in range(n)]      a list
    top = argmax(xs)               the position of the largest, of the first one where several are
    before = products_before(xs)   a list: for each element the product of all before it, 1 for the first,
                                   and 0 where one of them is 0, whatever the others
    behind = products_behind(xs)   a list: for each element the same of all behind it, 1 for the last

The value is an expression; there is one derivative per list, by its element `i`, in terms of `out`, the value, too.
`tools/kernels.py` makes C of the same syntax trees.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from autograd.primitives import formulas

__all__ = ["FOLDS", "INDEX", "INDEX_KIND", "LIST_KIND", "NUMBER_KIND", "ListFormulas", "Part", "names_of"]

INDEX = "index"
"""The name of the operand that is a position."""

NUMBER_KIND, INDEX_KIND, LIST_KIND = "number", "index", "list"


# -- what the formulas call ------------------------------------------------------------------------------------------
# Over floats and over Values alike. The order of additions is part of the promise.
def _sum(terms: Iterable[Any]) -> Any:
    remaining = iter(terms)
    total = next(remaining, 0.0)
    for term in remaining:
        total = total + term
    return total


def _prod(terms: Iterable[Any]) -> Any:
    remaining = iter(terms)
    product = next(remaining, 1.0)
    for term in remaining:
        product = product * term
    return product


def _argmax(xs: Sequence[Any]) -> int:
    top = 0
    for i in range(1, len(xs)):
        if xs[i] > xs[top]:
            top = i
    return top


def _products_before(multiply_no_nan: Callable[[Any, Any], Any], xs: Sequence[Any]) -> list[Any]:
    products: list[Any] = [1.0]
    for x in xs[:-1]:
        products.append(multiply_no_nan(products[-1], x))
    return products


def _products_behind(multiply_no_nan: Callable[[Any, Any], Any], xs: Sequence[Any]) -> list[Any]:
    return _products_before(multiply_no_nan, xs[::-1])[::-1]


FOLDS: dict[str, Callable[..., Any]] = {"sum": _sum, "prod": _prod}
_FUNCTIONS_OF_LISTS = {"argmax": INDEX_KIND, "products_before": LIST_KIND, "products_behind": LIST_KIND}
_NAMESPACE: dict[str, Callable[..., Any]] = {
    **FOLDS,
    "argmax": _argmax,
    "products_before": _products_before,
    "products_behind": _products_behind,
}
_PRODUCTS = {"products_before", "products_behind"}
_MULTIPLY_NO_NAN = "multiply_no_nan"  # the row by which these multiply


class Part(NamedTuple):
    """A named part of a row's formulas: a number, a position or a list."""

    name: str
    kind: str
    expression: ast.expr


class ListFormulas:
    """The parsed formulas of a row of lists; ValueError names what the grammar does not have.

    Args:
        arguments: the names of the operands.
        parts: the named parts, `name = expression`, each in terms of those before it.
        value: the result.
        derivatives: by the element `i` of each list.

    Attributes:
        lists: the names of the lists.
        takes_index: whether an index stands behind them.
        parts: the parts, in their order.
        value, derivatives: syntax trees.

    >>> norm = ListFormulas(("xs",), (), "sqrt(sum(xs[i]*xs[i] for i in range(n)))", ("xs[i]/out",))
    >>> from autograd.primitives import ieee
    >>> norm.evaluation("norm", vars(ieee))([3.0, 4.0])
    (5.0, (0.6, 0.8))
    """

    def __init__(self, arguments: Sequence[str], parts: Sequence[str], value: str, derivatives: Sequence[str]) -> None:
        self.arguments = tuple(arguments)
        self.takes_index = arguments[-1] == INDEX
        self.lists = tuple(arguments[:-1] if self.takes_index else arguments)
        if not self.lists or INDEX in self.lists:
            raise ValueError(f"operands {arguments!r}: there must be lists, and an index must be the last")
        if len(derivatives) != len(self.lists):
            raise ValueError(f"{len(derivatives)} derivatives of {len(self.lists)} lists: give one for each")
        kinds = {**dict.fromkeys(formulas.CONSTANTS, NUMBER_KIND), **dict.fromkeys(self.lists, LIST_KIND)}
        kinds["n"] = NUMBER_KIND
        if self.takes_index:
            kinds[INDEX] = INDEX_KIND
        self.parts: list[Part] = []
        for text in parts:
            name, expression = _assignment(text)
            if name in (*kinds, "i", "out"):
                raise ValueError(f"part {text!r}: the name {name!r} is taken")
            kinds[name] = _Check(text, kinds).part(expression)
            self.parts.append(Part(name, kinds[name], expression))
        self.value = _expression(value)
        _Check(value, kinds).number(self.value)
        kinds["out"] = NUMBER_KIND
        self.derivatives = tuple(_expression(derivative) for derivative in derivatives)
        for text, derivative in zip(derivatives, self.derivatives, strict=True):
            _Check(text, {**kinds, "i": INDEX_KIND}, in_map=True).number(derivative)

    @property
    def names(self) -> set[str]:
        """All names that the formulas use."""
        expressions = (*(part.expression for part in self.parts), self.value, *self.derivatives)
        names = {name for expression in expressions for name in names_of(expression)}
        return names | {_MULTIPLY_NO_NAN} if names & _PRODUCTS else names

    def needed(self, *expressions: ast.expr) -> list[Part]:
        """The parts that some expressions are made of, in their order."""
        names = {name for expression in expressions for name in names_of(expression)}
        found = []
        for part in reversed(self.parts):
            if part.name in names:
                names |= names_of(part.expression)
                found.append(part)
        return found[::-1]

    def forward(self, name: str, namespace: Mapping[str, Any]) -> Callable[[Sequence[Any]], Any]:
        """Return the function `operands -> out`, in which the operands of all lists follow one another."""
        lines = self._prologue(self.value)
        return self._function(["operands"], [*lines, f"return {_python(self.value)}"], namespace, name)

    def evaluation(self, name: str, namespace: Mapping[str, Any]) -> Callable[[Sequence[Any]], Any]:
        """Return the function `operands -> (out, local derivatives)`, with one local derivative per operand."""
        lines = self._prologue(self.value, *self.derivatives)
        lines += [f"out = {_python(self.value)}", f"return out, ({self._locals()},)"]
        return self._function(["operands"], lines, namespace, name)

    def differentiation(self, name: str, namespace: Mapping[str, Any]) -> Callable[..., list[Any]]:
        """Return the function `(operands, out) -> local derivatives` in the arithmetic of `namespace`."""
        lines = self._prologue(*self.derivatives)
        return self._function(["operands", "out"], [*lines, f"return [{self._locals()}]"], namespace, name)

    def _prologue(self, *expressions: ast.expr) -> list[str]:
        """The operands and the parts that some expressions are made of."""
        count = "len(operands) - 1" if self.takes_index else "len(operands)"
        lines = [f"n = ({count}) // {len(self.lists)}"]
        if len(self.arguments) == 1:
            lines.append(f"{self.lists[0]} = operands")
        else:
            lines += [f"{name} = operands[{j} * n : {j + 1} * n]" for j, name in enumerate(self.lists)]
        if self.takes_index:
            lines.append(f"{INDEX} = position(operands[-1])")
        return lines + [f"{part.name} = {_python(part.expression)}" for part in self.needed(*expressions)]

    def _locals(self) -> str:
        by_element = [f"*({ast.unparse(_map(_floating(derivative)))})" for derivative in self.derivatives]
        return ", ".join(by_element + ["0.0"] * self.takes_index)

    def _function(
        self, arguments: list[str], lines: list[str], namespace: Mapping[str, Any], name: str
    ) -> Callable[..., Any]:
        scope = {"position": int, **namespace, **_NAMESPACE}
        if _MULTIPLY_NO_NAN in scope:
            for product in _PRODUCTS:
                scope[product] = partial(scope[product], scope[_MULTIPLY_NO_NAN])
        return formulas.defined(arguments, "\n".join(f"    {line}" for line in lines), scope, name)


# -- parsing ---------------------------------------------------------------------------------------------------------
def _assignment(text: str) -> tuple[str, ast.expr]:
    match ast.parse(text.strip()).body:
        case [ast.Assign(targets=[ast.Name(id=name)], value=expression)]:
            return name, expression
    raise ValueError(f"part {text!r} is not of the form `name = expression`")


def _expression(text: str) -> ast.expr:
    return ast.parse(text.strip(), mode="eval").body


class _Check:
    """The kinds of the expressions of one formula."""

    def __init__(self, text: str, kinds: Mapping[str, str], in_map: bool = False) -> None:
        self.text = text
        self.kinds = dict(kinds)
        self.in_map = in_map

    def refuse(self, node: ast.AST, why: str) -> ValueError:
        """An error that names the formula and the expression."""
        shown = ast.unparse(node)
        return ValueError(f"formula {self.text!r}: {why}" + (f": {shown}" if shown != self.text else ""))

    def part(self, node: ast.expr) -> str:
        """The kind of a part."""
        match node:
            case ast.ListComp(elt=term, generators=generators):
                self.loop(node, generators, conditional=False).number(term)
                return LIST_KIND
            case ast.Call(func=ast.Name(id=name), args=[ast.Name(id=of)], keywords=[]) if name in _FUNCTIONS_OF_LISTS:
                if self.kinds.get(of) != LIST_KIND:
                    raise self.refuse(node, f"{name}() takes a list")
                return _FUNCTIONS_OF_LISTS[name]
        self.number(node)
        return NUMBER_KIND

    def number(self, node: ast.expr) -> None:
        """Make sure that an expression is a number."""
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return
            case ast.Name(id=name) if self.kinds.get(name) == NUMBER_KIND:
                return
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Name(id=at)) if self.kinds.get(name) == LIST_KIND:
                if self.kinds.get(at) != INDEX_KIND:
                    raise self.refuse(node, "an element is chosen by a position")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                self.number(operand)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div(), right=right):
                self.number(left)
                self.number(right)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.condition(test)
                self.number(body)
                self.number(orelse)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FOLDS:
                self.fold(node, argument)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name not in _FUNCTIONS_OF_LISTS:
                for argument in arguments:
                    self.number(argument)
            case _:
                raise self.refuse(node, "this is not a number in the grammar of lists")

    def fold(self, node: ast.expr, argument: ast.expr) -> None:
        """Make sure of the argument of sum or prod."""
        if self.in_map:
            raise self.refuse(node, "a sum or product for each element would be quadratic: make it a part")
        if isinstance(argument, ast.GeneratorExp):
            self.loop(node, argument.generators, conditional=True).number(argument.elt)
        elif not (isinstance(argument, ast.Name) and self.kinds.get(argument.id) == LIST_KIND):
            raise self.refuse(node, "a sum or product is of a list, or of terms `for i in range(n)`")

    def loop(self, node: ast.expr, generators: list[ast.comprehension], conditional: bool) -> _Check:
        """The check of what is repeated."""
        match generators:
            case [ast.comprehension(target=ast.Name(id=variable), iter=over, ifs=tests, is_async=0)]:
                if ast.unparse(over) == "range(n)" and len(tests) <= conditional and variable not in self.kinds:
                    inside = _Check(self.text, {**self.kinds, variable: INDEX_KIND}, in_map=True)
                    for test in tests:
                        inside.condition(test)
                    return inside
        raise self.refuse(node, "a loop is `for i in range(n)`" + ", with at most one `if`" * conditional)

    def condition(self, node: ast.expr) -> None:
        """Make sure that an expression is a condition."""
        match node:
            case ast.BoolOp(values=values):
                for value in values:
                    self.condition(value)
            case ast.Compare(left=ast.Name(id=one), ops=[ast.Eq() | ast.NotEq()], comparators=[ast.Name(id=other)]) if (
                self.kinds.get(one) == self.kinds.get(other) == INDEX_KIND
            ):
                return
            case ast.Compare(left=left_number, ops=[op], comparators=[right_number]) if isinstance(
                op, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq
            ):
                self.number(left_number)
                self.number(right_number)
            case _:
                raise self.refuse(node, "this is not a condition in the grammar of lists")


# -- Python ----------------------------------------------------------------------------------------------------------
def names_of(expression: ast.expr) -> set[str]:
    """The names in an expression."""
    return {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}


def _floating(expression: ast.expr) -> ast.expr:
    floating: ast.expr = _Folding().visit(copy.deepcopy(expression))
    return ast.fix_missing_locations(floating)


class _Folding(formulas.Floating):
    """Folds lists in place of generators, which is quicker."""

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        self.generic_visit(node)
        return ast.copy_location(ast.ListComp(node.elt, node.generators), node)


def _python(expression: ast.expr) -> str:
    if isinstance(expression, ast.ListComp):
        return ast.unparse(_map(_floating(expression.elt), expression.generators[0].target))
    return ast.unparse(_floating(expression))


def _map(term: ast.expr, variable: ast.expr | None = None) -> ast.expr:
    """The list of a term for each position; a choice that is the same for all of them is made once."""
    target = ast.Name("i", ast.Store()) if variable is None else variable
    assert isinstance(target, ast.Name)
    if isinstance(term, ast.IfExp) and target.id not in names_of(term.test):
        return ast.IfExp(term.test, _map(term.body, target), _map(term.orelse, target))
    n = ast.Name("n", ast.Load())
    if target.id not in names_of(term):
        return ast.BinOp(ast.List([term], ast.Load()), ast.Mult(), n)
    over = ast.Call(ast.Name("range", ast.Load()), [n], [])
    return ast.ListComp(term, [ast.comprehension(target, over, [], 0)])
