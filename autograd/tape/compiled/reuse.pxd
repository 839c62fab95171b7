# The C types of autograd/tape/compiled/reuse.py.
cimport cython
from autograd.tape.compiled.scratch cimport Scratch, give_back, lent

cdef extern from "program.h":  # constants for the C compiler
    enum:
        STRIDE "FIELDS"
        OP "FIELD_OP"
        OUT "FIELD_OUT"
        X "FIELD_X"
        N "FIELD_N"
        AUX "FIELD_AUX"
        DOTS "OP_DOTS"
        GUARD "OP_GUARD"
        NO_SLOT

cdef int X_SLOT


cdef class Reuse:
    cdef Scratch scratch
    cdef int instructions, first, slots
    cdef int[::1] layouts, code, lists, giver, last_use, moved, kept
    cdef dict free
    @cython.locals(t=int, j=int, slots=int, dying=list, count=int, before=int, after=int, giver=int)
    cdef int run(self)
    @cython.locals(at=int, op=int)
    cdef int given(self, int t) noexcept
    cpdef int new_slot(self, int i) noexcept
    @cython.locals(at=int, op=int, layout=int, field=int, i=int, j=int)
    cdef void visit(self, int t, bint move) noexcept
