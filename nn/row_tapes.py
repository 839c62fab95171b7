"""Tapes of a function of samples: one per shape of sample and branch, and only where a replay gives what a call does.

A function is recorded on two samples of a shape. A number that would be frozen into the tape shows in one of three
signs: a number of a Value is read in the recording; the state of a global random generator, or a plain attribute of a
module, has changed; the graphs of the two samples have different constants, or differ without having decided otherwise.
"""

from __future__ import annotations

import functools
import random
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from autograd import Tape, Value, no_grad
from autograd.pytree import flatten
from autograd.tape.branching import Run
from autograd.tape.graph import difference
from autograd.tape.pickling import Form
from autograd.tape.record import form_of_call
from autograd.tape.recorder import Recorder
from autograd.value import creation_number
from nn import buffers, inner_loops
from nn.batches import Group
from nn.generator import Draws, drawing
from nn.module import Module

__all__ = ["Function", "Kept", "Modules", "NotReplayable", "ShapeTapes", "random_state_kept"]

Function = Callable[[list[Any]], list[Any]]  # samples, one or a batch -> outputs
Modules = Sequence[tuple[str, Module]]  # with their paths

Kept = tuple[list[Tape], list["array[float]"], list[Value], list[tuple[int, int]]]

_LIMIT = 16  # tapes per shape


class NotReplayable(Exception):
    """Raised where a replay would not do what a call does; the message says why, and what to do."""


class _Wider(Exception):
    """Raised where a new branch draws more random numbers than the rows of the batch have."""


class Look:
    """What a call of a function on some samples showed while it was recorded.

    Args:
        function: The function.
        samples: What it is called with, in one list.
        draws: The random numbers that it draws.
        modules: The modules that it calls.
        least: The least number of columns for random numbers.

    Attributes:
        form: The form of its tape.
        params: The leaves that are not inputs.
        found: How many of them, the first ones, stood before the call.
        places: For each number drawn its row among the samples, and its draw.
    """

    def __init__(self, function: Function, samples: list[Any], draws: Draws, modules: Modules, least: int = 0) -> None:
        numbers, rebuild = flatten(samples, "the samples")
        leaves = [Value(number) for number in numbers]  # type: ignore[arg-type]
        recorder = Recorder(leaves, warns=False)
        before = _attributes(modules)
        with random_state_kept() as moved, drawing(draws):
            try:
                self.form, self.params, _ = form_of_call(
                    function, leaves, [rebuild(leaves)], None, recorder, least, is_named=False
                )
            except Exception as error:
                with no_grad(), drawing(Draws(draws.key, draws.epoch, draws.rows)), buffers.collected():
                    function(samples)  # raises its own error if an eager run does
                raise NotReplayable(_of_error(error)) from error
        if recorder.frozen:
            line = recorder.frozen[0]
            raise NotReplayable(
                f"it reads a number of a Value, which a replay would keep as it is:\n  {line.where}: {line.text}\n"
                "Compute with the Value itself, or .detach() it where no gradient should pass"
            )
        if moved:
            raise NotReplayable(
                f"it draws from {moved[0]}, and a replay would keep the number: draw from nn.random(), which a tape "
                "draws anew for each row"
            )
        changed = _changed(modules, before)
        if changed is not None:
            raise NotReplayable(
                f"calling it changes the attribute {changed}, which a replay would not: compute with Values, or count "
                "in a callback"
            )
        self.found = bisect_left(self.params, recorder.began, key=creation_number)  # they come in this order
        self.places = draws.places

    def agrees(self, form: Form, params: Sequence[Value]) -> str | None:
        """Return how this call differs from another: None, "branch" or "frozen"."""
        found = difference(self.form.flat, form.flat)
        if found is None:
            same = inner_loops.are_same(self.params, params, self.found)
            made = zip(self.params[self.found :], params[self.found :], strict=True)
            return None if same and all(one.data == other.data for one, other in made) else "frozen"
        return found


