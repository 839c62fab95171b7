"""Check the tests of the primitives by making faults: flip one sign, constant, operator or choice, and see it caught.

python tools/mutate.py              every formula of every row, derivatives and values
python tools/mutate.py sqrt hypot   of some

A fault counts as caught when a test of `tests/test_primitives.py` or `tests/test_edges.py` for that row fails. Those
that no test can see, because the mutated formula gives the same numbers, stand in `EQUIVALENT` with the reason.
The exit status is 1 where any other fault survives, or where one listed there is caught.
"""

from __future__ import annotations

import argparse
import ast
import collections
import copy
import functools
import inspect
import multiprocessing
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograd.primitives import ieee, lists
from autograd.primitives import primitive as registry
from autograd.primitives.primitive import PRIMITIVES, Primitive

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import oracles
import test_edges
import test_primitives

# faults that no test can see, because they change no number or none by more than the bound, and why
EQUIVALENT_BY_REASON: dict[str, tuple[str, ...]] = {
    "the case was decided before": (
        "power, derivative 1: y < 0 -> y <= 0",
        "power, derivative 1: y < 0 -> y < 1",
        "maximum, derivative 0: x < y -> x <= y",
        "maximum, derivative 1: y < x -> y <= x",
        "maximum, value: y > x -> y >= x",
        "minimum, derivative 0: x > y -> x >= y",
        "minimum, derivative 1: y > x -> y >= x",
        "minimum, value: y < x -> y <= x",
        "relu, derivative 0: x <= 0 -> x <= 1",
        "relu, value: x <= 0 -> x <= 1",
        "leaky_relu, derivative 0: x <= 0 -> x <= 1",
    ),
    "a number or a condition has no derivative: the entry is never read, or -0": (
        "power_constant, derivative 1: negated",
        "where, derivative 0: negated",
    ),
    "both branches give the same there": (
        "abs, value: x > 0 -> x > 1",
        "clip, value: x > z -> x >= z",
        "clip, value: x < y -> x <= y",
        "relu, value: x > 0 -> x >= 0",
        "leaky_relu, value: x > 0 -> x >= 0",
        "elu, derivative 0: x > 0 -> x >= 0",
        "elu, value: x > 0 -> x >= 0",
        "_argmax(): xs[i] > xs[top] -> xs[i] >= xs[top]",
    ),
    "reached where out is 0 or infinite: any factor gives the same": (
        "cbrt_slope, value: ... < inf else 1 / (3 * (d :... -> ... < inf else 2 / (3 * (d :...",
        "cbrt_slope, value: 3 * (d := cbrt(x)) * d -> 4 * (d := cbrt(x)) * d",
    ),
    "halving both everywhere rounds no differently": (
        "hypot, derivative 0: out < inf -> out > inf",
        "hypot, derivative 1: out < inf -> out > inf",
    ),
    "hypot is even": (
        "hypot, derivative 0: hypot(0.5 * x, 0.5 * y) -> hypot(-0.5 * x, 0.5 * y)",
        "hypot, derivative 0: hypot(0.5 * x, 0.5 * y) -> hypot(0.5 * x, -0.5 * y)",
        "hypot, derivative 1: hypot(0.5 * x, 0.5 * y) -> hypot(-0.5 * x, 0.5 * y)",
        "hypot, derivative 1: hypot(0.5 * x, 0.5 * y) -> hypot(0.5 * x, -0.5 * y)",
        "asinh, derivative 0: 1 / hypot(1, x) -> 1 / hypot(-1, x)",
    ),
    "both formulas are within the bound around the threshold": (
        "atan, derivative 0: abs(x) < 100000000.0 -> abs(x) <= 100000000.0",
        "atan, derivative 0: abs(x) < 100000000.0 -> abs(x) < 100000001.0",
        "sigmoid, value: x >= 0 -> x > 0",
        "sigmoid, value: x >= 0 -> x >= 1",
        "logsigmoid, value: x >= 0 -> x > 0",
        "logsigmoid, value: x >= 0 -> x >= 1",
        "softplus, value: x > 0 -> x >= 0",
        "softplus, value: x > 0 -> x > 1",
        "softmax_cross_entropy, derivative 0: missed < 1 -> missed <= 1",
        "softmax_cross_entropy, derivative 0: missed < 1 -> missed < 2",
    ),
    "both sides of the threshold underflow to the same": (
        "gaussian, value: ...1048576))) < 28... -> ...1048576))) <= 28...",
        "gaussian, value: ...48576))) < 28... -> ...48576))) < 29...",
        "normal_pdf, value: ...1048576))) < 39... -> ...1048576))) <= 39...",
        "normal_pdf, value: ...048576))) < 39... -> ...048576))) < 40...",
        "normal_cdf, value: abs(x) < 39 -> abs(x) <= 39",
        "normal_cdf, value: abs(x) < 39 -> abs(x) < 40",
        "exp_difference(): abs(difference) < 750.0 -> abs(difference) <= 750.0",
        "exp_difference(): abs(difference) < 750.0 -> abs(difference) < 751.0",
    ),
    "any h close to x or -x whose square is exact enough will do": (
        "gaussian, value: (h := (floor(1048576 * x) / 1048576)) -> (h := (floor(1048576 * x) / -1048576))",
        "gaussian, value: floor(1048576 * x) -> floor(1048577 * x)",
        "gaussian, value: floor(1048576 * x) -> floor(-1048576 * x)",
        "normal_pdf, value: (h := (floor(1048576 * x) / 1048576)) -> (h := (floor(1048576 * x) / -1048576))",
        "normal_pdf, value: floor(1048576 * x) -> floor(1048577 * x)",
        "normal_pdf, value: floor(1048576 * x) -> floor(-1048576 * x)",
        "normal_cdf, value: floor(1048576 * x) -> floor(1048577 * x)",
    ),
    "asked only where abs(x) is large, or nan": (
        "normal_cdf, value: x > 0 -> x >= 0",
        "normal_cdf, value: x > 0 -> x > 1",
        "normal_cdf, value: x < 0 -> x <= 0",
        "normal_cdf, value: x < 0 -> x < 1",
    ),
    "a ten-thousandth of a correction of at most 1000 ulp": (
        "normal_cdf, value: ...h))) * 1.1283791670955126 * gaussian(... -> ...h))) * 1.128492005012222 * gaussian(...",
    ),
    "-0 for 0": (
        "floor, derivative 0: negated",
        "ceil, derivative 0: negated",
        "round, derivative 0: negated",
        "sign, derivative 0: negated",
    ),
    "both products are negated": ("_products_before(): [1.0] -> [-1.0]",),
    "no row of the table multiplies nothing": (
        "_prod(): next(remaining, 1.0) -> next(remaining, 2.0)",
        "_prod(): next(remaining, 1.0) -> next(remaining, -1.0)",
    ),
    "at equal sizes both orders are exact": ("exp_difference(): abs(x) < abs(y) -> abs(x) <= abs(y)",),
}
EQUIVALENT = {name: reason for reason, names in EQUIVALENT_BY_REASON.items() for name in names}

