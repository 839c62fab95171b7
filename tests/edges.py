"""The table of edges: where functions bend, break or end, what the engine gives there.

The rows are the one source of docs/edges.md and of its tests. `python tests/edges.py` prints the tables for the docs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

inf, nan = math.inf, math.nan
HALF_PI = math.pi / 2


@dataclass(frozen=True)
class Edge:
    """A row: an expression in x, y, z, where it stands, its value and its gradient by each of them."""

    expression: str
    at: tuple[float, ...]
    value: float
    gradient: tuple[float, ...]
    why: str = ""


@dataclass(frozen=True)
class SecondDerivative:
    """A row: an expression in x, y, z, where it stands, and its Hessian by them."""

    expression: str
    at: tuple[float, ...]
    hessian: tuple[tuple[float, ...], ...]
    why: str = ""


# fmt: off
KINKS = (
    Edge("relu(x)", (0.0,), 0.0, (0.0,)),
    Edge("leaky_relu(x)", (0.0,), 0.0, (0.01,), "its slope"),
    Edge("elu(x)", (0.0,), 0.0, (1.0,), "no kink: both sides agree"),
    Edge("abs(x)", (0.0,), 0.0, (0.0,)),
    Edge("maximum(x, y)", (2.0, 2.0), 2.0, (0.5, 0.5)),
    Edge("minimum(x, y)", (2.0, 2.0), 2.0, (0.5, 0.5)),
    Edge("maximum(x, 0.0)", (0.0,), 0.0, (0.5,), "not `relu`"),
    Edge("clip(x, -1.0, 1.0)", (1.0,), 1.0, (0.0,)),
    Edge("clip(x, -1.0, 1.0)", (-1.0,), -1.0, (0.0,)),
    Edge("clip(x, y, z)", (2.0, -1.0, 2.0), 2.0, (0.0, 0.0, 0.0)),
    Edge("clip(x, y, z)", (3.0, -1.0, 2.0), 2.0, (0.0, 0.0, 1.0)),
    Edge("clip(x, y, z)", (-3.0, -1.0, 2.0), -1.0, (0.0, 1.0, 0.0)),
    Edge("clip(x, y, z)", (-1.0, -1.0, 2.0), -1.0, (0.0, 0.0, 0.0)),
    Edge("clip(x, y, z)", (-3.0, 1.0, 1.0), 1.0, (0.0, 1.0, 0.0)),
    Edge("clip(x, y, z)", (3.0, 1.0, 1.0), 1.0, (0.0, 0.0, 1.0)),
    Edge("clip(x, y, z)", (0.0, 2.0, 1.0), 1.0, (0.0, 0.0, 1.0), "bounds crossed: the upper one, as NumPy's"),
    Edge("hypot(x, y)", (0.0, 0.0), 0.0, (0.0, 0.0)),
    Edge("atan2(x, y)", (0.0, 0.0), 0.0, (0.0, 0.0), "convention"),
    Edge("leaky_relu(x, 0.2)", (0.0,), 0.0, (0.2,), "its slope"),
    Edge("elu(x, 0.5)", (0.0,), 0.0, (0.5,), "the left side's"),
    Edge("maximum(x, y, z)", (2.0, 2.0, 1.0), 2.0, (0.5, 0.5, 0.0), "equal shares among those tied"),
    Edge("minimum(x, x, y)", (2.0, 3.0), 2.0, (1.0, 0.0), "both shares"),
)

STEPS_AND_CHOICES = (
    Edge("floor(x)", (2.0,), 2.0, (0.0,)),
    Edge("ceil(x)", (2.0,), 2.0, (0.0,)),
    Edge("round(x)", (2.5,), 2.0, (0.0,), "halves to even"),
    Edge("sign(x)", (0.0,), 0.0, (0.0,)),
    Edge("x % y", (7.0, 3.0), 1.0, (1.0, -2.0), "1 and -floor(x/y)"),
    Edge("x % y", (-7.0, 3.0), 2.0, (1.0, 3.0)),
    Edge("x % y", (6.0, 3.0), 0.0, (1.0, -2.0), "also at the jump"),
    Edge("x % y", (1.0, 0.0), nan, (nan, nan)),
    Edge("x % y", (0.3, inf), 0.3, (1.0, 0.0)),
    Edge("x % y", (0.3, -inf), -inf, (1.0, 1.0), "floor(x/y) is -1 for every y < -0.3: x + y"),
    Edge("x % y", (-0.3, inf), inf, (1.0, 1.0)),
    Edge("x % y", (0.0, -inf), 0.0, (1.0, 0.0)),
    Edge("x % y", (inf, 2.0), nan, (nan, nan)),
    Edge("where(True, x, y)", (3.0, 4.0), 3.0, (1.0, 0.0)),
    Edge("where(x > 0, sqrt(x), 0.0)", (0.0,), 0.0, (0.0,), "a branch not taken passes nothing"),
    Edge("where(x > 0, sqrt(x), 0.0)", (-1.0,), 0.0, (0.0,)),
    Edge("where(x > 0, log(x), x)", (-1.0,), -1.0, (1.0,)),
    Edge("take([x, y], 1)", (3.0, 4.0), 4.0, (0.0, 1.0)),
)

POLES_AND_ENDS = (
    Edge("sqrt(x)", (0.0,), 0.0, (inf,)),
    Edge("sqrt(x)", (-0.0,), 0.0, (inf,), "a zero's sign does not matter to a domain"),
    Edge("x**0.5", (0.0,), 0.0, (inf,)),
    Edge("cbrt(x)", (0.0,), 0.0, (inf,)),
    Edge("1/x", (0.0,), inf, (-inf,)),
    Edge("x/y", (1.0, 0.0), inf, (inf, -inf)),
    Edge("x/y", (0.0, 0.0), nan, (inf, nan)),
    Edge("log(x)", (0.0,), -inf, (inf,)),
    Edge("log(x)", (-0.0,), -inf, (inf,)),
    Edge("log2(x)", (0.0,), -inf, (inf,)),
    Edge("log10(x)", (0.0,), -inf, (inf,)),
    Edge("log1p(x)", (-1.0,), -inf, (inf,)),
    Edge("asin(x)", (1.0,), HALF_PI, (inf,)),
    Edge("asin(x)", (-1.0,), -HALF_PI, (inf,)),
    Edge("acos(x)", (1.0,), 0.0, (-inf,)),
    Edge("acos(x)", (-1.0,), math.pi, (-inf,)),
    Edge("acosh(x)", (1.0,), 0.0, (inf,)),
    Edge("atanh(x)", (1.0,), inf, (inf,)),
    Edge("atanh(x)", (-1.0,), -inf, (inf,)),
    *(
        Edge(f"{name}(x)", (x,), nan, (nan,))
        for name, x in [
            ("sqrt", -1.0), ("log", -1.0), ("log2", -1.0), ("log10", -1.0), ("log1p", -2.0), ("asin", 2.0),
            ("acos", -2.0), ("acosh", 0.5), ("acosh", -2.0), ("atanh", 2.0), ("sin", inf), ("cos", inf), ("tan", inf),
        ]
    ),
)

POWERS = (
    Edge("x**0", (0.0,), 1.0, (0.0,)),
    Edge("x**1", (0.0,), 0.0, (1.0,)),
    Edge("x**2", (0.0,), 0.0, (0.0,)),
    Edge("x**0.3", (0.0,), 0.0, (inf,)),
    Edge("x**0.3", (inf,), inf, (0.0,)),
    Edge("x**-1", (0.0,), inf, (-inf,)),
    Edge("x**-2", (0.0,), inf, (-inf,)),
    Edge("x**0.5", (-2.0,), nan, (nan,)),
    Edge("x**0.5", (-inf,), nan, (nan,), "as `sqrt(x)`: outside the domain, though C's `pow` gives inf"),
    Edge("x**-0.5", (-inf,), nan, (nan,), "C's `pow` gives 0"),
    Edge("x**3", (-inf,), -inf, (inf,)),
    Edge("x**-1", (-inf,), 0.0, (0.0,)),
    Edge("0.0**x", (2.0,), 0.0, (0.0,)),
    Edge("0.0**x", (0.0,), 1.0, (0.0,)),
    Edge("0.0**x", (-1.0,), inf, (-inf,), "convention"),
    Edge("x**y", (0.0, 2.0), 0.0, (0.0, 0.0)),
    Edge("x**y", (0.0, 1.0), 0.0, (1.0, 0.0)),
    Edge("x**y", (0.0, 0.3), 0.0, (inf, 0.0)),
    Edge("x**y", (inf, 0.3), inf, (0.0, inf)),
    Edge("x**y", (0.0, 0.0), 1.0, (0.0, 0.0)),
    Edge("x**y", (0.0, -1.0), inf, (-inf, -inf), "convention"),
    Edge("x**y", (-2.0, 3.0), -8.0, (12.0, nan), "no real number at 3 ± ε"),
    Edge("x**y", (-2.0, 0.5), nan, (nan, nan)),
    Edge("x**y", (-inf, 0.5), nan, (nan, nan)),
)

FUSED = (
    Edge("softplus(x)", (1000.0,), 1000.0, (1.0,)),
    Edge("softplus(x)", (-1000.0,), 0.0, (0.0,)),
    Edge("logsigmoid(x)", (-1000.0,), -1000.0, (1.0,)),
    Edge("logsigmoid(x)", (1000.0,), 0.0, (0.0,)),
    Edge("sigmoid(x)", (-1000.0,), 0.0, (0.0,)),
    Edge("softmax_cross_entropy([x, y], 0)", (1000.0, 0.0), 0.0, (0.0, 0.0)),
    Edge("softmax_cross_entropy([x, y], 1)", (1000.0, 0.0), 1000.0, (1.0, -1.0)),
    Edge("softmax_cross_entropy([x, y], 0)", (-inf, 0.0), inf, (-1.0, 1.0), "an impossible class is the right one"),
    Edge("softmax_cross_entropy([x, y], 1)", (-inf, 0.0), 0.0, (0.0, 0.0), "a class masked out"),
    Edge("softmax_cross_entropy([x, y], 1)", (inf, 0.0), inf, (1.0, -1.0)),
    Edge("softmax_cross_entropy([x, y], 0)", (inf, 0.0), nan, (nan, nan), "inf - inf"),
    Edge("softmax_cross_entropy([x, y], 0)", (inf, inf), nan, (nan, nan)),
    Edge("softmax_cross_entropy([x, y], 0)", (-inf, -inf), nan, (nan, nan), "all classes masked out"),
    Edge("gelu(x)", (inf,), inf, (1.0,), "the limits"),
    Edge("gelu(x)", (-inf,), 0.0, (0.0,)),
    Edge("silu(x)", (inf,), inf, (1.0,)),
    Edge("silu(x)", (-inf,), 0.0, (0.0,)),
    Edge("logsumexp([x, y])", (-inf, -inf), -inf, (0.0, 0.0)),
    Edge("logsumexp([x, y])", (inf, 0.0), inf, (1.0, 0.0)),
    Edge("logsumexp([x, y])", (-inf, 3.0), 3.0, (0.0, 1.0)),
    Edge("prod([x, y, z])", (0.0, 2.0, 3.0), 0.0, (6.0, 0.0, 0.0), "the product of the others"),
    Edge("prod([x, y, z])", (0.0, 0.0, 3.0), 0.0, (0.0, 0.0, 0.0)),
    Edge("prod([x, y, z])", (0.0, 0.0, inf), nan, (0.0, 0.0, 0.0), "0 where one of the others is, as in x*y*z"),
    Edge("prod([x, y, z])", (0.0, inf, 3.0), nan, (inf, 0.0, 0.0)),
)

ZERO_AND_INFINITY = (
    Edge("exp(x)", (1000.0,), inf, (inf,)),
    Edge("x*y", (0.0, inf), nan, (inf, 0.0), "the value is IEEE's, the gradient follows the rule"),
    Edge("relu(x)*y", (-1.0, inf), nan, (0.0, 0.0), "an infinite upstream meets a zero local derivative"),
    Edge("0.0*log(x)", (0.0,), nan, (0.0,), "a zero upstream meets an infinite local derivative"),
    Edge("0.0*sqrt(x)", (-1.0,), nan, (0.0,), "... or a nan"),
    Edge("hypot(x, y)", (1.5e308, 1.5e308), inf, (math.sqrt(0.5), math.sqrt(0.5)), "only the value overflows"),
)

SECOND_DERIVATIVES = (
    SecondDerivative("elu(x)", (0.0,), ((1.0,),), "that from the left; from the right it is 0"),
    SecondDerivative("cbrt(x)", (0.0,), ((-inf,),), "the limit from the right, whatever the zero's sign"),
    SecondDerivative("sqrt(x)", (0.0,), ((-inf,),)),
    SecondDerivative("log(x)", (0.0,), ((-inf,),)),
    SecondDerivative("1/x", (0.0,), ((inf,),)),
    SecondDerivative("asin(x)", (1.0,), ((inf,),)),
    SecondDerivative("acos(x)", (1.0,), ((-inf,),)),
    SecondDerivative("atanh(x)", (1.0,), ((inf,),)),
    SecondDerivative("log(x)", (-1.0,), ((nan,),), "outside the domain, as the value"),
    SecondDerivative("relu(x)", (0.0,), ((0.0,),)),
    SecondDerivative("abs(x)", (0.0,), ((0.0,),)),
    SecondDerivative("maximum(x, y)", (2.0, 2.0), ((0.0, 0.0), (0.0, 0.0))),
    SecondDerivative("hypot(x, y)", (0.0, 0.0), ((0.0, 0.0), (0.0, 0.0)), "convention"),
    SecondDerivative("atan2(x, y)", (0.0, 0.0), ((0.0, 0.0), (0.0, 0.0)), "convention"),
    SecondDerivative("x**2", (0.0,), ((2.0,),)),
    SecondDerivative("x**0.5", (0.0,), ((-inf,),)),
    SecondDerivative("x**y", (0.0, 2.0), ((2.0, 0.0), (0.0, 0.0))),
    SecondDerivative("x**y", (0.0, 1.0), ((0.0, 1.0), (0.0, 0.0)), "not symmetric: the derivative by y is 0 at x = 0"),
    SecondDerivative("x**y", (0.0, 0.0), ((0.0, inf), (0.0, 0.0)), "not symmetric: y·x**(y - 1) grows by 1/x with y"),
    SecondDerivative("x**y", (-2.0, 3.0), ((-12.0, nan), (nan, nan))),
    SecondDerivative("x**y", (-2.0, 0.5), ((nan, nan), (nan, nan))),
    SecondDerivative("x % y", (0.3, -inf), ((0.0, 0.0), (0.0, 0.0))),
    SecondDerivative("prod([x, y, z])", (0.0, 0.0, 3.0), ((0.0, 3.0, 0.0), (3.0, 0.0, 0.0), (0.0, 0.0, 0.0))),
    SecondDerivative("softmax_cross_entropy([x, y], 1)", (-inf, 0.0), ((0.0, 0.0), (0.0, 0.0)), "a class masked out"),
)
# fmt: on

TABLE = {
    "Kinks": KINKS,
    "Steps and choices": STEPS_AND_CHOICES,
    "Poles, and the ends of a domain": POLES_AND_ENDS,
    "Powers": POWERS,
    "Fused functions and lists": FUSED,
    "Zero times infinity": ZERO_AND_INFINITY,
}
EDGES = [edge for edges in TABLE.values() for edge in edges]


def shown(x: float) -> str:
    """A number in the docs' table."""
    known = {HALF_PI: "π/2", -HALF_PI: "-π/2", math.pi: "π", math.sqrt(0.5): "√½"}
    return known.get(x, f"{x:g}")


def tuple_shown(xs: tuple[float, ...]) -> str:
    return shown(xs[0]) if len(xs) == 1 else f"({', '.join(map(shown, xs))})"


def docs_table() -> str:
    """The rows as docs/edges.md shows them."""
    lines: list[str] = []
    for title, edges in TABLE.items():
        lines += [f"### {title}", "", "| expression | at | value | gradient | |", "|---|---|---|---|---|"]
        for e in edges:
            cells = (f"`{e.expression}`", tuple_shown(e.at), shown(e.value), tuple_shown(e.gradient), e.why)
            lines.append("| " + " | ".join(cells).rstrip() + " |")
        lines.append("")
    return "\n".join(lines)


def second_derivatives_table() -> str:
    """The second derivatives as docs/edges.md shows them."""
    lines = ["| expression | at | Hessian | |", "|---|---|---|---|"]
    for row in SECOND_DERIVATIVES:
        rows = tuple_shown(row.hessian[0]) if len(row.at) == 1 else ", ".join(map(tuple_shown, row.hessian))
        lines.append("| " + " | ".join((f"`{row.expression}`", tuple_shown(row.at), rows, row.why)).rstrip() + " |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(docs_table())
    print(second_derivatives_table(), end="")
