/* Steps of a training: for each batch the replay of the model's tape, the fold of the gradients, and the optimiser's formula
 * on columns (columns.h), all on flat arrays. nn/replayed_step.py does the same for one batch, and is what it is held to.
 */
#ifndef GLASSGRAD_TRAINING_H
#define GLASSGRAD_TRAINING_H

#include "columns.h"

enum { STEP_SIZES, STEP_BATCH, STEP_OUTPUTS, STEP_SCALARS, STEP_SLOTS, STEP_PLACES, SETTINGS, OUTER_SCALARS, OUTER_SLOTS,
       OUTER_PLACES, INNER_SCALARS, INNER_SLOTS, NORMS, STEP_BUFFERS };
static const struct {
    int writable, size;
} step_buffers[STEP_BUFFERS] = {
    [STEP_SIZES] = {0, sizeof(int)},        [STEP_BATCH] = {0, sizeof(double)},   [STEP_OUTPUTS] = {1, sizeof(double)},
    [STEP_SCALARS] = {1, sizeof(double)},   [STEP_SLOTS] = {0, sizeof(int)},      [STEP_PLACES] = {0, sizeof(int)},
    [SETTINGS] = {0, sizeof(double)},       [OUTER_SCALARS] = {1, sizeof(double)}, [OUTER_SLOTS] = {0, sizeof(int)},
    [OUTER_PLACES] = {0, sizeof(int)},      [INNER_SCALARS] = {1, sizeof(double)}, [INNER_SLOTS] = {0, sizeof(int)},
    [NORMS] = {1, sizeof(double)},
};

typedef struct {
    machine *model, *outer, *inner; /* the formula: what depends on the settings alone, and the rest */
    const int *sizes, *slots, *places, *outer_slots, *outer_places, *inner_slots;
    const double *batch, *settings;
    double *outputs, *scalars, *outer_scalars, *inner_scalars, *norms;
    Py_ssize_t steps, columns, setting_count, settings_stride, parameters;
    double first_step, clip_norm;
    int in_order, sums_in_order; /* whether each parameter of the model has its own number as its place in the columns, in
                                    the sums */
    double **now, **next; /* the columns: data, gradients, memory; what they become, which has no gradients */
    double *block, *total, *seeds, *computed, **computed_at;
} training;

static void swap_columns(training *t) {
    double *data = t->now[0];
    t->now[0] = t->next[0];
    t->next[0] = data;
    for (Py_ssize_t c = 2; c < t->columns; c++) {
        double *held = t->now[c];
        t->now[c] = t->next[c - 1];
        t->next[c - 1] = held;
    }
}

/* The gradients of a batch, and the norm of all; 0 where a row fails or the mean loss is not finite. */
static int differentiate_batch(training *t, const double *rows, Py_ssize_t count, double *outputs, double *norm) {
    const machine *m = t->model;
    const executor *e = count == 1 ? &one_row : &executors[chosen];
    const job j = {
        .batch = rows, .seeds = t->seeds, .outputs = outputs, .block = t->block, .total = t->total,
        .places = t->places + m->param_count, .rows = count, .sums = m->param_count, .seeds_stride = 0,
        .in_order = t->sums_in_order,
    };
    const double *sums = count < BLOCK ? t->block : t->total;
    double loss = 0.0, squares = 0.0, *restrict gradients = t->now[1];
    memset(t->block, 0, (size_t)m->param_count * sizeof(double));
    memset(t->total, 0, (size_t)m->param_count * sizeof(double));
    t->seeds[0] = 1.0 / (double)count;
    if (run_job(m, &j, e).row >= 0) return 0;
    for (Py_ssize_t i = 0; i < count; i++) loss += outputs[i * m->output_count];
    loss /= (double)count;
    if (loss - loss != 0.0) return 0;
    if (count >= BLOCK && count % BLOCK) e->end_block(j.total, j.block, j.sums);
    if (t->in_order) { /* each square waits for the one before: what else is done meanwhile costs nothing */
        for (Py_ssize_t c = 0; c < t->parameters; c++) squares += (gradients[c] = sums[c]) * sums[c];
    } else {
        memset(gradients, 0, (size_t)t->parameters * sizeof(double));
        for (Py_ssize_t p = 0; p < m->param_count; p++)
            if (t->places[p] >= 0) gradients[t->places[p]] += sums[p];
        for (Py_ssize_t c = 0; c < t->parameters; c++) squares += gradients[c] * gradients[c];
    }
    *norm = exact_sqrt(squares);
    if (*norm - *norm != 0.0) return 0; /* a gradient is not finite, or its square: the step in Python tells */
    if (*norm > t->clip_norm)
        for (Py_ssize_t c = 0; c < t->parameters; c++) gradients[c] = t->clip_norm / *norm * gradients[c];
    return 1;
}

