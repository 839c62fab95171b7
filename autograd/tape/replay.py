# distutils: extra_compile_args = -fno-trapping-math
"""Replay tapes on rows of numbers.

The compiled core runs the lowered program of a tape, rows in lanes (`core/replay.h`); the pure build runs its flat
graph, one row at a time (`autograd.tape.interpreter`). Both give the bits of eager code for each row, and sum the
gradients of parameters over rows in the same order: blocks of 64 rows from the left, then the sums of the blocks from
the left.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

from autograd.primitives.primitive import BY_CODE
from autograd.tape.compiled.fuse import lower
from autograd.tape.compiled.program import BLOCK, TABLE_SIZE, Program
from autograd.tape.compiled.reuse import reusing_storage
from autograd.tape.graph import FlatGraph, check_size, gradients_needed
from autograd.tape.interpreter import Interpreter, column_function
from autograd.value import Value

if not cython.compiled and TYPE_CHECKING:
    from collections.abc import Callable

    # from autograd/core: replay.pxd has the types for C
    core_executors: Callable[[], list[str]]
    core_load: Callable[[Any, Any, tuple[Value, ...]], None]
    core_store: Callable[[tuple[Value, ...], Any, Any], None]
    core_choose: Callable[[bytes], bool]
    core_columns: Callable[..., int]
    core_machine: Callable[..., Any]
    core_replay: Callable[..., tuple[int, int, float, float] | None]
    core_replay_blocks: Callable[..., tuple[int, int, float, float] | None]
    core_select: Callable[..., bytearray]
    core_train: Callable[..., int]
    memset: Callable[[Any, int, int], None]

__all__ = [
    "Failure",
    "Replayer",
    "Rows",
    "Steps",
    "Sums",
    "add_gradients",
    "choose_executor",
    "executor",
    "executors",
    "interpret",
    "run_steps",
]


class Failure(NamedTuple):
    """Where a replay stopped: at a guard with another outcome, or at an index out of range.

    Attributes:
        row: The number of the row; those before it are done, those from it on are not.
        guard: The number of the guard; -1 for an index.
        left, right: What the guard compares; for an index the index and the number of values.
    """

    row: int
    guard: int
    left: float
    right: float


class Sums:
    """The gradients of parameters, summed over the rows of one call in their order.

    Attributes:
        rows: The number of rows so far.
        block: The sums over the rows since the last multiple of 64.
        total: The sums over the rows before.
    """

    def __init__(self, count: int) -> None:
        self.rows = 0
        self.block = array("d", bytes(8 * count))
        self.total = self.block[:]

    def __len__(self) -> int:
        return len(self.block)

    def append(self) -> int:
        """Make room for one more parameter, and return its place."""
        self.block.append(0.0)
        self.total.append(0.0)
        return len(self.block) - 1

    def add_rows(self, gradients: array[float], rows: int) -> None:
        """Add the gradients of some rows, which stand row by row."""
        columns = len(self.block)
        done = 0
        while done < rows:
            until = min(rows, done + BLOCK - self.rows % BLOCK)
            if columns:
                _add_rows(gradients, done, until, self.block)
            self.rows += until - done
            done = until
            if self.rows % BLOCK == 0:
                self.end_block()

    def end_block(self) -> None:
        """Add the sums of the block to the total."""
        if len(self.block):
            _end_block(self.block, self.total)

    def add_blocks(self, totals: array[float], blocks: int) -> None:
        """Add the sums of the blocks that come next, of several in all; they stand block by block."""
        if len(self.block):
            _add_rows(totals, 0, blocks, self.total)
        self.rows += BLOCK * blocks

    def finish(self) -> array[float]:
        """Return the sums over all rows."""
        if self.rows < BLOCK:  # one block, and the total is still zero
            return self.block
        if self.rows % BLOCK:
            self.end_block()
        return self.total


@cython.boundscheck(False)  # type: ignore[untyped-decorator]
@cython.wraparound(False)  # type: ignore[untyped-decorator]
def _end_block(block_: array[float], total_: array[float]) -> None:
    block, total = block_, total_
    for i in range(len(block)):
        total[i] += block[i]
        block[i] = 0.0


@cython.boundscheck(False)  # type: ignore[untyped-decorator]
@cython.wraparound(False)  # type: ignore[untyped-decorator]
def _add_rows(gradients_: array[float], begin: int, end: int, block_: array[float]) -> None:
    gradients, block = gradients_, block_
    columns = len(block)
    for row in range(begin, end):
        for i in range(columns):
            block[i] += gradients[row * columns + i]


@cython.cclass
class Rows:
    """The rows of one replay, and where its results go.

    Attributes:
        batch: The inputs, a buffer of float64, row by row.
        count: The number of rows.
        outputs: Receives the outputs, row by row.
        seeds: The upstream gradient of each output, either for all rows or row by row; None for the forward pass alone.
        input_gradients: Receives the gradients of the inputs, row by row; None if they are not asked for.
        sums: Receives the sums of the gradients of the parameters; None if they are not asked for.
        places: Where in `sums` each parameter's gradient belongs; None for the order of the parameters.
        which: The rows to replay, in ascending order; None for all of them.
        separate: Receives the gradients of the parameters row by row, as many columns as `sums` has, in place of
            `sums`; filled with zeros.
    """

    def __init__(
        self,
        batch: Any,
        count: int,
        outputs: Any,
        seeds: array[float] | None = None,
        input_gradients: Any = None,
        sums: Sums | None = None,
        places: array[int] | None = None,
        which: array[int] | None = None,
        separate: array[float] | None = None,
    ) -> None:
        self.batch = batch
        self.count = count
        self.outputs = outputs
        self.seeds = seeds
        self.input_gradients = input_gradients
        self.sums = sums
        self.places = places
        self.which = which
        self.separate = separate


class Replayer:
    """Replays a graph: lowered where the core is compiled, as it stands in the pure build.

    Attributes:
        flat: The graph.
        param_needed: For each parameter, whether a gradient comes to it.

    Raises:
        OverflowError: The graph is too large.
    """

    def __init__(self, flat: FlatGraph, receiving: array[int]) -> None:
        check_size(flat)
        self.flat = flat
        self._receiving = receiving
        self._places = array("i", range(flat.params))
        # what runs rows, kept from call to call, each used by one thread at a time; those behind for `forward` alone
        self._machines: list[Any] = []
        self._forward_machines: list[Any] = []
        self._room: _Room | None = None  # while no call has it
        self._is_in_core: bool | None = None
        self._column_function: Callable[..., int] | None = None  # of the pure build
        self._program: Program | None = None
        self._forward_program: Program | None = None
        if cython.compiled:
            self._program = lower(flat, receiving)
            self.param_needed = self._program.param_needed
        else:
            needs = gradients_needed(flat, receiving)[flat.inputs : flat.inputs + flat.params]
            self.param_needed = array("i", [need & 1 for need in needs])

    @property
    def program(self) -> Program:
        """The lowered program; the pure build lowers the graph when this is asked for."""
        if self._program is None:
            self._program = lower(self.flat, self._receiving)
        return self._program

    @property
    def forward_program(self) -> Program:
        """The program for the forward pass alone, which uses storage again once a value is dead."""
        if self._forward_program is None:
            self._forward_program = reusing_storage(self.program)
        return self._forward_program

    def replay(self, params: tuple[Value, ...], rows: Rows) -> Failure | None:
        """Run rows forward, and backward if they have seeds.

        Args:
            params: The parameters; their data is read.
            rows: The rows.

        Returns:
            None, or where the first row failed.
        """
        if not cython.compiled:
            return self.run(_data_of(params), rows)
        room, self._room = self._room or _Room(self.program), None
        try:
            return self.run(_read(room, params), rows)
        finally:
            self._room = room

    def value_and_grad(
        self,
        params: tuple[Value, ...],
        batch: Any,
        rows: int,
        outputs: array[float],
        seeds: array[float],
        input_gradients: array[float] | None,
    ) -> Failure | None:
        """Run rows forward and backward, and add the sums of the gradients of the parameters to theirs.

        Args:
            params: The parameters.
            batch, outputs, seeds, input_gradients: As for `Rows`.
            rows: The number of rows.

        Returns:
            None, or where the first row failed; then no gradient has changed.
        """
        if not cython.compiled:
            sums = Sums(len(params))
            failure = self.run(_data_of(params), Rows(batch, rows, outputs, seeds, input_gradients, sums))
            if failure is None:
                add_gradients(params, self.param_needed, sums.finish())
            return failure
        room, self._room = self._room or _Room(self.program), None
        machine = self._taken(True)
        try:
            failed = _differentiate(room, machine, params, batch, rows, outputs, seeds, input_gradients, self._places)
        finally:
            self._give_back(machine, True)
        if failed is None:
            _add_sums(room, params, rows)
        self._room = room
        return failed

    def run(self, numbers: Any, rows: Rows) -> Failure | None:
        """Run rows as `replay`, with numbers that `numbers_of` has read from the parameters."""
        if rows.places is None:
            rows.places = self._places
        with_backward = rows.seeds is not None
        machine = self._taken(with_backward)
        try:
            if not cython.compiled:
                return interpret(machine, numbers, rows)
            return _run(machine, numbers, rows)
        finally:
            self._give_back(machine, with_backward)

    def run_blocks(self, numbers: Any, rows: Rows, block: array[float] | None, totals: Any) -> Failure | None:
        """Run a part of the rows of a call, blocks of 64, with sums for each block, where `is_in_core`.

        Args:
            numbers: What `numbers_of` has read from the parameters.
            rows: The rows, without `sums`.
            block: Room for the sums of one block, zeros; None where there are no sums.
            totals: Receives the sums of each block, one after another; or None.

        Returns:
            None, or where the first row of these failed.
        """
        with_backward = rows.seeds is not None
        machine = self._taken(with_backward)
        try:
            failed = core_replay_blocks(
                machine,
                numbers,
                rows.batch,
                rows.count,
                rows.outputs,
                rows.seeds,
                rows.input_gradients,
                block,
                totals,
                self._places,
            )
            return None if failed is None else Failure(*failed)
        finally:
            self._give_back(machine, with_backward)

    def is_in_core(self) -> bool:
        """Return whether the compiled core replays it alone: no primitive of the user is called, the GIL is free."""
        if self._is_in_core is None:
            self._is_in_core = cython.compiled and max(self.flat.codes, default=0) < TABLE_SIZE
        return self._is_in_core

    def select(self, params: tuple[Value, ...], rows: Rows) -> bytearray:
        """Return for each row that is asked for whether all guards hold: 0 or 1, or 2 if it failed otherwise.

        Args:
            params: The parameters; their data is read.
            rows: The rows, of which `batch`, `count` and `which` are used.
        """
        machine = self._taken(False)
        try:
            if not cython.compiled:
                return _selected(machine, _data_of(params), rows)
            return core_select(machine, self.numbers_of(params), rows.batch, rows.count, rows.which)
        finally:
            self._give_back(machine, False)

    def scalars_for(self, params: Sequence[float], before: Any = None) -> Any:
        """Return what `columns` needs of the numbers of the parameters; what it returned before may be filled again."""
        if not cython.compiled:
            return params
        slots, scalars = self._program.param_slots, before or self._program.scalars[:]  # type: ignore[union-attr]
        for i in range(len(params)):
            scalars[slots[i]] = params[i]
        return scalars

    def columns(
        self, scalars: Any, inputs: tuple[array[float], ...], outputs: tuple[array[float], ...], rows: int
    ) -> int:
        """Run rows forward whose inputs and outputs stand in columns, each in an array of its own.

        Args:
            scalars: What `scalars_for` has made of the numbers of the parameters.
            inputs: A column per input.
            outputs: The columns that receive the outputs.
            rows: The number of rows.

        Returns:
            The first row that failed, at a guard or at an index out of range; else -1 if all outputs are finite, -2 if
            one is not.
        """
        if not cython.compiled:
            if self._column_function is None:
                self._column_function = column_function(self.flat)
            try:
                return self._column_function(inputs, scalars, outputs)
            except ZeroDivisionError:
                return column_function(self.flat, divides=False)(inputs, scalars, outputs)
        machine = self._taken(False)
        try:
            return core_columns(machine, scalars, inputs, outputs, rows)
        finally:
            self._give_back(machine, False)

    def _taken(self, with_backward: bool) -> Any:
        """Return a machine that no other call uses until it is given back."""
        machines = self._machines if with_backward or not cython.compiled else self._forward_machines
        if cython.compiled:  # no other thread runs in between, and nothing is allocated, which could fail
            if not machines:
                return self._machine(with_backward)
            machine = machines[-1]
            del machines[-1]
            return machine
        try:
            return machines.pop()
        except IndexError:
            return self._machine(with_backward)

    def _give_back(self, machine: Any, with_backward: bool) -> None:
        machines = self._machines if with_backward or not cython.compiled else self._forward_machines
        machines.append(machine)

    def _machine(self, with_backward: bool) -> Any:
        if not cython.compiled:
            return Interpreter(self.flat)
        return core_machine(self.program if with_backward else self.forward_program, _call)

    def numbers_of(self, params: tuple[Value, ...]) -> Any:
        """Return what `run` needs of the parameters: the numbers of the program's scalars; pure, the data alone."""
        if not cython.compiled:
            return _data_of(params)
        numbers = self.program.scalars[:]
        if params:
            _load(numbers, self.program.param_slots, params)
        return numbers


