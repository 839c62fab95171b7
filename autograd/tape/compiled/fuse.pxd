# The C types of autograd/tape/compiled/fuse.py.
cimport cython
from autograd.tape.compiled.scratch cimport Scratch, give_back, lent

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
        DOT "OP_DOT"
        DOT_SCALARS "OP_DOT_SCALARS"
        DOT_ALL_SCALARS "OP_DOT_ALL_SCALARS"
        TAKE_SCALARS "OP_TAKE_SCALARS"
        GUARD "OP_GUARD"
        CALL "OP_CALL"
        XS_FIRST
        NO_SLOT


cdef long long _NODE_SPAN
cdef int _ADD, _MULTIPLY, _DOT, _SUM, _MEAN, _TAKE, LAST
cdef int TABLE_SIZE, X_LIST


cdef class Lowering:
    cdef object draft, flat
    cdef Scratch scratch
    cdef int first, nodes, count, inputs
    cdef int[::1] codes, starts, operands
    cdef int[::1] uses, successor, predecessor, position, last_product, owner, end, need, inert, layouts, stamp
    cdef long long[::1] latest
    cdef int[::1] code, lists, terms
    cdef int instructions, listed, temporaries, aux, terms_count

    @cython.locals(i=Py_ssize_t)
    cdef void share_constants(self, int[::1] firsts) noexcept
    @cython.locals(i=Py_ssize_t)
    cdef count_uses(self, int[::1] others)
    cdef bint is_single(self, int i, int code) noexcept
    @cython.locals(k=int, i=int, x=int, y=int, before=int, term=int)
    cdef find_chains(self)
    cdef void join(self, int product, int link, int position) noexcept
    @cython.locals(i=int, k=int, x=int, y=int, end=int, before=int, place=int, j=int)
    cdef order(self)
    cdef bint in_time(self, int i, int end, int place) noexcept
    cdef void contribute(self, int i, int end, int place) noexcept
    @cython.locals(guards=int, guard=int, k=int)
    cdef emit(self)
    cdef emit_guard(self, int guard)
    @cython.locals(at=int)
    cdef void write(self, int op, int flags, int out, int x, int y, int z, int n, int aux) noexcept
    @cython.locals(need=int)
    cdef int flags_of(self, int i, int bit) noexcept
    @cython.locals(i=int, code=int, low=int, n=int, mask=int, x=int, y=int, z=int, flags=int)
    cdef void emit_node(self, int k) noexcept
    @cython.locals(at=int, mask=int, flags=int, j=int, index=int, op=int, aux=int)
    cdef void emit_list_node(self, int i, int code, int low, int n) noexcept
    cdef void list_operand(self, int i) noexcept
    cdef bint is_scalar(self, int i) noexcept
    @cython.locals(j=int)
    cdef bint all_scalars(self, int at, int n) noexcept
    @cython.locals(repeated=bint, j=int, operand=int, at=int)
    cdef void emit_dot_node(self, int i, int low, int n) noexcept
    @cython.locals(scalars=int, both=int, j=int, x=bint, y=bint, op=int)
    cdef void write_dot(self, int out, int start, int at, int n, int flags, bint needed) noexcept
    @cython.locals(needed=bint, count=int, at=int, before=int, stop=int, out=int)
    cdef void emit_chain(self, int end) noexcept
    cdef bint is_joined(self, int i) noexcept
    cdef int out_of(self, int end, bint is_last) noexcept
    @cython.locals(terms="int[::1]", count=int, link=int, k=int, x=int, y=int, before=int, j=int)
    cdef void gather(self, int end) noexcept
    @cython.locals(flags=int, x=int, y=int, begin=int, j=int)
    cdef void emit_sum(self, int out, int before, int at, int stop, bint needed) noexcept
    @cython.locals(begin=int, j=int)
    cdef void emit_products(self, int out, int before, int at, int stop, bint needed) noexcept
