# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""From a flat graph to the program of a tape: fewer and larger instructions that give the same bits.

A chain of additions `((t0 + t1) + t2) + ...`, each used once, becomes one `sum`, and products among its terms, each
used once, turn it into a `dot`. The values keep their bits because the additions keep their order. The gradients keep
theirs as long as every number receives its contributions in the order of an eager backward pass: newest consumer first.
A fused instruction passes on all of its contributions at the place of its end, the last of its terms first. So a term
may join only if none of its operands has another consumer created between the term and the end; the pass `order` cuts
chains and leaves products alone where this requires it.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

from autograd.primitives import table
from autograd.tape.compiled.layers import number_slots
from autograd.tape.compiled.program import LAYOUTS, TABLE_SIZE, X_LIST, Draft, Program
from autograd.tape.compiled.scratch import give_back, lent
from autograd.tape.graph import LAST, FlatGraph, check_size, folded, gradients_needed, inert_operands

if not cython.compiled:  # the .pxd has them as constants
    from autograd.tape.compiled.program import (
        AUX,
        CALL,
        DOT,
        DOT_ALL_SCALARS,
        DOT_SCALARS,
        FLAGS,
        GUARD,
        NO_SLOT,
        OP,
        OUT,
        STRIDE,
        TAKE_SCALARS,
        XS_FIRST,
        N,
        X,
        Y,
        Z,
    )

__all__ = ["lower"]

_ADD = table.ADD.code
_MULTIPLY = table.MULTIPLY.code
_DOT = table.DOT.code
_SUM = table.SUM.code
_MEAN = table.MEAN.code
_TAKE = table.TAKE.code
_NODE_SPAN = 2**31  # more than there are places in a chain


def lower(flat: FlatGraph, receiving: array[int]) -> Program:
    """Lower a graph to a program.

    Args:
        flat: A well-formed graph.
        receiving: For each parameter, whether it receives a gradient.

    Raises:
        OverflowError: The graph is too large for the 32-bit places of a program.
    """
    check_size(flat)
    flat = folded(flat)
    scratch = lent()
    try:
        return Lowering(Draft(flat, gradients_needed(flat, receiving), scratch)).run()
    finally:
        give_back(scratch)


def first_of_equals(constants: array[float]) -> array[int]:
    """Return for each constant the place of the first one that has its bits.

    >>> first_of_equals(array("d", [1.0, 0.0, 1.0, -0.0]))
    array('i', [0, 1, 0, 3])
    """
    first: dict[int, int] = {}
    return array("i", [first.setdefault(number, c) for c, number in enumerate(array("q", constants.tobytes()))])


