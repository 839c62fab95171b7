# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""The last step of lowering: layers are put together, and every number is given a slot.

Dots over the same list, such as the neurons of a layer, become one instruction, `dots`, at the place of the first of
them. It visits them in their order, and backward in the backward pass, so nothing changes for the numbers of the list
as long as no other instruction in between uses them.

The weights of such a dot are a row: parameters one after another, which may serve several dots, such as those of a
recurrent network at every step, but nothing else. A gradient of theirs is the sum over these dots, from the newest; so
a dot may join a layer only if that leaves the dots of its row in their order.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

from autograd.primitives import table
from autograd.tape.compiled.program import LAYOUTS, NEED_Z, PARAMS_ONLY, X_SLOT, Draft, Program
from autograd.tape.compiled.scratch import copied

if not cython.compiled:  # the .pxd has them as constants
    from autograd.tape.compiled.program import (
        AUX,
        BIAS_FIRST,
        DOT_SCALARS,
        DOTS,
        FLAGS,
        GUARD,
        NO_SLOT,
        OP,
        OUT,
        STRIDE,
        N,
        X,
        Y,
        Z,
    )

__all__ = ["number_slots"]

_ADD = table.ADD.code
_NO_BIAS, _FIRST, _LAST = 0, 1, 2
_BOTH = NEED_Z | NEED_Z << PARAMS_ONLY


def number_slots(draft: Draft) -> Program:
    """Return the program of a draft: layers put together, and slots in place of ids."""
    return Slots(draft).run()


