"""Numbers, names and tables as people read them; shared by the engine's own account, listings and pictures."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograd.value import Value

__all__ = [
    "PATH_LIMIT",
    "Text",
    "amount",
    "clean_text",
    "columns",
    "cut",
    "encodable",
    "is_blank",
    "is_combining",
    "is_wide",
    "name_of",
    "named",
    "number",
    "padded",
    "table",
    "wrapped",
]

_LABEL_LIMIT = 24  # characters of a label in a table
PATH_LIMIT = 32  # characters that a path may have everywhere: net.layers[0].neurons[12].w[3]


def number(x: float, *, sign: bool = False, digits: int = 4) -> str:
    """A number in 4 significant digits, or in `digits`; with `sign`, a positive one has its + as well.

    >>> [number(x) for x in (2.0, -1.5, 0.63473958, 123456.0, 1e-5, 0.0)]
    ['2', '-1.5', '0.6347', '1.235e5', '1e-5', '0']
    >>> number(0.63473958, sign=True), number(0.0, sign=True)
    ('+0.6347', '0')
    >>> number(0.63473958, digits=2)
    '0.63'
    """
    if x == 0.0 or math.isnan(x):
        return "0" if x == 0.0 else "nan"
    text = f"{x:+.{digits}g}" if sign else f"{x:.{digits}g}"
    if math.isfinite(x) and "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}e{int(exponent)}"
    return text


def amount(count: int, noun: str) -> str:
    """A count with its noun: every digit up to a quadrillion, the power of ten above.

    >>> amount(1, "path"), amount(2**40, "path"), amount(2**4000, "path")
    ('1 path', '1,099,511,627,776 paths', 'about 10^1204 paths')
    """
    text = f"{count:,}" if count < 10**15 else f"about 10^{int(count.bit_length() * math.log10(2))}"
    return f"{text} {noun}{'s' * (count != 1)}"


# Characters that end a line, reorder text, or cannot stand in XML: pictures and terminals must not meet them raw.
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_text(text: str, limit: int) -> str:
    r"""User text made safe to show on one line, cut to `limit` characters.

    A newline becomes ` ⏎ `, a tab a space; control characters, bidirectional controls, line separators, surrogates
    and non-characters become U+FFFD.

    >>> clean_text("a\nb\tc\x00", 24)
    'a ⏎ b c�'
    >>> clean_text("x" * 30, 24)
    'xxxxxxxxxxxxxxxxxxxxxxx…'
    """
    text = text.replace("\r\n", "\n").replace("\n", " ⏎ ").replace("\t", " ")
    text = "".join("\ufffd" if _unshowable(c) else c for c in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def is_blank(text: str) -> bool:
    r"""Whether nothing of a text would be seen.

    >>> is_blank(" \t"), is_blank("\n"), is_blank("x")
    (True, False, False)
    """
    return not text.strip() and not clean_text(text, 2).strip()


def _unshowable(character: str) -> bool:
    category = unicodedata.category(character)
    return (
        category in ("Cc", "Cs", "Zl", "Zp")
        or character in _BIDI_CONTROLS
        or ord(character) & 0xFFFE == 0xFFFE
        or 0xFDD0 <= ord(character) <= 0xFDEF
    )


def name_of(value: Value, limit: int, names: Mapping[int, str] | None = None) -> str:
    """What a node is called wherever it is shown: its label, else its path in a model, else a variable, else "".

    A path that is too long loses its beginning, because its end tells it from others.

    Args:
        value: the node.
        limit: how many characters a label may have, and a path if that is more than `PATH_LIMIT`.
        names: the names of variables by the ids of their Values, as `names_in_scope` returns them.

    >>> from autograd import Value
    >>> name_of(Value(2.0, "slope"), 40), name_of(Value(2.0), 40)
    ('slope', '')
    """
    name = value.name or ""
    is_label = value.label is not None
    if names and is_blank(name):
        name, is_label = names.get(id(value), ""), False
    if not is_label and len(name) > (limit := max(limit, PATH_LIMIT)):
        return "…" + clean_text(name, len(name))[1 - limit :]
    return clean_text(name, limit)


def named(value: Value, place: int, names: Mapping[int, str] | None = None) -> str:
    """A node's name in tables, and its place in the graph.

    Args:
        value: the node.
        place: its place.
        names: as `name_of` takes them.

    >>> from autograd import Value
    >>> named(Value(2.0, "x1"), 0), named(Value(2.0), 5)
    ('x1 %0', '%5')
    """
    return f"{name_of(value, _LABEL_LIMIT, names)} %{place}".lstrip()


_ASCII = str.maketrans(
    {
        "∂": "d",
        "×": "*",
        "·": ".",
        "−": "-",
        "–": "-",
        "→": "->",
        "…": "...",
        "⏎": "\\n",
        "↑": "^",
        "≈": "~",
        "≤": "<=",
        "≠": "!=",
    }
)


def encodable(text: str, encoding: str | None) -> str:
    r"""`text` as a stream of this encoding can print it: unchanged if it can, else with ASCII signs and escapes.

    >>> encodable("∂ 1 → 2", "utf-8"), encodable("∂ 1 → 2 苹", "ascii")
    ('∂ 1 → 2', 'd 1 -> 2 \\u82f9')
    """
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    return text


class Text(str):
    r"""Text that a prompt shows as it prints, not as a quoted string.

    >>> Text("two\nlines")
    two
    lines
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


