"""The names that values go by wherever they are shown: a label, a path in a module, a variable of the program.

A node is named by the user's label, else by its path if it is a parameter of a model, else by a variable of the calling
scope or a path into what one holds, `n.w[0]`. Variables are found by looking: nothing of the user's is called, and no
frame is kept.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from collections import deque
from collections.abc import Mapping
from inspect import CO_OPTIMIZED
from types import FrameType, GetSetDescriptorType, ModuleType
from typing import Any

from autograd.formatting import is_blank
from autograd.source_lines import is_ours, user_frame
from autograd.value import Value

__all__ = ["module_path", "name_of", "names_in", "names_in_scope"]

_ENTRIES = 1_000  # a longer list, tuple or dict is not searched
_DEPTH = 6  # net.layers[0].neurons[1].w[2] still is: an attribute or an index is one step
_IN_ALL = 100_000  # entries of all containers together
_KEY_LENGTH = 40
_OURS_ALONE = 3  # references to a dict: of the frame, of a variable, and of an argument
_NOTEBOOKS_OWN = frozenset(["In", "Out"])
_COMPREHENSIONS = frozenset(["<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"])
_PLAIN = frozenset(map(id, (float, int, str, bool, type(None))))  # by id: a user's metaclass may define ==
_INSTALLED = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
_PACKAGES = re.compile(r"[\\/](site|dist)-packages[\\/]")


def name_of(value: Value, names: Mapping[int, str] | None = None) -> str:
    """Return the name of ``value``, ``""`` where it has none.

    Args:
        value: the node.
        names: the names of variables by the ids of their Values, as `names_in_scope` returns them.

    >>> name_of(Value(2.0, "x")), name_of(Value(2.0))
    ('x', '')
    """
    name = value.name
    if name is not None and not is_blank(name):
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
        A name for each Value found, by its id, as `names_in` gives them for the locals and the globals of that scope;
        a comprehension is part of the scope around it. The ids hold as long as the Values do.
    """
    frame = user_frame()
    scopes: list[Mapping[str, object]] = []
    while frame is not None:
        if frame.f_locals is not frame.f_globals:
            scopes.append(_locals_of(frame))
        around = frame.f_back
        if frame.f_code.co_name not in _COMPREHENSIONS or around is None or is_ours(around.f_code.co_filename):
            scopes.append(frame.f_globals)
            break
        frame = around
    return names_in(*scopes)


def _locals_of(frame: FrameType) -> Mapping[str, object]:
    """Return the variables of a scope, and leave nothing behind in its frame that keeps their values alive.

    Before Python 3.13 the frame of a function keeps the dict that was made to be looked at. It is emptied, unless
    something else holds it: a debugger, or who called locals().
    """
    seen = frame.f_locals
    if not frame.f_code.co_flags & CO_OPTIMIZED or type(seen) is not dict:
        return seen
    found = seen.copy()
    if sys.getrefcount(seen) == _OURS_ALONE:
        seen.clear()
    return found