@cython.cclass
class Lowering:
    """A graph that is being lowered. Arrays are indexed by id; -1 in place of an id means that there is none."""

    def __init__(self, draft: Draft) -> None:
        flat = draft.flat
        self.draft = draft
        self.scratch = draft.scratch
        self.flat = flat
        self.inputs = flat.inputs
        self.first = flat.inputs + flat.params  # computed nodes have the ids from here on
        self.nodes = len(flat.codes)
        self.count = self.first + self.nodes
        self.codes = flat.codes if self.nodes else array("i", [0])
        self.starts = flat.starts
        self.operands = flat.operands[:] if self.nodes else array("i", [0])
        self.code, self.lists, self.uses, self.need = draft.code, draft.lists, draft.uses, draft.need
        self.successor = self.scratch.ints(self.count, -1)
        self.predecessor = self.scratch.ints(self.count, -1)
        self.position = self.scratch.ints(self.count, 0)
        self.last_product = self.scratch.ints(self.count, -1)
        self.owner = self.scratch.ints(self.count, -1)
        self.end = self.scratch.ints(self.count, -1)
        self.latest = self.scratch.longs(self.count, 1)
        self.inert = inert_operands()
        self.layouts = LAYOUTS
        self.stamp = self.scratch.ints(self.count, -1)
        self.instructions = self.listed = self.temporaries = self.aux = 0
        self.terms = self.scratch.any_ints(self.nodes + 1)
        self.terms_count = 0

    def run(self) -> Program:
        """Run all passes."""
        self.share_constants(first_of_equals(self.flat.constants))
        self.count_uses(array("i", [*self.flat.outputs, *self.flat.guard_lefts, *self.flat.guard_rights, -1]))
        self.find_chains()
        self.order()
        self.emit()
        self.draft.instructions, self.draft.temporaries = self.instructions, self.temporaries
        return number_slots(self.draft)

    def share_constants(self, firsts: array[int]) -> None:
        """Put the first of equal constants in the place of the others."""
        for i in range(self.starts[self.nodes]):
            if self.operands[i] < 0:
                self.operands[i] = -1 - firsts[-1 - self.operands[i]]

    # -- which instructions there will be -----------------------------------------------------------------------------
    def count_uses(self, others: array[int]) -> None:
        """Count how often each number is an operand, an output, or compared by a guard."""
        for i in range(self.starts[self.nodes]):
            if self.operands[i] >= 0:
                self.uses[self.operands[i]] += 1
        for i in range(len(others)):
            if others[i] >= 0:
                self.uses[others[i]] += 1

    def is_single(self, i: int, code: int) -> bool:
        """Return whether an id is a computed node of this primitive that is used once."""
        return i >= self.first and self.uses[i] == 1 and self.codes[i - self.first] == code

    def find_chains(self) -> None:
        """Link additions into chains; a product next to another product in a chain joins it."""
        for k in range(self.nodes):
            if self.codes[k] != _ADD:
                continue
            i = self.first + k
            x = self.operands[self.starts[k]]
            y = self.operands[self.starts[k] + 1]
            before = x if self.is_single(x, _ADD) else y if self.is_single(y, _ADD) else -1
            if before < 0:
                self.position[i] = 1
                if self.is_single(y, _MULTIPLY):
                    self.last_product[i] = y
                    if self.is_single(x, _MULTIPLY):
                        self.join(x, i, 0)
                        self.join(y, i, 1)
                continue
            term = y if before == x else x
            self.successor[before] = i
            self.predecessor[i] = before
            self.position[i] = self.position[before] + 1
            if self.is_single(term, _MULTIPLY):
                self.last_product[i] = term
                if self.last_product[before] >= 0:
                    self.join(self.last_product[before], before, self.position[before])
                    self.join(term, i, self.position[i])

    def join(self, product: int, link: int, position: int) -> None:
        """Make a product a term of the chain."""
        self.owner[product] = link
        self.position[product] = position

    def order(self) -> None:
        """Set the ends of every chain such that all contributions come in the order of an eager backward pass.

        `latest` is the time of the last contribution that a number has received from the consumers visited so far,
        which are the newer ones; times run backward, as the backward pass does. The time of a contribution is the end
        of the piece of its chain and its place there; outside of chains it is its node.
        """
        for i in range(self.count - 1, self.first - 1, -1):
            k = i - self.first
            x = self.operands[self.starts[k]]
            if self.codes[k] == _ADD:
                y = self.operands[self.starts[k] + 1]
                end = self.end[self.successor[i]] if self.successor[i] >= 0 else i
                before = self.predecessor[i]
                place = self.position[i]
                if end != i and not (
                    (x == before or self.in_time(x, end, place - (before < 0)))
                    and (y == before or self.in_time(y, end, place))
                ):
                    end = i
                self.end[i] = end
                if x != before:
                    self.contribute(x, end, place - (before < 0))
                if y != before:
                    self.contribute(y, end, place)
                continue
            if self.owner[i] >= 0:
                y = self.operands[self.starts[k] + 1]
                end = self.end[self.owner[i]]
                place = self.position[i]
                if self.in_time(x, end, place) and self.in_time(y, end, place):
                    self.contribute(x, end, place)
                    self.contribute(y, end, place)
                    continue
                self.owner[i] = -1
            for j in range(self.starts[k], self.starts[k + 1]):
                self.contribute(self.operands[j], i, 0)

    def in_time(self, i: int, end: int, place: int) -> bool:
        """Return whether a contribution at this time comes after all those that it must follow."""
        return i < 0 or (i >= self.first and self.owner[i] >= 0) or self.latest[i] > _NODE_SPAN * end + place

    def contribute(self, i: int, end: int, place: int) -> None:
        """Record the time of a contribution."""
        if i >= 0 and self.latest[i] > _NODE_SPAN * end + place:
            self.latest[i] = _NODE_SPAN * end + place

    # -- the instructions, with ids in the place of slots -------------------------------------------------------------
    def emit(self) -> None:
        """Write the instructions, oldest first, and the guards at their places."""
        places = self.flat.guard_places
        guards = len(places)
        guard = 0
        for k in range(self.nodes):
            while guard < guards and places[guard] <= k:
                self.emit_guard(guard)
                guard += 1
            self.emit_node(k)
        while guard < guards:
            self.emit_guard(guard)
            guard += 1

    def emit_guard(self, guard: int) -> None:
        """Write a guard."""
        flat = self.flat
        self.write(
            GUARD,
            0,
            guard,
            flat.guard_lefts[guard],
            flat.guard_rights[guard],
            flat.guard_codes[guard],
            flat.guard_outcomes[guard],
            0,
        )

    def write(self, op: int, flags: int, out: int, x: int, y: int, z: int, n: int, aux: int) -> None:
        """Write one instruction."""
        at = STRIDE * self.instructions
        self.code[at + OP] = op
        self.code[at + FLAGS] = flags
        self.code[at + OUT] = out
        self.code[at + X] = x
        self.code[at + Y] = y
        self.code[at + Z] = z
        self.code[at + N] = n
        self.code[at + AUX] = aux
        self.instructions += 1

    def flags_of(self, i: int, bit: int) -> int:
        """Return the flags for an operand that needs a gradient; `bit` is its flag."""
        if i < 0:
            return 0
        need = self.need[i] if i < self.count else 3
        return (bit if need else 0) | (bit << 3 if need & 1 else 0)

    def emit_node(self, k: int) -> None:
        """Write the instruction of a node; a node within a chain is written with the end of the chain."""
        i = self.first + k
        code = self.codes[k]
        low = self.starts[k]
        n = self.starts[k + 1] - low
        if self.owner[i] >= 0:
            return
        if code == _ADD:
            if self.end[i] == i:
                self.emit_chain(i)
            return
        if code < TABLE_SIZE and self.layouts[code] & X_LIST == 0:
            mask = self.inert[code]
            x = self.operands[low]
            y = self.operands[low + 1] if n > 1 else NO_SLOT
            z = self.operands[low + 2] if n > 2 else NO_SLOT
            flags = 0
            if self.need[i]:
                flags = self.flags_of(x, 1 & ~mask) | self.flags_of(y, 2 & ~mask) | self.flags_of(z, 4 & ~mask)
            self.write(code, flags, i, x, y, z, n, 0)
        elif code == _DOT:
            self.emit_dot_node(i, low, n // 2)
        else:
            self.emit_list_node(i, code, low, n)

    def emit_list_node(self, i: int, code: int, low: int, n: int) -> None:
        """Write a primitive of any number of operands, or a user's."""
        at = self.listed
        mask = self.inert[code]
        flags = 0
        for j in range(low, low + n):
            self.list_operand(self.operands[j])
            if self.need[i] and not (mask == LAST and j == low + n - 1):
                flags |= self.flags_of(self.operands[j], 1)
        if code == _TAKE:
            index = self.operands[low + n - 1]
            self.listed -= 1
            op = TAKE_SCALARS if self.all_scalars(at, n - 1) else _TAKE
            self.write(op, flags, i, at, index, NO_SLOT, n - 1, 0)
            return
        aux = self.aux
        op = code if code < TABLE_SIZE else CALL
        if op != _SUM and op != _MEAN:
            self.aux += n
        self.write(op, flags, i, at, NO_SLOT, code if op == CALL else NO_SLOT, n, aux)

    def list_operand(self, i: int) -> None:
        """Append an operand to the lists."""
        self.lists[self.listed] = i
        self.listed += 1

    def is_scalar(self, i: int) -> bool:
        """Return whether a number is the same for all rows: a parameter or a constant."""
        return i < 0 or self.inputs <= i < self.first

    def all_scalars(self, at: int, n: int) -> bool:
        """Return whether a section of the lists holds scalars only."""
        for j in range(at, at + n):  # noqa: SIM110 - a generator would be a Python object
            if not self.is_scalar(self.lists[j]):
                return False
        return True

    def emit_dot_node(self, i: int, low: int, n: int) -> None:
        """Write the primitive dot, of n terms."""
        repeated = False
        for j in range(low, low + 2 * n):
            operand = self.operands[j]
            if operand >= 0:
                repeated = repeated or self.stamp[operand] == i
                self.stamp[operand] = i
        at = self.listed
        for j in range(low, low + 2 * n):
            self.list_operand(self.operands[j])
        self.write_dot(i, NO_SLOT, at, n, XS_FIRST if repeated else 0, self.need[i] != 0)

    def write_dot(self, out: int, start: int, at: int, n: int, flags: int, needed: bool) -> None:
        """Write a dot of n terms, whose x and y stand in the lists from `at` on; scalars go to the left if possible."""
        scalars = 0
        both = 0
        for j in range(at, at + n):
            x = self.is_scalar(self.lists[j])
            y = self.is_scalar(self.lists[j + n])
            scalars += x or y
            both += x and y
        op = DOT
        if flags == 0 and both == n:
            op = DOT_ALL_SCALARS
        elif flags == 0 and scalars == n:
            op = DOT_SCALARS
            for j in range(at, at + n):
                if not self.is_scalar(self.lists[j]):
                    self.lists[j], self.lists[j + n] = self.lists[j + n], self.lists[j]
        if needed:
            flags |= self.flags_of(start, 4)
            for j in range(at, at + n):
                flags |= self.flags_of(self.lists[j], 1) | self.flags_of(self.lists[j + n], 2)
        self.write(op, flags, out, at, at + n, start, n, 0)

    def emit_chain(self, end: int) -> None:
        """Write the piece of a chain that ends here: dots and sums, each of which starts with the one before."""
        self.gather(end)
        needed = self.need[end] != 0
        count = self.terms_count
        at = 0
        before = NO_SLOT
        while at < count:
            stop = at
            while stop < count and self.is_joined(self.terms[stop]):
                stop += 1
            if stop == at:
                while stop < count and not self.is_joined(self.terms[stop]):
                    stop += 1
                if before == NO_SLOT and stop == at + 1:  # a first term alone starts the dot behind it
                    before = self.terms[at]
                    at = stop
                    continue
                out = self.out_of(end, stop == count)
                self.emit_sum(out, before, at, stop, needed)
            else:
                out = self.out_of(end, stop == count)
                self.emit_products(out, before, at, stop, needed)
            before = out
            at = stop

    def is_joined(self, i: int) -> bool:
        """Return whether a term is a product without an instruction of its own."""
        return i >= self.first and i < self.count and self.owner[i] >= 0

    def out_of(self, end: int, is_last: bool) -> int:
        """Return the id of the result of a part of a chain."""
        if is_last:
            return end
        self.temporaries += 1
        return self.count + self.temporaries - 1

    def gather(self, end: int) -> None:
        """Collect the terms of the piece that ends here, from the first."""
        terms = self.terms
        count = 0
        link = end
        while True:
            k = link - self.first
            x = self.operands[self.starts[k]]
            y = self.operands[self.starts[k] + 1]
            before = self.predecessor[link]
            if before < 0:
                terms[count] = y
                terms[count + 1] = x
                count += 2
                break
            terms[count] = y if x == before else x
            count += 1
            if self.end[before] != end:
                terms[count] = before
                count += 1
                break
            link = before
        self.terms_count = count
        for j in range(count // 2):
            terms[j], terms[count - 1 - j] = terms[count - 1 - j], terms[j]

    def emit_sum(self, out: int, before: int, at: int, stop: int, needed: bool) -> None:
        """Write the sum of `before` and some terms."""
        flags = 0
        if stop - at + (before != NO_SLOT) == 2:
            x = self.terms[at] if before == NO_SLOT else before
            y = self.terms[stop - 1]
            if needed:
                flags = self.flags_of(x, 1) | self.flags_of(y, 2)
            self.write(_ADD, flags, out, x, y, NO_SLOT, 2, 0)
            return
        begin = self.listed
        if before != NO_SLOT:
            self.list_operand(before)
        for j in range(at, stop):
            self.list_operand(self.terms[j])
        if needed:
            for j in range(begin, self.listed):
                flags |= self.flags_of(self.lists[j], 1)
        self.write(_SUM, flags, out, begin, NO_SLOT, NO_SLOT, self.listed - begin, 0)

    def emit_products(self, out: int, before: int, at: int, stop: int, needed: bool) -> None:
        """Write the sum of `before` and some products."""
        begin = self.listed
        for j in range(at, stop):
            self.list_operand(self.operands[self.starts[self.terms[j] - self.first]])
        for j in range(at, stop):
            self.list_operand(self.operands[self.starts[self.terms[j] - self.first] + 1])
        self.write_dot(out, before, begin, stop - at, 0, needed)
