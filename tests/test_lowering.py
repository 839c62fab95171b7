"""The net under lowering: faults put into its source one at a time, and the random functions that must see them.

Each fault is a line of `graph.py` or of `tape/compiled/` replaced by one that is wrong; what it makes runs on the
compiled replay. A fault that no random function sees fails here, so the bit tests can fail.
"""

from __future__ import annotations

import random
from array import array
from pathlib import Path
from types import ModuleType

import pytest
import tapes
from test_tape_bits import random_case

import autograd as ag
from autograd import BranchChanged, Tape, Value
from autograd.tape import graph, replay
from autograd.tape.compiled import fuse
from autograd.tape.pickling import packed, unpacked

compiled_only = pytest.mark.skipif(not ag.compiled, reason="the pure build does not run the lowered program")

FOLDER = Path(fuse.__file__).parent
FILES = {"graph": FOLDER.parent / "graph.py", **{name: FOLDER / f"{name}.py" for name in ("fuse", "layers", "reuse")}}
LARGEST_SEED = 3000

FAULTS = {
    "the left operands of guards keep their names": (
        "graph",
        'result.guard_lefts = array("i", [renamed.get(i, i) for i in flat.guard_lefts])',
        "result.guard_lefts = flat.guard_lefts",
    ),
    "the right operands of guards keep their names": (
        "graph",
        'result.guard_rights = array("i", [renamed.get(i, i) for i in flat.guard_rights])',
        "result.guard_rights = flat.guard_rights",
    ),
    "no chain is cut for the left operand of a sum": (
        "fuse",
        "(x == before or self.in_time(x, end, place - (before < 0)))",
        "True",
    ),
    "no chain is cut for the right operand of a sum": ("fuse", "and (y == before or self.in_time(y, end, place))", ""),
    "products join whatever their left operand": (
        "fuse",
        "if self.in_time(x, end, place) and self.in_time(y, end, place):",
        "if self.in_time(y, end, place):",
    ),
    "products join whatever their right operand": (
        "fuse",
        "if self.in_time(x, end, place) and self.in_time(y, end, place):",
        "if self.in_time(x, end, place):",
    ),
    "no operand of a dot counts as repeated": (
        "fuse",
        "repeated = repeated or self.stamp[operand] == i",
        "repeated = False",
    ),
    "scalars change sides where the order matters": ("fuse", "elif flags == 0 and scalars == n:", "elif scalars == n:"),
    "a replay does not see that the xs come first": (
        "fuse",
        "self.write(op, flags, out, at, at + n, start, n, 0)",
        "self.write(op, flags & ~XS_FIRST, out, at, at + n, start, n, 0)",
    ),
    "dots of other lists join a layer": (
        "layers",
        "if self.lists[self.code[a + Y] + j] != self.lists[self.code[b + Y] + j]:",
        "if False:",
    ),
    "dots join a closed layer": ("layers", "not self.is_open[leader] or ", ""),
    "dots join a layer before one that has their row": ("layers", "leader < self.row_leader[self.row[t]]", "False"),
    "a list of a layer may repeat a number": ("layers", " or self.stamp[y] == t", ""),
    "a weight of a layer may be used elsewhere": ("layers", "self.uses[j] != self.row_dots[row]", "False"),
    "only the first weight of a row is looked at": (
        "layers",
        "for j in range(row, row + self.code[STRIDE * t + N]):",
        "for j in range(row, row + 1):",
    ),
    "rows of weights may have several lengths": ("layers", "self.row_length[row] = -1", "pass"),
    "a bias of a layer may be used elsewhere": (
        "layers",
        "shares_bias = bias >= 0 and self.uses[bias] == self.row_dots[row]",
        "shares_bias = bias >= 0",
    ),
    "the dots of a row may have several biases": ("layers", "self.row_bias[row] = -1", "pass"),
    "a bias before a layer may be used elsewhere": (
        "layers",
        " or (self.row_starts[row] and not shares_bias)",
        "",
    ),
    "a layer has the flags of its first dot": ("layers", "code[to + FLAGS] |= self.code[at + FLAGS]", "pass"),
    "a layer forgets the gradients of its biases": ("layers", "code[to + FLAGS] |= _BOTH", "pass"),
    "instructions of other flags are merged": ("layers", "and code[at + FLAGS] == code[to + FLAGS]", ""),
    "results of other instructions are merged": ("layers", "and block[x] == block[x - 1]", ""),
    "lists keep the slots that their numbers had": ("reuse", "self.lists[j] = self.new_slot(self.lists[j])", "pass"),
    "a number in a list dies where it is made": ("reuse", "self.last_use[self.giver[self.lists[j]]] = t", "pass"),
    "a result may take the slot of an operand": (
        "reuse",
        "dying[max(t, self.last_use[t])].append(t)",
        "dying[max(t, self.last_use[t] - 1)].append(t)",
    ),
    "outputs die where they are used last": (
        "reuse",
        "self.last_use[self.giver[self.kept[j]]] = self.instructions",
        "pass",
    ),
}


