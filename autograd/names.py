"""The names that values go by wherever they are shown: a label, a variable of the program, a path in a module.

A node is named by the user's label, else by its path if it is a parameter of a model, else by a variable of the calling
scope. Variables are found by looking: nothing of the user's is called, and no frame is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from autograd.source_lines import user_frame
from autograd.value import Value

__all__ = ["module_path", "name_of", "names_in", "names_in_scope"]

_ENTRIES = 1_000  # a longer list, tuple or dict is not searched
_DEPTH = 3  # a list of lists of lists still is: state["wte"][0][3]
_IN_ALL = 100_000  # entries of all containers together
_KEY_LENGTH = 40
_NOTEBOOKS_OWN = frozenset(["In", "Out"])


def name_of(value: Value, names: Mapping[int, str] | None = None) -> str:
    """Return the name of ``value``, ``""`` where it has none.

    Args:
        value: the node.
        names: the names of variables by the ids of their Values, as `names_in_scope` returns them.

    >>> name_of(Value(2.0, "x")), name_of(Value(2.0))
    ('x', '')
    """
    name = value.name
    if name is not None and name.strip():
        return name
    return names.get(id(value), "") if names else ""


def module_path(value: Value) -> str:
    """Return the path of a parameter in its model, ``"layers.0.neurons.2.w0"``; ``""`` for any other value.

    >>> module_path(Value(1.0, "w0"))
    ''
    """
    return (value.name or "") if value.label is None else ""


def names_in_scope() -> dict[int, str]:
    """Return the names that Values have in the innermost scope, from the caller outward, outside this project.

    Returns:
        A name for each Value found, by its id. Locals come before globals, variables before what lists, tuples and
        dicts hold, and the first name wins. The ids hold as long as the Values do.
    """
    found = user_frame()
    if found is None:
        return {}
    scopes = [found.f_locals] if found.f_locals is found.f_globals else [found.f_locals, found.f_globals]
    return names_in(*scopes)


def names_in(*scopes: Mapping[str, object]) -> dict[int, str]:
    """Return the names that Values have in ``scopes``, earlier ones first, by their ids.

    Names that begin with an underscore are skipped. Only exact lists, tuples and dicts of at most 1,000 entries are
    searched, three deep.

    >>> x, y = Value(1.0), Value(2.0)
    >>> list(names_in({"x": x, "pair": [x, y], "_y": y}).values())
    ['x', 'pair[1]']
    """
    names: dict[int, str] = {}
    variables = [
        (name, held)
        for scope in scopes
        for name, held in list(scope.items())
        if type(name) is str and name and not name.startswith("_")
    ]
    for name, held in variables:
        if type(held) is Value:
            names.setdefault(id(held), name)
    left = _IN_ALL
    for name, held in variables:
        if left > 0 and name not in _NOTEBOOKS_OWN:
            for path, value in _held(name, held, _DEPTH):
                left -= 1
                if type(value) is Value:
                    names.setdefault(id(value), path)
                if left <= 0:
                    break
    return names


def _held(path: str, container: object, depth: int) -> Iterator[tuple[str, object]]:
    """Yield what a container and those in it hold, with their paths."""
    for key, held in _entries(container):
        inner = f"{path}[{key}]"
        yield inner, held
        if depth > 1:
            yield from _held(inner, held, depth - 1)


def _entries(container: object) -> Iterable[tuple[str, object]]:
    if type(container) is dict:
        if len(container) > _ENTRIES:
            return []
        return [
            (repr(key), held)
            for key, held in list(container.items())
            if (type(key) is str and len(key) <= _KEY_LENGTH) or type(key) is int
        ]
    if type(container) is list or type(container) is tuple:
        return [] if len(container) > _ENTRIES else [(str(at), held) for at, held in enumerate(container)]
    return []
