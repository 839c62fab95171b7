# The C types of nn/inner_loops.py.
cimport cython
from libc.math cimport sqrt
from autograd.value cimport Value as CompiledValue

@cython.locals(i=Py_ssize_t, parameter=CompiledValue)
cpdef zero_gradients(tuple params)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue, total=double)
cpdef double sum_of_squares(tuple params)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue)
cpdef scale_gradients(tuple params, double factor)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue)
cpdef assign(tuple params, double[::1] data)

@cython.locals(i=Py_ssize_t, parameter=CompiledValue, speed=double, doubt=double, data=double)
cpdef bint sgd(
    tuple params, double[::1] velocity, double lr, double momentum, double[::1] new_velocity, double[::1] new_data
)

@cython.locals(
    i=Py_ssize_t, parameter=CompiledValue, gradient=double, m=double, v=double, doubt=double, data=double
)
cpdef bint adam(
    tuple params, double[::1] first, double[::1] second, double lr, double beta1, double beta2, double eps,
    double correction1, double correction2, double[::1] new_first, double[::1] new_second, double[::1] new_data
)

@cython.locals(i=Py_ssize_t, j=Py_ssize_t, row=Py_ssize_t, start=Py_ssize_t, to=Py_ssize_t)
cpdef gather_rows(double[::1] table, list rows, Py_ssize_t width, double[::1] batch)

@cython.locals(i=Py_ssize_t)
cpdef double add_column(double[::1] outputs, Py_ssize_t width, Py_ssize_t rows, double total)

@cython.locals(i=Py_ssize_t, right=Py_ssize_t)
cpdef Py_ssize_t count_above(
    double[::1] outputs, double[::1] batch, Py_ssize_t width, Py_ssize_t rows, double threshold
)

@cython.locals(i=Py_ssize_t, j=Py_ssize_t, first=Py_ssize_t, best=Py_ssize_t, right=Py_ssize_t)
cpdef Py_ssize_t count_argmax(
    double[::1] outputs, Py_ssize_t columns, double[::1] batch, Py_ssize_t width, Py_ssize_t rows
)