@cython.cclass
class _Room:
    """Arrays for one call of the compiled core at a time, kept from call to call.

    Args:
        program: The program.
    """

    def __init__(self, program: Program) -> None:  # each with one number more, because a memoryview must not be empty
        self.scalars = program.scalars[:]
        self.scalars.append(0.0)
        self.block, self.total = (array("d", bytes(8 * (1 + len(program.param_slots)))) for _ in range(2))
        self.numbers, self.sums, self.totals = self.scalars, self.block, self.total
        self.slots = array("i", [*program.param_slots, 0])
        self.needed = array("i", [*program.param_needed, 0])


def _read(room: _Room, params: tuple[Value, ...]) -> array[float]:
    """Return the numbers of the program's scalars, with the data of the parameters."""
    core_load(cython.address(room.numbers[0]), cython.address(room.slots[0]), params)
    return room.scalars


def _differentiate(
    room: _Room,
    machine: Any,
    params: tuple[Value, ...],
    batch: Any,
    rows: int,
    outputs: array[float],
    seeds: array[float],
    input_gradients: array[float] | None,
    places: array[int],
) -> Failure | None:
    """Run rows forward and backward; the sums of the gradients are left in the room."""
    memset(cython.address(room.sums[0]), 0, 8 * len(params))
    if rows >= BLOCK:
        memset(cython.address(room.totals[0]), 0, 8 * len(params))
    numbers, block, total = _read(room, params), room.block, room.total
    failed = core_replay(
        machine, numbers, batch, rows, outputs, seeds, input_gradients, block, total, 0, places, None, None
    )
    return None if failed is None else Failure(*failed)


