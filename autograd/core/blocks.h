/* Blocks of rows, each with sums of its own: a part of a batch that several threads replay (autograd/tape/threads.py). */
#ifndef GLASSGRAD_BLOCKS_H
#define GLASSGRAD_BLOCKS_H

#include "replay.h"

/* Run the blocks of 64 rows one after another; each has a section of j.total for its sums. */
static failure run_blocks(const machine *m, job j) {
    const Py_ssize_t rows = j.rows;
    failure f = {-1, 0, 0.0, 0.0};
    for (Py_ssize_t start = 0; start < rows; start += BLOCK) {
        j.rows = rows - start < BLOCK ? rows - start : BLOCK;
        if (j.block != NULL) memset(j.total, 0, (size_t)j.sums * sizeof(double));
        f = run_job(m, &j, &executors[chosen]);
        if (f.row >= 0) {
            f.row += start;
            return f;
        }
        if (j.block != NULL) {
            if (j.rows < BLOCK) executors[chosen].end_block(j.total, j.block, j.sums);
            j.total += j.sums;
        }
        j.batch += BLOCK * m->input_count;
        j.outputs += BLOCK * m->output_count;
        if (j.seeds != NULL) j.seeds += BLOCK * j.seeds_stride;
        if (j.input_gradients != NULL) j.input_gradients += BLOCK * m->input_count;
    }
    return f;
}

/* As core_replay, but `total` receives the sums of each block; `block` is filled with zeros, before and afterwards. */
static PyObject *core_replay_blocks(
    PyObject *capsule, PyObject *scalars, PyObject *batch, Py_ssize_t rows, PyObject *outputs, PyObject *seeds,
    PyObject *input_gradients, PyObject *block, PyObject *total, PyObject *places
) {
    PyObject *objects[BUFFERS] = {scalars, batch, outputs, seeds, input_gradients, block, total, places, Py_None, Py_None};
    machine *m = PyCapsule_GetPointer(capsule, CAPSULE);
    PyObject *result = NULL;
    const char *fault = NULL;
    buffers b;
    if (m == NULL || acquire(&b, objects) < 0) return NULL;
    if (b.sizes[TOTAL] < (rows + BLOCK - 1) / BLOCK * b.sizes[SUM_OF_BLOCK]) fault = "no room for the sums of each block";
    b.sizes[TOTAL] = b.sizes[SUM_OF_BLOCK]; /* of the first section */
    if (fault == NULL) fault = m->has_calls ? "a primitive of a user is called" : fault_of(m, &b, rows, 0);
    if (fault != NULL) {
        PyErr_SetString(PyExc_ValueError, fault);
    } else {
        const job j = job_of(m, &b, rows, 0);
        failure f;
        m->scalars = b.at[SCALARS];
        Py_BEGIN_ALLOW_THREADS
        f = run_blocks(m, j);
        Py_END_ALLOW_THREADS
        result = result_of(&j, f);
    }
    release(&b);
    return result;
}

#endif
