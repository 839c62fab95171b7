"""The state of a module as plain numbers by path: what `state_dict` returns, and files hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any, Protocol

from autograd import Value
from nn.arguments import shown

__all__ = ["Stateful", "assign", "checked", "entries", "plain"]


class Stateful(Protocol):
    """What this file knows of a module."""

    _buffers: tuple[str, ...]

    def _attributes(self) -> Iterator[tuple[str, object]]: ...


def entries(module: Stateful) -> Iterator[tuple[str, Any]]:
    """Yield each part of a module's state with its path: a Value, or nested lists of Values.

    Parameters come in the order of definition, and the buffers of a module after its parameters. What a module holds
    twice comes twice, as in PyTorch.
    """
    yield from _of_module(module, "", ())


def _of_module(module: Stateful, path: str, above: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    if id(module) in above:
        return
    for name, held in module._attributes():
        yield from _of_attribute(held, f"{path}{name}", (*above, id(module)))
    for name in module._buffers:
        yield f"{path}{name}", getattr(module, name)


def _of_attribute(held: Any, path: str, above: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    if hasattr(held, "_attributes"):
        yield from _of_module(held, f"{path}.", above)
    elif isinstance(held, Value) or _is_of_values(held):
        yield path, held
    elif isinstance(held, list | tuple | dict) and id(held) not in above:
        for key, member in held.items() if isinstance(held, dict) else enumerate(held):
            yield from _of_attribute(member, f"{path}.{key}", (*above, id(held)))


def _is_of_values(held: Any) -> bool:
    """Return whether this is a list of Values, or of such lists."""
    return (
        isinstance(held, list | tuple)
        and len(held) > 0
        and all(isinstance(member, Value) or _is_of_values(member) for member in held)
    )


def plain(held: Any) -> Any:
    """Return nested lists of Values as lists of their numbers."""
    return held.data if isinstance(held, Value) else [plain(member) for member in held]


def checked(module: Stateful, numbers: Any) -> list[tuple[Value, float]]:
    """Return each Value of a module's state with its new number; nothing is assigned.

    Raises:
        TypeError: `numbers` is not a dict.
        ValueError: A path is missing or unknown, a size is wrong, or something is not a finite number.
    """
    if not isinstance(numbers, Mapping):
        raise TypeError(f"a state is a dict of numbers by path, such as model.state_dict(), not {shown(numbers)}")
    expected = dict(entries(module))
    missing = [path for path in expected if path not in numbers]
    unknown = [path for path in numbers if path not in expected]
    if missing or unknown:
        parts = [f"{what}: {_listed(paths)}" for what, paths in (("missing", missing), ("unknown", unknown)) if paths]
        raise ValueError(f"the state is not that of this {type(module).__name__}: {'; '.join(parts)}")
    found: list[tuple[Value, float]] = []
    for path, held in expected.items():
        _check(held, numbers[path], path, found)
    return found


def assign(numbers: list[tuple[Value, float]]) -> None:
    """Assign new numbers to Values."""
    for value, number in numbers:
        value.data = number


def _check(held: Any, given: Any, path: str, found: list[tuple[Value, float]]) -> None:
    if hasattr(given, "tolist"):
        given = given.tolist()
    if isinstance(held, Value):
        if isinstance(given, bool) or not isinstance(given, Real):
            raise ValueError(f"{path} must be a number, not {shown(given)}")
        try:
            number = float(given)
        except OverflowError:
            raise ValueError(f"{path} is an integer that is too large for a float") from None
        if not math.isfinite(number):
            raise ValueError(f"{path} is {number}, not a finite number")
        found.append((held, number))
        return
    if not isinstance(given, list | tuple):
        raise ValueError(f"{path} must be a list of {len(held)}, not {shown(given)}")
    if len(given) != len(held):
        raise ValueError(f"{path} has {len(given)} entries and the model's has {len(held)}")
    for place, (member, number) in enumerate(zip(held, given, strict=True)):
        _check(member, number, f"{path}[{place}]", found)


def _listed(paths: list[Any]) -> str:
    names = [shown(path) if not isinstance(path, str) or len(path) > 60 else path for path in paths[:5]]
    return ", ".join(names) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
