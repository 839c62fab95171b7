# The C types of nn/inner_loops.py.
cimport cython

from autograd.value cimport Value as CompiledValue

cdef extern from "autograd/core/floats.h":
    bint core_floats(list numbers, double *to) noexcept

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

@cython.locals(i=Py_ssize_t, parameter=CompiledValue, doubt=int)
cpdef bint read(tuple params, double[::1] data, double[::1] gradients)

@cython.locals(i=Py_ssize_t, marked=Py_ssize_t, parameter=CompiledValue)
cpdef bint are_distinct_leaves(tuple params)

@cython.locals(i=Py_ssize_t)
cpdef bint are_same(object ones, object others, Py_ssize_t count)

@cython.locals(sizes=list)
cpdef list sizes_of(dict attributes)

@cython.locals(i=Py_ssize_t)
cpdef bint are_values(list members)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue)
cpdef clip_gradients(tuple params, double bound)

@cython.locals(i=Py_ssize_t, j=Py_ssize_t, row=Py_ssize_t, start=Py_ssize_t, to=Py_ssize_t)
cpdef gather_rows(double[::1] table, list rows, Py_ssize_t width, double[::1] batch, Py_ssize_t stride)

@cython.locals(
    width=Py_ssize_t, i=Py_ssize_t, start=Py_ssize_t, row=list, table="double[::1]", doubt=double
)
cpdef table_of(list rows, list targets)

cdef unsigned long long _GAMMA, _FIRST, _SECOND, _ALL
cdef double _UNIT

cdef unsigned long long _mix(unsigned long long z) noexcept

@cython.locals(state=ulonglong)
cpdef double uniform(unsigned long long key, long long epoch, long long row, long long draw)

@cython.locals(i=Py_ssize_t, j=Py_ssize_t, row=longlong, seed=ulonglong, state=ulonglong)
cpdef draw_rows(
    unsigned long long key, long long epoch, list rows, double[::1] batch, Py_ssize_t width, Py_ssize_t stride
)

cpdef order_rows(unsigned long long key, long long epoch, long long[::1] order)

@cython.locals(
    rows=Py_ssize_t, row=Py_ssize_t, bucket=Py_ssize_t, place=Py_ssize_t, start=longlong, draw=double, seed=ulonglong
)
cdef _order_rows(
    unsigned long long key, long long epoch, long long[::1] order, double[::1] draws, double[::1] found,
    long long[::1] counts
)

@cython.locals(
    rows=Py_ssize_t, count=Py_ssize_t, at=Py_ssize_t, done=Py_ssize_t, until=Py_ssize_t, i=Py_ssize_t, j=Py_ssize_t,
    row=longlong, epoch=longlong, to=Py_ssize_t, seed=ulonglong, state=ulonglong, draws="double[::1]",
    found="double[::1]", counts="long long[::1]"
)
cpdef long long fill_rows(
    unsigned long long key, long long begin, long long[::1] order, long long ordered, double[::1] table, Py_ssize_t width,
    double[::1] batch, Py_ssize_t stride, Py_ssize_t count
) except -1

@cython.locals(i=Py_ssize_t)
cpdef double add_column(double[::1] outputs, Py_ssize_t width, Py_ssize_t rows, double total)

@cython.locals(k=Py_ssize_t, i=Py_ssize_t, row=Py_ssize_t, total=double)
cpdef add_segments(double[::1] outputs, Py_ssize_t width, int[::1] lengths, double[::1] totals)

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
