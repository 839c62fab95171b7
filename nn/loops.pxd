# The C types of nn/loops.py.
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