FLIPPED: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}


@dataclass(frozen=True)
class Fault:
    """One change: what it reads like, the rows it changes, and how to make it."""

    name: str
    rows: tuple[str, ...]
    apply: Callable[[], None]


# -- changes to an expression or a function --------------------------------------------------------------------------
def _set(**fields: Any) -> Callable[[Any], None]:
    def change(node: Any) -> None:
        for name, value in fields.items():
            setattr(node, name, value)

    return change


def changes(node: ast.AST) -> list[Callable[[Any], None]]:
    """The faults that can be made at one node of a syntax tree."""
    if isinstance(node, ast.BinOp | ast.BoolOp):
        return [_set(op=kind()) for kind in FLIPPED.get(type(node.op), ())]
    if isinstance(node, ast.Compare):
        return [_set(ops=[kind(), *node.ops[1:]]) for kind in FLIPPED.get(type(node.ops[0]), ())]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [_set(operand=ast.UnaryOp(ast.USub(), node.operand))]
    if isinstance(node, ast.IfExp):
        return [_set(body=node.orelse, orelse=node.body)]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        number = node.value
        others = [number + 1, *([-number] if number else []), *([number * 1.0001] if number % 1 else [])]
        return [_set(value=other) for other in others]
    return []


def mutants(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Copies of a syntax tree with one fault each, and what the fault reads like, `x > 0 -> x >= 0`."""
    seen: collections.Counter[str] = collections.Counter()
    for at, node in enumerate(ast.walk(tree)):
        for i in range(len(changes(node))):
            mutant = copy.deepcopy(tree)
            places = list(ast.walk(mutant))
            changes(places[at])[i](places[at])
            ast.fix_missing_locations(mutant)
            shown = around(tree, at) if isinstance(node, ast.Constant) else at
            text = difference(ast.unparse(list(ast.walk(tree))[shown]), ast.unparse(places[shown]))
            seen[text] += 1
            yield (text if seen[text] == 1 else f"{text} (no. {seen[text]})"), mutant


def difference(before: str, after: str, context: int = 12) -> str:
    """`before -> after`; of long ones only what differs and a little around it."""
    if len(before) > 45:
        start = max(common_length(before, after) - context, 0)
        end = max(common_length(before[::-1], after[::-1]) - context, 0)
        before, after = (f"...{text[start : len(text) - end]}..." for text in (before, after))
    return f"{before} -> {after}"


def common_length(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def around(tree: ast.AST, at: int) -> int:
    """The place of the expression to show for a number, which alone says little: a comparison, or two levels up."""
    nodes = list(ast.walk(tree))
    for _ in range(2):
        holders = [i for i, node in enumerate(nodes) if any(child is nodes[at] for child in ast.iter_child_nodes(node))]
        if not isinstance(nodes[holders[0]], ast.expr) or isinstance(nodes[at], ast.Compare):
            break
        at = holders[0]
    return at


# -- faults of a row -------------------------------------------------------------------------------------------------
def formula_faults(primitive: Primitive) -> Iterator[Fault]:
    """One change to one formula of a row: of its parts, of its derivatives, then of its value."""
    forward, derivatives, parts = primitive.forward_formula, primitive.derivative_formulas, primitive.parts
    assert isinstance(forward, str)
    assert isinstance(derivatives, tuple)

    def fault(what: str, *formulas: Any) -> Fault:
        return Fault(f"{primitive.name}, {what}", (primitive.name,), functools.partial(primitive.bind, *formulas))

    for i, part in enumerate(parts or ()):
        name, expression = (text.strip() for text in part.split("=", 1))
        for text, changed in changed_formulas(expression, signed=isinstance(_tree(expression).body, ast.BinOp)):
            others = (*parts[:i], f"{name} = {changed}", *parts[i + 1 :])
            yield fault(f"part {name}: {text}", forward, derivatives, others)
    for i, derivative in enumerate(derivatives):
        assert isinstance(derivative, str)
        for text, changed in changed_formulas(derivative):
            others = (*derivatives[:i], changed, *derivatives[i + 1 :])
            yield fault(f"derivative {i}: {text}", forward, others, parts)
    for text, changed in changed_formulas(forward):
        yield fault(f"value: {text}", changed, derivatives, parts)


def _tree(formula: str) -> ast.Expression:
    return ast.parse(formula, mode="eval")


def changed_formulas(formula: str, signed: bool = True) -> Iterator[tuple[str, str]]:
    """Each fault of a formula in words, and the formula with it; the sign of a position or a list is not changed."""
    if signed:
        yield "negated", f"-({formula})"
    for text, tree in mutants(_tree(formula)):
        yield text, ast.unparse(tree)


# what rows are computed with, and where it is looked up
SOURCES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "_sum": (lists, ("sum", "mean", "dot", "logsumexp", "softmax_cross_entropy")),
    "_prod": (lists, ("prod",)),
    "_argmax": (lists, ("logsumexp", "softmax_cross_entropy")),
    "_products_before": (lists, ("prod",)),
    "_products_behind": (lists, ("prod",)),
    "exp_difference": (ieee, ("exp_difference", "logsumexp", "softmax_cross_entropy")),
}


def source_faults(function: str) -> Iterator[Fault]:
    """One change to the source of a function that rows are computed with."""
    module, rows = SOURCES[function]
    for text, mutant in mutants(ast.parse(inspect.getsource(getattr(module, function)))):
        apply = functools.partial(_replace_source, function, mutant)
        yield Fault(f"{function}(): {text}", rows, apply)


def _replace_source(function: str, tree: Any) -> None:
    scope: dict[str, Any] = {}
    exec(compile(tree, f"<mutant of {function}>", "exec"), SOURCES[function][0].__dict__, scope)
    _use(function, scope[function])


def _use(function: str, replacement: Any) -> None:
    """Put a function in another's place, wherever it is looked up."""
    module, rows = SOURCES[function]
    setattr(module, function, replacement)
    namespace = registry._NAMESPACE if module is ieee else lists._NAMESPACE
    namespace[function.lstrip("_")] = replacement
    for name in rows:
        as_declared(PRIMITIVES[name])


def as_declared(primitive: Primitive) -> None:
    """Bind a row to its own formulas."""
    primitive.bind(primitive.forward_formula, primitive.derivative_formulas, primitive.parts)


# -- trying them -----------------------------------------------------------------------------------------------------
@functools.lru_cache(maxsize=4096)
def _exact(name: str, xs: tuple[float, ...]) -> Any:
    return oracles.exact(PRIMITIVES[name], xs)


# the points of a row are the same for each of its faults; 420 digits are not worked out again
test_primitives.exact = lambda primitive, xs: _exact(primitive.name, tuple(xs))
ACCURACY = test_edges.accuracy()
test_edges.accuracy = lambda: ACCURACY


def table_tests(primitive: Primitive) -> Iterator[Callable[[], None]]:
    """The tests that look at one row."""
    partial, name = functools.partial, primitive.name
    yield partial(test_primitives.test_value_and_derivatives_agree_with_mpmath, primitive)
    yield from (partial(test_edges.test_the_table_of_edges, edge) for edge in test_edges.EDGES)
    yield partial(test_edges.test_nan_in_nan_out, primitive)
    if primitive.arity == 1:
        yield partial(test_edges.test_at_infinity_stand_the_limits, primitive)
    if name not in test_edges.SEES_THE_SIGN_OF_ZERO:
        yield partial(test_edges.test_a_zero_s_sign_does_not_matter, primitive)
    if name in test_edges.KEEPS_SIGN_OF_ZERO:
        yield partial(test_edges.test_where_c_keeps_the_sign_of_a_zero_so_do_we, name)
    if name == "cbrt_slope":
        yield from (partial(test_edges.test_the_slope_of_cbrt_at_0, x) for x in (0.0, -0.0))
    if name == "multiply_no_nan":
        yield from (partial(test_edges.test_a_product_is_zero_where_a_factor_is, x) for x in (1.0, ieee.inf))
    if name == "power_constant":
        yield from (partial(test_edges.test_whole_and_half_powers, y) for y in test_edges.EXPONENTS)
    if name in test_edges.IN_NUMPY:
        yield partial(test_edges.test_values_are_c_s, name)
    yield from (partial(test_edges.test_fused_functions_are_exact_far_apart, xs) for xs in test_edges.FAR_APART)
    yield partial(test_edges.test_bounds_hold_far_out_and_close_to_the_ends, primitive)


def caught(fault: Fault) -> bool:
    """Make one fault, run the tests, and put everything right again."""
    fault.apply()
    try:
        for name in fault.rows:
            for test in table_tests(PRIMITIVES[name]):
                test()
    except Exception:  # a fault may show as any error
        return True
    finally:
        for function, original in ORIGINALS.items():
            _use(function, original)
        for name in fault.rows:
            as_declared(PRIMITIVES[name])
    return False


ORIGINALS = {function: getattr(module, function) for function, (module, _) in SOURCES.items()}
TARGETS = (*PRIMITIVES, *(f"{function}()" for function in SOURCES))


def faults_of(target: str) -> Iterator[Fault]:
    """All faults of a row, or of a function that rows are computed with."""
    if target.endswith("()"):
        return source_faults(target[:-2])
    return formula_faults(PRIMITIVES[target])


def tried(target: str) -> list[tuple[str, bool]]:
    """Each fault of a target, and whether it was caught."""
    warnings.simplefilter("ignore")  # a fault may overflow where the row does not
    for row in SOURCES[target[:-2]][1] if target.endswith("()") else (target,):
        for test in table_tests(PRIMITIVES[row]):
            test()  # what fails without a fault catches nothing
    return [(fault.name, caught(fault)) for fault in faults_of(target)]


def main() -> int:
    """Try all faults and report."""
    parser = argparse.ArgumentParser(description="Make faults in the primitives and see that tests catch them.")
    parser.add_argument("targets", nargs="*", default=TARGETS, help="rows, or functions as `name()`; all by default")
    with multiprocessing.Pool() as pool:
        results = [pair for pairs in pool.imap(tried, parser.parse_args().targets) for pair in pairs]
    survivors = [name for name, was_caught in results if not was_caught]
    wrong = 0
    for name in survivors:
        reason = EQUIVALENT.get(name)
        wrong += reason is None
        print(f"{'equivalent' if reason else 'SURVIVED'}: {name}{f' ({reason})' if reason else ''}")
    for name, was_caught in results:
        if was_caught and name in EQUIVALENT:
            wrong += 1
            print(f"caught, though listed as equivalent: {name}")
    of_derivatives = sum(", value:" not in name for name, _ in results)
    print(
        f"{len(results)} faults, {of_derivatives} of them in derivatives: "
        f"{len(results) - len(survivors)} caught, {len(survivors) - wrong} equivalent, {wrong} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
