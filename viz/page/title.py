"""The title of a page: the root's name and, where it is short, its formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograd import Value
from autograd.formatting import name_of, number
from autograd.primitives.primitive import glyph
from viz.model import LABEL_LENGTH

__all__ = ["title"]

_LENGTH = 64
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "neg": 3, "**": 4}


def title(roots: Sequence[Value], places: dict[int, int], known: Mapping[int, str]) -> str:
    """Return ``y = tanh(x1·w1 + b)`` for one root whose formula is short, else the roots' names.

    Args:
        roots: the roots.
        places: the place of each value by its id.
        known: the names of variables by the ids of their Values.
    """
    names = [name_of(root, LABEL_LENGTH, known) or f"%{places[id(root)]}" for root in roots]
    if len(roots) > 1 or not roots[0].op:
        return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    formula = _formula(roots[0], _LENGTH, known)
    is_named = not names[0].startswith("%")
    if formula is None:
        return names[0] if is_named else f"{glyph(roots[0].op)} {names[0]}"
    return f"{names[0]} = {formula[0]}" if is_named else formula[0]


def _formula(value: Value, room: int, known: Mapping[int, str]) -> tuple[str, int] | None:
    """Return the formula of a node down to its leaves and how tightly it binds, None where it has no room."""
    if room <= 0:
        return None
    if not value.op:
        name = name_of(value, LABEL_LENGTH, known) or number(value.data)
        return (name, 9) if len(name) <= room else None
    parts: list[tuple[str, int]] = []
    for operand in value.operands:
        if not isinstance(operand, Value):
            parts.append((number(operand), 9 if operand >= 0 else 3))
            room -= len(parts[-1][0]) + 1
            continue
        part = _formula(operand, room - 1, known)
        if part is None:
            return None
        parts.append(part)
        room -= len(part[0]) + 1
    own = _PRECEDENCE.get(value.op)
    if own is None or len(parts) != (1 if value.op == "neg" else 2):
        text = f"{glyph(value.op)}({', '.join(part for part, _ in parts)})"
        return (text, 9) if room >= 0 else None
    texts = [f"({text})" if binding < own + (k > 0) else text for k, (text, binding) in enumerate(parts)]
    if value.op == "neg":
        return f"−{texts[0]}", own
    sign = {"*": "·", "**": "^", "-": " − ", "/": " / "}.get(value.op, f" {value.op} ")
    return sign.join(texts), own