/* The optimiser's formula for all parameters; 0 where a decision by the settings changes, or a result is not finite. */
static int apply_formula(training *t, Py_ssize_t step) {
    const double *settings = t->settings + step * t->settings_stride;
    for (Py_ssize_t p = 0; p < t->outer->param_count; p++) {
        const int place = t->outer_places[p];
        t->outer_scalars[t->outer_slots[p]] = place == 0 ? t->first_step + (double)step : settings[place];
    }
    if (run_columns(t->outer, &one_row, NULL, t->computed_at, 1) >= 0) return 0;
    for (Py_ssize_t p = 0; p < t->inner->param_count; p++) t->inner_scalars[t->inner_slots[p]] = t->computed[p];
    return run_columns(t->inner, &executors[chosen], (const double *const *)t->now, t->next, t->parameters) == ALL_FINITE;
}

/* Hand the data of the parameters to the model. */
static void write_scalars(const training *t) {
    const Py_ssize_t count = t->model->param_count;
    const int *slots = t->slots, *places = t->places;
    const double *restrict data = t->now[0];
    double *restrict scalars = t->scalars;
    if (t->in_order)
        for (Py_ssize_t p = 0; p < count; p++) scalars[slots[p]] = data[p];
    else
        for (Py_ssize_t p = 0; p < count; p++)
            if (places[p] >= 0) scalars[slots[p]] = data[places[p]];
}

/* Run steps until one cannot be done as they are; what it would change is as before it. Returns how many were done. */
static Py_ssize_t run_training(training *t) {
    const machine *m = t->model;
    const double *rows = t->batch;
    double *outputs = t->outputs;
    Py_ssize_t step;
    for (step = 0; step < t->steps; step++) {
        const Py_ssize_t count = t->sizes[step];
        if (!differentiate_batch(t, rows, count, outputs, &t->norms[step]) || !apply_formula(t, step)) break;
        swap_columns(t);
        write_scalars(t);
        rows += count * m->input_count;
        outputs += count * m->output_count;
    }
    return step;
}

static const char *fault_of_training(const training *t, const Py_ssize_t *sizes) {
    Py_ssize_t rows = 0;
    for (Py_ssize_t s = 0; s < t->steps; s++) {
        if (t->sizes[s] < 1) return "a batch without rows";
        rows += t->sizes[s];
    }
    if (sizes[STEP_BATCH] < rows * t->model->input_count || sizes[STEP_OUTPUTS] < rows * t->model->output_count ||
        sizes[STEP_SCALARS] < t->model->first_input || sizes[STEP_SLOTS] < t->model->param_count ||
        sizes[STEP_PLACES] < 2 * t->model->param_count || sizes[OUTER_SCALARS] < t->outer->first_input ||
        sizes[OUTER_SLOTS] < t->outer->param_count || sizes[OUTER_PLACES] < t->outer->param_count ||
        sizes[INNER_SCALARS] < t->inner->first_input || sizes[INNER_SLOTS] < t->inner->param_count ||
        sizes[NORMS] < t->steps || (sizes[SETTINGS] != t->setting_count && sizes[SETTINGS] < t->steps * t->setting_count))
        return "a buffer of the training is too small";
    for (Py_ssize_t p = 0; p < t->model->param_count; p++)
        if (t->places[p] >= t->parameters) return "a parameter's place is beyond the columns";
    if (!are_within(t->places + t->model->param_count, t->model->param_count, t->model->param_count) ||
        !are_within(t->slots, t->model->param_count, t->model->first_input) ||
        !are_within(t->outer_slots, t->outer->param_count, t->outer->first_input) ||
        !are_within(t->outer_places, t->outer->param_count, t->setting_count) ||
        !are_within(t->inner_slots, t->inner->param_count, t->inner->first_input))
        return "a place of the training is out of range";
    if (t->model->has_calls || t->outer->has_calls || t->inner->has_calls) return "a primitive of a user is called";
    if (t->outer->output_count != t->inner->param_count || t->outer->input_count != 0) return "not one formula";
    return NULL;
}

