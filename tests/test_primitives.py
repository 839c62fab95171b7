"""The table of primitives against mpmath, row by row, and every consumer against the table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import graphs
import pytest
from oracles import ORACLES, at_kink, complaints, exact, fixed_operands, points, ulps

import autograd as ag
from autograd import Value, functions
from autograd.primitives import formulas, ieee
from autograd.primitives.lists import ListFormulas
from autograd.primitives.primitive import PRIMITIVES, Primitive, glyph

ROOT = Path(__file__).resolve().parent.parent
TABLE = list(PRIMITIVES.values())
PUBLIC = [p for p in TABLE if not p.internal]


@pytest.mark.parametrize("primitive", TABLE, ids=lambda p: p.name)
def test_every_primitive_has_an_oracle(primitive: Primitive):
    assert not complaints(primitive)


def test_every_oracle_has_a_primitive():
    assert set(ORACLES) <= set(PRIMITIVES)


def test_a_missing_oracle_says_which_and_where():
    with pytest.raises(LookupError, match=r"'no_such_row' has no oracle: .* ORACLES in tests/oracles\.py"):
        ORACLES["no_such_row"]


@pytest.mark.parametrize("primitive", TABLE, ids=lambda p: p.name)
def test_value_and_derivatives_agree_with_mpmath(primitive: Primitive):
    for xs in points(primitive, 60):
        out, local_grads = primitive.evaluate(xs) if primitive.arity is None else primitive.evaluate(*xs)
        assert (primitive.forward(xs) if primitive.arity is None else primitive.forward(*xs)) == out
        value, derivatives = exact(primitive, xs)
        scale = primitive.value_scale(xs) if primitive.value_scale else None
        assert ulps(out, value, scale) <= primitive.ulp[0], (xs, out)
        for got, want in zip(local_grads, derivatives, strict=True):
            if want is not None and not at_kink(primitive, xs):
                scale = primitive.derivative_scale(xs) if primitive.derivative_scale else None
                assert ulps(got, want, scale) <= primitive.ulp[1], (xs, got)


@pytest.mark.parametrize("primitive", PUBLIC, ids=lambda p: p.name)
def test_a_recorded_node_holds_what_the_row_says(primitive: Primitive):
    numbers = points(primitive, 3)[-1]
    fixed = fixed_operands(primitive, len(numbers))
    operands = [x if i in fixed else Value(x) for i, x in enumerate(numbers)]
    node = call(primitive, operands)
    out, local_grads = primitive.evaluate(numbers) if primitive.arity is None else primitive.evaluate(*numbers)
    assert (node.op, node.data) == (primitive.symbol, out)
    assert [id(o) for o in node.operands if type(o) is Value] == [id(p) for p in node.parents]
    assert [o.data if type(o) is Value else o for o in node.operands] == numbers
    assert node.local_grads == tuple(g for i, g in enumerate(local_grads) if i not in fixed)


COMPARISONS = ("less", "less_or_equal", "equal", "not_equal")


def call(primitive: Primitive, operands):
    """Use a primitive as a user would: by its operator or by its function."""
    return graphs.call(primitive.name, operands)


@pytest.mark.parametrize("primitive", PUBLIC, ids=lambda p: p.name)
def test_every_consumer_has_the_primitive(primitive: Primitive):
    xs = points(primitive, 1)[0]
    floats = call(primitive, xs) if primitive.name not in graphs.OPERATORS else primitive.forward(*xs)
    assert type(floats) is float
    if primitive.name not in graphs.OPERATORS:
        assert primitive.name in functions.__all__
        if primitive.arity is not None:
            method = getattr(Value(xs[0]), primitive.name)
            assert method(*xs[1:]).data == floats
    assert glyph(primitive.symbol) == primitive.glyph


@pytest.mark.skipif(not (ROOT / "autograd").is_dir(), reason="needs the checkout: the sources beside tests/")
def test_what_is_generated_from_the_table_is_current():
    run = subprocess.run(
        [sys.executable, ROOT / "tools" / "generate.py", "--check"], capture_output=True, text=True, cwd=ROOT
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("formula", ["x ** 2", "x @ y", "[x]", "x.real", "lambda: x", "'x'", "x if y else True"])
def test_a_formula_outside_the_grammar_is_refused(formula: str):
    with pytest.raises(ValueError, match="formula"):
        formulas.compile_forward("f", 2, formula, {})


@pytest.mark.parametrize(
    ("part", "value", "why"),
    [
        ("", "xs", "not a number"),
        ("", "xs[0]", "not a number"),
        ("", "xs[n]", "by a position"),
        ("", "index", "not a number"),
        ("", "index + 1", "not a number"),
        ("", "unknown", "not a number"),
        ("", "out", "not a number"),
        ("", "argmax(xs)", "not a number"),
        ("", "[x for x in xs]", "not a number"),
        ("", "sum(x for x in xs)", "for i in range"),
        ("", "sum(xs[i] for i in range(3))", "for i in range"),
        ("", "sum(xs[i] for i in range(n) if i != index if i == index)", "at most one `if`"),
        ("", "sum(sum(ys) for i in range(n))", "quadratic"),
        ("", "sum(1)", "of a list"),
        ("", "(e := sum(xs))", "not a number"),
        ("", "xs[index]**2", "not a number"),
        ("", "1 if index > index else 0", "not a number"),
        ("", "1 if sum(xs) else 0", "not a condition"),
        ("top = argmax(n)", "sum(xs)", "takes a list"),
        ("e = [xs[i] for i in range(n) if i != index]", "sum(e)", "for i in range"),
        ("n = sum(xs)", "n", "taken"),
        ("top == 1", "sum(xs)", "name = expression"),
    ],
)
def test_a_formula_outside_the_grammar_of_lists_is_refused(part: str, value: str, why: str):
    with pytest.raises(ValueError, match=why):
        ListFormulas(("xs", "ys", "index"), [part] if part else [], value, ["ys[i]", "xs[i]"])


def test_a_sum_of_nothing_is_0_and_a_product_of_nothing_1():
    value = "10*sum(xs[i] for i in range(n) if i != top) + prod(xs[i] for i in range(n) if i != top)"
    row = ListFormulas(("xs",), ["top = argmax(xs)"], value, ["1 if i == top else 2"])
    evaluate = row.evaluation("f", vars(ieee))
    assert evaluate([3.0]) == (1.0, (1.0,))
    assert evaluate([2.0, 3.0]) == (22.0, (2.0, 1.0))
    assert evaluate([2.0, 3.0, -1.0]) == (8.0, (2.0, 1.0, 2.0))


def test_a_row_of_lists_has_a_derivative_for_each():
    with pytest.raises(ValueError, match="1 derivatives of 2 lists"):
        ListFormulas(("xs", "ys"), [], "sum(xs)", ["1"])


def run_tool(table_edit: str, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool on a table with another row, in a process of its own."""
    code = (
        "import runpy, sys; from types import ModuleType\n"
        f"package = ModuleType('autograd'); package.__path__ = [{str(ROOT / 'autograd')!r}]\n"
        "sys.modules['autograd'] = package\n"
        "from autograd.primitives import table\n"
        f"{table_edit}\n"
        f"sys.argv = [{tool!r}, *{arguments!r}]\n"
        f"runpy.run_path({str(ROOT / tool)!r}, run_name='__main__')"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)


