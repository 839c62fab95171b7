"""The line of the user's program that is running: the innermost one outside this project."""

from __future__ import annotations

import linecache
import os
import sys
from itertools import count
from types import FrameType
from typing import NamedTuple

__all__ = ["SourceLine", "is_ours", "user_frame", "user_line"]

_HOME = os.path.dirname(os.path.dirname(__file__))
_OURS = tuple(os.path.join(_HOME, package, "") for package in ("autograd", "nn", "viz"))


class SourceLine(NamedTuple):
    """A line of a program.

    >>> SourceLine("train.py", 12, "step", "if x > 0:").where
    'File "train.py", line 12, in step'
    """

    file: str
    number: int
    function: str
    text: str

    @property
    def in_brackets(self) -> str:
        """The text behind a space and in brackets; nothing where it is not known, as at a prompt."""
        return f" ({self.text})" if self.text else ""

    @property
    def where(self) -> str:
        """The line in the form of a traceback."""
        return f'File "{self.file}", line {self.number}, in {self.function}'


def user_line() -> SourceLine:
    """Return the innermost line, from the caller outward, that is not in this project's packages."""
    frame = user_frame()
    if frame is None:
        return SourceLine("(unknown)", 0, "(unknown)", "")
    file, number = frame.f_code.co_filename, frame.f_lineno
    return SourceLine(file, number, frame.f_code.co_name, linecache.getline(file, number, frame.f_globals).strip())


def user_frame() -> FrameType | None:
    """Return the innermost frame, from the caller outward, that is not in this project's packages; None without one."""
    for depth in count(1):
        try:
            frame = sys._getframe(depth)  # not .f_back, which without memory is None and leaves an error behind
        except ValueError:
            return None
        if not is_ours(frame.f_code.co_filename):
            return frame
    return None


def is_ours(file: str) -> bool:
    """Return whether a file is one of this project's, or a formula that it compiled.

    >>> is_ours(__file__)
    True
    """
    return file.startswith((*_OURS, "<formula of "))
