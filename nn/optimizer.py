"""What all optimisers share: parameters, settings, memory, and a step that applies one formula to every parameter."""

from __future__ import annotations

import inspect
import math
import operator
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, ClassVar

from autograd import Value
from autograd.tape.columns import ColumnTape
from nn import inner_loops
from nn.arguments import real, shown

__all__ = ["ABOVE_0", "FROM_0", "SHARE", "Bounds", "Columns", "Optimizer", "checked_parameters"]

Columns = tuple["array[float]", ...]
Bounds = dict[str, Any]  # of a setting: the arguments of nn.arguments.real
ABOVE_0: Bounds = {"low": 0.0, "open_low": True}
FROM_0: Bounds = {"low": 0.0}
SHARE: Bounds = {"low": 0.0, "high": 1.0}
_ANY: Bounds = {"low": -math.inf, "open_low": True}


@dataclass(slots=True)
class _Plan:
    """The tape of a rule.

    Attributes:
        tape: The tape.
        fixed: What the settings are besides numbers, for which it was recorded.
        twin: Keeps alive what `fixed` tells by its id.
        numbers: The number of the step, and the numbers among the settings.
        held: The settings themselves, while they need not be looked at again.
        is_steady: Whether the tape is prepared for all steps with these settings.
    """

    tape: ColumnTape
    fixed: list[Any]
    twin: object
    numbers: list[float] = field(default_factory=list)
    held: list[Any] = field(default_factory=list)
    is_steady: bool = False


_set = object.__setattr__  # where `Optimizer.__setattr__` has nothing to check


