"""Numbers and names as people read them; shared by step tables, listings and pictures."""

from __future__ import annotations

import math
import unicodedata

__all__ = ["clean_text", "encodable", "number"]


def number(x: float, *, sign: bool = False) -> str:
    """A number in 4 significant digits; with `sign`, a positive one has its + as well.

    >>> [number(x) for x in (2.0, -1.5, 0.63473958, 123456.0, 1e-5, 0.0)]
    ['2', '-1.5', '0.6347', '1.235e5', '1e-5', '0']
    >>> number(0.63473958, sign=True), number(0.0, sign=True)
    ('+0.6347', '0')
    """
    if x == 0.0 or math.isnan(x):
        return "0" if x == 0.0 else "nan"
    text = f"{x:+.4g}" if sign else f"{x:.4g}"
    if math.isfinite(x) and "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa}e{int(exponent)}"
    return text


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


def _unshowable(character: str) -> bool:
    category = unicodedata.category(character)
    return (
        category in ("Cc", "Cs", "Zl", "Zp")
        or character in _BIDI_CONTROLS
        or ord(character) & 0xFFFE == 0xFFFE
        or 0xFDD0 <= ord(character) <= 0xFDEF
    )


_ASCII = str.maketrans({"∂": "d", "×": "*", "·": ".", "−": "-", "–": "-", "→": "->", "…": "...", "⏎": "\\n", "↑": "^"})


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
