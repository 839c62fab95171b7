# The C types of autograd/places.py.
cimport cython
from autograd.value cimport Value, operand_count, operand_node, operand_number


cdef class Index:
    cdef long long low, count
    cdef int[::1] ids
    cdef dict others
    cdef bint is_dense
    @cython.locals(node=Value, low="long long", high="long long", i=Py_ssize_t, is_dense=bint)
    cpdef void _fill(self, list nodes, int first)
    @cython.locals(place="long long")
    cpdef int find(self, long long number) except? -2
    @cython.locals(parent=Value, i=Py_ssize_t, place=int)
    cpdef list of_parents(self, Value node)


@cython.locals(
    index=Index, fresh=bytearray, k=Py_ssize_t, node=Value, count=Py_ssize_t, i=Py_ssize_t, parent=Value, place=int,
    is_first=bint
)
cpdef list first_users(list nodes)

@cython.locals(
    index=Index, starts="int[::1]", members="int[::1]", numbers="long long[::1]", sums="double[::1]", tails="int[::1]",
    k=Py_ssize_t, group=int, found=int, node=Value, upstream=double, local_grads=tuple, parents=Py_ssize_t,
    i=Py_ssize_t, parent=Value, local_grad=double, place=int, tail=int
)
cpdef dict edges_between(list nodes, int[::1] groups, int count)
