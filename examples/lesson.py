"""What the lessons share: `--help`, the folder of their pictures, and figures that are checked as they are printed."""

from __future__ import annotations

import argparse
import sys
import unicodedata
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path

from autograd import Value

__all__ = ["Lesson", "agrees"]


@dataclass
class Lesson:
    """A lesson as it runs.

    Attributes:
        text: the docstring of the script: a title, and what the lesson is about.
        reads: the name of a text file in this folder that the lesson reads, "" for none. The option --text names
            another, for which the figures that the lesson states do not hold: they are printed as found.
        file: the text file that it reads.
        own_text: whether that is another than the lesson's.
        name: the name of the script, with which the names of its pictures begin.
        out: the folder of its pictures.
        figures: what it found, in order: a description and the figure as printed.
        pictures: the files that it drew, each with a caption.
    """

    text: str
    reads: str = ""
    file: Path = field(init=False)
    own_text: bool = field(init=False)
    name: str = field(init=False)
    out: Path = field(init=False)
    figures: list[tuple[str, str]] = field(init=False, default_factory=list)
    pictures: dict[Path, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        form = argparse.RawDescriptionHelpFormatter
        parser = argparse.ArgumentParser(description=self.text, formatter_class=form)
        parser.add_argument("--out", type=Path, default=Path("out"), help="the folder for the pictures (default: out)")
        if self.reads:
            parser.add_argument("--text", type=Path, help=f"a text file, a word per line (default: {self.reads})")
        options = parser.parse_args()
        self.out, self.own_text = options.out, bool(self.reads and options.text)
        self.file = options.text if self.own_text else Path(__file__).parent / self.reads
        self.out.mkdir(parents=True, exist_ok=True)
        self.name = Path(sys.argv[0]).stem
        if isinstance(sys.stdout, TextIOWrapper):  # a terminal that has no Chinese shows escapes
            sys.stdout.reconfigure(errors="backslashreplace")
        print(f"{self.title}\n")

    @property
    def title(self) -> str:
        """The first line of the docstring."""
        return self.text.splitlines()[0]

    def figure(self, about: str, found: Value | float, stated: str) -> None:
        """Print a figure, and hold it against the one that the lesson states.

        Args:
            about: what it is the figure of.
            found: the number.
            stated: what it has to be, to the digits that are written: "220", "0.188", "94.0%", "5e-06", or a bound,
                "<2e-7" or ">1,000".

        Raises:
            AssertionError: it is another.
        """
        number = found.data if isinstance(found, Value) else found
        if self.own_text:
            self.measured(about, f"{number:.4g}")
            return
        if not agrees(number, stated):
            raise AssertionError(f"{self.name}: {about}: stated {stated}, found {number!r}")
        if stated[0] in "<>":
            stated = f"{number:.1%} ({stated})" if stated.endswith("%") else f"{number:.2g} ({stated})"
        self.measured(about, stated)

    def measured(self, about: str, found: str) -> None:
        """Print a figure that depends on the machine, such as a time."""
        self.figures.append((about, found))
        wide = sum(unicodedata.east_asian_width(character) in "WF" for character in about)
        print(f"  {about:<{70 - wide}} {found}")

    def picture(self, name: str, caption: str) -> Path:
        """Return the path to draw a picture to, and keep its caption."""
        path = self.out / f"{self.name}_{name}"
        self.pictures[path] = caption
        print(f"  {path}: {caption}")
        return path


def agrees(found: float, stated: str) -> bool:
    """Return whether a number is the stated one, rounded to as many digits; or within the stated bound.

    >>> agrees(0.18796, "0.188"), agrees(0.9425, "94.2%"), agrees(4.9e-6, "5e-06"), agrees(1891, "1,891")
    (True, True, True, True)
    >>> agrees(0.18746, "0.188"), agrees(3e-7, "<2e-7"), agrees(float("nan"), ">1")
    (False, False, False)
    """
    number = stated.replace(",", "").rstrip("%")
    share = 100 if stated.endswith("%") else 1
    if stated[0] in "<>":
        bound = float(number[1:]) / share
        return found < bound if stated[0] == "<" else found > bound
    digits, form = number.split("e")[0], "e" if "e" in number else "f"
    if float(number) == 0.0:  # zero is exactly zero
        return found == 0.0
    places = len(digits.partition(".")[2])
    return float(f"{found * share:.{places}{form}}") == float(number)
