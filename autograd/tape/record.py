"""Record a function or a graph as a tape."""

from __future__ import annotations

import inspect
from array import array
from collections.abc import Callable, Iterable, Sequence
from math import isnan
from typing import Any

from autograd.arguments import as_operand, shortened
from autograd.modes import current_mode, unwatched
from autograd.primitives import table
from autograd.primitives.primitive import by_name
from autograd.pytree import flatten
from autograd.tape.graph import flatten_graph
from autograd.tape.pickling import Form
from autograd.tape.recorder import Comparison, Recorder, recording
from autograd.tape.tape import Tape, names_of
from autograd.value import Value, creation_number, many, reached_by

__all__ = ["form_of_call", "record", "record_call"]


def record(
    source: Callable[..., Any] | Value | Sequence[Value | float],
    inputs: Sequence[Any],
    *,
    params: Iterable[Value] | None = None,
) -> Tape:
    """Record a function or an existing graph as a tape.

    A function is called once, on the inputs, in recording mode: `autograd.tape.recorder` tells what becomes of its
    branches and of the numbers that it reads. An existing graph has no guards, because its comparisons are gone; a
    graph that contains `where` is refused, because its condition is gone as well.

    Args:
        source: A function that returns a Value or a list of Values; or such an output itself.
        inputs: The arguments of the function: leaf Values, numbers, and nested lists, tuples and dicts of them. For an
            existing graph, leaves of it. From left to right they are the columns of a batch.
        params: Which of the other leaves receive gradients; None for all of them.

    Returns:
        The tape.

    Raises:
        TypeError: `source` or its result, or something among the inputs or params, has the wrong type.
        ValueError: An input is a computed node or is given twice, or an existing graph contains `where`.
        RuntimeError: Called inside `no_grad()`, where nothing can be recorded, or while another tape is being recorded.

    >>> x = Value(2.0)
    >>> record(x * x + 1.0, inputs=[x]).forward([[3.0]])
    [10.0]
    """
    mode = current_mode()
    if mode is not None and mode.recorder is not None:
        raise RuntimeError("a tape is already being recorded in this thread: record the other one before or after it")
    if not isinstance(inputs, list | tuple):
        raise TypeError(
            f"inputs must be a list with one entry per argument, not {type(inputs).__name__} {shortened(inputs)}"
        )
    with unwatched():
        leaves, arguments = _checked_inputs(inputs)
    if isinstance(source, Value | list | tuple):
        _check_leaves(inputs)
        return Tape(*_form_of(source, leaves, names_of(leaves, "x"), None, params, "the output"))
    if not callable(source):
        raise TypeError(f"record takes a function or a Value, not {type(source).__name__} {shortened(source)}")
    return record_call(source, leaves, arguments, params)[0]


def record_call(
    function: Callable[..., Any],
    leaves: list[Value],
    arguments: list[Any],
    params: Iterable[Value] | None = None,
    draws: int = 0,
) -> tuple[Tape, Any]:
    """Call a function in recording mode, and return the tape and the result of the call.

    Args:
        function: The function.
        leaves: The inputs, leaf Values.
        arguments: The arguments of the function, which are made of the leaves.
        params: As for `record`.
        draws: The least number of columns that the tape has for numbers drawn at random.
    """
    form, parameters, result = form_of_call(function, leaves, arguments, params, Recorder(leaves), draws)
    return Tape(form, parameters), result


def form_of_call(
    function: Callable[..., Any],
    leaves: list[Value],
    arguments: list[Any],
    params: Iterable[Value] | None,
    recorder: Recorder,
    draws: int = 0,
    is_named: bool = True,
) -> tuple[Form, list[Value], Any]:
    """Call a function in recording mode, and return what a tape is made of: its form and parameters; and the result.

    Args:
        function: The function.
        leaves: The inputs, leaf Values.
        arguments: The arguments of the function, which are made of the leaves.
        params: As for `record`.
        recorder: The account of the call, made with the leaves.
        draws: The least number of columns that the tape has for numbers drawn at random.
        is_named: Whether the inputs are called by the arguments of the function.
    """
    mode = current_mode()
    if mode is not None and not mode.recording:
        raise RuntimeError("a tape cannot be recorded inside no_grad(), where nothing is recorded: record it outside")
    with unwatched():
        numbers = [leaf.data for leaf in leaves]
    with recording(recorder):
        result = function(*arguments)
    _check_inputs_kept(leaves, numbers)
    what = f"{getattr(function, '__name__', type(function).__name__)}()"
    names = _names(function, leaves, arguments) if is_named else [""] * len(leaves)
    return *_form_of(result, leaves, names, recorder, params, what, draws), result


def _check_inputs_kept(leaves: list[Value], numbers: list[float]) -> None:
    """Check that the function has not assigned data to an input, which a replay could not repeat."""
    with unwatched():
        for i, (leaf, number) in enumerate(zip(leaves, numbers, strict=True)):
            if leaf.data != number and not (isnan(leaf.data) and isnan(number)):
                raise ValueError(
                    f"input {i} was {number!r} and the function assigned {leaf.data!r} to its data, which a replay "
                    "would not repeat: compute a new Value instead"
                )


def _names(function: Callable[..., Any], leaves: list[Value], arguments: list[Any]) -> list[str]:
    """Return the names of the inputs: labels, otherwise the names of the arguments of the function."""
    names = names_of(leaves, "x")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return names
    place = {id(leaf): i for i, leaf in enumerate(leaves)}
    for argument, parameter in zip(arguments, parameters, strict=False):
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            break
        for j, leaf in enumerate(flatten(argument, "an argument")[0]):
            if isinstance(leaf, Value) and not leaf.name:
                names[place[id(leaf)]] = parameter.name if leaf is argument else f"{parameter.name}{j}"
    return names


