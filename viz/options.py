"""The options of pictures and listings, each declared once.

One entry of a class below declares one option: its name, its type, its default, what it does and how it is checked. The
signatures, the docstrings and the errors of all functions that take the option follow from it. A new option is one
entry here and one use, `options["name"]`, where it takes effect.
"""

from __future__ import annotations

import difflib
import inspect
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict, TypeVar, cast, get_args, get_origin, get_type_hints

from autograd import Value
from autograd.names import names_in
from viz.expansion import EXPANDABLE
from viz.theme import ThemeName

__all__ = [
    "EDGE_LIMIT",
    "NODE_LIMIT",
    "PAGE_LIMIT",
    "GraphOptions",
    "ListingOptions",
    "NumberOptions",
    "Option",
    "PageOptions",
    "PictureOptions",
    "complete",
    "takes_options",
]

NODE_LIMIT = 150
EDGE_LIMIT = 400
PAGE_LIMIT = 300

Options = TypeVar("Options", bound="GraphOptions")
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Option:
    """The declaration of one option; the name and the type stand before it.

    Attributes:
        default: the value where the option is not given.
        about: the line of the docstrings.
        check: returns the given value as it will be used, or raises; an option of type ``Literal`` needs none.
    """

    default: object
    about: str
    check: Callable[[Any], Any] | None = None


def _check_parameters(parameters: Iterable[Value]) -> tuple[Value, ...]:
    checked = tuple(parameters)
    for parameter in checked:
        if not isinstance(parameter, Value):
            raise TypeError(f"parameters= takes Values, not {type(parameter).__name__}")
        if parameter.op:
            raise ValueError(f"parameters= takes leaves, but {parameter!r} is computed")
    return checked


def _check_limit(limit: Any) -> int | None:
    return None if limit is None else _count("limit", limit, f"a number of nodes, such as {NODE_LIMIT}", least=1)


def _count(name: str, given: Any, what: str, *, least: int) -> int:
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise TypeError(f"{name}= takes {what}, not {given!r}")
    count = operator.index(given)
    if count < least:
        raise ValueError(f"{name}={count} is too small; give {least} or more")
    return count


def _check_value(name: str) -> Callable[[Any], Value | None]:
    def check(value: Any) -> Value | None:
        if value is not None and not isinstance(value, Value):
            raise TypeError(f"{name}= takes a Value of the graph, not {type(value).__name__}")
        return value

    return check


def _check_radius(radius: Any) -> int | None:
    return None if radius is None else _count("radius", radius, "a number of edges, such as 2", least=1)


def _check_precision(precision: Any) -> int:
    digits = _count("precision", precision, "a number of significant digits, such as 4", least=1)
    if digits > 17:
        raise ValueError(f"precision={digits} is more than a float has; give 17 or less")
    return digits


def _check_between(ends: Any) -> tuple[Value, Value] | None:
    if ends is None:
        return None
    if not isinstance(ends, (tuple, list)) or len(ends) != 2 or not all(isinstance(end, Value) for end in ends):
        raise TypeError("between= takes two Values, (x, loss): where the ways begin, and where they end")
    return ends[0], ends[1]


def _check_names(names: Any) -> Mapping[int, str] | bool | None:
    if names is None or names is False:
        return names
    if not isinstance(names, Mapping):
        raise TypeError(f"names= takes a dict of variables, such as locals(), or False, not {type(names).__name__}")
    return names_in(names)


def _check_group(group: Any) -> int | bool | None:
    if group is None or isinstance(group, bool):
        return group
    return _count("group", group, "a depth of modules, such as 1, or True, False or None", least=1)


def _check_expand(expand: Any) -> tuple[str, ...] | bool:
    if isinstance(expand, bool):
        return expand
    if isinstance(expand, str) or not isinstance(expand, Iterable):
        raise TypeError(f"expand= takes True, False or a list of operations, such as ['dot'], not {expand!r}")
    ops = tuple(expand)
    for op in ops:
        if op not in EXPANDABLE:
            known = ", ".join(EXPANDABLE)
            raise ValueError(f"expand= cannot expand {op!r}: the operations are {known}{_nearest(op, EXPANDABLE)}")
    return ops


def _check_scale(scale: Any) -> float:
    if isinstance(scale, bool) or not isinstance(scale, (int, float)):
        raise TypeError(f"scale= takes a number, such as 2, not {scale!r}")
    if not 0.1 <= scale <= 20:
        raise ValueError(f"scale={scale} is not between 0.1 and 20")
    return float(scale)


class GraphOptions(TypedDict, total=False):
    """The options of pictures, listings and pages."""

    parameters: Annotated[
        Iterable[Value], Option((), "leaves to show as parameters, besides those of modules.", _check_parameters)
    ]
    names: Annotated[
        Mapping[str, object] | Literal[False] | None,
        Option(
            None,
            "variables to name values by, such as ``locals()``; those of the calling scope if None, none if False. A "
            "label comes first.",
            _check_names,
        ),
    ]


class NumberOptions(GraphOptions, total=False):
    """The options of what shows numbers that stay as they are: pictures and listings."""

    precision: Annotated[int, Option(4, "the significant digits of numbers.", _check_precision)]


class ListingOptions(NumberOptions, total=False):
    """The options of listings."""

    style: Annotated[
        Literal["list", "tree"],
        Option("list", "one line per value, or a tree in which a shared value is expanded once."),
    ]
    limit: Annotated[
        int | None,
        Option(
            60,
            "the largest number of lines, those of the ends with a count of the others between them; all if None.",
            _check_limit,
        ),
    ]


