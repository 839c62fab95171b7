"""Measure the worst error of every primitive, in ulp, over all of its floats, beside the bound that its row states.

python tools/accuracy.py                   20,000 points a primitive, as a Markdown table
python tools/accuracy.py --points 100000 exp tanh

Points are drawn evenly and by magnitude, from the row's domain and from all of the natural one, close to its ends, to
0, 1 and multiples of π/2. The exact values are formulas in mpmath (`tests/oracles.py`), and for most second derivatives
differences of those, at every tenth point and in ulp of the largest entry of the Hessian. A result that is subnormal or
that a subnormal went into is left out: there an ulp is not relative, and gradual underflow costs what it costs.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mpmath import mp, mpf

from autograd.primitives.primitive import PRIMITIVES, Primitive
from autograd.transforms import hessian
from autograd.value import Value, apply, apply_to_list

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from oracles import DIGITS, LARGEST, ORACLES, REALS, at_kink, curvatures, free_operands

SMALLEST_NORMAL = sys.float_info.min
Bounds = tuple[float, float]

LENGTHS = (1, 2, 3, 5, 8)  # of the lists of operands of an n-ary primitive
SMALLEST_IN_LIST = -100.0  # so that no product of them underflows on the way
EVERY = 10  # which of the points second derivatives are measured at: they take many digits
LANDMARKS = (0.0, 1.0, -1.0, *(i * math.pi / 2 for i in range(-4, 5)))


MEASURED = ("value", "derivative", "second derivative")


@dataclass
class Worst:
    """The largest error met, and where."""

    ulp: float = 0.0
    at: Sequence[float] = ()

    def meet(self, ulp: float, at: Sequence[float]) -> None:
        """Take note of an error; nan is the worst there is."""
        if not ulp <= self.ulp:
            self.ulp, self.at = ulp, at


@dataclass
class Report:
    """What was measured of one primitive."""

    name: str
    value: Worst = field(default_factory=Worst)
    derivative: Worst = field(default_factory=Worst)
    curvature: Worst = field(default_factory=Worst)
    points: int = 0

    @property
    def worst(self) -> tuple[Worst, Worst, Worst]:
        """The three errors, in the order of the row's bounds."""
        return self.value, self.derivative, self.curvature


def draw(rng: random.Random, bounds: Bounds, natural: Bounds, smallest: float = -1074.0) -> float:
    """One operand, of a size from 2**smallest."""
    way = rng.random()
    low, high = natural
    if way < 0.35:
        x = rng.uniform(*bounds)
    elif way < 0.65:  # by magnitude, over all floats
        top = math.log2(max(abs(low), abs(high)))
        bottom = math.log2(low) if low > 0.0 else smallest
        x = rng.choice((1.0, -1.0)) * 2.0 ** rng.uniform(bottom, top)
    elif way < 0.8:  # by magnitude, where things happen
        x = rng.choice((1.0, -1.0)) * 2.0 ** rng.uniform(-60.0, 10.0)
    elif way < 0.9:
        x = rng.choice((low, high, *bounds)) * (1.0 - rng.choice((1.0, -1.0)) * 2.0 ** rng.uniform(-54.0, -1.0))
    else:
        x = rng.choice(LANDMARKS)
        x = math.nextafter(x, rng.choice(REALS)) if way < 0.92 else x + rng.choice((1, -1)) * 2 ** rng.uniform(-60, 0)
    return min(max(x, low), high)


def operands(rng: random.Random, primitive: Primitive) -> list[float]:
    """A point to measure at."""
    natural = ORACLES[primitive.name].natural or primitive.domain
    if primitive.arity is not None:
        return [draw(rng, *pair) for pair in zip(primitive.domain, natural, strict=True)]
    n = rng.choice(LENGTHS)
    xs = [draw(rng, *pair, SMALLEST_IN_LIST) for pair in zip(primitive.domain, natural, strict=True) for _ in range(n)]
    return [*xs, float(rng.randrange(n))] if primitive.takes_index else xs


def error(got: float, want: mpf, scale: float) -> float:
    """In ulp of the exact number, or of the largest term of its sum; 0 where an ulp has no meaning."""
    size = max(float(abs(want)), scale)
    if not SMALLEST_NORMAL <= size <= LARGEST:
        return 0.0 if want or not got else math.inf
    return float(abs(mpf(got) - want) / math.ulp(size)) if math.isfinite(got) else math.inf