def _form_of(
    result: Any,
    inputs: list[Value],
    names: list[str],
    recorder: Recorder | None,
    params: Iterable[Value] | None,
    what: str,
    draws: int = 0,
) -> tuple[Form, list[Value]]:
    drawn = recorder.drawn if recorder else []
    with unwatched():
        drawn = drawn + [Value(0.0) for _ in range(draws - len(drawn))]
        inputs, names = inputs + drawn, names + [f"random{i}" for i in range(len(drawn))]
        recorded = recorder.count() if recorder else None
        outputs = _checked_outputs(result, what)
        guards = [*recorder.guards] if recorder else []
        flat, leaves, unused = flatten_graph(outputs, guards, inputs, recorder.indexed if recorder else ())
        if recorder and unused:
            guards += recorder.checks_of_indices(unused)
            flat, leaves, _ = flatten_graph(outputs, guards, inputs)
        if flat.kinds and (flat.kinds[table.WHERE.code] or flat.kinds[_taped_code()]):
            _check_replayable(outputs, recorder)
        lines = [f"{guard.line.where}: {guard.line.text}" for guard in guards] if recorder else None
        receiving = _receiving(params, leaves, inputs)
        is_list = isinstance(result, list | tuple)
        nodes = len(flat.codes) if recorded is None else recorded
        return Form(flat, receiving, names, is_list, lines, nodes, len(drawn)), leaves


def _checked_inputs(inputs: Sequence[Any]) -> tuple[list[Value], list[Any]]:
    """Return the leaves, and the arguments made of them."""
    leaves: list[Value] = []
    arguments = []
    for i, tree in enumerate(inputs):
        found, rebuild = flatten(tree, f"inputs[{i}]")
        own = [x if isinstance(x, Value) else Value(x) for x in found]
        leaves += own
        arguments.append(rebuild(own))
    seen: dict[int, int] = {}
    for i, leaf in enumerate(leaves):
        if leaf.op:
            raise ValueError(
                f"input {i} is a computed node ({leaf!r}), and inputs must be leaves: give its .detach(), or its leaves"
            )
        if id(leaf) in seen:
            raise ValueError(f"input {i} is the same Value as input {seen[id(leaf)]} ({leaf!r}): give each Value once")
        seen[id(leaf)] = i
    return leaves, arguments


def _check_leaves(inputs: Sequence[Any]) -> None:
    if any(not isinstance(x, Value) for tree in inputs for x in flatten(tree, "inputs")[0]):
        raise TypeError("the inputs of an existing graph must be leaves of it, not numbers: record a function instead")


def _checked_outputs(result: Any, what: str) -> list[Value | float]:
    outputs: list[Value | float] = []
    for i, x in enumerate(result if isinstance(result, list | tuple) else [result]):
        if isinstance(x, Comparison):  # 1 or 0, computed in each replay
            outputs.append(x.condition())
            continue
        number = x if isinstance(x, Value) else as_operand(x)
        if number is None:
            place = f"[{i}]" if isinstance(result, list | tuple) else ""
            raise TypeError(
                f"{what}{place} must be a Value or a number, or a list of these, not {type(x).__name__} {shortened(x)}"
            )
        outputs.append(number)
    if not outputs:
        raise ValueError(f"{what} is an empty list: there is nothing to record")
    return outputs


def _taped_code() -> int:
    primitive = by_name("taped")
    assert primitive is not None
    return primitive.code


def _check_replayable(outputs: Sequence[Value | float], recorder: Recorder | None) -> None:
    """Refuse nodes of before the recording that a replay cannot compute: choices, and results of taped functions."""
    roots = [output for output in outputs if isinstance(output, Value)]
    if recorder is not None:
        roots += [x for guard in recorder.guards for x in (guard.left, guard.right) if isinstance(x, Value)]
    if not roots:
        return
    for node in reached_by(many(table.SUM, [*roots]))[0]:
        if node.primitive is table.WHERE and (recorder is None or creation_number(node) < recorder.began):
            raise ValueError(
                "the graph contains where, whose condition is gone: record the function that creates the graph, "
                "autograd.record(function, inputs=...)"
            )
        if node.op == "taped":
            raise ValueError(
                "the graph contains the result of a taped function: call the function itself, its __wrapped__"
            )


def _receiving(params: Iterable[Value] | None, leaves: list[Value], inputs: list[Value]) -> array[int]:
    if params is None:
        return array("i", [1]) * len(leaves)
    if isinstance(params, Value) or not isinstance(params, Iterable):
        raise TypeError(f"params must be a list of Values, not {type(params).__name__} {shortened(params)}")
    given = {id(leaf) for leaf in inputs}
    chosen = set()
    for i, parameter in enumerate(params):
        if not isinstance(parameter, Value):
            raise TypeError(f"params[{i}] must be a Value, not {type(parameter).__name__} {shortened(parameter)}")
        if parameter.op or id(parameter) in given:
            kind = "a computed node" if parameter.op else "an input"
            raise ValueError(f"params[{i}] is {kind} ({parameter!r}), and params must be leaves that are not inputs")
        chosen.add(id(parameter))
    return array("i", [id(leaf) in chosen for leaf in leaves])