@cython.boundscheck(False)  # type: ignore[untyped-decorator]
@cython.wraparound(False)  # type: ignore[untyped-decorator]
def _add_sums(room: _Room, params: tuple[Value, ...], rows: int) -> None:
    """Add the sums over all rows, which are those that `Sums.finish` gives, to the gradients of the parameters."""
    needed = cython.address(room.needed[0])
    if rows < BLOCK:
        core_store(params, needed, cython.address(room.sums[0]))
        return
    if rows % BLOCK:
        for i in range(len(params)):
            room.totals[i] += room.sums[i]
    core_store(params, needed, cython.address(room.totals[0]))


def _data_of(params: tuple[Value, ...]) -> list[float]:
    return [parameter._data for parameter in params]


def _call(code: int, xs: list[float]) -> tuple[float, tuple[float, ...]]:
    primitive = BY_CODE[code]
    assert primitive is not None
    return primitive.evaluate(*xs)


def _run(machine: Any, scalars: array[float], rows: Rows) -> Failure | None:
    """Run rows by the compiled core."""
    sums = rows.sums
    failed = core_replay(
        machine,
        scalars,
        rows.batch,
        rows.count,
        rows.outputs,
        rows.seeds,
        rows.input_gradients,
        None if sums is None else sums.block,
        None if sums is None else sums.total,
        0 if sums is None else sums.rows,
        rows.places,
        rows.which,
        rows.separate,
    )
    if sums is not None and rows.separate is None:
        sums.rows += rows.count if failed is None else failed[0]
    return None if failed is None else Failure(*failed)