class PartOptions(GraphOptions, total=False):
    """The options that name a part of a graph."""

    focus: Annotated[
        Value | None,
        Option(
            None, "a value of the graph: a picture shows its neighbourhood, a page opens there.", _check_value("focus")
        ),
    ]
    between: Annotated[
        tuple[Value, Value] | None,
        Option(
            None, "two values ``(x, loss)``: only what lies on the ways from the first to the second.", _check_between
        ),
    ]


class PictureOptions(NumberOptions, PartOptions, total=False):
    """The options of pictures."""

    theme: Annotated[ThemeName, Option("light", "the colours.")]
    limit: Annotated[
        int | None,
        Option(
            None,
            f"the largest number of cards, {NODE_LIMIT} if None. The bound on operands, {EDGE_LIMIT}, scales with it. "
            "A larger graph is grouped by its modules, or shown in part.",
            _check_limit,
        ),
    ]
    group: Annotated[
        int | None,
        Option(
            None,
            "whether modules have one card each: a depth (1 for the outermost modules), True for the deepest that "
            "fits, False for never; None for graphs over the limit.",
            _check_group,
        ),
    ]
    radius: Annotated[
        int | None,
        Option(None, "how many edges away from ``focus`` (else the root) to show values.", _check_radius),
    ]
    expand: Annotated[
        bool | Iterable[str],
        Option(
            False,
            "fused operations to draw as elementary ones: True for all, or a list such as ``['dot', 'sigmoid']``.",
            _check_expand,
        ),
    ]
    direction: Annotated[
        Literal["forward", "backward"],
        Option("forward", "the graph as computed, or the backward graph from the output to the leaves."),
    ]
    scale: Annotated[float, Option(1.0, "the size of the picture, as a factor.", _check_scale)]


class PageOptions(PartOptions, total=False):
    """The options of pages."""

    theme: Annotated[
        Literal["auto", "light", "dark"], Option("auto", "the colours; 'auto' is what the reader's system prefers.")
    ]
    limit: Annotated[
        int | None,
        Option(
            None,
            f"the number of values up to which each is a card at first, {PAGE_LIMIT} if None. Where there are more, "
            "modules are closed.",
            _check_limit,
        ),
    ]


def complete(kind: type[Options], given: Mapping[str, object]) -> Options:
    """Return the options that were given, checked, and the defaults of the others.

    Args:
        kind: the class that declares the options.
        given: some of them.

    Raises:
        TypeError: an option is unknown, or a value is of the wrong type.
        ValueError: a value is not one of its choices, or is out of range.

    >>> completed = complete(PictureOptions, {"limit": 10})
    >>> completed["limit"], completed["theme"]
    (10, 'light')
    >>> complete(PictureOptions, {"theme": "sepia"})
    Traceback (most recent call last):
    ValueError: unknown theme 'sepia': choose one of light, dark
    """
    declared = _declared(kind)
    for name in given:
        if name not in declared:
            raise TypeError(f"unknown option {name!r}: the options are {', '.join(declared)}{_nearest(name, declared)}")
    completed = {
        name: _checked(name, type_, option, given[name]) if name in given else option.default
        for name, (type_, option) in declared.items()
    }
    return cast(Options, completed)


def takes_options(kind: type[GraphOptions]) -> Callable[[Function], Function]:
    """Decorate a function of ``**options`` with the signature and the docstring that name each option.

    The function itself calls `complete`. In its docstring, the entry ``**options`` stands for all of them.

    >>> class SizeOptions(TypedDict, total=False):
    ...     size: Annotated[int, Option(10, "the number of points.", int)]
    >>> @takes_options(SizeOptions)
    ... def plot(root, **options):
    ...     '''Plot something.
    ...
    ...     Args:
    ...         root: one Value.
    ...         **options: as declared.
    ...     '''
    >>> print(inspect.signature(plot))
    (root, *, size: int = 10)
    >>> print(inspect.getdoc(plot))
    Plot something.
    <BLANKLINE>
    Args:
        root: one Value.
        size: the number of points.
    """

    def decorate(function: Function) -> Function:
        own = inspect.signature(function)
        parameters = [parameter for parameter in own.parameters.values() if parameter.kind is not parameter.VAR_KEYWORD]
        parameters += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=type_)
            for name, (type_, option) in _declared(kind).items()
        ]
        cast(Any, function).__signature__ = own.replace(parameters=parameters)
        if function.__doc__ is not None:  # it is under python -OO
            function.__doc__ = re.sub(
                r"(?m)^( *)\*\*options:.*$", lambda found: _lines(kind, found[1]), function.__doc__
            )
        return function

    return decorate


def _declared(kind: Any) -> dict[str, tuple[Any, Option]]:
    """Return the type and the declaration of each option."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: get_args(hint) for name, hint in hints.items()}


def _checked(name: str, type_: Any, option: Option, value: Any) -> Any:
    if option.check is not None:
        return option.check(value)
    choices = get_args(type_)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"unknown {name} {value!r}: choose one of {', '.join(choices)}{_nearest(value, choices)}")
    return value


def _nearest(name: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1) if isinstance(name, str) else []
    return f"; did you mean {near[0]!r}?" if near else ""


def _lines(kind: type[GraphOptions], indent: str) -> str:
    lines = []
    for name, (type_, option) in _declared(kind).items():
        choices = f" One of {', '.join(map(repr, get_args(type_)))}." if get_origin(type_) is Literal else ""
        lines.append(f"{indent}{name}: {option.about}{choices}")
    return "\n".join(lines)