@cython.cclass
class Slots:
    """Instructions on their way from ids to slots."""

    def __init__(self, draft: Draft) -> None:
        flat = draft.flat
        self.scratch = draft.scratch
        instructions = draft.instructions
        self.flat = flat
        self.inputs = flat.inputs
        self.first = flat.inputs + flat.params
        self.count = self.first + len(flat.codes)
        self.ids = self.count + draft.temporaries
        self.code, self.lists, self.instructions = draft.code, draft.lists, instructions
        self.layouts = LAYOUTS
        self.uses, self.need = draft.uses, draft.need
        self.open_at = self.scratch.ints(self.ids, -1)
        self.is_open = self.scratch.ints(instructions, 0)
        self.leader = self.scratch.ints(instructions, -1)
        self.kind = self.scratch.ints(instructions, -1)
        self.members = self.scratch.ints(instructions, 0)
        self.absorbed = self.scratch.ints(instructions, 0)
        self.stamp = self.scratch.ints(self.ids, -1)
        # of each dot that may belong to a layer the first weight, and by it what is known of the row of weights
        self.row = self.scratch.ints(instructions, -1)
        self.row_length = self.scratch.ints(self.first, 0)
        self.row_dots = self.scratch.ints(self.first, 0)
        self.row_bias = self.scratch.ints(self.first, -1)
        self.row_starts = self.scratch.ints(self.first, 0)
        self.row_leader = self.scratch.ints(self.first, -1)
        self.slot = self.scratch.ints(self.ids, -1)
        self.constant_slot = self.scratch.ints(len(flat.constants), -1)
        self.rank = self.scratch.ints(self.ids, 0)
        self.constant_rank = self.scratch.ints(len(flat.constants), 0)
        self.block = self.scratch.ints(0, 0)
        self.longest = 1
        self.listed = 0

    def run(self) -> Program:
        """All passes."""
        self.find_rows()
        self.find_layers()
        self.put_layers_together()
        result = self.number()
        self.merge_runs(result)
        return result

    # -- layers -------------------------------------------------------------------------------------------------------
    def find_rows(self) -> None:
        """Find the dots that may belong to layers, and the rows of weights that they use."""
        for t in range(self.instructions):
            if not self.is_candidate(t):
                continue
            at = STRIDE * t
            n = self.code[at + N]
            row = self.lists[self.code[at + X]]
            bias = self.code[at + Z] if self.code[at + Z] != NO_SLOT else self.bias_behind(t)
            self.row[t] = row
            if self.row_dots[row] == 0:
                self.row_length[row] = n
                self.row_bias[row] = bias
            elif self.row_length[row] != n:
                self.row_length[row] = -1
            if self.row_bias[row] != bias:
                self.row_bias[row] = -1
            if self.code[at + Z] >= 0:
                self.row_starts[row] = 1
            self.row_dots[row] += 1

    def is_candidate(self, t: int) -> bool:
        """Return whether an instruction is a dot of consecutive parameters and of numbers that differ."""
        at = STRIDE * t
        n = self.code[at + N]
        xs = self.code[at + X]
        ys = self.code[at + Y]
        z = self.code[at + Z]
        if self.code[at + OP] != DOT_SCALARS or n < 2 or (z >= 0 and not self.is_param(z)):
            return False
        for j in range(n):
            x = self.lists[xs + j]
            y = self.lists[ys + j]
            if not self.is_param(x) or x != self.lists[xs] + j:
                return False
            if y >= 0:
                if self.is_param(y) or self.stamp[y] == t:
                    return False
                self.stamp[y] = t
        return True

    def is_param(self, i: int) -> bool:
        """Return whether an id is that of a parameter."""
        return self.inputs <= i < self.first

    def bias_behind(self, t: int) -> int:
        """Return the parameter that the next instruction adds to the dot; -1 if there is none."""
        at = STRIDE * t
        after = at + STRIDE
        out = self.code[at + OUT]
        if t + 1 == self.instructions or self.code[after + OP] != _ADD or (out < self.count and self.uses[out] != 1):
            return -1
        x = self.code[after + X]
        y = self.code[after + Y]
        bias = y if x == out else x if y == out else -1
        return bias if self.is_param(bias) else -1

    def find_layers(self) -> None:
        """Find the dots that belong to a layer, whose first dot is its leader.

        A layer is open for another dot until an instruction that is not one of its dots uses a number of its list.
        """
        for t in range(self.instructions):
            if self.absorbed[t]:
                continue
            kind = self.layer_kind(t)
            if kind < 0:
                self.close_all(t)
                continue
            self.kind[t] = kind
            if kind == _LAST:
                self.absorbed[t + 1] = 1
            leader = self.open_layer(t)
            if leader < 0 or not self.fits(leader, t):
                self.close_all(t)
                leader = t
                self.is_open[t] = 1
                ys = self.code[STRIDE * t + Y]
                for j in range(ys, ys + self.code[STRIDE * t + N]):
                    if self.lists[j] >= 0:
                        self.open_at[self.lists[j]] = t
            self.leader[t] = leader
            self.members[leader] += 1
            self.row_leader[self.row[t]] = leader

    def layer_kind(self, t: int) -> int:
        """Return where the bias (or a constant) of a dot comes if it belongs to a layer; otherwise -1.

        It does if its row of weights is used in such dots alone. A bias belongs to the layer if all dots of the row
        have it, and nothing else; otherwise the addition behind the dot stays, and a dot that starts with it does too.
        """
        row = self.row[t]
        if row < 0:
            return -1
        for j in range(row, row + self.code[STRIDE * t + N]):
            if self.uses[j] != self.row_dots[row]:
                return -1
        bias = self.row_bias[row]
        shares_bias = bias >= 0 and self.uses[bias] == self.row_dots[row]
        if self.row_length[row] < 0 or (self.row_starts[row] and not shares_bias):
            return -1
        if self.code[STRIDE * t + Z] != NO_SLOT:
            return _FIRST
        return _LAST if shares_bias else _NO_BIAS

    def open_layer(self, t: int) -> int:
        """Return the leader of the last layer that was opened for a number of the list of a dot; -1 if none was."""
        j = self.code[STRIDE * t + Y]
        while self.lists[j] < 0:  # a constant; not all are
            j += 1
        return self.open_at[self.lists[j]]

    def fits(self, leader: int, t: int) -> bool:
        """Return whether a dot may join an open layer: it has its list, and stays behind the older dots of its row."""
        a = STRIDE * leader
        b = STRIDE * t
        if not self.is_open[leader] or self.kind[leader] != self.kind[t] or self.code[a + N] != self.code[b + N]:
            return False
        if leader < self.row_leader[self.row[t]]:
            return False
        for j in range(self.code[a + N]):
            if self.lists[self.code[a + Y] + j] != self.lists[self.code[b + Y] + j]:
                return False
        return True

    def close_all(self, t: int) -> None:
        """Close the layers whose lists contain an operand of this instruction."""
        at = STRIDE * t
        layout = self.layouts[self.code[at + OP]]
        for field in range(3):
            i = self.code[at + X + field]
            if layout >> field & 1 and i != NO_SLOT:
                self.close(i)
            if layout >> (3 + field) & 1:
                for j in range(i, i + self.code[at + N]):
                    self.close(self.lists[j])

    def close(self, i: int) -> None:
        """Close the layer whose list contains this number."""
        if i >= 0 and self.open_at[i] >= 0:
            self.is_open[self.open_at[i]] = 0

    def put_layers_together(self) -> None:
        """Rewrite the instructions, each layer as one."""
        room = 1
        for t in range(self.instructions):
            room += 3 * self.code[STRIDE * t + N] + 3
        code = self.scratch.any_ints(STRIDE * (self.instructions + 1))
        lists = self.scratch.any_ints(len(self.lists) + room)
        self.rewrite(code, lists)
        self.code, self.lists = code, lists

    def rewrite(self, code: array[int], lists: array[int]) -> None:
        """Copy the instructions outside of layers, and create the layers."""
        starts = self.scratch.ints(self.instructions, 0)
        joined = self.scratch.ints(self.instructions, 0)
        listed = 0
        to = 0
        for t in range(self.instructions):
            at = STRIDE * t
            n = self.code[at + N]
            leader = self.leader[t]
            if self.absorbed[t]:
                continue
            if leader < 0:
                for field in range(STRIDE):
                    code[to + field] = self.code[at + field]
                layout = self.layouts[self.code[at + OP]]
                for field in range(3):
                    if layout >> (3 + field) & 1:
                        for j in range(n):
                            lists[listed + j] = self.lists[self.code[at + X + field] + j]
                        code[to + X + field] = listed
                        listed += n
                to += STRIDE
                continue
            if leader == t:
                members = self.members[t]
                starts[t] = to
                code[to + OP] = DOTS
                code[to + FLAGS] = BIAS_FIRST if self.kind[t] == _FIRST else 0
                code[to + OUT] = listed
                code[to + X] = listed + members
                code[to + Y] = listed + members + members * n
                code[to + Z] = NO_SLOT if self.kind[t] == _NO_BIAS else listed + members + members * n + n
                code[to + N] = n
                code[to + AUX] = members
                listed += 2 * members + members * n + n
                for j in range(n):
                    lists[code[to + Y] + j] = self.lists[self.code[at + Y] + j]
                to += STRIDE
            self.join(code, lists, starts[leader], t, joined[leader])
            joined[leader] += 1
        self.instructions = to // STRIDE
        self.listed = listed

    def join(self, code: array[int], lists: array[int], to: int, t: int, member: int) -> None:
        """Add a dot to a layer."""
        at = STRIDE * t
        n = self.code[at + N]
        code[to + FLAGS] |= self.code[at + FLAGS]
        lists[code[to + OUT] + member] = self.code[at + OUT]
        for j in range(n):
            lists[code[to + X] + member * n + j] = self.lists[self.code[at + X] + j]
        if self.kind[t] == _FIRST:
            lists[code[to + Z] + member] = self.code[at + Z]
        elif self.kind[t] == _LAST:
            bias = self.bias_behind(t)
            lists[code[to + OUT] + member] = self.code[at + STRIDE + OUT]
            lists[code[to + Z] + member] = bias
            if self.need[bias] and self.code[at + STRIDE + FLAGS]:
                code[to + FLAGS] |= _BOTH

    # -- slots --------------------------------------------------------------------------------------------------------
    def number(self) -> Program:
        """Return the program, with slots in place of ids."""
        flat = self.flat
        result = Program(flat)
        constants = len(flat.constants)
        self.rank_scalars()
        for output in flat.outputs:
            self.raise_rank(output, 2)
        params = range(self.inputs, self.first)
        result.scalars = array("d", bytes(8 * (flat.params + constants)))
        at = 0
        for rank in range(3):
            for i in params:
                if self.rank[i] == rank:
                    self.slot[i] = at
                    at += 1
            if rank == 0:
                result.grads_from = at
            for c in range(constants):
                if rank > 0 and self.constant_rank[c] == rank:
                    result.scalars[at] = flat.constants[c]
                    self.constant_slot[c] = at
                    at += 1
            if rank == 1:
                result.lanes_from = at
        result.first_input = at
        result.scalars = result.scalars[:at]
        for i in range(self.inputs):
            self.slot[i] = at
            at += 1
        result.slots = self.rename(at)
        result.code = copied(self.code, STRIDE * self.instructions)
        result.lists = copied(self.lists, self.listed)
        result.param_slots = array("i", [self.slot[i] for i in params])
        result.param_needed = array("i", [self.need[i] & 1 for i in params])
        result.outputs = array("i", [self.slot[i] if i >= 0 else self.constant_slot[-1 - i] for i in flat.outputs])
        result.aux = self.kept_locals()
        result.longest = self.longest
        return result

    def raise_rank(self, i: int, rank: int) -> None:
        """Raise the rank of a scalar: 1 in lists of scalars, 2 as any other operand; 0 for weights of layers.

        A constant of rank 0 is not used.
        """
        if i >= 0:
            self.rank[i] = max(self.rank[i], rank)
        else:
            self.constant_rank[-1 - i] = max(self.constant_rank[-1 - i], rank)

    def rank_scalars(self) -> None:
        """Rank parameters and constants by how they are used."""
        for i in range(self.inputs, self.first):
            self.rank[i] = 1
        for t in range(self.instructions):
            if self.code[STRIDE * t + OP] == DOTS:
                for j in range(self.code[STRIDE * t + N] * self.code[STRIDE * t + AUX]):
                    self.rank[self.lists[self.code[STRIDE * t + X] + j]] = 0
        for t in range(self.instructions):
            at = STRIDE * t
            layout = self.layouts[self.code[at + OP]]
            for field in range(3):
                i = self.code[at + X + field]
                if layout >> field & 1 and i != NO_SLOT:
                    self.raise_rank(i, 2)
                if layout >> (3 + field) & 1:
                    scalars = layout >> (6 + field) & 1
                    for j in range(i, i + self.length(at, field)):
                        if not scalars or self.lists[j] < 0:
                            self.raise_rank(self.lists[j], 1 if scalars else 2)

    def length(self, at: int, field: int) -> int:
        """Return the length of a list of an instruction."""
        n = self.code[at + N]
        if self.code[at + OP] != DOTS:
            return n
        if field == 2:
            return 0 if self.code[at + Z] == NO_SLOT else self.code[at + AUX]
        return n * self.code[at + AUX] if field == 0 else n

    def rename(self, next_slot: int) -> int:
        """Replace ids by slots, results in the order of the instructions, and return the number of slots."""
        for t in range(self.instructions):
            at = STRIDE * t
            layout = self.layouts[self.code[at + OP]]
            self.longest = max(self.longest, self.code[at + N])
            for field in range(3):
                i = self.code[at + X + field]
                if layout >> field & 1 and i != NO_SLOT:
                    self.code[at + X + field] = self.slot[i] if i >= 0 else self.constant_slot[-1 - i]
                elif layout >> (3 + field) & 1:
                    for j in range(i, i + self.length(at, field)):
                        k = self.lists[j]
                        self.lists[j] = self.slot[k] if k >= 0 else self.constant_slot[-1 - k]
                elif i == NO_SLOT and field < 2:
                    self.code[at + X + field] = 0
            if self.code[at + OP] == DOTS:
                outs = self.code[at + OUT]
                self.code[at + OUT] = next_slot
                for j in range(outs, outs + self.code[at + AUX]):
                    self.slot[self.lists[j]] = next_slot
                    next_slot += 1
            elif self.code[at + OP] != GUARD:
                self.slot[self.code[at + OUT]] = next_slot
                self.code[at + OUT] = next_slot
                next_slot += 1
        return next_slot

    def kept_locals(self) -> int:
        """Return the number of local derivatives that the forward pass keeps."""
        found = 0
        for t in range(self.instructions):
            at = STRIDE * t
            if self.code[at + OP] != DOTS and self.layouts[self.code[at + OP]] >> 3 & 1:
                found = max(found, self.code[at + AUX] + self.code[at + N])
        return found

    def merge_runs(self, result: Program) -> None:
        """Merge instructions of one primitive on consecutive slots that are the results of one instruction."""
        code = result.code
        block = self.scratch.ints(result.slots, 0)
        self.code = code if len(code) else array("i", bytes(4))
        self.block = block
        self.merge(result.first_input + self.inputs)
        result.code = code[: STRIDE * self.instructions]

    def merge(self, first: int) -> None:
        """Merge; `block` has for each slot the instruction that computes it, the same for all inputs and scalars."""
        code, block = self.code, self.block
        to = -STRIDE
        for t in range(self.instructions):
            at = STRIDE * t
            x = code[at + X]
            out = code[at + OUT]
            if (
                to >= 0
                and self.layouts[code[at + OP]] == X_SLOT
                and code[at + OP] == code[to + OP]
                and code[at + FLAGS] == code[to + FLAGS]
                and x == code[to + X] + code[to + N]
                and out == code[to + OUT] + code[to + N]
                and block[x] == block[x - 1]
                and x != first
            ):
                code[to + N] += 1
                block[out] = block[out - 1]
                continue
            to += STRIDE
            for field in range(STRIDE):
                code[to + field] = code[at + field]
            if code[at + OP] == DOTS:
                for j in range(code[at + AUX]):
                    block[out + j] = t + 1
            elif code[at + OP] != GUARD:
                block[out] = t + 1
        self.instructions = (to + STRIDE) // STRIDE
