# The C types of autograd/passes.py.
cimport cython
from autograd.value cimport Value, binary, unary


cdef extern from "autograd/core/passes.h":
    bint core_reaches_older(list roots, long long after) except -1
    object core_gradients(list roots, list sources, long long after, bint alone)
    list core_tangents(list roots, list sources, list directions, long long after)
    tuple core_dependents(list roots, list sources, long long after)


cpdef bint reaches_older(list roots, long long after) except -1
cpdef object gradients(Value root, list sources, long long after=*, bint alone=*)
cpdef list tangents(list roots, list sources, list directions, long long after)
cpdef object product(object upstream, object local)

@cython.locals(
    operands=tuple, count=Py_ssize_t, i=Py_ssize_t, found=list, wanted=list, row=object, entry=object, local=object
)
cpdef list derivatives_of(Value node)

cdef object _add_to(list sums, Py_ssize_t place, object term)

@cython.locals(
    nodes=list, ids=list, sums=list, locals_=list, node=Value, i=Py_ssize_t, j=Py_ssize_t, to=Py_ssize_t,
    place=Py_ssize_t, count=Py_ssize_t
)
cpdef list recorded_gradients(Value root, list sources, long long after)

@cython.locals(
    nodes=list, ids=list, along=list, locals_=list, node=Value, i=Py_ssize_t, j=Py_ssize_t, to=Py_ssize_t,
    place=Py_ssize_t, count=Py_ssize_t
)
cpdef list recorded_tangents(list roots, list sources, list directions, long long after)
