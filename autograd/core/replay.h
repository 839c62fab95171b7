/* The C side of autograd/tape/replay.py: runs the lowered program of a tape on rows of numbers, up to 64 of them at a time
 * where the compiler has vectors, with the widest registers that the machine has. It gives the bits of
 * autograd/tape/interpreter.py.
 */
#ifndef GLASSGRAD_REPLAY_H
#define GLASSGRAD_REPLAY_H

#include "executors.h"

typedef struct {
    const double *batch, *seeds;
    double *outputs, *input_gradients, *block, *total, *separate;
    const int *places, *which; /* which: the rows that are run; NULL where all are */
    Py_ssize_t rows, rows_before, sums, seeds_stride;
    int in_order; /* whether the parameters' sums stand in their order, from the first on */
} job;

typedef struct {
    Py_ssize_t row; /* -1 where nothing failed; counted in the rows that are run */
    int guard;
    double left, right;
} failure;

/* The place of a row in the buffers. */
static inline Py_ssize_t place_of(const job *j, Py_ssize_t row) { return j->which == NULL ? row : j->which[row]; }

static void load_scalars(const machine *m, int stride) {
    for (Py_ssize_t slot = m->lanes_from; slot < m->first_input; slot++)
        for (int l = 0; l < stride; l++) m->values[(slot - m->lanes_from) * stride + l] = m->scalars[slot];
}

/* The inputs of `active` rows; lanes that have no row work on the last one again. */
static void load_rows(const machine *m, const job *j, Py_ssize_t start, int active, span s) {
    const Py_ssize_t inputs = m->input_count, stride = s.stride;
    double *to = m->values + (m->first_input - m->lanes_from) * stride;
    for (Py_ssize_t l = 0; l < s.width; l++) {
        const double *row = j->batch + place_of(j, start + (l < active ? l : active - 1)) * inputs;
        for (Py_ssize_t i = 0; i < inputs; i++) to[i * stride + l] = row[i];
    }
}

static void run_backward(
    const machine *m, const job *j, const executor *e, Py_ssize_t start, int active, span s, int masked
) {
    for (Py_ssize_t z = 0; z < m->zeroed_count; z++)
        memset(
            m->grads + (m->zeroed[z].slot - m->grads_from) * s.stride, 0,
            (size_t)(m->zeroed[z].count * s.stride) * sizeof(double)
        );
    for (Py_ssize_t o = 0; o < m->output_count; o++) {
        double *grad = m->grads + (m->outputs[o] - m->grads_from) * s.stride;
        for (Py_ssize_t l = 0; l < s.width; l++)
            grad[l] += j->seeds[o + j->seeds_stride * place_of(j, start + (l < active ? l : active - 1))];
    }
    (masked ? e->backward_masked : e->backward)(m, s, j->input_gradients == NULL);
}

/* Whether the rows from `start` on begin a block: then its sums are zeros, and if the rows are folded without the masks and
 * come to sums that are not finite, the sums can be cleared and the rows run again. */
static int begins_block(const job *j, Py_ssize_t start) { return (j->rows_before + start) % BLOCK == 0; }

/* Add the parameters' gradients of some rows, in their order, to the sum of their block of BLOCK rows. Returns whether they
 * must be run again with the masks, and then nothing has changed. */
static int fold(const machine *m, const job *j, const executor *e, Py_ssize_t start, int active, span s, int masked) {
    const destination block = {j->block, j->places, j->in_order};
    const int may_undo = !masked && begins_block(j, start);
    int done = 0;
    while (done < active) {
        Py_ssize_t in_block = (j->rows_before + start + done) % BLOCK;
        int until = BLOCK - in_block < active - done ? done + (int)(BLOCK - in_block) : active;
        for (Py_ssize_t p = 0; p < m->loose_count; p++) {
            const double *grad = m->grads + (m->loose[p].slot - m->grads_from) * s.stride;
            double *place = &j->block[j->places[m->loose[p].param]], sum = *place;
            for (int l = done; l < until; l++) sum += grad[l];
            *place = sum;
        }
        for (Py_ssize_t t = 0; t < m->layer_count; t++)
            e->fold_layer(m, s, &m->layers[t], &block, done, until, masked);
        if (may_undo && done == 0 && !e->are_finite(j->block, j->sums)) {
            memset(j->block, 0, (size_t)j->sums * sizeof(double));
            return 1;
        }
        if ((j->rows_before + start + until) % BLOCK == 0) e->end_block(j->total, j->block, j->sums);
        done = until;
    }
    return 0;
}

