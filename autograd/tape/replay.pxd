# The C types of autograd/tape/replay.py.
cimport cython
from autograd.value cimport Value


cdef extern from "core/replay.h":
    object core_executors()
    bint core_choose(const char *name) noexcept
    object core_machine(
        object code, object lists, object outputs, object param_slots, object param_needed, Py_ssize_t slots,
        Py_ssize_t grads_from, Py_ssize_t lanes_from, Py_ssize_t first_input, Py_ssize_t input_count, Py_ssize_t aux, Py_ssize_t longest,
        object call
    )
    object core_replay(
        object machine, object scalars, object batch, Py_ssize_t rows, object outputs, object seeds,
        object input_gradients, object block, object total, Py_ssize_t rows_before, object places
    )


@cython.locals(i=Py_ssize_t, block="double[::1]", total="double[::1]")
cdef _end_block(object block_, object total_)
@cython.locals(i=Py_ssize_t, parameter=Value, numbers="double[::1]", slots="int[::1]")
cdef _load(object numbers_, object slots_, tuple params)
@cython.locals(i=Py_ssize_t, parameter=Value, gradients="double[::1]", needed="int[::1]")
cdef _store(tuple params, object needed_, object gradients_)
