# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""The last step of lowering: layers are put together, and every number gets its slot.

Dots over the same list, as the neurons of a layer are, become one instruction, `dots`, where the first of them stands.
It goes through them as they came, and back in backward, so nothing changes for the numbers of the list as long as no
other instruction in between uses them; and the weights, each used nowhere else, have no other contribution at all.
"""

from __future__ import annotations

from array import array

try:
    import cython
except ModuleNotFoundError:
    from autograd import cython_shim as cython

from autograd.primitives import table
from autograd.tape.compiled import program
from autograd.tape.compiled.program import Program, filled, layout_of
from autograd.tape.graph import FlatGraph

__all__ = ["number_slots"]

_ADD = table.ADD.code
_STRIDE = program.STRIDE
_NONE = program.NONE
_GUARD = program.GUARD
_DOT_SCALARS = program.DOT_SCALARS
_DOTS = program.DOTS
_BIAS_FIRST = program.BIAS_FIRST
_X_SLOT = program.X_SLOT
_NO_BIAS, _FIRST, _LAST = 0, 1, 2
_BOTH = program.NEED_Z | program.NEED_Z << program.PARAMS_ONLY
_LAYOUTS = array("i", [0] + [layout_of(op) for op in range(1, _DOTS + 1)])


def number_slots(
    flat: FlatGraph,
    code: array[int],
    lists: array[int],
    instructions: int,
    temporaries: int,
    uses: array[int],
    need: array[int],
) -> Program:
    """The program of instructions whose operands are ids.

    Args:
        code, lists, instructions: the instructions, as `autograd.tape.compiled.program` has them but for the ids.
        temporaries: how many ids there are beyond those of the graph.
        uses: how often each number of the graph is used.
        need: whether a gradient passes through it: bit 0 to parameters, bit 1 to inputs.
    """
    return Slots(flat, code, lists, instructions, temporaries, uses, need).run()


@cython.cclass
class Slots:
    """Instructions on their way from ids to slots."""

    def __init__(
        self,
        flat: FlatGraph,
        code: array[int],
        lists: array[int],
        instructions: int,
        temporaries: int,
        uses: array[int],
        need: array[int],
    ) -> None:
        self.flat = flat
        self.inputs = flat.inputs
        self.first = flat.inputs + flat.params
        self.count = self.first + len(flat.codes)
        self.ids = self.count + temporaries
        self.code, self.lists, self.instructions = code, lists, instructions
        self.layouts = _LAYOUTS
        self.uses, self.need = uses, need
        self.open_at = filled("i", self.ids, -1)
        self.is_open = filled("i", instructions, 0)
        self.leader = filled("i", instructions, -1)
        self.kind = filled("i", instructions, -1)
        self.members = filled("i", instructions, 0)
        self.absorbed = filled("i", instructions, 0)
        self.stamp = filled("i", self.ids, -1)
        self.slot = filled("i", self.ids, -1)
        self.constant_slot = filled("i", len(flat.constants), -1)
        self.rank = filled("i", self.ids, 0)
        self.constant_rank = filled("i", len(flat.constants), 0)
        self.block = filled("i", 0, 0)
        self.longest = 1
        self.listed = 0

    def run(self) -> Program:
        """All passes."""
        self.find_layers()
        self.put_layers_together()
        result = self.number()
        self.merge_runs(result)
        return result

    # -- layers -------------------------------------------------------------------------------------------------------
    def find_layers(self) -> None:
        """Which dots belong to the layer that an earlier one began; that one is its leader.

        A layer is open for another dot until an instruction that is none of its dots uses a number of its list.
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
            at = _STRIDE * t
            ys = self.code[at + 4]
            leader = self.open_at[self.lists[ys]]
            if leader < 0 or not self.fits(leader, t):
                self.close_all(t)
                leader = t
                self.is_open[t] = 1
                for j in range(ys, ys + self.code[at + 6]):
                    self.open_at[self.lists[j]] = t
            self.leader[t] = leader
            self.members[leader] += 1

    def is_sole(self, i: int) -> bool:
        """Whether an id is a parameter that is used once."""
        return self.inputs <= i < self.first and self.uses[i] == 1

    def layer_kind(self, t: int) -> int:
        """Whether a dot may belong to a layer, and where its bias (or a constant) comes; -1 where it may not."""
        at = _STRIDE * t
        if self.code[at] != _DOT_SCALARS or self.code[at + 6] < 2:
            return -1
        n = self.code[at + 6]
        xs = self.code[at + 3]
        ys = self.code[at + 4]
        for j in range(n):
            x = self.lists[xs + j]
            y = self.lists[ys + j]
            if not self.is_sole(x) or x != self.lists[xs] + j:
                return -1
            if y < 0 or self.inputs <= y < self.first or self.stamp[y] == t:
                return -1
            self.stamp[y] = t
        if self.code[at + 5] != _NONE:
            return _FIRST if self.code[at + 5] < 0 or self.is_sole(self.code[at + 5]) else -1
        return _LAST if self.bias_behind(t) >= 0 else _NO_BIAS

    def bias_behind(self, t: int) -> int:
        """The parameter that the next instruction adds to the dot, which nothing else uses; -1 where it does not."""
        at = _STRIDE * t
        after = at + _STRIDE
        out = self.code[at + 2]
        if t + 1 == self.instructions or self.code[after] != _ADD or (out < self.count and self.uses[out] != 1):
            return -1
        x = self.code[after + 3]
        y = self.code[after + 4]
        bias = y if x == out else x if y == out else -1
        return bias if self.is_sole(bias) else -1

    def fits(self, leader: int, t: int) -> bool:
        """Whether a dot has the list of an open layer."""
        a = _STRIDE * leader
        b = _STRIDE * t
        if not self.is_open[leader] or self.kind[leader] != self.kind[t] or self.code[a + 6] != self.code[b + 6]:
            return False
        for j in range(self.code[a + 6]):
            if self.lists[self.code[a + 4] + j] != self.lists[self.code[b + 4] + j]:
                return False
        return True

    def close_all(self, t: int) -> None:
        """Close the layers whose lists have an operand of this instruction."""
        at = _STRIDE * t
        layout = self.layouts[self.code[at]]
        for field in range(3):
            i = self.code[at + 3 + field]
            if layout >> field & 1 and i != _NONE:
                self.close(i)
            if layout >> (3 + field) & 1:
                for j in range(i, i + self.code[at + 6]):
                    self.close(self.lists[j])

    def close(self, i: int) -> None:
        """Close the layer whose list has this number."""
        if i >= 0 and self.open_at[i] >= 0:
            self.is_open[self.open_at[i]] = 0

    def put_layers_together(self) -> None:
        """Write the instructions again, each layer as one."""
        room = 1
        for t in range(self.instructions):
            room += 3 * self.code[_STRIDE * t + 6] + 3
        code = array("i", bytes(4 * _STRIDE * (self.instructions + 1)))
        lists = array("i", bytes(4 * (len(self.lists) + room)))
        self.rewrite(code, lists)
        self.code, self.lists = code, lists
        self.code_array, self.lists_array = code, lists  # the arrays behind: a slice of a memoryview is none

    def rewrite(self, code: array[int], lists: array[int]) -> None:
        """Copy what is in no layer, and make the layers."""
        starts = filled("i", self.instructions, 0)
        joined = filled("i", self.instructions, 0)
        listed = 0
        to = 0
        for t in range(self.instructions):
            at = _STRIDE * t
            n = self.code[at + 6]
            leader = self.leader[t]
            if self.absorbed[t]:
                continue
            if leader < 0:
                for field in range(8):
                    code[to + field] = self.code[at + field]
                layout = self.layouts[self.code[at]]
                for field in range(3):
                    if layout >> (3 + field) & 1:
                        for j in range(n):
                            lists[listed + j] = self.lists[self.code[at + 3 + field] + j]
                        code[to + 3 + field] = listed
                        listed += n
                to += _STRIDE
                continue
            if leader == t:
                members = self.members[t]
                starts[t] = to
                code[to] = _DOTS
                code[to + 1] = _BIAS_FIRST if self.kind[t] == _FIRST else 0
                code[to + 2] = listed
                code[to + 3] = listed + members
                code[to + 4] = listed + members + members * n
                code[to + 5] = _NONE if self.kind[t] == _NO_BIAS else listed + members + members * n + n
                code[to + 6] = n
                code[to + 7] = members
                listed += 2 * members + members * n + n
                for j in range(n):
                    lists[code[to + 4] + j] = self.lists[self.code[at + 4] + j]
                to += _STRIDE
            self.join(code, lists, starts[leader], t, joined[leader])
            joined[leader] += 1
        self.instructions = to // _STRIDE
        self.listed = listed

    def join(self, code: array[int], lists: array[int], to: int, t: int, member: int) -> None:
        """Make a dot a member of a layer."""
        at = _STRIDE * t
        n = self.code[at + 6]
        code[to + 1] |= self.code[at + 1]
        lists[code[to + 2] + member] = self.code[at + 2]
        for j in range(n):
            lists[code[to + 3] + member * n + j] = self.lists[self.code[at + 3] + j]
        if self.kind[t] == _FIRST:
            lists[code[to + 5] + member] = self.code[at + 5]
        elif self.kind[t] == _LAST:
            bias = self.bias_behind(t)
            lists[code[to + 2] + member] = self.code[at + _STRIDE + 2]
            lists[code[to + 5] + member] = bias
            if self.need[bias] and self.code[at + _STRIDE + 1]:
                code[to + 1] |= _BOTH

    # -- slots --------------------------------------------------------------------------------------------------------
    def number(self) -> Program:
        """The program, with slots in the place of ids."""
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
                if max(self.constant_rank[c], 1) == rank:
                    result.scalars[at] = flat.constants[c]
                    self.constant_slot[c] = at
                    at += 1
            if rank == 1:
                result.lanes_from = at
        result.first_input = at
        for i in range(self.inputs):
            self.slot[i] = at
            at += 1
        result.slots = self.rename(at)
        result.code = self.code_array[: _STRIDE * self.instructions]
        result.lists = self.lists_array[: self.listed]
        result.param_slots = array("i", [self.slot[i] for i in params])
        result.param_needed = array("i", [self.need[i] & 1 for i in params])
        result.outputs = array("i", [self.slot[i] if i >= 0 else self.constant_slot[-1 - i] for i in flat.outputs])
        result.aux = self.kept_locals()
        result.longest = self.longest
        return result

    def raise_rank(self, i: int, rank: int) -> None:
        """Parameters and constants: 0 for those of layers alone, 1 in lists of scalars, 2 as other operands."""
        if i >= 0:
            self.rank[i] = max(self.rank[i], rank)
        else:
            self.constant_rank[-1 - i] = max(self.constant_rank[-1 - i], rank)

    def rank_scalars(self) -> None:
        """How each parameter and constant is used."""
        for i in range(self.inputs, self.first):
            self.rank[i] = 1
        for t in range(self.instructions):
            if self.code[_STRIDE * t] == _DOTS:
                for j in range(self.code[_STRIDE * t + 6] * self.code[_STRIDE * t + 7]):
                    self.rank[self.lists[self.code[_STRIDE * t + 3] + j]] = 0
        for t in range(self.instructions):
            at = _STRIDE * t
            layout = self.layouts[self.code[at]]
            for field in range(3):
                i = self.code[at + 3 + field]
                if layout >> field & 1 and i != _NONE:
                    self.raise_rank(i, 2)
                if layout >> (3 + field) & 1 and not layout >> (6 + field) & 1:
                    for j in range(i, i + self.length(at, field)):
                        self.raise_rank(self.lists[j], 2)

    def length(self, at: int, field: int) -> int:
        """How long a list of an instruction is."""
        n = self.code[at + 6]
        if self.code[at] != _DOTS:
            return n
        if field == 2:
            return 0 if self.code[at + 5] == _NONE else self.code[at + 7]
        return n * self.code[at + 7] if field == 0 else n

    def rename(self, next_slot: int) -> int:
        """Put slots in the place of ids, results in the order of the instructions; the number of slots."""
        for t in range(self.instructions):
            at = _STRIDE * t
            layout = self.layouts[self.code[at]]
            self.longest = max(self.longest, self.code[at + 6])
            for field in range(3):
                i = self.code[at + 3 + field]
                if layout >> field & 1 and i != _NONE:
                    self.code[at + 3 + field] = self.slot[i] if i >= 0 else self.constant_slot[-1 - i]
                elif layout >> (3 + field) & 1:
                    for j in range(i, i + self.length(at, field)):
                        k = self.lists[j]
                        self.lists[j] = self.slot[k] if k >= 0 else self.constant_slot[-1 - k]
                elif i == _NONE and field < 2:
                    self.code[at + 3 + field] = 0
            if self.code[at] == _DOTS:
                outs = self.code[at + 2]
                self.code[at + 2] = next_slot
                for j in range(outs, outs + self.code[at + 7]):
                    self.slot[self.lists[j]] = next_slot
                    next_slot += 1
            elif self.code[at] != _GUARD:
                self.slot[self.code[at + 2]] = next_slot
                self.code[at + 2] = next_slot
                next_slot += 1
        return next_slot

    def kept_locals(self) -> int:
        """Where the local derivatives that forward keeps end."""
        found = 0
        for t in range(self.instructions):
            at = _STRIDE * t
            if self.code[at] != _DOTS and self.layouts[self.code[at]] >> 3 & 1:
                found = max(found, self.code[at + 7] + self.code[at + 6])
        return found

    def merge_runs(self, result: Program) -> None:
        """Make one instruction of the same primitive on slots in a row, within what one instruction gave."""
        code = result.code
        block = array("i", bytes(4 * (result.slots + 1)))
        self.code = code if len(code) else array("i", bytes(4))
        self.block = block
        self.merge(result.first_input + self.inputs)
        result.code = code[: _STRIDE * self.instructions]

    def merge(self, first: int) -> None:
        """`block` says for each slot which instruction gave it; inputs and scalars count as given by one."""
        code, block = self.code, self.block
        to = -_STRIDE
        for t in range(self.instructions):
            at = _STRIDE * t
            x = code[at + 3]
            out = code[at + 2]
            if (
                to >= 0
                and self.layouts[code[at]] == _X_SLOT
                and code[at] == code[to]
                and code[at + 1] == code[to + 1]
                and x == code[to + 3] + code[to + 6]
                and out == code[to + 2] + code[to + 6]
                and block[x] == block[x - 1]
                and x != first
            ):
                code[to + 6] += 1
                block[out] = block[out - 1]
                continue
            to += _STRIDE
            for field in range(8):
                code[to + field] = code[at + field]
            if code[at] == _DOTS:
                for j in range(code[at + 7]):
                    block[out + j] = t + 1
            elif code[at] != _GUARD:
                block[out] = t + 1
        self.instructions = (to + _STRIDE) // _STRIDE