/* Write the parameters' gradients of some rows, each to a row of its own. */
static void keep_separate(
    const machine *m, const job *j, const executor *e, Py_ssize_t start, int active, span s, int masked
) {
    destination of_row = {NULL, j->places, j->in_order};
    for (int l = 0; l < active; l++) {
        double *row = of_row.at = j->separate + place_of(j, start + l) * j->sums;
        for (Py_ssize_t p = 0; p < m->loose_count; p++)
            row[j->places[m->loose[p].param]] = m->grads[(m->loose[p].slot - m->grads_from) * s.stride + l];
        for (Py_ssize_t t = 0; t < m->layer_count; t++)
            e->fold_layer(m, s, &m->layers[t], &of_row, l, l + 1, masked);
    }
}

static failure failed_at(const machine *m, const instruction *i, Py_ssize_t row) {
    const double *values = m->values;
    failure f = {row, -1, 0.0, (double)i->n};
    int slot = i->y;
    if (i->op == OP_GUARD) {
        f.guard = i->out;
        f.left = values[i->x - m->lanes_from];
        f.right = values[i->y - m->lanes_from];
        return f;
    }
    if (i->op != CODE_TAKE && takes_index(i->op)) { /* behind the list; take has it in y */
        slot = m->lists[i->x + i->n - 1];
        f.right -= 1.0;
    }
    f.left = values[slot - m->lanes_from];
    return f;
}

/* Which row of some failed first: they are run again one at a time. */
static const span single = {1, 1};

static failure first_failure(const machine *m, const job *j, Py_ssize_t start, int active) {
    load_scalars(m, 1);
    for (Py_ssize_t row = start; row < start + active; row++) {
        const instruction *i;
        load_rows(m, j, row, 1, single);
        i = forward_scalar(m, single, 0, NULL);
        if (i != NULL) return failed_at(m, i, row);
    }
    return (failure){start, -1, NAN, 0.0}; /* cannot be: the arithmetic is the same */
}

/* Run rows until one fails: those before it are done. */
static failure run_job(const machine *m, const job *j, const executor *e) {
    const int most = e->lanes == 1 ? 1 : m->most_rows, stride = stride_for(m, e->lanes, j->rows);
    Py_ssize_t rows = j->rows;
    failure failed = {-1, 0, 0.0, 0.0};
    load_scalars(m, stride);
    for (Py_ssize_t start = 0; start < rows; start += most) {
        const int active = rows - start < most ? (int)(rows - start) : most;
        const span s = {rounded_up(active, e->lanes), stride};
        const instruction *stopped;
        int masked, folds;
        load_rows(m, j, start, active, s);
        stopped = e->forward(m, s, j->seeds != NULL, NULL);
        if (stopped != NULL) {
            if (stopped->op == OP_CALL && PyErr_Occurred()) return (failure){start, -1, 0.0, 0.0};
            failed = e->lanes == 1 ? failed_at(m, stopped, start) : first_failure(m, j, start, active);
            if (m->has_calls && PyErr_Occurred()) return failed;
            rows = failed.row;
            load_scalars(m, stride);
            start -= most; /* once more, with the rows before it */
            continue;
        }
        for (Py_ssize_t o = 0; o < m->output_count; o++) {
            const double *value = m->values + (m->outputs[o] - m->lanes_from) * stride;
            for (int l = 0; l < active; l++) j->outputs[place_of(j, start + l) * m->output_count + o] = value[l];
        }
        if (j->seeds == NULL) continue;
        run_backward(m, j, e, start, active, s, 0);
        folds = j->block != NULL && j->separate == NULL;
        masked = e->in_doubt(m, s, !(folds && begins_block(j, start)), j->input_gradients != NULL);
        if (masked) run_backward(m, j, e, start, active, s, 1);
        if (folds && fold(m, j, e, start, active, s, masked)) {
            run_backward(m, j, e, start, active, s, 1);
            fold(m, j, e, start, active, s, 1);
        }
        if (j->input_gradients != NULL) {
            const double *grad = m->grads + (m->first_input - m->grads_from) * stride;
            for (int l = 0; l < active; l++)
                for (Py_ssize_t i = 0; i < m->input_count; i++)
                    j->input_gradients[place_of(j, start + l) * m->input_count + i] = grad[i * stride + l];
        }
        if (j->separate != NULL) keep_separate(m, j, e, start, active, s, masked);
    }
    return failed;
}