def names_in(*scopes: Mapping[str, object]) -> dict[int, str]:
    """Return the names that Values have in ``scopes``, the innermost first, by their ids.

    Variables come before what they hold, and the first name wins, in the order in which the variables came to be. With
    one exception: a leaf that was in a list or an object before the variable was made is named by its path there, as
    the other leaves of it are, unless each of them has a variable of its own. So ``for p in n.parameters()`` leaves no
    ``p`` behind.

    Names that begin with an underscore are skipped. Only exact lists, tuples and dicts and the attributes of objects of
    the user's classes are searched, each of at most 1,000 entries, six steps deep.

    >>> x, y = Value(1.0), Value(2.0)
    >>> list(names_in({"x": x, "pair": [x, y], "_y": y}).values())
    ['x', 'pair[1]']
    """
    names: dict[int, str] = {}
    made: dict[int, tuple[int, int]] = {}  # the scope and the place in it of the variable that names a Value
    variables: list[tuple[int, int, str, object]] = []
    hidden: set[str] = set()
    for scope, held_by in enumerate(scopes):
        items = [(name, held) for name, held in list(held_by.items()) if type(name) is str and name not in hidden]
        hidden.update(name for name, _ in items)
        for at, (name, held) in enumerate(items):
            if not name or name[0] in "_.":
                continue
            variables.append((scope, at, name, held))
            if type(held) is Value and id(held) not in names:
                names[id(held)], made[id(held)] = name, (scope, at)
    search = _Search()
    for scope, at, name, held in variables:
        if name in _NOTEBOOKS_OWN:
            continue
        found = search.held_by(name, held)
        are_all_variables = all(id(value) in made or value.op or value.name is not None for _, value in found)
        for path, value in found:
            its = made.get(id(value))
            if its is None:
                names.setdefault(id(value), path)
            elif not are_all_variables and not value.op and its[0] == scope and its[1] > at:
                names[id(value)] = path
                del made[id(value)]
    return names


class _Search:
    """A search of what variables hold, the shallowest first; what was searched once is not searched again."""

    def __init__(self) -> None:
        self._left = _IN_ALL
        self._searched: set[int] = set()
        self._users: dict[int, bool] = {}  # by the id of a class, whether its objects are searched

    def held_by(self, name: str, held: object) -> list[tuple[str, Value]]:
        """Return the Values in ``held``, itself left out, with their paths."""
        found: list[tuple[str, Value]] = []
        waiting: deque[tuple[str, object, int]] = deque([(name, held, 1)])
        while waiting:
            path, container, depth = waiting.popleft()
            if id(container) in self._searched:
                continue
            for step, inner in self._entries(container):
                if self._left <= 0:
                    return found
                self._left -= 1
                if type(inner) is Value:
                    found.append((path + step, inner))
                elif depth < _DEPTH:
                    waiting.append((path + step, inner, depth + 1))
        return found

    def _entries(self, container: Any) -> list[tuple[str, object]]:
        """Return what a container or an object holds, with the step to it: ``[3]``, ``['w']``, ``.w``."""
        kind = type(container)
        step, items = "[{!r}]", container
        if kind is not list and kind is not tuple and kind is not dict:
            if id(kind) not in self._users:
                self._users[id(kind)] = _is_users(kind)
            items = object.__getattribute__(container, "__dict__") if self._users[id(kind)] else None
            if type(items) is not dict:
                return []
            step = ".{}"
        self._searched.add(id(container))
        if len(items) > _ENTRIES:
            return []
        pairs = list(items.items()) if type(items) is dict else enumerate(items)
        held = [(key, inner) for key, inner in pairs if id(type(inner)) not in _PLAIN]
        self._left -= len(items) - len(held)
        return [
            (step.format(key), inner)
            for key, inner in held
            if type(key) is int
            or (type(key) is str and len(key) <= _KEY_LENGTH and not (step == ".{}" and key.startswith("_")))
        ]


def _is_users(kind: type) -> bool:
    """Whether a class is of the user's program, not of an installed package, and its objects have plain attributes."""
    if issubclass(kind, type):
        return False
    has_attributes = False
    for one in type.__dict__["__mro__"].__get__(kind):
        found = type.__dict__["__dict__"].__get__(one).get("__dict__")
        if found is not None and type(found) is not GetSetDescriptorType:  # asking would call the user's own
            return False
        has_attributes = has_attributes or found is not None
    name = type.__dict__["__dict__"].__get__(kind).get("__module__")
    module = sys.modules.get(name) if has_attributes and type(name) is str else None
    if type(module) is not ModuleType:
        return False
    file = vars(module).get("__file__")
    if type(file) is not str:
        return bool(name == "__main__")  # the prompt, a notebook
    return not (is_ours(file) or file.startswith(_INSTALLED) or bool(_PACKAGES.search(file)))