class ShapeTapes:
    """The tapes of a function for samples of one shape: one tape per branch.

    Args:
        group: All samples of the shape.
        count: How many samples are one row of the tapes: 1, or the size of a batch that is computed as a whole.

    Attributes:
        tapes: The tapes so far.
        columns: The number of numbers per sample.
        places: For each hidden column, which is drawn at random, its row among the samples, and its draw.
        updated: The buffers whose new numbers are the last outputs.
        look: The number of the last look at the function (see `looked_at`).
    """

    def __init__(self, group: Group, count: int = 1) -> None:
        self.samples = group.samples
        self.table = group.table
        self.count = count
        self.columns = len(self.table) // len(group.samples)
        self.tapes: list[Tape] = []
        self.found: list[Value] = []
        self.places: list[tuple[int, int]] = []
        self.updated: list[Value] = []
        self.look = 0
        self._examples: list[array[float]] = []
        self._rebuild = flatten([group.samples[0]] * count, "the samples")[1]

    @property
    def width(self) -> int:
        """The number of numbers per row of the tapes."""
        return self.count * self.columns + len(self.places)

    @property
    def kept(self) -> Kept:
        """What another fit of the same function can use again."""
        return self.tapes, self._examples, self.found, self.places

    def adopt(self, kept: Kept) -> None:
        """Take over the tapes of an earlier fit; `looked_at` checks them."""
        self.tapes, self._examples, self.found, self.places = kept

    def forget(self) -> None:
        """Drop all tapes."""
        self.tapes, self._examples, self.found, self.places = [], [], [], []

    def looked_at(self, function: Function, modules: Modules, look: int, draws: Draws) -> None:
        """Make sure that the tapes are those of the function as it is now; record it if there are none.

        Args:
            function: The function.
            modules: The modules that it calls.
            look: The number of this look; nothing is done if the last one had the same.
            draws: The random numbers of the first sample.

        Raises:
            NotReplayable: See the module's description.
        """
        if self.look == look:
            return
        kept = []
        for tape, example in zip(self.tapes, self._examples, strict=True):
            now = self._look(function, modules, example)
            if now.agrees(tape.form, tape.params) is None:
                kept.append((tape, example))
        if not kept:
            self.forget()
            self._begin(function, modules, draws)
        else:
            self.tapes, self._examples = [tape for tape, _ in kept], [example for _, example in kept]
        self.look = look

    def _begin(self, function: Function, modules: Modules, draws: Draws) -> None:
        """Record the first sample, and compare it with another."""
        first = Look(function, list(self.samples[: self.count]), draws, modules)
        numbers = self.table[: self.count * self.columns]
        numbers.extend([inner_loops.uniform(draws.key, draws.epoch, draws.rows[row], k) for row, k in first.places])
        self.places, self.found = first.places, first.params[: first.found]
        if len(self.samples) > 1:
            others = list(islice(reversed(self.samples), self.count))
            again = Draws(draws.key, draws.epoch, draws.rows)
            second = Look(function, others, again, modules)
            if second.agrees(first.form, first.params) == "frozen":
                raise NotReplayable(
                    "its graph for one sample has other constants than for another, which a replay would keep: it "
                    "depends on something that is not among its inputs, or on their order"
                )
        self._add(first, numbers)

    def _add(self, look: Look, example: array[float]) -> Tape:
        tape = Tape(look.form, look.params)
        if self.tapes and tape.output_count != self.tapes[0].output_count:
            raise NotReplayable("one branch has another number of outputs than another")
        self.tapes.append(tape)
        self._examples.append(example)
        return tape

    def _look(self, function: Function, modules: Modules, numbers: array[float]) -> Look:
        """Look at a call for the numbers of one row of the tapes."""
        drawn = _Given(numbers[self.count * self.columns :])
        return Look(function, self._rebuild(numbers[: self.count * self.columns]), drawn, modules, len(self.places))

    def record(self, function: Function, modules: Modules, numbers: array[float], tried: int) -> Tape:
        """Record a row that none of the first `tried` tapes takes, and return the tape.

        Raises:
            NotReplayable: See the module's description; or there are too many tapes already.
        """
        if len(self.tapes) >= _LIMIT:
            raise NotReplayable(
                f"it takes more than {_LIMIT} branches for samples of one shape: decide by autograd.where, which does "
                "not need a tape of its own"
            )
        look = self._look(function, modules, numbers)
        both = min(len(look.places), len(self.places))
        if look.places[:both] != self.places[:both]:
            raise NotReplayable("one branch draws its random numbers for other rows of the batch than another")
        if both < len(look.places):  # all tapes read rows of one width
            self.forget()
            self.places, self.found = look.places, look.params[: look.found]
            raise _Wider
        return self._add(look, numbers)

    def rows(self, which: list[int], draws: Draws) -> array[float]:
        """Return the numbers of some samples, and behind them the random numbers of each, as the tapes take them.

        Args:
            which: The places of the samples.
            draws: The random numbers of these samples.
        """
        rows, hidden = len(which) // self.count, len(self.places)
        batch = array("d", bytes(8 * rows * self.width))
        if self.count == 1:
            inner_loops.gather_rows(self.table, which, self.columns, batch, self.width)
            inner_loops.draw_rows(draws.key, draws.epoch, list(draws.rows), batch, self.columns, self.width)
            return batch
        inner_loops.gather_rows(self.table, which, self.columns, batch, self.columns)
        for column, (row, draw) in enumerate(self.places):
            batch[len(batch) - hidden + column] = inner_loops.uniform(draws.key, draws.epoch, draws.rows[row], draw)
        return batch

    def run(
        self,
        function: Function,
        modules: Modules,
        which: list[int],
        draws: Draws,
        seeds: Callable[[int], array[float]] | None,
    ) -> tuple[Run, array[float]]:
        """Replay some samples, and return the run and its rows.

        Args:
            function: The function.
            modules: The modules that it calls.
            which: The places of the samples.
            draws: The random numbers of these samples.
            seeds: A function from the number of outputs to their upstream gradients; None for the forward pass alone.
        """
        while True:
            rows = self.rows(which, draws)
            record = functools.partial(self.record, function, modules)
            try:
                run = Run(record, self, rows, len(which) // self.count)
                if seeds is not None:
                    run.seeds = seeds(run.columns)
                run.go()
            except _Wider:
                continue
            return run, rows


class _Given(Draws):
    """Random numbers that were drawn before."""

    def __init__(self, numbers: Sequence[float]) -> None:
        super().__init__(0, 0, range(2**62))
        self._numbers = iter(numbers)

    def next(self) -> float:
        draw = self._drawn.get(self.row, 0)
        self._drawn[self.row] = draw + 1
        self.places.append((self.row, draw))
        return next(self._numbers, 0.5)


def _of_error(error: Exception) -> str:
    kind = type(error).__name__
    return (
        f"it raises an error where its inputs are Values ({kind}: {error}), and an eager run does not: compute with "
        "Values, and choose an element by autograd.take"
    )


@contextmanager
def random_state_kept() -> Iterator[list[str]]:
    """Put the states of the global random generators back afterwards; the list then names those that have moved."""
    moved: list[str] = []
    numpy = sys.modules.get("numpy")
    before, arrays = random.getstate(), numpy.random.get_state() if numpy is not None else None
    try:
        yield moved
    finally:
        if random.getstate() != before:
            random.setstate(before)
            moved.append("the module random")
        if numpy is not None and arrays is not None and not _same_state(numpy.random.get_state(), arrays):
            numpy.random.set_state(arrays)
            moved.append("numpy.random")


def _same_state(one: Any, other: Any) -> bool:
    """Return whether two states of NumPy's global generator are the same; the one array in each is its second entry."""
    return bool(one[0] == other[0] and one[2:] == other[2:] and one[1].tobytes() == other[1].tobytes())


_OWN = frozenset(("_path", "_scope", "_tapes"))  # what calls and fits of nn itself keep in a module


_Before = list[tuple[dict[str, Any], list[int]]]


def _attributes(modules: Modules) -> _Before:
    """Return the attributes of each module, and the sizes of those that may change while they are the same object."""
    return [(vars(module).copy(), inner_loops.sizes_of(vars(module))) for _, module in modules]


def _changed(modules: Modules, attributes: _Before) -> str | None:
    """Return the name of a plain attribute that has changed."""
    for (path, module), (before, sizes) in zip(modules, attributes, strict=True):
        now = vars(module)
        same = len(now) == len(before) and inner_loops.are_same([*now.values()], [*before.values()], len(now))
        if same and inner_loops.sizes_of(now) == sizes:
            continue
        size = iter(sizes)
        for name, was in before.items():
            mark = (id(was), next(size)) if isinstance(was, inner_loops.SIZED) else _mark(was)
            if name not in _OWN and _mark(now.get(name, was)) != mark:
                return f"{path}.{name}" if path else name
    return None


def _mark(held: Any) -> Any:
    """Return what tells an attribute from another: numbers and texts as they are, others by what they are."""
    if held is None or type(held) in (bool, int, str):
        return type(held), held
    if type(held) is float:
        return float, repr(held)
    return id(held), len(held) if isinstance(held, inner_loops.SIZED) else 0
