"""What a run has to say: tables, ratios with their spread, and targets met or not."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

from workers import Figures


@dataclass(frozen=True)
class Spread:
    """A median with the quartiles around it."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{number(self.median)} ({number(self.low)}–{number(self.high)})"


@dataclass(frozen=True)
class Target:
    """Something to reach: the work, what is asked, what was measured, and whether that is enough."""

    work: str
    asked: str
    figure: str
    met: bool

    def cells(self) -> list[str]:
        """Its row of the table."""
        return [self.work, self.asked, self.figure, "met" if self.met else "NOT MET"]


@dataclass
class Section:
    """One part of the report."""

    title: str
    note: str
    headers: list[str]
    rows: list[list[str]]
    targets: list[Target] = field(default_factory=list)
    image: str = ""

    def markdown(self) -> str:
        """The section as it stands in the terminal and in the docs."""
        parts = [f"## {self.title}", prose(self.note), table(self.headers, self.rows)]
        if self.image:
            parts.append(self.image)
        return "\n\n".join(parts) + "\n"


def prose(text: str) -> str:
    """Wrap a paragraph at 120 characters."""
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def number(x: float) -> str:
    """Three digits or so, without an exponent."""
    if x >= 100:
        return f"{x:,.0f}"
    return f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def median_of(rounds: Sequence[Figures], name: str) -> float:
    """The median of a figure over the rounds."""
    return statistics.median(figures[name] for figures in rounds)


def ratio(theirs: Sequence[Figures], ours: Sequence[Figures], name: str, our_name: str = "") -> Spread:
    """Their figure over ours, each round on its own."""
    ratios = [a[name] / b[our_name or name] for a, b in zip(theirs, ours, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else 3 * ratios
    return Spread(middle, low, high)


def at_most(work: str, figure: float, bound: float, unit: str) -> Target:
    """A target from above."""
    return Target(work, f"≤ {number(bound)} {unit}", f"{number(figure)} {unit}", figure <= bound)


def at_least(work: str, figure: Spread, bound: float) -> Target:
    """A target for a ratio."""
    return Target(work, f"≥ {bound:g}×", f"{figure}×", figure.median >= bound)


def within(work: str, figure: Spread, bound: float) -> Target:
    """A target for how many times a limit may be taken."""
    return Target(work, f"≤ {bound:g}×", f"{figure}×", figure.median <= bound)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that reads well as it is and as Markdown; all columns but the first to the right."""
    widths = [max(len(cells[i]) for cells in (headers, *rows)) for i in range(len(headers))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(cells, widths) for cells in (headers, rule, *rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cells[0].ljust(widths[0]),
        *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)),
    ]
    return f"| {' | '.join(padded)} |"
