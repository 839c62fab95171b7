"""A function that is applied to whole columns of numbers: recorded once, computed in lanes, a row at a time in effect.

>>> from array import array
>>> step = ColumnTape(lambda columns, settings: [columns[0] - settings[0] * columns[1]], {"p": 1.0, "g": 2.0}, [0.5])
>>> found = array("d", [0.0, 0.0])
>>> step.prepare([0.5]), step.run((array("d", [1.0, 2.0]), array("d", [2.0, 4.0])), (found,), 2)
(True, True)
>>> found
array('d', [0.0, 0.0])

The function also takes settings, which are the same for all rows. What depends on them alone is computed once per call.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autograd.modes import unwatched
from autograd.tape.graph import FlatGraph
from autograd.tape.record import form_of_call
from autograd.tape.recorder import Recorder
from autograd.tape.replay import Replayer, Rows
from autograd.value import Value

__all__ = ["ColumnTape", "divided"]


class ColumnTape:
    """A function of a row and of settings, recorded.

    Args:
        function: Takes the list of the numbers of a row and the list of the settings, all as Values; returns a list.
        columns: The names of the numbers of a row, and those for which it is recorded.
        settings: The settings for which it is recorded.
        what: What errors call the function.

    Attributes:
        setting_places: For each parameter of the first part its place among the settings; None if it has others.

    Raises:
        TypeError: The function returns something other than a list of Values and numbers.
        ValueError: The function decides by a number of a row, reads a number of a Value, or draws a random number.
    """

    def __init__(
        self,
        function: Callable[[list[Value], list[Value]], Sequence[Any]],
        columns: Mapping[str, float],
        settings: Sequence[float],
        what: str = "the function",
    ) -> None:
        rows = [Value(number, name) for name, number in columns.items()]
        self._settings = [Value(number) for number in settings]
        recorder = Recorder(rows, warns=False)
        with unwatched():
            form, params, _ = form_of_call(
                lambda row: list(function(row, self._settings)), rows, [rows], None, recorder
            )
        if recorder.frozen:
            line = recorder.frozen[0]
            raise ValueError(
                f"{what} reads a number of a Value, which it would keep as it is: compute with the Value itself\n"
                f"  {line.where}: {line.text}"
            )
        if form.draws:
            raise ValueError(f"{what} draws a random number: it must depend on nothing but its arguments")
        outer, inner, guards = divided(form.flat)
        if guards:
            assert form.lines is not None
            raise ValueError(
                f"{what} decides by {' or '.join(columns)}, which differ from row to row: choose by autograd.where\n"
                f"  {form.lines[guards[0]]}"
            )
        self._params = tuple(params)
        place = {id(setting): i for i, setting in enumerate(self._settings)}
        only_settings = all(id(parameter) in place for parameter in params)
        self.setting_places = array("i", [place[id(one)] for one in params]) if only_settings else None
        self._outer = Replayer(outer, array("i", bytes(4 * outer.params)))
        self._inner = Replayer(inner, array("i", bytes(4 * inner.params)))
        self._read: list[float] | None = None
        self._computed = array("d", bytes(8 * inner.params))
        self._settled: Any = None  # what the first part needs of the settings
        self._scalars: Any = None  # what the second part needs of what the first one computes
        self._outer_columns: tuple[array[float], ...] | None = None
        if self.setting_places is not None and not outer.guard_codes:
            self._outer_columns = tuple([array("d", [0.0]) for _ in range(inner.params)])

    @property
    def parts(self) -> tuple[Replayer, Replayer]:
        """What depends on the settings alone, and the rest, whose parameters are the outputs of the first."""
        return self._outer, self._inner

    def reads_setting(self, place: int) -> bool:
        """Return whether what `prepare` computes may depend on this setting, or on a number that is not a setting."""
        return self.setting_places is None or place in self.setting_places

    def prepare(self, settings: Sequence[float]) -> bool:
        """Compute what depends on the settings alone.

        Returns:
            Whether the tape holds: if not, a decision of the function by a setting has another outcome, and the
            function is to be recorded again.
        """
        if self.setting_places is not None:
            now = [settings[place] for place in self.setting_places]
        else:
            with unwatched():
                now = [parameter.data for parameter in self._params]
                now += settings
        if now == self._read:
            return True
        if self._outer_columns is not None:
            self._read = None
            self._settled = self._outer.scalars_for(now, self._settled)
            if self._outer_columns and self._outer.columns(self._settled, (), self._outer_columns, 1) >= 0:
                return False
            for i, column in enumerate(self._outer_columns):
                self._computed[i] = column[0]
            self._scalars = self._inner.scalars_for(self._computed, self._scalars)
            self._read = now
            return True
        for setting, number in zip(self._settings, settings, strict=True):
            setting.data = number
        self._read = None
        if self._outer.replay(self._params, Rows(array("d"), 1, self._computed)) is not None:
            return False
        self._scalars = self._inner.scalars_for(self._computed, self._scalars)
        self._read = now
        return True

    def run(self, inputs: tuple[array[float], ...], outputs: tuple[array[float], ...], rows: int) -> bool:
        """Compute the output columns, for the settings of the last `prepare`.

        Args:
            inputs: A column per number of a row.
            outputs: The columns that receive the results; none of them is an input.
            rows: The number of rows, at least 1.

        Returns:
            Whether all results are finite.

        Raises:
            ValueError: An index of a row is out of range.
        """
        failed = self._inner.columns(self._scalars, inputs, outputs, rows)
        if failed >= 0:
            raise ValueError(f"row {failed} takes an index that is out of range")
        return failed == -1


def divided(flat: FlatGraph) -> tuple[FlatGraph, FlatGraph, list[int]]:
    """Divide a graph into what depends on the parameters alone and the rest.

    Returns:
        The first graph, which has no inputs; the second one, whose parameters are the outputs of the first; and the
        guards that depend on inputs, which neither of them has.
    """
    inputs, first = flat.inputs, flat.inputs + flat.params
    varies = bytearray(first + len(flat.codes))
    varies[:inputs] = b"\x01" * inputs
    needed: dict[int, int] = {}  # ids of the first graph, and their places among its outputs
    for k in range(len(flat.codes)):
        operands = flat.operands[flat.starts[k] : flat.starts[k + 1]]
        if any(i >= 0 and varies[i] for i in operands):
            varies[first + k] = 1
            for i in operands:
                if i >= 0 and not varies[i]:
                    needed.setdefault(i, len(needed))
    for i in flat.outputs:
        if i >= 0 and not varies[i]:
            needed.setdefault(i, len(needed))
    outer, inner = FlatGraph(0, flat.params), FlatGraph(inputs, len(needed))
    outer_ids = {i: i - inputs for i in range(inputs, first)}
    inner_ids = {i: i for i in range(inputs)} | {i: inputs + place for i, place in needed.items()}
    places = [0]  # the number of nodes of the first graph before each node
    for graph in (outer, inner):
        graph.constants = flat.constants[:]
    for k, code in enumerate(flat.codes):
        graph, ids = (inner, inner_ids) if varies[first + k] else (outer, outer_ids)
        ids[first + k] = graph.inputs + graph.params + len(graph.codes)
        graph.codes.append(code)
        graph.operands.extend([i if i < 0 else ids[i] for i in flat.operands[flat.starts[k] : flat.starts[k + 1]]])
        graph.starts.append(len(graph.operands))
        places.append(len(outer.codes))
    outer.outputs = array("i", [outer_ids[i] for i in needed])
    inner.outputs = array("i", [i if i < 0 else inner_ids[i] for i in flat.outputs])
    refused = []
    for guard, (left, right) in enumerate(zip(flat.guard_lefts, flat.guard_rights, strict=True)):
        if any(i >= 0 and varies[i] for i in (left, right)):
            refused.append(guard)
            continue
        outer.guard_codes.append(flat.guard_codes[guard])
        outer.guard_lefts.append(left if left < 0 else outer_ids[left])
        outer.guard_rights.append(right if right < 0 else outer_ids[right])
        outer.guard_outcomes.append(flat.guard_outcomes[guard])
        outer.guard_places.append(places[flat.guard_places[guard]])
    return outer, inner, refused
