# The C types of autograd/tape/compiled/layers.py.
cimport cython
from autograd.tape.compiled.scratch cimport Scratch, copied

cdef extern from "program.h":  # constants for the C compiler
    enum:
        STRIDE "FIELDS"
        OP "FIELD_OP"
        FLAGS "FIELD_FLAGS"
        OUT "FIELD_OUT"
        X "FIELD_X"
        Y "FIELD_Y"
        Z "FIELD_Z"
        N "FIELD_N"
        AUX "FIELD_AUX"
        DOT_SCALARS "OP_DOT_SCALARS"
        DOTS "OP_DOTS"
        GUARD "OP_GUARD"
        BIAS_FIRST
        NO_SLOT

cdef int _ADD, _NO_BIAS, _FIRST, _LAST, _BOTH
cdef int X_SLOT


cdef class Slots:
    cdef object flat
    cdef Scratch scratch
    cdef int inputs, first, count, ids, instructions, longest, listed
    cdef int[::1] code, lists, layouts, uses, need
    cdef int[::1] open_at, is_open, leader, kind, members, absorbed, stamp
    cdef int[::1] row, row_length, row_dots, row_bias, row_starts, row_leader
    cdef int[::1] slot, constant_slot, rank, constant_rank, block

    @cython.locals(t=int, at=int, n=int, row=int, bias=int)
    cdef void find_rows(self) noexcept
    @cython.locals(at=int, n=int, xs=int, ys=int, z=int, j=int, x=int, y=int)
    cdef bint is_candidate(self, int t) noexcept
    cdef bint is_param(self, int i) noexcept
    @cython.locals(at=int, after=int, out=int, x=int, y=int, bias=int)
    cdef int bias_behind(self, int t) noexcept
    @cython.locals(t=int, kind=int, ys=int, leader=int, j=int)
    cdef void find_layers(self) noexcept
    @cython.locals(row=int, j=int, bias=int, shares_bias=bint)
    cdef int layer_kind(self, int t) noexcept
    @cython.locals(j=int)
    cdef int open_layer(self, int t) noexcept
    @cython.locals(a=int, b=int, j=int)
    cdef bint fits(self, int leader, int t) noexcept
    @cython.locals(at=int, layout=int, field=int, i=int, j=int)
    cdef void close_all(self, int t) noexcept
    cdef void close(self, int i) noexcept
    @cython.locals(room=Py_ssize_t, t=int, code="int[::1]", lists="int[::1]")
    cdef put_layers_together(self)
    @cython.locals(
        starts="int[::1]", joined="int[::1]", listed=int, to=int, t=int, at=int, n=int, leader=int, field=int, layout=int,
        j=int, members=int
    )
    cdef rewrite(self, int[::1] code, int[::1] lists)
    @cython.locals(at=int, n=int, j=int, bias=int)
    cdef void join(self, int[::1] code, int[::1] lists, int to, int t, int member) noexcept
    @cython.locals(at=int, rank=int, i=int, c=int)
    cdef number(self)
    cdef void raise_rank(self, int i, int rank) noexcept
    @cython.locals(i=int, t=int, j=int, at=int, layout=int, field=int, scalars=bint)
    cdef void rank_scalars(self) noexcept
    @cython.locals(n=int)
    cdef int length(self, int at, int field) noexcept
    @cython.locals(t=int, at=int, layout=int, field=int, i=int, j=int, k=int, outs=int)
    cdef int rename(self, int next_slot) noexcept
    @cython.locals(found=int, t=int, at=int)
    cdef int kept_locals(self) noexcept
    cdef merge_runs(self, object result)
    @cython.locals(code="int[::1]", block="int[::1]", to=int, t=int, at=int, x=int, out=int, field=int, j=int)
    cdef void merge(self, int first) noexcept
