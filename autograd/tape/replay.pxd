# The C types of autograd/tape/replay.py.
cimport cython
from autograd.value cimport Value
from libc.string cimport memset


cdef extern from "autograd/core/replay.h":
    object core_executors()
    bint core_choose(const char *name) noexcept
    object core_machine(object program, object call)
    object core_replay(
        object machine, object scalars, object batch, Py_ssize_t rows, object outputs, object seeds,
        object input_gradients, object block, object total, Py_ssize_t rows_before, object places, object which,
        object separate
    )
    object core_select(object machine, object scalars, object batch, Py_ssize_t rows, object which)


cdef extern from "autograd/core/blocks.h":
    object core_replay_blocks(
        object machine, object scalars, object batch, Py_ssize_t rows, object outputs, object seeds,
        object input_gradients, object block, object total, object places
    )


cdef extern from "autograd/core/parameters.h":
    void core_load(double *numbers, const int *slots, tuple params) noexcept
    void core_store(tuple params, const int *needed, const double *gradients) noexcept


cdef extern from "autograd/core/columns.h":
    object core_columns(object machine, object scalars, object inputs, object outputs, Py_ssize_t rows)


cdef extern from "autograd/core/training.h":
    object core_train(
        object model, object outer, object inner, object arrays, object now, object next, Py_ssize_t parameters,
        Py_ssize_t setting_count, double first_step, double clip_norm
    )


cdef class Rows:
    cdef public object batch, outputs, seeds, input_gradients, sums, places, which, separate
    cdef public Py_ssize_t count


cdef class _Room:
    cdef object scalars, block, total
    cdef double[::1] numbers, sums, totals
    cdef int[::1] slots, needed


cdef _read(_Room room, tuple params)
cdef _differentiate(
    _Room room, object machine, tuple params, object batch, Py_ssize_t rows, object outputs, object seeds,
    object input_gradients, object places
)
@cython.locals(i=Py_ssize_t)
cdef _add_sums(_Room room, tuple params, Py_ssize_t rows)
cdef _run(object machine, object scalars, Rows rows)
@cython.locals(i=Py_ssize_t, block="double[::1]", total="double[::1]")
cdef _end_block(object block_, object total_)
@cython.locals(i=Py_ssize_t, row=Py_ssize_t, columns=Py_ssize_t, gradients="double[::1]", block="double[::1]")
cdef _add_rows(object gradients_, Py_ssize_t begin, Py_ssize_t end, object block_)
@cython.locals(numbers="double[::1]", slots="int[::1]")
cdef _load(object numbers_, object slots_, tuple params)
@cython.locals(i=Py_ssize_t, gradients="double[::1]", needed="int[::1]")
cdef _store(tuple params, object needed_, object gradients_)