NEEDS_CHECKOUT = pytest.mark.skipif(not (ROOT / "autograd").is_dir(), reason="needs the checkout: autograd/")


@NEEDS_CHECKOUT
@pytest.mark.parametrize(
    ("row", "why"),
    [
        ('_list_row("bad", ("xs",), "gamma(sum(xs))", "1", about="")', "there is no C for 'gamma"),
        ('_list_row("bad", ("xs",), "xs[0]", "1", about="")', "not a number in the grammar of lists"),
        ('_list_row("bad", ("register",), "sum(register)", "1", about="")', "'register' has a meaning in C"),
        ('_list_row("bad", ("xs",), "sum(xs)", "1", parts=("exp = n + 1",), about="")', "'exp' has a meaning in C"),
        ('_row("bad", "gamma(x)", "1", about="")', "there is no C for 'gamma"),
        ('_row("bad", "logsumexp(x)", "1", about="")', "there is no C for 'logsumexp"),
        ('_row("bad", lambda x: x, lambda x, out: 1.0, about="")', "cannot be translated"),
    ],
)
def test_a_row_that_has_no_c_fails_the_build_by_name(tmp_path: Path, row: str, why: str):
    run = run_tool(f"table.{row}", "tools/kernels.py", str(tmp_path))
    assert run.returncode != 0
    assert "the row 'bad' of autograd/primitives/table.py cannot be translated to C" in run.stderr
    assert why in run.stderr
    assert not (tmp_path / "kernels.h").exists()


@NEEDS_CHECKOUT
def test_every_row_has_its_c(tmp_path: Path):
    row = 'table._list_row("norm", ("xs",), "sqrt(sum(xs[i]*xs[i] for i in range(n)))", "xs[i]/out", about="")'
    run = run_tool(row, "tools/kernels.py", str(tmp_path))
    assert run.returncode == 0, run.stderr
    text = (tmp_path / "kernels.h").read_text(encoding="utf-8")
    for primitive in TABLE:
        kind = "list" if primitive.arity is None else "f"
        assert f"case {primitive.code}: " in text, primitive
        assert f"{kind}_{primitive.name}(" in text, primitive
    assert f"case {len(TABLE) + 1}: return list_norm(" in text


@pytest.mark.skipif(not ag.compiled, reason="about the compiled core")
def test_a_core_built_from_another_table_is_refused():
    code = (
        "import sys; from types import ModuleType\n"
        f"package = ModuleType('autograd'); package.__path__ = {list(ag.__path__)!r}\n"
        "sys.modules['autograd'] = package\n"
        "from autograd.primitives import table\n"
        "table.TANH.forward_formula = 'x'\n"
        "import autograd.value"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ImportError: the compiled core of autograd was built from another table" in run.stderr