@cython.boundscheck(False)  # type: ignore[untyped-decorator]
@cython.wraparound(False)  # type: ignore[untyped-decorator]
def _load(numbers_: array[float], slots_: array[int], params: tuple[Value, ...]) -> None:
    numbers, slots = numbers_, slots_
    core_load(cython.address(numbers[0]), cython.address(slots[0]), params)


def add_gradients(params: tuple[Value, ...], needed: array[int], gradients: array[float]) -> None:
    """Add gradients to those of the parameters to which any comes.

    Args:
        params: The parameters.
        needed: For each whether a gradient comes to it.
        gradients: One number per parameter.
    """
    if params:
        _store(params, needed, gradients)


@cython.boundscheck(False)  # type: ignore[untyped-decorator]
@cython.wraparound(False)  # type: ignore[untyped-decorator]
def _store(params: tuple[Value, ...], needed_: array[int], gradients_: array[float]) -> None:
    needed, gradients = needed_, gradients_
    if cython.compiled:
        core_store(params, cython.address(needed[0]), cython.address(gradients[0]))
        return
    for i in range(len(params)):
        if needed[i]:
            parameter = params[i]
            parameter._grad += gradients[i]
            parameter._reached = True


# -- steps of a training -----------------------------------------------------------------------------------------------
class Steps(NamedTuple):
    """Steps of a training that the compiled core runs: batches of rows, and an optimiser's formula on columns.

    Attributes:
        sizes: The number of rows of each batch.
        batch: The rows of all batches, one after another.
        outputs: Receives the outputs of all rows; the first output of a row is its loss.
        places: For each parameter of the model's tape its place in the columns; -1 where it has none.
        settings: What the formula is given besides columns: once, or once for each step; the first of them is the
            number of the step, which is filled in.
        setting_count: The number of settings.
        setting_places: For each parameter of the first part of the formula its place among the settings.
        now: The columns: data, gradients and memory of each parameter. Receives those of the last step.
        next: Columns to work with: as many, without gradients.
        norms: Receives the norm of the gradients in each step, before clipping.
        first_step: The number of the first step.
        clip_norm: The largest norm of the gradients; inf for none.
    """

    sizes: array[int]
    batch: Any
    outputs: array[float]
    places: array[int]
    settings: array[float]
    setting_count: int
    setting_places: array[int]
    now: tuple[array[float], ...]
    next: tuple[array[float], ...]
    norms: array[float]
    first_step: int
    clip_norm: float