# -- columns of a terminal -------------------------------------------------------------------------------------------
def columns(text: str) -> int:
    """How many columns of a terminal `text` takes: two for a wide character, none for a combining one.

    >>> columns("apple"), columns("苹果")
    (5, 4)
    """
    if text.isascii():
        return len(text)
    count = 0
    for character in text:
        count += 2 if is_wide(character) else 0 if is_combining(character) else 1
    return count


def is_wide(character: str) -> bool:
    """Whether a terminal gives the character two columns."""
    return unicodedata.east_asian_width(character) in ("W", "F")


def is_combining(character: str) -> bool:
    """Whether the character stands on the one before it."""
    return unicodedata.category(character) in ("Mn", "Me", "Cf")


def cut(text: str, width: int) -> str:
    """`text` in at most `width` columns, its end replaced by … where it is longer.

    >>> cut("backward", 8), cut("backward", 5), cut("苹果苹果", 5)
    ('backward', 'back…', '苹果…')
    """
    if columns(text) <= width:
        return text
    kept, taken = "", 0
    for character in text:
        taken += columns(character)
        if taken > width - 1:
            break
        kept += character
    return kept + "…"


def padded(text: str, width: int, right: bool = False) -> str:
    """`text` filled with spaces to `width` columns, on its right or, for numbers, on its left.

    >>> padded("苹果", 6), padded("1", 3, right=True)
    ('苹果  ', '  1')
    """
    space = " " * (width - columns(text))
    return space + text if right else text + space


def table(rows: Sequence[Sequence[str]], width: int = 0, left: int = 1) -> list[list[str]]:
    """The cells of a table padded to the widths of their columns: the first `left` to the left, the rest to the right.

    Args:
        rows: the heading and the rows below it, all of one length.
        width: how many columns of a terminal two spaces before each cell and the cells may take, 0 for any number:
            the first cells are cut to fit, and that is all that is cut.
        left: how many columns are aligned to the left.

    >>> for cells in table([("operand", "∂"), ("x %0", "-1.5")]):
    ...     print("|".join(cells))
    operand|   ∂
    x %0   |-1.5
    """
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    if width:
        rest = sum(widths[1:]) + 2 * len(widths)
        widths[0] = max(4, min(widths[0], width - rest))
    return [
        [padded(cut(cell, widths[i]), widths[i], right=i >= left) for i, cell in enumerate(cells)] for cells in rows
    ]


def wrapped(text: str, width: int) -> list[str]:
    """One line of text as lines of at most `width` columns, broken at spaces; what follows is indented by two more.

    >>> wrapped("  relu %5 passes nothing on", 16)
    ['  relu %5 passes', '    nothing on']
    """
    if columns(text) <= width:
        return [text]
    indent = " " * (len(text) - len(text.lstrip()))
    lines, line = [], indent
    for word in text.split():
        if line.strip() and columns(line) + 1 + columns(word) > width:
            lines.append(line)
            line = indent + "  "
        line += (" " if line.strip() else "") + word
        while columns(line) > width:  # a word that no line holds
            head = cut(line, width)[:-1] or line[:1]
            lines.append(head)
            line = indent + "  " + line[len(head) :]
            if len(indent) + 3 >= width:
                indent = ""
    return [*lines, line]