class Optimizer:
    """The base class of optimisers. A subclass is one formula, the method `rule`.

    `rule(self, p, g, step, memory=0.0, ...)` returns the new number of one parameter and its new memory, as many
    numbers as it has arguments behind `step`, whose defaults are where the memory begins. `p` is the parameter, `g` its
    gradient, and `step` counts the steps from 1. It computes with `Value`s, by operators and the functions of
    `autograd`: it is recorded as a tape, which is computed for all parameters at once. Numbers of `self` (`self.lr`,
    also in tuples, lists and dicts) are read at each step, and what depends on them and on `step` alone is computed
    once per step. A choice between parameters is made by `autograd.where`.

    Args:
        params: the parameters, an iterable of distinct leaf Values.
        lr: the learning rate, above 0.

    Attributes:
        params: the parameters.
        lr: the learning rate; assign to change it between steps.

    Raises:
        TypeError: params holds something other than Values, lr is not a number, or the memory of the rule does not
            begin at numbers.
        ValueError: params is empty, repeats a Value or holds a computed one, or lr is not above 0 and finite.

    >>> class Sign(Optimizer):
    ...     def rule(self, p, g, step):
    ...         return p - self.lr * g.sign()
    >>> x = Value(3.0)
    >>> optimizer = Sign([x], lr=0.5)
    >>> x.grad = -7.0
    >>> optimizer.step(); x.data
    3.5
    """

    lr: float
    rule: Callable[..., Any]
    _bounds: ClassVar[dict[str, Bounds]] = {"lr": ABOVE_0}
    _lacking: ClassVar[dict[str, Any]] = {"steps": 0}  # names that states of earlier versions may lack
    # Settings are in __dict__, beside the parameters; what steps change is in slots.
    __slots__ = ("__dict__", "__weakref__", "_names", "_plan", "_state")
    _names: tuple[str, ...]  # of the memory
    _plan: _Plan | None
    _state: tuple[int, Columns, Columns]  # the number of steps, the memory, and columns to work with

    def __init__(self, params: Iterable[Value], lr: float) -> None:
        self.params = tuple(checked_parameters(params))
        self.lr = lr
        beginnings = dict(self._beginnings())
        self._restore(0, {name: array("d", [start]) * len(self.params) for name, start in beginnings.items()})

    def _restore(self, steps: Any, memory: dict[str, array[float]]) -> None:
        _set(self, "_names", tuple(memory))
        _set(self, "_plan", None)
        _set(self, "_state", (steps, tuple(memory.values()), ()))

    def __setattr__(self, name: str, held: Any) -> None:
        object.__setattr__(self, name, self._checked(name, held))

    @property
    def steps(self) -> int:
        """The number of steps so far."""
        return self._state[0]

    @property
    def _memory(self) -> dict[str, array[float]]:
        return dict(zip(self._names, self._state[1], strict=True))

    def set_lr(self, lr: float) -> None:
        """Set the learning rate for steps of a schedule, which may be 0."""
        vars(self)["lr"] = real("lr", lr, low=0.0)

    def step(self) -> None:
        """Change every parameter once, by its gradient.

        Raises:
            TypeError: the rule is not a formula on Values, or returns something other than numbers.
            ValueError: a gradient, or the new data or memory of a parameter, is nan or infinite; or the rule cannot be
                recorded. Then nothing has changed.
        """
        tape, params = self._tape(), self.params
        steps, memory, room = self._state
        data, gradients, *found = room or self._new_room()
        finite = inner_loops.read(params, data, gradients)
        if not tape.run((data, gradients, *memory), tuple(found), len(params)) or not finite:
            self._refuse(gradients, found)
        inner_loops.assign(params, found[0])
        _set(self, "_state", (steps + 1, tuple(found[1:]), (data, gradients, found[0], *memory)))

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to zero."""
        inner_loops.zero_gradients(self.params)

    # -- the rule ---------------------------------------------------------------------------------------------------
    def _beginnings(self) -> Iterator[tuple[str, float]]:
        """Yield the name of each number that the rule keeps for a parameter, and where it begins."""
        kind = type(self).__name__
        if not hasattr(self, "rule"):
            if type(self).step is Optimizer.step:
                raise NotImplementedError(f"{kind} does not define rule(self, p, g, step, ...)")
            return
        arguments = list(inspect.signature(self.rule).parameters.values())
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        if len(arguments) < 3 or any(argument.kind not in positional for argument in arguments):
            raise TypeError(f"{kind}.rule must take (self, p, g, step) and its memory, each with a default")
        for argument in arguments[3:]:
            if argument.default is argument.empty:
                raise TypeError(f"{kind}.rule: {argument.name} has no default, which is where this memory begins")
            yield argument.name, real(f"the default of {argument.name}", argument.default, **_ANY)

    def _take_steps(self, taken: Callable[[Columns, Columns], int]) -> int:
        """Let a function take steps on columns, and return how many it took.

        Args:
            taken: Is given the columns of data, gradients and memory, which it changes to those of its last step, and
                as many to work with, except for gradients.
        """
        steps, memory, room = self._state
        room = room or self._new_room()
        data, gradients, *following = room
        inner_loops.read(self.params, data, gradients)
        done = taken((data, gradients, *memory), tuple(following))
        if done:
            inner_loops.assign(self.params, data)
            inner_loops.write_gradients(self.params, gradients)
            _set(self, "_state", (steps + done, memory, room))
        return done

    def _new_room(self) -> Columns:
        """Return columns for the data, the gradients, and what the data and the memory become."""
        return tuple(array("d", bytes(8 * len(self.params))) for _ in range(3 + len(self._names)))

    def _numbers(self) -> tuple[list[float], list[Any]]:
        """Return the number of the next step with the numbers among the settings, and what else these are."""
        numbers, fixed = [self.steps + 1.0], []
        for name, held in vars(self).items():
            if type(held) is float:
                numbers.append(held)
                fixed.append(name)
            elif name != "params":
                fixed += (name, _divided(held, numbers))
        return numbers, fixed

    def _tape(self) -> ColumnTape:
        """Return the tape of the rule, prepared for the settings as they are now."""
        plan, held = self._plan, vars(self).values()
        if plan is not None and len(held) == len(plan.held) and all(map(operator.is_, held, plan.held)):
            if plan.is_steady:
                return plan.tape
            plan.numbers[0] = self._state[0] + 1.0
            if plan.tape.prepare(plan.numbers):
                return plan.tape
        if plan is not None:
            plan.held = []  # until the tape is prepared for others
        numbers, fixed = self._numbers()
        if plan is None or plan.fixed != fixed or not plan.tape.prepare(numbers):
            plan = self._record(numbers, fixed)
            plan.tape.prepare(numbers)
        is_stable = all(map(_is_stable, self._settings().values()))
        plan.numbers, plan.held = numbers, list(held) if is_stable else []
        plan.is_steady = not plan.tape.reads_setting(0)
        _set(self, "_plan", plan)
        return plan.tape

    def _record(self, settings: list[float], fixed: Any) -> _Plan:
        """Record the rule for the settings as they are now."""
        kind, names = type(self).__name__, self._names
        for name in names:
            if name in vars(self) or name == "steps":
                raise ValueError(f"{kind}.rule: {name} is the name of a setting and of a memory")
        twin = object.__new__(type(self))  # with Values in place of the numbers

        def rule(row: list[Value], numbers: list[Value]) -> list[Any]:
            step, *others = numbers
            held = _joined(self._settings(), iter(others))
            vars(twin).update(held, params=self.params)
            twin._restore(step - 1.0, {})
            before = dict(vars(twin))
            found = twin.rule(*row[:2], step, *row[2:])
            for name, now in vars(twin).items():
                if now is not before.get(name):
                    raise ValueError(f"{kind}.rule assigns self.{name}: what it keeps it must return")
            found = list(found) if isinstance(found, tuple | list) else [found]
            if len(found) != 1 + len(names):
                wanted = ", ".join(["p", *names])
                raise ValueError(f"{kind}.rule returned {len(found)} numbers, and {wanted} are {1 + len(names)}")
            for name, number in zip(["p", *names], found, strict=True):
                if not isinstance(number, Value | Real):
                    raise TypeError(f"{kind}.rule returned {shown(number)} for {name}, not a number")
            return found

        _set(self, "_plan", None)
        row = {"p": self.params[0].data, "g": self.params[0].grad}
        row |= {name: numbers[0] for name, numbers in self._memory.items()}
        tape = ColumnTape(rule, row, settings, f"{kind}.rule")
        return _Plan(tape, fixed, twin)

    def _refuse(self, gradients: array[float], found: list[array[float]]) -> None:
        """Raise the error of a step with a number that is not finite."""
        self._check_finite("the gradient of {} is {}", gradients)
        for name, numbers in zip(self._names, found[1:], strict=True):
            self._check_finite(f"this step would set {name} of {{}} to {{}}", numbers)
        self._check_finite("this step would set {} to {}: lower lr", found[0])

    def _check_finite(self, message: str, numbers: array[float]) -> None:
        for index, number in enumerate(numbers):
            if not math.isfinite(number):
                name = self.params[index].name or f"params[{index}]"
                raise ValueError(f"{type(self).__name__}: {message.format(name, number)}; nothing was changed")

    # -- settings and state -----------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """Return the settings, the number of steps and the memory, without the parameters themselves.

        Settings are the public attributes that are numbers, texts, None, or tuples and lists of these.
        """
        memory = {name: list(numbers) for name, numbers in self._memory.items()}
        return {**self._public_settings(), "steps": self.steps, **memory}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load the settings and the state of another optimiser of this class.

        Args:
            state: the result of `state_dict`; its lists have one number per parameter.

        Raises:
            TypeError: a setting is of another type.
            ValueError: a name is missing or unknown, a list has the wrong length, or a number is out of range; then
                nothing has changed.
        """
        settings = self._public_settings()
        names = [*settings, "steps", *self._names]
        if not set(names) - set(self._lacking) <= set(state) <= set(names):
            raise ValueError(f"the state of {type(self).__name__} holds {', '.join(names)}, not {', '.join(state)}")
        state = {**{name: default for name, default in self._lacking.items() if name in names}, **state}
        new = {name: self._checked(name, _alike(name, held, state[name])) for name, held in settings.items()}
        memory = {name: self._checked_memory(name, state[name]) for name in self._names}
        steps = _checked_steps(state["steps"])
        vars(self).update(new)
        self._restore(steps, memory)

    def _settings(self) -> dict[str, Any]:
        """Return the attributes of a subclass, and lr."""
        return {name: held for name, held in vars(self).items() if name != "params"}

    def _public_settings(self) -> dict[str, Any]:
        return {name: held for name, held in self._settings().items() if name[:1] != "_" and _is_plain(held)}

    def _checked(self, name: str, held: Any) -> Any:
        """Return a setting, checked."""
        bounds = self._bounds.get(name)
        if bounds is not None:
            return real(name, held, **bounds)
        return real(name, held, **_ANY) if isinstance(held, float) else held

    def _checked_memory(self, name: str, held: Any) -> array[float]:
        if len(held) != len(self.params):
            raise ValueError(f"{name} has {len(held)} numbers for {len(self.params)} parameters")
        bounds = self._bounds.get(name, _ANY)
        return array("d", [real(f"{name}[{index}]", number, **bounds) for index, number in enumerate(held)])

    def __getstate__(self) -> dict[str, Any]:
        memory = {name: numbers[:] for name, numbers in self._memory.items()}  # steps use the columns themselves again
        return {"settings": dict(vars(self)), "steps": self.steps, "memory": memory}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state["settings"])
        self._restore(state["steps"], state["memory"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.params)} parameters, lr={self.lr:g})"