def run_steps(model: Replayer, params: tuple[Value, ...], formula: tuple[Replayer, Replayer], steps: Steps) -> int:
    """Run steps in the compiled core until one cannot be done: a row fails, or a number is not finite.

    Args:
        model: Replays the model.
        params: Its parameters; their data is read.
        formula: The two parts of the optimiser's formula (see `autograd.tape.columns`).
        steps: The steps.

    Returns:
        The number of steps that were done. What the next one would change is as before it.
    """
    outer, inner = formula
    machines = model._taken(True), outer._taken(False), inner._taken(False)
    arrays = (
        steps.sizes,
        steps.batch,
        steps.outputs,
        model.numbers_of(params),
        model.program.param_slots,
        steps.places + model._places,
        steps.settings,
        outer.program.scalars[:],
        outer.program.param_slots,
        steps.setting_places,
        inner.program.scalars[:],
        inner.program.param_slots,
        steps.norms,
    )
    count, now, following = len(steps.now[0]), steps.now, steps.next
    try:
        return core_train(
            machines[0],
            machines[1],
            machines[2],
            arrays,
            now,
            following,
            count,
            steps.setting_count,
            steps.first_step,
            steps.clip_norm,
        )
    finally:
        model._give_back(machines[0], True)
        outer._give_back(machines[1], False)
        inner._give_back(machines[2], False)