def from_source(name: str, fault: tuple[str, str, str]) -> ModuleType:
    """One of the modules in Python, with the fault if it is there."""
    file, right, wrong = fault
    text = FILES[name].read_text(encoding="utf-8")
    if name == file:
        assert text.count(right) == 1, f"{right!r} stands {text.count(right)} times in {FILES[name]}"
        text = text.replace(right, wrong)
    module = ModuleType(f"{name}_from_source")
    exec(compile(text, str(FILES[name]), "exec"), vars(module))
    return module


def lower_by(fault: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tapes be lowered by the Python, with the fault, which may stand in any of the files."""
    made = from_source("fuse", fault)
    made.number_slots = from_source("layers", fault).number_slots  # type: ignore[attr-defined]
    made.folded = from_source("graph", fault).folded  # type: ignore[attr-defined]
    monkeypatch.setattr(replay, "lower", made.lower)
    monkeypatch.setattr(replay, "reusing_storage", from_source("reuse", fault).reusing_storage)


def with_constants(seed: int) -> tuple[tapes.Function, list[list[float]], Tape]:
    """A random function, rows, and a tape of it in which some parameters have become constants.

    Only a loaded tape has nodes that are computed from constants alone.
    """
    function, rows = random_case(seed, (2,))
    tape = function.record([Value(x) for x in function.params], rows[0])
    form = packed(tape.form)
    rng = random.Random(seed)
    renamed = {}
    for place, param in enumerate(tape.params):
        if rng.random() < 0.7:
            form["constants"] = array("d", [*form["constants"], param.data])
            renamed[function.inputs + place] = -len(form["constants"])
    for name in ("operands", "outputs", "guard_lefts", "guard_rights"):
        form[name] = array("i", [renamed.get(i, i) for i in form[name]])
    return function, rows, Tape(*unpacked(form, tape.params))


def is_seen(seed: int) -> bool:
    """Whether tapes of a random function differ from eager runs."""
    function, rows = random_case(seed, (2,))
    return bool(tapes.differences(function, rows)) or is_seen_folded(seed)


def is_seen_folded(seed: int) -> bool:
    """Whether a tape with constants in it differs, or cannot run."""
    try:
        function, rows, tape = with_constants(seed)
        outputs, gradients = tape.value_and_grad(rows)
        outputs += tape.forward(rows)
    except (BranchChanged, IndexError):  # an id that is not one
        return True
    expected = tapes.eager(function, rows)
    found = [*(row if isinstance(row, list) else [row] for row in outputs), *gradients]
    wanted = [*expected.outputs, *expected.outputs, *expected.input_gradients]
    return [list(map(tapes.bits, row)) for row in found] != [list(map(tapes.bits, row)) for row in wanted]


def test_constants_are_folded_with_the_bits_of_eager_runs() -> None:
    folded = 0
    for seed in range(300):
        assert not is_seen_folded(seed), seed
        flat = with_constants(seed)[2].form.flat
        folded += graph.folded(flat) is not flat
    assert folded > 30


def test_a_replay_takes_the_branches_of_an_eager_run_or_says_which_row_does_not() -> None:
    changed = 0
    for seed in range(1000):
        function, _ = random_case(seed, (1,))
        rng = random.Random(seed)
        rows = [function.row(rng, 0.1) for _ in range(6)]
        branches = [function.branches(row) for row in rows]
        if not branches[0]:
            continue
        other = next((row for row, taken in enumerate(branches) if taken != branches[0]), None)
        tape = function.record([Value(x) for x in function.params], rows[0])
        if other is None:
            tape.forward(rows)
            continue
        changed += 1
        with pytest.raises(BranchChanged) as raised:
            tape.value_and_grad(rows)
        assert raised.value.row == other
    assert changed > 10


@compiled_only
@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_the_random_functions_see_a_fault(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lower_by(FAULTS[fault], monkeypatch)
    assert any(map(is_seen, range(LARGEST_SEED))), f"no random function sees that {fault}"


@compiled_only
def test_without_a_fault_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    lower_by(("", "", ""), monkeypatch)
    assert not any(map(is_seen, range(100)))