def checked_parameters(params: Iterable[Value]) -> list[Value]:
    """Return parameters as a list; they must be distinct leaf Values."""
    if isinstance(params, Value) or not hasattr(params, "__iter__"):
        raise TypeError(f"params must be a list of Values such as model.parameters(), not {params!r}")
    checked = list(params)
    if not checked:
        raise ValueError(
            "params is empty: there is nothing to optimise (a parameter of a module is a Value attribute; was an "
            "iterator used twice?)"
        )
    if inner_loops.are_distinct_leaves(tuple(checked)):
        return checked
    first_index: dict[int, int] = {}
    for index, parameter in enumerate(checked):
        if not isinstance(parameter, Value):
            raise TypeError(f"params[{index}] must be a Value, not {type(parameter).__name__} {parameter!r}")
        if parameter.op:
            raise ValueError(
                f"params[{index}] is a computed Value ({parameter!r}): give the leaves it is computed from"
            )
        if id(parameter) in first_index:
            raise ValueError(f"params[{index}] is params[{first_index[id(parameter)]}] again: give each parameter once")
        first_index[id(parameter)] = index
    raise AssertionError("the loop above finds what is wrong")


def _is_stable(setting: Any) -> bool:
    """Return whether a setting is the same as long as it is the same object, for the rule; lists and dicts are not."""
    kind = type(setting)
    return all(map(_is_stable, setting)) if kind is tuple else kind is not list and kind is not dict