/* How many steps were done; the columns `now` have what the last of them made, and its gradients. */
static PyObject *core_train(
    PyObject *model, PyObject *outer, PyObject *inner, PyObject *arrays, PyObject *now, PyObject *next,
    Py_ssize_t parameters, Py_ssize_t setting_count, double first_step, double clip_norm
) {
    training t = {
        .model = PyCapsule_GetPointer(model, CAPSULE), .outer = PyCapsule_GetPointer(outer, CAPSULE),
        .inner = PyCapsule_GetPointer(inner, CAPSULE), .parameters = parameters, .setting_count = setting_count,
        .first_step = first_step, .clip_norm = clip_norm,
    };
    Py_buffer views[STEP_BUFFERS];
    Py_ssize_t sizes[STEP_BUFFERS], room, done = -1;
    void *at[STEP_BUFFERS];
    double **firsts = NULL;
    held_columns held_now = {0, NULL, NULL}, held_next = {0, NULL, NULL};
    int held = 0;
    const char *fault;
    if (t.model == NULL || t.outer == NULL || t.inner == NULL) return NULL;
    if (!PyTuple_CheckExact(arrays) || PyTuple_GET_SIZE(arrays) != STEP_BUFFERS) {
        PyErr_SetString(PyExc_ValueError, "another number of buffers than a training has");
        return NULL;
    }
    for (; held < STEP_BUFFERS; held++) {
        const int flags = step_buffers[held].writable ? PyBUF_WRITABLE : PyBUF_SIMPLE;
        if (PyObject_GetBuffer(PyTuple_GET_ITEM(arrays, held), &views[held], flags) < 0) goto ended;
        at[held] = views[held].buf;
        sizes[held] = views[held].len / step_buffers[held].size;
    }
    if (hold_columns(&held_now, now, t.inner->input_count, parameters, PyBUF_WRITABLE) < 0 ||
        hold_columns(&held_next, next, t.inner->output_count, parameters, PyBUF_WRITABLE) < 0)
        goto ended;
    t.columns = held_now.count;
    t.now = held_now.at;
    t.next = held_next.at;
    t.sizes = at[STEP_SIZES];
    t.batch = at[STEP_BATCH];
    t.outputs = at[STEP_OUTPUTS];
    t.scalars = at[STEP_SCALARS];
    t.slots = at[STEP_SLOTS];
    t.places = at[STEP_PLACES];
    t.settings = at[SETTINGS];
    t.outer_scalars = at[OUTER_SCALARS];
    t.outer_slots = at[OUTER_SLOTS];
    t.outer_places = at[OUTER_PLACES];
    t.inner_scalars = at[INNER_SCALARS];
    t.inner_slots = at[INNER_SLOTS];
    t.norms = at[NORMS];
    t.steps = sizes[STEP_SIZES];
    t.settings_stride = sizes[SETTINGS] == setting_count ? 0 : setting_count;
    fault = t.columns < 2 || held_next.count != t.columns - 1 ? "another number of columns than a formula has"
                                                              : fault_of_training(&t, sizes);
    if (fault != NULL) {
        PyErr_SetString(PyExc_ValueError, fault);
        goto ended;
    }
    t.sums_in_order = is_in_order(t.places + t.model->param_count, t.model->param_count);
    t.in_order = t.model->param_count == parameters && is_in_order(t.places, parameters);
    room = 2 * t.model->param_count + t.model->output_count + t.inner->param_count;
    t.block = PyMem_RawCalloc((size_t)room + 1, sizeof(double));
    t.computed_at = PyMem_RawMalloc((size_t)(t.inner->param_count + 1) * sizeof(double *));
    firsts = PyMem_RawMalloc((size_t)t.columns * sizeof(double *));
    if (t.block == NULL || t.computed_at == NULL || firsts == NULL) {
        PyErr_NoMemory();
        goto ended;
    }
    t.total = t.block + t.model->param_count;
    t.seeds = t.total + t.model->param_count;
    t.computed = t.seeds + t.model->output_count;
    for (Py_ssize_t p = 0; p < t.inner->param_count; p++) t.computed_at[p] = t.computed + p;
    memcpy(firsts, t.now, (size_t)t.columns * sizeof(double *));
    t.model->scalars = t.scalars;
    t.outer->scalars = t.outer_scalars;
    t.inner->scalars = t.inner_scalars;
    Py_BEGIN_ALLOW_THREADS
    done = run_training(&t);
    for (Py_ssize_t c = 0; c < t.columns; c++) /* an odd number of swaps leaves them in the other arrays */
        if (t.now[c] != firsts[c]) memcpy(firsts[c], t.now[c], (size_t)parameters * sizeof(double));
    Py_END_ALLOW_THREADS
ended:
    while (held > 0) PyBuffer_Release(&views[--held]);
    release_columns(&held_next);
    release_columns(&held_now);
    PyMem_RawFree(t.block);
    PyMem_RawFree(t.computed_at);
    PyMem_RawFree(firsts);
    return done < 0 ? NULL : PyLong_FromSsize_t(done);
}

#endif