/* Whether the guards hold for each row: 0, 1, or 2 where it failed at an index before a guard did. */
static void run_selection(const machine *m, const job *j, const executor *e, unsigned char *status) {
    const int most = e->lanes == 1 ? 1 : m->most_rows, stride = stride_for(m, e->lanes, j->rows);
    load_scalars(m, stride);
    for (Py_ssize_t start = 0; start < j->rows; start += most) {
        const int active = j->rows - start < most ? (int)(j->rows - start) : most;
        const span s = {rounded_up(active, e->lanes), stride};
        unsigned char alive[MOST_ROWS];
        const instruction *stopped;
        for (int l = 0; l < s.width; l++) alive[l] = l < active;
        load_rows(m, j, start, active, s);
        stopped = e->forward(m, s, 0, alive);
        if (stopped == NULL || stopped->op == OP_GUARD) {
            memcpy(status + start, alive, (size_t)active);
            continue;
        }
        if (stopped->op == OP_CALL && PyErr_Occurred()) return;
        load_scalars(m, 1); /* one at a time, to see which */
        for (Py_ssize_t row = start; row < start + active; row++) {
            alive[0] = 1;
            load_rows(m, j, row, 1, single);
            stopped = forward_scalar(m, single, 0, alive);
            if (stopped != NULL && stopped->op == OP_CALL && PyErr_Occurred()) return;
            status[row] = stopped == NULL ? 1 : stopped->op == OP_GUARD ? 0 : 2;
        }
        load_scalars(m, stride);
    }
}

enum { SCALARS, BATCH, OUTPUTS, SEEDS, INPUT_GRADIENTS, SUM_OF_BLOCK, TOTAL, PLACES, WHICH, SEPARATE, BUFFERS };
static const struct {
    int writable, size;
} buffer_kinds[BUFFERS] = {
    [OUTPUTS] = {1, sizeof(double)},      [INPUT_GRADIENTS] = {1, sizeof(double)}, [SUM_OF_BLOCK] = {1, sizeof(double)},
    [TOTAL] = {1, sizeof(double)},        [SEPARATE] = {1, sizeof(double)},        [SCALARS] = {0, sizeof(double)},
    [BATCH] = {0, sizeof(double)},        [SEEDS] = {0, sizeof(double)},           [PLACES] = {0, sizeof(int)},
    [WHICH] = {0, sizeof(int)},
};

typedef struct {
    Py_buffer views[BUFFERS];
    void *at[BUFFERS];
    Py_ssize_t sizes[BUFFERS];
    int held;
} buffers;

static void release(buffers *b) {
    while (b->held-- > 0)
        if (b->views[b->held].obj != NULL) PyBuffer_Release(&b->views[b->held]);
}

/* Buffers of objects, which may be None where they are not wanted. */
static int acquire(buffers *b, PyObject *const *objects) {
    for (b->held = 0; b->held < BUFFERS; b->held++) {
        const int k = b->held;
        b->at[k] = NULL;
        b->sizes[k] = 0;
        b->views[k].obj = NULL;
        if (objects[k] == Py_None) continue;
        if (PyObject_GetBuffer(objects[k], &b->views[k], buffer_kinds[k].writable ? PyBUF_WRITABLE : PyBUF_SIMPLE) < 0) {
            release(b);
            return -1;
        }
        b->at[k] = b->views[k].buf;
        b->sizes[k] = b->views[k].len / buffer_kinds[k].size;
    }
    return 0;
}

static int are_within(const void *numbers, Py_ssize_t count, Py_ssize_t end) {
    const unsigned limit = end > INT_MAX ? (unsigned)INT_MAX + 1 : (unsigned)end; /* negative numbers are beyond it */
    int beyond = 0; /* all are looked at: several at a time */
    for (Py_ssize_t i = 0; i < count; i++) beyond |= ((const unsigned *)numbers)[i] >= limit;
    return !beyond;
}

static int is_in_order(const int *numbers, Py_ssize_t count) {
    int same = 1;
    for (Py_ssize_t i = 0; i < count; i++) same &= numbers[i] == (int)i;
    return same;
}

static const char *fault_of(const machine *m, const buffers *b, Py_ssize_t rows, int is_selection) {
    const Py_ssize_t *sizes = b->sizes, sums = sizes[SUM_OF_BLOCK];
    if (sizes[SCALARS] < m->first_input || sizes[BATCH] < rows * m->input_count ||
        (!is_selection && sizes[OUTPUTS] < rows * m->output_count) ||
        (b->at[SEEDS] != NULL && sizes[SEEDS] != m->output_count && sizes[SEEDS] != rows * m->output_count) ||
        (b->at[INPUT_GRADIENTS] != NULL && sizes[INPUT_GRADIENTS] < rows * m->input_count) ||
        (b->at[SUM_OF_BLOCK] != NULL && (sizes[TOTAL] != sums || sizes[PLACES] < m->param_count)) ||
        (b->at[SEPARATE] != NULL && (b->at[SUM_OF_BLOCK] == NULL || sizes[SEPARATE] < rows * sums)))
        return "a buffer of the replay is too small";
    if (b->at[SUM_OF_BLOCK] != NULL && !are_within(b->at[PLACES], m->param_count, sums))
        return "a parameter's place is beyond the sums";
    if (b->at[WHICH] != NULL && !are_within(b->at[WHICH], sizes[WHICH], rows)) return "a row is beyond the batch";
    return NULL;
}

