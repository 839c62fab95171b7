"""The shortest ends of paths that tell them apart: what a card can show of `layers.0.neurons.1.w0`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

__all__ = ["telling_ends"]

_KEY = re.compile(r"\[['\"].*")  # a key of a dict may hold any text
_NAME = re.compile(r"\.(?!\d)")  # an index stays with what it is an index of


def telling_ends(paths: Iterable[str]) -> dict[str, str]:
    """Return for each path the shortest end that no other of the paths has; those of one module begin alike.

    >>> telling_ends(["layers.0.neurons.0.b", "layers.0.neurons.1.b", "layers.1.neurons.0.b"])["layers.0.neurons.1.b"]
    'neurons.1.b'
    >>> telling_ends(["layers.0.w", "layers.0.b", "layers.1.b"])
    {'layers.0.w': 'layers.0.w', 'layers.0.b': 'layers.0.b', 'layers.1.b': 'layers.1.b'}
    """
    ends = {path: _ends(path) for path in paths}
    count = Counter(end for of_one in ends.values() for end in of_one)
    names: dict[str, int] = {}  # by module, how many names the ends of its parameters have
    for of_one in ends.values():
        needed = next((at for at, end in enumerate(of_one) if count[end] == 1), len(of_one) - 1)
        module = _module(of_one)
        names[module] = max(names.get(module, 0), needed)
    return {path: of_one[names[_module(of_one)]] for path, of_one in ends.items()}


def _ends(path: str) -> list[str]:
    """Return the ends of a path that begin with a name, the shortest first and the path itself last."""
    dots = [match.end() for match in _NAME.finditer(_KEY.sub("", path))]
    return [path[at:] for at in (*reversed(dots), 0)]


def _module(ends: list[str]) -> str:
    return ends[-1].removesuffix(ends[0])
