"""The width of a text without a font at hand: advance widths of a wide sans-serif face."""

from __future__ import annotations

import unicodedata

from autograd.formatting import is_combining, is_wide

__all__ = ["text_width"]

# Advance widths of U+0020 to U+007E in thousandths of an em, regular and bold, as DejaVu Sans has them: the widest of
# the common sans-serif faces, so a card measured with them has room for the text in any of the others.
_REGULAR = (
    (318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337)
    + (636,) * 10
    + (337, 337, 838, 838, 838, 531, 1000)
    + (684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863)
    + (748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685)
    + (390, 337, 390, 838, 500, 500)
    + (613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974)
    + (634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525)
    + (636, 337, 636, 838)
)
_BOLD = (
    (348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 523, 838, 380, 415, 380, 365)
    + (696,) * 10
    + (400, 400, 838, 838, 838, 580, 1000)
    + (774, 762, 734, 830, 683, 683, 821, 837, 372, 372, 775, 637, 995)
    + (837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725)
    + (457, 365, 457, 838, 500, 500)
    + (675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042)
    + (712, 687, 716, 716, 493, 595, 478, 712, 652, 924, 645, 652, 582)
    + (712, 365, 712, 838)
)
_WIDE = 1000  # Chinese, Japanese and Korean characters fill the em square
_EMOJI = 1300
_SYMBOL = 840  # arrows and operators
_OTHER = 720  # accented Latin, Greek, Cyrillic and the rest, near the widest of each


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of one line of ``text`` set at ``size``, in the unit of ``size``.

    >>> text_width("ab", 10.0), text_width("苹果", 10.0)
    (12.48, 20.0)
    """
    table = _BOLD if bold else _REGULAR
    thousandths = 0
    for character in text:
        thousandths += _advance(character, table)
    return thousandths * size / 1000


def _advance(character: str, table: tuple[int, ...]) -> int:
    code = ord(character)
    if 32 <= code < 127:
        return table[code - 32]
    if code == 0xA0:
        return table[0]
    if is_combining(character):
        return 0
    if is_wide(character):
        return _EMOJI if unicodedata.category(character) == "So" else _WIDE
    return _SYMBOL if unicodedata.category(character) in ("Sm", "So", "Co", "Cn") else _OTHER