/* What checked buffers ask for. */
static job job_of(const machine *m, const buffers *b, Py_ssize_t rows, Py_ssize_t rows_before) {
    return (job){
        .batch = b->at[BATCH], .seeds = b->at[SEEDS], .outputs = b->at[OUTPUTS], .input_gradients = b->at[INPUT_GRADIENTS],
        .block = b->at[SUM_OF_BLOCK], .total = b->at[TOTAL], .separate = b->at[SEPARATE], .places = b->at[PLACES],
        .which = b->at[WHICH], .rows = b->at[WHICH] == NULL ? rows : b->sizes[WHICH], .rows_before = rows_before,
        .sums = b->sizes[SUM_OF_BLOCK], .seeds_stride = b->sizes[SEEDS] == m->output_count ? 0 : m->output_count,
        .in_order = b->at[PLACES] != NULL && is_in_order(b->at[PLACES], m->param_count),
    };
}

/* None, or the tuple (row, guard, left, right) of the first row that failed. */
static PyObject *result_of(const job *j, failure f) {
    return f.row < 0 ? Py_NewRef(Py_None) : Py_BuildValue("nidd", place_of(j, f.row), f.guard, f.left, f.right);
}

/* Run rows as autograd.tape.replay.Rows says; returns what `result_of` does. */
static PyObject *core_replay(
    PyObject *capsule, PyObject *scalars, PyObject *batch, Py_ssize_t rows, PyObject *outputs, PyObject *seeds,
    PyObject *input_gradients, PyObject *block, PyObject *total, Py_ssize_t rows_before, PyObject *places, PyObject *which,
    PyObject *separate
) {
    PyObject *objects[BUFFERS] = {scalars, batch, outputs, seeds, input_gradients, block, total, places, which, separate};
    machine *m = PyCapsule_GetPointer(capsule, CAPSULE);
    PyObject *result = NULL;
    const char *fault;
    buffers b;
    if (m == NULL || acquire(&b, objects) < 0) return NULL;
    fault = fault_of(m, &b, rows, 0);
    if (fault != NULL) {
        PyErr_SetString(PyExc_ValueError, fault);
    } else {
        const job j = job_of(m, &b, rows, rows_before);
        const executor *e = j.rows == 1 ? &one_row : &executors[chosen];
        failure f;
        m->scalars = b.at[SCALARS];
        if (m->has_calls) {
            f = run_job(m, &j, e);
        } else {
            Py_BEGIN_ALLOW_THREADS
            f = run_job(m, &j, e);
            Py_END_ALLOW_THREADS
        }
        if (!PyErr_Occurred())
            result = result_of(&j, f);
    }
    release(&b);
    return result;
}

/* A bytearray with the status of each row: see `run_selection`. */
static PyObject *core_select(PyObject *capsule, PyObject *scalars, PyObject *batch, Py_ssize_t rows, PyObject *which) {
    PyObject *objects[BUFFERS], *status = NULL;
    machine *m = PyCapsule_GetPointer(capsule, CAPSULE);
    const char *fault;
    buffers b;
    for (int k = 0; k < BUFFERS; k++) objects[k] = Py_None;
    objects[SCALARS] = scalars;
    objects[BATCH] = batch;
    objects[WHICH] = which;
    if (m == NULL || acquire(&b, objects) < 0) return NULL;
    fault = fault_of(m, &b, rows, 1);
    if (fault != NULL) {
        PyErr_SetString(PyExc_ValueError, fault);
    } else {
        const job j = job_of(m, &b, rows, 0);
        const executor *e = j.rows == 1 ? &one_row : &executors[chosen];
        status = PyByteArray_FromStringAndSize(NULL, j.rows);
        if (status != NULL) {
            unsigned char *to = (unsigned char *)PyByteArray_AS_STRING(status);
            m->scalars = b.at[SCALARS];
            if (m->has_calls) {
                run_selection(m, &j, e, to);
                if (PyErr_Occurred()) Py_CLEAR(status);
            } else {
                Py_BEGIN_ALLOW_THREADS
                run_selection(m, &j, e, to);
                Py_END_ALLOW_THREADS
            }
        }
    }
    release(&b);
    return status;
}

#endif
