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
from viz.theme import ThemeName

__all__ = [
    "EDGE_LIMIT",
    "NODE_LIMIT",
    "PAGE_LIMIT",
    "GraphOptions",
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
    if limit is None:
        return None
    if isinstance(limit, bool) or not hasattr(limit, "__index__"):
        raise TypeError(f"limit= takes a number of nodes, such as {NODE_LIMIT}, not {limit!r}")
    nodes = operator.index(limit)
    if nodes < 1:
        raise ValueError(f"limit={nodes} does not allow any node; give 1 or more")
    return nodes


class GraphOptions(TypedDict, total=False):
    """The options of pictures and listings."""

    parameters: Annotated[
        Iterable[Value], Option((), "leaves to show as parameters, besides those of modules.", _check_parameters)
    ]


class PictureOptions(GraphOptions, total=False):
    """The options of pictures."""

    theme: Annotated[ThemeName, Option("light", "the colours.")]
    limit: Annotated[
        int | None,
        Option(
            None,
            f"the largest number of nodes to draw, {NODE_LIMIT} if None. The bound on operands, {EDGE_LIMIT}, "
            "scales with it.",
            _check_limit,
        ),
    ]


class PageOptions(GraphOptions, total=False):
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
