/* The forward pass of a program on columns: each input and each output has an array of its own, a number per row. */
#ifndef GLASSGRAD_COLUMNS_H
#define GLASSGRAD_COLUMNS_H

#include "replay.h"

enum { ALL_FINITE = -1, NOT_FINITE = -2 }; /* beside the number of a row that failed */

/* An output may be the array of an input. Returns the first row that failed, or one of the two above. */
static Py_ssize_t run_columns(
    const machine *m, const executor *e, const double *const *inputs, double *const *outputs, Py_ssize_t rows
) {
    double doubt = 0.0;
    Py_ssize_t done;
    load_scalars(m, stride_for(m, e->lanes, rows));
    done = e->columns(m, inputs, outputs, 0, rows, &doubt);
    if (done < rows && !(m->has_calls && PyErr_Occurred())) { /* what is left, or where a row failed, one at a time */
        load_scalars(m, 1);
        done = one_row.columns(m, inputs, outputs, done, rows, &doubt);
    }
    return done < rows ? done : doubt == 0.0 ? ALL_FINITE : NOT_FINITE;
}

/* Columns that are held: the buffers of the arrays in a tuple. */
typedef struct {
    Py_ssize_t count;
    Py_buffer *views;
    double **at;
} held_columns;

static void release_columns(held_columns *c) {
    while (c->count > 0) PyBuffer_Release(&c->views[--c->count]);
    PyMem_RawFree(c->views);
    PyMem_RawFree(c->at);
    c->views = NULL;
    c->at = NULL;
}

/* Hold arrays of at least `rows` doubles each. */
static int hold_columns(held_columns *c, PyObject *arrays, Py_ssize_t expected, Py_ssize_t rows, int flags) {
    c->count = 0;
    c->views = NULL;
    c->at = NULL;
    if (!PyTuple_CheckExact(arrays) || PyTuple_GET_SIZE(arrays) != expected) {
        PyErr_SetString(PyExc_ValueError, "another number of columns than the program has");
        return -1;
    }
    c->views = PyMem_RawMalloc((size_t)(expected + 1) * sizeof(Py_buffer));
    c->at = PyMem_RawMalloc((size_t)(expected + 1) * sizeof(double *));
    if (c->views == NULL || c->at == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    for (; c->count < expected; c->count++) {
        Py_buffer *view = &c->views[c->count];
        if (PyObject_GetBuffer(PyTuple_GET_ITEM(arrays, c->count), view, flags) < 0) goto failed;
        c->at[c->count] = view->buf;
        if (view->len < rows * (Py_ssize_t)sizeof(double)) {
            c->count++;
            PyErr_SetString(PyExc_ValueError, "a column is too short");
            goto failed;
        }
    }
    return 0;
failed:
    release_columns(c);
    return -1;
}

/* The number of the first row that failed, or one of the two above: as autograd.tape.replay.Replayer.columns says. */
static PyObject *core_columns(PyObject *capsule, PyObject *scalars, PyObject *inputs, PyObject *outputs, Py_ssize_t rows) {
    machine *m = PyCapsule_GetPointer(capsule, CAPSULE);
    held_columns in, out;
    Py_buffer numbers;
    Py_ssize_t found = ALL_FINITE;
    if (m == NULL || PyObject_GetBuffer(scalars, &numbers, PyBUF_SIMPLE) < 0) return NULL;
    if (hold_columns(&in, inputs, m->input_count, rows, PyBUF_SIMPLE) < 0) {
        PyBuffer_Release(&numbers);
        return NULL;
    }
    if (hold_columns(&out, outputs, m->output_count, rows, PyBUF_WRITABLE) < 0) {
        release_columns(&in);
        PyBuffer_Release(&numbers);
        return NULL;
    }
    if (numbers.len < m->first_input * (Py_ssize_t)sizeof(double)) {
        PyErr_SetString(PyExc_ValueError, "the scalars of the program are too few");
    } else {
        m->scalars = numbers.buf;
        if (m->has_calls) {
            found = run_columns(m, &executors[chosen], (const double *const *)in.at, out.at, rows);
        } else {
            Py_BEGIN_ALLOW_THREADS
            found = run_columns(m, &executors[chosen], (const double *const *)in.at, out.at, rows);
            Py_END_ALLOW_THREADS
        }
    }
    release_columns(&out);
    release_columns(&in);
    PyBuffer_Release(&numbers);
    return PyErr_Occurred() ? NULL : PyLong_FromSsize_t(found);
}

#endif
