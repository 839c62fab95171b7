# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Storage for the forward pass alone, where nothing is kept for backward: results take the slots of dead values."""

from __future__ import annotations

from array import array

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

from autograd.tape.compiled.program import LAYOUTS, X_SLOT, Program
from autograd.tape.compiled.scratch import Scratch, give_back, lent

if not cython.compiled:  # the .pxd has them as constants
    from autograd.tape.compiled.program import AUX, DOTS, GUARD, NO_SLOT, OP, OUT, STRIDE, N, X

__all__ = ["reusing_storage"]


def reusing_storage(full: Program) -> Program:
    """Return the program for the forward pass alone, which uses the slots of dead values again."""
    result = Program(full.flat)
    for name in ("scalars", "param_slots", "param_needed", "first_input", "grads_from", "lanes_from", "longest"):
        setattr(result, name, getattr(full, name))
    result.code, result.lists = full.code[:], full.lists[:]
    scratch = lent()
    try:
        reuse = Reuse(result, full, scratch)
        result.slots = reuse.run()
        result.outputs = array("i", [reuse.new_slot(i) for i in full.outputs])
    finally:
        give_back(scratch)
    return result


@cython.cclass
class Reuse:
    """Instructions whose results move to the slots of dead values; those of one instruction stay together."""

    def __init__(self, result: Program, full: Program, scratch: Scratch) -> None:
        self.scratch = scratch
        self.layouts = LAYOUTS
        self.code = result.code if len(result.code) else array("i", bytes(4))
        self.lists = result.lists if len(result.lists) else array("i", bytes(4))
        self.instructions = len(full)
        self.first = full.first_input + full.flat.inputs
        self.slots = full.slots
        self.giver = self.scratch.ints(full.slots, -1)
        self.last_use = self.scratch.ints(len(full), -1)
        self.moved = self.scratch.ints(len(full), 0)
        self.kept = array("i", [*full.outputs, -1])
        self.free: dict[int, list[int]] = {}

    def run(self) -> int:
        """Move all results, and return the number of slots."""
        for t in range(self.instructions):
            for j in range(self.given(t)):
                self.giver[self.code[STRIDE * t + OUT] + j] = t
        for t in range(self.instructions):
            self.visit(t, False)
        for j in range(len(self.kept) - 1):
            if self.kept[j] >= self.first:
                self.last_use[self.giver[self.kept[j]]] = self.instructions
        slots = self.first
        dying: list[list[int]] = [[] for _ in range(self.instructions)]
        for t in range(self.instructions):
            count = self.given(t)
            if count and self.last_use[t] < self.instructions:
                dying[max(t, self.last_use[t])].append(t)
        for t in range(self.instructions):
            self.visit(t, True)
            count = self.given(t)
            if count:
                before = self.code[STRIDE * t + OUT]
                unused = self.free.get(count)
                if unused:
                    after = unused.pop()
                else:
                    after = slots
                    slots += count
                self.moved[t] = after - before
                self.code[STRIDE * t + OUT] = after
            for giver in dying[t]:  # after the results of t have their slots, which must not be those of its operands
                self.free.setdefault(self.given(giver), []).append(self.code[STRIDE * giver + OUT])
        return slots

    def given(self, t: int) -> int:
        """Return the number of results of an instruction."""
        at = STRIDE * t
        op = self.code[at + OP]
        if op == DOTS:
            return self.code[at + AUX]
        if op == GUARD:
            return 0
        return self.code[at + N] if self.layouts[op] == X_SLOT else 1

    def new_slot(self, i: int) -> int:
        """Return the new slot of a number."""
        return i if i < self.first else i + self.moved[self.giver[i]]

    def visit(self, t: int, move: bool) -> None:
        """Record that an instruction uses its operands, or replace them by their new slots."""
        at = STRIDE * t
        op = self.code[at + OP]
        layout = self.layouts[op]
        for field in range(3):
            i = self.code[at + X + field]
            if layout >> field & 1 and i != NO_SLOT:
                if move:
                    self.code[at + X + field] = self.new_slot(i)
                elif i >= self.first:
                    self.last_use[self.giver[i]] = t
            elif layout >> (3 + field) & 1 and not layout >> (6 + field) & 1:
                for j in range(i, i + self.code[at + N]):
                    if move:
                        self.lists[j] = self.new_slot(self.lists[j])
                    elif self.lists[j] >= self.first:
                        self.last_use[self.giver[self.lists[j]]] = t