def _divided(held: Any, numbers: list[float]) -> Any:
    """Append the floats of settings to a list, and return what else they are: equal where a tape still holds."""
    kind = type(held)
    if kind is float or isinstance(held, float):
        numbers.append(held)
        return float
    if kind is dict:
        return [(key, _divided(member, numbers)) for key, member in held.items()]
    if kind is tuple or kind is list:
        return kind, [_divided(member, numbers) for member in held]
    return (kind, held) if kind in (bool, int, str) else id(held)


def _joined(held: Any, values: Iterator[Value]) -> Any:
    """Return settings with Values in place of their floats."""
    kind = type(held)
    if isinstance(held, float):
        return next(values)
    if kind is dict:
        return {key: _joined(member, values) for key, member in held.items()}
    return kind(_joined(member, values) for member in held) if kind is tuple or kind is list else held


def _is_plain(held: Any) -> bool:
    if type(held) in (tuple, list):
        return all(map(_is_plain, held))
    return held is None or isinstance(held, float | int | str)


def _alike(name: str, now: Any, given: Any) -> Any:
    """Return the setting of a state, of the type that it has now."""
    if isinstance(now, tuple | list):
        if not isinstance(given, tuple | list) or len(given) != len(now):
            raise ValueError(f"{name} must have {len(now)} entries, not be {shown(given)}")
        return type(now)(_alike(f"{name}[{i}]", *pair) for i, pair in enumerate(zip(now, given, strict=True)))
    if type(now) is float:
        return real(name, given, **_ANY)
    if type(given) is not type(now):
        raise ValueError(f"{name} must be {type(now).__name__}, not {shown(given)}")
    return given


def _checked_steps(steps: Any) -> int:
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise ValueError(f"steps must be an integer of at least 0, not {steps!r}")
    return steps