def underflows(xs: Sequence[float]) -> bool:
    """Whether an operand is subnormal."""
    return any(0.0 < abs(x) < SMALLEST_NORMAL for x in xs)


def second_derivatives(primitive: Primitive, xs: Sequence[float]) -> list[list[float]]:
    """The Hessian of a primitive by the operands that have derivatives."""
    free = free_operands(primitive, len(xs))

    def applied(by: list[Value]) -> Value | float:
        operands: list[Value | float] = list(xs)
        for i, x in zip(free, by, strict=True):
            operands[i] = x
        return apply_to_list(primitive, operands) if primitive.arity is None else apply(primitive, *operands)

    rows: list[list[float]] = hessian(applied)([xs[i] for i in free])
    return rows


def meet_curvatures(report: Report, primitive: Primitive, xs: Sequence[float]) -> None:
    """Measure the second derivatives at a point."""
    exact = curvatures(primitive, xs)
    largest = max((float(abs(want)) for row in exact for want in row), default=0.0)
    scale = primitive.curvature_scale(xs) if primitive.curvature_scale else 0.0
    for got_row, row in zip(second_derivatives(primitive, xs), exact, strict=True):
        for got, want in zip(got_row, row, strict=True):
            report.curvature.meet(error(got, want, max(largest, scale)), xs)


def measure(name: str, points: int, every: int = EVERY) -> Report:
    """Evaluate one primitive at so many points."""
    primitive, report = PRIMITIVES[name], Report(name)
    value, slopes = ORACLES[name].value, ORACLES[name].slopes
    rng = random.Random(name)
    with mp.workdps(DIGITS):
        while report.points < points:
            xs = operands(rng, primitive)
            at = [mpf(x) for x in xs]
            try:
                want, derivatives = value(*at), slopes(*at)
            except ZeroDivisionError:
                continue  # a pole, which tests/test_edges.py has by name
            report.points += 1
            out, local_grads = primitive.evaluate(xs) if primitive.arity is None else primitive.evaluate(*xs)
            if underflows([*xs, out, *local_grads]):
                continue
            if not at_kink(primitive, xs):  # a convention, which tests/test_edges.py has by name
                scale = primitive.derivative_scale
                for got, exact in zip(local_grads, derivatives, strict=True):
                    report.derivative.meet(error(got, exact, scale(xs) if scale else 0.0), xs)
                if report.points % every == 0 and all(map(math.isfinite, (out, *local_grads))):
                    meet_curvatures(report, primitive, xs)
            scale = primitive.value_scale
            report.value.meet(error(out, want, scale(xs) if scale else 0.0), xs)
    return report


def table(reports: Sequence[Report]) -> str:
    """The reports as a Markdown table."""
    titles = "".join(f" {what}, worst ulp | bound |" for what in MEASURED)
    lines = [f"| primitive |{titles}", "|---" * (1 + 2 * len(MEASURED)) + "|"]
    for report in reports:
        bounds = PRIMITIVES[report.name].ulp
        cells = "".join(f" {worst.ulp:.2f} | {bound} |" for worst, bound in zip(report.worst, bounds, strict=True))
        lines.append(f"| `{report.name}` |{cells}")
    return "\n".join(lines)


def main() -> int:
    """Print the table; exit with 1 where a row breaks its bound."""
    parser = argparse.ArgumentParser(description="Measure the error of every primitive in ulp.")
    parser.add_argument("names", nargs="*", default=list(PRIMITIVES), help="primitives; all of them by default")
    parser.add_argument("--points", type=int, default=20_000, help="points a primitive")
    arguments = parser.parse_args()
    with multiprocessing.Pool() as pool:
        reports = pool.starmap(measure, [(name, arguments.points) for name in arguments.names], chunksize=1)
    print(table(reports))
    broken = 0
    for report in reports:
        for what, worst, bound in zip(MEASURED, report.worst, PRIMITIVES[report.name].ulp, strict=True):
            if not worst.ulp <= bound:
                broken += 1
                print(f"{report.name}: its {what} is {worst.ulp:.3g} ulp off at {list(worst.at)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
