# The C types of autograd/tape/graph.py.
cimport cython
from autograd.places cimport Index
from autograd.value cimport Value, operand_count, operand_node, operand_number

cdef int _LAST


cdef class Flattening:
    cdef object flat
    cdef Index leaves, nodes, inputs
    cdef dict constants
    @cython.locals(found=int)
    cpdef int id_of(self, Value node) except? -2
    @cython.locals(known=int)
    cpdef int id_of_number(self, double number) except 0
    @cython.locals(
        nodes=Py_ssize_t, total=Py_ssize_t, k=Py_ssize_t, i=Py_ssize_t, to=Py_ssize_t, node=Value, parent=Value,
        codes="int[::1]", starts="int[::1]", operands="int[::1]",
        kinds=bytearray
    )
    cpdef flatten(self, list computed)


@cython.locals(
    given=Index, k=Py_ssize_t, low="long long", high="long long", leaf=Value, params=list, places="int[::1]", found=list
)
cdef list _parameters(list leaves, list inputs)

@cython.locals(k=Py_ssize_t, i=Py_ssize_t, found=bint)
cdef bint _has_constant_node(int[::1] starts, int[::1] operands, Py_ssize_t nodes)

@cython.locals(first=int, k=int, mask=int, low=int, found=int, j=int)
cdef _mark_from_leaves(int[::1] codes, int[::1] starts, int[::1] operands, int[::1] inert, int[::1] up, int nodes)
@cython.locals(first=int, k=int, mask=int, low=int, j=int)
cdef _mark_from_outputs(
    int[::1] codes, int[::1] starts, int[::1] operands, int[::1] inert, int[::1] up, int[::1] need, int nodes
)