# -- in Python ---------------------------------------------------------------------------------------------------------
def interpret(interpreter: Interpreter, params: Sequence[float], rows: Rows) -> Failure | None:
    """Run rows by the interpreter, as `Replayer.replay` does in the pure build.

    Args:
        interpreter: That of the graph.
        params: The data of the parameters.
        rows: The rows; `places` is not None.

    Returns:
        None, or where the first row failed.
    """
    width, columns, seeds = interpreter.inputs, len(interpreter.outputs), rows.seeds
    first, last = interpreter.params.start, interpreter.params.stop
    interpreter.values[first:last] = params
    for row in range(rows.count) if rows.which is None else rows.which:
        failure = interpreter.forward(rows.batch[row * width : (row + 1) * width], seeds is not None)
        if failure is not None:
            return Failure(row, *failure)
        outputs = array("d", [interpreter.values[i] for i in interpreter.outputs])
        rows.outputs[row * columns : (row + 1) * columns] = outputs
        if seeds is None:
            continue
        gradients = interpreter.backward(seeds if len(seeds) == columns else seeds[row * columns : (row + 1) * columns])
        if rows.input_gradients is not None:
            rows.input_gradients[row * width : (row + 1) * width] = array("d", gradients[:width])
        if rows.sums is not None:
            _add_row(rows, row, gradients[first:last])
    return None


def _add_row(rows: Rows, row: int, gradients: list[float]) -> None:
    sums, places = rows.sums, rows.places
    assert sums is not None
    assert places is not None
    if rows.separate is not None:
        for place, gradient in zip(places, gradients, strict=True):
            rows.separate[row * len(sums) + place] = gradient
        return
    for place, gradient in zip(places, gradients, strict=True):
        sums.block[place] += gradient
    sums.rows += 1
    if sums.rows % BLOCK == 0:
        sums.end_block()


def _selected(interpreter: Interpreter, params: Sequence[float], rows: Rows) -> bytearray:
    width = interpreter.inputs
    interpreter.values[interpreter.params.start : interpreter.params.stop] = params
    status = bytearray()
    for row in range(rows.count) if rows.which is None else rows.which:
        failure = interpreter.forward(rows.batch[row * width : (row + 1) * width], False)
        status.append(1 if failure is None else 2 if failure[0] < 0 else 0)
    return status


# -- executors ---------------------------------------------------------------------------------------------------------
def executors() -> list[str]:
    """Return the names of the executors of this machine, the best one last; `["python"]` in the pure build.

    >>> "python" in executors() or "scalar" in executors()
    True
    """
    return core_executors() if cython.compiled else ["python"]


def choose_executor(name: str) -> None:
    """Run rows by this executor from now on.

    Raises:
        ValueError: This machine does not have it.

    >>> choose_executor("abacus")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: 'abacus' is not an executor of this machine: choose one of ...
    """
    global _executor
    if name not in executors():
        raise ValueError(f"{name!r} is not an executor of this machine: choose one of {', '.join(executors())}")
    if cython.compiled:
        core_choose(name.encode())
    _executor = name


def executor() -> str:
    """Return the name of the executor: the best one, the one that GLASSGRAD_SIMD names, or the one last chosen."""
    return _executor


_executor = ""
choose_executor(os.environ.get("GLASSGRAD_SIMD") or executors()[-1])
