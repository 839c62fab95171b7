# The C types of nn/inner_loops.py.
cimport cython

from autograd.value cimport Value as CompiledValue

ctypedef unsigned long long ulonglong
ctypedef long long longlong

@cython.locals(i=Py_ssize_t, parameter=CompiledValue)
cpdef zero_gradients(tuple params)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue, total=double)
cpdef double sum_of_squares(tuple params)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue)
cpdef scale_gradients(tuple params, double factor)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue)
cpdef read_gradients(tuple params, double[::1] gradients)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue)
cpdef write_gradients(tuple params, double[::1] gradients)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue)
cpdef assign(tuple params, double[::1] data)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue, doubt=double)
cpdef bint read(tuple params, double[::1] data, double[::1] gradients)

@cython.locals(i=Py_ssize_t, marked=Py_ssize_t, parameter=CompiledValue)
cpdef bint are_distinct_leaves(tuple params)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue)
cpdef clip_gradients(tuple params, double bound)

@cython.locals(i=Py_ssize_t, j=Py_ssize_t, row=Py_ssize_t, start=Py_ssize_t, to=Py_ssize_t)
cpdef gather_rows(double[::1] table, list rows, Py_ssize_t width, double[::1] batch, Py_ssize_t stride)

cdef unsigned long long _GAMMA, _FIRST, _SECOND, _ALL
cdef double _UNIT

cdef unsigned long long _mix(unsigned long long z) noexcept

@cython.locals(state=ulonglong)
cpdef double uniform(unsigned long long key, long long epoch, long long row, long long draw)

@cython.locals(i=Py_ssize_t, j=Py_ssize_t, row=longlong, seed=ulonglong, state=ulonglong)
cpdef draw_rows(
    unsigned long long key, long long epoch, list rows, double[::1] batch, Py_ssize_t width, Py_ssize_t stride
)

@cython.locals(i=Py_ssize_t)
cpdef double add_column(double[::1] outputs, Py_ssize_t width, Py_ssize_t rows, double total)

@cython.locals(i=Py_ssize_t, right=Py_ssize_t)
cpdef Py_ssize_t count_above(
    double[::1] outputs, double[::1] batch, Py_ssize_t target, Py_ssize_t stride, Py_ssize_t rows, double threshold
)

@cython.locals(
    i=Py_ssize_t, j=Py_ssize_t, first=Py_ssize_t, best=Py_ssize_t, right=Py_ssize_t, classes=Py_ssize_t,
    position=Py_ssize_t
)
cpdef Py_ssize_t count_argmax(
    double[::1] outputs, Py_ssize_t columns, double[::1] batch, Py_ssize_t target, Py_ssize_t stride, Py_ssize_t rows,
    Py_ssize_t positions
)
