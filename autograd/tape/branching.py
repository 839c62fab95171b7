"""A batch whose rows take several tapes: each row is replayed by the tape whose guards hold for it."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from itertools import compress
from typing import Any, Protocol

from autograd.tape.batches import read_gradient
from autograd.tape.compiled.program import BLOCK
from autograd.tape.replay import Failure, Rows, Sums
from autograd.tape.tape import Tape
from autograd.value import Value

__all__ = ["Branches", "Record", "Run"]

_SPAN = 4096  # the most rows that are grouped by tape at a time, and
_SPAN_NUMBERS = 2**18  # the most gradients of parameters that are kept meanwhile, where 64 rows have no more
_OTHERS = bytes([1] + [0] * 255)  # translates a status into its opposite


class Branches(Protocol):
    """The tapes of a function for rows of one width."""

    @property
    def width(self) -> int:
        """The number of numbers per row."""

    @property
    def tapes(self) -> list[Tape]:
        """The tapes, in the order of their recording."""


Record = Callable[["array[float]", int], Tape]


class Run:
    """One batch: each row is replayed by the tape whose guards hold for it.

    Rows are replayed in order as long as one tape takes them. Where it does not take the next one, the rows of a span
    are grouped by tape, so that each tape runs all of its rows in lanes. Their gradients of parameters are kept per row
    and summed in the order of the rows, so the bits do not depend on the grouping.

    Args:
        record: Records a row, given its numbers, that none of the first so many tapes takes; it returns the tape.
        branches: The tapes so far; `record` adds to them.
        numbers: The rows, a buffer of float64.
        count: The number of rows.
    """

    def __init__(self, record: Record, branches: Branches, numbers: Any, count: int) -> None:
        self.record = record
        self.branches = branches
        self.numbers = numbers
        self.count = count
        self.tape = branches.tapes[0] if branches.tapes else self._recorded(0, 0)  # the one that took the last row
        self.columns = self.tape.output_count
        self.outputs = array("d", bytes(8 * self.columns * count))
        self.seeds: array[float] | None = None
        self.gradients: array[float] | None = None
        self.params: tuple[Value, ...] = ()
        self.needed = array("i")
        self.sums = Sums(0)
        self._taken: dict[int, int] = {}  # how many rows of the groups each tape has taken
        self._place: dict[int, int] = {}  # of a parameter in the sums
        self._places: dict[int, array[int] | None] = {}  # of the parameters of each tape

    def prepare_backward(self, gradient: Any, input_gradients: bool) -> None:
        """Make room for gradients; `go` computes them then."""
        self.seeds = read_gradient(gradient, self.count, self.columns)
        if input_gradients:
            self.gradients = array("d", bytes(8 * self.branches.width * self.count))

    def go(self) -> None:
        """Run all rows."""
        row, span = 0, BLOCK
        while row < self.count:
            failure = self._replayed(self.tape, row, self.count)
            if failure is None:
                return
            if failure.guard < 0:
                raise self.tape.error_of(failure)
            # where branches change from row to row, spans grow
            span = BLOCK if failure.row - row >= BLOCK else min(2 * span, self._largest_span())
            row = failure.row
            end = min(self.count, row + span)
            self._run_groups(row, end, self._groups(row, end))
            row = end

    def _largest_span(self) -> int:
        columns = max(len(self.sums), *(len(tape.params) for tape in self.branches.tapes), 1)
        return max(BLOCK, min(_SPAN, _SPAN_NUMBERS // columns // BLOCK * BLOCK))

    def _groups(self, begin: int, end: int) -> list[tuple[Tape, array[int]]]:
        """Return the tapes that take rows of a span, and the places of their rows in it."""
        tapes, groups = sorted(self.branches.tapes, key=lambda tape: -self._taken.get(id(tape), 0)), []
        pending = array("i", range(end - begin))
        stopped = end - begin  # the first row that fails at an index
        tried = 0
        while pending and pending[0] < stopped:  # an error belongs to the first row that has one
            if tried == len(tapes):
                tapes.append(self._recorded(begin + pending[0], tried))
            tape = tapes[tried]
            tried += 1
            status = tape.select(Rows(self._numbers(begin, end), end - begin, None, which=pending))
            if 2 in status:
                stopped = min(stopped, pending[status.index(2)])
            taken = array("i", compress(pending, status))
            if taken:
                groups.append((tape, taken))
                self._taken[id(tape)] = self._taken.get(id(tape), 0) + len(taken)
                pending = array("i", compress(pending, status.translate(_OTHERS)))
        return groups

    def _run_groups(self, begin: int, end: int, groups: list[tuple[Tape, array[int]]]) -> None:
        failures = []
        if len(groups) == 1 and len(groups[0][1]) == end - begin:
            failures.append((self._replayed(groups[0][0], begin, end), groups[0][0]))
        else:
            for tape, _ in groups:
                self._places_of(tape)
            separate = None if self.seeds is None else array("d", bytes(8 * len(self.sums) * (end - begin)))
            for tape, which in groups:
                failures.append((self._replayed(tape, begin, end, which, separate), tape))
            if separate is not None:
                self.sums.add_rows(separate, end - begin)
        found = [(failure, tape) for failure, tape in failures if failure is not None]
        if found:
            failure, tape = min(found, key=lambda pair: pair[0].row)
            raise tape.error_of(failure)
        self.tape = next(tape for tape, which in groups if which[-1] == end - begin - 1)

    def _replayed(
        self,
        tape: Tape,
        begin: int,
        end: int,
        which: array[int] | None = None,
        separate: array[float] | None = None,
    ) -> Failure | None:
        """Run rows on a tape, all or those that are asked for; None, or where in the batch it failed."""
        outputs = self._part(self.outputs, self.columns, begin, end)
        rows = Rows(self._numbers(begin, end), end - begin, outputs, which=which)
        if self.seeds is not None:
            per_row = len(self.seeds) > self.columns
            rows.seeds = self.seeds[begin * self.columns : end * self.columns] if per_row else self.seeds
            if self.gradients is not None:
                rows.input_gradients = self._part(self.gradients, self.branches.width, begin, end)
            rows.places = self._places_of(tape)
            rows.sums, rows.separate = self.sums, separate
        failure = tape.replay(rows)
        return None if failure is None else failure._replace(row=begin + failure.row)

    def _recorded(self, row: int, tried: int) -> Tape:
        return self.record(array("d", self._numbers(row, row + 1)), tried)

    def _numbers(self, begin: int, end: int) -> Any:
        return self.numbers[begin * self.branches.width : end * self.branches.width]

    def _part(self, numbers: array[float], columns: int, begin: int, end: int) -> memoryview:
        return memoryview(numbers)[begin * columns : end * columns]

    def _places_of(self, tape: Tape) -> array[int] | None:
        """Return where the sums have the parameters of a tape; None for the order of the tape."""
        if id(tape) in self._places:
            return self._places[id(tape)]
        places = None
        if not self._places:  # of the first tape
            self.params, self.needed, self.sums = tape.params, tape.param_needed, Sums(len(tape.params))
        else:
            if not self._place:
                self._place = {id(parameter): i for i, parameter in enumerate(self.params)}
                self.needed = self.needed[:]
            place, added = self._place, []
            for parameter, needed in zip(tape.params, tape.param_needed, strict=True):
                if id(parameter) not in place:
                    place[id(parameter)] = self.sums.append()
                    added.append(parameter)
                    self.needed.append(0)
                self.needed[place[id(parameter)]] |= needed
            self.params += tuple(added)
            places = array("i", [place[id(parameter)] for parameter in tape.params])
        self._places[id(tape)] = places
        return places
